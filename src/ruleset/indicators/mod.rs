//! Indicators: addresses, names and hashes of which somebody said that they are bad, as tables that
//! are asked in a time that does not depend on their number.
//!
//! ```text
//! value of an event --kind, hash--> slot --entry--> compared in full --details--> who says so
//! ```
//! One open-addressing table holds all kinds. A byte for each slot tells most values that are not in
//! it without touching more. Networks are in it by their first address and length; an address is
//! asked once for each length that occurs, at most 33 or 129 times.

pub mod hash;
mod info;
mod maybe;
pub mod url;
mod verify;
mod watch;

pub use info::{Indicator, IndicatorHit};
use maybe::Maybe;
pub use watch::{Watch, Watched, form};

use super::codec::{
    DecodeError, Reader, Record, read_all, read_bytes, record, write_all, write_bytes,
};
use super::tables::{NONE, Text};

/// What a value is; the values of [`Entry::kind`].
pub mod kind {
    /// Four bytes.
    pub const IPV4: u8 = 0;
    /// Sixteen bytes.
    pub const IPV6: u8 = 1;
    /// Four bytes and the length of the prefix.
    pub const NETWORK4: u8 = 2;
    /// Sixteen bytes and the length of the prefix.
    pub const NETWORK6: u8 = 3;
    /// A name in lower case, without a dot at its end; names below it count.
    pub const DOMAIN: u8 = 4;
    /// As [`super::url`] writes it.
    pub const URL: u8 = 5;
    /// Sixteen bytes.
    pub const MD5: u8 = 6;
    /// 20 bytes.
    pub const SHA1: u8 = 7;
    /// 32 bytes.
    pub const SHA256: u8 = 8;
    /// 64 bytes.
    pub const SHA512: u8 = 9;
    /// An address in lower case.
    pub const EMAIL: u8 = 10;
    /// A file's name without its folder, folded.
    pub const FILE_NAME: u8 = 11;
    /// Number of kinds.
    pub const COUNT: u8 = 12;

    /// The names of the kinds, as tags have them.
    pub const NAMES: [&str; COUNT as usize] = [
        "ip",
        "ip",
        "network",
        "network",
        "domain",
        "url",
        "md5",
        "sha1",
        "sha256",
        "sha512",
        "email",
        "file_name",
    ];

    /// Bytes of the values of a kind, 0 if they differ.
    pub const LENGTHS: [u16; COUNT as usize] = [4, 16, 5, 17, 0, 0, 16, 20, 32, 64, 0, 0];

    /// The bit of a kind in a set of kinds.
    pub const fn bit(kind: u8) -> u16 {
        1 << kind
    }

    /// Addresses, and networks that may have them.
    pub const ADDRESSES: u16 = bit(IPV4) | bit(IPV6) | bit(NETWORK4) | bit(NETWORK6);
    /// Hashes of files.
    pub const HASHES: u16 = bit(MD5) | bit(SHA1) | bit(SHA256) | bit(SHA512);
}

record! {
    /// A feed's indicators of one type, which are reported as a rule.
    pub struct Source {
        /// Name of the feed, in `names`.
        pub feed: Text,
        /// Indicators that it has of the type.
        pub count: u32,
    }
}

record! {
    /// A value, each once.
    pub struct Entry {
        /// First byte in `values`.
        pub start: u32,
        /// Number of bytes.
        pub len: u16,
        /// See [`kind`].
        pub kind: u8,
        /// Number of details.
        pub count: u8,
        /// The detail, or if there are several the first in `several`.
        pub details: u32,
    }
}

/// The values of [`Detail::id_form`].
pub mod id_form {
    /// No id.
    pub const NONE: u8 = 0;
    /// A UUID.
    pub const UUID: u8 = 1;
    /// `indicator--` and a UUID.
    pub const STIX: u8 = 2;
    /// A text of `names`.
    pub const TEXT: u8 = 3;
    /// Number of forms.
    pub const COUNT: u8 = 4;
}

record! {
    /// What a feed says about a value. Values of which it says the same share one.
    pub struct Detail {
        /// Index into `sources`.
        pub source: u16,
        /// Index into `uuids`, or first byte in `names`.
        pub id: u32,
        /// Bytes in `names`.
        pub id_len: u8,
        /// See [`id_form`].
        pub id_form: u8,
        /// First byte in `names`.
        pub name: u32,
        /// Bytes in `names`.
        pub name_len: u8,
        /// Index into `tags`, or 65,535.
        pub tags: u16,
        /// Minutes since 1970 until which it is valid, 0 without end.
        pub valid_until: u32,
        /// 0 to 100, or 255.
        pub confidence: u8,
    }
}

/// No tags.
pub const NO_TAGS: u16 = u16::MAX;
/// No confidence.
pub const NO_CONFIDENCE: u8 = u8::MAX;

