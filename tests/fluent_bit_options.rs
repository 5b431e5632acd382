//! What each option of the shipped filter does, and what it counts: in a stand-in host, see
//! tests/fluent_bit_layouts.rs.

#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;

use std::fs;
use std::path::Path;

use fluent_bit_support::fake_host::Generation::{V1_8_12, V5_0_3};
use fluent_bit_support::fake_host::{FakeHost, SUPPORTED, body, legacy, v2, v2_record};
use fluent_bit_support::{
    EVIL, EVIL_ID, ODD, ODD_ID, compile_rules, decode_all, get, map, tagged_ids, without,
};
use rmpv::Value;

/// Matches MySQL audit events of `mallory`; level medium.
const AUDIT: &str = "\
title: Marker audit
id: 33333333-3333-4333-8333-333333333333
status: test
author: Test
logsource:
    category: database
    product: mysql
    service: audit
detection:
    selection:
        user: mallory
    condition: selection
level: medium
";
const AUDIT_ID: &str = "33333333-3333-4333-8333-333333333333";

fn rules_file(directory: &Path, rules: &[&str]) -> String {
    let path = directory.join("rules.sgt");
    compile_rules(rules, &path);
    path.display().to_string()
}

/// A host whose instance 0 has started with these rules and options; its log.
fn started(rules: &[&str], options: &[(&str, &str)]) -> (FakeHost, String, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = rules_file(directory.path(), rules);
    let mut host = FakeHost::start(V5_0_3, None);
    let options = [&[("rules", path.as_str())], options].concat();
    let log = host.started(0, &options).join("\n");
    (host, log, directory)
}

fn ids(ids: &[&str]) -> Option<Vec<String>> {
    Some(ids.iter().map(|&id| id.to_owned()).collect())
}

fn audit_event(user: &str) -> Value {
    map(&[
        ("category", Value::from("MySqlAuditLogs")),
        (
            "properties",
            map(&[("event_class", Value::from("connection_log")), ("user", Value::from(user))]),
        ),
    ])
}

fn record(body: Value) -> Vec<u8> {
    v2_record(map(&[]), body)
}

/// Body and ids of every record that goes on.
fn outcome(host: &mut FakeHost, chunk: &[u8]) -> Vec<(Value, Option<Vec<String>>)> {
    let records = host.records(0, chunk);
    records.iter().map(|record| (record[1].clone(), tagged_ids(&record[1], "sigma"))).collect()
}

#[test]
fn wrong_values_are_refused_with_place_and_repair() {
    let cases: &[((&str, &str), &str)] = &[
        (
            ("logsource_mode", "strickt"),
            "unknown value `strickt`; did you mean `strict`? (values: auto, strict, none)",
        ),
        (
            ("split_records", "onn"),
            "unknown value `onn`; did you mean `on`? (values: on, true, yes, 1, off, false, no, 0)",
        ),
        (("only_matching", "2"), "option `only_matching`: unknown value `2`"),
        (("strip_foreign", "-"), "option `strip_foreign` is empty"),
        (("match_metadata", "flase"), "did you mean `false`?"),
        (("disable_rule", "x"), "unknown option `disable_rule`; did you mean `disable_rules`?"),
        (("splitrecords", "on"), "did you mean `split_records`?"),
        (
            ("logsource", "mysql/audit"),
            "entry 1 `mysql/audit` needs two slashes, also where a part is empty, as in `windows//sysmon`: \
             write TAG-PATTERN=product/category/service, as in `mysql.*=mysql/database/audit`",
        ),
        (
            ("logsource", "a.*=windows//sysmon/x"),
            "entry 1 `a.*=windows//sysmon/x` needs two slashes",
        ),
        (("logsource", "//"), "entry 1 `//` names no product, category or service"),
        (("logsource", "a=//"), "entry 1 `a=//` names no product"),
        (
            ("logsource", "a.*=windows//sysmon, mysql/database/audit"),
            "entry 2 `mysql/database/audit` has no tag pattern",
        ),
        (("logsource", "a=windows//,,b=mysql//"), "entry 2 `` is empty: remove the comma"),
        (("logsource", "a=windows//,"), "entry 2 `` is empty"),
        (("logsource", "=windows//"), "entry 1 `=windows//` has no tag pattern"),
        (("logsource", "a b=windows//"), "has a blank in its tag pattern"),
        (("logsource", "a=win dows//"), "has a character that is in no log source"),
        (("logsource", "a=b=windows//"), "has a character that is in no log source"),
        (
            ("logsource", "*=windows//, mysql.*=mysql//"),
            "entry 2 `mysql.*=mysql//` is never reached, entry 1 fits all of its tags: put it before that entry",
        ),
        (
            ("logsource", "a.*=windows//, b=mysql//, a.*.c=mysql//"),
            "entry 3 `a.*.c=mysql//` is never",
        ),
    ];
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        for (n, (option, expected)) in cases.iter().enumerate() {
            let reason = host.refused(n % 8, &[("rules", &rules), *option]);
            assert!(reason.contains(expected), "{generation:?}: {expected} not in {reason}");
        }
    }
}

