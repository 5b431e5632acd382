//! The values that one walk found, by field.
//!
//! A `Slots` is reused for every record: fields that have something are listed one behind the other,
//! so that forgetting them is emptying the list, and nothing allocates once the vectors have grown to
//! the size that the traffic needs.

use super::familiar::Familiar;
use super::target::Frame;
use super::value::{Span, Store, Value};

const _: () = assert!(crate::limits::FIELDS == 1 << u16::BITS, "a place of each has two bytes");

/// Marks "none" in tables of ids.
pub const NONE: u32 = u32::MAX;

/// What a field has. PERF: nearly all fields have one value, which lies here, so that giving it and
/// reading it touches one place; and those of an event lie side by side.
#[derive(Clone, Copy)]
pub struct Head {
    /// The first value.
    value: Value,
    field: u32,
    rest: Rest,
}

impl Head {
    /// The field.
    #[inline]
    pub fn field(&self) -> u32 {
        self.field
    }

    /// Its first value.
    #[inline]
    pub fn first(&self) -> Value {
        self.value
    }
}

const _: () = assert!(size_of::<Head>() == 32);

/// What a field has besides its first value.
#[derive(Clone, Copy)]
struct Rest {
    /// The node of the second value, or [`NONE`].
    next: u32,
    /// The node of the last value, if there is a second.
    last: u32,
    /// The values came from a top-level key with exactly this name, which hides every path.
    literal: bool,
}

impl Rest {
    #[inline]
    const fn single(literal: bool) -> Rest {
        Rest { next: NONE, last: NONE, literal }
    }
}

/// A further value of a field.
#[derive(Clone, Copy)]
struct Node {
    value: Value,
    next: u32,
}

/// A container whose bytes a source asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    /// The id that the key table gave it.
    pub id: u32,
    /// The bytes of the container with its header or brackets.
    pub span: Span,
    /// True for an array, false for an object.
    pub is_array: bool,
}

/// Field values of one event, and (where keyword rules exist) all of its leaves.
pub struct Slots {
    present: Present,
    nodes: Vec<Node>,
    leaves: Vec<Value>,
    containers: Vec<Container>,
    /// Bytes decoded during the walk; spans with this layer's `Store` point into it.
    pub arena: Vec<u8>,
    /// The store that spans into `arena` carry; set by the owner for its layer.
    pub arena_store: Store,
    /// Containers that the walker is inside of; here so that walks share one allocation.
    pub(super) frames: Vec<Frame>,
    /// The keys that walks met.
    pub(super) familiar: Familiar,
    /// Whether the walker should report every leaf.
    pub wants_leaves: bool,
    /// Whether [`raw_start`](Slots::raw_start) will be asked.
    pub wants_raw: bool,
    /// For each string that was decoded into the arena: where it begins there, and in the walked
    /// store the offset of its quote.
    decoded: Vec<(u32, u32)>,
}

/// The fields that have something.
struct Present {
    /// Number of fields.
    count: usize,
    /// For each field, its place among `heads`, if it is there. None before the first record, since
    /// most slots of a host never see one. There are no more fields than such numbers.
    places: Vec<u16>,
    heads: Vec<Head>,
}

impl Present {
    #[inline(always)]
    fn get(&self, field: u32) -> Option<&Head> {
        let place = usize::from(*self.places.get(field as usize)?);
        self.heads.get(place).filter(|head| head.field == field)
    }

    #[inline(always)]
    fn get_mut(&mut self, field: u32) -> Option<&mut Head> {
        let place = usize::from(*self.places.get(field as usize)?);
        self.heads.get_mut(place).filter(|head| head.field == field)
    }

    /// Adds a field, unless it is there: whether it was not.
    #[inline(always)]
    fn add(&mut self, field: u32, value: Value, literal: bool) -> bool {
        let Some(place) = self.places.get_mut(field as usize) else { return true };
        if self.heads.get(usize::from(*place)).is_some_and(|head| head.field == field) {
            return false;
        }
        *place = self.heads.len() as u16;
        self.heads.push(Head { value, field, rest: Rest::single(literal) });
        true
    }

    /// Gives a field this and nothing else.
    #[inline(always)]
    fn set(&mut self, field: u32, value: Value, rest: Rest) {
        let Some(place) = self.places.get_mut(field as usize) else { return };
        match self.heads.get_mut(usize::from(*place)).filter(|head| head.field == field) {
            Some(head) => (head.value, head.rest) = (value, rest),
            None => {
                *place = self.heads.len() as u16;
                self.heads.push(Head { value, field, rest });
            }
        }
    }
}

