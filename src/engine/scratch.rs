//! The scratch: all memory of one thread, and the calls that use it.

use super::examine::{Call, plan_error};
use super::indicators::Seeker;
use super::matcher::Matcher;
use super::normalize::Normalizer;
use super::reading::reading;
use super::route::{LogsourceMode, Routes};
use super::tally::{SourceCounts, Tally};
use super::{Engine, Event, Generation, Hit, MatchError, Mode, Summary, Tagging, Vectors};
use crate::ruleset::RuleSet;
use crate::ruleset::indicators::IndicatorHit;
use crate::source::Buffers;
use crate::tag::plan::Plan;
use std::sync::Arc;

/// All mutable memory of matching and tagging. One per thread: a call takes it exclusively.
///
/// Every call begins with the newest rule set of its engine. Nothing allocates once the buffers
/// have grown to what the traffic needs.
pub struct Scratch {
    pub(super) generation: Arc<Generation>,
    pub(super) state: State,
    pub(super) plan: Plan,
    pending: Option<Pending>,
}

/// Memory that depends on the rule set.
pub(super) struct State {
    pub(super) buffers: Buffers,
    pub(super) matcher: Matcher,
    pub(super) routes: Routes,
    pub(super) hits: Vec<Hit>,
    pub(super) tally: Tally,
    /// Set if the rule set has indicators.
    pub(super) seeker: Option<Seeker>,
    /// Set if documents of a destination are written.
    pub(super) normalizer: Option<Box<Normalizer>>,
    pub(super) text: [Vec<u8>; 2],
    pub(super) mode: Mode,
    pub(super) vectors: Vectors,
}

/// What `tag_write` must be given.
struct Pending {
    len: usize,
    checksum: u32,
    output: usize,
}

impl State {
    fn new(
        generation: &Generation,
        mode: Mode,
        vectors: Vectors,
        logsources: LogsourceMode,
    ) -> State {
        let rules = &*generation.rules;
        let tables = rules.tables();
        // The number of a destination comes from these tables, so they are there.
        let normalizer = generation.destination.map(Normalizer::new);
        let sources = reading(generation, mode).0;
        // Keywords have predicates only if the last index is used or a program asks for them.
        let keywords = tables.fields.len() as u32;
        let wants_leaves = tables.predicates.iter().any(|p| p.field == keywords);
        State {
            buffers: Buffers::new(sources, tables.fields.len(), wants_leaves),
            matcher: Matcher::new(rules, mode, vectors),
            routes: Routes::new(logsources),
            hits: Vec::with_capacity(256),
            tally: Tally::new(tables.sources.sources.len()),
            seeker: rules.indicators().map(|set| Seeker::new(set, vectors)),
            normalizer: normalizer.map(Box::new),
            text: Default::default(),
            mode,
            vectors,
        }
    }
}

impl Scratch {
    /// A scratch for an engine.
    pub fn new(engine: &Engine) -> Scratch {
        Scratch::with_mode(engine, Mode::Indexed)
    }

    /// A scratch that matches in a given mode; anything but [`Mode::Indexed`] is for tests.
    pub fn with_mode(engine: &Engine, mode: Mode) -> Scratch {
        Scratch::with_vectors(engine, mode, Vectors::fastest())
    }

    /// A scratch that matches by given instructions: for tests and measurements, since what matches
    /// is the same.
    pub fn with_vectors(engine: &Engine, mode: Mode, vectors: Vectors) -> Scratch {
        let generation = engine.current.load_full();
        let logsources = engine.options.logsource_mode;
        let state = State::new(&generation, mode, vectors, logsources);
        Scratch { generation, state, plan: Plan::new(), pending: None }
    }

    /// The rule set of the last call: what the indices of [`hits`](Scratch::hits) mean.
    pub fn rules(&self) -> &RuleSet {
        &self.generation.rules
    }

    /// The number of that rule set.
    pub fn generation(&self) -> u32 {
        self.generation.number
    }

    /// The matches of the last call, by record, event and rule.
    pub fn hits(&self) -> &[Hit] {
        &self.state.hits
    }

    /// The indicators that the last call found, by record, event and rule: what the matches of
    /// [`Indicators::first_rule`](crate::ruleset::indicators::Indicators::first_rule) and those behind
    /// it are about. At most [`LISTED_INDICATORS`](crate::limits::LISTED_INDICATORS) of a rule in an
    /// event.
    pub fn indicators(&self) -> &[IndicatorHit] {
        self.state.seeker.as_ref().map_or(&[], |seeker| &seeker.hits)
    }

