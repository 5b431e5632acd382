//! XML: a walker for the records of logs, not for documents.
//!
//! What is read: elements, attributes, text, character references, the five named entities, CDATA,
//! comments and processing instructions. A document type declaration ends it, so nothing expands;
//! an entity that is not known is taken as it stands, since a log that breaks the rules of XML must
//! still be examined. Bytes need not be UTF-8, and spans point into the caller's bytes wherever a text
//! needs no decoding.
//!
//! An element is what an object of its name is in JSON: `<Event><System><Channel>x` is
//! `Event.System.Channel`, and text beside elements is a value of the element around it. Attributes
//! of the outermost element are members of it, since older audit logs write nothing but these;
//! those of the others are below `#attributes`, as tools write that turn events into JSON. An
//! element `Data` with an attribute `Name` is the member of that name: `<Data Name="Image">x` in
//! `Event.EventData` is `Event.EventData.Image`.

use super::keys::{KeyTable, ROOT};
use super::malformed::{Malformed, MalformedKind};
use super::slots::{NONE, Slots};
use super::target::{Target, addressable};
use super::value::{Span, Store, Value};
use crate::limits::MAX_DEPTH;

/// Whether the bytes begin with a record: an element that somebody asks for something in. `<` is what
/// prose and web pages begin with as well.
pub fn begins_like_record(data: &[u8], keys: &KeyTable) -> bool {
    let start = skip_prolog(data, 0);
    let Ok(end) = (match data.get(start) {
        Some(b'<') => name_end(data, start + 1),
        _ => return false,
    }) else {
        return false;
    };
    let is_end = |byte: &u8| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace();
    data.get(end).is_some_and(is_end) && Target::of(keys, ROOT, &data[start + 1..end]).child != NONE
}

/// The offset of the first byte from `at` on that is not white space, a comment, a processing
/// instruction, or a tag of the element that is around all records of an audit log.
pub fn skip_prolog(data: &[u8], at: usize) -> usize {
    let mut at = at;
    loop {
        at = skip_space(data, at);
        let rest = &data[at..];
        let behind = if rest.starts_with(b"<?") {
            find(rest, b"?>")
        } else if rest.starts_with(b"<!--") {
            find(&rest[4..], b"-->").map(|end| end + 4)
        } else {
            [&b"<AUDIT>"[..], b"</AUDIT>", b"<Events>", b"</Events>"]
                .into_iter()
                .find(|tag| rest.starts_with(tag))
                .map(<[u8]>::len)
        };
        match behind {
            Some(behind) => at += behind,
            None => return at,
        }
    }
}

/// Walks the element that begins exactly at the beginning of `data`, and fills `slots`, which must
/// have been begun. Returns the offset behind its end.
///
/// Spans get `store` and count from `base`, the offset of `data` in that store; decoded texts lie in
/// `slots.arena`. After an error the slots hold what came before it, the beginning of a text that is
/// cut off included: logs cut long records, and what is left counts.
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
    if data.first() != Some(&b'<') {
        return Err(unexpected(data, 0));
    }
    let open = [Open::NONE; MAX_DEPTH];
    let mut walker = Walker { data, store, base, keys, slots, open, depth: 0 };
    let result = walker.run();
    if result.is_err() {
        // What is there of the text that it happened in counts.
        walker.flush(false);
    }
    result
}

/// An element that is open.
#[derive(Clone, Copy)]
struct Open {
    /// What it is to the rules.
    target: Target,
    /// Its name.
    name: (u32, u32),
    /// Its text so far.
    text: Piece,
    /// Whether it has elements: then white space around them is no text of it.
    has_elements: bool,
}

impl Open {
    const NONE: Open =
        Open { target: Target::NOWHERE, name: (0, 0), text: Piece::None, has_elements: false };
}

/// The text of an element so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    None,
    /// Bytes of the input, as they are.
    Plain(u32, u32),
    /// The arena from here on.
    Decoded(u32),
}

struct Walker<'a> {
    data: &'a [u8],
    store: Store,
    base: u32,
    keys: &'a KeyTable,
    slots: &'a mut Slots,
    open: [Open; MAX_DEPTH],
    /// How many elements are open.
    depth: usize,
}

