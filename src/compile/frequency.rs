//! How often a literal occurs in ordinary traffic. Only speed depends on it: it decides which
//! gram of a literal is looked for and which predicates a rule waits for.

use super::ir::{KEYWORDS, PredicateKey, Test};
use super::pattern::Piece;
use std::collections::HashMap;

/// Typical values, one a line: paths, command lines, registry keys, SQL, URLs, log texts.
const TYPICAL: &str = include_str!("typical.txt");

/// Counts over typical values.
pub struct Frequencies {
    lines: Vec<Vec<u8>>,
    grams: HashMap<[u8; 4], Occurrences>,
}

/// Where a gram occurs.
#[derive(Default)]
struct Occurrences {
    count: u32,
    /// Lines in ascending order, each once.
    lines: Vec<u32>,
}

impl Frequencies {
    /// The table that ships with the compiler.
    pub fn typical() -> Frequencies {
        let lines: Vec<Vec<u8>> =
            TYPICAL.lines().map(|line| line.to_ascii_lowercase().into_bytes()).collect();
        let mut grams: HashMap<[u8; 4], Occurrences> = HashMap::new();
        for (number, line) in lines.iter().enumerate() {
            for &gram in line.array_windows() {
                let occurrences = grams.entry(gram).or_default();
                occurrences.count += 1;
                if occurrences.lines.last() != Some(&(number as u32)) {
                    occurrences.lines.push(number as u32);
                }
            }
        }
        Frequencies { lines, grams }
    }

    /// Occurrences of a folded gram, scaled so that unseen grams of common letters still rank
    /// above unseen grams of rare bytes.
    pub fn gram(&self, gram: [u8; 4]) -> u32 {
        let seen = self.grams.get(&gram).map_or(0, |occurrences| occurrences.count);
        let common = gram.iter().filter(|&&b| b"etaoinsrl .\\/c".contains(&b)).count() as u32;
        seen * 16 + common
    }

    /// The share of events in which a predicate is expected to hold, above 0.
    pub fn predicate(&self, key: &PredicateKey) -> f64 {
        let Test::Pattern { pattern, .. } = &key.test else { return 0.5 };
        let longest = pattern
            .pieces()
            .iter()
            .filter_map(|piece| match piece {
                Piece::Literal(bytes) => Some(&bytes[..]),
                _ => None,
            })
            .max_by_key(|bytes| bytes.len())
            .unwrap_or_default();
        let finder = memchr::memmem::Finder::new(longest);
        let holds = |line: &Vec<u8>| match pattern.pieces() {
            [Piece::Literal(_)] => line[..] == *longest,
            [Piece::Literal(_), Piece::Any] => line.starts_with(longest),
            [Piece::Any, Piece::Literal(_)] => line.ends_with(longest),
            _ => finder.find(line).is_some(),
        };
        // A line that has the literal has all of its grams: few have the rarest.
        let rarest = longest
            .array_windows()
            .map(|gram| self.grams.get(gram))
            .min_by_key(|found| found.map_or(0, |occurrences| occurrences.lines.len()));
        let seen = match rarest {
            Some(Some(Occurrences { lines, .. })) => {
                lines.iter().filter(|&&line| holds(&self.lines[line as usize])).count()
            }
            Some(None) => 0,
            None => self.lines.iter().filter(|line| holds(line)).count(),
        } as f64;
        // Numbers such as event ids divide traffic coarsely whatever their length.
        let digits = !longest.is_empty() && longest.iter().all(u8::is_ascii_digit);
        let prior = if digits && longest.len() <= 5 {
            0.03
        } else {
            0.2 * 0.6f64.powi(longest.len().min(24) as i32) + 1e-6
        };
        let share = seen / self.lines.len() as f64 * 4.0 + prior;
        if key.field == KEYWORDS { share * 8.0 } else { share }
    }
}
