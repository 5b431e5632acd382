//! From the bytes of a call to records, each examined and, if the call tags, planned.

use super::output::{Examined, Output, Placed};
use super::reading::reading;
use super::scratch::State;
use super::{Engine, Event, Format, Hit, MatchError, Scratch, Summary, Tagging};
use crate::event::chunk::{RecordKind, Records};
use crate::event::forward::{Message, Mode as ForwardMode};
use crate::event::{Malformed, MalformedKind, json};
use crate::source::{Encoding, SourceEvent, for_each_read_event, read_record};
use crate::tag::plan::PlanError;
use std::ops::Range;

/// What one call was given.
pub(super) struct Call<'a> {
    pub engine: &'a Engine,
    pub event: &'a Event<'a>,
    /// Set if records will be written.
    pub tagging: Option<&'a Tagging<'a>>,
}

impl Call<'_> {
    /// Whether each event of a record shall be a record: a document is of one event.
    fn wants_parts(&self, normalizes: bool) -> bool {
        self.tagging.is_some_and(|tagging| tagging.split_records || normalizes)
    }
}

/// What one record gave.
enum Record {
    /// It was examined; its hits were appended.
    Examined(Examined),
    /// It is not what its format says.
    Malformed(Malformed),
    /// It is too large or too deep.
    Unexamined(&'static str),
}

impl Scratch {
    /// Examines every record of an input.
    pub(super) fn records(
        &mut self,
        call: &Call<'_>,
        summary: &mut Summary,
    ) -> Result<(), MatchError> {
        let event = call.event;
        let all = 0..event.data.len();
        match event.format {
            Format::Json => {
                let body = trimmed(event.data);
                self.single(call, Encoding::Json, (all.clone(), all, body), summary)
            }
            Format::Msgpack => {
                let places = (all.clone(), all.clone(), all);
                self.single(call, Encoding::Msgpack, places, summary)
            }
            Format::FlbChunk => {
                let records = Records::new(event.data);
                self.chunk(call, records, 0, summary).map(drop)
            }
            Format::Forward => self.messages(call, summary),
        }
    }

    /// Examines an input that is one record. `places`: what goes if it is left out, what is walked,
    /// and its body.
    fn single(
        &mut self,
        call: &Call<'_>,
        encoding: Encoding,
        (whole, walked, body): (Range<usize>, Range<usize>, Range<usize>),
        summary: &mut Summary,
    ) -> Result<(), MatchError> {
        let record = Placed { whole, walked, body, encoding, message: None, index: 0, read: false };
        match self.record(call, &record, summary) {
            Record::Examined(examined) => self.write(call, &record, Some(examined)).map(drop),
            Record::Malformed(malformed) => Err(malformed_error(malformed)),
            Record::Unexamined(message) => Err(MatchError::Unexamined { message }),
        }
    }

    /// Examines the messages of a Forward input, one behind the other.
    fn messages(&mut self, call: &Call<'_>, summary: &mut Summary) -> Result<(), MatchError> {
        let mut at = 0;
        let mut index = 0;
        let data = call.event.data;
        while at < data.len() || at == 0 {
            let message = match Message::read(data, at) {
                Ok(message) => message,
                Err(malformed) => {
                    summary.records += 1;
                    summary.malformed += 1;
                    // What follows a message and is none passes, counted.
                    return if at == 0 { Err(malformed_error(malformed)) } else { Ok(()) };
                }
            };
            at = message.span.end;
            index += self.message(call, &message, index, summary)?;
        }
        Ok(())
    }

    /// Examines one message, whose first record has the number `index`: how many records it has.
    fn message(
        &mut self,
        call: &Call<'_>,
        message: &Message,
        index: u32,
        summary: &mut Summary,
    ) -> Result<u32, MatchError> {
        match &message.mode {
            ForwardMode::Message { body, .. } => {
                let record = Placed {
                    whole: message.span.clone(),
                    walked: body.clone(),
                    body: body.clone(),
                    encoding: Encoding::Msgpack,
                    message: Some(message),
                    index,
                    read: false,
                };
                self.entry(call, &record, summary)?;
                Ok(1)
            }
            ForwardMode::PackedForward { .. } | ForwardMode::Forward { .. } => {
                if call.tagging.is_some() {
                    self.plan.begin_message(call.event.data, message).map_err(plan_error)?;
                }
                let records = message.records(call.event.data);
                let (seen, left) = self.chunk(call, records, index, summary)?;
                self.plan.end_message(seen, left).map_err(plan_error)?;
                Ok(seen as u32)
            }
            ForwardMode::CompressedPackedForward => {
                summary.records += 1;
                summary.unexamined += 1;
                if message.span.start > 0 {
                    return Ok(1);
                }
                let message = "compressed Forward entries: turn compression off at the sender";
                Err(MatchError::Unexamined { message })
            }
        }
    }

