//! A view as plain data, for tests and for `explain`: the reference evaluator gets exactly what
//! the engine sees, without sharing any of its code.

use super::sql_code::SqlCode;
use super::view::EventView;
use crate::event::value::Value;

/// A value with its text.
#[derive(Debug, Clone, PartialEq)]
pub enum ListedValue {
    /// An explicit null that is the whole value.
    Null,
    /// A null among several values.
    NullElement,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float.
    Float(f64),
    /// The digits of a number that fits neither.
    BigNumber(Vec<u8>),
    /// A string.
    Str(Vec<u8>),
    /// An object.
    Object,
    /// An array without elements.
    EmptyArray,
    /// A msgpack extension.
    Opaque,
}

/// All that a rule can see of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// Fields that are present, sorted by name, with all their values.
    pub fields: Vec<(String, Vec<ListedValue>)>,
    /// What keywords are searched in, in the order of the event.
    pub leaves: Vec<ListedValue>,
}

/// Lists a view. `names[i]` is the name of field `i`; fields beyond the names are left out.
pub fn list<S: AsRef<str>>(view: &EventView<'_>, names: &[S]) -> Listing {
    let owned = |value| listed(view, value);
    let mut fields: Vec<(String, Vec<ListedValue>)> = view
        .touched()
        .filter(|field| view.is_present(*field))
        .filter_map(|field| {
            let name = names.get(field as usize)?.as_ref().to_owned();
            Some((name, view.values(field).map(owned).collect()))
        })
        .collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    Listing { fields, leaves: view.leaves().iter().copied().map(owned).collect() }
}

fn listed(view: &EventView<'_>, value: Value) -> ListedValue {
    match value {
        Value::Null => ListedValue::Null,
        Value::NullElement => ListedValue::NullElement,
        Value::Bool(value) => ListedValue::Bool(value),
        Value::Int(value) => ListedValue::Int(value),
        Value::Uint(value) => ListedValue::Uint(value),
        Value::Float(value) => ListedValue::Float(value),
        Value::BigNumber(span) => ListedValue::BigNumber(view.bytes(span).to_vec()),
        Value::Str(span) => ListedValue::Str(view.bytes(span).to_vec()),
        Value::SqlCode(span) => ListedValue::Str(SqlCode::default().of(view.bytes(span)).to_vec()),
        Value::Object => ListedValue::Object,
        Value::EmptyArray => ListedValue::EmptyArray,
        Value::Opaque => ListedValue::Opaque,
    }
}
