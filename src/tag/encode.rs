//! Writes the members of a tag in the record's own format.

use crate::event::ink::Ink;
use crate::event::number::NumberText;

/// The format of a record's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Msgpack,
    Json,
}

/// About the bytes of a usual tag.
pub(super) const EXPECTED: usize = 256;

/// Appends values to a buffer. msgpack wants the counts first and JSON the brackets last, so the
/// caller gives both. The buffer has its length again when this is dropped.
pub(crate) struct Encoder<'a> {
    pub ink: Ink<'a>,
    pub format: Format,
}

impl<'a> Encoder<'a> {
    /// Writes behind what is in the buffer, about so many bytes.
    pub fn behind(out: &'a mut Vec<u8>, expected: usize, format: Format) -> Encoder<'a> {
        Encoder { ink: Ink::behind(out, expected), format }
    }

    pub fn begin_map(&mut self, members: usize) {
        match self.format {
            Format::Json => self.ink.byte(b'{'),
            Format::Msgpack if members <= 15 => self.ink.byte(0x80 | members as u8),
            Format::Msgpack => {
                self.ink.with(|out| map_header(out, members as u32, MapWidth::Fix));
            }
        }
    }

    pub fn end_map(&mut self) {
        if self.format == Format::Json {
            self.ink.byte(b'}');
        }
    }

    /// Begins a member; its value follows.
    pub fn member(&mut self, first: bool, name: &[u8]) {
        self.element(first);
        self.string(name);
        if self.format == Format::Json {
            self.ink.byte(b':');
        }
    }

    pub fn begin_array(&mut self, elements: usize) {
        match self.format {
            Format::Json => self.ink.byte(b'['),
            Format::Msgpack if elements <= 15 => self.ink.byte(0x90 | elements as u8),
            Format::Msgpack => {
                self.ink.with(|out| array_header(out, elements as u32, ArrayWidth::Fix));
            }
        }
    }

    /// Begins an element; its value follows.
    pub fn element(&mut self, first: bool) {
        if self.format == Format::Json && !first {
            self.ink.byte(b',');
        }
    }

    pub fn end_array(&mut self) {
        if self.format == Format::Json {
            self.ink.byte(b']');
        }
    }

    #[inline]
    pub fn string(&mut self, text: &[u8]) {
        match self.format {
            Format::Json => self.ink.json_string(text, 0, text.len()),
            Format::Msgpack => self.ink.msgpack_string(text),
        }
    }

    pub fn boolean(&mut self, value: bool) {
        match (self.format, value) {
            (Format::Json, true) => self.ink.text(b"true"),
            (Format::Json, false) => self.ink.text(b"false"),
            (Format::Msgpack, value) => self.ink.byte(0xc2 + u8::from(value)),
        }
    }

    pub fn integer(&mut self, value: i64) {
        if let Ok(value) = u32::try_from(value) {
            return self.number(value);
        }
        match self.format {
            Format::Json => self.ink.text(NumberText::new().int(value.into())),
            Format::Msgpack => match (i8::try_from(value), i16::try_from(value)) {
                (Ok(value), _) if value >= -32 => self.ink.byte(value as u8),
                (Ok(value), _) => self.ink.text(&[0xd0, value as u8]),
                (_, Ok(value)) => self.coded(0xd1, &value.to_be_bytes()),
                _ => self.coded(if value < 0 { 0xd3 } else { 0xcf }, &value.to_be_bytes()),
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
                self.ink.text(&digits[at..]);
            }
            Format::Msgpack => match value {
                0..=0x7f => self.ink.byte(value as u8),
                0x80..=0xff => self.ink.text(&[0xcc, value as u8]),
                0x100..=0xffff => self.coded(0xcd, &(value as u16).to_be_bytes()),
                _ => self.coded(0xce, &value.to_be_bytes()),
            },
        }
    }

    fn coded(&mut self, code: u8, bytes: &[u8]) {
        self.ink.byte(code);
        self.ink.text(bytes);
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
            Encoder::behind(&mut out, 0, Format::Msgpack).string(text.as_bytes());
            let back = rmpv::decode::read_value(&mut out.as_slice()).unwrap();
            assert_eq!(back, Value::from(text.as_str()));
        }
        for number in [0, 9, 10, 127, 128, 255, 256, 65535, 65536, u32::MAX] {
            let mut out = Vec::new();
            Encoder::behind(&mut out, 0, Format::Msgpack).number(number);
            assert_eq!(rmpv::decode::read_value(&mut out.as_slice()).unwrap(), Value::from(number));
            out.clear();
            Encoder::behind(&mut out, 0, Format::Json).number(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for number in
            [0, 127, 1 << 31, 1 << 32, i64::MAX, -1, -32, -33, -128, -129, -32768, -32769, i64::MIN]
        {
            let mut out = Vec::new();
            Encoder::behind(&mut out, 0, Format::Msgpack).integer(number);
            assert_eq!(rmpv::decode::read_value(&mut out.as_slice()).unwrap(), Value::from(number));
            out.clear();
            Encoder::behind(&mut out, 0, Format::Json).integer(number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for count in [0, 15, 16, 65535, 65536] {
            let mut out = Vec::new();
            let mut encoder = Encoder::behind(&mut out, 0, Format::Msgpack);
            encoder.begin_array(count);
            (0..count).for_each(|_| encoder.number(1));
            drop(encoder);
            let back = rmpv::decode::read_value(&mut out.as_slice()).unwrap();
            assert_eq!(back.as_array().unwrap().len(), count);
        }
        let text: String = (0..0x80).map(|byte| byte as u8 as char).chain("é😀".chars()).collect();
        let mut out = Vec::new();
        Encoder::behind(&mut out, 0, Format::Json).string(text.as_bytes());
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
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