/// The tables of a rule set's indicators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indicators {
    /// The first of the rules as which indicators are reported; one follows for each source.
    pub first_rule: u32,
    /// Where indicators are looked for, by field.
    pub watches: Vec<Watch>,
    /// Feeds and types.
    pub sources: Vec<Source>,
    /// Values, by kind and bytes.
    pub entries: Vec<Entry>,
    /// A byte of each slot's hash, 0 where the slot is empty. A power of two of them.
    pub marks: Vec<u8>,
    /// Entries by slot.
    pub slots: Vec<u32>,
    /// The bytes of values.
    pub values: Vec<u8>,
    /// What feeds say.
    pub details: Vec<Detail>,
    /// Lists of details.
    pub several: Vec<u32>,
    /// UUIDs.
    pub uuids: Vec<[u8; 16]>,
    /// Lists of tags, separated by commas, in `names`.
    pub tags: Vec<Text>,
    /// UTF-8.
    pub names: Vec<u8>,
    /// What follows from the above: see [`Indicators::derive`].
    pub derived: Derived,
}

/// What is worked out at load, in one pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Derived {
    /// Kinds of which there are values.
    kinds: u16,
    /// Bit `n` of 33 is set if there is an IPv4 network of that length.
    lengths4: u64,
    /// The same of 129.
    lengths6: [u64; 3],
    /// What names and networks there may be.
    maybe: Maybe,
    /// For each field one more than its watch, or 0.
    watch_of: Vec<u8>,
}

/// The mark of a slot for a hash: never that of an empty one.
#[inline(always)]
fn mark(hash: u64) -> u8 {
    (hash >> 56) as u8 | 1
}

