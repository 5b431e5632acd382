//! Writes the members of a tag in the record's own format.

use crate::event::json::{encode_string, encode_string_at};
use crate::event::number::NumberText;

/// The format of a record's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Msgpack,
    Json,
}

/// Bytes of a part that are copied together, if there are as many.
pub(crate) const BLOCK: usize = 32;

/// Appends values to a buffer. msgpack wants the counts first and JSON the brackets last, so the
/// caller gives both.
pub(crate) struct Encoder<'a> {
    pub out: &'a mut Vec<u8>,
    pub format: Format,
}

impl Encoder<'_> {
    pub fn begin_map(&mut self, members: usize) {
        match self.format {
            Format::Json => self.out.push(b'{'),
            Format::Msgpack => map_header(self.out, members as u32, MapWidth::Fix),
        }
    }

    pub fn end_map(&mut self) {
        if self.format == Format::Json {
            self.out.push(b'}');
        }
    }

    /// Begins a member; its value follows.
    pub fn member(&mut self, first: bool, name: &[u8]) {
        self.element(first);
        self.string(name);
        if self.format == Format::Json {
            self.out.push(b':');
        }
    }

    pub fn begin_array(&mut self, elements: usize) {
        match self.format {
            Format::Json => self.out.push(b'['),
            Format::Msgpack => array_header(self.out, elements as u32, ArrayWidth::Fix),
        }
    }

    /// Begins an element; its value follows.
    pub fn element(&mut self, first: bool) {
        if self.format == Format::Json && !first {
            self.out.push(b',');
        }
    }

    pub fn end_array(&mut self) {
        if self.format == Format::Json {
            self.out.push(b']');
        }
    }

    pub fn string(&mut self, text: &[u8]) {
        match self.format {
            Format::Json => encode_string(text, self.out),
            Format::Msgpack => {
                // PERF: most texts are short.
                match text.len() {
                    len @ 0..=31 => self.out.push(0xa0 | len as u8),
                    len @ 32..=0xff => self.out.extend_from_slice(&[0xd9, len as u8]),
                    len => string_header(self.out, len as u32, StringWidth::Str(0)),
                }
                self.out.extend_from_slice(text);
            }
        }
    }

    /// The text of `len` bytes at `start` of `data`.
    #[inline(always)]
    pub fn string_at(&mut self, data: &[u8], start: usize, len: usize) {
        match self.format {
            Format::Json => encode_string_at(data, start, len, self.out),
            // PERF: a copy of fixed length is no call, and what stands behind a text does no harm.
            Format::Msgpack => match data.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
                Some(block) if len < BLOCK => {
                    self.out.push(0xa0 | len as u8);
                    self.block(block, len);
                }
                _ => self.string(data.get(start..start.saturating_add(len)).unwrap_or_default()),
            },
        }
    }

    /// The `len` bytes at `start` of `data`, as they are.
    #[inline(always)]
    pub fn raw_at(&mut self, data: &[u8], start: usize, len: usize) {
        match data.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) if len <= BLOCK => self.block(block, len),
            _ => {
                let raw = data.get(start..start.saturating_add(len)).unwrap_or_default();
                self.out.extend_from_slice(raw);
            }
        }
    }

    /// The first `len` bytes of a block.
    #[inline(always)]
    fn block(&mut self, block: &[u8; BLOCK], len: usize) {
        let end = self.out.len() + len;
        self.out.extend_from_slice(block);
        self.out.truncate(end);
    }

    pub fn boolean(&mut self, value: bool) {
        match (self.format, value) {
            (Format::Json, true) => self.out.extend_from_slice(b"true"),
            (Format::Json, false) => self.out.extend_from_slice(b"false"),
            (Format::Msgpack, value) => self.out.push(0xc2 + u8::from(value)),
        }
    }

    pub fn integer(&mut self, value: i64) {
        if let Ok(value) = u32::try_from(value) {
            return self.number(value);
        }
        match self.format {
            Format::Json => self.out.extend_from_slice(NumberText::new().int(value.into())),
            Format::Msgpack => match (i8::try_from(value), i16::try_from(value)) {
                (Ok(value), _) if value >= -32 => self.out.push(value as u8),
                (Ok(value), _) => self.out.extend_from_slice(&[0xd0, value as u8]),
                (_, Ok(value)) => {
                    self.out.push(0xd1);
                    self.out.extend_from_slice(&value.to_be_bytes());
                }
                _ => {
                    self.out.push(if value < 0 { 0xd3 } else { 0xcf });
                    self.out.extend_from_slice(&value.to_be_bytes());
                }
            },
        }
    }

    pub fn number(&mut self, value: u32) {
        match self.format {
            Format::Json => {
                let mut digits = [0u8; 10];
                let mut at = digits.len();
                let mut rest = value;
                loop {
                    at -= 1;
                    digits[at] = b'0' + (rest % 10) as u8;
                    rest /= 10;
                    if rest == 0 {
                        break;
                    }
                }
                self.out.extend_from_slice(&digits[at..]);
            }
            Format::Msgpack => match value {
                0..=0x7f => self.out.push(value as u8),
                0x80..=0xff => self.out.extend_from_slice(&[0xcc, value as u8]),
                0x100..=0xffff => {
                    self.out.push(0xcd);
                    self.out.extend_from_slice(&(value as u16).to_be_bytes());
                }
                _ => {
                    self.out.push(0xce);
                    self.out.extend_from_slice(&value.to_be_bytes());
                }
            },
        }
    }
}

