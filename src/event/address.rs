//! IP addresses in texts: what the standard library takes for one.

use std::net::{IpAddr, Ipv4Addr};

/// The address that a text is. The bytes need not be UTF-8.
#[inline]
pub fn parse(text: &[u8]) -> Option<IpAddr> {
    // PERF: nearly all addresses of logs are of version 4.
    match ipv4(text) {
        Some(address) => Some(IpAddr::V4(address)),
        None => parse_other(text),
    }
}

/// Whether a text is an address.
#[inline]
pub fn is_address(text: &[u8]) -> bool {
    ipv4(text).is_some() || parse_other(text).is_some()
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

/// The IPv4 address that a text is: four numbers without zeros in front.
///
/// PERF: the standard library wants a text that was checked, and takes several times as long.
#[inline]
pub fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    // The shortest and the longest; and no look at a name.
    if !(7..=15).contains(&text.len()) || text[0].wrapping_sub(b'0') > 9 {
        return None;
    }
    octets(text).map(Ipv4Addr::from)
}

#[inline(never)]
fn octets(text: &[u8]) -> Option<[u8; 4]> {
    let digit = |at: usize| {
        let digit = text.get(at)?.wrapping_sub(b'0');
        (digit <= 9).then_some(u32::from(digit))
    };
    let mut octets = [0; 4];
    // Where the next number begins.
    let mut at = 0;
    for octet in &mut octets {
        if at > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut value = digit(at)?;
        at += 1;
        if let Some(second) = digit(at) {
            if value == 0 {
                return None;
            }
            value = value * 10 + second;
            at += 1;
            if let Some(third) = digit(at) {
                value = value * 10 + third;
                at += 1;
            }
        }
        *octet = u8::try_from(value).ok()?;
    }
    (at == text.len()).then_some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
