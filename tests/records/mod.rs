//! Random records and what is expected to be written for them.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

pub mod model;

use serde_json::Value;
use sigmatag::compile;
use sigmatag::engine::{Engine, Options};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_text;
use std::sync::Arc;

const RULES: &str = r"
title: a table is dropped
id: drop
level: high
logsource: {product: mysql, service: audit}
detection:
  s: {sql_text|contains: 'drop'}
  condition: s
";

/// An engine with one rule about a source that is built in.
pub fn engine() -> Engine {
    engine_with(RULES, Options::default())
}

pub fn engine_with(rules: &str, options: Options) -> Engine {
    let loaded = load_text("rules.yml", rules, &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let sources = compile::Options { sources: built_in(), ..Default::default() };
    let rules = compile::rule_set(&loaded.collection, &sources).unwrap();
    Engine::new(Arc::new(rules), options)
}

/// Numbers that are the same in every run.
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

fn to_doc(value: &Value) -> rmpv::Value {
    match value {
        Value::Null => rmpv::Value::Nil,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_i64().unwrap().into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => rmpv::Value::Array(elements.iter().map(to_doc).collect()),
        Value::Object(entries) => rmpv::Value::Map(
            entries.iter().map(|(key, value)| (key.as_str().into(), to_doc(value))).collect(),
        ),
    }
}

pub fn to_msgpack(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &to_doc(value)).unwrap();
    out
}

fn to_json(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => value.into(),
        rmpv::Value::Integer(number) => number.as_i64().unwrap().into(),
        rmpv::Value::String(text) => text.into_str().unwrap().into(),
        rmpv::Value::Binary(bytes) => String::from_utf8_lossy(&bytes).into(),
        rmpv::Value::Array(items) => items.into_iter().map(to_json).collect(),
        rmpv::Value::Map(pairs) => Value::Object(
            pairs
                .into_iter()
                .map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value)))
                .collect(),
        ),
        rmpv::Value::Ext(kind, _) => kind.into(),
        other => panic!("{other}"),
    }
}

/// All msgpack values of some bytes; no key may be there twice.
pub fn decode_all(mut data: &[u8]) -> Vec<Value> {
    let mut out = Vec::new();
    while !data.is_empty() {
        let value = rmpv::decode::read_value(&mut data).unwrap();
        if let rmpv::Value::Map(pairs) = &value {
            let mut keys: Vec<&str> = pairs.iter().filter_map(|(key, _)| key.as_str()).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), pairs.len());
        }
        out.push(to_json(value));
    }
    out
}
