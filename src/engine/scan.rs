//! The index at match time: which predicates of a field hold for one text.
//!
//! A text of ASCII is looked up as it is: keys ignore the bit that tells the cases apart, and what
//! they find is compared without regard to case. Only a text with other characters is folded first.

use super::interest::RoutedFilter;
use super::matcher::Hits;
use super::predicate::{Subject, on_text};
use crate::event::fold::is_ascii_caseless;
use crate::ruleset::RuleSet;
use crate::ruleset::hash::{
    GRAM, anchored_hash, exact_hash, filter_bit, first_slot, gram_hash, gram_key, gram_slot, load,
    short_hash, short_key, triple_key,
};
use crate::ruleset::regexes::RegexCache;
use crate::ruleset::tables::{Entry, FieldIndex, GramIndex, Table, Tables};

/// Grams that are asked about before one branch is taken.
const BLOCK: usize = 4;

/// The most bytes of a literal that are compared where its gram was found. If they agree and there
/// are more, the whole text is searched for the literal, once: a text that repeats the beginning of
/// a long literal cannot make every one of its bytes cost a long comparison.
const HEAD: usize = 64;

/// Reports every indexed predicate of the field that holds for `original`. `buffer` receives the
/// folded text where one is needed. A filter of the route stands for that of the ASCII literals.
pub(super) fn scan(
    rules: &RuleSet,
    (index, routed): (&FieldIndex, Option<&RoutedFilter>),
    original: &[u8],
    buffer: &mut Vec<u8>,
    hits: &mut Hits,
    regex: &mut RegexCache,
) {
    hits.begin_text();
    let subject = Subject::new(original, buffer);
    let text = subject.caseless();
    let mut lookup = Lookup { rules, tables: rules.tables(), text, subject, hits, regex };
    if text.len() <= index.exact_max as usize && !index.exact.is_empty() {
        lookup.anchored(index.exact, exact_hash(text));
    }
    if index.prefix_lengths | index.suffix_lengths != 0 {
        lookup.ends(index);
    }
    match routed {
        Some(filter) if filter.words.is_empty() => {}
        Some(RoutedFilter { words, stride }) => {
            lookup.long(&index.ascii, words, words.len(), *stride);
        }
        None => lookup.literals(&index.ascii),
    }
    if !index.other.is_empty() && !text.is_ascii() {
        lookup.literals(&index.other);
    }
}

/// One text being looked up.
struct Lookup<'a, 'b> {
    rules: &'a RuleSet,
    tables: &'a Tables,
    /// What keys are read from and literals compared with.
    text: &'b [u8],
    subject: Subject<'b>,
    hits: &'b mut Hits,
    regex: &'b mut RegexCache,
}

