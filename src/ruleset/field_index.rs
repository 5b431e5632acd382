//! The index of a field: from keys to predicates. See [`hash`](super::hash) for the keys.

use super::codec::record;
use super::tables::NONE;

record! {
    /// An open-addressing table: `mask + 1` slots from `start`; no slots if `mask` is [`NONE`].
    pub struct Table {
        /// First slot.
        pub start: u32,
        /// Number of slots less one; the number is a power of two.
        pub mask: u32,
    }
}

impl Table {
    /// A table that holds nothing.
    pub const EMPTY: Table = Table { start: 0, mask: NONE };

    /// Whether it has no slots.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.mask == NONE
    }

    /// The part of a pool that the table has.
    #[inline(always)]
    pub fn of<'a, T>(&self, pool: &'a [T]) -> &'a [T] {
        let size = (self.mask as usize).wrapping_add(1);
        pool.get(self.start as usize..).and_then(|rest| rest.get(..size)).unwrap_or(&[])
    }
}

record! {
    /// A slot of a table: what has one key. Linear probing ends at a slot without entries. PERF: a
    /// single entry, which most keys have, is in the slot itself.
    pub struct Slot {
        /// A gram, a short literal, or a hash of anchored bytes.
        pub key: u32,
        /// The predicate, or the first of several entries.
        pub first: u32,
        /// As in [`Entry`], or behind the last of several entries.
        pub check: u32,
        /// As in [`Entry`], or [`SEVERAL`](Slot::SEVERAL), or [`NONE`] in an empty slot.
        pub place: u32,
    }
}

impl Slot {
    /// A slot that nothing is in.
    pub const EMPTY: Slot = Slot { key: 0, first: 0, check: 0, place: NONE };

    /// Marks a key of several entries.
    pub const SEVERAL: u32 = NONE - 1;

    /// Whether nothing is in it.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.place == NONE
    }

    /// Its entry, if it has one.
    #[inline(always)]
    pub fn single(&self) -> Option<Entry> {
        let entry = Entry { predicate: self.first, check: self.check, place: self.place };
        (self.place < Slot::SEVERAL).then_some(entry)
    }
}

record! {
    /// A predicate that a key finds. For grams, four further bytes of the literal are compared before
    /// the predicate is looked at, since grams that occur without their literal are common. Other
    /// tables have 0 in `check` and `place`.
    pub struct Entry {
        /// The predicate to verify.
        pub predicate: u32,
        /// The four bytes, without the bit of case.
        pub check: u32,
        /// Where in the literal the gram begins, see [`Place`].
        pub place: u32,
    }
}

/// Where a gram stands in its literal, and the four bytes that are compared besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First byte of the gram in the literal, at most [`Place::LAST`].
    pub gram: u16,
    /// First byte of the other four, counted from that of the gram.
    pub check: i8,
}

impl Place {
    /// The last place of a gram that can be named.
    pub const LAST: usize = u16::MAX as usize;

    /// As a number.
    pub fn pack(self) -> u32 {
        u32::from(self.gram) | u32::from(self.check as u8) << 16
    }

    /// From a number.
    #[inline(always)]
    pub fn unpack(packed: u32) -> Place {
        Place { gram: packed as u16, check: (packed >> 16) as i8 }
    }
}

record! {
    /// Everything indexed about the literals of one kind (all ASCII or not) of one field.
    pub struct GramIndex {
        /// One bit per hash of a gram of 4 bytes; its size is one of
        /// [`FILTER_WORDS`](super::hash::FILTER_WORDS).
        pub filter: Table,
        /// Gram to predicates.
        pub grams: Table,
        /// The step between the grams of a text that are looked up, one of
        /// [`STRIDES`](super::hash::STRIDES); 0 without grams.
        pub stride: u32,
        /// Literal of two or three bytes to predicates.
        pub shorts: Table,
        /// Where these may begin, see [`short_classes`](super::hash::short_classes).
        pub short_classes: Table,
        /// The same for vectors, see [`short_nibbles`](super::hash::short_nibbles).
        pub short_nibbles: Table,
    }
}

impl GramIndex {
    /// An index that holds nothing.
    pub const EMPTY: GramIndex = GramIndex {
        filter: Table::EMPTY,
        grams: Table::EMPTY,
        stride: 0,
        shorts: Table::EMPTY,
        short_classes: Table::EMPTY,
        short_nibbles: Table::EMPTY,
    };

    /// Whether nothing can be looked up in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.grams.is_empty() && self.shorts.is_empty()
    }
}

