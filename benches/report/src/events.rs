//! Events to match, one behind the other in memory, as a shipper has them.

use crate::common::to_msgpack;
use serde_json::Value;
use sigmatag::engine::{Event, Format};

/// What stands before a record's body in a chunk of Fluent Bit: an array of a time and the body.
pub const CHUNK_PREFIX: &[u8] = b"\x92\xce\x65\x53\xf1\x00";

/// Records in one form.
pub struct Events {
    pub format: Format,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Events {
    /// Values as records of a form; for chunks, each with its prefix.
    pub fn new<'a>(format: Format, values: impl IntoIterator<Item = &'a Value>) -> Events {
        let mut events = Events { format, bytes: Vec::new(), ends: Vec::new() };
        for value in values {
            match format {
                Format::Json => events.push(value.to_string().as_bytes()),
                Format::Msgpack => events.push(&to_msgpack(value)),
                _ => events.push(&[CHUNK_PREFIX, &to_msgpack(value)].concat()),
            }
        }
        events
    }

    /// One more record.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Mean size of a record.
    pub fn mean_size(&self) -> f64 {
        self.bytes.len() as f64 / self.len() as f64
    }

    /// The records, each an event.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let record = &self.bytes[start..end];
            start = end;
            Event::new(self.format, record)
        })
    }

    /// So many records at a time in one piece: with the prefix of chunks, that is a chunk.
    pub fn pieces(&self, count: usize) -> impl Iterator<Item = Event<'_>> {
        let mut start = 0;
        self.ends.chunks(count).map(move |ends| {
            let end = ends.last().copied().unwrap_or(start);
            let piece = &self.bytes[start..end];
            start = end;
            Event::new(self.format, piece)
        })
    }

    /// For programs in other languages: each record behind its length in 4 bytes.
    pub fn with_lengths(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for event in self.iter() {
            out.extend_from_slice(&(event.data.len() as u32).to_le_bytes());
            out.extend_from_slice(event.data);
        }
        out
    }

    /// The name of the form.
    pub fn form(&self) -> &'static str {
        match self.format {
            Format::Json => "JSON",
            Format::Msgpack => "msgpack",
            Format::FlbChunk => "chunk",
            Format::Forward => "Forward",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn records_lie_one_behind_the_other() {
        let values = [json!({"a": 1}), json!({}), json!({"b": "c"})];
        let json = Events::new(Format::Json, &values);
        assert_eq!(
            json.iter().map(|e| e.data).collect::<Vec<_>>(),
            [b"{\"a\":1}".as_slice(), b"{}", b"{\"b\":\"c\"}"]
        );
        let chunk = Events::new(Format::FlbChunk, &values);
        let pieces: Vec<usize> = chunk.pieces(2).map(|piece| piece.data.len()).collect();
        assert_eq!(pieces, [6 + 4 + 6 + 1, 6 + 5]);
        let packed = Events::new(Format::Msgpack, &values[1..2]);
        assert_eq!(packed.with_lengths(), [1, 0, 0, 0, 0x80]);
    }
}
