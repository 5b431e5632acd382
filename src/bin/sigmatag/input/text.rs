//! Lines of text as records: `{"log":"..."}`, the way agents deliver a line that they tail.

use serde::de::IgnoredAny;
use std::collections::HashMap;

const BEFORE: &[u8] = b"{\"log\":\"";
const BEHIND: &[u8] = b"\"}";

/// Whether a line is a JSON object.
pub fn is_object(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<HashMap<String, IgnoredAny>>(line).is_ok()
}

/// Makes a record of a line. Gives the number of characters that were replaced because the bytes
/// are not UTF-8.
pub fn as_record(line: &[u8], out: &mut Vec<u8>) -> u64 {
    out.clear();
    out.extend_from_slice(BEFORE);
    let replaced = escape(line, out);
    out.extend_from_slice(BEHIND);
    replaced
}

/// Writes text as the inside of a JSON string.
pub fn escape(text: &[u8], out: &mut Vec<u8>) -> u64 {
    let mut replaced = 0;
    for chunk in text.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\t' => out.extend_from_slice(b"\\t"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
            replaced += 1;
        }
    }
    replaced
}

/// A line over the limit, which becomes a record in parts.
#[derive(Debug, Default)]
pub struct LongLine {
    /// The beginning of a character, or a carriage return that may belong to the line's end.
    held: Vec<u8>,
    is_open: bool,
}

impl LongLine {
    /// Whether the record still lacks its end.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The next part; with a line feed at its end, the last.
    pub fn part(&mut self, bytes: &[u8], first: bool, out: &mut Vec<u8>) {
        out.clear();
        if first {
            self.is_open = true;
            out.extend_from_slice(BEFORE);
        }
        self.held.extend_from_slice(bytes);
        if let Some(line) = self.held.strip_suffix(b"\n") {
            escape(line.strip_suffix(b"\r").unwrap_or(line), out);
            self.end(out);
            return;
        }
        let whole = self.held.len() - unfinished(&self.held);
        escape(&self.held[..whole], out);
        self.held.drain(..whole);
    }

    /// Ends a record whose line has no line feed; whether there was one.
    pub fn close(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.is_open {
            return false;
        }
        out.clear();
        escape(self.held.strip_suffix(b"\r").unwrap_or(&self.held), out);
        self.end(out);
        true
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(BEHIND);
        out.push(b'\n');
        self.held.clear();
        self.is_open = false;
    }
}

/// Bytes at the end that may be the beginning of something.
fn unfinished(bytes: &[u8]) -> usize {
    if bytes.ends_with(b"\r") {
        return 1;
    }
    let lead = bytes.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80);
    let Some(behind) = lead else { return 0 };
    let lead = bytes[bytes.len() - 1 - behind];
    let needed = match lead {
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..=0xFF => 4,
        _ => 1,
    };
    if behind + 1 < needed { behind + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_text_are_json() {
        let mut out = Vec::new();
        for (line, replaced) in [
            (&b"20260304 05:06:07,shop-db-1,app,\\'x\\'"[..], 0),
            (b"tab\there \"quoted\" \x01\x7f", 0),
            ("é 🦀".as_bytes(), 0),
            (b"\xff\xfe cut \xc3", 3),
        ] {
            assert_eq!(as_record(line, &mut out), replaced);
            let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(value["log"], *String::from_utf8_lossy(line));
            assert_eq!(
                value["log"].as_str().map(|text| text.matches('\u{FFFD}').count() as u64),
                Some(replaced)
            );
        }
    }

    #[test]
    fn long_lines_become_one_record_wherever_they_are_cut() {
        let line = "äöü 🦀 \"x\" \\ ende\r\n";
        for size in 1..line.len() {
            let (mut long, mut out, mut all) = (LongLine::default(), Vec::new(), Vec::new());
            for (at, part) in line.as_bytes().chunks(size).enumerate() {
                long.part(part, at == 0, &mut out);
                all.extend_from_slice(&out);
            }
            assert!(!long.is_open() && all.ends_with(b"}\n"));
            let value: serde_json::Value = serde_json::from_slice(&all).expect("JSON");
            assert_eq!(value["log"], line.trim_end(), "parts of {size}");
        }
    }

    #[test]
    fn a_long_line_may_lack_its_line_feed() {
        let (mut long, mut out, mut all) = (LongLine::default(), Vec::new(), Vec::new());
        long.part(b"abc\xc3", true, &mut out);
        all.extend_from_slice(&out);
        assert!(long.close(&mut out) && !long.is_open());
        all.extend_from_slice(&out);
        assert_eq!(all, "{\"log\":\"abc\u{FFFD}\"}\n".as_bytes());
        assert!(!long.close(&mut out));
    }
}
