//! From a parsed expression to a graph of steps: Thompson's construction over characters, with
//! counted repetitions multiplied out.
//!
//! An expression of characters can be read a character at a time: inside one no character begins, so
//! a match could begin there only if it were empty. Expressions of which that is not true are read a
//! byte at a time, and their classes are written as the bytes of their characters.

use crate::limits;
use crate::ruleset::regexes::program::joint;
use foldhash::HashMap;
use regex_syntax::hir::{
    Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, LookSet, Repetition,
};
use regex_syntax::utf8::Utf8Sequences;

/// A step of an expression. What is behind a step was written before it and has a lower index, but
/// for the way back of a loop.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Reads a symbol, then the step.
    Read(u32, u32),
    /// Both steps.
    Split(u32, u32),
    /// The step behind an assertion, see [`joint`].
    Look(u32, u32),
    /// The expression matches.
    Match,
}

/// What a step reads: one byte, or one character beyond ASCII if not all is read by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Symbol {
    /// Bit `b` is set if it reads byte `b` by itself.
    pub bytes: [u64; 4],
    /// Ranges of the characters beyond ASCII that it reads.
    pub ranges: Vec<(u32, u32)>,
}

/// An expression's steps.
pub struct Graph {
    /// The steps; the first is the match.
    pub steps: Vec<Step>,
    /// Where it begins.
    pub begin: u32,
    /// What steps read.
    pub symbols: Vec<Symbol>,
    /// Whether it must be read a byte at a time.
    pub bytes: bool,
}

impl Symbol {
    /// A set of characters.
    pub fn class(class: &ClassUnicode) -> Symbol {
        let range = |range: &ClassUnicodeRange| (range.start().into(), range.end().into());
        Symbol::characters(class.ranges().iter().map(range))
    }

    fn characters(ranges: impl IntoIterator<Item = (u32, u32)>) -> Symbol {
        let mut symbol = Symbol::default();
        for (first, last) in ranges {
            symbol.add_bytes(first, last.min(0x7F));
            if last > 0x7F {
                symbol.ranges.push((first.max(0x80), last));
            }
        }
        symbol
    }

    fn bytes(ranges: impl IntoIterator<Item = (u8, u8)>) -> Symbol {
        let mut symbol = Symbol::default();
        for (first, last) in ranges {
            symbol.add_bytes(first.into(), last.into());
        }
        symbol
    }

    fn add_bytes(&mut self, first: u32, last: u32) {
        for byte in first..=last {
            self.bytes[(byte >> 6) as usize] |= 1 << (byte & 63);
        }
    }

    /// Whether it reads a byte by itself.
    pub fn has(&self, byte: u8) -> bool {
        self.bytes[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

/// Assertions that can hold inside a character.
fn inside_characters() -> LookSet {
    LookSet::empty()
        .insert(Look::WordAsciiNegate)
        .insert(Look::WordStartHalfAscii)
        .insert(Look::WordEndHalfAscii)
}

/// Whether an expression reads bytes that are no characters. Recursion is bounded by the parser's
/// nesting limit.
fn reads_bytes(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Unicode(_)) => false,
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).is_err(),
        HirKind::Class(Class::Bytes(class)) => !class.is_ascii(),
        HirKind::Repetition(repetition) => reads_bytes(&repetition.sub),
        HirKind::Capture(capture) => reads_bytes(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(reads_bytes),
    }
}

#[derive(Default)]
struct Writer {
    bytes: bool,
    steps: Vec<Step>,
    symbols: HashMap<Symbol, u32>,
}

type Written = Result<u32, String>;

impl Graph {
    /// The steps of an expression.
    ///
    /// # Errors
    /// If it has more steps than [`limits::MAX_REGEX_STEPS`].
    pub fn new(hir: &Hir) -> Result<Graph, String> {
        let properties = hir.properties();
        let empty = properties.minimum_len() == Some(0)
            && !properties.look_set().intersect(inside_characters()).is_empty();
        let bytes = empty || reads_bytes(hir);
        let mut writer = Writer { bytes, ..Writer::default() };
        let end = writer.push(Step::Match)?;
        let begin = writer.node(hir, end)?;
        let mut symbols: Vec<_> = writer.symbols.into_iter().collect();
        symbols.sort_unstable_by_key(|(_, number)| *number);
        let symbols = symbols.into_iter().map(|(symbol, _)| symbol).collect();
        Ok(Graph { steps: writer.steps, begin, symbols, bytes })
    }

    /// The bytes that a match can begin with; all of them if it can be empty.
    pub fn first_bytes(&self) -> [u64; 4] {
        let mut first = Symbol::default();
        let mut seen = vec![false; self.steps.len()];
        let mut stack = vec![self.begin];
        while let Some(index) = stack.pop() {
            if std::mem::replace(&mut seen[index as usize], true) {
                continue;
            }
            match self.steps[index as usize] {
                Step::Read(symbol, _) => {
                    let symbol = &self.symbols[symbol as usize];
                    for (first, bytes) in first.bytes.iter_mut().zip(symbol.bytes) {
                        *first |= bytes;
                    }
                    if !symbol.ranges.is_empty() {
                        // What characters of several bytes begin with.
                        first.add_bytes(0xC2, 0xF4);
                    }
                }
                Step::Split(one, other) => stack.extend([one, other]),
                // Which positions it holds at is not known here.
                Step::Look(_, next) => stack.push(next),
                Step::Match => return [u64::MAX; 4],
            }
        }
        first.bytes
    }
}

impl Writer {
    fn push(&mut self, step: Step) -> Written {
        if self.steps.len() >= limits::MAX_REGEX_STEPS {
            return Err(format!(
                "the regular expression has more than {} steps: lower its repetition counts",
                limits::MAX_REGEX_STEPS
            ));
        }
        self.steps.push(step);
        Ok(self.steps.len() as u32 - 1)
    }

