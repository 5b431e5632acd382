//! Programs: nondeterministic automata over characters, as tables.
//!
//! What a program may be in is a set of states, a bit each. States that read something come first.
//! Behind them are joints, which read nothing and are asked about a position: assertions, the match,
//! and branches where writing out what they lead to would need too much room.

use super::{ensure, next_part};
use crate::limits;
use crate::ruleset::codec::record;
use crate::ruleset::tables::{NONE, Text};

/// What joints ask: values of [`Joint::kind`].
pub mod joint {
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
    /// Nothing: what is behind it follows everywhere.
    pub const BRANCH: u32 = 18;
    /// Nothing: the expression matches.
    pub const MATCH: u32 = 19;
    /// Number of kinds.
    pub const COUNT: u32 = 20;

    /// Whether an assertion needs the class `\w`.
    pub fn is_unicode_word(kind: u32) -> bool {
        (WORD..=WORD_END_HALF).contains(&kind)
    }
}

/// Parts that everything in a program may lead to, for each word of a set: what one position of a
/// text may cost beyond the words themselves. Eight for each state.
pub const MAX_TARGETS: usize = 8 * 64;

record! {
    /// A program. Its tables lie behind those of the program before; what they refer to is counted
    /// from the beginning of its own.
    pub struct Program {
        /// Bit `b` is set if a match can begin with byte `b`, or be empty.
        pub first: [u64; 4],
        /// 1 if a match can begin at the start of the text only.
        pub anchored: u8,
        /// 1 if states read bytes, not characters.
        pub bytes: u8,
        /// The class `\w`, if it looks for Unicode word boundaries.
        pub word: u32,
        /// States that read something. The joints are the states behind them.
        pub readers: u32,
        /// How many joints at the end ask for the end of the text, and are left out elsewhere.
        pub ends: u32,
        /// Its joints, in `joints`.
        pub joints: Text,
        /// Where states lead, one for each word of a set, in `moves`.
        pub moves: Text,
        /// Its exits, in `exits`.
        pub exits: Text,
        /// Its classes beyond ASCII, in `classes_read`.
        pub classes: Text,
        /// Its parts, in `parts`.
        pub parts: Text,
        /// The states that a match begins with, among its parts.
        pub begin: Text,
        /// Sets of the states that read a byte, one for each column, in `rows`.
        pub rows: Text,
    }
}

record! {
    /// Where the 64 states of a word lead once they have read.
    pub struct Moves {
        /// States that lead to the one behind them.
        pub chain: u64,
        /// States that lead to themselves.
        pub stay: u64,
        /// States that also have an exit.
        pub leave: u64,
        /// The word's exits, among those of the program.
        pub exits: Text,
    }
}

record! {
    /// Where some states of a word lead.
    pub struct Exit {
        /// The states.
        pub states: u64,
        /// What they lead to, among the program's parts.
        pub to: Text,
    }
}

record! {
    /// A state that reads nothing.
    pub struct Joint {
        /// See [`joint`].
        pub kind: u32,
        /// What it leads to where it holds, among the program's parts.
        pub to: Text,
    }
}

record! {
    /// The states that read the characters of a class.
    pub struct ClassRead {
        /// The class.
        pub class: u32,
        /// The states, among the program's parts.
        pub states: Text,
    }
}

record! {
    /// One word of a set of states of which most are empty.
    pub struct Part {
        /// Which word.
        pub word: u32,
        /// Its states.
        pub states: u64,
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

/// The tables of all programs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Programs {
    /// The programs.
    pub list: Vec<Program>,
    /// See [`Program::joints`].
    pub joints: Vec<Joint>,
    /// See [`Program::moves`].
    pub moves: Vec<Moves>,
    /// See [`Program::exits`].
    pub exits: Vec<Exit>,
    /// See [`Program::classes`].
    pub classes_read: Vec<ClassRead>,
    /// See [`Program::parts`].
    pub parts: Vec<Part>,
    /// See [`Program::rows`].
    pub rows: Vec<u64>,
    /// For each program 256 columns, one for each byte.
    pub columns: Vec<u8>,
    /// Classes of characters, which programs share.
    pub classes: Vec<CharClass>,
    /// Ranges of classes.
    pub ranges: Vec<CharRange>,
}

/// Elements of a pool.
pub(super) fn slice<T>(pool: &[T], part: Text) -> &[T] {
    &pool[part.start as usize..][..part.len as usize]
}

impl Programs {
    /// Whether a class has a character.
    pub(super) fn has(&self, class: u32, c: char) -> bool {
        let Some(class) = self.classes.get(class as usize) else { return false };
        let c = c as u32;
        if c < 0x80 {
            return class.ascii[(c >> 6) as usize] >> (c & 63) & 1 == 1;
        }
        let ranges = slice(&self.ranges, class.ranges);
        let after = ranges.partition_point(|range| range.first <= c);
        after > 0 && c <= ranges[after - 1].last
    }

