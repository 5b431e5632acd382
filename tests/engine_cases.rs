//! Every case of `tests/data/sigma/edge_cases.jsonl` through the engine: as JSON and msgpack,
//! with the index and without.

mod common;

use serde_json::Value;
use sigmatag::compile;
use sigmatag::engine::{Engine, Event, Format, Mode, Options, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_text;
use std::sync::Arc;

/// JSON text and msgpack of an event as the case gives it.
fn encodings(event: &Value) -> [(Format, Vec<u8>); 2] {
    let packed = common::to_msgpack(event);
    [(Format::Json, serde_json::to_vec(event).unwrap()), (Format::Msgpack, packed)]
}

#[test]
fn engine_agrees_with_every_edge_case() {
    let cases = include_str!("data/sigma/edge_cases.jsonl");
    let mut checked = 0;
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let loaded = load_text(name, case["rule_yaml"].as_str().unwrap(), &Placeholders::new());
        let rules = compile::rule_set(&loaded.collection, &compile::Options::default())
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let engine = Engine::new(Arc::new(rules), Options::default());
        for mode in [Mode::Indexed, Mode::Exhaustive] {
            let mut scratch = Scratch::with_mode(&engine, mode);
            for (format, data) in encodings(&case["event"]) {
                let summary = scratch.match_event(&engine, &Event::new(format, &data)).unwrap();
                checked += 1;
                if (summary.hits > 0) != case["expect"].as_bool().unwrap() {
                    wrong.push(format!("{name} {format:?} {mode:?}: {} hits", summary.hits));
                }
            }
        }
    }
    assert!(checked >= 315 * 4);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
