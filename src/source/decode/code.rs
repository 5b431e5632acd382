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

/// Appends the code of a normalised statement.
///
/// A text becomes `''`, whatever its quotes; texts side by side, which the server joins, become
/// one. A quote that never ends is left with all that follows: the statement was cut or is broken,
/// and hiding its end would hide what broke it.
pub(super) fn reduce(statement: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    // The code is no longer than its statement.
    out.resize(start + statement.len(), 0);
    let written = write(statement, &mut out[start..]);
    out.truncate(start + written);
}

/// Replaces the statement that stands in `bytes` from `start` on by its code.
pub(super) fn reduce_in_place(bytes: &mut Vec<u8>, start: usize) {
    let end = bytes.len();
    bytes.resize(end + (end - start), 0);
    let (statement, room) = bytes.split_at_mut(end);
    let written = write(&statement[start..], room);
    bytes.copy_within(end..end + written, start);
    bytes.truncate(start + written);
}

/// Writes the code of a statement and returns its length.
fn write(statement: &[u8], room: &mut [u8]) -> usize {
    write_with(Output::copy_words, statement, room)
}

/// The same with a way to go on behind a byte that is as good as a letter.
#[inline(always)]
fn write_with<'a>(
    go_on: impl Fn(&mut Output<'a>, &[u8], usize) -> usize,
    statement: &[u8],
    room: &'a mut [u8],
) -> usize {
    let mut output = Output { bytes: room, written: 0, blank: false, text: false, name: false };
    let mut read = 0;
    while let Some(&byte) = statement.get(read) {
        let class = CLASSES[byte as usize];
        if class & (SPACE | QUOTE) == 0 {
            output.push(byte);
            read += 1;
            if class & !WORD == 0 {
                read = go_on(&mut output, statement, read);
            }
            continue;
        }
        if class & SPACE != 0 {
            output.blank = true;
            read += 1;
            continue;
        }
        let end = quote_end(statement, read);
        let closed =
            end - read >= 2 && statement[end - 1] == byte && !escaped(statement, read, end - 1);
        if !closed {
            output.copy(&statement[read..]);
            break;
        }
        let quoted = &statement[read + 1..end - 1];
        let is_name = match byte {
            b'`' => is_plain(quoted),
            b'"' => is_plain(quoted) && output.is_beside(&statement[end..]),
            _ => false,
        };
        if is_name {
            output.push_name(quoted);
        } else if byte == b'`' {
            output.copy(&statement[read..end]);
        } else {
            output.push_text();
        }
        read = end;
    }
    output.written
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

/// Beside a letter and what is like it, a blank stays.
#[inline]
fn is_wordy(byte: u8) -> bool {
    CLASSES[byte as usize] & !WORD == 0
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

/// The code of a statement as it is written: a blank stands for one that was read or for one of the
/// two quotes that a name lost, and a text keeps no more than its quotes.
struct Output<'a> {
    bytes: &'a mut [u8],
    written: usize,
    /// A blank was read since the last byte.
    blank: bool,
    /// The last that was written is a text.
    text: bool,
    /// The last that was written is a name that lost its quotes.
    name: bool,
}

impl Output<'_> {
    #[inline]
    fn push(&mut self, byte: u8) {
        let class = CLASSES[byte as usize];
        if (self.blank || self.name && class & WORD != 0)
            && class & NO_BLANK_BEFORE == 0
            && self.last().is_some_and(|last| CLASSES[last as usize] & NO_BLANK_BEHIND == 0)
        {
            self.push_as_is(b' ');
        }
        self.push_as_is(byte);
    }

    #[inline]
    fn push_as_is(&mut self, byte: u8) {
        self.bytes[self.written] = byte;
        self.written += 1;
        (self.blank, self.text, self.name) = (false, false, false);
    }

    /// What follows a byte that is as good as a letter: more of these, and single blanks between
    /// them, stay as they are. Returns where they end.
    #[inline]
    fn copy_words(&mut self, statement: &[u8], read: usize) -> usize {
        // PERF: most of a statement. Words are too short for a call that moves them, or for looking
        // at eight bytes at a time.
        let (from, to) = (&statement[read..], &mut self.bytes[self.written..]);
        let mut len = 0;
        while let (Some(&byte), Some(place)) = (from.get(len), to.get_mut(len)) {
            let class = CLASSES[byte as usize];
            if class & !WORD == 0 {
                *place = byte;
            } else if class == SPACE && from.get(len + 1).is_some_and(|next| is_wordy(*next)) {
                *place = b' ';
            } else {
                break;
            }
            len += 1;
        }
        self.written += len;
        read + len
    }

    /// What is quoted and stays so.
    fn copy(&mut self, quoted: &[u8]) {
        if let [first, rest @ ..] = quoted {
            self.push(*first);
            self.bytes[self.written..][..rest.len()].copy_from_slice(rest);
            self.written += rest.len();
        }
    }

    fn push_text(&mut self) {
        if !self.text {
            self.push(b'\'');
            self.push_as_is(b'\'');
        }
        (self.blank, self.text) = (false, true);
    }

    /// A name that loses its quotes. It does not grow together with a word before or behind it.
    fn push_name(&mut self, name: &[u8]) {
        if self.last().is_some_and(is_word) {
            self.blank = true;
        }
        self.name = false;
        self.copy(name);
        self.name = true;
    }

    #[inline]
    fn last(&self) -> Option<u8> {
        self.written.checked_sub(1).map(|at| self.bytes[at])
    }

    /// Whether what stands in double quotes is a name (`ANSI_QUOTES`): it has a dot on either side
    /// or a bracket behind it, where no text can have one.
    fn is_beside(&self, behind: &[u8]) -> bool {
        let next = behind.iter().find(|byte| !is_space(**byte));
        matches!(next, Some(b'.' | b'(')) || self.last() == Some(b'.')
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

    fn reduced(statement: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        reduce(statement, &mut out);
        out
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
        let pieces: [&[u8]; 12] =
            [b"a", b" ", b"`", b"'", b"\"", b"\\", b".", b"(", b"@", b"*", b"`b`", b"'c'"];
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
            let once = reduced(text);
            assert!(once.len() <= text.len());
            let mut room = vec![0; text.len()];
            let len = write_with(|_, _, read| read, text, &mut room);
            assert_eq!(once, room[..len], "{text:?} letter by letter");
            let open = text.iter().any(|byte| b"'\"`\\".contains(byte));
            if !open {
                assert_eq!(reduced(&once), once, "{text:?}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_text_pass() {
        assert_eq!(reduced(b"SELECT \xff  '\xfe' \x00 `\xff`"), b"SELECT \xff '' \x00 \xff");
    }

    #[test]
    fn code_goes_behind_what_is_there() {
        let statement = b"a_long_name_of_a_table = 'x'";
        let mut appended = b"before:".to_vec();
        reduce(statement, &mut appended);
        let mut replaced = [b"before:", &statement[..]].concat();
        reduce_in_place(&mut replaced, b"before:".len());
        for code in [appended, replaced] {
            assert_eq!(code, b"before:a_long_name_of_a_table=''");
        }
    }
}
