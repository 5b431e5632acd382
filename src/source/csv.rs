//! Records of Percona Server's audit_log plug-in in its CSV format.
//!
//! Every column is quoted but the status, `"` within quotes is doubled, and a statement keeps its line
//! feeds. Statements and sessions have different columns and no head that says so; the status, which
//! alone has no quotes, stands in the sixth place of the one and in the fifth of the other.

use std::ops::Range;

/// The columns of a record, in the terms of the plug-in's JSON format.
pub const COLUMNS: [&str; 18] = [
    "audit_record.name",
    "audit_record.record",
    "audit_record.timestamp",
    "audit_record.command_class",
    "audit_record.connection_id",
    "audit_record.status",
    "audit_record.sqltext",
    "audit_record.user",
    "audit_record.host",
    "audit_record.os_user",
    "audit_record.ip",
    "audit_record.db",
    "audit_record.priv_user",
    "audit_record.os_login",
    "audit_record.proxy_user",
    "audit_record.mysql_version",
    "audit_record.startup_options",
    "audit_record.os_version",
];

/// Which of [`COLUMNS`] the cells of a statement are.
const STATEMENT: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/// Of a session.
const SESSION: [u8; 12] = [0, 1, 2, 4, 5, 7, 12, 13, 14, 8, 10, 11];
/// Of the plug-in itself, when it starts and ends.
const PLUGIN: [u8; 6] = [0, 1, 2, 15, 16, 17];

/// Most cells of a record.
pub const CELLS: usize = 12;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The bytes between its quotes.
    pub text: Range<usize>,
    /// Which of [`COLUMNS`] it is.
    pub column: u8,
    /// Whether a quote in it is doubled.
    pub has_quotes: bool,
}

/// The cells of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// In the order they stand.
    pub cells: [Option<Cell>; CELLS],
    /// Whether the record has its end.
    pub is_complete: bool,
}

/// Whether a text begins like a record: `"Query","22567_2026-11-22T09:15:02","2026-11-22T...`.
pub fn begins_like_record(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"\"") else { return false };
    // Names are of letters and blanks, as `Init DB`.
    let is_name = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b' ';
    let name = rest.iter().take(32).take_while(is_name).count();
    let Some(rest) = rest[name..].strip_prefix(b"\",\"").filter(|_| name > 0) else { return false };
    let number = rest.iter().take(21).take_while(|byte| byte.is_ascii_digit()).count();
    number > 0 && rest.get(number) == Some(&b'_')
}

/// The first record of `text` at or behind `at`; `None` if there is no more. It goes on until a line
/// feed outside quotes.
pub fn next_record(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + text.get(at..)?.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut is_quoted = false;
    let marks = memchr::memchr2_iter(b'"', b'\n', &text[start..]);
    let mut end = text.len();
    for mark in marks {
        if text[start + mark] == b'"' {
            is_quoted = !is_quoted;
        } else if !is_quoted {
            end = start + mark;
            break;
        }
    }
    while end > start && matches!(text[end - 1], b'\r' | b'\n') {
        end -= 1;
    }
    Some(start..end)
}

/// Splits a record; `None` if it is none.
pub fn read(record: &[u8]) -> Option<Record> {
    if !begins_like_record(record) {
        return None;
    }
    let mut found: [Option<(Range<usize>, bool)>; CELLS] = [const { None }; CELLS];
    let (mut count, mut status) = (0, None);
    let mut at = 0;
    let is_whole = loop {
        let is_quoted = record.get(at) == Some(&b'"');
        let (text, has_quotes, behind) =
            if is_quoted { quoted(record, at + 1) } else { (plain(record, at), false, None) };
        let end = if is_quoted { behind } else { Some(text.end) };
        if !is_quoted {
            status = status.or(Some(count));
        }
        let is_empty = !is_quoted && text.is_empty();
        let Some(place) = found.get_mut(count) else { break false };
        *place = Some((text, has_quotes));
        count += 1;
        match end {
            // Cut off behind a comma.
            _ if is_empty => break false,
            // Cut off within quotes.
            None => break false,
            Some(end) if end == record.len() => break true,
            Some(end) if record[end] == b',' => at = end + 1,
            Some(_) => break false,
        }
    };
    let columns: &[u8] = match status {
        Some(4) => &SESSION,
        None if record.starts_with(b"\"Audit\"") || record.starts_with(b"\"NoAudit\"") => &PLUGIN,
        _ => &STATEMENT,
    };
    let mut cells = [const { None }; CELLS];
    for ((to, cell), column) in cells.iter_mut().zip(found).zip(columns) {
        *to = cell.map(|(text, has_quotes)| Cell { text, column: *column, has_quotes });
    }
    Some(Record { cells, is_complete: is_whole && count == columns.len() })
}

