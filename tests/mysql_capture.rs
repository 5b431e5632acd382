//! Whole captures of MariaDB's audit log: an attack among ordinary traffic.
//!
//! `tests/data/capture/shop.log` is a shop's day with a backup, the set-up by an administrator and
//! an attack; `shop.expected` says which rules each line must match. The capture of the corpus is
//! one of a real server.

mod common;
mod pack;

use common::{assert_committed, corpus, root};
use pack::{engine, loaded, log_record};
use sigmatag::engine::{Engine, Event, Format, Scratch};
use std::collections::{BTreeMap, BTreeSet};

/// File names of the rules by id, without what they share.
fn names() -> BTreeMap<String, String> {
    let rules = loaded().collection.rules;
    rules
        .iter()
        .map(|rule| {
            let stem = pack::file_stem(rule);
            let name = stem.strip_prefix("mysql_audit_").unwrap_or(&stem).to_owned();
            (rule.meta.id.clone().expect("an id"), name)
        })
        .collect()
}

/// The levels of the rules by the same names.
fn levels() -> BTreeMap<String, String> {
    let names = names();
    let rules = loaded().collection.rules;
    rules
        .iter()
        .map(|rule| {
            let name = names[rule.meta.id.as_deref().expect("an id")].clone();
            (name, rule.meta.level.expect("a level").as_str().to_owned())
        })
        .collect()
}

/// The rules that each line matches.
fn tagged(log: &[u8], engine: &Engine) -> Vec<BTreeSet<String>> {
    let names = names();
    let mut scratch = Scratch::new(engine);
    let log = log.strip_suffix(b"\n").unwrap_or(log);
    log.split(|byte| *byte == b'\n')
        .map(|line| {
            let record = log_record(line);
            let event = Event::new(Format::Msgpack, &record);
            scratch.match_event(engine, &event).expect("a record");
            let rules = scratch.rules();
            scratch
                .hits()
                .iter()
                .map(|hit| names[rules.rule(hit.rule).expect("a rule").id].clone())
                .collect()
        })
        .collect()
}

#[test]
fn each_line_of_the_shop_matches_what_it_must() {
    let log = std::fs::read(root().join("tests/data/capture/shop.log")).expect("the capture");
    let tagged = tagged(&log, &engine());
    let mut text = String::new();
    for (index, rules) in tagged.iter().enumerate() {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        text.push_str(&format!("{}: {}\n", index + 1, rules.join(" ")));
    }
    assert_committed("tests/data/capture/shop.expected", &text);
}

/// Where the attack on the shop begins.
const FIRST_OF_ATTACK: usize = 73;

/// Says which rules of more than level `low` ordinary lines match.
fn loud(
    log: &[u8],
    tagged: &[BTreeSet<String>],
    lines: impl Iterator<Item = usize>,
) -> Vec<String> {
    let levels = levels();
    let log: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    let is_loud = |rule: &&String| !matches!(levels[*rule].as_str(), "informational" | "low");
    lines
        .filter_map(|line| {
            let rules: Vec<&str> =
                tagged[line - 1].iter().filter(is_loud).map(String::as_str).collect();
            let text = String::from_utf8_lossy(log[line - 1]);
            (!rules.is_empty()).then(|| format!("{}: {text}", rules.join(" ")))
        })
        .collect()
}

#[test]
fn ordinary_traffic_of_the_shop_stays_low() {
    let log = std::fs::read(root().join("tests/data/capture/shop.log")).expect("the capture");
    let tagged = tagged(&log, &engine());
    let found = loud(&log, &tagged, 1..FIRST_OF_ATTACK);
    assert_eq!(found.len(), 1, "{}", found.join("\n"));
    assert!(found[0].starts_with("account_created: "), "set-up by root: {}", found[0]);
}

