//! Records of a plan that are left out, stripped, repeated or counted anew.

use super::content::FLAT_KEYS;
use super::ecs;
use super::encode::{ArrayWidth, Encoder, Format, StringWidth, array_header, string_header};
use super::plan::{Counts, Plan, PlanError, Segment};
use super::splice::{Body, Splice};
use super::{Shape, Style};
use crate::event::forward::{Message, Mode};
use crate::event::json;
use std::ops::Range;

/// A Forward message whose entries are being planned.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// Number of segments before those of the message.
    first: usize,
    span: Range<usize>,
    /// The segment that takes the header of the entries.
    header: usize,
    width: Width,
    /// The end of the entries in the input.
    end: usize,
    size: Option<(Range<usize>, u64)>,
}

/// What the header of the entries says, and its least width.
#[derive(Debug, Clone, Copy)]
enum Width {
    /// Their bytes.
    Bytes(StringWidth),
    /// Their number.
    Count(ArrayWidth, u32),
}

/// Whether a key belongs to a tag of that style and to nobody else.
fn is_ours(style: &Style<'_>, key: Option<&[u8]>) -> bool {
    let Some(key) = key else { return false };
    match style.shape {
        Shape::Nested => key == style.key,
        Shape::Flat => FLAT_KEYS.contains(&key),
        Shape::Ecs => key == style.key && ecs::has_mark(key),
    }
}

impl Plan {
    /// Leaves these bytes of the input out, a whole record for instance. Like records, in order.
    pub fn remove(&mut self, range: Range<usize>) -> Result<(), PlanError> {
        if range.start < self.planned || range.start > range.end {
            return Err(PlanError::OutOfOrder);
        }
        self.copy_to(range.start);
        self.changed |= range.start < range.end;
        self.planned = range.end;
        Ok(())
    }

    /// Takes the keys of a tag out of a record that gets none. Whether there were any.
    pub(crate) fn strip(
        &mut self,
        format: Format,
        data: &[u8],
        body: Range<usize>,
        style: &Style<'_>,
    ) -> Result<bool, PlanError> {
        if body.start < self.planned || body.start > body.end {
            return Err(PlanError::OutOfOrder);
        }
        let Some(bytes) = data.get(..body.end) else { return Err(PlanError::OutOfOrder) };
        let at = body.start;
        let body = Body { format, data: bytes };
        self.splices.list.clear();
        let edit = self.splices.remove_members(&body, at, |member| is_ours(style, member.key));
        let found = match &edit {
            Ok(edit) => edit.kept < edit.outline.members,
            Err(_) => false,
        };
        if found && let Ok(edit) = &edit {
            let from = self.splices.buffer.len();
            self.splices.add_members(&body, edit, 0, from);
            self.adopt(Counts { stripped: 1, ..Counts::default() });
        }
        self.splices.list.clear();
        edit?;
        Ok(found)
    }

    /// Everything of the input before `at` that is not planned yet is copied.
    pub(crate) fn copy_until(&mut self, at: usize) {
        self.copy_to(at);
    }

    /// Goes on at another place of the input, without a copy of what lies between.
    pub(crate) fn seek(&mut self, at: usize) {
        self.changed = true;
        self.planned = at;
    }

    /// Writes bytes of the input here, whatever they are used for elsewhere.
    pub(crate) fn repeat(&mut self, range: Range<usize>) {
        if range.start < range.end {
            self.segments.push(Segment { own: false, start: range.start, end: range.end });
        }
    }

