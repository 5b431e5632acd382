//! The values that one walk found, by field.
//!
//! A `Slots` is reused for every record: `begin` starts a new epoch instead of clearing, and
//! nothing allocates once the vectors have grown to the size that the traffic needs.

use super::target::Frame;
use super::value::{Span, Store, Value};

/// Marks "none" in tables of ids.
pub const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Default)]
struct Head {
    epoch: u32,
    first: u32,
    last: u32,
    /// The values came from a top-level key with exactly this name, which hides every path.
    literal: bool,
}

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
    epoch: u32,
    heads: Vec<Head>,
    nodes: Vec<Node>,
    touched: Vec<u32>,
    leaves: Vec<Value>,
    containers: Vec<Container>,
    /// Bytes decoded during the walk; spans with this layer's `Store` point into it.
    pub arena: Vec<u8>,
    /// The store that spans into `arena` carry; set by the owner for its layer.
    pub arena_store: Store,
    /// Containers that the walker is inside of; here so that walks share one allocation.
    pub(super) frames: Vec<Frame>,
    /// Whether the walker should report every leaf.
    pub wants_leaves: bool,
    /// Whether [`raw_start`](Slots::raw_start) will be asked.
    pub wants_raw: bool,
    /// For each string that was decoded into the arena: where it begins there, and in the walked
    /// store the offset of its quote.
    decoded: Vec<(u32, u32)>,
}

impl Slots {
    /// Slots for a table of `fields` fields.
    pub fn new(fields: usize) -> Slots {
        Slots {
            epoch: 0,
            heads: vec![Head::default(); fields],
            nodes: Vec::with_capacity(64),
            touched: Vec::with_capacity(64),
            leaves: Vec::with_capacity(64),
            containers: Vec::new(),
            arena: Vec::with_capacity(4096),
            arena_store: Store::Outer,
            frames: Vec::with_capacity(crate::limits::MAX_DEPTH),
            wants_leaves: false,
            wants_raw: false,
            decoded: Vec::new(),
        }
    }

    /// Forgets the previous event.
    pub fn begin(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.heads.fill(Head::default());
            self.epoch = 1;
        }
        self.nodes.clear();
        self.touched.clear();
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

    // PERF: inlined, and only numbers leave it, so that the value is written once, to its node,
    // and not through the stack.
    #[inline(always)]
    fn push(&mut self, field: u32, value: Value, literal: bool) {
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { value, next: NONE });
        let head = &mut self.heads[field as usize];
        if head.epoch == self.epoch {
            self.link(field, node, literal);
        } else {
            *head = Head { epoch: self.epoch, first: node, last: node, literal };
            self.touched.push(field);
        }
    }

    /// Adds the last node to a field that was touched before.
    #[inline(never)]
    fn link(&mut self, field: u32, node: u32, literal: bool) {
        let head = &mut self.heads[field as usize];
        if head.literal && !literal {
            self.nodes.truncate(node as usize);
            return;
        }
        if head.literal != literal || head.first == NONE {
            *head = Head { epoch: self.epoch, first: node, last: node, literal };
            return;
        }
        // A second value makes the field an array of all of them (last-wins is an evasion).
        let last = head.last as usize;
        let first = head.first as usize;
        head.last = node;
        self.nodes[last].next = node;
        for index in [first, node as usize] {
            if self.nodes[index].value == Value::Null {
                self.nodes[index].value = Value::NullElement;
            }
        }
    }

    /// Gives one field the values of another: a source's canonical field takes those of its
    /// first present alias. The two share their values, so neither may be pushed to afterwards.
    pub fn alias(&mut self, to: u32, from: u32) {
        let source = self.heads[from as usize];
        debug_assert_eq!(source.epoch, self.epoch);
        let head = &mut self.heads[to as usize];
        if head.epoch != self.epoch {
            self.touched.push(to);
        }
        *head = Head { literal: true, ..source };
    }

    /// Replaces the values of a field with one value (a derived field).
    pub fn set(&mut self, to: u32, value: Value) {
        let head = &mut self.heads[to as usize];
        if head.epoch != self.epoch {
            self.touched.push(to);
        }
        *head = Head { epoch: self.epoch, first: NONE, last: NONE, literal: true };
        self.push(to, value, true);
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
    pub fn touched(&self) -> &[u32] {
        &self.touched
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
        let head = &self.heads[field as usize];
        let next = if head.epoch == self.epoch { head.first } else { NONE };
        FieldValues { nodes: &self.nodes, next }
    }

    /// Whether the field is present, even as null.
    #[inline]
    pub fn is_present(&self, field: u32) -> bool {
        let head = &self.heads[field as usize];
        head.epoch == self.epoch && head.first != NONE
    }
}

/// Iterates over the values of one field.
#[derive(Clone)]
pub struct FieldValues<'a> {
    nodes: &'a [Node],
    next: u32,
}

impl Iterator for FieldValues<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        if self.next == NONE {
            return None;
        }
        let node = &self.nodes[self.next as usize];
        self.next = node.next;
        Some(node.value)
    }
}