/// What the rules find in the capture of a real server: rule and lines. Sessions are left out, all
/// of them match.
const FOUND: [(&str, &[usize]); 50] = [
    ("account_anonymous", &[884]),
    ("account_created", &[22, 33, 44, 826, 835, 884, 892, 1034]),
    ("account_removed", &[860, 868, 876, 1035]),
    ("audit_disabled", &[1040]),
    ("audit_weakened", &[1027, 1028, 1031, 1036]),
    ("binlog_purged", &[1022, 1023]),
    ("binlog_session_off", &[919]),
    ("bulk_read", &[744, 746, 957, 986, 991]),
    ("change_user", &[959]),
    ("drop_database", &[1012]),
    ("drop_table", &[688, 764, 804, 907, 996, 998, 1000, 1033]),
    ("dumpfile_library", &[781]),
    ("event_created", &[899, 902]),
    ("executable_content", &[779]),
    ("general_log_toggle", &[808, 810, 814, 816, 817, 818]),
    ("grant_powerful", &[47, 829, 832, 835]),
    ("grant_table_read", &[673, 742, 744]),
    ("grant_table_write", &[843]),
    ("init_connect", &[914]),
    ("kill", &[1024]),
    ("load_data", &[757]),
    ("load_data_local", &[759]),
    ("load_file", &[751, 752, 753, 948, 950, 955, 956]),
    ("local_infile_enabled", &[916]),
    ("log_file_redirect", &[806, 811, 812, 1037, 1038]),
    ("log_file_script", &[806, 812, 1037]),
    (
        "login_failed",
        &[
            694, 696, 698, 700, 702, 704, 706, 708, 710, 712, 714, 716, 961, 963, 965, 967, 969,
            971, 973, 975, 977, 979, 981, 983,
        ],
    ),
    ("outfile", &[765, 766, 767, 769, 770, 771, 781, 952, 954]),
    ("outfile_script", &[765, 766, 767, 954]),
    ("outfile_sensitive_path", &[765, 766, 767, 769, 770, 771, 954]),
    ("password_changed", &[837, 839, 841]),
    ("plugin_install", &[795, 797, 1040]),
    ("ransom_note", &[1013, 1015, 1020]),
    ("replication_changed", &[897, 898]),
    ("root_changed", &[839, 841]),
    ("schema_recon", &[739, 740]),
    ("secure_file_priv", &[725, 726, 727, 728, 917]),
    ("security_setting", &[918, 922]),
    ("sql_error", &[673, 685, 687, 688, 689, 691, 693, 957, 958]),
    ("sqli_error", &[685, 687, 693]),
    ("sqli_stacked", &[688]),
    ("sqli_tautology", &[672]),
    ("sqli_time", &[679, 681, 683, 815]),
    ("sqli_union", &[673, 675, 677]),
    ("statement_cut", &[1029]),
    ("text_truncated", &[779, 945, 946, 947]),
    ("trigger_created", &[908]),
    ("udf_create", &[783, 785, 787]),
    ("udf_known", &[783, 785, 788, 789, 799]),
    ("udf_table_write", &[793]),
];

/// The set-up by root, which is ordinary and louder than `low`: lines.
const SET_UP: [usize; 4] = [22, 33, 44, 47];

/// Where the first injection into the shop's statements stands.
const FIRST_INJECTION: usize = 672;

#[test]
fn the_capture_of_a_real_server() {
    let Some(corpus) = corpus("rules on a capture of MariaDB's audit log") else {
        return;
    };
    let log = std::fs::read(corpus.join("mariadb_server_audit.log")).expect("the capture");
    let tagged = tagged(&log, &engine());
    let mut lines: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, rules) in tagged.iter().enumerate() {
        for rule in rules {
            lines.entry(rule).or_default().push(index + 1);
        }
    }
    lines.remove("connection");
    let found: Vec<(&str, &[usize])> =
        lines.iter().map(|(rule, lines)| (*rule, lines.as_slice())).collect();
    assert_eq!(found, FOUND);
    let ordinary = (1..FIRST_INJECTION).filter(|line| !SET_UP.contains(line));
    let found = loud(&log, &tagged, ordinary);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
