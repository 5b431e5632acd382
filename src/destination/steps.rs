//! Documents as their writer goes through them: a flat list of steps, made once for all threads.

use super::form::Form;
use super::tables::{Document, Node, Normal};
use crate::event::slots::NONE;
use crate::limits::DOCUMENT_DEPTH;
use crate::source::Range;
use crate::tag::encode::{BLOCK, Encoder, Format};

/// Destinations, made ready for writing.
///
/// Nothing in it changes, so threads share it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What the rule set says.
    pub normal: Normal,
    json: Steps,
    msgpack: Steps,
}

/// The steps of all documents in one format.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    /// For each document, its steps.
    documents: Vec<Range>,
    /// Keys as they are written, one behind the other.
    pub keys: Vec<u8>,
}

/// A step in writing a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The key of a member, in `keys`: in JSON with a comma before it and a colon behind it.
    pub key: Range,
    pub does: Does,
}

/// What a step does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    /// Begins an object of at most so many members.
    Begin { most: u32 },
    /// Ends the object, which is left out if it has no member.
    End,
    /// Writes a member: the text of this field if it has one, else the first choice that gives a value.
    /// [`NONE`]: no field is preferred.
    Write { text: u32, choices: Range },
}

impl Prepared {
    /// Makes destinations ready that were [verified](Normal::verify).
    pub fn new(normal: Normal) -> Prepared {
        let [json, msgpack] = [Format::Json, Format::Msgpack].map(|format| {
            let mut steps = Steps::default();
            for document in &normal.tables.documents {
                let first = steps.steps.len() as u32;
                steps.add(&normal, document, format);
                let count = steps.steps.len() as u32 - first;
                steps.documents.push(Range { first, count });
            }
            // The last key can be copied in a block as well.
            steps.keys.extend_from_slice(&[0; BLOCK]);
            steps
        });
        Prepared { normal, json, msgpack }
    }

    /// The steps in a format.
    #[inline]
    pub(super) fn steps(&self, format: Format) -> &Steps {
        match format {
            Format::Json => &self.json,
            Format::Msgpack => &self.msgpack,
        }
    }
}

impl Steps {
    /// Those of a document, by its number.
    #[inline]
    pub fn of(&self, document: usize) -> &[Step] {
        self.documents.get(document).map_or(&[], |steps| steps.of(&self.steps))
    }

    /// Adds a document. What is done for an object's members stands between its beginning and its end.
    fn add(&mut self, normal: &Normal, document: &Document, format: Format) {
        let nodes = document.nodes.of(&normal.tables.nodes);
        // For each object that is open, the first node that is not inside it.
        let mut open = Vec::with_capacity(DOCUMENT_DEPTH);
        self.push(Range::default(), Does::Begin { most: document.members });
        for (at, node) in nodes.iter().enumerate() {
            self.close(at, &mut open);
            let first = self.keys.len() as u32;
            let text = node.key.of(&normal.sources.text);
            Encoder { out: &mut self.keys, format }.member(false, text);
            let key = Range { first, count: self.keys.len() as u32 - first };
            if node.choices.count == 0 {
                open.push(node.end as usize);
                self.push(key, Does::Begin { most: node.members });
            } else {
                self.push(key, member(normal, node));
            }
        }
        self.close(nodes.len(), &mut open);
        self.push(Range::default(), Does::End);
    }

    /// Ends the objects that a node is not inside of.
    fn close(&mut self, node: usize, open: &mut Vec<usize>) {
        while open.pop_if(|end| node >= *end).is_some() {
            self.push(Range::default(), Does::End);
        }
    }

    fn push(&mut self, key: Range, does: Does) {
        self.steps.push(Step { key, does });
    }
}

/// The step of a member that is no object.
fn member(normal: &Normal, node: &Node) -> Does {
    let choices = node.choices;
    let first = choices.of(&normal.tables.choices).first();
    let field =
        first.filter(|choice| choice.form == Form::Text as u8 && choice.condition.is_none());
    let fields = field.map_or(&[][..], |choice| choice.from.of(&normal.sources.paths));
    Does::Write { text: fields.first().copied().unwrap_or(NONE), choices }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{Choice, DestinationTables};
    use super::*;
    use crate::source::SourceTables;

    /// `{"user": ..., "a": {"": ..., "b": {"c": ...}}}` with choices of which the first is a text.
    fn prepared() -> Prepared {
        let key = |first, count| Range { first, count };
        let leaf = |key| Node { key, choices: Range { first: 0, count: 1 }, ..Node::default() };
        let object = |key, end, members| Node { key, end, members, ..Node::default() };
        let nodes = vec![
            leaf(key(0, 4)),
            object(key(2, 1), 5, 2),
            leaf(key(0, 0)),
            object(key(4, 3), 5, 1),
            leaf(key(0, 1)),
        ];
        let from = Range { first: 0, count: 1 };
        let choice = Choice { form: Form::Text as u8, from, ..Choice::default() };
        let document =
            Document { nodes: Range { first: 0, count: 5 }, members: 2, ..Document::default() };
        Prepared::new(Normal {
            sources: SourceTables {
                text: b"user\"na".to_vec(),
                paths: vec![7],
                ..SourceTables::default()
            },
            tables: DestinationTables {
                documents: vec![document],
                nodes,
                choices: vec![choice],
                ..DestinationTables::default()
            },
            ..Normal::default()
        })
    }

    #[test]
    fn objects_begin_and_end_around_their_members() {
        let prepared = prepared();
        let shown = |step: &Step| match step.does {
            Does::Begin { most } => format!("begin {most}"),
            Does::End => "end".to_owned(),
            Does::Write { text, .. } => format!("text {text}"),
        };
        for format in [Format::Json, Format::Msgpack] {
            let steps = prepared.steps(format);
            let shown: Vec<String> = steps.of(0).iter().map(shown).collect();
            let right = [
                "begin 2", "text 7", "begin 2", "text 7", "begin 1", "text 7", "end", "end", "end",
            ];
            assert_eq!(shown, right);
            assert!(steps.of(1).is_empty());
        }
    }

    #[test]
    fn keys_are_as_members_of_objects_have_them() {
        let prepared = prepared();
        let keys = |format| {
            let steps = prepared.steps(format);
            let keys = steps.of(0).iter().map(|step| step.key.of(&steps.keys));
            keys.filter(|key| !key.is_empty()).collect::<Vec<_>>()
        };
        let json = [r#","user":"#, r#","e":"#, r#","":"#, r#","\"na":"#, r#","u":"#];
        assert_eq!(keys(Format::Json), json.map(str::as_bytes));
        let msgpack = [&b"\xa4user"[..], b"\xa1e", b"\xa0", b"\xa3\"na", b"\xa1u"];
        assert_eq!(keys(Format::Msgpack), msgpack);
    }
}
