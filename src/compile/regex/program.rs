//! From a parsed expression to the steps of its program.

use crate::limits;
use crate::ruleset::regexes::program::{CharClass, CharRange, Step, look_kind, op};
use crate::ruleset::regexes::{ANCHORED, RegexRecord, Regexes};
use crate::ruleset::tables::{NONE, Text};
use foldhash::HashMap;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

/// Adds programs to tables; equal classes are stored once.
#[derive(Default)]
pub struct Programs {
    classes: HashMap<(CharKey, Vec<(u32, u32)>), u32>,
}

/// The ASCII part of a class.
type CharKey = [u64; 2];

/// Steps of one expression, written from its end.
struct Writer<'a> {
    programs: &'a mut Programs,
    tables: &'a mut Regexes,
    steps: Vec<Step>,
}

type Written = Result<u32, String>;

impl Programs {
    /// Adds the program of an expression; source, flags, shortest match and automaton are the
    /// caller's.
    ///
    /// # Errors
    /// If it has more steps than [`limits::MAX_REGEX_STEPS`].
    pub fn add(&mut self, hir: &Hir, tables: &mut Regexes) -> Result<RegexRecord, String> {
        let mut writer = Writer { programs: self, tables, steps: Vec::new() };
        let end = writer.push(op::MATCH, 0, 0)?;
        let begin = writer.node(hir, end)?;
        let mut steps = writer.steps;
        // A program begins at step 0, and what is behind a step lies behind it in memory.
        let last = steps.len() as u32 - 1;
        if begin != last {
            let split = Step { op: op::SPLIT, a: begin, next: begin };
            steps.push(split);
        }
        let last = steps.len() as u32 - 1;
        steps.reverse();
        for step in &mut steps {
            step.next = last - step.next;
            if step.op == op::SPLIT {
                step.a = last - step.a;
            }
        }
        let word = if hir.properties().look_set().contains_word_unicode() {
            self.word_class(tables)?
        } else {
            NONE
        };
        let first = first_bytes(&steps, tables);
        let start = tables.steps.len() as u32;
        let len = steps.len() as u32;
        tables.steps.append(&mut steps);
        let anchored = hir.properties().look_set_prefix().contains(Look::Start);
        Ok(RegexRecord {
            source: Text { start: 0, len: 0 },
            flags: if anchored { ANCHORED } else { 0 },
            min_len: 0,
            steps: Text { start, len },
            first,
            word,
            automaton: NONE,
        })
    }

    fn word_class(&mut self, tables: &mut Regexes) -> Result<u32, String> {
        match regex_syntax::parse(r"\w").map_err(|e| e.to_string())?.kind() {
            HirKind::Class(Class::Unicode(class)) => Ok(self.class(class, tables)),
            _ => Err(r"`\w` is not a class".to_owned()),
        }
    }

    fn class(&mut self, class: &ClassUnicode, tables: &mut Regexes) -> u32 {
        let mut ascii = [0u64; 2];
        let mut ranges = Vec::new();
        for range in class.ranges() {
            let (first, last) = (range.start() as u32, range.end() as u32);
            for c in first..=last.min(0x7F) {
                ascii[(c >> 6) as usize] |= 1 << (c & 63);
            }
            if last > 0x7F {
                ranges.push((first.max(0x80), last));
            }
        }
        *self.classes.entry((ascii, ranges)).or_insert_with_key(|(ascii, ranges)| {
            let start = tables.ranges.len() as u32;
            let records = ranges.iter().map(|&(first, last)| CharRange { first, last });
            tables.ranges.extend(records);
            let ranges = Text { start, len: ranges.len() as u32 };
            tables.classes.push(CharClass { ascii: *ascii, ranges });
            tables.classes.len() as u32 - 1
        })
    }
}

