//! The rules in `rules/mysql`: what they must carry, what they match, and the pack made of them.
//!
//! `rules/mysql/tests/RULE.jsonl` holds the events of the rule file of that name; `match` is what
//! the rule must decide.

mod common;
mod pack;

use serde_json::{Value, json};
use sigmatag::attack::{self, Known, Version};
use sigmatag::engine::{Event, Format, Mode, Scratch, Tagging};
use sigmatag::rule::ast::Level;
use sigmatag::ruleset::RuleSet;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::root;
use pack::{cases, compile, engine, file_stem, loaded, matched, msgpack};

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
    let all_ids: BTreeSet<String> =
        loaded.collection.rules.iter().filter_map(|rule| rule.meta.id.clone()).collect();
    let mut ids = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let rules = loaded.collection.rules.iter().map(|rule| &rule.meta);
    let correlations = loaded.collection.correlations.iter().map(|own| &own.meta);
    for meta in rules.chain(correlations) {
        let name = meta.place.file.rsplit('/').next().expect("a name").trim_end_matches(".yml");
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
        tags(name, &meta.tags);
        // What it does: a rule that only takes notes says so.
        let description = meta.description.as_deref().unwrap_or_default();
        let verb = description.split(' ').next().unwrap_or_default();
        let expected = if meta.level <= Some(Level::Low) { "Marks" } else { "Detects" };
        assert_eq!(verb, expected, "{name}");
        assert!(description.trim_end().ends_with('.'), "{name}: the description has no end");
        for relation in &meta.related {
            let id = &relation.value.id;
            assert!(all_ids.contains(id), "{name}: related to {id}, which is no rule of the pack");
        }
    }
    for rule in &loaded.collection.rules {
        let source = &rule.logsource;
        let parts =
            [&source.category, &source.product, &source.service].map(|part| part.as_deref());
        assert!(
            matches!(
                parts,
                [Some("database"), Some("mysql"), Some("audit")]
                    | [Some("file_event" | "process_creation"), Some("windows" | "linux"), None]
            ),
            "{}: logsource {parts:?}",
            file_stem(rule)
        );
    }
}

/// Tactics and techniques of ATT&CK 19, each beside its name in version 18 where that was another:
/// readers of both versions find theirs.
fn tags(name: &str, tags: &[String]) {
    let names: Vec<String> = tags
        .iter()
        .map(|tag| {
            let own = tag.strip_prefix("attack.").unwrap_or_else(|| panic!("{name}: {tag}"));
            own.strip_prefix('t').map_or(own.to_owned(), |number| format!("T{number}"))
        })
        .collect();
    let is_technique = |name: &&String| name.starts_with('T');
    let techniques: Vec<&String> =
        names.iter().filter(is_technique).filter(|id| Version::V19.has(id)).collect();
    assert!(!techniques.is_empty(), "{name}: no technique among its tags");
    for id in techniques {
        assert_eq!(attack::technique(id), Known::Technique, "{name}: {id}");
    }
    let tactics = |version: Version| {
        let is_own = |name: &&String| !name.starts_with('T') && version.has(name);
        names.iter().filter(is_own).count()
    };
    assert!(tactics(Version::V19) > 0, "{name}: no tactic");
    assert!(tactics(Version::V18) > 0, "{name}: no tactic of ATT&CK 18");
    for own in &names {
        for version in [Version::V18, Version::V19] {
            let is_served = version.has(own)
                || version.names_of(own).iter().any(|other| {
                    names.iter().any(|own| own == other || own.starts_with(&format!("{other}.")))
                });
            assert!(is_served, "{name}: `{own}` has no counterpart in ATT&CK {}", version.number());
        }
    }
    let mut seen = BTreeSet::new();
    assert!(names.iter().all(|own| seen.insert(own)), "{name}: a tag twice");
}

/// The base of every correlation has events of its own; here it is that streams raise what they must.
#[test]
fn every_correlation_has_streams_of_both_kinds() {
    let loaded = loaded();
    let correlations = &loaded.collection.correlations;
    assert_eq!(correlations.len(), 7);
    let folder = root().join("rules/mysql/correlations/tests");
    for own in correlations {
        let stem = Path::new(&*own.meta.place.file).file_stem().expect("a name");
        let path = folder.join(stem).with_extension("jsonl");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let tests = sigmatag::rule_test::read(&text);
        assert_eq!(tests.problems, [], "{path:?}");
        for raises in [true, false] {
            let some = tests.streams.iter().any(|stream| stream.raised.is_empty() != raises);
            assert!(some, "{path:?}: no stream of which {raises} is expected");
        }
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
