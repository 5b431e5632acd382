//! From which of its paths each field of a source is taken.
//!
//! Descriptors know a field by many names, of which an event has one. So the fields that are
//! present say which of a source's fields they may be, instead of every field asking for each of
//! its paths.

use super::tables::{Range, Source, SourceTables};
use crate::event::slots::Slots;
use crate::event::value::Value;
use crate::limits::SOURCE_ELEMENTS;

/// Paths of one field that are told apart; those from this one on share the last bit.
const LAST_BIT: u32 = u64::BITS - 1;

/// A field of a source that may be taken from some field of its events.
#[derive(Clone, Copy)]
struct Reader {
    source: u32,
    /// The index of the source's field: in `fields`, or behind all of these in `derived`.
    target: u32,
    /// Which of its paths.
    bit: u32,
}

/// The paths that are present, for the fields of the source whose event is being completed.
pub(super) struct Preferred {
    /// For each field of events, the sources that read it: one bit each, see [`source_bit`].
    sources: Vec<u64>,
    /// For each field of events, where its part of `readers` begins; and the end.
    starts: Vec<u32>,
    readers: Vec<Reader>,
    /// One bit for each path of a target that is present.
    present: Vec<u64>,
    source: u32,
    source_bit: u64,
    /// How many of the touched fields were noted.
    noted: usize,
}

impl Preferred {
    /// For the sources of a rule set with `fields` fields.
    pub fn new(tables: &SourceTables, fields: usize) -> Preferred {
        let mut starts = vec![0u32; fields + 1];
        for_each_path(tables, |field, _| {
            if let Some(start) = starts.get_mut(field as usize + 1) {
                *start += 1;
            }
        });
        for field in 0..fields {
            starts[field + 1] += starts[field];
        }
        let mut next = starts.clone();
        let mut sources = vec![0; fields];
        let mut readers = vec![Reader { source: 0, target: 0, bit: 0 }; starts[fields] as usize];
        for_each_path(tables, |field, reader| {
            if (field as usize) < fields {
                let at = &mut next[field as usize];
                readers[*at as usize] = reader;
                *at += 1;
                sources[field as usize] |= source_bit(reader.source);
            }
        });
        let present = vec![0; tables.fields.len() + tables.derived.len()];
        Preferred { sources, starts, readers, present, source: 0, source_bit: 0, noted: 0 }
    }

    /// Begins an event of a source.
    pub fn begin(&mut self, tables: &SourceTables, number: u32, source: &Source) {
        (self.source, self.source_bit, self.noted) = (number, source_bit(number), 0);
        for targets in targets(tables, source) {
            if let Some(present) = self.present.get_mut(targets) {
                present.fill(0);
            }
        }
    }

    /// Notes the fields that have come to be since it was asked last.
    pub fn note(&mut self, slots: &Slots) {
        let touched = slots.touched();
        for &field in touched.get(self.noted..).unwrap_or(&[]) {
            if !self.reads(field) {
                continue;
            }
            let Some(&[start, end]) =
                self.starts.get(field as usize..).and_then(|starts| starts.first_chunk())
            else {
                continue;
            };
            for reader in self.readers.get(start as usize..end as usize).unwrap_or(&[]) {
                if reader.source == self.source
                    && let Some(present) = self.present.get_mut(reader.target as usize)
                {
                    *present |= 1 << reader.bit;
                }
            }
        }
        self.noted = touched.len();
    }

    /// Whether the source may take one of its fields from this one.
    #[inline]
    pub fn reads(&self, field: u32) -> bool {
        self.sources.get(field as usize).is_some_and(|sources| sources & self.source_bit != 0)
    }

    /// The field to take a canonical field's values from; `index` is its place in `fields`, and
    /// `paths` are its paths.
    #[inline]
    pub fn of_field(
        &self,
        tables: &SourceTables,
        index: usize,
        paths: Range,
        slots: &Slots,
    ) -> Option<u32> {
        choose(tables, paths, self.present[index], slots)
    }

    /// The field to compute a derived field from; `index` is its place in `derived`, and `paths`
    /// are its paths.
    #[inline]
    pub fn of_derived(
        &self,
        tables: &SourceTables,
        index: usize,
        paths: Range,
        slots: &Slots,
    ) -> Option<u32> {
        choose(tables, paths, self.present[tables.fields.len() + index], slots)
    }
}

/// The bit of a source; those beyond the number of bits share the last.
#[inline]
fn source_bit(source: u32) -> u64 {
    1 << LAST_BIT.min(source)
}

/// Where the numbers of a source's targets are: canonical fields, those of variants, derived ones.
fn targets<'a>(
    tables: &'a SourceTables,
    source: &Source,
) -> impl Iterator<Item = std::ops::Range<usize>> + use<'a> {
    let derived =
        Range { first: source.derived.first + tables.fields.len() as u32, ..source.derived };
    let variants = source.variants.of(&tables.variants).iter().map(|variant| variant.fields);
    let all = std::iter::once(source.fields).chain(variants).chain(std::iter::once(derived));
    all.map(|Range { first, count }| first as usize..first as usize + count as usize)
}

/// Every path of every field of every source, with its field.
fn for_each_path(tables: &SourceTables, mut found: impl FnMut(u32, Reader)) {
    for (number, source) in (0..).zip(&tables.sources) {
        for target in targets(tables, source).flatten() {
            for (rank, &field) in (0..).zip(paths_of(tables, target).of(&tables.paths)) {
                let bit = LAST_BIT.min(rank);
                found(field, Reader { source: number, target: target as u32, bit });
            }
        }
    }
}

/// The paths of a target.
fn paths_of(tables: &SourceTables, target: usize) -> Range {
    let paths = match target.checked_sub(tables.fields.len()) {
        None => tables.fields.get(target).map(|field| field.paths),
        Some(derived) => tables.derived.get(derived).map(|field| field.paths),
    };
    paths.unwrap_or_default()
}

/// How many paths the fields of all sources have together: what [`Preferred`] has room for.
/// Sources that share ranges count them each.
pub(super) fn count_paths(tables: &SourceTables) -> u64 {
    let all = tables.sources.iter().flat_map(|source| targets(tables, source).flatten());
    all.map(|target| 1 + u64::from(paths_of(tables, target).count))
        .try_fold(
            0,
            |sum, count| if sum > SOURCE_ELEMENTS as u64 { Err(sum) } else { Ok(sum + count) },
        )
        .unwrap_or_else(|sum| sum)
}

/// Of the paths that are present, the first that has a text, else the first (null, an empty array,
/// an object: it must not look missing).
#[inline]
fn choose(tables: &SourceTables, paths: Range, present: u64, slots: &Slots) -> Option<u32> {
    if present == 0 {
        return None;
    }
    let first = present.trailing_zeros();
    if present & (present - 1) == 0 && first < LAST_BIT {
        return tables.paths.get((paths.first + first) as usize).copied();
    }
    choose_among(paths.of(&tables.paths), present, slots)
}

#[inline(never)]
fn choose_among(paths: &[u32], present: u64, slots: &Slots) -> Option<u32> {
    let bit = |rank: usize| present >> LAST_BIT.min(rank as u32) & 1 == 1;
    let ranked = paths.iter().enumerate().filter(|(rank, _)| bit(*rank));
    let mut there = ranked.map(|(_, field)| *field).filter(|field| slots.is_present(*field));
    let first = there.clone().next();
    there.find(|field| slots.values(*field).any(has_text)).or(first)
}

fn has_text(value: Value) -> bool {
    !matches!(
        value,
        Value::Null | Value::NullElement | Value::Object | Value::EmptyArray | Value::Opaque
    )
}
