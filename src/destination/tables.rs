//! The compiled destinations: flat vectors that refer to each other by ranges.
//!
//! Conditions, field ids and texts are in the tables of sources that they were compiled with.

use crate::event::keys::KeyTable;
use crate::source::{FieldSet, Range, SourceTables};

/// What a host asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Destination {
    /// Its name, in `text` of the sources.
    pub name: Range,
    /// Its `documents`; the first whose condition holds is written.
    pub documents: Range,
    /// 1: a member may have a list of values.
    pub lists: u8,
}

/// What must hold for an event. Both parts, if there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// `groups` of the sources of which one must hold.
    pub groups: Range,
    /// 1: the event has one of `logsources`.
    pub is_routed: u8,
    /// Ids of log sources, in `paths` of the sources.
    pub logsources: Range,
}

impl Condition {
    /// Whether it holds for every event.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.is_routed == 0 && self.groups.count == 0
    }
}

/// The document of some events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Document {
    /// For which events.
    pub condition: Condition,
    /// Its `nodes`: those of an object lie behind it.
    pub nodes: Range,
    /// The number of members that are not inside an object.
    pub members: u32,
}

/// A member of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Node {
    /// Its key, in `text` of the sources.
    pub key: Range,
    /// Its `choices`; none for an object.
    pub choices: Range,
    /// For an object, the number of the document's first node that is not inside it.
    pub end: u32,
    /// For an object, the number of its members.
    pub members: u32,
}

/// A way to the value of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    /// When it is to be considered.
    pub condition: Condition,
    /// A [`Form`](super::Form) by its number.
    pub form: u8,
    /// Of a list, the form of each element.
    pub each: u8,
    /// The fields that it is taken from, in `paths` of the sources, in the order of preference.
    pub from: Range,
    /// Constants; and for a table a text in lower case and its result, by turns, a last one without
    /// result being that of every other text. In `values` of the sources.
    pub values: Range,
    /// A constant number.
    pub number: u32,
}

/// All destinations of a rule set.
///
/// Tables whose members came from elsewhere must pass [`Normal::verify`] before they are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DestinationTables {
    /// The destinations.
    pub destinations: Vec<Destination>,
    /// Documents of destinations.
    pub documents: Vec<Document>,
    /// Members of documents.
    pub nodes: Vec<Node>,
    /// Choices of members.
    pub choices: Vec<Choice>,
}

/// Destinations, and what reading events takes that are written for them: keys and sources with the
/// fields that documents name, which rules need not. They number fields, containers, log sources and
/// sources as the tables of the rules do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Normal {
    /// Finds a field or container by key.
    pub keys: KeyTable,
    /// Descriptors of sources.
    pub sources: SourceTables,
    /// Descriptors of destinations.
    pub tables: DestinationTables,
}

impl Normal {
    /// The number of the destination with a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        let named = |destination: &Destination| {
            destination.name.of(&self.sources.text).eq_ignore_ascii_case(name.as_bytes())
        };
        self.tables.destinations.iter().position(named).map(|number| number as u32)
    }

    /// Adds the fields that documents of a destination are written from, and that their conditions
    /// look at.
    pub(crate) fn add_fields(&self, destination: u32, fields: &mut FieldSet) {
        let mut add = |condition: &Condition, from: Range| {
            fields.add_all(self.sources.tests_of(condition.groups).map(|test| test.field));
            fields.add_all(from.of(&self.sources.paths).iter().copied());
        };
        let Some(destination) = self.tables.destinations.get(destination as usize) else { return };
        for document in destination.documents.of(&self.tables.documents) {
            add(&document.condition, Range::default());
            let nodes = document.nodes.of(&self.tables.nodes);
            let choices = nodes.iter().flat_map(|node| node.choices.of(&self.tables.choices));
            choices.for_each(|choice| add(&choice.condition, choice.from));
        }
    }

    /// The names of all destinations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.destinations.iter().map(|destination| {
            std::str::from_utf8(destination.name.of(&self.sources.text)).unwrap_or_default()
        })
    }
}
