//! What holds for an event of a source: the conditions of its logsources, variants and positions.
//!
//! Windows alone has some hundred of them, and all depend on the values of a few fields (a channel
//! and a number). So the conditions of a set are decided together, and the verdict is remembered by
//! those values. The memory is of fixed size; what does not fit is decided again.

use super::recognise;
use super::tables::{ConditionSet, SourceTables};
use super::view::Stores;
use crate::event::slots::{NONE, Slots};

/// Remembered verdicts. A power of two: far more than one host's kinds of events.
const ENTRIES: usize = 128;
/// Longest values that are remembered, in bytes: a channel's name has up to 80.
const KEY_BYTES: usize = 192;
/// Sets with fewer conditions are decided faster than they are looked up.
const WORTH_REMEMBERING: u32 = 4;

/// Verdicts of condition sets, the current one and remembered ones.
pub(super) struct Conditions {
    /// One bit for each condition of the set that was decided last.
    current: Vec<u64>,
    /// The values that the set depends on.
    key: Vec<u8>,
    words: usize,
    lengths: Vec<u16>,
    keys: Vec<[u8; KEY_BYTES]>,
    verdicts: Vec<u64>,
}

impl Conditions {
    /// Memory for the sources of a rule set.
    pub fn new(tables: &SourceTables) -> Conditions {
        let sets = tables.sources.iter().flat_map(|source| [source.early, source.late]);
        let largest = sets.map(|set| set.conditions.count).max().unwrap_or(0);
        let entries = if largest < WORTH_REMEMBERING { 0 } else { ENTRIES };
        let words = (largest as usize).div_ceil(64);
        Conditions {
            current: vec![0; words],
            key: Vec::with_capacity(KEY_BYTES),
            words,
            lengths: vec![0; entries],
            keys: vec![[0; KEY_BYTES]; entries],
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

    /// Decides a set of conditions for an event.
    pub fn decide(
        &mut self,
        tables: &SourceTables,
        set: ConditionSet,
        slots: &Slots,
        stores: &Stores<'_>,
    ) {
        if set.conditions.count == 0 {
            return;
        }
        if set.conditions.count < WORTH_REMEMBERING || !self.read_key(tables, set, slots, stores) {
            return self.test(tables, set, slots, stores);
        }
        let at = hash(&self.key) as usize % ENTRIES;
        let verdict = at * self.words..(at + 1) * self.words;
        let known = self.lengths[at] as usize == self.key.len()
            && self.keys[at][..self.key.len()] == *self.key;
        if known {
            self.current.copy_from_slice(&self.verdicts[verdict]);
            return;
        }
        self.test(tables, set, slots, stores);
        self.lengths[at] = self.key.len() as u16;
        self.keys[at][..self.key.len()].copy_from_slice(&self.key);
        self.verdicts[verdict].copy_from_slice(&self.current);
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

    /// Reads the values that decide the set. False if they are too long to be remembered.
    fn read_key(
        &mut self,
        tables: &SourceTables,
        set: ConditionSet,
        slots: &Slots,
        stores: &Stores<'_>,
    ) -> bool {
        // Where the conditions begin tells the sets of all sources apart.
        self.key.clear();
        self.key.extend_from_slice(&set.conditions.first.to_le_bytes());
        for &field in set.fields.of(&tables.paths) {
            for value in slots.values(field) {
                let mut buffer = [0; 32];
                let text = recognise::text(value, stores, &mut buffer);
                let len = text.map_or(0, <[u8]>::len);
                if self.key.len() + len + 4 > KEY_BYTES {
                    return false;
                }
                // Lengths keep values apart; a value without text is unlike an empty one.
                self.key.push(if text.is_some() { 1 } else { 2 });
                self.key.push(len as u8);
                self.key.extend_from_slice(text.unwrap_or(&[]));
            }
            if self.key.len() == KEY_BYTES {
                return false;
            }
            self.key.push(0);
        }
        true
    }
}

/// Folded multiplications over words of eight bytes; collisions cost time only.
fn hash(key: &[u8]) -> u64 {
    let mut state = key.len() as u64;
    for chunk in key.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let product =
            u128::from(state ^ u64::from_le_bytes(word)) * u128::from(0x9e37_79b9_7f4a_7c15u64);
        state = product as u64 ^ (product >> 64) as u64;
    }
    state
}
