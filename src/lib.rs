//! Sigma detection rules, compiled once into one file and matched inside the log shipper.
//!
//! ```text
//! rules/*.yml --rule--> syntax --compile--> tables --verify--> file.sgt
//!
//! file.sgt --ruleset--> tables --verify--> RuleSet
//!                                             |
//! msgpack, JSON --source, event--> slots --engine--> rules that match --tag--> tagged bytes
//! ```
//!
//! The first path runs where rules are written, the second where logs pass; they meet in the tables
//! of [`ruleset`]. Nothing on the second path parses YAML, builds an index or, once warm, allocates.
//!
//! # Features
//! * none: the second path and its C interface (`include/sigmatag.h`). The shared library is built
//!   so.
//! * `compile`: the first path, and the reference evaluator that tests judge the engine by.
//! * `cli` (default): the command line `sigmatag`.
//!
//! # Where to enter
//! * match and tag: [`engine::Engine`], [`engine::Scratch`], [`engine::Event`];
//! * load a compiled rule set: [`ruleset::RuleSet::from_bytes`]; the built-in one:
//!   [`ruleset::embedded::pack`];
//! * compile rules: `rule::load::load_paths`, then `compile::compile`;
//! * recognise another kind of log: a descriptor, see `rule::descriptor` and `docs/sources.md`.
//!
//! # Threads
//! An engine is shared by reference; a scratch belongs to one call at a time. There is no global
//! state but the built-in pack, and no thread of our own.
#![deny(unsafe_code)]

#[cfg(feature = "compile")]
pub mod attack;
#[cfg(feature = "compile")]
pub mod compile;
pub mod destination;
pub mod engine;
pub mod event;
mod ffi;
#[cfg(feature = "compile")]
pub mod ioc;
pub mod limits;
#[cfg(feature = "compile")]
pub mod lint;
#[cfg(feature = "compile")]
pub mod reference;
#[cfg(feature = "compile")]
pub mod rule;
#[cfg(feature = "compile")]
pub mod rule_test;
pub mod ruleset;
pub mod source;
pub mod tag;

#[cfg(test)]
#[allow(dead_code)] // a part of it is used
#[path = "../tests/generator/rng.rs"]
mod rng;
