//! One event as the engine sees it.

use crate::event::slots::{FieldValues, Slots};
use crate::event::value::{Span, Store, Value};

/// The buffers that spans point into, while one event is shown.
#[derive(Debug, Clone, Copy)]
pub struct Stores<'a> {
    /// The record.
    pub input: &'a [u8],
    /// Bytes decoded while walking the record.
    pub outer: &'a [u8],
    /// Bytes decoded while walking the event inside it.
    pub inner: &'a [u8],
    /// Bytes of derived fields.
    pub derived: &'a [u8],
}

impl<'a> Stores<'a> {
    /// The bytes of a span; none if it is of another event.
    #[inline]
    pub fn bytes(&self, span: Span) -> &'a [u8] {
        let start = span.start as usize;
        self.of(span).get(start..start.saturating_add(span.len as usize)).unwrap_or(&[])
    }

    /// All that a span points into.
    #[inline]
    pub fn of(&self, span: Span) -> &'a [u8] {
        match span.store {
            Store::Input => self.input,
            Store::Outer => self.outer,
            Store::Inner => self.inner,
            Store::Derived => self.derived,
        }
    }
}

/// The fields of one event: its own, and behind them those of the record it came in.
///
/// Lives as long as the call that shows it.
#[derive(Clone, Copy)]
pub struct EventView<'a> {
    /// The event inside the record; `None` if the record is the event.
    pub inner: Option<&'a Slots>,
    /// The record.
    pub outer: &'a Slots,
    /// What the spans of both point into.
    pub stores: Stores<'a>,
}

impl<'a> EventView<'a> {
    /// The slots that have the field: the event's if it is present there, else the record's.
    #[inline]
    fn slots(&self, field: u32) -> &'a Slots {
        match self.inner {
            Some(inner) if inner.is_present(field) => inner,
            _ => self.outer,
        }
    }

    /// The values of a field; empty if it is missing.
    #[inline]
    pub fn values(&self, field: u32) -> FieldValues<'a> {
        self.slots(field).values(field)
    }

    /// Whether the field is present, even as null.
    #[inline]
    pub fn is_present(&self, field: u32) -> bool {
        self.slots(field).is_present(field)
    }

    /// The fields that may have values, each once.
    pub fn touched(&self) -> impl Iterator<Item = u32> + 'a {
        let inner = self.inner;
        let own = inner.into_iter().flat_map(Slots::touched);
        let own = own.filter(move |field| inner.is_some_and(|inner| inner.is_present(*field)));
        let behind = self.outer.touched();
        own.chain(behind.filter(move |field| inner.is_none_or(|inner| !inner.is_present(*field))))
    }

    /// What keywords are searched in: the leaves of the event itself, never derived fields.
    #[inline]
    pub fn leaves(&self) -> &'a [Value] {
        self.inner.unwrap_or(self.outer).leaves()
    }

    /// The bytes of a span of one of the values.
    #[inline]
    pub fn bytes(&self, span: Span) -> &'a [u8] {
        self.stores.bytes(span)
    }
}
