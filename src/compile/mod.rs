//! The compiler: rules as written in, tables out.
//!
//! ```text
//! Collection --lower--> Ir over predicates --pivot, index, program--> Tables --verify--> RuleSet
//! ```
//! Enter at [`compile`]. Rules are sorted first, so the same rules in any order give the same
//! bytes. The meaning of every value is decided in `item` and `pattern`; nothing after them
//! knows modifiers.

mod bounds;
mod canonical;
mod emit;
pub mod frequency;
pub mod index;
mod indicators;
pub mod ir;
pub mod item;
pub mod lower;
mod marked;
mod networks;
pub mod pattern;
pub mod pivot;
pub mod placeholder;
pub mod profile;
pub mod program;
pub mod regex;
pub mod select;
mod texts;
pub mod vrl;

use crate::ioc::Set;
use crate::limits;
use crate::rule::ast::{Collection, Level, LogSource, Place};
use crate::rule::descriptor::{Descriptor, Destination};
use crate::ruleset::format;
use crate::ruleset::{LoadError, RuleSet};
use profile::Profile;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// What to compile and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Leave out what `explain` needs.
    pub strip_debug: bool,
    /// Rules that the caller left out before; counted in the file's header.
    pub skipped_rules: u32,
    /// Descriptors of sources, in the order of recognition: a site's own first.
    pub sources: Vec<Descriptor>,
    /// Destinations that documents can be written for.
    pub destinations: Vec<Destination>,
    /// What a site's events say. It decides how rules are found, never what they mean.
    pub profile: Option<Profile>,
    /// Indicators that are looked for beside the rules.
    pub indicators: Option<Arc<Set>>,
}

/// A compiled rule set.
#[derive(Debug)]
pub struct Compiled {
    /// The file.
    pub bytes: Vec<u8>,
    /// Rules in it.
    pub rules: usize,
    /// Correlations carried inert: they are validated but not evaluated.
    pub correlations: usize,
}

/// Why rules could not be compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct CompileError {
    /// Where.
    pub place: Place,
    /// Title of the rule, or what it is about. Empty, as the place, for the rule set as a whole.
    pub subject: String,
    /// What is wrong and the repair.
    pub message: String,
}

impl CompileError {
    /// Whether it is about the rule set as a whole: no rule can be left out for it.
    pub fn is_whole(&self) -> bool {
        self.subject.is_empty() && self.place == Place::default()
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: rule `{}`: {}", self.place, self.subject, self.message)
    }
}

impl std::error::Error for CompileError {}

/// Compiles every rule of a collection that the front end accepted.
///
/// # Errors
/// All errors, not only the first: duplicate ids, and what exceeds a [limit](crate::limits).
pub fn compile(collection: &Collection, options: &Options) -> Result<Compiled, Vec<CompileError>> {
    bounds::documents(collection).map_err(|error| vec![error])?;
    let (tables, debug, conditions) = emit::tables(collection, options)?;
    let canonical = format::canonical_bytes(&tables, &conditions);
    let identity: [u8; 32] = Sha256::digest(&canonical).into();
    let rules = tables.rules.len();
    let bytes = format::write(&tables, &debug, identity, options.skipped_rules);
    if bytes.len() > limits::MAX_FILE {
        let (len, most) = (bytes.len(), limits::MAX_FILE);
        return Err(vec![bounds::whole(format!(
            "{len} bytes once compiled, the limit is {most}: compile several rule sets"
        ))]);
    }
    Ok(Compiled { bytes, rules, correlations: collection.correlations.len() })
}

/// Compiles and loads: for callers that match at once (`sigmatag tag --rules rule.yml`).
///
/// # Errors
/// As [`compile`].
pub fn rule_set(collection: &Collection, options: &Options) -> Result<RuleSet, Vec<CompileError>> {
    let compiled = compile(collection, options)?;
    // The one way into a rule set, for compiled tables and for files.
    RuleSet::from_bytes(&compiled.bytes).map_err(|e: LoadError| {
        vec![bounds::whole(format!("the compiled rules do not verify: {e}"))]
    })
}

/// The number of a level in the tables.
pub fn level_number(level: Option<Level>) -> u8 {
    level.map_or(0, |level| level as u8 + 1)
}

/// `product/category/service`, empty where not set.
pub fn logsource_text(logsource: &LogSource) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    format!(
        "{}/{}/{}",
        part(&logsource.product),
        part(&logsource.category),
        part(&logsource.service)
    )
}
