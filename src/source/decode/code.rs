//! The code of an SQL statement: what it does, without the texts it does it with.
//!
//! A rule that looks for `SLEEP(` in a statement also finds it in a comment on a forum that is
//! being stored. [`reduce`] takes what `sql_norm` left and empties every quoted text, so that what
//! remains is words, names and operators; and it gives them one spelling: plain names lose their
//! quotes, and no blank stands beside brackets, commas, dots and equals signs.
//!
//! What is a text is read as in `sql`, with backslash escapes. A session that switched them off
//! (`NO_BACKSLASH_ESCAPES`) can hide code behind `'\'`; rules for what must not be missed look at
//! `sql_norm` too.

use super::is_space;
use super::sql::quote_end;

/// Reduces a normalised statement in place and returns its new length.
///
/// A text becomes `''`, whatever its quotes; texts side by side, which the server joins, become
/// one. A quote that never ends is left with all that follows: the statement was cut or is broken,
/// and hiding its end would hide what broke it.
pub(super) fn reduce(bytes: &mut [u8]) -> usize {
    let mut out = Output { written: 0, blank: false, text: false, name: false };
    let mut read = 0;
    while let Some(&byte) = bytes.get(read) {
        let class = CLASSES[byte as usize];
        if class & (SPACE | QUOTE) == 0 {
            out.push(bytes, byte);
            read += 1;
            if class & WORD != 0 {
                read = out.copy_word(bytes, read);
            }
            continue;
        }
        if class & SPACE != 0 {
            out.blank = true;
            read += 1;
            continue;
        }
        let end = quote_end(bytes, read);
        let closed = end - read >= 2 && bytes[end - 1] == byte && !escaped(bytes, read, end - 1);
        if !closed {
            let len = bytes.len();
            out.copy(bytes, read, len);
            break;
        }
        let is_name = match byte {
            b'`' => is_plain(&bytes[read + 1..end - 1]),
            b'"' => is_plain(&bytes[read + 1..end - 1]) && out.is_beside(bytes, end),
            _ => false,
        };
        if is_name {
            out.begin_name(bytes);
            for at in read + 1..end - 1 {
                let letter = bytes[at];
                out.push(bytes, letter);
            }
            out.name = true;
        } else if byte == b'`' {
            out.copy(bytes, read, end);
        } else {
            out.push_text(bytes);
        }
        read = end;
    }
    out.written
}

/// Whether the quote at `at` is escaped, so that the text that began at `start` goes on.
fn escaped(bytes: &[u8], start: usize, at: usize) -> bool {
    if bytes[start] == b'`' {
        return false;
    }
    let backslashes = bytes[start + 1..at].iter().rev().take_while(|byte| **byte == b'\\').count();
    backslashes % 2 == 1
}

/// A name that means the same without its quotes, or nearly so: keywords count as names.
fn is_plain(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| is_word(*byte))
}

#[inline]
fn is_word(byte: u8) -> bool {
    CLASSES[byte as usize] & WORD != 0
}

/// White space.
const SPACE: u8 = 1;
/// What quoted texts and names begin with.
const QUOTE: u8 = 2;
/// What words and numbers are made of.
const WORD: u8 = 4;
/// Behind these a blank says nothing.
const NO_BLANK_BEHIND: u8 = 8;
/// In front of these a blank says nothing.
const NO_BLANK_BEFORE: u8 = 16;

/// What bytes are, so that one look at a byte tells.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = match byte {
            b' ' | b'\t'..=b'\r' => SPACE,
            b'\'' | b'"' | b'`' => QUOTE,
            b'(' | b')' | b',' | b'.' | b';' | b'=' | b'<' | b'>' | b':' => {
                NO_BLANK_BEHIND | NO_BLANK_BEFORE
            }
            b'@' => NO_BLANK_BEHIND,
            b'_' | b'$' | 0x80.. => WORD,
            _ if byte.is_ascii_alphanumeric() => WORD,
            _ => 0,
        };
        at += 1;
    }
    table
};

/// The writing end. It never passes the reading end: a blank stands for one that was read or for
/// one of the two quotes that a name lost, and a text keeps no more than its quotes.
struct Output {
    written: usize,
    /// A blank was read since the last byte.
    blank: bool,
    /// The last that was written is a text.
    text: bool,
    /// The last that was written is a name that lost its quotes.
    name: bool,
}

impl Output {
    #[inline]
    fn push(&mut self, bytes: &mut [u8], byte: u8) {
        let class = CLASSES[byte as usize];
        if (self.blank || self.name && class & WORD != 0)
            && class & NO_BLANK_BEFORE == 0
            && self.last(bytes).is_some_and(|last| CLASSES[last as usize] & NO_BLANK_BEHIND == 0)
        {
            self.push_as_is(bytes, b' ');
        }
        self.push_as_is(bytes, byte);
    }

    #[inline]
    fn push_as_is(&mut self, bytes: &mut [u8], byte: u8) {
        bytes[self.written] = byte;
        self.written += 1;
        (self.blank, self.text, self.name) = (false, false, false);
    }

