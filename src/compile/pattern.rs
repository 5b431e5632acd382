//! Sigma strings: escapes and wildcards, and the modifiers that change a text.

use crate::event::fold::fold;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};
use std::sync::LazyLock;

/// A piece of a pattern. A pattern covers the whole value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// These bytes.
    Literal(Vec<u8>),
    /// Any number of characters.
    Any,
    /// One character.
    One,
    /// One of `- / – — ―`.
    Dash,
}

/// A pattern: literals are never empty and never adjacent, `Any` never repeats.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// What stands for a dash under `windash`.
pub const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// Whether a character is part of a word in the sense of Python's `\\w`, which pySigma's dash rule
/// is written in: a letter, a number or `_`, but no combining mark.
fn is_word(c: char) -> bool {
    static WORD: LazyLock<ClassUnicode> =
        LazyLock::new(|| match regex_syntax::parse(r"[\p{L}\p{N}_]").map(Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => class,
            _ => ClassUnicode::empty(),
        });
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let after = WORD.ranges().partition_point(|range| range.start() <= c);
    after > 0 && c <= WORD.ranges()[after - 1].end()
}

/// The UTF-16 encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    /// `wide`, `utf16le`
    Little,
    /// `utf16be`
    Big,
    /// `utf16`: a byte order mark, then little-endian.
    Marked,
}

