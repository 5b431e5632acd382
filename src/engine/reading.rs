//! What events are read with.

use super::{Generation, Mode};
use crate::event::keys::KeyTable;
use crate::ruleset::RuleSet;
use crate::ruleset::tables::NONE;
use crate::source::{FieldSet, SourceTables};

/// Sources and keys with the fields that rules and the documents of one destination need. The
/// tables of the rule set have those of all its destinations.
pub(crate) struct Reading {
    sources: SourceTables,
    keys: KeyTable,
}

impl Reading {
    /// For a destination, by its number. `None` if the rule set has none: then there is no such
    /// number.
    pub fn new(rules: &RuleSet, destination: u32) -> Option<Reading> {
        let normal = rules.normal().ok()?;
        let tables = rules.tables();
        let mut read = FieldSet::new(tables.fields.len());
        normal.add_fields(destination, &mut read);
        let sources = normal.sources.needed(&tables.sources, &mut read);
        // Whatever looks at fields without a destination finds what it would find then.
        read.add_all(tables.keys.entries.iter().map(|entry| entry.field));
        let keys = normal.keys.only(|field| field == NONE || read.has(field));
        Some(Reading { sources, keys })
    }
}

/// The sources and keys that a scratch reads events with: more fields have names where documents
/// are written. What is compared with reads everything.
pub(super) fn reading(generation: &Generation, mode: Mode) -> (&SourceTables, &KeyTable) {
    if let Some(reading) = &generation.reading {
        if mode == Mode::Exhaustive
            && let Ok(normal) = generation.rules.normal()
        {
            return (&normal.sources, &normal.keys);
        }
        return (&reading.sources, &reading.keys);
    }
    let tables = generation.rules.tables();
    (&tables.sources, &tables.keys)
}
