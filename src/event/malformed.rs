//! Why bytes are not the record they should be.

use std::fmt;

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MalformedKind {
    /// The bytes end inside a value.
    Truncated,
    /// More than [`MAX_DEPTH`](crate::limits::MAX_DEPTH) containers inside each other. The record
    /// may be well formed; it goes unexamined.
    TooDeep,
    /// More bytes than a span can address (4 GiB).
    TooLarge,
    /// The record is not a map (JSON: not an object).
    NotAMap,
    /// A byte that nothing can begin with at this place.
    BadByte,
    /// A JSON number that the grammar does not allow.
    BadNumber,
    /// A backslash in a JSON string that begins no escape.
    BadEscape,
    /// Bytes other than white space behind the JSON object.
    TrailingBytes,
    /// An entry that is not a time stamp and a map.
    BadEntry,
}

/// The first defect of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong.
    pub kind: MalformedKind,
    /// Where, in bytes from the beginning of the slice that was given.
    pub offset: usize,
}

impl Malformed {
    /// The defect as text without its place.
    pub fn message(&self) -> &'static str {
        match self.kind {
            MalformedKind::Truncated => "the bytes end inside a value; pass the whole record",
            MalformedKind::TooDeep => "more than 64 containers inside each other; not examined",
            MalformedKind::TooLarge => "more than 4 GiB in one buffer; split it",
            MalformedKind::NotAMap => "the record is not a map; wrap the value in one",
            MalformedKind::BadByte => "a byte that begins no value; is the format right?",
            MalformedKind::BadNumber => "a number that JSON does not allow",
            MalformedKind::BadEscape => "a backslash that begins no JSON escape",
            MalformedKind::TrailingBytes => "bytes behind the object; pass one object per event",
            MalformedKind::BadEntry => "an entry that is not a time stamp and a map",
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn new(kind: MalformedKind, offset: usize) -> Malformed {
        Malformed { kind, offset }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.message())
    }
}

impl std::error::Error for Malformed {}
