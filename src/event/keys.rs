//! Which keys matter: one hash table over all nodes of the path trie.
//!
//! A field name with dots is two things at once (semantics: the literal top-level key hides the
//! path): the key `a.b` of the record itself, and the key `b` inside the object `a`. The trie of
//! paths is stored flat; a (node, key) pair is found with one hash and usually one probe, and
//! a key that nobody asked for costs one load of an empty slot.

use super::slots::NONE;
use std::sync::atomic::{AtomicU64, Ordering};

/// The node of the record itself.
pub const ROOT: u32 = 0;

/// A probe slot. An empty one names no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySlot {
    /// A part of the hash.
    pub tag: u32,
    /// The entry, or [`NONE`].
    pub entry: u32,
}

const EMPTY: KeySlot = KeySlot { tag: 0, entry: NONE };

/// A key at a node, and what it means there. Each of the last three members is [`NONE`] if it does
/// not apply.
///
/// PERF: a key of at most 16 bytes is compared by its two words alone, without a look at the bytes
/// and without a call to memcmp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEntry {
    /// The first eight bytes of the key, or all of a shorter one, low byte first.
    pub first: u64,
    /// The last eight bytes of the key, or all of a shorter one.
    pub last: u64,
    /// The node that the key belongs to.
    pub node: u32,
    /// Length of the key.
    pub len: u32,
    /// Where it begins in the bytes of the table.
    pub start: u32,
    /// Field id. At [`ROOT`] of a top-level key named exactly so (a literal key), at other nodes
    /// of a dotted path that ends here.
    pub field: u32,
    /// Node to look up the keys of an object (or of the objects of an array) in.
    pub child: u32,
    /// Container id that a source asked for.
    pub container: u32,
}

/// Which keys matter, per node. Immutable once built; shared by threads.
///
/// The members are public so that a file can hold them section by section; a table whose members
/// came from elsewhere must pass [`verify`](KeyTable::verify) before [`get`](KeyTable::get).
#[derive(Debug, Clone, Default)]
pub struct KeyTable {
    /// Probe slots: a power of two of them.
    pub slots: Vec<KeySlot>,
    /// What the slots name.
    pub entries: Vec<KeyEntry>,
    /// The bytes of all keys.
    pub bytes: Vec<u8>,
    /// Tells what was remembered of this table from what was remembered of others.
    pub identity: Identity,
}

impl PartialEq for KeyTable {
    fn eq(&self, other: &KeyTable) -> bool {
        self.slots == other.slots && self.entries == other.entries && self.bytes == other.bytes
    }
}

impl Eq for KeyTable {}

/// A number that no other table of the process has, not even a copy.
#[derive(Debug)]
pub struct Identity(u64);

impl Identity {
    /// The number, above 0.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.0
    }
}

