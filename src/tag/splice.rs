//! Edits of one map: which members go, where new ones come in, and what its header becomes.

use super::encode::{Format, MapWidth, map_header};
use crate::event::{Malformed, MalformedKind, json, msgpack};
use std::ops::Range;

/// Replaces the bytes `start..end` of the input by `from..to` of the plan's buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splice {
    pub start: usize,
    pub end: usize,
    pub from: usize,
    pub to: usize,
}

/// What stands in the way of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Map,
    Array,
    Null,
    Scalar,
}

/// One member of a map.
pub(super) struct Member<'a> {
    /// The key, decoded; `None` if it is no string.
    pub key: Option<&'a [u8]>,
    pub kind: Kind,
    /// First byte of the key.
    pub start: usize,
    /// First byte of the value.
    pub value: usize,
    /// Behind the value.
    pub end: usize,
}

/// The parts of a map that are no member.
pub(super) struct Outline {
    pub header: Range<usize>,
    pub members: u32,
    /// Behind the last member: where new members go.
    pub last: usize,
}

/// The bytes that a record is edited in.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub format: Format,
    pub data: &'a [u8],
}

impl Body<'_> {
    /// Visits the members of the map at `at`. `decoded` is a buffer for keys with escapes.
    pub fn members(
        &self,
        at: usize,
        decoded: &mut Vec<u8>,
        visit: impl FnMut(&Member<'_>),
    ) -> Result<Outline, Malformed> {
        match self.format {
            Format::Msgpack => self.msgpack_members(at, visit),
            Format::Json => self.json_members(at, decoded, visit),
        }
    }

    fn msgpack_members(
        &self,
        at: usize,
        mut visit: impl FnMut(&Member<'_>),
    ) -> Result<Outline, Malformed> {
        let data = self.data;
        let (members, first) = msgpack::map_header(data, at)?;
        let mut last = first;
        for _ in 0..members {
            let start = last;
            let (key, value) = msgpack::whole(data, start)?;
            let key = match key {
                msgpack::Token::Str { start, len } => data.get(start..start + len),
                _ => None,
            };
            let (token, end) = msgpack::whole(data, value)?;
            last = end;
            let kind = match token {
                msgpack::Token::Map(_) => Kind::Map,
                msgpack::Token::Array(_) => Kind::Array,
                msgpack::Token::Nil => Kind::Null,
                _ => Kind::Scalar,
            };
            visit(&Member { key, kind, start, value, end: last });
        }
        Ok(Outline { header: at..first, members, last })
    }

    fn json_members(
        &self,
        at: usize,
        decoded: &mut Vec<u8>,
        mut visit: impl FnMut(&Member<'_>),
    ) -> Result<Outline, Malformed> {
        let data = self.data;
        let bad = |at| Malformed { kind: MalformedKind::BadByte, offset: at };
        if data.get(at) != Some(&b'{') {
            return Err(Malformed { kind: MalformedKind::NotAMap, offset: at });
        }
        let mut outline = Outline { header: at..at + 1, members: 0, last: at + 1 };
        let mut start = json::skip_space(data, at + 1);
        while data.get(start) != Some(&b'}') {
            let key_end = json::skip_value(data, start)?;
            let Some([b'"', raw @ .., b'"']) = data.get(start..key_end) else {
                return Err(bad(start));
            };
            let key = if memchr::memchr(b'\\', raw).is_some() {
                decoded.clear();
                json::decode_string(raw, decoded);
                decoded.as_slice()
            } else {
                raw
            };
            let colon = json::skip_space(data, key_end);
            if data.get(colon) != Some(&b':') {
                return Err(bad(colon));
            }
            let value = json::skip_space(data, colon + 1);
            let end = json::skip_value(data, value)?;
            let kind = match data.get(value) {
                Some(b'{') => Kind::Map,
                Some(b'[') => Kind::Array,
                Some(b'n') => Kind::Null,
                _ => Kind::Scalar,
            };
            visit(&Member { key: Some(key), kind, start, value, end });
            outline.members = outline.members.saturating_add(1);
            outline.last = end;
            start = json::skip_space(data, end);
            match data.get(start) {
                Some(b',') => start = json::skip_space(data, start + 1),
                Some(b'}') => {}
                _ => return Err(bad(start)),
            }
        }
        Ok(outline)
    }
}

/// A map whose members have been chosen, before the new ones come in.
pub(super) struct Edit {
    pub outline: Outline,
    pub kept: u32,
}

/// The edits of one record, in any order, and the bytes that they put in.
#[derive(Debug, Default)]
pub(super) struct Splices {
    pub list: Vec<Splice>,
    /// Bytes of all records of the plan; edits of this record lie behind those before it.
    pub buffer: Vec<u8>,
    pub decoded: Vec<u8>,
}

impl Splices {
    /// Takes the members that `remove` says out of the map at `at`.
    pub fn remove_members(
        &mut self,
        body: &Body<'_>,
        at: usize,
        mut remove: impl FnMut(&Member<'_>) -> bool,
    ) -> Result<Edit, Malformed> {
        let Splices { list, buffer, decoded } = self;
        let here = buffer.len();
        let mut cut = |start, end| list.push(Splice { start, end, from: here, to: here });
        let json = body.format == Format::Json;
        let mut kept = 0u32;
        // JSON: removed members before the first that stays wait for its beginning, so that
        // their commas go with them. Later ones take the comma before them.
        let mut waiting = None;
        let mut before = at;
        let outline = body.members(at, decoded, |member| {
            let gone = remove(member);
            match (gone, json) {
                (true, false) => cut(member.start, member.end),
                (true, true) if kept > 0 => cut(before, member.end),
                (true, true) => waiting = waiting.or(Some(member.start)),
                (false, _) => {
                    if let Some(start) = waiting.take() {
                        cut(start, member.start);
                    }
                    kept = kept.saturating_add(1);
                }
            }
            before = member.end;
        })?;
        if let Some(start) = waiting {
            cut(start, outline.last);
        }
        Ok(Edit { outline, kept })
    }

    /// Puts the bytes of the buffer from `from` on, which hold `added` members, into the map.
    pub fn add_members(&mut self, body: &Body<'_>, edit: &Edit, added: u32, from: usize) {
        let at = edit.outline.last;
        self.list.push(Splice { start: at, end: at, from, to: self.buffer.len() });
        let members = edit.kept.saturating_add(added);
        if body.format == Format::Msgpack && members != edit.outline.members {
            let header = edit.outline.header.clone();
            let width =
                body.data.get(header.start).map_or(MapWidth::Fix, |&byte| MapWidth::of(byte));
            let from = self.buffer.len();
            map_header(&mut self.buffer, members, width);
            let to = self.buffer.len();
            self.list.push(Splice { start: header.start, end: header.end, from, to });
        }
    }
}
