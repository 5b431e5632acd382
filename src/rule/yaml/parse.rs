//! saphyr-parser's events to trees, document by document.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::{Document, Entry, Kind, Node, Problem, Text};
use crate::limits;
use crate::rule::ast::Pos;
use crate::rule::diagnostic::{Mark, quoted};
use crate::rule::scalar::Style;

/// Reads every document of a stream. A `---` line ends a document wherever it stands, so the text
/// is cut there first: an open bracket or quote then concerns its own document only.
pub(in crate::rule) fn parse_stream(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut nodes = 0;
    let mut start = 0;
    let mut first_line = 1;
    // A document's directives (`%YAML`) stand between `...` and its `---` line.
    let mut directives: Option<(usize, u32)> = Some((0, 1));
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        if is_marker(line, "---") {
            let (cut, cut_line) = directives.take().unwrap_or((offset, number));
            parse_from(&text[start..cut], first_line, &mut nodes, &mut documents);
            if nodes > limits::YAML_NODES {
                return documents;
            }
            start = cut;
            first_line = cut_line;
        } else if is_marker(line, "...") {
            directives = Some((offset + line.len(), number + 1));
        } else if !line.starts_with(['%', '#']) && !line.trim().is_empty() {
            directives = None;
        }
        offset += line.len();
    }
    parse_from(&text[start..], first_line, &mut nodes, &mut documents);
    documents
}

/// Whether a line is a document marker.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Reads documents until the end, until one is broken, or until the file has too many `nodes`.
fn parse_from<'t>(
    text: &'t str,
    first_line: u32,
    nodes: &mut usize,
    documents: &mut Vec<Document<'t>>,
) {
    let mut builder = Builder::new(first_line - 1);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => return,
            Ok((Event::DocumentStart(_), _)) => builder = Builder::new(first_line - 1),
            Ok((Event::DocumentEnd, _)) => documents.push(builder.take()),
            Ok((event, span)) => {
                *nodes += 1;
                if *nodes > limits::YAML_NODES {
                    let mark = builder.mark(span);
                    let message = format!(
                        "more than {} values, lists and maps in a file",
                        limits::YAML_NODES
                    );
                    let help = Some("split it into several files".to_owned());
                    let problem = Problem { code: "yaml-nodes", mark, message, help };
                    documents.push(builder.broken(problem));
                    return;
                }
                builder.event(event, span);
            }
            Err(error) => {
                let mark = Mark { pos: builder.pos(*error.marker()), length: 0 };
                let message = format!("not valid YAML: {}", error.info());
                let help = syntax_help(error.info()).map(str::to_owned);
                let problem = Problem { code: "yaml-syntax", mark, message, help };
                documents.push(builder.broken(problem));
                return;
            }
        }
    }
}

/// What usually causes the parser's message.
fn syntax_help(info: &str) -> Option<&'static str> {
    if info.contains("unknown anchor") {
        Some("a value that begins with `*` must be quoted: `'*text*'`")
    } else if info.contains("tab") {
        Some("indent with spaces")
    } else if info.contains("mapping values are not allowed") {
        Some("quote a value that contains `: `")
    } else if info.contains("plain scalar cannot start with") {
        Some("quote the value: `'-'`")
    } else if info.contains("document indicator") {
        Some("close the quote before the next document")
    } else if ["expected node content", "flow", "illegal placement"]
        .iter()
        .any(|text| info.contains(text))
    {
        Some("close every `[` and `{`, and quote values that begin with one")
    } else if info.contains("cannot start any token") || info.contains("character") {
        Some("quote the value")
    } else {
        None
    }
}

/// A list or map that is not complete yet.
struct Frame<'t> {
    node: Node<'t>,
    anchor: usize,
    /// A map's key that waits for its value; the key itself if it is not a scalar.
    key: Option<(Text<'t>, Mark)>,
    /// Keys seen, once the map is too large for a linear search.
    keys: HashSet<Cow<'t, str>>,
}

