//! Assertions: what `^`, `$`, `\b` and their relatives ask about a position.

use super::program::joint as kind;

/// The character at the start of `text` and its length in bytes; `None` if it is not valid UTF-8.
#[inline]
pub fn decode(text: &[u8]) -> Option<(char, usize)> {
    let len = match text.first()? {
        0..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(..len)?).ok()?.chars().next()?;
    Some((character, len))
}

/// The character at the end of `text`; `None` if none begins in its last four bytes. Stray
/// continuation bytes behind a character do not count, as in the `regex` crate: `\b` must mean the
/// same on invalid UTF-8.
fn decode_last(text: &[u8]) -> Option<char> {
    let end = text.len();
    let begin = (end.saturating_sub(4)..end).rev().find(|&at| text[at] & 0xC0 != 0x80)?;
    decode(&text[begin..]).map(|(c, _)| c)
}

fn is_word_byte(byte: Option<&u8>) -> bool {
    byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What is on one side of a position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A word character.
    Word,
    /// Another character, or the end of the text.
    Other,
    /// No character: invalid UTF-8, or the inside of a character.
    Invalid,
}

/// Whether an assertion holds between `text[..at]` and `text[at..]`. `is_word` is the class `\w`.
pub fn holds(look: u32, text: &[u8], at: usize, is_word: &dyn Fn(char) -> bool) -> bool {
    let (before, after) = (&text[..at], &text[at..]);
    let word = |c: char| if is_word(c) { Side::Word } else { Side::Other };
    let ascii = (is_word_byte(before.last()), is_word_byte(after.first()));
    let unicode = || {
        let left = if before.is_empty() {
            Side::Other
        } else {
            decode_last(before).map_or(Side::Invalid, word)
        };
        let right = if after.is_empty() {
            Side::Other
        } else {
            decode(after).map_or(Side::Invalid, |(c, _)| word(c))
        };
        (left, right)
    };
    match look {
        kind::START => at == 0,
        kind::END => after.is_empty(),
        kind::START_LF => before.last().is_none_or(|&b| b == b'\n'),
        kind::END_LF => after.first().is_none_or(|&b| b == b'\n'),
        kind::START_CRLF => match before.last() {
            None | Some(b'\n') => true,
            Some(b'\r') => after.first() != Some(&b'\n'),
            Some(_) => false,
        },
        kind::END_CRLF => match after.first() {
            None | Some(b'\r') => true,
            Some(b'\n') => before.last() != Some(&b'\r'),
            Some(_) => false,
        },
        kind::WORD_ASCII => ascii.0 != ascii.1,
        kind::NOT_WORD_ASCII => ascii.0 == ascii.1,
        kind::WORD_START_ASCII => !ascii.0 && ascii.1,
        kind::WORD_END_ASCII => ascii.0 && !ascii.1,
        kind::WORD_START_HALF_ASCII => !ascii.0,
        kind::WORD_END_HALF_ASCII => !ascii.1,
        // Invalid UTF-8 is not a word character; the negated forms do not hold next to it, so
        // that they never split a character.
        kind::WORD => {
            let (left, right) = unicode();
            (left == Side::Word) != (right == Side::Word)
        }
        kind::NOT_WORD => {
            let (left, right) = unicode();
            left != Side::Invalid && left == right
        }
        kind::WORD_START => {
            let (left, right) = unicode();
            left != Side::Word && right == Side::Word
        }
        kind::WORD_END => {
            let (left, right) = unicode();
            left == Side::Word && right != Side::Word
        }
        kind::WORD_START_HALF => unicode().0 == Side::Other,
        kind::WORD_END_HALF => unicode().1 == Side::Other,
        _ => false,
    }
}
