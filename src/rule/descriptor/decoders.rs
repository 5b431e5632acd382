//! `derive`: how fields are computed.

use super::DerivedField;
use super::parse::Parser;
use crate::rule::ast::Scalar;
use crate::rule::diagnostic::{Mark, did_you_mean, quoted, similar};
use crate::rule::yaml::{Entry, Kind, Node};
use crate::source::{AccountForm, Decoder, Quoting};

impl Parser<'_> {
    pub(super) fn derived_field(&mut self, entry: &Entry<'_>) -> Option<(Mark, DerivedField)> {
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
            .chain((decoder == Decoder::Lookup).then_some("default"))
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
        let (table, default) = match decoder {
            Decoder::Lookup => self.table(node),
            _ => (Vec::new(), None),
        };
        let field = DerivedField { name, decoder, from, number, text, table, default };
        Some((entry.key_mark, field))
    }

    /// `values` and `default` of a lookup.
    pub(super) fn table(&mut self, node: &Node<'_>) -> (Vec<(String, String)>, Option<String>) {
        let mut table: Vec<(String, String)> = Vec::new();
        let help = "write `values: {QUERY: general_log, CONNECT: connection_log}`";
        let rows = node.get("values").and_then(|node| self.map(node, "`values`", help));
        for row in rows.unwrap_or(&[]) {
            let key = row.key.text.to_ascii_lowercase();
            if table.iter().any(|(other, _)| *other == key) {
                let message = format!("{} is listed twice", quoted(&key));
                self.report
                    .error("source-duplicate", row.key_mark, message)
                    .help("remove one: texts are compared without case");
                continue;
            }
            if let Some(result) = self.line(&row.value, "a result") {
                table.push((key, result));
            }
        }
        let default = node.get("default").and_then(|node| self.line(node, "`default`"));
        (table, default)
    }

    fn parameter(&mut self, parameter: Parameter, node: &Node<'_>, mark: Mark) -> (u32, String) {
        let name = parameter.name();
        match parameter {
            Parameter::Quoting => {
                let choices = [
                    ("none", Quoting::None as u32),
                    ("backslash", Quoting::Backslash as u32),
                    ("repeated", Quoting::Repeated as u32),
                ];
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
            // The table is read apart; here only whether it is there.
            Parameter::Values => {
                self.required(node, mark, name);
                (0, String::new())
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
}

/// What a decoder is told besides `from`.
#[derive(Debug, Clone, Copy)]
enum Parameter {
    Quoting,
    Form,
    Limit,
    Segment,
    Value,
    Values,
}

impl Parameter {
    fn name(self) -> &'static str {
        match self {
            Parameter::Quoting => "quoting",
            Parameter::Form => "form",
            Parameter::Limit => "limit",
            Parameter::Segment => "segment",
            Parameter::Value => "value",
            Parameter::Values => "values",
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
        Decoder::Lookup => (true, Some(Parameter::Values)),
        Decoder::MysqlUser | Decoder::MysqlHost | Decoder::MysqlIp => (true, Some(Parameter::Form)),
        Decoder::SqlVerb
        | Decoder::SqlCode
        | Decoder::MysqlPrivUser
        | Decoder::Outcome
        | Decoder::Compact
        | Decoder::Port
        | Decoder::Join
        | Decoder::Address => (true, None),
    }
}
