//! The script for Fluent Bit's own filter `lua`, in the real Fluent Bit, beside the filter in C, both
//! out of an installed package: the common events as texts and as tables, bad input, and what the
//! detour by tables loses.

mod common;
mod dialects;
#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;
mod hosts;
mod recorded;

use common::documents::{DESTINATIONS, MARIADB, RECORDS};
use common::{assert_committed, scratch_folder};
use fluent_bit_support::host::{
    FILE_OUT, Host, classic_with, filter_section, json, through_forward, workplace,
};
use fluent_bit_support::{EVIL, EVIL_ID, ODD, compile_rules, decode_all, encode, map};
use hosts::expected::without_hash;
use hosts::{Installed, install};
use rmpv::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What the tables of Lua lose.
const LOSSES: &str = "tests/data/hosts/lua_tables.golden";

/// Names and values of options.
type Options<'a> = &'a [(&'a str, &'a str)];

const AS_TEXT: &str = "";
const AS_TABLES: &str = "    Parser json\n";

/// The library, the filter and the script, as packages leave them.
fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let destination = scratch_folder("installed-fluent-bit");
        install("install-library", &destination);
        install("install-filter", &destination);
        Installed { destination }
    })
}

/// The filter.
fn filter_object() -> PathBuf {
    installed().library_folder().join("fluent-bit/flb-filter_sigmatag.so")
}

fn classic(directory: &tempfile::TempDir, sections: &str) -> PathBuf {
    classic_with(&filter_object(), directory, sections)
}

fn tail(parser: &str) -> String {
    format!(
        "[INPUT]\n    Name tail\n    Path @/in.jsonl\n    Tag t\n    Read_from_Head On\n    \
         Buffer_Max_Size 1M\n{parser}"
    )
}

fn lua_section() -> String {
    format!(
        "[FILTER]\n    Name lua\n    Match *\n    Script {}\n    Call sigmatag\n",
        script().display()
    )
}

fn script() -> PathBuf {
    installed().destination.join("usr/share/sigmatag/fluent-bit/sigmatag.lua")
}

/// The variables that the script takes its options from.
fn variables(options: &[(&str, &str)]) -> Vec<(String, String)> {
    let library = installed().shared().display().to_string();
    let mut all = BTreeMap::from([("SIGMATAG_LIBRARY".to_owned(), library)]);
    for (name, value) in options {
        all.insert(format!("SIGMATAG_{}", name.to_uppercase()), (*value).to_owned());
    }
    all.into_iter().collect()
}

/// The common events through a filter; the lines that come out, and the log.
fn common_events(parser: &str, filter: &str, options: &[(&str, &str)]) -> (Vec<String>, String) {
    let common = hosts::common();
    let directory = workplace();
    let input = common.lines(|each| &each.event.json);
    fs::write(directory.path().join("in.jsonl"), input).expect("write");
    fs::copy(&common.rules, directory.path().join("rules.sgt")).expect("the rules");
    let config = classic(&directory, &format!("{}{filter}{FILE_OUT}", tail(parser)));
    let rules = directory.path().join("rules.sgt").display().to_string();
    let mut all = vec![("rules", rules.as_str())];
    all.extend(options);
    let mut host = Host::start_with(directory, &config, &variables(&all));
    let lines = host.wait_for_lines(common.events.len());
    assert_eq!(lines.len(), common.events.len());
    (lines, host.stop())
}

fn c_filter() -> String {
    filter_section("    rules @/rules.sgt\n")
}

/// The tag of a record that came out, as the golden file has it.
fn tag(record: &Json) -> String {
    record.get("sigma").filter(|tag| tag.get("ruleset").is_some()).map_or("-".to_owned(), |tag| {
        let mut tag = tag.clone();
        tag["ruleset"] = "*".into();
        tag.to_string()
    })
}

/// The tag that the golden file says, in the same spelling.
fn right(expected: &hosts::expected::Expected) -> String {
    expected.tag.as_deref().map_or("-".to_owned(), |tag| json(&without_hash(tag)).to_string())
}

