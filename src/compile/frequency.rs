//! How often a literal occurs in traffic. Only speed depends on it: it decides which gram of a
//! literal is looked for, which predicates a rule waits for, and what is indexed.
//!
//! What is shipped is a guess from typical values. A [`Profile`] of a site's own events says better;
//! the guess stays in it as if it had been seen in [`WEIGHT`] events, so that a profile of a few
//! events does not make rare what it merely has not seen.

use super::ir::{KEYWORDS, PredicateKey, Test};
use super::networks;
use super::pattern::Pattern;
use super::profile::Profile;
use super::texts::{Texts, longest_literal};
use crate::ruleset::hash::GRAM;
use crate::ruleset::tables::Network;
use foldhash::HashMap;
use std::borrow::Cow;

/// Typical values, one a line: paths, command lines, registry keys, SQL, URLs, log texts.
const TYPICAL: &str = include_str!("typical.txt");

/// Typical values of fields that have values of their own; the file says its form.
const TYPICAL_OF_FIELDS: &str = include_str!("typical_fields.txt");

/// How many events of a profile the guess is worth.
const WEIGHT: f64 = 300.0;

/// What a gram costs that is in every text once.
const EVERYWHERE: f64 = 3_400.0;

/// Whether a byte is among the most frequent ones of ordinary texts.
const COMMON: [bool; 256] = {
    let mut common = [false; 256];
    let bytes = b"etaoinsrl .\\/c";
    let mut at = 0;
    while at < bytes.len() {
        common[bytes[at] as usize] = true;
        at += 1;
    }
    common
};

/// What is expected of traffic.
pub struct Frequencies<'a> {
    typical: Texts,
    /// What fields with values of their own have.
    typical_of: Vec<Texts>,
    /// For each field, which of these it has.
    own: Vec<Option<usize>>,
    /// Events of the profile; 0 without one.
    events: f64,
    /// What the profile says of each field.
    fields: Vec<Option<&'a Texts>>,
    keywords: Option<&'a Texts>,
}

impl<'a> Frequencies<'a> {
    /// What the compiler ships with, and a profile of the fields that are called `names`.
    pub fn new(profile: Option<&'a Profile>, names: &[String]) -> Frequencies<'a> {
        let lines = TYPICAL.lines().map(|line| (line.to_ascii_lowercase().into_bytes(), 1));
        let (typical_of, fields) = typical_of_fields();
        Frequencies {
            typical: Texts::new(lines.collect()),
            typical_of,
            own: names.iter().map(|name| fields.get(name.as_str()).copied()).collect(),
            events: profile.map_or(0.0, |profile| profile.events() as f64),
            fields: names.iter().map(|name| profile?.field(name)).collect(),
            keywords: profile.map(Profile::keywords),
        }
    }

    /// Typical values of a field, and by how much a share of them is too low: those of any field
    /// hold for one field more often than for all.
    fn typical(&self, field: u32) -> (&Texts, f64) {
        let own = self.own.get(field as usize).copied().flatten();
        own.map_or((&self.typical, 4.0), |own| (&self.typical_of[own], 1.0))
    }

    fn measured(&self, field: u32) -> Option<&'a Texts> {
        if field == KEYWORDS { self.keywords } else { self.fields.get(field as usize).copied()? }
    }

    /// What it costs to look for a folded gram in a field. Unseen grams of common letters rank above
    /// unseen grams of rare bytes.
    pub fn gram(&self, field: u32, gram: [u8; 4]) -> u32 {
        let (typical, _) = self.typical(field);
        let typical = typical.occurrences(gram) as f64 / typical.seen() as f64;
        let rate = match self.measured(field) {
            Some(texts) => {
                let seen = texts.occurrences(gram) as f64;
                (seen + WEIGHT * typical) / (texts.seen() as f64 + WEIGHT)
            }
            None => typical,
        };
        (rate * EVERYWHERE) as u32
            + gram.iter().filter(|byte| COMMON[usize::from(**byte)]).count() as u32
    }

    /// The share of a byte in the texts of a field.
    pub fn byte(&self, field: u32, byte: u8) -> f64 {
        let typical = self.typical(field).0.share_of(byte);
        let Some(texts) = self.measured(field) else { return typical };
        let seen = texts.seen() as f64;
        (seen * texts.share_of(byte) + WEIGHT * typical) / (seen + WEIGHT)
    }

