//! msgpack: the walker, and the readers that framing and tagging share.

use super::keys::{KeyTable, ROOT};
use super::malformed::{Malformed, MalformedKind};
use super::msgpack_members::Left;
use super::slots::Slots;
use super::target::{Frame, Target, addressable};
use super::value::{Span, Store, Value};
use crate::limits::MAX_DEPTH;
use std::io::Write;

/// A header with what belongs to it; containers only with the number of their elements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token {
    /// `nil`.
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits with a sign, in any encoding.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float of 32 or 64 bits.
    Float(f64),
    /// `str` or `bin`: its bytes are `start..start + len` and lie inside the slice.
    Str {
        /// First byte behind the header.
        start: usize,
        /// Number of bytes.
        len: usize,
    },
    /// An extension: its bytes are `start..start + len` and lie inside the slice.
    Ext {
        /// The type of the extension.
        kind: i8,
        /// First byte behind the header.
        start: usize,
        /// Number of bytes.
        len: usize,
    },
    /// A map of so many pairs; the slice has at least one byte for each key and value.
    Map(u32),
    /// An array of so many elements; the slice has at least one byte for each.
    Array(u32),
}

/// Reads the value or header at `at`. Returns it with the offset behind it, which for containers
/// is that of the first element. Headers need not be the shortest possible.
pub fn token(data: &[u8], at: usize) -> Result<(Token, usize), Malformed> {
    inline_token(data, at)
}

/// PERF: returned through memory a token is written in pieces and read as a whole, which stalls
/// the loops over fields for longer than the rest of their work takes.
#[inline(always)]
fn inline_token(data: &[u8], at: usize) -> Result<(Token, usize), Malformed> {
    let Some(&byte) = data.get(at) else { return Err(truncated(at)) };
    Ok(match byte {
        0x00..=0x7f => (Token::Int(byte.into()), at + 1),
        0x80..=0x8f => map(data, at, (byte & 0x0f).into(), at + 1)?,
        0x90..=0x9f => array(data, at, (byte & 0x0f).into(), at + 1)?,
        0xa0..=0xbf => text(data, at, (byte & 0x1f).into(), at + 1)?,
        0xc0 => (Token::Nil, at + 1),
        0xc1 => return Err(Malformed::new(MalformedKind::BadByte, at)),
        0xc2 | 0xc3 => (Token::Bool(byte == 0xc3), at + 1),
        0xc4 | 0xd9 => text(data, at, u8::from_be_bytes(bytes(data, at)?).into(), at + 2)?,
        0xc5 | 0xda => text(data, at, u16::from_be_bytes(bytes(data, at)?).into(), at + 3)?,
        0xc6 | 0xdb => text(data, at, u32::from_be_bytes(bytes(data, at)?) as usize, at + 5)?,
        0xc7 => ext(data, at, u8::from_be_bytes(bytes(data, at)?).into(), at + 2)?,
        0xc8 => ext(data, at, u16::from_be_bytes(bytes(data, at)?).into(), at + 3)?,
        0xc9 => ext(data, at, u32::from_be_bytes(bytes(data, at)?) as usize, at + 5)?,
        0xca => (Token::Float(f32::from_be_bytes(bytes(data, at)?).into()), at + 5),
        0xcb => (Token::Float(f64::from_be_bytes(bytes(data, at)?)), at + 9),
        0xcc => (Token::Int(u8::from_be_bytes(bytes(data, at)?).into()), at + 2),
        0xcd => (Token::Int(u16::from_be_bytes(bytes(data, at)?).into()), at + 3),
        0xce => (Token::Int(u32::from_be_bytes(bytes(data, at)?).into()), at + 5),
        0xcf => {
            let value = u64::from_be_bytes(bytes(data, at)?);
            (i64::try_from(value).map_or(Token::Uint(value), Token::Int), at + 9)
        }
        0xd0 => (Token::Int(i8::from_be_bytes(bytes(data, at)?).into()), at + 2),
        0xd1 => (Token::Int(i16::from_be_bytes(bytes(data, at)?).into()), at + 3),
        0xd2 => (Token::Int(i32::from_be_bytes(bytes(data, at)?).into()), at + 5),
        0xd3 => (Token::Int(i64::from_be_bytes(bytes(data, at)?)), at + 9),
        0xd4..=0xd8 => ext(data, at, 1 << (byte - 0xd4), at + 1)?,
        0xdc => array(data, at, u16::from_be_bytes(bytes(data, at)?).into(), at + 3)?,
        0xdd => array(data, at, u32::from_be_bytes(bytes(data, at)?), at + 5)?,
        0xde => map(data, at, u16::from_be_bytes(bytes(data, at)?).into(), at + 3)?,
        0xdf => map(data, at, u32::from_be_bytes(bytes(data, at)?), at + 5)?,
        0xe0..=0xff => (Token::Int((byte as i8).into()), at + 1),
    })
}

