//! The members of msgpack maps that nearly all members are like.

use super::familiar::{Familiar, Known};
use super::keys::{KeyTable, ROOT};
use super::msgpack::Walker;
use super::slots::NONE;
use super::target::{Frame, Target};
use super::value::{Span, Value};
use super::window::{Tail, WINDOW};
use crate::limits::MAX_DEPTH;

/// Longest key that is no exception: one byte holds its header and length.
const SHORT: u8 = 31;

/// Why the members were left.
pub(super) enum Left {
    /// There are no more.
    None,
    /// The value of a member is no plain one.
    AtValue(Target),
    /// A member is no plain one.
    AtKey,
}

impl Walker<'_> {
    /// Reads members of an object, and of plain objects in it, as long as they are plain. `frame` and
    /// `at` stay at the first that is not, or at its value. Plain is a key of up to 31 bytes with a
    /// string of up to 65535, an integer, a boolean, nil, or a map of up to 15 pairs of which some
    /// may be asked for, for a field without a value. What is anything else, or damaged, is left to
    /// the general loop.
    pub fn members(&mut self, frames: &mut Vec<Frame>, frame: &mut Frame, at: &mut usize) -> Left {
        let mut left = self.members_in(self.data, 0, frames, frame, at);
        if left == Stop::End {
            let start = *at;
            let tail = Tail::new(self.data, start);
            *at = 0;
            left = self.members_in(&tail.bytes, start, frames, frame, at);
            *at += start;
        }
        match left {
            Stop::Value(entry) => Left::AtValue(Target::of_entry(self.keys, entry)),
            Stop::Key | Stop::End if frame.remaining > 0 => Left::AtKey,
            Stop::Key | Stop::End => Left::None,
        }
    }

    /// [`members`](Walker::members) in `bytes`, which are those of the record from `shift` on and
    /// may have more behind them.
    ///
    /// PERF: nearly all members are plain. What they need stays in registers here, and strings and
    /// numbers have ways of their own, because a value of either kind would go through memory.
    #[inline(never)]
    fn members_in(
        &mut self,
        bytes: &[u8],
        shift: usize,
        frames: &mut Vec<Frame>,
        frame: &mut Frame,
        from: &mut usize,
    ) -> Stop {
        let mut node = frame.target.child;
        let (store, base) = (self.store, self.base + shift as u32);
        let limit = self.data.len() - shift;
        let (mut slots, familiar) = self.slots.parts(node == ROOT);
        let mut at = *from;
        let mut remaining = frame.remaining;
        let mut guess = familiar.guess();
        let stop = loop {
            if remaining == 0 {
                // What was asked for as a whole, and elements, are left to the general loop.
                let outer = frames.pop_if(|outer| !outer.is_array && !frame.is_asked_for());
                let Some(outer) = outer else { break Stop::Key };
                (node, remaining) = (outer.target.child, outer.remaining);
                slots.set_literal(node == ROOT);
                *frame = outer;
                continue;
            }
            let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
                break Stop::End;
            };
            let known = if let Some(known) = familiar.confirm(guess, window, node) {
                known
            } else if let Some(known) = unexpected(familiar, self.keys, window, node) {
                known
            } else {
                break Stop::Key;
            };
            guess = known.next();
            // Heads have at most 32 bytes.
            let value = known.len() % 64;
            let [head, more @ ..] = header(window, value);
            let (header, len) = match head {
                0xa0..=0xbf => (1, usize::from(head & 31)),
                0xd9 => (2, more[0].into()),
                0xda => (3, u16::from_be_bytes(more).into()),
                0x80..=0x8f => {
                    let (pairs, start) = (u32::from(head & 15), at + value);
                    let target = Target::of_entry(self.keys, known.entry);
                    let fits = pairs as usize * 2 < limit.saturating_sub(start)
                        && frames.len() + 1 < MAX_DEPTH;
                    if target.child == NONE || !fits || !slots.push_object(target.field) {
                        break Stop::Value(known.entry);
                    }
                    frame.remaining = remaining - 1;
                    frames.push(*frame);
                    *frame = frame.nested(target, false, shift + start, pairs);
                    (node, remaining) = (target.child, pairs);
                    slots.set_literal(false);
                    at = start + 1;
                    continue;
                }
                _ => {
                    let Some((scalar, used)) = plain_scalar(window, value) else {
                        break Stop::Value(known.entry);
                    };
                    let end = at + value + used;
                    let is_first = end <= limit
                        && match scalar {
                            Some(scalar) => slots.push_scalar(known.field, scalar),
                            None => slots.push_null(known.field, frame.null()),
                        };
                    if !is_first {
                        break Stop::Value(known.entry);
                    }
                    at = end;
                    remaining -= 1;
                    continue;
                }
            };
            let start = at + value + header;
            let end = start + len;
            let span = Span { store, start: base + start as u32, len: len as u32 };
            // Whatever was used ends before the end, so nothing of it was behind the data.
            if end > limit || !slots.push_str(known.field, span) {
                break Stop::Value(known.entry);
            }
            at = end;
            remaining -= 1;
        };
        frame.remaining = remaining;
        *from = at;
        // A key that ends behind the data is damaged, or not what it seems.
        let len = familiar.last().map_or(0, Known::len);
        match stop {
            Stop::Value(_) if at + len >= limit => return Stop::Key,
            Stop::Value(_) => {
                *from += len;
                frame.remaining -= 1;
            }
            Stop::Key | Stop::End => {}
        }
        stop
    }
}

