#![deny(unsafe_code)]

pub mod engine;
pub mod event;
pub mod limits;
pub mod ruleset;
#[cfg(feature = "compile")]
pub mod rule;
#[cfg(feature = "compile")]
pub mod reference;
