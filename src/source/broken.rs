//! What is broken in a record, for the counters of its source.

/// How something that looks like a source's breaks its format. It is matched as far as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Breakage {
    /// A text that begins like a payload and is not one, or is too deep.
    Payload = 0,
    /// A text that stands for an object of the event and is not one.
    Nested = 1,
    /// An array with another number of elements than any known event of its kind.
    Positions = 2,
    /// A log line that is cut off, or begins like one only.
    Line = 3,
}

impl Breakage {
    /// All of them, in the order of their numbers.
    pub const ALL: [Breakage; 4] =
        [Breakage::Payload, Breakage::Nested, Breakage::Positions, Breakage::Line];

    /// The name that counters carry.
    pub fn name(self) -> &'static str {
        match self {
            Breakage::Payload => "payload",
            Breakage::Nested => "nested",
            Breakage::Positions => "positions",
            Breakage::Line => "line",
        }
    }
}

/// Something broken in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The source; `None` where it cannot be known (a payload that cannot be read).
    pub source: Option<u32>,
    /// How.
    pub breakage: Breakage,
}
