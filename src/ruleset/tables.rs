//! The tables of a rule set as plain numbers: what the compiler emits, the file holds and
//! `verify` checks. Every reference is an index into another table; nothing is a pointer.

use super::codec::record;
use super::indicators::Indicators;
use super::normal::NormalSection;
use super::regexes::Regexes;
use crate::event::keys::KeyTable;
use crate::source::SourceTables;
use std::net::IpAddr;

pub use super::field_index::{
    Entry, FieldIndex, GramIndex, MarkedIndex, Nested, Part, Place, Slot, Table,
};

/// Marks "none" where an index is expected.
pub const NONE: u32 = u32::MAX;

record! {
    /// A slice of one of the byte pools.
    pub struct Text {
        /// First byte.
        pub start: u32,
        /// Number of bytes.
        pub len: u32,
    }
}

record! {
    /// Where the lists of a predicate begin that is reported. They end where the next one's begin.
    pub struct Links {
        /// Its groups, in `linked`.
        pub groups: u32,
        /// Behind these, the rules that wait for it.
        pub rules: u32,
    }
}

/// What a predicate tests; the values of [`Predicate::kind`].
pub mod kind {
    /// The text is the needle.
    pub const EQUALS: u8 = 0;
    /// The text begins with the needle.
    pub const PREFIX: u8 = 1;
    /// The text ends with the needle.
    pub const SUFFIX: u8 = 2;
    /// The text contains the needle.
    pub const CONTAINS: u8 = 3;
    /// The text matches the tokens `a..a + b`.
    pub const GLOB: u8 = 4;
    /// Regex `a` finds a match in the text.
    pub const REGEX: u8 = 5;
    /// The text is an address in network `a`.
    pub const CIDR: u8 = 6;
    /// The number compares as `a` (see [`super::comparison`]) with number `b`.
    pub const COMPARE: u8 = 7;
    /// The text compares as `b` (see [`super::reference_mode`]) with the text of field `a`.
    pub const FIELD_REF: u8 = 8;
    /// The time part `a & 0xFF` compares as `a >> 8` with number `b`.
    pub const TIME_PART: u8 = 9;
    /// The field is missing or a single explicit null.
    pub const NULL: u8 = 10;
    /// The field is present.
    pub const EXISTS: u8 = 11;
    /// The value has a text, whatever it is.
    pub const ANY_TEXT: u8 = 12;
    /// Number of kinds.
    pub const COUNT: u8 = 13;
}

/// Bits of [`Predicate::flags`].
pub mod flag {
    /// Compare exactly; the needle is not folded.
    pub const CASED: u8 = 1;
    /// The needle is not valid UTF-8: matches must begin and end between characters.
    pub const RAGGED: u8 = 2;
    /// The field's index reports it: without a report it is false.
    pub const INDEXED: u8 = 4;
}

/// Values of the comparison operand.
pub mod comparison {
    /// `>`
    pub const GT: u32 = 0;
    /// `>=`
    pub const GTE: u32 = 1;
    /// `<`
    pub const LT: u32 = 2;
    /// `<=`
    pub const LTE: u32 = 3;
    /// `=`
    pub const EQ: u32 = 4;
    /// Number of comparisons.
    pub const COUNT: u32 = 5;
}

/// Values of the field reference operand.
pub mod reference_mode {
    /// Equal.
    pub const EQUALS: u32 = 0;
    /// `startswith`
    pub const PREFIX: u32 = 1;
    /// `endswith`
    pub const SUFFIX: u32 = 2;
    /// `contains`
    pub const CONTAINS: u32 = 3;
    /// Number of modes.
    pub const COUNT: u32 = 4;
}

/// Values of the time part operand.
pub mod time_part {
    /// Minute of the hour.
    pub const MINUTE: u32 = 0;
    /// Hour of the day.
    pub const HOUR: u32 = 1;
    /// Day of the month.
    pub const DAY: u32 = 2;
    /// ISO 8601 week.
    pub const WEEK: u32 = 3;
    /// Month of the year.
    pub const MONTH: u32 = 4;
    /// Year.
    pub const YEAR: u32 = 5;
    /// Number of parts.
    pub const COUNT: u32 = 6;
}

