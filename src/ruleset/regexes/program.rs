//! Programs: nondeterministic automata over characters, run in step with the text.
//!
//! All paths are followed at once, each step at most once per position, so the time is bounded by
//! steps times bytes for any text and any program. Thompson's construction as in RE2, but a
//! character of several bytes is one step, and the paths that read it wait for their position.

use super::look::{self, decode};
use super::{ANCHORED, RegexRecord, Regexes};
use crate::ruleset::codec::record;
use crate::ruleset::tables::Text;

/// Values of [`Step::op`].
pub mod op {
    /// A byte of `a & 0xFF` to `a >> 8`, then `next`.
    pub const BYTES: u8 = 0;
    /// A character of class `a`, then `next`.
    pub const CLASS: u8 = 1;
    /// `next` and also `a`.
    pub const SPLIT: u8 = 2;
    /// `next` where assertion `a` holds, see [`super::look_kind`].
    pub const LOOK: u8 = 3;
    /// The expression matches.
    pub const MATCH: u8 = 4;
}

/// Assertions: values of [`Step::a`].
pub mod look_kind {
    /// Start of the text.
    pub const START: u32 = 0;
    /// End of the text.
    pub const END: u32 = 1;
    /// Start of a line that ended with `\n`.
    pub const START_LF: u32 = 2;
    /// End of a line that ends with `\n`.
    pub const END_LF: u32 = 3;
    /// Start of a line that ended with `\r`, `\n` or both.
    pub const START_CRLF: u32 = 4;
    /// End of a line that ends with `\r`, `\n` or both.
    pub const END_CRLF: u32 = 5;
    /// `\b`, ASCII.
    pub const WORD_ASCII: u32 = 6;
    /// `\B`, ASCII.
    pub const NOT_WORD_ASCII: u32 = 7;
    /// `\b{start}`, ASCII.
    pub const WORD_START_ASCII: u32 = 8;
    /// `\b{end}`, ASCII.
    pub const WORD_END_ASCII: u32 = 9;
    /// `\b{start-half}`, ASCII.
    pub const WORD_START_HALF_ASCII: u32 = 10;
    /// `\b{end-half}`, ASCII.
    pub const WORD_END_HALF_ASCII: u32 = 11;
    /// `\b`
    pub const WORD: u32 = 12;
    /// `\B`
    pub const NOT_WORD: u32 = 13;
    /// `\b{start}`
    pub const WORD_START: u32 = 14;
    /// `\b{end}`
    pub const WORD_END: u32 = 15;
    /// `\b{start-half}`
    pub const WORD_START_HALF: u32 = 16;
    /// `\b{end-half}`
    pub const WORD_END_HALF: u32 = 17;
    /// Number of assertions.
    pub const COUNT: u32 = 18;

    /// Whether an assertion needs the class `\w`.
    pub fn is_unicode_word(kind: u32) -> bool {
        (WORD..=WORD_END_HALF).contains(&kind)
    }
}

record! {
    /// A step of a program.
    pub struct Step {
        /// See [`op`].
        pub op: u8,
        /// Operand.
        pub a: u32,
        /// The step behind it.
        pub next: u32,
    }
}

record! {
    /// A set of characters.
    pub struct CharClass {
        /// One bit for each ASCII character.
        pub ascii: [u64; 2],
        /// The others: ascending ranges in `ranges`.
        pub ranges: Text,
    }
}

record! {
    /// A range of characters.
    pub struct CharRange {
        /// First scalar.
        pub first: u32,
        /// Last scalar.
        pub last: u32,
    }
}

/// Steps that wait for one position of the text.
#[derive(Default)]
struct Waiting {
    /// Steps that read something.
    list: Vec<u32>,
    /// The stamp under which a step was last added.
    seen: Vec<u32>,
    stamp: u32,
}

impl Waiting {
    fn clear(&mut self) {
        self.list.clear();
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.seen.fill(0);
            self.stamp = 1;
        }
    }
}

/// Positions that steps can wait for: this one and the four that a character can lead to.
const POSITIONS: usize = 5;

/// Memory for one search at a time; kept by the scratch.
#[derive(Default)]
pub struct RegexCache {
    waiting: [Waiting; POSITIONS],
    stack: Vec<u32>,
}

impl RegexCache {
    /// Makes room for programs of so many steps.
    pub fn grow(&mut self, steps: usize) {
        for waiting in &mut self.waiting {
            waiting.list.reserve(steps.saturating_sub(waiting.list.len()));
            if waiting.seen.len() < steps {
                // Every search begins with the next stamp, so this one marks nothing.
                waiting.seen.resize(steps, waiting.stamp);
            }
        }
        // Each step is put on it at most twice: a split is entered once and has two targets.
        self.stack.reserve((2 * steps + 1).saturating_sub(self.stack.len()));
    }
}

