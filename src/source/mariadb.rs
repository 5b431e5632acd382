//! Lines of MariaDB's `server_audit` plug-in, also those of RDS, Aurora and Azure Database for MariaDB.
//!
//! `timestamp,serverhost,username,host,connectionid,queryid,operation,database,object,retcode`
//!
//! Nothing is quoted but the statement of a `QUERY`, in which `'` is `\'`: the statement ends at the
//! last `',` of the line. A line feed in a statement is `\n`, so a line of the text is a line of the
//! log. User names may hold commas, and somebody who tries to log in chooses one: where the columns
//! do not fit from the left, they are found by `,number,number,OPERATION,`.
//!
//! The time is `20261122 09:15:02`, from MariaDB 12.0 on in a form that the server is told, in Aurora
//! microseconds since 1970, and in syslog messages it is not there at all; these have a text of the
//! server's owner and a blank in front of the server's name.

use std::ops::Range;

/// The columns of a line, in order, and Aurora's time.
pub const COLUMNS: [&str; 11] = [
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
    "timestamp_us",
];

/// The column of Aurora's time.
const MICROSECONDS: usize = 10;

/// The columns of a line: where each is, empty if it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the order of [`COLUMNS`]; `None` for a column that is cut off, or that is not there.
    pub columns: [Option<Range<usize>>; 11],
    /// Whether the line has its end.
    pub is_complete: bool,
}

/// `20261122 09:15:02,`: what every line of a file begins with by default.
const STAMP: &[u8; 18] = b"dddddddd dd:dd:dd,";
/// `1795338902123456,`: what Aurora's begin with.
const EPOCH: &[u8; 17] = b"dddddddddddddddd,";
/// Longest time in another form, in bytes.
const LONGEST_STAMP: usize = 40;
/// Where the operation of a line with such a time has to be.
const LONGEST_HEAD: usize = 1024;
/// What the plug-in logs.
const OPERATIONS: [&[u8]; 12] = [
    b"QUERY",
    b"CONNECT",
    b"DISCONNECT",
    b"FAILED_CONNECT",
    b"CHANGEUSER",
    b"PROXY_CONNECT",
    b"READ",
    b"WRITE",
    b"CREATE",
    b"ALTER",
    b"DROP",
    b"RENAME",
];

/// Whether a text begins like a line of a file.
#[inline]
pub fn begins_like_line(text: &[u8]) -> bool {
    fits(text, STAMP) || fits(text, EPOCH) || other_stamp(text).is_some()
}

#[inline]
fn fits(text: &[u8], form: &[u8]) -> bool {
    text.len() > form.len()
        && form.iter().zip(text).all(|(form, byte)| match form {
            b'd' => byte.is_ascii_digit(),
            form => form == byte,
        })
}

/// The end of a time in another form. Many logs begin with a time and a comma, so what follows must
/// be a line of this log.
fn other_stamp(text: &[u8]) -> Option<usize> {
    let end = stamp(text)?;
    let ids = find_ids(&text[..text.len().min(LONGEST_HEAD)], column(text, end + 1)?.end + 1)?;
    let operation = text[ids].rsplit(|byte| *byte == b',').next()?;
    OPERATIONS.contains(&operation).then_some(end)
}

/// The end of what may be a time: a digit, and up to a comma nothing that no form of time has.
fn stamp(text: &[u8]) -> Option<usize> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let is_part = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b':' | b'.' | b'/' | b'+' | b'-')
    };
    // PERF: many lines begin with a digit, few have a comma so soon.
    let len = memchr::memchr(b',', &text[..text.len().min(LONGEST_STAMP)])?;
    text[..len].iter().all(is_part).then_some(len)
}

/// Whether a text begins with a time in the form of `stamp`, and a comma.
fn has_stamp_like(text: &[u8], stamp: &[u8]) -> bool {
    text.get(stamp.len()) == Some(&b',')
        && stamp.iter().zip(text).all(|(form, byte)| match form {
            form if form.is_ascii_digit() => byte.is_ascii_digit(),
            form if form.is_ascii_alphabetic() => byte.is_ascii_alphabetic(),
            form => form == byte,
        })
}