    /// The share of events in which a predicate is expected to hold, above 0.
    pub fn predicate(&self, key: &PredicateKey) -> f64 {
        if let &Test::Cidr { version, first, last } = &key.test {
            return self.network(key.field, Network { version, first, last });
        }
        let Test::Pattern { pattern, cased } = &key.test else { return 0.5 };
        let pattern =
            if *cased { Cow::Owned(pattern.clone().folded()) } else { Cow::Borrowed(pattern) };
        let guess = self.guess(key.field, &pattern);
        if self.events == 0.0 {
            return guess;
        }
        // No event of the profile has a field that it does not know.
        let holds = self.measured(key.field).map_or(0, |texts| texts.matching(&pattern)) as f64;
        (holds.min(self.events) + WEIGHT * guess) / (self.events + WEIGHT)
    }

    fn network(&self, field: u32, network: Network) -> f64 {
        let guess = networks::share(network.version, network.first as u128, network.last as u128);
        if self.events == 0.0 {
            return guess;
        }
        let is_inside = |text: &[u8]| {
            let address = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            address.is_some_and(|address| network.contains(address))
        };
        let holds = self.measured(field).map_or(0, |texts| texts.counting(is_inside)) as f64;
        (holds.min(self.events) + WEIGHT * guess) / (self.events + WEIGHT)
    }

    fn guess(&self, field: u32, pattern: &Pattern) -> f64 {
        let literal = longest_literal(pattern);
        let (typical, factor) = self.typical(field);
        let seen = typical.matching(pattern) as f64;
        // Numbers such as event ids divide traffic coarsely whatever their length.
        let digits = !literal.is_empty() && literal.iter().all(u8::is_ascii_digit);
        let prior = if digits && literal.len() <= 5 {
            0.03
        } else {
            let by_length = 0.2 * 0.6f64.powi(literal.len().min(24) as i32) + 1e-6;
            // Few bytes say much by which they are: `and` is in many texts, `7=9` in hardly any.
            if literal.len() < GRAM { by_length.min(typical.chance(literal)) } else { by_length }
        };
        let share = seen / typical.seen() as f64 * factor + prior;
        if field == KEYWORDS { share * 8.0 } else { share }
    }
}

/// The values of [`TYPICAL_OF_FIELDS`], and by field which of them are its own.
fn typical_of_fields() -> (Vec<Texts>, HashMap<&'static str, usize>) {
    let mut lists: Vec<Vec<(Vec<u8>, u32)>> = Vec::new();
    let mut fields = HashMap::default();
    for line in TYPICAL_OF_FIELDS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(names) = line.strip_prefix("@ ") {
            fields.extend(names.split(' ').map(|name| (name, lists.len())));
            lists.push(Vec::new());
        } else if let Some((times, value)) = line.split_once(' ')
            && let Ok(times) = times.parse()
            && let Some(list) = lists.last_mut()
        {
            list.push((value.to_ascii_lowercase().into_bytes(), times));
        }
    }
    (lists.into_iter().map(Texts::new).collect(), fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_typical_values_is_read() {
        let (lists, fields) = typical_of_fields();
        let lines = TYPICAL_OF_FIELDS.lines().filter(|line| !line.starts_with(['#', '@']));
        let times: u64 =
            lines.map(|line| line.split(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(lists.iter().map(Texts::seen).sum::<u64>(), times);
        assert!(fields.contains_key("sql_code") && lists.iter().all(|list| list.seen() > 0));
    }

    #[test]
    fn a_field_with_values_of_its_own_is_judged_by_these() {
        let names = ["event_class", "CommandLine", "sql_code"].map(str::to_owned);
        let frequencies = Frequencies::new(None, &names);
        let share = |field, pattern| {
            let pattern = Pattern::parse(pattern).folded();
            let test = Test::Pattern { pattern, cased: false };
            frequencies.predicate(&PredicateKey { field, test })
        };
        let (own, other) = (share(0, "connection_log"), share(1, "connection_log"));
        assert!(own > 0.3 && other < 0.05, "{own} {other}");
        let (usual, odd) = (share(2, "*and*"), share(2, "*7=9*"));
        assert!(usual > 50.0 * odd && odd < 0.001, "{usual} {odd}");
    }
}
