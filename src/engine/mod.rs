//! Matching and tagging: the half that runs inside the log shipper.
//!
//! ```text
//! bytes --source--> event view --matcher--> rules that match --tag--> the same bytes with a tag
//! ```
//! An [`Engine`] is shared by every thread and holds the rule set behind an atomic swap; a
//! [`Scratch`] belongs to one thread and holds all memory that changes. Enter at
//! [`Scratch::match_event`] and [`Scratch::tag_prepare`].

mod examine;
pub mod explain;
pub mod glob;
mod indicators;
mod interest;
mod keywords;
pub mod matcher;
mod memo;
mod networks;
mod normalize;
mod output;
pub mod predicate;
mod reading;
mod route;
mod scan;
mod scratch;
mod silent;
mod tally;
mod time;
mod vector;

pub use matcher::Mode;
pub use route::LogsourceMode;
pub use scratch::Scratch;
pub use tally::SourceCounts;
pub use vector::Vectors;

use crate::limits;
use crate::ruleset::RuleSet;
use arc_swap::ArcSwap;
use reading::Reading;
use silent::Silent;
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
    /// Records that are not what the format says, and texts in them that begin like JSON or a log
    /// line and are not.
    pub malformed: u64,
    /// Records too large or nested too deep to be examined.
    pub unexamined: u64,
    /// Events whose log source is not known; see [`LogsourceMode`].
    pub unrouted: u64,
    /// Texts that begin like a payload and cannot be read, of no known source. They are part of
    /// `malformed`.
    pub unknown_payload: u64,
    /// Keys of the record that a tag replaced.
    pub tag_replaced: u64,
    /// Tags that a cap shortened.
    pub tags_truncated: u64,
    /// Values of the ecs shape left out because a scalar is in their place.
    pub tags_omitted: u64,
    /// Records left out because they do not match, counted after splitting.
    pub dropped_records: u64,
    /// Records that were split.
    pub split_records: u64,
    /// Records without a match from which keys of a tag were removed.
    pub stripped_records: u64,
    /// Documents that were written in place of records, with or without a tag.
    pub normalized_records: u64,
    /// Events that the destination has no document for, and events of an envelope that cannot be
    /// split: they were written as they came.
    pub unmapped_events: u64,
}

/// Options of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Lowest level that reports: 0 all, 1 informational to 5 critical. Rules without level
    /// always report.
    pub min_level: u8,
    /// Largest record that is examined, in bytes.
    pub max_record: u32,
    /// How log sources decide which rules an event meets.
    pub logsource_mode: LogsourceMode,
    /// Ids of rules that never report. UUIDs are compared without case.
    pub disable_rules: Vec<String>,
    /// Whether the members of a record's metadata count as further top-level keys of the record.
    pub match_metadata: bool,
    /// The destination whose documents are written in place of records, by its name. Envelopes are
    /// split then, since a document is of one event. Ask [`RuleSet::destination`] before: with a name
    /// that the rule set does not have, records stay as they are.
    pub normalize: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            min_level: 0,
            max_record: limits::MAX_RECORD as u32,
            logsource_mode: LogsourceMode::Auto,
            disable_rules: Vec::new(),
            match_metadata: false,
            normalize: None,
        }
    }
}

/// How records are tagged.
#[derive(Debug, Clone, Copy)]
pub struct Tagging<'a> {
    /// The tag's shape.
    pub shape: Shape,
    /// The key of the nested shape and of the mark of the ecs shape, UTF-8.
    pub key: &'a [u8],
    /// Whether an envelope of events becomes one record for each event.
    pub split_records: bool,
    /// Whether records that were examined in full and do not match are left out. Splitting comes
    /// first.
    pub only_matching: bool,
    /// Whether keys of a tag that came with a record which does not match are removed.
    pub strip_foreign: bool,
}

impl Default for Tagging<'_> {
    fn default() -> Self {
        Tagging {
            shape: Shape::Nested,
            key: b"sigma",
            split_records: false,
            only_matching: false,
            strip_foreign: false,
        }
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
    pub(crate) silent: Arc<Silent>,
    pub(crate) number: u32,
    /// The destination whose documents are written.
    pub(crate) destination: Option<u32>,
    /// What events are read with then.
    pub(crate) reading: Option<Arc<Reading>>,
}

impl Generation {
    fn new(rules: Arc<RuleSet>, options: &Options, number: u32) -> Generation {
        let silent = Arc::new(Silent::new(&rules, options));
        let destination = options.normalize.as_ref().and_then(|name| rules.destination(name).ok());
        let reading = destination.and_then(|destination| Reading::new(&rules, destination));
        Generation { rules, silent, number, destination, reading: reading.map(Arc::new) }
    }

    /// The same with another number.
    fn numbered(&self, number: u32) -> Generation {
        Generation {
            rules: Arc::clone(&self.rules),
            silent: Arc::clone(&self.silent),
            reading: self.reading.clone(),
            number,
            ..*self
        }
    }
}

/// What an engine matches with at one moment.
pub struct Current {
    /// The rule set.
    pub rules: Arc<RuleSet>,
    /// Its number.
    pub generation: u32,
    /// Rules that [`Options::disable_rules`] turned off.
    pub disabled_rules: u32,
    /// Ids of [`Options::disable_rules`] that no rule has.
    pub unknown_disabled_rules: u32,
}

/// The rule set in force, shared by threads.
pub struct Engine {
    current: ArcSwap<Generation>,
    options: Options,
}

impl Engine {
    /// An engine with a rule set.
    pub fn new(rules: Arc<RuleSet>, options: Options) -> Engine {
        let first = Generation::new(rules, &options, 1);
        Engine { current: ArcSwap::from_pointee(first), options }
    }

    /// Puts another rule set in force. Calls in flight finish on the one they began with; every
    /// scratch takes the new one at its next call.
    pub fn reload(&self, rules: Arc<RuleSet>) {
        let next = Generation::new(rules, &self.options, 0);
        self.current.rcu(|current| next.numbered(current.number.wrapping_add(1)));
    }

    /// The rule set in force.
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.current.load().rules)
    }

    /// The number of the rule set in force.
    pub fn generation(&self) -> u32 {
        self.current.load().number
    }

    /// The rule set in force, its number, and what became of the rules to be disabled.
    pub fn current(&self) -> Current {
        let current = self.current.load();
        Current {
            rules: Arc::clone(&current.rules),
            generation: current.number,
            disabled_rules: current.silent.disabled,
            unknown_disabled_rules: current.silent.unknown.len() as u32,
        }
    }

    /// Ids of [`Options::disable_rules`] that no rule of the set in force has; UUIDs in lower case.
    pub fn unknown_disabled_rules(&self) -> Vec<String> {
        self.current.load().silent.unknown.clone()
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }
}
