//! The compiler: rules as written in, tables out.
//!
//! ```text
//! Collection --lower--> Ir over predicates --pivot, index, program--> Tables --verify--> RuleSet
//! ```
//! Enter at [`compile`]. Rules are sorted first, so the same rules in any order give the same
//! bytes. The meaning of every value is decided in `item` and `pattern`; nothing after them
//! knows modifiers.

mod canonical;
mod emit;
pub mod frequency;
mod hash;
pub mod index;
pub mod ir;
pub mod item;
pub mod lower;
pub mod pattern;
pub mod pivot;
pub mod placeholder;
pub mod profile;
pub mod program;
pub mod regex;
pub mod select;
mod texts;

use crate::rule::ast::{Collection, Level, LogSource, Place};
use crate::rule::descriptor::Descriptor;
use crate::ruleset::format;
use crate::ruleset::{LoadError, RuleSet};
use profile::Profile;
use sha2::{Digest, Sha256};
use std::fmt;

/// What to compile and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Leave out what `explain` needs.
    pub strip_debug: bool,
    /// Rules that the caller left out before; counted in the file's header.
    pub skipped_rules: u32,
    /// Descriptors of sources, in the order of recognition: a site's own first.
    pub sources: Vec<Descriptor>,
    /// What a site's events say. It decides how rules are found, never what they mean.
    pub profile: Option<Profile>,
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
    /// Title of the rule.
    pub subject: String,
    /// What is wrong and the repair.
    pub message: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: rule `{}`: {}", self.place, self.subject, self.message)
    }
}

impl std::error::Error for CompileError {}

/// Compiles every rule of a collection that the front end accepted.
///
/// # Errors
/// All errors, not only the first: duplicate ids, limits of regular expressions.
pub fn compile(collection: &Collection, options: &Options) -> Result<Compiled, Vec<CompileError>> {
    let (tables, debug, conditions) = emit::tables(collection, options)?;
    let canonical = format::canonical_bytes(&tables, &conditions);
    let identity: [u8; 32] = Sha256::digest(&canonical).into();
    let rules = tables.rules.len();
    let bytes = format::write(&tables, &debug, identity, options.skipped_rules);
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
        vec![CompileError {
            place: Place::default(),
            subject: String::new(),
            message: format!("the compiled rules do not verify: {e}"),
        }]
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
