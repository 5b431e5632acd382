//! Single values that are looked up.

use super::Search;
use crate::event::fold::fold_into;
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
