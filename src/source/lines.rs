//! Records that are columns: their values, as if the columns were members of an object.

use super::places::Shape;
use super::{csv, mariadb};
use crate::event::slots::{NONE, Slots};
use crate::event::value::{Span, Store, Value};
use std::ops::Range;

/// Fills the slots with the columns of a record, which lies at `start` in `store`. `fields` are those
/// that the columns go to. Returns whether the record is whole.
pub(super) fn fill(
    shape: Shape,
    text: &[u8],
    (store, start): (Store, u32),
    fields: &[u32],
    slots: &mut Slots,
) -> bool {
    let span = |range: Range<usize>| Span {
        store,
        start: start + range.start as u32,
        len: range.len() as u32,
    };
    if let Shape::Rows(_) = shape {
        let Some(record) = csv::read(text) else { return false };
        for cell in record.cells.into_iter().flatten() {
            let mut value = span(cell.text.clone());
            if cell.has_quotes {
                let first = slots.arena.len();
                csv::decode(&text[cell.text], &mut slots.arena);
                let len = (slots.arena.len() - first) as u32;
                value = Span { store: slots.arena_store, start: first as u32, len };
            }
            give(fields.get(usize::from(cell.column)), value, slots);
        }
        return record.is_complete;
    }
    let line = match shape {
        Shape::Message(_) => mariadb::read_message(text),
        _ => mariadb::read(text),
    };
    let Some(line) = line else { return false };
    for (column, field) in line.columns.into_iter().zip(fields) {
        if let Some(column) = column {
            give(Some(field), span(column), slots);
        }
    }
    line.is_complete
}

#[inline(always)]
fn give(field: Option<&u32>, span: Span, slots: &mut Slots) {
    if let Some(&field) = field.filter(|field| **field != NONE) {
        slots.push_literal(field, Value::Str(span));
    }
    slots.push_leaf(Value::Str(span));
}
