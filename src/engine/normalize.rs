//! Documents of a destination, from the events of one record until they are planned.

use crate::destination::{Occurrence, Original, Prepared, Writer};
use crate::source::{Encoding, SourceEvent};
use crate::tag::encode::Format;
use crate::tag::plan::Plan;
use std::ops::Range;

/// The document of an event.
struct Written {
    event: u32,
    bytes: Range<usize>,
}

/// Memory for the documents of a record, and what became of events since the call began.
pub(super) struct Normalizer {
    writer: Writer,
    /// The documents of the record, one behind the other.
    bytes: Vec<u8>,
    list: Vec<Written>,
    /// Events of the record.
    pub events: u32,
    /// The plan of a document that gets a tag.
    pub plan: Plan,
    /// Documents that were written.
    pub written: u64,
    /// Events that were written as they came.
    pub unmapped: u64,
}

impl Normalizer {
    /// For a destination, by its number.
    pub fn new(destination: u32) -> Normalizer {
        Normalizer {
            writer: Writer::new(destination),
            bytes: Vec::with_capacity(4096),
            list: Vec::with_capacity(16),
            events: 0,
            plan: Plan::new(),
            written: 0,
            unmapped: 0,
        }
    }

    /// Begins a call.
    pub fn begin(&mut self) {
        (self.written, self.unmapped) = (0, 0);
        self.begin_record();
    }

    /// Forgets the events of the record before.
    pub fn begin_record(&mut self) {
        self.bytes.clear();
        self.list.clear();
        self.events = 0;
    }

    /// Writes the document of an event of the record, if there is one for it. `body`: the record's
    /// own object or map.
    pub fn add(
        &mut self,
        prepared: &Prepared,
        found: &SourceEvent<'_>,
        encoding: Encoding,
        body: &[u8],
    ) {
        self.events += 1;
        // What no source recognises has no canonical fields, whatever its keys are called.
        if found.source.is_none() {
            return;
        }
        let stores = found.view.stores;
        let original = match (found.line, found.place, encoding) {
            (Some(line), ..) => Original::Text(stores.bytes(line)),
            (None, Some((span, Encoding::Json)), _) => Original::Text(stores.bytes(span)),
            (None, Some((span, Encoding::Msgpack)), _) => Original::Msgpack(stores.bytes(span)),
            (None, None, Encoding::Json) => Original::Text(body),
            (None, None, Encoding::Msgpack) => Original::Msgpack(body),
        };
        let event = Occurrence { view: found.view, logsources: found.logsources, original };
        let format = match encoding {
            Encoding::Json => Format::Json,
            Encoding::Msgpack => Format::Msgpack,
        };
        let start = self.bytes.len();
        if self.writer.write(prepared, &event, format, &mut self.bytes) {
            self.list.push(Written { event: found.index, bytes: start..self.bytes.len() });
        }
    }

    /// Whether the record has a document.
    pub fn has_document(&self) -> bool {
        !self.list.is_empty()
    }

    /// The document of an event, and the plan for its tag.
    pub fn document(&mut self, event: u32) -> Option<(&[u8], &mut Plan)> {
        let at = self.list.binary_search_by_key(&event, |written| written.event).ok()?;
        let bytes = self.bytes.get(self.list[at].bytes.clone())?;
        Some((bytes, &mut self.plan))
    }

    /// The document of the record's only event.
    pub fn only(&self) -> Option<u32> {
        match &self.list[..] {
            [only] if self.events == 1 => Some(only.event),
            _ => None,
        }
    }
}