/// A record that holds an event as text has the tag of the event, by both filters, and nothing else
/// of it changes.
#[test]
fn events_in_a_text_are_tagged_as_by_the_filter_in_c() {
    let (c, log) = common_events(AS_TEXT, &c_filter(), &[]);
    assert!(log.contains("15 rules from "), "{log}");
    for options in [&[("raw_key", "log")][..], &[]] {
        let (lua, log) = common_events(AS_TEXT, &lua_section(), options);
        assert!(log.contains("] [info] [filter:lua:sigmatag] rules from /"), "{log}");
        assert!(!log.contains("[error]"), "{log}");
        for (number, (c, lua)) in c.iter().zip(&lua).enumerate() {
            assert_eq!(json(c), json(lua), "event {number}, {options:?}");
        }
    }
    let mut agree = 0;
    for (number, (line, expected)) in c.iter().zip(&hosts::common().events).enumerate() {
        let (found, right) = (tag(&json(line)), right(expected));
        // A text of no known source stays a text: its fields are not looked at.
        let kind = &expected.event.kind;
        let is_foreign = ["foreign", "marked", "decorated"].iter().any(|word| kind.contains(word));
        assert!(found == right || (is_foreign && found == "-"), "event {number}, {kind}: {line}");
        agree += usize::from(found == right && right != "-");
    }
    assert!(agree > 250, "{agree} tags agree");
}

/// Records that come as msgpack and go on as msgpack: each is what every host makes of it. Records that
/// end too early are none for Fluent Bit.
#[test]
fn records_are_tagged_by_the_filter_in_c_as_by_every_host() {
    let whole: Vec<_> = hosts::common().events.iter().filter(|each| !each.event.is_cut).collect();
    assert!(whole.len() > 900, "{} records", whole.len());
    // The bytes of the records as they are: a library would write texts that are no UTF-8 otherwise.
    let time = encode(&Value::from(1_700_000_000));
    let entries = whole.iter().map(|each| [&[0x92], &time[..], &each.event.msgpack].concat());
    let entries = Value::Binary(entries.collect::<Vec<_>>().concat());
    let message = Value::Array(vec!["t".into(), entries, map(&[("size", whole.len().into())])]);

    let directory = workplace();
    fs::copy(&hosts::common().rules, directory.path().join("rules.sgt")).expect("the rules");
    let messages = encode(&message);
    let (entries, log) =
        through_forward(&filter_object(), directory, &c_filter(), &messages, whole.len());
    assert!(log.contains("15 rules from "), "{log}");
    assert_eq!(entries.len(), whole.len());
    for (number, (entry, expected)) in entries.iter().zip(&whole).enumerate() {
        let right = decode_all(&expected.msgpack).remove(0);
        assert_eq!(entry[1], right, "record {number}, {}", expected.event.kind);
    }
}

/// Records as tables: what Fluent Bit hands to Lua is not all of what it has.
#[test]
fn what_tables_lose_is_known() {
    let (c, _) = common_events(AS_TABLES, &c_filter(), &[]);
    let (lua, log) = common_events(AS_TABLES, &lua_section(), &[]);
    assert!(!log.contains("[error]"), "{log}");
    let mut text =
        "# number and kind of each event that comes out of the script otherwise than of the \
                    filter in C: what differs\n"
            .to_owned();
    for (number, (c, lua)) in c.iter().zip(&lua).enumerate() {
        let (c, lua) = (json(c), json(lua));
        let mut lost = Vec::new();
        differences("", &c, &lua, &mut lost);
        if !lost.is_empty() {
            let kind = &hosts::common().events[number].event.kind;
            text +=
                &format!("{number}\t{kind}\t{}\n", lost.join(", ").replace(&hash(&c, &lua), "*"));
        }
    }
    assert_committed(LOSSES, &text);
}

