//! The plan of an output: which bytes are copied and which are ours.

use super::arrange::Open;
use super::content::{Columns, FLAT_KEYS, highest_level, write_flat, write_nested};
use super::ecs::{self, Facts};
use super::encode::{Encoder, Format};
use super::splice::{Body, Splice, Splices};
use super::{Shape, Style, TagRule};
use crate::event::Malformed;
use crate::limits::MAX_TAG_BYTES;
use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;

/// What tagging did to the records of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that got a tag.
    pub tagged: u64,
    /// Keys of the input that ours replaced, every duplicate counted.
    pub replaced: u64,
    /// Values of the ecs shape left out because a scalar is in their place.
    pub omitted: u64,
    /// Rule entries dropped because the tag would have been too large.
    pub dropped: u64,
    /// Records whose tag has fewer entries than the record has matches.
    pub truncated: u64,
    /// Records without a tag that lost keys of one.
    pub stripped: u64,
    /// Records that were split.
    pub split: u64,
    /// Records that were left out.
    pub removed: u64,
}

/// Why a plan cannot be made or written. The plan is as it was before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanError {
    /// The record is not what its format says.
    Malformed(Malformed),
    /// Records must be given in the order of their bytes, each once.
    OutOfOrder,
    /// The output would not fit the 32-bit length of its format.
    TooLarge,
    /// The bytes given to `write` are not those that the plan was made for.
    OtherData,
    /// The output buffer is too small; this many bytes are needed.
    SmallBuffer(usize),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Malformed(malformed) => write!(f, "{malformed}"),
            PlanError::OutOfOrder => {
                f.write_str("records must be tagged in the order of their bytes")
            }
            PlanError::TooLarge => {
                f.write_str("the tagged message would pass 4 GiB; send less at once")
            }
            PlanError::OtherData => f.write_str("the bytes are not those the plan was made for"),
            PlanError::SmallBuffer(needed) => write!(f, "the output buffer needs {needed} bytes"),
        }
    }
}

impl std::error::Error for PlanError {}

impl From<Malformed> for PlanError {
    fn from(malformed: Malformed) -> PlanError {
        PlanError::Malformed(malformed)
    }
}

/// A piece of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Bytes of the plan's buffer, otherwise of the input.
    pub own: bool,
    pub start: usize,
    pub end: usize,
}

/// The bytes to write for one input buffer. Kept in the scratch of a thread and reused; it borrows
/// nothing, so the input must be given again to [`write`](Plan::write).
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) segments: Vec<Segment>,
    pub(super) splices: Splices,
    columns: Columns,
    /// For rules over the size cap: (level, index), then the rank of each rule.
    order: Vec<(Reverse<u8>, u32)>,
    ranks: Vec<u32>,
    /// Everything of the input before this is planned.
    pub(super) planned: usize,
    pub(super) changed: bool,
    /// The Forward message that is being planned.
    pub(super) open: Option<Open>,
    /// An edit of the record that comes next, beside those of its tag.
    pub(super) replacement: Option<Splice>,
    pub(super) counts: Counts,
    input_len: usize,
    output_len: usize,
}

/// Header bytes that the maps of a record may gain: four maps, four bytes each.
const MAP_HEADER_GROWTH: usize = 16;

/// The rank of a rule that does not fit even alone.
const UNFIT: u32 = u32::MAX;

impl Plan {
    /// A plan for nothing.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Forgets the previous input.
    pub fn begin(&mut self) {
        self.segments.clear();
        self.splices.list.clear();
        self.splices.buffer.clear();
        self.planned = 0;
        self.changed = false;
        self.open = None;
        self.replacement = None;
        self.counts = Counts::default();
        self.input_len = 0;
        self.output_len = 0;
    }

    /// Whether the output would be the input.
    pub fn is_empty(&self) -> bool {
        !self.changed
    }