    /// Examines records one behind the other, of which the first has the number `index`: how many
    /// there are, and how many are written.
    fn chunk(
        &mut self,
        call: &Call<'_>,
        mut records: Records<'_>,
        index: u32,
        summary: &mut Summary,
    ) -> Result<(u64, u64), MatchError> {
        let (mut seen, mut left) = (0, 0);
        while let Some(found) = records.open() {
            let walked = match call.engine.options.match_metadata {
                true => found.metadata_start,
                false => found.body_start,
            };
            let mut read = false;
            if found.kind == RecordKind::Record
                && let Some(end) = self.read(call, walked, found.body_start, records.limit())
            {
                records.close(end);
                read = true;
            }
            let passed = records.skip_body();
            let end = records.position();
            match passed.map_or_else(RecordKind::Malformed, |_| found.kind) {
                RecordKind::GroupStart | RecordKind::GroupEnd => continue,
                RecordKind::Malformed(_) => {
                    summary.records += 1;
                    summary.malformed += 1;
                    left += 1;
                }
                RecordKind::Record => {
                    let record = Placed {
                        whole: found.start..end,
                        walked: walked..end,
                        body: found.body_start..end,
                        encoding: Encoding::Msgpack,
                        message: None,
                        index: index.saturating_add(seen as u32),
                        read,
                    };
                    left += self.entry(call, &record, summary)?;
                }
            }
            seen += 1;
        }
        Ok((seen, left))
    }

    /// Reads a record whose end is not known yet and returns the end. `None` if that fails: then
    /// the end must be found another way, and what is wrong with the record once it is known.
    fn read(&mut self, call: &Call<'_>, start: usize, body: usize, limit: usize) -> Option<usize> {
        let limit = limit.min(start.saturating_add(call.engine.options.max_record as usize));
        let data = call.event.data.get(start..limit)?;
        let State { buffers, normalizer, mode, .. } = &mut self.state;
        buffers.want_parts(call.wants_parts(normalizer.is_some()));
        let keys = reading(&self.generation, *mode).1;
        let len = read_record(body - start, data, Encoding::Msgpack, keys, buffers).ok()?;
        Some(start + len)
    }

    /// Examines a record among others: how many are written for it.
    fn entry(
        &mut self,
        call: &Call<'_>,
        record: &Placed<'_>,
        summary: &mut Summary,
    ) -> Result<u64, MatchError> {
        let examined = match self.record(call, record, summary) {
            Record::Examined(examined) => Some(examined),
            Record::Unexamined(_) => None,
            Record::Malformed(_) => return Ok(1),
        };
        self.write(call, record, examined)
    }

    /// Plans what is written for the record that was examined last: how many records.
    fn write(
        &mut self,
        call: &Call<'_>,
        record: &Placed<'_>,
        examined: Option<Examined>,
    ) -> Result<u64, MatchError> {
        let Some(tagging) = call.tagging else { return Ok(1) };
        let data = call.event.data;
        let Scratch { generation, state, plan, .. } = self;
        let State { buffers, hits, text, seeker, normalizer, .. } = state;
        let normalizer = normalizer.as_deref_mut();
        // Without a document records stay as the options have them.
        let splits = tagging.split_records || normalizer.as_ref().is_some_and(|n| n.has_document());
        let rules = &generation.rules;
        let indicators = seeker.as_ref().map_or(&[][..], |seeker| &seeker.hits);
        let mut output = Output { plan, rules, indicators, tagging, data, text, normalizer };
        let Some(examined) = examined else {
            // A tag that came with it would pass for ours here as well.
            output.strip(record.encoding, record.body.clone())?;
            return Ok(1);
        };
        let count = hits.iter().rev().take_while(|hit| hit.record == record.index).count();
        let hits = &hits[hits.len() - count..];
        let split = if splits {
            let body = record.body.start - record.walked.start;
            let head = record.body.start - record.whole.start;
            buffers.split(&data[record.walked.clone()], body, head)
        } else {
            None
        };
        match split {
            Some(split) => output.split(record, examined, hits, &split),
            None => output.whole(record, examined, hits),
        }
    }

