//! The index at match time: which predicates of a field hold for one text.
//!
//! A text of ASCII is looked up as it is: keys ignore the bit that tells the cases apart, and what
//! they find is compared without regard to case. Only a text with other characters is folded first.

use super::interest::RoutedFilter;
use super::matcher::Hits;
use super::networks::containing;
use super::predicate::{Means, Subject, on_text};
use super::vector::{Vectors, classed, passing};
use crate::event::address;
use crate::event::fold::{caseless_prefix, is_ascii_caseless};
use crate::event::value::Value;
use crate::event::word::ends;
use crate::ruleset::RuleSet;
use crate::ruleset::hash::{
    Anchor, CLASSES, GRAM, NIBBLES, anchored_bit, anchored_hash, exact_hash, filter_bit,
    first_slot, gram_key, gram_slot, length_bit, marked_hash, short_hash, short_key,
};
use crate::ruleset::regexes::RegexCache;
use crate::ruleset::tables::{Entry, FieldIndex, GramIndex, MarkedIndex, Place, Slot, Tables};

/// Bytes of a literal that are compared wherever its gram was found. Of longer literals whose head is
/// there, the rest is compared as well as long as such comparisons together took no more than
/// [`PATIENCE`] bytes for each byte of the text. From then on the whole text is searched for the
/// literal, once: a text that repeats the beginning of a long literal cannot make every one of its
/// bytes cost a long comparison.
const HEAD: usize = 64;
const PATIENCE: usize = 4;

/// Reports every indexed predicate of the field that holds for `original`. A filter of the route stands for that of the ASCII literals.
pub(super) fn scan(
    rules: &RuleSet,
    (index, routed): (&FieldIndex, Option<&RoutedFilter>),
    original: &[u8],
    hits: &mut Hits,
    Means { folded: buffer, regex, vectors }: Means<'_>,
) {
    hits.begin_text();
    let subject = Subject::new(original, buffer);
    let text = subject.caseless();
    let tables = rules.tables();
    let patience = text.len().saturating_mul(PATIENCE);
    let mut lookup = Lookup { rules, tables, text, subject, vectors, patience, hits, regex };
    if !index.anchored.is_empty() {
        lookup.anchored(index);
    }
    if !index.marked.is_empty() {
        lookup.marked(&index.marked);
    }
    match routed {
        Some(RoutedFilter { words, stride, shorts, .. }) => {
            if !words.is_empty() {
                lookup.grams(&index.ascii, words, *stride);
            }
            if *shorts {
                lookup.shorts(&index.ascii);
            }
        }
        None => lookup.literals(&index.ascii),
    }
    if !index.other.is_empty() && !text.is_ascii() {
        lookup.literals(&index.other);
    }
    if index.has_networks() {
        lookup.networks(index, original);
    }
}

/// Whether a field that looks for whole texts only may have one that is `text`: if not, nothing can be
/// reported for it.
#[inline]
pub(super) fn may_be_whole(tables: &Tables, index: &FieldIndex, text: &[u8]) -> bool {
    if !text.is_ascii() {
        // Folded it may have another length.
        return true;
    }
    if index.exact_lengths & length_bit(text.len()) == 0 {
        return false;
    }
    HashedTable::anchored(tables, index).may_have(exact_hash(text))
}

/// The same for a value that is no text and for whole texts by their lengths alone: most numbers are
/// refused before they are written out.
#[inline]
pub(super) fn may_be_text_of(index: &FieldIndex, value: Value) -> bool {
    let digits = |magnitude: u64| magnitude.checked_ilog10().unwrap_or(0) as usize + 1;
    let len = match value {
        Value::Bool(truth) => 5 - usize::from(truth),
        Value::Int(int) => digits(int.unsigned_abs()) + usize::from(int < 0),
        Value::Uint(int) => digits(int),
        _ => return true,
    };
    index.exact_lengths & length_bit(len) != 0
}

/// One text being looked up.
struct Lookup<'a, 'b> {
    rules: &'a RuleSet,
    tables: &'a Tables,
    /// What keys are read from and literals compared with.
    text: &'b [u8],
    subject: Subject<'b>,
    vectors: Vectors,
    /// Bytes that may be compared beyond the heads of literals.
    patience: usize,
    hits: &'b mut Hits,
    regex: &'b mut RegexCache,
}

