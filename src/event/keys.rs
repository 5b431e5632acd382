//! Which keys matter: one hash table over all nodes of the path trie.
//!
//! A field name with dots is two things at once (semantics: the literal top-level key hides the
//! path): the key `a.b` of the record itself, and the key `b` inside the object `a`. The trie of
//! paths is stored flat; a (node, key) pair is found with one hash and usually one probe, and
//! a key that nobody asked for costs one load of an empty slot.

use super::slots::NONE;

/// The node of the record itself.
pub const ROOT: u32 = 0;

/// What one key means at one node. Each member is [`NONE`] if it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEntry {
    /// Field id of a top-level key named exactly so.
    pub literal: u32,
    /// Field id reached by a dotted path that ends here.
    pub path: u32,
    /// Node to look up the keys of an object (or of the objects of an array) in.
    pub child: u32,
    /// Container id that a source asked for.
    pub container: u32,
}

/// Words of one probe slot: a part of the hash, and the entry's index or [`NONE`].
const SLOT_WORDS: usize = 2;
/// Words of one entry. PERF: a key of at most 16 bytes is compared by its two words alone, without
/// a look at the bytes and without a call to memcmp.
const ENTRY_WORDS: usize = 11;
/// Words of an entry before the [`KeyEntry`].
const KEY_WORDS: usize = 7;
const LITERAL: usize = KEY_WORDS;
const PATH: usize = KEY_WORDS + 1;
const CHILD: usize = KEY_WORDS + 2;
const CONTAINER: usize = KEY_WORDS + 3;

/// Which keys matter, per node. Immutable once built; shared by threads.
///
/// The members are public so that a file can hold them section by section; a table whose members
/// came from elsewhere must pass [`verify`](KeyTable::verify) before [`get`](KeyTable::get).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyTable {
    /// Probe slots: a power of two of pairs (tag, entry index or `NONE`).
    pub slots: Vec<u32>,
    /// Entries: node, key length, first 8 and last 8 bytes of the key (low word first; see the
    /// hash), key start, literal, path, child, container.
    pub entries: Vec<u32>,
    /// The bytes of all keys.
    pub bytes: Vec<u8>,
}

/// Length, first 8 and last 8 bytes: all of a key of at most 16 bytes.
#[inline(always)]
fn words(key: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    match *key {
        [] => (0, 0),
        [a] => (a.into(), 0),
        [a, b] => (u64::from(a) | u64::from(b) << 8, 0),
        [a, b, c, ..] => (u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16, 0),
    }
}

/// [`words`] as an entry holds them.
fn key_words(key: &[u8]) -> [u32; 4] {
    let (first, last) = words(key);
    [first as u32, (first >> 32) as u32, last as u32, (last >> 32) as u32]
}

