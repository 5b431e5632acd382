//! The index at match time: which predicates of a field hold for one text.

use super::matcher::Hits;
use super::predicate::on_text;
use crate::event::fold::fold_into;
use crate::ruleset::RuleSet;
use crate::ruleset::hash::{
    KEY_LENGTHS, anchored_hash, exact_hash, filter_bit, first_slot, gram_hash, load,
    pair_filter_key, short_filter_key, short_key,
};
use crate::ruleset::regexes::RegexCache;
use crate::ruleset::tables::{
    FieldIndex, GramIndex, NONE, Predicate, Slot, Table, Tables, flag, kind,
};

/// Reports every indexed predicate of the field that holds for `original`. `buffer` receives the
/// folded text.
pub fn scan(
    rules: &RuleSet,
    index: &FieldIndex,
    original: &[u8],
    buffer: &mut Vec<u8>,
    hits: &mut Hits,
    regex: &mut RegexCache,
) {
    hits.begin_text();
    buffer.clear();
    let ascii = fold_into(original, buffer);
    let text = Text { rules, tables: rules.tables(), original, folded: buffer };
    let folded = text.folded;
    if folded.len() <= index.exact_max as usize && !index.exact.is_empty() {
        text.anchored(index.exact, exact_hash(folded), hits, regex);
    }
    let lengths = index.prefix_lengths | index.suffix_lengths;
    for len in KEY_LENGTHS {
        if lengths == 0 {
            break;
        }
        if lengths & 1 << len == 0 || folded.len() < len {
            continue;
        }
        if index.prefix_lengths & 1 << len != 0 {
            let hash = anchored_hash(load(&folded[..len]), len);
            text.anchored(index.prefixes, hash, hits, regex);
        }
        if index.suffix_lengths & 1 << len != 0 {
            let hash = anchored_hash(load(&folded[folded.len() - len..]), len);
            text.anchored(index.suffixes, hash, hits, regex);
        }
    }
    text.literals(&index.ascii, hits, regex);
    if !ascii && !folded.is_ascii() {
        text.literals(&index.other, hits, regex);
    }
}

/// A filter of hashes: a power of two of words.
#[derive(Clone, Copy)]
struct Filter<'a> {
    words: &'a [u32],
}

impl Filter<'_> {
    #[inline(always)]
    fn passes(&self, key: u32) -> bool {
        // Written so that the compiler sees that the index is inside.
        let Some(mask) = self.words.len().checked_sub(1) else { return false };
        let (word, bit) = filter_bit(gram_hash(key));
        self.words[word as usize & mask] & (1 << bit) != 0
    }

    /// Where the next gram begins that may be a literal's. A loop without calls keeps everything
    /// in registers.
    #[inline(never)]
    fn next_gram(self, text: &[u8], from: usize) -> Option<usize> {
        let mut windows = text.get(from..)?.array_windows();
        let found = windows.position(|window| self.passes(u32::from_le_bytes(*window)));
        found.map(|at| from + at)
    }
}

/// The first bytes of short literals.
#[derive(Clone, Copy)]
struct FirstBytes<'a> {
    words: &'a [u32; 8],
}

impl FirstBytes<'_> {
    /// Where the next byte is that a short literal begins with.
    #[inline(never)]
    fn next(self, text: &[u8], from: usize) -> Option<usize> {
        let begins = |byte: &u8| self.words[*byte as usize / 32] >> (byte % 32) & 1 == 1;
        text.get(from..)?.iter().position(begins).map(|at| from + at)
    }
}

/// Four bytes as the key of a gram.
#[inline(always)]
fn gram(window: &[u8]) -> u32 {
    u32::from_le_bytes([window[0], window[1], window[2], window[3]])
}

/// One text being looked up.
struct Text<'a> {
    rules: &'a RuleSet,
    tables: &'a Tables,
    original: &'a [u8],
    folded: &'a [u8],
}

