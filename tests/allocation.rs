//! Matching and tagging allocate nothing once a scratch is warm: not one allocation over 100,000
//! events, after 1,000 that reach every regular expression and every escape.
#![cfg(feature = "compile")]

mod common;

use sigmatag::compile::{self, Options};
use sigmatag::engine::{
    Engine, Event, Format, LogsourceMode, Options as EngineOptions, Scratch, Shape, Tagging,
};
use sigmatag::ioc::{self, Reading, Set};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::rule::load::{load_paths, load_text};
use sigmatag::ruleset::RuleSet;
use sigmatag::ruleset::tables::kind;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Whether the next allocation shows where it comes from.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    if ARMED.replace(false) {
        // A panic in the allocator would abort; a backtrace is what is wanted.
        eprintln!("allocated here:\n{}", std::backtrace::Backtrace::force_capture());
    }
}

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WARM: usize = 1_000;
const EVENTS: usize = 100_000;

/// Every kind of predicate, in the index and beside it.
const RULES: &str = r"
title: texts
id: texts
author: someone
level: high
tags: [attack.t1059]
logsource: {product: windows}
detection:
  equals: {f: [eq1, 4688]}
  prefix: {f|startswith: [p, 'C:\Windows\System32']}
  suffix: {f|endswith: ['\x.exe', longer needle]}
  contains: {f|contains: [ab, 'é', abcdef]}
  cased: {f|contains|cased: [AbCdEf, Éa]}
  glob: {f: ['C:\*\?x*', '*a?c*']}
  dash: {f|windash|contains: ' -e'}
  ragged: {f|utf16|contains: xy}
  any: {g|contains: ''}
  condition: 1 of them
---
title: others
id: others
logsource: {product: linux}
detection:
  small: {f|re: 'b\s+-d'}
  large: {f|re|i: '\w{20,40}\W[a-z]{3,9}$'}
  border: {f|re: '\bn\w{2}\b'}
  open: {f|re: '^[^/]{100,}$'}
  net: {ip|cidr: [10.0.0.0/8, 'fe80::/10']}
  number: {n|gte: 3}
  date: {t|hour: 5}
  other: {f|fieldref|contains: g}
  cased: {f|fieldref|endswith|cased: g}
  none: {z: null}
  there: {y|exists: true}
  word: [word, 'key*word']
  wordre: {'|re': 'k[0-9]+q'}
  condition: 2 of them
---
title: mysql
id: mysql
logsource: {product: mysql, category: database}
detection:
  s: {sql_text_s|contains: 'drop', sql_norm|contains: table}
  condition: s
";

