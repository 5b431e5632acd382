//! URLs in one spelling, for the lists of the compiler and for events alike.
//!
//! * the scheme and the host are in lower case; a dot at the end of the host goes;
//! * a user and password before the host go, and so does the port that the scheme has anyway;
//! * the fragment goes; so does one `/` at the end of the path, also where that is all of it;
//! * escapes of characters that need none are undone, the others are in upper case.
//!
//! Everything else stays as it is: paths and queries differ by case, and `..` is not followed.

use crate::limits::INDICATOR_BYTES;
use std::ops::Range;

/// Longest text that is looked at: escapes take three bytes for one.
pub const LONGEST: usize = 3 * INDICATOR_BYTES;

/// Schemes that are told from what stands before them without a blank, with their ports.
const SCHEMES: [(&[u8], &[u8]); 10] = [
    (b"http", b"80"),
    (b"https", b"443"),
    (b"ftp", b"21"),
    (b"ftps", b"990"),
    (b"sftp", b"22"),
    (b"tftp", b"69"),
    (b"ldap", b"389"),
    (b"ldaps", b"636"),
    (b"smb", b"445"),
    (b"ws", b"80"),
];

/// Where a scheme begins that ends at `end`, before `://`: at the longest scheme that is known, else
/// at the first of its characters. `None` without any.
pub fn scheme_start(text: &[u8], end: usize) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let before = text.get(end.saturating_sub(16)..end)?;
    let len = before.iter().rev().take_while(|byte| is_part(byte)).count();
    let own = &before[before.len() - len..];
    let ends = |scheme: &&[u8]| {
        let end = own.len().checked_sub(scheme.len()).map(|start| &own[start..]);
        end.is_some_and(|end| end.eq_ignore_ascii_case(scheme))
    };
    let known = SCHEMES.iter().map(|(scheme, _)| *scheme).filter(ends).map(<[u8]>::len);
    if let Some(len) = known.max() {
        return Some(end - len);
    }
    let first = own.iter().position(u8::is_ascii_alphabetic)?;
    Some(end - len + first)
}

/// The port of a known scheme.
fn port_of(scheme: &[u8]) -> Option<&'static [u8]> {
    SCHEMES.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, port)| *port)
}

/// The parts of a URL, as places in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The scheme; empty where the text begins with `//`.
    pub scheme: Range<usize>,
    /// The host, with brackets around an IPv6 address.
    pub host: Range<usize>,
    /// The port behind a colon, may be empty.
    port: Range<usize>,
    /// Path and query.
    rest: Range<usize>,
}

/// Takes `scheme://...` or `//...` apart. `None` if it is neither or has no host.
pub fn parts(text: &[u8]) -> Option<Parts> {
    let mut scheme = 0..0;
    let mut at = 0;
    if !text.starts_with(b"//") {
        let end = text.iter().position(|byte| *byte == b':')?;
        let own = &text[..end];
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !own.first()?.is_ascii_alphabetic() || !own.iter().all(is_part) {
            return None;
        }
        if !text[end + 1..].starts_with(b"//") {
            return None;
        }
        scheme = 0..end;
        at = end + 1;
    }
    at += 2;
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
    let end = text[at..].iter().position(ends).map_or(text.len(), |len| at + len);
    if let Some(user) = text[at..end].iter().rposition(|byte| *byte == b'@') {
        at += user + 1;
    }
    let authority = &text[at..end];
    let host = match authority.first()? {
        b'[' => authority.iter().position(|byte| *byte == b']')? + 1,
        _ => authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()),
    };
    let port = match authority.get(host) {
        None => end..end,
        Some(b':') => at + host + 1..end,
        Some(_) => return None,
    };
    let mut host = at..at + host;
    while host.len() > 1 && text[host.end - 1] == b'.' {
        host.end -= 1;
    }
    let rest =
        text[end..].iter().position(|byte| *byte == b'#').map_or(text.len(), |len| end + len);
    (!host.is_empty()).then_some(Parts { scheme, host, port, rest: end..rest })
}

