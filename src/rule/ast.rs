//! What the author of a rule wrote, with the place of every part.
//!
//! Nothing here is interpreted: modifiers are names, values are the text that YAML delivered
//! (with the type YAML 1.2 core gives it), escapes and wildcards are untouched. The compiler and
//! the reference evaluator each give it a meaning on their own, so that a mistake in one is seen
//! by the other.

use std::fmt;
use std::sync::Arc;

/// A place in a source file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pos {
    /// Line, from 1; 0 where the place is not known.
    pub line: u32,
    /// Column in characters, from 1; 0 where only the line is known.
    pub column: u32,
}

/// A place together with the file it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file's name as the user gave it, `<stdin>` or `<text>` for anything else.
    pub file: Arc<str>,
    /// Where in it.
    pub pos: Pos,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.pos.line, self.pos.column)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it begins.
    pub pos: Pos,
}

/// One YAML document (Sigma 2.1: rules, correlations and filters share one stream).
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    /// A document with `detection`.
    Rule(Rule),
    /// A document with `correlation`.
    Correlation(Correlation),
    /// A document with `filter`.
    Filter(Filter),
}

/// The descriptive attributes that the three kinds of document share. None of them influences
/// matching.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// Where the document begins.
    pub place: Place,
    /// `title`.
    pub title: String,
    /// `id` as written; need not be a UUID.
    pub id: Option<String>,
    /// `name`, the reference that correlations and filters may use.
    pub name: Option<String>,
    /// `status`; a value outside the specification is kept and warned about.
    pub status: Option<String>,
    /// `level`; `None` if absent or not one of the five.
    pub level: Option<Level>,
    /// `description`.
    pub description: Option<String>,
    /// `author`.
    pub author: Option<String>,
    /// `license`.
    pub license: Option<String>,
    /// `date` as text.
    pub date: Option<String>,
    /// `modified` as text.
    pub modified: Option<String>,
    /// `taxonomy`, only where it is not `sigma`.
    pub taxonomy: Option<String>,
    /// `tags`.
    pub tags: Vec<String>,
    /// `references`.
    pub references: Vec<String>,
    /// `falsepositives`.
    pub falsepositives: Vec<String>,
    /// `fields`.
    pub fields: Vec<String>,
    /// `related`: other rules and what this one is to them.
    pub related: Vec<Spanned<Relation>>,
}

/// One entry of `related`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Id of the other rule.
    pub id: String,
    /// `derived`, `obsolete`, `merged`, `renamed` or `similar`.
    pub kind: String,
}

/// `level`, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `informational`
    Informational,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `critical`
    Critical,
}

impl Level {
    /// All levels in rising order.
    pub const ALL: [Level; 5] =
        [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];

    /// The specification's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    /// Reads the specification's spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// `logsource`. At least one of product, category and service is set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LogSource {
    /// `product`, lower-cased.
    pub product: Option<String>,
    /// `category`, lower-cased.
    pub category: Option<String>,
    /// `service`, lower-cased.
    pub service: Option<String>,
}

impl LogSource {
    /// Whether everything that this one sets is so in another one: whether what is about this is about
    /// events of that.
    pub fn is_part_of(&self, other: &LogSource) -> bool {
        let same = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
        same(&self.product, &other.product)
            && same(&self.category, &other.category)
            && same(&self.service, &other.service)
    }
}

/// A detection rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Title, id and so on.
    pub meta: Metadata,
    /// What the rule is about.
    pub logsource: LogSource,
    /// What it looks for.
    pub detection: Detection,
    /// Search identifiers with their place, and the condition: `explain` shows lines from here.
    pub logsource_pos: Pos,
}

/// The body of `detection` or `filter`.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Search identifiers in the author's order; names are unique.
    pub searches: Vec<NamedSearch>,
    /// One condition, or several that are ORed (a filter has exactly one).
    pub conditions: Vec<Condition>,
}

impl Detection {
    /// The search of that name.
    pub fn search(&self, name: &str) -> Option<&NamedSearch> {
        self.searches.iter().find(|search| search.name == name)
    }
}

/// A search identifier and what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSearch {
    /// The identifier.
    pub name: String,
    /// Where the identifier stands.
    pub pos: Pos,
    /// Its body.
    pub body: Search,
}

/// The structure under a search identifier.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// A map: every item must hold. A list of scalars (keywords) is one item without a field.
    All(Vec<Item>),
    /// A list of maps (or of maps and scalars): one must hold.
    Any(Vec<Search>),
}

/// One `field|modifier|...: value` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The field's name; `None` for keywords (`'|all': [...]` and plain lists).
    pub field: Option<String>,
    /// Modifier names as written, in order.
    pub modifiers: Vec<Spanned<String>>,
    /// The values; a scalar is a list of one. Empty only for `field: []`, which means `null`.
    pub values: Vec<Spanned<Scalar>>,
    /// True where the author wrote a list.
    pub is_list: bool,
    /// Where the key stands.
    pub pos: Pos,
}