struct Builder<'t> {
    lines_before: u32,
    stack: Vec<Frame<'t>>,
    root: Option<Node<'t>>,
    anchors: HashMap<usize, Node<'t>>,
    alias_bytes: usize,
    problems: Vec<Problem>,
    /// Lists and maps open beyond the depth cap: their events are passed over.
    too_deep: usize,
    broken: bool,
}

impl<'t> Builder<'t> {
    fn new(lines_before: u32) -> Builder<'t> {
        Builder {
            lines_before,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            alias_bytes: 0,
            problems: Vec::new(),
            too_deep: 0,
            broken: false,
        }
    }

    fn take(&mut self) -> Document<'t> {
        let root = self.root.take().filter(|node| !node.is_null() && !self.broken);
        let document =
            Document { root, broken: self.broken, problems: std::mem::take(&mut self.problems) };
        *self = Builder::new(self.lines_before);
        document
    }

    /// The document as far as it was read, which is not to be used.
    fn broken(&mut self, problem: Problem) -> Document<'t> {
        let mut document = self.take();
        document.root = None;
        document.broken = true;
        document.problems.push(problem);
        document
    }

    fn pos(&self, marker: Marker) -> Pos {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Pos {
            line: number(marker.line()).saturating_add(self.lines_before),
            column: number(marker.col()).saturating_add(1),
        }
    }

    fn mark(&self, span: Span) -> Mark {
        let one_line = span.start.line() == span.end.line();
        let length = if one_line { u32::try_from(span.len()).unwrap_or(0) } else { 0 };
        Mark { pos: self.pos(span.start), length }
    }

    fn problem(&mut self, code: &'static str, mark: Mark, message: impl Into<String>, help: &str) {
        if self.problems.len() < limits::DIAGNOSTICS {
            let help = Some(help.to_owned());
            self.problems.push(Problem { code, mark, message: message.into(), help });
        }
    }

    fn event(&mut self, event: Event<'t>, span: Span) {
        let mark = self.mark(span);
        if self.too_deep > 0 {
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => self.too_deep += 1,
                Event::SequenceEnd | Event::MappingEnd => self.too_deep -= 1,
                _ => {}
            }
            return;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.text(text, style, tag, mark);
                self.add(Node { mark, kind: Kind::Scalar(text) }, anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Node { mark, kind: Kind::List(Vec::new()) }, anchor, tag, "seq");
            }
            Event::MappingStart(anchor, tag) => {
                self.open(Node { mark, kind: Kind::Map(Vec::new()) }, anchor, tag, "map");
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(frame) = self.stack.pop() {
                    self.add(frame.node, frame.anchor);
                }
            }
            Event::Alias(anchor) => self.alias(anchor, mark),
            _ => {}
        }
    }

    fn text(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<Cow<'t, Tag>>,
        mark: Mark,
    ) -> Text<'t> {
        let plain = style == ScalarStyle::Plain;
        let quotes =
            u32::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let direct = mark.length > 0 && mark.length == characters.saturating_add(2 * quotes);
        let tag = tag.and_then(|tag| {
            if tag.is_yaml_core_schema() {
                return Some(Cow::Owned(tag.suffix.clone()));
            }
            if tag.handle.is_empty() && tag.suffix == "!" {
                return Some(Cow::Borrowed("str"));
            }
            self.problem(
                "yaml-tag",
                mark,
                format!("unknown YAML tag {}", quoted(&tag.to_string())),
                "quote a value that begins with `!`",
            );
            None
        });
        Text {
            text,
            style: if plain { Style::Plain } else { Style::Text },
            tag,
            inset: direct.then_some(u8::from(quotes == 1)),
        }
    }

    fn open(&mut self, node: Node<'t>, anchor: usize, tag: Option<Cow<'t, Tag>>, core: &str) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == core)
        {
            self.problem(
                "yaml-tag",
                node.mark,
                format!("unknown YAML tag {}", quoted(&tag.to_string())),
                "remove the tag",
            );
        }
        if self.stack.len() >= limits::YAML_DEPTH {
            self.problem(
                "yaml-depth",
                node.mark,
                format!("lists and maps are nested deeper than {}", limits::YAML_DEPTH),
                "a rule needs no more than six levels",
            );
            self.broken = true;
            self.too_deep = 1;
            return;
        }
        self.stack.push(Frame { node, anchor, key: None, keys: HashSet::new() });
    }

    fn alias(&mut self, anchor: usize, mark: Mark) {
        let Some(node) = self.anchors.get(&anchor) else {
            self.problem(
                "yaml-alias",
                mark,
                "this alias names an anchor of another document or one that it is part of",
                "write the value out",
            );
            self.broken = true;
            self.add(Node { mark, kind: Kind::List(Vec::new()) }, 0);
            return;
        };
        self.alias_bytes = self.alias_bytes.saturating_add(node.weight());
        if self.alias_bytes > limits::YAML_ALIAS_BYTES {
            if !self.broken {
                let message =
                    format!("aliases expand to more than {} bytes", limits::YAML_ALIAS_BYTES);
                self.problem("yaml-alias-bomb", mark, message, "write the values out");
            }
            self.broken = true;
            self.add(Node { mark, kind: Kind::List(Vec::new()) }, 0);
            return;
        }
        let node = node.clone();
        let depth = self.stack.len() + node_depth(&node);
        if depth > limits::YAML_DEPTH {
            let message = format!("aliases nest deeper than {}", limits::YAML_DEPTH);
            self.problem("yaml-depth", mark, message, "write the values out");
            self.broken = true;
            return;
        }
        self.add(node, 0);
    }

    /// Puts a complete node where it belongs.
    fn add(&mut self, node: Node<'t>, anchor: usize) {
        if anchor != 0 {
            // What aliases can repeat is bounded where they do; the copy kept here is at most one
            // per level of nesting.
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.node.kind {
            Kind::List(nodes) => nodes.push(node),
            Kind::Map(entries) => match frame.key.take() {
                Some((key, key_mark)) => entries.push(Entry { key, key_mark, value: node }),
                None => self.key(node),
            },
            Kind::Scalar(_) => {}
        }
    }

    fn key(&mut self, node: Node<'t>) {
        const LINEAR: usize = 16;
        let mark = node.mark;
        let key = match node.kind {
            Kind::Scalar(text) => text,
            Kind::List(_) | Kind::Map(_) => {
                self.problem(
                    "yaml-key",
                    mark,
                    "a list or map cannot be a key",
                    "quote a key that begins with `[` or `{`",
                );
                // Unique, so that it is not taken for a duplicate as well.
                let text = format!("\u{0}{}:{}", mark.pos.line, mark.pos.column);
                Text { text: text.into(), style: Style::Text, tag: None, inset: None }
            }
        };
        let Some(frame) = self.stack.last_mut() else { return };
        let Kind::Map(entries) = &frame.node.kind else { return };
        if entries.len() == LINEAR {
            frame.keys.extend(entries.iter().map(|entry| entry.key.text.clone()));
        }
        let duplicate = if entries.len() < LINEAR {
            entries.iter().any(|entry| entry.key.text == key.text)
        } else {
            !frame.keys.insert(key.text.clone())
        };
        let message =
            duplicate.then(|| format!("the key {} occurs twice in this map", quoted(&key.text)));
        frame.key = Some((key, mark));
        if let Some(message) = message {
            let help = "YAML maps have unique keys: rename one, or join the values to one list";
            self.problem("duplicate-key", mark, message, help);
        }
    }
}

/// Levels of lists and maps. Recursion is bounded by the depth cap.
fn node_depth(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(nodes) => 1 + nodes.iter().map(node_depth).max().unwrap_or(0),
        Kind::Map(entries) => {
            1 + entries.iter().map(|entry| node_depth(&entry.value)).max().unwrap_or(0)
        }
    }
}
