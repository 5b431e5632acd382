//! The hashes of the index, shared by the compiler that fills the tables and the engine that
//! asks them. They are part of the file format.

use crate::event::keys::folded_product;
use crate::event::word::{ends, load};

/// Lengths of prefix and suffix keys in bytes, longest first. A literal uses the longest that it
/// fills: keys of four bytes alone would put every `.exe` into one bucket, and keys of eight every
/// `C:\Windows\`.
pub const KEY_LENGTHS: [usize; 8] = [24, 16, 8, 6, 4, 3, 2, 1];

/// Bytes of a gram.
pub const GRAM: usize = 4;

/// Sizes of the filters of grams, in words of 32 bits: the engine has a loop for each.
pub const FILTER_WORDS: [usize; 3] = [64, 1024, 8192];

/// Steps at which the engine looks at a text, in bytes. At a step of `s` one gram of each of `s`
/// neighbouring offsets of a literal is in the table, so that one is met wherever it stands.
pub const STRIDES: [u32; 3] = [4, 2, 1];

/// The longest stride at which a literal of `len` bytes is met wherever it stands. The bytes are
/// those that the table knows: those of the folded literal.
pub fn longest_stride(len: usize) -> u32 {
    let fits = |stride: &u32| GRAM - 1 + *stride as usize <= len;
    STRIDES.into_iter().find(fits).unwrap_or(1)
}

/// Four bytes of a text without the bit that tells the cases of a letter apart. Other bytes become
/// alike as well; whatever is found is compared in full.
#[inline(always)]
pub fn gram_key(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes) | 0x2020_2020
}

/// The filter that lets the grams of these keys pass. It has `words_per_gram` words for each while
/// the largest size allows: the fewer bits are set, the fewer grams pass by chance.
pub fn gram_filter(keys: &[u32], words_per_gram: usize) -> Vec<u32> {
    let mut filter = vec![0; filter_words(keys.len() * words_per_gram)];
    for &key in keys {
        let (word, bit) = filter_bit(key, filter.len());
        filter[word] |= 1 << bit;
    }
    filter
}

/// The smallest filter of so many words, or the largest that there is.
fn filter_words(least: usize) -> usize {
    let largest = FILTER_WORDS[FILTER_WORDS.len() - 1];
    FILTER_WORDS.into_iter().find(|words| *words >= least).unwrap_or(largest)
}

/// Bits of the filter of so many grams with a word for each.
pub fn filter_bits(grams: usize) -> usize {
    32 * filter_words(grams)
}

/// What a gram's key is multiplied with, for the filter.
pub const FILTER_MULTIPLIER: u32 = 0x9E37_79B1;

/// Word and bit of a gram in a filter of `words` words, a power of two. One bit in a filter of many
/// bits per entry costs fewer instructions per byte than two bits in a smaller one.
#[inline(always)]
pub fn filter_bit(key: u32, words: usize) -> (usize, u32) {
    let hash = key.wrapping_mul(FILTER_MULTIPLIER);
    let shift = 32 - words.trailing_zeros();
    ((hash >> shift) as usize, hash >> (shift - 5) & 31)
}

