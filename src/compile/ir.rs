//! Rules between the AST and the tables: conditions over predicates.

use super::pattern::Pattern;
use crate::event::number::Number;
use foldhash::HashMap;

/// What a predicate tests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// The text matches the pattern; literals are folded unless `cased`.
    Pattern {
        /// The pattern.
        pattern: Pattern,
        /// Exact case.
        cased: bool,
    },
    /// The expression finds a match.
    Regex {
        /// Its source in Rust's syntax.
        source: String,
        /// Bits 0 to 2: ignore case, multi-line, dot matches newline.
        flags: u32,
    },
    /// The text is an address of the network.
    Cidr {
        /// 4 or 6.
        version: u8,
        /// First address.
        first: i128,
        /// Last address.
        last: i128,
    },
    /// A number compares.
    Compare {
        /// See [`crate::ruleset::tables::comparison`].
        comparison: u32,
        /// With this.
        number: OrderedNumber,
    },
    /// Another field's text compares.
    FieldRef {
        /// The other field.
        field: u32,
        /// See [`crate::ruleset::tables::reference_mode`].
        mode: u32,
        /// Exact case.
        cased: bool,
    },
    /// A part of a date compares.
    TimePart {
        /// See [`crate::ruleset::tables::time_part`].
        part: u32,
        /// See [`crate::ruleset::tables::comparison`].
        comparison: u32,
        /// With this.
        number: OrderedNumber,
    },
    /// Missing or an explicit null.
    Null,
    /// Present.
    Exists,
}

/// A number that can be a key: floats by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrderedNumber {
    /// An integer.
    Int(i128),
    /// The bits of a float.
    Float(u64),
}

impl From<Number> for OrderedNumber {
    fn from(number: Number) -> OrderedNumber {
        match number {
            Number::Int(int) => OrderedNumber::Int(int),
            Number::Float(float) => OrderedNumber::Float(float.to_bits()),
        }
    }
}

/// A predicate: a field and a test.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PredicateKey {
    /// Field id, or [`KEYWORDS`].
    pub field: u32,
    /// The test.
    pub test: Test,
}

/// The field id of keywords while compiling.
pub const KEYWORDS: u32 = u32::MAX;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ir {
    /// Always.
    True,
    /// Never.
    False,
    /// A predicate by id.
    Predicate(u32),
    /// All of them; never empty.
    And(Vec<Ir>),
    /// One of them; never empty.
    Or(Vec<Ir>),
    /// The opposite.
    Not(Box<Ir>),
    /// At least that many of them; more than one, fewer than all.
    AtLeast(u32, Vec<Ir>),
}

impl Ir {
    /// All of `parts`, flattened.
    pub fn and(parts: impl IntoIterator<Item = Ir>) -> Ir {
        let parts = parts.into_iter();
        let mut list = Vec::with_capacity(parts.size_hint().0);
        for part in parts {
            match part {
                Ir::True => {}
                Ir::False => return Ir::False,
                Ir::And(inner) => list.extend(inner),
                part => list.push(part),
            }
        }
        Ir::simplified(list, Ir::True, Ir::And)
    }

    /// One of `parts`, flattened.
    pub fn or(parts: impl IntoIterator<Item = Ir>) -> Ir {
        let parts = parts.into_iter();
        let mut list = Vec::with_capacity(parts.size_hint().0);
        for part in parts {
            match part {
                Ir::False => {}
                Ir::True => return Ir::True,
                Ir::Or(inner) => list.extend(inner),
                part => list.push(part),
            }
        }
        Ir::simplified(list, Ir::False, Ir::Or)
    }

    fn simplified(mut list: Vec<Ir>, empty: Ir, build: fn(Vec<Ir>) -> Ir) -> Ir {
        match list.len() {
            0 => empty,
            1 => list.swap_remove(0),
            _ => build(list),
        }
    }

    /// The opposite of `part`.
    pub fn negate(part: Ir) -> Ir {
        match part {
            Ir::True => Ir::False,
            Ir::False => Ir::True,
            Ir::Not(inner) => *inner,
            part => Ir::Not(Box::new(part)),
        }
    }

    /// At least `count` of `parts`.
    pub fn at_least(count: u32, parts: Vec<Ir>) -> Ir {
        match count as usize {
            0 => Ir::True,
            1 => Ir::or(parts),
            n if n > parts.len() => Ir::False,
            n if n == parts.len() => Ir::and(parts),
            _ => Ir::AtLeast(count, parts),
        }
    }
}

/// Gives every distinct predicate one id, in order of first use.
#[derive(Default)]
pub struct Predicates {
    ids: HashMap<PredicateKey, u32>,
    list: Vec<PredicateKey>,
}

impl Predicates {
    /// The id of a predicate.
    pub fn intern(&mut self, key: PredicateKey) -> u32 {
        let next = self.list.len() as u32;
        *self.ids.entry(key).or_insert_with_key(|key| {
            self.list.push(key.clone());
            next
        })
    }

    /// All predicates by id.
    pub fn list(&self) -> &[PredicateKey] {
        &self.list
    }
}

/// Gives every field one id, in order of first use.
#[derive(Default)]
pub struct Fields {
    ids: HashMap<String, u32>,
    names: Vec<String>,
}

impl Fields {
    /// The id of a field.
    pub fn intern(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }

    /// Whether a rule or source named the field.
    pub fn contains(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// All names by id.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}
