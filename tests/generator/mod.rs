//! Random rules and events that are made from each other, so that both verdicts are frequent.
//!
//! A rule is made for a *state* of its field (a number, an array, a text that is not UTF-8, ...);
//! an event is made from a rule: a value that should match it, often changed a little afterwards.
//! Whether it still matches is not decided here.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

pub mod event;
pub mod item;
pub mod mutate;
pub mod rule;
pub mod shrink;
pub mod witness;

/// A small generator of random numbers (splitmix64): the same seed gives the same run anywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in `percent` of the cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// The seed of this run: `SIGMATAG_SEED`, or always the same.
pub fn seed() -> u64 {
    std::env::var("SIGMATAG_SEED")
        .map_or(0x5167_6D61, |text| text.parse().expect("SIGMATAG_SEED is a number"))
}
