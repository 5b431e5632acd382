//! The rules in `rules/mysql`: what they must carry, what they match, and the pack made of them.
//!
//! `rules/mysql/tests/RULE.jsonl` holds the events of the rule file of that name; `match` is what
//! the rule must decide.

mod common;
mod pack;

use serde_json::{Value, json};
use sigmatag::engine::{Event, Format, Mode, Scratch, Tagging};
use sigmatag::ruleset::RuleSet;
use std::collections::{BTreeMap, BTreeSet};

use common::root;
use pack::{cases, compile, engine, file_stem, loaded, matched, msgpack};

/// Tactics of ATT&CK 19 as Sigma tags.
const TACTICS: [&str; 15] = [
    "attack.reconnaissance",
    "attack.resource-development",
    "attack.initial-access",
    "attack.execution",
    "attack.persistence",
    "attack.privilege-escalation",
    "attack.stealth",
    "attack.defense-impairment",
    "attack.credential-access",
    "attack.discovery",
    "attack.lateral-movement",
    "attack.collection",
    "attack.command-and-control",
    "attack.exfiltration",
    "attack.impact",
];

fn compiled() -> Vec<u8> {
    compile(&loaded())
}

#[test]
fn the_pack_is_made_of_the_rules() {
    let path = root().join("rules/mysql/pack.sgt");
    let fresh = compiled();
    if std::env::var_os("SIGMATAG_BLESS").is_some() {
        std::fs::write(&path, &fresh).expect("pack.sgt");
    }
    let committed = std::fs::read(&path).expect("pack.sgt");
    assert!(committed == fresh, "rules/mysql/pack.sgt is not what the rules compile to: make pack");
    let rules = RuleSet::from_bytes(&committed).expect("the pack verifies");
    assert_eq!(rules.rule_count() as usize, loaded().collection.rules.len());
    assert_eq!(rules.skipped_rules(), 0);
}

#[test]
fn the_embedded_pack_is_the_committed_one() {
    // A run with SIGMATAG_BLESS writes the file after this program was built.
    if std::env::var_os("SIGMATAG_BLESS").is_none() {
        let committed = std::fs::read(root().join("rules/mysql/pack.sgt")).expect("pack.sgt");
        assert!(sigmatag::ruleset::embedded::pack() == committed);
    }
}

#[test]
fn the_pack_names_files_relative_to_the_repository() {
    let rules = RuleSet::from_bytes(&compiled()).expect("the rules verify");
    let debug = rules.debug().expect("not damaged").texts.clone();
    let text = String::from_utf8(debug).expect("UTF-8");
    assert!(text.contains("rules/mysql/mysql_audit_load_file.yml"));
    assert!(!text.contains(root().to_str().expect("UTF-8")));
}

#[test]
fn every_rule_carries_what_a_reader_needs() {
    let loaded = loaded();
    let licences = std::fs::read_to_string(root().join("rules/mysql/LICENSES.md")).expect("text");
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for rule in &loaded.collection.rules {
        let name = file_stem(rule);
        let meta = &rule.meta;
        let id = meta.id.as_deref().unwrap_or_default();
        let bytes = id.as_bytes();
        let is_v4 = bytes.len() == 36 && bytes[14] == b'4' && b"89ab".contains(&bytes[19]);
        assert!(is_v4, "{name}: `{id}` is not a random UUID (version 4)");
        assert!(ids.insert(id.to_owned()), "{name}: id {id} is taken");
        assert!(titles.insert(meta.title.clone()), "{name}: title `{}` is taken", meta.title);
        for (what, there) in [
            ("status", meta.status.is_some()),
            ("level", meta.level.is_some()),
            ("description", meta.description.is_some()),
            ("author", meta.author.is_some()),
            ("date", meta.date.is_some()),
            ("references", !meta.references.is_empty()),
            ("falsepositives", !meta.falsepositives.is_empty()),
        ] {
            assert!(there, "{name}: no {what}");
        }
        let licence = meta.license.as_deref().unwrap_or_default();
        match licence {
            "Apache-2.0 OR MIT" => {}
            "DRL-1.1" => {
                let author = meta.author.as_deref().unwrap_or_default();
                assert!(
                    licences.contains(&format!("`{name}.yml` by {author}")),
                    "{name}: LICENSES.md has to name it and {author}"
                );
            }
            other => panic!("{name}: licence `{other}` is not one that LICENSES.md explains"),
        }
        let is_technique = |tag: &String| {
            tag.strip_prefix("attack.t")
                .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        };
        let tags = &meta.tags;
        assert!(tags.iter().any(is_technique), "{name}: no technique among its tags");
        assert!(tags.iter().any(|tag| TACTICS.contains(&tag.as_str())), "{name}: no tactic");
        for tag in tags {
            assert!(
                is_technique(tag) || TACTICS.contains(&tag.as_str()),
                "{name}: `{tag}` is neither a tactic nor a technique of ATT&CK"
            );
        }
        let source = &rule.logsource;
        let parts =
            [&source.category, &source.product, &source.service].map(|part| part.as_deref());
        assert!(
            matches!(
                parts,
                [Some("database"), Some("mysql"), Some("audit")]
                    | [Some("file_event" | "process_creation"), Some("windows" | "linux"), None]
            ),
            "{name}: logsource {parts:?}"
        );
    }
}

