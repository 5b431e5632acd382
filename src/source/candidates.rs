//! Which sources an event can be of at all.
//!
//! A source is recognised by fields that its events have. Most records have none of them, and a
//! record that is nobody's should cost next to nothing however many sources there are: the fields
//! that are present say which sources are worth a test.

use super::tables::{Group, Range, SourceTables};
use crate::event::slots::Slots;

/// How many sources have a bit. The others are always worth a test.
const SOURCES: usize = 63;
/// The bit of fields that may say what a text beside them is.
const TELLS: u64 = 1 << SOURCES;

/// Sources by the fields without which they cannot be recognised.
pub(super) struct Candidates {
    /// For each field, which of `sets` it may lead to. PERF: rule sets have thousands of fields, of
    /// which few lead anywhere.
    by_field: Vec<u8>,
    /// Sets of sources, one bit each; the first is empty. The last bit: whether a field may lead to
    /// a text that does not say itself what it is.
    sets: Vec<u64>,
    /// Sources that no field leads to.
    always: u64,
}

impl Candidates {
    /// For the sources of a rule set with `fields` fields.
    pub fn new(tables: &SourceTables, fields: usize) -> Candidates {
        let mut by_field = vec![0u64; fields];
        let mut always = 0;
        // How many groups ask for a field: what many ask for tells sources apart badly.
        let mut asked = vec![0u32; fields];
        for source in tables.sources.iter().take(SOURCES) {
            for group in source.when.of(&tables.groups) {
                for test in group.all.of(&tables.tests) {
                    if let Some(asked) = asked.get_mut(test.field as usize) {
                        *asked += 1;
                    }
                }
            }
        }
        for (source, bit) in tables.sources.iter().zip((0..SOURCES).map(|bit| 1 << bit)) {
            always |= add(&mut by_field, tables, source.when, bit, &asked);
        }
        for payload in &tables.payloads {
            always |= add(&mut by_field, tables, payload.when, TELLS, &asked);
        }
        let mut sets = vec![0];
        let number = |set: &u64| {
            let known = sets.iter().position(|known| known == set);
            match u8::try_from(known.unwrap_or(sets.len())) {
                Ok(number) => {
                    if known.is_none() {
                        sets.push(*set);
                    }
                    number
                }
                Err(_) => {
                    // More sets than numbers: what has none is always worth a test.
                    always |= *set;
                    0
                }
            }
        };
        let by_field = by_field.iter().map(number).collect();
        Candidates { by_field, sets, always }
    }

    /// The sources worth a test.
    #[inline]
    pub fn of(&self, slots: &Slots, sources: usize) -> Found {
        let set = |field: u32| self.sets[usize::from(self.by_field[field as usize])];
        let bits = slots.touched().map(set).fold(self.always, |all, some| all | some);
        Found { bits: bits & !TELLS, may_tell: bits & TELLS != 0, beyond: SOURCES..sources }
    }
}

/// Adds the bit of what is recognised so to the fields that lead to it. Returns the bit if no field
/// leads to it, else 0.
fn add(by_field: &mut [u64], tables: &SourceTables, when: Range, bit: u64, asked: &[u32]) -> u64 {
    let mut always = 0;
    for Group { all, any } in when.of(&tables.groups) {
        // All tests must hold, so one of them is enough to look for.
        let all = all.of(&tables.tests);
        let keys = match all.iter().min_by_key(|test| asked.get(test.field as usize)) {
            None => any.of(&tables.tests),
            Some(rarest) => std::slice::from_ref(rarest),
        };
        if keys.is_empty() {
            always |= bit;
        }
        for test in keys {
            if let Some(sources) = by_field.get_mut(test.field as usize) {
                *sources |= bit;
            }
        }
    }
    always
}

/// Numbers of sources, in their order.
pub(super) struct Found {
    bits: u64,
    /// Whether a field may say what a text beside it is.
    pub may_tell: bool,
    beyond: std::ops::Range<usize>,
}

impl Found {
    pub fn is_empty(&self) -> bool {
        self.bits == 0 && self.beyond.is_empty()
    }
}

impl Iterator for Found {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return self.beyond.next();
        }
        let next = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(next)
    }
}
