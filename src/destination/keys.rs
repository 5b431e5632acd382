//! The keys of documents, written once.

use super::tables::Normal;
use crate::tag::encode::{Encoder, Format};

/// For each node, its key as a document has it: in JSON with quotes and a colon behind it, in msgpack
/// with its header.
pub(super) struct WrittenKeys {
    json: Written,
    msgpack: Written,
}

/// All keys in one format.
struct Written {
    bytes: Vec<u8>,
    /// Where the key of each node begins, and where the last ends.
    bounds: Vec<usize>,
}

impl WrittenKeys {
    /// Those of all documents.
    pub fn new(normal: &Normal) -> WrittenKeys {
        let written = |format: Format| {
            let mut written = Written { bytes: Vec::new(), bounds: vec![0] };
            for node in &normal.tables.nodes {
                let mut out = Encoder { out: &mut written.bytes, format };
                out.member(true, node.key.of(&normal.sources.text));
                written.bounds.push(written.bytes.len());
            }
            written
        };
        WrittenKeys { json: written(Format::Json), msgpack: written(Format::Msgpack) }
    }

    /// The key of a node; nothing for a number that no node has.
    #[inline]
    pub fn of(&self, node: usize, format: Format) -> &[u8] {
        let Written { bytes, bounds } = match format {
            Format::Json => &self.json,
            Format::Msgpack => &self.msgpack,
        };
        let bounds = bounds.get(node..).and_then(|rest| rest.first_chunk());
        bounds.and_then(|[start, end]| bytes.get(*start..*end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{DestinationTables, Node};
    use super::*;
    use crate::source::{Range, SourceTables};

    #[test]
    fn keys_are_as_the_encoder_writes_them() {
        let key = |first, count| Node { key: Range { first, count }, ..Node::default() };
        let normal = Normal {
            sources: SourceTables { text: b"user\"na".to_vec(), ..SourceTables::default() },
            tables: DestinationTables {
                nodes: vec![key(0, 4), key(4, 3), key(0, 0)],
                ..DestinationTables::default()
            },
            ..Normal::default()
        };
        let keys = WrittenKeys::new(&normal);
        let of = |format| [0, 1, 2, 3].map(|node| keys.of(node, format));
        assert_eq!(of(Format::Json), [&b"\"user\":"[..], b"\"\\\"na\":", b"\"\":", b""]);
        assert_eq!(of(Format::Msgpack), [&b"\xa4user"[..], b"\xa3\"na", b"\xa0", b""]);
    }
}
