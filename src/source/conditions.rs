//! What holds for an event of a source: the conditions of its logsources, variants and positions.
//!
//! Windows alone has some hundred of them, and all depend on the values of a few fields (a channel
//! and a number). So the conditions of a set are decided together, and the verdict is remembered by
//! those values, with the logsources that follow. The memory is of fixed size; what does not fit is
//! decided again.

use super::recognise;
use super::tables::{ConditionSet, Source, SourceTables};
use super::view::Stores;
use crate::event::keys::folded_product;
use crate::event::slots::{NONE, Slots};
use crate::event::value::Value;

/// Remembered verdicts. A power of two: far more than one host's kinds of events.
const ENTRIES: usize = 64;
/// Longest values that are remembered, in bytes: a channel's name has up to 80.
const KEY_BYTES: usize = 128;
/// A single condition is decided faster than it is looked up.
const WORTH_REMEMBERING: u32 = 2;
/// Most logsources of an event that are remembered: real ones have up to five.
const LOGSOURCES: usize = 8;

/// Verdicts of condition sets, the current one and remembered ones.
pub(super) struct Conditions {
    /// One bit for each condition of the set that was decided last.
    current: Vec<u64>,
    key: Key,
    words: usize,
    entries: Vec<Entry>,
    verdicts: Vec<u64>,
}

/// What is remembered of one verdict, besides its bits.
#[derive(Clone)]
struct Entry {
    logsources: [u32; LOGSOURCES],
    key: [u8; KEY_BYTES],
    key_len: u8,
    logsource_count: u8,
}

impl Conditions {
    /// Memory for the sources of a rule set.
    pub fn new(tables: &SourceTables) -> Conditions {
        let sets = tables.sources.iter().flat_map(|source| [source.early, source.late]);
        let largest = sets.map(|set| set.conditions.count).max().unwrap_or(0);
        let entries = if largest < WORTH_REMEMBERING { 0 } else { ENTRIES };
        let words = (largest as usize).div_ceil(64);
        let entry = Entry {
            key: [0; KEY_BYTES],
            key_len: 0,
            logsources: [0; LOGSOURCES],
            logsource_count: 0,
        };
        Conditions {
            current: vec![0; words],
            key: Key { bytes: [0; KEY_BYTES], len: 0 },
            words,
            entries: vec![entry; entries],
            verdicts: vec![0; entries * words],
        }
    }

    /// Whether a condition of the set decided last holds; [`NONE`] always does.
    #[inline]
    pub fn hold(&self, condition: u32) -> bool {
        condition == NONE
            || self
                .current
                .get(condition as usize / 64)
                .is_some_and(|w| w >> (condition % 64) & 1 == 1)
    }

    /// Decides the early conditions of a source for an event.
    pub fn decide_early(
        &mut self,
        tables: &SourceTables,
        number: u32,
        source: &Source,
        slots: &Slots,
        stores: &Stores<'_>,
    ) {
        if source.early.conditions.count > 0 {
            self.decide(tables, number << 1, source.early, slots, stores);
        }
    }

    /// Decides the late conditions of a source for an event, and with them its logsources: none if
    /// their conditions do not hold.
    pub fn decide_late(
        &mut self,
        tables: &SourceTables,
        number: u32,
        source: &Source,
        slots: &Slots,
        stores: &Stores<'_>,
        logsources: &mut Vec<u32>,
    ) {
        logsources.clear();
        match self.decide(tables, number << 1 | 1, source.late, slots, stores) {
            Verdict::Remembered(at) => {
                let Entry { logsources: known, logsource_count, .. } = &self.entries[at];
                logsources.extend(known[..usize::from(*logsource_count)].iter().copied());
            }
            Verdict::New(at) => {
                self.logsources(tables, source, logsources);
                let Some(entry) = at.map(|at| &mut self.entries[at]) else { return };
                match entry.logsources.get_mut(..logsources.len()) {
                    Some(known) => {
                        known.copy_from_slice(logsources);
                        entry.logsource_count = logsources.len() as u8;
                    }
                    None => entry.key_len = 0,
                }
            }
        }
    }

