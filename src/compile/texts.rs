//! Texts that a literal can be looked for in, and where their grams occur.

use super::pattern::{Pattern, Piece};
use foldhash::HashMap;
use memchr::memmem;
use std::sync::OnceLock;

/// Folded texts with the number of times that each was seen.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    lines: Vec<(Vec<u8>, u32)>,
    grams: HashMap<[u8; 4], Occurrences>,
    seen: u64,
    /// Counted when it is first asked for.
    bytes: OnceLock<Bytes>,
}

/// How often each byte occurs, and each pair of bytes.
#[derive(Debug, Clone, Default)]
struct Bytes {
    all: f64,
    single: HashMap<u8, f64>,
    pairs: HashMap<[u8; 2], f64>,
}

/// How often each byte counts as followed by any other, see [`Texts::chance`].
const FEW: f64 = 4.0;

/// Where a gram occurs.
#[derive(Debug, Clone, Default)]
struct Occurrences {
    count: u64,
    /// Lines in ascending order, each once.
    lines: Vec<u32>,
}

impl Texts {
    /// Texts, each once, and how often each was seen.
    pub fn new(lines: Vec<(Vec<u8>, u32)>) -> Texts {
        let mut grams: HashMap<[u8; 4], Occurrences> = HashMap::default();
        for (number, (line, times)) in (0..).zip(&lines) {
            for &gram in line.array_windows() {
                let occurrences = grams.entry(gram).or_default();
                occurrences.count += u64::from(*times);
                if occurrences.lines.last() != Some(&number) {
                    occurrences.lines.push(number);
                }
            }
        }
        let seen = lines.iter().map(|(_, times)| u64::from(*times)).sum();
        Texts { lines, grams, seen, bytes: OnceLock::new() }
    }

    /// The share of texts that a few folded bytes are expected in, above 0: from how often each byte
    /// follows the one before it, so that it says something about bytes that were not seen together.
    pub fn chance(&self, literal: &[u8]) -> f64 {
        let Bytes { all, single, pairs } = self.bytes.get_or_init(|| self.count_bytes());
        let count = |byte: &u8| single.get(byte).copied().unwrap_or(0.0);
        let share = |byte: &u8| (count(byte) + 0.5) / all.max(1.0);
        let Some(first) = literal.first() else { return 1.0 };
        let follows = |pair: &[u8; 2]| {
            let together = pairs.get(pair).copied().unwrap_or(0.0);
            (together + FEW * share(&pair[1])) / (count(&pair[0]) + FEW)
        };
        let places = all / self.seen.max(1) as f64;
        places * share(first) * literal.array_windows().map(follows).product::<f64>()
    }

    fn count_bytes(&self) -> Bytes {
        let mut bytes = Bytes::default();
        for (line, times) in &self.lines {
            let times = f64::from(*times);
            bytes.all += times * line.len() as f64;
            line.iter().for_each(|byte| *bytes.single.entry(*byte).or_default() += times);
            line.array_windows().for_each(|pair| *bytes.pairs.entry(*pair).or_default() += times);
        }
        bytes
    }

    /// How many texts were seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How often a folded gram occurs in them.
    pub fn occurrences(&self, gram: [u8; 4]) -> u64 {
        self.grams.get(&gram).map_or(0, |occurrences| occurrences.count)
    }

    /// The share that a byte has in them.
    pub fn share_of(&self, byte: u8) -> f64 {
        let Bytes { all, single, .. } = self.bytes.get_or_init(|| self.count_bytes());
        single.get(&byte).copied().unwrap_or(0.0) / all.max(1.0)
    }

    /// How many of them are such.
    pub fn counting(&self, is: impl Fn(&[u8]) -> bool) -> u64 {
        let those = self.lines.iter().filter(|(line, _)| is(line));
        those.map(|(_, times)| u64::from(*times)).sum()
    }

    /// How many of them match a folded pattern. Of a pattern with wildcards inside, its longest
    /// literal counts.
    pub fn matching(&self, pattern: &Pattern) -> u64 {
        let literal = longest_literal(pattern);
        let holds = |line: &[u8]| match pattern.pieces() {
            [] => line.is_empty(),
            [Piece::Literal(_)] => line == literal,
            [Piece::Literal(_), Piece::Any] => line.starts_with(literal),
            [Piece::Any, Piece::Literal(_)] => line.ends_with(literal),
            _ => memmem::find(line, literal).is_some(),
        };
        // A line that has the literal has all of its grams: few have the rarest.
        let mut rarest: Option<&[u32]> = None;
        for gram in literal.array_windows() {
            let Some(Occurrences { lines, .. }) = self.grams.get(gram) else { return 0 };
            if rarest.is_none_or(|fewest| lines.len() < fewest.len()) {
                rarest = Some(lines);
            }
        }
        let times =
            |(line, times): &(Vec<u8>, u32)| if holds(line) { u64::from(*times) } else { 0 };
        match rarest {
            Some(lines) => lines.iter().map(|line| times(&self.lines[*line as usize])).sum(),
            None => self.lines.iter().map(times).sum(),
        }
    }
}

/// The longest literal of a pattern; empty if it has none.
pub fn longest_literal(pattern: &Pattern) -> &[u8] {
    let literals = pattern.pieces().iter().filter_map(|piece| match piece {
        Piece::Literal(bytes) => Some(&bytes[..]),
        _ => None,
    });
    literals.max_by_key(|bytes| bytes.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_count_as_often_as_they_were_seen() {
        let lines = [("cmd.exe /c dir", 3), ("cmd.exe", 2), ("ab", 5)];
        let texts = Texts::new(lines.map(|(line, times)| (line.into(), times)).to_vec());
        assert_eq!(texts.seen(), 10);
        assert_eq!(texts.occurrences(*b".exe"), 5);
        assert_eq!(texts.share_of(b'/'), 3.0 / 66.0);
        for (pattern, expected) in [
            ("cmd.exe", 2),
            ("cmd.exe*", 5),
            ("*.exe", 2),
            ("*.exe*", 5),
            ("*exe*dir*", 3),
            ("*whoami*", 0),
            ("*a*", 5),
            ("ab", 5),
            ("*", 10),
            ("", 0),
        ] {
            assert_eq!(texts.matching(&Pattern::parse(pattern)), expected, "{pattern}");
        }
    }
}
