//! Source descriptors: how a kind of log is recognised, unwrapped and named, written in YAML.
//!
//! ```text
//! sources/*.yml --parse--> Descriptor --compile--> source::SourceTables
//! ```
//!
//! Enter at [`read`], then [`compile_sources`]. What stays true: a descriptor that is returned is
//! complete and legal, so compiling cannot fail; everything refused has an error with the place
//! and the repair; the order of fields and derived fields in the file means nothing.

mod compile;
mod order;
mod parse;
#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod tests;

pub use compile::{Ids, compile_sources};
pub use parse::{check_names, read};

use super::ast::{LogSource, Place};
use crate::source::{Decoder, TestKind};

/// One source.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    /// Where the document begins.
    pub place: Place,
    /// `source`: the name, unique among all descriptors.
    pub name: String,
    /// `title`.
    pub title: String,
    /// `logsources`: what its events are to rules.
    pub logsources: Vec<ConditionalLogsource>,
    /// `payload`: paths of strings that may hold events as JSON text.
    pub text_payloads: Vec<String>,
    /// `payload` with `encoding: native`, and `records`: paths of objects that may be events, and
    /// of arrays of them.
    pub containers: Vec<String>,
    /// `json_strings`: objects of an event that may arrive as JSON text.
    pub json_strings: Vec<String>,
    /// `when`: one of these groups must hold.
    pub when: Vec<TestGroup>,
    /// `fields`, in the order to apply them.
    pub fields: Vec<CanonicalField>,
    /// `derive`, in the order to compute them.
    pub derived: Vec<DerivedField>,
}

/// A logsource that events of a source have, all or some.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionalLogsource {
    /// The logsource.
    pub logsource: LogSource,
    /// One of these groups must hold; none: every event has it.
    pub when: Vec<TestGroup>,
}

/// Tests that must hold together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestGroup {
    /// All of these.
    pub all: Vec<FieldTest>,
    /// One of these, if there are any.
    pub any: Vec<FieldTest>,
}

/// A test of one path of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldTest {
    /// The path.
    pub path: String,
    /// How to compare.
    pub kind: TestKind,
    /// Texts of which one must fit, ASCII letters in lower case; none for `exists`.
    pub values: Vec<String>,
}

/// A canonical field.
#[derive(Debug, Clone, PartialEq)]
pub struct CanonicalField {
    /// Its name.
    pub name: String,
    /// Where it is taken from, in the order of preference.
    pub paths: Vec<String>,
}

/// A derived field.
#[derive(Debug, Clone, PartialEq)]
pub struct DerivedField {
    /// Its name.
    pub name: String,
    /// How it is computed.
    pub decoder: Decoder,
    /// From what, in the order of preference: paths, canonical or derived fields.
    pub from: Vec<String>,
    /// The decoder's number (limit in bytes, quoting), 0 if it has none.
    pub number: u32,
    /// The decoder's text, empty if it has none.
    pub text: String,
}
