//! Explanations agree with matching on every case of `tests/data/sigma/edge_cases.jsonl`.

use serde_json::Value;
use sigmatag::compile;
use sigmatag::engine::explain::{Explainer, Explanation, Found};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_text;
use sigmatag::source::Encoding;
use std::sync::Arc;

/// What must be true of any explanation, whatever the rule.
fn check(name: &str, explanation: &Explanation, wrong: &mut Vec<String>) {
    for selection in &explanation.selections {
        for item in &selection.items {
            let place = format!("{name}: {} {}", selection.name, item.key);
            for value in &item.values {
                for witness in &value.witnesses {
                    let known = witness.field.is_none()
                        || item.fields.iter().any(|field| {
                            Some(&field.name) == witness.field.as_ref()
                                && field.values.contains(&witness.value)
                        });
                    if !known {
                        wrong.push(format!("{place}: {witness:?} is not of the event"));
                    }
                }
            }
            let key = &item.key;
            let about_absence = key.contains("|exists")
                || item.values.iter().any(|v| v.text == "null" || v.text == "[]");
            if about_absence || item.values.len() != 1 {
                continue;
            }
            let value = &item.values[0];
            if value.held == value.witnesses.is_empty() {
                wrong.push(format!("{place}: held {}, {:?}", value.held, value.witnesses));
            }
            if item.held != (value.held != key.contains("|neq")) {
                wrong.push(format!("{place}: item and its only value differ"));
            }
        }
    }
}

#[test]
fn explanations_agree_with_matching() {
    let cases = include_str!("data/sigma/edge_cases.jsonl");
    let (mut checked, mut matched) = (0, 0);
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let loaded = load_text(name, case["rule_yaml"].as_str().unwrap(), &Placeholders::new());
        let rules = compile::rule_set(&loaded.collection, &compile::Options::default())
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let rules = Arc::new(rules);
        let engine = Engine::new(Arc::clone(&rules), Options::default());
        let mut scratch = Scratch::new(&engine);
        let record = serde_json::to_vec(&case["event"]).unwrap();
        scratch.match_event(&engine, &Event::new(Format::Json, &record)).unwrap();
        let mut explainer = Explainer::new(&rules).unwrap();
        for rule in 0..rules.rule_count() {
            let mut all = Vec::new();
            explainer.explain(rule, &record, Encoding::Json, b"", |found| all.push(found)).unwrap();
            let hit = scratch.hits().iter().any(|hit| hit.rule == rule);
            checked += 1;
            matched += usize::from(hit);
            if all.len() != 1 || all[0].matched != hit {
                wrong.push(format!("{name}: matching says {hit}, explained {all:?}"));
            }
            for explanation in &all {
                check(name, explanation, &mut wrong);
            }
            if explainer.condition(rule) == "selection"
                && all[0].selections.iter().all(|s| !s.name.starts_with("filter/"))
                && all[0].selections[0].held != hit
            {
                wrong.push(format!("{name}: the only selection is not the verdict"));
            }
        }
    }
    assert!(checked >= 315 && matched > 50 && matched < checked, "{checked} {matched}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_of_the_event_cannot_control_a_terminal() {
    let shown = Found::Text("\u{1b}[31m\n".to_owned()).to_string();
    assert_eq!(shown, "\"\\u{1b}[31m\\n\"");
}
