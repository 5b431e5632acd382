//! The scratch: all memory of one thread, and the calls that use it.

use super::matcher::{Allowed, Matcher};
use super::route::Routes;
use super::{Engine, Event, Format, Generation, Hit, MatchError, Mode, Summary, Tagging};
use crate::event::chunk::{RecordKind, Records};
use crate::event::forward::{Message, Mode as ForwardMode};
use crate::event::{Malformed, MalformedKind, json};
use crate::ruleset::RuleSet;
use crate::source::{Buffers, Encoding, SourceEvent, for_each_event};
use crate::tag::plan::{Plan, PlanError};
use crate::tag::{Style, TagRule};
use std::ops::Range;
use std::sync::Arc;

/// All mutable memory of matching and tagging. One per thread: a call takes it exclusively.
///
/// Every call begins with the newest rule set of its engine. Nothing allocates once the buffers
/// have grown to what the traffic needs.
pub struct Scratch {
    generation: Arc<Generation>,
    state: State,
    plan: Plan,
    pending: Option<Pending>,
}

/// Memory that depends on the rule set.
struct State {
    buffers: Buffers,
    matcher: Matcher,
    routes: Routes,
    hits: Vec<Hit>,
    mode: Mode,
}

/// What `tag_write` must be given.
struct Pending {
    len: usize,
    checksum: u32,
    output: usize,
}

impl State {
    fn new(rules: &RuleSet, mode: Mode) -> State {
        let tables = rules.tables();
        // Keywords have predicates only if the last index is used or a program asks for them.
        let keywords = tables.fields.len() as u32;
        let wants_leaves = tables.predicates.iter().any(|p| p.field == keywords);
        State {
            buffers: Buffers::new(&tables.sources, tables.fields.len(), wants_leaves),
            matcher: Matcher::new(rules, mode),
            routes: Routes::default(),
            hits: Vec::with_capacity(256),
            mode,
        }
    }
}

/// What one record gave.
enum Record {
    /// It was examined; its hits were appended.
    Examined,
    /// It is not what its format says.
    Malformed(Malformed),
    /// It is too large or too deep.
    Unexamined(&'static str),
}

impl Scratch {
    /// A scratch for an engine.
    pub fn new(engine: &Engine) -> Scratch {
        Scratch::with_mode(engine, Mode::Indexed)
    }

    /// A scratch that matches in a given mode; anything but [`Mode::Indexed`] is for tests.
    pub fn with_mode(engine: &Engine, mode: Mode) -> Scratch {
        let generation = engine.current.load_full();
        let state = State::new(&generation.rules, mode);
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

    /// Lets go of an old rule set while idle. A pending plan is discarded.
    pub fn release(&mut self, engine: &Engine) {
        self.pending = None;
        self.renew(engine);
    }

    /// Takes the newest rule set.
    fn renew(&mut self, engine: &Engine) {
        let current = engine.current.load();
        if !Arc::ptr_eq(&current, &self.generation) {
            self.state = State::new(&current.rules, self.state.mode);
            self.generation = Arc::clone(&current);
        }
    }

    fn begin(&mut self, engine: &Engine) -> Result<(), MatchError> {
        if self.pending.is_some() {
            return Err(MatchError::PlanPending);
        }
        self.renew(engine);
        self.state.hits.clear();
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
        let result = self.records(engine, event, None, &mut summary);
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
            // A single bad record was counted; the batch goes on.
            let _ = self.records(engine, event, None, &mut summary);
            for hit in &mut self.state.hits[first..] {
                hit.record = index as u32;
            }
        }
        Ok(summary)
    }

