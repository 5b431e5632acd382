//! Where in a text something may be looked up: the first pass, which sees every byte.
//!
//! Nothing that is looked up is without a *mark*: a dot, a separator, or as many digits as a hash
//! has. Which marks count depends on the kinds that are looked for.

use crate::ruleset::indicators::kind;

/// The classes of marks: what of a text is worth taking apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::engine) struct Marks(pub u8);

impl Marks {
    /// In addresses, and in names of domains and files.
    pub const DOT: u8 = 1;
    /// Before the name of a file that has no dot; so is a backslash.
    pub const SLASH: u8 = 2;
    pub const BACKSLASH: u8 = 4;
    /// In mail addresses.
    pub const AT: u8 = 8;
    /// In IPv6 addresses and URLs.
    pub const COLON: u8 = 16;
    /// A hexadecimal digit. A single one is no mark, a whole half of a block of them is.
    pub const HEX: u8 = 32;

    /// Those of what is looked for.
    pub const fn of(kinds: u16) -> Marks {
        let mut marks = 0;
        if kinds & (kind::ADDRESSES | kind::bit(kind::DOMAIN) | kind::bit(kind::FILE_NAME)) != 0 {
            marks |= Marks::DOT;
        }
        if kinds & kind::bit(kind::FILE_NAME) != 0 {
            marks |= Marks::SLASH | Marks::BACKSLASH;
        }
        if kinds & kind::bit(kind::EMAIL) != 0 {
            marks |= Marks::AT;
        }
        if kinds & (kind::ADDRESSES | kind::bit(kind::URL)) != 0 {
            marks |= Marks::COLON;
        }
        if kinds & kind::HASHES != 0 {
            marks |= Marks::HEX;
        }
        Marks(marks)
    }

    /// The class of a byte, 0 for most.
    pub const fn class(byte: u8) -> u8 {
        match byte {
            b'.' => Marks::DOT,
            b'/' => Marks::SLASH,
            b'\\' => Marks::BACKSLASH,
            b'@' => Marks::AT,
            b':' => Marks::COLON,
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => Marks::HEX,
            _ => 0,
        }
    }
}

static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = Marks::class(at as u8);
        at += 1;
    }
    table
};

/// Digits in a row that are a mark: of the shortest hash, wherever it begins, so many stand in one
/// place.
pub(in crate::engine) const HEX_RUN: usize = 16;

/// The first mark at or behind `at`: one of these bytes, or a stretch of digits of which each hash has
/// one. What it is in may begin further to the left, but not before `at`.
///
/// By the instructions of every processor; see [`next_mark`](crate::engine::vector::next_mark).
pub(in crate::engine) fn next_mark_plain(
    Marks(marks): Marks,
    text: &[u8],
    mut at: usize,
) -> Option<usize> {
    // PERF: a loop of known length without branches, two instructions a byte. Comparisons instead
    // of the table become vector code, but of many more.
    let classes = |chunk: &[u8; HEX_RUN]| {
        let (mut any, mut all) = (0, u8::MAX);
        for &byte in chunk {
            let class = CLASSES[byte as usize];
            any |= class;
            all &= class;
        }
        (any & marks & !Marks::HEX != 0, all & marks & Marks::HEX != 0)
    };
    let is_mark = |byte: &u8| CLASSES[*byte as usize] & marks & !Marks::HEX != 0;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let (has_marks, is_hex) = classes(chunk);
        if has_marks {
            return chunk.iter().position(is_mark).map(|place| at + place);
        }
        if is_hex {
            return Some(at);
        }
        at += HEX_RUN;
    }
    let rest = text.get(at..).unwrap_or(&[]);
    // With some that were looked at: no mark is among those.
    if text.last_chunk().is_some_and(|chunk| !classes(chunk).0) {
        return None;
    }
    rest.iter().position(is_mark).map(|place| at + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Vectors;
    use crate::engine::vector::next_mark;
    use crate::rng::Rng;

    /// What [`next_mark`] is, byte by byte.
    fn slowly(Marks(marks): Marks, text: &[u8], at: usize) -> Option<usize> {
        let single = |at: &usize| Marks::class(text[*at]) & marks & !Marks::HEX != 0;
        let is_hex = |run: &[u8]| run.iter().all(u8::is_ascii_hexdigit);
        let run = |at: &usize| marks & Marks::HEX != 0 && is_hex(&text[*at..*at + HEX_RUN]);
        let runs = (at..(text.len() + 1).saturating_sub(HEX_RUN)).step_by(HEX_RUN).find(run);
        let mark = (at..text.len()).find(single);
        mark.into_iter().chain(runs).min()
    }

    fn same(marks: Marks, text: &[u8]) -> usize {
        let mut found = 0;
        for at in 0..=text.len() {
            let expected = slowly(marks, text, at);
            for vectors in [Vectors::Plain, Vectors::Avx2] {
                let own = next_mark(vectors, marks, text, at);
                let text = text.escape_ascii();
                assert_eq!(own, expected, "{vectors:?} {marks:?} from {at} of \"{text}\"");
            }
            found += usize::from(expected.is_some());
        }
        found
    }

    #[test]
    fn every_byte_is_of_its_class_everywhere() {
        for byte in 0..=u8::MAX {
            for marks in 0..64 {
                let around = if marks & Marks::HEX != 0 { b'f' } else { b'g' };
                for len in [1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 70] {
                    // Among digits and among letters, at both ends and within.
                    for place in [0, len / 2, len - 1] {
                        let mut text = vec![around; len];
                        text[place] = byte;
                        let expected = slowly(Marks(marks), &text, 0);
                        for vectors in [Vectors::Plain, Vectors::Avx2] {
                            let own = next_mark(vectors, Marks(marks), &text, 0);
                            assert_eq!(
                                own, expected,
                                "{vectors:?} {byte:#x} {marks} {place}/{len}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn marks_are_found_wherever_they_stand() {
        let mut rng = Rng::new(5);
        let mut next = |below: usize| rng.below(below);
        let mut found = 0;
        for round in 0..if cfg!(debug_assertions) { 3_000u32 } else { 60_000 } {
            let (len, rare) = (next(130), 1 + next(60));
            let mut text: Vec<u8> = Vec::new();
            while text.len() < len {
                match next(rare) {
                    0 => text.push(b"./\\@:"[next(5)]),
                    1 => text.extend((0..next(50)).map(|_| b"0123456789abcdefABCDEF"[next(22)])),
                    _ => text.push(b" ghxyzGZ_-'\x2c\x8e\xae\xdc\xff\0"[next(17)]),
                }
            }
            found += same(Marks((round % 64) as u8), &text);
        }
        assert!(found > 10_000, "{found}");
    }

    #[test]
    fn no_hash_is_passed_over() {
        for len in [32, 40, 64, 128] {
            for before in 0..70 {
                for behind in [0, 1, 15, 16, 31, 32, 33] {
                    let mut text = vec![b' '; before];
                    text.extend((0..len).map(|at| b"0a1B2c3D4e5F"[at % 12]));
                    text.extend(vec![b'g'; behind]);
                    for vectors in [Vectors::Plain, Vectors::Avx2] {
                        for at in 0..=before {
                            let mark = next_mark(vectors, Marks::of(kind::HASHES), &text, at);
                            let is_in = mark.is_some_and(|mark| mark >= before);
                            assert!(is_in && mark < Some(before + len), "{mark:?} {before} {len}");
                        }
                    }
                }
            }
        }
    }
}