record! {
    /// One test on one field. Equal tests of different rules are one predicate.
    pub struct Predicate {
        /// The field, or `fields.len()` for keywords (every leaf).
        pub field: u32,
        /// See [`kind`].
        pub kind: u8,
        /// See [`flag`].
        pub flags: u8,
        /// First operand: start of the needle, or as `kind` says.
        pub a: u32,
        /// Second operand: length of the needle, or as `kind` says.
        pub b: u32,
    }
}

impl Predicate {
    /// Whether it holds wherever the text, compared without regard to case, has its needle, whose
    /// length is then that of the folded literal.
    #[inline]
    pub fn is_plain_literal(&self) -> bool {
        self.kind == kind::CONTAINS && self.flags & (flag::CASED | flag::RAGGED) == 0
    }
}

/// Values of [`Token::kind`].
pub mod token {
    /// The needle `a..a + b`.
    pub const LITERAL: u8 = 0;
    /// Any number of characters.
    pub const ANY: u8 = 1;
    /// Exactly one character.
    pub const ONE: u8 = 2;
    /// One of `- / – — ―`.
    pub const DASH: u8 = 3;
    /// Number of kinds.
    pub const COUNT: u8 = 4;
}

record! {
    /// A piece of a wildcard pattern.
    pub struct Token {
        /// See [`token`].
        pub kind: u8,
        /// Start of the needle of a literal.
        pub a: u32,
        /// Length of the needle of a literal.
        pub b: u32,
    }
}

record! {
    /// The addresses that agree in their first bits. IPv4 occupies the low 32 bits.
    pub struct Network {
        /// 4 or 6.
        pub version: u8,
        /// First address.
        pub first: i128,
        /// Last address.
        pub last: i128,
    }
}

impl Network {
    /// The version and number of an address.
    #[inline]
    pub fn number(address: IpAddr) -> (u8, u128) {
        match address {
            IpAddr::V4(v4) => (4, u32::from(v4).into()),
            IpAddr::V6(v6) => (6, v6.into()),
        }
    }

    /// Whether an address is in it.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (version, bits) = Network::number(address);
        self.version == version && self.first as u128 <= bits && bits <= self.last as u128
    }

    /// Whether every address of the other is in it.
    #[inline]
    pub fn has(&self, other: &Network) -> bool {
        self.version == other.version
            && self.first as u128 <= other.first as u128
            && other.last as u128 <= self.last as u128
    }
}

record! {
    /// A number of a comparison.
    pub struct NumberRecord {
        /// 1 if `bits` are those of a float, 0 if it is the integer.
        pub is_float: u8,
        /// The integer, or the bits of the float.
        pub bits: i128,
    }
}

/// Values of [`Instruction::op`].
pub mod op {
    /// Indexed predicate `a` was reported.
    pub const INDEXED: u32 = 0;
    /// Any predicate of group `a` was reported.
    pub const GROUP: u32 = 1;
    /// Predicate `a` holds, evaluated when first asked.
    pub const LAZY: u32 = 2;
    /// Clears the counter and goes to `yes`.
    pub const RESET: u32 = 3;
    /// Adds one to the counter and goes to `yes`.
    pub const COUNT: u32 = 4;
    /// The counter is at least `a`.
    pub const AT_LEAST: u32 = 5;
    /// Number of operations.
    pub const COUNT_OF_OPS: u32 = 6;
    /// A target: the rule matches.
    pub const ACCEPT: u32 = u32::MAX;
    /// A target: the rule does not match.
    pub const REJECT: u32 = u32::MAX - 1;
}

record! {
    /// A step of a program. Targets are greater than the step's own index, so programs end.
    pub struct Instruction {
        /// See [`op`].
        pub op: u32,
        /// Operand.
        pub a: u32,
        /// Where to go if the test holds: an index, `ACCEPT` or `REJECT`.
        pub yes: u32,
        /// Where to go if it does not.
        pub no: u32,
    }
}

