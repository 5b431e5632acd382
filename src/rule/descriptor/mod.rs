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
//! | `use` | name, or list: mappings whose parts follow the source's own |
//! | `logsources` | list of `{product, category, service, when, otherwise}`: what its events are to rules; with `when`, only those that pass; with `otherwise: true`, only those without a logsource before |
//! | `payload` | list of `{path, encoding, when}`: where a record may hide events. `json`: text of JSON objects or arrays of them; `native`: an object or array of objects; `mariadb_audit`, `percona_csv`: text of log lines; `xml`: text of elements; `base64_json`: `json` in base64. With `when` the text need not say what it is |
//! | `records` | path, or list: arrays of events (envelopes) |
//! | `inherit` | path, or list: fields that events in `records` and in objects take from what is around them |
//! | `json_strings` | path, or list: objects of the event that may arrive as JSON text |
//! | `when` | `{all: [test...], any: [test...]}`, or a list of these of which one must hold |
//! | `fields` | canonical name: path, or list of which the first with a text is taken |
//! | `lift` | path, or list: objects whose members count as fields of the event itself |
//! | `positions` | list of `{path, when, names}`: names for the elements of an array; `'-'` skips one |
//! | `variants` | list of `{when, fields}`: canonical fields of some events |
//! | `derive` | name: `{decoder, from, ...}`; `from` names paths, canonical or derived fields, the first with a text is taken |
//!
//! A document with `mapping` in place of `source` is for `use` in other documents of its file; those
//! of the built-in files can be used everywhere. An event gets `fields`, then what `lift`, `positions`,
//! `variants` and `derive` add, in this order. Conditions below `positions` can name canonical fields
//! and lifted ones, those below `variants` and `logsources` also names by position.
//!
//! An attribute of a logsource that is left out is not known and contradicts no rule. `'-'` says that
//! there is none: a rule that asks for it does not apply.
//!
//! A test is `{path, is: values}`, `{path, contains: values}` or `{path, exists: true}`; one value
//! must fit, ASCII letters without case. Parameters of decoders: `quoting` (`none`, `backslash`,
//! `repeated`) of `sql_norm`; `limit` (bytes) of `sql_truncated`; `form` (`any`, `account`) of `mysql_user`,
//! `mysql_host` and `mysql_ip`; `segment` (name or list) of `arm_name`; `value` of `constant`,
//! which has no `from`; `values` (a map of texts) and `default` of `lookup`.

mod compile;
#[cfg(test)]
mod damage_tests;
mod decoders;
mod destination;
mod destination_tree;
#[cfg(test)]
mod event_tests;
mod mapping;
#[cfg(test)]
mod memory_tests;
mod names;
mod nodes;
mod order;
mod parse;
mod probe;
mod routing;
#[cfg(test)]
mod shape_tests;
mod shapes;
#[cfg(test)]
mod tests;
mod when;
#[cfg(test)]
mod windows_tests;

pub use compile::{Ids, compile_sources};
pub use destination::{
    Choice, Condition, Destination, Document, Member, destinations, read_destinations,
};
pub use destination_tree::compile_normal;
pub use parse::{check_names, read};
pub use probe::{Probe, Seen};

use super::ast::{LogSource, Place};
use crate::source::{Decoder, PayloadEncoding, TestKind};
use std::collections::BTreeSet;