#[inline(always)]
fn hash(node: u32, len: usize, (first, last): (u64, u64)) -> u64 {
    // Folded multiplication: both halves of the product depend on every input bit.
    let seed = (u64::from(node) << 32 | len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let product = u128::from(first ^ seed ^ 0x2d35_8dcc_aa6c_78a5)
        * u128::from(last ^ seed.rotate_left(32) ^ 0x8bb8_4b93_962e_acc9);
    product as u64 ^ (product >> 64) as u64
}

impl KeyTable {
    /// Builds the table. `fields[i]` is the name of field `i`; `containers[i]` the dotted path of
    /// container `i`, which also matches a top-level key of exactly that name. Names within a list
    /// must differ; of equal ones the first gets the values.
    pub fn build(fields: &[&[u8]], containers: &[&[u8]]) -> KeyTable {
        let mut builder = Builder { table: KeyTable::with_slots(16), nodes: 1 };
        for (id, name) in fields.iter().enumerate() {
            let literal = builder.entry(ROOT, name);
            set_once(&mut builder.table.entries[literal + LITERAL], id as u32);
            if let Some(end) = builder.path(name) {
                set_once(&mut builder.table.entries[end + PATH], id as u32);
            }
        }
        for (id, name) in containers.iter().enumerate() {
            let literal = builder.entry(ROOT, name);
            set_once(&mut builder.table.entries[literal + CONTAINER], id as u32);
            if let Some(end) = builder.path(name) {
                set_once(&mut builder.table.entries[end + CONTAINER], id as u32);
            }
        }
        builder.table
    }

    fn with_slots(count: usize) -> KeyTable {
        KeyTable { slots: [0, NONE].repeat(count), entries: Vec::new(), bytes: Vec::new() }
    }

    /// Checks everything that `get` and the walkers rely on: hostile members can then neither
    /// panic, loop, nor name a field or container that does not exist.
    pub fn verify(&self, field_count: u32, container_count: u32) -> Result<(), &'static str> {
        let slots = self.slots.len() / SLOT_WORDS;
        if !self.slots.len().is_multiple_of(SLOT_WORDS) || !slots.is_power_of_two() {
            return Err("key table: the number of probe slots is not a power of two");
        }
        if !self.entries.len().is_multiple_of(ENTRY_WORDS) {
            return Err("key table: half an entry");
        }
        let entries = self.entries.len() / ENTRY_WORDS;
        if u32::try_from(slots).is_err() || u32::try_from(entries).is_err() {
            return Err("key table: too many entries");
        }
        let mut empty = false;
        for slot in self.slots.chunks_exact(SLOT_WORDS) {
            if slot[1] == NONE {
                empty = true;
            } else if slot[1] as usize >= entries {
                return Err("key table: a probe slot names no entry");
            }
        }
        if !empty {
            return Err("key table: no probe slot is empty");
        }
        for entry in self.entries.chunks_exact(ENTRY_WORDS) {
            let &[node, len, a, b, c, d, start, literal, path, child, container] = entry else {
                continue;
            };
            let (start, len) = (start as usize, len as usize);
            let Some(key) = self.bytes.get(start..).and_then(|rest| rest.get(..len)) else {
                return Err("key table: a key lies outside the bytes");
            };
            if [a, b, c, d] != key_words(key) {
                return Err("key table: the words of a key are not its bytes");
            }
            for field in [literal, path] {
                if field != NONE && field >= field_count {
                    return Err("key table: an entry names no field");
                }
            }
            if container != NONE && container >= container_count {
                return Err("key table: an entry names no container");
            }
            if child != NONE && child <= node {
                return Err("key table: a child comes before its node");
            }
            if literal != NONE && node != ROOT {
                return Err("key table: a literal key below the record");
            }
            if path != NONE && node == ROOT {
                return Err("key table: a path that ends at the record");
            }
        }
        Ok(())
    }

    /// What `key` means at `node`; `None` if nobody asked for it.
    // PERF: inlined, so that an entry is read from the table itself and not through the stack.
    #[inline(always)]
    pub fn get(&self, node: u32, key: &[u8]) -> Option<KeyEntry> {
        let words = words(key);
        let entry = self.find(node, key, words, hash(node, key.len(), words))?;
        let &[literal, path, child, container] =
            self.entries.get(entry + KEY_WORDS..)?.first_chunk()?;
        Some(KeyEntry { literal, path, child, container })
    }

    /// First word of the entry. The loop ends because at least one slot is empty.
    #[inline(always)]
    fn find(&self, node: u32, key: &[u8], words: (u64, u64), hash: u64) -> Option<usize> {
        let mask = (self.slots.len() / SLOT_WORDS).wrapping_sub(1);
        let tag = (hash >> 32) as u32;
        let mut index = hash as usize & mask;
        loop {
            let &[slot_tag, entry] =
                self.slots.get(index.wrapping_mul(SLOT_WORDS)..)?.first_chunk()?;
            if entry == NONE {
                return None;
            }
            if slot_tag == tag {
                let entry = entry as usize * ENTRY_WORDS;
                if self.is_key(entry, node, key, words)? {
                    return Some(entry);
                }
            }
            index = (index + 1) & mask;
        }
    }

    #[inline(always)]
    fn is_key(&self, entry: usize, node: u32, key: &[u8], words: (u64, u64)) -> Option<bool> {
        let &[entry_node, len, a, b, c, d, start] = self.entries.get(entry..)?.first_chunk()?;
        let first = u64::from(a) | u64::from(b) << 32;
        let last = u64::from(c) | u64::from(d) << 32;
        if (entry_node, len as usize) != (node, key.len()) || (first, last) != words {
            return Some(false);
        }
        Some(key.len() <= 16 || self.bytes.get(start as usize..)?.starts_with(key))
    }
}

struct Builder {
    table: KeyTable,
    nodes: u32,
}

