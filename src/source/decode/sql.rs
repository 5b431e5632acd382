//! SQL text: one spelling for what MySQL and MariaDB read as the same statement.
//!
//! The reader below follows their lexer as far as comments, quotes and white space go. It does
//! not know the server's version or sql_mode, so it errs towards showing more: the body of every
//! executable comment is kept whatever version it asks for, and quotes are read with backslash
//! escapes, which is the default mode. A statement that opens a quote inside a comment that its
//! server skips is read as quoted from there on: nothing is dropped, but comments in it stay.

use super::quoting;
use super::{Decoded, Quoting, Rewrite, is_space};

/// Whether [`normalise`] would leave the text as it is. Most statements are.
pub(super) fn is_normal(input: &[u8], quoting: Quoting) -> bool {
    let (Some(first), Some(last)) = (input.first(), input.last()) else { return true };
    if *first == b' ' || *last == b' ' {
        return false;
    }
    // `#` changes a text anyway, so it stands for the escape that there is not.
    let escape = if quoting == Quoting::None { b'#' } else { b'\\' };
    let mut buffer = [b'x'; LANES + 1];
    let text = if input.len() > LANES {
        input
    } else {
        buffer[1..=input.len()].copy_from_slice(input);
        &buffer[..]
    };
    // No other byte stands before the first.
    if changes(text[0], b'x', escape) {
        return false;
    }
    let mut at = 1;
    while at + LANES <= text.len() {
        if any_changes(text, at, escape) {
            return false;
        }
        at += LANES;
    }
    // What is left, with some that were looked at.
    !any_changes(text, text.len() - LANES, escape)
}

/// Bytes that are looked at together: those of a vector on every 64-bit machine.
const LANES: usize = 16;

/// Whether one of [`LANES`] bytes changes.
// PERF: a loop of known length without branches, which becomes vector code.
#[inline]
fn any_changes(text: &[u8], at: usize, escape: u8) -> bool {
    let behind = text[at - 1..].first_chunk::<LANES>();
    let bytes = text[at..].first_chunk::<LANES>();
    let (Some(behind), Some(bytes)) = (behind, bytes) else { return true };
    let mut any = false;
    for lane in 0..LANES {
        any |= changes(bytes[lane], behind[lane], escape);
    }
    any
}

/// Whether [`normalise`] does something about a byte that stands behind another one.
#[inline(always)]
fn changes(byte: u8, before: u8, escape: u8) -> bool {
    let twice = (byte == before) & ((byte == b' ') | (byte == b'-'));
    let comment = ((before == b'/') & (byte == b'*')) | ((before == b'*') & (byte == b'/'));
    let always = (byte == b'#') | (byte == escape) | (byte.wrapping_sub(b'\t') < 5);
    twice | comment | always
}

/// Undoes the log's quoting, replaces `/*!NNNNN x */` by x, drops comments, and collapses white
/// space outside quotes to one blank. Works in place and returns the new length.
///
/// A comment separates tokens, so it leaves a blank: `UNION/**/SELECT` is `UNION SELECT`. A quote
/// that never ends reaches to the end of the text; so does a comment that never ends, and its
/// text is dropped, except for an executable one, whose body is kept.
pub(super) fn normalise(bytes: &mut [u8], quoting: Quoting) -> usize {
    let len = quoting::undo(bytes, quoting);
    let mut out = Output { written: 0, blank: false };
    let mut executable = 0u32;
    let mut read = 0;
    while read < len {
        let plain = plain(&bytes[read..len]);
        if plain > 0 {
            out.push(bytes, read, plain);
            read += plain;
            continue;
        }
        let byte = bytes[read];
        let after = |offset: usize| bytes[..len].get(read + offset).copied();
        match byte {
            b' ' | b'\t'..=b'\r' => {
                out.blank = true;
                read += 1;
            }
            b'\'' | b'"' | b'`' => {
                let end = quote_end(&bytes[..len], read);
                out.push(bytes, read, end - read);
                read = end;
            }
            b'#' => {
                out.blank = true;
                read = line_end(&bytes[..len], read);
            }
            b'-' if after(1) == Some(b'-')
                && after(2).is_none_or(|next| is_space(next) || next.is_ascii_control()) =>
            {
                out.blank = true;
                read = line_end(&bytes[..len], read);
            }
            b'/' if after(1) == Some(b'*') => {
                out.blank = true;
                match executable_body(&bytes[..len], read) {
                    Some(body) => {
                        executable = executable.saturating_add(1);
                        read = body;
                    }
                    None => read = comment_end(&bytes[..len], read + 2),
                }
            }
            b'*' if executable > 0 && after(1) == Some(b'/') => {
                executable -= 1;
                out.blank = true;
                read += 2;
            }
            _ => {
                out.push(bytes, read, 1);
                read += 1;
            }
        }
    }
    out.written
}

