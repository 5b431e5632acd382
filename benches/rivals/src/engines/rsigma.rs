//! rsigma: `rsigma-parser` and `rsigma-eval`, detection only.

use super::{From, Rules, Variant};
use crate::workload::Event;
use rsigma_eval::{Engine, EvaluationResult, JsonEvent};
use rsigma_parser::{
    LogSource, SigmaCollection, SigmaRule, parse_sigma_directory, parse_sigma_file,
};
use serde_json::Value;
use std::path::Path;

struct Rsigma {
    engine: Engine,
    rules: Rules,
    is_routed: bool,
    variant: Variant,
    /// Events that were parsed beforehand.
    parsed: Vec<Value>,
}

fn read(rules: &Path) -> SigmaCollection {
    if rules.is_dir() { parse_sigma_directory(rules) } else { parse_sigma_file(rules) }
        .expect("rules can be read")
}

fn id(rule: &SigmaRule) -> String {
    rule.id.as_deref().unwrap_or_default().to_lowercase()
}

pub fn accepted(rules: &Path, refused: &mut Vec<(&'static str, String, String)>) -> Vec<String> {
    let mut collection = read(rules);
    for error in &collection.errors {
        refused.push(("rsigma-eval", String::new(), error.clone()));
    }
    let mut engine = Engine::new();
    let errors = engine.add_rules(&collection.rules);
    for (index, error) in &errors {
        refused.push(("rsigma-eval", collection.rules[*index].title.clone(), error.to_string()));
    }
    for (index, _) in errors.iter().rev() {
        collection.rules.remove(*index);
    }
    collection.rules.iter().map(id).collect()
}

pub fn cache(rules: &Path, wanted: &Rules) -> Vec<u8> {
    engine(Engine::new(), rules, wanted).save_hir().expect("a cache")
}

fn engine(mut engine: Engine, path: &Path, rules: &Rules) -> Engine {
    let mut collection = read(path);
    collection.rules.retain(|rule| rules.contains_key(&id(rule)));
    let errors = engine.add_rules(&collection.rules);
    assert!(errors.is_empty(), "rules that were accepted load: {errors:?}");
    engine
}

pub fn load(
    variant: Variant,
    path: &Path,
    from: From,
    rules: &Rules,
    is_routed: bool,
) -> Box<dyn super::Engine> {
    let mut empty = Engine::new();
    empty.set_bloom_prefilter(variant == Variant::RsigmaBloom);
    empty.set_cross_rule_ac(variant == Variant::RsigmaCrossRule);
    let engine = match from {
        From::Yaml => engine(empty, path, rules),
        From::Compiled => {
            let bytes = std::fs::read(path).expect("a cache");
            empty.load_hir(&bytes).expect("a cache that was just written");
            empty
        }
    };
    assert_eq!(engine.rule_count(), rules.len());
    Box::new(Rsigma { engine, rules: rules.clone(), is_routed, variant, parsed: Vec::new() })
}

impl Rsigma {
    fn evaluate(&self, index: usize, event: &Event) -> Vec<EvaluationResult> {
        let own;
        let value = match self.parsed.get(index) {
            Some(value) => value,
            None => {
                own = parse(&event.json);
                &own
            }
        };
        let value = JsonEvent::borrow(value);
        if !self.is_routed {
            return self.engine.evaluate(&value);
        }
        let [product, category, service] =
            event.logsource.each_ref().map(|part| (!part.is_empty()).then(|| part.clone()));
        let logsource = LogSource { product, category, service, ..LogSource::default() };
        self.engine.evaluate_pruned(&value, &logsource)
    }
}

impl super::Engine for Rsigma {
    fn prepare(&mut self, events: &[Event]) {
        if self.variant == Variant::RsigmaParsed {
            self.parsed = events.iter().map(|event| parse(&event.json)).collect();
        }
    }

    fn count(&mut self, index: usize, event: &Event) -> usize {
        self.evaluate(index, event).len()
    }

    fn matches(&mut self, index: usize, event: &Event) -> Vec<u32> {
        let results = self.evaluate(index, event);
        let id = |result: &EvaluationResult| {
            result.header.rule_id.as_deref().unwrap_or_default().to_lowercase()
        };
        results.iter().map(|result| self.rules[&id(result)]).collect()
    }
}

fn parse(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("an event is JSON")
}
