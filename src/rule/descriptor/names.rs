//! `fields` and `derive`: what the parts of an event are called.

use super::order;
use super::parse::Parser;
use super::{CanonicalField, DerivedField};
use crate::rule::ast::Scalar;
use crate::rule::diagnostic::{Mark, did_you_mean, quoted, similar};
use crate::rule::yaml::{Entry, Kind, Node};
use crate::source::{AccountForm, Decoder, Quoting};

impl Parser<'_> {
    pub(super) fn fields(&mut self, node: &Node<'_>) -> Vec<(Mark, CanonicalField)> {
        let help = "write `user: [properties.user, user_s]`";
        let entries = self.map(node, "`fields`", help).unwrap_or(&[]);
        let mut fields = Vec::new();
        for entry in entries {
            let Some(name) = self.canonical_name(entry) else { continue };
            let paths = self.paths(&entry.value, &name);
            fields.push((entry.key_mark, CanonicalField { name, paths }));
        }
        fields
    }

    pub(super) fn derived(&mut self, node: &Node<'_>) -> Vec<(Mark, DerivedField)> {
        let help = "write `sql_norm: {decoder: sql_norm, from: sql_text}`";
        let entries = self.map(node, "`derive`", help).unwrap_or(&[]);
        entries.iter().filter_map(|entry| self.derived_field(entry)).collect()
    }

    fn derived_field(&mut self, entry: &Entry<'_>) -> Option<(Mark, DerivedField)> {
        let node = &entry.value;
        let name = self.canonical_name(entry)?;
        let help = "write `{decoder: sql_norm, from: sql_text}`";
        let entries = self.map(node, "a derived field", help)?;
        let decoder_node = self.required(node, entry.key_mark, "decoder")?;
        let decoder_name = self.line(decoder_node, "a decoder")?;
        let Some(decoder) = Decoder::from_name(&decoder_name) else {
            let names = Decoder::ALL.map(Decoder::name);
            let message = format!(
                "unknown decoder {}{}",
                quoted(&decoder_name),
                did_you_mean(similar(&decoder_name, names))
            );
            let help = format!("decoders are {}", names.join(", "));
            self.report.error("source-decoder", decoder_node.mark, message).help(help);
            return None;
        };
        let (source_key, parameter) = keys_of(decoder);
        let keys: Vec<&str> = ["decoder"]
            .into_iter()
            .chain(source_key.then_some("from"))
            .chain(parameter.map(|parameter| parameter.name()))
            .collect();
        self.known_keys(entries, &keys, &format!("the decoder `{}`", decoder.name()));
        let from = if source_key {
            self.required(node, entry.key_mark, "from")
                .map_or_else(Vec::new, |node| self.paths(node, "from"))
        } else {
            Vec::new()
        };
        let (number, text) = match parameter {
            Some(parameter) => self.parameter(parameter, node, entry.key_mark),
            None => (0, String::new()),
        };
        Some((entry.key_mark, DerivedField { name, decoder, from, number, text }))
    }

    fn parameter(&mut self, parameter: Parameter, node: &Node<'_>, mark: Mark) -> (u32, String) {
        let name = parameter.name();
        match parameter {
            Parameter::Quoting => {
                let choices =
                    [("none", Quoting::None as u32), ("backslash", Quoting::Backslash as u32)];
                (self.choice(node.get(name), name, &choices), String::new())
            }
            Parameter::Form => {
                let choices =
                    [("any", AccountForm::Any as u32), ("account", AccountForm::Account as u32)];
                (self.choice(node.get(name), name, &choices), String::new())
            }
            Parameter::Limit => {
                let Some(node) = self.required(node, mark, name) else {
                    return (0, String::new());
                };
                let number = match &node.kind {
                    Kind::Scalar(text) => match text.resolve() {
                        Ok(Scalar::Int(value)) => u32::try_from(value).ok(),
                        _ => None,
                    },
                    _ => None,
                };
                match number {
                    Some(number) if number > 0 => (number, String::new()),
                    _ => {
                        self.report
                            .error("source-value", node.mark, "the limit is a number of bytes")
                            .help("write the longest text that the source logs: `limit: 2048`");
                        (0, String::new())
                    }
                }
            }
            Parameter::Segment => {
                let segments = self
                    .required(node, mark, name)
                    .map_or_else(Vec::new, |node| self.texts(node, name));
                for segment in segments.iter().filter(|(_, segment)| segment.contains('/')) {
                    self.report
                        .error("source-value", segment.0, "a segment has no `/`")
                        .help("give the segment before the name: `segment: resourceGroups`");
                }
                let names: Vec<String> =
                    segments.into_iter().map(|(_, segment)| segment.to_ascii_lowercase()).collect();
                (0, names.join("/"))
            }
            Parameter::Value => {
                let value = self
                    .required(node, mark, name)
                    .and_then(|node| self.line(node, "a constant"))
                    .unwrap_or_default();
                (0, value)
            }
        }
    }

    /// One of several words; the first is what nothing means.
    fn choice(&mut self, node: Option<&Node<'_>>, name: &str, choices: &[(&str, u32)]) -> u32 {
        let default = choices.first().map_or(0, |choice| choice.1);
        let Some(node) = node else { return default };
        let Some(word) = self.line(node, &format!("`{name}`")) else { return default };
        if let Some((_, number)) = choices.iter().find(|(known, _)| *known == word) {
            return *number;
        }
        let words: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        let suggestion = did_you_mean(similar(&word, words.iter().copied()));
        let message = format!("unknown {name} {}{suggestion}", quoted(&word));
        let help =
            format!("write one of {}; without `{name}` it is {}", words.join(", "), words[0]);
        self.report.error("source-value", node.mark, message).help(help);
        default
    }

    fn canonical_name(&mut self, entry: &Entry<'_>) -> Option<String> {
        let name = entry.key.text.clone().into_owned();
        if name.is_empty() || name.contains(char::is_whitespace) {
            let message = format!("{} is not a field name", quoted(&name));
            self.report
                .error("source-name", entry.key_mark, message)
                .help("use a name without white space");
            return None;
        }
        Some(name)
    }

    /// A field is either canonical or derived.
    pub(super) fn distinct(
        &mut self,
        fields: &[(Mark, CanonicalField)],
        derived: &[(Mark, DerivedField)],
    ) {
        for (mark, field) in derived {
            if fields.iter().any(|(_, other)| other.name == field.name) {
                let message = format!("{} is in `fields` already", quoted(&field.name));
                self.report
                    .error("source-duplicate", *mark, message)
                    .help("keep one: `derive` can read the same paths with `from`");
            }
        }
    }

    /// A field that reads a raw key comes before the field that replaces it.
    pub(super) fn sorted_fields(
        &mut self,
        fields: Vec<(Mark, CanonicalField)>,
    ) -> Vec<CanonicalField> {
        let marks: Vec<Mark> = fields.iter().map(|(mark, _)| *mark).collect();
        let fields: Vec<CanonicalField> = fields.into_iter().map(|(_, field)| field).collect();
        let reads_before = |reader: &CanonicalField, writer: &CanonicalField| {
            reader.name != writer.name && reader.paths.contains(&writer.name)
        };
        order::sort(fields, reads_before).unwrap_or_else(|index| {
            self.report
                .error("source-cycle", marks[index], "these fields are taken from each other")
                .help("a canonical field replaces a raw key of its name: rename one of the fields");
            Vec::new()
        })
    }

    /// A derived field comes after those that it reads.
    pub(super) fn sorted_derived(
        &mut self,
        derived: Vec<(Mark, DerivedField)>,
    ) -> Vec<DerivedField> {
        let marks: Vec<Mark> = derived.iter().map(|(mark, _)| *mark).collect();
        let derived: Vec<DerivedField> = derived.into_iter().map(|(_, field)| field).collect();
        let computed_before = |first: &DerivedField, second: &DerivedField| {
            first.name != second.name && second.from.contains(&first.name)
        };
        order::sort(derived, computed_before).unwrap_or_else(|index| {
            self.report
                .error("source-cycle", marks[index], "these fields are derived from each other")
                .help("let one of them read a path of the event");
            Vec::new()
        })
    }
}

/// What a decoder is told besides `from`.
#[derive(Debug, Clone, Copy)]
enum Parameter {
    Quoting,
    Form,
    Limit,
    Segment,
    Value,
}

impl Parameter {
    fn name(self) -> &'static str {
        match self {
            Parameter::Quoting => "quoting",
            Parameter::Form => "form",
            Parameter::Limit => "limit",
            Parameter::Segment => "segment",
            Parameter::Value => "value",
        }
    }
}

/// Whether a decoder reads other fields, and its parameter.
fn keys_of(decoder: Decoder) -> (bool, Option<Parameter>) {
    match decoder {
        Decoder::SqlNorm => (true, Some(Parameter::Quoting)),
        Decoder::SqlTruncated => (true, Some(Parameter::Limit)),
        Decoder::ArmName => (true, Some(Parameter::Segment)),
        Decoder::Constant => (false, Some(Parameter::Value)),
        Decoder::MysqlUser | Decoder::MysqlHost | Decoder::MysqlIp => (true, Some(Parameter::Form)),
        Decoder::SqlVerb
        | Decoder::SqlCode
        | Decoder::MysqlPrivUser
        | Decoder::Outcome
        | Decoder::Compact => (true, None),
    }
}
