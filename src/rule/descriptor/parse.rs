//! YAML to [`Descriptor`]s. Strict: a key, decoder or value that is not known is an error, because
//! a descriptor that is silently half understood hides events from every rule.

use std::collections::HashMap;
use std::sync::Arc;

use super::Descriptor;
use super::mapping::{self, Mappings, Parts};
use crate::limits::SOURCE_INHERITED;
use crate::rule::ast::Place;
use crate::rule::diagnostic::{Diagnostic, Mark, Report, Severity, quoted};
use crate::rule::yaml::{Entry, Kind, Node, parse_stream};

/// Keys of a source, and of a mapping: the parts that a source may take from one come last.
const KEYS: [&str; 15] = [
    "source",
    "title",
    "description",
    "payload",
    "records",
    "inherit",
    "when",
    "use",
    "logsources",
    "json_strings",
    "fields",
    "lift",
    "positions",
    "variants",
    "derive",
];
const MAPPING_KEYS: [&str; 10] = [
    "mapping",
    "title",
    "description",
    "use",
    "logsources",
    "json_strings",
    "fields",
    "lift",
    "positions",
    "variants",
];

/// Reads every descriptor of a file. Those with errors are left out; the diagnostics say why.
pub fn read(file: &Arc<str>, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Descriptor> {
    let mut own = Mappings::new();
    read_with(file, text, diagnostics, &mut own, &mapping::built_in().mappings)
}

/// Reads a file whose documents may use its own mappings and others.
pub(super) fn read_with(
    file: &Arc<str>,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
    own: &mut Mappings,
    others: &Mappings,
) -> Vec<Descriptor> {
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
            let mut parser = Parser { report: &mut report, own, others };
            let read = parser.document(root, place);
            if report.errors() == 0 {
                match read {
                    Some(Document::Source(descriptor)) => descriptors.push(*descriptor),
                    Some(Document::Mapping(name, parts)) => {
                        own.insert(name, *parts);
                    }
                    None => {}
                }
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
    /// Mappings of the documents before.
    pub own: &'r Mappings,
    /// Mappings of other files.
    pub others: &'r Mappings,
}

/// What a document is.
enum Document {
    Source(Box<Descriptor>),
    Mapping(String, Box<Parts>),
}

impl Parser<'_> {
    fn document(&mut self, root: &Node<'_>, place: Place) -> Option<Document> {
        let help = "begin with `source:`, `title:` and `logsources:`";
        let entries = self.map(root, "a source", help)?;
        let subject = root.get("source").or_else(|| root.get("mapping"));
        self.report.subject = subject.and_then(|node| match &node.kind {
            Kind::Scalar(text) => Some(text.text.clone().into_owned()),
            _ => None,
        });
        if root.get("mapping").is_some() && root.get("source").is_none() {
            return self.mapping(root, entries);
        }
        self.descriptor(root, entries, place).map(|source| Document::Source(Box::new(source)))
    }

    fn mapping(&mut self, root: &Node<'_>, entries: &[Entry<'_>]) -> Option<Document> {
        let keys: Vec<&str> = MAPPING_KEYS.into_iter().chain(["derive"]).collect();
        self.known_keys(entries, &keys, "a mapping");
        let name = self.name(root.get("mapping")?);
        if let Some(name) = name.as_ref().filter(|name| self.find(name).is_some()) {
            let message = format!("the mapping {} exists already", quoted(name));
            self.report.error("source-duplicate", root.mark, message).help("give it another name");
        }
        let parts = self.parts(root);
        self.distinct(&parts.fields, &parts.derived);
        Some(Document::Mapping(name?, Box::new(parts)))
    }

    fn descriptor(
        &mut self,
        root: &Node<'_>,
        entries: &[Entry<'_>],
        place: Place,
    ) -> Option<Descriptor> {
        let mark = Mark { length: 0, ..root.mark };
        self.known_keys(entries, &KEYS, "a source");
        let name = self.required(root, mark, "source").and_then(|node| self.name(node));
        let title = self.required(root, mark, "title").and_then(|node| self.line(node, "a title"));
        let when = self.required(root, mark, "when").map(|node| self.when(node));
        let description = root.get("description").and_then(|node| self.line(node, "a description"));
        let mut containers = Vec::new();
        let mut text_payloads = Vec::new();
        if let Some(payload) = root.get("payload") {
            self.payload(payload, &mut text_payloads, &mut containers);
        }
        if let Some(records) = root.get("records") {
            containers.extend(self.paths(records, "records"));
        }
        let inherited =
            root.get("inherit").map_or_else(Vec::new, |node| self.paths(node, "inherit"));
        if inherited.len() > SOURCE_INHERITED
            && let Some(node) = root.get("inherit")
        {
            let message = format!("more than {SOURCE_INHERITED} fields are inherited");
            self.report
                .error("source-value", node.mark, message)
                .help("list those that tests or fields read");
        }
        let errors = self.report.errors();
        let parts = self.parts(root);
        // One that is not understood may have had some.
        if parts.logsources.is_empty() && self.report.errors() == errors {
            self.required(root, mark, "logsources");
        }
        self.distinct(&parts.fields, &parts.derived);
        Some(Descriptor {
            place,
            name: name?,
            title: title?,
            description,
            logsources: parts.logsources,
            text_payloads,
            containers,
            inherited,
            json_strings: parts.json_strings,
            when: when?,
            fields: self.sorted_fields(parts.fields),
            lifts: parts.lifts,
            positions: parts.positions,
            variants: parts.variants,
            derived: self.sorted_derived(parts.derived),
        })
    }

    pub(super) fn name(&mut self, node: &Node<'_>) -> Option<String> {
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
}
