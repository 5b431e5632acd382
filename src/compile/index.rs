//! Builds the index of every field: which key finds which predicate.

use super::frequency::Frequencies;
use super::ir::{KEYWORDS, PredicateKey, Test};
use super::pattern::{DASHES, Pattern, Piece};
use super::{marked, networks};
use crate::event::number;
use crate::ruleset::hash::{
    Anchor, GRAM, KEY_LENGTHS, anchored_filter, anchored_hash, exact_hash, first_slot, gram_filter,
    gram_key, gram_slot, length_bit, longest_stride, marked_hash, short_classes, short_key,
    short_nibbles,
};
use crate::ruleset::tables::{
    Entry, FieldIndex, GramIndex, MarkedIndex, Nested, Network, Part, Place, Slot, Table,
};
use foldhash::HashMap;
use std::borrow::Cow;

/// How many literals may share a gram before any other gram is preferred: each is compared wherever
/// the gram occurs.
const BUCKET: u32 = 8;

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
    /// The address that the text is.
    Network(Network),
}

/// How a predicate can be found, if the index can report it at all.
pub fn key_of(key: &PredicateKey) -> Option<Key> {
    let (pattern, cased) = match &key.test {
        Test::Pattern { pattern, cased } => (pattern, cased),
        // Records are not searched for addresses.
        &Test::Cidr { version, first, last } if key.field != KEYWORDS => {
            return Some(Key::Network(Network { version, first, last }));
        }
        _ => return None,
    };
    let folded = if *cased { Cow::Owned(pattern.clone().folded()) } else { Cow::Borrowed(pattern) };
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
            Key::Network(_) => 0,
        })
}

/// Whether a pattern is better found than tried when a rule asks: a single byte that may stand
/// anywhere is in most texts.
fn is_selective(key: &Key) -> bool {
    !matches!(key, Key::Anywhere(texts) if texts.iter().any(|text| text.len() < 2))
}

/// The index tables of all fields.
#[derive(Default)]
pub struct Index {
    /// One per field, keywords last.
    pub fields: Vec<FieldIndex>,
    /// All slots.
    pub slots: Vec<Slot>,
    /// All entries.
    pub entries: Vec<Entry>,
    /// All filter words.
    pub filters: Vec<u32>,
    /// All networks.
    pub nested: Vec<Nested>,
}

/// An entry and its key.
type Keyed = (u32, Entry);

/// Entries of one field before they get their table.
#[derive(Default)]
struct Entries {
    anchored: Vec<Keyed>,
    exact_lengths: u64,
    prefix_lengths: u32,
    suffix_lengths: u32,
    ascii: Literals,
    other: Literals,
    networks: Vec<(Network, u32)>,
    numbers: bool,
}

/// Literals that are looked for everywhere in a text, each with its predicate.
#[derive(Default)]
struct Literals {
    long: Vec<(u32, Vec<u8>)>,
    short: Vec<(u32, Vec<u8>)>,
}

/// Builds the index of the predicates that `is_indexed` says, over `fields` fields; `field_of` maps
/// keywords as well.
pub fn build(
    predicates: &[PredicateKey],
    is_indexed: &dyn Fn(u32) -> bool,
    fields: usize,
    field_of: &dyn Fn(u32) -> usize,
    frequencies: &Frequencies<'_>,
) -> Index {
    let mut entries: Vec<Entries> = (0..=fields).map(|_| Entries::default()).collect();
    for (id, predicate) in (0..).zip(predicates) {
        if is_indexed(id)
            && let Some(key) = key_of(predicate)
        {
            let entry = &mut entries[field_of(predicate.field)];
            entry.numbers |= may_be_number(predicate);
            entry.add(id, key);
        }
    }
    let mut index = Index { fields: Vec::with_capacity(fields + 1), ..Index::default() };
    for (number, entry) in entries.iter_mut().enumerate() {
        let routed = number == fields;
        let id = if routed { KEYWORDS } else { number as u32 };
        let cost_of = |gram: [u8; 4]| frequencies.gram(id, gram);
        let rate_of = |byte: u8| frequencies.byte(id, byte);
        // Before the grams of what is left. Records are searched for keywords by grams.
        let marked = if routed { MarkedIndex::EMPTY } else { index.marked(entry, &rate_of) };
        let field = FieldIndex {
            anchored: index.table(&entry.anchored, first_slot),
            anchored_filter: index.filter(&entry.anchored, anchored_filter),
            exact_lengths: entry.exact_lengths,
            prefix_lengths: entry.prefix_lengths,
            suffix_lengths: entry.suffix_lengths,
            marked,
            ascii: index.literals(&entry.ascii, routed, &cost_of),
            other: index.literals(&entry.other, false, &cost_of),
            v4: index.networks(&entry.networks, 4),
            v6: index.networks(&entry.networks, 6),
            numbers: u32::from(entry.numbers),
        };
        index.fields.push(field);
    }
    index
}

