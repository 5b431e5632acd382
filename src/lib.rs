#![deny(unsafe_code)]

#[cfg(feature = "compile")]
pub mod compile;
pub mod engine;
pub mod event;
mod ffi;
pub mod limits;
#[cfg(feature = "compile")]
pub mod reference;
#[cfg(feature = "compile")]
pub mod rule;
pub mod ruleset;
pub mod source;
pub mod tag;
