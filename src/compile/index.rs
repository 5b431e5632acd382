//! Builds the index of every field: which key finds which predicate.

use super::frequency::Frequencies;
use super::ir::{PredicateKey, Test};
use super::pattern::{DASHES, Pattern, Piece};
use crate::ruleset::hash::{
    KEY_LENGTHS, anchored_hash, exact_hash, filter_bit, first_slot, gram_hash, load,
    short_filter_key, short_key,
};
use crate::ruleset::tables::{FieldIndex, GramIndex, NONE, Slot, Table};
use std::collections::HashMap;

/// How the index finds a predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The whole folded text.
    Exact(Vec<u8>),
    /// The folded text's first bytes.
    Prefix(Vec<u8>),
    /// The folded text's last bytes.
    Suffix(Vec<u8>),
    /// One of these folded literals somewhere in the text.
    Anywhere(Vec<Vec<u8>>),
}

/// How a predicate can be found, if the index can report it at all.
pub fn key_of(key: &PredicateKey) -> Option<Key> {
    let Test::Pattern { pattern, cased } = &key.test else { return None };
    let folded = if *cased { pattern.clone().folded() } else { pattern.clone() };
    match folded.pieces() {
        [] => Some(Key::Exact(Vec::new())),
        [Piece::Literal(text)] => Some(Key::Exact(text.clone())),
        [Piece::Literal(text), Piece::Any] => Some(Key::Prefix(text.clone())),
        [Piece::Any, Piece::Literal(text)] => Some(Key::Suffix(text.clone())),
        [Piece::Any, Piece::Literal(text), Piece::Any] => Some(Key::Anywhere(vec![text.clone()])),
        pieces => best_literal(&folded, pieces).filter(is_selective),
    }
}

/// The literal of a wildcard pattern that is least likely to occur by chance: the longest.
/// An anchored one is looked up once per value instead of at every byte. A dash joins its
/// neighbours to one literal in five spellings.
fn best_literal(pattern: &Pattern, pieces: &[Piece]) -> Option<Key> {
    let last = pattern.pieces().len() - 1;
    let literal = |at: Option<usize>| match at.and_then(|at| pieces.get(at)) {
        Some(Piece::Literal(text)) => &text[..],
        _ => b"",
    };
    pieces
        .iter()
        .enumerate()
        .filter_map(|(at, piece)| match piece {
            Piece::Literal(text) if at == 0 => Some(Key::Prefix(text.clone())),
            Piece::Literal(text) if at == last => Some(Key::Suffix(text.clone())),
            Piece::Literal(text) => Some(Key::Anywhere(vec![text.clone()])),
            Piece::Dash => {
                let (before, after) = (literal(at.checked_sub(1)), literal(Some(at + 1)));
                let spelling = |dash: char| {
                    let mut buffer = [0; 4];
                    [before, dash.encode_utf8(&mut buffer).as_bytes(), after].concat()
                };
                Some(Key::Anywhere(DASHES.map(spelling).to_vec()))
            }
            _ => None,
        })
        .max_by_key(|key| match key {
            Key::Prefix(text) | Key::Suffix(text) => text.len().min(8) * 2 + 1,
            Key::Exact(text) => text.len().min(8) * 2,
            Key::Anywhere(texts) => texts.iter().map(Vec::len).min().unwrap_or(0).min(8) * 2,
        })
}

/// Whether a pattern is better found than tried when a rule asks: a single byte that may stand
/// anywhere is in most texts.
fn is_selective(key: &Key) -> bool {
    !matches!(key, Key::Anywhere(texts) if texts.iter().any(|text| text.len() < 2))
}

/// The index tables of all fields.
pub struct Index {
    /// One per field, keywords last.
    pub fields: Vec<FieldIndex>,
    /// All slots.
    pub slots: Vec<Slot>,
    /// All filter words.
    pub filters: Vec<u32>,
}

/// Entries of one field before they get their table.
#[derive(Default)]
struct Entries {
    exact: Vec<Slot>,
    exact_max: usize,
    prefixes: Vec<Slot>,
    prefix_lengths: u32,
    suffixes: Vec<Slot>,
    suffix_lengths: u32,
    ascii: GramEntries,
    other: GramEntries,
    reads_text: bool,
}

#[derive(Default)]
struct GramEntries {
    grams: Vec<Slot>,
    used: HashMap<u32, u32>,
    shorts: Vec<Slot>,
    short_filter: Vec<u32>,
    short_lengths: u32,
}

/// Builds the index of `predicates` over `fields` fields; `field_of` maps keywords as well.
pub fn build(
    predicates: &[PredicateKey],
    fields: usize,
    field_of: &dyn Fn(u32) -> usize,
    frequencies: &Frequencies,
) -> Index {
    let mut entries: Vec<Entries> = (0..=fields).map(|_| Entries::default()).collect();
    for (id, predicate) in predicates.iter().enumerate() {
        let entry = &mut entries[field_of(predicate.field)];
        if !matches!(predicate.test, Test::Null | Test::Exists) {
            entry.reads_text = true;
        }
        if let Test::FieldRef { field, .. } = predicate.test {
            entries[field as usize].reads_text = true;
            continue;
        }
        if let Some(key) = key_of(predicate) {
            entry.add(id as u32, key, frequencies);
        }
    }
    let mut index =
        Index { fields: Vec::with_capacity(fields + 1), slots: Vec::new(), filters: Vec::new() };
    for entry in &entries {
        let field = FieldIndex {
            exact: index.table(&entry.exact, anchored_slot),
            exact_max: entry.exact_max as u32,
            prefixes: index.table(&entry.prefixes, anchored_slot),
            prefix_lengths: entry.prefix_lengths,
            suffixes: index.table(&entry.suffixes, anchored_slot),
            suffix_lengths: entry.suffix_lengths,
            ascii: index.grams(&entry.ascii),
            other: index.grams(&entry.other),
            reads_text: u32::from(entry.reads_text),
        };
        index.fields.push(field);
    }
    index
}

