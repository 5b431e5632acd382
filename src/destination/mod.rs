//! Destinations: the document that a SIEM expects of an event, written from its canonical fields.
//!
//! ```text
//! event view --document--> members that have a value --write--> the document, in the record's format
//! ```
//! A destination (`destinations/*.yml`) has documents, each for the events that pass its condition.
//! A document is a tree of members; a member has choices, of which the first that gives a value is
//! taken. Enter at [`Writer::write`]. What stays true: a value that does not fit its member is left
//! out, never bent; an event that no document is for is written by nobody, so that it passes as it
//! came; nothing here allocates once buffers have grown, recurses, or panics, on any event and any
//! verified tables.

mod form;
mod original;
mod steps;
mod tables;
mod time;
mod values;
mod verify;
mod write;

pub use form::Form;
pub use original::Original;
pub use steps::Prepared;
pub use tables::{Choice, Condition, Destination, DestinationTables, Document, Node, Normal};
pub use write::{Occurrence, Writer};
