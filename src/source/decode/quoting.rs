//! The quoting of statements in logs, undone.

use super::Quoting;
use super::sql::quote_end;

/// Undoes the quoting of a statement in place and returns its new length.
pub(super) fn undo(bytes: &mut [u8], quoting: Quoting) -> usize {
    match quoting {
        Quoting::None => bytes.len(),
        Quoting::Backslash => unescape(bytes),
        Quoting::Repeated => unescape_all(bytes),
    }
}

/// How often a statement may have been quoted.
const MOST_QUOTINGS: usize = 4;

/// Undoes backslash quoting for as long as it shows. In a statement itself no backslash stands outside
/// quotes, except in `\N`, which is null.
fn unescape_all(bytes: &mut [u8]) -> usize {
    let mut len = bytes.len();
    for _ in 0..MOST_QUOTINGS {
        if !is_escaped(&bytes[..len]) {
            break;
        }
        len = unescape(&mut bytes[..len]);
    }
    len
}

/// Whether a backslash stands before the first `'`. Names and texts in other quotes, which are not
/// escaped, say nothing.
fn is_escaped(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if text.get(at + 1) != Some(&b'N') => return at + 1 < text.len(),
            b'\'' => return false,
            b'"' | b'`' => at = quote_end(text, at),
            _ => at += 1,
        }
    }
    false
}

/// Undoes backslash quoting in place. Any other escaped byte stands for itself, and a backslash
/// at the end of a truncated text stays.
fn unescape(bytes: &mut [u8]) -> usize {
    let backslash = |text: &[u8]| memchr::memchr(b'\\', text).unwrap_or(text.len());
    let mut read = backslash(bytes);
    let mut written = read;
    while let [b'\\', rest @ ..] = &bytes[read..] {
        let (byte, len) = match rest.first() {
            Some(b'n') => (b'\n', 2),
            Some(b'r') => (b'\r', 2),
            Some(b't') => (b'\t', 2),
            Some(b'0') => (0, 2),
            Some(other) => (*other, 2),
            None => (b'\\', 1),
        };
        bytes[written] = byte;
        (read, written) = (read + len, written + 1);
        // What stands between is moved at once.
        let plain = backslash(&bytes[read..]);
        bytes.copy_within(read..read + plain, written);
        (read, written) = (read + plain, written + plain);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};
    use super::*;

    fn norm(input: &[u8], quoting: Quoting) -> Vec<u8> {
        let parameter = Parameter { number: quoting as u32, ..Parameter::default() };
        run(Decoder::SqlNorm, input, parameter).unwrap()
    }

    #[test]
    fn log_quoting_is_undone_first() {
        let table: [(&[u8], &[u8]); 5] = [
            (br"SELECT \'a\'", b"SELECT 'a'"),
            (br"create\n\taggregate", b"create aggregate"),
            (br"SELECT \'C:\\\\x\'", br"SELECT 'C:\\x'"),
            (br"SELECT 1 -- x\nUNION", b"SELECT 1 UNION"),
            (b"SELECT 1\\", b"SELECT 1\\"),
        ];
        for (input, expected) in table {
            assert_eq!(norm(input, Quoting::Backslash), expected, "{input:?}");
        }
    }

    #[test]
    fn quoting_is_undone_as_often_as_it_shows() {
        let table: [(&[u8], &[u8]); 9] = [
            (br"SELECT 'a\'b'", br"SELECT 'a\'b'"),
            (br#"SELECT "\\", `a\` = \'x\'"#, br#"SELECT "\", `a` = 'x'"#),
            (br#"SELECT "\\", `a\` = 'x'"#, br#"SELECT "\\", `a\` = 'x'"#),
            (br"SELECT \'a\'", b"SELECT 'a'"),
            (br"SELECT \\'a\\'", b"SELECT 'a'"),
            (br"SELECT \\\'a\\\' -- x\\ny", b"SELECT 'a' y"),
            (br"SELECT 1\nFROM t", b"SELECT 1 FROM t"),
            (br"SELECT \N, 'a\'b'", br"SELECT \N, 'a\'b'"),
            (b"SELECT 1\\", b"SELECT 1\\"),
        ];
        for (input, expected) in table {
            assert_eq!(norm(input, Quoting::Repeated), expected, "{input:?}");
        }
    }

    #[test]
    fn every_escape_is_undone_in_every_place() {
        let pieces: [(&[u8], &[u8]); 7] = [
            (b"abc", b"abc"),
            (b"", b""),
            (br"\n", b"\n"),
            (br"\r\t\0", b"\r\t\0"),
            (br"\'", b"'"),
            (br"\\", br"\"),
            (br"\N", b"N"),
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let [mut quoted, mut right] =
                        [[a.0, b.0, c.0].concat(), [a.1, b.1, c.1].concat()];
                    let len = unescape(&mut quoted);
                    assert_eq!(&quoted[..len], right, "{a:?} {b:?} {c:?}");
                    quoted = [a.0, b.0, c.0, b"\\"].concat();
                    right.push(b'\\');
                    let len = unescape(&mut quoted);
                    assert_eq!(&quoted[..len], right, "{a:?} {b:?} {c:?}, cut");
                }
            }
        }
    }
}