    /// The rest of a word of which a byte was written: nothing but letters, which stay as they are.
    /// Returns where it ends.
    #[inline]
    fn copy_word(&mut self, bytes: &mut [u8], start: usize) -> usize {
        // PERF: words are too short for a call that moves them, and in front of the first change
        // they stay where they are.
        let mut read = start;
        let mut written = self.written;
        while let Some(&byte) = bytes.get(read).filter(|byte| is_word(**byte)) {
            bytes[written] = byte;
            (read, written) = (read + 1, written + 1);
        }
        self.written = written;
        read
    }

    /// What is quoted and stays so.
    fn copy(&mut self, bytes: &mut [u8], start: usize, end: usize) {
        self.push(bytes, bytes[start]);
        for at in start + 1..end {
            self.push_as_is(bytes, bytes[at]);
        }
    }

    fn push_text(&mut self, bytes: &mut [u8]) {
        if !self.text {
            self.push(bytes, b'\'');
            self.push_as_is(bytes, b'\'');
        }
        (self.blank, self.text) = (false, true);
    }

    /// A name that loses its quotes does not grow together with a word before it.
    fn begin_name(&mut self, bytes: &[u8]) {
        if self.last(bytes).is_some_and(is_word) {
            self.blank = true;
        }
        self.name = false;
    }

    fn last(&self, bytes: &[u8]) -> Option<u8> {
        self.written.checked_sub(1).map(|at| bytes[at])
    }

    /// Whether what stands in double quotes is a name (`ANSI_QUOTES`): it has a dot on either side
    /// or a bracket behind it, where no text can have one.
    fn is_beside(&self, bytes: &[u8], end: usize) -> bool {
        let next = bytes[end..].iter().find(|byte| !is_space(**byte));
        matches!(next, Some(b'.' | b'(')) || self.last(bytes) == Some(b'.')
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};
    use super::*;

    fn code(statement: &str) -> String {
        let normal = run(Decoder::SqlNorm, statement.as_bytes(), Parameter::default()).unwrap();
        let reduced = run(Decoder::SqlCode, &normal, Parameter::default()).unwrap();
        String::from_utf8(reduced).unwrap()
    }

    #[test]
    fn texts_are_emptied_and_names_have_one_spelling() {
        let table = [
            ("", ""),
            ("SELECT 1", "SELECT 1"),
            ("SELECT a, b FROM t WHERE a = 'x'", "SELECT a,b FROM t WHERE a=''"),
            ("SELECT \"x\" 'y'  'z', 'it''s', 'a\\'b'", "SELECT '','',''"),
            ("SELECT 'a' OR 1 = 1", "SELECT '' OR 1=1"),
            ("WHERE a='' OR'1'='1'", "WHERE a='' OR''=''"),
            ("SELECT * FROM `mysql` . `user`", "SELECT * FROM mysql.user"),
            ("SELECT * FROM mysql. user", "SELECT * FROM mysql.user"),
            ("SELECT`a`FROM`t`WHERE`b`=1", "SELECT a FROM t WHERE b=1"),
            ("SELECT `a`, `x y`, ``", "SELECT a,`x y`,``"),
            ("SELECT `sleep` (5)", "SELECT sleep(5)"),
            ("SELECT \"sleep\" (5), \"mysql\".\"user\"", "SELECT sleep(5),mysql.user"),
            ("SELECT sleep ( 5 )", "SELECT sleep(5)"),
            ("SET @@ `global` . `general_log` := 1", "SET @@global.general_log:=1"),
            ("CREATE USER '' @ '%'", "CREATE USER '' @''"),
            ("(SELECT 1) UNION (SELECT 2)", "(SELECT 1)UNION(SELECT 2)"),
            ("SELECT - -1, a <=> b", "SELECT - -1,a<=>b"),
            ("SELECT 'x' INTO OUTFILE'/tmp/a'", "SELECT '' INTO OUTFILE''"),
            ("SELECT 'never ends OR  1 = 1", "SELECT 'never ends OR  1 = 1"),
            ("SELECT 'ends in \\'", "SELECT 'ends in \\'"),
            ("SELECT `never  ends", "SELECT `never  ends"),
            ("SELECT 'a', 'b", "SELECT '','b"),
            ("'", "'"),
            ("`a`'b'`c`", "a''c"),
            ("`ä`b", "ä b"),
        ];
        for (input, expected) in table {
            assert_eq!(code(input), expected, "{input:?}");
        }
    }

    #[test]
    fn nothing_grows_and_a_second_time_changes_nothing() {
        // Every text of up to five pieces over the pieces that matter.
        let pieces: [&[u8]; 11] =
            [b"a", b" ", b"`", b"'", b"\"", b"\\", b".", b"(", b"@", b"`b`", b"'c'"];
        let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        while texts.len() < 100_000 {
            let text = texts[at].clone();
            at += 1;
            for piece in pieces {
                texts.push([&text[..], piece].concat());
            }
        }
        for text in &texts {
            let mut copy = text.clone();
            let len = reduce(&mut copy);
            assert!(len <= text.len());
            copy.truncate(len);
            let open = text.iter().any(|byte| b"'\"`\\".contains(byte));
            if !open {
                let once = copy.clone();
                let len = reduce(&mut copy);
                assert_eq!(&copy[..len], &once[..], "{text:?}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_text_pass() {
        let mut bytes = b"SELECT \xff  '\xfe' \x00 `\xff`".to_vec();
        let len = reduce(&mut bytes);
        assert_eq!(&bytes[..len], b"SELECT \xff '' \x00 \xff");
    }
}