record! {
    /// The literals of a field that are found by a byte that all of them have, and what follows it: at
    /// the places of that byte in a text, rather than everywhere.
    pub struct MarkedIndex {
        /// The byte, see [`is_marker`](super::hash::is_marker).
        pub marker: u8,
        /// Literals, keyed by [`marked_hash`](super::hash::marked_hash). The gram of their [`Place`] is
        /// the marker.
        pub literals: Table,
        /// The filter of these keys.
        pub filter: Table,
    }
}

impl MarkedIndex {
    /// An index that holds nothing.
    pub const EMPTY: MarkedIndex =
        MarkedIndex { marker: 0, literals: Table::EMPTY, filter: Table::EMPTY };

    /// Whether nothing can be looked up in it.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }
}

record! {
    /// A part of a list.
    pub struct Part {
        /// First element.
        pub start: u32,
        /// Number of elements.
        pub len: u32,
    }
}

impl Part {
    /// No elements.
    pub const EMPTY: Part = Part { start: 0, len: 0 };

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements of a list that it has.
    #[inline]
    pub fn of<'a, T>(&self, list: &'a [T]) -> &'a [T] {
        let rest = list.get(self.start as usize..);
        rest.and_then(|rest| rest.get(..self.len as usize)).unwrap_or(&[])
    }
}

record! {
    /// A network of the index. Of two networks one lies in the other, or they have no address in
    /// common. Those of a field and version are ordered by their first address, the largest first: so
    /// the networks that have an address are the last that does not begin behind it, or one that this
    /// lies in, and all that the found one lies in.
    pub struct Nested {
        /// First address, as in [`Network`](super::tables::Network).
        pub first: i128,
        /// Its predicate.
        pub predicate: u32,
        /// The smallest that it lies in, counted from the first of its field and version; or [`NONE`].
        pub outer: u32,
    }
}

impl Nested {
    /// The place of the smallest that it lies in.
    #[inline]
    pub fn outer(&self) -> Option<usize> {
        (self.outer != NONE).then_some(self.outer as usize)
    }
}

record! {
    /// The index of one field: complete, so that an indexed predicate that it does not report
    /// is false.
    pub struct FieldIndex {
        /// Whole texts, beginnings and ends, keyed by the hash of
        /// [`exact_hash`](super::hash::exact_hash) or [`anchored_hash`](super::hash::anchored_hash).
        pub anchored: Table,
        /// The filter of these keys.
        pub anchored_filter: Table,
        /// The lengths of whole texts, see [`length_bit`](super::hash::length_bit).
        pub exact_lengths: u64,
        /// Bit `n` is set if there is a beginning of `n` bytes.
        pub prefix_lengths: u32,
        /// Bit `n` is set if there is an end of `n` bytes.
        pub suffix_lengths: u32,
        /// Literals of ASCII only, looked for in every value where they can be.
        pub marked: MarkedIndex,
        /// Other literals of ASCII only, looked for everywhere in every value.
        pub ascii: GramIndex,
        /// Other literals, looked for only in values with a byte above 0x7F.
        pub other: GramIndex,
        /// IPv4 networks.
        pub v4: Part,
        /// IPv6 networks.
        pub v6: Part,
        /// 1 if a predicate in it may hold for the text of a number or boolean.
        pub numbers: u32,
    }
}

impl FieldIndex {
    /// An index that holds nothing.
    pub const EMPTY: FieldIndex = FieldIndex {
        anchored: Table::EMPTY,
        anchored_filter: Table::EMPTY,
        exact_lengths: 0,
        prefix_lengths: 0,
        suffix_lengths: 0,
        marked: MarkedIndex::EMPTY,
        ascii: GramIndex::EMPTY,
        other: GramIndex::EMPTY,
        v4: Part::EMPTY,
        v6: Part::EMPTY,
        numbers: 0,
    };

    /// Whether nothing can be looked up in it.
    pub fn is_empty(&self) -> bool {
        self.anchored.is_empty()
            && self.marked.is_empty()
            && self.ascii.is_empty()
            && self.other.is_empty()
            && !self.has_networks()
    }

    /// Whether whole texts are all that it holds.
    pub fn has_only_whole_texts(&self) -> bool {
        self.marked.is_empty()
            && self.ascii.is_empty()
            && self.other.is_empty()
            && !self.has_networks()
            && (self.prefix_lengths, self.suffix_lengths) == (0, 0)
    }

    /// Whether texts are looked up as addresses.
    #[inline]
    pub fn has_networks(&self) -> bool {
        self.v4.len | self.v6.len != 0
    }
}
