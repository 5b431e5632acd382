//! The regular expressions of a rule set, as tables: nothing is built when they are loaded or when
//! they match.
//!
//! Most expressions have an automaton (see [`automaton`]), which decides all texts, or those of
//! ASCII. Those that have none or leave texts undecided have a program (see [`program`]), which
//! decides any text in time linear in it. Both are made by the compiler and only checked here.
//! Programs step over characters, not over the bytes of their encodings: `\w` is one state and a
//! class of ranges that all expressions share, where an automaton of bytes needs hundreds of states.

pub mod automaton;
mod execution;
mod look;
pub mod program;

use super::codec::record;
use super::tables::{NONE, Text};
use automaton::{Automaton, Decision};
use execution::Execution;
pub use execution::RegexCache;
use program::Programs;

record! {
    /// A regular expression. Its source is canonical; program and automaton follow from it.
    pub struct RegexRecord {
        /// Source, in `texts`.
        pub source: Text,
        /// Bits 0 to 2: ignore case, multi-line, dot matches newline.
        pub flags: u32,
        /// Shortest text that can match, in bytes.
        pub min_len: u32,
        /// Index of its program, or [`NONE`] if the automaton decides every text.
        pub program: u32,
        /// Index of its automaton, or [`NONE`].
        pub automaton: u32,
    }
}

/// All expressions of a rule set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regexes {
    /// The expressions.
    pub list: Vec<RegexRecord>,
    /// Programs.
    pub programs: Programs,
    /// Automata.
    pub automata: Vec<Automaton>,
    /// For each automaton 256 columns, one for each byte.
    pub columns: Vec<u8>,
    /// Transitions of all automata.
    pub transitions: Vec<u16>,
}

impl Regexes {
    /// Number of expressions.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether an automaton decides every text, so that no program is needed.
    pub fn decides_all(&self, automaton: u32) -> bool {
        self.automata.get(automaton as usize).is_some_and(|automaton| automaton.ascii_only == 0)
    }

    /// How an expression is executed, for `inspect`.
    pub fn engine(&self, index: usize) -> &'static str {
        match self.list.get(index).map(|regex| self.automata.get(regex.automaton as usize)) {
            Some(Some(automaton)) if automaton.ascii_only == 0 => "automaton",
            Some(Some(_)) => "automaton, program for non-ASCII text",
            Some(None) => "program",
            None => "none",
        }
    }

    /// Bytes of an expression's program and automaton in the file, without shared classes.
    pub fn size(&self, index: usize) -> usize {
        let Some(regex) = self.list.get(index) else { return 0 };
        let automaton = self.automata.get(regex.automaton as usize);
        self.programs.size(regex.program as usize)
            + automaton.map_or(0, |a| 256 + 2 * a.transitions.len as usize)
    }

    /// Whether the expression matches anywhere in `text`.
    pub fn is_match(&self, index: u32, text: &[u8], cache: &mut RegexCache) -> bool {
        let regex = &self.list[index as usize];
        if text.len() < regex.min_len as usize {
            return false;
        }
        if let Some(automaton) = self.automata.get(regex.automaton as usize) {
            match automaton.decide(text, &self.columns, &self.transitions) {
                Decision::Match => return true,
                Decision::NoMatch => return false,
                Decision::Unknown => {}
            }
        }
        let program = regex.program as usize;
        // An automaton without a program decides every text, unless the file is damaged.
        program < self.programs.list.len()
            && Execution::new(&self.programs, program).is_match(text, cache)
    }

    /// Grows a cache to what the largest program needs, so that matching does not.
    pub fn warm(&self, cache: &mut RegexCache) {
        for index in 0..self.programs.list.len() {
            Execution::new(&self.programs, index).warm(cache);
        }
    }

    /// Checks what execution relies on. Parts lie behind one another, so the time is bounded by the
    /// size of the tables. Sources are the caller's.
    ///
    /// # Errors
    /// What is wrong.
    pub fn verify(&self) -> Result<(), &'static str> {
        let within = |index: u32, len: usize| index == NONE || (index as usize) < len;
        for regex in &self.list {
            ensure(regex.flags < 8, "an unknown flag")?;
            ensure(within(regex.automaton, self.automata.len()), "an automaton does not exist")?;
            ensure(within(regex.program, self.programs.list.len()), "a program does not exist")?;
            ensure(
                regex.automaton != NONE || regex.program != NONE,
                "an expression has neither automaton nor program",
            )?;
        }
        self.programs.verify()?;
        ensure(self.columns.len() == 256 * self.automata.len(), "not 256 columns per automaton")?;
        let mut end = 0;
        for (index, automaton) in self.automata.iter().enumerate() {
            ensure(automaton.columns as usize == 256 * index, "columns are out of order")?;
            let columns = &self.columns[256 * index..][..256];
            let transitions = next_part(automaton.transitions, &mut end, &self.transitions)?;
            automaton.verify(columns, transitions)?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, message: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(message) }
}

/// The elements of a part that must begin at `end`, which moves behind it.
fn next_part<'a, T>(part: Text, end: &mut u32, pool: &'a [T]) -> Result<&'a [T], &'static str> {
    ensure(part.start == *end, "parts do not follow one another")?;
    let list =
        pool[part.start as usize..].get(..part.len as usize).ok_or("a part does not exist")?;
    *end += part.len;
    Ok(list)
}
