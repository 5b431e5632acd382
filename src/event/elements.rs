//! The elements of a container that a source asked for.

use super::{json, msgpack};
use std::ops::Range;

/// Iterates over the elements of an array as ranges of its bytes, which a walker has passed.
/// A container that is no array is its own only element. Damaged bytes end the iteration.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    data: &'a [u8],
    at: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Json,
    Msgpack { remaining: u32 },
    Single,
    Done,
}

impl<'a> Elements<'a> {
    /// The elements of a JSON container; `data` begins at its bracket.
    pub fn json(data: &'a [u8]) -> Elements<'a> {
        if data.first() != Some(&b'[') {
            return Elements { data, at: 0, state: State::Single };
        }
        let at = json::skip_space(data, 1);
        let state = if data.get(at) == Some(&b']') { State::Done } else { State::Json };
        Elements { data, at, state }
    }

    /// The elements of a msgpack container; `data` begins at its header.
    pub fn msgpack(data: &'a [u8]) -> Elements<'a> {
        match msgpack::token(data, 0) {
            Ok((msgpack::Token::Array(remaining), at)) => {
                Elements { data, at, state: State::Msgpack { remaining } }
            }
            _ => Elements { data, at: 0, state: State::Single },
        }
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done | State::Msgpack { remaining: 0 } => None,
            State::Single => (!self.data.is_empty()).then_some(0..self.data.len()),
            State::Msgpack { remaining } => {
                self.at = msgpack::skip(self.data, start).ok()?;
                self.state = State::Msgpack { remaining: remaining - 1 };
                Some(start..self.at)
            }
            State::Json => {
                let end = json::skip_value(self.data, start).ok()?;
                let comma = json::skip_space(self.data, end);
                if self.data.get(comma) == Some(&b',') {
                    self.at = json::skip_space(self.data, comma + 1);
                    self.state = State::Json;
                }
                Some(start..end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Vec<&str> {
        Elements::json(text.as_bytes()).map(|range| &text[range]).collect()
    }

    #[test]
    fn json_elements() {
        assert_eq!(json("[]"), [""; 0]);
        assert_eq!(json("[ ]"), [""; 0]);
        assert_eq!(json("[ {\"a\":[1,2]} , 5,\"]\\\"\" ]"), ["{\"a\":[1,2]}", "5", "\"]\\\"\""]);
        assert_eq!(json("{\"a\":1}"), ["{\"a\":1}"]);
        assert_eq!(json("[1,2"), ["1", "2"]);
        assert_eq!(json("[1,"), ["1"]);
        assert_eq!(json(""), [""; 0]);
    }

    #[test]
    fn msgpack_elements() {
        let data = b"\x93\x81\xa1a\x91\x01\x05\xa1x";
        let found: Vec<_> = Elements::msgpack(data).collect();
        assert_eq!(found, [1..6, 6..7, 7..9]);
        assert!(Elements::msgpack(b"\x80").eq(std::iter::once(0..1)));
        assert_eq!(Elements::msgpack(b"\x90").count(), 0);
        assert!(Elements::msgpack(b"\x92\x01\xc1").eq(std::iter::once(1..2)));
    }
}
