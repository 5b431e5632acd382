//! Kinds of events, remembered with all that follows from them.
//!
//! A host writes a few kinds of events. Those of a kind have the same fields in the same order, and
//! the same values in the few fields that descriptors test. Whose event it is, what its log sources
//! are, and from which of its fields each canonical and derived field is taken, follow from that
//! alone, so the next event of a kind costs a comparison. The memory is of fixed size; what does
//! not fit is worked out again.

use super::decode::Decoder;
use super::list::List;
use super::tables::{Range, SourceTables, TestKind};
use super::view::Stores;
use crate::event::keys::folded_product;
use crate::event::slots::{NONE, Slots};
use crate::event::value::Value;
use crate::event::word::ends;

/// Remembered kinds. Even: a kind has a second place next door.
const KINDS: usize = 24;
/// Most fields of an event that is remembered.
const FIELDS: usize = 64;
/// Most of them that descriptors test.
const TESTED: usize = 8;
/// Longest tested values, in bytes: a channel's name has up to 80.
const VALUE_BYTES: usize = 160;
/// Most canonical fields that are remembered.
const NAMED: usize = 40;
/// Most derived fields that are remembered.
const DERIVED: usize = 24;
/// Most log sources of an event that are remembered: real ones have up to five.
const LOGSOURCES: usize = 8;

/// A canonical field of an event, and where it is taken from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named {
    /// The canonical field.
    pub to: u32,
    /// The field it is taken from; of several the first that may be there.
    pub from: u32,
    /// The fields that it may be taken from, if there are several: which one depends on values.
    pub paths: Range,
}

/// A derived field of an event, and what it is computed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Computed {
    /// The derived field.
    pub to: u32,
    /// The field it is computed from, if that is present; of several the first that may be there.
    pub from: u32,
    /// Whether it is the only one; otherwise values decide which one it is.
    pub is_only: bool,
    /// How.
    pub decoder: Decoder,
    /// The decoder's number.
    pub number: u32,
    /// Its index in the table of derived fields, which has what few decoders need.
    pub derived: u32,
}

/// What follows from the kind of an event.
#[derive(Clone)]
pub(super) struct Plan {
    /// Whose event it is.
    pub source: u32,
    pub named: List<Named, NAMED>,
    pub computed: List<Computed, DERIVED>,
    pub logsources: List<u32, LOGSOURCES>,
}

impl Plan {
    pub fn new() -> Plan {
        Plan {
            source: NONE,
            named: List::default(),
            computed: List::new(Computed {
                to: NONE,
                from: NONE,
                is_only: true,
                decoder: Decoder::Constant,
                number: 0,
                derived: NONE,
            }),
            logsources: List::default(),
        }
    }

    /// Begins the plan of an event of a source.
    pub fn begin(&mut self, source: u32) {
        self.source = source;
        self.named.clear();
        self.computed.clear();
        self.logsources.clear();
    }

    fn is_whole(&self) -> bool {
        self.named.is_whole() && self.computed.is_whole() && self.logsources.is_whole()
    }
}

/// A kind of events.
#[derive(Clone)]
struct Kind {
    fields: List<u32, FIELDS>,
    tested: List<(u32, Value), TESTED>,
    /// The texts of the tested values, one behind the other.
    texts: List<u8, VALUE_BYTES>,
    /// What follows; of no source: nothing is remembered here.
    plan: Plan,
}

/// A descriptor tests the field's value, or may take one that it tests from it.
const TESTED_BY_VALUE: u8 = 1;
/// A descriptor computes the field.
const COMPUTED: u8 = 2;

/// Remembered kinds.
pub(super) struct Kinds {
    /// What descriptors do with each field: [`TESTED_BY_VALUE`], [`COMPUTED`].
    uses: Vec<u8>,
    entries: Vec<Kind>,
    /// The event that is worked out.
    draft: Kind,
    /// The kind that was met last.
    last: usize,
    /// The event that was not found last.
    missed: u64,
    /// Of each place, the event that was not found there last: one that comes but once is not
    /// remembered.
    seen: Vec<u64>,
}

impl Kinds {
    /// For the sources of a rule set with `fields` fields.
    pub fn new(tables: &SourceTables, fields: usize) -> Kinds {
        let kind = Kind {
            fields: List::default(),
            tested: List::new((NONE, Value::Null)),
            texts: List::default(),
            plan: Plan::new(),
        };
        let mut uses = vec![0; fields];
        for (uses, is_tested) in uses.iter_mut().zip(tested(tables, fields)) {
            *uses |= if is_tested { TESTED_BY_VALUE } else { 0 };
        }
        for field in &tables.derived {
            if let Some(uses) = uses.get_mut(field.to as usize) {
                *uses |= COMPUTED;
            }
        }
        Kinds {
            uses,
            entries: vec![kind.clone(); KINDS],
            draft: kind,
            last: 0,
            missed: 0,
            seen: vec![0; KINDS],
        }
    }

    /// Whether the event is of the kind that was met last.
    #[inline]
    pub fn again(&self, slots: &Slots, stores: &Stores<'_>) -> bool {
        self.entries[self.last].fits(slots, stores)
    }

    /// Looks for the kind of the event. If it is known, it is the last one afterwards.
    pub fn find(&mut self, slots: &Slots, stores: &Stores<'_>) -> bool {
        let hash = self.hash(slots, stores);
        let home = hash as usize % KINDS;
        for at in [home, home ^ 1] {
            if self.entries[at].fits(slots, stores) {
                self.last = at;
                return true;
            }
        }
        self.missed = hash;
        false
    }

