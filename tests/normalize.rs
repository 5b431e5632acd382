//! `normalize`: the documents that destinations expect in place of records.
#![cfg(feature = "compile")]

mod common;
mod dialects;
mod normalized;
mod pack;

use common::{assert_committed, root, to_msgpack};
use dialects::Record;
use normalized::{
    NAMES, documents, documents_by, engine, login, packed_documents, recorded, unpacked, written,
};
use serde_json::{Value, json};
use sigmatag::engine::{Engine, Format, Options, Scratch, Shape, Tagging};
use std::fmt::Write as _;

/// The two records and documents of Sekoia.io's page about its intake for Azure Database for MySQL.
fn of_the_page() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(root().join("tests/data/normalized/sekoia-page.json"));
    let cases: Value = serde_json::from_str(&text.expect("a file")).expect("JSON");
    let cases = cases.as_array().expect("an array").clone();
    cases
        .into_iter()
        .map(|document| (document["message"].as_str().expect("a message").to_owned(), document))
        .collect()
}

#[test]
fn sekoia_gets_the_documents_of_its_page() {
    let engine = engine("sekoia");
    let cases = of_the_page();
    assert_eq!(cases.len(), 2);
    for (message, expected) in cases {
        // As text in a field, as the intake gets it, and as an object.
        let record = json!({ "message": message });
        let (found, summary) = documents(&engine, &record);
        assert_eq!(found, std::slice::from_ref(&expected));
        assert_eq!((summary.normalized_records, summary.unmapped_events), (1, 0));
        assert_eq!(packed_documents(&engine, &record), std::slice::from_ref(&expected));
        let (out, _) = written(&engine, Format::Json, message.as_bytes(), &Tagging::default());
        assert_eq!(serde_json::from_slice::<Value>(&out).expect("JSON"), expected);
    }
}

/// A document whose `message` is what JSON text says, so that forms of it can be compared.
fn with_read_message(mut document: Value) -> Value {
    if let Some(message) = document["message"].as_str()
        && let Ok(read) = serde_json::from_str::<Value>(message)
    {
        document["message"] = read;
    }
    document
}

#[test]
fn recorded_events_have_the_committed_documents() {
    for name in NAMES {
        let engine = engine(name);
        let mut text = String::new();
        for (record_name, record) in recorded() {
            let json = record.to_string();
            let (out, summary) =
                written(&engine, Format::Json, json.as_bytes(), &Tagging::default());
            let packed = packed_documents(&engine, &record);
            let lines = String::from_utf8(out.clone()).expect("UTF-8");
            let found: Vec<Value> =
                lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            let read = |all: Vec<Value>| all.into_iter().map(with_read_message).collect::<Vec<_>>();
            assert_eq!(read(packed), read(found.clone()), "{name}, {record_name}");
            if summary.normalized_records == 0 {
                assert_eq!(out, json.as_bytes(), "{record_name} has no document");
                assert_eq!(summary.unmapped_events, summary.events, "{record_name}");
                continue;
            }
            let unmapped = summary.unmapped_events;
            assert_eq!(summary.normalized_records + unmapped, found.len() as u64, "{record_name}");
            let _ = writeln!(text, "# {record_name}\n{lines}");
        }
        assert_committed(&format!("tests/data/normalized/{name}.txt"), &text);
    }
}

