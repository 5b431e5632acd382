//! Which literals of a field are found by a byte that they have, and what follows it.
//!
//! Rules with hashes have thousands of literals such as `SHA256=0A1B...`. A text that contains one of
//! them has its `=` there, and behind it the same bytes: so the look-up is made at the places of `=`
//! in a text instead of at every fourth byte, and a literal is in the tables once instead of four
//! times. That holds for whatever texts there are; only whether it is cheaper depends on them.

use crate::ruleset::hash::{MARKED, filter_bits, is_marker, longest_stride};
use crate::ruleset::tables::Place;
use foldhash::HashMap;

/// Fewer literals are found by their grams as fast: their filter stays in the nearest cache.
const LEAST: usize = 64;

/// How many literals may have the same bytes behind the marker: each is compared where these are.
const BUCKET: usize = 8;

/// What a look-up costs, in instructions: asking the filter about a gram, and about what follows a
/// marker; looking for the next marker, for each byte; and the table that a filter lets through to,
/// which has to come from further away than a filter.
const GRAM_ASKED: f64 = 6.0;
const MARKER_MET: f64 = 15.0;
const MARKER_SOUGHT: f64 = 0.3;
const FOUND: f64 = 80.0;

/// A marker, and where each literal has it that is found by it.
#[derive(Debug, PartialEq, Eq)]
pub struct Marker {
    /// The byte.
    pub byte: u8,
    /// For each literal, the place of the byte; `None` if the literal is found by its grams.
    pub places: Vec<Option<usize>>,
}

/// The marker with which looking up a text is expected to cost least; `None` if that is without one.
/// `rate_of` a byte is the share that it has in texts.
pub fn choose(literals: &[&[u8]], rate_of: &dyn Fn(u8) -> f64) -> Option<Marker> {
    let without = grams(literals.iter().copied());
    let mut best: Option<(f64, Marker)> = None;
    for byte in (0..=u8::MAX).filter(|byte| is_marker(*byte)) {
        let places = places(literals, byte);
        if places.iter().flatten().count() < LEAST {
            continue;
        }
        let left = literals.iter().zip(&places).filter(|(_, place)| place.is_none());
        // The texts of a field look like what its rules look for.
        let own = literals.iter().flat_map(|text| text.iter()).filter(|b| **b == byte).count();
        let all: usize = literals.iter().map(|text| text.len()).sum();
        let rate = rate_of(byte).max(own as f64 / all as f64);
        let cost = MARKER_SOUGHT + MARKER_MET * rate + grams(left.map(|(literal, _)| *literal));
        if cost < best.as_ref().map_or(without, |(least, _)| *least) {
            best = Some((cost, Marker { byte, places }));
        }
    }
    best.map(|(_, marker)| marker)
}

/// Where each literal first has the byte with enough behind it, unless too many have the same there.
fn places(literals: &[&[u8]], byte: u8) -> Vec<Option<usize>> {
    let place = |text: &&[u8]| {
        let last = text.len().checked_sub(1 + MARKED)?.min(Place::LAST);
        text[..=last].iter().position(|other| *other == byte)
    };
    let mut places: Vec<Option<usize>> = literals.iter().map(place).collect();
    let mut crowds: HashMap<&[u8], usize> = HashMap::default();
    let key = |text: &'_ [u8], at: usize| at + 1..(at + 1 + MARKED).min(text.len());
    for (text, place) in literals.iter().zip(&places) {
        if let Some(at) = place {
            *crowds.entry(&text[key(text, *at)]).or_insert(0) += 1;
        }
    }
    for (text, place) in literals.iter().zip(&mut places) {
        *place = place.filter(|at| crowds[&text[key(text, *at)]] <= BUCKET);
    }
    places
}

/// What looking for grams costs, for each byte of a text.
fn grams<'a>(literals: impl Iterator<Item = &'a [u8]>) -> f64 {
    let mut count = 0;
    let mut stride = None;
    for literal in literals {
        count += 1;
        let own = longest_stride(literal.len());
        stride = Some(stride.map_or(own, |least: u32| least.min(own)));
    }
    let Some(stride) = stride else { return 0.0 };
    let keys = count * stride as usize;
    let passing = (keys as f64 / filter_bits(keys) as f64).min(1.0);
    (GRAM_ASKED + FOUND * passing) / f64::from(stride)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(count: usize, name: &str) -> Vec<Vec<u8>> {
        let hash = |n: usize| format!("{name}{:016x}0123", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        (0..count).map(|n| hash(n).into_bytes()).collect()
    }

    fn chosen(literals: &[Vec<u8>], rate: f64) -> Option<Marker> {
        let literals: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
        choose(&literals, &|_| rate)
    }

    #[test]
    fn hashes_have_a_marker() {
        let literals = hashes(500, "sha1=");
        let marker = chosen(&literals, 0.01).unwrap();
        assert_eq!(marker, Marker { byte: b'=', places: vec![Some(4); 500] });
        // Few of them do not, nor where the byte is all over the texts.
        assert_eq!(chosen(&literals[..LEAST - 1], 0.01), None);
        assert_eq!(chosen(&literals, 0.5), None);
        // Nor hashes without one.
        assert_eq!(chosen(&hashes(500, ""), 0.01), None);
    }

    #[test]
    fn other_literals_keep_their_grams() {
        let mut literals = hashes(500, "a:b=");
        // Of markers that cost the same, the first is taken.
        assert_eq!(chosen(&literals, 0.01).unwrap().byte, b':');
        // Too little behind the marker, no marker, and the marker further on.
        literals.extend(
            ["md5=0123456", "imphash", "md5 0123456789abcdef", "=x=01234567"].map(Into::into),
        );
        let literals: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
        let places = places(&literals, b'=');
        assert_eq!(places[499..], [Some(3), None, None, None, Some(0)]);
    }

    #[test]
    fn a_crowd_keeps_its_grams() {
        let literals: Vec<Vec<u8>> =
            (0..500).map(|n| format!("cn=microsoft {n:08}").into_bytes()).collect();
        assert_eq!(chosen(&literals, 0.01), None);
    }

    #[test]
    fn most_literals_must_have_it() {
        // As command lines are: the texts are looked at everywhere anyway.
        let mut literals = hashes(100, "/x=");
        literals.extend((0..9_000).map(|n| format!("-{n:05}").into_bytes()));
        assert_eq!(chosen(&literals, 0.01), None);
    }
}
