//! From which of its paths each field of a source is taken.
//!
//! Descriptors know a field by many names, of which an event has one. So the fields that are
//! present say which of a source's fields they may be, instead of every field asking for each of
//! its paths.

use super::shapes::{Shapes, TARGETS};
use super::tables::{Field, Range, Source, SourceTables};
use crate::event::slots::{NONE, Slots};
use crate::event::value::Value;
use crate::limits::SOURCE_ELEMENTS;

/// Paths of one field that are told apart; those from this one on share the last bit.
const LAST_BIT: u32 = u64::BITS - 1;

/// A field of a source that may be taken from some field of its events.
#[derive(Clone, Copy, Default)]
struct Reader {
    source: u32,
    /// The number of the source's field: its canonical fields, then those of its variants, then
    /// the derived ones.
    target: u32,
    /// Which of its paths.
    bit: u32,
}

/// How many targets a source has, and where the derived ones begin.
#[derive(Clone, Copy, Default)]
struct Targets {
    all: usize,
    derived: usize,
}

/// The paths that are present, for the fields of the source whose event is being completed.
pub(super) struct Preferred {
    /// For each field of events, the sources that read it: one bit each, see [`source_bit`].
    sources: Vec<u64>,
    /// For each field of events, where its part of `readers` begins; and the end.
    starts: Vec<u32>,
    readers: Vec<Reader>,
    /// By source.
    targets: Vec<Targets>,
    /// One bit for each path of a target that is present.
    present: Vec<u64>,
    shapes: Shapes,
    source: u32,
    source_bit: u64,
    /// The number of the source's first derived field.
    derived: usize,
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
        let mut readers = vec![Reader::default(); starts[fields] as usize];
        for_each_path(tables, |field, reader| {
            if (field as usize) < fields {
                let at = &mut next[field as usize];
                readers[*at as usize] = reader;
                *at += 1;
                sources[field as usize] |= source_bit(reader.source);
            }
        });
        let targets: Vec<Targets> = tables
            .sources
            .iter()
            .map(|source| {
                let all = paths(tables, source).count();
                Targets { all, derived: all - source.derived.of(&tables.derived).len() }
            })
            .collect();
        let most = targets.iter().map(|targets| targets.all).max().unwrap_or(0);
        Preferred {
            sources,
            starts,
            readers,
            targets,
            present: vec![0; most],
            shapes: Shapes::new(),
            source: 0,
            source_bit: 0,
            derived: 0,
            noted: 0,
        }
    }

    /// Begins an event of a source and gives it its canonical fields, except those of variants.
    pub fn name(&mut self, tables: &SourceTables, number: u32, source: &Source, slots: &mut Slots) {
        (self.source, self.source_bit) = (number, source_bit(number));
        let fields = source.fields.of(&tables.fields);
        let count = slots.touched().len();
        let targets = self.targets.get(number as usize).copied().unwrap_or_default();
        self.derived = targets.derived;
        if let Some((aliases, present)) = self.shapes.find(number, slots.touched()) {
            for (now, known) in self.present.iter_mut().zip(present) {
                *now = *known;
            }
            for &(target, from) in aliases {
                let Some(field) = fields.get(target as usize) else { continue };
                if from != NONE {
                    slots.alias(field.to, from);
                } else {
                    self.name_one(tables, field, target as usize, slots);
                }
            }
            self.noted = slots.touched().len();
            return;
        }
        let all = targets.all;
        self.present[..all].fill(0);
        self.noted = 0;
        self.note(slots);
        let mut before = [0; TARGETS];
        for (before, present) in before.iter_mut().zip(&self.present[..fields.len()]) {
            *before = *present;
        }
        self.name_fields(tables, source.fields, 0, slots);
        self.note(slots);
        if all > TARGETS {
            return;
        }
        // What is derived is chosen when the fields are named, and they themselves before that.
        let (of_fields, _) = before.split_at(fields.len());
        self.present[..fields.len()].copy_from_slice(of_fields);
        let aliases =
            (0..).zip(fields.iter().zip(of_fields)).filter_map(|(target, (field, at))| {
                let from = only(tables, field.paths, *at).unwrap_or(NONE);
                (*at != 0 && from != field.to).then_some((target, from))
            });
        let touched = &slots.touched()[..count];
        self.shapes.remember(number, touched, aliases, &self.present[..all]);
    }

    /// Gives the event the canonical fields of a variant. `first`: how many targets of the source
    /// are before them.
    pub fn name_variant(
        &mut self,
        tables: &SourceTables,
        fields: Range,
        first: usize,
        slots: &mut Slots,
    ) {
        self.note(slots);
        self.name_fields(tables, fields, first, slots);
    }

    /// None of the fields reads one before it: descriptors are sorted so.
    fn name_fields(&self, tables: &SourceTables, fields: Range, first: usize, slots: &mut Slots) {
        for (target, field) in (first..).zip(fields.of(&tables.fields)) {
            self.name_one(tables, field, target, slots);
        }
    }

    #[inline]
    fn name_one(&self, tables: &SourceTables, field: &Field, target: usize, slots: &mut Slots) {
        if let Some(from) = choose(tables, field.paths, self.present[target], slots)
            && from != field.to
        {
            slots.alias(field.to, from);
        }
    }

    /// The field to compute a derived field from; `index` is its number among those of the source.
    #[inline]
    pub fn of_derived(
        &self,
        tables: &SourceTables,
        index: usize,
        paths: Range,
        slots: &Slots,
    ) -> Option<u32> {
        choose(tables, paths, *self.present.get(self.derived + index)?, slots)
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
}

/// The bit of a source; those beyond the number of bits share the last.
#[inline]
fn source_bit(source: u32) -> u64 {
    1 << LAST_BIT.min(source)
}

/// The paths of each target of a source, in the order of their numbers.
fn paths<'a>(tables: &'a SourceTables, source: &'a Source) -> impl Iterator<Item = Range> + 'a {
    let variants = source.variants.of(&tables.variants).iter().map(|variant| variant.fields);
    let fields = std::iter::once(source.fields).chain(variants);
    let fields = fields.flat_map(|fields| fields.of(&tables.fields)).map(|field| field.paths);
    fields.chain(source.derived.of(&tables.derived).iter().map(|derived| derived.paths))
}

/// Every path of every field of every source, with its field.
fn for_each_path(tables: &SourceTables, mut found: impl FnMut(u32, Reader)) {
    for (number, source) in (0..).zip(&tables.sources) {
        for (target, paths) in (0..).zip(paths(tables, source)) {
            for (rank, &field) in (0..).zip(paths.of(&tables.paths)) {
                found(field, Reader { source: number, target, bit: LAST_BIT.min(rank) });
            }
        }
    }
}

/// How many paths the fields of all sources have together: what [`Preferred`] has room for.
/// Sources that share ranges count them each.
pub(super) fn count_paths(tables: &SourceTables) -> u64 {
    let all = tables.sources.iter().flat_map(|source| paths(tables, source));
    all.map(|paths| 1 + u64::from(paths.count))
        .try_fold(
            0,
            |sum, count| {
                if sum > SOURCE_ELEMENTS as u64 { Err(sum) } else { Ok(sum + count) }
            },
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
    only(tables, paths, present).or_else(|| choose_among(paths.of(&tables.paths), present, slots))
}

/// The path that is present, if it is one.
#[inline]
fn only(tables: &SourceTables, paths: Range, present: u64) -> Option<u32> {
    let first = present.trailing_zeros();
    let is_one = present.is_power_of_two() && first < LAST_BIT;
    if is_one { tables.paths.get((paths.first + first) as usize).copied() } else { None }
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