/// A program and what it refers to.
pub struct Program<'a> {
    tables: &'a Regexes,
    regex: &'a RegexRecord,
    steps: &'a [Step],
}

impl<'a> Program<'a> {
    /// The program of an expression.
    pub fn new(tables: &'a Regexes, regex: &'a RegexRecord) -> Program<'a> {
        let steps = &tables.steps[regex.steps.start as usize..][..regex.steps.len as usize];
        Program { tables, regex, steps }
    }

    /// Whether it matches anywhere in `text`.
    pub fn is_match(&self, text: &[u8], cache: &mut RegexCache) -> bool {
        cache.grow(self.steps.len());
        let RegexCache { waiting, stack } = cache;
        waiting.iter_mut().for_each(Waiting::clear);
        let anchored = self.regex.flags & ANCHORED != 0;
        // Steps that wait for this position or one beyond it.
        let mut ahead = 0;
        let mut now = 0;
        let mut at = 0;
        loop {
            let begins =
                |byte: u8| self.regex.first[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
            if ahead == 0 {
                if anchored && at > 0 {
                    return false;
                }
                // Nothing waits: go to where a match can begin.
                let rest = &text[at..];
                at += rest.iter().position(|&byte| begins(byte)).unwrap_or(rest.len());
            }
            ahead -= waiting[now].list.len();
            let byte = text.get(at).copied();
            let may_begin = (!anchored || at == 0) && byte.is_none_or(begins);
            if may_begin && self.follow(0, text, at, &mut waiting[now], stack) {
                return true;
            }
            let Some(byte) = byte else { return false };
            let mut list = std::mem::take(&mut waiting[now].list);
            let mut character = None;
            for &step in &list {
                let step = &self.steps[step as usize];
                let len = match step.op {
                    op::BYTES => {
                        let (first, last) = (step.a as u8, (step.a >> 8) as u8);
                        usize::from(first <= byte && byte <= last)
                    }
                    _ if byte < 0x80 => {
                        let class = &self.tables.classes[step.a as usize];
                        (class.ascii[usize::from(byte >> 6)] >> (byte & 63) & 1) as usize
                    }
                    _ => match character.get_or_insert_with(|| decode(&text[at..])) {
                        Some((c, len)) if self.tables.has(step.a, *c) => *len,
                        _ => 0,
                    },
                };
                if len > 0 {
                    let then = (now + len) % POSITIONS;
                    let before = waiting[then].list.len();
                    if self.follow(step.next, text, at + len, &mut waiting[then], stack) {
                        waiting[now].list = list;
                        return true;
                    }
                    ahead += waiting[then].list.len() - before;
                }
            }
            list.clear();
            waiting[now].list = list;
            waiting[now].clear();
            now = (now + 1) % POSITIONS;
            at += 1;
        }
    }

    /// Adds a step and all that follow from it without reading; true if the program matches.
    #[inline]
    fn follow(
        &self,
        step: u32,
        text: &[u8],
        at: usize,
        to: &mut Waiting,
        stack: &mut Vec<u32>,
    ) -> bool {
        stack.clear();
        stack.push(step);
        while let Some(index) = stack.pop() {
            let seen = &mut to.seen[index as usize];
            if *seen == to.stamp {
                continue;
            }
            *seen = to.stamp;
            let step = &self.steps[index as usize];
            match step.op {
                op::BYTES | op::CLASS => to.list.push(index),
                op::SPLIT => {
                    stack.push(step.a);
                    stack.push(step.next);
                }
                op::LOOK => {
                    if look::holds(step.a, text, at, &|c| self.tables.has(self.regex.word, c)) {
                        stack.push(step.next);
                    }
                }
                _ => return true,
            }
        }
        false
    }
}

impl Regexes {
    /// Whether a class has a character.
    fn has(&self, class: u32, c: char) -> bool {
        let Some(class) = self.classes.get(class as usize) else { return false };
        let c = c as u32;
        if c < 0x80 {
            return class.ascii[(c >> 6) as usize] >> (c & 63) & 1 == 1;
        }
        let ranges = &self.ranges[class.ranges.start as usize..][..class.ranges.len as usize];
        let after = ranges.partition_point(|range| range.first <= c);
        after > 0 && c <= ranges[after - 1].last
    }
}