#[test]
fn the_start_names_what_is_in_force() {
    let (_host, log, _directory) = started(&[EVIL, AUDIT], &[]);
    for part in [
        "2 rules from /",
        " (0 skipped when compiled), rule set ",
        "MiB; sigmatag 0.1.0, host layout 2, metrics on, matches by rule and level",
        "azure-mysql",
        "; logsource_mode auto; min_level all, match_metadata off; tag_format nested, tag_key sigma, \
         split_records off, only_matching off, strip_foreign off",
    ] {
        assert!(log.contains(part), "{part} not in {log}");
    }
    assert!(!log.contains("log 2 "), "nothing to warn of: {log}");

    let (_host, log, _directory) = started(
        &[EVIL, AUDIT],
        &[
            ("logsource_mode", "Strict"),
            ("logsource", "a.*=Marker//, b = mysql/database/audit"),
            ("min_level", "low"),
            ("match_metadata", "Yes"),
            ("tag_format", "flat"),
            ("split_records", "1"),
            ("only_matching", "TRUE"),
            ("strip_foreign", "on"),
            ("disable_rules", EVIL_ID),
        ],
    );
    for part in [
        "2 rules from /",
        " (1 disabled, 0 skipped when compiled)",
        "; logsource_mode strict, logsource a.*=marker//, b=mysql/database/audit; min_level low, \
         match_metadata on; tag_format flat, split_records on, only_matching on, strip_foreign on",
    ] {
        assert!(log.contains(part), "{part} not in {log}");
    }
    assert!(!log.contains("log 2 "), "nothing to warn of: {log}");
}

#[test]
fn logsource_mode_decides_what_an_unknown_source_meets() {
    let modes = [
        ("auto", true, 1, "every rule is tried on them"),
        ("strict", false, 1, "no rule is tried"),
    ];
    for (mode, tagged, unrouted, warning) in modes {
        let (mut host, _, _directory) = started(&[EVIL], &[("logsource_mode", mode)]);
        assert_eq!(host.ids(0, "evil"), tagged.then(|| vec![EVIL_ID.to_owned()]), "{mode}");
        assert_eq!(host.series(0, "passed", "reason=unrouted"), Some(unrouted), "{mode}");
        let (_, answer) = {
            let (mut other, _, _directory) = started(&[EVIL], &[("logsource_mode", mode)]);
            let chunk = fluent_bit_support::fake_host::hex(&v2("evil"));
            other.result(&format!("filter 0 own {chunk}"))
        };
        assert!(answer.iter().any(|line| line.contains(warning)), "{mode}: {answer:?}");
    }
    let (mut host, _, _directory) = started(&[EVIL], &[("logsource_mode", "none")]);
    assert_eq!(host.ids(0, "evil"), ids(&[EVIL_ID]));
    assert_eq!(host.series(0, "passed", "reason=unrouted"), Some(0));

    // A known source: auto keeps rules of other products away, none does not.
    for (mode, expected) in [("auto", None), ("strict", None), ("none", ids(&[EVIL_ID]))] {
        let (mut host, _, _directory) = started(&[EVIL, AUDIT], &[("logsource_mode", mode)]);
        let mut event = audit_event("app");
        event.as_map_mut_push("message", "evil");
        assert_eq!(outcome(&mut host, &record(event))[0].1, expected, "{mode}");
        let event = audit_event("mallory");
        assert_eq!(outcome(&mut host, &record(event))[0].1, ids(&[AUDIT_ID]), "{mode}");
    }
}

trait Push {
    fn as_map_mut_push(&mut self, key: &str, value: &str);
}