    /// What the last call saw of each source of the rule set; sources that it did not see are left
    /// out.
    pub fn source_counts(&self) -> impl Iterator<Item = (u32, SourceCounts)> + '_ {
        self.state.tally.iter()
    }

    /// Lets go of an old rule set while idle. A pending plan is discarded.
    pub fn release(&mut self, engine: &Engine) {
        self.pending = None;
        self.renew(engine);
    }

    /// Takes the newest rule set.
    fn renew(&mut self, engine: &Engine) {
        let current = engine.current.load();
        if !Arc::ptr_eq(&current, &self.generation) {
            let logsources = engine.options.logsource_mode;
            let State { mode, vectors, .. } = self.state;
            self.state = State::new(&current, mode, vectors, logsources);
            self.generation = Arc::clone(&current);
        }
    }

    fn begin(&mut self, engine: &Engine) -> Result<(), MatchError> {
        if self.pending.is_some() {
            return Err(MatchError::PlanPending);
        }
        self.renew(engine);
        self.state.hits.clear();
        if let Some(seeker) = &mut self.state.seeker {
            seeker.hits.clear();
        }
        self.state.tally.clear();
        Ok(())
    }

    /// Matches one event, or every record of a chunk or Forward message.
    ///
    /// # Errors
    /// If a single record is malformed or too large. Such records inside a chunk are counted.
    pub fn match_event(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
    ) -> Result<Summary, MatchError> {
        self.begin(engine)?;
        let mut summary = Summary::default();
        let result = self.records(&Call { engine, event, tagging: None }, &mut summary);
        result.map(|()| summary)
    }

    /// Matches several events; `Hit::record` is the index into `events`. Malformed and too large
    /// ones are counted.
    ///
    /// # Errors
    /// Only if a plan is pending.
    pub fn match_batch(
        &mut self,
        engine: &Engine,
        events: &[Event<'_>],
    ) -> Result<Summary, MatchError> {
        self.begin(engine)?;
        let mut summary = Summary::default();
        for (index, event) in events.iter().enumerate() {
            let first = self.state.hits.len();
            let first_indicator = self.indicators().len();
            // A single bad record was counted; the batch goes on.
            let _ = self.records(&Call { engine, event, tagging: None }, &mut summary);
            for hit in &mut self.state.hits[first..] {
                hit.record = index as u32;
            }
            for hit in self.state.seeker.iter_mut().flat_map(|s| &mut s.hits[first_indicator..]) {
                hit.record = index as u32;
            }
        }
        Ok(summary)
    }

    /// Matches, and plans the output. Returns its exact length; `None` if there is nothing to do:
    /// then there is no plan and the input stays as it is.
    ///
    /// # Errors
    /// As [`match_event`](Scratch::match_event).
    pub fn tag_prepare(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
        tagging: &Tagging<'_>,
    ) -> Result<(Option<usize>, Summary), MatchError> {
        self.begin(engine)?;
        self.plan.begin();
        let mut summary = Summary::default();
        if let Some(normalizer) = &mut self.state.normalizer {
            normalizer.begin();
        }
        let result = self.records(&Call { engine, event, tagging: Some(tagging) }, &mut summary);
        let counts = self.plan.counts();
        summary.tag_replaced = counts.replaced;
        summary.tags_truncated = counts.truncated;
        summary.tags_omitted = counts.omitted;
        summary.dropped_records = counts.removed;
        summary.split_records = counts.split;
        summary.stripped_records = counts.stripped;
        if let Some(normalizer) = &self.state.normalizer {
            summary.normalized_records = normalizer.written;
            summary.unmapped_events = normalizer.unmapped;
        }
        result?;
        if self.plan.is_empty() {
            return Ok((None, summary));
        }
        let output = self.plan.finish(event.data.len()).map_err(plan_error)?;
        self.pending =
            Some(Pending { len: event.data.len(), checksum: crc32fast::hash(event.data), output });
        Ok((Some(output), summary))
    }

    /// Writes the planned output. The plan ends with success.
    ///
    /// # Errors
    /// If there is no plan, `data` are not the bytes it was made for, or `out` is too small.
    pub fn tag_write(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize, MatchError> {
        let pending = self.pending.as_ref().ok_or(MatchError::NoPlan)?;
        if data.len() != pending.len || crc32fast::hash(data) != pending.checksum {
            return Err(MatchError::OtherData);
        }
        if out.len() < pending.output {
            return Err(MatchError::SmallBuffer { needed: pending.output });
        }
        let written = self.plan.write(data, out).map_err(plan_error)?;
        self.pending = None;
        Ok(written)
    }

    /// Drops the plan, if there is one.
    pub fn tag_discard(&mut self) {
        self.pending = None;
    }

    /// Whether a plan waits to be written or discarded.
    pub fn plan_pending(&self) -> bool {
        self.pending.is_some()
    }
}