impl Writer<'_> {
    fn push(&mut self, op: u8, a: u32, next: u32) -> Written {
        // One more may follow: see `Programs::add`.
        if self.steps.len() + 1 >= limits::MAX_REGEX_STEPS {
            return Err(format!(
                "the regular expression has more than {} steps: lower its repetition counts",
                limits::MAX_REGEX_STEPS
            ));
        }
        self.steps.push(Step { op, a, next });
        Ok(self.steps.len() as u32 - 1)
    }

    /// Writes what matches `hir` and goes on at `next`; returns where it begins. Recursion is
    /// bounded by the parser's nesting limit.
    fn node(&mut self, hir: &Hir, next: u32) -> Written {
        match hir.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(literal) => {
                literal.0.iter().rev().try_fold(next, |next, &byte| self.bytes(byte, byte, next))
            }
            HirKind::Class(Class::Unicode(class)) => match class.ranges() {
                [one] if one.end().is_ascii() => {
                    self.bytes(one.start() as u8, one.end() as u8, next)
                }
                _ => {
                    let class = self.programs.class(class, self.tables);
                    self.push(op::CLASS, class, next)
                }
            },
            HirKind::Class(Class::Bytes(class)) => {
                let ranges: Vec<_> = class.ranges().iter().map(|r| (r.start(), r.end())).collect();
                let Some((&(first, last), rest)) = ranges.split_first() else {
                    // Nothing is in it: a class without members never goes on.
                    let class = self.programs.class(&ClassUnicode::empty(), self.tables);
                    return self.push(op::CLASS, class, next);
                };
                let mut entry = self.bytes(first, last, next)?;
                for &(first, last) in rest {
                    let other = self.bytes(first, last, next)?;
                    entry = self.push(op::SPLIT, entry, other)?;
                }
                Ok(entry)
            }
            HirKind::Look(look) => self.push(op::LOOK, look_number(*look), next),
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
                        Some(others) => self.push(op::SPLIT, others, begin)?,
                    });
                }
                Ok(entry.unwrap_or(next))
            }
        }
    }

    fn bytes(&mut self, first: u8, last: u8, next: u32) -> Written {
        self.push(op::BYTES, u32::from(first) | u32::from(last) << 8, next)
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
                    entry = self.push(op::SPLIT, next, begin)?;
                }
            }
            None => {
                let split = self.push(op::SPLIT, next, next)?;
                let begin = self.node(sub, split)?;
                self.steps[split as usize].a = begin;
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

/// The bytes that a match can begin with; all of them if it can be empty.
fn first_bytes(steps: &[Step], tables: &Regexes) -> [u64; 4] {
    let mut first = [0u64; 4];
    let mut seen = vec![false; steps.len()];
    let mut stack = vec![0];
    while let Some(index) = stack.pop() {
        if std::mem::replace(&mut seen[index as usize], true) {
            continue;
        }
        let step = &steps[index as usize];
        match step.op {
            op::BYTES => {
                for byte in step.a & 0xFF..=step.a >> 8 {
                    first[(byte >> 6) as usize] |= 1 << (byte & 63);
                }
            }
            op::CLASS => {
                let class = &tables.classes[step.a as usize];
                first[0] |= class.ascii[0];
                first[1] |= class.ascii[1];
                if class.ranges.len > 0 {
                    (first[2], first[3]) = (u64::MAX, u64::MAX);
                }
            }
            op::SPLIT => stack.extend([step.a, step.next]),
            // Which positions it holds at is not known here.
            op::LOOK => stack.push(step.next),
            _ => return [u64::MAX; 4],
        }
    }
    first
}

fn look_number(look: Look) -> u32 {
    match look {
        Look::Start => look_kind::START,
        Look::End => look_kind::END,
        Look::StartLF => look_kind::START_LF,
        Look::EndLF => look_kind::END_LF,
        Look::StartCRLF => look_kind::START_CRLF,
        Look::EndCRLF => look_kind::END_CRLF,
        Look::WordAscii => look_kind::WORD_ASCII,
        Look::WordAsciiNegate => look_kind::NOT_WORD_ASCII,
        Look::WordStartAscii => look_kind::WORD_START_ASCII,
        Look::WordEndAscii => look_kind::WORD_END_ASCII,
        Look::WordStartHalfAscii => look_kind::WORD_START_HALF_ASCII,
        Look::WordEndHalfAscii => look_kind::WORD_END_HALF_ASCII,
        Look::WordUnicode => look_kind::WORD,
        Look::WordUnicodeNegate => look_kind::NOT_WORD,
        Look::WordStartUnicode => look_kind::WORD_START,
        Look::WordEndUnicode => look_kind::WORD_END,
        Look::WordStartHalfUnicode => look_kind::WORD_START_HALF,
        Look::WordEndHalfUnicode => look_kind::WORD_END_HALF,
    }
}
