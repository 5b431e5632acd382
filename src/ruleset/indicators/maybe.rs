//! What most values are told from before the table is asked: the ends of the names and the beginnings
//! of the networks that are in it.

use super::hash::State;
use super::kind;

/// Bits of a filter of labels. Names in large feeds end in some hundred labels.
const LABELS: usize = 4096;
/// Pairs of bytes, of each six bits: letters of both cases alike, and digits.
const PAIRS: usize = 1 << 12;
/// Addresses and networks of IPv4 are told by their first 16 bits.
const BLOCKS: usize = 1 << 16;

/// Filters. What is not in them is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Maybe {
    domains: Bits,
    files: Bits,
    /// The last two bytes of domains and of files' names.
    domain_ends: Bits,
    file_ends: Bits,
    networks4: Bits,
    /// Of addresses and networks.
    addresses4: Bits,
}

impl Maybe {
    /// Adds a value.
    pub fn add(&mut self, kind: u8, value: &[u8]) {
        match (kind, value) {
            (kind::DOMAIN, _) => {
                self.domains.set(label_bit(last_label(value)), LABELS);
                add_pair(&mut self.domain_ends, value);
            }
            (kind::FILE_NAME, _) => {
                self.files.set(label_bit(last_label(value)), LABELS);
                add_pair(&mut self.file_ends, value);
            }
            (kind::IPV4, &[a, b, _, _]) => {
                self.addresses4.set(usize::from(u16::from_be_bytes([a, b])), BLOCKS);
            }
            (kind::NETWORK4, &[a, b, _, _, length]) => {
                // A network with fewer bits has several blocks.
                let first = usize::from(u16::from_be_bytes([a, b]));
                let blocks = 1usize << (16 - length.min(16));
                for block in first..(first + blocks).min(BLOCKS) {
                    self.networks4.set(block, BLOCKS);
                    self.addresses4.set(block, BLOCKS);
                }
            }
            _ => {}
        }
    }

    /// Whether a name may end with the label of a state.
    #[inline]
    pub fn ends_with(&self, kind: u8, label: State) -> bool {
        match kind {
            kind::DOMAIN => self.domains.has(label_bit(label)),
            _ => self.files.has(label_bit(label)),
        }
    }

    /// Of domains and names of files, those that may end as this text of ASCII does.
    #[inline]
    pub fn ends_as(&self, kinds: u16, text: &[u8]) -> u16 {
        // A name of one byte has every pair that ends in it.
        let pair = match *text {
            [.., before, last] => pair_bit(&[before, last]),
            [last] => pair_bit(&[0, last]),
            [] => return 0,
        };
        let mut these = 0;
        if kinds & kind::bit(kind::DOMAIN) != 0 && self.domain_ends.has(pair) {
            these |= kind::bit(kind::DOMAIN);
        }
        if kinds & kind::bit(kind::FILE_NAME) != 0 && self.file_ends.has(pair) {
            these |= kind::bit(kind::FILE_NAME);
        }
        these
    }

    /// Whether an address may be there, or in a network.
    #[inline]
    pub fn has_address4(&self, address: [u8; 4]) -> bool {
        self.addresses4.has(usize::from(u16::from_be_bytes([address[0], address[1]])))
    }

    /// Whether an address may be in a network.
    #[inline]
    pub fn has_network4(&self, address: [u8; 4]) -> bool {
        self.networks4.has(usize::from(u16::from_be_bytes([address[0], address[1]])))
    }
}

/// The state of what is behind the last dot of a name, or of all of it.
fn last_label(name: &[u8]) -> State {
    let start = name.iter().rposition(|byte| *byte == b'.').map_or(0, |at| at + 1);
    State::of(&name[start..])
}

#[inline(always)]
fn label_bit(label: State) -> usize {
    (label.finish(0) >> 52) as usize
}

/// Adds the end of a name.
fn add_pair(ends: &mut Bits, name: &[u8]) {
    match *name {
        [.., before, last] => ends.set(pair_bit(&[before, last]), PAIRS),
        // What it is the end of may have any byte before it.
        [last] => (0..=u8::MAX).for_each(|before| ends.set(pair_bit(&[before, last]), PAIRS)),
        [] => {}
    }
}

#[inline(always)]
fn pair_bit(pair: &[u8; 2]) -> usize {
    let [before, last] = pair.map(|byte| usize::from(byte & 0x1f | byte >> 1 & 0x20));
    before << 6 | last
}