    /// Examines one record and appends its hits.
    fn record(&mut self, call: &Call<'_>, placed: &Placed<'_>, summary: &mut Summary) -> Record {
        let Call { engine, event, .. } = *call;
        summary.records += 1;
        if placed.walked.len() > engine.options.max_record as usize {
            summary.unexamined += 1;
            return Record::Unexamined("the record is larger than max_record");
        }
        let rules = &*self.generation.rules;
        let indicators = rules.indicators();
        let State { buffers, matcher, routes, hits, tally, seeker, normalizer, mode, .. } =
            &mut self.state;
        let (sources, keys) = reading(&self.generation, *mode);
        let wants_parts = call.wants_parts(normalizer.is_some());
        // Nothing is written for a call that only matches.
        let mut normalizer = normalizer.as_deref_mut().filter(|_| call.tagging.is_some());
        let prepared = normalizer.as_ref().and_then(|_| rules.prepared().ok());
        if let Some(normalizer) = &mut normalizer {
            normalizer.begin_record();
        }
        let first = hits.len();
        let silent = self.generation.silent.bits();
        let counts_unrouted = routes.counts_unrouted(event.logsource);
        let show = |found: &SourceEvent<'_>| {
            if let Some(source) = found.source {
                tally.count(source, |counts| counts.events += 1);
            }
            let route = routes.met(rules, silent, event.logsource, found.logsources);
            matcher.run(rules, &found.view, route);
            if let (Some(seeker), Some(set), Some(route)) = (&mut *seeker, indicators, route) {
                let place = (placed.index, found.index);
                seeker.seek(set, &found.view, route, place, &mut matcher.matched);
            }
            for &rule in &matcher.matched {
                hits.push(Hit { record: placed.index, event: found.index, rule });
            }
            if let (Some(normalizer), Some(prepared)) = (&mut normalizer, prepared) {
                normalizer.add(prepared, found, placed.encoding, &event.data[placed.body.clone()]);
            }
        };
        let metadata = placed.body.start.saturating_sub(placed.walked.start);
        let metadata = if placed.encoding == Encoding::Json { 0 } else { metadata };
        let record = &event.data[placed.walked.clone()];
        let encoding = placed.encoding;
        let mut read = Ok(record.len());
        if !placed.read {
            buffers.want_parts(wants_parts);
            read = read_record(metadata, record, encoding, keys, buffers);
        }
        if let Ok(end) = read
            && end < record.len()
        {
            read = Err(Malformed::new(MalformedKind::TrailingBytes, end));
        }
        match read {
            Ok(_) => {
                let outcome =
                    for_each_read_event(metadata, record, encoding, sources, keys, buffers, show);
                summary.events += u64::from(outcome.events);
                summary.malformed += u64::from(outcome.malformed_payloads);
                let unrouted = if counts_unrouted { outcome.unrouted } else { 0 };
                summary.unrouted += u64::from(unrouted);
                let found = (hits.len() - first) as u64;
                summary.hits += found;
                summary.matched_records += u64::from(found > 0);
                let broken = buffers.broken();
                for broken in broken {
                    match broken.source {
                        Some(source) => tally.count_broken(source, broken.breakage),
                        None => summary.unknown_payload += 1,
                    }
                }
                Record::Examined(Examined { complete: broken.is_empty(), routed: unrouted == 0 })
            }
            Err(malformed) if malformed.kind == MalformedKind::TooDeep => {
                summary.unexamined += 1;
                Record::Unexamined("the record is nested too deep")
            }
            Err(malformed) => {
                summary.malformed += 1;
                let offset = malformed.offset + placed.walked.start;
                Record::Malformed(Malformed::new(malformed.kind, offset))
            }
        }
    }
}

/// The document without the white space around it.
fn trimmed(data: &[u8]) -> Range<usize> {
    let start = json::skip_space(data, 0);
    start..start + data[start..].trim_ascii_end().len()
}

pub(super) fn malformed_error(malformed: Malformed) -> MatchError {
    MatchError::Malformed { offset: malformed.offset, message: malformed.message() }
}

pub(super) fn plan_error(error: PlanError) -> MatchError {
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
