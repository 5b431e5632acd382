//! Encodings of tables that other modules define.

use super::codec::{DecodeError, Reader, Record, read_all, read_bytes, write_all, write_bytes};
use crate::destination::{
    Choice, Condition, Destination, DestinationTables, Document, Node, Normal,
};
use crate::event::keys::{Identity, KeyEntry, KeySlot, KeyTable};
use crate::source::{
    ConditionSet, Derived, Field, Group, Lift, Logsource, Nested, Payload, Positions, Range,
    Source, SourceTables, Test, Variant,
};

/// Implements [`Record`] for a struct of records, field after field.
macro_rules! encode_fields {
    ($name:ident { $($field:ident: $t:ty),* $(,)? }) => {
        impl Record for $name {
            const SIZE: usize = 0 $(+ <$t as Record>::SIZE)*;
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$field.encode(out);)*
            }
            fn decode(bytes: &[u8]) -> Self {
                let mut at = 0;
                $(
                    let $field = <$t as Record>::decode(&bytes[at..]);
                    at += <$t as Record>::SIZE;
                )*
                let _ = at;
                $name { $($field),* }
            }
        }
    };
}

encode_fields!(KeySlot { tag: u32, entry: u32 });
encode_fields!(KeyEntry {
    first: u64,
    last: u64,
    node: u32,
    len: u32,
    start: u32,
    field: u32,
    child: u32,
    container: u32,
});
encode_fields!(Range { first: u32, count: u32 });
encode_fields!(ConditionSet { fields: Range, conditions: Range });
encode_fields!(Source {
    name: Range,
    when: Range,
    logsources: Range,
    nested: Range,
    fields: Range,
    lifts: Range,
    positions: Range,
    variants: Range,
    derived: Range,
    early: ConditionSet,
    late: ConditionSet,
});
encode_fields!(Group { all: Range, any: Range });
encode_fields!(Test { field: u32, kind: u8, values: Range });
encode_fields!(Logsource { id: u32, condition: u32, otherwise: u8 });
encode_fields!(Payload { field: u32, encoding: u8, source: u32, columns: Range, when: Range });
encode_fields!(Nested { field: u32, path: Range });
encode_fields!(Field { to: u32, paths: Range });
encode_fields!(Lift { first: u32, to: Range });
encode_fields!(Positions { field: u32, condition: u32, names: Range });
encode_fields!(Variant { condition: u32, fields: Range });
encode_fields!(Derived {
    to: u32,
    decoder: u8,
    paths: Range,
    number: u32,
    parameter: Range,
    table: Range,
});

encode_fields!(Destination { name: Range, documents: Range, lists: u8 });
encode_fields!(Condition { groups: Range, is_routed: u8, logsources: Range });
encode_fields!(Document { condition: Condition, nodes: Range, members: u32 });
encode_fields!(Node { key: Range, choices: Range, end: u32, members: u32 });
encode_fields!(Choice {
    condition: Condition,
    form: u8,
    each: u8,
    from: Range,
    values: Range,
    number: u32,
});

/// Appends the destinations.
pub fn write_normal(normal: &Normal, out: &mut Vec<u8>) {
    write_keys(&normal.keys, out);
    write_sources(&normal.sources, out);
    write_all(&normal.tables.destinations, out);
    write_all(&normal.tables.documents, out);
    write_all(&normal.tables.nodes, out);
    write_all(&normal.tables.choices, out);
}

/// Reads what [`write_normal`] wrote.
///
/// # Errors
/// If bytes are missing.
pub fn read_normal(reader: &mut Reader<'_>) -> Result<Normal, DecodeError> {
    Ok(Normal {
        keys: read_keys(reader)?,
        sources: read_sources(reader)?,
        tables: DestinationTables {
            destinations: read_all(reader)?,
            documents: read_all(reader)?,
            nodes: read_all(reader)?,
            choices: read_all(reader)?,
        },
    })
}

/// Appends the sources.
pub fn write_sources(tables: &SourceTables, out: &mut Vec<u8>) {
    write_all(&tables.sources, out);
    write_all(&tables.groups, out);
    write_all(&tables.tests, out);
    write_all(&tables.values, out);
    write_all(&tables.logsources, out);
    write_all(&tables.payloads, out);
    write_all(&tables.containers, out);
    write_all(&tables.inherited, out);
    write_all(&tables.nested, out);
    write_all(&tables.fields, out);
    write_all(&tables.lifts, out);
    write_all(&tables.positions, out);
    write_all(&tables.variants, out);
    write_all(&tables.conditions, out);
    write_all(&tables.derived, out);
    write_all(&tables.paths, out);
    write_bytes(&tables.text, out);
}

/// Reads what [`write_sources`] wrote.
///
/// # Errors
/// If bytes are missing.
pub fn read_sources(reader: &mut Reader<'_>) -> Result<SourceTables, DecodeError> {
    Ok(SourceTables {
        sources: read_all(reader)?,
        groups: read_all(reader)?,
        tests: read_all(reader)?,
        values: read_all(reader)?,
        logsources: read_all(reader)?,
        payloads: read_all(reader)?,
        containers: read_all(reader)?,
        inherited: read_all(reader)?,
        nested: read_all(reader)?,
        fields: read_all(reader)?,
        lifts: read_all(reader)?,
        positions: read_all(reader)?,
        variants: read_all(reader)?,
        conditions: read_all(reader)?,
        derived: read_all(reader)?,
        paths: read_all(reader)?,
        text: read_bytes(reader)?,
    })
}

/// Appends the key table.
pub fn write_keys(keys: &KeyTable, out: &mut Vec<u8>) {
    write_all(&keys.slots, out);
    write_all(&keys.entries, out);
    write_bytes(&keys.bytes, out);
}

/// Reads what [`write_keys`] wrote.
///
/// # Errors
/// If bytes are missing.
pub fn read_keys(reader: &mut Reader<'_>) -> Result<KeyTable, DecodeError> {
    Ok(KeyTable {
        slots: read_all(reader)?,
        entries: read_all(reader)?,
        bytes: read_bytes(reader)?,
        identity: Identity::default(),
    })
}
