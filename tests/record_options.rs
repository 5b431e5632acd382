//! Cases of splitting, dropping, stripping, metadata, log source modes and disabled rules, each
//! with its exact bytes or counts.
#![cfg(feature = "compile")]

mod records;

use records::{engine, engine_with, to_msgpack};
use serde_json::{Value, json};
use sigmatag::engine::{
    Engine, Event, Format, LogsourceMode, MatchError, Options, Scratch, Shape, SourceCounts,
    Summary, Tagging,
};
use sigmatag::limits::MAX_SPLIT_BYTES;

const SPLIT: Tagging<'static> = Tagging {
    shape: Shape::Nested,
    key: b"sigma",
    split_records: true,
    only_matching: false,
    strip_foreign: false,
};
const ONLY: Tagging<'static> = Tagging { split_records: false, only_matching: true, ..SPLIT };
const STRIP: Tagging<'static> = Tagging { split_records: false, strip_foreign: true, ..SPLIT };
const PLAIN: Tagging<'static> = Tagging { split_records: false, ..SPLIT };

/// What is written; `None`: nothing is to be done.
fn write(engine: &Engine, event: &Event<'_>, tagging: &Tagging<'_>) -> (Option<Vec<u8>>, Summary) {
    let mut scratch = Scratch::new(engine);
    let (needed, summary) = scratch.tag_prepare(engine, event, tagging).unwrap();
    let out = needed.map(|needed| {
        let mut out = vec![0xc1; needed];
        assert_eq!(scratch.tag_write(event.data, &mut out), Ok(needed));
        assert!(!scratch.plan_pending());
        out
    });
    (out, summary)
}

fn json(engine: &Engine, text: &str, tagging: &Tagging<'_>) -> (Option<String>, Summary) {
    let (out, summary) = write(engine, &Event::new(Format::Json, text.as_bytes()), tagging);
    (out.map(|out| String::from_utf8(out).unwrap()), summary)
}

const MISS: &str = r#"{"category":"MySqlAuditLogs","a":1}"#;
const OTHER: &str = r#"{"category":"MySqlAuditLogs","b": [2 ,{"c":1.50}]}"#;