/// The first slot of a gram or of a short literal.
#[inline(always)]
pub fn gram_slot(key: u32, mask: u32) -> u32 {
    (u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32 & mask
}

/// First slot of an anchored hash in a table.
#[inline]
pub fn first_slot(hash: u32, mask: u32) -> u32 {
    hash & mask
}

/// Bits of the filter of a table of anchored keys, for each of its keys at least.
const BITS_PER_KEY: usize = 16;

/// The filter of the hashes that a table of anchored keys has: most texts have none, and the filter
/// stays in a cache where the table does not.
pub fn anchored_filter(hashes: &[u32]) -> Vec<u32> {
    let mut filter = vec![0; (hashes.len() * BITS_PER_KEY).div_ceil(32).next_power_of_two()];
    for &hash in hashes {
        let (word, bit) = anchored_bit(hash, filter.len());
        filter[word] |= 1 << bit;
    }
    filter
}

/// Word and bit of an anchored hash in a filter of `words` words, a power of two. Slots are chosen
/// by the lowest bits, so this takes the highest.
#[inline(always)]
pub fn anchored_bit(hash: u32, words: usize) -> (usize, u32) {
    ((hash >> 5) as usize >> (27 - words.trailing_zeros().min(27)), hash & 31)
}

/// The key of a literal of two or three bytes, without the bit that tells cases apart.
#[inline]
pub fn short_key(bytes: &[u8]) -> u32 {
    let shifted = |key: u32, byte: &u8| key << 8 | u32::from(byte | 0x20);
    bytes.iter().fold(bytes.len() as u32, shifted)
}

/// What [`short_classes`] has: one word for each byte.
pub const CLASSES: usize = 256;

/// A table that tells where a short literal may begin. Literals are dealt to eight classes. The word
/// of a byte has a bit for each class that has it first, eight bits on for each that has it second,
/// and eight further on for each that may have it third: a literal of two bytes may have any.
pub fn short_classes(literals: &[&[u8]]) -> Vec<u32> {
    let mut sorted: Vec<Vec<u8>> = literals.iter().map(|text| text.to_ascii_lowercase()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut classes = vec![0; CLASSES];
    // Neighbours share a class: they begin alike, so that fewer bytes have its bit.
    for (class, literals) in sorted.chunks(sorted.len().div_ceil(8).max(1)).enumerate() {
        for literal in literals {
            for (place, byte) in literal.iter().enumerate() {
                for spelled in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    classes[usize::from(spelled)] |= 1 << (8 * place + class);
                }
            }
            if literal.len() < 3 {
                classes.iter_mut().for_each(|word| *word |= 1 << (16 + class));
            }
        }
    }
    classes
}

/// What [`short_nibbles`] has.
pub const NIBBLES: usize = 32;

/// The same classes by halves of a byte, for vectors: two tables of 16 bytes each for the first,
/// second and third byte, one by its low and one by its high half. The classes of a byte are among
/// those that both halves have. The last eight words are zero.
pub fn short_nibbles(classes: &[u32]) -> Vec<u32> {
    let mut tables = [[0u8; 16]; 6];
    for (byte, word) in classes.iter().enumerate().take(CLASSES) {
        for (tables, classes) in tables.chunks_exact_mut(2).zip(word.to_le_bytes()) {
            tables[0][byte % 16] |= classes;
            tables[1][byte / 16] |= classes;
        }
    }
    let words = tables.as_flattened().as_chunks::<4>().0;
    let mut words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    words.resize(NIBBLES, 0);
    words
}

/// Removes the bit that tells the cases of a letter apart, as [`gram_key`] does.
pub const CASELESS: u64 = 0x2020_2020_2020_2020;

#[inline]
fn mix(a: u64, b: u64) -> u32 {
    (folded_product(a ^ 0x9E37_79B9_7F4A_7C15, b ^ 0xD6E8_FEB8_6659_FD93) >> 32) as u32
}

/// Where an anchored key stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The key is the whole text.
    Whole = 1,
    /// The text begins with it.
    Start = 2,
    /// The text ends with it.
    End = 3,
    /// It follows a marker.
    Marker = 4,
}

/// The hash of a prefix or suffix key, one of [`KEY_LENGTHS`] bytes, without regard to case.
#[inline]
pub fn anchored_hash(anchor: Anchor, key: &[u8]) -> u32 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) | CASELESS;
    match key.as_chunks::<8>() {
        ([a, b, c], []) => mix(word(a), word(b).rotate_left(21) ^ word(c) ^ anchor as u64),
        ([a, b], []) => mix(word(a), word(b) ^ anchor as u64),
        _ => short_hash(anchor, load(key), key.len()),
    }
}

/// [`anchored_hash`] of at most 8 bytes held in `key`, with zeros behind them.
#[inline(always)]
pub fn short_hash(anchor: Anchor, key: u64, len: usize) -> u32 {
    // Where no byte is, none gets the bit of case.
    let present = u64::MAX >> (64 - 8 * len.clamp(1, 8));
    mix(key | CASELESS & present, len as u64 | (anchor as u64) << 8)
}

/// Bytes behind a marker that are the key of a literal.
pub const MARKED: usize = 8;

