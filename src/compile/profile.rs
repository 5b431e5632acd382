//! What a site's own events say about its traffic.
//!
//! Events go through the sources as when they are matched, so that a rule's fields have the values
//! that it will look at. What is kept are the texts of each field and how many events have each.

use super::texts::Texts;
use crate::engine::predicate::{TextBuffer, text};
use crate::event::Malformed;
use crate::event::fold::fold;
use crate::event::value::Value;
use crate::ruleset::RuleSet;
use crate::source::{Buffers, Encoding, EventView, for_each_event};
use foldhash::HashMap;
use std::collections::BTreeMap;

/// Most bytes of different texts that are kept. An index of their grams takes some ten times of it.
const MAX_BYTES: usize = 16 << 20;

/// The texts of a site's events.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    events: u64,
    fields: BTreeMap<String, Texts>,
    keywords: Texts,
}

impl Profile {
    /// Events that were measured.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What a field had in them.
    pub fn field(&self, name: &str) -> Option<&Texts> {
        self.fields.get(name)
    }

    /// What keywords are looked for in.
    pub fn keywords(&self) -> &Texts {
        &self.keywords
    }
}

/// Measures events for the rules of a rule set.
pub struct Profiler<'a> {
    rules: &'a RuleSet,
    buffers: Buffers,
    /// By field, keywords last; `None` for what no rule looks at.
    fields: Vec<Option<Collected>>,
    events: u64,
    bytes: usize,
}

/// Different texts in the order of their first event.
#[derive(Default)]
struct Collected {
    numbers: HashMap<Vec<u8>, usize>,
    /// How many events have each, and the last of them.
    counts: Vec<(u32, u64)>,
}

impl<'a> Profiler<'a> {
    /// A profiler for the rules that the profile shall be used for.
    pub fn new(rules: &'a RuleSet) -> Profiler<'a> {
        let tables = rules.tables();
        let keywords = tables.fields.len();
        let mut fields: Vec<Option<Collected>> = (0..=keywords).map(|_| None).collect();
        for predicate in &tables.predicates {
            fields[predicate.field as usize].get_or_insert_default();
        }
        let buffers = Buffers::new(&tables.sources, keywords, fields[keywords].is_some());
        Profiler { rules, buffers, fields, events: 0, bytes: 0 }
    }

    /// Whether no more texts can be kept.
    pub fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }

    /// Measures the events of a record, one JSON object.
    ///
    /// # Errors
    /// If it is none, or nested too deep.
    pub fn record(&mut self, record: &[u8]) -> Result<(), Malformed> {
        let Profiler { rules, buffers, fields, events, bytes } = self;
        let tables = rules.tables();
        let mut buffer = TextBuffer::default();
        let (sources, keys) = (&tables.sources, &tables.keys);
        for_each_event(record, Encoding::Json, sources, keys, buffers, |event| {
            *events += 1;
            let mut add = |field: usize, value: Value, view: &EventView<'_>| {
                if let Some(collected) = &mut fields[field]
                    && let Some(text) = text(value, view, &mut buffer)
                {
                    *bytes += collected.add(fold(text), *events);
                }
            };
            let view = &event.view;
            for field in view.touched() {
                view.values(field).for_each(|value| add(field as usize, value, view));
            }
            view.leaves().iter().for_each(|leaf| add(tables.fields.len(), *leaf, view));
        })?;
        Ok(())
    }

    /// What was measured.
    pub fn finish(mut self) -> Profile {
        let keywords = self.fields.pop().flatten().unwrap_or_default().texts();
        let named = (0..).zip(self.fields).filter_map(|(field, collected)| {
            Some((self.rules.field_name(field).to_owned(), collected?.texts()))
        });
        Profile { events: self.events, fields: named.collect(), keywords }
    }
}

impl Collected {
    /// Counts a text of an event, once; returns the bytes that it takes.
    fn add(&mut self, text: Vec<u8>, event: u64) -> usize {
        let len = text.len();
        let fresh = self.counts.len();
        let number = *self.numbers.entry(text).or_insert(fresh);
        if number == fresh {
            self.counts.push((1, event));
            return len;
        }
        let (times, last) = &mut self.counts[number];
        if *last != event {
            *times = times.saturating_add(1);
            *last = event;
        }
        0
    }

    fn texts(self) -> Texts {
        let mut lines = vec![(Vec::new(), 0); self.counts.len()];
        for (text, number) in self.numbers {
            lines[number] = (text, self.counts[number].0);
        }
        Texts::new(lines)
    }
}
