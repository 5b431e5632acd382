//! An indicator that was found, and what a report says about it.

use super::{Detail, Entry, Indicators, NO_CONFIDENCE, NO_TAGS, id_form, kind};
use crate::event::calendar::date;
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An indicator in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndicatorHit {
    /// As in [`Hit`](crate::engine::Hit).
    pub record: u32,
    /// As in [`Hit`](crate::engine::Hit).
    pub event: u32,
    /// The rule as which it is reported.
    pub rule: u32,
    /// The value, an index into `entries`.
    pub entry: u32,
    /// What the feed says about it, an index into `details`.
    pub detail: u32,
    /// The field in which it was found first.
    pub field: u32,
    /// Whether more of the rule's indicators are in the event than are listed.
    pub more: bool,
}

/// What a feed says about a value. Texts are borrowed from the rule set.
#[derive(Debug, Clone, Copy)]
pub struct Indicator<'a> {
    set: &'a Indicators,
    entry: &'a Entry,
    detail: &'a Detail,
    field: u32,
}

/// A short text that is made when it is asked for, without allocating.
#[derive(Clone, Copy)]
pub struct Short {
    bytes: [u8; Short::LONGEST],
    len: usize,
}

impl Short {
    /// The digits of the longest hash.
    const LONGEST: usize = 128;

    fn new() -> Short {
        Short { bytes: [0; Short::LONGEST], len: 0 }
    }

    fn made(make: impl FnOnce(&mut Short) -> fmt::Result) -> Short {
        let mut text = Short::new();
        // What does not fit is cut; nothing that is written here is that long.
        let _ = make(&mut text);
        text
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

/// A text of the rule set or one that was made.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// As it stands in the tables.
    Text(&'a [u8]),
    /// Written out.
    Made(Short),
}

impl Value<'_> {
    /// The text, UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Value::Text(text) => text,
            Value::Made(short) => short.as_bytes(),
        }
    }
}

impl Indicators {
    /// What a hit says; `None` for a hit of another rule set.
    pub fn indicator(&self, hit: &IndicatorHit) -> Option<Indicator<'_>> {
        let entry = self.entries.get(hit.entry as usize)?;
        let detail = self.details.get(hit.detail as usize)?;
        Some(Indicator { set: self, entry, detail, field: hit.field })
    }
}

impl<'a> Indicator<'a> {
    /// `ip`, `network`, `domain`, `url`, `md5`, `sha1`, `sha256`, `sha512`, `email` or `file_name`.
    pub fn kind(&self) -> &'static str {
        kind::NAMES.get(usize::from(self.entry.kind)).copied().unwrap_or_default()
    }

    /// The value as the rule set has it: in lower case where case does not matter.
    pub fn value(&self) -> Value<'a> {
        let bytes = self.set.value(self.entry);
        let v4 =
            |bytes: &[u8]| bytes.first_chunk::<4>().map_or(Ipv4Addr::UNSPECIFIED, |b| (*b).into());
        let v6 =
            |bytes: &[u8]| bytes.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |b| (*b).into());
        let length = bytes.last().copied().unwrap_or_default();
        match self.entry.kind {
            kind::IPV4 => Value::Made(Short::made(|out| write!(out, "{}", v4(bytes)))),
            kind::IPV6 => Value::Made(Short::made(|out| write!(out, "{}", v6(bytes)))),
            kind::NETWORK4 => Value::Made(Short::made(|out| write!(out, "{}/{length}", v4(bytes)))),
            kind::NETWORK6 => Value::Made(Short::made(|out| write!(out, "{}/{length}", v6(bytes)))),
            kind::MD5 | kind::SHA1 | kind::SHA256 | kind::SHA512 => {
                Value::Made(Short::made(|out| {
                    bytes.iter().try_for_each(|b| write!(out, "{b:02x}"))
                }))
            }
            _ => Value::Text(bytes),
        }
    }

    /// The id that the feed gives it.
    pub fn id(&self) -> Option<Value<'a>> {
        let uuid = self.set.uuids.get(self.detail.id as usize);
        let with = |prefix: &str| {
            let uuid = uuid?;
            Some(Value::Made(Short::made(|out| {
                out.write_str(prefix)?;
                for (at, byte) in uuid.iter().enumerate() {
                    let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
                    write!(out, "{dash}{byte:02x}")?;
                }
                Ok(())
            })))
        };
        match self.detail.id_form {
            id_form::UUID => with(""),
            id_form::STIX => with("indicator--"),
            id_form::TEXT => {
                let text = self.set.text(self.detail.id, self.detail.id_len.into());
                Some(Value::Text(text.as_bytes()))
            }
            _ => None,
        }
    }

    /// Its name, may be empty.
    pub fn name(&self) -> &'a str {
        self.set.text(self.detail.name, self.detail.name_len.into())
    }

    /// Its tags, separated by commas, may be empty.
    pub fn tags(&self) -> &'a str {
        match self.detail.tags {
            NO_TAGS => "",
            tags => {
                self.set.tags.get(usize::from(tags)).map_or("", |t| self.set.text(t.start, t.len))
            }
        }
    }

    /// How sure the feed is, 0 to 100.
    pub fn confidence(&self) -> Option<u8> {
        (self.detail.confidence != NO_CONFIDENCE).then_some(self.detail.confidence)
    }

    /// Until when it is valid, as in `2027-01-31T00:00:00Z`.
    pub fn valid_until(&self) -> Option<Value<'a>> {
        let minutes = self.detail.valid_until;
        if minutes == 0 {
            return None;
        }
        let (days, rest) = (minutes / 1440, minutes % 1440);
        let (year, month, day) = date(days.into());
        let (hour, minute) = (rest / 60, rest % 60);
        Some(Value::Made(Short::made(|out| {
            write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
        })))
    }

    /// The field it was found in.
    pub fn field(&self) -> &'a str {
        self.set
            .watch(self.field)
            .map_or("", |watch| self.set.text(watch.name.start, watch.name.len))
    }
}
