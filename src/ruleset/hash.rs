//! The hashes of the index, shared by the compiler that fills the tables and the engine that
//! asks them. They are part of the file format.

/// Lengths of prefix and suffix keys, longest first. A literal uses the longest that it fills:
/// keys of four bytes alone would put every `.exe` into one bucket.
pub const KEY_LENGTHS: [usize; 6] = [8, 6, 4, 3, 2, 1];

/// A gram's hash: its word and bit in the filter, and its first slot.
#[inline]
pub fn gram_hash(gram: u32) -> u32 {
    ((u64::from(gram).wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 32) as u32
}

/// Word of the filter, to be masked, and the bit in it. One bit in a filter of 64 bits per entry
/// costs fewer instructions per byte than two bits in a filter of half the size.
#[inline]
pub fn filter_bit(hash: u32) -> (u32, u32) {
    (hash >> 5, hash & 31)
}

/// First slot of a hash in a table.
#[inline]
pub fn first_slot(hash: u32, mask: u32) -> u32 {
    (hash >> 4) & mask
}

/// The key of a literal of 1 to 3 bytes.
#[inline]
pub fn short_key(bytes: &[u8]) -> u32 {
    let mut key = (bytes.len() as u32) << 24;
    for (shift, &byte) in bytes.iter().enumerate() {
        key |= u32::from(byte) << (8 * shift);
    }
    key
}

/// What the filter of short literals is asked for: the first two bytes, or the only one.
#[inline]
pub fn short_filter_key(bytes: &[u8]) -> u32 {
    match *bytes {
        [a, b, ..] => pair_filter_key(u32::from(a) | u32::from(b) << 8),
        [a] => u32::from(a),
        [] => u32::MAX,
    }
}

/// The same for the first two bytes of a short literal, as an integer.
#[inline]
pub fn pair_filter_key(pair: u32) -> u32 {
    pair | 1 << 16
}

/// Up to eight bytes as an integer.
#[inline]
pub fn load(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*eight);
    }
    let mut raw = [0; 8];
    raw[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(raw)
}

#[inline]
fn mix(a: u64, b: u64) -> u32 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xD6E8_FEB8_6659_FD93);
    let folded = (product as u64) ^ (product >> 64) as u64;
    (folded >> 32) as u32
}

/// The hash of a prefix or suffix key of `len` bytes held in `key`.
#[inline]
pub fn anchored_hash(key: u64, len: usize) -> u32 {
    mix(key, len as u64)
}

/// The hash of a whole text: its length, first and last bytes. Longer texts that agree on these
/// share a bucket and are told apart by comparing them.
#[inline]
pub fn exact_hash(text: &[u8]) -> u32 {
    let last = load(&text[text.len() - text.len().min(8)..]);
    mix(load(&text[..text.len().min(8)]), last.rotate_left(17) ^ text.len() as u64)
}