/// Keys of anchored tables are hashes already.
fn anchored_slot(key: u32, mask: u32) -> u32 {
    first_slot(key, mask)
}

fn gram_slot(key: u32, mask: u32) -> u32 {
    first_slot(gram_hash(key), mask)
}

impl Entries {
    fn add(&mut self, predicate: u32, key: Key, frequencies: &Frequencies) {
        let anchored = |hash: u32| Slot { key: hash, predicate, offset: 0 };
        match key {
            Key::Exact(text) => {
                self.exact_max = self.exact_max.max(text.len());
                self.exact.push(anchored(exact_hash(&text)));
            }
            Key::Prefix(text) => {
                let len = key_length(text.len());
                self.prefix_lengths |= 1 << len;
                self.prefixes.push(anchored(anchored_hash(load(&text[..len]), len)));
            }
            Key::Suffix(text) => {
                let len = key_length(text.len());
                self.suffix_lengths |= 1 << len;
                let tail = &text[text.len() - len..];
                self.suffixes.push(anchored(anchored_hash(load(tail), len)));
            }
            Key::Anywhere(texts) => {
                for text in texts {
                    let entries = if text.is_ascii() { &mut self.ascii } else { &mut self.other };
                    entries.add(predicate, &text, frequencies);
                }
            }
        }
    }
}

fn key_length(len: usize) -> usize {
    KEY_LENGTHS.into_iter().find(|&key| key <= len).unwrap_or(1)
}

impl GramEntries {
    fn add(&mut self, predicate: u32, text: &[u8], frequencies: &Frequencies) {
        if text.len() < 4 {
            self.short_lengths |= 1 << text.len();
            self.short_filter.push(short_filter_key(text));
            self.shorts.push(Slot { key: short_key(text), predicate, offset: 0 });
            return;
        }
        // The rarest gram; of equals the one with the fewest literals so far.
        let mut best: Option<(u32, u32, usize)> = None;
        for (offset, gram) in text.windows(4).enumerate() {
            let bytes = [gram[0], gram[1], gram[2], gram[3]];
            let key = u32::from_le_bytes(bytes);
            let used = self.used.get(&key).copied().unwrap_or(0);
            let cost = frequencies.gram(bytes).saturating_mul(2).saturating_add(used);
            if best.is_none_or(|(lowest, _, _)| cost < lowest) {
                best = Some((cost, key, offset));
            }
        }
        if let Some((_, key, offset)) = best {
            *self.used.entry(key).or_insert(0) += 1;
            self.grams.push(Slot { key, predicate, offset: offset as u32 });
        }
    }
}

impl Index {
    fn table(&mut self, entries: &[Slot], slot_of: fn(u32, u32) -> u32) -> Table {
        if entries.is_empty() {
            return Table::EMPTY;
        }
        let size = (entries.len() * 2).next_power_of_two();
        let table = Table { start: self.slots.len() as u32, mask: size as u32 - 1 };
        let empty = Slot { key: 0, predicate: NONE, offset: 0 };
        self.slots.resize(self.slots.len() + size, empty);
        let slots = &mut self.slots[table.start as usize..];
        for entry in entries {
            let mut at = slot_of(entry.key, table.mask);
            while slots[at as usize].predicate != NONE {
                at = (at + 1) & table.mask;
            }
            slots[at as usize] = *entry;
        }
        table
    }

    fn filter(&mut self, keys: &[u32]) -> Table {
        const MAX_WORDS: usize = 8192;
        if keys.is_empty() {
            return Table::EMPTY;
        }
        let size = (keys.len() * 2).next_power_of_two().clamp(32, MAX_WORDS);
        let table = Table { start: self.filters.len() as u32, mask: size as u32 - 1 };
        self.filters.resize(self.filters.len() + size, 0);
        for &key in keys {
            let hash = gram_hash(key);
            let (word, bit) = filter_bit(hash);
            self.filters[(table.start + (word & table.mask)) as usize] |= 1 << bit;
        }
        table
    }

    /// The first bytes of short literals, as a set.
    fn first_bytes(&mut self, shorts: &[Slot]) -> Table {
        if shorts.is_empty() {
            return Table::EMPTY;
        }
        let start = self.filters.len();
        self.filters.resize(start + 8, 0);
        for first in shorts.iter().map(|slot| slot.key & 0xff) {
            self.filters[start + first as usize / 32] |= 1 << (first % 32);
        }
        Table { start: start as u32, mask: 7 }
    }

    fn grams(&mut self, entries: &GramEntries) -> GramIndex {
        GramIndex {
            filter: self.filter(&entries.grams.iter().map(|slot| slot.key).collect::<Vec<_>>()),
            grams: self.table(&entries.grams, gram_slot),
            short_first: self.first_bytes(&entries.shorts),
            short_filter: self.filter(&entries.short_filter),
            shorts: self.table(&entries.shorts, gram_slot),
            short_lengths: entries.short_lengths,
        }
    }
}
