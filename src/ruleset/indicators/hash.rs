//! The hash of the table of indicators. It is part of the file format.
//!
//! Texts are hashed from their end to their beginning: a name's parents are its ends, so that one
//! pass over `a.b.example` gives the hashes of `example`, `b.example` and the whole.

use crate::event::keys::folded_product;

/// How many slots are looked at for a value.
pub const PROBES: usize = 64;

/// A hash that is being made, of the bytes from some place to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(u64);

impl State {
    /// Of no bytes.
    pub const EMPTY: State = State(0x243f_6a88_85a3_08d3);

    /// Takes the byte before those that were taken, a letter of ASCII in lower case.
    #[inline(always)]
    pub fn push(&mut self, byte: u8) {
        let mixed = (self.0 ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed.rotate_left(29);
    }

    /// Of bytes as they are.
    pub fn of(bytes: &[u8]) -> State {
        let mut state = State::EMPTY;
        bytes.iter().rev().for_each(|byte| state.push(*byte));
        state
    }

    /// Of bytes, letters of ASCII in lower case.
    pub fn of_lower(bytes: &[u8]) -> State {
        let mut state = State::EMPTY;
        bytes.iter().rev().for_each(|byte| state.push(byte.to_ascii_lowercase()));
        state
    }

    /// The hash of a value of a kind.
    #[inline(always)]
    pub fn finish(self, kind: u8) -> u64 {
        let seed = u64::from(kind).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ 0x2d35_8dcc_aa6c_78a5;
        folded_product(self.0 ^ seed, 0x8bb8_4b93_962e_acc9)
    }
}
