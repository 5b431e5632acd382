//! Random rules and events that are made from each other, so that both verdicts are frequent.
//!
//! A rule is made for a *state* of its field (a number, an array, a text that is not UTF-8, ...);
//! an event is made from a rule: a value that should match it, often changed a little afterwards.
//! Whether it still matches is not decided here.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

pub mod azure;
pub mod class;
pub mod event;
pub mod item;
pub mod literal;
pub mod mutate;
pub mod probe;
pub mod rng;
pub mod rule;
pub mod shrink;
pub mod witness;

pub use rng::Rng;

/// The seed of this run: `SIGMATAG_SEED`, or always the same.
pub fn seed() -> u64 {
    std::env::var("SIGMATAG_SEED")
        .map_or(0x5167_6D61, |text| text.parse().expect("SIGMATAG_SEED is a number"))
}
