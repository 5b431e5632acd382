//! Programs are run in step with the text.
//!
//! One position of the text costs a few operations for every 64 states, as most lead to the one behind
//! them, which is a shift. So `[^/]{100,}` has a hundred states and takes two words at each character,
//! whatever the text is.
//!
//! A character of several bytes is read at once: what an expression of characters reads never begins
//! inside one. Programs of bytes are for the others, and read a byte at a time.

use super::look::{self, decode};
use super::program::{Exit, Joint, Moves, Part, Program, Programs, joint, slice};
use crate::ruleset::tables::Text;

/// Memory for one search at a time; kept by the scratch.
#[derive(Default)]
pub struct RegexCache {
    /// The states at a position of the text, those behind what is read there, and those that read it.
    sets: [Vec<u64>; 3],
    /// Joints that were reached and not asked yet.
    reached: Vec<u32>,
}

impl RegexCache {
    /// Makes room for a program.
    fn grow(&mut self, words: usize, joints: usize) {
        for set in &mut self.sets {
            if set.len() < words {
                set.resize(words, 0);
            }
        }
        // Each joint is reached once at a position. In a damaged file the last word may have more.
        self.reached.reserve((joints + 64).saturating_sub(self.reached.len()));
    }
}

/// A program about to run.
pub struct Execution<'a> {
    tables: &'a Programs,
    program: &'a Program,
    moves: &'a [Moves],
    joints: &'a [Joint],
    exits: &'a [Exit],
    parts: &'a [Part],
    columns: &'a [u8],
    rows: &'a [u64],
}