impl Slots {
    /// Slots for a table of `fields` fields.
    pub fn new(fields: usize) -> Slots {
        Slots {
            present: Present { count: fields, places: Vec::new(), heads: Vec::with_capacity(64) },
            nodes: Vec::new(),
            leaves: Vec::with_capacity(64),
            containers: Vec::new(),
            arena: Vec::with_capacity(4096),
            arena_store: Store::Outer,
            frames: Vec::with_capacity(crate::limits::MAX_DEPTH),
            familiar: Familiar::new(),
            wants_leaves: false,
            wants_raw: false,
            decoded: Vec::new(),
        }
    }

    /// Forgets the previous event.
    pub fn begin(&mut self) {
        let Present { count, places, heads } = &mut self.present;
        if places.len() < *count {
            places.resize(*count, 0);
        }
        heads.clear();
        self.nodes.clear();
        self.leaves.clear();
        self.containers.clear();
        self.arena.clear();
        self.decoded.clear();
    }

    /// Adds a value of a top-level key that is named exactly like the field. It hides values
    /// that came by a path; a second key of the same name adds to the first.
    #[inline(always)]
    pub fn push_literal(&mut self, field: u32, value: Value) {
        self.push(field, value, true);
    }

    /// Adds a value found by a dotted path.
    #[inline(always)]
    pub fn push_path(&mut self, field: u32, value: Value) {
        self.push(field, value, false);
    }

    // PERF: inlined, so that the value is written once, to its head, and not through the stack.
    #[inline(always)]
    pub(super) fn push(&mut self, field: u32, value: Value, literal: bool) {
        if !self.present.add(field, value, literal) {
            self.add(field, value, literal);
        }
    }

    /// What a loop over members writes to, and the keys that it knows. `literal`: the members are
    /// those of the record itself.
    #[inline(always)]
    pub(super) fn parts(&mut self, literal: bool) -> (Members<'_>, &mut Familiar) {
        let Slots { present, leaves, wants_leaves, familiar, .. } = self;
        let leaves = wants_leaves.then_some(leaves);
        (Members { literal, present, leaves }, familiar)
    }

    /// Adds a value to a field that has one.
    #[inline(never)]
    fn add(&mut self, field: u32, value: Value, literal: bool) {
        let Some(head) = self.present.get_mut(field) else { return };
        if head.rest.literal && !literal {
            return;
        }
        if head.rest.literal != literal {
            (head.value, head.rest) = (value, Rest::single(literal));
            return;
        }
        // A second value makes the field an array of all of them (last-wins is an evasion).
        let element = |value| if value == Value::Null { Value::NullElement } else { value };
        head.value = element(head.value);
        let node = self.nodes.len() as u32;
        let rest = &mut head.rest;
        let link = match rest.next {
            NONE => &mut rest.next,
            _ => &mut self.nodes[rest.last as usize].next,
        };
        *link = node;
        rest.last = node;
        self.nodes.push(Node { value: element(value), next: NONE });
    }

    /// Gives one field the values of another: a source's canonical field takes those of its
    /// first present alias. The two share their values, so neither may be pushed to afterwards.
    #[inline]
    pub fn alias(&mut self, to: u32, from: u32) {
        let Some(&Head { value, rest, .. }) = self.present.get(from) else { return };
        self.present.set(to, value, Rest { literal: true, ..rest });
    }

    /// Gives a field that is missing a value from elsewhere.
    pub fn give(&mut self, field: u32, value: Value) {
        if !self.is_present(field) {
            self.push(field, value, false);
        }
    }

    /// Replaces the values of a field with one value (a derived field).
    #[inline]
    pub fn set(&mut self, to: u32, value: Value) {
        self.present.set(to, value, Rest::single(true));
    }

    /// Reports a leaf for keyword rules. Nulls, objects and empty arrays are not leaves.
    #[inline]
    pub fn push_leaf(&mut self, value: Value) {
        if self.wants_leaves {
            self.leaves.push(value);
        }
    }

    /// Reports that the string whose quote is at `raw` will be decoded to the end of the arena.
    #[inline]
    pub fn push_decoded(&mut self, raw: u32) {
        if self.wants_raw {
            self.decoded.push((self.arena.len() as u32, raw));
        }
    }

