//! Which leaves of an event may hold a keyword.

use super::interest::RoutedFilter;
use super::scan::{is_gram, passing};
use crate::event::value::{Span, Store, Value};
use crate::ruleset::hash::triple_key;
use crate::ruleset::tables::{FieldIndex, GramIndex, Tables};
use crate::source::EventView;

const STORES: [Store; 4] = [Store::Input, Store::Outer, Store::Inner, Store::Derived];

/// Leaves that are worth to be looked up by themselves. Kept so that nothing is allocated.
#[derive(Default)]
pub(super) struct WorthALook {
    /// Numbers of leaves.
    leaves: Vec<u32>,
    /// The texts of one store that was found something in: where each begins and ends, and the
    /// number of its leaf. Filled when first needed.
    spans: Vec<(u32, u32, u32)>,
}

impl WorthALook {
    /// Finds them.
    pub fn find(
        &mut self,
        tables: &Tables,
        view: &EventView<'_>,
        index: &FieldIndex,
        filter: &RoutedFilter,
    ) {
        self.leaves.clear();
        // First and last byte of the texts in each store.
        let mut bounds = [(u32::MAX, 0); STORES.len()];
        for leaf in view.leaves() {
            if let Value::Str(span) = leaf {
                let (start, end) = &mut bounds[span.store as usize];
                *start = span.start.min(*start);
                *end = span.start.saturating_add(span.len).max(*end);
            }
        }
        for (store, (start, end)) in STORES.into_iter().zip(bounds) {
            if start < end {
                let region = Span { store, start, len: end - start };
                self.find_in(tables, view, index, filter, region);
            }
        }
        self.leaves.sort_unstable();
        self.leaves.dedup();
    }

    fn find_in(
        &mut self,
        tables: &Tables,
        view: &EventView<'_>,
        index: &FieldIndex,
        filter: &RoutedFilter,
        region: Span,
    ) {
        self.spans.clear();
        let text = view.bytes(region);
        if !filter.words.is_empty() {
            let mut found = |at: usize| self.found(view, region, at);
            passing(text, &filter.words, filter.words.len(), filter.stride, &mut |gram, at| {
                if is_gram(tables, &index.ascii, gram) {
                    found(at);
                }
            });
            if ends_in_triple(tables, &index.ascii, text) {
                found(text.len() - 3);
            }
        }
        if !text.is_ascii() {
            for (number, leaf) in (0..).zip(view.leaves()) {
                if let Value::Str(span) = leaf
                    && span.store == region.store
                    && !view.bytes(*span).is_ascii()
                {
                    self.leaves.push(number);
                }
            }
        }
    }

    /// Adds the leaf that has the byte at `at` of the region; a key has none.
    fn found(&mut self, view: &EventView<'_>, region: Span, at: usize) {
        if self.spans.is_empty() {
            for (number, leaf) in (0..).zip(view.leaves()) {
                if let Value::Str(span) = leaf
                    && span.store == region.store
                {
                    let end = span.start.saturating_add(span.len);
                    self.spans.push((span.start, end, number));
                }
            }
            // As a rule they are in order.
            self.spans.sort_unstable();
            // No walk gives texts that share bytes; if one does, all are worth a look.
            if self.spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
                self.leaves.extend(self.spans.iter().map(|(_, _, number)| *number));
            }
        }
        let at = region.start.saturating_add(at as u32);
        let before = self.spans.partition_point(|(start, _, _)| *start <= at);
        if let Some(&(_, end, number)) = self.spans[..before].last()
            && at < end
            && self.leaves.last() != Some(&number)
        {
            self.leaves.push(number);
        }
    }

    /// The leaves that were found.
    pub fn leaves<'a>(&'a self, view: &EventView<'a>) -> impl Iterator<Item = Value> + 'a {
        let leaves = view.leaves();
        self.leaves.iter().filter_map(|number| leaves.get(*number as usize).copied())
    }
}

fn ends_in_triple(tables: &Tables, index: &GramIndex, text: &[u8]) -> bool {
    index.triples != 0
        && text.last_chunk().is_some_and(|last| is_gram(tables, index, triple_key(*last)))
}
