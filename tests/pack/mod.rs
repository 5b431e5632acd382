//! The rules of `rules/mysql` and the events beside them, for the tests of the pack.

// Every test program compiles this file and uses its own part of it.
#![allow(dead_code)]

use serde_json::{Map, Value};
use sigmatag::compile;
use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
use sigmatag::rule::ast::{Placeholders, Rule};
use sigmatag::rule::descriptor;
use sigmatag::rule::load::{Loaded, load_paths};
use sigmatag::ruleset::RuleSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::root;

/// Rules, named by paths relative to the repository: cargo runs tests in its root.
pub fn load(paths: &[&str]) -> Loaded {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let loaded = load_paths(&paths, &Placeholders::new());
    let findings: Vec<String> =
        loaded.diagnostics.iter().map(|d| format!("{}: {}", d.place, d.message)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    loaded
}

/// The rules of the pack.
pub fn loaded() -> Loaded {
    load(&["rules/mysql"])
}

/// Rules and the built-in sources, compiled.
pub fn compile(loaded: &Loaded) -> Vec<u8> {
    let options = compile::Options {
        sources: descriptor::built_in(),
        destinations: descriptor::destinations(),
        ..compile::Options::default()
    };
    compile::compile(&loaded.collection, &options).expect("the rules compile").bytes
}

/// An engine with the rules of these paths.
pub fn engine_of(paths: &[&str]) -> Engine {
    let rules = RuleSet::from_bytes(&compile(&load(paths))).expect("the rules verify");
    Engine::new(Arc::new(rules), Options::default())
}

/// An engine with the pack.
pub fn engine() -> Engine {
    engine_of(&["rules/mysql"])
}

/// The name of a rule's file without its extension.
pub fn file_stem(rule: &Rule) -> String {
    let stem = Path::new(&*rule.meta.place.file).file_stem().expect("a file name");
    stem.to_str().expect("UTF-8").to_owned()
}

/// One line of a test file.
pub struct Case {
    /// File, line and name.
    pub place: String,
    /// The whole event.
    pub event: Value,
    /// The line itself.
    pub line: Value,
}

impl Case {
    /// Whether the rule must match.
    pub fn expected(&self) -> bool {
        self.line["match"].as_bool().unwrap_or_else(|| panic!("{}: match", self.place))
    }
}

/// The events beside a rule or filter: `tests/STEM.jsonl` in its folder.
///
/// A change changes one value, so that a case says what the decision hangs on.
pub fn cases(folder: &str, stem: &str) -> Vec<Case> {
    let path = format!("{folder}/tests/{stem}.jsonl");
    let text = std::fs::read_to_string(root().join(&path))
        .unwrap_or_else(|error| panic!("{path}: {error}: every rule needs test events"));
    let tests = sigmatag::rule_test::read(&text);
    let (cases, problems) = (tests.cases, tests.problems);
    assert_eq!(problems, [], "{path}");
    let lines: Vec<&str> = text.lines().collect();
    cases
        .into_iter()
        .map(|case| {
            let place = format!("{path}:{}: {}", case.line, case.name);
            assert!(case.changed.len() <= 1, "{place}: change one value");
            let line = serde_json::from_str(lines[case.line as usize - 1]).expect("JSON");
            Case { place, event: case.record, line }
        })
        .collect()
}

/// A record as msgpack.
pub fn msgpack(value: &Value) -> rmpv::Value {
    match value {
        Value::Null => rmpv::Value::Nil,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => number.as_i64().expect("an integer").into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => rmpv::Value::Array(items.iter().map(msgpack).collect()),
        Value::Object(map) => object(map),
    }
}

fn object(map: &Map<String, Value>) -> rmpv::Value {
    rmpv::Value::Map(map.iter().map(|(key, value)| (key.as_str().into(), msgpack(value))).collect())
}

/// The record `{"log": LINE}` as msgpack; the line need not be UTF-8.
pub fn log_record(line: &[u8]) -> Vec<u8> {
    let mut record = vec![0x81, 0xa3];
    record.extend_from_slice(b"log");
    record.push(0xdb);
    let len = u32::try_from(line.len()).expect("a short line");
    record.extend_from_slice(&len.to_be_bytes());
    record.extend_from_slice(line);
    record
}

/// The events of a record in which a rule matched.
pub fn matched(
    scratch: &mut Scratch,
    engine: &Engine,
    format: Format,
    data: &[u8],
    id: &str,
) -> Vec<u32> {
    scratch.match_event(engine, &Event::new(format, data)).expect("a record");
    let is_rule = |rule| scratch.rules().rule(rule).is_some_and(|info| info.id == id);
    scratch.hits().iter().filter(|hit| is_rule(hit.rule)).map(|hit| hit.event).collect()
}
