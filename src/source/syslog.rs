//! The head that syslog puts before a message.
//!
//! RFC 3164 and RFC 5424, with or without the priority that receivers cut off, and the files that
//! daemons write: `Nov 22 09:15:02 host ident[17]: message`, `2026-11-22T09:15:02+00:00 host ident:
//! message`. A few programs are known by name, where nothing but the name stands before the message.

use std::ops::Range;

/// A head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The name of the program, without its number.
    pub ident: Range<usize>,
    /// Where the message begins.
    pub message: usize,
}

/// Longest word of a head, in bytes: RFC 5424 allows 255 for a host.
const WORD: usize = 256;

/// Programs that write events, for text without any other head.
const KNOWN: [&[u8]; 3] = [b"percona-audit", MARIADB, b"sysmon"];

/// Who writes the lines of MariaDB's audit plug-in, unless `server_audit_syslog_ident` says otherwise.
pub const MARIADB: &[u8] = b"mysql-server_auditing";

/// The head of a text; `None` if it has none.
pub fn head(text: &[u8]) -> Option<Head> {
    let first = *text.first()?;
    let start = if first == b'<' { priority(text)? } else { 0 };
    if start > 0
        && let Some(found) = structured(text, start)
    {
        return Some(found);
    }
    match time(text, start) {
        Some(at) => named(text, at).or_else(|| named(text, word(text, at)? + 1)),
        None if start > 0 => named(text, start).or_else(|| named(text, word(text, start)? + 1)),
        None => {
            let is_known = |name: &&[u8]| text.starts_with(name);
            KNOWN.iter().any(is_known).then(|| named(text, 0))?
        }
    }
}

/// The offset behind `<14>`.
fn priority(text: &[u8]) -> Option<usize> {
    let digits = text[1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&digits).then_some(())?;
    (text.get(digits + 1) == Some(&b'>')).then_some(digits + 2)
}

/// The offset behind a time and the blank after it: `Nov 22 09:15:02` or one that begins like
/// `2026-11-22T09:15:02`.
fn time(text: &[u8], at: usize) -> Option<usize> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let rest = text.get(at..)?;
    if rest.first()?.is_ascii_digit() {
        let is_time = fits(rest, b"dddd-dd-ddTdd:dd:dd");
        return is_time.then(|| word(text, at))?.map(|end| end + 1);
    }
    if !MONTHS.as_chunks::<3>().0.iter().any(|month| rest.starts_with(month)) {
        return None;
    }
    let has_year = fits(rest, b"??? ?d dddd dd:dd:dd ");
    let len = if has_year { 21 } else { 16 };
    (has_year || fits(rest, b"??? ?d dd:dd:dd ")).then_some(at + len)
}

/// Whether a text begins in a form: `d` is a digit, `?` any byte.
fn fits(text: &[u8], form: &[u8]) -> bool {
    text.len() >= form.len()
        && form.iter().zip(text).all(|(form, byte)| match form {
            b'd' => byte.is_ascii_digit(),
            b'?' => true,
            form => form == byte,
        })
}

/// The end of the word at `at`, where a blank is.
fn word(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(WORD).position(|byte| *byte == b' ')?;
    (len > 0).then_some(at + len)
}

/// `ident: ` or `ident[17]: ` at `at`.
fn named(text: &[u8], at: usize) -> Option<Head> {
    let end = word(text, at)?;
    let name = text[at..end].strip_suffix(b":")?;
    let len = name.iter().position(|byte| *byte == b'[').unwrap_or(name.len());
    (len > 0 && (len == name.len() || name.ends_with(b"]")))
        .then_some(Head { ident: at..at + len, message: end + 1 })
}

/// `1 time host app procid msgid data message`: RFC 5424.
fn structured(text: &[u8], at: usize) -> Option<Head> {
    if !text[at..].starts_with(b"1 ") {
        return None;
    }
    let _host = word(text, word(text, at + 2)? + 1)?;
    let ident = _host + 1..word(text, _host + 1)?;
    let id = word(text, word(text, ident.end + 1)? + 1)?;
    let data = id + 1;
    let end = match text.get(data)? {
        b'-' => data + 1,
        b'[' => data_end(text, data)?,
        _ => return None,
    };
    let message = match text.get(end..)? {
        [b' ', 0xef, 0xbb, 0xbf, ..] => end + 4,
        [b' ', ..] => end + 1,
        _ => return None,
    };
    Some(Head { ident, message })
}

/// The end of elements like `[id name="value"][id]`. In values `"`, `\` and `]` are escaped.
fn data_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    while text.get(at) == Some(&b'[') {
        let mut is_quoted = false;
        loop {
            at += 1;
            match text.get(at)? {
                b'\\' if is_quoted => at += 1,
                b'"' => is_quoted = !is_quoted,
                b']' if !is_quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(&str, &str)> {
        head(text.as_bytes()).map(|head| (&text[head.ident], &text[head.message..]))
    }

    #[test]
    fn heads_of_every_kind() {
        for (text, ident, message) in [
            ("<14>Nov 22 09:15:02 mysql-server_auditing: db vm,a", MARIADB, "db vm,a"),
            ("<14>Nov  2 09:15:02 db-1 percona-audit: {}", b"percona-audit", "{}"),
            ("<14>Nov  2 2026 09:15:02 db-1 percona-audit: {}", b"percona-audit", "{}"),
            ("Nov 22 09:15:02 db-1 percona-audit[17]: {}", b"percona-audit", "{}"),
            ("Nov 22 09:15:02 percona-audit: {}", b"percona-audit", "{}"),
            ("2026-11-22T09:15:02.12+01:00 h sysmon: <E>", b"sysmon", "<E>"),
            ("<14>percona-audit: {}", b"percona-audit", "{}"),
            ("<14>db-1 percona-audit: {}", b"percona-audit", "{}"),
            ("percona-audit: {}", b"percona-audit", "{}"),
            ("sysmon[4711]: x", b"sysmon", "x"),
            ("<14>1 2026-11-22T09:15:02Z db-1 audit 17 - - {}", b"audit", "{}"),
            ("<14>1 - - audit - - - \u{feff}{}", b"audit", "{}"),
            (r#"<14>1 2026-11-22T09:15:02Z h audit 17 ID [a@1 b="\"]" c=""][d] x"#, b"audit", "x"),
        ] {
            let ident = std::str::from_utf8(ident).expect("UTF-8");
            assert_eq!(parts(text), Some((ident, message)), "{text}");
        }
    }

    #[test]
    fn other_texts_have_none() {
        for text in [
            "",
            "<",
            "<14",
            "<14>",
            "<1400>x: y",
            "<Event>",
            "Nov",
            "Nov 22 09:15:02",
            "Nov 22 09:15:02 ",
            "Nov 22 09:15:02 host started a thing: x",
            "November: x",
            "2026-11-22 09:15:02 error: x",
            "2026-11-22T09:15:02Z",
            "error: {}",
            "percona-audit {}",
            "<14>1 2026-11-22T09:15:02Z h a 1 - [unclosed {}",
            r#"<14>1 2026-11-22T09:15:02Z h a 1 - [x y="\"#,
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