impl Push for Value {
    fn as_map_mut_push(&mut self, key: &str, value: &str) {
        let Value::Map(entries) = self else { panic!("a map") };
        entries.push((Value::from(key), Value::from(value)));
    }
}

#[test]
fn a_log_source_can_be_given_for_each_tag() {
    let list =
        "win*.sys=windows//sysmon, marker.*.x=marker//, exact=marker//,m*k*r=marker/process/";
    let (mut host, log, _directory) = started(&[EVIL], &[("logsource", list)]);
    assert!(log.contains("no rule of this set is for `windows//sysmon` (entry 1)"), "{log}");
    assert!(log.contains("The rules are for: marker//"), "{log}");
    // Given log sources are compared; `unrouted` counts only tags without one.
    let cases = [
        ("winevt.a.sys", false, 0),
        ("win.sys", false, 0),
        ("win.syslog", true, 1),
        ("marker.a.b.x", true, 0),
        ("marker.x", true, 1),
        ("exact", true, 0),
        ("exactly", true, 1),
        ("mkr", true, 0),
        ("mkmkrr", true, 0),
        ("mkrr.", true, 1),
    ];
    let mut unrouted = 0;
    for (tag, tagged, counted) in cases {
        host.command(&format!("tag {tag}"));
        unrouted += counted;
        assert_eq!(host.ids(0, "evil"), tagged.then(|| vec![EVIL_ID.to_owned()]), "{tag}");
        assert_eq!(host.series(0, "passed", "reason=unrouted"), Some(unrouted), "{tag}");
    }

    // The first that fits wins, and one for all tags.
    let (mut host, _, _directory) = started(
        &[EVIL],
        &[("logsource", "a.b=windows//, a.*=marker//"), ("logsource_mode", "strict")],
    );
    for (tag, tagged) in [("a.b", false), ("a.c", true), ("b", false)] {
        host.command(&format!("tag {tag}"));
        assert_eq!(host.ids(0, "evil"), tagged.then(|| vec![EVIL_ID.to_owned()]), "{tag}");
    }
    let (mut host, _, _directory) =
        started(&[EVIL], &[("logsource", "marker//"), ("logsource_mode", "strict")]);
    assert_eq!(host.ids(0, "evil"), ids(&[EVIL_ID]));

    let (_, log, _directory) =
        started(&[EVIL], &[("logsource", "marker//"), ("logsource_mode", "none")]);
    assert!(log.contains("option `logsource` has no effect with logsource_mode none"), "{log}");
}

#[test]
fn disabled_rules_do_not_report() {
    for list in [
        EVIL_ID.to_owned(),
        format!("  {} ,,", EVIL_ID.to_uppercase()),
        format!("{EVIL_ID} {ODD_ID}"),
        format!("{EVIL_ID},{ODD_ID}"),
    ] {
        let (mut host, log, _directory) = started(&[EVIL, ODD], &[("disable_rules", &list)]);
        assert_eq!(host.ids(0, "evil"), None, "{list}");
        let odd = if list.contains(ODD_ID) { None } else { ids(&[ODD_ID]) };
        assert_eq!(host.ids(0, "odd"), odd, "{list}");
        assert!(!log.contains("log 2 "), "{log}");
    }

    let unknown = format!("{ODD_ID}, no-such-rule {}", "44444444-4444-4444-8444-444444444444");
    let (mut host, log, _directory) = started(&[EVIL, ODD], &[("disable_rules", &unknown)]);
    assert!(
        log.contains("option `disable_rules`: 2 of its ids are not in the rule set, the first is `no-such-rule`"),
        "{log}"
    );
    assert!(log.contains("(1 disabled, "), "{log}");
    assert_eq!((host.ids(0, "odd"), host.ids(0, "evil")), (None, ids(&[EVIL_ID])));

    // A list as long as an export of hundreds of rules.
    let long: Vec<String> = (0..1000).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    let (mut host, log, _directory) =
        started(&[EVIL, ODD], &[("disable_rules", &format!("{}, {ODD_ID}", long.join(", ")))]);
    assert!(log.contains("1000 of its ids are not in the rule set"), "{log}");
    assert_eq!(host.ids(0, "odd"), None);
}

#[test]
fn metadata_takes_part_where_asked_for() {
    let chunk = v2_record(map(&[("message", Value::from("evil"))]), map(&[("n", Value::from(1))]));
    for (option, expected) in [("off", None), ("on", ids(&[EVIL_ID]))] {
        let (mut host, _, _directory) = started(&[EVIL], &[("match_metadata", option)]);
        assert_eq!(outcome(&mut host, &chunk)[0].1, expected, "{option}");
    }
}