    /// Bytes of a program in the file, without shared classes.
    pub fn size(&self, index: usize) -> usize {
        let Some(program) = self.list.get(index) else { return 0 };
        256 + size_of::<Program>()
            + program.joints.len as usize * size_of::<Joint>()
            + program.moves.len as usize * size_of::<Moves>()
            + program.exits.len as usize * size_of::<Exit>()
            + program.classes.len as usize * size_of::<ClassRead>()
            + program.parts.len as usize * size_of::<Part>()
            + program.rows.len as usize * size_of::<u64>()
    }

    /// Checks what execution relies on, and that no position of a text costs more than the states
    /// of a program allow.
    pub(super) fn verify(&self) -> Result<(), &'static str> {
        for class in &self.classes {
            let ranges_end = u64::from(class.ranges.start) + u64::from(class.ranges.len);
            ensure(ranges_end <= self.ranges.len() as u64, "the ranges of a class do not exist")?;
        }
        ensure(self.columns.len() == 256 * self.list.len(), "not 256 columns per program")?;
        let mut ends = [0; 6];
        for (program, columns) in self.list.iter().zip(self.columns.chunks_exact(256)) {
            self.verify_program(program, columns, &mut ends)?;
        }
        Ok(())
    }

    /// `ends` are those of the program before.
    fn verify_program(
        &self,
        program: &Program,
        columns: &[u8],
        ends: &mut [u32; 6],
    ) -> Result<(), &'static str> {
        let [joints_end, moves_end, exits_end, classes_end, parts_end, rows_end] = ends;
        let joints = next_part(program.joints, joints_end, &self.joints)?;
        let moves = next_part(program.moves, moves_end, &self.moves)?;
        let exits = next_part(program.exits, exits_end, &self.exits)?;
        let classes = next_part(program.classes, classes_end, &self.classes_read)?;
        let parts = next_part(program.parts, parts_end, &self.parts)?;
        let rows = next_part(program.rows, rows_end, &self.rows)?;
        let words = moves.len();
        let states = u64::from(program.readers) + u64::from(program.joints.len);
        ensure(
            states <= limits::MAX_REGEX_STEPS as u64
                && program.joints.len > 0
                && program.ends <= program.joints.len,
            "a program has no sensible size",
        )?;
        ensure(words as u64 == states.div_ceil(64), "not a bit for each state")?;
        let has_column = |&column: &u8| (usize::from(column) + 1) * words <= rows.len();
        ensure(columns.iter().all(has_column), "a column does not exist")?;
        ensure(parts.iter().all(|part| (part.word as usize) < words), "a state does not exist")?;
        ensure(self.has_class(program.word), "a class does not exist")?;
        let mut targets = 0;
        let mut leads = |to: Text| {
            targets += to.len as usize;
            u64::from(to.start) + u64::from(to.len) <= u64::from(program.parts.len)
        };
        ensure(leads(program.begin), "a beginning does not exist")?;
        let mut end = 0;
        for word in moves {
            ensure(word.exits.len <= 64, "a word has more exits than states")?;
            next_part(word.exits, &mut end, exits)?;
        }
        ensure(exits.iter().all(|exit| leads(exit.to)), "the end of an exit does not exist")?;
        for joint in joints {
            ensure(joint.kind < joint::COUNT && leads(joint.to), "a joint is not valid")?;
            ensure(
                program.word != NONE || !joint::is_unicode_word(joint.kind),
                "a joint needs a class",
            )?;
        }
        ensure(classes.len() as u64 <= states, "more classes than states")?;
        for class in classes {
            ensure(class.class != NONE && self.has_class(class.class), "a class does not exist")?;
            ensure(leads(class.states), "the states of a class do not exist")?;
        }
        ensure(targets <= MAX_TARGETS * words, "states lead to too many others")
    }

    fn has_class(&self, class: u32) -> bool {
        class == NONE || (class as usize) < self.classes.len()
    }
}
