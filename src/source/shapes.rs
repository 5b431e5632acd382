//! What follows from the fields that an event has, remembered.
//!
//! A host writes a few kinds of events, and those of a kind have the same fields in the same order.
//! From which of its paths each canonical field is taken mostly follows from that alone. The memory
//! is of fixed size; what does not fit is worked out again.

use crate::event::slots::NONE;

/// Remembered shapes. A power of two.
const ENTRIES: usize = 32;
/// Most fields of an event that is remembered.
const FIELDS: usize = 64;
/// Most targets of a source whose events are remembered.
pub(super) const TARGETS: usize = 64;
/// Most canonical fields that are remembered.
const ALIASES: usize = 24;

/// A canonical field by its number in the source, and the field that it is taken from; [`NONE`]
/// if that depends on values.
pub(super) type Alias = (u32, u32);

/// The fields of an event of a source, and what they lead to. `present` is what the fields are
/// chosen by, and for the targets behind them what is present once the fields are named.
#[derive(Clone)]
struct Shape {
    /// The source; [`NONE`]: nothing is remembered here.
    source: u32,
    fields: List<u32, FIELDS>,
    aliases: List<Alias, ALIASES>,
    present: List<u64, TARGETS>,
}

/// Remembered shapes.
pub(super) struct Shapes {
    entries: Vec<Shape>,
}

impl Shapes {
    /// Nothing is known.
    pub fn new() -> Shapes {
        let shape = Shape {
            source: NONE,
            fields: List::new(0),
            aliases: List::new((0, 0)),
            present: List::new(0),
        };
        Shapes { entries: vec![shape; ENTRIES] }
    }

    /// The canonical fields that an event with these fields has, and which paths of the source's
    /// targets are present; as they were remembered.
    #[inline]
    pub fn find(&self, source: u32, fields: &[u32]) -> Option<(&[Alias], &[u64])> {
        let shape = &self.entries[place(source, fields)];
        let is_known = shape.source == source && shape.fields.items() == fields;
        is_known.then(|| (shape.aliases.items(), shape.present.items()))
    }

    /// Remembers a shape. It takes the place of another.
    pub fn remember(
        &mut self,
        source: u32,
        fields: &[u32],
        aliases: impl Iterator<Item = Alias>,
        present: &[u64],
    ) {
        if fields.len() > FIELDS || present.len() > TARGETS {
            return;
        }
        let shape = &mut self.entries[place(source, fields)];
        shape.source = NONE;
        let fits = shape.fields.fill(fields.iter().copied())
            && shape.aliases.fill(aliases)
            && shape.present.fill(present.iter().copied());
        if fits {
            shape.source = source;
        }
    }
}

/// Where a shape is remembered.
fn place(source: u32, fields: &[u32]) -> usize {
    let seed = u64::from(source) << 32 | fields.len() as u64;
    let mixed = fields.iter().fold(seed, |all, field| all.rotate_left(7) ^ u64::from(*field));
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % ENTRIES
}

/// Up to `N` items.
#[derive(Clone)]
struct List<T, const N: usize> {
    items: [T; N],
    count: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    fn new(item: T) -> List<T, N> {
        List { items: [item; N], count: 0 }
    }

    /// Replaces the items. False if there are too many.
    fn fill(&mut self, items: impl Iterator<Item = T>) -> bool {
        self.count = 0;
        for item in items {
            let Some(place) = self.items.get_mut(self.count) else { return false };
            *place = item;
            self.count += 1;
        }
        true
    }

    fn items(&self) -> &[T] {
        self.items.get(..self.count).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_fields_of_the_same_source_are_found() {
        let mut shapes = Shapes::new();
        assert_eq!(shapes.find(0, &[]), None);
        let all: Vec<Vec<u32>> =
            (0..40).map(|n| (0..n).map(|field| field * 3 + n).collect()).collect();
        for (source, fields) in (0..3).flat_map(|source| all.iter().map(move |f| (source, f))) {
            let aliases = [(source, fields.len() as u32), (1, NONE)];
            shapes.remember(source, fields, aliases.into_iter(), &[u64::from(source)]);
            let found = shapes.find(source, fields);
            assert_eq!(found, Some((&aliases[..], &[u64::from(source)][..])));
            // Others are gone or what they were.
            for (other, known) in (0..3).flat_map(|other| all.iter().map(move |f| (other, f))) {
                if let Some((aliases, present)) = shapes.find(other, known) {
                    assert_eq!(aliases[0], (other, known.len() as u32));
                    assert_eq!(present, [u64::from(other)]);
                }
            }
        }
        assert_eq!(shapes.find(2, &all[39][..38]), None);
    }

    #[test]
    fn what_does_not_fit_is_not_remembered() {
        let mut shapes = Shapes::new();
        let long = [7; FIELDS + 1];
        shapes.remember(1, &long, std::iter::empty(), &[]);
        assert_eq!(shapes.find(1, &long), None);
        assert_eq!(shapes.find(1, &long[..FIELDS]), None);
        let aliases = || std::iter::repeat_n((0, 0), ALIASES + 1);
        shapes.remember(1, &[7], aliases(), &[]);
        assert_eq!(shapes.find(1, &[7]), None);
        shapes.remember(1, &[7], aliases().skip(1), &[0; TARGETS + 1]);
        assert_eq!(shapes.find(1, &[7]), None);
        shapes.remember(1, &[7], aliases().skip(1), &[0; TARGETS]);
        assert!(shapes.find(1, &[7]).is_some());
    }
}
