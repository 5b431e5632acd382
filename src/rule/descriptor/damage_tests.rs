//! Damaged texts of every dialect: nothing panics, nothing is lost, and the time grows with the bytes.

use std::time::Instant;

use serde_json::Value as Json;

use super::built_in;
use super::event_tests::{Bench, read_sample, samples};
use crate::source::{Encoding, ListedValue};

/// The texts in which events of samples lie, and their records.
fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for path in samples() {
        let Json::Object(record) = read_sample(&path) else { continue };
        for (key, value) in record {
            let is_payload =
                ["log", "message", "MESSAGE", "System", "data", "payload"].contains(&&*key);
            if let (true, Json::String(text)) = (is_payload, value) {
                texts.push((key, text));
            }
        }
    }
    assert!(texts.len() > 60, "{}", texts.len());
    texts
}

/// `{key: text, "ident": ...}` as msgpack, the text being any bytes.
fn record(key: &str, text: &[u8]) -> Vec<u8> {
    let mut record = vec![0x82, 0xa5];
    record.extend_from_slice(b"ident");
    record.extend_from_slice(b"\xb5mysql-server_auditing");
    record.push(0xa0 | key.len() as u8);
    record.extend_from_slice(key.as_bytes());
    record.push(0xdb);
    record.extend_from_slice(&(text.len() as u32).to_be_bytes());
    record.extend_from_slice(text);
    record
}

#[test]
fn damaged_texts_never_panic_and_are_shown() {
    let bench = Bench::built_in();
    let mut buffers = bench.buffers();
    let mut state = 1u32;
    let mut next = |limit: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % limit.max(1)
    };
    let (mut recognised, mut malformed) = (0, 0);
    for (key, text) in texts() {
        let text = text.as_bytes();
        let mut run = |text: &[u8]| {
            let record = record(&key, text);
            let (seen, outcome) = bench
                .run_with(&record, Encoding::Msgpack, &mut buffers)
                .expect("the record itself is whole");
            assert_eq!(seen.len(), outcome.events as usize);
            assert!(outcome.events > 0);
            recognised += outcome.recognised;
            malformed += outcome.malformed_payloads;
        };
        for _ in 0..60 {
            run(&text[..next(text.len())]);
            let mut damaged = text.to_vec();
            for _ in 0..=next(3) {
                if damaged.is_empty() {
                    break;
                }
                let at = next(damaged.len());
                match next(4) {
                    0 => damaged[at] = next(256) as u8,
                    1 => drop(damaged.remove(at)),
                    2 => damaged.insert(at, b"<>\"',&\\\n{}[]"[next(12)]),
                    _ => damaged.extend_from_within(at..),
                }
            }
            run(&damaged);
        }
    }
    assert!(recognised > 1_000 && malformed > 1_000, "{recognised} {malformed}");
}

#[test]
fn bytes_that_are_no_text_stay() {
    let bench = Bench::new(&built_in(), &["sql_text", "source"]);
    let mut buffers = bench.buffers();
    let raw = b"SELECT '\xff\xfe\x1b[31m\0\xc3' FROM t";
    let around = |before: &str, after: &str| [before.as_bytes(), raw, after.as_bytes()].concat();
    let element = "<AUDIT_RECORD><NAME>Query</NAME><RECORD>1_x</RECORD><SQLTEXT>";
    for (source, text) in [
        ("mariadb", around("20261122 09:15:02,db,app,::1,41,907,QUERY,shop,'", "',0")),
        (
            "mariadb",
            around("<14>Nov 22 09:15:02 mysql-server_auditing:  db,app,::1,41,907,QUERY,,'", "',0"),
        ),
        ("aurora", around("1795338902123456,db,app,::1,41,907,QUERY,shop,'", "',0")),
        ("percona", around(element, "</SQLTEXT></AUDIT_RECORD>")),
        ("percona", around("<AUDIT_RECORD NAME=\"Query\" RECORD=\"1_x\" SQLTEXT=\"", "\"/>")),
        ("percona", around("\"Query\",\"1_x\",\"t\",\"select\",\"4\",0,\"", "\",\"a\"")),
        ("percona", around("{\"audit_record\":{\"name\":\"Query\",\"sqltext\":\"", "\"}}")),
    ] {
        let record = record("log", &text);
        let (seen, outcome) =
            bench.run_with(&record, Encoding::Msgpack, &mut buffers).expect("a record");
        assert_eq!(outcome.recognised, 1, "{source}");
        let field = |name: &str| {
            let found = seen[0].listing.fields.iter().find(|(known, _)| known == name);
            found.map(|(_, values)| values.clone()).unwrap_or_default()
        };
        assert_eq!(field("source"), [ListedValue::Str(source.into())]);
        assert_eq!(field("sql_text"), [ListedValue::Str(raw.to_vec())], "{source}");
    }
}

#[test]
fn time_grows_with_the_bytes_of_a_text() {
    let bench = Bench::built_in();
    let mut buffers = bench.buffers();
    let mut time = |head: &str, piece: &str, count: usize| {
        let text = format!("{head}{}", piece.repeat(count));
        let record = record("log", text.as_bytes());
        let mut run = || {
            let start = Instant::now();
            bench.run_with(&record, Encoding::Msgpack, &mut buffers).expect("a record");
            start.elapsed()
        };
        (0..3).map(|_| run()).min().expect("three runs").as_secs_f64()
    };
    let line = "20261122 09:15:02,db,app,192.0.2.1,41,907,QUERY,shop,'";
    let other = "2026-11-22T09:15:02,db,app,192.0.2.1,41,907,QUERY,shop,'";
    let row = "\"Query\",\"7_2026-11-22T09:00:00\",\"";
    let element = "<AUDIT_RECORD><NAME>Query</NAME><SQLTEXT>";
    for (head, piece) in [
        (line, "\n"),
        (line, "',"),
        (line, "\n20261122 09:15:02,"),
        (other, "\n2026-11-22T09:15:02,a"),
        (other, "\n1,2,"),
        ("2026-11-22T09:15:02,", "1,"),
        ("20261122 09:15:02,", ",1,"),
        (row, "\"\""),
        (row, "\",\""),
        (row, "\"\n"),
        (row, "\n\"Query\",\"7_\""),
        (element, "<x>"),
        (element, "<x/>"),
        (element, "&"),
        (element, "]]>"),
        ("<AUDIT_RECORD/>", "<AUDIT_RECORD/>"),
        ("<AUDIT>", "<AUDIT>"),
        ("<!---->", "<!---->"),
        ("<14>1 - - a - - ", "[a]"),
        ("<14>1 - - a - - [a \"", "\\]"),
        ("<14>", "a "),
        ("Nov 22 09:15:02 ", "a"),
        ("[", "{},"),
        (",", ","),
        ("{\"a\":1}", ",{\"a\":1}"),
        ("", "{\"databaseActivityEventList\":[{}]}"),
    ] {
        let (short, long) = (time(head, piece, 1_000), time(head, piece, 16_000));
        // Sixteen times the bytes; the rest is room for a busy machine.
        assert!(long < short * 160.0 + 0.05, "{head}{piece}: {short} {long}");
    }
}