/// The least width of an array header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ArrayWidth {
    Fix,
    Array16,
    Array32,
}

impl ArrayWidth {
    /// The width that a header byte says.
    pub fn of(byte: u8) -> ArrayWidth {
        match byte {
            0xdc => ArrayWidth::Array16,
            0xdd => ArrayWidth::Array32,
            _ => ArrayWidth::Fix,
        }
    }
}

/// Appends an array header of at least the width `least`.
pub(super) fn array_header(out: &mut Vec<u8>, elements: u32, least: ArrayWidth) {
    if elements <= 15 && least == ArrayWidth::Fix {
        out.push(0x90 | elements as u8);
    } else if let (Ok(elements), true) = (u16::try_from(elements), least <= ArrayWidth::Array16) {
        out.push(0xdc);
        out.extend_from_slice(&elements.to_be_bytes());
    } else {
        out.push(0xdd);
        out.extend_from_slice(&elements.to_be_bytes());
    }
}

/// The least width of a map header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MapWidth {
    Fix,
    Map16,
    Map32,
}

impl MapWidth {
    /// The width that a header byte says.
    pub fn of(byte: u8) -> MapWidth {
        match byte {
            0xde => MapWidth::Map16,
            0xdf => MapWidth::Map32,
            _ => MapWidth::Fix,
        }
    }
}

/// Appends a map header of at least the width `least`: a header that was wider than it had to be
/// stays so, because then no byte moves that need not.
pub(super) fn map_header(out: &mut Vec<u8>, members: u32, least: MapWidth) {
    if members <= 15 && least == MapWidth::Fix {
        out.push(0x80 | members as u8);
    } else if let (Ok(members), true) = (u16::try_from(members), least <= MapWidth::Map16) {
        out.push(0xde);
        out.extend_from_slice(&members.to_be_bytes());
    } else {
        out.push(0xdf);
        out.extend_from_slice(&members.to_be_bytes());
    }
}

/// Family and least number of length bytes of a string header (0 for a length in the header byte).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StringWidth {
    Str(u8),
    Bin(u8),
}

impl StringWidth {
    /// What a header byte says.
    pub fn of(byte: u8) -> StringWidth {
        match byte {
            0xc4 => StringWidth::Bin(1),
            0xc5 => StringWidth::Bin(2),
            0xc6 => StringWidth::Bin(4),
            0xd9 => StringWidth::Str(1),
            0xda => StringWidth::Str(2),
            0xdb => StringWidth::Str(4),
            _ => StringWidth::Str(0),
        }
    }
}

