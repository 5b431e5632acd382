//! A rule set in force, asked about one rule and one record.

use crate::explain;
use crate::failure::Failure;
use sigmatag::engine::explain::{Explainer, Explanation};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
use sigmatag::ruleset::RuleSet;
use sigmatag::source::Encoding;
use std::sync::Arc;

/// A rule set ready to match.
pub struct Bed {
    rules: Arc<RuleSet>,
    engine: Engine,
    scratch: Scratch,
}

impl Bed {
    pub fn new(rules: RuleSet) -> Bed {
        let rules = Arc::new(rules);
        let engine = Engine::new(Arc::clone(&rules), Options::default());
        let scratch = Scratch::new(&engine);
        Bed { rules, engine, scratch }
    }

    /// The index of a rule by its id; one without an id by its title.
    pub fn find(&self, id: Option<&str>, title: &str) -> Option<u32> {
        (0..self.rules.rule_count()).find(|&rule| {
            self.rules.rule(rule).is_some_and(|info| match id {
                Some(id) => info.id == id,
                None => info.title == title,
            })
        })
    }

    /// Whether a rule matches an event of the record.
    pub fn matches(&mut self, rule: u32, record: &[u8]) -> Result<bool, Failure> {
        Ok(self.hits(record)?.iter().any(|(_, hit)| *hit == rule))
    }

    /// The rules that match: the event's number in the record, and the rule's index.
    pub fn hits(&mut self, record: &[u8]) -> Result<Vec<(u32, u32)>, Failure> {
        let event = Event::new(Format::Json, record);
        self.scratch
            .match_event(&self.engine, &event)
            .map_err(|error| Failure::Unusable(format!("a test's record: {error}")))?;
        Ok(self.scratch.hits().iter().map(|hit| (hit.event, hit.rule)).collect())
    }

    /// What the rule finds in each event, in short.
    pub fn explain(&self, rule: u32, record: &[u8]) -> Vec<String> {
        // A stripped file explains nothing; the verdict stands.
        let Ok(mut explainer) = Explainer::new(&self.rules) else { return Vec::new() };
        let about = self.rules.rule(rule).map_or("", |info| info.logsource);
        let mut lines = Vec::new();
        let mut show = |explanation: Explanation| {
            lines.extend(explain::in_short(&explanation, about));
        };
        match explainer.explain(rule, record, Encoding::Json, b"", &mut show) {
            Ok(_) => lines,
            Err(error) => vec![error.to_string()],
        }
    }
}
