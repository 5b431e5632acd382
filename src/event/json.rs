//! JSON: the walker, and the readers that sources and tagging share.
//!
//! The grammar is that of RFC 8259, with the bytes of strings taken as they are: they need not be
//! UTF-8, and control characters are let through, because a log that breaks those rules must still
//! be examined. The grammar is enforced everywhere, also in values that nobody asked for, so that
//! whether a record is malformed does not depend on the rules.

use super::json_members::Left;
use super::keys::{KeyTable, ROOT};
use super::malformed::{Malformed, MalformedKind};
use super::slots::Slots;
use super::target::{Frame, Target, addressable};
use super::value::{Span, Store, Value};
use crate::limits::MAX_DEPTH;

use super::json_scalar::{
    Number, decode_simple, find_quote_or_backslash, plain_string, read_literal, read_number,
    read_string,
};
pub use super::json_scalar::{decode_string, encode_string, encode_string_at};

/// The offset of the first byte from `at` on that is not white space.
#[inline]
pub fn skip_space(data: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = data.get(at) {
        at += 1;
    }
    at
}

/// The error for an unexpected byte, or the end, at `at`.
#[cold]
pub(super) fn unexpected(data: &[u8], at: usize) -> Malformed {
    let kind = if at < data.len() { MalformedKind::BadByte } else { MalformedKind::Truncated };
    Malformed::new(kind, at)
}

/// The offset behind the value that begins exactly at `at`.
pub fn skip_value(data: &[u8], at: usize) -> Result<usize, Malformed> {
    match data.get(at) {
        Some(b'{' | b'[') => skip_container(data, at, 0),
        _ => skip_scalar(data, at),
    }
}

fn skip_scalar(data: &[u8], at: usize) -> Result<usize, Malformed> {
    match data.get(at) {
        Some(b'"') => Ok(read_string(data, at + 1)?.0 + 1),
        Some(b'-' | b'0'..=b'9') => Ok(read_number(data, at)?.1),
        _ => Ok(read_literal(data, at)?.1),
    }
}

/// Passes the container whose bracket is at `at`, with `depth` containers open around it.
fn skip_container(data: &[u8], at: usize, depth: usize) -> Result<usize, Malformed> {
    let mut at = at;
    let mut depth_here = depth;
    // One bit for each open container, the innermost lowest: set for objects.
    let mut objects = 0u64;
    loop {
        // At the beginning of a value.
        let byte = data.get(at).copied();
        if let Some(b'{' | b'[') = byte {
            if depth_here >= MAX_DEPTH {
                return Err(Malformed::new(MalformedKind::TooDeep, at));
            }
            depth_here += 1;
            objects = objects << 1 | u64::from(byte == Some(b'{'));
            at = skip_space(data, at + 1);
            match data.get(at) {
                Some(b'}') if objects & 1 == 1 => {}
                Some(b']') if objects & 1 == 0 => {}
                _ if objects & 1 == 1 => {
                    at = skip_member_name(data, at)?;
                    continue;
                }
                _ => continue,
            }
        } else {
            at = skip_space(data, skip_scalar(data, at)?);
        }
        // Behind a value, or at the bracket that closes an empty container.
        loop {
            match data.get(at) {
                Some(b',') => {
                    at = skip_space(data, at + 1);
                    if objects & 1 == 1 {
                        at = skip_member_name(data, at)?;
                    }
                    break;
                }
                Some(b'}') if objects & 1 == 1 => {}
                Some(b']') if objects & 1 == 0 => {}
                _ => return Err(unexpected(data, at)),
            }
            depth_here -= 1;
            objects >>= 1;
            if depth_here == depth {
                return Ok(at + 1);
            }
            at = skip_space(data, at + 1);
        }
    }
}

/// Passes `"name" :` and the white space behind it.
fn skip_member_name(data: &[u8], at: usize) -> Result<usize, Malformed> {
    if data.get(at) != Some(&b'"') {
        return Err(unexpected(data, at));
    }
    colon(data, read_string(data, at + 1)?.0 + 1)
}

/// Passes the colon behind a name: the offset of the value.
#[inline]
fn colon(data: &[u8], at: usize) -> Result<usize, Malformed> {
    let at = skip_space(data, at);
    if data.get(at) != Some(&b':') {
        return Err(unexpected(data, at));
    }
    Ok(skip_space(data, at + 1))
}

