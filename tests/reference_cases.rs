//! The reference evaluator against the collected cases: one rule text, one event, one verdict.
#![cfg(feature = "compile")]

use sigmatag::reference::Reference;
use sigmatag::reference::event::{Value, from_json, from_msgpack};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_text;
use std::path::Path;

struct Case {
    name: String,
    rule_yaml: String,
    event: serde_json::Value,
    expect: bool,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sigma/edge_cases.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            Case {
                name: case["name"].as_str().unwrap().to_owned(),
                rule_yaml: case["rule_yaml"].as_str().unwrap().to_owned(),
                event: case["event"].clone(),
                expect: case["expect"].as_bool().unwrap(),
            }
        })
        .collect()
}

/// The same event as msgpack.
fn packed(event: &serde_json::Value) -> rmpv::Value {
    use serde_json::Value as Json;
    match event {
        Json::Null => rmpv::Value::Nil,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => value.into(),
            (_, Some(value)) => value.into(),
            _ => number.as_f64().unwrap().into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(elements) => rmpv::Value::Array(elements.iter().map(packed).collect()),
        Json::Object(entries) => rmpv::Value::Map(
            entries.iter().map(|(key, value)| (key.as_str().into(), packed(value))).collect(),
        ),
    }
}

#[test]
fn every_case_has_its_verdict_in_json_and_msgpack() {
    let cases = cases();
    assert!(cases.len() >= 315, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let loaded = load_text("case.yml", &case.rule_yaml, &Placeholders::new());
        let reference = match Reference::new(&loaded.collection) {
            Ok(reference) if reference.rules() > 0 => reference,
            Ok(_) => {
                wrong.push(format!("{}: no rule was loaded: {:?}", case.name, loaded.diagnostics));
                continue;
            }
            Err(error) => {
                wrong.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        let json: Value = from_json(case.event.to_string().as_bytes()).unwrap();
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &packed(&case.event)).unwrap();
        let msgpack = from_msgpack(&bytes).unwrap();
        for (format, event) in [("json", &json), ("msgpack", &msgpack)] {
            let matched = !reference.matching_rules(event).is_empty();
            if matched != case.expect {
                wrong.push(format!("{} ({format}): {matched}, not {}", case.name, case.expect));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
