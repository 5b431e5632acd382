//! msgpack as Fluent Bit keeps it: records, entries `[time, record]` of a chunk, or a chunk's file
//! on disk. Each record becomes JSON with its time under `date`, as Fluent Bit's own outputs
//! write it.

use super::Item;
use super::text::escape;
use base64::Engine as _;
use rmpv::Value;
use rmpv::decode::Error as DecodeError;
use std::io::{self, BufRead, BufReader, Read};

/// Markers of groups have these times; they are no records.
const GROUP_MARKERS: [i64; 2] = [-1, -2];

/// Reads records from msgpack.
pub struct Packed<R: Read> {
    input: BufReader<R>,
    is_started: bool,
    at_end: bool,
    next: Option<Next>,
    number: u64,
    record: Vec<u8>,
    replaced: u64,
}

enum Next {
    Record,
    Broken(&'static str),
}

impl<R: Read> Packed<R> {
    pub fn new(input: R) -> Packed<R> {
        Packed {
            input: BufReader::with_capacity(256 << 10, input),
            is_started: false,
            at_end: false,
            next: None,
            number: 0,
            record: Vec::new(),
            replaced: 0,
        }
    }

    pub fn is_done(&self) -> bool {
        self.at_end && self.next.is_none()
    }

    /// Reads the next value. A file that is broken ends there: nobody can tell where the next
    /// record would begin.
    pub fn fill(&mut self) -> io::Result<usize> {
        if !std::mem::replace(&mut self.is_started, true) {
            self.skip_header()?;
        }
        if self.at_end || self.input.fill_buf()?.is_empty() {
            self.at_end = true;
            return Ok(0);
        }
        match rmpv::decode::read_value(&mut self.input) {
            Ok(value) => {
                self.value(&value);
                Ok(self.record.len().max(1))
            }
            Err(DecodeError::InvalidMarkerRead(error) | DecodeError::InvalidDataRead(error))
                if error.kind() != io::ErrorKind::UnexpectedEof =>
            {
                Err(error)
            }
            Err(DecodeError::DepthLimitExceeded) => {
                self.broken("nested too deep, and the rest of the file with it");
                Ok(0)
            }
            Err(_) => {
                self.broken("the file ends inside the record");
                Ok(0)
            }
        }
    }

    fn broken(&mut self, reason: &'static str) {
        self.at_end = true;
        self.number += 1;
        self.next = Some(Next::Broken(reason));
    }

    /// A chunk's file begins with `C1 00`, a checksum, 16 more bytes and metadata with its length
    /// in front.
    fn skip_header(&mut self) -> io::Result<()> {
        if !self.input.fill_buf()?.starts_with(&[0xc1, 0x00]) {
            return Ok(());
        }
        let mut header = [0; 24];
        self.input.read_exact(&mut header)?;
        let metadata = u16::from_be_bytes([header[22], header[23]]);
        io::copy(&mut self.input.by_ref().take(metadata.into()), &mut io::sink())?;
        Ok(())
    }

    fn value(&mut self, value: &Value) {
        self.record.clear();
        self.replaced = 0;
        let (time, record) = match value {
            Value::Map(_) => (None, value),
            Value::Array(entry) => match &entry[..] {
                [Value::Array(head), record @ Value::Map(_)] if !head.is_empty() => {
                    (Some(&head[0]), record)
                }
                [time, record @ Value::Map(_)] => (Some(time), record),
                _ => return self.no_record(),
            },
            // What a chunk's file on disk is filled up with.
            Value::Integer(zero) if zero.as_u64() == Some(0) => return,
            _ => return self.no_record(),
        };
        if time.and_then(Value::as_i64).is_some_and(|time| GROUP_MARKERS.contains(&time)) {
            return;
        }
        self.number += 1;
        let Value::Map(pairs) = record else { return };
        let has_date = pairs.iter().any(|(key, _)| key.as_str() == Some("date"));
        self.record.push(b'{');
        if let Some(time) = time.filter(|_| !has_date).and_then(seconds) {
            self.record.extend_from_slice(b"\"date\":");
            self.record.extend_from_slice(time.as_bytes());
            if !pairs.is_empty() {
                self.record.push(b',');
            }
        }
        self.replaced = map(pairs, &mut self.record);
        self.next = Some(Next::Record);
    }

    fn no_record(&mut self) {
        self.number += 1;
        self.next = Some(Next::Broken("neither a map nor an entry `[time, map]` of a chunk"));
    }

    pub fn buffered(&mut self, number: &mut u64) -> Option<Item<'_>> {
        let next = self.next.take()?;
        *number = self.number;
        Some(match next {
            Next::Record => {
                Item::Record { bytes: &self.record, end: b"\n", replaced: self.replaced }
            }
            Next::Broken(reason) => Item::Broken { bytes: b"", reason },
        })
    }
}

/// A time as seconds since 1970 with their fraction.
fn seconds(time: &Value) -> Option<String> {
    match time {
        Value::Ext(0, bytes) => {
            let (seconds, nanoseconds) = bytes.split_first_chunk::<4>()?;
            let nanoseconds: [u8; 4] = nanoseconds.try_into().ok()?;
            let (seconds, fraction) =
                (u32::from_be_bytes(*seconds), u32::from_be_bytes(nanoseconds));
            Some(format!("{seconds}.{fraction:09}"))
        }
        Value::Integer(number) => Some(number.to_string()),
        Value::F32(number) if number.is_finite() => Some(number.to_string()),
        Value::F64(number) if number.is_finite() => Some(number.to_string()),
        _ => None,
    }
}

