//! Documents of events in which something is wrong: values of other types, bytes that are no text,
//! huge texts, many values. What does not fit its member is left out; nothing else changes.
#![cfg(feature = "compile")]

mod common;
mod normalized;

use common::to_msgpack;
use normalized::{
    NAMES, documents, documents_by, engine, login, packed_documents_by, recorded, unpacked, written,
};
use serde_json::{Value, json};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch, Tagging};
use sigmatag::ruleset::{RuleSet, format};
use std::sync::Arc;

/// The members that have to be of a type, and what they must be.
fn check(document: &Value, place: &str) {
    let text = |value: &Value| value.is_string();
    let is_time = |value: &Value| {
        value.as_str().is_some_and(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok())
    };
    let is_address =
        |value: &Value| value.as_str().is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok());
    type Fits<'a> = &'a dyn Fn(&Value) -> bool;
    let types: [(&str, Fits<'_>); 24] = [
        ("/@timestamp", &is_time),
        ("/source/ip", &is_address),
        ("/source/port", &Value::is_i64),
        ("/mysql/thread_id", &Value::is_i64),
        ("/mysql/statement_truncated", &Value::is_boolean),
        ("/process/pid", &Value::is_i64),
        ("/action/id", &Value::is_i64),
        ("/file/created", &is_time),
        ("/event/outcome", &text),
        ("/message", &text),
        ("/related/ip", &Value::is_array),
        ("/related/user", &Value::is_array),
        ("/EventStartTime", &is_time),
        ("/SrcIpAddr", &is_address),
        ("/SrcPortNumber", &Value::is_i64),
        ("/ErrorCode", &Value::is_i64),
        ("/SqlTruncated", &Value::is_boolean),
        ("/EventCount", &Value::is_i64),
        ("/EventType", &text),
        ("/TargetUsername", &text),
        ("/ActorUsername", &text),
        ("/SqlText", &text),
        ("/TargetFilePath", &text),
        ("/EventResult", &text),
    ];
    for (pointer, fits) in types {
        if let Some(value) = document.pointer(pointer) {
            assert!(fits(value), "{place}: {pointer} is {value}");
        }
    }
    no_blanks(document, place);
}

/// No member is null, empty, or an object without members.
fn no_blanks(value: &Value, place: &str) {
    match value {
        Value::Null => panic!("{place}: null"),
        Value::String(text) => assert!(!text.is_empty(), "{place}: an empty text"),
        Value::Array(all) => {
            assert!(!all.is_empty(), "{place}: an empty list");
            all.iter().for_each(|value| no_blanks(value, place));
        }
        Value::Object(members) => {
            assert!(!members.is_empty(), "{place}: an empty object");
            members.values().for_each(|value| no_blanks(value, place));
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The places of all values that are no objects, also in texts that are objects.
fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(all) if all.iter().any(Value::is_object) => {
            for (index, value) in all.iter().enumerate() {
                leaves(value, &format!("{at}/{index}"), out);
            }
        }
        _ => out.push(at.to_owned()),
    }
}

fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!(" "),
        json!("\u{0}\u{1b}[31m\"\\\u{fffd}é😀"),
        json!("99999999999999999999999999"),
        json!(["a", "b", "a", null, 7]),
        json!([]),
        json!({ "a": { "b": 1 } }),
        json!({}),
        json!("x".repeat(70_000)),
    ]
}