/// Walks the object at the beginning of `data`, white space before it allowed, and fills `slots`,
/// which must have been begun.
///
/// Spans get `store` and count from `base`, the offset of `data` in that store; decoded strings
/// lie in `slots.arena` and get `slots.arena_store`. Returns the offset behind the closing brace.
/// After an error the slots hold what came before it and must not be matched. `keys` must have
/// passed [`KeyTable::verify`] for the number of fields that `slots` was made for.
pub fn walk(
    data: &[u8],
    store: Store,
    base: u32,
    keys: &KeyTable,
    slots: &mut Slots,
) -> Result<usize, Malformed> {
    walk_below(data, store, base, keys, ROOT, slots)
}

/// [`walk`] for an object that stands for the value at a node of the key table: a source may
/// deliver an object of an event as text. Its values are added to those that are there.
pub fn walk_below(
    data: &[u8],
    store: Store,
    base: u32,
    keys: &KeyTable,
    node: u32,
    slots: &mut Slots,
) -> Result<usize, Malformed> {
    if !addressable(data.len(), base) {
        return Err(Malformed::new(MalformedKind::TooLarge, 0));
    }
    let at = skip_space(data, 0);
    match data.get(at) {
        Some(b'{') => {}
        None => return Err(Malformed::new(MalformedKind::Truncated, at)),
        Some(_) => return Err(Malformed::new(MalformedKind::NotAMap, at)),
    }
    slots.familiar.begin(keys);
    let mut frames = std::mem::take(&mut slots.frames);
    frames.clear();
    let result = Walker { data, store, base, keys, slots }.run(&mut frames, node, at);
    slots.frames = frames;
    result
}

/// [`walk`] for bytes that must hold nothing but the object and white space around it.
pub fn walk_document(
    data: &[u8],
    store: Store,
    base: u32,
    keys: &KeyTable,
    slots: &mut Slots,
) -> Result<usize, Malformed> {
    let end = walk(data, store, base, keys, slots)?;
    let behind = skip_space(data, end);
    if behind < data.len() {
        return Err(Malformed::new(MalformedKind::TrailingBytes, behind));
    }
    Ok(end)
}

pub(super) struct Walker<'a> {
    pub data: &'a [u8],
    pub store: Store,
    pub base: u32,
    pub keys: &'a KeyTable,
    pub slots: &'a mut Slots,
}

