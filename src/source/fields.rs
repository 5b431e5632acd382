//! Canonical and derived fields of a recognised event.

use std::io::Write;

use super::conditions::Conditions;
use super::decode::{self, Decoded, Decoder, Memory, Parameter, Rewrite};
use super::kinds::{Computed, Kinds, Named, Plan};
use super::recognise;
use super::tables::{Derived, Range, Source, SourceTables};
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

/// Gives an event the canonical fields of a range, and adds them to its plan.
///
/// None of the fields reads one before it: descriptors are sorted so.
pub(super) fn name(tables: &SourceTables, fields: Range, slots: &mut Slots, plan: &mut Plan) {
    for field in fields.of(&tables.fields) {
        let mut present =
            field.paths.of(&tables.paths).iter().copied().filter(|path| slots.is_present(*path));
        let Some(from) = present.next() else { continue };
        let paths = present.next().map_or(Range::default(), |_| field.paths);
        let named = Named { to: field.to, from, paths };
        plan.named.push(named);
        name_one(tables, &named, slots);
    }
}

#[inline(always)]
fn name_one(tables: &SourceTables, named: &Named, slots: &mut Slots) {
    let is_it = named.paths.count == 0 || slots.only(named.from).is_some_and(has_text);
    let from = if is_it { Some(named.from) } else { choose(named.paths.of(&tables.paths), slots) };
    if let Some(from) = from
        && from != named.to
    {
        slots.alias(named.to, from);
    }
}

/// Of the fields that are present, the first that has a text, else the first (null, an empty array,
/// an object: it must not look missing).
#[inline(never)]
fn choose(paths: &[u32], slots: &Slots) -> Option<u32> {
    let present = |path: &u32| slots.is_present(*path);
    let first = paths.iter().copied().find(present)?;
    let with_text = |path: &u32| slots.values(*path).any(has_text);
    paths.iter().copied().find(with_text).or(Some(first))
}

fn has_text(value: Value) -> bool {
    !matches!(
        value,
        Value::Null | Value::NullElement | Value::Object | Value::EmptyArray | Value::Opaque
    )
}