/// Appends the header of a string of `len` bytes, of at least the width `least`.
pub(super) fn string_header(out: &mut Vec<u8>, len: u32, least: StringWidth) {
    let needed = match len {
        0..=31 => 0,
        32..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    };
    let (width, codes) = match least {
        StringWidth::Str(width) => (width.max(needed), [0xd9, 0xda, 0xdb]),
        StringWidth::Bin(width) => (width.max(needed).max(1), [0xc4, 0xc5, 0xc6]),
    };
    match width {
        0 => out.push(0xa0 | len as u8),
        1 => out.extend_from_slice(&[codes[0], len as u8]),
        2 => {
            out.push(codes[1]);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(codes[2]);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmpv::Value;

    #[test]
    fn both_formats_are_read_back() {
        for len in [0, 1, 31, 32, 255, 256, 65535, 65536] {
            let text = "x".repeat(len);
            let mut out = Vec::new();
            Encoder { out: &mut out, format: Format::Msgpack }.string(text.as_bytes());
            let back = rmpv::decode::read_value(&mut out.as_slice()).unwrap();
            assert_eq!(back, Value::from(text.as_str()));
        }
        for number in [0, 9, 10, 127, 128, 255, 256, 65535, 65536, u32::MAX] {
            let mut out = Vec::new();
            Encoder { out: &mut out, format: Format::Msgpack }.number(number);
            assert_eq!(rmpv::decode::read_value(&mut out.as_slice()).unwrap(), Value::from(number));
            out.clear();
            Encoder { out: &mut out, format: Format::Json }.number(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for number in
            [0, 127, 1 << 31, 1 << 32, i64::MAX, -1, -32, -33, -128, -129, -32768, -32769, i64::MIN]
        {
            let mut out = Vec::new();
            Encoder { out: &mut out, format: Format::Msgpack }.integer(number);
            assert_eq!(rmpv::decode::read_value(&mut out.as_slice()).unwrap(), Value::from(number));
            out.clear();
            Encoder { out: &mut out, format: Format::Json }.integer(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for count in [0, 15, 16, 65535, 65536] {
            let mut out = Vec::new();
            let mut encoder = Encoder { out: &mut out, format: Format::Msgpack };
            encoder.begin_array(count);
            (0..count).for_each(|_| encoder.number(1));
            let back = rmpv::decode::read_value(&mut out.as_slice()).unwrap();
            assert_eq!(back.as_array().unwrap().len(), count);
        }
        let text: String = (0..0x80).map(|byte| byte as u8 as char).chain("é😀".chars()).collect();
        let mut out = Vec::new();
        Encoder { out: &mut out, format: Format::Json }.string(text.as_bytes());
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn parts_are_written_as_texts_are() {
        let data: Vec<u8> = (b'A'..=b'z').chain([b'"', 0x80, 0xff, 0]).cycle().take(100).collect();
        for format in [Format::Json, Format::Msgpack] {
            for start in 0..=data.len() {
                for len in 0..=data.len() - start {
                    let text = &data[start..start + len];
                    let (mut right, mut out) = (b"before".to_vec(), b"before".to_vec());
                    Encoder { out: &mut right, format }.string(text);
                    right.extend_from_slice(text);
                    let mut encoder = Encoder { out: &mut out, format };
                    encoder.string_at(&data, start, len);
                    encoder.raw_at(&data, start, len);
                    assert_eq!(out, right, "{format:?} {start} {len}");
                }
            }
        }
    }

    #[test]
    fn headers_keep_their_width() {
        let header = |count, least| {
            let mut out = Vec::new();
            map_header(&mut out, count, least);
            out
        };
        assert_eq!(header(15, MapWidth::Fix), b"\x8f");
        assert_eq!(header(16, MapWidth::Fix), b"\xde\0\x10");
        assert_eq!(header(2, MapWidth::Map16), b"\xde\0\x02");
        assert_eq!(header(65536, MapWidth::Map16), b"\xdf\0\x01\0\0");
        assert_eq!(header(2, MapWidth::Map32), b"\xdf\0\0\0\x02");
        let string = |len, byte| {
            let mut out = Vec::new();
            string_header(&mut out, len, StringWidth::of(byte));
            out
        };
        assert_eq!(string(5, 0xa3), b"\xa5");
        assert_eq!(string(32, 0xa3), b"\xd9\x20");
        assert_eq!(string(5, 0xc4), b"\xc4\x05");
        assert_eq!(string(256, 0xc4), b"\xc5\x01\0");
        assert_eq!(string(5, 0xc6), b"\xc6\0\0\0\x05");
        assert_eq!(string(65536, 0xda), b"\xdb\0\x01\0\0");
    }
}
