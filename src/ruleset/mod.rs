//! The compiled rule set: verified tables, immutable, shared by every thread.
//!
//! ```text
//! compiler --Tables--.
//!                     verify --> RuleSet
//! file.sgt --Tables--'
//! ```
//! [`RuleSet::new`] is the only constructor. Matching relies on nothing that `verify` does not
//! check, so any bytes either fail with a reason or give a rule set whose matches end.

pub mod codec;
pub mod debug;
pub mod embedded;
mod field_index;
mod foreign;
pub mod format;
pub mod hash;
pub mod indicators;
pub mod normal;
pub mod regexes;
pub mod tables;
pub mod verify;

use crate::destination::{Normal, Prepared};
use debug::{Debug, DebugSection};
use indicators::Indicators;
use regexes::Regexes;
use std::borrow::Cow;
use std::fmt;
use tables::{Tables, Text};

/// Why bytes are not a rule set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// The kind, for programs.
    pub kind: LoadErrorKind,
    /// Offset in the file.
    pub offset: Option<u64>,
    /// What is wrong and the repair.
    pub message: String,
}

/// Kinds of [`LoadError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadErrorKind {
    /// Not a compiled rule file.
    NotSgt,
    /// From a compiler that is too new or too old.
    UnsupportedVersion,
    /// Shorter than its header says.
    Truncated,
    /// Damaged, or made to harm.
    Corrupt,
    /// Over a limit.
    TooLarge,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} (at byte {offset})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for LoadError {}

/// A rule as a report needs it. Texts are borrowed from the rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo<'a> {
    /// `id`, or `sha256:` and 16 digits of the rule's canonical form.
    pub id: &'a str,
    /// `title`
    pub title: &'a str,
    /// `author`, may be empty.
    pub author: &'a str,
    /// `license`, may be empty.
    pub license: &'a str,
    /// 0 none, 1 informational to 5 critical.
    pub level: u8,
    /// `tags`, separated by commas.
    pub tags: &'a str,
    /// `product/category/service`, parts may be empty.
    pub logsource: &'a str,
}

/// Names of the levels by number; the empty name is "none".
pub const LEVELS: [&str; 6] = ["", "informational", "low", "medium", "high", "critical"];

/// A verified rule set.
pub struct RuleSet {
    tables: Tables,
    debug: DebugSection,
    identity: String,
    header: format::Header,
}

impl RuleSet {
    /// Reads a compiled rule file. Ends for any bytes and allocates at most a small multiple of
    /// their number.
    ///
    /// # Errors
    /// If the bytes are not such a file, damaged, or of a version that is not supported.
    pub fn from_bytes(bytes: &[u8]) -> Result<RuleSet, LoadError> {
        let (header, tables, debug) = format::read(bytes)?;
        RuleSet::new(header, tables, debug)
    }

    /// Verifies tables and makes them a rule set. The debug section is verified by the first call of
    /// [`RuleSet::debug`].
    ///
    /// # Errors
    /// If an invariant does not hold.
    pub fn new(
        header: format::Header,
        tables: Tables,
        debug: DebugSection,
    ) -> Result<RuleSet, LoadError> {
        let corrupt = |message| LoadError { kind: LoadErrorKind::Corrupt, offset: None, message };
        verify::verify(&tables)
            .map_err(|e| corrupt(format!("table `{}`: {}", e.table, e.message)))?;
        let identity = header.identity.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(RuleSet { tables, debug, identity, header })
    }

    /// The tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The regular expressions.
    pub fn regexes(&self) -> &Regexes {
        &self.tables.regexes
    }

    /// What the file's header said.
    pub fn header(&self) -> &format::Header {
        &self.header
    }

    /// Number of rules.
    pub fn rule_count(&self) -> u32 {
        self.tables.rules.len() as u32
    }

