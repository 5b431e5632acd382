//! IP addresses in texts: what the standard library takes for one.

use super::word::{HIGHEST, ONES, ends, equal};
use std::net::{IpAddr, Ipv4Addr};

/// The address that a text is. The bytes need not be UTF-8.
#[inline]
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    // PERF: nearly all addresses of logs are of version 4.
    match octets(text) {
        Some(octets) => Some(IpAddr::V4(Ipv4Addr::from(octets))),
        None => parse_other(text),
    }
}

/// Whether a text is an address.
#[inline]
pub fn is_address(text: &[u8]) -> bool {
    octets(text).is_some() || parse_other(text).is_some()
}

/// The address that a text is which is none of version 4.
#[inline(never)]
fn parse_other(text: &[u8]) -> Option<IpAddr> {
    // Every other address has a colon.
    if !text.contains(&b':') {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The octets of the IPv4 address that a text is: four numbers without zeros in front.
///
/// PERF: the standard library wants a text that was checked, and takes several times as long. Addresses
/// differ in where their dots are, so a loop that branches there is guessed wrongly several times. The
/// first two parts lie in the first eight bytes, the others in the last eight.
#[inline]
pub fn octets(text: &[u8]) -> Option<[u8; 4]> {
    // The shortest and the longest.
    if !(7..=15).contains(&text.len()) {
        return None;
    }
    let [mut first, mut last] = ends(text);
    if text.len() == 7 {
        // A digit behind the end.
        first |= u64::from(b'0') << 56;
        last = first;
    }
    let zeros = ONES * u64::from(b'0');
    let (first, last) = (first ^ zeros, last ^ zeros);
    // Of each byte its high bit: whether it is a dot, and whether it is no digit.
    let dots = |digits: u64| equal(digits, b'0' ^ b'.');
    let others = |digits: u64| (((digits & !HIGHEST) + ONES * (0x7f - 9)) | digits) & HIGHEST;
    let (dots_first, dots_last) = (dots(first), dots(last));
    if (others(first) ^ dots_first) | (others(last) ^ dots_last) != 0 {
        return None;
    }
    // A bit for each byte.
    let one_by_one = |dots: u64| ((dots >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32;
    let behind = text.len().saturating_sub(8) as u32;
    let dots = one_by_one(dots_first) | one_by_one(dots_last) << behind;
    // Each without the dots before it; behind the last there is none.
    let second = dots & dots.wrapping_sub(1);
    let third = second & second.wrapping_sub(1);
    if third == 0 || third & (third - 1) != 0 {
        return None;
    }
    let ends = [dots, second, third].map(u32::trailing_zeros);
    let len = text.len() as u32;
    let parts = [
        part(first, ends[0], ends[0]),
        part(first, ends[1], ends[1] - ends[0] - 1),
        part(last, ends[2].wrapping_sub(behind), ends[2] - ends[1] - 1),
        part(last, len - behind, len - ends[2] - 1),
    ];
    let is_address = parts.iter().fold(true, |all, (_, is_octet)| all & is_octet);
    is_address.then_some(parts.map(|(octet, _)| octet))
}

/// For parts of each length in bytes their place in the word, and the least value that needs it: there
/// are no zeros in front, and no octet is larger than 255.
const PARTS: [(u32, u32); 16] = {
    let mut parts = [(0, 256); 16];
    (parts[1], parts[2], parts[3]) = ((0xff_0000, 0), (0xff_ff00, 10), (0xff_ffff, 100));
    parts
};

/// The value of the `len` digits before the byte at `end`, and whether that is an octet.
#[inline(always)]
fn part(digits: u64, end: u32, len: u32) -> (u8, bool) {
    let (place, least) = PARTS[len as usize % PARTS.len()];
    // Hundreds, tens and units, from the lowest byte to the highest.
    let own = (digits.wrapping_shl(64u32.wrapping_sub(end.wrapping_mul(8))) >> 40) as u32 & place;
    let value = (own & 0xff) * 100 + (own >> 8 & 0xff) * 10 + (own >> 16);
    (value as u8, (value >= least) & (value < 256))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn assert_agrees(text: &[u8]) -> bool {
        let expected = std::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok());
        assert_eq!(parse(text), expected, "{:?}", text.escape_ascii());
        assert_eq!(is_address(text), expected.is_some(), "{:?}", text.escape_ascii());
        expected.is_some()
    }

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        let parts = [
            "", "0", "00", "01", "7", "10", "99", "100", "199", "249", "255", "256", "999", "1000",
            "0255", "a", "-1", "+1", " 1", "1 ", "\u{661}", ":", "::1",
        ];
        let mut found = 0;
        for a in parts {
            for b in parts {
                for c in parts {
                    for d in parts {
                        let whole = [a, b, c, d].join(".");
                        for text in [&whole, &[a, b, c].join("."), &[&whole, a].join(".")] {
                            found += u32::from(assert_agrees(text.as_bytes()));
                        }
                    }
                }
            }
        }
        // Four of eight numbers, or `::1` and three.
        assert_eq!(found, 8u32.pow(4) + 8u32.pow(3));
    }

    #[test]
    fn every_short_text_of_what_addresses_are_made_of() {
        // Every text of up to eight of these bytes, and what becomes of addresses with any byte
        // in the place of any other.
        let bytes = *b"012.5:";
        let mut found = 0;
        for len in 0..=8u32 {
            for number in 0..6usize.pow(len) {
                let at = |place: u32| bytes[number / 6usize.pow(place) % 6];
                let text: Vec<u8> = (0..len).map(at).collect();
                found += u32::from(assert_agrees(&text));
            }
        }
        assert!(found > 1000, "{found}");
        let good = ["203.0.113.9", "255.255.255.255", "0.0.0.0", "2001:db8::1", "::ffff:1.2.3.4"];
        for text in good {
            assert!(assert_agrees(text.as_bytes()));
            for at in 0..text.len() {
                for byte in 0..=u8::MAX {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    assert_agrees(&changed);
                    changed.insert(at, byte);
                    assert_agrees(&changed);
                }
                assert_agrees(&text.as_bytes()[at..]);
                assert_agrees(&text.as_bytes()[..at]);
            }
        }
    }

    #[test]
    fn what_is_nearly_an_address_is_none() {
        let mut rng = Rng::new(7);
        let mut next = |below: usize| rng.below(below);
        let alphabet = b"0123456789.12345678925.01./:;-a\0\x7f\x80\xae\xb0\xff";
        let rounds = if cfg!(debug_assertions) { 300_000 } else { 3_000_000 };
        let mut found = 0;
        for round in 0..rounds {
            let mut text: Vec<u8> = match round % 2 {
                0 => [0; 4].map(|_| next(270).to_string()).join(".").into_bytes(),
                _ => (0..next(18)).map(|_| alphabet[next(21)]).collect(),
            };
            for _ in 0..next(3) {
                let at = next(text.len() + 1);
                match next(3) {
                    0 => text.insert(at, alphabet[next(alphabet.len())]),
                    1 if at < text.len() => text[at] = alphabet[next(alphabet.len())],
                    _ if at < text.len() => drop(text.remove(at)),
                    _ => {}
                }
            }
            found += u32::from(assert_agrees(&text));
        }
        assert!(found > rounds / 8 && found < rounds / 2, "{found}");
    }
}
