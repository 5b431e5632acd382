//! YAML to [`Descriptor`]s. Strict: a key, decoder or value that is not known is an error, because
//! a descriptor that is silently half understood hides events from every rule.

use std::collections::HashMap;
use std::sync::Arc;

use super::order;
use super::{CanonicalField, ConditionalLogsource, DerivedField, Descriptor, FieldTest, TestGroup};
use crate::rule::ast::{LogSource, Place, Scalar};
use crate::rule::diagnostic::{Diagnostic, Mark, Report, Severity, did_you_mean, quoted, similar};
use crate::rule::yaml::{Entry, Kind, Node, parse_stream};
use crate::source::{AccountForm, Decoder, Quoting, TestKind};

const KEYS: [&str; 10] = [
    "source",
    "title",
    "description",
    "logsources",
    "payload",
    "records",
    "json_strings",
    "when",
    "fields",
    "derive",
];

/// Reads every descriptor of a file. Those with errors are left out; the diagnostics say why.
pub fn read(file: &Arc<str>, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Descriptor> {
    let mut descriptors = Vec::new();
    let mut is_empty = true;
    for document in parse_stream(text) {
        let mut report = Report::new(file);
        is_empty &= document.root.is_none() && document.problems.is_empty();
        for problem in document.problems {
            let found = report.error(problem.code, problem.mark, problem.message);
            if let Some(help) = problem.help {
                found.help(help);
            }
        }
        if let Some(root) = &document.root {
            let place = Place { file: Arc::clone(file), pos: root.mark.pos };
            let descriptor = Parser { report: &mut report }.descriptor(root, place);
            if report.errors() == 0 {
                descriptors.extend(descriptor);
            }
        }
        report.finish(diagnostics);
    }
    if is_empty {
        let mut report = Report::new(file);
        report
            .error("source-missing", Mark::default(), "the file describes no source")
            .help("add `source:`, `title:`, `logsources:`, `when:` and `fields:`");
        report.finish(diagnostics);
    }
    descriptors
}

/// Finds descriptors of the same name, in one file or in several.
pub fn check_names(descriptors: &[Descriptor]) -> Vec<Diagnostic> {
    let mut first: HashMap<&str, &Place> = HashMap::new();
    let mut diagnostics = Vec::new();
    for descriptor in descriptors {
        let Some(other) = first.get(descriptor.name.as_str()) else {
            first.insert(&descriptor.name, &descriptor.place);
            continue;
        };
        let mark = Mark { pos: descriptor.place.pos, length: 0 };
        let message = format!("the source {} exists already", quoted(&descriptor.name));
        let mut diagnostic = Diagnostic::new(
            Severity::Error,
            "source-duplicate",
            &descriptor.place.file,
            mark,
            message,
        );
        diagnostic.help(format!(
            "rename one of them (the other is at {other}); of two sources that recognise the same \
             event the first has it, and yours come before the built-in ones"
        ));
        diagnostics.push(diagnostic);
    }
    diagnostics
}

struct Parser<'r> {
    report: &'r mut Report,
}

