//! Destinations: the documents that SIEMs expect, written in YAML.
//!
//! | key | meaning |
//! |---|---|
//! | `destination` | name: lower-case letters, digits, `-` |
//! | `title` | for people |
//! | `lists` | `true`: a member may have a list of values; otherwise one with several is left out |
//! | `documents` | list of `{name, use, logsources, when, members}`; the first that is for an event is written |
//!
//! A document is for the events that have one of its `logsources` and pass `when`; one of the two may
//! be left out. `use: DESTINATION/DOCUMENT` takes the members of another one first; own members of the
//! same name take their place.
//!
//! `members` maps dotted names to where the value comes from: a field, or a list of choices of which the
//! first that gives a value is taken. A choice is a field or a map:
//!
//! | key | meaning |
//! |---|---|
//! | `from` | field, or list of which the first that gives a value is taken |
//! | `as` | [`Form`] of the value, `text` if left out |
//! | `each` | of `as: distinct`: the form of each element |
//! | `values`, `default` | in place of `as`: what the member has for a text, ASCII letters without case |
//! | `value` | in place of `from`: a text, a number or a list of texts |
//! | `when`, `logsources` | the choice is only for events that pass |

use std::sync::{Arc, OnceLock};

use super::parse::Parser;
use super::{FieldTest, TestGroup, mapping};
use crate::destination::Form;
use crate::limits::{DOCUMENT_DEPTH, DOCUMENT_MEMBERS};
use crate::rule::ast::{LogSource, Scalar};
use crate::rule::diagnostic::{Diagnostic, Mark, Report, did_you_mean, quoted, similar};
use crate::rule::yaml::{Entry, Kind, Node, parse_stream};

/// The files under `destinations/`. One that uses a document of another stands behind it.
const BUILT_IN: &[(&str, &str)] = &[
    ("destinations/sekoia.yml", include_str!("../../../destinations/sekoia.yml")),
    ("destinations/ecs.yml", include_str!("../../../destinations/ecs.yml")),
    ("destinations/asim.yml", include_str!("../../../destinations/asim.yml")),
];

/// A destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// `destination`: the name.
    pub name: String,
    /// `title`.
    pub title: String,
    /// `lists`.
    pub lists: bool,
    /// `documents`.
    pub documents: Vec<Document>,
}

/// A document of a destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `name`, unique in the destination.
    pub name: String,
    /// For which events.
    pub condition: Condition,
    /// Its members, in the order that they are written in.
    pub members: Vec<Member>,
}

/// What must hold for an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    /// `when`: one of these groups must hold, if there are any.
    pub when: Vec<TestGroup>,
    /// `logsources`: the event must have one whose attributes are those that are set here, if there
    /// are any.
    pub logsources: Vec<LogSource>,
}

/// A member of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its dotted name.
    pub name: String,
    /// Where its value comes from, in the order of preference.
    pub choices: Vec<Choice>,
}

/// A way to the value of a member.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// When it is to be considered.
    pub condition: Condition,
    /// How the value is written.
    pub form: Form,
    /// Of a list, the form of each element.
    pub each: Form,
    /// The fields that it is taken from, in the order of preference.
    pub from: Vec<String>,
    /// Constants.
    pub values: Vec<String>,
    /// Of a table: texts in lower case, and their results.
    pub table: Vec<(String, String)>,
    /// The result of every other text.
    pub default: Option<String>,
    /// A constant number.
    pub number: u32,
}

impl Choice {
    fn new(form: Form) -> Choice {
        Choice {
            condition: Condition::default(),
            form,
            each: Form::Text,
            from: Vec::new(),
            values: Vec::new(),
            table: Vec::new(),
            default: None,
            number: 0,
        }
    }
}

impl Destination {
    /// The fields that it reads or tests.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let choices = self.documents.iter().flat_map(|document| &document.members);
        let choices = || choices.clone().flat_map(|member| &member.choices);
        let conditions = self.documents.iter().map(|document| &document.condition);
        let conditions = conditions.chain(choices().map(|choice| &choice.condition));
        let groups = conditions.flat_map(|condition| &condition.when);
        let tests = groups.flat_map(|group| group.all.iter().chain(&group.any));
        let from = choices().flat_map(|choice| &choice.from).map(String::as_str);
        tests.map(|test: &FieldTest| test.path.as_str()).chain(from)
    }
}

/// The destinations that come with sigmatag.
pub fn destinations() -> Vec<Destination> {
    static BUILT: OnceLock<Vec<Destination>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let (mut diagnostics, mut all) = (Vec::new(), Vec::new());
        for (file, text) in BUILT_IN {
            all = read_destinations(&(*file).into(), text, all, &mut diagnostics);
        }
        debug_assert!(diagnostics.is_empty(), "{diagnostics:?}");
        all
    });
    built.clone()
}