#[test]
fn envelopes_are_split_where_asked_for() {
    let envelope = map(&[(
        "records",
        Value::Array(vec![audit_event("app"), audit_event("mallory"), audit_event("app")]),
    )]);
    let chunk = [record(body("harmless")), record(envelope.clone())].concat();
    for off in ["off", "no", "FALSE", "0"] {
        let (mut host, _, _directory) = started(&[AUDIT], &[("split_records", off)]);
        let records = outcome(&mut host, &chunk);
        assert_eq!(records.len(), 2, "{off}");
        assert_eq!(records[1].1, ids(&[AUDIT_ID]), "{off}");
        assert_eq!(without(&records[1].0, "sigma"), envelope, "{off}");
        assert_eq!(host.counter(0, "split"), Some(0), "{off}");
    }
    for on in ["on", "Yes", "true", "1"] {
        let (mut host, _, _directory) = started(&[AUDIT], &[("split_records", on)]);
        let records = outcome(&mut host, &chunk);
        let found: Vec<_> = records.iter().map(|(_, ids)| ids.clone()).collect();
        assert_eq!(found, [None, None, ids(&[AUDIT_ID]), None], "{on}");
        assert_eq!(records[1].0, audit_event("app"), "{on}");
        assert_eq!(without(&records[2].0, "sigma"), audit_event("mallory"), "{on}");
        assert_eq!(host.counter(0, "split"), Some(1), "{on}");
        assert_eq!(host.counter(0, "matches"), Some(1), "{on}");
        let done = host.command("exit 0").join("\n");
        assert!(done.contains("0 dropped, 1 split, 0 stripped"), "{done}");
    }
}

#[test]
fn only_matching_records_go_on_where_asked_for() {
    let routed = ("logsource", "marker//");
    let (mut host, _, _directory) = started(&[EVIL], &[("only_matching", "on"), routed]);
    let chunk = [v2("harmless"), v2("evil"), v2("harmless"), legacy("harmless")].concat();
    let records = outcome(&mut host, &chunk);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].1, ids(&[EVIL_ID]));
    assert_eq!(host.counter(0, "dropped"), Some(3));
    // All of a chunk: the host gets an empty one.
    assert_eq!(host.filter(0, "own", &v2("harmless").repeat(5)), Some(Vec::new()));
    assert_eq!(host.counter(0, "dropped"), Some(8));
    assert_eq!(host.ids(0, "evil"), ids(&[EVIL_ID]), "and goes on working");
    // What was not examined in full passes.
    let mut cut = [v2("harmless"), v2("harmless")].concat();
    cut.truncate(cut.len() - 2);
    let passed = host.filter(0, "own", &cut).expect("one dropped");
    assert_eq!(passed, &cut[v2("harmless").len()..]);
    assert_eq!(host.series(0, "passed", "reason=malformed"), Some(1));
    let done = host.command("exit 0").join("\n");
    assert!(done.contains("9 dropped, 0 split, 0 stripped"), "{done}");

    // Nor is one dropped whose source is not known.
    let (mut host, _, _directory) = started(&[EVIL], &[("only_matching", "on")]);
    assert_eq!(outcome(&mut host, &[v2("harmless"), v2("evil")].concat()).len(), 2);
    assert_eq!(host.counter(0, "dropped"), Some(0));

    let (mut host, _, _directory) = started(&[EVIL], &[("only_matching", "off"), routed]);
    assert_eq!(outcome(&mut host, &chunk).len(), 4);
}

#[test]
fn foreign_tags_are_removed_where_asked_for() {
    let forged = |message: &str| {
        let mut body = body(message);
        body.as_map_mut_push("sigma", "forged");
        body
    };
    let chunk = [record(forged("harmless")), record(forged("evil"))].concat();
    let (mut host, _, _directory) = started(&[EVIL], &[("strip_foreign", "on")]);
    let records = outcome(&mut host, &chunk);
    assert_eq!(records[0].0, body("harmless"));
    assert_eq!(records[1].1, ids(&[EVIL_ID]));
    assert_eq!(host.counter(0, "stripped"), Some(1));
    assert_eq!(host.counter(0, "tag_replaced"), Some(1));

    let (mut host, _, _directory) = started(&[EVIL], &[]);
    let records = outcome(&mut host, &chunk);
    assert_eq!(records[0].0, forged("harmless"));
    assert_eq!(records[1].1, ids(&[EVIL_ID]), "a match always replaces");
    assert_eq!((host.counter(0, "stripped"), host.counter(0, "tag_replaced")), (Some(0), Some(1)));
}