    /// Matches, and plans the tagged output. Returns the exact length of the output; 0 if nothing
    /// matched, then there is no plan and the input stays as it is.
    ///
    /// # Errors
    /// As [`match_event`](Scratch::match_event).
    pub fn tag_prepare(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
        tagging: &Tagging<'_>,
    ) -> Result<(usize, Summary), MatchError> {
        self.begin(engine)?;
        self.plan.begin();
        let mut summary = Summary::default();
        let result = self.records(engine, event, Some(tagging), &mut summary);
        let counts = self.plan.counts();
        summary.tag_replaced = counts.replaced;
        summary.tags_truncated = counts.truncated;
        result?;
        if self.plan.is_empty() {
            return Ok((0, summary));
        }
        let output = self.plan.finish(event.data.len()).map_err(plan_error)?;
        self.pending =
            Some(Pending { len: event.data.len(), checksum: crc32fast::hash(event.data), output });
        Ok((output, summary))
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

    /// Examines every record of an input.
    fn records(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
        tagging: Option<&Tagging<'_>>,
        summary: &mut Summary,
    ) -> Result<(), MatchError> {
        let data = event.data;
        let encoding = match event.format {
            Format::Json => Encoding::Json,
            _ => Encoding::Msgpack,
        };
        match event.format {
            Format::Json | Format::Msgpack => {
                return match self.record(engine, event, encoding, 0..data.len(), 0, summary) {
                    Record::Examined => {
                        let body = if encoding == Encoding::Json {
                            let start = json::skip_space(data, 0);
                            start..start + data[start..].trim_ascii_end().len()
                        } else {
                            0..data.len()
                        };
                        self.tag(data, body, encoding, tagging, 0)
                    }
                    Record::Malformed(malformed) => Err(malformed_error(malformed)),
                    Record::Unexamined(message) => Err(MatchError::Unexamined { message }),
                };
            }
            Format::FlbChunk => self.chunk(engine, event, Records::new(data), tagging, summary)?,
            Format::Forward => {
                let message = Message::read(data, 0).map_err(|malformed| {
                    summary.records += 1;
                    summary.malformed += 1;
                    malformed_error(malformed)
                })?;
                match &message.mode {
                    ForwardMode::Message { body } => {
                        if let Record::Examined =
                            self.record(engine, event, encoding, body.clone(), 0, summary)
                        {
                            self.tag(data, body.clone(), encoding, tagging, 0)?;
                        }
                    }
                    ForwardMode::PackedForward { header, entries } => {
                        if tagging.is_some() {
                            self.plan
                                .begin_packed(data, header.clone(), entries.clone())
                                .map_err(plan_error)?;
                        }
                        self.chunk(engine, event, message.records(data), tagging, summary)?;
                    }
                    ForwardMode::Forward { .. } => {
                        self.chunk(engine, event, message.records(data), tagging, summary)?;
                    }
                    ForwardMode::CompressedPackedForward => {
                        summary.records += 1;
                        summary.unexamined += 1;
                        return Err(MatchError::Unexamined {
                            message: "compressed Forward entries: turn compression off at the \
                                      sender",
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
        records: Records<'_>,
        tagging: Option<&Tagging<'_>>,
        summary: &mut Summary,
    ) -> Result<(), MatchError> {
        let mut index = 0;
        for found in records {
            match found.kind {
                RecordKind::GroupStart | RecordKind::GroupEnd => continue,
                RecordKind::Malformed(_) => {
                    summary.records += 1;
                    summary.malformed += 1;
                }
                RecordKind::Record => {
                    let body = found.body_start..found.end;
                    let encoding = Encoding::Msgpack;
                    let outcome =
                        self.record(engine, event, encoding, body.clone(), index, summary);
                    if let Record::Examined = outcome {
                        self.tag(event.data, body, encoding, tagging, index)?;
                    }
                }
            }
            index += 1;
        }
        Ok(())
    }

    /// Examines one record and appends its hits.
    fn record(
        &mut self,
        engine: &Engine,
        event: &Event<'_>,
        encoding: Encoding,
        body: Range<usize>,
        index: u32,
        summary: &mut Summary,
    ) -> Record {
        summary.records += 1;
        if body.len() > engine.options.max_record as usize {
            summary.unexamined += 1;
            return Record::Unexamined("the record is larger than max_record");
        }
        let rules = &*self.generation.rules;
        let tables = rules.tables();
        let State { buffers, matcher, routes, hits, .. } = &mut self.state;
        let first = hits.len();
        let min_level = engine.options.min_level;
        let show = |found: &SourceEvent<'_>| {
            let logsources = if !event.logsource.is_empty() {
                Some(routes.of_name(rules, event.logsource))
            } else if !found.logsources.is_empty() {
                Some(routes.of_ids(rules, found.logsources))
            } else {
                None
            };
            matcher.run(rules, &found.view, Allowed { logsources, min_level });
            for &rule in &matcher.matched {
                hits.push(Hit { record: index, event: found.index, rule });
            }
        };
        let record = &event.data[body.clone()];
        match for_each_event(record, encoding, &tables.sources, &tables.keys, buffers, show) {
            Ok(outcome) => {
                summary.events += u64::from(outcome.events);
                summary.malformed += u64::from(outcome.malformed_payloads);
                if event.logsource.is_empty() {
                    summary.unrouted += u64::from(outcome.unrouted);
                }
                let found = (hits.len() - first) as u64;
                summary.hits += found;
                summary.matched_records += u64::from(found > 0);
                Record::Examined
            }
            Err(malformed) if malformed.kind == MalformedKind::TooDeep => {
                summary.unexamined += 1;
                Record::Unexamined("the record is nested too deep")
            }
            Err(malformed) => {
                summary.malformed += 1;
                let offset = malformed.offset + body.start;
                Record::Malformed(Malformed::new(malformed.kind, offset))
            }
        }
    }

    /// Plans the tag of the record that was examined last.
    fn tag(
        &mut self,
        data: &[u8],
        body: Range<usize>,
        encoding: Encoding,
        tagging: Option<&Tagging<'_>>,
        index: u32,
    ) -> Result<(), MatchError> {
        let Some(tagging) = tagging else { return Ok(()) };
        let hits = &self.state.hits;
        let count = hits.iter().rev().take_while(|hit| hit.record == index).count();
        let hits = &hits[hits.len() - count..];
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else { return Ok(()) };
        let several = first.event != last.event || last.event > 0;
        let rules = &*self.generation.rules;
        let style = Style {
            shape: tagging.shape,
            key: tagging.key,
            ruleset: &rules.identity().as_bytes()[..16],
        };
        let entries = hits.iter().filter_map(|hit| {
            let rule = rules.rule(hit.rule)?;
            Some(TagRule {
                id: rule.id.as_bytes(),
                title: rule.title.as_bytes(),
                author: rule.author.as_bytes(),
                license: rule.license.as_bytes(),
                level: rule.level,
                tags: rule.tags.as_bytes(),
                event: several.then_some(hit.event),
            })
        });
        let planned = match encoding {
            Encoding::Json => self.plan.tag_json(data, body, &style, entries),
            Encoding::Msgpack => self.plan.tag_msgpack(data, body, &style, entries),
        };
        planned.map_err(plan_error)
    }
}

pub(super) fn malformed_error(malformed: Malformed) -> MatchError {
    MatchError::Malformed { offset: malformed.offset, message: malformed.message() }
}

fn plan_error(error: PlanError) -> MatchError {
    match error {
        PlanError::Malformed(malformed) => malformed_error(malformed),
        PlanError::OutOfOrder => {
            MatchError::Malformed { offset: 0, message: "records that overlap" }
        }
        PlanError::TooLarge => MatchError::Unexamined { message: "the output would pass 4 GiB" },
        PlanError::OtherData => MatchError::OtherData,
        PlanError::SmallBuffer(needed) => MatchError::SmallBuffer { needed },
    }
}