impl<'a> Lookup<'a, '_> {
    /// Looks up the whole text, its beginning and its end.
    #[inline]
    fn anchored(&mut self, index: &FieldIndex) {
        let text = self.text;
        let table = HashedTable::anchored(self.tables, index);
        if index.exact_lengths & length_bit(text.len()) != 0 {
            self.anchored_key(table, exact_hash(text));
        }
        // Lengths that the text fills, of those that the field has.
        let filled = (2u32 << text.len().min(30)) - 1;
        let (prefixes, suffixes) = (index.prefix_lengths & filled, index.suffix_lengths & filled);
        let known = text.len().min(8);
        let [first, last] = ends(text);
        for_each_bit(prefixes, |len| {
            let hash = match len {
                0..=8 => short_hash(Anchor::Start, first & u64::MAX >> ((64 - 8 * len) & 63), len),
                _ => anchored_hash(Anchor::Start, text.get(..len).unwrap_or(&[])),
            };
            self.anchored_key(table, hash);
        });
        for_each_bit(suffixes, |len| {
            let hash = match len {
                0..=8 => short_hash(Anchor::End, last >> ((8 * (known - len)) & 63), len),
                _ => anchored_hash(Anchor::End, &text[text.len() - len..]),
            };
            self.anchored_key(table, hash);
        });
    }

    /// Verifies every predicate whose anchored key has this hash.
    #[inline]
    fn anchored_key(&mut self, table: HashedTable<'_>, hash: u32) {
        if table.may_have(hash) {
            self.anchored_slot(table.slots, hash);
        }
    }

    #[inline(never)]
    fn anchored_slot(&mut self, slots: &[Slot], hash: u32) {
        let Some(slot) = find(slots, hash, first_slot) else { return };
        match slot.single() {
            Some(entry) => self.decide(entry.predicate),
            None => {
                for entry in self.tables.several(slot) {
                    self.decide(entry.predicate);
                }
            }
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

    /// Looks for the networks of the address that the text is, if it is one.
    #[inline(never)]
    fn networks(&mut self, index: &FieldIndex, original: &[u8]) {
        let Some(address) = address::parse(original) else { return };
        let hits = &mut *self.hits;
        containing(self.tables, index, address, |id| {
            if !hits.is_decided(id) {
                hits.report(id);
            }
        });
    }

    /// Looks for literals at the places of their marker.
    #[inline(never)]
    fn marked(&mut self, index: &MarkedIndex) {
        let (text, tables) = (self.text, self.tables);
        let table = HashedTable {
            filter: index.filter.of(&tables.filters),
            slots: index.literals.of(&tables.slots),
        };
        for at in memchr::memchr_iter(index.marker, text) {
            // Behind this place no marker has enough bytes for a key.
            let Some(key) = text.get(at + 1..).and_then(|rest| rest.first_chunk()) else { break };
            let hash = marked_hash(*key);
            if table.may_have(hash)
                && let Some(slot) = find(table.slots, hash, first_slot)
            {
                self.entries(slot, at);
            }
        }
    }

    /// Looks for literals everywhere in the text.
    #[inline]
    fn literals(&mut self, index: &GramIndex) {
        if !index.grams.is_empty() {
            let words = index.filter.of(&self.tables.filters);
            self.grams(index, words, index.stride);
        }
        if !index.shorts.is_empty() {
            self.shorts(index);
        }
    }

    /// Looks for literals of four bytes and more, with the filter `words`.
    #[inline]
    fn grams(&mut self, index: &GramIndex, words: &[u32], stride: u32) {
        let slots = index.grams.of(&self.tables.slots);
        passing(self.vectors, self.text, words, stride, &mut |at| self.gram(slots, at));
    }

    /// Verifies every predicate that has the gram at `at`.
    #[inline]
    fn gram(&mut self, slots: &[Slot], at: usize) {
        let Some(slot) = gram_at(self.text, at).and_then(|gram| find(slots, gram, gram_slot))
        else {
            return;
        };
        self.entries(slot, at);
    }

    /// Verifies every predicate of a slot of which the gram or marker is at `at`.
    #[inline(always)]
    fn entries(&mut self, slot: &Slot, at: usize) {
        match slot.single() {
            Some(entry) => self.literal(entry, at),
            None => self.tables.several(slot).iter().for_each(|entry| self.literal(*entry, at)),
        }
    }

    /// Verifies a predicate of which a gram, or the marker, is at `at`.
    #[inline]
    fn literal(&mut self, entry: Entry, at: usize) {
        let place = Place::unpack(entry.place);
        let check = at.checked_add_signed(place.check.into());
        if check.and_then(|check| gram_at(self.text, check)) != Some(entry.check) {
            return;
        }
        if let Some(start) = at.checked_sub(place.gram.into()) {
            self.literal_at(entry.predicate, start);
        }
    }

    /// Verifies a predicate whose literal can only begin at `start`, as far as this entry goes.
    #[inline(never)]
    fn literal_at(&mut self, id: u32, start: usize) {
        if self.hits.is_decided(id) {
            return;
        }
        let predicate = &self.tables.predicates[id as usize];
        if !predicate.is_plain_literal() {
            self.decide(id);
            return;
        }
        let needle =
            &self.tables.needles[predicate.a as usize..(predicate.a + predicate.b) as usize];
        let here = self.text.get(start..start + needle.len());
        let Some(here) = here else { return };
        if needle.len() <= HEAD {
            if is_ascii_caseless(here, needle) {
                self.hits.report(id);
            }
            return;
        }
        let ((head, rest), (here, behind)) = (needle.split_at(HEAD), here.split_at(HEAD));
        if !is_ascii_caseless(here, head) {
            return;
        }
        if self.patience == 0 {
            self.decide(id);
            return;
        }
        let same = caseless_prefix(behind, rest);
        self.patience = self.patience.saturating_sub(same + 8);
        if same == rest.len() {
            self.hits.report(id);
        }
    }

    /// Looks for literals of two or three bytes.
    #[inline(never)]
    fn shorts(&mut self, index: &GramIndex) {
        let (text, tables) = (self.text, self.tables);
        let slots = index.shorts.of(&tables.slots);
        short_places(self.vectors, text, tables, index, &mut |at| {
            for len in [2, 3] {
                let Some(bytes) = text.get(at..at + len) else { continue };
                let Some(slot) = find(slots, short_key(bytes), gram_slot) else { continue };
                match slot.single() {
                    Some(entry) => self.literal_at(entry.predicate, at),
                    None => {
                        for entry in tables.several(slot) {
                            self.literal_at(entry.predicate, at);
                        }
                    }
                }
            }
        });
    }
}

/// A table of hashes of a field, with its filter.
#[derive(Clone, Copy)]
struct HashedTable<'a> {
    filter: &'a [u32],
    slots: &'a [Slot],
}

