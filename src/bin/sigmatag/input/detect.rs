//! What a file is, by its first bytes.

use super::InputFormat;
use super::utf16::Utf16;
use flate2::read::MultiGzDecoder;
use std::io::{self, Cursor, Read};

/// How far to look for the end of the first line.
const WINDOW: usize = 64 << 10;
/// Wrappers inside each other; more is an attack.
const MAX_WRAPPERS: usize = 4;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// An input of which the beginning was looked at.
pub type Peeked = io::Chain<Cursor<Vec<u8>>, Box<dyn Read>>;

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// One JSON text on each line.
    JsonLines,
    /// JSON texts in any layout, also in arrays.
    Json,
    /// Lines of text.
    Text,
    /// msgpack.
    Msgpack,
}

/// An input ready to be read.
pub struct Detected {
    pub content: Content,
    /// Unpacked, without a byte order mark.
    pub bytes: Peeked,
    /// Whether there was a byte order mark of UTF-8.
    pub has_mark: bool,
}

/// Unpacks an input and finds out what it is. `is_json_file`: its name says that it is JSON.
pub fn detect(
    input: Box<dyn Read>,
    format: InputFormat,
    is_json_file: bool,
) -> io::Result<Detected> {
    let mut input = input;
    for _ in 0..MAX_WRAPPERS {
        let mut first = Vec::new();
        let wants_text = format != InputFormat::Msgpack;
        let line = peek(&mut *input, &mut first, 2, |_| false)?;
        debug_assert!(line <= 2);
        if first.starts_with(&GZIP) {
            input = Box::new(MultiGzDecoder::new(Cursor::new(first).chain(input)));
            continue;
        }
        if wants_text && (first == [0xFF, 0xFE] || first == [0xFE, 0xFF]) {
            input = Box::new(Utf16::new(input, first == [0xFE, 0xFF]));
            continue;
        }
        peek(&mut *input, &mut first, WINDOW, is_decided)?;
        let has_mark = wants_text && first.starts_with(MARK);
        if has_mark {
            first.drain(..MARK.len());
        }
        let content = content(&first, format, is_json_file);
        return Ok(Detected { content, bytes: Cursor::new(first).chain(input), has_mark });
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "gzip inside gzip inside gzip"))
}