/// Appends a URL in the one spelling and returns where it begins without its scheme: at `//`. `None`,
/// and nothing was appended, if the text is none.
pub fn normalise(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    if text.len() > LONGEST {
        return None;
    }
    let parts = parts(text)?;
    let lower = |range: &Range<usize>, out: &mut Vec<u8>| {
        let start = out.len();
        out.extend_from_slice(&text[range.clone()]);
        out[start..].make_ascii_lowercase();
    };
    if !parts.scheme.is_empty() {
        lower(&parts.scheme, out);
        out.push(b':');
    }
    let own = out.len();
    out.extend_from_slice(b"//");
    lower(&parts.host, out);
    let port = &text[parts.port.clone()];
    let scheme = &text[parts.scheme.clone()];
    let is_default = match scheme {
        b"" => matches!(port, b"80" | b"443"),
        _ => port_of(scheme) == Some(port),
    };
    if !port.is_empty() && !is_default {
        out.push(b':');
        out.extend_from_slice(port);
    }
    let path = out.len();
    unescape(&text[parts.rest], out);
    let query = out[path..].iter().position(|byte| *byte == b'?').map_or(out.len(), |at| path + at);
    if query > path && out[query - 1] == b'/' {
        out.remove(query - 1);
    }
    Some(own)
}

/// Appends a path and query with the escapes that they need.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < text.len() {
        let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let escaped = match text[at] {
            b'%' => digit(at + 1).zip(digit(at + 2)),
            _ => None,
        };
        let Some((high, low)) = escaped else {
            out.push(text[at]);
            at += 1;
            continue;
        };
        let byte = (high * 16 + low) as u8;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend([
                b'%',
                text[at + 1].to_ascii_uppercase(),
                text[at + 2].to_ascii_uppercase(),
            ]);
        }
        at += 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        let mut out = Vec::new();
        normalise(text.as_bytes(), &mut out)?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn urls_have_one_spelling() {
        for (text, expected) in [
            ("http://evil.example", "http://evil.example"),
            ("http://evil.example/", "http://evil.example"),
            ("HTTP://Evil.Example./A/", "http://evil.example/A"),
            ("http://evil.example:80/a", "http://evil.example/a"),
            ("http://evil.example:/a", "http://evil.example/a"),
            ("https://evil.example:443", "https://evil.example"),
            ("https://evil.example:80/", "https://evil.example:80"),
            ("http://u:p@evil.example/a#top", "http://evil.example/a"),
            ("http://u@x@evil.example/", "http://evil.example"),
            ("http://evil.example/%7euser/%2f%3F", "http://evil.example/~user/%2F%3F"),
            ("http://evil.example/a%", "http://evil.example/a%"),
            ("http://evil.example/a%2", "http://evil.example/a%2"),
            ("http://evil.example?q=1#f", "http://evil.example?q=1"),
            ("http://evil.example/?q=/", "http://evil.example?q=/"),
            ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
            ("//Evil.example:443/x", "//evil.example/x"),
            ("x-own://host/a", "x-own://host/a"),
            ("http://evil.example\\@good.example/", "http://evil.example\\@good.example"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(expected), "{text}");
            assert_eq!(normal(expected).as_deref(), Some(expected), "{expected} again");
        }
        assert_eq!(normal("http://evil.example//").as_deref(), Some("http://evil.example/"));
        for text in [
            "",
            "http",
            "http:",
            "http:/",
            "http://",
            "http:///a",
            "http://:80",
            "1a://x",
            "http://[::1",
            "http://[::1]x/",
            "a b://x",
            "evil.example/x",
            "http://u@/x",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
    }

    #[test]
    fn schemes_begin_behind_what_is_glued_to_them() {
        for (text, scheme) in [
            ("http", "http"),
            ("xhttps", "https"),
            ("nhttp", "http"),
            ("u=ftp", "ftp"),
            ("svn+ssh", "svn+ssh"),
            ("1x", "x"),
            ("a b", "b"),
        ] {
            let start = scheme_start(text.as_bytes(), text.len()).unwrap();
            assert_eq!(&text[start..], scheme, "{text}");
        }
        assert_eq!(scheme_start(b"12", 2), None);
        assert_eq!(scheme_start(b"", 0), None);
    }
}
