//! YAML to [`Descriptor`]s. Strict: a key, decoder or value that is not known is an error, because
//! a descriptor that is silently half understood hides events from every rule.

use std::collections::HashMap;
use std::sync::Arc;

use super::{ConditionalLogsource, Descriptor};
use crate::rule::ast::{LogSource, Place};
use crate::rule::diagnostic::{Diagnostic, Mark, Report, Severity, did_you_mean, quoted, similar};
use crate::rule::yaml::{Kind, Node, parse_stream};

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

/// Reads one document and reports what is wrong with it.
pub(super) struct Parser<'r> {
    pub report: &'r mut Report,
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
}
