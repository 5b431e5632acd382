//! Fluent Bit chunks: concatenated records, found one after the other.
//!
//! A record is `[time, body]` (up to Fluent Bit 2.0, and still what in_forward passes through) or
//! `[[time, metadata], body]`. There is no length prefix: the end of a record is known only when
//! its body has been passed. To pass it once and not twice, [`Records::open`] gives a record whose
//! end is still unknown, the caller walks the body and tells the end by [`Records::close`]. As an
//! iterator, `Records` passes the bodies itself.
//!
//! A malformed record whose extent is known is reported and passed; behind one whose extent is
//! unknown nothing can be found, so the rest of the bytes is reported as one malformed record.

use super::malformed::{Malformed, MalformedKind};
use super::msgpack::{Token, skip, token};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A log record: time, perhaps metadata, and a body.
    Record,
    /// The marker that begins a group (OpenTelemetry resource and scope). Not a log record: it is
    /// copied byte for byte and neither matched, counted nor tagged.
    GroupStart,
    /// The marker that ends a group.
    GroupEnd,
    /// Bytes that are no record. They are passed on as they are.
    Malformed(Malformed),
}

/// A record with its extent, in offsets of the whole buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// First byte of the metadata map, which ends at `body_start`; equal to `body_start` if the
    /// record has none.
    pub metadata_start: usize,
    /// First byte of the body map, which ends at `end`. For malformed records equal to `start`.
    pub body_start: usize,
    /// What it is.
    pub kind: RecordKind,
}

/// A record whose body has not been passed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRecord {
    /// First byte.
    pub start: usize,
    /// First byte of the metadata map, which ends at `body_start`; equal to `body_start` if the
    /// record has none.
    pub metadata_start: usize,
    /// First byte of the body map. For malformed records, which are already passed, their end.
    pub body_start: usize,
    /// What it is.
    pub kind: RecordKind,
}

/// Finds the records of a buffer.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    data: &'a [u8],
    at: usize,
    /// Records still to come, where their number is known.
    remaining: Option<u32>,
    groups: bool,
    /// A body begins at `at` that has not been passed.
    open: bool,
}