impl Builder {
    /// First word of the entry of `key` at `node`, made if it is missing.
    fn entry(&mut self, node: u32, key: &[u8]) -> usize {
        let words = words(key);
        let hashed = hash(node, key.len(), words);
        if let Some(found) = self.table.find(node, key, words, hashed) {
            return found;
        }
        let at = self.table.entries.len();
        let start = self.table.bytes.len() as u32;
        self.table.bytes.extend_from_slice(key);
        let len = key.len() as u32;
        self.table.entries.extend([node, len]);
        self.table.entries.extend(key_words(key));
        self.table.entries.extend([start, NONE, NONE, NONE, NONE]);
        // A quarter full at most: a key that nobody asked for then mostly meets an empty slot.
        if self.table.slots.len() / SLOT_WORDS < self.table.entries.len() / ENTRY_WORDS * 4 {
            self.grow();
        } else {
            insert(&mut self.table.slots, hashed, (at / ENTRY_WORDS) as u32);
        }
        at
    }

    fn grow(&mut self) {
        let count = self.table.slots.len() / SLOT_WORDS * 2;
        let mut slots = [0, NONE].repeat(count);
        for (index, entry) in self.table.entries.chunks_exact(ENTRY_WORDS).enumerate() {
            let (len, start) = (entry[1] as usize, entry[KEY_WORDS - 1] as usize);
            let key = &self.table.bytes[start..start + len];
            insert(&mut slots, hash(entry[0], len, words(key)), index as u32);
        }
        self.table.slots = slots;
    }

    /// The entry that the dotted path ends at; `None` for a name without dots, which the literal
    /// key already covers.
    fn path(&mut self, name: &[u8]) -> Option<usize> {
        let dot = memchr::memrchr(b'.', name)?;
        let mut node = ROOT;
        for segment in name[..dot].split(|&byte| byte == b'.') {
            let at = self.entry(node, segment);
            let child = &mut self.table.entries[at + CHILD];
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

fn insert(slots: &mut [u32], hash: u64, entry: u32) {
    let mask = slots.len() / SLOT_WORDS - 1;
    let mut index = hash as usize & mask;
    while slots[index * SLOT_WORDS + 1] != NONE {
        index = (index + 1) & mask;
    }
    slots[index * SLOT_WORDS] = (hash >> 32) as u32;
    slots[index * SLOT_WORDS + 1] = entry;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_and_path() {
        let table = KeyTable::build(&[b"a.b", b"a", b"a.b.c", b"x"], &[b"records", b"a.list"]);
        table.verify(4, 2).unwrap();
        let literal = table.get(ROOT, b"a.b").unwrap();
        assert_eq!((literal.literal, literal.path, literal.child), (0, NONE, NONE));
        let a = table.get(ROOT, b"a").unwrap();
        assert_eq!((a.literal, a.path), (1, NONE));
        let b = table.get(a.child, b"b").unwrap();
        assert_eq!((b.literal, b.path), (NONE, 0));
        assert_eq!(table.get(b.child, b"c").unwrap().path, 2);
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
        assert_eq!(table.get(ROOT, b"").unwrap().literal, 0);
        let empty = table.get(ROOT, b"").unwrap().child;
        assert_eq!(table.get(empty, b"a").unwrap().path, 3);
        let second = table.get(empty, b"").unwrap().child;
        assert_eq!(table.get(second, b"").unwrap().path, 1);
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
            assert_eq!(table.get(ROOT, name).unwrap().literal, id as u32);
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
            assert_eq!(table.get(ROOT, name).unwrap().literal, id as u32);
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
        for at in 0..good.slots.len() + good.entries.len() {
            for value in [0, 1, 2, 7, 100, 1 << 31, NONE - 1, NONE] {
                let mut bad = good.clone();
                match at.checked_sub(good.slots.len()) {
                    None => bad.slots[at] = value,
                    Some(at) => bad.entries[at] = value,
                }
                if bad.verify(4, 1).is_err() {
                    refused += 1;
                    continue;
                }
                harmless += 1;
                for node in 0..8 {
                    for key in [b"a".as_slice(), b"b", b"a.b.c", b"g", b"f.g", b""] {
                        let Some(entry) = bad.get(node, key) else { continue };
                        assert!(entry.literal == NONE || entry.literal < 4);
                        assert!(entry.path == NONE || entry.path < 4);
                        assert!(entry.container == NONE || entry.container < 1);
                        assert!(entry.child == NONE || entry.child > node);
                    }
                }
            }
        }
        assert!(refused > 50 && harmless > 50);
        let mut full = good.clone();
        full.slots.iter_mut().for_each(|word| *word = 0);
        assert_eq!(full.verify(4, 1), Err("key table: no probe slot is empty"));
        assert!(KeyTable::default().verify(0, 0).is_err());
        assert_eq!(KeyTable::default().get(0, b"a"), None);
    }
}