record! {
    /// A rule.
    pub struct Rule {
        /// First instruction, `ACCEPT` or `REJECT`.
        pub program: u32,
        /// Index into `logsources`.
        pub logsource: u32,
        /// 0 none, 1 informational to 5 critical.
        pub level: u8,
        /// `id`
        pub id: Text,
        /// `title`
        pub title: Text,
        /// `author`
        pub author: Text,
        /// `license`
        pub license: Text,
        /// `tags`, separated by commas.
        pub tags: Text,
    }
}

record! {
    /// A log source that rules or sources name.
    pub struct LogSourceRecord {
        /// `product`, empty if not set.
        pub product: Text,
        /// `category`, empty if not set.
        pub category: Text,
        /// `service`, empty if not set.
        pub service: Text,
        /// `product/category/service`.
        pub path: Text,
    }
}

impl Tables {
    /// The entries of a slot that has several.
    #[inline]
    pub fn several(&self, slot: &Slot) -> &[Entry] {
        self.entries.get(slot.first as usize..slot.check as usize).unwrap_or(&[])
    }

    /// The groups of a predicate, and the rules that wait for it.
    #[inline]
    pub fn linked(&self, predicate: u32) -> (&[u32], &[u32]) {
        let Some(&[own, next]) = self.links.get(predicate as usize..).and_then(|l| l.first_chunk())
        else {
            return (&[], &[]);
        };
        let list = |from: u32, to: u32| self.linked.get(from as usize..to as usize).unwrap_or(&[]);
        (list(own.groups, own.rules), list(own.rules, next.groups))
    }

    /// The rules that wait for a field to be there.
    #[inline]
    pub fn waiting(&self, field: u32) -> &[u32] {
        let Some(&[from, to]) =
            self.waiting_starts.get(field as usize..).and_then(|starts| starts.first_chunk())
        else {
            return &[];
        };
        self.waiting_rules.get(from as usize..to as usize).unwrap_or(&[])
    }
}

/// All tables.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tables {
    /// Texts of rules and names of fields, UTF-8.
    pub texts: Vec<u8>,
    /// Literals, folded unless their predicate is cased, and regex sources.
    pub needles: Vec<u8>,
    /// Names of fields by id.
    pub fields: Vec<Text>,
    /// Finds a field or container by key.
    pub keys: KeyTable,
    /// Number of containers that sources ask for.
    pub containers: u32,
    /// Descriptors of sources.
    pub sources: SourceTables,
    /// Log sources that rules and sources name, each once.
    pub logsources: Vec<LogSourceRecord>,
    /// All tests.
    pub predicates: Vec<Predicate>,
    /// Pieces of wildcard patterns.
    pub tokens: Vec<Token>,
    /// Ranges of `cidr`.
    pub networks: Vec<Network>,
    /// Numbers of comparisons.
    pub numbers: Vec<NumberRecord>,
    /// Regular expressions.
    pub regexes: Regexes,
    /// One per field and one more for keywords.
    pub indexes: Vec<FieldIndex>,
    /// Slots of all hash tables.
    pub slots: Vec<Slot>,
    /// What slots find, key by key.
    pub entries: Vec<Entry>,
    /// Words of all filters.
    pub filters: Vec<u32>,
    /// Networks that are looked up.
    pub nested: Vec<Nested>,
    /// What follows from each predicate that the index reports; one more than there are predicates.
    pub links: Vec<Links>,
    /// Groups and rules, ascending per predicate.
    pub linked: Vec<u32>,
    /// Number of groups.
    pub groups: u32,
    /// For each field, where the rules begin in `waiting_rules` that wait for it to be there; one
    /// more than there are fields.
    pub waiting_starts: Vec<u32>,
    /// Rules that cannot match without a field, ascending per field.
    pub waiting_rules: Vec<u32>,
    /// Rules that wait for nothing, always looked at.
    pub open_rules: Vec<u32>,
    /// Programs of all rules.
    pub program: Vec<Instruction>,
    /// Rules, ordered by id.
    pub rules: Vec<Rule>,
    /// Correlation documents, carried inert: id and title of each.
    pub correlations: Vec<Text>,
    /// Indicators, if there are any.
    pub indicators: Option<Box<Indicators>>,
    /// Destinations, and what reading events for them takes.
    pub normal: NormalSection,
}
