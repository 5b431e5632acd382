//! A value as a walker found it: scalars decoded, texts as spans.

/// Where the bytes of a span live.
///
/// A record is walked once (layer 0). A source may then find a whole event as text inside one of
/// its strings (layer 1), whose spans lie in the bytes of layer 0 or in its own arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Store {
    /// The bytes the caller gave: the record.
    Input = 0,
    /// Bytes decoded while walking layer 0 (JSON escapes).
    Outer = 1,
    /// Bytes decoded while walking layer 1.
    Inner = 2,
    /// Bytes that derived fields were computed into.
    Derived = 3,
}

/// Bytes by reference: 12 bytes that stay valid while the record is being matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which buffer.
    pub store: Store,
    /// First byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

/// A value of an event. Texts are bytes; they need not be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// An explicit null that is the whole value of its field.
    Null,
    /// A null that is one of several values (an array element, a duplicate key). It makes the
    /// field present and equals nothing.
    NullElement,
    /// A boolean. Its text is `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A finite float, or a msgpack NaN or infinity (which equal nothing and have no text).
    Float(f64),
    /// A JSON number beyond 64 bits or beyond the range of a float: its text as written.
    BigNumber(Span),
    /// A string (msgpack `str` or `bin`).
    Str(Span),
    /// The code of the statement at the span, as the decoder `sql_code` reduces it: a text that is
    /// computed when it is read. Only sources give it, never a walker.
    SqlCode(Span),
    /// An object: present, without text.
    Object,
    /// An array without elements: present, without text.
    EmptyArray,
    /// A msgpack extension: present, without text.
    Opaque,
}
