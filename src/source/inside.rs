//! Where the events inside a record are: texts that hold some, objects and arrays that are or hold them.

use super::base64;
use super::events::{Buffers, Encoding};
use super::parts::{Element, Origin, literal};
use super::places::{Place, Shape};
use super::recognise;
use super::tables::{PayloadEncoding, SourceTables};
use super::texts::Text;
use super::view::Stores;
use crate::event::keys::KeyTable;
use crate::event::slots::Slots;
use crate::event::value::{Span, Store, Value};

/// A record or a candidate that was walked.
pub(super) struct Walked {
    /// The inner slots have its fields, not those of the record.
    pub from_inner: bool,
    /// What its bytes are.
    pub encoding: Encoding,
    /// How many wrappers are around what it holds.
    pub level: u8,
    /// Its bytes.
    pub element: Element,
}

impl Buffers {
    /// Puts the places that the walked record or candidate offers on the stack, the first on top.
    /// Returns whether there are any.
    pub(super) fn push_places(
        &mut self,
        record: &[u8],
        tables: &SourceTables,
        keys: &KeyTable,
        walked: Walked,
    ) -> bool {
        let Walked { from_inner, encoding, level, element } = walked;
        let Buffers { outer, inner, derived, places, parts, texts, may_tell, inherited, .. } = self;
        let before = places.len();
        let (slots, behind) = if from_inner { (&*inner, Some(&*outer)) } else { (&*outer, None) };
        for text in texts.iter() {
            if !slots.is_present(text.field) {
                continue;
            }
            for value in slots.values(text.field) {
                let Value::Str(span) = value else { continue };
                let stores = match behind {
                    None => Stores { input: record, outer: &slots.arena, inner: &[], derived: &[] },
                    Some(outer) => {
                        Stores { input: record, outer: &outer.arena, inner: &slots.arena, derived }
                    }
                };
                let mut found = text.find(stores.bytes(span), keys);
                if found.is_none() && *may_tell {
                    found = told(tables, text, slots, &stores);
                }
                let Some((mut shape, start)) = found else { continue };
                let object = match element.object.store {
                    Store::Input => record,
                    Store::Outer => &outer.arena,
                    Store::Derived => derived,
                    Store::Inner => &[],
                };
                let literal = parts.wanted.then(|| literal(object, encoding, element, slots, span));
                let origin = parts.add_text(element, literal.flatten());
                let mut span = span;
                span.start += start as u32;
                span.len -= start as u32;
                if span.store == Store::Inner {
                    // The next candidate overwrites the inner arena, so its text moves.
                    let Ok(start) = u32::try_from(derived.len()) else { continue };
                    let first = span.start as usize;
                    let text = slots.arena.get(first..first + span.len as usize).unwrap_or(&[]);
                    derived.extend_from_slice(text);
                    span = Span { store: Store::Derived, start, ..span };
                }
                if shape == Shape::Base64
                    && let Some(decoded) = decoded(span, record, &outer.arena, derived)
                {
                    (span, shape) = (decoded, Shape::Json);
                }
                let end = span.start.saturating_add(span.len);
                let (store, at, inherited) = (span.store, span.start, (0, 0));
                places.push(Place { store, at, end, shape, level, origin, inherited });
            }
        }
        let texts = places.len() - before;
        let (mut objects, mut end) = (0, 0);
        let first = inherited.len() as u32;
        for container in slots.containers() {
            if !tables.containers.contains(&container.id) {
                continue;
            }
            let shape = match encoding {
                Encoding::Json => Shape::Json,
                Encoding::Msgpack => Shape::Msgpack(1),
            };
            let Span { store, start, len } = container.span;
            let origin = Origin::Inside(element);
            // The same for all that are here.
            if inherited.len() as u32 == first {
                inherit(tables, slots, derived, inherited);
            }
            let inherited = (first, inherited.len() as u32 - first);
            // A container inside another would give its events twice.
            if start < end {
                parts.keep_whole();
            }
            end = start.saturating_add(len);
            objects += usize::from(!container.is_array);
            places.push(Place { store, at: start, end, shape, level, origin, inherited });
        }
        let count = places.len() - before;
        if (texts > 0 || objects > 0) && count > 1 {
            parts.keep_whole();
        }
        places[before..].reverse();
        places.len() > before
    }
}

/// What a text in base64 says, behind the derived bytes. A text of the inner arena was moved there.
fn decoded(span: Span, record: &[u8], outer: &[u8], derived: &mut Vec<u8>) -> Option<Span> {
    let first = span.start as usize;
    let range = first..first.checked_add(span.len as usize)?;
    let start = derived.len();
    derived.resize(start + base64::room(range.len()), 0);
    let (known, out) = derived.split_at_mut(start);
    let all = match span.store {
        Store::Input => record,
        Store::Outer => outer,
        Store::Derived => known,
        Store::Inner => &[],
    };
    let len = all.get(range).and_then(|text| base64::decode(text, out));
    derived.truncate(start + len.unwrap_or(0));
    let (start, len) = (u32::try_from(start).ok()?, u32::try_from(len?).ok()?);
    Some(Span { store: Store::Derived, start, len })
}

/// Keeps the values that events inside an object or array inherit from it.
fn inherit(
    tables: &SourceTables,
    slots: &Slots,
    derived: &mut Vec<u8>,
    inherited: &mut Vec<(u32, Value)>,
) {
    for &field in &tables.inherited {
        let Some(mut value) = slots.only(field) else { continue };
        if let Value::Str(span) = &mut value
            && span.store == Store::Inner
        {
            // The events overwrite the inner arena, so its text moves.
            let Ok(start) = u32::try_from(derived.len()) else { continue };
            let first = span.start as usize;
            let text = slots.arena.get(first..first + span.len as usize).unwrap_or(&[]);
            derived.extend_from_slice(text);
            *span = Span { store: Store::Derived, start, ..*span };
        }
        inherited.push((field, value));
    }
}

/// What stands in a text that does not say itself what it is, if the fields around it do.
#[inline(never)]
fn told(
    tables: &SourceTables,
    text: &Text,
    slots: &Slots,
    stores: &Stores<'_>,
) -> Option<(Shape, usize)> {
    let holds = |number: &&u32| {
        let payload = tables.payloads.get(**number as usize);
        payload.is_some_and(|payload| recognise::holds(tables, payload.when, slots, stores))
    };
    let number = *text.told.iter().find(holds)?;
    let encoding = PayloadEncoding::from_number(tables.payloads[number as usize].encoding)?;
    Some((Text::told(encoding, number), 0))
}
