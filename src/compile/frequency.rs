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
use crate::ruleset::tables::Network;
use std::borrow::Cow;

/// Typical values, one a line: paths, command lines, registry keys, SQL, URLs, log texts.
const TYPICAL: &str = include_str!("typical.txt");

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
        Frequencies {
            typical: Texts::new(lines.collect()),
            events: profile.map_or(0.0, |profile| profile.events() as f64),
            fields: names.iter().map(|name| profile?.field(name)).collect(),
            keywords: profile.map(Profile::keywords),
        }
    }

    fn measured(&self, field: u32) -> Option<&'a Texts> {
        if field == KEYWORDS { self.keywords } else { self.fields.get(field as usize).copied()? }
    }

    /// What it costs to look for a folded gram in a field. Unseen grams of common letters rank above
    /// unseen grams of rare bytes.
    pub fn gram(&self, field: u32, gram: [u8; 4]) -> u32 {
        let typical = self.typical.occurrences(gram) as f64 / self.typical.seen() as f64;
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
        let typical = self.typical.share_of(byte);
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
        let seen = self.typical.matching(pattern) as f64;
        // Numbers such as event ids divide traffic coarsely whatever their length.
        let digits = !literal.is_empty() && literal.iter().all(u8::is_ascii_digit);
        let prior = if digits && literal.len() <= 5 {
            0.03
        } else {
            0.2 * 0.6f64.powi(literal.len().min(24) as i32) + 1e-6
        };
        let share = seen / self.typical.seen() as f64 * 4.0 + prior;
        if field == KEYWORDS { share * 8.0 } else { share }
    }
}
