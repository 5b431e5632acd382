//! Totals by source, counted as the others are (see `totals`) and kept by the source's name.
//!
//! A scratch counts into a block that is laid out for one rule set. When a reload changes the rule
//! set, the block is added to what is closed and the scratch gets another.

use std::ffi::c_char;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::totals::add;
use super::types::sigmatag_source_t;
use crate::engine::SourceCounts;
use crate::ruleset::RuleSet;

const COUNTS: usize = 5;

fn numbers(counts: SourceCounts) -> [u64; COUNTS] {
    let SourceCounts { events, broken_payload, broken_nested, broken_positions, broken_line } =
        counts;
    [events, broken_payload, broken_nested, broken_positions, broken_line]
}

/// Numbers of one scratch for one rule set. Only the thread inside a call with that scratch writes.
pub(super) struct Block {
    /// Which entry of the ledger each source of the rule set is.
    entries: Vec<usize>,
    counts: Vec<[AtomicU64; COUNTS]>,
}

impl Block {
    /// Counts what a call saw of a source. Only inside the scratch's lease.
    pub(super) fn count(&self, source: u32, counts: SourceCounts) {
        let Some(totals) = self.counts.get(source as usize) else { return };
        for (total, number) in totals.iter().zip(numbers(counts)) {
            add(total, number);
        }
    }

    fn add_to(&self, entry: usize, sums: &mut [u64; COUNTS]) {
        for (_, counts) in self.entries.iter().zip(&self.counts).filter(|(at, _)| **at == entry) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum = sum.wrapping_add(count.load(Relaxed));
            }
        }
    }
}

/// All sources that the engine has met. Entries are never removed: C may hold their names.
#[derive(Default)]
pub(super) struct SourceLedger {
    names: Vec<Box<str>>,
    closed: Vec<[u64; COUNTS]>,
    open: Vec<Arc<Block>>,
}

impl SourceLedger {
    fn entry(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| **known == *name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.closed.push([0; COUNTS]);
            self.names.len() - 1
        })
    }

    pub(super) fn open(&mut self, rules: &RuleSet) -> Arc<Block> {
        let entries: Vec<usize> = (0..rules.source_count())
            .map(|source| self.entry(&rules.source_name(source)))
            .collect();
        let counts = entries.iter().map(|_| Default::default()).collect();
        let block = Arc::new(Block { entries, counts });
        self.open.push(Arc::clone(&block));
        block
    }

    pub(super) fn close(&mut self, block: &Arc<Block>) {
        let Some(index) = self.open.iter().position(|open| Arc::ptr_eq(open, block)) else {
            return;
        };
        self.open.swap_remove(index);
        for (entry, sums) in self.closed.iter_mut().enumerate() {
            block.add_to(entry, sums);
        }
    }

    /// A source of a rule set, with its totals.
    pub(super) fn read(&mut self, rules: &RuleSet, index: u32) -> Option<sigmatag_source_t> {
        if index >= rules.source_count() {
            return None;
        }
        let entry = self.entry(&rules.source_name(index));
        let mut sums = self.closed[entry];
        for block in &self.open {
            block.add_to(entry, &mut sums);
        }
        let [events, broken_payload, broken_nested, broken_positions, broken_line] = sums;
        let name = &self.names[entry];
        Some(sigmatag_source_t {
            struct_size: 0,
            reserved: 0,
            name: name.as_ptr().cast::<c_char>(),
            name_len: name.len(),
            events,
            broken_payload,
            broken_nested,
            broken_positions,
            broken_line,
        })
    }
}