/// Lets members of objects count as fields of the event itself, and adds them to its plan.
pub(super) fn lift(tables: &SourceTables, source: &Source, slots: &mut Slots, plan: &mut Plan) {
    // From the last, so that the first object is preferred.
    for lift in source.lifts.of(&tables.lifts).iter().rev() {
        let to = lift.to.of(&tables.paths);
        // What is lifted is touched as well, and is no member.
        let present = slots.touched().len();
        for at in 0..present {
            let Some(from) = slots.touched().nth(at) else { break };
            let index = from.wrapping_sub(lift.first) as usize;
            if let Some(&to) = to.get(index)
                && to != NONE
                && slots.is_present(from)
            {
                slots.alias(to, from);
                plan.named.push(Named { to, from, paths: Range::default() });
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
    slots: &mut Slots,
    plan: &mut Plan,
) {
    for variant in source.variants.of(&tables.variants) {
        if conditions.hold(variant.condition) {
            name(tables, variant.fields, slots, plan);
        }
    }
}

/// Computes the derived fields of an event, and adds them to its plan.
pub(super) fn derive_all(
    tables: &SourceTables,
    source: &Source,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
    kinds: &Kinds,
    plan: &mut Plan,
) {
    for (index, field) in (source.derived.first..).zip(source.derived.of(&tables.derived)) {
        let Some(decoder) = Decoder::from_number(field.decoder) else { continue };
        let possible = |path: &u32| own.slots.is_present(*path) || kinds.is_derived(*path);
        let mut possible = field.paths.of(&tables.paths).iter().copied().filter(possible);
        let (from, is_only) = match (possible.next(), possible.next()) {
            (None, _) if decoder != Decoder::Constant => continue,
            (None, _) => (NONE, true),
            (Some(first), second) => (first, second.is_none()),
        };
        let Derived { to, number, .. } = *field;
        let computed = Computed { to, from, is_only, decoder, number, derived: index };
        plan.computed.push(computed);
        compute(tables, &[computed], own, derived, values);
    }
}

/// Gives an event the fields that its kind has.
pub(super) fn give_all(
    tables: &SourceTables,
    plan: &Plan,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
) {
    for named in plan.named.items() {
        name_one(tables, named, own.slots);
    }
    compute(tables, plan.computed.items(), own, derived, values);
}

/// Computes derived fields of an event, one after the other.
#[inline(never)]
fn compute(
    tables: &SourceTables,
    fields: &[Computed],
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
) {
    let mut memory = Memory::default();
    for computed in fields {
        let &Computed { to, decoder, number, .. } = computed;
        let is_it = computed.is_only || own.slots.only(computed.from).is_some_and(has_text);
        let from = if is_it { computed.from } else { choose_for(tables, computed, own.slots) };
        let Some(Value::Str(span)) = own.slots.only(from) else {
            compute_rare(tables, computed, from, own, derived, values);
            continue;
        };
        // PERF: each kind of result is given where it is known; a value of any kind would be put
        // together in memory first.
        let text = match decoder {
            Decoder::Constant | Decoder::Lookup | Decoder::Join => {
                compute_rare(tables, computed, from, own, derived, values);
                continue;
            }
            Decoder::SqlCode => {
                // Most statements are asked for nothing that their code could answer.
                own.slots.set(to, Value::SqlCode(span));
                continue;
            }
            Decoder::ArmName => parameter(tables, computed),
            _ => &[],
        };
        let (input, parameter) = (own.bytes(span, derived), Parameter { number, text });
        match decode::decode_text(decoder, input, span, parameter, &mut memory) {
            Decoded::Missing => {}
            Decoded::Same => own.slots.set(to, Value::Str(span)),
            Decoded::Part { start, len } => {
                own.slots.set(to, Value::Str(part(span, start, len)));
            }
            Decoded::Bool(result) => own.slots.set(to, Value::Bool(result)),
            other => {
                if let Some(value) = stored(other, span, own, derived) {
                    own.slots.set(to, value);
                }
            }
        }
    }
}

/// The text that a descriptor gives the decoder of a field.
fn parameter<'t>(tables: &'t SourceTables, computed: &Computed) -> &'t [u8] {
    let field = tables.derived.get(computed.derived as usize);
    field.map_or(&[], |field| field.parameter.of(&tables.text))
}

/// The field that a derived one is computed from; [`NONE`] if none of them is there.
#[inline(never)]
fn choose_for(tables: &SourceTables, computed: &Computed, slots: &Slots) -> u32 {
    let field = tables.derived.get(computed.derived as usize);
    field.and_then(|field| choose(field.paths.of(&tables.paths), slots)).unwrap_or(NONE)
}

/// Computes a derived field from anything but one text, or by a decoder that needs more than that.
#[inline(never)]
fn compute_rare(
    tables: &SourceTables,
    computed: &Computed,
    from: u32,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
) {
    let decoder = computed.decoder;
    if decoder == Decoder::Constant {
        let text = store_word(parameter(tables, computed), derived);
        return text.into_iter().for_each(|text| own.slots.set(computed.to, Value::Str(text)));
    }
    let Some(field) = tables.derived.get(computed.derived as usize) else { return };
    if decoder != Decoder::Join
        && let Some(value) = own.slots.only(from)
    {
        let result = result(tables, field, decoder, value, own, derived);
        return result.into_iter().for_each(|result| own.slots.set(field.to, result));
    }
    values.clear();
    values.extend(own.slots.values(from));
    if decoder == Decoder::Join {
        let text = join(values, own, derived);
        return text.into_iter().for_each(|text| own.slots.set(field.to, Value::Str(text)));
    }
    let mut is_first = true;
    for &value in &*values {
        let Some(result) = result(tables, field, decoder, value, own, derived) else { continue };
        if is_first {
            own.slots.set(field.to, result);
        } else {
            own.slots.push_literal(field.to, result);
        }
        is_first = false;
    }
}

/// The texts of several values with blanks between; `None` if there is none.
#[inline(never)]
fn join(values: &[Value], own: &Own<'_>, derived: &mut Vec<u8>) -> Option<Span> {
    let start = derived.len();
    let mut is_empty = true;
    for &value in values {
        let end = derived.len();
        if !is_empty {
            derived.push(b' ');
        }
        // Writing to memory does not fail.
        let written = match value {
            Value::Str(span) | Value::BigNumber(span) => {
                copy(span, own, derived);
                Ok(())
            }
            Value::Int(number) => write!(derived, "{number}"),
            Value::Uint(number) => write!(derived, "{number}"),
            _ => Err(std::io::ErrorKind::InvalidInput.into()),
        };
        if written.is_err() {
            derived.truncate(end);
            continue;
        }
        is_empty = false;
    }
    if is_empty { None } else { span(start, derived.len() - start) }
}

/// What a derived field has for any value.
#[inline(never)]
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
    if let Value::Str(span) = value {
        let parameter = Parameter { number: field.number, text: field.parameter.of(&tables.text) };
        let (input, mut memory) = (own.bytes(span, derived), Memory::default());
        let decoded = decode::decode_text(decoder, input, span, parameter, &mut memory);
        return stored(decoded, span, own, derived);
    }
    match decode::decode_other(decoder, value) {
        Decoded::Same => Some(value),
        Decoded::Word(word) => store_word(word, derived).map(Value::Str),
        Decoded::Bool(result) => Some(Value::Bool(result)),
        Decoded::Missing | Decoded::Part { .. } | Decoded::Rewrite { .. } => None,
    }
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

/// The value of a result; bytes that are nowhere yet go to the end of `derived`. `span`: the text
/// that was decoded.
#[inline(never)]
fn stored(decoded: Decoded, span: Span, own: &Own<'_>, derived: &mut Vec<u8>) -> Option<Value> {
    match decoded {
        Decoded::Missing => None,
        Decoded::Same => Some(Value::Str(span)),
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
    decode::rewrite(with, derived, start);
    span(start, derived.len() - start)
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
