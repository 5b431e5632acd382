#![deny(unsafe_code)]

pub mod engine;
pub mod event;
pub mod limits;
pub mod ruleset;
pub mod source;
pub mod tag;
#[cfg(feature = "compile")]
pub mod rule;
