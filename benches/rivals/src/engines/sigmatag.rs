//! sigmatag as a library in a host: a rule set, an engine, a scratch.

use super::{From, Rules};
use crate::workload::Event;
use sigmatag::compile::{Options as CompileOptions, compile};
use sigmatag::engine::{Engine, Event as Input, Format, LogsourceMode, Options, Scratch};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::diagnostic::Severity;
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use std::path::Path;
use std::sync::Arc;

struct Sigmatag {
    engine: Engine,
    scratch: Scratch,
    /// The number in the comparison by our index of a rule.
    numbers: Vec<u32>,
    /// Reused for the log source that the host knows.
    logsource: Vec<u8>,
}

fn read(rules: &Path) -> Collection {
    load_paths(&[rules.to_owned()], &Placeholders::new()).collection
}

fn id(rule: &sigmatag::rule::ast::Rule) -> String {
    rule.meta.id.as_deref().unwrap_or_default().to_lowercase()
}

/// Ids of the rules that compile.
pub fn accepted(rules: &Path, refused: &mut Vec<(&'static str, String, String)>) -> Vec<String> {
    let loaded = load_paths(&[rules.to_owned()], &Placeholders::new());
    for diagnostic in &loaded.diagnostics {
        if diagnostic.severity == Severity::Error {
            let file = diagnostic.place.file.to_string();
            refused.push(("sigmatag", file, diagnostic.message.clone()));
        }
    }
    loaded.collection.rules.iter().map(id).collect()
}

/// The rules as the compiled file.
pub fn compiled(rules: &Path, wanted: &Rules) -> Vec<u8> {
    let mut collection = read(rules);
    collection.rules.retain(|rule| wanted.contains_key(&id(rule)));
    let options = CompileOptions { sources: built_in(), ..CompileOptions::default() };
    compile(&collection, &options).expect("rules that were accepted compile").bytes
}

pub fn load(path: &Path, from: From, rules: &Rules, is_routed: bool) -> Box<dyn super::Engine> {
    let bytes = match from {
        From::Yaml => compiled(path, rules),
        From::Compiled => std::fs::read(path).expect("a compiled file"),
    };
    let rule_set = RuleSet::from_bytes(&bytes).expect("what was compiled loads");
    let number = |index| {
        let id = rule_set.rule(index).expect("a rule").id.to_lowercase();
        rules[&id]
    };
    let numbers = (0..rule_set.rule_count()).map(number).collect();
    let logsource_mode = if is_routed { LogsourceMode::Auto } else { LogsourceMode::None };
    let options = Options { logsource_mode, ..Options::default() };
    let engine = Engine::new(Arc::new(rule_set), options);
    let scratch = Scratch::new(&engine);
    Box::new(Sigmatag { engine, scratch, numbers, logsource: Vec::new() })
}

impl super::Engine for Sigmatag {
    fn count(&mut self, _: usize, event: &Event) -> usize {
        self.logsource.clear();
        if !event.logsource[0].is_empty() {
            for (at, part) in event.logsource.iter().enumerate() {
                if at > 0 {
                    self.logsource.push(b'/');
                }
                self.logsource.extend_from_slice(part.as_bytes());
            }
        }
        let input = Input { logsource: &self.logsource, ..Input::new(Format::Json, &event.json) };
        let found = self.scratch.match_event(&self.engine, &input).expect("an event is JSON");
        assert_eq!((found.malformed, found.unexamined), (0, 0));
        found.hits as usize
    }

    fn matches(&mut self, index: usize, event: &Event) -> Vec<u32> {
        self.count(index, event);
        self.scratch.hits().iter().map(|hit| self.numbers[hit.rule as usize]).collect()
    }
}