/// Why [`Walker::members_in`] stopped.
#[derive(PartialEq)]
enum Stop {
    /// There are no more members, or the next is no plain one.
    Key,
    /// The next member may be no whole window.
    End,
    /// The value of a member, whose key has this entry, is no plain one.
    Value(u32),
}

/// The member in the window, which is not the one that was guessed; `None` if its key is no plain
/// one.
#[inline(never)]
fn unexpected<'a>(
    familiar: &'a mut Familiar,
    keys: &KeyTable,
    window: &[u8; WINDOW],
    node: u32,
) -> Option<&'a Known> {
    if familiar.recall(window, node) {
        return familiar.last();
    }
    let len = Some(window[0] ^ 0xa0).filter(|len| *len <= SHORT)?.into();
    Some(familiar.meet(keys, node, window, len, len + 1))
}

/// A header of up to three bytes at `at`; nothing beyond the longest head.
#[inline(always)]
fn header(window: &[u8; WINDOW], at: usize) -> [u8; 3] {
    window.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0xc1; 3])
}

/// The integer, boolean or nil (`None`) at `at`, and how many bytes it has; `None` for everything
/// else.
#[inline(always)]
fn plain_scalar(window: &[u8; WINDOW], at: usize) -> Option<(Option<Value>, usize)> {
    let (&head, behind) = window.get(at..)?.split_first()?;
    // Of integers with bytes behind the head, their number is two to the power of its lowest two
    // bits; read as eight bytes they stand at the top.
    let bytes = *behind.first_chunk()?;
    let (width, unused) = (1 << (head & 3), 64 - (8 << (head & 3)));
    Some(match head {
        0x00..=0x7f => (Some(Value::Int(head.into())), 1),
        0xe0..=0xff => (Some(Value::Int((head as i8).into())), 1),
        0xcc..=0xcf => {
            let value = (u64::from_be_bytes(bytes) >> unused).try_into().ok()?;
            (Some(Value::Int(value)), 1 + width)
        }
        0xd0..=0xd3 => (Some(Value::Int(i64::from_be_bytes(bytes) >> unused)), 1 + width),
        0xc2 | 0xc3 => (Some(Value::Bool(head == 0xc3)), 1),
        0xc0 => (None, 1),
        _ => return None,
    })
}
