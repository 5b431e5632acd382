//! Canonical and derived fields of a recognised event.

use super::conditions::Conditions;
use super::decode::{self, Decoded, Decoder, Parameter, Rewrite};
use super::preferred::Preferred;
use super::recognise;
use super::tables::{Derived, Source, SourceTables};
use super::view::Stores;
use crate::event::fold::is_ascii_caseless;
use crate::event::slots::{NONE, Slots};
use crate::event::value::{Span, Store, Value};

/// The slots of the event, and what its spans point into apart from its own arena.
pub(super) struct Own<'a> {
    /// The event's slots.
    pub slots: &'a mut Slots,
    /// The record.
    pub input: &'a [u8],
    /// The arena of the record's slots; empty if the record is the event.
    pub outer: &'a [u8],
}

impl Own<'_> {
    /// What spans of the event point into.
    pub fn stores<'s>(&'s self, derived: &'s [u8]) -> Stores<'s> {
        let arena = &self.slots.arena;
        // In the record's own slots the arena is the outer one, and there is no inner.
        let outer = if self.slots.arena_store == Store::Outer { arena } else { self.outer };
        Stores { input: self.input, outer, inner: arena, derived }
    }

    /// The bytes of a span of the event.
    #[inline]
    fn bytes<'s>(&'s self, span: Span, derived: &'s [u8]) -> &'s [u8] {
        let all = match span.store {
            Store::Input => self.input,
            Store::Derived => derived,
            store if store == self.slots.arena_store => &self.slots.arena,
            Store::Outer => self.outer,
            Store::Inner => &[],
        };
        let start = span.start as usize;
        all.get(start..start.saturating_add(span.len as usize)).unwrap_or(&[])
    }
}

/// Lets members of objects count as fields of the event itself.
pub(super) fn lift(tables: &SourceTables, source: &Source, slots: &mut Slots) {
    // From the last, so that the first object is preferred.
    for lift in source.lifts.of(&tables.lifts).iter().rev() {
        let to = lift.to.of(&tables.paths);
        // What is lifted is touched as well, and is no member.
        for at in 0..slots.touched().len() {
            let from = slots.touched()[at];
            let index = from.wrapping_sub(lift.first) as usize;
            if let Some(&to) = to.get(index)
                && to != NONE
                && slots.is_present(from)
            {
                slots.alias(to, from);
            }
        }
    }
}

/// Names elements of arrays by their position. Returns false if a template was meant and none has
/// as many names as the array has elements.
pub(super) fn name_positions(
    tables: &SourceTables,
    source: &Source,
    conditions: &Conditions,
    slots: &mut Slots,
    values: &mut Vec<Value>,
) -> bool {
    let mut meant = false;
    let mut read = NONE;
    for positions in source.positions.of(&tables.positions) {
        if !conditions.hold(positions.condition) || !slots.is_present(positions.field) {
            continue;
        }
        if positions.field != read {
            read = positions.field;
            values.clear();
            values.extend(slots.values(positions.field));
        }
        meant = true;
        if values.len() == positions.names.count as usize {
            for (&to, &value) in positions.names.of(&tables.paths).iter().zip(values.iter()) {
                if to != NONE {
                    slots.set(to, value);
                }
            }
            return true;
        }
    }
    !meant
}

/// Gives an event the canonical fields that only some events of its source have.
pub(super) fn name_variants(
    tables: &SourceTables,
    source: &Source,
    conditions: &Conditions,
    preferred: &mut Preferred,
    slots: &mut Slots,
) {
    let mut first = source.fields.count as usize;
    for variant in source.variants.of(&tables.variants) {
        if conditions.hold(variant.condition) {
            preferred.name_variant(tables, variant.fields, first, slots);
        }
        first += variant.fields.count as usize;
    }
}

/// Computes the derived fields of an event.
pub(super) fn derive_all(
    tables: &SourceTables,
    source: &Source,
    preferred: &mut Preferred,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
) {
    preferred.note(own.slots);
    for (index, field) in (0..).zip(source.derived.of(&tables.derived)) {
        let Some(decoder) = Decoder::from_number(field.decoder) else { continue };
        let value = if decoder == Decoder::Constant {
            store_word(field.parameter.of(&tables.text), derived).map(Value::Str)
        } else {
            let paths = field.paths;
            let Some(from) = preferred.of_derived(tables, index, paths, own.slots) else {
                continue;
            };
            let mut all = own.slots.values(from);
            match (all.next(), all.next()) {
                // Most statements are asked for nothing that their code could answer.
                (Some(Value::Str(span)), None) if decoder == Decoder::SqlCode => {
                    Some(Value::SqlCode(span))
                }
                (Some(value), None) => result(tables, field, decoder, value, own, derived),
                (None, _) => None,
                (Some(_), Some(_)) => {
                    values.clear();
                    values.extend(own.slots.values(from));
                    derive_each(tables, field, decoder, own, derived, values);
                    preferred.note(own.slots);
                    continue;
                }
            }
        };
        let Some(value) = value else { continue };
        // PERF: most fields have no value yet, and to add one takes fewer steps.
        if own.slots.is_present(field.to) {
            own.slots.set(field.to, value);
        } else {
            own.slots.push_literal(field.to, value);
            if preferred.reads(field.to) {
                preferred.note(own.slots);
            }
        }
    }
}

