//! Texts inside events that are JSON again.

use super::fields::{self, Own};
use super::tables::{Source, SourceTables};
use crate::event::json;
use crate::event::keys::{KeyTable, ROOT};
use crate::event::slots::{NONE, Slots};
use crate::event::value::{Span, Store, Value};

/// Whether an object of the event arrived as text.
pub(super) fn has_text(tables: &SourceTables, source: &Source, slots: &Slots) -> bool {
    let is_text = |value| matches!(value, Value::Str(_));
    source.nested.of(&tables.nested).iter().any(|text| slots.values(text.field).any(is_text))
}

/// Walks texts that stand for an object of the event, as if the object were there. Returns how
/// many were malformed; of those, what came before the damage stays (a log shipper that cuts long
/// values cuts exactly here).
pub(super) fn walk_nested(
    field: u32,
    path: &[u8],
    keys: &KeyTable,
    own: &mut Own<'_>,
    derived: &mut Vec<u8>,
    values: &mut Vec<Value>,
) -> u32 {
    let mut malformed = 0;
    // Where the object is one already, there is nothing to do.
    if !own.slots.values(field).any(|value| matches!(value, Value::Str(_))) {
        return 0;
    }
    values.clear();
    values.extend(own.slots.values(field));
    let mut node = ROOT;
    for segment in path.split(|byte| *byte == b'.') {
        node = match (node, keys.get(node, segment)) {
            (NONE, _) | (_, None) => NONE,
            (_, Some(entry)) => entry.child,
        };
    }
    for value in values.iter() {
        let Value::Str(span) = *value else { continue };
        let mut span = span;
        if span.store == own.slots.arena_store {
            // The walk writes to the arena that the text lies in, so the text moves.
            let Ok(start) = u32::try_from(derived.len()) else { continue };
            fields::copy(span, own, derived);
            span = Span { store: Store::Derived, start, ..span };
        }
        let all = match span.store {
            Store::Input => own.input,
            Store::Outer => own.outer,
            Store::Derived => derived,
            Store::Inner => continue,
        };
        let start = span.start as usize;
        let Some(data) = all.get(start..start + span.len as usize) else { continue };
        if !begins_like_json(data) || data.trim_ascii_start().first() != Some(&b'{') {
            continue;
        }
        let walked = json::walk_below(data, span.store, span.start, keys, node, own.slots);
        malformed += u32::from(walked.is_err());
    }
    malformed
}

/// Whether a text begins like an object with members, or like an array of objects. Log lines that
/// merely begin with a bracket (`[2024-01-01] ...`) are not payloads and not worth counting.
pub(super) fn begins_like_json(text: &[u8]) -> bool {
    let at = json::skip_space(text, 0);
    let next = text.get(json::skip_space(text, at + 1));
    match text.get(at) {
        Some(b'{') => matches!(next, Some(b'"' | b'}')),
        Some(b'[') => matches!(next, Some(b'{')),
        _ => false,
    }
}
