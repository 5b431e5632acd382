//! Totals of an engine, counted without locks or shared cache lines.
//!
//! Each scratch counts into its own block, which only the thread inside a call with that scratch
//! writes: a plain load and store per number, no read-modify-write. Reading sums the blocks. One
//! set of atomics in the engine was refused: at a million events a second per thread they become
//! what the threads wait for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sources::{Block, SourceLedger};
use super::types::{sigmatag_source_t, sigmatag_stats_t};
use crate::engine::Summary;
use crate::ruleset::RuleSet;

/// Numbers of one scratch. Aligned to two cache lines, which x86 fetches together.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Counters {
    calls: AtomicU64,
    records: AtomicU64,
    events: AtomicU64,
    matched_records: AtomicU64,
    hits: AtomicU64,
    malformed: AtomicU64,
    unexamined: AtomicU64,
    unrouted: AtomicU64,
    tag_replaced: AtomicU64,
    tags_truncated: AtomicU64,
    dropped_records: AtomicU64,
    split_records: AtomicU64,
    stripped_records: AtomicU64,
    unknown_payload: AtomicU64,
    tags_omitted: AtomicU64,
    normalized_records: AtomicU64,
    unmapped_events: AtomicU64,
    panics: AtomicU64,
}

/// Adds where one thread writes and others may read.
pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
}

impl Counters {
    /// Counts a call that examined something. Only inside the scratch's lease.
    pub(super) fn count(&self, summary: &Summary) {
        add(&self.calls, 1);
        add(&self.records, summary.records);
        add(&self.events, summary.events);
        add(&self.matched_records, summary.matched_records);
        add(&self.hits, summary.hits);
        add(&self.malformed, summary.malformed);
        add(&self.unexamined, summary.unexamined);
        add(&self.unrouted, summary.unrouted);
        add(&self.tag_replaced, summary.tag_replaced);
        add(&self.tags_truncated, summary.tags_truncated);
        add(&self.dropped_records, summary.dropped_records);
        add(&self.split_records, summary.split_records);
        add(&self.stripped_records, summary.stripped_records);
        add(&self.unknown_payload, summary.unknown_payload);
        add(&self.tags_omitted, summary.tags_omitted);
        add(&self.normalized_records, summary.normalized_records);
        add(&self.unmapped_events, summary.unmapped_events);
    }

    /// Counts a panic. Only inside the scratch's lease.
    pub(super) fn count_panic(&self) {
        add(&self.panics, 1);
    }

    fn add_to(&self, stats: &mut sigmatag_stats_t) {
        stats.calls += self.calls.load(Relaxed);
        stats.records += self.records.load(Relaxed);
        stats.events += self.events.load(Relaxed);
        stats.matched_records += self.matched_records.load(Relaxed);
        stats.hits += self.hits.load(Relaxed);
        stats.malformed += self.malformed.load(Relaxed);
        stats.unexamined += self.unexamined.load(Relaxed);
        stats.unrouted += self.unrouted.load(Relaxed);
        stats.tag_replaced += self.tag_replaced.load(Relaxed);
        stats.tags_truncated += self.tags_truncated.load(Relaxed);
        stats.dropped_records += self.dropped_records.load(Relaxed);
        stats.split_records += self.split_records.load(Relaxed);
        stats.stripped_records += self.stripped_records.load(Relaxed);
        stats.unknown_payload += self.unknown_payload.load(Relaxed);
        stats.tags_omitted += self.tags_omitted.load(Relaxed);
        stats.normalized_records += self.normalized_records.load(Relaxed);
        stats.unmapped_events += self.unmapped_events.load(Relaxed);
        stats.panics += self.panics.load(Relaxed);
    }
}

const ZERO: sigmatag_stats_t = sigmatag_stats_t {
    struct_size: 0,
    reserved: 0,
    calls: 0,
    records: 0,
    events: 0,
    matched_records: 0,
    hits: 0,
    malformed: 0,
    unexamined: 0,
    unrouted: 0,
    tag_replaced: 0,
    tags_truncated: 0,
    panics: 0,
    reloads: 0,
    failed_reloads: 0,
    dropped_records: 0,
    split_records: 0,
    stripped_records: 0,
    unknown_payload: 0,
    tags_omitted: 0,
    normalized_records: 0,
    unmapped_events: 0,
};

struct Ledger {
    /// Reloads, panics of the engine's own calls, and what freed scratches had counted.
    closed: sigmatag_stats_t,
    open: Vec<Arc<Counters>>,
    sources: SourceLedger,
}

/// Totals of an engine. The lock is taken when scratches come and go, at reloads and for reading;
/// never while matching.
pub(super) struct Totals(Mutex<Ledger>);

impl Totals {
    pub(super) fn new() -> Totals {
        Totals(Mutex::new(Ledger {
            closed: ZERO,
            open: Vec::new(),
            sources: SourceLedger::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // Numbers cannot be left inconsistent by a panic: going on is right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) -> Arc<Counters> {
        let counters = Arc::new(Counters::default());
        self.lock().open.push(Arc::clone(&counters));
        counters
    }

    pub(super) fn close(&self, counters: &Arc<Counters>) {
        let mut ledger = self.lock();
        if let Some(index) = ledger.open.iter().position(|open| Arc::ptr_eq(open, counters)) {
            ledger.open.swap_remove(index);
            counters.add_to(&mut ledger.closed);
        }
    }

    /// Totals by source for a scratch and the rule set that it uses from now on.
    pub(super) fn open_sources(&self, rules: &RuleSet) -> Arc<Block> {
        self.lock().sources.open(rules)
    }

    pub(super) fn close_sources(&self, block: &Arc<Block>) {
        self.lock().sources.close(block);
    }

    /// A source of a rule set, with its totals.
    pub(super) fn source(&self, rules: &RuleSet, index: u32) -> Option<sigmatag_source_t> {
        self.lock().sources.read(rules, index)
    }

    pub(super) fn count_reload(&self, succeeded: bool) {
        let closed = &mut self.lock().closed;
        if succeeded { closed.reloads += 1 } else { closed.failed_reloads += 1 }
    }

    pub(super) fn count_panic(&self) {
        self.lock().closed.panics += 1;
    }

    pub(super) fn read(&self) -> sigmatag_stats_t {
        let ledger = self.lock();
        let mut stats = ledger.closed;
        for counters in &ledger.open {
            counters.add_to(&mut stats);
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_outlive_their_scratch() {
        let totals = Totals::new();
        let (a, b) = (totals.open(), totals.open());
        a.count(&Summary { records: 2, hits: 3, ..Summary::default() });
        b.count(&Summary { records: 5, tag_replaced: 1, ..Summary::default() });
        b.count_panic();
        let before = totals.read();
        assert_eq!((before.calls, before.records, before.hits), (2, 7, 3));
        assert_eq!((before.tag_replaced, before.panics), (1, 1));
        totals.close(&a);
        totals.close(&a);
        let after = totals.read();
        assert_eq!((after.calls, after.records, after.hits), (2, 7, 3));
        a.count(&Summary { records: 100, ..Summary::default() });
        assert_eq!(totals.read().records, 7);
    }

    #[test]
    fn reloads_are_counted_by_outcome() {
        let totals = Totals::new();
        totals.count_reload(true);
        totals.count_reload(false);
        totals.count_reload(false);
        totals.count_panic();
        let stats = totals.read();
        assert_eq!((stats.reloads, stats.failed_reloads, stats.panics), (1, 2, 1));
    }
}