/// Some lines through a filter with the built-in rules; the records that come out.
fn lines_through(parser: &str, filter: &str, options: Options<'_>, count: usize) -> Vec<Json> {
    let directory = workplace();
    let lines = format!("{RECORDS}{MARIADB}\n");
    fs::write(directory.path().join("in.jsonl"), lines).expect("write");
    let config = classic(&directory, &format!("{}{filter}{FILE_OUT}", tail(parser)));
    let mut host = Host::start_with(directory, &config, &variables(options));
    let lines = host.wait_for_lines(count);
    let log = host.stop();
    assert!(!log.contains("[error]"), "{log}");
    assert_eq!(lines.len(), count, "{lines:?}");
    lines.iter().map(|line| json(line)).collect()
}

/// The same with the filter in C.
fn lines_through_c(parser: &str, options: Options<'_>, count: usize) -> Vec<Json> {
    let options = options.iter().map(|(name, value)| format!("    {name} {value}\n"));
    lines_through(parser, &filter_section(&options.collect::<String>()), &[], count)
}

/// The original of a document is the record as JSON, and tables of Lua have no order.
fn without_order(mut record: Json) -> Json {
    let message = record.get("message").and_then(Json::as_str);
    if let Some(original) = message.and_then(|text| serde_json::from_str::<Json>(text).ok()) {
        record["message"] = original;
    }
    record
}

#[test]
fn documents_are_those_of_the_filter_in_c() {
    let flat = [("tag_format", "flat"), ("only_matching", "on")];
    for (name, more, count) in
        DESTINATIONS.map(|name| (name, &[][..], 6)).into_iter().chain([("Asim", &flat[..], 4)])
    {
        let options = [&[("normalize", name)][..], more].concat();
        let c = lines_through_c(AS_TEXT, &options, count);
        let documents = c.iter().filter(|record| record.get("log").is_none_or(Json::is_object));
        assert_eq!(documents.count(), count - 1, "{c:?}");
        assert_eq!(lines_through(AS_TEXT, &lua_section(), &options, count), c, "{name}");
        // The text under another key, and only that.
        let raw = [&options[..], &[("raw_key", "msg")]].concat();
        let mut found = lines_through("    Key msg\n", &lua_section(), &raw, count);
        for record in found.iter_mut().filter_map(Json::as_object_mut) {
            if let Some(text) = record.remove("msg") {
                record.insert("log".to_owned(), text);
            }
        }
        assert_eq!(found, c, "{name}, raw_key");
        let c = lines_through_c(AS_TABLES, &options, count).into_iter().map(without_order);
        let found = lines_through(AS_TABLES, &lua_section(), &options, count);
        let found = found.into_iter().map(without_order);
        assert_eq!(found.collect::<Vec<_>>(), c.collect::<Vec<_>>(), "{name}, as tables");
    }
}

/// The rule set that a tag of either names.
fn hash(a: &Json, b: &Json) -> String {
    let of = |record: &Json| record["sigma"]["ruleset"].as_str().map(str::to_owned);
    of(a).or_else(|| of(b)).unwrap_or_else(|| "no rule set".to_owned())
}

/// Where two values differ.
fn differences(at: &str, a: &Json, b: &Json, out: &mut Vec<String>) {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) if !(a.is_empty() || b.is_empty()) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) if key != "sigma" || a == b => {
                        differences(&format!("{at}/{key}"), a, b, out)
                    }
                    (a, b) => {
                        let shown = |value: Option<&Json>| match value {
                            None => "nothing".to_owned(),
                            Some(value) if key == "sigma" => tag_in_short(value),
                            Some(value) => value.to_string(),
                        };
                        out.push(format!("{at}/{key} {} is {}", shown(a), shown(b)));
                    }
                }
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{at}/{index}"), a, b, out);
            }
        }
        _ if a == b => {}
        _ => out.push(format!("{at} {a} is {b}")),
    }
}

/// The rules in a tag.
fn tag_in_short(tag: &Json) -> String {
    let rules = tag["rules"].as_array().map(|rules| rules.iter().map(|rule| &rule["title"]));
    rules
        .map_or(tag.to_string(), |titles| titles.map(Json::to_string).collect::<Vec<_>>().join("+"))
}