/// Stays as it is.
const PLAIN: u8 = 0;
/// Stays as it is between bytes that do.
const BLANK: u8 = 1;

static CLASSES: [u8; 256] = {
    let mut table = [PLAIN; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = match at as u8 {
            b' ' => BLANK,
            b'\t'..=b'\r' | b'\'' | b'"' | b'`' | b'#' | b'-' | b'/' | b'*' => 2,
            _ => PLAIN,
        };
        at += 1;
    }
    table
};

/// How many bytes at the beginning stay as they are, with single blanks between them.
fn plain(text: &[u8]) -> usize {
    let class = |byte: &u8| CLASSES[usize::from(*byte)];
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match class(byte) {
            PLAIN => at += 1,
            BLANK if at > 0 && text.get(at + 1).is_some_and(|next| class(next) == PLAIN) => at += 2,
            _ => break,
        }
    }
    at
}

/// The writing end of an in-place rewrite. It stays at or before the reading end: every blank it
/// owes stands for at least one byte that was read and dropped.
struct Output {
    written: usize,
    blank: bool,
}

impl Output {
    /// Writes `len` bytes from `start` on.
    fn push(&mut self, bytes: &mut [u8], start: usize, len: usize) {
        if self.blank && self.written > 0 {
            bytes[self.written] = b' ';
            self.written += 1;
        }
        self.blank = false;
        // Where nothing was dropped so far, everything is in its place.
        if self.written < start {
            bytes.copy_within(start..start + len, self.written);
        }
        self.written += len;
    }
}

/// The end of the quoted text that begins at `start`. A doubled quote needs no care here: it ends
/// one quoted text and begins the next with nothing between.
pub(super) fn quote_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| start + at + 1)
}

fn comment_end(bytes: &[u8], body: usize) -> usize {
    let rest = bytes.get(body..).unwrap_or(&[]);
    rest.windows(2).position(|pair| pair == b"*/").map_or(bytes.len(), |at| body + at + 2)
}

