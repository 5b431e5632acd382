//! Lines of MariaDB's `server_audit` plug-in, also those of RDS and Azure Database for MariaDB.
//!
//! `timestamp,serverhost,username,host,connectionid,queryid,operation,database,object,retcode`
//!
//! Nothing is quoted but the statement of a `QUERY`, in which `'` is `\'`: the statement ends at the
//! last `',` of the line. A line feed in a statement is `\n`, so a line of the text is a line of the
//! log. User names may hold commas, and somebody who tries to log in chooses one: where the columns
//! do not fit from the left, they are found by `,number,number,OPERATION,`.

use std::ops::Range;

/// The columns of a line, in order.
pub const COLUMNS: [&str; 10] = [
    "timestamp",
    "serverhost",
    "username",
    "host",
    "connectionid",
    "queryid",
    "operation",
    "database",
    "object",
    "retcode",
];

/// The columns of a line: where each is, empty if it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the order of [`COLUMNS`]; `None` for a column that is cut off.
    pub columns: [Option<Range<usize>>; 10],
    /// Whether the line has its end.
    pub is_complete: bool,
}

/// `20261122 09:15:02,`: what every line begins with.
const STAMP: &[u8; 18] = b"dddddddd dd:dd:dd,";

/// Whether a text begins like a line.
#[inline]
pub fn begins_like_line(text: &[u8]) -> bool {
    text.len() > STAMP.len()
        && STAMP.iter().zip(text).all(|(form, byte)| match form {
            b'd' => byte.is_ascii_digit(),
            form => form == byte,
        })
}

/// The first line of `text` at or behind `at`; `None` if there is no more. A line goes on until a
/// line feed behind which another begins, so that a statement with raw line feeds stays whole.
pub fn next_line(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + text.get(at..)?.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let rest = &text[start..];
    let feed = memchr::memchr_iter(b'\n', rest).find(|feed| begins_like_line(&rest[feed + 1..]));
    let mut end = feed.unwrap_or(rest.len());
    while end > 0 && matches!(rest[end - 1], b'\r' | b'\n') {
        end -= 1;
    }
    Some(start..start + end)
}

/// Splits a line; `None` if it is none.
pub fn read(line: &[u8]) -> Option<Line> {
    if !begins_like_line(line) {
        return None;
    }
    let stamp = 0..STAMP.len() - 1;
    let server = column(line, stamp.end + 1)?;
    let middle = server.end + 1;
    let ids = find_ids(line, middle)?;
    // Between the server and the ids: a user, and a host, which has no comma.
    let between = line.get(middle..ids.start.checked_sub(1)?)?;
    let comma = memchr::memrchr(b',', between)?;
    let connection = column(line, ids.start)?;
    let query = column(line, connection.end + 1)?;
    let operation = column(line, query.end + 1)?;
    let mut columns = [const { None }; 10];
    let head = [
        stamp,
        server,
        middle..middle + comma,
        middle + comma + 1..ids.start - 1,
        connection,
        query,
        operation.clone(),
    ];
    for (to, found) in columns.iter_mut().zip(head) {
        *to = Some(found);
    }
    let Some(database) = column(line, operation.end + 1) else {
        return Some(Line { columns, is_complete: false });
    };
    let rest = database.end + 1..line.len();
    columns[7] = Some(database);
    let tail = if line.get(rest.start) == Some(&b'\'') {
        statement(line, rest)
    } else {
        object(line, rest)
    };
    let is_complete = tail.1.is_some();
    (columns[8], columns[9]) = tail;
    Some(Line { columns, is_complete })
}

/// A column that ends with a comma.
fn column(line: &[u8], start: usize) -> Option<Range<usize>> {
    let len = memchr::memchr(b',', line.get(start..)?)?;
    Some(start..start + len)
}

/// Where `number,number,OPERATION,` is, behind a user and a host: the first place that fits.
fn find_ids(line: &[u8], from: usize) -> Option<Range<usize>> {
    let user = column(line, from)?;
    let mut start = column(line, user.end + 1)?.end + 1;
    loop {
        let connection = column(line, start)?;
        let fits = |range: &Range<usize>| {
            !range.is_empty() && line[range.clone()].iter().all(u8::is_ascii_digit)
        };
        if fits(&connection) {
            let query = column(line, connection.end + 1)?;
            let operation = column(line, query.end + 1)?;
            let is_word =
                |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
            let word = &line[operation.clone()];
            let is_operation =
                word.first().is_some_and(u8::is_ascii_uppercase) && word.iter().all(is_word);
            if fits(&query) && is_operation {
                return Some(start..operation.end);
            }
        }
        start = connection.end + 1;
    }
}

/// The statement and the code of a `QUERY`.
fn statement(line: &[u8], rest: Range<usize>) -> (Option<Range<usize>>, Option<Range<usize>>) {
    let text = rest.start + 1;
    if let Some(end) = memchr::memmem::rfind(&line[text..], b"',").map(|at| text + at) {
        let escapes = line[text..end].iter().rev().take_while(|byte| **byte == b'\\').count();
        if escapes.is_multiple_of(2) && line[end + 2..].iter().all(u8::is_ascii_digit) {
            return (Some(text..end), Some(end + 2..line.len()));
        }
    }
    // Cut off: the statement goes as far as the line.
    (Some(text..line.len()), None)
}

