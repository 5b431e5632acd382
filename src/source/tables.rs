//! The compiled descriptors: flat vectors that refer to each other by ranges.

/// A run of elements of another vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Range {
    /// Index of the first element.
    pub first: u32,
    /// Number of elements.
    pub count: u32,
}

impl Range {
    /// The elements; none if the range does not fit, which `verify` rules out.
    #[inline]
    pub fn of<T>(self, all: &[T]) -> &[T] {
        let first = self.first as usize;
        all.get(first..first.saturating_add(self.count as usize)).unwrap_or(&[])
    }

    pub(crate) fn fits(self, len: usize) -> bool {
        u64::from(self.first) + u64::from(self.count) <= len as u64
    }
}

/// One source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Source {
    /// Its name, in `text`.
    pub name: Range,
    /// `groups` of which one must hold for an event to be of this source.
    pub when: Range,
    /// Its `logsources`.
    pub logsources: Range,
    /// Its `nested` texts.
    pub nested: Range,
    /// Its `fields`, in the order to apply them.
    pub fields: Range,
    /// Its `lifts`, in the order of preference.
    pub lifts: Range,
    /// Its `positions`.
    pub positions: Range,
    /// Its `variants`, in the order to apply them.
    pub variants: Range,
    /// Its `derived` fields, in the order to compute them.
    pub derived: Range,
    /// What its `positions` ask: decided when fields are named and lifted.
    pub early: ConditionSet,
    /// What its `variants` and `logsources` ask: decided when positions are named as well.
    pub late: ConditionSet,
}

/// Conditions that are decided together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConditionSet {
    /// The fields that the conditions look at, in `paths`: their values decide everything.
    pub fields: Range,
    /// The conditions, in `conditions`.
    pub conditions: Range,
}

/// A group of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// `tests` that all must hold.
    pub all: Range,
    /// `tests` of which one must hold, if there are any.
    pub any: Range,
}

/// A test of one field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Test {
    /// The field.
    pub field: u32,
    /// A [`TestKind`] by its number.
    pub kind: u8,
    /// `values` of which one must fit; lower case.
    pub values: Range,
}

/// How a test compares. ASCII letters are compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TestKind {
    /// The field has a value with exactly this text.
    Is = 1,
    /// The field has a value whose text contains this one.
    Contains = 2,
    /// The field is present; no values.
    Exists = 3,
}

impl TestKind {
    /// The kind with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<TestKind> {
        match number {
            1 => Some(TestKind::Is),
            2 => Some(TestKind::Contains),
            3 => Some(TestKind::Exists),
            _ => None,
        }
    }
}

/// A logsource that a source's events belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Logsource {
    /// Its index in the rule set's table of logsources.
    pub id: u32,
    /// The condition's number in the late set; [`NONE`](crate::event::slots::NONE): every event of the source.
    pub condition: u32,
    /// 1: only events that have no logsource before this one.
    pub otherwise: u8,
}

/// A field whose text may hold events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Payload {
    /// The field.
    pub field: u32,
    /// A [`PayloadEncoding`] by its number.
    pub encoding: u8,
    /// The source whose encoding it is; [`NONE`](crate::event::slots::NONE) for one that sources share.
    pub source: u32,
    /// The fields that the columns of a line go to, in `paths`, in the order of the encoding.
    pub columns: Range,
    /// `groups` of which one must hold for what is around the text, if there are any: then the text
    /// need not say what it is.
    pub when: Range,
}

/// What the text of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PayloadEncoding {
    /// One or more JSON objects, or arrays of them.
    Json = 1,
    /// Lines of MariaDB's `server_audit` plug-in.
    MariadbAudit = 2,
    /// XML elements.
    Xml = 3,
    /// Records of Percona Server's audit_log plug-in in its CSV format.
    PerconaCsv = 4,
    /// JSON in base64.
    Base64Json = 5,
}

impl PayloadEncoding {
    /// All encodings, in the order of their numbers.
    pub const ALL: [PayloadEncoding; 5] = [
        PayloadEncoding::Json,
        PayloadEncoding::MariadbAudit,
        PayloadEncoding::Xml,
        PayloadEncoding::PerconaCsv,
        PayloadEncoding::Base64Json,
    ];