#[test]
fn values_of_other_types_are_left_out() {
    let engines = NAMES.map(|name| (name, engine(name)));
    let mut scratches = engines.each_ref().map(|(_, engine)| Scratch::new(engine));
    let odd = odd_values();
    let mut checked = 0;
    for (index, (name, record)) in recorded().into_iter().enumerate() {
        // Every fifth of the files of Windows, which differ by shipper.
        if name.starts_with("windows") && index % 5 > 0 {
            continue;
        }
        let mut places = Vec::new();
        leaves(&record, "", &mut places);
        for (at, place) in places.iter().enumerate() {
            for (number, value) in odd.iter().enumerate() {
                // All values at some places, some values at all places.
                if (at + number + index) % 4 > 0 {
                    continue;
                }
                let mut record = record.clone();
                *record.pointer_mut(place).expect("a leaf") = value.clone();
                for ((destination, engine), scratch) in engines.iter().zip(&mut scratches) {
                    let what = format!("{name}{place} = {value:.60}, {destination}");
                    let (found, summary) = documents_by(scratch, engine, &record);
                    let packed = packed_documents_by(scratch, engine, &record);
                    assert_eq!(packed.len(), found.len(), "{what}");
                    if summary.unmapped_events > 0 {
                        continue;
                    }
                    for (document, packed) in found.iter().zip(&packed) {
                        let (mut document, mut packed) = (document.clone(), packed.clone());
                        check(&document, &what);
                        document["message"] = Value::Null;
                        packed["message"] = Value::Null;
                        assert_eq!(packed, document, "{what}");
                    }
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 2_000, "only {checked}");
}

#[test]
fn bytes_that_are_no_text_pass_as_they_are() {
    let record = login("CONNECT", "mallory?");
    let mut packed = to_msgpack(&record);
    let at = packed.windows(8).position(|bytes| bytes == b"mallory?").expect("the user");
    packed[at + 7] = 0xff;
    for name in NAMES {
        let (out, summary) = written(&engine(name), Format::Msgpack, &packed, &Tagging::default());
        assert_eq!(summary.normalized_records, 1);
        assert!(out.windows(8).any(|bytes| bytes == b"mallory\xff"), "{name}");
        assert_eq!(unpacked(&out).len(), 1, "{name}");
    }
}

#[test]
fn keys_that_come_twice_are_no_single_value() {
    let event = |user: &str| {
        format!(
            r#"{{"category":"MySqlAuditLogs","properties":{{"event_class":"connection_log","event_subclass":"CONNECT",{user}"ip":"203.0.113.9","ip":"198.51.100.7"}}}}"#
        )
    };
    let text = event(r#""user":"app","user":"root","#);
    let read = |name: &str| {
        let (out, _) = written(&engine(name), Format::Json, text.as_bytes(), &Tagging::default());
        serde_json::from_slice::<Value>(&out).expect("JSON")
    };
    // Of a list of values no one knows which one counts.
    let asim = read("asim");
    assert_eq!((asim.get("TargetUsername"), asim.get("SrcIpAddr")), (None, None));
    let ecs = read("ecs");
    assert_eq!(ecs.pointer("/related/ip"), Some(&json!(["198.51.100.7", "203.0.113.9"])));
}

#[test]
fn a_huge_statement_is_written_whole() {
    let sql = format!("SELECT '{}'", "\u{1}\"".repeat(400_000));
    let record = json!({ "category": "MySqlAuditLogs", "properties": {
        "event_class": "general_log", "event_subclass": "LOG", "error_code": 0, "sql_text": sql } });
    let (found, _) = documents(&engine("ecs"), &record);
    assert_eq!(found[0]["db"]["statement"], sql);
    let message: Value =
        serde_json::from_str(found[0]["message"].as_str().expect("text")).expect("JSON");
    assert_eq!(message, record);
}

#[test]
fn truncated_records_never_panic() {
    for name in NAMES {
        let engine = engine(name);
        let mut scratch = Scratch::new(&engine);
        for (_, record) in recorded().into_iter().step_by(7) {
            let packed = to_msgpack(&record);
            let json = record.to_string();
            for (format, data) in [(Format::Msgpack, &packed[..]), (Format::Json, json.as_bytes())]
            {
                for end in (0..data.len()).step_by(11) {
                    let event = Event::new(format, &data[..end]);
                    let result = scratch.tag_prepare(&engine, &event, &Tagging::default());
                    assert!(result.is_err(), "{record} {end}");
                    scratch.tag_discard();
                }
            }
        }
    }
}

/// Bytes of the section `destinations` that are damaged: refused, or documents that end.
#[test]
fn damaged_destinations_never_panic() {
    let file = normalized::file();
    let rules = RuleSet::from_bytes(file).expect("the rules verify");
    let section = rules.tables().normal.encoded();
    let start = file.windows(64).position(|bytes| bytes == &section[..64]).expect("the section");
    let records: Vec<Vec<u8>> = [login("CONNECT", "mallory")]
        .into_iter()
        .chain(recorded().into_iter().step_by(23).map(|(_, record)| record))
        .map(|record| to_msgpack(&record))
        .collect();
    let (mut refused, mut written) = (0, 0);
    for step in 0..400 {
        // Most of it are keys; what destinations say is at the end.
        let at = match step % 2 {
            0 => step * section.len() / 400,
            _ => section.len() - 1 - step * 31 % (section.len() / 5),
        };
        let mut bytes = file.to_vec();
        bytes[start + at] ^= [1, 0x80, 0xff, 0x10][step % 4];
        format::reseal(&mut bytes);
        let rules = RuleSet::from_bytes(&bytes).expect("the section is read when it is asked for");
        if rules.normal().is_err() {
            refused += 1;
            continue;
        }
        let rules = Arc::new(rules);
        for name in NAMES {
            let options = Options { normalize: Some(name.to_owned()), ..Options::default() };
            let engine = Engine::new(Arc::clone(&rules), options);
            let mut scratch = Scratch::new(&engine);
            for record in &records {
                let event = Event::new(Format::Msgpack, record);
                let Ok((Some(length), _)) =
                    scratch.tag_prepare(&engine, &event, &Tagging::default())
                else {
                    continue;
                };
                let mut out = vec![0; length];
                assert_eq!(scratch.tag_write(record, &mut out), Ok(length));
                written += 1;
            }
        }
    }
    assert!(refused > 20 && written > 100, "{refused} refused, {written} written");
}
