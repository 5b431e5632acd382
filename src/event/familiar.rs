//! Keys that were met before, and which of them came behind which.
//!
//! Records of a stream have the same keys in the same order. So a walker compares the beginning of
//! a member with the key that came next the last time: one comparison, without length, hash or
//! table. Nothing is decided here: a member that begins otherwise is looked up in the key table,
//! and what is remembered of a key is what that table said.

use super::keys::{Key, KeyTable};
use super::slots::NONE;
use super::window::WINDOW;

/// Keys that are remembered. A power of two; beyond them keys take each other's place.
const KEYS: usize = 256;
/// Stands for the key before the first one.
const START: u16 = KEYS as u16;
/// The place of a key that is too long to be remembered.
const SPARE: u16 = START + 1;
/// Bytes that a member and a key are compared by.
const HEAD: usize = 32;

/// The node of a place where nothing is remembered. A key table has fewer nodes.
const NOWHERE: u32 = NONE - 1;

/// The head of a member: everything in front of its value, header or quotes and colon included.
///
/// PERF: one cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// Its bytes, low byte first, and zeros behind them.
    head: [u128; 2],
    /// Where the key belongs.
    node: u32,
    /// The field that takes the value, or [`NONE`].
    pub field: u32,
    /// The key's entry in the key table, or [`NONE`].
    pub entry: u32,
    /// The two keys that came behind it last, the last one first.
    next: [u16; 2],
    /// Length of the head.
    len: u8,
}

const UNKNOWN: Known =
    Known { head: [0; 2], node: NOWHERE, field: NONE, entry: NONE, next: [START; 2], len: 1 };

const _: () = assert!(size_of::<Known>() == 64);

/// Ones as far as a head goes, read at the distance of its length from the middle.
static MASKS: [u8; 2 * HEAD] = {
    let mut masks = [0; 2 * HEAD];
    let mut at = 0;
    while at < HEAD {
        masks[at] = 0xff;
        at += 1;
    }
    masks
};

/// The bits of the first bytes of a head, of which there are so many: 1 to [`HEAD`].
#[inline(always)]
fn mask(len: u8) -> [u128; 2] {
    let from = HEAD.wrapping_sub(usize::from(len)) % HEAD;
    MASKS[from..].first_chunk::<HEAD>().map_or([0; 2], |bytes| {
        let (halves, _) = bytes.as_chunks();
        [u128::from_le_bytes(halves[0]), u128::from_le_bytes(halves[1])]
    })
}

impl Known {
    /// Whether the member in the window has this head.
    ///
    /// PERF: both halves always, because the lengths of keys are hard to predict.
    #[inline(always)]
    fn begins(&self, window: &[u8; WINDOW], node: u32) -> bool {
        let [first, second] = halves(window);
        let [of_first, of_second] = mask(self.len);
        let differs = (first ^ self.head[0]) & of_first | (second ^ self.head[1]) & of_second;
        differs == 0 && self.node == node
    }

    /// Whether both are the same key.
    fn is(&self, other: &Known) -> bool {
        (self.head, self.node) == (other.head, other.node)
    }

    /// The key to guess behind this one.
    #[inline(always)]
    pub fn next(&self) -> u16 {
        self.next[0]
    }

    /// Offset of the value behind the beginning of the member.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len.into()
    }
}

/// The bytes of a window that heads are compared by.
#[inline(always)]
fn halves(window: &[u8; WINDOW]) -> [u128; 2] {
    let (chunks, _) = window.as_chunks();
    [u128::from_le_bytes(chunks[0]), u128::from_le_bytes(chunks[1])]
}

/// What is remembered of the keys of one key table.
pub(super) struct Familiar {
    /// The number of the key table; 0 is none.
    table: u64,
    /// One for each place, and one each for [`START`] and [`SPARE`]; none before the first record.
    keys: Vec<Known>,
    /// The key that was met last.
    last: u16,
}

impl Familiar {
    /// Nothing is known.
    pub fn new() -> Familiar {
        Familiar { table: 0, keys: Vec::new(), last: START }
    }

    /// Begins a record that is read with this key table.
    #[inline]
    pub fn begin(&mut self, table: &KeyTable) {
        if self.table != table.identity.number() {
            self.keys.clear();
            self.keys.resize(KEYS + 2, UNKNOWN);
            self.table = table.identity.number();
        }
        self.last = START;
    }

    /// The key that probably comes next.
    #[inline(always)]
    pub fn guess(&self) -> u16 {
        self.keys.get(usize::from(self.last)).map_or(START, |last| last.next[0])
    }

    /// The member in the window, if it is the one that was guessed, and what to guess behind it.
    #[inline(always)]
    pub fn confirm(&mut self, guess: u16, window: &[u8; WINDOW], node: u32) -> Option<&Known> {
        let known = self.keys.get(usize::from(guess))?;
        if !known.begins(window, node) {
            return None;
        }
        self.last = guess;
        Some(known)
    }