impl Walker<'_> {
    fn run(&mut self) -> Result<usize, Malformed> {
        let data = self.data;
        let mut at = 0;
        loop {
            // At a `<`.
            let rest = &data[at..];
            if rest.starts_with(b"</") {
                at = self.end_tag(at)?;
                if self.depth == 0 {
                    return Ok(at);
                }
            } else if rest.starts_with(b"<!--") {
                let Some(end) = find(&rest[4..], b"-->") else { return Err(cut(data)) };
                at += 4 + end;
            } else if rest.starts_with(b"<![CDATA[") {
                let start = at + 9;
                let end = memchr::memmem::find(&data[start..], b"]]>");
                self.add_text(start, end.map_or(data.len(), |end| start + end), true);
                match end {
                    Some(end) => at = start + end + 3,
                    None => return Err(cut(data)),
                }
            } else if rest.starts_with(b"<?") {
                let Some(end) = find(rest, b"?>") else { return Err(cut(data)) };
                at += end;
            } else {
                at = self.start_tag(at)?;
                if self.depth == 0 {
                    return Ok(at);
                }
            }
            let end = memchr::memchr(b'<', &data[at..]).map(|len| at + len);
            self.add_text(at, end.unwrap_or(data.len()), false);
            match end {
                Some(end) => at = end,
                None => return Err(cut(data)),
            }
        }
    }

    /// Reads a start tag whose `<` is at `at`: the offset behind it.
    fn start_tag(&mut self, at: usize) -> Result<usize, Malformed> {
        let data = self.data;
        let name = at + 1;
        let name_end = name_end(data, name)?;
        if self.depth >= MAX_DEPTH {
            return Err(Malformed::new(MalformedKind::TooDeep, at));
        }
        let is_outermost = self.depth == 0;
        let parent = if is_outermost {
            ROOT
        } else {
            self.flush(false);
            let around = &mut self.open[self.depth - 1];
            around.has_elements = true;
            around.target.child
        };
        let key = &data[name..name_end];
        let is_data = !is_outermost && matches!(key, b"Data" | b"ComplexData");
        let mut target = Target::of(self.keys, parent, key);
        let mut next = skip_space(data, name_end);
        let is_empty = loop {
            match data.get(next) {
                Some(b'>') => break false,
                Some(b'/') if data.get(next + 1) == Some(&b'>') => {
                    next += 1;
                    break true;
                }
                Some(byte) if is_name_start(*byte) => {}
                _ => return Err(unexpected(data, next)),
            }
            let attribute_end = self::name_end(data, next)?;
            let attribute = &data[next..attribute_end];
            let (value, end) = attribute_value(data, attribute_end)?;
            if is_data && attribute == b"Name" {
                let start = self.slots.arena.len();
                decode(&data[value.0..value.1], &mut self.slots.arena);
                target = Target::of(self.keys, parent, &self.slots.arena[start..]);
                self.slots.arena.truncate(start);
            } else if !attribute.starts_with(b"xmlns") {
                let node = if is_outermost {
                    target.child
                } else {
                    Target::of(self.keys, target.child, b"#attributes").child
                };
                let to = Target::of(self.keys, node, attribute);
                if to.takes_value() || self.slots.wants_leaves {
                    let span = self.text(value.0, value.1);
                    to.push(self.slots, Value::Str(span));
                    self.slots.push_leaf(Value::Str(span));
                }
            }
            next = skip_space(data, end);
        };
        self.open[self.depth] = Open {
            target,
            name: (name as u32, name_end as u32),
            // An outermost element without elements has its attributes.
            has_elements: is_outermost,
            ..Open::NONE
        };
        self.depth += 1;
        if is_empty {
            self.close();
        }
        Ok(next + 1)
    }

    /// Reads an end tag whose `<` is at `at`: the offset behind it.
    fn end_tag(&mut self, at: usize) -> Result<usize, Malformed> {
        let data = self.data;
        let name = at + 2;
        let name_end = name_end(data, name)?;
        let Some(last) = self.depth.checked_sub(1) else { return Err(unexpected(data, at)) };
        let (start, end) = self.open[last].name;
        if data[name..name_end] != data[start as usize..end as usize] {
            return Err(unexpected(data, name));
        }
        let close = skip_space(data, name_end);
        if data.get(close) != Some(&b'>') {
            return Err(unexpected(data, close));
        }
        self.close();
        Ok(close + 1)
    }

    /// Closes the innermost element.
    fn close(&mut self) {
        let last = &mut self.open[self.depth - 1];
        if !last.has_elements && last.text == Piece::None {
            last.text = Piece::Plain(last.name.1, last.name.1);
        }
        if last.has_elements && last.target.takes_value() {
            last.target.push(self.slots, Value::Object);
        }
        self.flush(true);
        self.depth -= 1;
    }

    /// Adds input to the text of the innermost element.
    fn add_text(&mut self, start: usize, end: usize, is_cdata: bool) {
        let open = &mut self.open[self.depth - 1];
        if start == end || (!open.target.takes_value() && !self.slots.wants_leaves) {
            return;
        }
        let input = &self.data[start..end];
        let is_plain = is_cdata || memchr::memchr(b'&', input).is_none();
        if open.text == Piece::None && is_plain {
            open.text = Piece::Plain(start as u32, end as u32);
            return;
        }
        let arena = &mut self.slots.arena;
        match open.text {
            Piece::Decoded(_) => {}
            Piece::None => open.text = Piece::Decoded(arena.len() as u32),
            Piece::Plain(first, end) => {
                open.text = Piece::Decoded(arena.len() as u32);
                arena.extend_from_slice(&self.data[first as usize..end as usize]);
            }
        }
        if is_cdata { arena.extend_from_slice(input) } else { decode(input, arena) }
    }

    /// Gives the text of the innermost element so far to whom it may concern. White space beside
    /// elements is none.
    fn flush(&mut self, is_closing: bool) {
        let Some(last) = self.depth.checked_sub(1) else { return };
        let Open { target, text, has_elements, .. } = self.open[last];
        self.open[last].text = Piece::None;
        let span = match text {
            Piece::None => return,
            Piece::Plain(start, end) => self.span(start as usize, end as usize),
            Piece::Decoded(start) => {
                let len = self.slots.arena.len() as u32 - start;
                Span { store: self.slots.arena_store, start, len }
            }
        };
        let bytes = match text {
            Piece::Plain(start, end) => &self.data[start as usize..end as usize],
            _ => &self.slots.arena[span.start as usize..],
        };
        if (has_elements || !is_closing) && bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        target.push(self.slots, Value::Str(span));
        self.slots.push_leaf(Value::Str(span));
    }

    /// A text of the input, decoded if it must be.
    fn text(&mut self, start: usize, end: usize) -> Span {
        let input = &self.data[start..end];
        if memchr::memchr(b'&', input).is_none() {
            return self.span(start, end);
        }
        let first = self.slots.arena.len();
        decode(input, &mut self.slots.arena);
        let len = self.slots.arena.len() - first;
        Span { store: self.slots.arena_store, start: first as u32, len: len as u32 }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { store: self.store, start: self.base + start as u32, len: (end - start) as u32 }
    }
}

