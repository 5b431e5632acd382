//! Single values that are looked up.

use super::Search;
use crate::event::fold::fold_into;
use crate::event::word::ends;
use crate::limits::INDICATOR_BYTES;
use crate::ruleset::indicators::hash::State;
use crate::ruleset::indicators::{kind, url};
use std::net::Ipv6Addr;

/// Longest name of a domain or a file.
pub(super) const LONGEST_NAME: usize = 255;

impl Search<'_> {
    /// Whether some of these kinds are looked for in this field.
    #[inline]
    pub(super) fn wants(&self, kinds: u16) -> bool {
        self.kinds & kinds != 0
    }

    /// Looks a value up.
    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        if self.wants(kind::bit(kind))
            && let Some(number) = self.set.find_bytes(kind, bytes)
        {
            self.found(number);
        }
    }

    /// Looks a text of ASCII up, whatever its case.
    fn text(&mut self, kind: u8, state: State, text: &[u8]) {
        let is = |value: &[u8]| value.eq_ignore_ascii_case(text);
        if let Some(number) = self.set.find(kind, state, is) {
            self.found(number);
        }
    }

    /// An IPv4 address and the networks that have it.
    pub(super) fn ipv4(&mut self, octets: [u8; 4]) {
        if !self.set.may_have4(octets) {
            return;
        }
        self.bytes(kind::IPV4, &octets);
        if self.wants(kind::bit(kind::NETWORK4)) {
            let set = self.set;
            set.networks4(octets).for_each(|number| self.found(number));
        }
    }

    /// An IPv6 address and the networks that have it. An IPv4 address in one is that address.
    pub(super) fn ipv6(&mut self, text: &[u8]) {
        let address = std::str::from_utf8(text).ok().and_then(|text| text.parse::<Ipv6Addr>().ok());
        let Some(address) = address else { return };
        if let Some(address) = address.to_ipv4_mapped() {
            return self.ipv4(address.octets());
        }
        let octets = address.octets();
        self.bytes(kind::IPV6, &octets);
        if self.wants(kind::bit(kind::NETWORK6)) {
            let set = self.set;
            set.networks6(octets).for_each(|number| self.found(number));
        }
    }

    /// A name of ASCII, as what there is of these kinds: as a domain with all those above it, and as
    /// the name of a file.
    #[inline]
    pub(super) fn name(&mut self, text: &[u8], kinds: u16) {
        // PERF: most names in statements are those of columns and tables.
        let kinds = self.set.may_end_as(kinds & self.kinds, text);
        if kinds != 0 && text.len() <= LONGEST_NAME {
            self.name_in_full(text, kinds);
        }
    }

    fn name_in_full(&mut self, text: &[u8], kinds: u16) {
        let mut as_domain = kinds & kind::bit(kind::DOMAIN) != 0;
        let mut as_file = kinds & kind::bit(kind::FILE_NAME) != 0;
        let mut state = State::EMPTY;
        let mut at = text.len();
        while at > 0 && text[at - 1] != b'.' {
            at -= 1;
            state.push(text[at].to_ascii_lowercase());
        }
        as_domain &= self.set.may_end_with(kind::DOMAIN, state);
        as_file &= self.set.may_end_with(kind::FILE_NAME, state);
        if !as_domain && !as_file {
            return;
        }
        while at > 0 {
            at -= 1;
            let byte = text[at];
            if byte == b'.' && as_domain {
                self.text(kind::DOMAIN, state, &text[at + 1..]);
            }
            state.push(byte.to_ascii_lowercase());
        }
        if as_domain {
            self.text(kind::DOMAIN, state, text);
        }
        if as_file {
            self.text(kind::FILE_NAME, state, text);
        }
    }

    /// A hash in hexadecimal digits.
    pub(super) fn hash(&mut self, digits: &[u8]) {
        let kind = match digits.len() {
            32 => kind::MD5,
            40 => kind::SHA1,
            64 => kind::SHA256,
            128 => kind::SHA512,
            _ => return,
        };
        let mut bytes = [0; 64];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            let Some((high, low)) = digit(pair[0]).zip(digit(pair[1])) else { return };
            *byte = (high * 16 + low) as u8;
        }
        self.bytes(kind, &bytes[..digits.len() / 2]);
    }

    /// A mail address, folded if it is not of ASCII.
    pub(super) fn email(&mut self, text: &[u8]) {
        if text.len() <= INDICATOR_BYTES && self.wants(kind::bit(kind::EMAIL)) {
            self.folded(kind::EMAIL, text);
        }
    }

    /// Looks a text up, whatever its case.
    fn folded(&mut self, kind: u8, text: &[u8]) {
        if text.is_ascii() {
            return self.text(kind, State::of_lower(text), text);
        }
        let mut folded = std::mem::take(&mut self.seeker.text);
        folded.clear();
        fold_into(text, &mut folded);
        self.bytes(kind, &folded);
        self.seeker.text = folded;
    }

    /// The last part of a path.
    pub(super) fn path(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        let text = text.strip_prefix(b"\"").unwrap_or(text);
        let text = text.strip_suffix(b"\"").unwrap_or(text);
        let start =
            text.iter().rposition(|byte| matches!(byte, b'/' | b'\\')).map_or(0, |at| at + 1);
        let name = &text[start..];
        // Folding makes no character much longer.
        if !name.is_empty() && name.len() <= 2 * LONGEST_NAME {
            self.folded(kind::FILE_NAME, name);
        }
    }

    /// A URL, also without its scheme. Whether it is one.
    pub(super) fn url(&mut self, text: &[u8]) -> bool {
        let mut normal = std::mem::take(&mut self.seeker.text);
        normal.clear();
        let own = url::normalise(text, &mut normal);
        if let Some(own) = own
            && self.wants(kind::bit(kind::URL))
        {
            let mut state = State::EMPTY;
            for (at, &byte) in normal.iter().enumerate().rev() {
                state.push(byte);
                if at == own || at == 0 {
                    let part = &normal[at..];
                    let number = self.set.find(kind::URL, state, |value| value == part);
                    number.into_iter().for_each(|number| self.found(number));
                }
            }
        }
        self.seeker.text = normal;
        own.is_some()
    }

    /// A text that is a URL as a whole, and the host in it.
    pub(super) fn url_text(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        self.url(text);
        if let Some(parts) = url::parts(text) {
            self.words(&text[parts.host]);
        }
    }
}