/// A set of numbers; without memory while it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number below `count`.
    fn set(&mut self, number: usize, count: usize) {
        if self.0.is_empty() {
            self.0.resize(count.div_ceil(64), 0);
        }
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    #[inline]
    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_added_may_be_there_and_little_else() {
        let mut maybe = Maybe::default();
        assert!(!maybe.ends_with(kind::DOMAIN, State::of(b"example")));
        maybe.add(kind::DOMAIN, b"a.b.example");
        maybe.add(kind::DOMAIN, b"test");
        maybe.add(kind::FILE_NAME, b"evil.dll");
        maybe.add(kind::FILE_NAME, b"payload");
        for label in ["example", "test"] {
            assert!(maybe.ends_with(kind::DOMAIN, State::of(label.as_bytes())));
        }
        for label in ["dll", "payload"] {
            assert!(maybe.ends_with(kind::FILE_NAME, State::of(label.as_bytes())));
        }
        let others = (0..1000).map(|number| format!("x{number}"));
        let mistaken =
            others.filter(|label| maybe.ends_with(kind::DOMAIN, State::of(label.as_bytes())));
        assert!(mistaken.count() <= 10);
    }

    #[test]
    fn every_block_of_a_network_is_known() {
        let mut maybe = Maybe::default();
        for (address, length) in [([10, 0, 0, 0], 8), ([192, 0, 2, 0], 24), ([172, 16, 0, 0], 12)] {
            let [a, b, c, d] = address;
            maybe.add(kind::NETWORK4, &[a, b, c, d, length]);
        }
        for block in 0..=u16::MAX {
            let [a, b] = block.to_be_bytes();
            let expected = a == 10 || (a, b) == (192, 0) || a == 172 && (16..32).contains(&b);
            assert_eq!(maybe.has_network4([a, b, 1, 1]), expected, "{a}.{b}");
        }
        maybe.add(kind::NETWORK4, &[0, 0, 0, 0, 0]);
        assert!(maybe.has_network4([255, 255, 255, 255]));
    }

    #[test]
    fn names_are_told_by_their_ends_whatever_their_case() {
        let mut maybe = Maybe::default();
        let both = kind::bit(kind::DOMAIN) | kind::bit(kind::FILE_NAME);
        assert_eq!(maybe.ends_as(both, b"a.example"), 0);
        assert_eq!(maybe.ends_as(both, b""), 0);
        maybe.add(kind::DOMAIN, b"evil.example");
        maybe.add(kind::DOMAIN, b"a.xn--9");
        maybe.add(kind::FILE_NAME, b"run_-");
        maybe.add(kind::FILE_NAME, b"z");
        for (kind, text, expected) in [
            (kind::DOMAIN, &b"evil.example"[..], true),
            (kind::DOMAIN, b"EVIL.EXAMPLE", true),
            (kind::DOMAIN, b"le", true),
            (kind::DOMAIN, b"e", false),
            (kind::DOMAIN, b"o.id", false),
            (kind::DOMAIN, b"A.XN--9", true),
            (kind::DOMAIN, b"203.0.113.66", false),
            (kind::DOMAIN, b"run_-", false),
            (kind::FILE_NAME, b"RUN_-", true),
            (kind::FILE_NAME, b"z", true),
            (kind::FILE_NAME, b"Z", true),
            (kind::FILE_NAME, b"a.Z", true),
            (kind::FILE_NAME, b"a.y", false),
        ] {
            let kind = kind::bit(kind);
            let own = maybe.ends_as(kind, text);
            let shown = text.escape_ascii();
            assert_eq!(own, if expected { kind } else { 0 }, "{kind} {shown}");
            assert_eq!(maybe.ends_as(both, text) & kind, own, "{kind} {shown}");
            assert_eq!(maybe.ends_as(both & !kind, text) & kind, 0);
        }
    }

    #[test]
    fn addresses_are_told_by_their_blocks() {
        let mut maybe = Maybe::default();
        maybe.add(kind::IPV4, &[203, 0, 113, 66]);
        maybe.add(kind::NETWORK4, &[10, 0, 0, 0, 8]);
        for block in 0..=u16::MAX {
            let [a, b] = block.to_be_bytes();
            let expected = a == 10 || (a, b) == (203, 0);
            assert_eq!(maybe.has_address4([a, b, 7, 7]), expected, "{a}.{b}");
            assert_eq!(maybe.has_network4([a, b, 7, 7]), a == 10, "{a}.{b}");
        }
    }
}