/// Whether a pattern may hold for the text of a number or boolean. Says yes rather than no.
fn may_be_number(key: &PredicateKey) -> bool {
    let Test::Pattern { pattern, .. } = &key.test else { return false };
    pattern.pieces().iter().all(|piece| match piece {
        Piece::Literal(text) => text.iter().all(|byte| number::may_have(*byte)),
        Piece::Any | Piece::One | Piece::Dash => true,
    })
}

impl Entries {
    fn add(&mut self, predicate: u32, key: Key) {
        let mut anchored = |hash: u32| {
            self.anchored.push((hash, Entry { predicate, check: 0, place: 0 }));
        };
        match key {
            Key::Exact(text) => {
                anchored(exact_hash(&text));
                self.exact_lengths |= length_bit(text.len());
            }
            Key::Prefix(text) => {
                let len = key_length(text.len());
                anchored(anchored_hash(Anchor::Start, &text[..len]));
                self.prefix_lengths |= 1 << len;
            }
            Key::Suffix(text) => {
                let len = key_length(text.len());
                anchored(anchored_hash(Anchor::End, &text[text.len() - len..]));
                self.suffix_lengths |= 1 << len;
            }
            Key::Anywhere(texts) => {
                for text in texts {
                    let literals = if text.is_ascii() { &mut self.ascii } else { &mut self.other };
                    literals.add(predicate, text);
                }
            }
            Key::Network(network) => self.networks.push((network, predicate)),
        }
    }
}

fn key_length(len: usize) -> usize {
    KEY_LENGTHS.into_iter().find(|&key| key <= len).unwrap_or(1)
}

impl Literals {
    fn add(&mut self, predicate: u32, text: Vec<u8>) {
        let list = if text.len() < GRAM { &mut self.short } else { &mut self.long };
        list.push((predicate, text));
    }

    /// The stride at which every literal is met.
    fn stride(&self) -> usize {
        self.long.iter().map(|(_, text)| longest_stride(text.len()) as usize).min().unwrap_or(1)
    }

    /// Grams by which each literal is met: for each phase of the stride the rarest; of equals the
    /// one with the fewest literals so far. Without a stride, each literal has its own longest.
    fn grams(&self, stride: Option<usize>, cost_of: &dyn Fn([u8; 4]) -> u32) -> Vec<Keyed> {
        let mut used: HashMap<u32, u32> = HashMap::default();
        let mut slots = Vec::with_capacity(self.long.len() * stride.unwrap_or(4));
        for (predicate, text) in &self.long {
            let stride = stride.unwrap_or_else(|| longest_stride(text.len()) as usize);
            for phase in 0..stride {
                let mut best: Option<(u32, u32, usize)> = None;
                let grams = text.array_windows().enumerate().take(Place::LAST + 1);
                for (offset, gram) in grams.skip(phase).step_by(stride) {
                    let key = gram_key(*gram);
                    let crowd = used.get(&key).copied().unwrap_or(0);
                    let crowd = if crowd < BUCKET { crowd } else { crowd.saturating_mul(1000) };
                    let cost = cost_of(*gram).saturating_mul(2).saturating_add(crowd);
                    if best.is_none_or(|(lowest, _, _)| cost < lowest) {
                        best = Some((cost, key, offset));
                    }
                }
                if let Some((_, key, offset)) = best {
                    *used.entry(key).or_insert(0) += 1;
                    slots.push((key, entry(*predicate, text, offset, GRAM)));
                }
            }
        }
        slots
    }
}

/// The entry of a literal by its key of `len` bytes at `offset`. What is compared besides lies next
/// to the key, and overlaps it where the literal is short.
fn entry(predicate: u32, text: &[u8], offset: usize, len: usize) -> Entry {
    let behind = (offset + len).min(text.len() - GRAM);
    let at = if behind > offset { behind } else { offset.saturating_sub(GRAM) };
    let check = text[at..].first_chunk().map_or(0, |bytes| gram_key(*bytes));
    let place = Place { gram: offset as u16, check: (at as isize - offset as isize) as i8 };
    Entry { predicate, check, place: place.pack() }
}