/// The files under `sources/`, in the order of recognition. A file that uses a mapping of another
/// stands behind it.
const BUILT_IN: &[(&str, &str)] = &[
    ("sources/azure-mysql.yml", include_str!("../../../sources/azure-mysql.yml")),
    ("sources/mariadb-audit.yml", include_str!("../../../sources/mariadb-audit.yml")),
    ("sources/mysql-audit.yml", include_str!("../../../sources/mysql-audit.yml")),
    ("sources/rds-activity-stream.yml", include_str!("../../../sources/rds-activity-stream.yml")),
    ("sources/cloudsql-audit.yml", include_str!("../../../sources/cloudsql-audit.yml")),
    ("sources/windows-events.yml", include_str!("../../../sources/windows-events.yml")),
    ("sources/sysmon-linux.yml", include_str!("../../../sources/sysmon-linux.yml")),
    ("sources/winevtlog.yml", include_str!("../../../sources/winevtlog.yml")),
    ("sources/winevtlog-map.yml", include_str!("../../../sources/winevtlog-map.yml")),
    ("sources/windows-evtx.yml", include_str!("../../../sources/windows-evtx.yml")),
    ("sources/winlogbeat.yml", include_str!("../../../sources/winlogbeat.yml")),
    ("sources/windows-nxlog.yml", include_str!("../../../sources/windows-nxlog.yml")),
    ("sources/windows-flat.yml", include_str!("../../../sources/windows-flat.yml")),
    ("sources/ecs-endpoint.yml", include_str!("../../../sources/ecs-endpoint.yml")),
    (
        "sources/defender-device-events.yml",
        include_str!("../../../sources/defender-device-events.yml"),
    ),
    ("sources/asim.yml", include_str!("../../../sources/asim.yml")),
    ("sources/linux-laurel.yml", include_str!("../../../sources/linux-laurel.yml")),
    ("sources/linux-auditd.yml", include_str!("../../../sources/linux-auditd.yml")),
    ("sources/linux-syslog.yml", include_str!("../../../sources/linux-syslog.yml")),
];

/// The descriptors that come with sigmatag.
pub fn built_in() -> Vec<Descriptor> {
    mapping::built_in().descriptors.clone()
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
    /// `description`, if there is one.
    pub description: Option<String>,
    /// `payload`: strings that may hold events.
    pub text_payloads: Vec<TextPayload>,
    /// `payload` with `encoding: native`, and `records`: paths of objects that may be events, and
    /// of arrays of them.
    pub containers: Vec<String>,
    /// `inherit`: fields that an event takes from the record that holds it, if it has none of its own.
    pub inherited: Vec<String>,
    /// `json_strings`: objects of an event that may arrive as JSON text.
    pub json_strings: Vec<String>,
    /// `when`: one of these groups must hold.
    pub when: Vec<TestGroup>,
    /// `fields`, in the order to apply them.
    pub fields: Vec<CanonicalField>,
    /// `lift`: objects whose members count as the event's own fields.
    pub lifts: Vec<String>,
    /// `positions`: names for the elements of arrays.
    pub positions: Vec<NamedPositions>,
    /// `variants`: canonical fields of some events, in the order to apply them.
    pub variants: Vec<FieldVariant>,
    /// `derive`, in the order to compute them.
    pub derived: Vec<DerivedField>,
}

impl Descriptor {
    /// The fields that it names, without those that `lift` finds in an event.
    pub fn names(&self) -> BTreeSet<&str> {
        let variants = self.variants.iter().flat_map(|variant| &variant.fields);
        let fields = self.fields.iter().chain(variants).map(|field| &field.name);
        let derived = self.derived.iter().map(|field| &field.name);
        let positions = self.positions.iter().flat_map(|item| item.names.iter().flatten());
        fields.chain(derived).chain(positions).map(String::as_str).collect()
    }
}

/// A logsource that events of a source have, all or some.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionalLogsource {
    /// The logsource.
    pub logsource: LogSource,
    /// One of these groups must hold; none: every event has it.
    pub when: Vec<TestGroup>,
    /// `otherwise`: only events have it that have none of the logsources before.
    pub otherwise: bool,
}

/// A string that may hold events.
#[derive(Debug, Clone, PartialEq)]
pub struct TextPayload {
    /// Where it is.
    pub path: String,
    /// What its text is.
    pub encoding: PayloadEncoding,
    /// One of these groups must hold for what is around it; none: the text says what it is.
    pub when: Vec<TestGroup>,
}

/// Names for the elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedPositions {
    /// The array.
    pub path: String,
    /// One of these groups must hold; none: every event of the source.
    pub when: Vec<TestGroup>,
    /// One for each element; `None` for one that has no name.
    pub names: Vec<Option<String>>,
}

/// Canonical fields of some events of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldVariant {
    /// One of these groups must hold.
    pub when: Vec<TestGroup>,
    /// The fields, in the order to apply them.
    pub fields: Vec<CanonicalField>,
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
    /// `values` of `lookup`: texts in lower case, and their results.
    pub table: Vec<(String, String)>,
    /// `default` of `lookup`.
    pub default: Option<String>,
}