#[test]
fn documents_are_written_where_asked_for() {
    let session = |user: &str| {
        map(&[
            ("category", Value::from("MySqlAuditLogs")),
            (
                "properties",
                map(&[
                    ("event_class", Value::from("connection_log")),
                    ("event_subclass", Value::from("CONNECT")),
                    ("ip", Value::from("203.0.113.9")),
                    ("user", Value::from(user)),
                ]),
            ),
        ])
    };
    let envelope = map(&[("records", Value::Array(vec![session("app"), session("mallory")]))]);
    let chunk = [record(session("mallory")), record(body("harmless")), record(envelope)].concat();
    let (mut host, log, _directory) = started(&[AUDIT], &[("normalize", "Sekoia")]);
    assert!(log.contains("strip_foreign off, normalize Sekoia"), "{log}");
    let records = outcome(&mut host, &chunk);
    let found: Vec<_> = records.iter().map(|(_, ids)| ids.clone()).collect();
    assert_eq!(found, [ids(&[AUDIT_ID]), None, None, ids(&[AUDIT_ID])]);
    assert_eq!(records[1].0, body("harmless"), "what no document is for");
    for (at, user) in [(0, "mallory"), (2, "app"), (3, "mallory")] {
        let document = &records[at].0;
        let name = get(document, "user").and_then(|value| get(value, "name"));
        assert_eq!(name, Some(&Value::from(user)), "{document}");
        let address = get(document, "source").and_then(|value| get(value, "ip"));
        assert_eq!(address, Some(&Value::from("203.0.113.9")), "{document}");
        assert!(get(document, "properties").is_none(), "{document}");
    }
    assert_eq!((host.counter(0, "normalized"), host.counter(0, "unmapped")), (Some(3), Some(1)));
    let done = host.command("exit 0").join("\n");
    assert!(done.contains("0 stripped, 3 normalized, 1 unmapped"), "{done}");

    // Columns, with a tag in columns, of what matches only.
    let options = [
        ("normalize", "asim"),
        ("tag_format", "flat"),
        ("only_matching", "on"),
        ("logsource", "mysql/database/audit"),
    ];
    let (mut host, _, _directory) = started(&[AUDIT], &options);
    let records = host.records(0, &chunk);
    assert_eq!(records.len(), 2);
    for record in &records {
        assert_eq!(get(&record[1], "TargetUsername"), Some(&Value::from("mallory")));
        assert!(get(&record[1], "SigmaIds").is_some());
    }

    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    let mut host = FakeHost::start(V5_0_3, None);
    let reason = host.refused(0, &[("rules", &rules), ("normalize", "splunk")]);
    let expected = "normalize: unknown destination `splunk`; known are sekoia, ecs, asim";
    assert!(reason.contains(expected), "{reason}");
}

#[test]
fn matches_are_counted_by_rule_and_by_level() {
    let (mut host, _, _directory) = started(&[EVIL, ODD, AUDIT], &[]);
    assert_eq!(host.series_count(0, "rule_matches"), 3, "every rule from the start");
    assert_eq!(host.series_count(0, "level_matches"), 6);
    let chunk = [v2("evil"), v2("odd evil"), v2("odd"), v2("plain"), v2("evil")].concat();
    host.filter(0, "own", &chunk).expect("tagged");
    host.filter(0, "own", &v2("odd")).expect("tagged");
    let rules = [EVIL_ID, ODD_ID, AUDIT_ID];
    let counted = rules.map(|id| host.series(0, "rule_matches", &format!("rule={id}")));
    assert_eq!(counted, [Some(3), Some(3), Some(0)]);
    let levels = ["none", "informational", "low", "medium", "high", "critical"];
    let counted = levels.map(|level| host.series(0, "level_matches", &format!("level={level}")));
    assert_eq!(counted, [0, 0, 3, 0, 3, 0].map(Some));
    assert_eq!(host.counter(0, "matches"), Some(6));

    // Without metrics in the host there is nothing to count for.
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    let mut host = FakeHost::start(V1_8_12, Some("1:0"));
    host.started(0, &[("rules", &rules)]);
    assert_eq!(host.ids(0, "evil"), ids(&[EVIL_ID]));
    assert_eq!(host.series_count(0, "rule_matches"), 0);
}