/// The text of a cell behind its quote, whether a quote in it is doubled, and the offset behind its
/// closing quote, if it has one.
fn quoted(record: &[u8], start: usize) -> (Range<usize>, bool, Option<usize>) {
    let mut has_quotes = false;
    let mut at = start;
    while let Some(quote) = memchr::memchr(b'"', &record[at..]).map(|len| at + len) {
        if record.get(quote + 1) != Some(&b'"') {
            return (start..quote, has_quotes, Some(quote + 1));
        }
        has_quotes = true;
        at = quote + 2;
    }
    (start..record.len(), has_quotes, None)
}

/// The text of a cell without quotes.
fn plain(record: &[u8], start: usize) -> Range<usize> {
    let len = memchr::memchr(b',', &record[start..]);
    start..len.map_or(record.len(), |len| start + len)
}

/// Appends the text of a cell with its quotes single.
pub fn decode(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 1..];
        rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = "\"Query\",\"7_2026-11-22T09:00:00\",\"2026-11-22T09:15:02 UTC\",\
        \"select\",\"12\",1146,\"SELECT \"\"a,b\"\"\nFROM t\",\"app[app] @  [192.0.2.9]\",\"\",\"\",\"192.0.2.9\",\"shop\"";
    const SESSION: &str = "\"Connect\",\"8_2026-11-22T09:00:00\",\"2026-11-22T09:15:02 UTC\",\
        \"13\",1045,\"root\",\"root\",\"\",\"\",\"web-1\",\"198.51.100.7\",\"shop\"";

    fn columns(record: &str) -> Vec<(&str, &str)> {
        let found = read(record.as_bytes()).expect("a record");
        let cells = found.cells.into_iter().flatten();
        cells
            .map(|cell| {
                let name = COLUMNS[cell.column as usize].trim_start_matches("audit_record.");
                (name, &record[cell.text])
            })
            .collect()
    }

    #[test]
    fn statements_and_sessions_have_their_columns() {
        let found = columns(STATEMENT);
        assert_eq!(
            found[5..8],
            [
                ("status", "1146"),
                ("sqltext", "SELECT \"\"a,b\"\"\nFROM t"),
                ("user", "app[app] @  [192.0.2.9]"),
            ]
        );
        assert_eq!(found[10..], [("ip", "192.0.2.9"), ("db", "shop")]);
        let found = columns(SESSION);
        assert_eq!(
            found[3..7],
            [("connection_id", "13"), ("status", "1045"), ("user", "root"), ("priv_user", "root"),]
        );
        assert_eq!(found[9..], [("host", "web-1"), ("ip", "198.51.100.7"), ("db", "shop")]);
        let plugin = "\"Audit\",\"1_2026-11-22T09:00:00\",\"2026-11-22T09:00:00 UTC\",\"8.0.42-33\",\"--x\",\"x86_64-Linux\"";
        assert_eq!(columns(plugin)[3], ("mysql_version", "8.0.42-33"));
        for record in [STATEMENT, SESSION, plugin] {
            assert!(read(record.as_bytes()).is_some_and(|found| found.is_complete));
        }
        let mut text = Vec::new();
        decode(br#"SELECT ""a"" """#, &mut text);
        assert_eq!(text, br#"SELECT "a" ""#);
    }

    #[test]
    fn records_follow_each_other_and_line_feeds_in_quotes_stay() {
        let text = format!("\n{STATEMENT}\r\n{SESSION}\n\n");
        let first = next_record(text.as_bytes(), 0).expect("a record");
        assert_eq!(&text[first.clone()], STATEMENT);
        let second = next_record(text.as_bytes(), first.end).expect("a record");
        assert_eq!(&text[second.clone()], SESSION);
        assert_eq!(next_record(text.as_bytes(), second.end), None);
    }

    #[test]
    fn a_record_that_is_cut_off_keeps_what_it_has() {
        for record in [STATEMENT, SESSION] {
            for len in 0..record.len() {
                let Some(found) = read(&record.as_bytes()[..len]) else { continue };
                assert!(!found.is_complete, "{}", &record[..len]);
            }
        }
        let found = columns(&STATEMENT[..STATEMENT.len() - 60]);
        assert_eq!(found[6], ("sqltext", "SELECT \"\"a,b"));
    }

    #[test]
    fn other_texts_are_no_records() {
        for text in
            ["", "\"", "\"Query\"", "\"a\",\"b\"", "\"\",\"1_\"", "Query,1_2", "\"a\",\"1\""]
        {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