#[cold]
fn truncated(at: usize) -> Malformed {
    Malformed::new(MalformedKind::Truncated, at)
}

/// The `N` bytes behind the header byte at `at`.
#[inline(always)]
fn bytes<const N: usize>(data: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    data.get(at + 1..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or_else(|| truncated(at))
}

#[inline(always)]
fn text(data: &[u8], at: usize, len: usize, start: usize) -> Result<(Token, usize), Malformed> {
    if len > data.len() - start.min(data.len()) {
        return Err(truncated(at));
    }
    Ok((Token::Str { start, len }, start + len))
}

#[inline(always)]
fn ext(data: &[u8], at: usize, len: usize, start: usize) -> Result<(Token, usize), Malformed> {
    let Some(&kind) = data.get(start) else { return Err(truncated(at)) };
    let start = start + 1;
    if len > data.len() - start {
        return Err(truncated(at));
    }
    Ok((Token::Ext { kind: kind as i8, start, len }, start + len))
}

#[inline(always)]
fn map(data: &[u8], at: usize, pairs: u32, start: usize) -> Result<(Token, usize), Malformed> {
    // A count beyond the bytes that are left is refused here, so that it can drive no loop.
    if u64::from(pairs) * 2 > data.len().saturating_sub(start) as u64 {
        return Err(truncated(at));
    }
    Ok((Token::Map(pairs), start))
}

#[inline(always)]
fn array(data: &[u8], at: usize, items: u32, start: usize) -> Result<(Token, usize), Malformed> {
    if u64::from(items) > data.len().saturating_sub(start) as u64 {
        return Err(truncated(at));
    }
    Ok((Token::Array(items), start))
}

/// The bytes of a string of at most 255 bytes; `None` for everything else.
///
/// PERF: nearly all keys and values are such strings, and this small part of [`token`] stays in
/// registers.
#[inline(always)]
fn short_string(data: &[u8], at: usize) -> Option<(usize, usize)> {
    let byte = *data.get(at)?;
    let (start, len) = match byte {
        0xa0..=0xbf => (at + 1, byte & 0x1f),
        0xd9 => (at + 2, *data.get(at + 1)?),
        _ => return None,
    };
    let end = start + usize::from(len);
    (end <= data.len()).then_some((start, end))
}

/// An array (`true`) or map of at most 15 elements or pairs: how many, and the offset of the first;
/// `None` for everything else, and if the slice has not a byte for each.
#[inline(always)]
fn short_container(data: &[u8], at: usize) -> Option<(bool, u32, usize)> {
    let byte = *data.get(at)?;
    let (is_array, count) = match byte {
        0x80..=0x8f => (false, byte & 0x0f),
        0x90..=0x9f => (true, byte & 0x0f),
        _ => return None,
    };
    // Both are checked alike here: the general reader asks for less where that is enough.
    let fits = usize::from(count) * 2 < data.len() - at;
    fits.then_some((is_array, count.into(), at + 1))
}

/// Reads the header of a map: number of pairs and offset of the first key.
#[inline]
pub fn map_header(data: &[u8], at: usize) -> Result<(u32, usize), Malformed> {
    match token(data, at)? {
        (Token::Map(pairs), next) => Ok((pairs, next)),
        _ => Err(Malformed::new(MalformedKind::NotAMap, at)),
    }
}

/// The value or header at `at`, and the offset behind the whole value, with all that is in it.
#[inline]
pub fn whole(data: &[u8], at: usize) -> Result<(Token, usize), Malformed> {
    let (token, behind) = inline_token(data, at)?;
    let end = match token {
        Token::Map(_) | Token::Array(_) => skip(data, at)?,
        _ => behind,
    };
    Ok((token, end))
}

/// The offset behind the value at `at`, whatever its depth: framing must find the next record even
/// behind one that is too deep to be examined.
pub fn skip(data: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut at = at;
    // Values still to be passed. No overflow: each counted value has a byte of its own.
    let mut pending = 1u64;
    while pending > 0 {
        let (token, next) = inline_token(data, at)?;
        pending -= 1;
        match token {
            Token::Map(pairs) => pending += u64::from(pairs) * 2,
            Token::Array(items) => pending += u64::from(items),
            _ => {}
        }
        if pending > (data.len() - next) as u64 {
            return Err(truncated(at));
        }
        at = next;
    }
    Ok(at)
}

/// Passes `count` values at a depth of `depth` open containers, with the limit of depth.
fn skip_values(data: &[u8], at: usize, count: u32, depth: usize) -> Result<usize, Malformed> {
    let mut at = at;
    let mut count = count;
    let mut outer = [0u32; MAX_DEPTH];
    let mut depth_here = depth;
    loop {
        while count == 0 {
            if depth_here == depth {
                return Ok(at);
            }
            depth_here -= 1;
            count = outer[depth_here];
        }
        count -= 1;
        let (token, next) = inline_token(data, at)?;
        let inner = match token {
            // No overflow: the header was checked against the bytes that are left, and no more
            // than 4 GiB are walked.
            Token::Map(pairs) => pairs * 2,
            Token::Array(items) => items,
            _ => {
                at = next;
                continue;
            }
        };
        if depth_here >= MAX_DEPTH {
            return Err(Malformed::new(MalformedKind::TooDeep, at));
        }
        outer[depth_here] = count;
        depth_here += 1;
        count = inner;
        at = next;
    }
}

/// Walks the map at the beginning of `data` and fills `slots`, which must have been begun.
///
/// Spans get `store` and count from `base`, the offset of `data` in that store. Returns the bytes
/// consumed. After an error the slots hold what came before it and must not be matched.
/// `keys` must have passed [`KeyTable::verify`] for the number of fields that `slots` was made for.
pub fn walk(
    data: &[u8],
    store: Store,
    base: u32,
    keys: &KeyTable,
    slots: &mut Slots,
) -> Result<usize, Malformed> {
    if !addressable(data.len(), base) {
        return Err(Malformed::new(MalformedKind::TooLarge, 0));
    }
    let (pairs, at) = map_header(data, 0)?;
    slots.familiar.begin(keys);
    let mut frames = std::mem::take(&mut slots.frames);
    frames.clear();
    let frame = Frame::root(Target::node(ROOT), 0, pairs);
    let result = Walker { data, store, base, keys, slots }.run(frame, &mut frames, at);
    slots.frames = frames;
    result
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
        mut frame: Frame,
        frames: &mut Vec<Frame>,
        mut at: usize,
    ) -> Result<usize, Malformed> {
        loop {
            while frame.remaining == 0 {
                frame.close(at, self.store, self.base, self.slots);
                match frames.pop() {
                    Some(outer) => frame = outer,
                    None => return Ok(at),
                }
            }
            let target = if frame.is_array {
                frame.remaining -= 1;
                frame.element_target()
            } else {
                match self.members(frames, &mut frame, &mut at) {
                    Left::None => continue,
                    Left::AtValue(target) => target,
                    Left::AtKey => {
                        frame.remaining -= 1;
                        let (target, value) = self.key(&frame, frames.len() + 1, at)?;
                        at = value;
                        target
                    }
                }
            };
            if let Some((start, end)) = short_string(self.data, at) {
                self.string(&target, start, end);
                at = end;
                continue;
            }
            let (is_array, count, next) = if let Some(short) = short_container(self.data, at) {
                short
            } else {
                // PERF: by reference; a copy would stall on the pieces that were just written.
                let read = token(self.data, at);
                let (token, next) = match &read {
                    Ok((token, next)) => (token, *next),
                    Err(malformed) => return Err(*malformed),
                };
                match *token {
                    Token::Map(pairs) => (false, pairs, next),
                    Token::Array(items) => (true, items, next),
                    _ => {
                        self.scalar(&frame, &target, token);
                        at = next;
                        continue;
                    }
                }
            };
            let depth = frames.len() + 1;
            if depth >= MAX_DEPTH {
                return Err(Malformed::new(MalformedKind::TooDeep, at));
            }
            if target.is_nowhere() && !self.slots.wants_leaves {
                let values = if is_array { count } else { count * 2 };
                at = skip_values(self.data, next, values, depth + 1)?;
                continue;
            }
            if !is_array {
                target.push(self.slots, Value::Object);
            } else if count == 0 {
                target.push(self.slots, Value::EmptyArray);
            }
            frames.push(frame);
            frame = frame.nested(target, is_array, at, count);
            at = next;
        }
    }

    /// Reads any key: what it means in this map, and the offset of its value.
    #[inline(never)]
    fn key(&self, frame: &Frame, depth: usize, at: usize) -> Result<(Target, usize), Malformed> {
        let (token, next) = token(self.data, at)?;
        let Token::Str { start, len } = token else {
            return self.odd_key(frame, depth, token, next);
        };
        Ok((self.target(frame, &self.data[start..start + len]), next))
    }

    fn target(&self, frame: &Frame, key: &[u8]) -> Target {
        Target::of(self.keys, frame.target.child, key)
    }

    /// A key that is no string: scalars count by their text, other keys have none.
    #[cold]
    fn odd_key(
        &self,
        frame: &Frame,
        depth: usize,
        token: Token,
        next: usize,
    ) -> Result<(Target, usize), Malformed> {
        // The longest text is that of the smallest floats: sign, 0., 323 zeros, 17 digits.
        let mut buffer = [0u8; 352];
        let mut room = buffer.as_mut_slice();
        let written = match token {
            Token::Nil => room.write_all(b"null"),
            Token::Bool(value) => write!(room, "{value}"),
            Token::Int(value) => write!(room, "{value}"),
            Token::Uint(value) => write!(room, "{value}"),
            // Minus zero is zero.
            Token::Float(value) if value.is_finite() => write!(room, "{}", value + 0.0),
            Token::Map(pairs) => return self.skip_key(pairs * 2, depth, next),
            Token::Array(items) => return self.skip_key(items, depth, next),
            Token::Float(_) | Token::Ext { .. } | Token::Str { .. } => {
                return Ok((Target::NOWHERE, next));
            }
        };
        let left = room.len();
        if written.is_err() {
            return Ok((Target::NOWHERE, next));
        }
        let used = buffer.len() - left;
        Ok((self.target(frame, &buffer[..used]), next))
    }

    fn skip_key(
        &self,
        values: u32,
        depth: usize,
        next: usize,
    ) -> Result<(Target, usize), Malformed> {
        if depth >= MAX_DEPTH {
            return Err(Malformed::new(MalformedKind::TooDeep, next));
        }
        Ok((Target::NOWHERE, skip_values(self.data, next, values, depth + 1)?))
    }

    #[inline(always)]
    fn string(&mut self, target: &Target, start: usize, end: usize) {
        let span = self.span(start, end);
        self.value(target, Value::Str(span));
    }

    #[inline(always)]
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span { store: self.store, start: self.base + start as u32, len: (end - start) as u32 }
    }

    #[inline(always)]
    fn value(&mut self, target: &Target, value: Value) {
        target.push(self.slots, value);
        self.slots.push_leaf(value);
    }

    #[inline(never)]
    fn scalar(&mut self, frame: &Frame, target: &Target, token: &Token) {
        match *token {
            Token::Nil => target.push(self.slots, frame.null()),
            Token::Ext { .. } => target.push(self.slots, Value::Opaque),
            Token::Bool(value) => self.value(target, Value::Bool(value)),
            Token::Int(value) => self.value(target, Value::Int(value)),
            Token::Uint(value) => self.value(target, Value::Uint(value)),
            Token::Float(value) => self.value(target, Value::Float(value)),
            Token::Str { start, len } => self.string(target, start, start + len),
            Token::Map(_) | Token::Array(_) => {}
        }
    }
}