/// Rules that each match a word of their own.
fn many_rules(count: usize) -> Vec<String> {
    let rule = |n: usize| {
        EVIL.replace(EVIL_ID, &format!("99999999-9999-4999-8999-{n:012}"))
            .replace("Marker evil", &format!("Marker {n}"))
            .replace("contains: evil", &format!("contains: word{n:04}"))
    };
    (0..count).map(rule).collect()
}

#[test]
fn many_rules_are_counted_by_level_only() {
    for (count, by_rule) in [(512, true), (513, false)] {
        let rules = many_rules(count);
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let (mut host, log, _directory) = started(&rules, &[]);
        assert_eq!(host.series_count(0, "rule_matches"), if by_rule { count } else { 0 });
        assert_eq!(log.contains("matches by rule and level"), by_rule, "{log}");
        assert_eq!(
            log.contains("matches by level only (a counter for each rule up to 512 rules)"),
            !by_rule,
            "{log}"
        );
        // More hits in a call than in any before.
        for records in [1, 700, 20] {
            host.filter(0, "own", &v2("word0000 word0511").repeat(records)).expect("tagged");
        }
        assert_eq!(host.series(0, "level_matches", "level=high"), Some(2 * 721));
        let last = host.series(0, "rule_matches", "rule=99999999-9999-4999-8999-000000000511");
        assert_eq!(last, by_rule.then_some(721));
    }
}

#[test]
fn events_are_counted_by_source_and_instance() {
    let (mut host, _, directory) = started(&[AUDIT], &[]);
    let rules = directory.path().join("rules.sgt").display().to_string();
    host.started(1, &[("rules", &rules)]);
    let events = "source=azure-mysql";
    let nested = "source=azure-mysql,reason=nested";
    for reason in ["payload", "nested", "positions", "line"] {
        let labels = format!("source=azure-mysql,reason={reason}");
        assert_eq!(host.series(0, "source_broken", &labels), Some(0), "{reason}");
    }
    let mut broken = audit_event("x");
    let Value::Map(entries) = &mut broken else { panic!("a map") };
    entries[1].1 = Value::from("{\"event_class\": cut");
    let chunk =
        [record(audit_event("app")), record(audit_event("mallory")), record(broken)].concat();
    host.filter(0, "own", &chunk).expect("tagged");
    host.filter(0, "own", &chunk).expect("tagged");
    host.filter(1, "own", &record(audit_event("mallory"))).expect("tagged");
    // Two instances of one rule file run on totals of their own.
    assert_eq!(
        (host.series(0, "source_events", events), host.series(1, "source_events", events)),
        (Some(6), Some(1))
    );
    assert_eq!(
        (host.series(0, "source_broken", nested), host.series(1, "source_broken", nested)),
        (Some(2), Some(0))
    );
    assert_eq!((host.counter(0, "records"), host.counter(1, "records")), (Some(6), Some(1)));
    assert_eq!(host.series(0, "passed", "reason=unrouted"), Some(0));
}

#[test]
fn records_without_a_verdict_are_counted_by_reason() {
    let (mut host, _, _directory) = started(&[EVIL], &[("logsource", "marker//")]);
    for reason in ["malformed", "unexamined", "unrouted", "error"] {
        assert_eq!(host.series(0, "passed", &format!("reason={reason}")), Some(0), "{reason}");
    }
    host.filter(0, "own", b"\x92\xc1 no record");
    let mut deep = Value::from("evil");
    for _ in 0..80 {
        deep = Value::Array(vec![deep]);
    }
    host.filter(0, "own", &record(map(&[("message", deep)])));
    assert_eq!(host.series(0, "passed", "reason=malformed"), Some(1));
    assert_eq!(host.series(0, "passed", "reason=unexamined"), Some(1));
    assert_eq!((host.counter(0, "malformed"), host.counter(0, "unexamined")), (Some(1), Some(1)));

    // Calls that come at the same time pass; their records are counted by their framing.
    let chunk = fluent_bit_support::fake_host::hex(&v2("evil").repeat(50));
    let (_, answer) = host.result(&format!("parallel 0 2000 {chunk}"));
    let line = answer.iter().find_map(|line| line.strip_prefix("result ")).expect("a result");
    let busy: u64 = line.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a number");
    host.ids(0, "evil");
    assert_eq!(host.counter(0, "errors"), Some(busy));
    assert_eq!(host.series(0, "passed", "reason=error"), Some(50 * busy));
}