impl<'a> Text<'a> {
    /// The slots of a table; a power of two of them, or none.
    fn slots(&self, table: Table) -> &'a [Slot] {
        if table.is_empty() {
            return &[];
        }
        &self.tables.slots[table.start as usize..][..table.mask as usize + 1]
    }

    /// Verifies every predicate whose anchored key has this hash.
    fn anchored(&self, table: Table, hash: u32, hits: &mut Hits, regex: &mut RegexCache) {
        let slots = self.slots(table);
        let mut at = first_slot(hash, table.mask) as usize;
        while let Some(slot) = slots.get(at).filter(|slot| slot.predicate != NONE) {
            if slot.key == hash {
                self.decide(slot.predicate, hits, regex);
            }
            at = (at + 1) & table.mask as usize;
        }
    }

    /// Evaluates a predicate on the whole text, once per text.
    fn decide(&self, id: u32, hits: &mut Hits, regex: &mut RegexCache) {
        if hits.is_decided(id) {
            return;
        }
        let predicate = &self.tables.predicates[id as usize];
        if on_text(self.rules, predicate, self.original, self.folded, regex) {
            hits.report(id);
        } else {
            hits.reject(id);
        }
    }

    /// Looks for literals everywhere in the text. Those of two and three bytes share a filter over
    /// their first two.
    fn literals(&self, index: &GramIndex, hits: &mut Hits, regex: &mut RegexCache) {
        let folded = self.folded;
        if let Some(filter) = self.filter(index.filter) {
            let mut from = 0;
            while let Some(at) = filter.next_gram(folded, from) {
                self.gram(index.grams, gram(&folded[at..]), at, hits, regex);
                from = at + 1;
            }
        }
        let (Some(filter), Some(first)) =
            (self.filter(index.short_filter), self.first_bytes(index.short_first))
        else {
            return;
        };
        let mut from = 0;
        while let Some(at) = first.next(folded, from) {
            from = at + 1;
            if index.short_lengths & 0b10 != 0 && filter.passes(short_filter_key(&folded[at..from]))
            {
                self.short(index.shorts, short_key(&folded[at..from]), 1, hits, regex);
            }
            let Some(pair) = folded[at..].first_chunk() else { break };
            if !filter.passes(pair_filter_key(u16::from_le_bytes(*pair).into())) {
                continue;
            }
            for len in 2..=3 {
                if let Some(bytes) = folded.get(at..at + len) {
                    self.short(index.shorts, short_key(bytes), len as u32, hits, regex);
                }
            }
        }
    }

    fn first_bytes(&self, table: Table) -> Option<FirstBytes<'a>> {
        let words = self.tables.filters.get(table.start as usize..)?.first_chunk()?;
        (!table.is_empty()).then_some(FirstBytes { words })
    }

    fn filter(&self, table: Table) -> Option<Filter<'a>> {
        if table.is_empty() {
            return None;
        }
        let words = &self.tables.filters[table.start as usize..][..table.mask as usize + 1];
        Some(Filter { words })
    }

    /// Verifies every predicate that has this gram, which begins at `at`.
    #[inline(never)]
    fn gram(&self, table: Table, gram: u32, at: usize, hits: &mut Hits, regex: &mut RegexCache) {
        let slots = self.slots(table);
        let mut next = first_slot(gram_hash(gram), table.mask) as usize;
        while let Some(slot) = slots.get(next).filter(|slot| slot.predicate != NONE) {
            next = (next + 1) & table.mask as usize;
            if slot.key != gram {
                continue;
            }
            let predicate = &self.tables.predicates[slot.predicate as usize];
            if !is_simple(predicate) {
                self.decide(slot.predicate, hits, regex);
                continue;
            }
            let needle =
                &self.tables.needles[predicate.a as usize..(predicate.a + predicate.b) as usize];
            // The literal is here or it is not: compared where the gram was found.
            let here = at.checked_sub(slot.offset as usize).map(|start| &self.folded[start..]);
            if here.is_some_and(|here| here.starts_with(needle)) && !hits.has(slot.predicate) {
                hits.report(slot.predicate);
            }
        }
    }

    /// Verifies every predicate that has this short literal of `len` bytes.
    #[inline(never)]
    fn short(&self, table: Table, key: u32, len: u32, hits: &mut Hits, regex: &mut RegexCache) {
        let slots = self.slots(table);
        let mut next = first_slot(gram_hash(key), table.mask) as usize;
        while let Some(slot) = slots.get(next).filter(|slot| slot.predicate != NONE) {
            next = (next + 1) & table.mask as usize;
            if slot.key != key || hits.has(slot.predicate) {
                continue;
            }
            let predicate = &self.tables.predicates[slot.predicate as usize];
            // The key is the whole literal: nothing is left to compare.
            if is_simple(predicate) && predicate.b == len {
                hits.report(slot.predicate);
            } else {
                self.decide(slot.predicate, hits, regex);
            }
        }
    }
}

/// Whether a predicate holds wherever the folded text has its literal.
#[inline]
fn is_simple(predicate: &Predicate) -> bool {
    predicate.kind == kind::CONTAINS && predicate.flags & (flag::CASED | flag::RAGGED) == 0
}