    /// The offset of the quote of the string that was decoded to `start` in the arena.
    pub fn raw_start(&self, start: u32) -> Option<u32> {
        let at = self.decoded.binary_search_by_key(&start, |(start, _)| *start).ok()?;
        Some(self.decoded[at].1)
    }

    /// Reports the bytes of a container that a source asked for.
    pub fn push_container(&mut self, container: Container) {
        self.containers.push(container);
    }

    /// The fields that have a value (or had one before a literal key hid it), each once.
    #[inline]
    pub fn touched(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.present.heads.iter().map(|head| head.field)
    }

    /// These, with their first values.
    #[inline]
    pub fn heads(&self) -> &[Head] {
        &self.present.heads
    }

    /// The values of a field that is there, behind its first.
    #[inline]
    pub fn further(&self, head: &Head) -> FieldValues<'_> {
        FieldValues { nodes: &self.nodes, first: None, next: head.rest.next }
    }

    /// All leaves, if they were asked for.
    pub fn leaves(&self) -> &[Value] {
        &self.leaves
    }

    /// The containers that sources asked for.
    pub fn containers(&self) -> &[Container] {
        &self.containers
    }

    /// The values of a field; empty if it is missing.
    #[inline]
    pub fn values(&self, field: u32) -> FieldValues<'_> {
        self.values_of(self.present.get(field))
    }

    #[inline(always)]
    fn values_of(&self, head: Option<&Head>) -> FieldValues<'_> {
        FieldValues {
            nodes: &self.nodes,
            first: head.map(|head| head.value),
            next: head.map_or(NONE, |head| head.rest.next),
        }
    }

    /// The value of a field that has one and no second.
    #[inline]
    pub fn only(&self, field: u32) -> Option<Value> {
        let head = self.present.get(field)?;
        (head.rest.next == NONE).then_some(head.value)
    }

    /// Whether the field is present, even as null.
    #[inline]
    pub fn is_present(&self, field: u32) -> bool {
        self.present.get(field).is_some()
    }
}

/// The part of the slots that plain members go to.
///
/// PERF: the values of strings and of scalars are made apart, where their kind is known.
pub(super) struct Members<'a> {
    /// Whether they are members of the record itself.
    literal: bool,
    present: &'a mut Present,
    leaves: Option<&'a mut Vec<Value>>,
}

impl Members<'_> {
    /// Gives a field, or nobody ([`NONE`]), its first value, a string, which is a leaf; `false`,
    /// and nothing was done, if it has one.
    #[inline(always)]
    pub fn push_str(&mut self, field: u32, span: Span) -> bool {
        let is_first = field == NONE || self.push(field, Value::Str(span));
        if is_first && let Some(leaves) = &mut self.leaves {
            leaves.push(Value::Str(span));
        }
        is_first
    }

    /// [`push_str`](Members::push_str) for any other leaf.
    #[inline(always)]
    pub fn push_scalar(&mut self, field: u32, value: Value) -> bool {
        let is_first = field == NONE || self.push(field, value);
        if is_first && let Some(leaves) = &mut self.leaves {
            leaves.push(value);
        }
        is_first
    }

    /// Says whether the members that follow are those of the record itself.
    #[inline(always)]
    pub fn set_literal(&mut self, literal: bool) {
        self.literal = literal;
    }

    /// [`push_str`](Members::push_str) for an object, which is no leaf.
    #[inline(always)]
    pub fn push_object(&mut self, field: u32) -> bool {
        field == NONE || self.push(field, Value::Object)
    }

    /// [`push_str`](Members::push_str) for a null, which is no leaf.
    #[inline(always)]
    pub fn push_null(&mut self, field: u32, null: Value) -> bool {
        field == NONE || self.push(field, null)
    }

    #[inline(always)]
    fn push(&mut self, field: u32, value: Value) -> bool {
        self.present.add(field, value, self.literal)
    }
}

/// Iterates over the values of one field.
#[derive(Clone)]
pub struct FieldValues<'a> {
    nodes: &'a [Node],
    first: Option<Value>,
    next: u32,
}

impl Iterator for FieldValues<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        if let Some(value) = self.first.take() {
            return Some(value);
        }
        if self.next == NONE {
            return None;
        }
        let node = &self.nodes[self.next as usize];
        self.next = node.next;
        Some(node.value)
    }
}
