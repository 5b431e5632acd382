//! The C boundary: everything that `include/sigmatag.h` declares, and the only unsafe code.
//!
//! The contract with C is the first page of the header (its text is in `cbindgen.toml`). What this
//! folder adds to it:
//!
//! - every function runs in [`contain`]: no panic reaches C;
//! - every pointer of the caller goes through [`memory`]: NULL, `struct_size` and lengths are
//!   checked, outputs are checked before the work and written after it has succeeded;
//! - every handle goes through [`handle`], which knows whether C holds a Box or an Arc;
//! - every use of a scratch goes through its lease ([`scratch`]), so that two calls at once are
//!   an error and not a data race.
//!
//! There is no thread-local, no thread, no global but the embedded pack, and no change to the
//! host's panic hook or signal handlers.

#![allow(unsafe_code)]
// Names as C knows them: what is written here is what the header says.
#![allow(non_camel_case_types)]
// The doc comments of the functions are the header's; its first page is their safety contract.
#![allow(clippy::missing_safety_doc)]

mod contain;
mod engine;
mod failure;
mod handle;
mod info;
mod load;
mod matching;
mod memory;
mod scratch;
mod sources;
mod status;
mod tagging;
mod totals;
// Some of its constants are for C only.
#[allow(dead_code)]
mod types;
