//! Where the value under the walker goes, and the containers it is inside of.

use super::keys::KeyEntry;
use super::slots::{Container, NONE, Slots};
use super::value::{Span, Store, Value};

/// Where one value goes. Everything is [`NONE`] for a value that nobody asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub literal: u32,
    pub path: u32,
    pub child: u32,
    pub container: u32,
    /// Inside an array, at any depth: its null is one of several values.
    pub element: bool,
}

impl Target {
    pub const NOWHERE: Target =
        Target { literal: NONE, path: NONE, child: NONE, container: NONE, element: false };

    #[inline]
    fn of(entry: KeyEntry) -> Target {
        Target {
            literal: entry.literal,
            path: entry.path,
            child: entry.child,
            container: entry.container,
            element: false,
        }
    }

    /// Whether nothing inside the value can be asked for.
    #[inline]
    pub fn is_nowhere(&self) -> bool {
        // All ones only if each is NONE.
        self.literal & self.path & self.child & self.container == NONE
    }

    /// Whether a field takes the value itself.
    #[inline]
    pub fn takes_value(&self) -> bool {
        self.literal & self.path != NONE
    }

    /// Gives the value to the fields that take it.
    #[inline]
    pub fn push(&self, slots: &mut Slots, value: Value) {
        if self.literal != NONE {
            slots.push_literal(self.literal, value);
        }
        if self.path != NONE {
            slots.push_path(self.path, value);
        }
    }

    /// The null of this place.
    #[inline]
    pub fn null(&self) -> Value {
        if self.element { Value::NullElement } else { Value::Null }
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
}

impl Frame {
    /// A container found at `target`.
    #[inline]
    pub fn new(target: Target, is_array: bool, start: usize, remaining: u32) -> Frame {
        Frame {
            target: Target { element: is_array || target.element, ..target },
            remaining,
            start: start as u32,
            is_array,
        }
    }

    /// Where an element of this array goes: nested arrays are flattened, and a source that asked
    /// for the array gets it once, as a whole.
    #[inline]
    pub fn element_target(&self) -> Target {
        Target { container: NONE, ..self.target }
    }

    /// Where the member of this object goes whose key was looked up.
    #[inline]
    pub fn member_target(&self, entry: Option<KeyEntry>) -> Target {
        Target { element: self.target.element, ..entry.map_or(Target::NOWHERE, Target::of) }
    }

    /// Reports the container, which ends before `end`, if a source asked for it.
    #[inline]
    pub fn close(&self, end: usize, store: Store, base: u32, slots: &mut Slots) {
        if self.target.container != NONE {
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
