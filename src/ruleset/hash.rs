//! The hashes of the index, shared by the compiler that fills the tables and the engine that
//! asks them. They are part of the file format.

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

/// The key of a literal of three bytes. It is in the table of grams: the highest byte of a gram's key
/// is never 0.
#[inline(always)]
pub fn triple_key(bytes: [u8; 3]) -> u32 {
    let [a, b, c] = bytes;
    u32::from_le_bytes([a, b, c, 0]) | 0x0020_2020
}

/// The keys of all grams that begin with a triple.
fn grams_of_triple(key: u32) -> impl Iterator<Item = u32> {
    (0..=255u32).filter(|last| last & 0x20 != 0).map(move |last| key | last << 24)
}

/// The filter that lets the grams of these keys pass, of which some may be triples. It has
/// `words_per_gram` words for each while the largest size allows: the fewer bits are set, the fewer
/// grams pass by chance.
pub fn gram_filter(keys: impl IntoIterator<Item = u32>, words_per_gram: usize) -> Vec<u32> {
    let mut grams = Vec::new();
    for key in keys {
        match key >> 24 {
            0 => grams.extend(grams_of_triple(key)),
            _ => grams.push(key),
        }
    }
    let enough = |words: &usize| *words >= grams.len() * words_per_gram;
    let largest = FILTER_WORDS[FILTER_WORDS.len() - 1];
    let mut filter = vec![0; FILTER_WORDS.into_iter().find(enough).unwrap_or(largest)];
    for gram in grams {
        let (word, bit) = filter_bit(gram_hash(gram), filter.len());
        filter[word] |= 1 << bit;
    }
    filter
}

/// A gram's hash: the highest bits choose a word and a bit of the filter, bits from 32 on the first
/// slot.
#[inline(always)]
pub fn gram_hash(key: u32) -> u64 {
    u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The first slot of a gram or of a short literal.
#[inline(always)]
pub fn gram_slot(key: u32, mask: u32) -> u32 {
    (gram_hash(key) >> 32) as u32 & mask
}

/// Word and bit of a gram in a filter of `words` words, a power of two. One bit in a filter of many
/// bits per entry costs fewer instructions per byte than two bits in a smaller one.
#[inline(always)]
pub fn filter_bit(hash: u64, words: usize) -> (usize, u32) {
    let shift = 64 - words.trailing_zeros();
    ((hash >> shift) as usize, (hash >> (shift - 5)) as u32 & 31)
}

/// First slot of an anchored hash in a table.
#[inline]
pub fn first_slot(hash: u32, mask: u32) -> u32 {
    (hash >> 4) & mask
}

/// The key of a literal of one or two bytes.
#[inline]
pub fn short_key(bytes: &[u8]) -> u32 {
    let mut key = (bytes.len() as u32) << 24;
    for (shift, &byte) in bytes.iter().enumerate() {
        key |= u32::from(byte) << (8 * shift);
    }
    key
}

/// Removes the bit that tells the cases of a letter apart, as [`gram_key`] does.
pub const CASELESS: u64 = 0x2020_2020_2020_2020;

/// Up to eight bytes as an integer, with zeros behind them.
#[inline(always)]
pub fn load(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*eight);
    }
    // PERF: two loads that overlap; a copy of a length that is not known is a call.
    let len = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(*last));
        return u64::from(u32::from_le_bytes(*first)) | last << (8 * (len - 4));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<2>(), bytes.last_chunk::<2>()) {
        let last = u64::from(u16::from_le_bytes(*last));
        return u64::from(u16::from_le_bytes(*first)) | last << (8 * (len - 2));
    }
    bytes.first().map_or(0, |byte| u64::from(*byte))
}

#[inline]
fn mix(a: u64, b: u64) -> u32 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD6E8_FEB8_6659_FD93);
    let folded = (product as u64) ^ (product >> 64) as u64;
    (folded >> 32) as u32
}

/// The hash of a prefix or suffix key, one of [`KEY_LENGTHS`] bytes, without regard to case.
#[inline]
pub fn anchored_hash(key: &[u8]) -> u32 {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes) | CASELESS;
    match key.as_chunks::<8>() {
        ([a, b, c], []) => mix(word(a), word(b).rotate_left(21) ^ word(c)),
        ([a, b], []) => mix(word(a), word(b)),
        _ => short_hash(load(key), key.len()),
    }
}

/// [`anchored_hash`] of at most 8 bytes held in `key`, with zeros behind them.
#[inline(always)]
pub fn short_hash(key: u64, len: usize) -> u32 {
    // Where no byte is, none gets the bit of case.
    let present = u64::MAX >> (64 - 8 * len.clamp(1, 8));
    mix(key | CASELESS & present, len as u64)
}

/// The hash of a whole text without regard to case: its length, first and last bytes. Longer texts
/// that agree on these share a bucket and are told apart by comparing them.
#[inline]
pub fn exact_hash(text: &[u8]) -> u32 {
    let last = load(&text[text.len() - text.len().min(8)..]) | CASELESS;
    mix(load(&text[..text.len().min(8)]) | CASELESS, last.rotate_left(17) ^ text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_are_read_as_if_zeros_followed() {
        let bytes = [0x81, 2, 3, 0xff, 5, 6, 7, 8, 9];
        for len in 0..=bytes.len() {
            let mut padded = [0; 8];
            let known = len.min(8);
            padded[..known].copy_from_slice(&bytes[..known]);
            assert_eq!(load(&bytes[..len]), u64::from_le_bytes(padded), "{len}");
        }
    }

    #[test]
    fn keys_ignore_case_and_keep_lengths_apart() {
        let (lower, upper) = (br"c:\windows\system32\cmd.exe", br"C:\WINDOWS\SYSTEM32\CMD.EXE");
        for len in KEY_LENGTHS {
            assert_eq!(anchored_hash(&lower[..len]), anchored_hash(&upper[..len]), "{len}");
        }
        for len in 0..lower.len() {
            assert_eq!(exact_hash(&lower[..len]), exact_hash(&upper[..len]), "{len}");
            assert_ne!(exact_hash(&lower[..len]), exact_hash(&lower[..=len]), "{len}");
        }
        assert_ne!(short_hash(0x61, 1), short_hash(0x61, 2));
        assert_eq!(gram_key(*b"Cmd."), gram_key(*b"cMD."));
        let key = triple_key(*b"CMD");
        assert!(grams_of_triple(key).any(|gram| gram == gram_key(*b"cmd ")));
        assert!(grams_of_triple(key).all(|gram| gram >> 24 != 0), "as a triple's own key");
    }
}