/// The ways in which an event arrives: name, record, index of the event in it.
fn shapes(event: &Value) -> Vec<(&'static str, Value, u32)> {
    let mut shapes = vec![("as it is", event.clone(), 0)];
    if event.get("category").is_none() {
        // An agent's record of a file event is flat.
        return shapes;
    }
    let ordinary = json!({"category": "MySqlAuditLogs", "properties": {
        "event_class": "general_log", "event_subclass": "LOG", "error_code": 0,
        "sql_text": "SELECT 1"}});
    let mut text_properties = event.clone();
    text_properties["properties"] = Value::String(event["properties"].to_string());
    shapes.extend([
        ("in message as text", json!({"message": event.to_string(), "host": "a"}), 0),
        ("in log as object", json!({"log": event}), 0),
        ("in an envelope", json!({"records": [event]}), 0),
        ("second in an envelope", json!({"records": [ordinary, event]}), 1),
        ("envelope as text", json!({"message": json!({"records": [event]}).to_string()}), 0),
        ("properties as text", text_properties, 0),
    ]);
    shapes
}

fn encodings(record: &Value) -> [(Format, Vec<u8>); 3] {
    let pack = |value: &rmpv::Value| {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).expect("writing to memory");
        bytes
    };
    let body = msgpack(record);
    let chunk = rmpv::Value::Array(vec![1_772_600_767.into(), body.clone()]);
    [
        (Format::Json, record.to_string().into_bytes()),
        (Format::Msgpack, pack(&body)),
        (Format::FlbChunk, pack(&chunk)),
    ]
}

