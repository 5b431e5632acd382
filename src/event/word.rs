//! Bytes as integers of 64 bits, the first byte lowest.

/// The lowest bit of each byte.
pub const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
pub const HIGHEST: u64 = ONES << 7;

/// The highest bits of the bytes that are this one.
#[inline(always)]
pub fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * u64::from(byte));
    // The sum has the highest bit unless the other bits are zeros.
    !(((other & !HIGHEST) + !HIGHEST) | other) & HIGHEST
}

/// The first eight bytes as an integer; if there are fewer, as if zeros followed.
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

/// The first and the last eight bytes of a text, or all if it has no more.
#[inline(always)]
pub fn ends(text: &[u8]) -> [u64; 2] {
    [load(text), load(&text[text.len() - text.len().min(8)..])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_told_from_all_others() {
        for byte in 0..=u8::MAX {
            for other in 0..=u8::MAX {
                let word = u64::from_le_bytes([byte, other, other, byte, other, byte, byte, other]);
                let mark = |is_equal| if is_equal { 0x80 } else { 0 };
                let (own, rest) = (0x80, mark(byte == other));
                let right = u64::from_le_bytes([own, rest, rest, own, rest, own, own, rest]);
                assert_eq!(equal(word, byte), right, "{byte} {other}");
            }
        }
    }

    #[test]
    fn bytes_are_read_as_they_lie() {
        let text: Vec<u8> = (1..=20).collect();
        for len in 0..=text.len() {
            let integer = |bytes: &[u8]| {
                bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
            };
            let (text, known) = (&text[..len], len.min(8));
            assert_eq!(load(text), integer(&text[..known]));
            assert_eq!(ends(text), [integer(&text[..known]), integer(&text[len - known..])]);
        }
    }
}