    /// What follows from the kind that was met last.
    #[inline]
    pub fn plan(&self) -> &Plan {
        &self.entries[self.last].plan
    }

    /// Whether descriptors compute a field, so that values decide whether it is present.
    pub fn is_derived(&self, field: u32) -> bool {
        self.uses.get(field as usize).is_some_and(|uses| uses & COMPUTED != 0)
    }

    fn is_tested(&self, field: u32) -> bool {
        self.uses.get(field as usize).is_some_and(|uses| uses & TESTED_BY_VALUE != 0)
    }

    /// Whether the event that was not found is worth remembering: it came before.
    pub fn is_worth_it(&mut self) -> bool {
        let seen = &mut self.seen[self.missed as usize % KINDS];
        std::mem::replace(seen, self.missed) == self.missed
    }

    /// Notes what the event that was not found looks like, before it gets further fields. Returns
    /// whether it can be remembered.
    pub fn note(&mut self, slots: &Slots, stores: &Stores<'_>) -> bool {
        let Kinds { draft, uses, .. } = self;
        draft.fields.clear();
        draft.tested.clear();
        draft.texts.clear();
        for field in slots.touched() {
            draft.fields.push(field);
            if uses.get(field as usize).is_some_and(|uses| uses & TESTED_BY_VALUE != 0) {
                let Some(value) = slots.only(field) else { return false };
                draft.tested.push((field, value));
                let text = text(value, stores).unwrap_or_default();
                text.iter().for_each(|byte| draft.texts.push(*byte));
            }
        }
        draft.fields.is_whole() && draft.tested.is_whole() && draft.texts.is_whole()
    }

    /// Remembers what follows for the event that was noted.
    pub fn remember(&mut self, plan: &Plan) {
        if plan.is_whole() {
            let home = self.missed as usize % KINDS;
            let at = if self.entries[home].plan.source == NONE { home } else { home ^ 1 };
            self.draft.plan.clone_from(plan);
            self.entries[at].clone_from(&self.draft);
        }
    }

    /// By the fields and the ends of the tested values: kinds that agree in these are told apart
    /// where they are compared, and cost each other time only.
    fn hash(&self, slots: &Slots, stores: &Stores<'_>) -> u64 {
        let mut state = slots.heads().len() as u64;
        for head in slots.heads() {
            state = state.rotate_left(7) ^ u64::from(head.field());
            if !self.is_tested(head.field()) {
                continue;
            }
            let word = match head.first() {
                Value::Int(number) => number as u64,
                Value::Uint(number) => number,
                Value::Bool(truth) => truth.into(),
                Value::Str(span) => {
                    let text = stores.bytes(span);
                    let [first, last] = ends(text);
                    first ^ last.rotate_left(29) ^ text.len() as u64
                }
                _ => 0,
            };
            state = folded_product(state ^ word, 0x9e37_79b9_7f4a_7c15);
        }
        folded_product(state, 0x9e37_79b9_7f4a_7c15)
    }
}

impl Kind {
    /// Whether an event is of this kind.
    #[inline]
    fn fits(&self, slots: &Slots, stores: &Stores<'_>) -> bool {
        let fields = self.fields.items();
        if self.plan.source == NONE
            || fields.len() != slots.touched().len()
            || fields.iter().zip(slots.touched()).any(|(known, field)| *known != field)
        {
            return false;
        }
        let mut texts = self.texts.items();
        self.tested.items().iter().all(|(field, known)| {
            let Some(value) = slots.only(*field) else { return false };
            match (value, *known) {
                (Value::Str(now), Value::Str(then)) if now.len == then.len => {
                    let Some((text, rest)) = texts.split_at_checked(then.len as usize) else {
                        return false;
                    };
                    texts = rest;
                    stores.bytes(now) == text
                }
                (Value::Str(_) | Value::BigNumber(_), _) => false,
                (value, known) => value == known,
            }
        })
    }
}

/// The text of a string.
fn text<'a>(value: Value, stores: &Stores<'a>) -> Option<&'a [u8]> {
    match value {
        Value::Str(span) => Some(stores.bytes(span)),
        _ => None,
    }
}

/// The fields whose values descriptors test, and those that such a field may be taken from.
fn tested(tables: &SourceTables, fields: usize) -> Vec<bool> {
    let mut tested = vec![false; fields];
    let mut add = |field: u32| {
        if let Some(tested) = tested.get_mut(field as usize) {
            *tested = true;
        }
    };
    // Whether a field is there is part of a kind anyway.
    let valued = |groups: Range| {
        let tests = tables.tests_of(groups);
        tests.filter(|test| test.kind != TestKind::Exists as u8).map(|test| test.field)
    };
    for source in &tables.sources {
        valued(source.when).for_each(&mut add);
        let conditions = [source.early, source.late].map(|set| set.conditions);
        let conditions = conditions.iter().flat_map(|range| range.of(&tables.conditions));
        let asked: Vec<u32> = conditions.flat_map(|groups| valued(*groups)).collect();
        asked.iter().copied().for_each(&mut add);
        for field in source.fields.of(&tables.fields).iter().filter(|f| asked.contains(&f.to)) {
            field.paths.of(&tables.paths).iter().copied().for_each(&mut add);
        }
        for lift in source.lifts.of(&tables.lifts) {
            let members = (lift.first..).zip(lift.to.of(&tables.paths));
            members.filter(|(_, to)| asked.contains(to)).for_each(|(from, _)| add(from));
        }
    }
    tested
}