/// Reads the destinations of a file, which may use documents of those that are `known`, and appends
/// them. Those with errors are left out; the diagnostics say why.
pub fn read_destinations(
    file: &Arc<str>,
    text: &str,
    mut known: Vec<Destination>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Destination> {
    for document in parse_stream(text) {
        let mut report = Report::new(file);
        for problem in document.problems {
            let found = report.error(problem.code, problem.mark, problem.message);
            if let Some(help) = problem.help {
                found.help(help);
            }
        }
        if let Some(root) = &document.root {
            let none = mapping::Mappings::new();
            let mut parser = Parser { report: &mut report, own: &none, others: &none };
            let read = parser.destination(root, &known);
            if report.errors() == 0 {
                known.extend(read);
            }
        }
        report.finish(diagnostics);
    }
    known
}

impl Parser<'_> {
    fn destination(&mut self, root: &Node<'_>, known: &[Destination]) -> Option<Destination> {
        let help = "begin with `destination:`, `title:` and `documents:`";
        let entries = self.map(root, "a destination", help)?;
        self.known_keys(entries, &["destination", "title", "lists", "documents"], "a destination");
        let mark = Mark { length: 0, ..root.mark };
        let name = self.required(root, mark, "destination").and_then(|node| self.name(node))?;
        self.report.subject = Some(name.clone());
        if known.iter().any(|other| other.name == name) {
            let message = format!("the destination {} exists already", quoted(&name));
            self.report.error("source-duplicate", root.mark, message).help("give it another name");
        }
        let title = self.required(root, mark, "title").and_then(|node| self.line(node, "a title"));
        let lists = root.get("lists").is_some_and(|node| self.is_true(node, "lists"));
        let mut destination = Destination { name, title: title?, lists, documents: Vec::new() };
        let documents = self.required(root, mark, "documents")?;
        for node in self.list(documents, "documents") {
            if let Some(document) = self.destination_document(node, known, &destination) {
                destination.documents.push(document);
            }
        }
        Some(destination)
    }

    fn destination_document(
        &mut self,
        node: &Node<'_>,
        known: &[Destination],
        own: &Destination,
    ) -> Option<Document> {
        let help = "write `- {name: audit, when: ..., members: ...}`";
        let entries = self.map(node, "a document", help)?;
        self.known_keys(entries, &["name", "use", "logsources", "when", "members"], "a document");
        let name = self.required(node, node.mark, "name").and_then(|node| self.name(node))?;
        if own.documents.iter().any(|other| other.name == name) {
            let message = format!("the document {} exists already", quoted(&name));
            self.report.error("source-duplicate", node.mark, message).help("give it another name");
        }
        let condition = self.condition(node);
        let mut members = match node.get("use") {
            Some(node) => self.used(node, known, own),
            None => Vec::new(),
        };
        let nodes = self.required(node, node.mark, "members")?;
        let help = "write `members: {user.name: user}`";
        let mut seen: Vec<&str> = Vec::new();
        for entry in self.map(nodes, "`members`", help)? {
            let Some(member) = self.member(entry) else { continue };
            if seen.contains(&&*entry.key.text) {
                let message = format!("{} is listed twice", quoted(&member.name));
                self.report.error("source-duplicate", entry.key_mark, message).help("remove one");
            }
            seen.push(&entry.key.text);
            match members.iter_mut().find(|known| known.name == member.name) {
                Some(known) => *known = member,
                None => members.push(member),
            }
        }
        self.check_tree(&members, nodes.mark);
        Some(Document { name, condition, members })
    }

    /// A member cannot have a value and members, and there are limits.
    fn check_tree(&mut self, members: &[Member], mark: Mark) {
        for member in members {
            let inside = format!("{}.", member.name);
            if let Some(inner) = members.iter().find(|other| other.name.starts_with(&inside)) {
                let message =
                    format!("{} has a value and the member {}", member.name, quoted(&inner.name));
                self.report.error("source-value", mark, message).help("rename one of them");
            }
            if member.name.split('.').count() > DOCUMENT_DEPTH {
                let message =
                    format!("{} is more than {DOCUMENT_DEPTH} names deep", quoted(&member.name));
                self.report.error("source-value", mark, message).help("use fewer levels");
            }
        }
        let objects = super::destination_tree::count_nodes(members);
        if objects > DOCUMENT_MEMBERS {
            let message = format!("more than {DOCUMENT_MEMBERS} members and objects");
            self.report.error("source-value", mark, message).help("leave some out");
        }
    }

    /// The members of another document.
    fn used(&mut self, node: &Node<'_>, known: &[Destination], own: &Destination) -> Vec<Member> {
        let Some(path) = self.line(node, "`use`") else { return Vec::new() };
        let all = || {
            let destinations = known.iter().chain([own]);
            destinations.flat_map(|destination| {
                let name = |document: &Document| format!("{}/{}", destination.name, document.name);
                destination.documents.iter().map(move |document| (name(document), document))
            })
        };
        if let Some((_, document)) = all().find(|(name, _)| *name == path) {
            return document.members.clone();
        }
        let names: Vec<String> = all().map(|(name, _)| name).collect();
        let message = format!(
            "unknown document {}{}",
            quoted(&path),
            did_you_mean(similar(&path, names.iter().map(String::as_str)))
        );
        let help = format!("name one before this: {}", names.join(", "));
        self.report.error("source-mapping", node.mark, message).help(help);
        Vec::new()
    }

    fn condition(&mut self, node: &Node<'_>) -> Condition {
        let when = node.get("when").map_or_else(Vec::new, |node| self.when(node));
        let logsources = match node.get("logsources") {
            Some(node) => self.logsources(node).into_iter().map(|item| item.logsource).collect(),
            None => Vec::new(),
        };
        Condition { when, logsources }
    }

    fn member(&mut self, entry: &Entry<'_>) -> Option<Member> {
        let name = entry.key.text.clone().into_owned();
        let is_name = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-'))
        };
        if !name.split('.').all(is_name) {
            let message = format!("{} is not the name of a member", quoted(&name));
            self.report
                .error("source-path", entry.key_mark, message)
                .help("use letters, digits, `_`, `-` and `@`, with single dots between");
            return None;
        }
        let items = match &entry.value.kind {
            Kind::List(_) => self.list(&entry.value, &name),
            _ => std::slice::from_ref(&entry.value),
        };
        let choices = items.iter().filter_map(|item| self.member_choice(item)).collect();
        Some(Member { name, choices })
    }

    fn member_choice(&mut self, node: &Node<'_>) -> Option<Choice> {
        if matches!(node.kind, Kind::Scalar(_)) {
            let from = vec![self.path(node)?];
            return Some(Choice { from, ..Choice::new(Form::Text) });
        }
        let help = "write a field, or `{from: field, as: integer}`";
        let entries = self.map(node, "a choice", help)?;
        let condition = self.condition(node);
        if let Some(value) = node.get("value") {
            self.known_keys(entries, &["value", "when", "logsources"], "a constant");
            return self.constant(value).map(|choice| Choice { condition, ..choice });
        }
        let form = self.form(node, "as")?;
        let mut keys = vec!["as", "when", "logsources"];
        if form.reads() {
            keys.push("from");
        }
        if form == Form::Distinct {
            keys.push("each");
        }
        let is_table = node.get("values").is_some();
        if is_table {
            keys = vec!["from", "values", "default", "when", "logsources"];
        }
        self.known_keys(entries, &keys, "a choice");
        let from = match form.reads() {
            true => {
                let node = self.required(node, node.mark, "from")?;
                self.paths(node, "from")
            }
            false => Vec::new(),
        };
        if is_table {
            let (table, default) = self.table(node);
            return Some(Choice { condition, from, table, default, ..Choice::new(Form::Lookup) });
        }
        let each = self.form(node, "each")?;
        if let Some(node) = node.get("each").filter(|_| !each.is_part()) {
            self.report
                .error("source-value", node.mark, "elements of a list are parts of texts")
                .help("use text, address, label, file_name, folder or account_name");
        }
        Some(Choice { condition, each, from, ..Choice::new(form) })
    }

    fn form(&mut self, node: &Node<'_>, key: &str) -> Option<Form> {
        let Some(node) = node.get(key) else { return Some(Form::Text) };
        let name = self.line(node, &format!("`{key}`"))?;
        let form = Form::from_name(&name);
        if form.is_none() {
            let names = Form::NAMED.map(|(name, _)| name);
            let message =
                format!("unknown form {}{}", quoted(&name), did_you_mean(similar(&name, names)));
            let help = format!("forms are {}", names.join(", "));
            self.report.error("source-value", node.mark, message).help(help);
        }
        form
    }

    fn constant(&mut self, node: &Node<'_>) -> Option<Choice> {
        match &node.kind {
            Kind::List(_) => {
                let values = self.texts(node, "value").into_iter().map(|(_, text)| text).collect();
                Some(Choice { values, ..Choice::new(Form::ConstantList) })
            }
            Kind::Scalar(text) => match text.resolve() {
                Ok(Scalar::Int(number)) => match u32::try_from(number) {
                    Ok(number) => Some(Choice { number, ..Choice::new(Form::ConstantNumber) }),
                    Err(_) => {
                        self.report
                            .error("source-value", node.mark, "a constant number has 32 bits")
                            .help("quote it to have a text");
                        None
                    }
                },
                _ => {
                    let values = vec![self.line(node, "`value`")?];
                    Some(Choice { values, ..Choice::new(Form::Constant) })
                }
            },
            Kind::Map(_) => {
                self.line(node, "`value`");
                None
            }
        }
    }
}