/// Runs one record through the script; what came out and the log.
fn one_record(record: &str, options: &[(&str, &str)], prepare: impl Fn(&Path)) -> (Json, String) {
    let directory = workplace();
    compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
    prepare(directory.path());
    let dummy = format!(
        "[INPUT]\n    Name dummy\n    Tag d\n    Dummy {record}\n    Rate 20\n    Samples 1\n"
    );
    let config = classic(&directory, &format!("{dummy}{}{FILE_OUT}", lua_section()));
    let at = directory.path().display().to_string();
    let options: Vec<(&str, String)> =
        options.iter().map(|(name, value)| (*name, value.replace('@', &at))).collect();
    let options: Vec<(&str, &str)> =
        options.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut host = Host::start_with(directory, &config, &variables(&options));
    let line = host.wait_for_lines(1).remove(0);
    (json(&line), host.stop())
}

const EVIL_RECORD: &str = r#"{"message":"evil","n":[1,-70000,1.5,true,"é"],"m":{"a":{"b":"c"}}}"#;

#[test]
fn options_apply() {
    let with = |options: &[(&str, &str)]| {
        let mut all = vec![("rules", "@/rules.sgt")];
        all.extend(options);
        one_record(EVIL_RECORD, &all, |_| ()).0
    };
    let mut plain = with(&[]);
    assert_eq!(plain["sigma"]["rules"][0]["id"], EVIL_ID);
    plain.as_object_mut().expect("an object").remove("sigma");
    assert_eq!(plain, json(EVIL_RECORD), "the rest stays as it is");
    assert_eq!(with(&[("tag_key", "found")])["found"]["level"], "high");
    assert_eq!(with(&[("tag_format", "flat")])["SigmaIds"][0], EVIL_ID);
    assert_eq!(with(&[("tag_format", "ecs")])["sigma"]["ids"][0], EVIL_ID);
    assert!(with(&[("min_level", "critical")]).get("sigma").is_none());
    assert!(with(&[("disable_rules", EVIL_ID)]).get("sigma").is_none());
    assert!(
        with(&[("logsource", "windows//"), ("logsource_mode", "strict")]).get("sigma").is_none()
    );
}

#[test]
fn records_are_dropped_and_split() {
    let directory = workplace();
    compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
    let input = "{\"message\":\"plain\"}\n{\"records\":[{\"category\":\"MySqlAuditLogs\",\"message\":\
                 \"odd\"},{\"category\":\"MySqlAuditLogs\",\"message\":\"plain\"},{\"category\":\
                 \"MySqlAuditLogs\",\"message\":\"evil\"}]}\n{\"message\":\"evil\"}\n";
    fs::write(directory.path().join("in.jsonl"), input).expect("write");
    let config = classic(&directory, &format!("{}{}{FILE_OUT}", tail(AS_TABLES), lua_section()));
    let rules = directory.path().join("rules.sgt").display().to_string();
    let options = [
        ("rules", rules.as_str()),
        ("split_records", "on"),
        ("only_matching", "yes"),
        ("logsource", "marker//"),
    ];
    let mut host = Host::start_with(directory, &config, &variables(&options));
    let lines = host.wait_for_lines(3);
    let messages: Vec<Json> = lines.iter().map(|line| json(line)["message"].clone()).collect();
    assert_eq!(messages, ["odd", "evil", "evil"]);
    assert!(lines.iter().all(|line| json(line)["sigma"]["rules"].is_array()), "{lines:?}");
}