impl Indicators {
    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.first_rule.encode(out);
        write_all(&self.watches, out);
        write_all(&self.sources, out);
        write_all(&self.entries, out);
        write_bytes(&self.marks, out);
        write_all(&self.slots, out);
        write_bytes(&self.values, out);
        write_all(&self.details, out);
        write_all(&self.several, out);
        write_all(&self.uuids, out);
        write_all(&self.tags, out);
        write_bytes(&self.names, out);
    }

    /// Reads what [`Indicators::encode`] wrote.
    ///
    /// # Errors
    /// If bytes are missing.
    pub fn decode(reader: &mut Reader<'_>, fields: usize) -> Result<Indicators, DecodeError> {
        let mut read = Indicators {
            first_rule: reader.u32()?,
            watches: read_all(reader)?,
            sources: read_all(reader)?,
            entries: read_all(reader)?,
            marks: read_bytes(reader)?,
            slots: read_all(reader)?,
            values: read_bytes(reader)?,
            details: read_all(reader)?,
            several: read_all(reader)?,
            uuids: read_all(reader)?,
            tags: read_all(reader)?,
            names: read_bytes(reader)?,
            derived: Derived::default(),
        };
        read.derive(fields);
        Ok(read)
    }

    /// Works out what follows from the tables, of a rule set with `fields` fields. What is out of
    /// bounds is passed over; `verify` refuses it.
    pub fn derive(&mut self, fields: usize) {
        let mut derived = Derived { watch_of: vec![0; fields], ..Derived::default() };
        for (number, watch) in (1..=u8::MAX).zip(&self.watches) {
            if let Some(place) = derived.watch_of.get_mut(watch.field as usize) {
                *place = number;
            }
        }
        for entry in &self.entries {
            derived.kinds |= 1u16.checked_shl(entry.kind.into()).unwrap_or(0);
            derived.maybe.add(entry.kind, self.value(entry));
            if matches!(entry.kind, kind::NETWORK4 | kind::NETWORK6)
                && let Some(&length) = self.value(entry).last()
            {
                if entry.kind == kind::NETWORK4 {
                    derived.lengths4 |= 1u64.checked_shl(length.into()).unwrap_or(0);
                } else if let Some(word) = derived.lengths6.get_mut(usize::from(length / 64)) {
                    *word |= 1 << (length % 64);
                }
            }
        }
        self.derived = derived;
    }

    /// The bytes of a value.
    #[inline]
    pub fn value(&self, entry: &Entry) -> &[u8] {
        let rest = self.values.get(entry.start as usize..).unwrap_or_default();
        rest.get(..entry.len.into()).unwrap_or_default()
    }

    /// What feeds say about a value, as indices into `details`.
    #[inline]
    pub fn details_of<'a>(&'a self, entry: &'a Entry) -> &'a [u32] {
        if entry.count == 1 {
            return std::slice::from_ref(&entry.details);
        }
        let rest = self.several.get(entry.details as usize..).unwrap_or_default();
        rest.get(..entry.count.into()).unwrap_or_default()
    }

    /// How a field is looked at.
    pub fn watch(&self, field: u32) -> Option<&Watch> {
        self.watched().get(field)
    }

    /// How fields are looked at.
    #[inline]
    pub fn watched(&self) -> Watched<'_> {
        Watched { of: &self.derived.watch_of, watches: &self.watches }
    }

    /// The kinds of which there are values.
    #[inline]
    pub fn kinds(&self) -> u16 {
        self.derived.kinds
    }

    /// Whether there are values of a kind.
    #[inline]
    pub fn has(&self, kind: u8) -> bool {
        self.derived.kinds & kind::bit(kind) != 0
    }

    /// Whether a domain or the name of a file may end with a label of which this is the state: what is
    /// behind the last dot, or all of a name without one. If not, no such value does.
    #[inline]
    pub fn may_end_with(&self, kind: u8, label: hash::State) -> bool {
        self.derived.maybe.ends_with(kind, label)
    }

    /// Of domains and names of files, if they are among `kinds`, those of which a value may end as this
    /// text of ASCII does. Of the others none is at its end.
    #[inline]
    pub fn may_end_as(&self, kinds: u16, text: &[u8]) -> u16 {
        self.derived.maybe.ends_as(kinds, text)
    }

    /// Whether there may be an IPv4 address or a network that has it. If not, there is none.
    #[inline]
    pub fn may_have4(&self, address: [u8; 4]) -> bool {
        self.derived.maybe.has_address4(address)
    }

    /// The value of a kind whose hash began with `state` and that `is` recognises.
    #[inline]
    pub fn find(&self, kind: u8, state: hash::State, is: impl Fn(&[u8]) -> bool) -> Option<u32> {
        if !self.has(kind) {
            return None;
        }
        let hash = state.finish(kind);
        let last = self.marks.len().checked_sub(1)?;
        let mut at = hash as usize & last;
        // The compiler puts nothing further away.
        for _ in 0..hash::PROBES {
            let found = *self.marks.get(at)?;
            if found == 0 {
                return None;
            }
            if found == mark(hash) {
                let number = *self.slots.get(at)?;
                let entry = self.entries.get(number as usize)?;
                if entry.kind == kind && is(self.value(entry)) {
                    return Some(number);
                }
            }
            at = (at + 1) & last;
        }
        None
    }

    /// The value of a kind with exactly these bytes.
    pub fn find_bytes(&self, kind: u8, bytes: &[u8]) -> Option<u32> {
        self.find(kind, hash::State::of(bytes), |value| value == bytes)
    }

    /// The IPv4 networks that have an address, the largest first.
    pub fn networks4(&self, address: [u8; 4]) -> impl Iterator<Item = u32> + '_ {
        let all = u32::from_be_bytes(address);
        let is_possible = self.derived.maybe.has_network4(address);
        let lengths = Lengths([if is_possible { self.derived.lengths4 } else { 0 }, 0, 0]);
        lengths.filter_map(move |length| {
            let masked = all & u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let mut key = [0; 5];
            key[..4].copy_from_slice(&masked.to_be_bytes());
            key[4] = length as u8;
            self.find_bytes(kind::NETWORK4, &key)
        })
    }

    /// The IPv6 networks that have an address, the largest first.
    pub fn networks6(&self, address: [u8; 16]) -> impl Iterator<Item = u32> + '_ {
        let all = u128::from_be_bytes(address);
        Lengths(self.derived.lengths6).filter_map(move |length| {
            let masked = all & u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let mut key = [0; 17];
            key[..16].copy_from_slice(&masked.to_be_bytes());
            key[16] = length as u8;
            self.find_bytes(kind::NETWORK6, &key)
        })
    }

    /// Fills `marks` and `slots` from the entries. The compiler's work: nothing is built at load.
    pub fn build_slots(&mut self) {
        let mut size = (self.entries.len() * 2).next_power_of_two().max(2);
        while !self.fill_slots(size) {
            size *= 2;
        }
    }

    /// Whether every entry found a place near its own.
    fn fill_slots(&mut self, size: usize) -> bool {
        self.marks = vec![0; size];
        self.slots = vec![NONE; size];
        for (number, entry) in (0..).zip(&self.entries) {
            let start = entry.start as usize;
            let value = &self.values[start..start + usize::from(entry.len)];
            let hash = hash::State::of(value).finish(entry.kind);
            let places =
                (0..hash::PROBES).map(|step| (hash as usize).wrapping_add(step) & (size - 1));
            let Some(free) = places.into_iter().find(|at| self.marks[*at] == 0) else {
                return false;
            };
            self.marks[free] = mark(hash);
            self.slots[free] = number;
        }
        true
    }

    /// A text of `names`; empty if there is none.
    pub fn text(&self, start: u32, len: u32) -> &str {
        let rest = self.names.get(start as usize..).unwrap_or_default();
        // `verify` saw that it is UTF-8.
        std::str::from_utf8(rest.get(..len as usize).unwrap_or_default()).unwrap_or_default()
    }

    /// How many values have ended to be valid by `now`, in seconds since 1970: those of which no
    /// feed says otherwise.
    pub fn expired(&self, now: u64) -> u64 {
        let minutes = u32::try_from(now / 60).unwrap_or(u32::MAX);
        let ended = |detail: &u32| {
            let until = self.details.get(*detail as usize).map_or(0, |detail| detail.valid_until);
            until != 0 && until <= minutes
        };
        let all = |entry: &&Entry| self.details_of(entry).iter().all(ended);
        self.entries.iter().filter(all).count() as u64
    }
}

/// The numbers of the bits that are set, the lowest first.
struct Lengths([u64; 3]);

impl Iterator for Lengths {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        for (word, bits) in (0..).zip(&mut self.0) {
            if *bits != 0 {
                let bit = bits.trailing_zeros();
                *bits &= *bits - 1;
                return Some(word * 64 + bit);
            }
        }
        None
    }
}