/// The octets of an IPv4 address: what the standard library takes for one, no zeros in front.
// PERF: addresses differ in where their dots are, so a loop that branches there is guessed wrongly
// several times. The first two parts lie in the first eight bytes, the others in the last eight.
#[inline]
pub(super) fn octets(text: &[u8]) -> Option<[u8; 4]> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
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
    let dots = |digits: u64| {
        let other = digits ^ (ONES * u64::from(b'0' ^ b'.'));
        !(((other & !HIGH) + !HIGH) | other) & HIGH
    };
    let others = |digits: u64| (((digits & !HIGH) + ONES * (0x7f - 9)) | digits) & HIGH;
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
    use super::octets;
    use std::net::Ipv4Addr;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        let parts =
            ["", "0", "00", "01", "7", "10", "99", "100", "255", "256", "999", "1000", "a", "-1"];
        let joined = |texts: &[&str]| texts.join(".");
        let mut found = 0;
        for a in parts {
            for b in parts {
                for c in parts {
                    for d in parts {
                        let texts =
                            [joined(&[a, b, c, d]), joined(&[a, b, c]), joined(&[a, b, c, d, a])];
                        for text in texts {
                            let expected = text.parse::<Ipv4Addr>().ok().map(|ip| ip.octets());
                            assert_eq!(octets(text.as_bytes()), expected, "{text}");
                            found += u32::from(expected.is_some());
                        }
                    }
                }
            }
        }
        assert_eq!(found, 6u32.pow(4));
    }

    #[test]
    fn what_is_nearly_an_address_is_none() {
        let mut number = 7u64;
        let mut next = |below: usize| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (number >> 33) as usize % below
        };
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
            let parsed = std::str::from_utf8(&text).ok().and_then(|t| t.parse::<Ipv4Addr>().ok());
            let expected = parsed.map(|address| address.octets());
            assert_eq!(octets(&text), expected, "{:?}", text.escape_ascii().to_string());
            found += u32::from(expected.is_some());
        }
        assert!(found > rounds / 8 && found < rounds / 2, "{found}");
    }
}
