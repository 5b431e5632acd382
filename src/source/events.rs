//! From one record to its events.
//!
//! The places where events may be are kept on a stack instead of recursing: each place is a run
//! of bytes of which the next value is the next candidate. A candidate that no source recognises
//! may itself be a wrapper (a log line as JSON, whose `message` is JSON again), so its payloads
//! and envelopes become places too, down to [`PAYLOAD_LEVELS`].

use super::broken::{Breakage, Broken};
use super::candidates::Candidates;
use super::conditions::Conditions;

use super::inside::Walked;
use super::kinds::{Kinds, Plan};
use super::lines;
use super::parts::{Element, Parts, Split};
use super::places::{Place, Shape, Step};

use super::complete::Recognised;
use super::tables::SourceTables;
use super::texts::{self, Text};
use super::view::{EventView, Stores};
use crate::event::keys::KeyTable;
use crate::event::slots::{NONE, Slots};
use crate::event::value::{Span, Store, Value};
use crate::event::{Malformed, MalformedKind, json, msgpack, xml};
use crate::limits::PAYLOAD_LEVELS;

/// What the bytes of a record are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One JSON object.
    Json,
    /// One msgpack map.
    Msgpack,
}

/// One event of a record.
#[derive(Clone, Copy)]
pub struct SourceEvent<'a> {
    /// Its fields.
    pub view: EventView<'a>,
    /// The logsources of its source, as the rule set numbers them. Empty: nothing is known, and
    /// the event is unrouted.
    pub logsources: &'a [u32],
    /// The source that recognised it.
    pub source: Option<u32>,
    /// Its number among the record's events, from 0, in the order they stand.
    pub index: u32,
    /// Where its own bytes are, and what they are; `None` if the event is the record as it is.
    pub place: Option<(Span, Encoding)>,
    /// The text that it was read from, if that is neither the record nor JSON: a line, an element.
    pub line: Option<Span>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events shown.
    pub events: u32,
    /// Of these, the ones that a source recognised.
    pub recognised: u32,
    /// Of these, the ones without a logsource.
    pub unrouted: u32,
    /// Texts that begin like a payload and are malformed or too deep.
    pub malformed_payloads: u32,
}

/// All mutable memory of reading events; one per thread.
pub struct Buffers {
    pub(super) outer: Slots,
    pub(super) inner: Slots,
    pub(super) derived: Vec<u8>,
    pub(super) places: Vec<Place>,
    pub(super) logsources: Vec<u32>,
    pub(super) values: Vec<Value>,
    pub(super) candidates: Candidates,
    pub(super) conditions: Conditions,
    pub(super) kinds: Kinds,
    /// The plan of the event that is worked out.
    pub(super) plan: Plan,
    /// Values that events inherit from what is around them.
    pub(super) inherited: Vec<(u32, Value)>,
    /// The fields whose text may hold events.
    pub(super) texts: Vec<Text>,
    /// Whether what was recognised last has a field that may say what a text beside it is.
    pub(super) may_tell: bool,
    broken: Vec<Broken>,
    pub(super) parts: Parts,
}

impl Buffers {
    /// Buffers for those sources and a key table of `fields` fields; `wants_leaves` where keyword
    /// rules exist.
    pub fn new(tables: &SourceTables, fields: usize, wants_leaves: bool) -> Buffers {
        let slots = |store| {
            let mut slots = Slots::new(fields);
            slots.arena_store = store;
            slots.wants_leaves = wants_leaves;
            slots
        };
        Buffers {
            outer: slots(Store::Outer),
            inner: slots(Store::Inner),
            derived: Vec::with_capacity(4096),
            places: Vec::with_capacity(16),
            logsources: Vec::with_capacity(8),
            values: Vec::with_capacity(64),
            candidates: Candidates::new(tables, fields),
            conditions: Conditions::new(tables),
            kinds: Kinds::new(tables, fields),
            plan: Plan::new(),
            inherited: Vec::with_capacity(8),
            texts: texts::texts(tables),
            may_tell: false,
            broken: Vec::with_capacity(16),
            parts: Parts::default(),
        }
    }

    /// What was broken in the record that was read last.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Says whether [`split`](Buffers::split) will be asked about the records that follow.
    pub fn want_parts(&mut self, wanted: bool) {
        self.parts.wanted = wanted;
        self.outer.wants_raw = wanted;
        self.inner.wants_raw = wanted;
    }

