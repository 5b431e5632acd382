//! Where the value under the walker goes, and the containers it is inside of.

use super::keys::{KeyEntry, KeyTable, ROOT};
use super::slots::{Container, NONE, Slots};
use super::value::{Span, Store, Value};

/// Where one value goes. The ids are [`NONE`] for a value that nobody asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    /// The field that takes the value itself.
    pub field: u32,
    pub child: u32,
    pub container: u32,
    /// The field has it by a top-level key of its own name, and not by a path.
    pub literal: bool,
}

impl Target {
    pub const NOWHERE: Target =
        Target { field: NONE, child: NONE, container: NONE, literal: false };

    /// The record itself, or the object that a node stands for.
    pub fn node(node: u32) -> Target {
        Target { child: node, ..Target::NOWHERE }
    }

    /// What `key` means in an object whose keys are looked up at `node`.
    #[inline(always)]
    pub fn of(keys: &KeyTable, node: u32, key: &[u8]) -> Target {
        if node == NONE {
            return Target::NOWHERE;
        }
        keys.get(node, key).map_or(Target::NOWHERE, Target::at)
    }

    /// What the entry of a key means; [`NONE`]: nobody asked for the key.
    pub fn of_entry(keys: &KeyTable, entry: u32) -> Target {
        keys.entries.get(entry as usize).map_or(Target::NOWHERE, Target::at)
    }

    #[inline(always)]
    fn at(entry: &KeyEntry) -> Target {
        let KeyEntry { field, child, container, node, .. } = *entry;
        Target { field, child, container, literal: node == ROOT }
    }

    /// Whether nothing inside the value can be asked for.
    #[inline]
    pub fn is_nowhere(&self) -> bool {
        // All ones only if each is NONE.
        self.field & self.child & self.container == NONE
    }

    /// Whether a field takes the value itself.
    #[inline]
    pub fn takes_value(&self) -> bool {
        self.field != NONE
    }

    /// Gives the value to the field that takes it.
    #[inline(always)]
    pub fn push(&self, slots: &mut Slots, value: Value) {
        if self.field != NONE {
            slots.push(self.field, value, self.literal);
        }
    }
}

/// An open container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Where its elements go (arrays), or the node that its keys are looked up in (`child`).
    pub target: Target,
    /// Elements or pairs still to come (msgpack only).
    pub remaining: u32,
    /// First byte of the container in the walked slice.
    pub start: u32,
    pub is_array: bool,
    /// An array, or inside one at any depth: a null in it is one of several values.
    pub in_array: bool,
}

impl Frame {
    /// The container of the record itself.
    pub fn root(target: Target, start: usize, remaining: u32) -> Frame {
        Frame { target, remaining, start: start as u32, is_array: false, in_array: false }
    }

    /// A container found at `target` inside this one.
    #[inline]
    pub fn nested(&self, target: Target, is_array: bool, start: usize, remaining: u32) -> Frame {
        let in_array = is_array || self.in_array;
        Frame { target, remaining, start: start as u32, is_array, in_array }
    }

    /// Where an element of this array goes: nested arrays are flattened, and a source that asked
    /// for the array gets it once, as a whole.
    #[inline]
    pub fn element_target(&self) -> Target {
        Target { container: NONE, ..self.target }
    }

    /// The null of an element or member: one of several values, or the only one.
    #[inline]
    pub fn null(&self) -> Value {
        if self.in_array { Value::NullElement } else { Value::Null }
    }

    /// Whether a source asked for the container as a whole.
    #[inline]
    pub fn is_asked_for(&self) -> bool {
        self.target.container != NONE
    }

    /// Reports the container, which ends before `end`, if a source asked for it.
    #[inline]
    pub fn close(&self, end: usize, store: Store, base: u32, slots: &mut Slots) {
        if self.is_asked_for() {
            slots.push_container(Container {
                id: self.target.container,
                span: Span { store, start: base + self.start, len: end as u32 - self.start },
                is_array: self.is_array,
            });
        }
    }
}

/// Whether spans of 32 bits reach every byte of a slice that begins at `base`.
#[inline]
pub(super) fn addressable(len: usize, base: u32) -> bool {
    len <= (u32::MAX - base) as usize
}
