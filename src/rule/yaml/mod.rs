//! YAML text to a tree that knows where every part stands.
//!
//! Built on saphyr-parser's events. Types are not decided here (see [`super::scalar`]): the same
//! scalar is text in `title` and a number in a selection.

use std::borrow::Cow;
use std::cell::OnceCell;

mod parse;

pub(super) use parse::parse_stream;

use super::ast::{Pos, Scalar};
use super::diagnostic::Mark;
use super::scalar::{self, ScalarError, Style};

/// A scalar, a list or a map.
#[derive(Debug, Clone)]
pub(super) struct Node<'t> {
    pub mark: Mark,
    pub kind: Kind<'t>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind<'t> {
    Scalar(Text<'t>),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
}

/// `key: value`.
#[derive(Debug, Clone)]
pub(super) struct Entry<'t> {
    pub key: Text<'t>,
    pub key_mark: Mark,
    pub value: Node<'t>,
}

/// A scalar after YAML's unescaping, before a type is given to it.
#[derive(Debug, Clone)]
pub(super) struct Text<'t> {
    pub text: Cow<'t, str>,
    style: Style,
    tag: Option<Cow<'t, str>>,
    /// Columns between the scalar's place and its first character (1 for a quote), where every
    /// character of the text is one character of the source line.
    inset: Option<u8>,
}

/// Something wrong with the YAML itself.
#[derive(Debug)]
pub(super) struct Problem {
    pub code: &'static str,
    pub mark: Mark,
    pub message: String,
    pub help: Option<String>,
}

/// One document of a stream.
#[derive(Debug)]
pub(super) struct Document<'t> {
    /// `None` if it is empty or cannot be read.
    pub root: Option<Node<'t>>,
    /// Cannot be read: what follows must not lean on it.
    pub broken: bool,
    pub problems: Vec<Problem>,
}

impl<'t> Text<'t> {
    /// The value that the YAML core schema gives it.
    pub fn resolve(&self) -> Result<Scalar, ScalarError> {
        scalar::resolve(&self.text, self.style, self.tag.as_deref())
    }

    /// Nothing, `~` or `null` without quotes.
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain
            && self.tag.as_deref() != Some("str")
            && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// Where `length` characters from `offset` on stand, if the scalar's own place is `mark`.
    pub fn mark_within(&self, mark: Mark, offset: usize, length: usize) -> Mark {
        let (Some(inset), Ok(offset)) = (self.inset, u32::try_from(offset)) else {
            return mark;
        };
        let column = mark.pos.column + u32::from(inset) + offset;
        Mark {
            pos: Pos { line: mark.pos.line, column },
            length: u32::try_from(length).unwrap_or(0),
        }
    }

    /// As [`Text::mark_within`], also for scalars that are folded over several lines: characters
    /// other than white space are the same in the text and in the source.
    pub fn locate(&self, source: &Source<'_>, mark: Mark, offset: usize, length: usize) -> Mark {
        if self.inset.is_some() {
            return self.mark_within(mark, offset, length);
        }
        let solid = |c: &char| !c.is_whitespace();
        let before = self.text.chars().take(offset).filter(solid).count();
        let mut line = mark.pos.line;
        let Some(rest) = source.rest_from(line) else { return mark };
        let mut column = 1;
        let mut seen = 0;
        let mut expected = self.text.chars().filter(solid);
        for character in rest.chars() {
            if character == '\n' {
                line += 1;
                column = 1;
                continue;
            }
            let inside = line > mark.pos.line || column >= mark.pos.column;
            let opening = seen == 0 && matches!(character, '"' | '\'');
            if inside && solid(&character) && !opening {
                if expected.next() != Some(character) {
                    // An escape or a comment: the correspondence is lost.
                    return mark;
                }
                if seen == before {
                    let length = u32::try_from(length).unwrap_or(0);
                    return Mark { pos: Pos { line, column }, length };
                }
                seen += 1;
            }
            column += 1;
        }
        mark
    }
}

/// The text of a file, with its lines found once they are asked for.
pub(super) struct Source<'s> {
    text: &'s str,
    lines: OnceCell<Vec<usize>>,
}

impl<'s> Source<'s> {
    pub fn new(text: &'s str) -> Source<'s> {
        Source { text, lines: OnceCell::new() }
    }

    /// The text from the given line (from 1) on.
    fn rest_from(&self, line: u32) -> Option<&'s str> {
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(ends).collect()
        });
        let start = *lines.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        self.text.get(start..)
    }
}

impl<'t> Node<'t> {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry<'t>> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key.text == key),
            _ => None,
        }
    }

    /// Whether it is nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(text) if text.is_null())
    }

    /// `a list`, `a map`, `a text`.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(text) if text.is_null() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Roughly what a copy costs in memory. Recursion is bounded by the depth cap.
    pub fn weight(&self) -> usize {
        const NODE: usize = 96;
        match &self.kind {
            Kind::Scalar(text) => NODE + text.text.len(),
            Kind::List(nodes) => NODE + nodes.iter().map(Node::weight).sum::<usize>(),
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| NODE + entry.key.text.len() + entry.value.weight())
                .fold(NODE, usize::saturating_add),
        }
    }
}
