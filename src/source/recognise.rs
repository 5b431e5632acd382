//! Which source an event is of, and which logsources follow.

use std::io::Write;

use super::candidates::Found;
use super::tables::{Group, Range, SourceTables, Test, TestKind};
use super::view::Stores;
use crate::event::fold::is_ascii_caseless;
use crate::event::slots::Slots;
use crate::event::value::Value;

/// The first of the candidates that recognises the event.
pub(super) fn recognise(
    tables: &SourceTables,
    mut candidates: Found,
    slots: &Slots,
    stores: &Stores<'_>,
) -> Option<u32> {
    candidates
        .find(|index| {
            let source = tables.sources.get(*index);
            source.is_some_and(|source| holds(tables, source.when, slots, stores))
        })
        .map(|index| index as u32)
}

/// Whether one of the groups holds.
pub(crate) fn holds(
    tables: &SourceTables,
    groups: Range,
    slots: &Slots,
    stores: &Stores<'_>,
) -> bool {
    let test = |test: &Test| passes(tables, test, slots, stores);
    groups.of(&tables.groups).iter().any(|Group { all, any }| {
        all.of(&tables.tests).iter().all(test)
            && (any.count == 0 || any.of(&tables.tests).iter().any(test))
    })
}

fn passes(tables: &SourceTables, test: &Test, slots: &Slots, stores: &Stores<'_>) -> bool {
    let Some(kind) = TestKind::from_number(test.kind) else { return false };
    if kind == TestKind::Exists {
        return slots.is_present(test.field);
    }
    slots.values(test.field).any(|value| match value {
        Value::Str(span) => fits(tables, test, kind, stores.bytes(span)),
        other => {
            let mut buffer = [0u8; 32];
            text(other, stores, &mut buffer).is_some_and(|text| fits(tables, test, kind, text))
        }
    })
}

/// Whether a text fits one of a test's values.
fn fits(tables: &SourceTables, test: &Test, kind: TestKind, text: &[u8]) -> bool {
    test.values.of(&tables.values).iter().any(|wanted| {
        let wanted = wanted.of(&tables.text);
        match kind {
            TestKind::Is => is_ascii_caseless(text, wanted),
            TestKind::Contains => contains(text, wanted),
            TestKind::Exists => true,
        }
    })
}

/// The text of a value; `None` if it has none, or is a fraction, which no test names.
pub(super) fn text<'a>(
    value: Value,
    stores: &Stores<'a>,
    buffer: &'a mut [u8; 32],
) -> Option<&'a [u8]> {
    let mut room = buffer.as_mut_slice();
    let written = match value {
        Value::Str(span) | Value::BigNumber(span) => return Some(stores.bytes(span)),
        // Conditions are decided before fields are derived, and tables are given its text.
        Value::SqlCode(_) => return None,
        Value::Bool(true) => return Some(b"true"),
        Value::Bool(false) => return Some(b"false"),
        Value::Int(number) => write!(room, "{number}"),
        Value::Uint(number) => write!(room, "{number}"),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            write!(room, "{}", number as i64)
        }
        _ => return None,
    };
    let left = room.len();
    written.ok()?;
    let used = buffer.len() - left;
    Some(&buffer[..used])
}

/// Whether `text` contains `wanted`, which is in lower case. Its first byte, in either case, is
/// looked for; resource ids have few of any.
fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let Some(&first) = wanted.first() else { return true };
    let Some(last) = text.len().checked_sub(wanted.len()) else { return false };
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), &text[..=last])
        .any(|at| is_ascii_caseless(&text[at..at + wanted.len()], wanted))
}