/// A record is worth more than its tag: it passes, and the log says what to do.
#[test]
fn bad_input_passes_records_and_says_the_repair() {
    let newer = |folder: &Path| {
        let mut bytes = fs::read(folder.join("rules.sgt")).expect("the rules");
        bytes[8..16].copy_from_slice(&[0xE7, 3, 0, 0, 0xE7, 3, 0, 0]);
        fs::write(folder.join("newer.sgt"), bytes).expect("write");
        fs::write(folder.join("rule.yml"), EVIL).expect("write");
        fs::write(folder.join("other.so"), "no library").expect("write");
    };
    let libc = "libc.so.6";
    let cases: [(Options<'_>, &[&str]); 8] = [
        (&[("library", "@/missing.so")], &["missing.so", "mount libsigmatag.so.0"]),
        (&[("library", "@/other.so")], &["other.so", "mount libsigmatag.so.0"]),
        (&[("library", libc)], &["libc.so.6 is no libsigmatag", "same release"]),
        (&[("rules", "@/missing.sgt")], &["missing.sgt", "No such file"]),
        (&[("rules", "@/rule.yml")], &["rule.yml", "sigmatag compile"]),
        (&[("rules", "@/newer.sgt")], &["newer.sgt", "version"]),
        (
            &[("tag_format", "yaml")],
            &["option `tag_format`: unknown value `yaml`", "ecs, flat, nested"],
        ),
        (
            &[("normalize", "splunk")],
            &["option `normalize`: unknown destination `splunk`", "sekoia, ecs, asim"],
        ),
    ];
    for (options, words) in cases {
        let (record, log) = one_record(EVIL_RECORD, options, newer);
        assert_eq!(record, json(EVIL_RECORD), "{options:?}");
        assert!(log.contains("records pass untagged: "), "{options:?}: {log}");
        assert!(log.contains("1 record(s) passed untagged: "), "{options:?}: {log}");
        for word in words {
            assert!(log.contains(word), "{options:?}: no `{word}` in {log}");
        }
    }
}

#[test]
fn a_start_without_rules_is_refused_where_that_is_asked_for() {
    let directory = workplace();
    let dummy = "[INPUT]\n    Name dummy\n    Tag d\n";
    let config = classic(&directory, &format!("{dummy}{}{FILE_OUT}", lua_section()));
    let options = [("rules", "/missing.sgt"), ("required", "on")];
    let mut host = Host::start_with(directory, &config, &variables(&options));
    assert!(!host.wait_for_end().success(), "{}", host.log());
    assert!(host.log().contains("Fluent Bit is not to start: option `rules`: /missing.sgt: cannot be opened: No such file"), "{}", host.log());
    assert!(host.log().contains("function sigmatag is not found"), "{}", host.log());
}

/// Several filters have options of their own by scripts of their own; rules are read again.
#[test]
fn scripts_hold_options_and_rules_are_read_again() {
    let directory = workplace();
    let at = |name: &str| directory.path().join(name);
    compile_rules(&[EVIL], &at("rules.sgt"));
    fs::write(at("in.jsonl"), "{\"message\":\"odd\"}\n").expect("write");
    let script = format!(
        "sigmatag_options = {{ library = '{}', rules = '{}', tag_key = 'own', reload_seconds = 1 }}\n\
         dofile('{}')\n",
        installed().shared().display(),
        at("rules.sgt").display(),
        script().display()
    );
    fs::write(at("own.lua"), script).expect("write");
    let filter = "[FILTER]\n    Name lua\n    Match *\n    Script @/own.lua\n    Call sigmatag\n";
    let config = classic(&directory, &format!("{}{filter}{FILE_OUT}", tail(AS_TABLES)));
    let (input, rules) = (at("in.jsonl"), at("rules.sgt"));
    let mut host = Host::start(directory, &config);
    let first = host.wait_for_lines(1).remove(0);
    assert!(json(&first).get("own").is_none(), "{first}");
    let new = rules.with_file_name("new.sgt");
    compile_rules(&[ODD], &new);
    fs::rename(&new, &rules).expect("the same folder");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let mut file = fs::OpenOptions::new().append(true).open(&input).expect("open");
    std::io::Write::write_all(&mut file, b"{\"message\":\"odd\"}\n").expect("write");
    let second = host.wait_for_lines(2).remove(1);
    assert_eq!(json(&second)["own"]["level"], "low", "{second}");
    // A file that is no rule set leaves the rules in force.
    fs::write(&new, "title: no compiled rules\n").expect("write");
    fs::rename(&new, &rules).expect("the same folder");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    std::io::Write::write_all(&mut file, b"{\"message\":\"odd\"}\n").expect("write");
    let third = host.wait_for_lines(3).remove(2);
    assert_eq!(json(&third)["own"]["level"], "low", "{third}");
    assert!(host.stop().contains("the old rules stay in force: "));
}