impl Parser<'_> {
    fn descriptor(&mut self, root: &Node<'_>, place: Place) -> Option<Descriptor> {
        let mark = Mark { length: 0, ..root.mark };
        let entries =
            self.map(root, "a source", "begin with `source:`, `title:` and `logsources:`")?;
        self.report.subject = root.get("source").and_then(|node| match &node.kind {
            Kind::Scalar(text) => Some(text.text.clone().into_owned()),
            _ => None,
        });
        self.known_keys(entries, &KEYS, "a source");
        let name = self.required(root, mark, "source").and_then(|node| self.name(node));
        let title = self.required(root, mark, "title").and_then(|node| self.line(node, "a title"));
        let logsources = self.required(root, mark, "logsources").map(|node| self.logsources(node));
        let when = self.required(root, mark, "when").map(|node| self.when(node));
        if let Some(description) = root.get("description") {
            self.line(description, "a description");
        }
        let mut containers = Vec::new();
        let mut text_payloads = Vec::new();
        if let Some(payload) = root.get("payload") {
            self.payload(payload, &mut text_payloads, &mut containers);
        }
        if let Some(records) = root.get("records") {
            containers.extend(self.paths(records, "records"));
        }
        let json_strings =
            root.get("json_strings").map_or_else(Vec::new, |node| self.paths(node, "json_strings"));
        let fields = root.get("fields").map_or_else(Vec::new, |node| self.fields(node));
        let derived = root.get("derive").map_or_else(Vec::new, |node| self.derived(node));
        self.distinct(&fields, &derived);
        let fields = self.sorted_fields(fields);
        let derived = self.sorted_derived(derived);
        Some(Descriptor {
            place,
            name: name?,
            title: title?,
            logsources: logsources?,
            text_payloads,
            containers,
            json_strings,
            when: when?,
            fields,
            derived,
        })
    }

    fn name(&mut self, node: &Node<'_>) -> Option<String> {
        let name = self.line(node, "a name")?;
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(legal) {
            let message = format!("{} is not a name for a source", quoted(&name));
            self.report
                .error("source-name", node.mark, message)
                .help("use lower-case letters, digits and `-`: `azure-mysql`");
            return None;
        }
        Some(name)
    }

    fn logsources(&mut self, node: &Node<'_>) -> Vec<ConditionalLogsource> {
        let items = self.list(node, "logsources");
        items.iter().filter_map(|item| self.logsource(item)).collect()
    }

    fn logsource(&mut self, node: &Node<'_>) -> Option<ConditionalLogsource> {
        let help = "write `- {product: mysql, service: audit}`";
        let entries = self.map(node, "a logsource", help)?;
        self.known_keys(entries, &["product", "category", "service", "when"], "a logsource");
        let mut attribute = |name: &str| {
            let value = self.line(node.get(name)?, &format!("`{name}`"))?;
            Some(value.to_lowercase())
        };
        let logsource = LogSource {
            product: attribute("product"),
            category: attribute("category"),
            service: attribute("service"),
        };
        if logsource == LogSource::default() {
            self.report
                .error("source-empty", node.mark, "this logsource has no attribute")
                .help("set at least one of `product`, `category` and `service`");
        }
        let when = node.get("when").map_or_else(Vec::new, |node| self.when(node));
        Some(ConditionalLogsource { logsource, when })
    }

    /// One group of tests, or a list of groups of which one must hold.
    fn when(&mut self, node: &Node<'_>) -> Vec<TestGroup> {
        match &node.kind {
            Kind::List(items) => {
                if items.is_empty() {
                    self.empty(node, "when");
                }
                items.iter().map(|item| self.group(item)).collect()
            }
            _ => vec![self.group(node)],
        }
    }

    fn group(&mut self, node: &Node<'_>) -> TestGroup {
        let help = "write `all:` or `any:` with a list of `{path: ..., is: ...}`";
        let Some(entries) = self.map(node, "`when`", help) else { return TestGroup::default() };
        self.known_keys(entries, &["all", "any"], "`when`");
        if entries.is_empty() {
            self.empty(node, "when");
        }
        let mut tests = |name: &str| match node.get(name) {
            Some(node) => {
                let items = self.list(node, name);
                items.iter().filter_map(|item| self.test(item)).collect()
            }
            None => Vec::new(),
        };
        TestGroup { all: tests("all"), any: tests("any") }
    }

    fn test(&mut self, node: &Node<'_>) -> Option<FieldTest> {
        let help = "write `{path: category, is: [MySqlAuditLogs]}`";
        let entries = self.map(node, "a test", help)?;
        self.known_keys(entries, &["path", "is", "contains", "exists"], "a test");
        let path = self.required(node, node.mark, "path").and_then(|node| self.path(node));
        let mut kinds =
            [("is", TestKind::Is), ("contains", TestKind::Contains), ("exists", TestKind::Exists)]
                .into_iter()
                .filter_map(|(name, kind)| Some((kind, node.get(name)?)));
        let (Some((kind, value)), None) = (kinds.next(), kinds.next()) else {
            self.report
                .error("source-value", node.mark, "a test compares in exactly one way")
                .help("give one of `is`, `contains` and `exists: true`");
            return None;
        };
        let values = match kind {
            TestKind::Is | TestKind::Contains => self.values(value, kind),
            TestKind::Exists => {
                self.exists(value);
                Vec::new()
            }
        };
        Some(FieldTest { path: path?, kind, values })
    }

    fn exists(&mut self, node: &Node<'_>) {
        let is_true = matches!(
            &node.kind, Kind::Scalar(text) if text.resolve() == Ok(Scalar::Bool(true))
        );
        if !is_true {
            self.report
                .error("source-value", node.mark, "`exists` can only be `true`")
                .help("a source is recognised by what an event has, not by what it lacks");
        }
    }

    fn values(&mut self, node: &Node<'_>, kind: TestKind) -> Vec<String> {
        let items = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                self.empty(node, if kind == TestKind::Is { "is" } else { "contains" });
                return Vec::new();
            }
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut values = Vec::new();
        for item in items {
            let text = match &item.kind {
                Kind::Scalar(text) => match text.resolve() {
                    Ok(Scalar::Str(value)) => Some(value),
                    Ok(Scalar::Int(value)) => Some(value.to_string()),
                    Ok(Scalar::Bool(value)) => Some(value.to_string()),
                    _ => None,
                },
                _ => None,
            };
            match text {
                Some(text) if text.is_empty() && kind == TestKind::Contains => {
                    self.report
                        .error("source-value", item.mark, "every text contains the empty one")
                        .help("use `exists: true`");
                }
                Some(text) => values.push(text.to_ascii_lowercase()),
                None => {
                    self.report
                        .error("source-value", item.mark, "a test compares with texts and integers")
                        .help("quote the value");
                }
            }
        }
        values
    }

    fn payload(&mut self, node: &Node<'_>, texts: &mut Vec<String>, containers: &mut Vec<String>) {
        let mut seen: Vec<(String, String)> = Vec::new();
        for item in self.list(node, "payload") {
            let help = "write `- {path: message, encoding: json}`";
            let Some(entries) = self.map(item, "a payload", help) else { continue };
            self.known_keys(entries, &["path", "encoding"], "a payload");
            let path = self.required(item, item.mark, "path").and_then(|node| self.path(node));
            let Some(encoding_node) = self.required(item, item.mark, "encoding") else { continue };
            let Some(encoding) = self.line(encoding_node, "an encoding") else { continue };
            let Some(path) = path else { continue };
            let list = match &*encoding {
                "json" => &mut *texts,
                "native" => &mut *containers,
                _ => {
                    let names = ["json", "native"];
                    let message = format!(
                        "unknown encoding {}{}",
                        quoted(&encoding),
                        did_you_mean(similar(&encoding, names))
                    );
                    self.report
                        .error("source-value", encoding_node.mark, message)
                        .help("`json`: the event is text; `native`: it is an object of the record");
                    continue;
                }
            };
            let pair = (path, encoding);
            if seen.contains(&pair) {
                let message = format!("the payload {} is listed twice", quoted(&pair.0));
                self.report.error("source-duplicate", item.mark, message).help("remove one");
                continue;
            }
            list.push(pair.0.clone());
            seen.push(pair);
        }
    }

    fn fields(&mut self, node: &Node<'_>) -> Vec<(Mark, CanonicalField)> {
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

    fn derived(&mut self, node: &Node<'_>) -> Vec<(Mark, DerivedField)> {
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
    fn distinct(&mut self, fields: &[(Mark, CanonicalField)], derived: &[(Mark, DerivedField)]) {
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
    fn sorted_fields(&mut self, fields: Vec<(Mark, CanonicalField)>) -> Vec<CanonicalField> {
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
    fn sorted_derived(&mut self, derived: Vec<(Mark, DerivedField)>) -> Vec<DerivedField> {
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

    fn map<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        what: &str,
        help: &str,
    ) -> Option<&'n [Entry<'t>]> {
        if let Kind::Map(entries) = &node.kind {
            return Some(entries);
        }
        let message = format!("{what} is a map, this is {}", node.what());
        let mark = Mark { length: 0, ..node.mark };
        self.report.error("source-not-map", mark, message).help(help);
        None
    }

    /// The elements of a list that must not be empty.
    fn list<'n, 't>(&mut self, node: &'n Node<'t>, name: &str) -> &'n [Node<'t>] {
        match &node.kind {
            Kind::List(items) if items.is_empty() => self.empty(node, name),
            Kind::List(items) => return items,
            _ => {
                let message = format!("`{name}` is a list, this is {}", node.what());
                self.report
                    .error("source-value", node.mark, message)
                    .help("begin each element with `- `");
            }
        }
        &[]
    }

    fn empty(&mut self, node: &Node<'_>, name: &str) {
        self.report
            .error("source-empty", node.mark, format!("`{name}` is empty"))
            .help(format!("add an element, or remove `{name}`"));
    }

    fn known_keys(&mut self, entries: &[Entry<'_>], known: &[&str], what: &str) {
        for entry in entries {
            let key = &*entry.key.text;
            if !known.contains(&key) {
                let suggestion = did_you_mean(similar(key, known.iter().copied()));
                let message = format!("{what} has no key {}{suggestion}", quoted(key));
                let help = format!("the keys are {}", known.join(", "));
                self.report.error("source-key", entry.key_mark, message).help(help);
            }
        }
    }

    fn required<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        mark: Mark,
        key: &str,
    ) -> Option<&'n Node<'t>> {
        let found = node.get(key);
        if found.is_none() {
            self.report
                .error("source-missing", mark, format!("`{key}` is missing"))
                .help(format!("add `{key}:`"));
        }
        found
    }

    /// A text that is not empty.
    fn line(&mut self, node: &Node<'_>, what: &str) -> Option<String> {
        let message = match &node.kind {
            Kind::Scalar(text) if text.is_null() || text.text.trim().is_empty() => {
                format!("{what} is empty")
            }
            Kind::Scalar(text) => return Some(text.text.trim().to_owned()),
            _ => format!("{what} is a text, this is {}", node.what()),
        };
        self.report.error("source-value", node.mark, message).help("write a text");
        None
    }

    /// A text or a list of different texts.
    fn texts(&mut self, node: &Node<'_>, name: &str) -> Vec<(Mark, String)> {
        let items = match &node.kind {
            Kind::List(_) => self.list(node, name),
            _ => std::slice::from_ref(node),
        };
        let mut texts: Vec<(Mark, String)> = Vec::new();
        for item in items {
            let Some(text) = self.line(item, &format!("an element of `{name}`")) else { continue };
            if texts.iter().any(|(_, other)| *other == text) {
                let message = format!("{} is listed twice", quoted(&text));
                self.report.error("source-duplicate", item.mark, message).help("remove one");
                continue;
            }
            texts.push((item.mark, text));
        }
        texts
    }

    /// A path or a list of different paths.
    fn paths(&mut self, node: &Node<'_>, name: &str) -> Vec<String> {
        let texts = self.texts(node, name);
        texts.into_iter().filter_map(|(mark, text)| self.checked_path(mark, text)).collect()
    }

    fn path(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.line(node, "a path")?;
        self.checked_path(node.mark, text)
    }

    fn checked_path(&mut self, mark: Mark, path: String) -> Option<String> {
        if path.split('.').any(str::is_empty) {
            let message = format!("{} is not a path", quoted(&path));
            self.report
                .error("source-path", mark, message)
                .help("write keys with single dots between: `properties.user`");
            return None;
        }
        Some(path)
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
        Decoder::SqlVerb | Decoder::MysqlPrivUser | Decoder::Outcome | Decoder::Compact => {
            (true, None)
        }
    }
}