    /// What tagging did so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Plans the tag of the record whose body is the msgpack map at `body` of `data`. `rules` are
    /// the matches, at least one. Records are given in the order of their bytes.
    pub fn tag_msgpack<'r>(
        &mut self,
        data: &[u8],
        body: Range<usize>,
        style: &Style<'_>,
        rules: impl Iterator<Item = TagRule<'r>> + Clone,
    ) -> Result<(), PlanError> {
        self.tag(Format::Msgpack, data, body, style, rules)
    }

    /// Plans the tag of the record whose body is the JSON object at `body` of `data`, from brace
    /// to brace; the rest as for [`tag_msgpack`](Plan::tag_msgpack).
    pub fn tag_json<'r>(
        &mut self,
        data: &[u8],
        body: Range<usize>,
        style: &Style<'_>,
        rules: impl Iterator<Item = TagRule<'r>> + Clone,
    ) -> Result<(), PlanError> {
        self.tag(Format::Json, data, body, style, rules)
    }

    fn tag<'r>(
        &mut self,
        format: Format,
        data: &[u8],
        body: Range<usize>,
        style: &Style<'_>,
        rules: impl Iterator<Item = TagRule<'r>> + Clone,
    ) -> Result<(), PlanError> {
        if body.start < self.planned || body.start > body.end {
            return Err(PlanError::OutOfOrder);
        }
        // Nothing behind the record is read, so that damage in it cannot reach the next one.
        let Some(bytes) = data.get(..body.end) else { return Err(PlanError::OutOfOrder) };
        let mark = self.splices.buffer.len();
        let level = highest_level(rules.clone());
        let body_at = body.start;
        let body = Body { format, data: bytes };
        let record = Record { body, at: body_at, mark, level, style, rules };
        let done = self.tag_record(&record);
        match done {
            Ok(counts) => self.adopt(counts),
            Err(_) => self.splices.buffer.truncate(mark),
        }
        self.splices.list.clear();
        Ok(done.map(drop)?)
    }

    fn tag_record<'r, I>(&mut self, record: &Record<'_, I>) -> Result<Counts, Malformed>
    where
        I: Iterator<Item = TagRule<'r>> + Clone,
    {
        let (size, counts) = self.attempt(record, record.rules.clone(), 0)?;
        if size <= MAX_TAG_BYTES {
            return Ok(counts);
        }
        // Over the cap, which takes dozens of matches: rank the rules by level and find how many
        // fit. The size grows with their number, so halving finds the largest. The record itself,
        // which may be long, is not read again until that is known.
        let total = self.rank(record);
        let matches = record.rules.clone().count() as u32;
        let (mut fits, mut too_many) = (0, total + 1);
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            let ranks = std::mem::take(&mut self.ranks);
            let rules = chosen(&ranks, middle, record.rules.clone());
            let size = self.measure(record, rules, matches - middle);
            self.ranks = ranks;
            if size <= MAX_TAG_BYTES { fits = middle } else { too_many = middle }
        }
        let ranks = std::mem::take(&mut self.ranks);
        let rules = chosen(&ranks, fits, record.rules.clone());
        let attempt = self.attempt(record, rules, matches - fits);
        self.ranks = ranks;
        let (_, mut counts) = attempt?;
        counts.dropped = (matches - fits).into();
        counts.truncated = u64::from(fits < matches);
        Ok(counts)
    }

    /// Ranks the rules, highest level first, and returns how many could be written at all: one
    /// that does not even fit alone must not push out those behind it.
    fn rank<'r, I>(&mut self, record: &Record<'_, I>) -> u32
    where
        I: Iterator<Item = TagRule<'r>> + Clone,
    {
        self.order.clear();
        self.ranks.clear();
        for (index, rule) in (0u32..).zip(record.rules.clone()) {
            self.ranks.push(UNFIT);
            if self.measure(record, std::iter::once(rule), u32::MAX) <= MAX_TAG_BYTES {
                self.order.push((Reverse(rule.level), index));
            }
        }
        self.order.sort_unstable();
        for (rank, (_, index)) in (0u32..).zip(&self.order) {
            self.ranks[*index as usize] = rank;
        }
        self.order.len() as u32
    }

    /// The bytes that a tag for these rules takes where nothing is in its way: no less than it
    /// takes elsewhere.
    fn measure<'r, I>(
        &mut self,
        record: &Record<'_, I>,
        rules: impl Iterator<Item = TagRule<'r>> + Clone,
        truncated: u32,
    ) -> usize
    where
        I: Iterator<Item = TagRule<'r>> + Clone,
    {
        let Plan { splices, columns, .. } = self;
        let Style { shape, key, ruleset } = *record.style;
        let level = record.level;
        splices.buffer.truncate(record.mark);
        let format = record.body.format;
        let mut out = Encoder { out: &mut splices.buffer, format };
        match shape {
            Shape::Nested => {
                out.member(false, key);
                write_nested(&mut out, level, ruleset, rules, truncated);
            }
            Shape::Flat => {
                columns.collect(format, rules);
                write_flat(&mut out, false, columns, level, ruleset, truncated);
            }
            Shape::Ecs => {
                columns.collect(format, rules);
                ecs::write_all(&mut out, columns, Facts { level, ruleset, truncated, mark: key });
            }
        }
        let size = splices.buffer.len() - record.mark + MAP_HEADER_GROWTH;
        splices.buffer.truncate(record.mark);
        size
    }

    /// Makes the edits of the record for some of its rules: the bytes they add.
    fn attempt<'r, I>(
        &mut self,
        record: &Record<'_, I>,
        rules: impl Iterator<Item = TagRule<'r>> + Clone,
        truncated: u32,
    ) -> Result<(usize, Counts), Malformed>
    where
        I: Iterator<Item = TagRule<'r>> + Clone,
    {
        let Plan { splices, columns, .. } = self;
        splices.list.clear();
        splices.buffer.truncate(record.mark);
        let Style { shape, key, ruleset } = *record.style;
        let level = record.level;
        let (body, at) = (record.body, record.at);
        let format = body.format;
        let mut counts = Counts::default();
        match shape {
            Shape::Nested => {
                let edit = splices.remove_members(&body, at, |member| {
                    let ours = member.key == Some(key);
                    counts.replaced += u64::from(ours);
                    ours
                })?;
                let from = splices.buffer.len();
                let mut out = Encoder { out: &mut splices.buffer, format: body.format };
                out.member(edit.kept == 0, key);
                write_nested(&mut out, level, ruleset, rules, truncated);
                splices.add_members(&body, &edit, 1, from);
            }
            Shape::Flat => {
                columns.collect(format, rules);
                let edit = splices.remove_members(&body, at, |member| {
                    let ours = member.key.is_some_and(|key| FLAT_KEYS.contains(&key));
                    counts.replaced += u64::from(ours);
                    ours
                })?;
                let from = splices.buffer.len();
                let mut out = Encoder { out: &mut splices.buffer, format: body.format };
                let first = edit.kept == 0;
                let added = write_flat(&mut out, first, columns, level, ruleset, truncated);
                splices.add_members(&body, &edit, added, from);
            }
            Shape::Ecs => {
                columns.collect(format, rules);
                let facts = Facts { level, ruleset, truncated, mark: key };
                let conflicts = ecs::merge(body, at, splices, columns, facts)?;
                counts.replaced = conflicts.replaced.into();
                counts.omitted = conflicts.omitted.into();
            }
        }
        let size: usize = splices.list.iter().map(|splice| splice.to - splice.from).sum();
        counts.tagged = u64::from(size > 0);
        // Columns that are too long are not gathered to their end.
        let gathered = if shape == Shape::Nested { 0 } else { columns.len() };
        Ok((size.max(gathered), counts))
    }

    /// Takes the edits of a record into the plan.
    pub(super) fn adopt(&mut self, counts: Counts) {
        self.splices.list.extend(self.replacement.take());
        self.changed |= !self.splices.list.is_empty();
        // Of two insertions at one place the inner map's was encoded first.
        self.splices.list.sort_unstable_by_key(|splice| (splice.start, splice.from));
        for index in 0..self.splices.list.len() {
            let splice = self.splices.list[index];
            // Inside a member that goes, there is nothing left to edit.
            if splice.start < self.planned {
                continue;
            }
            self.copy_to(splice.start);
            self.planned = self.planned.max(splice.end);
            if splice.from < splice.to {
                self.segments.push(Segment { own: true, start: splice.from, end: splice.to });
            }
        }
        self.add_counts(counts);
    }

    pub(super) fn add_counts(&mut self, counts: Counts) {
        self.counts.tagged += counts.tagged;
        self.counts.replaced += counts.replaced;
        self.counts.omitted += counts.omitted;
        self.counts.dropped += counts.dropped;
        self.counts.truncated += counts.truncated;
        self.counts.stripped += counts.stripped;
    }

    /// The length of the output, once the plan is finished.
    pub(super) fn output_len(&self) -> usize {
        self.output_len
    }

    pub(super) fn copy_to(&mut self, end: usize) {
        if end > self.planned {
            self.segments.push(Segment { own: false, start: self.planned, end });
            self.planned = end;
        }
    }

    /// Ends the plan for an input of `input_len` bytes. Returns the exact length of the output.
    pub fn finish(&mut self, input_len: usize) -> Result<usize, PlanError> {
        self.end_message(0, 0)?;
        if input_len < self.planned {
            return Err(PlanError::OtherData);
        }
        self.copy_to(input_len);
        self.input_len = input_len;
        self.output_len = self.segments.iter().map(|segment| segment.end - segment.start).sum();
        Ok(self.output_len)
    }

    /// Writes the output and returns its length. `input` must be the bytes that the plan was made
    /// for: only their length can be checked here.
    pub fn write(&self, input: &[u8], out: &mut [u8]) -> Result<usize, PlanError> {
        if input.len() != self.input_len {
            return Err(PlanError::OtherData);
        }
        let Some(mut rest) = out.get_mut(..self.output_len) else {
            return Err(PlanError::SmallBuffer(self.output_len));
        };
        for segment in &self.segments {
            let source = if segment.own { self.splices.buffer.as_slice() } else { input };
            let bytes = source.get(segment.start..segment.end).ok_or(PlanError::OtherData)?;
            let (here, behind) =
                rest.split_at_mut_checked(bytes.len()).ok_or(PlanError::OtherData)?;
            here.copy_from_slice(bytes);
            rest = behind;
        }
        Ok(self.output_len)
    }
}

/// One record being tagged.
struct Record<'a, I> {
    body: Body<'a>,
    /// First byte of the body map.
    at: usize,
    /// End of the buffer before this record.
    mark: usize,
    /// The highest level of all rules, dropped ones included.
    level: &'static [u8],
    style: &'a Style<'a>,
    rules: I,
}

/// The rules with a rank below `below`, in their own order.
fn chosen<'r, I>(ranks: &[u32], below: u32, rules: I) -> impl Iterator<Item = TagRule<'r>> + Clone
where
    I: Iterator<Item = TagRule<'r>> + Clone,
{
    ranks.iter().zip(rules).filter(move |(rank, _)| **rank < below).map(|(_, rule)| rule)
}
