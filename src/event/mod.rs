//! Walkers: bytes in, field slots out.
//!
//! One pass over msgpack, JSON or XML; only fields that the rule set names are kept, as spans into the
//! caller's bytes. No tree, no copy, no recursion, no allocation after the first few records.
//!
//! Enter at [`msgpack::walk`], [`json::walk`] or [`xml::walk`] with a [`keys::KeyTable`] (which keys matter) and a
//! [`slots::Slots`] (where their values go). [`chunk`] and [`forward`] find the records inside the
//! buffers of Fluent Bit and Fluentd. What stays true everywhere: no input makes these modules
//! panic, loop or read outside the slice, and its bytes are looked at a few times at most.

pub mod address;
pub mod calendar;
pub mod chunk;
pub mod elements;
mod familiar;
pub mod fold;
pub mod forward;
pub mod json;
mod json_members;
mod json_scalar;
pub mod keys;
pub mod malformed;
pub mod msgpack;
mod msgpack_members;
pub mod number;
pub mod slots;
mod target;
pub mod value;
mod window;
pub mod word;
pub mod xml;

pub use malformed::{Malformed, MalformedKind};