    /// A rule.
    pub fn rule(&self, index: u32) -> Option<RuleInfo<'_>> {
        let rule = self.tables.rules.get(index as usize)?;
        Some(RuleInfo {
            id: self.text(rule.id),
            title: self.text(rule.title),
            author: self.text(rule.author),
            license: self.text(rule.license),
            level: rule.level,
            tags: self.text(rule.tags),
            logsource: self
                .tables
                .logsources
                .get(rule.logsource as usize)
                .map_or("", |l| self.text(l.path)),
        })
    }

    /// A text of the rules' pool.
    pub fn text(&self, text: Text) -> &str {
        // `verify` saw that it is UTF-8.
        std::str::from_utf8(self.text_bytes(text)).unwrap_or_default()
    }

    /// The bytes of a text of the rules' pool. PERF: [`text`](RuleSet::text) looks at each to see
    /// what is known.
    pub(crate) fn text_bytes(&self, text: Text) -> &[u8] {
        &self.tables.texts[text.start as usize..(text.start + text.len) as usize]
    }

    /// What explanations need, decoded and verified at the first call; empty if the file was
    /// stripped of it.
    ///
    /// # Errors
    /// If the section is damaged. Matching does not depend on it.
    pub fn debug(&self) -> Result<&Debug, &str> {
        self.debug.get(&self.tables)
    }

    /// What writing documents for destinations needs, decoded and verified at the first call; empty if
    /// the rules were compiled without destinations.
    ///
    /// # Errors
    /// If the section is damaged. Matching does not depend on it.
    pub fn normal(&self) -> Result<&Normal, &str> {
        self.prepared().map(|prepared| &prepared.normal)
    }

    /// The same, ready for writing.
    ///
    /// # Errors
    /// As [`normal`](RuleSet::normal).
    pub(crate) fn prepared(&self) -> Result<&Prepared, &str> {
        self.tables.normal.get(&self.tables)
    }

    /// The number of the destination with a name; case does not matter.
    ///
    /// # Errors
    /// If there is none: what to do, in a sentence.
    pub fn destination(&self, name: &str) -> Result<u32, String> {
        let normal = self.normal().map_err(|why| format!("{why}: compile the rules again"))?;
        normal.find(name).ok_or_else(|| match normal.names().collect::<Vec<_>>()[..] {
            [] => "the rules were compiled without destinations: compile them again".to_owned(),
            ref names => format!("unknown destination `{name}`; known are {}", names.join(", ")),
        })
    }

    /// Number of the fields that matching reads. Those behind them are for documents only.
    pub fn field_count(&self) -> u32 {
        let fields = self.tables.keys.entries.iter().map(|entry| entry.field);
        fields.filter(|field| *field != tables::NONE).max().map_or(0, |last| last + 1)
    }

    /// The name of a field; empty for keywords.
    pub fn field_name(&self, field: u32) -> &str {
        self.tables.fields.get(field as usize).map_or("", |&name| self.text(name))
    }

    /// Product, category and service of a log source; empty where not set.
    pub fn logsource(&self, index: u32) -> [&str; 3] {
        self.tables.logsources.get(index as usize).map_or([""; 3], |l| {
            [self.text(l.product), self.text(l.category), self.text(l.service)]
        })
    }

    /// Number of sources.
    pub fn source_count(&self) -> u32 {
        self.tables.sources.sources.len() as u32
    }

    /// The name of a source; empty beyond their number.
    pub fn source_name(&self, index: u32) -> Cow<'_, str> {
        let sources = &self.tables.sources;
        let name = sources.sources.get(index as usize).map(|source| source.name.of(&sources.text));
        String::from_utf8_lossy(name.unwrap_or_default())
    }

    /// SHA-256 of what the rules mean, 64 hexadecimal digits.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Version of the file format.
    pub fn format_version(&self) -> u32 {
        self.header.version
    }

    /// Rules that the compiler was told to leave out.
    pub fn skipped_rules(&self) -> u32 {
        self.header.skipped_rules
    }

    /// The indicators, if there are any.
    pub fn indicators(&self) -> Option<&Indicators> {
        self.tables.indicators.as_deref()
    }

    /// Number of regular expressions.
    pub fn regex_count(&self) -> u32 {
        self.tables.regexes.len() as u32
    }

    /// Approximate bytes of memory that the rule set occupies.
    pub fn resident_bytes(&self) -> u64 {
        self.header.sections.iter().map(|(_, len)| len).sum()
    }
}
