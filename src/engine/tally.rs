//! What a call saw of each source.

use crate::source::Breakage;

/// Counts of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Events that were recognised as of this source.
    pub events: u64,
    /// Payloads that begin as the source says and cannot be read.
    pub broken_payload: u64,
    /// Texts inside events that begin like JSON and are not.
    pub broken_nested: u64,
    /// Events with values by position whose number fits no list of names.
    pub broken_positions: u64,
    /// Log lines that are not in the form that the source says.
    pub broken_line: u64,
}

/// Counts of all sources for one call. Clearing it costs as much as the call touched.
#[derive(Default)]
pub(crate) struct Tally {
    counts: Vec<SourceCounts>,
    touched: Vec<u32>,
}

impl Tally {
    pub fn new(sources: usize) -> Tally {
        Tally {
            counts: vec![SourceCounts::default(); sources],
            touched: Vec::with_capacity(sources),
        }
    }

    pub fn clear(&mut self) {
        for source in self.touched.drain(..) {
            self.counts[source as usize] = SourceCounts::default();
        }
    }

    /// Counts something of a source.
    pub fn count(&mut self, source: u32, count: impl FnOnce(&mut SourceCounts)) {
        let Some(counts) = self.counts.get_mut(source as usize) else { return };
        if *counts == SourceCounts::default() {
            self.touched.push(source);
        }
        count(counts);
    }

    /// Counts something broken of a source.
    pub fn count_broken(&mut self, source: u32, breakage: Breakage) {
        self.count(source, |counts| match breakage {
            Breakage::Payload => counts.broken_payload += 1,
            Breakage::Nested => counts.broken_nested += 1,
            Breakage::Positions => counts.broken_positions += 1,
            Breakage::Line => counts.broken_line += 1,
        });
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, SourceCounts)> + '_ {
        self.touched.iter().map(|&source| (source, self.counts[source as usize]))
    }
}
