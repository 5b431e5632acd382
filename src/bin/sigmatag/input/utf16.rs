//! UTF-16 as Windows tools write it, read as UTF-8.

use std::io::{self, Read};

/// Reads UTF-16 and gives UTF-8. What is no UTF-16 becomes U+FFFD.
pub struct Utf16<R> {
    input: R,
    big_endian: bool,
    /// Read and not yet decoded: half a unit, or the first half of a pair.
    raw: Vec<u8>,
    /// Decoded and not yet taken.
    decoded: Vec<u8>,
    taken: usize,
}

impl<R: Read> Utf16<R> {
    /// Reads behind a byte order mark.
    pub fn new(input: R, big_endian: bool) -> Utf16<R> {
        Utf16 { input, big_endian, raw: Vec::new(), decoded: Vec::new(), taken: 0 }
    }

    /// Reads on; whether there was anything.
    fn refill(&mut self) -> io::Result<bool> {
        let mut block = [0; 16 << 10];
        let read = self.input.read(&mut block)?;
        self.raw.extend_from_slice(&block[..read]);
        self.decoded.clear();
        self.taken = 0;
        let unit = |pair: &[u8]| {
            let pair = [pair[0], pair[1]];
            if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
        };
        let mut whole = self.raw.len() / 2 * 2;
        if read > 0 && whole > 0 && (0xD800..0xDC00).contains(&unit(&self.raw[whole - 2..])) {
            whole -= 2;
        }
        let units = self.raw[..whole].chunks_exact(2).map(unit);
        let text: String = char::decode_utf16(units)
            .map(|scalar| scalar.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.decoded.extend_from_slice(text.as_bytes());
        self.raw.drain(..whole);
        if read == 0 && !self.raw.is_empty() {
            self.raw.clear();
            self.decoded.extend_from_slice("\u{FFFD}".as_bytes());
        }
        Ok(read > 0 || !self.decoded.is_empty())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.decoded.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.decoded.len() - self.taken);
        out[..count].copy_from_slice(&self.decoded[self.taken..][..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            out[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn both_byte_orders_and_pairs_cut_anywhere() {
        let text = "{\"a\":\"é🦀\"}\r\n";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (bytes, is_big) in [(&little, false), (&big, true)] {
            let mut out = String::new();
            Utf16::new(Slow(bytes), is_big).read_to_string(&mut out).expect("UTF-8");
            assert_eq!(out, text);
        }
    }

    #[test]
    fn what_is_cut_is_replaced() {
        for bytes in [&b"a\0\x3e\xd8"[..], b"a\0b"] {
            let mut out = String::new();
            Utf16::new(bytes, false).read_to_string(&mut out).expect("UTF-8");
            assert_eq!(out, "a\u{FFFD}");
        }
    }
}
