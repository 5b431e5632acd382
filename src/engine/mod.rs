//! Matching and tagging: the half that runs inside the log shipper.
//!
//! ```text
//! bytes --source--> event view --matcher--> rules that match --tag--> the same bytes with a tag
//! ```
//! An [`Engine`] is shared by every thread and holds the rule set behind an atomic swap; a
//! [`Scratch`] belongs to one thread and holds all memory that changes. Enter at
//! [`Scratch::match_event`] and [`Scratch::tag_prepare`].

pub mod glob;
pub mod matcher;
pub mod predicate;
mod route;
mod scan;
mod scratch;
mod time;

pub use matcher::Mode;
pub use scratch::Scratch;

use crate::limits;
use crate::ruleset::RuleSet;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;

pub use crate::tag::Shape;

/// What the bytes of an [`Event`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// One msgpack map.
    Msgpack,
    /// A Fluent Bit chunk: concatenated records, legacy or v2.
    FlbChunk,
    /// A message of the Fluentd Forward protocol.
    Forward,
}

/// Input of a match or tag call, borrowed for the call.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What `data` is.
    pub format: Format,
    /// The bytes.
    pub data: &'a [u8],
    /// Time of the event in nanoseconds since 1970, 0 if not known.
    pub time_ns: i64,
    /// The host's routing tag, may be empty.
    pub tag: &'a [u8],
    /// `product/category/service` as the host knows it; empty: recognise it.
    pub logsource: &'a [u8],
}

impl<'a> Event<'a> {
    /// An event of which only the bytes are known.
    pub fn new(format: Format, data: &'a [u8]) -> Event<'a> {
        Event { format, data, time_ns: 0, tag: b"", logsource: b"" }
    }
}

/// A rule that matched an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Batch: index of the event given; chunk or Forward message: record in it; else 0.
    pub record: u32,
    /// Event inside the record: an envelope may hold many.
    pub event: u32,
    /// Index of the rule in the scratch's rule set.
    pub rule: u32,
}

/// What a call saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records, without group markers.
    pub records: u64,
    /// Events in them.
    pub events: u64,
    /// Records with at least one match.
    pub matched_records: u64,
    /// Matches.
    pub hits: u64,
    /// Records that are not what the format says, and payloads that begin like JSON and are not.
    pub malformed: u64,
    /// Records too large or nested too deep to be examined.
    pub unexamined: u64,
    /// Events whose log source is not known: tested against all rules.
    pub unrouted: u64,
    /// Keys of the record that a tag replaced.
    pub tag_replaced: u64,
    /// Tags that a cap shortened.
    pub tags_truncated: u64,
}

/// Options of an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Lowest level that reports: 0 all, 1 informational to 5 critical. Rules without level
    /// always report.
    pub min_level: u8,
    /// Largest record that is examined, in bytes.
    pub max_record: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options { min_level: 0, max_record: limits::MAX_RECORD as u32 }
    }
}

/// How records are tagged.
#[derive(Debug, Clone, Copy)]
pub struct Tagging<'a> {
    /// The tag's shape.
    pub shape: Shape,
    /// The key of the nested shape, UTF-8.
    pub key: &'a [u8],
}

impl Default for Tagging<'_> {
    fn default() -> Self {
        Tagging { shape: Shape::Nested, key: b"sigma" }
    }
}

/// Why a call could not do its work. Bad records inside a chunk or batch are counted instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchError {
    /// The event is not what its format says.
    Malformed {
        /// Where, in bytes.
        offset: usize,
        /// What was expected.
        message: &'static str,
    },
    /// The record is too large or nested too deep. It was not matched.
    Unexamined {
        /// Which limit.
        message: &'static str,
    },
    /// A plan waits for `tag_write` or `tag_discard`.
    PlanPending,
    /// `tag_write` without a plan.
    NoPlan,
    /// `tag_write` with other bytes than `tag_prepare` saw.
    OtherData,
    /// The output does not fit.
    SmallBuffer {
        /// Bytes needed.
        needed: usize,
    },
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MatchError::Malformed { offset, message } => write!(f, "byte {offset}: {message}"),
            MatchError::Unexamined { message } => write!(f, "not examined: {message}"),
            MatchError::PlanPending => {
                f.write_str("a prepared tag waits to be written or discarded")
            }
            MatchError::NoPlan => f.write_str("no tag was prepared"),
            MatchError::OtherData => f.write_str("not the bytes that the tag was prepared for"),
            MatchError::SmallBuffer { needed } => write!(f, "the output needs {needed} bytes"),
        }
    }
}

impl std::error::Error for MatchError {}

/// A rule set and its number: the first is 1, each reload adds one.
pub(crate) struct Generation {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) number: u32,
}

/// The rule set in force, shared by threads.
pub struct Engine {
    current: ArcSwap<Generation>,
    options: Options,
}

impl Engine {
    /// An engine with a rule set.
    pub fn new(rules: Arc<RuleSet>, options: Options) -> Engine {
        Engine {
            current: ArcSwap::from_pointee(Generation { rules, number: 1 }),
            options,
        }
    }

    /// Puts another rule set in force. Calls in flight finish on the one they began with; every
    /// scratch takes the new one at its next call.
    pub fn reload(&self, rules: Arc<RuleSet>) {
        self.current.rcu(|current| Generation {
            rules: Arc::clone(&rules),
            number: current.number.wrapping_add(1),
        });
    }

    /// The rule set in force.
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.load().rules)
    }

    /// The number of the rule set in force.
    pub fn generation(&self) -> u32 {
        self.current.load().number
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