/// Where the body of an executable comment begins: after `/*!` or MariaDB's `/*M!` and a version
/// of five or six digits. Fewer digits are not a version but the beginning of the body.
fn executable_body(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 2;
    if bytes.get(at) == Some(&b'M') {
        at += 1;
    }
    if bytes.get(at) != Some(&b'!') {
        return None;
    }
    at += 1;
    let digits = bytes[at..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    Some(if digits >= 5 { at + digits } else { at })
}

/// The first keyword of a normalised statement, past opening parentheses.
pub(super) fn verb(input: &[u8]) -> Decoded {
    let Some(start) = input.iter().position(|byte| !is_space(*byte) && *byte != b'(') else {
        return Decoded::Missing;
    };
    // PERF: one look at a byte tells whether the word goes on and whether it is in upper case.
    let mut seen = 0;
    let mut len = 0;
    for byte in &input[start..] {
        let letter = LETTERS[*byte as usize];
        if letter == 0 {
            break;
        }
        seen |= letter;
        len += 1;
    }
    let is_upper = seen & LOWER == 0;
    if len == 0 {
        return Decoded::Missing;
    }
    if !is_upper {
        return Decoded::Rewrite { start, len, with: Rewrite::Upper };
    }
    Decoded::Part { start, len }
}

/// A letter in lower case.
const LOWER: u8 = 2;

/// What keywords are made of: 0 for any other byte.
static LETTERS: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = match at as u8 {
            b'A'..=b'Z' | b'_' => 1,
            b'a'..=b'z' => LOWER,
            _ => 0,
        };
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};
    use super::*;
    use crate::rng::Rng;

    fn norm_with(input: &[u8], quoting: Quoting) -> Vec<u8> {
        let parameter = Parameter { number: quoting as u32, ..Parameter::default() };
        run(Decoder::SqlNorm, input, parameter).unwrap()
    }

    fn norm(input: &str) -> String {
        String::from_utf8(norm_with(input.as_bytes(), Quoting::None)).unwrap()
    }

    #[test]
    fn statements_have_one_spelling() {
        let table = [
            ("", ""),
            ("SELECT 1", "SELECT 1"),
            ("  SELECT\t1 \n", "SELECT 1"),
            ("UNION/**/SELECT", "UNION SELECT"),
            ("UNION/* x */ /* y */SELECT", "UNION SELECT"),
            ("/*!50000UNION*/", "UNION"),
            ("/*!50000UNION*//*!50000SELECT*/ 1", "UNION SELECT 1"),
            ("1 /*!UNION*/ SELECT", "1 UNION SELECT"),
            ("/*!080034 SELECT 1*/", "SELECT 1"),
            ("/*!1*/", "1"),
            ("/*M!100201 SELECT*/ 2", "SELECT 2"),
            ("/*Mary*/ SELECT 2", "SELECT 2"),
            ("/*+ MAX_EXECUTION_TIME(1) */ SELECT 1", "SELECT 1"),
            ("create\n\taggregate function", "create aggregate function"),
            ("SELECT '/* kept */  # -- '", "SELECT '/* kept */  # -- '"),
            ("SELECT \"a  /*b\"  , `c  --  d`", "SELECT \"a  /*b\" , `c  --  d`"),
            ("SELECT 'it''s  /**/ x' /**/ y", "SELECT 'it''s  /**/ x' y"),
            (r"SELECT 'a\'  /*' /* gone */", r"SELECT 'a\'  /*'"),
            (r"SELECT `a\`  /* gone */ b", r"SELECT `a\` b"),
            ("SELECT 1 -- tail\n, 2", "SELECT 1 , 2"),
            ("SELECT 1--1", "SELECT 1--1"),
            ("SELECT 1 --", "SELECT 1"),
            ("SELECT 1 --\t x", "SELECT 1"),
            ("SELECT 1 # tail\nUNION SELECT 2", "SELECT 1 UNION SELECT 2"),
            ("SELECT 1 /* never ends", "SELECT 1"),
            ("SELECT 1 /*! never ends", "SELECT 1 never ends"),
            ("SELECT 'never  ends /* x */", "SELECT 'never  ends /* x */"),
            ("SELECT 'ends in escape\\", "SELECT 'ends in escape\\"),
            ("/*! a /* b */ c */ d", "a c d"),
            ("/*!50000 ' */ ' */ x", "' */ ' x"),
            ("SELECT 2*/1", "SELECT 2*/1"),
            ("/*/ x */ y", "y"),
            ("/*", ""),
            ("/**", ""),
            ("/*!", ""),
            ("a/", "a/"),
            ("-", "-"),
        ];
        for (input, expected) in table {
            assert_eq!(norm(input), expected, "{input:?}");
        }
    }

    #[test]
    fn the_short_cut_agrees_with_the_long_way() {
        // Every text of up to six pieces over the pieces that matter.
        let pieces: [&[u8]; 9] = [b"a", b" ", b"\n", b"/*", b"*/", b"/*!", b"'", b"-- ", b"#"];
        let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        while texts.len() < 60_000 {
            let text = texts[at].clone();
            at += 1;
            for piece in pieces {
                texts.push([&text[..], piece].concat());
            }
        }
        for text in &texts {
            let mut copy = text.clone();
            let len = normalise(&mut copy, Quoting::None);
            copy.truncate(len);
            if is_normal(text, Quoting::None) {
                assert_eq!(&copy, text, "the short cut is wrong");
            }
            // In every place of a longer text as well.
            for before in [1, 7, 15, 16, 17, 31, 40] {
                let long = [&b"abcdefgh".repeat(5)[..before], text, b"xyz"].concat();
                let is_kept = is_normal(&[b"a", &text[..], b"z"].concat(), Quoting::None);
                assert_eq!(is_normal(&long, Quoting::None), is_kept, "{text:?} behind {before}");
            }
            assert!(
                copy.first() != Some(&b' ')
                    && (copy.last() != Some(&b' ') || copy.contains(&b'\''))
            );
        }
    }

    /// [`normalise`], byte by byte.
    fn byte_by_byte(text: &[u8]) -> Vec<u8> {
        let (mut out, mut blank, mut executable, mut at) = (Vec::new(), false, 0u32, 0);
        let mut push = |bytes: &[u8], blank: &mut bool| {
            if std::mem::take(blank) && !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(bytes);
        };
        while let Some(&byte) = text.get(at) {
            let rest = &text[at..];
            let is_line = rest.starts_with(b"--")
                && rest.get(2).is_none_or(|b| is_space(*b) || b.is_ascii_control());
            let start = at;
            if is_space(byte) {
                at += 1;
                blank = true;
            } else if matches!(byte, b'\'' | b'"' | b'`') {
                at = quote_end(text, at);
                push(&text[start..at], &mut blank);
            } else if byte == b'#' || is_line {
                at = line_end(text, at);
                blank = true;
            } else if rest.starts_with(b"/*") {
                let body = executable_body(text, at);
                executable += u32::from(body.is_some());
                at = body.unwrap_or_else(|| comment_end(text, at + 2));
                blank = true;
            } else if executable > 0 && rest.starts_with(b"*/") {
                executable -= 1;
                at += 2;
                blank = true;
            } else {
                at += 1;
                push(&text[start..at], &mut blank);
            }
        }
        out
    }

    #[test]
    fn runs_agree_with_single_bytes() {
        let pieces: [&[u8]; 16] = [
            b"a",
            b"SELECT 1",
            b" ",
            b"  ",
            b"\n",
            b"/*",
            b"*/",
            b"/*!50000",
            b"'",
            b"-- ",
            b"--",
            b"#",
            b"\"",
            b"`",
            b"\\",
            b"*",
        ];
        let mut rng = Rng::new(1);
        for _ in 0..200_000 {
            let text = [0; 8].map(|_| *rng.pick(&pieces)).concat();
            let mut copy = text.clone();
            let len = normalise(&mut copy, Quoting::None);
            assert_eq!(&copy[..len], byte_by_byte(&text), "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn every_pair_of_bytes_is_told_in_every_place() {
        for (first, second) in (0..=255u8).flat_map(|first| (0..=255u8).map(move |b| (first, b))) {
            for (len, at) in [(2, 0), (9, 3), (17, 15), (18, 16), (40, 15), (40, 31), (40, 38)] {
                let mut text = vec![b'x'; len];
                (text[at], text[at + 1]) = (first, second);
                let mut copy = text.clone();
                let left = normalise(&mut copy, Quoting::None);
                if is_normal(&text, Quoting::None) {
                    assert_eq!(&copy[..left], &text[..], "{text:?}");
                }
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
                if is_plain(first) && is_plain(second) {
                    assert!(is_normal(&text, Quoting::Backslash), "{text:?}");
                }
                let escaped = first == b'\\' || second == b'\\';
                assert!(!escaped || !is_normal(&text, Quoting::Backslash), "{text:?}");
            }
        }
    }

    #[test]
    fn the_verb_is_the_first_word() {
        let table = [
            ("SELECT 1", Some("SELECT")),
            ("create aggregate function f", Some("CREATE")),
            ("((select 1) union (select 2))", Some("SELECT")),
            ("DROP TABLE t", Some("DROP")),
            ("", None),
            ("(", None),
            ("123", None),
            ("'x'", None),
            ("KILL", Some("KILL")),
        ];
        for (input, expected) in table {
            let verb = run(Decoder::SqlVerb, input.as_bytes(), Parameter::default());
            assert_eq!(verb.as_deref(), expected.map(str::as_bytes), "{input:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_pass() {
        assert_eq!(norm_with(b"\xff  \x00\x1b[0m", Quoting::None), b"\xff \x00\x1b[0m");
        for cut in 0..40 {
            let statement = b"SELECT '\xe4\\' /*!50000 x */ -- y\n # z \"";
            let cut = cut.min(statement.len());
            let result = norm_with(&statement[..cut], Quoting::Backslash);
            assert!(result.len() <= cut);
        }
    }
}