#[test]
fn every_dialect_has_a_document_for_every_audit_event() {
    let engines = NAMES.map(|name| (name, engine(name)));
    let mut scratches = engines.each_ref().map(|(_, engine)| Scratch::new(engine));
    let mut checked = 0;
    for rule in &pack::loaded().collection.rules {
        if rule.logsource.product.as_deref() != Some("mysql") {
            continue;
        }
        for case in pack::cases("rules/mysql", &pack::file_stem(rule)) {
            if case.event.get("properties").is_none() {
                continue;
            }
            for (dialect, write) in dialects::audit() {
                let record = match write(&case.event) {
                    Ok(Record::Object(object, _)) => object,
                    Ok(Record::Line(line)) => match String::from_utf8(line) {
                        Ok(line) => json!({ "log": line }),
                        Err(_) => continue,
                    },
                    Err(_) => continue,
                };
                for ((name, engine), scratch) in engines.iter().zip(&mut scratches) {
                    let (found, summary) = documents_by(scratch, engine, &record);
                    let place = format!("{}: {dialect}, {name}", case.place);
                    // Heartbeats of a stream say nothing.
                    let unmapped = u64::from(dialect.contains("heartbeat"));
                    assert_eq!(summary.unmapped_events, unmapped, "{place}");
                    assert_eq!(summary.normalized_records, summary.events - unmapped, "{place}");
                    assert_eq!(found.len() as u64, summary.events, "{place}");
                    agrees(name, &case.event["properties"], found.last().expect("one"), &place);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 10_000, "only {checked}");
}

/// What the document says is what the event says, wherever it says it.
fn agrees(destination: &str, event: &Value, document: &Value, place: &str) {
    let user = event["user"].as_str().unwrap_or_default();
    let user = user.split_once('[').map_or(user, |(_, rest)| rest.split(']').next().expect("one"));
    let said = |pointers: [&str; 2]| pointers.iter().find_map(|pointer| document.pointer(pointer));
    if let Some(found) = said(match destination {
        "asim" => ["/ActorUsername", "/TargetUsername"],
        _ => ["/user/name", "/user/name"],
    }) {
        // Rows of MariaDB's tables are of the account that the dialect makes up.
        assert!(found == user || found == "app", "{place}: {found} for {user}");
    }
    if let Some(found) = said(match destination {
        "asim" => ["/SrcIpAddr", "/SrcIpAddr"],
        _ => ["/source/ip", "/source/ip"],
    }) {
        let text = found.as_str().expect("a text");
        assert!(text.parse::<std::net::IpAddr>().is_ok(), "{place}: {found}");
    }
}

#[test]
fn a_tag_is_part_of_the_document() {
    for name in NAMES {
        let engine = engine(name);
        for shape in [Shape::Nested, Shape::Flat, Shape::Ecs] {
            let tagging = Tagging { shape, ..Tagging::default() };
            for user in ["mallory", "app"] {
                let record = login("CONNECT", user);
                let text = record.to_string();
                let (out, summary) = written(&engine, Format::Json, text.as_bytes(), &tagging);
                let found: Value = serde_json::from_slice(&out).expect("JSON");
                let packed = to_msgpack(&record);
                let packed = written(&engine, Format::Msgpack, &packed, &tagging).0;
                let packed = unpacked(&packed).pop().expect("one");
                let read = with_read_message;
                assert_eq!(read(packed), read(found.clone()), "{name} {shape:?}");
                let id = match shape {
                    Shape::Nested => found.pointer("/sigma/rules/0/id"),
                    Shape::Flat => found.pointer("/SigmaIds/0"),
                    Shape::Ecs => found.pointer("/rule/id/0"),
                };
                let expected =
                    (user == "mallory").then_some("11111111-1111-4111-8111-111111111111");
                assert_eq!(id.and_then(Value::as_str), expected, "{name} {shape:?} {found}");
                assert_eq!(summary.matched_records, u64::from(user == "mallory"));
                let own = documents(&engine, &record).0.remove(0);
                for (key, value) in own.as_object().expect("an object") {
                    if key != "event" && key != "sigma" {
                        assert_eq!(found[key], *value, "{name} {shape:?} {key}");
                    }
                }
                let outcome = found.pointer("/event/outcome");
                assert_eq!(outcome.is_some(), name != "asim", "{found}");
            }
        }
    }
}

#[test]
fn envelopes_become_a_document_for_each_event() {
    let engine = engine("sekoia");
    let (a, b) = (login("CONNECT", "app"), login("DISCONNECT", "mallory"));
    let other = json!({ "records": [a, { "category": "Other" }, b] });
    let (found, summary) = documents(&engine, &other);
    assert_eq!(found.len(), 3);
    assert_eq!(
        (&found[0]["action"]["name"], &found[2]["action"]["name"]),
        (&json!("CONNECT"), &json!("DISCONNECT"))
    );
    assert_eq!(found[1], json!({ "category": "Other" }));
    assert_eq!(
        (summary.normalized_records, summary.unmapped_events, summary.split_records),
        (2, 1, 1)
    );
    assert_eq!(found[2]["sigma"]["level"], "high");

    let tagging = Tagging { only_matching: true, ..Tagging::default() };
    let envelope = json!({ "records": [a, b] }).to_string();
    let (out, summary) = written(&engine, Format::Json, envelope.as_bytes(), &tagging);
    let found: Value = serde_json::from_slice(&out).expect("one document");
    assert_eq!(found["user"]["name"], "mallory");
    assert_eq!((summary.normalized_records, summary.dropped_records), (1, 1));

    // One that cannot be split passes as it came.
    let odd = json!({ "records": [a, 1, b] });
    let (found, summary) = documents(&engine, &odd);
    assert_eq!(found[0]["records"], odd["records"]);
    assert_eq!((summary.normalized_records, summary.unmapped_events), (0, summary.events));
}

#[test]
fn what_no_document_is_for_stays_as_it_is() {
    for name in NAMES {
        let engine = engine(name);
        for record in [
            json!({ "log": "hello" }),
            json!({ "Channel": "Security", "EventID": 4625, "TargetUserName": "x" }),
            json!({ "records": [{ "category": "Other" }, { "category": "Other" }] }),
            json!({ "event_class": "connection_log", "source": "azure", "user": "forged" }),
        ] {
            let text = record.to_string();
            let (out, summary) =
                written(&engine, Format::Json, text.as_bytes(), &Tagging::default());
            assert_eq!(String::from_utf8(out).expect("UTF-8"), text, "{name}");
            assert_eq!((summary.normalized_records, summary.unmapped_events), (0, summary.events));
        }
    }
}

#[test]
fn what_is_around_an_event_is_not_its_own() {
    let event = json!({ "category": "MySqlAuditLogs", "properties": { "event_class": "table_access_log",
        "event_subclass": "READ", "db": "shop", "table": "orders" } });
    let record = json!({ "message": event.to_string(), "user": "fluent", "ip": "192.0.2.1",
        "server": "collector", "host": "collector", "outcome": "failure" });
    let (found, _) = documents(&engine("sekoia"), &record);
    assert_eq!(
        found[0],
        json!({ "message": event.to_string(), "event": { "outcome": "success" },
            "action": { "name": "READ", "outcome": "success", "type": "table_access_log" } })
    );
}

#[test]
fn chunks_and_messages_keep_their_frames() {
    let engine = engine("sekoia");
    let mut chunk = Vec::new();
    let records =
        [login("CONNECT", "mallory"), json!({ "log": "hello" }), login("DISCONNECT", "app")];
    for record in &records {
        chunk.extend_from_slice(b"\x92\x92\xd7\x00\x66\x8e\x00\x00\x00\x00\x00\x01\x81\xa1f\xa2ab");
        chunk.extend_from_slice(&to_msgpack(record));
    }
    let (out, summary) = written(&engine, Format::FlbChunk, &chunk, &Tagging::default());
    let mut rest = &out[..];
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let record = rmpv::decode::read_value(&mut rest).expect("msgpack");
        let parts = record.as_array().expect("an array");
        assert_eq!(parts[0][1]["f"], rmpv::Value::from("ab"));
        let mut body = Vec::new();
        rmpv::encode::write_value(&mut body, &parts[1]).expect("memory");
        bodies.extend(unpacked(&body));
    }
    assert_eq!(bodies[0]["sigma"]["level"], "high");
    assert_eq!(bodies[0]["user"]["name"], "mallory");
    assert_eq!(bodies[1], records[1]);
    assert_eq!(bodies[2]["action"]["name"], "DISCONNECT");
    assert_eq!((summary.normalized_records, summary.unmapped_events), (2, 1));

    let mut message = b"\x93\xa1t\x92".to_vec();
    for record in [&records[0], &json!({ "records": [records[0], records[2]] })] {
        message.extend_from_slice(b"\x92\x01");
        message.extend_from_slice(&to_msgpack(record));
    }
    message.extend_from_slice(b"\x81\xa4size\x02");
    let (out, summary) = written(&engine, Format::Forward, &message, &Tagging::default());
    let found = unpacked(&out);
    let entries = found[0][1].as_array().expect("entries");
    assert_eq!((entries.len(), &found[0][2]["size"]), (3, &json!(3)));
    assert_eq!(entries[2][1]["user"]["name"], "app");
    assert_eq!(summary.normalized_records, 3);
}

#[test]
fn matching_does_not_depend_on_it() {
    let plain = Engine::new(normalized::rules(), Options::default());
    let mut scratch = Scratch::new(&plain);
    for name in NAMES {
        let engine = engine(name);
        let mut other = Scratch::new(&engine);
        for (record_name, record) in recorded() {
            let data = to_msgpack(&record);
            let event = sigmatag::engine::Event::new(Format::Msgpack, &data);
            let expected = scratch.match_event(&plain, &event).expect("a record");
            let found = other.match_event(&engine, &event).expect("a record");
            assert_eq!(found, expected, "{record_name}");
            assert_eq!(other.hits(), scratch.hits(), "{record_name}");
        }
    }
}

#[test]
fn names_are_checked() {
    let rules = normalized::rules();
    assert_eq!(rules.destination("Sekoia"), Ok(0));
    let why = rules.destination("splunk").expect_err("unknown");
    assert_eq!(why, "unknown destination `splunk`; known are sekoia, ecs, asim");
}