/// Computes a derived field from several values.
#[inline(never)]
fn derive_each(
    tables: &SourceTables,
    field: &Derived,
    decoder: Decoder,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &[Value],
) {
    let mut is_first = true;
    for &value in values {
        let Some(result) = result(tables, field, decoder, value, own, derived) else { continue };
        if is_first {
            own.slots.set(field.to, result);
        } else {
            own.slots.push_literal(field.to, result);
        }
        is_first = false;
    }
}

/// What a derived field has for one value.
// PERF: inlined, so that values are not passed through memory.
#[inline(always)]
fn result(
    tables: &SourceTables,
    field: &Derived,
    decoder: Decoder,
    mut value: Value,
    own: &Own<'_>,
    derived: &mut Vec<u8>,
) -> Option<Value> {
    if let Value::SqlCode(statement) = value {
        value = Value::Str(rewritten(statement, Rewrite::Code, own, derived)?);
    }
    if decoder == Decoder::Lookup {
        return look_up(tables, field, value, own, derived);
    }
    let text = if decoder == Decoder::ArmName { field.parameter.of(&tables.text) } else { &[] };
    let parameter = Parameter { number: field.number, text };
    decode(decoder, value, parameter, own, derived)
}

/// The result that a table gives for a value.
#[inline(never)]
fn look_up(
    tables: &SourceTables,
    field: &Derived,
    value: Value,
    own: &Own<'_>,
    derived: &mut Vec<u8>,
) -> Option<Value> {
    let mut buffer = [0; 32];
    let text = recognise::text(value, &own.stores(derived), &mut buffer)?;
    let table = field.table.of(&tables.values);
    let found = table.chunks(2).find_map(|row| match row {
        [key, result] => is_ascii_caseless(text, key.of(&tables.text)).then_some(result),
        [default] => Some(default),
        _ => None,
    })?;
    store_word(found.of(&tables.text), derived).map(Value::Str)
}

/// Decodes one value; bytes that are nowhere yet go to the end of `derived`.
#[inline(always)]
fn decode(
    decoder: Decoder,
    value: Value,
    parameter: Parameter<'_>,
    own: &Own<'_>,
    derived: &mut Vec<u8>,
) -> Option<Value> {
    let Value::Str(span) = value else {
        return match decode::decode_other(decoder, value) {
            Decoded::Same => Some(value),
            Decoded::Word(word) => store_word(word, derived).map(Value::Str),
            Decoded::Bool(result) => Some(Value::Bool(result)),
            Decoded::Missing | Decoded::Part { .. } | Decoded::Rewrite { .. } => None,
        };
    };
    match decode::decode_text(decoder, own.bytes(span, derived), parameter) {
        Decoded::Missing => None,
        Decoded::Same => Some(value),
        Decoded::Part { start, len } => Some(Value::Str(part(span, start, len))),
        Decoded::Bool(result) => Some(Value::Bool(result)),
        Decoded::Word(word) => store_word(word, derived).map(Value::Str),
        Decoded::Rewrite { start, len, with } => {
            let from = part(span, start, len);
            rewritten(from, with, own, derived).map(Value::Str)
        }
    }
}

/// Copies the bytes of `from` to the end of `derived` and shortens them there.
#[inline(never)]
fn rewritten(from: Span, with: Rewrite, own: &Own<'_>, derived: &mut Vec<u8>) -> Option<Span> {
    let start = derived.len();
    copy(from, own, derived);
    let len = decode::rewrite(with, &mut derived[start..]);
    derived.truncate(start + len);
    span(start, len)
}

/// Copies the bytes of a span to the end of `derived`.
pub(super) fn copy(from: Span, own: &Own<'_>, derived: &mut Vec<u8>) {
    if from.store == Store::Derived {
        let first = from.start as usize;
        let end = first.saturating_add(from.len as usize);
        if end <= derived.len() {
            derived.extend_from_within(first..end);
        }
        return;
    }
    derived.extend_from_slice(own.bytes(from, &[]));
}

fn store_word(word: &[u8], derived: &mut Vec<u8>) -> Option<Span> {
    let start = derived.len();
    derived.extend_from_slice(word);
    span(start, word.len())
}

/// A span of the derived bytes; `None` beyond 4 GiB, where no record comes near.
fn span(start: usize, len: usize) -> Option<Span> {
    Some(Span {
        store: Store::Derived,
        start: u32::try_from(start).ok()?,
        len: u32::try_from(len).ok()?,
    })
}

fn part(span: Span, start: usize, len: usize) -> Span {
    Span { start: span.start + start as u32, len: len as u32, ..span }
}