/// One event, as JSON text in a string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[test]
fn elements_keep_their_bytes() {
    let engine = engine();
    let cases = [
        // Native: the element itself, white space and number format included.
        (format!(r#"{{"records" : [ {MISS} , {OTHER} ]}}"#), format!("{MISS}\n{OTHER}")),
        (format!(r#"{{"records":[{MISS}]}}"#), MISS.to_owned()),
        (format!(r#"{{"records":{{"x":1}},"log":{{"records":[{MISS}]}}}}"#), String::new()),
        (format!(r#"{{"t":1,"log":{{"records":[{MISS},{OTHER}]}}}}"#), format!("{MISS}\n{OTHER}")),
        // In a text: the wrapper, with everything else as it was.
        (
            format!(
                r#"{{ "é" :"\u00e9", "log":{},"t":1.50}}"#,
                quoted(&format!("[{MISS},{OTHER}]"))
            ),
            format!(
                "{{ \"é\" :\"\\u00e9\", \"log\":{},\"t\":1.50}}\n{{ \"é\" :\"\\u00e9\", \"log\":{},\"t\":1.50}}",
                quoted(MISS),
                quoted(OTHER)
            ),
        ),
        // One event and no envelope, also in an envelope of wrappers: as it is, line feed included.
        (format!(r#"{{"log":{}}}"#, quoted(&format!("{MISS}\n"))), String::new()),
        (
            format!(r#"{{"records":[{{"log":{}}}]}}"#, quoted(&format!(" {MISS}\n"))),
            format!(r#"{{"log":{}}}"#, quoted(&format!(" {MISS}\n"))),
        ),
        // Arrays in arrays.
        (format!(r#"{{"records":[[{MISS}],[[{OTHER}]]]}}"#), format!("{MISS}\n{OTHER}")),
        // Elements that no source knows.
        (r#"{"records":[{"x":1},{}]}"#.to_owned(), "{\"x\":1}\n{}".to_owned()),
        (MISS.to_owned(), String::new()),
    ];
    for (before, after) in cases {
        let (out, summary) = json(&engine, &before, &SPLIT);
        let after = Some(after).filter(|after| !after.is_empty());
        assert_eq!(summary.split_records, u64::from(after.is_some()), "{before}");
        assert_eq!(out, after, "{before}");
    }
}

#[test]
fn lines_of_a_log_in_one_string_become_records() {
    let engine = engine();
    let line = |object: &str| {
        format!("20261122 09:15:02,shop-db-1,app,192.0.2.7,5,7,QUERY,shop,'{object}',0")
    };
    let (a, b) = (line("select 1"), line("select 2"));
    let both = format!(r#"{{"log":{},"t":1}}"#, quoted(&format!("{a}\n{b}\n")));
    let (out, summary) = json(&engine, &both, &SPLIT);
    assert_eq!((summary.events, summary.split_records), (2, 1));
    let expected =
        format!("{{\"log\":{},\"t\":1}}\n{{\"log\":{},\"t\":1}}", quoted(&a), quoted(&b));
    assert_eq!(out, Some(expected));
    let one = format!(r#"{{"log":{}}}"#, quoted(&format!("{a}\n")));
    assert_eq!(json(&engine, &one, &SPLIT).0, None);
    // The second line is cut off.
    let cut = format!(r#"{{"log":{}}}"#, quoted(&format!("{a}\n{}", &b[..60])));
    assert_eq!(json(&engine, &cut, &SPLIT).0, None);
}

/// What would lose or repeat something stays whole.
#[test]
fn records_that_stay_whole() {
    let engine = engine();
    let text = quoted(MISS);
    let list = quoted(&format!("[{MISS},{OTHER}]"));
    for record in [
        r#"{"records":[]}"#.to_owned(),
        r#"{"records":null}"#.to_owned(),
        format!(r#"{{"records":[{MISS},1]}}"#),
        format!(r#"{{"records":[{MISS},"text"]}}"#),
        format!(r#"{{"records":[{MISS},[]]}}"#),
        format!(r#"{{"records":[{MISS},{{"records":[]}}]}}"#),
        // Two places in one wrapper.
        format!(r#"{{"log":{list},"message":{text}}}"#),
        format!(r#"{{"log":{list},"records":[{MISS}]}}"#),
        format!(r#"{{"log":[{list},{list}]}}"#),
        // Cut off, or more behind it.
        format!(r#"{{"log":{}}}"#, quoted(&format!("[{MISS},{OTHER}"))),
        format!(r#"{{"log":{}}}"#, quoted(&format!("[{MISS},{}", &OTHER[..20]))),
        format!(r#"{{"log":{}}}"#, quoted(&format!("{MISS} and more"))),
        format!(r#"{{"log":{}}}"#, quoted(&format!("{MISS} 7"))),
    ] {
        let (out, summary) = json(&engine, &record, &SPLIT);
        assert_eq!((out, summary.split_records), (None, 0), "{record}");
    }
}

/// A match on the record as it is goes to the first element that no source knows.
#[test]
fn a_match_on_the_wrapper_goes_to_the_first_unknown_element() {
    let rules = "title: t\nid: any\nlogsource: {product: other}\ndetection:\n  s: {marker: yes}\n  condition: s\n";
    let engine = engine_with(rules, Options::default());
    let record = format!(r#"{{"marker":"yes","records":[{MISS},{{"x":1}},{{"x":2}}]}}"#);
    let (out, summary) = json(&engine, &record, &SPLIT);
    assert_eq!((summary.events, summary.hits), (2, 1));
    let out = out.unwrap();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], serde_json::from_str::<Value>(MISS).unwrap());
    assert_eq!(lines[1]["sigma"]["rules"][0]["id"], "any");
    assert_eq!(lines[1]["sigma"]["rules"][0].get("event"), None);
    assert_eq!(lines[2], json!({"x": 2}));
    // Without splitting the entry says which it is about.
    let (out, _) = json(&engine, &record, &PLAIN);
    let out: Value = serde_json::from_str(&out.unwrap()).unwrap();
    assert_eq!(out["sigma"]["rules"][0]["event"], 1);
}

/// A wrapper is repeated for each of its events, so a small record could become a huge output.
#[test]
fn splitting_is_bounded() {
    let engine = engine();
    let wrapper = |events: usize| {
        let list = vec!["{}"; events].join(",");
        format!(
            r#"{{"x":"{}","log":{}}}"#,
            "x".repeat(1 << 20),
            quoted(&format!("[{{\"a\":1}},{list}]"))
        )
    };
    let few = wrapper(10);
    let (out, _) = json(&engine, &few, &SPLIT);
    assert!(out.unwrap().len() > 10 << 20);
    let many = wrapper(5_000);
    assert!(many.len() * 2 < MAX_SPLIT_BYTES);
    let (out, summary) = json(&engine, &many, &SPLIT);
    assert_eq!((out, summary.split_records), (None, 0));
}

#[test]
fn a_text_that_goes_with_a_replaced_key_is_gone() {
    let engine = engine();
    let event = r#"{"category":"MySqlAuditLogs","properties":{"sql_text":"drop table x"}}"#;
    let record = format!(r#"{{"t":1,"log":{}}}"#, quoted(&format!("[{event},{MISS}]")));
    let tagging = Tagging { key: b"log", ..SPLIT };
    let (out, summary) = json(&engine, &record, &tagging);
    assert_eq!(summary.tag_replaced, 1);
    let out = out.unwrap();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["log"]["rules"][0]["id"], "drop");
    assert_eq!(lines[1]["log"], MISS);
}

#[test]
fn only_records_examined_in_full_are_dropped() {
    let engine = engine();
    for (record, dropped) in [
        (MISS.to_owned(), true),
        (format!("  {MISS}\n"), true),
        (format!(r#"{{"log":{}}}"#, quoted(MISS)), true),
        // Unknown, or a part that could not be read.
        (r#"{"x":1}"#.to_owned(), false),
        (format!(r#"{{"records":[{MISS},{{}}]}}"#), false),
        (format!(r#"{{"log":{}}}"#, quoted(&MISS[..20])), false),
        (r#"{"category":"MySqlAuditLogs","properties":"{\"a\":"}"#.to_owned(), false),
    ] {
        let (out, summary) = json(&engine, &record, &ONLY);
        assert_eq!(out, dropped.then(String::new), "{record}");
        assert_eq!(summary.dropped_records, u64::from(dropped));
    }
    // With the host's word for it, or without any routing, nothing is unknown.
    let unknown = br#"{"x":1}"#;
    let named = Event { logsource: b"mysql//", ..Event::new(Format::Json, unknown) };
    assert_eq!(write(&engine, &named, &ONLY).0, Some(Vec::new()));
    let none = Options { logsource_mode: LogsourceMode::None, ..Options::default() };
    let engine = engine_with(RULE, none);
    assert_eq!(write(&engine, &Event::new(Format::Json, unknown), &ONLY).0, Some(Vec::new()));
    // One bad document has a status of its own.
    let mut scratch = Scratch::new(&engine);
    let bad = scratch.tag_prepare(&engine, &Event::new(Format::Json, b"{"), &ONLY);
    assert!(matches!(bad, Err(MatchError::Malformed { .. })));
}

#[test]
fn records_too_large_to_examine_pass_without_a_foreign_tag() {
    let options = Options { max_record: 40, ..Options::default() };
    let engine = engine_with(RULE, options);
    let body = to_msgpack(&json!({"sigma": "planted", "x": "x".repeat(60)}));
    let chunk = [b"\x92\x05".as_slice(), &body].concat();
    let event = Event::new(Format::FlbChunk, &chunk);
    let (out, summary) = write(&engine, &event, &ONLY);
    assert_eq!((out, summary.unexamined, summary.dropped_records), (None, 1, 0));
    let (out, summary) = write(&engine, &event, &STRIP);
    let expected = to_msgpack(&json!({"x": "x".repeat(60)}));
    assert_eq!(out, Some([b"\x92\x05".as_slice(), &expected].concat()));
    assert_eq!(summary.stripped_records, 1);
}

#[test]
fn planted_keys_go_however_they_are_written() {
    let engine = engine();
    for (record, nested, flat) in [
        (r#"{"sigma":1}"#, "{}", None),
        (r#"{"\u0073igma":1,"a":2,"sigma":{"sigma":3}}"#, r#"{"a":2}"#, None),
        (r#"{"a":{"sigma":1},"sigma":[],"b":2}"#, r#"{"a":{"sigma":1},"b":2}"#, None),
        (
            r#"{"SigmaIds":1,"sigma":2,"SigmaRuleset":"x"}"#,
            r#"{"SigmaIds":1,"SigmaRuleset":"x"}"#,
            Some(r#"{"sigma":2}"#),
        ),
        (r#"{"sigmaids":1}"#, "", None),
    ] {
        let nested = Some(nested.to_owned()).filter(|out| !out.is_empty());
        assert_eq!(json(&engine, record, &STRIP).0, nested, "{record}");
        let ecs = Tagging { shape: Shape::Ecs, ..STRIP };
        assert_eq!(json(&engine, record, &ecs).0, nested, "{record}");
        let columns = Tagging { shape: Shape::Flat, ..STRIP };
        assert_eq!(json(&engine, record, &columns).0, flat.map(str::to_owned), "{record}");
        assert_eq!(json(&engine, record, &PLAIN).0, None);
    }
}

/// Scalars under `rule` stay where they were, so that a record can bring them; the mark tells.
#[test]
fn in_ecs_the_mark_is_ours() {
    let engine = engine();
    let record = r#"{"rule":{"id":"planted","level":"low"},"event":{"kind":"event"},"sigma":{"ids":["planted"]},"sigma":"x","category":"MySqlAuditLogs","properties":{"sql_text":"drop table x"}}"#;
    let tagging = Tagging { shape: Shape::Ecs, ..PLAIN };
    let (out, summary) = json(&engine, record, &tagging);
    let out = out.unwrap();
    assert_eq!(out.matches("\"sigma\"").count(), 1);
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["rule"]["id"], "planted");
    assert_eq!(out["sigma"]["ids"], json!(["drop"]));
    assert_eq!(out["sigma"]["level"], "high");
    assert_eq!(out["sigma"]["ruleset"].as_str().unwrap().len(), 16);
    assert_eq!((summary.tag_replaced, summary.tags_omitted), (2, 2));
}

const RULE: &str = "title: t\nid: m\nlogsource: {product: mysql}\ndetection:\n  s: {sub.user: root, host: a}\n  condition: s\n";

fn record(metadata: &Value, body: &Value) -> Vec<u8> {
    [b"\x92\x92\xce\x65\x53\xf1\x00".as_slice(), &to_msgpack(metadata), &to_msgpack(body)].concat()
}

/// What cannot be examined is passed, and what is behind it is found: records at and above the
/// limit, too deep ones, entries that are none, and a last one that is cut.
#[test]
fn a_record_that_cannot_be_examined_hides_none_behind_it() {
    let hit = record(&json!({}), &json!({"host": "a", "sub": {"user": "root"}}));
    let body = to_msgpack(&json!({"host": "a", "sub": {"user": "root"}})).len();
    let large = record(&json!({}), &json!({"host": "a", "sub": {"user": "root", "x": 1}}));
    let deep = [b"\x92\x05".as_slice(), &b"\x81\xa1a".repeat(70), b"\x80"].concat();
    let chunk =
        [&hit[..], &large, &hit, &deep, &hit, b"\x07", &hit, &hit[..hit.len() - 1]].concat();
    for (max_record, large_hits) in [(body, 0), (body + 3, 1), (1 << 20, 1)] {
        let options = Options { max_record: max_record as u32, ..Options::default() };
        let engine = engine_with(RULE, options);
        let mut scratch = Scratch::new(&engine);
        let event = Event::new(Format::FlbChunk, &chunk);
        let summary = scratch.match_event(&engine, &event).unwrap();
        let unexamined = 2 - large_hits;
        assert_eq!((summary.records, summary.hits), (8, 4 + large_hits), "{max_record}");
        assert_eq!((summary.unexamined, summary.malformed), (unexamined, 2), "{max_record}");
    }
}

#[test]
fn metadata_are_keys_of_the_record_if_asked_for() {
    let on = engine_with(RULE, Options { match_metadata: true, ..Options::default() });
    let off = engine_with(RULE, Options::default());
    let hits = |engine: &Engine, data: &[u8]| {
        let mut scratch = Scratch::new(engine);
        let summary = scratch.match_event(engine, &Event::new(Format::FlbChunk, data)).unwrap();
        (summary.hits, summary.unexamined)
    };
    let split = record(&json!({"host": "a"}), &json!({"sub": {"user": "root"}}));
    assert_eq!((hits(&on, &split), hits(&off, &split)), ((1, 0), (0, 0)));
    // The same name in both: all values count.
    let both = record(&json!({"host": "a"}), &json!({"sub.user": "root", "host": "b"}));
    assert_eq!((hits(&on, &both), hits(&off, &both)), ((1, 0), (0, 0)));
    let both = record(&json!({"host": "b"}), &json!({"sub.user": "root", "host": "a"}));
    assert_eq!((hits(&on, &both), hits(&off, &both)), ((1, 0), (1, 0)));
    // Legacy records have none.
    let legacy = [b"\x92\x05".to_vec(), to_msgpack(&json!({"sub.user": "root", "host": "a"}))];
    assert_eq!(hits(&on, &legacy.concat()).0, 1);
    let deep = (0..80).fold(json!(1), |inner, _| json!({"d": inner}));
    let deep = record(&deep, &json!({"sub.user": "root", "host": "a"}));
    assert_eq!((hits(&on, &deep), hits(&off, &deep)), ((0, 1), (1, 0)));
    // Tag and split leave them alone.
    let envelope = record(&json!({"host": "a"}), &json!({"records": [{"x": 1}, {"x": 2}]}));
    let (out, _) = write(&on, &Event::new(Format::FlbChunk, &envelope), &SPLIT);
    let expected = [
        record(&json!({"host": "a"}), &json!({"x": 1})),
        record(&json!({"host": "a"}), &json!({"x": 2})),
    ];
    assert_eq!(out, Some(expected.concat()));
    // An envelope in the metadata is no envelope of the record.
    let envelope = record(&json!({"records": [{"x": 1}, {"x": 2}]}), &json!({"y": 1}));
    let (out, _) = write(&on, &Event::new(Format::FlbChunk, &envelope), &SPLIT);
    assert_eq!(out, None);
    let tagged = write(&on, &Event::new(Format::FlbChunk, &split), &PLAIN).0.unwrap();
    let head = split.len() - to_msgpack(&json!({"sub": {"user": "root"}})).len();
    assert_eq!(tagged[..head], split[..head]);
}

const MODES: &str = r"
title: t
id: mysql
logsource: {product: mysql}
detection: &d
  s: {x: 1}
  condition: s
---
title: t
id: audit
logsource: {product: mysql, category: database, service: audit}
detection:
  s: {x: 1}
  condition: s
---
title: t
id: web
logsource: {category: webserver}
detection:
  s: {x: 1}
  condition: s
";

#[test]
fn log_source_modes() {
    use LogsourceMode::{Auto, None, Strict};
    let unknown = r#"{"x":1}"#;
    let azure = r#"{"category":"MySqlAuditLogs","x":1}"#;
    for (mode, record, logsource, expected, unrouted) in [
        (Auto, unknown, "", "audit mysql web", 1),
        (Strict, unknown, "", "", 1),
        (None, unknown, "", "audit mysql web", 0),
        // One of its log sources leaves the category open, which conflicts with no rule.
        (Auto, azure, "", "audit mysql web", 0),
        (Strict, azure, "", "audit mysql", 0),
        (None, azure, "", "audit mysql web", 0),
        // What the host says: an empty part is not known, `-` is known to be none.
        (Auto, unknown, "mysql//", "audit mysql web", 0),
        (Auto, unknown, "mysql/-/", "mysql", 0),
        (Auto, unknown, "MySQL/-/-", "mysql", 0),
        (Auto, unknown, "/webserver/", "mysql web", 0),
        (Auto, unknown, "-/webserver/", "web", 0),
        (Auto, unknown, "-/-/-", "", 0),
        (Strict, unknown, "mysql//", "mysql", 0),
        (Strict, unknown, "mysql/database/", "mysql", 0),
        (Strict, unknown, "mysql/database/audit", "audit mysql", 0),
        (Strict, unknown, "-/webserver/-", "web", 0),
        (Strict, unknown, "-/-/-", "", 0),
        (None, unknown, "-/-/-", "audit mysql web", 0),
        (Strict, azure, "linux//", "", 0),
    ] {
        let options = Options { logsource_mode: mode, ..Options::default() };
        let engine = engine_with(MODES, options);
        let mut scratch = Scratch::new(&engine);
        let event = Event {
            logsource: logsource.as_bytes(),
            ..Event::new(Format::Json, record.as_bytes())
        };
        let summary = scratch.match_event(&engine, &event).unwrap();
        let mut ids: Vec<&str> =
            scratch.hits().iter().map(|hit| scratch.rules().rule(hit.rule).unwrap().id).collect();
        ids.sort_unstable();
        assert_eq!(ids.join(" "), expected, "{mode:?} {logsource} {record}");
        assert_eq!(summary.unrouted, unrouted, "{mode:?} {logsource} {record}");
    }
}

#[test]
fn disabled_rules_never_report() {
    let rules = MODES.replace("id: web", "id: 5A1F3F0E-8f5e-4f5b-9a3e-0d4f2d9b6c01");
    let ids = ["5a1f3f0e-8F5E-4f5b-9a3e-0d4f2d9b6c01", "mysql", "Audit", "no-such", "no-such"];
    let options = Options {
        disable_rules: ids.iter().map(|id| (*id).to_owned()).collect(),
        ..Options::default()
    };
    let engine = engine_with(&rules, options.clone());
    let current = engine.current();
    assert_eq!((current.disabled_rules, current.unknown_disabled_rules), (2, 2));
    let mut scratch = Scratch::new(&engine);
    let event = Event::new(Format::Json, br#"{"x":1}"#);
    assert_eq!(scratch.match_event(&engine, &event).unwrap().hits, 1);
    // After a reload the ids are looked up again.
    engine.reload(engine_with(MODES, Options::default()).rules());
    let current = engine.current();
    assert_eq!((current.disabled_rules, current.unknown_disabled_rules), (1, 3));
    assert_eq!(current.generation, 2);
    assert_eq!(scratch.match_event(&engine, &event).unwrap().hits, 2);
    let min = engine_with(MODES, Options { min_level: 5, ..options });
    let mut scratch = Scratch::new(&min);
    assert_eq!(scratch.match_event(&min, &event).unwrap().hits, 2, "no level: always reports");
}

#[test]
fn sources_are_counted() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let record = format!(
        r#"{{"records":[{MISS},{MISS},{{"category":"MySqlAuditLogs","properties":"{{\"a\":"}},{{}}]}}"#
    );
    let event = Event::new(Format::Json, record.as_bytes());
    for _ in 0..2 {
        scratch.match_event(&engine, &event).unwrap();
        let counts: Vec<(String, SourceCounts)> = scratch
            .source_counts()
            .map(|(source, counts)| (scratch.rules().source_name(source).into_owned(), counts))
            .collect();
        let expected = SourceCounts { events: 3, broken_nested: 1, ..SourceCounts::default() };
        assert_eq!(counts, [("azure-mysql".to_owned(), expected)]);
    }
    let unknown = br#"{"log":"{\"cut"}"#;
    let summary = scratch.match_event(&engine, &Event::new(Format::Json, unknown)).unwrap();
    assert_eq!((summary.unknown_payload, summary.malformed), (1, 1));
    assert_eq!(scratch.source_counts().count(), 0);
}