/// Events that reach every kind of predicate, every escape and every kind of value.
fn json_events() -> Vec<Vec<u8>> {
    let long = "a".repeat(300);
    [
        r#"{"f":"x\\x.exe","g":"xxabcdefxx","n":3.5,"t":"2024-07-10T05:00:00Z"}"#.to_owned(),
        r#"{"f":["C:\\a\\yx","b  -d","n\u00e9w","\ud83d\ude00\ud800"],"g":" \u2013e"}"#.to_owned(),
        r#"{"f":4688,"g":null,"y":{},"x":{"z":1},"ip":"fe80::1","k":"word k12q"}"#.to_owned(),
        r#"{"f":"\"\\\/\b\f\n\r\t\u0000 AbCdEf","\u0066":"n\u0041b","f":1.25e-7}"#.to_owned(),
        r#"{"f":"ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdef","ip":"10.2.3.4","z":[null,{"a":[]}]}"#.to_owned(),
        r#"{"f":"new nab é Éa Ж K ſ –e","n":123456789012345678901234567890}"#.to_owned(),
        r#"{"f":"some text","g":"text","n":"7.5","y":true,"t":"2024-07-10 05:00"}"#.to_owned(),
        format!(r#"{{"f":"{long}","g":"{long}","w":"key and word {long}"}}"#),
        r#"{"category":"MySqlAuditLogs","properties":{"event_class":"general_log","sql_text":"DROP /* x */ TABLE t -- é","user":"u[u] @ h [1.2.3.4]"}}"#.to_owned(),
        r#"{"log":"{\"category\":\"MySqlAuditLogs\",\"properties\":\"{\\\"sql_text\\\":\\\"drop table\\\"}\"}\n"}"#.to_owned(),
        r#"{"records":[{"category":"MySqlAuditLogs","properties":{"sql_text":"drop table x"}},{"f":"eq1"},1]}"#.to_owned(),
        r#"{"sigma":1,"SigmaIds":[],"message":"[{\"category\":\"MySqlAuditLogs\",\"properties\":{\"sql_text\":\"drop table x\"}},{\"category\":\"MySqlAuditLogs\",\"sigma\":\"\u00e9\"}]"}"#.to_owned(),
        r#"{"records":[{"log":"{\"message\":\"[{\\\"category\\\":\\\"MySqlAuditLogs\\\"},{}]\"}"},{"sigma":2,"f":"eq1"}]}"#.to_owned(),
        r#"{"f":"not closed"#.to_owned(),
        "{}".to_owned(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([b"{\"f\":\"\xff\xfex\0y\0 \xc3 word\",\"g\":\"\xf0\x9f\"}".to_vec()])
    .collect()
}

/// The events that are JSON text, as msgpack.
fn msgpack_events(events: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let values = events.iter().filter_map(|event| serde_json::from_slice(event).ok());
    values.map(|value: serde_json::Value| common::to_msgpack(&value)).collect()
}

/// Fluent Bit records: `[[time, {"f": "ab"}], record]`, some of them in one chunk.
fn chunks(records: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let chunk = |records: &[Vec<u8>]| {
        let mut out = Vec::new();
        for record in records {
            out.extend(b"\x92\x92\xd7\x00\x66\x8e\x00\x00\x00\x00\x00\x01\x81\xa1f\xa2ab");
            out.extend(record);
        }
        out
    };
    records.chunks(3).map(chunk).collect()
}

/// Allocations of a pass over the inputs, after a warm-up, by what was called. Returns how many
/// records were split.
fn assert_quiet(engine: &Engine, format: Format, inputs: &[Vec<u8>], events: usize) -> u64 {
    let shapes = [Shape::Nested, Shape::Flat, Shape::Ecs];
    let mut scratch = Scratch::new(engine);
    let mut out = vec![0; 4 << 20];
    let (mut matched, mut split) = (0, 0);
    let mut pass = |rounds: usize, tag: bool, armed: bool| {
        let before = ALLOCATIONS.get();
        ARMED.set(armed);
        for index in 0..rounds {
            let data = &inputs[index % inputs.len()];
            let event = Event::new(format, data);
            if tag {
                let round = index / inputs.len();
                let flags = round / shapes.len();
                let tagging = Tagging {
                    shape: shapes[round % shapes.len()],
                    split_records: flags & 1 != 0,
                    only_matching: flags & 2 != 0,
                    strip_foreign: flags & 4 != 0,
                    ..Tagging::default()
                };
                if let Ok((Some(_), summary)) = scratch.tag_prepare(engine, &event, &tagging) {
                    matched += summary.hits;
                    split += summary.split_records;
                    scratch.tag_write(data, &mut out).unwrap();
                }
            } else if let Ok(summary) = scratch.match_event(engine, &event) {
                matched += summary.hits;
            }
        }
        ARMED.set(false);
        ALLOCATIONS.get() - before
    };
    for tag in [false, true] {
        pass(WARM.max(inputs.len() * shapes.len() * 8), tag, false);
        let count = pass(events, tag, true);
        assert_eq!(count, 0, "{format:?}, tagging: {tag}");
    }
    assert!(matched as usize > events / 10, "only {matched} matches");
    split
}

fn engine(rules: RuleSet) -> Engine {
    let options = EngineOptions {
        match_metadata: true,
        disable_rules: vec!["others-disabled".to_owned()],
        ..EngineOptions::default()
    };
    Engine::new(Arc::new(rules), options)
}

/// Every rule meets every event, so that as much as possible is done.
fn unrouted(rules: RuleSet) -> Engine {
    let options = EngineOptions { logsource_mode: LogsourceMode::None, ..EngineOptions::default() };
    Engine::new(Arc::new(rules), options)
}

#[test]
fn a_warm_scratch_allocates_nothing() {
    let loaded = load_text("rules.yml", RULES, &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let options = Options { sources: built_in(), ..Options::default() };
    let rules = compile::rule_set(&loaded.collection, &options).unwrap();
    let kinds: BTreeSet<u8> = rules.tables().predicates.iter().map(|p| p.kind).collect();
    let missing: Vec<u8> = (0..kind::COUNT).filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no predicate of the kinds {missing:?}");
    let engine = engine(rules);
    let json = json_events();
    let msgpack = msgpack_events(&json);
    let chunks = chunks(&msgpack);
    for (format, inputs) in
        [(Format::Json, &json), (Format::Msgpack, &msgpack), (Format::FlbChunk, &chunks)]
    {
        let split = assert_quiet(&engine, format, inputs, EVENTS);
        assert!(split > 1_000, "{format:?}: only {split} were split");
    }
}

#[test]
fn writing_documents_allocates_nothing() {
    let loaded = load_text("rules.yml", RULES, &Placeholders::new());
    let destinations = destinations();
    let options = Options { sources: built_in(), destinations, ..Options::default() };
    let rules = Arc::new(compile::rule_set(&loaded.collection, &options).unwrap());
    let mut json = json_events();
    json.extend([
        r#"{"category":"MySqlAuditLogs","resourceId":"/SUBSCRIPTIONS/A/RESOURCEGROUPS/B/PROVIDERS/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/C","properties":{"event_class":"general_log","event_subclass":"LOG","event_time":"2026-03-04T05:06:07.1234567Z","error_code":1064,"ip":["203.0.113.9","203.0.113.7"],"user":"u[u] @ h [203.0.113.9]","sql_text":"drop \"table\" \u00e9","thread_id":7}}"#,
        r#"{"log":"20261122 09:15:02,db,app,198.51.100.7:5102,4,5,QUERY,shop,'drop table x',0"}"#,
        r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":11,"UtcTime":"2026-03-04 05:06:07.123","ProcessId":"7","User":"NT AUTHORITY\\SYSTEM","Computer":"a.example.com","Image":"C:\\x.exe","TargetFilename":"C:\\a\\b.dll"}"#,
    ].map(|event: &str| event.as_bytes().to_vec()));
    let msgpack = msgpack_events(&json);
    let chunks = chunks(&msgpack);
    for name in ["sekoia", "ecs", "asim"] {
        let normalize = Some(name.to_owned());
        let logsource_mode = LogsourceMode::None;
        let options = EngineOptions { normalize, logsource_mode, ..EngineOptions::default() };
        let engine = Engine::new(Arc::clone(&rules), options);
        for (format, inputs) in
            [(Format::Json, &json), (Format::Msgpack, &msgpack), (Format::FlbChunk, &chunks)]
        {
            let split = assert_quiet(&engine, format, inputs, 10_000);
            assert!(split > 100, "{name} {format:?}: only {split} were split");
        }
    }
}

#[test]
fn looking_for_indicators_allocates_nothing() {
    let folder = common::root().join("tests/data/indicators");
    let reading = Reading { of: None, at: 1_780_000_000 };
    let feed = |name: &str| ioc::read(name, &std::fs::read(folder.join(name)).unwrap(), reading);
    let feeds = ["bundle.json", "misp.csv", "list.txt"].map(|name| feed(name).unwrap());
    let indicators = Some(Arc::new(Set::new(feeds.into(), 4).unwrap()));
    let options = Options { sources: built_in(), indicators, ..Options::default() };
    let engine = unrouted(compile::rule_set(&Collection::default(), &options).unwrap());
    let long = format!("http://drop.example/{} ", "%7e/".repeat(1000));
    let json: Vec<Vec<u8>> = [
        r#"{"category":"MySqlAuditLogs","properties":{"sql_text":"CHANGE MASTER TO MASTER_HOST='x.LOADER.example' /* */","user":"u[u] @ h [203.0.113.66]"}}"#.to_owned(),
        r#"{"log":"20261122 09:15:02,db,app,198.51.100.7,4,5,QUERY,shop,'SELECT \\'http://drop.example/a/%7ex/?id=1, x@phish.example\\n2001:db8:f00d::1\\'',0"}"#.to_owned(),
        r#"{"url":{"full":"HTTP://CDN.example:80/payload.bin#x"},"email":{"from":{"address":"B\u00f6ss <boss@PHISH.example>"}}}"#.to_owned(),
        r#"{"file":{"path":"C:\\x\\Invoice 2026.EXE","hash":{"md5":"AABBCCDDEEFF00112233445566778899"}},"Hashes":"SHA1=0123456789abcdef0123456789abcdef01234567"}"#.to_owned(),
        r#"{"file":{"name":"\u00c7ava.bat"},"source":{"ip":["203.0.113.5","::ffff:203.0.113.90"]}}"#.to_owned(),
        format!(r#"{{"db":{{"statement":"{long}{long}evil.example"}}}}"#),
        r#"{"records":[{"category":"MySqlAuditLogs","properties":{"ip":"198.51.100.7"}},{"category":"MySqlAuditLogs","properties":{"ip":"203.0.113.90"}}]}"#.to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    let msgpack = msgpack_events(&json);
    let chunks = chunks(&msgpack);
    assert_quiet(&engine, Format::Json, &json, 20_000);
    assert_quiet(&engine, Format::Msgpack, &msgpack, 20_000);
    assert_quiet(&engine, Format::FlbChunk, &chunks, 20_000);
}

#[test]
fn sigmahq_allocates_nothing() {
    let Some(corpus) = common::corpus("allocations with SigmaHQ") else { return };
    let loaded = load_paths(&[corpus.join("rules.d")], &Placeholders::new());
    assert!(loaded.collection.rules.len() > 3_000);
    let options = Options { sources: built_in(), ..Options::default() };
    let engine = unrouted(compile::rule_set(&loaded.collection, &options).unwrap());
    let text = common::gunzip(&corpus.join("windows_events_5k.jsonl.gz"));
    let json: Vec<Vec<u8>> = text.lines().take(500).map(|line| line.into()).collect();
    let msgpack = msgpack_events(&json);
    let chunks = chunks(&msgpack);
    assert_quiet(&engine, Format::Json, &json, 5_000);
    assert_quiet(&engine, Format::Msgpack, &msgpack, 5_000);
    assert_quiet(&engine, Format::FlbChunk, &chunks, 2_000);
}