impl<'a> HashedTable<'a> {
    /// That of whole texts, beginnings and ends.
    #[inline(always)]
    fn anchored(tables: &'a Tables, index: &FieldIndex) -> HashedTable<'a> {
        HashedTable {
            filter: index.anchored_filter.of(&tables.filters),
            slots: index.anchored.of(&tables.slots),
        }
    }

    /// Whether the filter lets a hash pass.
    #[inline(always)]
    fn may_have(&self, hash: u32) -> bool {
        let (word, bit) = anchored_bit(hash, self.filter.len());
        self.filter.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }
}

/// The numbers of the bits that are set.
#[inline(always)]
fn for_each_bit(mut bits: u32, mut show: impl FnMut(usize)) {
    while bits != 0 {
        show(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// The key of the gram at `at`.
#[inline(always)]
fn gram_at(text: &[u8], at: usize) -> Option<u32> {
    text.get(at..)?.first_chunk().map(|bytes| gram_key(*bytes))
}

/// The slot of a key. Every table has an empty slot, so probing ends.
#[inline(always)]
fn find(slots: &[Slot], key: u32, slot_of: impl Fn(u32, u32) -> u32) -> Option<&Slot> {
    let mask = (slots.len() as u32).wrapping_sub(1);
    let mut at = slot_of(key, mask);
    loop {
        let slot = slots.get(at as usize).filter(|slot| !slot.is_empty())?;
        if slot.key == key {
            return Some(slot);
        }
        at = (at + 1) & mask;
    }
}

/// Whether a literal has the gram at `at`.
pub(super) fn is_gram(tables: &Tables, index: &GramIndex, text: &[u8], at: usize) -> bool {
    let slots = index.grams.of(&tables.slots);
    gram_at(text, at).is_some_and(|gram| find(slots, gram, gram_slot).is_some())
}

/// Whether a literal of two or three bytes begins at `at`, apart from case.
pub(super) fn is_short(tables: &Tables, index: &GramIndex, text: &[u8], at: usize) -> bool {
    let slots = index.shorts.of(&tables.slots);
    [2, 3].into_iter().any(|len| {
        let bytes = text.get(at..at + len);
        bytes.is_some_and(|bytes| find(slots, short_key(bytes), gram_slot).is_some())
    })
}

/// Shows the places where literals of two or three bytes may begin, in no particular order.
#[inline]
pub(super) fn short_places(
    vectors: Vectors,
    text: &[u8],
    tables: &Tables,
    index: &GramIndex,
    show: &mut impl FnMut(usize),
) {
    let nibbles = index.short_nibbles.of(&tables.filters).first_chunk::<NIBBLES>();
    let classes = index.short_classes.of(&tables.filters).first_chunk::<CLASSES>();
    let (Some(nibbles), Some(classes)) = (nibbles, classes) else { return };
    classed(vectors, text, (nibbles, classes), show);
}

/// [`short_places`] byte by byte, see [`short_classes`](crate::ruleset::hash::short_classes).
#[inline]
pub(super) fn classed_one_by_one(
    text: &[u8],
    classes: &[u32; CLASSES],
    show: &mut impl FnMut(usize),
) {
    let class = |byte: u8| classes[usize::from(byte)];
    let (Some(&[before_last, last]), Some(&[first, second])) =
        (text.last_chunk(), text.first_chunk())
    else {
        return;
    };
    let mut here = [class(first), class(second)];
    for (at, &byte) in text[2..].iter().enumerate() {
        let third = class(byte);
        if here[0] & here[1] >> 8 & third >> 16 & 0xFF != 0 {
            show(at);
        }
        here = [here[1], third];
    }
    // Behind the last two bytes there is no third.
    if class(before_last) & class(last) >> 8 & 0xFF != 0 {
        show(text.len() - 2);
    }
}

/// Shows where the grams of a text stand that pass the filter `words`, of those that stand `stride`
/// bytes apart: [`passing`] without vectors.
#[inline]
pub(super) fn one_by_one(text: &[u8], words: &[u32], stride: u32, show: &mut impl FnMut(usize)) {
    // A loop for each size and stride: the size of the filter is then known to the compiler, and
    // nothing but the text is checked.
    match (words.len(), stride) {
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

/// Grams that are asked about before what passed is counted.
const BLOCK: usize = 8;
/// Places that are noted before they are shown.
const NOTED: usize = 32;

/// [`one_by_one`] with numbers for the compiler. A filter of the wrong size, which `verify` refuses,
/// finds nothing.
///
/// PERF: places are noted without a branch that depends on the text, and shown together: loads from
/// the tables then overlap.
#[inline(never)]
fn grams<const WORDS: usize, const STRIDE: usize>(
    text: &[u8],
    words: &[u32],
    show: &mut impl FnMut(usize),
) {
    let Some(words) = words.first_chunk::<WORDS>() else { return };
    let passes = |window: &[u8; GRAM]| {
        let (word, bit) = filter_bit(gram_key(*window), WORDS);
        (words[word & (WORDS - 1)] >> bit & 1) as usize
    };
    let mut noted = [0u32; NOTED];
    let mut count = 0;
    let block = (BLOCK - 1) * STRIDE + GRAM;
    let mut at = 0;
    while let Some(bytes) = text.get(at..at + block) {
        for number in 0..BLOCK {
            if let Some(window) = bytes[number * STRIDE..].first_chunk() {
                noted[count % NOTED] = (at + number * STRIDE) as u32;
                count += passes(window);
            }
        }
        at += BLOCK * STRIDE;
        if count > NOTED - BLOCK {
            noted[..count.min(NOTED)].iter().for_each(|at| show(*at as usize));
            count = 0;
        }
    }
    while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        noted[count % NOTED] = at as u32;
        count += passes(window);
        at += STRIDE;
        if count == NOTED {
            noted.iter().for_each(|at| show(*at as usize));
            count = 0;
        }
    }
    noted[..count.min(NOTED)].iter().for_each(|at| show(*at as usize));
}
