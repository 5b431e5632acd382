//! Sources without what nobody looks at.
//!
//! The tables that documents are written with give an event what any destination's documents name.
//! For one destination most of it is not looked at. [`SourceTables::needed`] leaves out of them what
//! neither the rules nor that destination need; an event has the same values in all fields that are
//! left. What is not known to be needless stays.

use super::tables::{Derived, Field, Lift, Positions, Range, Source, SourceTables, Variant};
use crate::event::slots::NONE;

/// A set of fields.
#[derive(Debug, Clone)]
pub(crate) struct FieldSet {
    has: Vec<bool>,
}

impl FieldSet {
    /// None of `fields` fields.
    pub fn new(fields: usize) -> FieldSet {
        FieldSet { has: vec![false; fields] }
    }

    /// Whether a field is in it.
    pub fn has(&self, field: u32) -> bool {
        self.has.get(field as usize).is_some_and(|has| *has)
    }

    /// Adds a field; [`NONE`] is none.
    pub fn add(&mut self, field: u32) {
        if let Some(has) = self.has.get_mut(field as usize) {
            *has = true;
        }
    }

    /// Adds several.
    pub fn add_all(&mut self, fields: impl IntoIterator<Item = u32>) {
        fields.into_iter().for_each(|field| self.add(field));
    }

    fn join(&mut self, other: &FieldSet) {
        self.has.iter_mut().zip(&other.has).for_each(|(has, too)| *has |= too);
    }
}

impl SourceTables {
    /// These tables without the fields that neither `rules`, which number fields and sources as
    /// these do, nor anybody who looks at `read` needs. `read` becomes all fields that must be read
    /// from a record for it.
    pub(crate) fn needed(&self, rules: &SourceTables, read: &mut FieldSet) -> SourceTables {
        let mut reduced = self.clone();
        reduced.fields.clear();
        reduced.lifts.clear();
        reduced.positions.clear();
        reduced.variants.clear();
        reduced.derived.clear();
        let asked = read.clone();
        // What is looked at before it is known whose event it is.
        read.add_all(self.tests.iter().map(|test| test.field));
        read.add_all(self.inherited.iter().copied());
        read.add_all(self.nested.iter().map(|nested| nested.field));
        for payload in &self.payloads {
            read.add(payload.field);
            read.add_all(payload.columns.of(&self.paths).iter().copied());
        }
        for (number, source) in self.sources.iter().enumerate() {
            let mut needed = asked.clone();
            for set in [source.early, source.late] {
                let conditions = set.conditions.of(&self.conditions);
                let tests = conditions.iter().flat_map(|groups| self.tests_of(*groups));
                needed.add_all(tests.map(|test| test.field));
            }
            if let Some(same) = rules.sources.get(number) {
                rules.given(same, |field| needed.add(field));
            }
            let source = self.reduce(source, &mut needed, &mut reduced);
            read.join(&needed);
            reduced.sources[number] = source;
        }
        reduced
    }

    /// Calls `each` with every field that events of a source are given.
    fn given(&self, source: &Source, mut each: impl FnMut(u32)) {
        let variants = source.variants.of(&self.variants).iter().map(|variant| variant.fields);
        let fields = variants.chain([source.fields]).flat_map(|fields| fields.of(&self.fields));
        fields.for_each(|field| each(field.to));
        let lifts = source.lifts.of(&self.lifts).iter().map(|lift| lift.to);
        let positions = source.positions.of(&self.positions).iter().map(|item| item.names);
        lifts.chain(positions).flat_map(|to| to.of(&self.paths)).for_each(|to| each(*to));
        source.derived.of(&self.derived).iter().for_each(|derived| each(derived.to));
    }

    /// Adds to `reduced` what a source gives of the `needed` fields, which become those that this is
    /// taken from as well. Steps are looked at from the last, since each reads what those before it
    /// gave.
    fn reduce(&self, source: &Source, needed: &mut FieldSet, reduced: &mut SourceTables) -> Source {
        let mut derived: Vec<Derived> = Vec::new();
        for field in source.derived.of(&self.derived).iter().rev() {
            if needed.has(field.to) {
                needed.add_all(field.paths.of(&self.paths).iter().copied());
                derived.push(*field);
            }
        }
        derived.reverse();
        let mut variants: Vec<Variant> = Vec::new();
        for variant in source.variants.of(&self.variants).iter().rev() {
            let fields = self.named(variant.fields, needed);
            if !fields.is_empty() {
                let fields = append(&mut reduced.fields, fields);
                variants.push(Variant { fields, ..*variant });
            }
        }
        variants.reverse();
        let mut positions: Vec<Positions> = Vec::new();
        for item in source.positions.of(&self.positions) {
            needed.add(item.field);
            let names = only(item.names.of(&self.paths), needed);
            positions.push(Positions { names: append(&mut reduced.paths, names), ..*item });
        }
        let mut lifts: Vec<Lift> = Vec::new();
        for lift in source.lifts.of(&self.lifts) {
            let to = only(lift.to.of(&self.paths), needed);
            let members = (lift.first..).zip(&to).filter(|(_, to)| **to != NONE);
            needed.add_all(members.map(|(from, _)| from));
            lifts.push(Lift { to: append(&mut reduced.paths, to), ..*lift });
        }
        let fields = self.named(source.fields, needed);
        Source {
            fields: append(&mut reduced.fields, fields),
            lifts: append(&mut reduced.lifts, lifts),
            positions: append(&mut reduced.positions, positions),
            variants: append(&mut reduced.variants, variants),
            derived: append(&mut reduced.derived, derived),
            ..*source
        }
    }

    /// The canonical fields of a range that are needed. What they are taken from is as well.
    fn named(&self, fields: Range, needed: &mut FieldSet) -> Vec<Field> {
        let mut named: Vec<Field> = Vec::new();
        for field in fields.of(&self.fields).iter().rev() {
            if needed.has(field.to) {
                needed.add_all(field.paths.of(&self.paths).iter().copied());
                named.push(*field);
            }
        }
        named.reverse();
        named
    }
}

/// The fields that are needed, and [`NONE`] in place of the others.
fn only(fields: &[u32], needed: &FieldSet) -> Vec<u32> {
    let only = |field: &u32| if needed.has(*field) { *field } else { NONE };
    fields.iter().map(only).collect()
}

fn append<T>(all: &mut Vec<T>, new: Vec<T>) -> Range {
    let first = all.len() as u32;
    all.extend(new);
    Range { first, count: all.len() as u32 - first }
}