/// The pairs and the closing brace; gives the number of replaced characters.
fn map(pairs: &[(Value, Value)], out: &mut Vec<u8>) -> u64 {
    let mut replaced = 0;
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let from = out.len();
        replaced += json(key, out);
        if out[from] != b'"' {
            let text = out.split_off(from);
            out.push(b'"');
            escape(&text, out);
            out.push(b'"');
        }
        out.push(b':');
        replaced += json(value, out);
    }
    out.push(b'}');
    replaced
}

/// Writes a value as JSON. The decoder bounds the depth.
fn json(value: &Value, out: &mut Vec<u8>) -> u64 {
    let mut text = |bytes: &[u8]| {
        out.push(b'"');
        let replaced = escape(bytes, out);
        out.push(b'"');
        replaced
    };
    match value {
        Value::String(string) => text(string.as_bytes()),
        Value::Binary(bytes) => text(bytes),
        Value::Ext(_, bytes) => {
            text(base64::engine::general_purpose::STANDARD.encode(bytes).as_bytes())
        }
        Value::Map(pairs) => {
            out.push(b'{');
            map(pairs, out)
        }
        Value::Array(items) => {
            out.push(b'[');
            let mut replaced = 0;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                replaced += json(item, out);
            }
            out.push(b']');
            replaced
        }
        Value::Nil => plain(out, "null"),
        Value::Boolean(value) => plain(out, &value.to_string()),
        Value::Integer(number) => plain(out, &number.to_string()),
        Value::F32(number) if number.is_finite() => plain(out, &format!("{number:?}")),
        Value::F64(number) if number.is_finite() => plain(out, &format!("{number:?}")),
        Value::F32(_) | Value::F64(_) => plain(out, "null"),
    }
}

fn plain(out: &mut Vec<u8>, text: &str) -> u64 {
    out.extend_from_slice(text.as_bytes());
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).expect("memory");
        bytes
    }

    fn record() -> Value {
        let text = Value::Binary(b"a\"\xff".to_vec());
        let pairs = [("m", text), ("n", 7.into()), ("f", 1.5.into()), ("z", Value::Nil)];
        let mut pairs: Vec<(Value, Value)> =
            pairs.into_iter().map(|(key, value)| (key.into(), value)).collect();
        pairs.push((3.into(), Value::Array(vec![true.into(), f64::NAN.into()])));
        Value::Map(pairs)
    }

    const TEXT: &str = r#""m":"a\"�","n":7,"f":1.5,"z":null,"3":[true,null]}"#;

    fn all(bytes: &[u8]) -> Vec<(u64, Result<String, &'static str>)> {
        let mut packed = Packed::new(bytes);
        let (mut out, mut number) = (Vec::new(), 0);
        while !packed.is_done() {
            packed.fill().expect("memory");
            while let Some(item) = packed.buffered(&mut number) {
                let item = match item {
                    Item::Record { bytes, replaced, .. } => {
                        assert_eq!(replaced, 1);
                        Ok(String::from_utf8(bytes.to_vec()).expect("UTF-8"))
                    }
                    Item::Broken { reason, .. } => Err(reason),
                    other => panic!("{other:?}"),
                };
                out.push((number, item));
            }
        }
        out
    }

    #[test]
    fn records_and_entries_of_both_kinds() {
        let time = Value::Ext(0, [1_772_600_767u32.to_be_bytes(), 5u32.to_be_bytes()].concat());
        let group = |mark: i64| {
            Value::Array(vec![Value::Array(vec![mark.into(), Value::Map(vec![])]), record()])
        };
        let entries = [
            record(),
            Value::Array(vec![1_772_600_767.into(), record()]),
            group(-1),
            Value::Array(vec![Value::Array(vec![time, Value::Map(vec![])]), record()]),
            group(-2),
        ];
        let bytes: Vec<u8> = entries.iter().flat_map(pack).collect();
        let expected = [
            (1, Ok(format!("{{{TEXT}"))),
            (2, Ok(format!("{{\"date\":1772600767,{TEXT}"))),
            (3, Ok(format!("{{\"date\":1772600767.000000005,{TEXT}"))),
        ];
        assert_eq!(all(&bytes), expected);
        let mut file = vec![0xc1, 0];
        file.extend([0; 20]);
        file.extend([0, 3]);
        file.extend(b"tag");
        file.extend(&bytes);
        file.extend([0; 100]);
        assert_eq!(all(&file), expected);
    }

    #[test]
    fn what_is_no_record_is_said() {
        let mut bytes = pack(&Value::from("text"));
        bytes.extend(pack(&record()));
        let cut = bytes.len() - 3;
        let found = all(&bytes[..cut]);
        assert!(matches!(found[0], (1, Err(reason)) if reason.starts_with("neither")));
        assert!(matches!(found[1], (2, Err(reason)) if reason.starts_with("the file ends")));
    }
}
