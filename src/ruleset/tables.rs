//! The tables of a rule set as plain numbers: what the compiler emits, the file holds and
//! `verify` checks. Every reference is an index into another table; nothing is a pointer.

use super::codec::record;
use super::regexes::Regexes;
use crate::event::keys::KeyTable;
use crate::source::SourceTables;

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
    /// An open-addressing table: `mask + 1` slots from `start`; no slots if `mask` is [`NONE`].
    pub struct Table {
        /// First slot.
        pub start: u32,
        /// Number of slots less one; the number is a power of two.
        pub mask: u32,
    }
}

impl Table {
    /// A table that holds nothing.
    pub const EMPTY: Table = Table { start: 0, mask: NONE };

    /// Whether it has no slots.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.mask == NONE
    }

    /// The part of a pool that the table has.
    #[inline(always)]
    pub fn of<'a, T>(&self, pool: &'a [T]) -> &'a [T] {
        let size = (self.mask as usize).wrapping_add(1);
        pool.get(self.start as usize..).and_then(|rest| rest.get(..size)).unwrap_or(&[])
    }
}

record! {
    /// A slot of a table: what has one key. Linear probing ends at a slot without entries. PERF: a
    /// single entry, which most keys have, is in the slot itself.
    pub struct Slot {
        /// A gram, a short literal, or a hash of anchored bytes.
        pub key: u32,
        /// The predicate, or the first of several entries.
        pub first: u32,
        /// As in [`Entry`], or behind the last of several entries.
        pub check: u32,
        /// As in [`Entry`], or [`SEVERAL`](Slot::SEVERAL), or [`NONE`] in an empty slot.
        pub place: u32,
    }
}

impl Slot {
    /// A slot that nothing is in.
    pub const EMPTY: Slot = Slot { key: 0, first: 0, check: 0, place: NONE };

    /// Marks a key of several entries.
    pub const SEVERAL: u32 = NONE - 1;

    /// Whether nothing is in it.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.place == NONE
    }

    /// Its entry, if it has one.
    #[inline(always)]
    pub fn single(&self) -> Option<Entry> {
        let entry = Entry { predicate: self.first, check: self.check, place: self.place };
        (self.place < Slot::SEVERAL).then_some(entry)
    }
}

record! {
    /// A predicate that a key finds. For grams, four further bytes of the literal are compared before
    /// the predicate is looked at, since grams that occur without their literal are common. Other
    /// tables have 0 in `check` and `place`.
    pub struct Entry {
        /// The predicate to verify.
        pub predicate: u32,
        /// The four bytes, without the bit of case.
        pub check: u32,
        /// Where in the literal the gram begins, see [`Place`].
        pub place: u32,
    }
}

/// Where a gram stands in its literal, and the four bytes that are compared besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First byte of the gram in the literal, at most [`Place::LAST`].
    pub gram: u16,
    /// First byte of the other four, counted from that of the gram.
    pub check: i8,
}

impl Place {
    /// The last place of a gram that can be named.
    pub const LAST: usize = u16::MAX as usize;

    /// As a number.
    pub fn pack(self) -> u32 {
        u32::from(self.gram) | u32::from(self.check as u8) << 16
    }

    /// From a number.
    #[inline(always)]
    pub fn unpack(packed: u32) -> Place {
        Place { gram: packed as u16, check: (packed >> 16) as i8 }
    }
}

record! {
    /// Everything indexed about the literals of one kind (all ASCII or not) of one field.
    pub struct GramIndex {
        /// One bit per hash of a gram of 4 bytes; its size is one of
        /// [`FILTER_WORDS`](super::hash::FILTER_WORDS).
        pub filter: Table,
        /// Gram to predicates.
        pub grams: Table,
        /// The step between the grams of a text that are looked up, one of
        /// [`STRIDES`](super::hash::STRIDES); 0 without grams.
        pub stride: u32,
        /// Literal of two or three bytes to predicates.
        pub shorts: Table,
        /// Where these may begin, see [`short_classes`](super::hash::short_classes).
        pub short_classes: Table,
        /// The same for vectors, see [`short_nibbles`](super::hash::short_nibbles).
        pub short_nibbles: Table,
    }
}

impl GramIndex {
    /// An index that holds nothing.
    pub const EMPTY: GramIndex = GramIndex {
        filter: Table::EMPTY,
        grams: Table::EMPTY,
        stride: 0,
        shorts: Table::EMPTY,
        short_classes: Table::EMPTY,
        short_nibbles: Table::EMPTY,
    };

    /// Whether nothing can be looked up in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.grams.is_empty() && self.shorts.is_empty()
    }
}

record! {
    /// The literals of a field that are found by a byte that all of them have, and what follows it: at
    /// the places of that byte in a text, rather than everywhere.
    pub struct MarkedIndex {
        /// The byte, see [`is_marker`](super::hash::is_marker).
        pub marker: u8,
        /// Literals, keyed by [`marked_hash`](super::hash::marked_hash). The gram of their [`Place`] is
        /// the marker.
        pub literals: Table,
        /// The filter of these keys.
        pub filter: Table,
    }
}

impl MarkedIndex {
    /// An index that holds nothing.
    pub const EMPTY: MarkedIndex =
        MarkedIndex { marker: 0, literals: Table::EMPTY, filter: Table::EMPTY };

    /// Whether nothing can be looked up in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }
}

record! {
    /// The index of one field: complete, so that an indexed predicate that it does not report
    /// is false.
    pub struct FieldIndex {
        /// Whole texts, beginnings and ends, keyed by the hash of
        /// [`exact_hash`](super::hash::exact_hash) or [`anchored_hash`](super::hash::anchored_hash).
        pub anchored: Table,
        /// The filter of these keys.
        pub anchored_filter: Table,
        /// The lengths of whole texts, see [`length_bit`](super::hash::length_bit).
        pub exact_lengths: u64,
        /// Bit `n` is set if there is a beginning of `n` bytes.
        pub prefix_lengths: u32,
        /// Bit `n` is set if there is an end of `n` bytes.
        pub suffix_lengths: u32,
        /// Literals of ASCII only, looked for in every value where they can be.
        pub marked: MarkedIndex,
        /// Other literals of ASCII only, looked for everywhere in every value.
        pub ascii: GramIndex,
        /// Other literals, looked for only in values with a byte above 0x7F.
        pub other: GramIndex,
        /// 1 if a predicate in it may hold for the text of a number or boolean.
        pub numbers: u32,
    }
}

impl FieldIndex {
    /// An index that holds nothing.
    pub const EMPTY: FieldIndex = FieldIndex {
        anchored: Table::EMPTY,
        anchored_filter: Table::EMPTY,
        exact_lengths: 0,
        prefix_lengths: 0,
        suffix_lengths: 0,
        marked: MarkedIndex::EMPTY,
        ascii: GramIndex::EMPTY,
        other: GramIndex::EMPTY,
        numbers: 0,
    };

    /// Whether nothing can be looked up in it.
    pub fn is_empty(&self) -> bool {
        self.anchored.is_empty()
            && self.marked.is_empty()
            && self.ascii.is_empty()
            && self.other.is_empty()
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
    /// An address range. IPv4 occupies the low 32 bits.
    pub struct Network {
        /// 4 or 6.
        pub version: u8,
        /// First address.
        pub first: i128,
        /// Last address.
        pub last: i128,
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
}