/// Whether literals may be found by a byte: it must be the same in every spelling, which letters are
/// not.
pub fn is_marker(byte: u8) -> bool {
    byte.is_ascii_punctuation()
}

/// The hash of what follows a marker, without regard to case.
#[inline(always)]
pub fn marked_hash(key: [u8; MARKED]) -> u32 {
    short_hash(Anchor::Marker, u64::from_le_bytes(key), MARKED)
}

/// The hash of a whole text without regard to case: its length, first and last bytes. Longer texts
/// that agree on these share a bucket and are told apart by comparing them.
#[inline]
pub fn exact_hash(text: &[u8]) -> u32 {
    let [first, last] = ends(text).map(|end| end | CASELESS);
    let seed = text.len() as u64 | (Anchor::Whole as u64) << 56;
    mix(first, last.rotate_left(17) ^ seed)
}

/// The bit of a length among those of whole texts: long ones share the last.
#[inline(always)]
pub fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_and_keep_lengths_and_anchors_apart() {
        let (lower, upper) = (br"c:\windows\system32\cmd.exe", br"C:\WINDOWS\SYSTEM32\CMD.EXE");
        for len in KEY_LENGTHS {
            let start = anchored_hash(Anchor::Start, &lower[..len]);
            assert_eq!(start, anchored_hash(Anchor::Start, &upper[..len]), "{len}");
            assert_ne!(start, anchored_hash(Anchor::End, &lower[..len]), "{len}");
        }
        for len in 0..lower.len() {
            assert_eq!(exact_hash(&lower[..len]), exact_hash(&upper[..len]), "{len}");
            assert_ne!(exact_hash(&lower[..len]), exact_hash(&lower[..=len]), "{len}");
        }
        assert_ne!(short_hash(Anchor::Start, 0x61, 1), short_hash(Anchor::Start, 0x61, 2));
        assert_eq!(gram_key(*b"Cmd."), gram_key(*b"cMD."));
        assert_eq!(short_key(b"Cm"), short_key(b"cM"));
        assert_ne!(short_key(b"  "), short_key(b"   "));
    }

    #[test]
    fn filters_let_their_keys_pass_and_few_others() {
        for keys in [1usize, 5, 100, 3000] {
            let keys: Vec<u32> = (0..keys as u32).map(|n| n.wrapping_mul(0x85EB_CA6B)).collect();
            let (grams, anchored) = (gram_filter(&keys, 1), anchored_filter(&keys));
            let passes = |key: u32| {
                let (gram, anchor) =
                    (filter_bit(key, grams.len()), anchored_bit(key, anchored.len()));
                (grams[gram.0] >> gram.1 & 1 == 1, anchored[anchor.0] >> anchor.1 & 1 == 1)
            };
            assert!(keys.iter().all(|key| passes(*key) == (true, true)), "{}", keys.len());
            let others = (1..=10_000u32).map(|n| n.wrapping_mul(0xC2B2_AE35) ^ 0x5555);
            let by_chance: (u32, u32) =
                others.map(passes).fold((0, 0), |(a, b), (gram, anchor)| {
                    (a + u32::from(gram), b + u32::from(anchor))
                });
            assert!(by_chance.0 < 1000 && by_chance.1 < 1000, "{} {by_chance:?}", keys.len());
        }
    }

    #[test]
    fn short_literals_are_met_where_they_begin() {
        let literals: Vec<Vec<u8>> = (0..40u8).map(|n| vec![b'a' + n % 26, b'#' + n / 2]).collect();
        let mut all: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
        all.extend([&b"or "[..], b"\xe2\x80\x93", b"\xc3\xa9"]);
        let classes = short_classes(&all);
        let class = |byte: u8| classes[usize::from(byte)];
        for literal in &all {
            for spelled in [literal.to_ascii_lowercase(), literal.to_ascii_uppercase()] {
                let third = spelled.get(2).map_or(u32::MAX, |byte| class(*byte)) >> 16;
                assert_ne!(
                    class(spelled[0]) & class(spelled[1]) >> 8 & third & 0xFF,
                    0,
                    "{spelled:?}"
                );
            }
        }
        assert_eq!(class(b'~') & class(b'~') >> 8 & 0xFF, 0);
    }
}