impl<'a> Lookup<'a, '_> {
    /// Verifies every predicate whose anchored key has this hash.
    #[inline]
    fn anchored(&mut self, table: Table, hash: u32) {
        for entry in entries(self.tables, table, hash, first_slot(hash, table.mask)) {
            self.decide(entry.predicate);
        }
    }

    /// Looks up the beginning and the end of the text.
    fn ends(&mut self, index: &FieldIndex) {
        let text = self.text;
        let known = text.len().min(8);
        let (first, last) = (load(&text[..known]), load(&text[text.len() - known..]));
        // Lengths that the text fills, of those that the field has.
        let filled = (2u32 << text.len().min(30)) - 1;
        let mut lengths = index.prefix_lengths & filled;
        while lengths != 0 {
            let len = lengths.trailing_zeros() as usize;
            lengths &= lengths - 1;
            let hash = match len {
                0..=8 => short_hash(first & u64::MAX >> ((64 - 8 * len) & 63), len),
                _ => anchored_hash(text.get(..len).unwrap_or(&[])),
            };
            self.anchored(index.prefixes, hash);
        }
        let mut lengths = index.suffix_lengths & filled;
        while lengths != 0 {
            let len = lengths.trailing_zeros() as usize;
            lengths &= lengths - 1;
            let hash = match len {
                0..=8 => short_hash(last >> ((8 * (known - len)) & 63), len),
                _ => anchored_hash(&text[text.len() - len..]),
            };
            self.anchored(index.suffixes, hash);
        }
    }

    /// Evaluates a predicate on the whole text, once per text.
    #[inline(never)]
    fn decide(&mut self, id: u32) {
        if self.hits.is_decided(id) {
            return;
        }
        let predicate = &self.tables.predicates[id as usize];
        if on_text(self.rules, predicate, &mut self.subject, self.regex) {
            self.hits.report(id);
        } else {
            self.hits.reject(id);
        }
    }

    /// Looks for literals everywhere in the text.
    #[inline]
    fn literals(&mut self, index: &GramIndex) {
        if !index.grams.is_empty() {
            let words = &self.tables.filters[index.filter.start as usize..];
            self.long(index, words, index.filter.mask as usize + 1, index.stride);
        }
        if !index.shorts.is_empty() {
            self.shorts(index);
        }
    }

    /// Looks for literals of three bytes and more, with the filter of `size` words that `words`
    /// begin with.
    #[inline]
    fn long(&mut self, index: &GramIndex, words: &[u32], size: usize, stride: u32) {
        let text = self.text;
        passing(text, words, size, stride, &mut |gram, at| self.found(index, gram, at));
        if index.triples != 0
            && let Some(last) = text.last_chunk()
        {
            // No gram begins with the last three bytes.
            self.gram(index.grams, triple_key(*last), text.len() - 3);
        }
    }

    /// Verifies what has this gram, which begins at `at`.
    #[inline(never)]
    fn found(&mut self, index: &GramIndex, gram: u32, at: usize) {
        self.gram(index.grams, gram, at);
        if index.triples != 0 {
            self.gram(index.grams, gram & 0x00FF_FFFF, at);
        }
    }

    /// Verifies every predicate that has this key, whose bytes begin at `at`.
    #[inline]
    fn gram(&mut self, table: Table, gram: u32, at: usize) {
        for entry in entries(self.tables, table, gram, gram_slot(gram, table.mask)) {
            if self.hits.is_decided(entry.predicate) {
                continue;
            }
            let predicate = &self.tables.predicates[entry.predicate as usize];
            if !predicate.is_plain_literal() {
                self.decide(entry.predicate);
                continue;
            }
            // The literal is here or it is not: compared where the gram was found.
            let needle =
                &self.tables.needles[predicate.a as usize..(predicate.a + predicate.b) as usize];
            let (head, rest) = needle.split_at(needle.len().min(HEAD));
            let here = at.checked_sub(entry.offset as usize);
            let here = here.and_then(|start| self.text.get(start..start + head.len()));
            if here.is_some_and(|here| is_ascii_caseless(here, head)) {
                if rest.is_empty() {
                    self.hits.report(entry.predicate);
                } else {
                    self.decide(entry.predicate);
                }
            }
        }
    }

    /// Looks for literals of one or two bytes.
    #[inline(never)]
    fn shorts(&mut self, index: &GramIndex) {
        let first = self.tables.filters.get(index.short_first.start as usize..);
        let Some(first) = first.and_then(|words| words.first_chunk::<8>()) else { return };
        let text = self.text;
        let begins = |byte: &u8| first[*byte as usize / 32] >> (byte % 32) & 1 == 1;
        let mut from = 0;
        while let Some(rest) = text.get(from..)
            && let Some(skipped) = rest.iter().position(begins)
        {
            let rest = &rest[skipped..];
            from += skipped + 1;
            for len in 1..=rest.len().min(2) {
                self.short(index.shorts, short_key(&rest[..len]), len as u32);
            }
        }
    }

    /// Verifies every predicate that has this short literal of `len` bytes.
    #[inline]
    fn short(&mut self, table: Table, key: u32, len: u32) {
        for entry in entries(self.tables, table, key, gram_slot(key, table.mask)) {
            if self.hits.has(entry.predicate) {
                continue;
            }
            let predicate = &self.tables.predicates[entry.predicate as usize];
            // The key is the whole literal: nothing is left to compare.
            if predicate.is_plain_literal() && predicate.b == len {
                self.hits.report(entry.predicate);
            } else {
                self.decide(entry.predicate);
            }
        }
    }
}