#[test]
fn every_rule_decides_its_events() {
    let engine = engine();
    let mut scratches =
        [Mode::Indexed, Mode::Exhaustive].map(|mode| (mode, Scratch::with_mode(&engine, mode)));
    let mut wrong = Vec::new();
    let mut runs = 0;
    let mut files: BTreeSet<String> = std::fs::read_dir(root().join("rules/mysql/tests"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    for rule in &loaded().collection.rules {
        let stem = file_stem(rule);
        files.remove(&format!("{stem}.jsonl"));
        let id = rule.meta.id.as_deref().expect("an id");
        let cases = cases("rules/mysql", &stem);
        for expected in [true, false] {
            let some = cases.iter().any(|case| case.expected() == expected);
            assert!(some, "{stem}: no event that must give {expected}");
        }
        for case in &cases {
            for (shape, record, index) in shapes(&case.event) {
                for (format, data) in encodings(&record) {
                    for (mode, scratch) in &mut scratches {
                        let found = matched(scratch, &engine, format, &data, id);
                        let expected = if case.expected() { vec![index] } else { vec![] };
                        runs += 1;
                        if found != expected {
                            wrong.push(format!(
                                "{}: {shape}, {format:?}, {mode:?}: events {found:?}, not \
                                 {expected:?}",
                                case.place
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(files.is_empty(), "test events without a rule: {files:?}");
    assert!(wrong.is_empty(), "{} of {runs} runs:\n{}", wrong.len(), wrong.join("\n"));
}

/// The two samples that the tags of sessions are for: an Event Hubs consumer delivers the record as
/// text and adds fields of its own.
fn delivered(subclass: &str, connection: u64) -> Value {
    let record = json!({
        "LogicalServerName": "abc", "SubscriptionId": "123", "ResourceGroup": "group",
        "time": "2026-03-04T05:06:07Z",
        "resourceId": "/SUBSCRIPTIONS/123/RESOURCEGROUPS/group/PROVIDERS/MICROSOFT.DBFORMYSQL/SERVERS/abc",
        "category": "MySqlAuditLogs", "operationName": "LogEvent",
        "properties": {"event_class": "connection_log", "event_subclass": subclass,
            "connection_id": connection, "host": "", "ip": "203.0.113.9", "user": "grafana",
            "db": "grafana"},
    });
    json!({
        "message": record.to_string(),
        "event": {"outcome": "success"},
        "action": {"name": subclass, "outcome": "success", "type": "connection_log"},
        "host": {"hostname": "abc", "name": "abc"},
        "source": {"address": "203.0.113.9", "ip": "203.0.113.9"},
        "user": {"name": "grafana"},
    })
}

#[test]
fn sessions_are_tagged_and_nothing_else_changes() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let session = "MySQL Connection Opened Or Closed";
    let expected = [
        ("CONNECT", 7_304_735, "low", vec!["MySQL Login From Public Address", session]),
        ("DISCONNECT", 7_304_732, "informational", vec![session]),
    ];
    for (subclass, connection, level, titles) in expected {
        let record = delivered(subclass, connection);
        let data = record.to_string().into_bytes();
        let event = Event::new(Format::Json, &data);
        let (len, summary) =
            scratch.tag_prepare(&engine, &event, &Tagging::default()).expect("a record");
        let len = len.expect("a plan");
        assert_eq!((summary.events, summary.unrouted), (1, 0), "{subclass}");
        let mut out = vec![0; len];
        assert_eq!(scratch.tag_write(&data, &mut out), Ok(len));
        let mut tagged: Value = serde_json::from_slice(&out).expect("JSON");
        let tag = tagged.as_object_mut().expect("an object").remove("sigma").expect("a tag");
        assert_eq!(tag["level"], level);
        let rules = tag["rules"].as_array().expect("rules");
        let found: Vec<&str> =
            rules.iter().map(|rule| rule["title"].as_str().expect("a title")).collect();
        assert_eq!(found, titles, "{subclass}");
        assert_eq!(tagged, record, "{subclass}");
    }
}

#[test]
fn a_tag_carries_author_and_licence() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let data = json!({"Image": "C:\\mysql\\bin\\mysqld.exe", "TargetFilename": "C:\\a.dll"})
        .to_string()
        .into_bytes();
    let event = Event::new(Format::Json, &data);
    let (len, _) = scratch.tag_prepare(&engine, &event, &Tagging::default()).expect("a record");
    let mut out = vec![0; len.expect("a plan")];
    scratch.tag_write(&data, &mut out).expect("a tag");
    let tagged: Value = serde_json::from_slice(&out).expect("JSON");
    let rules: BTreeMap<&str, &Value> = tagged["sigma"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| (rule["id"].as_str().expect("an id"), rule))
        .collect();
    let rule = rules["c61daa90-3c1e-4f18-af62-8f288b5c9aaf"];
    assert_eq!((&rule["author"], &rule["license"]), (&"Joseph Kamau".into(), &"DRL-1.1".into()));
}

#[test]
fn the_demo_shows_what_the_rules_decide() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let samples =
        std::fs::read_to_string(root().join("examples/demo/samples.jsonl")).expect("samples");
    for line in samples.lines() {
        let sample: Value = serde_json::from_str(line).expect("JSON");
        let data = sample["record"].to_string().into_bytes();
        scratch.match_event(&engine, &Event::new(Format::Json, &data)).expect("a record");
        let rules = scratch.rules();
        let titles: BTreeSet<&str> =
            scratch.hits().iter().map(|hit| rules.rule(hit.rule).expect("a rule").title).collect();
        let expected: BTreeSet<&str> = sample["rules"]
            .as_array()
            .expect("rules")
            .iter()
            .map(|title| title.as_str().expect("a title"))
            .collect();
        assert_eq!(titles, expected, "{}", sample["about"]);
    }
}