impl Walker<'_> {
    fn run(
        &mut self,
        frames: &mut Vec<Frame>,
        node: u32,
        start: usize,
    ) -> Result<usize, Malformed> {
        let data = self.data;
        let mut frame = Frame::root(Target::node(node), start, 0);
        let mut at = skip_space(data, start + 1);
        let mut empty = data.get(at) == Some(&b'}');
        loop {
            // At the beginning of an element or member, except in an empty container.
            let target = if empty {
                None
            } else if frame.is_array {
                Some(frame.element_target())
            } else {
                match self.members(&frame, &mut at)? {
                    Left::Behind => None,
                    Left::AtValue(target) => {
                        at = skip_space(data, at);
                        Some(target)
                    }
                    Left::AtKey => {
                        let (target, name) = self.name(&frame, at)?;
                        at = colon(data, name)?;
                        Some(target)
                    }
                }
            };
            if let Some(target) = target {
                let byte = data.get(at).copied();
                if let Some(b'{' | b'[') = byte {
                    let is_array = byte == Some(b'[');
                    let depth = frames.len() + 1;
                    if !target.is_nowhere() || self.slots.wants_leaves {
                        if depth >= MAX_DEPTH {
                            return Err(Malformed::new(MalformedKind::TooDeep, at));
                        }
                        frames.push(frame);
                        frame = frame.nested(target, is_array, at, 0);
                        at = skip_space(data, at + 1);
                        empty = data.get(at) == Some(if is_array { &b']' } else { &b'}' });
                        if !is_array {
                            target.push(self.slots, Value::Object);
                        } else if empty {
                            target.push(self.slots, Value::EmptyArray);
                        }
                        continue;
                    }
                    at = skip_container(data, at, depth)?;
                } else if let (Some(b'"'), Some(end)) = (byte, plain_string(data, at + 1)) {
                    let span = self.span(at + 1, end);
                    self.value(&target, Value::Str(span));
                    at = end + 1;
                } else {
                    at = self.scalar(&frame, &target, at)?;
                }
                at = skip_space(data, at);
            }
            empty = false;
            // Behind a value, or at the bracket that closes an empty container.
            loop {
                match data.get(at) {
                    Some(b',') => {
                        at = skip_space(data, at + 1);
                        break;
                    }
                    Some(b'}') if !frame.is_array => {}
                    Some(b']') if frame.is_array => {}
                    _ => return Err(unexpected(data, at)),
                }
                at += 1;
                frame.close(at, self.store, self.base, self.slots);
                match frames.pop() {
                    Some(outer) => frame = outer,
                    None => return Ok(at),
                }
                at = skip_space(data, at);
            }
        }
    }

    #[inline(always)]
    fn target(&self, frame: &Frame, name: &[u8]) -> Target {
        Target::of(self.keys, frame.target.child, name)
    }

    /// Reads any name: what it means in this object, and the offset behind it.
    #[inline(never)]
    fn name(&mut self, frame: &Frame, at: usize) -> Result<(Target, usize), Malformed> {
        if self.data.get(at) != Some(&b'"') {
            return Err(unexpected(self.data, at));
        }
        if let Some(end) = plain_string(self.data, at + 1) {
            return Ok((self.target(frame, &self.data[at + 1..end]), end + 1));
        }
        let (end, _) = read_string(self.data, at + 1)?;
        let start = self.slots.arena.len();
        decode_string(&self.data[at + 1..end], &mut self.slots.arena);
        let target = self.target(frame, &self.slots.arena[start..]);
        self.slots.arena.truncate(start);
        Ok((target, end + 1))
    }

    /// Reads any scalar, gives it to whom it may concern, and returns the offset behind it.
    #[inline(never)]
    pub fn scalar(
        &mut self,
        frame: &Frame,
        target: &Target,
        at: usize,
    ) -> Result<usize, Malformed> {
        let data = self.data;
        let wanted = self.slots.wants_leaves || target.takes_value();
        match data.get(at) {
            Some(b'"') => {
                if !wanted {
                    return Ok(read_string(data, at + 1)?.0 + 1);
                }
                let (span, end) = self.string(at)?;
                self.value(target, Value::Str(span));
                Ok(end + 1)
            }
            Some(b'-' | b'0'..=b'9') => {
                let (number, end) = read_number(data, at)?;
                if wanted {
                    let value = match number {
                        Number::Int(value) => Value::Int(value),
                        Number::Uint(value) => Value::Uint(value),
                        Number::Float => float(&data[at..end])
                            .map_or_else(|| Value::BigNumber(self.span(at, end)), Value::Float),
                        Number::Big => Value::BigNumber(self.span(at, end)),
                    };
                    self.value(target, value);
                }
                Ok(end)
            }
            _ => {
                let (literal, end) = read_literal(data, at)?;
                match literal {
                    Some(value) => self.value(target, Value::Bool(value)),
                    None => target.push(self.slots, frame.null()),
                }
                Ok(end)
            }
        }
    }

    #[inline(always)]
    fn value(&mut self, target: &Target, value: Value) {
        target.push(self.slots, value);
        self.slots.push_leaf(value);
    }

    #[inline]
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span { store: self.store, start: self.base + start as u32, len: (end - start) as u32 }
    }

    /// The string whose quote is at `at`, escapes decoded into the arena, and where it ends.
    fn string(&mut self, at: usize) -> Result<(Span, usize), Malformed> {
        let data = self.data;
        let Some(first) = find_quote_or_backslash(data, at + 1) else {
            return Err(Malformed::new(MalformedKind::Truncated, data.len()));
        };
        if data[first] == b'"' {
            return Ok((self.span(at + 1, first), first));
        }
        let start = self.slots.arena.len();
        self.slots.push_decoded(self.base + at as u32);
        let end = match decode_simple(data, at + 1, &mut self.slots.arena) {
            Some(end) => end,
            None => {
                self.slots.arena.truncate(start);
                let (end, _) = read_string(data, at + 1)?;
                decode_string(&data[at + 1..end], &mut self.slots.arena);
                end
            }
        };
        // Decoding never makes a string longer.
        if !addressable(start + (end - at - 1), 0) {
            return Err(Malformed::new(MalformedKind::TooLarge, at));
        }
        let len = self.slots.arena.len() - start;
        let span = Span { store: self.slots.arena_store, start: start as u32, len: len as u32 };
        Ok((span, end))
    }
}

/// The nearest float; `None` beyond the range of floats.
fn float(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}
