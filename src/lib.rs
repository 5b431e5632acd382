#![deny(unsafe_code)]

pub mod engine;
pub mod event;
pub mod limits;
#[cfg(feature = "compile")]
pub mod reference;
#[cfg(feature = "compile")]
pub mod rule;
pub mod ruleset;