impl Item {
    /// Whether a modifier was written (after resolving no synonyms).
    pub fn has(&self, modifier: &str) -> bool {
        self.modifiers.iter().any(|m| m.value == modifier)
    }
}

/// A YAML 1.2 core scalar; digits with leading zeros are strings.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`, `~`, nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// An integer that 128 bits cannot hold: its decimal digits, with `-` if negative.
    BigInt(String),
    /// A finite float.
    Float(f64),
    /// Anything else, after YAML's own unescaping.
    Str(String),
}

/// A condition: its text and its grammar tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As written.
    pub text: String,
    /// Where it stands.
    pub pos: Pos,
    /// Parsed; every plain identifier is known to exist.
    pub expr: Expr,
}

/// `not` binds tighter than `and`, `and` tighter than `or`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// At least two operands.
    Or(Vec<Expr>),
    /// At least two operands.
    And(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// A search identifier.
    Search(String),
    /// `1 of them`, `all of sel_*`, `3 of sel_*`.
    Of(Quantifier, Target),
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `all of`
    All,
    /// `1 of`, `any of` (1) or `N of`: at least this many, never 0.
    AtLeast(u32),
}

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `them`: every identifier that does not begin with `_`.
    Them,
    /// A name or a pattern with `*`, unresolved. Identifiers that begin with `_` are meant only
    /// if the pattern does too.
    Pattern(String),
}

/// A filter document (`condition: not selection` excludes).
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Title, id and so on.
    pub meta: Metadata,
    /// Applies to rules whose logsource has each attribute set here with the same value.
    pub logsource: LogSource,
    /// Which rules.
    pub rules: FilterRules,
    /// Selections and exactly one condition.
    pub detection: Detection,
}

/// Which rules a filter applies to.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterRules {
    /// `rules: any` or an empty list.
    Any,
    /// Ids or names.
    Listed(Vec<Spanned<String>>),
}

/// What an alias stands for: rule reference and field.
pub type AliasFields = Vec<(String, Spanned<String>)>;

/// A correlation document.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// Title, id and so on.
    pub meta: Metadata,
    /// `type`.
    pub kind: CorrelationKind,
    /// Ids or names of rules or correlations.
    pub rules: Vec<Spanned<String>>,
    /// `group-by`.
    pub group_by: Vec<Spanned<String>>,
    /// `timespan` in seconds.
    pub timespan_seconds: u64,
    /// `timespan` as written.
    pub timespan: String,
    /// `aliases`: alias, then (rule reference, field).
    pub aliases: Vec<(String, AliasFields)>,
    /// `condition`.
    pub condition: CorrelationCondition,
    /// Where the condition stands; the beginning of the correlation if none is written.
    pub condition_pos: Pos,
    /// `generate`: referenced rules report on their own as well.
    pub generate: bool,
}

impl Correlation {
    /// The fields whose values count; none for types that count events or rules.
    pub fn fields(&self) -> &[Spanned<String>] {
        match &self.condition {
            CorrelationCondition::Compare { fields, .. } => fields,
            CorrelationCondition::Default | CorrelationCondition::Expression(_) => &[],
        }
    }
}

/// `correlation.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CorrelationKind {
    /// `event_count`
    EventCount,
    /// `value_count`
    ValueCount,
    /// `temporal`
    Temporal,
    /// `temporal_ordered`
    TemporalOrdered,
    /// `value_sum`
    ValueSum,
    /// `value_avg`
    ValueAvg,
    /// `value_percentile`
    ValuePercentile,
    /// `value_median`
    ValueMedian,
}

/// `correlation.condition`.
#[derive(Debug, Clone, PartialEq)]
pub enum CorrelationCondition {
    /// None written: temporal types only, every listed rule.
    Default,
    /// Operators, ANDed; `fields` for the value types, `percentile` for value_percentile.
    Compare {
        /// Operator and threshold; one or two.
        tests: Vec<(Comparison, f64)>,
        /// `field`.
        fields: Vec<Spanned<String>>,
        /// `percentile`.
        percentile: Option<f64>,
    },
    /// An expression over rule references (temporal types).
    Expression(Condition),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `gt`
    Gt,
    /// `gte`
    Gte,
    /// `lt`
    Lt,
    /// `lte`
    Lte,
    /// `eq`
    Eq,
    /// `neq`
    Neq,
}

/// Values that the user supplies for `%name%` placeholders of `expand`.
pub type Placeholders = std::collections::BTreeMap<String, Vec<String>>;

/// Every document of the rule files given, in the order read.
#[derive(Debug, Clone, Default)]
pub struct Collection {
    /// Detection rules.
    pub rules: Vec<Rule>,
    /// Correlations.
    pub correlations: Vec<Correlation>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// What `%name%` stands for. Validation rejected every rule with a name missing here.
    pub placeholders: Placeholders,
}