/// What a table has under a key that probing begins at `at` for. Every table has an empty slot, so
/// probing ends.
#[inline(always)]
fn entries(tables: &Tables, table: Table, key: u32, at: u32) -> &[Entry] {
    let slots = tables.slots.get(table.start as usize..);
    let slots = slots.and_then(|slots| slots.get(..(table.mask as usize).wrapping_add(1)));
    let mut at = at as usize;
    while let Some(slot) = slots.and_then(|slots| slots.get(at)).filter(|slot| !slot.is_empty()) {
        if slot.key == key {
            return tables.entries.get(slot.first as usize..slot.end as usize).unwrap_or(&[]);
        }
        at = (at + 1) & table.mask as usize;
    }
    &[]
}

/// Whether a literal has this gram.
pub(super) fn is_gram(tables: &Tables, index: &GramIndex, gram: u32) -> bool {
    let has = |key| !entries(tables, index.grams, key, gram_slot(key, index.grams.mask)).is_empty();
    has(gram) || index.triples != 0 && has(gram & 0x00FF_FFFF)
}

/// Shows the grams of a text that pass the filter of `size` words that `words` begin with, of those
/// that stand `stride` bytes apart.
#[inline]
pub(super) fn passing(
    text: &[u8],
    words: &[u32],
    size: usize,
    stride: u32,
    show: &mut impl FnMut(u32, usize),
) {
    // A loop for each size and stride: the size of the filter is then known to the compiler, and
    // nothing but the text is checked.
    match (size, stride) {
        (64, 1) => grams::<64, 1>(text, words, show),
        (64, 2) => grams::<64, 2>(text, words, show),
        (64, _) => grams::<64, 4>(text, words, show),
        (1024, 1) => grams::<1024, 1>(text, words, show),
        (1024, 2) => grams::<1024, 2>(text, words, show),
        (1024, _) => grams::<1024, 4>(text, words, show),
        (_, 1) => grams::<8192, 1>(text, words, show),
        (_, 2) => grams::<8192, 2>(text, words, show),
        _ => grams::<8192, 4>(text, words, show),
    }
}

/// [`passing`] with numbers for the compiler. A filter of the wrong size, which `verify` refuses,
/// finds nothing.
#[inline(never)]
fn grams<const WORDS: usize, const STRIDE: usize>(
    text: &[u8],
    words: &[u32],
    show: &mut impl FnMut(u32, usize),
) {
    let Some(words) = words.first_chunk::<WORDS>() else { return };
    let passes = |window: &[u8; GRAM]| {
        let (word, bit) = filter_bit(gram_hash(gram_key(*window)), WORDS);
        // The word is below WORDS: its bits are as many as WORDS has.
        words[word & (WORDS - 1)] >> bit
    };
    let block = (BLOCK - 1) * STRIDE + GRAM;
    let mut at = 0;
    while let Some(bytes) = text.get(at..at + block) {
        let mut any = 0;
        for number in 0..BLOCK {
            if let Some(window) = bytes[number * STRIDE..].first_chunk() {
                any |= passes(window);
            }
        }
        if any & 1 == 1 {
            for number in 0..BLOCK {
                if let Some(window) = bytes[number * STRIDE..].first_chunk()
                    && passes(window) & 1 == 1
                {
                    show(gram_key(*window), at + number * STRIDE);
                }
            }
        }
        at += BLOCK * STRIDE;
    }
    while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        if passes(window) & 1 == 1 {
            show(gram_key(*window), at);
        }
        at += STRIDE;
    }
}