    fn read(&mut self, symbol: Symbol, next: u32) -> Written {
        let new = self.symbols.len() as u32;
        let symbol = *self.symbols.entry(symbol).or_insert(new);
        self.push(Step::Read(symbol, next))
    }

    /// Writes what matches `hir` and goes on at `next`; returns where it begins. Recursion is
    /// bounded by the parser's nesting limit.
    fn node(&mut self, hir: &Hir, next: u32) -> Written {
        match hir.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) if !self.bytes => text.chars().rev().try_fold(next, |next, character| {
                    self.read(Symbol::characters([(character.into(), character.into())]), next)
                }),
                _ => {
                    literal.0.iter().rev().try_fold(next, |next, &byte| {
                        self.read(Symbol::bytes([(byte, byte)]), next)
                    })
                }
            },
            HirKind::Class(Class::Unicode(class)) if self.bytes => self.encoded(class, next),
            // One without members never goes on.
            HirKind::Class(Class::Unicode(class)) => self.read(Symbol::class(class), next),
            HirKind::Class(Class::Bytes(class)) => {
                let ranges = class.ranges().iter().map(|range| (range.start(), range.end()));
                self.read(Symbol::bytes(ranges), next)
            }
            HirKind::Look(look) => self.push(Step::Look(assertion(*look), next)),
            HirKind::Capture(capture) => self.node(&capture.sub, next),
            HirKind::Repetition(repetition) => self.repetition(repetition, next),
            HirKind::Concat(parts) => {
                parts.iter().rev().try_fold(next, |next, part| self.node(part, next))
            }
            HirKind::Alternation(branches) => {
                let mut entry = None;
                for branch in branches.iter().rev() {
                    let begin = self.node(branch, next)?;
                    entry = Some(match entry {
                        None => begin,
                        Some(others) => self.push(Step::Split(begin, others))?,
                    });
                }
                Ok(entry.unwrap_or(next))
            }
        }
    }

    /// The bytes of a class's characters.
    fn encoded(&mut self, class: &ClassUnicode, next: u32) -> Written {
        let mut entry = None;
        for range in class.ranges() {
            for sequence in Utf8Sequences::new(range.start(), range.end()) {
                let ranges = sequence.as_slice().iter().rev();
                let begin = ranges
                    .map(|range| (range.start, range.end))
                    .try_fold(next, |next, range| self.read(Symbol::bytes([range]), next))?;
                entry = Some(match entry {
                    None => begin,
                    Some(others) => self.push(Step::Split(begin, others))?,
                });
            }
        }
        match entry {
            Some(entry) => Ok(entry),
            None => self.read(Symbol::default(), next),
        }
    }

    fn repetition(&mut self, repetition: &Repetition, next: u32) -> Written {
        let sub = &repetition.sub;
        if matches!(sub.kind(), HirKind::Empty) {
            return Ok(next);
        }
        let mut least = repetition.min;
        let mut entry = next;
        match repetition.max {
            Some(max) => {
                for _ in least..max {
                    let begin = self.node(sub, entry)?;
                    entry = self.push(Step::Split(begin, next))?;
                }
            }
            None => {
                let split = self.push(Step::Split(next, next))?;
                let begin = self.node(sub, split)?;
                self.steps[split as usize] = Step::Split(begin, next);
                // `x+` begins with its x: one of the least is in the loop.
                entry = if least > 0 { begin } else { split };
                least = least.saturating_sub(1);
            }
        }
        for _ in 0..least {
            entry = self.node(sub, entry)?;
        }
        Ok(entry)
    }
}

fn assertion(look: Look) -> u32 {
    match look {
        Look::Start => joint::START,
        Look::End => joint::END,
        Look::StartLF => joint::START_LF,
        Look::EndLF => joint::END_LF,
        Look::StartCRLF => joint::START_CRLF,
        Look::EndCRLF => joint::END_CRLF,
        Look::WordAscii => joint::WORD_ASCII,
        Look::WordAsciiNegate => joint::NOT_WORD_ASCII,
        Look::WordStartAscii => joint::WORD_START_ASCII,
        Look::WordEndAscii => joint::WORD_END_ASCII,
        Look::WordStartHalfAscii => joint::WORD_START_HALF_ASCII,
        Look::WordEndHalfAscii => joint::WORD_END_HALF_ASCII,
        Look::WordUnicode => joint::WORD,
        Look::WordUnicodeNegate => joint::NOT_WORD,
        Look::WordStartUnicode => joint::WORD_START,
        Look::WordEndUnicode => joint::WORD_END,
        Look::WordStartHalfUnicode => joint::WORD_START_HALF,
        Look::WordEndHalfUnicode => joint::WORD_END_HALF,
    }
}
