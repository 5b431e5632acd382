//! The index at match time: which predicates of a field hold for one text.

use super::matcher::Hits;
use super::predicate::on_text;
use crate::event::fold::fold_into;
use crate::ruleset::RuleSet;
use crate::ruleset::hash::{
    KEY_LENGTHS, anchored_hash, bloom_bits, bloom_word, exact_hash, first_slot, gram_hash, load,
    short_key,
};
use crate::ruleset::regexes::RegexCache;
use crate::ruleset::tables::{FieldIndex, GramIndex, NONE, Slot, Table, Tables, flag, kind};

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
    buffer.clear();
    let ascii = fold_into(original, buffer);
    let text = Text { rules, tables: rules.tables(), original, folded: buffer };
    let folded = text.folded;
    if folded.len() <= index.exact_max as usize && !index.exact.is_empty() {
        text.anchored(index.exact, exact_hash(folded), hits, regex);
    }
    let lengths = index.prefix_lengths | index.suffix_lengths;
    for len in KEY_LENGTHS {
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
            if slot.key == hash && !hits.has(slot.predicate) && self.holds(slot.predicate, regex) {
                hits.report(slot.predicate);
            }
            at = (at + 1) & table.mask as usize;
        }
    }

    fn holds(&self, id: u32, regex: &mut RegexCache) -> bool {
        let predicate = &self.tables.predicates[id as usize];
        on_text(self.rules, predicate, self.original, self.folded, regex)
    }

    /// Looks for literals everywhere in the text.
    fn literals(&self, index: &GramIndex, hits: &mut Hits, regex: &mut RegexCache) {
        if !index.grams.is_empty() {
            let bloom = self.bloom(index.bloom);
            let mask = bloom.len() as u32 - 1;
            for (at, gram) in self.folded.windows(4).enumerate() {
                let gram = u32::from_le_bytes([gram[0], gram[1], gram[2], gram[3]]);
                let hash = gram_hash(gram);
                let bits = bloom_bits(hash);
                if bloom[bloom_word(hash, mask) as usize] & bits == bits {
                    self.gram(index.grams, gram, hash, at, hits, regex);
                }
            }
        }
        if !index.shorts.is_empty() {
            let bloom = self.bloom(index.short_bloom);
            let mask = bloom.len() as u32 - 1;
            for len in 1..=3 {
                if index.short_lengths & 1 << len == 0 {
                    continue;
                }
                for bytes in self.folded.windows(len) {
                    let key = short_key(bytes);
                    let hash = gram_hash(key);
                    let bits = bloom_bits(hash);
                    if bloom[bloom_word(hash, mask) as usize] & bits == bits {
                        self.short(index.shorts, key, hash, hits, regex);
                    }
                }
            }
        }
    }

    fn bloom(&self, table: Table) -> &'a [u32] {
        &self.tables.bloom[table.start as usize..][..table.mask as usize + 1]
    }

    /// Verifies every predicate that has this gram, which begins at `at`.
    #[inline(never)]
    fn gram(
        &self,
        table: Table,
        gram: u32,
        hash: u32,
        at: usize,
        hits: &mut Hits,
        regex: &mut RegexCache,
    ) {
        let slots = self.slots(table);
        let mut next = first_slot(hash, table.mask) as usize;
        while let Some(slot) = slots.get(next).filter(|slot| slot.predicate != NONE) {
            next = (next + 1) & table.mask as usize;
            if slot.key != gram || hits.has(slot.predicate) {
                continue;
            }
            let predicate = &self.tables.predicates[slot.predicate as usize];
            let simple = predicate.kind == kind::CONTAINS
                && predicate.flags & (flag::CASED | flag::RAGGED) == 0;
            let holds = if simple {
                let needle = &self.tables.needles
                    [predicate.a as usize..(predicate.a + predicate.b) as usize];
                at.checked_sub(slot.offset as usize)
                    .is_some_and(|start| self.folded[start..].starts_with(needle))
            } else {
                self.holds(slot.predicate, regex)
            };
            if holds {
                hits.report(slot.predicate);
            }
        }
    }

    /// Verifies every predicate that has this short literal.
    #[inline(never)]
    fn short(
        &self,
        table: Table,
        key: u32,
        hash: u32,
        hits: &mut Hits,
        regex: &mut RegexCache,
    ) {
        let slots = self.slots(table);
        let mut next = first_slot(hash, table.mask) as usize;
        while let Some(slot) = slots.get(next).filter(|slot| slot.predicate != NONE) {
            next = (next + 1) & table.mask as usize;
            if slot.key == key && !hits.has(slot.predicate) && self.holds(slot.predicate, regex) {
                hits.report(slot.predicate);
            }
        }
    }
}