    /// Whether the member in the window, which is not the one that was guessed, came behind the
    /// last key the time before. Then it is the last one.
    #[inline]
    pub fn recall(&mut self, window: &[u8; WINDOW], node: u32) -> bool {
        let Some(last) = self.keys.get_mut(usize::from(self.last)) else { return false };
        last.next.swap(0, 1);
        let next = last.next[0];
        let is_there =
            self.keys.get(usize::from(next)).is_some_and(|known| known.begins(window, node));
        if is_there {
            self.last = next;
        }
        is_there
    }

    /// The key that was met last.
    pub fn last(&self) -> Option<&Known> {
        self.keys.get(usize::from(self.last))
    }

    /// The member in the window, whose head has so many bytes with the key behind the first of
    /// them, as the key table has it; remembered if it is short enough.
    pub fn meet(
        &mut self,
        table: &KeyTable,
        node: u32,
        window: &[u8; WINDOW],
        key_len: usize,
        len: usize,
    ) -> &Known {
        let mut known = UNKNOWN;
        let key = window.get(1..1 + key_len).unwrap_or_default();
        let words = Key::new(key);
        if node != NONE
            && let Some(at) = table.probe(node, &words, key)
        {
            known.entry = at as u32;
            known.field = table.entries.get(at).map_or(NONE, |entry| entry.field);
        }
        known.len = len as u8;
        let mut place = usize::from(SPARE);
        if len <= HEAD {
            known.node = node;
            let ([first, second], [of_first, of_second]) = (halves(window), mask(known.len));
            known.head = [first & of_first, second & of_second];
            place = self.place(&known, words.hash(node) as usize % KEYS);
            // `recall` has made room: what came behind the last key is second now.
            if let Some(last) = self.keys.get_mut(usize::from(self.last)) {
                last.next[0] = place as u16;
            }
            self.last = place as u16;
        }
        // Behind a key that is not remembered comes what comes behind the one before it.
        let next = self.keys[usize::from(self.last)].next;
        let there = &mut self.keys[place];
        known.next = match place as u16 {
            SPARE => next,
            _ if there.is(&known) => there.next,
            _ => [START; 2],
        };
        *there = known;
        there
    }

    /// Where a key is remembered. Of two keys with one place the second lives next door.
    fn place(&self, known: &Known, home: usize) -> usize {
        let there = &self.keys[home];
        if there.node == NOWHERE || there.is(known) { home } else { home ^ 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(key: &str) -> [u8; WINDOW] {
        let mut window = [0xff; WINDOW];
        window[0] = 0xa0 | key.len() as u8;
        window[1..=key.len()].copy_from_slice(key.as_bytes());
        window
    }

    /// The field of each key in a record, and how many keys were guessed.
    fn read(familiar: &mut Familiar, table: &KeyTable, keys: &[&str]) -> (Vec<u32>, usize) {
        familiar.begin(table);
        let mut guessed = 0;
        let fields = keys.iter().map(|key| {
            let window = window(key);
            if let Some(known) = familiar.confirm(familiar.guess(), &window, 0) {
                guessed += 1;
                return known.field;
            }
            if familiar.recall(&window, 0) {
                return familiar.last().unwrap().field;
            }
            familiar.meet(table, 0, &window, key.len(), key.len() + 1).field
        });
        (fields.collect(), guessed)
    }

    #[test]
    fn keys_are_guessed_from_the_second_time_on() {
        let long = "a_key_of_31_bytes_is_the_longest";
        let table = KeyTable::build(&[b"a", b"b", &long.as_bytes()[1..]], &[]);
        let mut familiar = Familiar::new();
        let keys = ["a", "nobody_asked", &long[1..], "b"];
        let fields = vec![0, NONE, 2, 1];
        assert_eq!(read(&mut familiar, &table, &keys), (fields.clone(), 0));
        assert_eq!(read(&mut familiar, &table, &keys), (fields.clone(), 4));
        // Another order takes its place, and the first is not forgotten.
        assert_eq!(read(&mut familiar, &table, &["b", "a"]).0, [1, 0]);
        assert_eq!(read(&mut familiar, &table, &keys).0, fields);
        assert_eq!(read(&mut familiar, &table, &keys), (fields, 4));
    }

    #[test]
    fn what_is_known_is_of_one_table_and_node() {
        let table = KeyTable::build(&[b"a", b"b"], &[]);
        let mut familiar = Familiar::new();
        assert_eq!(read(&mut familiar, &table, &["a", "b"]).0, [0, 1]);
        let other = KeyTable::build(&[b"b", b"a"], &[]);
        assert_eq!(read(&mut familiar, &other, &["a", "b"]), (vec![1, 0], 0));
        assert_eq!(read(&mut familiar, &other.clone(), &["a", "b"]), (vec![1, 0], 0));
        familiar.begin(&other);
        let guess = familiar.guess();
        assert!(familiar.confirm(guess, &window("a"), 1).is_none());
    }

    #[test]
    fn more_keys_than_there_is_room_for_are_read() {
        let names: Vec<String> = (0..3000).map(|at| format!("field{at}")).collect();
        let fields: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let table = KeyTable::build(&fields, &[]);
        let mut familiar = Familiar::new();
        let keys: Vec<&str> = names.iter().map(String::as_str).collect();
        for _ in 0..3 {
            assert_eq!(read(&mut familiar, &table, &keys).0, (0..3000).collect::<Vec<u32>>());
        }
    }
}
