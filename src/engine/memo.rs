//! What the index said about texts that came before.
//!
//! Most texts of an event were in one shortly before: images, users, companies, hosts. What the index
//! reports for a text depends on nothing but the field and the text, so it is remembered, and a text
//! that comes again is compared with one place instead of being looked up. The memory is of fixed
//! size; a text takes the place of another that is not asked for.

use crate::event::keys::folded_product;
use crate::ruleset::hash::load;

/// Places of two texts each. A power of two.
const SETS: usize = 256;
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
}

/// Where a text is remembered that was not found.
#[derive(Clone, Copy)]
pub(super) struct Vacancy(usize);

impl Memo {
    pub fn new() -> Memo {
        Memo { sets: vec![[Entry::EMPTY; 2]; SETS] }
    }

    /// The predicates that the index reported for this text of the field; or, if they are not
    /// known, where they can be remembered, and nowhere if the text is too long.
    #[inline]
    pub fn find(&self, field: u32, text: &[u8]) -> Result<&[u32], Option<Vacancy>> {
        if text.len() > TEXT {
            return Err(None);
        }
        let at = place(field, text);
        for entry in &self.sets[at] {
            if entry.is(field, text) {
                return Ok(&entry.reports[..usize::from(entry.count).min(REPORTS)]);
            }
        }
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
    let first = load(&text[..text.len().min(8)]);
    let last = load(&text[text.len() - text.len().min(8)..]);
    let inner = load(&text[middle..text.len().min(middle + 8)]);
    let seed = u64::from(field) << 32 | text.len() as u64;
    let first = first.rotate_left(23) ^ inner ^ 0x9E37_79B9_7F4A_7C15;
    folded_product(first, last ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93)) as usize % SETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_with_their_reports() {
        let mut memo = Memo::new();
        let texts: Vec<Vec<u8>> = (0..600usize).map(|n| format!("{n}").into_bytes()).collect();
        let mut found = 0;
        for round in 0..2 {
            for (number, text) in (0..).zip(&texts) {
                for field in 0..2 {
                    let reports = vec![number + field; number as usize % 8];
                    match memo.find(field, text) {
                        Ok(known) => {
                            assert_eq!(known, reports, "field {field}, text {text:?}");
                            found += 1;
                        }
                        Err(place) => {
                            assert!(place.is_some());
                            memo.remember(place.unwrap(), field, text, &reports);
                        }
                    }
                }
            }
            assert!(round == 0 || found > 0, "nothing was remembered");
        }
        assert!(matches!(memo.find(0, &[b'x'; TEXT + 1]), Err(None)));
    }
}