impl<'a> Execution<'a> {
    /// A program of a rule set.
    pub fn new(tables: &'a Programs, index: usize) -> Execution<'a> {
        let program = &tables.list[index];
        Execution {
            tables,
            program,
            moves: slice(&tables.moves, program.moves),
            joints: slice(&tables.joints, program.joints),
            exits: slice(&tables.exits, program.exits),
            parts: slice(&tables.parts, program.parts),
            columns: &tables.columns[256 * index..][..256],
            rows: slice(&tables.rows, program.rows),
        }
    }

    /// Grows a cache to what the program needs.
    pub fn warm(&self, cache: &mut RegexCache) {
        cache.grow(self.moves.len(), self.joints.len());
    }

    /// Whether it matches anywhere in `text`.
    pub fn is_match(&self, text: &[u8], cache: &mut RegexCache) -> bool {
        self.warm(cache);
        // PERF: most programs have one or two words, for which the loops over words vanish.
        match self.moves.len() {
            1 => self.run(1, text, cache),
            2 => self.run(2, text, cache),
            words => self.run(words, text, cache),
        }
    }

    #[inline(always)]
    fn run(&self, words: usize, text: &[u8], cache: &mut RegexCache) -> bool {
        let RegexCache { sets: [now, next, row], reached } = cache;
        let (mut now, mut next, row) = (&mut now[..words], &mut next[..words], &mut row[..words]);
        now.fill(0);
        let begin = slice(self.parts, self.program.begin);
        let anchored = self.program.anchored != 0;
        let begins = |byte: u8| self.program.first[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
        let inside = Joints::new(self.program, self.joints.len() - self.program.ends as usize);
        let mut live = false;
        let mut at = 0;
        loop {
            if !live {
                if anchored && at > 0 {
                    return false;
                }
                // Nothing is open: go to where a match can begin.
                let rest = &text[at..];
                at += rest.iter().position(|&byte| begins(byte)).unwrap_or(rest.len());
            }
            let Some(&byte) = text.get(at) else { break };
            if begins(byte) && (!anchored || at == 0) {
                begin.iter().for_each(|part| now[part.word as usize] |= part.states);
            }
            if inside.meet(now) && self.ask(now, text, at, reached) {
                return true;
            }
            let mut len = 1;
            let reads = if byte < 0x80 || self.program.bytes != 0 {
                &self.rows[usize::from(self.columns[usize::from(byte)]) * words..][..words]
            } else {
                match decode(&text[at..]) {
                    Some((character, bytes)) => {
                        len = bytes;
                        self.find_readers(character, row);
                    }
                    None => row.fill(0),
                }
                &*row
            };
            live = self.advance(words, now, reads, next);
            std::mem::swap(&mut now, &mut next);
            at += len;
        }
        if !anchored || at == 0 {
            begin.iter().for_each(|part| now[part.word as usize] |= part.states);
        }
        self.ask(now, text, at, reached)
    }

    /// Writes to `next` where the states lead that read; whether there are any.
    #[inline(always)]
    fn advance(&self, words: usize, states: &[u64], reads: &[u64], next: &mut [u64]) -> bool {
        let (states, reads, next) = (&states[..words], &reads[..words], &mut next[..words]);
        let moves = &self.moves[..words];
        let (mut any, mut leaving, mut carry) = (0, 0, 0);
        for word in 0..words {
            let read = states[word] & reads[word];
            let chained = read & moves[word].chain;
            next[word] = chained << 1 | carry | read & moves[word].stay;
            carry = chained >> 63;
            any |= read;
            leaving |= read & moves[word].leave;
        }
        if leaving != 0 {
            for word in 0..words {
                let leaving = states[word] & reads[word] & moves[word].leave;
                if leaving != 0 {
                    self.leave(leaving, moves[word].exits, next);
                }
            }
        }
        any != 0
    }

    fn leave(&self, leaving: u64, exits: Text, next: &mut [u64]) {
        for exit in slice(self.exits, exits) {
            if leaving & exit.states != 0 {
                for part in slice(self.parts, exit.to) {
                    next[part.word as usize] |= part.states;
                }
            }
        }
    }

    /// The states that read a character beyond ASCII.
    fn find_readers(&self, character: char, reads: &mut [u64]) {
        reads.fill(0);
        for class in slice(&self.tables.classes_read, self.program.classes) {
            if self.tables.has(class.class, character) {
                for part in slice(self.parts, class.states) {
                    reads[part.word as usize] |= part.states;
                }
            }
        }
    }

    /// Adds to `states` what follows from its joints at a position; true if the program matches.
    fn ask(&self, states: &mut [u64], text: &[u8], at: usize, reached: &mut Vec<u32>) -> bool {
        reached.clear();
        let all = Joints::new(self.program, self.joints.len());
        for (word, &set) in states.iter().enumerate().skip(all.first) {
            all.reach(word, set, reached);
        }
        let is_word = |c| self.tables.has(self.program.word, c);
        while let Some(state) = reached.pop() {
            let Some(joint) = self.joints.get((state - self.program.readers) as usize) else {
                continue;
            };
            match joint.kind {
                joint::MATCH => return true,
                joint::BRANCH => {}
                assertion if look::holds(assertion, text, at, &is_word) => {}
                _ => continue,
            }
            for part in slice(self.parts, joint.to) {
                let word = part.word as usize;
                let new = part.states & !states[word];
                states[word] |= new;
                all.reach(word, new, reached);
            }
        }
        false
    }
}

/// Where joints are in a set of states: in all words from the first to the last one.
struct Joints {
    first: usize,
    last: usize,
    first_mask: u64,
    last_mask: u64,
}

impl Joints {
    /// The first joints of a program.
    fn new(program: &Program, count: usize) -> Joints {
        let begin = program.readers as usize;
        let end = begin + count;
        let (first, last) = (begin / 64, end / 64);
        let (mut first_mask, last_mask) = (u64::MAX << (begin % 64), !(u64::MAX << (end % 64)));
        if first == last {
            first_mask &= last_mask;
        }
        Joints { first, last, first_mask, last_mask }
    }

    /// Whether a set has one.
    #[inline]
    fn meet(&self, states: &[u64]) -> bool {
        let has = |word: usize, mask: u64| states.get(word).is_some_and(|set| set & mask != 0);
        has(self.first, self.first_mask)
            || self.first < self.last
                && (has(self.last, self.last_mask)
                    || (self.first + 1..self.last).any(|word| has(word, u64::MAX)))
    }

    /// Notes those in a word.
    fn reach(&self, word: usize, mut states: u64, reached: &mut Vec<u32>) {
        if word < self.first {
            return;
        }
        if word == self.first {
            states &= self.first_mask;
        }
        while states != 0 {
            reached.push(word as u32 * 64 + states.trailing_zeros());
            states &= states - 1;
        }
    }
}