/// Reads until there are `enough` bytes, `decided` says so, or the end.
fn peek(
    input: &mut dyn Read,
    seen: &mut Vec<u8>,
    enough: usize,
    decided: impl Fn(&[u8]) -> bool,
) -> io::Result<usize> {
    while seen.len() < enough && !decided(seen) {
        let mut block = [0; 4096];
        let wanted = block.len().min(enough - seen.len());
        match input.read(&mut block[..wanted]) {
            Ok(0) => break,
            Ok(read) => seen.extend_from_slice(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(seen.len().min(enough))
}

/// Whether more bytes would not change the answer: whoever types into a terminal waits for it.
fn is_decided(seen: &[u8]) -> bool {
    let seen = seen.strip_prefix(MARK).unwrap_or(seen);
    if is_packed(seen) {
        return true;
    }
    let mut lines = Lines(seen);
    match lines.next() {
        None => false,
        Some(first) if matches!(first[0], b'{' | b'[') => is_whole(first) || lines.next().is_some(),
        Some(_) => true,
    }
}

fn content(first: &[u8], format: InputFormat, is_json_file: bool) -> Content {
    match format {
        InputFormat::Lines => return Content::Text,
        InputFormat::Msgpack => return Content::Msgpack,
        InputFormat::Auto if is_packed(first) => return Content::Msgpack,
        InputFormat::Auto | InputFormat::Json => {}
    }
    let is_json = is_json_file || format == InputFormat::Json;
    let text = first.trim_ascii_start();
    let other = if is_json { Content::JsonLines } else { Content::Text };
    match text.first() {
        Some(b'{') => object(text),
        // An array of records, and not `[2026-03-04 05:06:07] started` or `[1,2]`.
        Some(b'[') => match text[1..].trim_ascii_start().first() {
            Some(b'{') => Content::Json,
            Some(b']') if is_array_alone(text) => Content::Json,
            None if is_json => Content::Json,
            _ => other,
        },
        _ => other,
    }
}

fn is_array_alone(text: &[u8]) -> bool {
    let rest = text[1..].trim_ascii_start();
    rest[1..].trim_ascii().is_empty()
}

/// The first line that is not blank begins with an object.
fn object(text: &[u8]) -> Content {
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    if is_whole(first) {
        return Content::JsonLines;
    }
    // Cut off in the middle, as the first line of a rotated log may be: the next line begins a
    // record of its own. Inside a record an object stands behind a bracket, a comma or a colon.
    let is_cut = !matches!(first.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':'));
    match lines.next() {
        Some(second) if is_cut && is_whole(second) => Content::JsonLines,
        _ => Content::Json,
    }
}

/// Whether a line is one JSON text.
fn is_whole(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// Whether the bytes begin as a map, as an entry of a chunk, or as a chunk's file does. None of
/// that is UTF-8.
fn is_packed(first: &[u8]) -> bool {
    match first {
        [0x80..=0x8f | 0x92, ..] | [0xc1, 0x00, ..] => true,
        // A map of up to 65,535 pairs; in UTF-8 the second byte would be 80 to BF.
        [0xde, 0x00..=0x7f, ..] | [0xdf, 0x00, ..] | [0xdc, 0x00, ..] => true,
        _ => false,
    }
}

/// Lines that are complete and not blank.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let feed = memchr(self.0)?;
            let line = self.0[..feed].trim_ascii();
            self.0 = &self.0[feed + 1..];
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn of(bytes: &[u8], is_json_file: bool) -> Content {
        let input = Box::new(Cursor::new(bytes.to_vec()));
        detect(input, InputFormat::Auto, is_json_file).expect("readable").content
    }

    #[test]
    fn content_by_first_bytes() {
        for (bytes, expected) in [
            (&b"{\"a\":1}\n{\"a\":2}\n"[..], Content::JsonLines),
            (b"\n\n{\"a\":1}\n", Content::JsonLines),
            (b"\xEF\xBB\xBF{\"a\":1}", Content::JsonLines),
            (b"{\"a\":1,\"b\n{\"a\":2}\n", Content::JsonLines),
            (b"{\n  \"a\": 1\n}\n", Content::Json),
            (b"{\"a\":[\n{\"b\":1}]}\n", Content::Json),
            (b"{\"a\":1}{\"a\":2}", Content::Json),
            (b"[{\"a\":1}]", Content::Json),
            (b" [\n {\"a\":1}]", Content::Json),
            (b"[]\n", Content::Json),
            (b"[2026-03-04 05:06:07] started", Content::Text),
            (b"[1,2]\n", Content::Text),
            (b"20260304 05:06:07,shop-db-1,app,198.51.100.7,1,2,QUERY", Content::Text),
            (b"", Content::Text),
            (b"\x82\xa1a\x01", Content::Msgpack),
            (b"\x92\x92\xd7\x00", Content::Msgpack),
            (b"\xc1\x00", Content::Msgpack),
            ("Þ".as_bytes(), Content::Text),
            (b"\xff\xfe{\0}\0", Content::JsonLines),
        ] {
            assert_eq!(of(bytes, false), expected, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(of(b"oops\n{}\n", true), Content::JsonLines);
        assert_eq!(of(b"[1,2]\n{}\n", true), Content::JsonLines);
    }

    #[test]
    fn gzip_is_unpacked_and_not_forever() {
        let gzip = |bytes: &[u8]| {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).expect("memory");
            out.finish().expect("memory")
        };
        let once = gzip(b"{\"a\":1}\n");
        assert_eq!(of(&once, false), Content::JsonLines);
        let mut many = once;
        for _ in 0..MAX_WRAPPERS {
            many = gzip(&many);
        }
        assert!(detect(Box::new(Cursor::new(many)), InputFormat::Auto, false).is_err());
    }
}