    /// The name that descriptors use.
    pub fn name(self) -> &'static str {
        match self {
            PayloadEncoding::Json => "json",
            PayloadEncoding::MariadbAudit => "mariadb_audit",
            PayloadEncoding::Xml => "xml",
            PayloadEncoding::PerconaCsv => "percona_csv",
            PayloadEncoding::Base64Json => "base64_json",
        }
    }

    /// The encoding with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<PayloadEncoding> {
        PayloadEncoding::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    /// The names of a line's columns, which are the paths of its event.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            PayloadEncoding::Json | PayloadEncoding::Xml | PayloadEncoding::Base64Json => &[],
            PayloadEncoding::MariadbAudit => &super::mariadb::COLUMNS,
            PayloadEncoding::PerconaCsv => &super::csv::COLUMNS,
        }
    }
}

/// An object of an event that may arrive as JSON text instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nested {
    /// The field that holds the text.
    pub field: u32,
    /// Its dotted path, in `text`.
    pub path: Range,
}

/// A canonical field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Field {
    /// The canonical field.
    pub to: u32,
    /// The fields it is taken from, in `paths`, in the order of preference.
    pub paths: Range,
}

/// An object whose members count as fields of the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lift {
    /// The lowest field id of a member.
    pub first: u32,
    /// For the fields from `first` on, the field that takes its values, in `paths`; [`NONE`](crate::event::slots::NONE) for
    /// one that is no member.
    pub to: Range,
}

/// Names for the elements of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    /// The array.
    pub field: u32,
    /// The condition's number in the early set; [`NONE`](crate::event::slots::NONE): every event of the source.
    pub condition: u32,
    /// The fields that the elements go to, in `paths`; [`NONE`](crate::event::slots::NONE) for one that nobody needs.
    pub names: Range,
}

/// Canonical fields of some events of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// The condition's number in the late set.
    pub condition: u32,
    /// Its `fields`, in the order to apply them.
    pub fields: Range,
}

/// A derived field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Derived {
    /// The derived field.
    pub to: u32,
    /// A [`Decoder`] by its number.
    pub decoder: u8,
    /// The fields it is computed from, in `paths`, in the order of preference.
    pub paths: Range,
    /// The decoder's number (a limit in bytes, a [`Quoting`], an [`AccountForm`]).
    pub number: u32,
    /// The decoder's text, in `text`.
    pub parameter: Range,
    /// The decoder's table, in `values`: a text in lower case and its result, by turns; a last one
    /// without result is the result of every other text.
    pub table: Range,
}

/// All sources of a rule set. Immutable; shared by threads.
///
/// The members are public so that a file can hold them; tables whose members came from elsewhere
/// must pass [`verify`](SourceTables::verify) before they are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceTables {
    /// The sources; the first that recognises an event has it.
    pub sources: Vec<Source>,
    /// Groups of tests.
    pub groups: Vec<Group>,
    /// Tests.
    pub tests: Vec<Test>,
    /// Values of tests, in `text`.
    pub values: Vec<Range>,
    /// Logsources of sources.
    pub logsources: Vec<Logsource>,
    /// Fields whose text may hold events, of all sources.
    pub payloads: Vec<Payload>,
    /// Container ids of objects and arrays that may be or hold events, of all sources.
    pub containers: Vec<u32>,
    /// Fields that objects and arrays in a record take from it, of all sources.
    pub inherited: Vec<u32>,
    /// Objects that may arrive as JSON text.
    pub nested: Vec<Nested>,
    /// Canonical fields.
    pub fields: Vec<Field>,
    /// Objects whose members are lifted.
    pub lifts: Vec<Lift>,
    /// Names by position.
    pub positions: Vec<Positions>,
    /// Canonical fields under a condition.
    pub variants: Vec<Variant>,
    /// Conditions: `groups` of which one must hold.
    pub conditions: Vec<Range>,
    /// Derived fields.
    pub derived: Vec<Derived>,
    /// Field ids; [`NONE`](crate::event::slots::NONE) in columns, lifts and positions that nobody needs.
    pub paths: Vec<u32>,
    /// The bytes of names, values and parameters.
    pub text: Vec<u8>,
}

impl SourceTables {
    /// The name of a source; empty if there is no such source.
    pub fn name(&self, source: u32) -> &str {
        let name = self.sources.get(source as usize).map(|source| source.name.of(&self.text));
        name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("")
    }

    /// All tests of a range of `groups`.
    pub(crate) fn tests_of(&self, groups: Range) -> impl Iterator<Item = &Test> {
        let tests = groups.of(&self.groups).iter().flat_map(|group| [group.all, group.any]);
        tests.flat_map(|tests| tests.of(&self.tests))
    }
}