impl Index {
    fn table(&mut self, keyed: &[Keyed], slot_of: fn(u32, u32) -> u32) -> Table {
        let mut keyed = keyed.to_vec();
        keyed.sort_by_key(|(key, _)| *key);
        let keys = keyed.chunk_by(|a, b| a.0 == b.0).count();
        if keys == 0 {
            return Table::EMPTY;
        }
        // At most three of four slots are in use.
        let size = (keys * 4).div_ceil(3).next_power_of_two();
        let table = Table { start: self.slots.len() as u32, mask: size as u32 - 1 };
        self.slots.resize(self.slots.len() + size, Slot::EMPTY);
        let slots = &mut self.slots[table.start as usize..];
        for bucket in keyed.chunk_by(|a, b| a.0 == b.0) {
            let key = bucket[0].0;
            let mut at = slot_of(key, table.mask);
            while !slots[at as usize].is_empty() {
                at = (at + 1) & table.mask;
            }
            slots[at as usize] = match bucket {
                [(_, Entry { predicate, check, place })] => {
                    Slot { key, first: *predicate, check: *check, place: *place }
                }
                several => {
                    let first = self.entries.len() as u32;
                    self.entries.extend(several.iter().map(|(_, entry)| *entry));
                    let end = self.entries.len() as u32;
                    Slot { key, first, check: end, place: Slot::SEVERAL }
                }
            };
        }
        table
    }

    /// The filter of the keys of a table.
    fn filter(&mut self, keyed: &[Keyed], filter_of: impl Fn(&[u32]) -> Vec<u32>) -> Table {
        let mut keys: Vec<u32> = keyed.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() { Table::EMPTY } else { self.words(filter_of(&keys)) }
    }

    /// Words of a filter, a power of two of them.
    fn words(&mut self, words: Vec<u32>) -> Table {
        let table = Table { start: self.filters.len() as u32, mask: words.len() as u32 - 1 };
        self.filters.extend(words);
        table
    }

    /// The networks of one version.
    fn networks(&mut self, networks: &[(Network, u32)], version: u8) -> Part {
        let start = self.nested.len() as u32;
        let own = networks.iter().filter(|(network, _)| network.version == version);
        self.nested.extend(networks::nested(own.copied().collect()));
        let len = self.nested.len() as u32 - start;
        if len == 0 { Part::EMPTY } else { Part { start, len } }
    }

    /// Takes the literals of a field that are found by a marker, if that is cheaper.
    fn marked(&mut self, entries: &mut Entries, rate_of: &dyn Fn(u8) -> f64) -> MarkedIndex {
        let texts: Vec<&[u8]> = entries.ascii.long.iter().map(|(_, text)| &text[..]).collect();
        let Some(marker) = marked::choose(&texts, rate_of) else { return MarkedIndex::EMPTY };
        let mut keyed: Vec<Keyed> = Vec::new();
        let mut places = marker.places.into_iter();
        entries.ascii.long.retain(|(predicate, text)| {
            let Some(at) = places.next().flatten() else { return true };
            let Some(key) = text[at + 1..].first_chunk() else { return true };
            keyed.push((marked_hash(*key), entry(*predicate, text, at, 1 + key.len())));
            false
        });
        MarkedIndex {
            marker: marker.byte,
            literals: self.table(&keyed, first_slot),
            filter: self.filter(&keyed, anchored_filter),
        }
    }

    /// `routed`: the engine makes filters of its own for the literals that an event may concern.
    fn literals(
        &mut self,
        literals: &Literals,
        routed: bool,
        cost_of: &dyn Fn([u8; 4]) -> u32,
    ) -> GramIndex {
        let stride = literals.stride();
        let grams = literals.grams((!routed).then_some(stride), cost_of);
        let short = |(predicate, text): &(u32, Vec<u8>)| {
            (short_key(text), Entry { predicate: *predicate, check: 0, place: 0 })
        };
        let shorts: Vec<Keyed> = literals.short.iter().map(short).collect();
        let texts: Vec<&[u8]> = literals.short.iter().map(|(_, text)| &text[..]).collect();
        let (mut classes, mut nibbles) = (Table::EMPTY, Table::EMPTY);
        if !texts.is_empty() {
            let words = short_classes(&texts);
            nibbles = self.words(short_nibbles(&words));
            classes = self.words(words);
        }
        GramIndex {
            filter: self.filter(&grams, |keys| gram_filter(keys, 1)),
            grams: self.table(&grams, gram_slot),
            stride: if grams.is_empty() { 0 } else { stride as u32 },
            shorts: self.table(&shorts, gram_slot),
            short_classes: classes,
            short_nibbles: nibbles,
        }
    }
}
