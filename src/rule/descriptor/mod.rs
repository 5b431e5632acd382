//! Source descriptors: how a kind of log is recognised, unwrapped and named, written in YAML.
//!
//! ```text
//! sources/*.yml --parse--> Descriptor --compile--> source::SourceTables
//! ```
//!
//! Enter at [`built_in`] and [`read`], then [`compile_sources`]. What stays true: a descriptor that
//! is returned is complete and legal, so compiling cannot fail; everything refused has an error
//! with the place and the repair; the order of fields in the file means nothing.
//!
//! # Format
//! One source per YAML document. Paths are keys with dots between, as in rules; those of `when`,
//! `fields` and `derive` are paths of the event, those of `payload` and `records` of whatever it
//! is wrapped in.
//!
//! | key | meaning |
//! |---|---|
//! | `source` | name: lower-case letters, digits, `-` |
//! | `title`, `description` | for people; `description` is optional |
//! | `logsources` | list of `{product, category, service, when}`: what its events are to rules; with `when`, only those that pass |
//! | `payload` | list of `{path, encoding}`: where a record may hide events. `json`: text of JSON objects or arrays of them; `native`: an object or array of objects |
//! | `records` | path, or list: arrays of events (envelopes) |
//! | `json_strings` | path, or list: objects of the event that may arrive as JSON text |
//! | `when` | `{all: [test...], any: [test...]}`, or a list of these of which one must hold |
//! | `fields` | canonical name: path, or list of which the first with a text is taken |
//! | `derive` | name: `{decoder, from, ...}`; `from` names paths, canonical or derived fields, the first with a text is taken |
//!
//! A test is `{path, is: values}`, `{path, contains: values}` or `{path, exists: true}`; one value
//! must fit, ASCII letters without case. Parameters of decoders: `quoting` (`none`, `backslash`)
//! of `sql_norm`; `limit` (bytes) of `sql_truncated`; `form` (`any`, `account`) of `mysql_user`,
//! `mysql_host` and `mysql_ip`; `segment` (name or list) of `arm_name`; `value` of `constant`,
//! which has no `from`.

mod compile;
#[cfg(test)]
mod event_tests;
mod names;
mod nodes;
mod order;
mod parse;
#[cfg(test)]
mod tests;
mod when;

pub use compile::{Ids, compile_sources};
pub use parse::{check_names, read};

use super::ast::{LogSource, Place};
use crate::source::{Decoder, TestKind};

/// The files under `sources/`, in the order of recognition.
const BUILT_IN: [(&str, &str); 1] =
    [("sources/azure-mysql.yml", include_str!("../../../sources/azure-mysql.yml"))];

/// The descriptors that come with sigmatag.
pub fn built_in() -> Vec<Descriptor> {
    let mut diagnostics = Vec::new();
    let files = BUILT_IN.iter();
    let descriptors =
        files.flat_map(|(file, text)| read(&(*file).into(), text, &mut diagnostics)).collect();
    debug_assert!(diagnostics.is_empty(), "{diagnostics:?}");
    descriptors
}

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
