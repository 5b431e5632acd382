//! Sources at match time: whose event is this, where is it, and what are its fields called.
//!
//! A record may be an event, hold one as text (`{"message":"{...}"}`), or hold many
//! (`{"records":[...]}`). [`for_each_event`] walks the record, finds the events by the descriptors
//! that were compiled into [`SourceTables`], gives each its canonical and derived fields, and shows
//! it to the engine as an [`EventView`]. What stays true: whatever cannot be recognised or read is
//! shown as the record it came in, so a descriptor can add matches but never hide one; nothing
//! here allocates when warm, recurses, or panics, on any input and any verified tables.

mod base64;
mod broken;
mod candidates;
mod complete;
mod conditions;
mod csv;
mod decode;
mod events;
mod fields;
mod inside;
mod kinds;
mod lines;
mod list;
#[cfg(feature = "compile")]
mod listing;
mod mariadb;
mod needed;
mod nested;
mod parts;
mod places;
mod recognise;
mod sql_code;
mod syslog;
mod tables;
mod texts;
mod verify;
mod view;

pub use broken::{Breakage, Broken};
pub use decode::{AccountForm, Decoder, Quoting};
pub use events::{
    Buffers, Encoding, Outcome, SourceEvent, for_each_event, for_each_read_event, read_record,
};
#[cfg(feature = "compile")]
pub use listing::{ListedValue, Listing, list};
pub(crate) use needed::FieldSet;
pub use parts::{Outline, Split};
pub(crate) use recognise::holds;
pub use sql_code::SqlCode;
pub use tables::{
    ConditionSet, Derived, Field, Group, Lift, Logsource, Nested, Payload, PayloadEncoding,
    Positions, Range, Source, SourceTables, Test, TestKind, Variant,
};
pub use view::{EventView, Stores};
