//! Which leaves of an event may hold a keyword.

use super::interest::RoutedFilter;
use super::scan::{is_gram, is_short, short_places};
use super::vector::{Vectors, passing};
use crate::event::value::{Span, Store, Value};
use crate::ruleset::tables::{FieldIndex, Tables};
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
        (tables, index): (&Tables, &FieldIndex),
        view: &EventView<'_>,
        filter: &RoutedFilter,
        vectors: Vectors,
    ) {
        self.leaves.clear();
        // First and last byte of the texts in each store.
        let mut bounds = [(u32::MAX, 0); STORES.len()];
        // PERF: nearly all lie in the record, whose bounds stay in registers.
        let (mut first, mut last) = (u32::MAX, 0);
        for leaf in view.leaves() {
            let Value::Str(span) = leaf else { continue };
            let end = span.start.saturating_add(span.len);
            if span.store == Store::Input {
                (first, last) = (span.start.min(first), end.max(last));
            } else {
                let (start, furthest) = &mut bounds[span.store as usize];
                (*start, *furthest) = (span.start.min(*start), end.max(*furthest));
            }
        }
        bounds[Store::Input as usize] = (first, last);
        for (store, (start, end)) in STORES.into_iter().zip(bounds) {
            if start < end {
                let region = Span { store, start, len: end - start };
                self.find_in((tables, index), view, (filter, vectors), region);
            }
        }
        self.leaves.sort_unstable();
        self.leaves.dedup();
    }

    fn find_in(
        &mut self,
        (tables, index): (&Tables, &FieldIndex),
        view: &EventView<'_>,
        (filter, vectors): (&RoutedFilter, Vectors),
        region: Span,
    ) {
        self.spans.clear();
        let text = view.bytes(region);
        if !filter.words.is_empty() {
            passing(vectors, text, &filter.words, filter.stride, &mut |at| {
                if is_gram(tables, &index.ascii, text, at) {
                    self.found(view, region, at);
                }
            });
        }
        if filter.shorts {
            short_places(vectors, text, tables, &index.ascii, &mut |at| {
                if is_short(tables, &index.ascii, text, at) {
                    self.found(view, region, at);
                }
            });
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