    /// Writes bytes of our own here.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.put_with(|out| out.extend_from_slice(bytes));
    }

    /// Writes the output of another plan here, which was made and finished for `input`, and takes
    /// over what it counted.
    pub(crate) fn put_plan(&mut self, other: &Plan, input: &[u8]) -> Result<(), PlanError> {
        let start = self.splices.buffer.len();
        let end = start.checked_add(other.output_len()).ok_or(PlanError::TooLarge)?;
        self.splices.buffer.resize(end, 0);
        let written = other.write(input, &mut self.splices.buffer[start..]);
        if written.is_err() {
            self.splices.buffer.truncate(start);
        }
        written?;
        self.segments.push(Segment { own: true, start, end });
        self.changed = true;
        self.add_counts(other.counts());
        Ok(())
    }

    fn put_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.splices.buffer.len();
        write(&mut self.splices.buffer);
        let end = self.splices.buffer.len();
        self.segments.push(Segment { own: true, start, end });
        self.changed = true;
    }

    /// Replaces the string at `literal`, quotes or header included, in the record that comes next.
    pub(crate) fn replace_string(
        &mut self,
        format: Format,
        data: &[u8],
        literal: Range<usize>,
        text: &[u8],
    ) -> Result<(), PlanError> {
        let buffer = &mut self.splices.buffer;
        let from = buffer.len();
        match format {
            Format::Json => json::encode_string(text, buffer),
            Format::Msgpack => {
                let len = u32::try_from(text.len()).map_err(|_| PlanError::TooLarge)?;
                let least = match data.get(literal.start).map(|&byte| StringWidth::of(byte)) {
                    Some(StringWidth::Bin(_)) => StringWidth::Bin(1),
                    _ => StringWidth::Str(0),
                };
                string_header(buffer, len, least);
                buffer.extend_from_slice(text);
            }
        }
        let to = buffer.len();
        self.replacement = Some(Splice { start: literal.start, end: literal.end, from, to });
        Ok(())
    }

    /// Ends a record that was begun by [`seek`](Plan::seek).
    pub(crate) fn end_part(&mut self, end: usize) {
        if self.replacement.is_some() {
            self.splices.list.clear();
            self.adopt(Counts::default());
        }
        self.copy_to(end);
    }

    /// Counts a record that was split.
    pub(crate) fn count_split(&mut self) {
        self.counts.split += 1;
    }

    /// Counts records that were left out.
    pub(crate) fn count_removed(&mut self, records: u64) {
        self.counts.removed += records;
    }

    /// Begins a message of Forward or PackedForward mode: the header of its entries is written anew.
    /// Not needed where nothing changes.
    pub fn begin_message(&mut self, data: &[u8], message: &Message) -> Result<(), PlanError> {
        self.end_message(0, 0)?;
        let (header, entries, width) = match &message.mode {
            Mode::PackedForward { header, entries } => {
                let byte = data.get(header.start).ok_or(PlanError::OutOfOrder)?;
                (header, entries, Width::Bytes(StringWidth::of(*byte)))
            }
            Mode::Forward { header, entries, count } => {
                let byte = data.get(header.start).ok_or(PlanError::OutOfOrder)?;
                (header, entries, Width::Count(ArrayWidth::of(*byte), *count))
            }
            Mode::Message { .. } | Mode::CompressedPackedForward => return Ok(()),
        };
        let in_order = message.span.start >= self.planned
            && message.span.start <= header.start
            && header.end <= entries.start
            && entries.end <= message.span.end
            && message.span.end <= data.len();
        if !in_order {
            return Err(PlanError::OutOfOrder);
        }
        self.copy_to(message.span.start);
        let first = self.segments.len();
        self.copy_to(header.start);
        self.planned = header.end;
        let segment = self.segments.len();
        self.segments.push(Segment { own: true, start: 0, end: 0 });
        self.open = Some(Open {
            first,
            span: message.span.clone(),
            header: segment,
            width,
            end: entries.end,
            size: message.size.clone(),
        });
        Ok(())
    }

    /// Ends the open message, of whose `seen` records `left` are written. A message of which none
    /// is left is left out itself.
    pub fn end_message(&mut self, seen: u64, left: u64) -> Result<(), PlanError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if left == 0 && seen > 0 {
            self.segments.truncate(open.first);
            self.planned = open.span.end;
            self.changed = true;
            return Ok(());
        }
        self.copy_to(open.end);
        let entries = self.segments.get(open.header + 1..).unwrap_or_default();
        let bytes: usize = entries.iter().map(|segment| segment.end - segment.start).sum();
        let start = self.splices.buffer.len();
        let out = &mut self.splices.buffer;
        match open.width {
            Width::Bytes(width) => {
                let length = u32::try_from(bytes).map_err(|_| PlanError::TooLarge)?;
                string_header(out, length, width);
            }
            Width::Count(width, count) => {
                let count = recount(count.into(), seen, left);
                let count = u32::try_from(count).map_err(|_| PlanError::TooLarge)?;
                array_header(out, count, width);
            }
        }
        let end = self.splices.buffer.len();
        if let Some(segment) = self.segments.get_mut(open.header) {
            *segment = Segment { own: true, start, end };
        }
        if seen != left {
            self.put_size(open.size.as_ref().map(|(at, size)| (at, recount(*size, seen, left))));
        }
        Ok(())
    }

    fn put_size(&mut self, size: Option<(&Range<usize>, u64)>) {
        let Some((at, size)) = size else { return };
        let Ok(size) = u32::try_from(size) else { return };
        self.copy_to(at.start);
        self.put_with(|out| Encoder { out, format: Format::Msgpack }.number(size));
        self.planned = at.end;
    }

    /// Begins a message of Message mode whose record becomes `count` records: it becomes one of
    /// Forward mode. Each record follows as `[time, body]`; then [`end_single`](Plan::end_single).
    pub(crate) fn begin_single(
        &mut self,
        data: &[u8],
        message: &Message,
        count: u32,
    ) -> Result<(), PlanError> {
        let Mode::Message { time, .. } = &message.mode else { return Err(PlanError::OutOfOrder) };
        self.copy_to(message.span.start);
        let members = match crate::event::msgpack::token(data, message.span.start)? {
            (crate::event::msgpack::Token::Array(members), behind) => {
                let width = ArrayWidth::of(data[message.span.start]);
                self.put_with(|out| array_header(out, members - 1, width));
                behind
            }
            _ => return Err(PlanError::OutOfOrder),
        };
        self.repeat(members..time.start);
        self.put_with(|out| array_header(out, count, ArrayWidth::Fix));
        Ok(())
    }

    /// Ends what [`begin_single`](Plan::begin_single) began.
    pub(crate) fn end_single(&mut self, message: &Message, count: u32) {
        if let Mode::Message { body, .. } = &message.mode {
            self.seek(body.end);
            self.put_size(message.size.as_ref().map(|(at, _)| (at, count.into())));
        }
    }
}

/// A number of records after some were split or left out.
fn recount(count: u64, seen: u64, left: u64) -> u64 {
    count.saturating_add(left).saturating_sub(seen)
}
