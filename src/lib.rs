#![deny(unsafe_code)]

pub mod engine;
pub mod event;
mod ffi;
#[cfg(feature = "compile")]
pub mod rule;
pub mod ruleset;