/// The first line of `text` at or behind `at`; `None` if there is no more. A line goes on until a
/// line feed behind which another begins, so that a statement with raw line feeds stays whole.
pub fn next_line(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + text.get(at..)?.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let rest = &text[start..];
    // PERF: mostly a text is one line.
    let mut known = None;
    let mut begins_line = |text: &[u8]| {
        let stamp = *known.get_or_insert_with(|| stamp(rest).map(|end| &rest[..end]));
        stamp.is_some_and(|stamp| has_stamp_like(text, stamp))
    };
    let feed = memchr::memchr_iter(b'\n', rest).find(|feed| begins_line(&rest[feed + 1..]));
    let mut end = feed.unwrap_or(rest.len());
    while end > 0 && matches!(rest[end - 1], b'\r' | b'\n') {
        end -= 1;
    }
    Some(start..start + end)
}

/// Splits a line of a file; `None` if it is none.
pub fn read(line: &[u8]) -> Option<Line> {
    let (column, end) = if fits(line, STAMP) {
        (0, STAMP.len() - 1)
    } else if fits(line, EPOCH) {
        (MICROSECONDS, EPOCH.len() - 1)
    } else {
        (0, other_stamp(line)?)
    };
    let mut found = read_from(line, end + 1)?;
    found.columns[column] = Some(0..end);
    Some(found)
}

/// Splits the message of a line that went to syslog; `None` if it is none.
pub fn read_message(message: &[u8]) -> Option<Line> {
    let comma = memchr::memchr(b',', message)?;
    let blank = memchr::memrchr(b' ', &message[..comma]);
    read_from(message, blank.map_or(0, |blank| blank + 1))
}

/// Splits a line whose server stands at `start`.
fn read_from(line: &[u8], start: usize) -> Option<Line> {
    let server = column(line, start)?;
    let middle = server.end + 1;
    let ids = find_ids(line, middle)?;
    // Between the server and the ids: a user, and a host, which has no comma.
    let between = line.get(middle..ids.start.checked_sub(1)?)?;
    let comma = memchr::memrchr(b',', between)?;
    let connection = column(line, ids.start)?;
    let query = column(line, connection.end + 1)?;
    let operation = column(line, query.end + 1)?;
    let mut columns = [const { None }; 11];
    let head = [
        server,
        middle..middle + comma,
        middle + comma + 1..ids.start - 1,
        connection,
        query,
        operation.clone(),
    ];
    for (to, found) in columns[1..].iter_mut().zip(head) {
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
        assert_eq!(columns(line)[..10], expected.map(Some));
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
    fn times_of_other_forms() {
        let rest = "db-1,app,192.0.2.9:51022,41,907,QUERY,shop,'SELECT 1',0";
        for (stamp, column) in [
            ("1795338902123456", MICROSECONDS),
            ("2026-11-22T09:15:02", 0),
            ("2026-11-22 09:15:02.123456", 0),
            ("22/Nov/2026:09:15:02 +0100", 0),
        ] {
            let line = format!("{stamp},{rest}");
            assert!(begins_like_line(line.as_bytes()), "{line}");
            let found = columns(&line);
            assert_eq!(found[column], Some(stamp));
            assert_eq!(found[1..4], ["db-1", "app", "192.0.2.9:51022"].map(Some));
            assert_eq!(found[6..10], ["QUERY", "shop", "SELECT 1", "0"].map(Some));
            let text = format!("{line}\n{line}");
            assert_eq!(next_line(text.as_bytes(), 0), Some(0..line.len()));
        }
    }

    #[test]
    fn messages_of_syslog_have_no_time() {
        let found = |message: &str| {
            let found = read_message(message.as_bytes()).expect("a message");
            found.columns.map(|column| column.map(|range| message[range].to_owned()))
        };
        let expected = [None, Some("vm"), Some("root"), Some("localhost"), Some("4"), Some("1")];
        for info in ["prod-db1 ", "two words ", " ", ""] {
            let found = found(&format!("{info}vm,root,localhost,4,1,QUERY,,'SELECT \\'a b\\'',0"));
            assert_eq!(found.each_ref().map(Option::as_deref)[..6], expected, "{info:?}");
            assert_eq!(found[8].as_deref(), Some("SELECT \\'a b\\'"));
        }
        for text in ["", "a", "started, 1,2,3", "a b,c d,e,1,2"] {
            assert_eq!(read_message(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_lines() {
        for text in [
            "",
            "20261122 09:15:02",
            "20261122 09:15:02,",
            "20261122 09:15:02,a",
            "20261122 09:15:02,level,message, with commas",
            "2026-11-22 09:15:02,123 INFO message, with commas, 1, 2, QUERY,",
            "2026-11-22T09:15:02,a,b,c,1,2,OTHER,d,e,0",
            "1795338902123456",
            "1795338902123456,",
            "203.0.113.9,-,-,1,2,GET,x",
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
