//! Short texts that were looked at before and have no indicator.
//!
//! Clients, servers and their addresses are in one event after the other. That nothing was found in a
//! text depends on nothing but the text and what is looked for, so it is remembered, and a text that
//! comes again is compared with one place. What was found is not remembered: whether it is reported
//! depends on the event. The memory is of fixed size; a text takes the place of another.

use crate::event::keys::folded_product;
use crate::event::word::ends;

/// Places of one text each.
const PLACES: usize = 128;
/// Longest text that is remembered, in bytes: two words have all of it.
const LONGEST: usize = 16;

/// A text, and how it was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Entry {
    /// The first and the last eight bytes of the text.
    ends: [u64; 2],
    /// Its length, the form in which it was read, and the kinds that were looked for. No text is
    /// looked at for no kinds, so 0 is that of none.
    how: u64,
}

/// The texts that have no indicator.
pub(super) struct Clean(Vec<Entry>);

/// A text of which it is not known whether it has one, and its place.
#[derive(Clone, Copy)]
pub(super) struct Unknown {
    place: usize,
    entry: Entry,
}

impl Clean {
    /// An empty memory.
    pub fn new() -> Clean {
        Clean(vec![Entry::default(); PLACES])
    }

    /// Whether a text is known to have no indicator of some kinds. If it is not known, what it takes
    /// to remember it, and nothing if it is too long.
    #[inline]
    pub fn find(&self, form: u8, kinds: u16, text: &[u8]) -> Result<(), Option<Unknown>> {
        if text.len() > LONGEST {
            return Err(None);
        }
        let ends = ends(text);
        let how = u64::from(kinds) << 16 | u64::from(form) << 8 | text.len() as u64;
        let hash = folded_product(ends[0] ^ how.rotate_left(40), ends[1] ^ 0x9E37_79B9_7F4A_7C15);
        let (place, entry) = (hash as usize % PLACES, Entry { ends, how });
        match self.0.get(place) {
            Some(known) if *known == entry => Ok(()),
            _ => Err(Some(Unknown { place, entry })),
        }
    }

    /// Remembers that a text has none.
    #[inline]
    pub fn remember(&mut self, Unknown { place, entry }: Unknown) {
        if let Some(known) = self.0.get_mut(place) {
            *known = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn only_what_was_remembered_is_known() {
        let mut clean = Clean::new();
        let mut remembered = BTreeSet::new();
        let texts = |n: u32| {
            [
                format!("{n}"),
                format!("10.0.{n}.{n}"),
                format!("{:016}", n),
                "\0".repeat(n as usize % 17),
            ]
        };
        let (mut known, mut all) = (0, 0);
        for round in 0..3 {
            for text in (0..if round < 2 { 10 } else { 300 }).flat_map(texts) {
                for (form, kinds) in [(0, 1), (0, 3), (3, 1)] {
                    all += 1;
                    match clean.find(form, kinds, text.as_bytes()) {
                        Ok(()) => {
                            known += 1;
                            assert!(remembered.contains(&(form, kinds, text.clone())), "{text:?}");
                        }
                        Err(unknown) => {
                            clean.remember(unknown.expect("a short text"));
                            remembered.insert((form, kinds, text.clone()));
                            assert!(clean.find(form, kinds, text.as_bytes()).is_ok());
                        }
                    }
                }
            }
        }
        assert!((40..all / 2).contains(&known), "{known} of {all}");
        assert!(matches!(clean.find(0, 1, &[b'x'; LONGEST + 1]), Err(None)));
    }
}