impl Pattern {
    /// Reads a Sigma string: `\` before `*`, `?` or `\` makes that character plain, any other
    /// backslash is itself, `*` and `?` are wildcards.
    pub fn parse(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        let mut literal = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let wildcard = match byte {
                b'*' => Piece::Any,
                b'?' => Piece::One,
                b'\\' => {
                    let escaped = bytes.next_if(|next| matches!(next, b'*' | b'?' | b'\\'));
                    literal.push(escaped.unwrap_or(b'\\'));
                    continue;
                }
                byte => {
                    literal.push(byte);
                    continue;
                }
            };
            pattern.push(Piece::Literal(std::mem::take(&mut literal)));
            pattern.push(wildcard);
        }
        pattern.push(Piece::Literal(literal));
        pattern
    }

    /// A pattern that is exactly this text.
    pub fn literal(text: &[u8]) -> Pattern {
        let mut pattern = Pattern::default();
        pattern.push(Piece::Literal(text.to_vec()));
        pattern
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn push_char(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.push(Piece::Literal(c.encode_utf8(&mut buffer).as_bytes().to_vec()));
    }

    fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (Some(Piece::Any), Piece::Any) => {}
            (_, Piece::Literal(bytes)) if bytes.is_empty() => {}
            (Some(Piece::Literal(last)), Piece::Literal(bytes)) => last.extend_from_slice(&bytes),
            (_, piece) => self.pieces.push(piece),
        }
    }

    fn map_literals(self, mut change: impl FnMut(Vec<u8>) -> Vec<u8>) -> Pattern {
        let mut pattern = Pattern::default();
        for piece in self.pieces {
            pattern.push(match piece {
                Piece::Literal(bytes) => Piece::Literal(change(bytes)),
                other => other,
            });
        }
        pattern
    }

    /// Encodes the text as UTF-16.
    pub fn utf16(self, encoding: Utf16) -> Pattern {
        let mark = encoding == Utf16::Marked;
        let mut pattern = Pattern::default();
        if mark {
            pattern.push(Piece::Literal(vec![0xFF, 0xFE]));
        }
        let encoded = self.map_literals(|bytes| {
            String::from_utf8_lossy(&bytes)
                .encode_utf16()
                .flat_map(|unit| match encoding {
                    Utf16::Big => unit.to_be_bytes(),
                    Utf16::Little | Utf16::Marked => unit.to_le_bytes(),
                })
                .collect()
        });
        for piece in encoded.pieces {
            pattern.push(piece);
        }
        pattern
    }

    /// The text, if the pattern has no wildcard.
    pub fn plain(&self) -> Option<&[u8]> {
        match &self.pieces[..] {
            [] => Some(b""),
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Base64 of the text; `None` if the pattern has a wildcard.
    pub fn base64(&self) -> Option<Pattern> {
        Some(Pattern::literal(STANDARD.encode(self.plain()?).as_bytes()))
    }

    /// The three forms that the text has inside a longer Base64 text, by its offset modulo 3,
    /// without the characters that depend on the neighbours.
    pub fn base64_offsets(&self) -> Option<Vec<Pattern>> {
        let text = self.plain()?;
        let forms = (0..3).map(|offset| {
            let mut bytes = vec![b' '; offset];
            bytes.extend_from_slice(text);
            let encoded = STANDARD.encode(&bytes);
            let start = [0, 2, 3][offset];
            let end = encoded.len() - [0, 3, 2][bytes.len() % 3];
            Pattern::literal(&encoded.as_bytes()[start.min(end)..end])
        });
        Some(forms.collect())
    }

    /// Makes every flag dash match all five dashes: one that does not follow a word character
    /// and is directly followed by one.
    pub fn windash(self) -> Pattern {
        let mut pattern = Pattern::default();
        let mut after_word = false;
        for piece in self.pieces {
            let Piece::Literal(bytes) = piece else {
                pattern.push(piece);
                after_word = false;
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                let before_word = chars.peek().is_some_and(|&next| is_word(next));
                if DASHES.contains(&c) && !after_word && before_word {
                    pattern.push(Piece::Dash);
                } else {
                    pattern.push_char(c);
                }
                after_word = is_word(c);
            }
        }
        pattern
    }

    /// Adds the implied wildcard at the start.
    pub fn open_start(mut self) -> Pattern {
        if self.pieces.first() != Some(&Piece::Any) {
            self.pieces.insert(0, Piece::Any);
        }
        self
    }

    /// Adds the implied wildcard at the end.
    pub fn open_end(mut self) -> Pattern {
        self.push(Piece::Any);
        self
    }

    /// Folds the literals, for comparison without regard to case.
    pub fn folded(mut self) -> Pattern {
        for piece in &mut self.pieces {
            match piece {
                Piece::Literal(bytes) if bytes.is_ascii() => bytes.make_ascii_lowercase(),
                Piece::Literal(bytes) => *bytes = fold(bytes),
                _ => {}
            }
        }
        self
    }

    /// Whether a literal is not valid UTF-8.
    pub fn is_ragged(&self) -> bool {
        self.pieces.iter().any(
            |piece| matches!(piece, Piece::Literal(bytes) if std::str::from_utf8(bytes).is_err()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.as_bytes().to_vec())
    }

    #[test]
    fn escapes_follow_the_table_of_the_specification() {
        for (text, expected) in [
            (r"\x", vec![literal(r"\x")]),
            (r"\", vec![literal(r"\")]),
            (r"\\", vec![literal(r"\")]),
            (r"\*", vec![literal("*")]),
            (r"\\*", vec![literal(r"\"), Piece::Any]),
            (r"\\\*", vec![literal(r"\*")]),
            (r"\\\\", vec![literal(r"\\")]),
            (r"\\\x", vec![literal(r"\\x")]),
            (r"\\\\*", vec![literal(r"\\"), Piece::Any]),
            ("a**?b", vec![literal("a"), Piece::Any, Piece::One, literal("b")]),
            ("", vec![]),
        ] {
            assert_eq!(Pattern::parse(text).pieces(), expected, "{text}");
        }
    }

    #[test]
    fn base64_offsets_occur_in_every_longer_text() {
        for text in ["a", "ab", "abc", "é1", "http://x"] {
            let forms = Pattern::literal(text.as_bytes()).base64_offsets().unwrap_or_default();
            for before in ["", "x", "xy", "xyz"] {
                for after in ["", "q", "qr", "qrs"] {
                    let whole = STANDARD.encode(format!("{before}{text}{after}"));
                    let form = forms[before.len() % 3].plain().unwrap_or_default();
                    assert!(
                        whole.contains(std::str::from_utf8(form).unwrap_or("not UTF-8")),
                        "{text} in {before}{text}{after}"
                    );
                }
            }
        }
    }

    #[test]
    fn only_flag_dashes_vary() {
        let dashes = |text: &str| {
            let pattern = Pattern::parse(text).windash();
            pattern.pieces().iter().filter(|&p| *p == Piece::Dash).count()
        };
        assert_eq!(dashes("-param-1"), 1);
        assert_eq!(dashes(" - "), 0);
        assert_eq!(dashes("/a –b"), 2);
        assert_eq!(dashes("x/enc"), 0);
        assert_eq!(dashes("--x"), 1);
        assert_eq!(dashes("*-x"), 1);
    }
}