    /// The logsources that follow from the late conditions.
    fn logsources(&self, tables: &SourceTables, source: &Source, out: &mut Vec<u32>) {
        for logsource in source.logsources.of(&tables.logsources) {
            let applies = (logsource.otherwise == 0 || out.is_empty())
                && self.hold(logsource.condition)
                && !out.contains(&logsource.id);
            if applies {
                out.push(logsource.id);
            }
        }
    }

    /// Decides a set of conditions for an event. `whose` tells the sets of all sources apart.
    fn decide(
        &mut self,
        tables: &SourceTables,
        whose: u32,
        set: ConditionSet,
        slots: &Slots,
        stores: &Stores<'_>,
    ) -> Verdict {
        let fields = set.fields.of(&tables.paths);
        if set.conditions.count < WORTH_REMEMBERING
            || self.key.read(whose, fields, slots, stores).is_none()
        {
            self.test(tables, set, slots, stores);
            return Verdict::New(None);
        }
        let key = self.key.bytes();
        let at = hash(key) as usize % ENTRIES;
        let verdict = at * self.words..(at + 1) * self.words;
        let entry = &mut self.entries[at];
        if entry.key[..usize::from(entry.key_len)] == *key {
            // PERF: one or two words, for which a call that copies takes longer.
            for (word, known) in self.current.iter_mut().zip(&self.verdicts[verdict]) {
                *word = *known;
            }
            return Verdict::Remembered(at);
        }
        entry.key_len = key.len() as u8;
        entry.key[..key.len()].copy_from_slice(key);
        self.test(tables, set, slots, stores);
        self.verdicts[verdict].copy_from_slice(&self.current);
        Verdict::New(Some(at))
    }

    fn test(
        &mut self,
        tables: &SourceTables,
        set: ConditionSet,
        slots: &Slots,
        stores: &Stores<'_>,
    ) {
        self.current.fill(0);
        for (index, groups) in set.conditions.of(&tables.conditions).iter().enumerate() {
            let holds = recognise::holds(tables, *groups, slots, stores);
            self.current[index / 64] |= u64::from(holds) << (index % 64);
        }
    }
}

/// How a set of conditions was decided.
enum Verdict {
    /// As this entry says.
    Remembered(usize),
    /// Anew, and this entry says so from now on.
    New(Option<usize>),
}

/// The values that decide a set of conditions.
struct Key {
    bytes: [u8; KEY_BYTES],
    len: usize,
}

impl Key {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Reads the values of the fields. `None` if they are too long to be remembered.
    fn read(
        &mut self,
        whose: u32,
        fields: &[u32],
        slots: &Slots,
        stores: &Stores<'_>,
    ) -> Option<()> {
        self.len = 0;
        self.push(&whose.to_le_bytes())?;
        for &field in fields {
            for value in slots.values(field) {
                // A number's bytes do as well as its text. Kinds and lengths keep values apart; one
                // without text is unlike an empty one.
                match value {
                    Value::Str(span) | Value::BigNumber(span) => {
                        let text = stores.bytes(span);
                        self.push(&[1, u8::try_from(text.len()).ok()?])?;
                        self.push(text)?;
                    }
                    Value::Int(number) => {
                        self.push(&[2])?;
                        self.push(&number.to_le_bytes())?;
                    }
                    Value::Uint(number) => {
                        self.push(&[3])?;
                        self.push(&number.to_le_bytes())?;
                    }
                    Value::Float(number) => {
                        self.push(&[4])?;
                        self.push(&number.to_bits().to_le_bytes())?;
                    }
                    Value::Bool(truth) => self.push(&[5 + u8::from(truth)])?,
                    _ => self.push(&[7])?,
                }
            }
            self.push(&[0])?;
        }
        Some(())
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }
}

/// Folded multiplications over words of eight bytes; collisions cost time only.
fn hash(key: &[u8]) -> u64 {
    let (words, rest) = key.as_chunks();
    let mut state = rest.iter().fold(key.len() as u64, |all, byte| all << 8 | u64::from(*byte));
    for word in words {
        state = folded_product(state ^ u64::from_le_bytes(*word), 0x9e37_79b9_7f4a_7c15);
    }
    state
}
