//! Where the events of a record lie, so that each can become a record of its own.
//!
//! An event lies in the record's own bytes, or in JSON text inside a string of a wrapper, which may
//! lie in such a text again. While a record is read, [`Parts`] notes for each event its bytes and
//! the way to them; [`Split`] says afterwards what to write for each. A record is not split if that
//! would lose or repeat anything: an element that is no object, two places in one wrapper.

use super::events::Encoding;
use super::view::Stores;
use crate::event::slots::{NONE, Slots};
use crate::event::value::{Span, Store};
use crate::event::{json, msgpack};
use crate::limits::MAX_SPLIT_BYTES;
use std::ops::Range;

/// An object that may be an event or a wrapper of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    /// Its bytes.
    pub object: Span,
    /// The text that it lies in, or [`NONE`]: in the record's own bytes.
    pub text: u32,
    /// Whether it is an element of an array, so that it stands for itself.
    pub listed: bool,
}

/// A JSON text inside a string of a wrapper.
#[derive(Debug, Clone, Copy)]
struct Text {
    wrapper: Element,
    /// First and last byte of the string, with quotes or header, in the wrapper's store.
    literal: (u32, u32),
    /// Values that the text holds.
    values: u32,
}

/// Where the values of a place come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// They are the values of a text.
    Text(u32),
    /// It is an object or array of this element.
    Inside(Element),
    /// They are elements of an array, which lies in this text.
    Listed(u32),
}

impl Origin {
    /// The element that an object at that place is.
    pub fn element(self, object: Span) -> Element {
        match self {
            Origin::Text(text) => Element { object, text, listed: false },
            Origin::Inside(element) => element,
            Origin::Listed(text) => Element { object, text, listed: true },
        }
    }

    /// The origin of the elements of an array at that place.
    pub fn elements(self) -> Origin {
        match self {
            Origin::Text(text) | Origin::Listed(text) => Origin::Listed(text),
            Origin::Inside(element) => Origin::Listed(element.text),
        }
    }
}

/// One event, by its index.
#[derive(Debug, Clone, Copy)]
struct Part {
    element: Element,
    routed: bool,
}

/// What is known of the events of one record. Nothing is noted unless it is wanted.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub wanted: bool,
    whole: bool,
    list: Vec<Part>,
    texts: Vec<Text>,
}

impl Parts {
    pub fn begin(&mut self) {
        self.whole = false;
        self.list.clear();
        self.texts.clear();
    }

    /// Says that the record cannot be split.
    pub fn keep_whole(&mut self) {
        self.whole = true;
    }

    /// Adds the next event. `routed`: a log source of it is known.
    pub fn add(&mut self, element: Element, routed: bool) {
        if self.wanted && !self.whole {
            self.list.push(Part { element, routed });
        }
    }

    /// Adds a text in a string of `wrapper`; without its place the record cannot be split.
    pub fn add_text(&mut self, wrapper: Element, literal: Option<(u32, u32)>) -> Origin {
        if !self.wanted {
            return Origin::Text(NONE);
        }
        self.whole |= literal.is_none();
        self.texts.push(Text { wrapper, literal: literal.unwrap_or_default(), values: 0 });
        Origin::Text(self.texts.len() as u32 - 1)
    }

    /// Notes that a place has another value.
    pub fn count_value(&mut self, origin: Origin) {
        if let Origin::Text(text) = origin
            && let Some(text) = self.texts.get_mut(text as usize)
        {
            text.values += 1;
        }
    }

    /// The element whose bytes stand for this one: a wrapper around nothing but one event stays.
    fn settled(&self, mut element: Element) -> Element {
        // A wrapper comes before its text, so this ends.
        while let Some(text) = self.texts.get(element.text as usize)
            && !element.listed
            && text.values == 1
        {
            element = text.wrapper;
        }
        element
    }
}

/// What becomes of the record's own bytes for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The object to write, in the record.
    pub object: Range<usize>,
    /// The string in it to replace by the text of the event.
    pub literal: Option<Range<usize>>,
}

/// The records that a record becomes, one for each event.
pub struct Split<'a> {
    parts: &'a Parts,
    stores: Stores<'a>,
    bytes: usize,
}