impl Default for Identity {
    fn default() -> Identity {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Identity(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Clone for Identity {
    fn clone(&self) -> Identity {
        Identity::default()
    }
}

/// A key of an event, in the two words that the table compares.
#[derive(Clone, Copy)]
pub(super) struct Key {
    first: u64,
    last: u64,
    len: u32,
}

/// Both halves of a product together: every bit depends on every bit of both factors, which makes it
/// the step of most hashes here.
#[inline(always)]
pub fn folded_product(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Key {
    /// The words of any key.
    #[inline]
    pub fn new(key: &[u8]) -> Key {
        let len = key.len() as u32;
        if let (Some(first), Some(last)) = (key.first_chunk(), key.last_chunk()) {
            return Key { first: u64::from_le_bytes(*first), last: u64::from_le_bytes(*last), len };
        }
        // A loop: the bytes are few, and a copy of unknown length is a call.
        let word = key.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        Key { first: word, last: word, len }
    }

    #[inline(always)]
    pub fn hash(&self, node: u32) -> u64 {
        // Folded multiplication: both halves of the product depend on every input bit. Not keyed:
        // the keys of an event meet a table that is not theirs, so they cannot make a probe longer.
        let seed = u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2d35_8dcc_aa6c_78a5;
        let last = (self.last ^ 0x8bb8_4b93_962e_acc9).wrapping_add(self.len.into());
        folded_product(self.first ^ seed, last)
    }
}

impl KeyTable {
    /// Builds the table. `fields[i]` is the name of field `i`; `containers[i]` the dotted path of
    /// container `i`, which also matches a top-level key of exactly that name. Names within a list
    /// must differ; of equal ones the first gets the values.
    pub fn build(fields: &[&[u8]], containers: &[&[u8]]) -> KeyTable {
        let mut builder = Builder { table: KeyTable::with_slots(16), nodes: 1 };
        for (id, name) in fields.iter().enumerate() {
            let literal = builder.entry(ROOT, name);
            set_once(&mut builder.table.entries[literal].field, id as u32);
            if let Some(end) = builder.path(name) {
                set_once(&mut builder.table.entries[end].field, id as u32);
            }
        }
        for (id, name) in containers.iter().enumerate() {
            let literal = builder.entry(ROOT, name);
            set_once(&mut builder.table.entries[literal].container, id as u32);
            if let Some(end) = builder.path(name) {
                set_once(&mut builder.table.entries[end].container, id as u32);
            }
        }
        builder.table
    }

    /// The same keys, of which those of fields that are not `wanted` give nobody their values.
    pub(crate) fn only(&self, wanted: impl Fn(u32) -> bool) -> KeyTable {
        let mut table = self.clone();
        for entry in table.entries.iter_mut().filter(|entry| !wanted(entry.field)) {
            entry.field = NONE;
        }
        table
    }

    fn with_slots(count: usize) -> KeyTable {
        KeyTable { slots: vec![EMPTY; count], ..KeyTable::default() }
    }

    /// Checks everything that `get` and the walkers rely on: hostile members can then neither
    /// panic, loop, nor name a field or container that does not exist.
    pub fn verify(&self, field_count: u32, container_count: u32) -> Result<(), &'static str> {
        if !self.slots.len().is_power_of_two() {
            return Err("key table: the number of probe slots is not a power of two");
        }
        if u32::try_from(self.slots.len()).is_err() || u32::try_from(self.entries.len()).is_err() {
            return Err("key table: too many entries");
        }
        let mut empty = false;
        for slot in &self.slots {
            if slot.entry == NONE {
                empty = true;
            } else if slot.entry as usize >= self.entries.len() {
                return Err("key table: a probe slot names no entry");
            }
        }
        if !empty {
            return Err("key table: no probe slot is empty");
        }
        for entry in &self.entries {
            let Some(bytes) = self.key(entry) else {
                return Err("key table: a key lies outside the bytes");
            };
            let key = Key::new(bytes);
            if (entry.first, entry.last) != (key.first, key.last) {
                return Err("key table: the words of a key are not its bytes");
            }
            if entry.field != NONE && entry.field >= field_count {
                return Err("key table: an entry names no field");
            }
            if entry.container != NONE && entry.container >= container_count {
                return Err("key table: an entry names no container");
            }
            // So no node is above itself, and the record's is nobody's child.
            if entry.child != NONE && entry.child <= entry.node {
                return Err("key table: a child comes before its node");
            }
        }
        Ok(())
    }

    /// What `key` means at `node`; `None` if nobody asked for it.
    #[inline]
    pub fn get(&self, node: u32, key: &[u8]) -> Option<&KeyEntry> {
        self.entries.get(self.probe(node, &Key::new(key), key)?)
    }

    /// The index of the entry of a key. The loop ends because at least one slot is empty.
    pub(super) fn probe(&self, node: u32, key: &Key, bytes: &[u8]) -> Option<usize> {
        let hash = key.hash(node);
        let mask = self.slots.len().checked_sub(1)?;
        let mut index = hash as usize & mask;
        loop {
            let slot = self.slots[index];
            if slot.entry == NONE {
                return None;
            }
            if slot.tag == (hash >> 32) as u32 {
                let entry = self.entries.get(slot.entry as usize)?;
                if entry.has_words(node, key) && (key.len <= 16 || self.has_middle(entry, bytes)) {
                    return Some(slot.entry as usize);
                }
            }
            index = (index + 1) & mask;
        }
    }

    /// Whether an entry that has the words of this key also has what is between them.
    #[inline(never)]
    fn has_middle(&self, entry: &KeyEntry, key: &[u8]) -> bool {
        // Eight bytes at a time; the last eight may overlap the last word.
        fn middle(key: &[u8]) -> &[[u8; 8]] {
            key.get(8..).unwrap_or_default().as_chunks().0
        }
        self.key(entry).is_some_and(|ours| middle(ours) == middle(key))
    }

    /// The bytes of an entry's key.
    #[inline(always)]
    fn key(&self, entry: &KeyEntry) -> Option<&[u8]> {
        self.bytes.get(entry.start as usize..)?.get(..entry.len as usize)
    }
}

impl KeyEntry {
    /// Whether node, length and words are those of the key: all of a key of at most 16 bytes.
    #[inline(always)]
    fn has_words(&self, node: u32, key: &Key) -> bool {
        (self.first, self.last) == (key.first, key.last) && (self.node, self.len) == (node, key.len)
    }
}

struct Builder {
    table: KeyTable,
    nodes: u32,
}

impl Builder {
    /// The index of the entry of `key` at `node`, made if it is missing.
    fn entry(&mut self, node: u32, key: &[u8]) -> usize {
        let table = &mut self.table;
        let words = Key::new(key);
        if let Some(at) = table.probe(node, &words, key) {
            return at;
        }
        let start = table.bytes.len() as u32;
        table.bytes.extend_from_slice(key);
        table.entries.push(KeyEntry {
            first: words.first,
            last: words.last,
            node,
            len: key.len() as u32,
            start,
            field: NONE,
            child: NONE,
            container: NONE,
        });
        let at = table.entries.len() - 1;
        // A quarter full at most: a key that nobody asked for then mostly meets an empty slot.
        if table.slots.len() < table.entries.len() * 4 {
            self.grow();
        } else {
            insert(&mut table.slots, words.hash(node), at as u32);
        }
        at
    }

    fn grow(&mut self) {
        let table = &mut self.table;
        let mut slots = vec![EMPTY; table.slots.len() * 2];
        for (index, entry) in table.entries.iter().enumerate() {
            let bytes = table.key(entry).unwrap_or_default();
            insert(&mut slots, Key::new(bytes).hash(entry.node), index as u32);
        }
        table.slots = slots;
    }

    /// The entry that the dotted path ends at; `None` for a name without dots, which the literal
    /// key already covers.
    fn path(&mut self, name: &[u8]) -> Option<usize> {
        let dot = memchr::memrchr(b'.', name)?;
        let mut node = ROOT;
        for segment in name[..dot].split(|&byte| byte == b'.') {
            let at = self.entry(node, segment);
            let child = &mut self.table.entries[at].child;
            if *child == NONE {
                *child = self.nodes;
                self.nodes += 1;
            }
            node = *child;
        }
        Some(self.entry(node, &name[dot + 1..]))
    }
}

fn set_once(word: &mut u32, id: u32) {
    if *word == NONE {
        *word = id;
    }
}

fn insert(slots: &mut [KeySlot], hash: u64, entry: u32) {
    let mask = slots.len() - 1;
    let mut index = hash as usize & mask;
    while slots[index].entry != NONE {
        index = (index + 1) & mask;
    }
    slots[index] = KeySlot { tag: (hash >> 32) as u32, entry };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_and_path() {
        let table = KeyTable::build(&[b"a.b", b"a", b"a.b.c", b"x"], &[b"records", b"a.list"]);
        table.verify(4, 2).unwrap();
        let literal = table.get(ROOT, b"a.b").unwrap();
        assert_eq!((literal.field, literal.child), (0, NONE));
        let a = table.get(ROOT, b"a").unwrap();
        assert_eq!(a.field, 1);
        let b = table.get(a.child, b"b").unwrap();
        assert_eq!(b.field, 0);
        assert_eq!(table.get(b.child, b"c").unwrap().field, 2);
        assert_eq!(table.get(ROOT, b"records").unwrap().container, 0);
        assert_eq!(table.get(a.child, b"list").unwrap().container, 1);
        assert_eq!(table.get(ROOT, b"a.list").unwrap().container, 1);
        assert_eq!(table.get(ROOT, b"b"), None);
        assert_eq!(table.get(a.child, b"x"), None);
        assert_eq!(table.get(77, b"x"), None);
    }

    #[test]
    fn odd_names() {
        let table = KeyTable::build(&[b"", b"..", b"a.", b".a"], &[]);
        table.verify(4, 0).unwrap();
        assert_eq!(table.get(ROOT, b"").unwrap().field, 0);
        let empty = table.get(ROOT, b"").unwrap().child;
        assert_eq!(table.get(empty, b"a").unwrap().field, 3);
        let second = table.get(empty, b"").unwrap().child;
        assert_eq!(table.get(second, b"").unwrap().field, 1);
    }

    #[test]
    fn every_key_of_a_large_table_is_found_and_no_other() {
        let names: Vec<Vec<u8>> = (0..5000)
            .map(|i| match i % 3 {
                0 => format!("field{i}"),
                1 => format!("properties.group{}.field{i}", i % 50),
                _ => format!("a_long_beginning_{i}_and_a_long_end"),
            })
            .map(String::into_bytes)
            .collect();
        let fields: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let table = KeyTable::build(&fields, &[]);
        table.verify(5000, 0).unwrap();
        for (id, name) in fields.iter().enumerate() {
            assert_eq!(table.get(ROOT, name).unwrap().field, id as u32);
            let mut missing = name.to_vec();
            missing[2] ^= 1;
            assert_eq!(table.get(ROOT, &missing), None);
        }
    }

    #[test]
    fn all_lengths_of_keys_are_told_apart() {
        let names: Vec<Vec<u8>> = (0..40).map(|len| vec![b'a'; len]).collect();
        let fields: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let table = KeyTable::build(&fields, &[]);
        for (id, name) in fields.iter().enumerate() {
            assert_eq!(table.get(ROOT, name).unwrap().field, id as u32);
            for at in 0..name.len() {
                let mut other = name.to_vec();
                other[at] = b'b';
                assert_eq!(table.get(ROOT, &other), None, "{at} of {}", name.len());
            }
        }
    }

    /// After any damage to a word the table is either refused, or every lookup ends with ids in
    /// range.
    #[test]
    fn damaged_tables_are_refused_or_harmless() {
        let fields: [&[u8]; 4] = [b"a.b.c", b"a.d", b"e", b"f.g"];
        let good = KeyTable::build(&fields, &[b"f.g"]);
        let (mut refused, mut harmless) = (0, 0);
        let damages: [fn(&mut KeyEntry, u32); 10] = [
            |entry, value| entry.first = entry.first & !0 << 32 | u64::from(value),
            |entry, value| entry.first = entry.first & !0 >> 32 | u64::from(value) << 32,
            |entry, value| entry.last = entry.last & !0 << 32 | u64::from(value),
            |entry, value| entry.last = entry.last & !0 >> 32 | u64::from(value) << 32,
            |entry, value| entry.node = value,
            |entry, value| entry.len = value,
            |entry, value| entry.start = value,
            |entry, value| entry.field = value,
            |entry, value| entry.child = value,
            |entry, value| entry.container = value,
        ];
        let mut check = |bad: &KeyTable| {
            if bad.verify(4, 1).is_err() {
                refused += 1;
                return;
            }
            harmless += 1;
            for node in 0..8 {
                for key in [b"a".as_slice(), b"b", b"a.b.c", b"g", b"f.g", b""] {
                    let Some(entry) = bad.get(node, key) else { continue };
                    assert!(entry.field == NONE || entry.field < 4);
                    assert!(entry.container == NONE || entry.container < 1);
                    assert!(entry.child == NONE || entry.child > node);
                }
            }
        };
        for value in [0, 1, 2, 7, 100, 1 << 31, NONE - 1, NONE] {
            for at in 0..good.slots.len() {
                let mut bad = good.clone();
                bad.slots[at].tag = value;
                check(&bad);
                let mut bad = good.clone();
                bad.slots[at].entry = value;
                check(&bad);
            }
            for at in 0..good.entries.len() {
                for damage in damages {
                    let mut bad = good.clone();
                    damage(&mut bad.entries[at], value);
                    check(&bad);
                }
            }
        }
        assert!(refused > 50 && harmless > 50);
        let mut full = good.clone();
        full.slots.fill(KeySlot { tag: 0, entry: 0 });
        assert_eq!(full.verify(4, 1), Err("key table: no probe slot is empty"));
        assert!(KeyTable::default().verify(0, 0).is_err());
        assert_eq!(KeyTable::default().get(0, b"a"), None);
    }
}
