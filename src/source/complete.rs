//! A recognised event gets its fields: from what is remembered of its kind, or step by step.

use super::events::Buffers;
use super::fields::{self, Own};
use super::nested::{self, walk_nested};
use super::recognise;
use super::tables::SourceTables;
use super::view::Stores;
use crate::event::keys::KeyTable;
use crate::event::slots::Slots;

impl Buffers {
    /// Whose event the inner slots hold, or those of the record.
    pub(super) fn recognise(
        &mut self,
        record: &[u8],
        tables: &SourceTables,
        in_inner: bool,
    ) -> Option<Recognised> {
        let Buffers { outer, inner, derived, candidates, kinds, may_tell, .. } = self;
        let stores = Stores {
            input: record,
            outer: &outer.arena,
            inner: if in_inner { &inner.arena } else { &[] },
            derived,
        };
        let slots = if in_inner { &*inner } else { &*outer };
        if kinds.again(slots, &stores) {
            return Some(Recognised { source: kinds.plan().source, kind_is_known: true });
        }
        let found = candidates.of(slots, tables.sources.len());
        *may_tell = found.may_tell;
        if found.is_empty() {
            return None;
        }
        if kinds.find(slots, &stores) {
            return Some(Recognised { source: kinds.plan().source, kind_is_known: true });
        }
        let source = recognise::recognise(tables, found, slots, &stores)?;
        Some(Recognised { source, kind_is_known: false })
    }

    /// Gives a recognised event all its fields.
    pub(super) fn complete(
        &mut self,
        record: &[u8],
        tables: &SourceTables,
        keys: &KeyTable,
        found: Recognised,
        in_inner: bool,
    ) -> Completed {
        let Some(rules) = tables.sources.get(found.source as usize) else {
            return Completed::default();
        };
        let Buffers { outer, inner, derived, values, kinds, logsources, .. } = self;
        let mut own = own_slots(record, outer, inner, in_inner);
        let has_text = rules.nested.count > 0 && nested::has_text(tables, rules, own.slots);
        if !found.kind_is_known || has_text {
            return self.work_out(record, tables, keys, found.source, in_inner, has_text);
        }
        let plan = kinds.plan();
        logsources.clear();
        logsources.extend(plan.logsources.items().iter().copied());
        fields::give_all(tables, plan, &mut own, derived, values);
        Completed { nested: 0, positions_fit: true }
    }

    /// Gives a recognised event all its fields, in the order that descriptors promise, and
    /// remembers them for events of its kind.
    #[inline(never)]
    fn work_out(
        &mut self,
        record: &[u8],
        tables: &SourceTables,
        keys: &KeyTable,
        number: u32,
        in_inner: bool,
        has_text: bool,
    ) -> Completed {
        let Some(rules) = tables.sources.get(number as usize) else { return Completed::default() };
        let Buffers { outer, inner, derived, values, conditions, kinds, plan, logsources, .. } =
            self;
        let mut own = own_slots(record, outer, inner, in_inner);
        let is_noted =
            !has_text && kinds.is_worth_it() && kinds.note(own.slots, &own.stores(derived));
        plan.begin(number);
        let mut nested = 0;
        for text in rules.nested.of(&tables.nested) {
            let path = text.path.of(&tables.text);
            nested += walk_nested(text.field, path, keys, &mut own, derived, values);
        }
        fields::name(tables, rules.fields, own.slots, plan);
        fields::lift(tables, rules, own.slots, plan);
        conditions.decide_early(tables, number, rules, own.slots, &own.stores(derived));
        let positions = rules.positions.of(&tables.positions);
        let has_positions = positions.iter().any(|item| own.slots.is_present(item.field));
        let positions_fit = fields::name_positions(tables, rules, conditions, own.slots, values);
        let stores = own.stores(derived);
        conditions.decide_late(tables, number, rules, own.slots, &stores, logsources);
        logsources.iter().for_each(|logsource| plan.logsources.push(*logsource));
        fields::name_variants(tables, rules, conditions, own.slots, plan);
        fields::derive_all(tables, rules, &mut own, derived, values, kinds, plan);
        // What the elements of an array are called depends on how many there are.
        if is_noted && !has_positions {
            kinds.remember(plan);
        }
        Completed { nested, positions_fit }
    }
}

/// Whose event it is.
#[derive(Clone, Copy)]
pub(super) struct Recognised {
    /// Its number.
    pub source: u32,
    /// What follows from its kind is known: the plan of the kind that was met last.
    kind_is_known: bool,
}

/// What was found while an event got its fields.
#[derive(Default)]
pub(super) struct Completed {
    /// Texts that stand for objects and are malformed.
    pub nested: u32,
    /// False if an array has more or fewer elements than its kind of event.
    pub positions_fit: bool,
}

fn own_slots<'a>(
    record: &'a [u8],
    outer: &'a mut Slots,
    inner: &'a mut Slots,
    in_inner: bool,
) -> Own<'a> {
    if in_inner {
        Own { slots: inner, input: record, outer: &outer.arena }
    } else {
        Own { slots: outer, input: record, outer: &[] }
    }
}
