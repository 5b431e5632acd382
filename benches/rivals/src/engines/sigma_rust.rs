//! sigma-rust: rules one by one, each asked about each event.

use super::{Rules, Variant};
use crate::workload::Event;
use serde_norway::Value;
use sigma_rust::{Rule, event_from_json, rule_from_yaml};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct SigmaRust {
    /// Rules with their numbers in the comparison.
    rules: Vec<(u32, Rule)>,
    variant: Variant,
    /// Events that were parsed beforehand.
    parsed: Vec<sigma_rust::Event>,
}

/// The documents of rule files: sigma-rust reads one at a time.
fn documents(path: &Path, out: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a folder");
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths.iter().for_each(|path| documents(path, out));
    } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
        let text = std::fs::read_to_string(path).expect("a rule file");
        let parts = text.split("\n---\n").map(|part| (path.to_owned(), part.to_owned()));
        out.extend(parts);
    }
}

/// Reads a rule. `|re|i`, which sigma-rust does not know, becomes `|re` with `(?i)` in the
/// expression, which it does and which says the same: else a quarter of some rule sets would be
/// left out for all engines.
fn read(text: &str) -> Result<Rule, String> {
    if !text.contains("|re|i") {
        return rule_from_yaml(text).map_err(|error| error.to_string());
    }
    let mut rule: Value = serde_norway::from_str(text).map_err(|error| error.to_string())?;
    if let Some(detection) = rule.get_mut("detection") {
        flags_inside(detection);
    }
    serde_norway::from_value(rule).map_err(|error| error.to_string())
}

fn flags_inside(value: &mut Value) {
    match value {
        Value::Mapping(members) => {
            for (mut key, mut value) in std::mem::take(members) {
                if let Value::String(name) = &mut key
                    && let Some(field) = name.strip_suffix("|re|i")
                {
                    *name = format!("{field}|re");
                    ignore_case(&mut value);
                } else {
                    flags_inside(&mut value);
                }
                members.insert(key, value);
            }
        }
        Value::Sequence(elements) => elements.iter_mut().for_each(flags_inside),
        _ => {}
    }
}

fn ignore_case(value: &mut Value) {
    match value {
        Value::String(expression) => expression.insert_str(0, "(?i)"),
        Value::Sequence(elements) => elements.iter_mut().for_each(ignore_case),
        _ => {}
    }
}

/// The `detection` of every rule by its id in lower case.
pub fn detections(rules: &Path) -> BTreeMap<String, Value> {
    let mut all = Vec::new();
    documents(rules, &mut all);
    let detection = |(_, text): &(PathBuf, String)| {
        let rule: Value = serde_norway::from_str(text).ok()?;
        Some((rule.get("id")?.as_str()?.to_lowercase(), rule.get("detection")?.clone()))
    };
    all.iter().filter_map(detection).collect()
}

fn id(rule: &Rule) -> String {
    rule.id.as_deref().unwrap_or_default().to_lowercase()
}

pub fn accepted(rules: &Path, refused: &mut Vec<(&'static str, String, String)>) -> Vec<String> {
    let mut all = Vec::new();
    documents(rules, &mut all);
    let mut ids = Vec::new();
    for (path, text) in all {
        match read(&text) {
            Ok(rule) => ids.push(id(&rule)),
            Err(error) => {
                refused.push(("sigma-rust", path.display().to_string(), error));
            }
        }
    }
    ids
}

pub fn load(variant: Variant, path: &Path, rules: &Rules) -> Box<dyn super::Engine> {
    let mut all = Vec::new();
    documents(path, &mut all);
    let rule = |(_, text): &(PathBuf, String)| {
        let rule = read(text).ok()?;
        Some((*rules.get(&id(&rule))?, rule))
    };
    let loaded: Vec<(u32, Rule)> = all.iter().filter_map(rule).collect();
    assert_eq!(loaded.len(), rules.len());
    Box::new(SigmaRust { rules: loaded, variant, parsed: Vec::new() })
}

fn parse(json: &[u8]) -> sigma_rust::Event {
    let text = std::str::from_utf8(json).expect("an event is UTF-8");
    event_from_json(text).expect("an event is JSON")
}

impl SigmaRust {
    fn each(&self, index: usize, event: &Event, mut found: impl FnMut(u32)) {
        let own;
        let event = match self.parsed.get(index) {
            Some(event) => event,
            None => {
                own = parse(&event.json);
                &own
            }
        };
        for (number, rule) in &self.rules {
            if rule.is_match(event) {
                found(*number);
            }
        }
    }
}

impl super::Engine for SigmaRust {
    fn prepare(&mut self, events: &[Event]) {
        if self.variant == Variant::SigmaRustParsed {
            self.parsed = events.iter().map(|event| parse(&event.json)).collect();
        }
    }

    fn count(&mut self, index: usize, event: &Event) -> usize {
        let mut count = 0;
        self.each(index, event, |_| count += 1);
        count
    }

    fn matches(&mut self, index: usize, event: &Event) -> Vec<u32> {
        let mut numbers = Vec::new();
        self.each(index, event, |number| numbers.push(number));
        numbers
    }
}
