//! Documents of destinations: what the tests about them share.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

use crate::common::families::FAMILIES;
use crate::common::{root, to_msgpack};
use serde_json::{Map, Value, json};
use sigmatag::compile::{Options as CompileOptions, compile};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch, Summary, Tagging};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::RuleSet;
use std::fs;
use std::sync::{Arc, OnceLock};

/// The destinations that come with sigmatag.
pub const NAMES: [&str; 3] = ["sekoia", "ecs", "asim"];

/// Matches audit events of `mallory` and files that `evil.exe` writes.
const RULES: &str = r"
title: Mallory
id: 11111111-1111-4111-8111-111111111111
tags: [attack.t1078]
level: high
logsource: {category: database, product: mysql, service: audit}
detection: {s: {user: mallory}, condition: s}
---
title: Evil
id: 22222222-2222-4222-8222-222222222222
level: low
logsource: {product: windows, category: file_event}
detection: {s: {'Image|endswith': '\evil.exe'}, condition: s}
";

/// These rules with all destinations, compiled.
pub fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let loaded = load_text("rules.yml", RULES, &Placeholders::new());
        assert!(
            loaded.diagnostics.iter().all(|d| d.code.starts_with("missing")),
            "{:?}",
            loaded.diagnostics
        );
        let options = CompileOptions {
            sources: built_in(),
            destinations: destinations(),
            ..CompileOptions::default()
        };
        compile(&loaded.collection, &options).expect("the rules compile").bytes
    })
}

/// The same, loaded.
pub fn rules() -> Arc<RuleSet> {
    static SET: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let load = || Arc::new(RuleSet::from_bytes(file()).expect("the rules verify"));
    Arc::clone(SET.get_or_init(load))
}

/// An engine that writes the documents of a destination.
pub fn engine(destination: &str) -> Engine {
    let normalize = Some(destination.to_owned());
    Engine::new(rules(), Options { normalize, ..Options::default() })
}

/// What is written for some bytes, and what the call saw.
pub fn written(
    engine: &Engine,
    format: Format,
    data: &[u8],
    tagging: &Tagging<'_>,
) -> (Vec<u8>, Summary) {
    written_by(&mut Scratch::new(engine), engine, format, data, tagging)
}

/// The same with a scratch that is there already.
pub fn written_by(
    scratch: &mut Scratch,
    engine: &Engine,
    format: Format,
    data: &[u8],
    tagging: &Tagging<'_>,
) -> (Vec<u8>, Summary) {
    let event = Event::new(format, data);
    let (length, summary) = scratch.tag_prepare(engine, &event, tagging).expect("a record");
    let mut out = data.to_vec();
    if let Some(length) = length {
        out = vec![0; length];
        assert_eq!(scratch.tag_write(data, &mut out), Ok(length));
    }
    (out, summary)
}

/// The documents of a record, as JSON gives them.
pub fn documents(engine: &Engine, record: &Value) -> (Vec<Value>, Summary) {
    documents_by(&mut Scratch::new(engine), engine, record)
}

/// The same with a scratch that is there already.
pub fn documents_by(
    scratch: &mut Scratch,
    engine: &Engine,
    record: &Value,
) -> (Vec<Value>, Summary) {
    let (text, tagging) = (record.to_string(), Tagging::default());
    let (out, summary) = written_by(scratch, engine, Format::Json, text.as_bytes(), &tagging);
    let stream = serde_json::Deserializer::from_slice(&out).into_iter::<Value>();
    (stream.map(|value| value.expect("JSON")).collect(), summary)
}

/// The documents of a record, as msgpack gives them.
pub fn packed_documents(engine: &Engine, record: &Value) -> Vec<Value> {
    packed_documents_by(&mut Scratch::new(engine), engine, record)
}

/// The same with a scratch that is there already.
pub fn packed_documents_by(scratch: &mut Scratch, engine: &Engine, record: &Value) -> Vec<Value> {
    let (data, tagging) = (to_msgpack(record), Tagging::default());
    unpacked(&written_by(scratch, engine, Format::Msgpack, &data, &tagging).0)
}

/// The values of concatenated msgpack.
pub fn unpacked(mut data: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    while !data.is_empty() {
        all.push(plain(&rmpv::decode::read_value(&mut data).expect("msgpack")));
    }
    all
}

fn plain(value: &rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => json!(value),
        rmpv::Value::Integer(value) => match (value.as_i64(), value.as_u64()) {
            (Some(value), _) => json!(value),
            (None, value) => json!(value),
        },
        rmpv::Value::F32(value) => json!(value),
        rmpv::Value::F64(value) => json!(value),
        rmpv::Value::String(text) => json!(String::from_utf8_lossy(text.as_bytes())),
        rmpv::Value::Binary(bytes) => json!(String::from_utf8_lossy(bytes)),
        rmpv::Value::Array(all) => all.iter().map(plain).collect(),
        rmpv::Value::Map(members) => {
            let mut object = Map::new();
            for (key, value) in members {
                let key = key.as_str().expect("keys are text").to_owned();
                assert!(object.insert(key, plain(value)).is_none(), "a key occurs twice");
            }
            object.into()
        }
        rmpv::Value::Ext(..) => panic!("an extension"),
    }
}

/// Recorded records of every kind of source: family, name, record.
pub fn recorded() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for family in FAMILIES {
        let folder = root().join("tests/data").join(family);
        for entry in fs::read_dir(&folder).expect("a folder of records") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_stem().expect("a name").to_string_lossy();
                let text = fs::read_to_string(&path).expect("a record");
                let record = serde_json::from_str(&text).expect("JSON");
                all.push((format!("{family}/{name}"), record));
            }
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() > 100, "only {} records", all.len());
    all
}

/// A session of Azure's Single Server.
pub fn login(subclass: &str, user: &str) -> Value {
    json!({ "LogicalServerName": "shop-db-1", "SubscriptionId": "0a1b2c3d-1111-2222-3333-444455556666",
        "ResourceGroup": "shop", "time": "2026-03-04T05:06:07Z", "category": "MySqlAuditLogs",
        "operationName": "LogEvent",
        "resourceId": "/SUBSCRIPTIONS/0A1B2C3D/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.DBFORMYSQL/SERVERS/SHOP-DB-1",
        "properties": { "event_class": "connection_log", "event_subclass": subclass,
            "connection_id": 7304735, "host": "", "ip": "203.0.113.9", "user": user, "db": "shop" } })
}
