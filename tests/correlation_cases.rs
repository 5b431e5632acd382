//! The reference evaluator of correlations against the collected cases: rules, a stream of events,
//! and the event with which the correlation is raised first.
#![cfg(feature = "compile")]

mod common;

use sigmatag::reference::Reference;
use sigmatag::reference::correlation::{Correlator, Observation, Raised};
use sigmatag::reference::event::from_json;
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::load::load_text;

fn loaded(name: &str, text: &str) -> Collection {
    let loaded = load_text(name, text, &Placeholders::new());
    assert_eq!(loaded.refused, 0, "{name}: {:?}", loaded.diagnostics);
    loaded.collection
}

/// The text of a field, by dotted path.
fn text(event: &serde_json::Value, name: &str) -> Option<String> {
    let mut at = event;
    for key in name.split('.') {
        at = at.get(key)?;
    }
    match at {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// What a stream raises: the event's number, and what it raises.
fn raised(
    collection: &Collection,
    events: impl IntoIterator<Item = (u64, serde_json::Value)>,
) -> Vec<(usize, Raised)> {
    let reference = Reference::new(collection).expect("rules that are legal");
    let mut correlator = Correlator::new(collection).expect("correlations that are legal");
    let mut all = Vec::new();
    for (at, (time, event)) in events.into_iter().enumerate() {
        let value = from_json(event.to_string().as_bytes()).expect("JSON");
        let rules = reference.matching_rules(&value);
        let field = |name: &str| text(&event, name);
        let observation = Observation { time: time * 1000, rules: &rules, field: &field };
        let found = correlator.observe(&observation).expect("in order of time");
        all.extend(found.into_iter().map(|raised| (at, raised)));
    }
    all
}

#[test]
fn every_case_is_raised_as_stated() {
    let path = common::root().join("tests/data/sigma/correlation_cases.jsonl");
    let cases = std::fs::read_to_string(path).expect("cases");
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        let name = case["name"].as_str().expect("name");
        let collection = loaded(name, case["rule_yaml"].as_str().expect("rule_yaml"));
        let own = |raised: &Raised| {
            Some(collection.correlations[raised.correlation].meta.title.as_str())
                == case["title"].as_str()
        };
        let events = case["events"].as_array().expect("events").iter();
        let events = events.map(|event| (event["t"].as_u64().expect("t"), event["event"].clone()));
        let all = raised(&collection, events);
        let first = all.iter().find(|(_, raised)| own(raised)).map(|(at, _)| *at as u64);
        if first != case["first_fire"].as_u64() {
            wrong.push(format!("{name}: {first:?}, not {}: {}", case["first_fire"], case["why"]));
        }
    }
    assert!(cases.lines().count() >= 33);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const RULES: &str = "title: A
name: a
logsource: {category: test}
detection: {s: {k|contains: a}, condition: s}
---
title: B
name: b
logsource: {category: test}
detection: {s: {k|contains: b}, condition: s}
---
title: C
correlation: ";

/// The numbers of the events that raise, for events `(seconds, k, v)` of one group.
fn numbers(correlation: &str, events: &[(u64, &str, i32)]) -> Vec<usize> {
    let collection = loaded("case", &format!("{RULES}{{timespan: 10s, {correlation}}}\n"));
    let event =
        |(at, k, v): &(u64, &str, i32)| (*at, serde_json::json!({"k": k, "v": v, "u": "x"}));
    raised(&collection, events.iter().map(event)).into_iter().map(|(at, _)| at).collect()
}

#[test]
fn what_holds_is_raised_once() {
    let count = "type: event_count, rules: [a], condition: {gte: 2}";
    let every = |gap: u64| (0..8).map(|at| (at * gap, "a", 0)).collect::<Vec<_>>();
    assert_eq!(numbers(count, &every(1)), [1]);
    // Between two events the first leaves the window, and the next fills it again.
    assert_eq!(numbers(count, &every(10)), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(numbers(count, &every(11)), [0; 0]);
    assert_eq!(numbers(count, &[(0, "a", 0), (1, "a", 0), (20, "a", 0), (21, "a", 0)]), [1, 3]);
    assert_eq!(numbers("type: event_count, rules: [a], condition: {lt: 2}", &every(1)), [0]);
}

#[test]
fn an_event_of_two_rules_is_one_event() {
    let both = [(0, "ab", 3), (1, "b", 4)];
    let count = "type: event_count, rules: [a, b], condition: {gte: 3}";
    assert_eq!(numbers(count, &both), [0; 0]);
    assert_eq!(numbers("type: temporal, rules: [a, b]", &both), [0]);
    assert_eq!(numbers("type: temporal_ordered, rules: [b, a]", &both), [0]);
    assert_eq!(
        numbers("type: value_sum, rules: [a, b], condition: {field: v, gte: 7}", &both),
        [1]
    );
    assert_eq!(
        numbers("type: value_sum, rules: [a, b], condition: {field: v, gt: 7}", &both),
        [0; 0]
    );
}

#[test]
fn conditions_over_rules() {
    let events = [(0, "b", 0), (1, "a", 0), (20, "a", 0)];
    let when =
        |condition: &str| numbers(&format!("type: temporal, rules: [a, b], {condition}"), &events);
    assert_eq!(when("condition: a and b"), [1]);
    assert_eq!(when("condition: a and not b"), [2]);
    assert_eq!(when("condition: {gte: 1}"), [0, 2]);
    let ordered = |condition: &str| {
        numbers(&format!("type: temporal_ordered, rules: [a, b], {condition}"), &events)
    };
    assert_eq!(ordered("condition: a and b"), [0; 0]);
    assert_eq!(ordered("condition: {gte: 2}"), [0; 0]);
}

#[test]
fn values_of_a_window() {
    let events = [(0, "a", 1), (1, "a", 2), (2, "a", 3), (3, "a", 10), (30, "a", 7)];
    let when = |condition: &str, kind: &str| {
        numbers(&format!("type: {kind}, rules: [a], condition: {{field: v, {condition}}}"), &events)
    };
    assert_eq!(when("gte: 16", "value_sum"), [3]);
    assert_eq!(when("gte: 4", "value_avg"), [3, 4]);
    assert_eq!(when("eq: 2.5", "value_median"), [3]);
    assert_eq!(when("percentile: 100, gte: 3", "value_percentile"), [2, 4]);
}

#[test]
fn time_does_not_run_backwards() {
    let text = format!("{RULES}{{type: temporal, rules: [a, b], timespan: 10s}}\n");
    let collection = loaded("case", &text);
    let mut correlator = Correlator::new(&collection).expect("legal");
    let at = |time| Observation { time, rules: &[], field: &|_| None };
    assert!(correlator.observe(&at(5)).is_ok() && correlator.observe(&at(5)).is_ok());
    assert!(correlator.observe(&at(4)).is_err());
}
