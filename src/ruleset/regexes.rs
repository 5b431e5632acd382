//! The regular expressions of a rule set, ready to search.
//!
//! A small DFA comes serialised in the file. The others are built here as Thompson NFAs run by
//! the PikeVM, which needs no memory but a cache from the scratch: the lazy DFA and the meta
//! engine would allocate while matching.

use super::tables::Tables;
use crate::limits;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures, pikevm};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

/// Bit of a regex's flags: its automaton gives up at a byte above 0x7F (Unicode `\\b`), and an
/// NFA takes over.
pub const QUITS: u32 = 8;

/// One expression.
pub struct Regex {
    dfa: Option<dense::DFA<Vec<u32>>>,
    nfa: Option<pikevm::PikeVM>,
    /// Shorter texts cannot match.
    min_len: usize,
}

impl Regex {
    fn memory(&self) -> usize {
        let dfa = self.dfa.as_ref().map_or(0, |dfa| dfa.memory_usage());
        dfa + self.nfa.as_ref().map_or(0, |nfa| nfa.get_nfa().memory_usage())
    }
}

/// All expressions of a rule set.
#[derive(Default)]
pub struct Regexes {
    list: Vec<Regex>,
}

/// Memory for one search at a time; kept by the scratch.
#[derive(Default)]
pub struct RegexCache {
    cache: Option<pikevm::Cache>,
}

/// The syntax that all expressions are read with: Rust's, on bytes.
pub fn syntax_config(flags: u32) -> syntax::Config {
    syntax::Config::new()
        .utf8(false)
        .case_insensitive(flags & 1 != 0)
        .multi_line(flags & 2 != 0)
        .dot_matches_new_line(flags & 4 != 0)
        .nest_limit(limits::REGEX_DEPTH)
}

/// How NFAs are built, for files and by the compiler.
pub fn nfa_config() -> thompson::Config {
    thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(limits::MAX_REGEX_NFA))
}

fn build_nfa(source: &str, flags: u32) -> Result<pikevm::PikeVM, String> {
    pikevm::Builder::new()
        .syntax(syntax_config(flags))
        .thompson(nfa_config())
        .build(source)
        .map_err(|e| e.to_string())
}

fn read_dfa(bytes: &[u8]) -> Result<dense::DFA<Vec<u32>>, String> {
    // The serialised form must lie at a multiple of four.
    let mut buffer = vec![0; bytes.len() + 4];
    let shift = buffer.as_ptr().align_offset(4).min(4);
    buffer[shift..shift + bytes.len()].copy_from_slice(bytes);
    let (dfa, read) =
        dense::DFA::from_bytes(&buffer[shift..shift + bytes.len()]).map_err(|e| e.to_string())?;
    if read != bytes.len() {
        return Err("bytes after the automaton".to_owned());
    }
    Ok(dfa.to_owned())
}

impl Regexes {
    /// Builds the expressions of verified tables.
    pub fn build(tables: &Tables) -> Result<Regexes, String> {
        let mut list = Vec::with_capacity(tables.regexes.len());
        let mut memory = 0;
        for (index, record) in tables.regexes.iter().enumerate() {
            let range = |t: super::tables::Text| t.start as usize..(t.start + t.len) as usize;
            let source = std::str::from_utf8(&tables.needles[range(record.source)])
                .map_err(|e| e.to_string())?;
            let fail = |e: String| format!("regex {index} ({source}): {e}");
            let mut regex = Regex { dfa: None, nfa: None, min_len: record.min_len as usize };
            if record.automaton.len > 0 {
                let dfa = read_dfa(&tables.automata[range(record.automaton)]).map_err(fail)?;
                if record.flags & QUITS != 0 {
                    regex.nfa = Some(build_nfa(source, record.flags).map_err(fail)?);
                }
                regex.dfa = Some(dfa);
            } else {
                regex.nfa = Some(build_nfa(source, record.flags).map_err(fail)?);
            }
            memory += regex.memory();
            if memory > limits::MAX_REGEX_TOTAL {
                return Err(format!(
                    "the first {} regular expressions take more than {} bytes",
                    index + 1,
                    limits::MAX_REGEX_TOTAL
                ));
            }
            list.push(regex);
        }
        Ok(Regexes { list })
    }

    /// Number of expressions.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The engine of an expression, for `inspect`.
    pub fn engine(&self, index: usize) -> &'static str {
        match self.list.get(index) {
            Some(Regex { dfa: Some(_), nfa: None, .. }) => "dfa",
            Some(Regex { dfa: Some(_), nfa: Some(_), .. }) => "dfa, nfa for non-ASCII text",
            Some(_) => "nfa",
            None => "none",
        }
    }

    /// Approximate bytes that the expressions occupy.
    pub fn memory(&self) -> usize {
        self.list.iter().map(Regex::memory).sum()
    }

    /// Whether the expression matches anywhere in `text`.
    pub fn is_match(&self, index: u32, text: &[u8], cache: &mut RegexCache) -> bool {
        let regex = &self.list[index as usize];
        if text.len() < regex.min_len {
            return false;
        }
        let input = Input::new(text).anchored(Anchored::No).earliest(true);
        // An automaton that gives up does so at a byte above 0x7F, and its error is allocated.
        if let Some(dfa) = &regex.dfa
            && (regex.nfa.is_none() || text.is_ascii())
        {
            match dfa.try_search_fwd(&input) {
                Ok(found) => return found.is_some(),
                // A file that hides that its automaton gives up: look at the event rather than
                // miss it.
                Err(_) if regex.nfa.is_none() => return true,
                Err(_) => {}
            }
        }
        let Some(nfa) = &regex.nfa else { return false };
        let cache = cache.cache.get_or_insert_with(|| nfa.create_cache());
        cache.reset(nfa);
        nfa.is_match(cache, input)
    }

    /// Grows a cache to what the largest expression needs, so that matching does not.
    pub fn warm(&self, cache: &mut RegexCache) {
        for regex in &self.list {
            if let Some(nfa) = &regex.nfa {
                cache.cache.get_or_insert_with(|| nfa.create_cache()).reset(nfa);
            }
        }
    }
}