/// What a connection or table event has: an object, a code, and on some servers the kind of
/// connection.
fn object(line: &[u8], rest: Range<usize>) -> (Option<Range<usize>>, Option<Range<usize>>) {
    let mut end = rest.end;
    // At most one word follows the code.
    for _ in 0..2 {
        let Some(comma) = line.get(rest.start..end).and_then(|text| memchr::memrchr(b',', text))
        else {
            break;
        };
        let comma = rest.start + comma;
        if line[comma + 1..end].iter().all(u8::is_ascii_digit) {
            return (Some(rest.start..comma), Some(comma + 1..end));
        }
        end = comma;
    }
    if rest.start > rest.end { (None, None) } else { (Some(rest), None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(line: &str) -> Vec<Option<&str>> {
        let found = read(line.as_bytes()).unwrap();
        found.columns.into_iter().map(|column| column.map(|range| &line[range])).collect()
    }

    fn complete(line: &str) -> bool {
        read(line.as_bytes()).unwrap().is_complete
    }

    #[test]
    fn a_statement_ends_at_the_last_quote_and_comma() {
        let line = "20261122 09:15:02,shop-db-1,app,203.0.113.9,41,907,QUERY,shop,'SELECT \\'a\\',1, b',1064";
        let expected = [
            "20261122 09:15:02",
            "shop-db-1",
            "app",
            "203.0.113.9",
            "41",
            "907",
            "QUERY",
            "shop",
            "SELECT \\'a\\',1, b",
            "1064",
        ];
        assert_eq!(columns(line), expected.map(Some));
        assert!(complete(line));
    }

    #[test]
    fn connections_and_tables_have_objects() {
        let tail = |line: &str| {
            let found = columns(line);
            [found[7], found[8], found[9]].map(|text| text.map(str::to_owned))
        };
        let some = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned()));
        let head = "20261122 09:15:02,db,app,localhost,41,0,";
        assert_eq!(tail(&format!("{head}CONNECT,shop,,0")), some(["shop", "", "0"]));
        assert_eq!(tail(&format!("{head}FAILED_CONNECT,,,1045")), some(["", "", "1045"]));
        assert_eq!(tail(&format!("{head}CONNECT,shop,TLSv1.3,0")), some(["shop", "TLSv1.3", "0"]));
        assert_eq!(tail(&format!("{head}FAILED_CONNECT,,,1045,TCP/IP")), some(["", "", "1045"]));
        assert_eq!(tail(&format!("{head}READ,shop,items,")), some(["shop", "items", ""]));
        assert_eq!(tail(&format!("{head}RENAME,shop,a|shop.b,")), some(["shop", "a|shop.b", ""]));
    }

    #[test]
    fn a_name_with_commas_is_the_users() {
        let found = columns("20261122 09:15:02,db,a,b,c,198.51.100.7,12,0,FAILED_CONNECT,,,1045");
        assert_eq!(found[2..7], ["a,b,c", "198.51.100.7", "12", "0", "FAILED_CONNECT"].map(Some));
        let found = columns("20261122 09:15:02,db,,,12,0,CHANGEUSER,,,0");
        assert_eq!(found[2..7], ["", "", "12", "0", "CHANGEUSER"].map(Some));
    }

    #[test]
    fn a_line_that_is_cut_off_keeps_what_it_has() {
        let line = "20261122 09:15:02,db,app,localhost,41,907,QUERY,shop,'SELECT 1',0";
        for len in 0..line.len() {
            let Some(found) = read(&line.as_bytes()[..len]) else { continue };
            // Only the code may lack a digit and nobody can tell.
            assert!(!found.is_complete || len > line.len() - 2, "{len}");
            if len > line.len() - 5 {
                assert!(columns(&line[..len])[8].unwrap().starts_with("SELECT"));
            }
        }
        assert!(!complete(
            "20261122 09:15:02,db,app,localhost,41,907,QUERY,shop,'SELECT \\'a\\',1"
        ));
        assert!(read(b"20261122 09:15:02,db,app,localhost,41,907,QUERY").is_none());
        assert!(!complete("20261122 09:15:02,db,app,localhost,41,907,QUERY,"));
    }

    #[test]
    fn other_texts_are_no_lines() {
        for text in [
            "",
            "20261122 09:15:02",
            "20261122 09:15:02,",
            "20261122 09:15:02,a",
            "2026-11-22 09:15:02,db,app,localhost,41,907,QUERY,shop,'SELECT 1',0",
            "20261122 09:15:02,level,message, with commas",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn lines_follow_each_other_and_raw_line_feeds_stay() {
        let text = "\n20261122 09:15:02,a\nb\r\n20261122 09:15:03,c\n\n";
        let first = next_line(text.as_bytes(), 0).unwrap();
        assert_eq!(&text[first.clone()], "20261122 09:15:02,a\nb");
        let second = next_line(text.as_bytes(), first.end).unwrap();
        assert_eq!(&text[second.clone()], "20261122 09:15:03,c");
        assert_eq!(next_line(text.as_bytes(), second.end), None);
    }
}