/// Appends a text with its references replaced; none makes it longer.
fn decode(input: &[u8], out: &mut Vec<u8>) {
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        // The longest is `&#1114111;`, leading zeros not counted.
        let end = rest.iter().take(16).position(|byte| *byte == b';');
        let known = end.and_then(|end| reference(&rest[1..end], out).then_some(end));
        match known {
            Some(end) => rest = &rest[end + 1..],
            None => {
                out.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
}

/// Appends what a reference stands for; `false` if it is not known.
fn reference(name: &[u8], out: &mut Vec<u8>) -> bool {
    let byte = match name {
        b"lt" => b'<',
        b"gt" => b'>',
        b"amp" => b'&',
        b"quot" => b'"',
        b"apos" => b'\'',
        _ => {
            let Some(letter) = character(name) else { return false };
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            return true;
        }
    };
    out.push(byte);
    true
}

/// The character that `#10` or `#xA` names. Control characters, which XML does not have, are what
/// audit logs write them for.
fn character(name: &[u8]) -> Option<char> {
    let (digits, base) = match name {
        [b'#', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'#', digits @ ..] => (digits, 10),
        _ => return None,
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0u32;
    for digit in digits {
        let digit = char::from(*digit).to_digit(base)?;
        number = number.checked_mul(base)?.checked_add(digit)?;
    }
    char::from_u32(number)
}

/// The end of the name that begins at `at`.
fn name_end(data: &[u8], at: usize) -> Result<usize, Malformed> {
    if !data.get(at).is_some_and(|byte| is_name_start(*byte)) {
        return Err(unexpected(data, at));
    }
    let len = data[at..].iter().take_while(|byte| is_name(**byte)).count();
    Ok(at + len)
}

/// First byte and end of the value of an attribute whose name ends at `at`, and the offset behind
/// its quote.
fn attribute_value(data: &[u8], at: usize) -> Result<((usize, usize), usize), Malformed> {
    let equals = skip_space(data, at);
    if data.get(equals) != Some(&b'=') {
        return Err(unexpected(data, equals));
    }
    let quote = skip_space(data, equals + 1);
    let mark = match data.get(quote) {
        Some(mark @ (b'"' | b'\'')) => *mark,
        _ => return Err(unexpected(data, quote)),
    };
    let start = quote + 1;
    let Some(len) = memchr::memchr(mark, &data[start..]) else { return Err(cut(data)) };
    Ok(((start, start + len), start + len + 1))
}

fn skip_space(data: &[u8], at: usize) -> usize {
    let mut at = at;
    while data.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The offset behind the first `wanted`.
fn find(data: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(data, wanted).map(|at| at + wanted.len())
}

#[inline]
fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || byte >= 0x80
}

#[inline]
fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
}

fn cut(data: &[u8]) -> Malformed {
    Malformed::new(MalformedKind::Truncated, data.len())
}

#[cold]
fn unexpected(data: &[u8], at: usize) -> Malformed {
    let kind = if at < data.len() { MalformedKind::BadByte } else { MalformedKind::Truncated };
    Malformed::new(kind, at)
}
