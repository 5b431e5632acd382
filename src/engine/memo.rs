//! What the index said about texts that came before.
//!
//! Most texts of an event were in one shortly before: images, users, companies, hosts. What the index
//! reports for a text depends on nothing but the field and the text, so it is remembered, and a text
//! that comes again is compared with one place instead of being looked up. The memory is of fixed
//! size; a text takes the place of another that is not asked for.

use crate::event::keys::folded_product;
use crate::event::word::{ends, load};

/// Places of two texts each.
const SETS: usize = 192;
/// Longest text that is remembered, in bytes. Longer ones are rarely seen twice.
const TEXT: usize = 102;
/// Most reports that are remembered for a text.
const REPORTS: usize = 5;

/// One remembered text.
///
/// PERF: two cache lines; of most texts everything is in the first.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Entry {
    field: u32,
    reports: [u32; REPORTS],
    len: u8,
    count: u8,
    text: [u8; TEXT],
}

const _: () = assert!(size_of::<Entry>() == 128);

impl Entry {
    const EMPTY: Entry =
        Entry { field: u32::MAX, reports: [0; REPORTS], len: 0, count: 0, text: [0; TEXT] };

    #[inline(always)]
    fn is(&self, field: u32, text: &[u8]) -> bool {
        self.field == field && self.text.get(..usize::from(self.len)) == Some(text)
    }
}

/// The texts that came before, of every field.
pub(super) struct Memo {
    sets: Vec<[Entry; 2]>,
    /// For each field, how well its texts were remembered: see [`HIT`].
    standing: Vec<u8>,
    /// Counts texts of fields in bad standing.
    turn: u8,
}

/// What a field gains by a text that was remembered; it loses one by a text that was not. Fields
/// whose texts are new each time, such as command lines and statements, are not worth looking for
/// them; of these fields every text of a certain turn is looked for, in case that changes.
const HIT: u8 = 8;
/// The best that a field can stand, and where it begins.
const BEST: u8 = 64;
const TURN: u8 = 16;

/// Where a text is remembered that was not found.
#[derive(Clone, Copy)]
pub(super) struct Vacancy(usize);

impl Memo {
    /// A memory for so many fields, with keywords.
    pub fn new(fields: usize) -> Memo {
        Memo { sets: vec![[Entry::EMPTY; 2]; SETS], standing: vec![BEST; fields], turn: 0 }
    }

    /// The predicates that the index reported for this text of the field; or, if they are not
    /// known, where they can be remembered, and nowhere if that is not worth it.
    #[inline]
    pub fn find(&mut self, field: u32, text: &[u8]) -> Result<&[u32], Option<Vacancy>> {
        if text.len() > TEXT {
            return Err(None);
        }
        let Some(standing) = self.standing.get_mut(field as usize) else { return Err(None) };
        if *standing == 0 {
            self.turn = self.turn.wrapping_add(1);
            if !self.turn.is_multiple_of(TURN) {
                return Err(None);
            }
        }
        let at = place(field, text);
        for entry in &self.sets[at] {
            if entry.is(field, text) {
                *standing = standing.saturating_add(HIT).min(BEST);
                return Ok(&entry.reports[..usize::from(entry.count).min(REPORTS)]);
            }
        }
        *standing = standing.saturating_sub(1);
        Err(Some(Vacancy(at)))
    }

    /// Remembers what was reported for a text, if it is not too much.
    pub fn remember(&mut self, Vacancy(at): Vacancy, field: u32, text: &[u8], reports: &[u32]) {
        if text.len() > TEXT || reports.len() > REPORTS {
            return;
        }
        let [newer, older] = &mut self.sets[at];
        *older = *newer;
        newer.field = field;
        newer.len = text.len() as u8;
        newer.count = reports.len() as u8;
        newer.text[..text.len()].copy_from_slice(text);
        newer.reports[..reports.len()].copy_from_slice(reports);
    }
}

/// The set of a text. It depends on few bytes, which is enough to spread what logs hold: texts that
/// agree in them only take each other's place.
#[inline(always)]
fn place(field: u32, text: &[u8]) -> usize {
    let middle = text.len() / 2;
    let [first, last] = ends(text);
    let inner = load(&text[middle..text.len().min(middle + 8)]);
    let seed = u64::from(field) << 32 | text.len() as u64;
    let first = first.rotate_left(23) ^ inner ^ 0x9E37_79B9_7F4A_7C15;
    let hash = folded_product(first, last ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    // The share of 2^32 that the hash is, of all places.
    (((hash & u64::from(u32::MAX)) * SETS as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_with_their_reports() {
        let mut memo = Memo::new(2);
        let texts: Vec<Vec<u8>> = (0..600usize).map(|n| format!("{n}").into_bytes()).collect();
        let mut found = 0;
        for round in 0..3 {
            // Some texts again and again, and behind them too many.
            for (number, text) in (0..).zip(texts.iter().take(if round < 2 { 40 } else { 600 })) {
                for field in 0..2 {
                    let reports = vec![number + field; number as usize % 8];
                    match memo.find(field, text) {
                        Ok(known) => {
                            assert_eq!(known, reports, "field {field}, text {text:?}");
                            found += 1;
                        }
                        Err(Some(place)) => memo.remember(place, field, text, &reports),
                        Err(None) => assert_eq!(memo.standing[field as usize], 0),
                    }
                }
            }
            assert!(round == 0 || found > 20, "{found} were remembered");
        }
        assert!(matches!(memo.find(0, &[b'x'; TEXT + 1]), Err(None)));
    }

    #[test]
    fn fields_whose_texts_are_new_are_given_up_and_taken_up_again() {
        let mut memo = Memo::new(1);
        let mut ask = |text: &[u8]| match memo.find(0, text) {
            Ok(_) => Some(true),
            Err(Some(place)) => {
                memo.remember(place, 0, text, &[]);
                Some(false)
            }
            Err(None) => None,
        };
        let new: Vec<Option<bool>> = (0..200).map(|n| ask(format!("{n}").as_bytes())).collect();
        assert!(new[..64].iter().all(|answer| *answer == Some(false)));
        assert!(new[100..].iter().filter(|answer| answer.is_none()).count() > 80);
        let again: Vec<Option<bool>> = (0..200).map(|_| ask(b"again")).collect();
        assert!(again[100..].iter().all(|answer| *answer == Some(true)));
    }
}
