//! The regular expressions of a rule set, as tables: nothing is built when they are loaded or when
//! they match.
//!
//! Every expression has a program (see [`program`]), which decides any text in time linear in it.
//! Most have an automaton as well (see [`automaton`]), which decides ASCII text faster. Both are
//! made by the compiler and only checked here. Programs step over characters, not over the bytes
//! of their encodings: `\w` is one step and a class of ranges that all expressions share, where
//! an automaton of bytes needs hundreds of states.

pub mod automaton;
mod look;
pub mod program;

use super::codec::record;
use super::tables::{NONE, Text};
use crate::limits;
use automaton::{Automaton, Decision};
pub use program::RegexCache;
use program::{CharClass, CharRange, Step, look_kind, op};

record! {
    /// A regular expression. Its source is canonical; program and automaton follow from it.
    pub struct RegexRecord {
        /// Source, in `texts`.
        pub source: Text,
        /// Bits 0 to 2: ignore case, multi-line, dot matches newline; bit 3: [`ANCHORED`].
        pub flags: u32,
        /// Shortest text that can match, in bytes.
        pub min_len: u32,
        /// Its steps; the first is where it begins.
        pub steps: Text,
        /// Bit `b` is set if a match can begin with byte `b`, or be empty.
        pub first: [u64; 4],
        /// The class `\w`, if the expression looks for Unicode word boundaries.
        pub word: u32,
        /// Index of its automaton, or [`NONE`].
        pub automaton: u32,
    }
}

/// Bit of a regex's flags: matches begin at the start of the text.
pub const ANCHORED: u32 = 8;

/// All expressions of a rule set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regexes {
    /// The expressions.
    pub list: Vec<RegexRecord>,
    /// Steps of all programs. Targets are indices into the expression's own steps.
    pub steps: Vec<Step>,
    /// Classes of characters.
    pub classes: Vec<CharClass>,
    /// Ranges of classes.
    pub ranges: Vec<CharRange>,
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
        regex.steps.len as usize * size_of::<Step>()
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
        program::Program::new(self, regex).is_match(text, cache)
    }

    /// Grows a cache to what the largest program needs, so that matching does not. An automaton that
    /// decides every text asks no program.
    pub fn warm(&self, cache: &mut RegexCache) {
        let asks = |regex: &&RegexRecord| {
            let automaton = self.automata.get(regex.automaton as usize);
            automaton.is_none_or(|automaton| automaton.ascii_only != 0)
        };
        let steps = self.list.iter().filter(asks).map(|regex| regex.steps.len as usize);
        cache.grow(steps.max().unwrap_or(0));
    }

    /// Checks what execution relies on. Parts lie behind one another, so the time is bounded by the
    /// size of the tables. Sources are the caller's.
    ///
    /// # Errors
    /// What is wrong.
    pub fn verify(&self) -> Result<(), &'static str> {
        let mut end = 0;
        for regex in &self.list {
            ensure(regex.flags < 16, "an unknown flag")?;
            ensure(
                regex.automaton == NONE || (regex.automaton as usize) < self.automata.len(),
                "an automaton does not exist",
            )?;
            ensure(
                regex.word == NONE || (regex.word as usize) < self.classes.len(),
                "a class does not exist",
            )?;
            ensure(
                regex.steps.len > 0 && regex.steps.len as usize <= limits::MAX_REGEX_STEPS,
                "a program is empty or too long",
            )?;
            let steps = next_part(regex.steps, &mut end, &self.steps)?;
            for step in steps {
                ensure(self.is_valid(step, regex), "a step is not valid")?;
            }
        }
        for class in &self.classes {
            let ranges_end = u64::from(class.ranges.start) + u64::from(class.ranges.len);
            ensure(ranges_end <= self.ranges.len() as u64, "the ranges of a class do not exist")?;
        }
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

    fn is_valid(&self, step: &Step, regex: &RegexRecord) -> bool {
        let target = |target: u32| target < regex.steps.len;
        match step.op {
            op::BYTES => target(step.next),
            op::CLASS => target(step.next) && (step.a as usize) < self.classes.len(),
            op::SPLIT => target(step.next) && target(step.a),
            op::LOOK => {
                target(step.next)
                    && step.a < look_kind::COUNT
                    && (regex.word != NONE || !look_kind::is_unicode_word(step.a))
            }
            op::MATCH => true,
            _ => false,
        }
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