/// What the options ask for holds for the rules that a reload falls back to as well.
#[test]
fn kept_rules_take_new_options() {
    let (mut host, _, directory) = started(&[EVIL, ODD], &[]);
    let rules = directory.path().join("rules.sgt");
    let path = rules.display().to_string();
    assert_eq!(host.ids(0, "odd"), ids(&[ODD_ID]));
    fs::write(&rules, "broken").expect("write");
    let log = host.started(1, &[("rules", &path), ("disable_rules", ODD_ID)]).join("\n");
    assert!(log.contains("keeping the rules last loaded"), "{log}");
    assert_eq!((host.ids(1, "odd"), host.ids(1, "evil")), (None, ids(&[EVIL_ID])));
    assert_eq!(host.ids(0, "odd"), ids(&[ODD_ID]), "the other keeps its options");
}

#[test]
fn every_option_works_in_every_generation() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL, ODD]);
    let options = [
        ("Rules", rules.as_str()),
        ("Disable_Rules", ODD_ID),
        ("Logsource_Mode", "strict"),
        ("Logsource", "a.*=marker//"),
        ("Match_Metadata", "off"),
        ("Split_Records", "on"),
        ("Only_Matching", "on"),
        ("Strip_Foreign", "on"),
        ("Tag_Key", "found"),
        ("Min_Level", "low"),
        ("Normalize", "ecs"),
    ];
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        host.started(0, &options);
        let chunk = [legacy("odd"), legacy("odd evil"), legacy("x")].concat();
        for context in ["own", "garbage"] {
            let out = host.filter(0, context, &chunk).expect("changed");
            let records = decode_all(&out);
            assert_eq!(records.len(), 1, "{generation:?}");
            assert_eq!(tagged_ids(&records[0][1], "found"), ids(&[EVIL_ID]), "{generation:?}");
            assert!(get(&records[0][1], "sigma").is_none());
            assert_eq!(host.filter(0, context, &legacy("x")), Some(Vec::new()), "{generation:?}");
        }
    }
}

/// Every option, refused starts, a reload, calls that collide, and what is freed at the end.
#[test]
fn valgrind_finds_nothing() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL, ODD, AUDIT]);
    for generation in [V1_8_12, V5_0_3] {
        let mut host = FakeHost::under_valgrind(generation);
        host.started(
            0,
            &[
                ("rules", &rules),
                ("disable_rules", &format!("{ODD_ID}, nobody")),
                ("logsource", "b.*=windows//, a.*=marker//"),
                ("match_metadata", "on"),
                ("split_records", "on"),
                ("only_matching", "on"),
                ("strip_foreign", "on"),
                ("tag_key", "found"),
            ],
        );
        host.filter(0, "own", &[v2("evil"), v2("plain"), legacy("evil")].concat());
        host.filter(0, "own", &v2("plain"));
        host.filter(0, "own", b"\x92\xc1 no record");
        host.result(&format!("parallel 0 20 {}", fluent_bit_support::fake_host::hex(&v2("evil"))));
        host.refused(1, &[("rules", &rules), ("logsource", "a=b=c//")]);
        host.command("exit 1");
        host.refused(1, &[("rules", &rules), ("split_records", "maybe")]);
        host.command("exit 1");
        host.refused(1, &[("rules", "missing.sgt")]);
        host.command("exit 1");
        host.started(1, &[("rules", &rules), ("tag_format", "flat"), ("normalize", "asim")]);
        host.filter(1, "own", &record(audit_event("mallory")));
        host.filter(1, "own", &[record(audit_event("app")), v2("plain")].concat());
        host.command("exit 1");
        host.command(&format!("load {}", fluent_bit_support::filter_object().display()));
        host.instance(2, &[("rules", &rules)]);
        assert_eq!(host.result("check 2").0, 0);
        host.command("exit 0");
        assert_eq!(host.result("start 2").0, 0);
        host.command("exit 2");
        let status = host.end();
        assert!(status.success(), "{generation:?}: {status}; valgrind says why on standard error");
    }
}