    /// What the record that was read last becomes if each of its events shall be a record. `None`
    /// if it stays as it is. `body`: where its body begins; `head`: bytes that each record gets
    /// before its body.
    pub fn split<'a>(&'a self, record: &'a [u8], body: usize, head: usize) -> Option<Split<'a>> {
        let stores =
            Stores { input: record, outer: &self.outer.arena, inner: &[], derived: &self.derived };
        Split::new(&self.parts, stores, body, head)
    }
}

/// Walks the record and shows its events one by one.
///
/// A record that is an event of a known source is shown once, with canonical fields. Otherwise
/// the events inside it are shown, each with its own fields in front of the record's. What no
/// source recognises is shown together as the record as it is, once. An error means that the
/// record itself is malformed; nothing was shown then.
pub fn for_each_event(
    record: &[u8],
    encoding: Encoding,
    tables: &SourceTables,
    keys: &KeyTable,
    buffers: &mut Buffers,
    show: impl FnMut(&SourceEvent<'_>),
) -> Result<Outcome, Malformed> {
    let end = read_record(0, record, encoding, keys, buffers)?;
    if end < record.len() {
        return Err(Malformed::new(MalformedKind::TrailingBytes, end));
    }
    Ok(for_each_read_event(0, record, encoding, tables, keys, buffers, show))
}

/// The first half of [`for_each_event`]: walks the record and returns where it ends. A msgpack map
/// may have more bytes behind it. The first `metadata` bytes are a msgpack map too, whose members
/// count as further top-level keys of the record.
pub fn read_record(
    metadata: usize,
    data: &[u8],
    encoding: Encoding,
    keys: &KeyTable,
    buffers: &mut Buffers,
) -> Result<usize, Malformed> {
    buffers.derived.clear();
    buffers.places.clear();
    buffers.broken.clear();
    buffers.parts.begin();
    buffers.inherited.clear();
    let outer = &mut buffers.outer;
    outer.begin();
    if encoding == Encoding::Json {
        json::walk_document(data, Store::Input, 0, keys, outer)?;
        return Ok(data.len());
    }
    let Some((head, body)) = data.split_at_checked(metadata) else {
        return Err(Malformed::new(MalformedKind::Truncated, data.len()));
    };
    if metadata > 0 {
        let end = msgpack::walk(head, Store::Input, 0, keys, outer)?;
        if end < metadata {
            return Err(Malformed::new(MalformedKind::TrailingBytes, end));
        }
    }
    match msgpack::walk(body, Store::Input, metadata as u32, keys, outer) {
        Ok(end) => Ok(metadata + end),
        Err(found) => Err(Malformed::new(found.kind, metadata + found.offset)),
    }
}

/// The second half of [`for_each_event`]: shows the events of the record that
/// [`read_record`] has just read, with the same arguments, and that ends where `record` does.
pub fn for_each_read_event(
    metadata: usize,
    record: &[u8],
    encoding: Encoding,
    tables: &SourceTables,
    keys: &KeyTable,
    buffers: &mut Buffers,
    show: impl FnMut(&SourceEvent<'_>),
) -> Outcome {
    let mut body = metadata..record.len();
    if encoding == Encoding::Json {
        body.start = json::skip_space(record, 0);
        body.end = body.start + record[body.start..].trim_ascii_end().len();
    }
    let object = Span { store: Store::Input, start: body.start as u32, len: (body.len()) as u32 };
    let mut reader = Reader {
        record,
        encoding,
        tables,
        keys,
        buffers,
        show,
        outcome: Outcome::default(),
        next_index: 0,
        shown_as_it_is: false,
    };
    reader.run(Element { object, text: NONE, listed: false });
    reader.outcome
}

/// What an event was read from, if that is not the record.
#[derive(Clone, Copy, Default)]
struct Placed {
    place: Option<(Span, Encoding)>,
    line: Option<Span>,
}

struct Reader<'a, F> {
    record: &'a [u8],
    encoding: Encoding,
    tables: &'a SourceTables,
    keys: &'a KeyTable,
    buffers: &'a mut Buffers,
    show: F,
    outcome: Outcome,
    /// The index of the next event.
    next_index: u32,
    shown_as_it_is: bool,
}

impl<F: FnMut(&SourceEvent<'_>)> Reader<'_, F> {
    fn run(&mut self, root: Element) {
        if let Some(found) = self.buffers.recognise(self.record, self.tables, false) {
            self.show_recognised(found, false, Placed::default(), None);
            return;
        }
        let walked = Walked { from_inner: false, encoding: self.encoding, level: 1, element: root };
        self.buffers.push_places(self.record, self.tables, self.keys, walked);
        while let Some(place) = self.buffers.places.last().copied() {
            let (step, rest) = place.step(self.stable(place.store));
            if !matches!(step, Step::End) {
                self.buffers.parts.count_value(place.origin);
            }
            match rest {
                Some(rest) => {
                    if let Some(top) = self.buffers.places.last_mut() {
                        *top = rest;
                    }
                }
                None => {
                    self.buffers.places.pop();
                }
            }
            match step {
                Step::End => {}
                Step::Object(at) => self.candidate(place, at),
                Step::Array(elements) if elements.level <= PAYLOAD_LEVELS => {
                    if rest.is_none() || elements.is_empty(self.stable(elements.store)) {
                        self.buffers.parts.keep_whole();
                    }
                    self.buffers.places.push(elements);
                }
                Step::Line(at, len) => self.line(place, at, len),
                Step::Element(at) => self.element(place, at),
                Step::Array(_) | Step::Other => self.unrecognised(None),
                Step::Malformed => {
                    self.malformed(Breakage::Payload, None);
                    self.unrecognised(None);
                }
            }
        }
        if self.outcome.events == 0 {
            self.unrecognised(None);
        }
    }

    /// The bytes of a store that the walk of a candidate does not write to.
    fn stable(&self, store: Store) -> &[u8] {
        match store {
            Store::Input => self.record,
            Store::Outer => &self.buffers.outer.arena,
            Store::Derived => &self.buffers.derived,
            Store::Inner => &[],
        }
    }

    /// An object that may be an event, a wrapper around events, or something else.
    fn candidate(&mut self, place: Place, at: u32) {
        let Buffers { outer, inner, derived, inherited, .. } = &mut *self.buffers;
        let all = match place.store {
            Store::Input => self.record,
            Store::Outer => &outer.arena,
            Store::Derived => derived,
            Store::Inner => &[],
        };
        let data = all.get(at as usize..place.end as usize).unwrap_or(&[]);
        inner.begin();
        let (encoding, walked) = match place.shape {
            Shape::Json | Shape::JsonElements => {
                (Encoding::Json, json::walk(data, place.store, at, self.keys, inner))
            }
            _ => (Encoding::Msgpack, msgpack::walk(data, place.store, at, self.keys, inner)),
        };
        let end = match (&walked, encoding) {
            (Ok(end), _) => Some(*end),
            // Too deep, or malformed: JSON that goes on behind it is still worth a look.
            (Err(_), Encoding::Json) => json::skip_value(data, 0).ok(),
            (Err(_), Encoding::Msgpack) => None,
        };
        let (first, count) = place.inherited;
        let inherited = inherited.iter().skip(first as usize).take(count as usize);
        inherited.for_each(|(field, value)| inner.give(*field, *value));
        if encoding == Encoding::Json {
            self.go_on(at, end);
        }
        let Ok(len) = walked else {
            self.malformed(Breakage::Payload, None);
            return self.unrecognised(None);
        };
        let span = Span { store: place.store, start: at, len: len as u32 };
        let element = place.origin.element(span);
        if let Some(found) = self.buffers.recognise(self.record, self.tables, true) {
            let place = Placed { place: Some((span, encoding)), line: None };
            return self.show_recognised(found, true, place, Some(element));
        }
        let level = place.level + 1;
        let (record, tables, keys) = (self.record, self.tables, self.keys);
        let walked = Walked { from_inner: true, encoding, level, element };
        let is_wrapper =
            level <= PAYLOAD_LEVELS && self.buffers.push_places(record, tables, keys, walked);
        if !is_wrapper {
            self.unrecognised(Some(element));
        }
    }

    /// A log line that may be an event.
    fn line(&mut self, place: Place, at: u32, len: u32) {
        let Buffers { outer, inner, derived, .. } = &mut *self.buffers;
        let (Shape::Lines(payload) | Shape::Message(payload) | Shape::Rows(payload)) = place.shape
        else {
            return;
        };
        let Some(payload) = self.tables.payloads.get(payload as usize) else { return };
        let all = match place.store {
            Store::Input => self.record,
            Store::Outer => &outer.arena,
            Store::Derived => derived,
            Store::Inner => &[],
        };
        let text = all.get(at as usize..(at + len) as usize).unwrap_or(&[]);
        inner.begin();
        let fields = payload.columns.of(&self.tables.paths);
        let is_whole = lines::fill(place.shape, text, (place.store, at), fields, inner);
        let source = Some(payload.source).filter(|source| *source != NONE);
        let span = Span { store: place.store, start: at, len };
        self.columns(place, span, is_whole, source);
    }

    /// An XML element that may be an event.
    fn element(&mut self, place: Place, at: u32) {
        let Buffers { outer, inner, derived, .. } = &mut *self.buffers;
        let all = match place.store {
            Store::Input => self.record,
            Store::Outer => &outer.arena,
            Store::Derived => derived,
            Store::Inner => &[],
        };
        let data = all.get(at as usize..place.end as usize).unwrap_or(&[]);
        inner.begin();
        let end = xml::walk(data, place.store, at, self.keys, inner).ok();
        let len = end.unwrap_or(data.len()) as u32;
        self.go_on(at, end);
        self.columns(place, Span { store: place.store, start: at, len }, end.is_some(), None);
    }

    /// Shows what was read from a text that is no JSON. What is broken counts as far as it goes.
    fn columns(&mut self, place: Place, span: Span, is_whole: bool, source: Option<u32>) {
        let found = self.buffers.recognise(self.record, self.tables, true);
        if !is_whole {
            self.malformed(Breakage::Line, found.map(|found| found.source).or(source));
            self.buffers.parts.keep_whole();
        }
        let element = place.origin.element(span);
        match found {
            Some(found) => {
                let place = Placed { place: None, line: Some(span) };
                self.show_recognised(found, true, place, Some(element));
            }
            None => self.unrecognised(Some(element)),
        }
    }

    /// Counts something malformed.
    fn malformed(&mut self, breakage: Breakage, source: Option<u32>) {
        self.outcome.malformed_payloads += 1;
        self.buffers.broken.push(Broken { source, breakage });
    }

    /// Moves the JSON place on top behind the object at `at`, or ends it.
    fn go_on(&mut self, at: u32, len: Option<usize>) {
        match (len, self.buffers.places.last_mut()) {
            (Some(len), Some(top)) => top.at = at + len as u32,
            (None, Some(_)) => {
                self.buffers.places.pop();
            }
            (_, None) => {}
        }
    }

    /// Shows what no source recognised: the record as it is, once. `element` is the object that was
    /// not recognised, if it is one.
    fn unrecognised(&mut self, element: Option<Element>) {
        let index = self.next_index;
        self.next_index += 1;
        match element {
            Some(element) => self.buffers.parts.add(element, false),
            None => self.buffers.parts.keep_whole(),
        }
        if self.shown_as_it_is {
            return;
        }
        self.shown_as_it_is = true;
        self.outcome.events += 1;
        self.outcome.unrouted += 1;
        let Buffers { outer, derived, .. } = &*self.buffers;
        let stores = Stores { input: self.record, outer: &outer.arena, inner: &[], derived };
        (self.show)(&SourceEvent {
            view: EventView { inner: None, outer, stores },
            logsources: &[],
            source: None,
            index,
            place: None,
            line: None,
        });
    }

    /// Completes and shows a recognised event, which lies in the inner slots or in the record's.
    /// `element`: what it is read from, if that is not the record.
    fn show_recognised(
        &mut self,
        found: Recognised,
        in_inner: bool,
        Placed { place, line }: Placed,
        element: Option<Element>,
    ) {
        let source = found.source;
        let before = self.buffers.derived.len();
        let (record, tables, keys) = (self.record, self.tables, self.keys);
        let malformed = self.buffers.complete(record, tables, keys, found, in_inner);
        for _ in 0..malformed.nested {
            self.malformed(Breakage::Nested, Some(source));
        }
        if !malformed.positions_fit {
            self.buffers
                .broken
                .push(Broken { source: Some(source), breakage: Breakage::Positions });
        }
        let index = self.next_index;
        self.next_index += 1;
        self.outcome.events += 1;
        self.outcome.recognised += 1;
        if let Some(element) = element {
            let routed = !self.buffers.logsources.is_empty();
            self.buffers.parts.add(element, routed);
        }
        let Buffers { outer, inner, derived, logsources, .. } = &*self.buffers;
        self.outcome.unrouted += u32::from(logsources.is_empty());
        let stores =
            Stores { input: self.record, outer: &outer.arena, inner: &inner.arena, derived };
        let inner = in_inner.then_some(inner);
        (self.show)(&SourceEvent {
            view: EventView { inner, outer, stores },
            logsources,
            source: Some(source),
            index,
            place,
            line,
        });
        self.buffers.derived.truncate(before);
    }
}
