//! The reference evaluator: what a rule means, said as plainly as it can be.
//!
//! It decides who is right when the compiled engine gives another answer, so it is written to be
//! read, not to be fast: it walks the syntax tree of a rule for every event and works on decoded
//! characters. It takes nothing from the project but that syntax tree ([`crate::rule`]): decoding,
//! escapes, folding, encodings, numbers and dates are all its own or an external crate's, so that
//! a mistake in the engine cannot hide in shared code.
//!
//! Enter at [`Reference`]. An event is a [`Value`](event::Value), made by
//! [`from_json`](event::from_json) or [`from_msgpack`](event::from_msgpack).
//!
//! Log sources select nothing here except which rules a filter applies to. Correlations are judged
//! apart, by what rules match the events of a stream: see [`correlation`].

mod condition;
pub mod correlation;
mod date;
mod encode;
pub mod event;
#[cfg(test)]
mod event_tests;
mod expression;
mod field;
mod item;
#[cfg(test)]
mod item_tests;
mod network;
pub mod number;
mod pattern;
mod placeholder;
mod text;

use crate::rule::ast::{Collection, Filter, FilterRules, LogSource, Metadata, Rule};
use condition::Query;
use event::Value;

/// The rules of a collection with the filters that apply to them. Immutable; threads may share it.
#[derive(Debug)]
pub struct Reference {
    rules: Vec<FilteredRule>,
}

#[derive(Debug)]
struct FilteredRule {
    query: Query,
    /// Each must hold as well.
    filters: Vec<Query>,
}

impl Reference {
    /// Prepares the rules. The error names the document and what is wrong with it.
    pub fn new(collection: &Collection) -> Result<Reference, String> {
        let at =
            |meta: &Metadata, error: String| format!("{}: {}: {error}", meta.place, meta.title);
        let placeholders = &collection.placeholders;
        let mut rules = Vec::new();
        for rule in &collection.rules {
            let query =
                Query::new(&rule.detection, placeholders).map_err(|error| at(&rule.meta, error))?;
            let mut filters = Vec::new();
            for filter in collection.filters.iter().filter(|filter| applies(filter, rule)) {
                let query = Query::new(&filter.detection, placeholders)
                    .map_err(|error| at(&filter.meta, error))?;
                filters.push(query);
            }
            rules.push(FilteredRule { query, filters });
        }
        Ok(Reference { rules })
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Whether a rule, by its index in the collection, matches the event.
    ///
    /// # Panics
    /// If there is no such rule.
    pub fn matches(&self, rule: usize, event: &Value) -> bool {
        let rule = &self.rules[rule];
        rule.query.holds(event) && rule.filters.iter().all(|filter| filter.holds(event))
    }

    /// The indices of all rules that match the event, ascending.
    pub fn matching_rules(&self, event: &Value) -> Vec<usize> {
        (0..self.rules.len()).filter(|&rule| self.matches(rule, event)).collect()
    }
}

/// Whether a filter concerns a rule: it lists the rule, and each part of a log source that it
/// names is the rule's.
fn applies(filter: &Filter, rule: &Rule) -> bool {
    let listed = match &filter.rules {
        FilterRules::Any => true,
        FilterRules::Listed(names) => names.iter().any(|name| {
            [&rule.meta.id, &rule.meta.name].into_iter().flatten().any(|own| *own == name.value)
        }),
    };
    listed && covers(&filter.logsource, &rule.logsource)
}

fn covers(filter: &LogSource, rule: &LogSource) -> bool {
    let same = |filter: &Option<String>, rule: &Option<String>| filter.is_none() || filter == rule;
    same(&filter.product, &rule.product)
        && same(&filter.category, &rule.category)
        && same(&filter.service, &rule.service)
}