impl<'a> Split<'a> {
    /// `None` if the record stays whole: it is no envelope, or cannot be split. `body` is where the
    /// record's body begins, and `head` the number of bytes that each record gets before its body.
    pub(super) fn new(
        parts: &'a Parts,
        stores: Stores<'a>,
        body: usize,
        head: usize,
    ) -> Option<Split<'a>> {
        if parts.whole || parts.list.is_empty() {
            return None;
        }
        let mut split = Split { parts, stores, bytes: 0 };
        let mut last = body..body;
        for index in 0..split.len() {
            let settled = parts.settled(parts.list[index].element);
            if settled.text == NONE && !settled.listed {
                return None;
            }
            let Outline { object, .. } = split.outline(index);
            // Of one wrapper, or behind the one before.
            if object != last && object.start < last.end {
                return None;
            }
            split.bytes += head + split.length(settled);
            last = object;
        }
        let limit = MAX_SPLIT_BYTES.max(stores.input.len() * 2);
        (split.bytes <= limit).then_some(split)
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.parts.list.len()
    }

    /// Whether there is no event: never.
    pub fn is_empty(&self) -> bool {
        self.parts.list.is_empty()
    }

    /// Whether a log source of the event is known.
    pub fn is_routed(&self, index: usize) -> bool {
        self.parts.list[index].routed
    }

    /// Which bytes of the record stand for the event.
    pub fn outline(&self, index: usize) -> Outline {
        let mut element = self.parts.settled(self.parts.list[index].element);
        let mut literal = None;
        while let Some(text) = self.parts.texts.get(element.text as usize) {
            literal = Some(text.literal.0 as usize..text.literal.1 as usize);
            element = text.wrapper;
        }
        Outline { object: range(element.object), literal }
    }

    /// Writes the text of the event that replaces the literal of its outline. `spare` is a buffer.
    pub fn write_text(&self, index: usize, out: &mut Vec<u8>, spare: &mut Vec<u8>) {
        let mut element = self.parts.settled(self.parts.list[index].element);
        out.clear();
        out.extend_from_slice(self.stores.bytes(element.object));
        while let Some(text) = self.parts.texts.get(element.text as usize) {
            let wrapper = text.wrapper;
            if wrapper.text == NONE {
                return;
            }
            let object = self.stores.bytes(wrapper.object);
            let first = text.literal.0.saturating_sub(wrapper.object.start) as usize;
            let end = text.literal.1.saturating_sub(wrapper.object.start) as usize;
            std::mem::swap(out, spare);
            out.clear();
            out.extend_from_slice(object.get(..first).unwrap_or_default());
            json::encode_string(spare, out);
            out.extend_from_slice(object.get(end..).unwrap_or_default());
            element = wrapper;
        }
    }

    /// About how many bytes a part takes: escapes are not counted.
    fn length(&self, mut element: Element) -> usize {
        let mut length = element.object.len as usize;
        while let Some(text) = self.parts.texts.get(element.text as usize) {
            let literal = (text.literal.1 - text.literal.0) as usize;
            length += (text.wrapper.object.len as usize).saturating_sub(literal);
            element = text.wrapper;
        }
        length
    }
}

fn range(span: Span) -> Range<usize> {
    debug_assert_eq!(span.store, Store::Input);
    span.start as usize..span.start as usize + span.len as usize
}

/// First byte of the string that a value was read from, and the byte behind it, quotes or header
/// included. `all` is the store of `element`, the object that the value is in.
pub(super) fn literal(
    all: &[u8],
    encoding: Encoding,
    element: Element,
    slots: &Slots,
    value: Span,
) -> Option<(u32, u32)> {
    let end = value.start.checked_add(value.len)?;
    match encoding {
        Encoding::Json if value.store == slots.arena_store => {
            let start = slots.raw_start(value.start)?;
            let end = json::skip_value(all, start as usize).ok()?;
            Some((start, end as u32))
        }
        Encoding::Json => Some((value.start.checked_sub(1)?, end + 1)),
        Encoding::Msgpack => {
            let mut at = element.object.start as usize;
            loop {
                let (token, next) = msgpack::token(all, at).ok()?;
                if let msgpack::Token::Str { start, .. } = token
                    && start == value.start as usize
                {
                    return Some((at as u32, end));
                }
                at = next;
            }
        }
    }
}
