//! Deterministic automata: one look-up per byte.
//!
//! A state is the index of its row in `transitions`. The first three rows stand for decisions, so
//! that one comparison finds all of them. The last column is the end of the text.

use crate::ruleset::codec::record;
use crate::ruleset::tables::Text;

record! {
    /// An automaton.
    pub struct Automaton {
        /// First of its 256 columns in `columns`.
        pub columns: u32,
        /// Its rows in `transitions`.
        pub transitions: Text,
        /// Length of a row.
        pub stride: u32,
        /// Where it begins.
        pub start: u32,
        /// 1 if it decides ASCII text only.
        pub ascii_only: u8,
    }
}

/// Rows that are decisions: a match is impossible, unknown beyond ASCII, certain.
pub mod row {
    /// No text that begins like this matches.
    pub const DEAD: usize = 0;
    /// A byte that the automaton does not know: the program decides.
    pub const QUIT: usize = 1;
    /// Every text that begins like this matches.
    pub const MATCH: usize = 2;
    /// Number of these rows.
    pub const COUNT: usize = 3;
}

/// What an automaton says about a text.
pub enum Decision {
    /// It matches.
    Match,
    /// It does not.
    NoMatch,
    /// Ask the program.
    Unknown,
}

impl Automaton {
    /// Whether the expression matches somewhere in `text`.
    #[inline]
    pub fn decide(&self, text: &[u8], columns: &[u8], transitions: &[u16]) -> Decision {
        let Some(columns) = columns[self.columns as usize..].first_chunk::<256>() else {
            return Decision::Unknown;
        };
        let rows = &transitions[self.transitions.start as usize..][..self.transitions.len as usize];
        let stride = self.stride as usize;
        let decided = row::MATCH * stride;
        let mut state = self.start as usize;
        if state > decided {
            for &byte in text {
                state = usize::from(rows[state + usize::from(columns[usize::from(byte)])]);
                if state <= decided {
                    break;
                }
            }
        }
        if state > decided {
            state = usize::from(rows[state + stride - 1]);
        }
        if state == decided {
            Decision::Match
        } else if state == row::QUIT * stride {
            Decision::Unknown
        } else {
            Decision::NoMatch
        }
    }

    /// Checks what [`Automaton::decide`] relies on: no state leads out of its own rows.
    pub(super) fn verify(&self, columns: &[u8], rows: &[u16]) -> Result<(), &'static str> {
        let stride = self.stride as usize;
        if stride == 0 || stride > 257 || rows.len() < row::COUNT * stride || rows.len() > 1 << 16 {
            return Err("an automaton has no sensible size");
        }
        let last = rows.len() - stride;
        if self.start as usize > last || rows.iter().any(|&state| usize::from(state) > last) {
            return Err("a state does not exist");
        }
        if columns.iter().any(|&column| usize::from(column) >= stride) {
            return Err("a column does not exist");
        }
        Ok(())
    }
}