impl<'a> Records<'a> {
    /// The records of a Fluent Bit chunk.
    pub fn new(data: &'a [u8]) -> Records<'a> {
        Records { data, at: 0, remaining: None, groups: true, open: false }
    }

    /// Entries of the Forward protocol, which knows no groups: `data` ends where the entries end,
    /// and the first begins at `at`.
    pub(super) fn entries(data: &'a [u8], at: usize, remaining: Option<u32>) -> Records<'a> {
        Records { data, at, remaining, groups: false, open: false }
    }

    /// Where the bytes end that records may have.
    pub fn limit(&self) -> usize {
        self.data.len()
    }

    /// The end of what has been passed.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next record. Unless it is malformed its body is still to be passed: by
    /// [`close`](Records::close), [`skip_body`](Records::skip_body), or by the next call.
    pub fn open(&mut self) -> Option<OpenRecord> {
        if self.open && self.skip_body().is_err() {
            return None;
        }
        if self.at >= self.data.len() || self.remaining == Some(0) {
            return None;
        }
        self.remaining = self.remaining.map(|remaining| remaining - 1);
        let start = self.at;
        match self.head(start) {
            Ok((kind, metadata_start, body_start)) => {
                self.at = body_start;
                self.open = true;
                Some(OpenRecord { start, metadata_start, body_start, kind })
            }
            Err(malformed) => {
                self.at = skip(self.data, start).unwrap_or(self.data.len());
                let kind = RecordKind::Malformed(malformed);
                let end = self.at;
                Some(OpenRecord { start, metadata_start: end, body_start: end, kind })
            }
        }
    }

    /// Tells that the body of the open record ends at `end`, an offset of the whole buffer.
    pub fn close(&mut self, end: usize) {
        if self.open {
            self.open = false;
            self.at = end.clamp(self.at, self.data.len());
        }
    }

    /// Passes the body of the open record, whatever its depth, and returns its end. After an error
    /// the end is unknown: the rest of the buffer belongs to this record and the iteration is over.
    pub fn skip_body(&mut self) -> Result<usize, Malformed> {
        if self.open {
            self.open = false;
            match skip(self.data, self.at) {
                Ok(end) => self.at = end,
                Err(malformed) => {
                    self.at = self.data.len();
                    return Err(malformed);
                }
            }
        }
        Ok(self.at)
    }

    /// Reads everything before the body: what it is, and where metadata and body begin.
    fn head(&self, start: usize) -> Result<(RecordKind, usize, usize), Malformed> {
        let data = self.data;
        let bad = |at| Malformed::new(MalformedKind::BadEntry, at);
        let (Token::Array(2), mut at) = token(data, start)? else { return Err(bad(start)) };
        let (mut time, next) = token(data, at)?;
        let mut behind = next;
        let mut metadata = None;
        if let Token::Array(count) = time {
            if count != 2 {
                return Err(bad(at));
            }
            at = next;
            (time, behind) = token(data, at)?;
            let (Token::Map(_), _) = token(data, behind)? else { return Err(bad(behind)) };
            metadata = Some(behind);
            behind = skip(data, behind)?;
        }
        let Some(seconds) = time_seconds(data, time) else { return Err(bad(at)) };
        let (Token::Map(_), _) = token(data, behind)? else { return Err(bad(behind)) };
        let kind = match seconds {
            Some(u32::MAX) if self.groups => RecordKind::GroupStart,
            Some(0xffff_fffe) if self.groups => RecordKind::GroupEnd,
            _ => RecordKind::Record,
        };
        Ok((kind, metadata.unwrap_or(behind), behind))
    }
}

/// Whether a token is a time stamp; the seconds of an event time are given as they are written
/// (Fluent Bit's marks of groups are -1 and -2 there, all others count from 1970 without a sign).
pub(super) fn time_seconds(data: &[u8], time: Token) -> Option<Option<u32>> {
    match time {
        // The host stops counting at a negative integer, but the body may match all the same.
        Token::Int(_) | Token::Uint(_) | Token::Float(_) => Some(None),
        Token::Ext { kind: 0, start, len: 8 } => {
            let seconds = data.get(start..)?.first_chunk()?;
            Some(Some(u32::from_be_bytes(*seconds)))
        }
        _ => None,
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let OpenRecord { start, metadata_start, body_start, kind } = self.open()?;
        let broken =
            |end, kind| Record { start, end, metadata_start: start, body_start: start, kind };
        if let RecordKind::Malformed(_) = kind {
            return Some(broken(body_start, kind));
        }
        Some(match self.skip_body() {
            Ok(end) => Record { start, end, metadata_start, body_start, kind },
            Err(malformed) => broken(self.at, RecordKind::Malformed(malformed)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(data: &[u8]) -> Vec<(usize, usize, usize, RecordKind)> {
        Records::new(data).map(|r| (r.start, r.body_start, r.end, r.kind)).collect()
    }

    const BODY: &[u8] = b"\x81\xa1a\x01";

    #[test]
    fn every_form_of_time_and_header() {
        let times: [&[u8]; 12] = [
            b"\x05",
            b"\xcc\xff",
            b"\xcd\xff\xff",
            b"\xce\x65\x53\xf1\x00",
            b"\xcf\xff\0\0\0\0\0\0\0",
            b"\xca\x41\x20\0\0",
            b"\xcb\x41\xd9\x54\xfc\x40\0\0\0",
            b"\xd7\0\x6b\x02\xd5\xc5\x23\x8a\xde\xca",
            b"\xc7\x08\0\x6b\x02\xd5\xc5\x23\x8a\xde\xca",
            b"\xc8\0\x08\0\x6b\x02\xd5\xc5\x23\x8a\xde\xca",
            // Before 1970, or after 2038: an ordinary time.
            b"\xd7\0\xff\xff\xff\xfd\0\0\0\0",
            b"\xff",
        ];
        let pairs: [&[u8]; 3] = [b"\x92", b"\xdc\0\x02", b"\xdd\0\0\0\x02"];
        let maps: [&[u8]; 3] = [b"\x80", b"\xde\0\0", b"\xdf\0\0\0\0"];
        for time in times {
            for pair in pairs {
                let legacy = [pair, time, BODY].concat();
                let body = legacy.len() - BODY.len();
                assert_eq!(kinds(&legacy), [(0, body, legacy.len(), RecordKind::Record)]);
                for map in maps {
                    let v2 = [pair, pair, time, map, map].concat();
                    let body = v2.len() - map.len();
                    assert_eq!(kinds(&v2), [(0, body, v2.len(), RecordKind::Record)]);
                    let metadata = Records::new(&v2).map(|r| r.metadata_start).next();
                    assert_eq!(metadata, Some(body - map.len()));
                }
            }
        }
    }

    #[test]
    fn groups_are_markers() {
        let start = b"\x92\x92\xd7\0\xff\xff\xff\xff\0\0\0\0\x80\x81\xa1a\x01";
        let inside = b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\0\0\0\0\x80\x81\xa1a\x01";
        let end = b"\x92\x92\xc7\x08\0\xff\xff\xff\xfe\0\0\0\0\xdf\0\0\0\0\xdf\0\0\0\0";
        let data = [start.as_slice(), inside, end].concat();
        let found: Vec<RecordKind> = Records::new(&data).map(|record| record.kind).collect();
        assert_eq!(found, [RecordKind::GroupStart, RecordKind::Record, RecordKind::GroupEnd]);
        let covered: usize = Records::new(&data).map(|record| record.end - record.start).sum();
        assert_eq!(covered, data.len());
    }

    #[test]
    fn a_malformed_record_of_known_extent_is_passed() {
        let good = [b"\x92\x05", BODY].concat();
        let bad: [&[u8]; 9] = [
            b"\x07",
            b"\x93\x05\x80\x80",
            b"\x92\x05\x90",
            b"\x92\x80\x80",
            b"\x92\x92\x05\x90\x80",
            b"\x92\x93\x05\x80\x80\x80",
            b"\x92\xd6\0\0\0\0\0\x80",
            b"\x92\xd7\x01\0\0\0\0\0\0\0\0\x80",
            b"\x91\x05",
        ];
        for bad in bad {
            let data = [&good, bad, &good].concat();
            let found = kinds(&data);
            assert_eq!(found.len(), 3, "{bad:02x?}");
            let (start, _, end, kind) = found[1];
            assert_eq!((start, end), (good.len(), good.len() + bad.len()));
            let RecordKind::Malformed(malformed) = kind else { panic!("{bad:02x?}") };
            assert_eq!(malformed.kind, MalformedKind::BadEntry);
            assert_eq!(found[2].3, RecordKind::Record);
        }
    }

    #[test]
    fn a_malformed_record_of_unknown_extent_takes_the_rest() {
        let good = [b"\x92\x05", BODY].concat();
        for bad in [b"\x92\x05\x81\xa1a".as_slice(), b"\x92\x05\x81\xa1a\xc1\x92\x05\x80", b"\xc1"]
        {
            let data = [&good, bad].concat();
            let found = kinds(&data);
            assert_eq!(found.len(), 2, "{bad:02x?}");
            assert_eq!((found[1].0, found[1].2), (good.len(), data.len()));
            assert!(matches!(found[1].3, RecordKind::Malformed(_)));
        }
    }

    #[test]
    fn opening_and_closing_finds_the_same_records() {
        let deep = [b"\x92\x05".to_vec(), b"\x81\xa1a".repeat(100), b"\x80".to_vec()].concat();
        let good = [b"\x92\x92\x05\x80", BODY].concat();
        let data = [good.as_slice(), &deep, &good, b"\x07", &good, b"\x92\x05\x81"].concat();
        let all: Vec<Record> = Records::new(&data).collect();
        assert_eq!(all.len(), 6);
        for way in 0..3 {
            let mut records = Records::new(&data);
            for expected in &all {
                let open = records.open().unwrap();
                assert_eq!(open.start, expected.start);
                match way {
                    0 => records.close(expected.end),
                    1 => assert_eq!(records.skip_body().unwrap_or(data.len()), expected.end),
                    _ => continue,
                }
                assert_eq!(records.position(), expected.end);
            }
            assert_eq!(records.open(), None);
        }
    }

    #[test]
    fn every_truncation_and_flip_covers_the_buffer_once() {
        let record = b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\x23\x8a\xde\xca\x81\xa1m\xc0\x82\xa1a\x01\xa1b\x92\x01\x02";
        let data = record.repeat(3);
        let covers = |data: &[u8]| {
            let mut at = 0;
            for record in Records::new(data) {
                assert_eq!(record.start, at);
                assert!(record.end > at && record.start <= record.metadata_start);
                assert!(record.metadata_start <= record.body_start);
                assert!(record.body_start <= record.end);
                at = record.end;
            }
            assert_eq!(at, data.len());
        };
        for end in 0..data.len() {
            covers(&data[..end]);
            for value in 0..=255 {
                let mut damaged = data.clone();
                damaged[end] = value;
                covers(&damaged);
            }
        }
    }
}
