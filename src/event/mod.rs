//! Walkers: bytes in, field slots out.
//!
//! One pass over msgpack or JSON; only fields that the rule set names are kept, as spans into the
//! caller's bytes. No tree, no copy, no recursion, no allocation after the first few records.

pub mod fold;
pub mod number;
pub mod slots;
pub mod value;
