//! The filter of grams by vectors of eight, the classes of short literals and the marks of indicators by
//! vectors of 32, where the processor has AVX2 and its gather is fast.
//!
//! The only unsafe code outside of the C interface. What it rests on: [`passing`], [`classed`] and
//! [`next_mark`] ask the processor for AVX2, and the first checks the number of words; every index that
//! is gathered is the top of a hash, of as many bits as number the words; bytes are loaded through
//! references to arrays. Tests compare what passes with the loop over single grams, for every length and alignment.
#![allow(unsafe_code)]

use super::indicators::marks::{HEX_RUN, Marks, next_mark_plain};
use super::scan::{classed_one_by_one, one_by_one};
use crate::ruleset::hash::{CLASSES, FILTER_WORDS, NIBBLES, gram_filter};
#[cfg(target_arch = "x86_64")]
use crate::ruleset::hash::{FILTER_MULTIPLIER, GRAM};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// By which instructions texts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vectors {
    /// Those of every processor of the architecture.
    #[default]
    Plain,
    /// AVX2. Where the processor does not have it, the same as `Plain`.
    Avx2,
}

impl Vectors {
    /// The faster of the two on this machine, measured once for a process in some 50 microseconds.
    /// On processors whose gather was slowed down by a change of their microcode it is not AVX2.
    ///
    /// The environment variable `SIGMATAG_VECTORS` chooses instead: `plain` or `avx2`.
    pub fn fastest() -> Vectors {
        static FASTEST: OnceLock<Vectors> = OnceLock::new();
        *FASTEST.get_or_init(|| match std::env::var("SIGMATAG_VECTORS").as_deref() {
            Ok("plain") => Vectors::Plain,
            Ok("avx2") if Vectors::Avx2.is_possible() => Vectors::Avx2,
            _ => measure(),
        })
    }

    /// Whether the processor can.
    pub fn is_possible(self) -> bool {
        match self {
            Vectors::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            #[cfg(not(target_arch = "x86_64"))]
            Vectors::Avx2 => false,
        }
    }
}

/// Looks at the same bytes both ways.
fn measure() -> Vectors {
    if !Vectors::Avx2.is_possible() {
        return Vectors::Plain;
    }
    let text: Vec<u8> = (0..512u32).map(|n| (n.wrapping_mul(0x9E37_79B1) >> 24) as u8).collect();
    let keys: Vec<u32> = (0..FILTER_WORDS[2] as u32).map(|n| n.wrapping_mul(0x85EB_CA6B)).collect();
    let words = gram_filter(&keys, 1);
    let time = |vectors| {
        let mut passed = 0;
        let mut once = || {
            let start = Instant::now();
            passing(vectors, &text, &words, 1, &mut |at| passed += at);
            start.elapsed()
        };
        let least = (0..20).map(|_| once()).min().unwrap_or(Duration::MAX);
        std::hint::black_box(passed);
        least
    };
    if time(Vectors::Avx2) < time(Vectors::Plain) { Vectors::Avx2 } else { Vectors::Plain }
}

/// Shows where the grams of a text stand that pass the filter `words`, of those that stand `stride`
/// bytes apart, in no particular order.
#[inline]
pub(super) fn passing(
    vectors: Vectors,
    text: &[u8],
    words: &[u32],
    stride: u32,
    show: &mut impl FnMut(usize),
) {
    #[cfg(target_arch = "x86_64")]
    if vectors == Vectors::Avx2
        && text.len() >= WORTH_VECTORS
        && (2..=1 << 26).contains(&words.len())
        && words.len().is_power_of_two()
        && std::arch::is_x86_feature_detected!("avx2")
    {
        // SAFETY: the processor has AVX2, and the number of words was checked.
        unsafe { passing_avx2(text, words, stride, show) };
        return;
    }
    let _ = vectors;
    one_by_one(text, words, stride, show);
}

/// Shorter texts are looked at gram by gram.
#[cfg(target_arch = "x86_64")]
const WORTH_VECTORS: usize = 16;

/// Bytes of a block: 32, and those that its last gram reaches into.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 32 + GRAM - 1;

/// [`passing`] in blocks of 32 bytes.
///
/// # Safety
/// The processor has AVX2, and `words` are a power of two, from 2 to 2^26.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn passing_avx2(text: &[u8], words: &[u32], stride: u32, show: &mut impl FnMut(usize)) {
    let place = |bit: u32| (bit % 8 * 4 + bit / 8) as usize;
    // SAFETY: as this function's.
    let passing = |block: &[u8; BLOCK]| unsafe { block_avx2(block, words, stride) };
    in_blocks(text, GRAM, passing, place, show);
}

/// Looks at a text in blocks of 32 bytes, each with those that what begins in it reaches into. Shows
/// where the bits are that `bits_of` a block gives, of which `place` says where in the block each is,
/// as far as the text has `least` bytes from there.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn in_blocks<const BYTES: usize>(
    text: &[u8],
    least: usize,
    bits_of: impl Fn(&[u8; BYTES]) -> u32,
    place: impl Fn(u32) -> usize,
    show: &mut impl FnMut(usize),
) {
    let mut at = 0;
    while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let mut bits = bits_of(block);
        while bits != 0 {
            show(at + place(bits.trailing_zeros()));
            bits &= bits - 1;
        }
        at += 32;
    }
    let rest = text.get(at..).unwrap_or(&[]);
    let Some(last) = rest.len().checked_sub(least) else { return };
    let mut block = [0; BYTES];
    if let Some(filled) = block.get_mut(..rest.len()) {
        filled.copy_from_slice(rest);
    }
    let mut bits = bits_of(&block);
    while bits != 0 {
        let place = place(bits.trailing_zeros());
        // What begins further on has bytes that the text has not.
        if place <= last {
            show(at + place);
        }
        bits &= bits - 1;
    }
}

/// Bytes as a vector.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn loaded(bytes: &[u8; 32]) -> std::arch::x86_64::__m256i {
    // SAFETY: 32 bytes are read from an array of 32; the load needs no alignment.
    unsafe { std::arch::x86_64::_mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Which grams of a block pass: bit `8 * shift + lane` is that of the gram at `4 * lane + shift`.
///
/// # Safety
/// The processor has AVX2, and `words` are a power of two, from 2 to 2^26.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn block_avx2(block: &[u8; BLOCK], words: &[u32], stride: u32) -> u32 {
    use std::arch::x86_64::*;
    // As `filter_bit` has it.
    let word_bits = words.len().trailing_zeros() as i32;
    let to_word = _mm_cvtsi32_si128(32 - word_bits);
    let to_bit = _mm_cvtsi32_si128(32 - word_bits - 5);
    let case = _mm256_set1_epi8(0x20);
    let multiplier = _mm256_set1_epi32(FILTER_MULTIPLIER.cast_signed());
    let last_bit = _mm256_set1_epi32(31);
    let mut bits = 0;
    let mut shift = 0;
    while let Some(bytes) = block.get(shift..).and_then(|rest| rest.first_chunk::<32>()) {
        let grams = loaded(bytes);
        let hash = _mm256_mullo_epi32(_mm256_or_si256(grams, case), multiplier);
        let index = _mm256_srl_epi32(hash, to_word);
        // SAFETY: `index` has `word_bits` bits, so every lane is below two to the power of that,
        // which is `words.len()`.
        let found = unsafe { _mm256_i32gather_epi32::<4>(words.as_ptr().cast(), index) };
        // Shifted so that the gram's bit becomes the sign of its lane.
        let bit = _mm256_and_si256(_mm256_srl_epi32(hash, to_bit), last_bit);
        let signs = _mm256_sllv_epi32(found, _mm256_sub_epi32(last_bit, bit));
        bits |= (_mm256_movemask_ps(_mm256_castsi256_ps(signs)) as u32) << (8 * shift);
        shift += stride as usize;
    }
    bits
}

/// Shows where literals of two or three bytes may begin, by the tables of
/// [`short_nibbles`](crate::ruleset::hash::short_nibbles) or
/// [`short_classes`](crate::ruleset::hash::short_classes), in no particular order. The former may
/// show more.
#[inline]
pub(super) fn classed(
    vectors: Vectors,
    text: &[u8],
    (nibbles, classes): (&[u32; NIBBLES], &[u32; CLASSES]),
    show: &mut impl FnMut(usize),
) {
    #[cfg(target_arch = "x86_64")]
    if vectors == Vectors::Avx2
        && text.len() >= WORTH_VECTORS
        && std::arch::is_x86_feature_detected!("avx2")
    {
        // SAFETY: the processor has AVX2.
        unsafe { classed_avx2(text, nibbles, show) };
        return;
    }
    let _ = (vectors, nibbles);
    classed_one_by_one(text, classes, show);
}

/// [`classed`] in blocks of 32 bytes.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn classed_avx2(text: &[u8], nibbles: &[u32; NIBBLES], show: &mut impl FnMut(usize)) {
    use std::arch::x86_64::*;
    let low_half = _mm256_set1_epi8(0x0F);
    // PERF: loops, not closures given to functions: those would not be made for AVX2, and calls
    // would take longer than what they do.
    let mut tables = [_mm256_setzero_si256(); 6];
    for (table, words) in tables.iter_mut().zip(nibbles.as_chunks::<4>().0) {
        // SAFETY: 16 bytes are read from an array of 16; the load needs no alignment.
        let half = unsafe { _mm_loadu_si128(words.as_ptr().cast()) };
        *table = _mm256_broadcastsi128_si256(half);
    }
    let places = |block: &[u8; CLASSED]| {
        let mut classes = _mm256_set1_epi8(-1);
        for byte in 0..3 {
            let Some(bytes) = block[byte..].first_chunk::<32>() else { return 0 };
            let bytes = loaded(bytes);
            let low = _mm256_and_si256(bytes, low_half);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low_half);
            let low = _mm256_shuffle_epi8(tables[2 * byte], low);
            let high = _mm256_shuffle_epi8(tables[2 * byte + 1], high);
            classes = _mm256_and_si256(classes, _mm256_and_si256(low, high));
        }
        let none = _mm256_cmpeq_epi8(classes, _mm256_setzero_si256());
        !_mm256_movemask_epi8(none).cast_unsigned()
    };
    // A literal of two bytes may have any third, also the zero that stands behind the text.
    in_blocks(text, 2, places, |bit| bit as usize, show);
}

/// Bytes of a block of [`classed_avx2`]: 32, and those that the last literal reaches into.
#[cfg(target_arch = "x86_64")]
const CLASSED: usize = 32 + 2;

/// The first mark of a text at or behind `at`; see
/// [`next_mark_plain`](super::indicators::marks::next_mark_plain).
#[inline]
pub(super) fn next_mark(vectors: Vectors, marks: Marks, text: &[u8], at: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if vectors == Vectors::Avx2
        && text.len() >= MARKED
        && std::arch::is_x86_feature_detected!("avx2")
    {
        // SAFETY: the processor has AVX2.
        return unsafe { next_mark_avx2(marks, text, at) };
    }
    let _ = vectors;
    next_mark_plain(marks, text, at)
}

/// Bytes of a block of [`next_mark_avx2`].
#[cfg(target_arch = "x86_64")]
const MARKED: usize = 32;

/// The classes of marks that bytes with each low and with each high half may have: what both say holds.
/// Digits and letters of hexadecimal numbers are told by different halves, so they have two bits.
#[cfg(target_arch = "x86_64")]
static MARK_NIBBLES: [[u8; 32]; 2] = {
    let mut halves = [[0; 32]; 2];
    let mut byte = 0;
    while byte < 128 {
        let class = match (byte as u8, Marks::class(byte as u8)) {
            (b'a'..=b'f' | b'A'..=b'F', Marks::HEX) => Marks::HEX << 1,
            (_, class) => class,
        };
        // Once for each half of a vector.
        halves[0][byte & 15] |= class;
        halves[0][16 + (byte & 15)] |= class;
        halves[1][byte >> 4] |= class;
        halves[1][16 + (byte >> 4)] |= class;
        byte += 1;
    }
    halves
};

/// [`next_mark`] in blocks of 32 bytes, of texts that have one.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn next_mark_avx2(Marks(marks): Marks, text: &[u8], mut at: usize) -> Option<usize> {
    use std::arch::x86_64::*;
    let low_half = _mm256_set1_epi8(0x0F);
    let [low_table, high_table] = [loaded(&MARK_NIBBLES[0]), loaded(&MARK_NIBBLES[1])];
    let single = _mm256_set1_epi8((marks & !Marks::HEX).cast_signed());
    let hex = _mm256_set1_epi8((marks & Marks::HEX | (marks & Marks::HEX) << 1).cast_signed());
    let none = _mm256_setzero_si256();
    // Which bytes of a block are marks, and which are no digits.
    let classed = |block: &[u8; MARKED]| {
        let bytes = loaded(block);
        let low = _mm256_and_si256(bytes, low_half);
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low_half);
        let low = _mm256_shuffle_epi8(low_table, low);
        let high = _mm256_shuffle_epi8(high_table, high);
        let classes = _mm256_and_si256(low, high);
        let others = _mm256_cmpeq_epi8(_mm256_and_si256(classes, single), none);
        let no_hex = _mm256_cmpeq_epi8(_mm256_and_si256(classes, hex), none);
        let found = !_mm256_movemask_epi8(others).cast_unsigned();
        (found, _mm256_movemask_epi8(no_hex).cast_unsigned())
    };
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let (found, no_hex) = classed(block);
        let found = found | hex_runs(no_hex);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += MARKED;
    }
    // The last block has bytes that were looked at, or before `at`, which are shifted out.
    let seen = MARKED - text.len().checked_sub(at)?;
    let (found, no_hex) = classed(text.last_chunk()?);
    let behind = !(u32::MAX.unbounded_shr(seen as u32));
    let found =
        found.unbounded_shr(seen as u32) | hex_runs(no_hex.unbounded_shr(seen as u32) | behind);
    (found != 0).then(|| at + found.trailing_zeros() as usize)
}

/// The halves of a block that are digits from beginning to end, as the bits of their first bytes, if the
/// bits are given of those that are none.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn hex_runs(no_hex: u32) -> u32 {
    const { assert!(HEX_RUN == 16) };
    u32::from(no_hex as u16 == 0) | u32::from(no_hex >> 16 == 0) << 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ruleset::hash::{STRIDES, filter_bit, gram_key, short_classes, short_nibbles};

    #[test]
    fn the_same_grams_pass_both_ways() {
        if !Vectors::Avx2.is_possible() {
            eprintln!("skipped: this processor has no AVX2");
            return;
        }
        let bytes: Vec<u8> =
            (0..700u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        let mut shown = 0;
        for size in FILTER_WORDS {
            // Half of all grams pass.
            let words: Vec<u32> = (0..size as u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect();
            for stride in STRIDES {
                for len in (0..150).chain([511, 512, 513, 700]) {
                    for start in [0, 1, 7] {
                        let text = &bytes[start.min(len)..len];
                        let places = |vectors| {
                            let mut places = Vec::new();
                            passing(vectors, text, &words, stride, &mut |at| places.push(at));
                            places.sort_unstable();
                            places
                        };
                        let passes = |at: &usize| {
                            let gram = gram_key(text[*at..*at + GRAM].try_into().unwrap());
                            let (word, bit) = filter_bit(gram, size);
                            words[word] >> bit & 1 == 1
                        };
                        let all =
                            (0..(text.len() + 1).saturating_sub(GRAM)).step_by(stride as usize);
                        let expected: Vec<usize> = all.filter(passes).collect();
                        assert_eq!(places(Vectors::Plain), expected, "plain {size} {stride} {len}");
                        assert_eq!(places(Vectors::Avx2), expected, "AVX2 {size} {stride} {len}");
                        shown += expected.len();
                    }
                }
            }
        }
        assert!(shown > 10_000, "{shown}");
    }

    #[test]
    fn short_literals_are_met_both_ways() {
        if !Vectors::Avx2.is_possible() {
            eprintln!("skipped: this processor has no AVX2");
            return;
        }
        let literals: [&[u8]; 7] = [b"-f", b"^^", b"or ", b",;,", b"\xc3\xa9", b"${", b"z0z"];
        let classes = short_classes(&literals);
        let nibbles = short_nibbles(&classes);
        let tables = (nibbles.first_chunk().unwrap(), classes.first_chunk().unwrap());
        let mut met = 0;
        for len in 0..110usize {
            let text: Vec<u8> = (0..len).map(|n| (n * 7 % 91 + 33) as u8).collect();
            for literal in literals {
                for at in 0..(len + 1).saturating_sub(literal.len()) {
                    let mut text = text.clone();
                    text[at..at + literal.len()].copy_from_slice(&literal.to_ascii_uppercase());
                    for vectors in [Vectors::Plain, Vectors::Avx2] {
                        let mut shown = Vec::new();
                        classed(vectors, &text, tables, &mut |at| shown.push(at));
                        assert!(shown.contains(&at), "{vectors:?} {len} {at} {literal:?}");
                        let within = shown.iter().all(|at| at + 2 <= len);
                        assert!(within && shown.len() < 2 + len / 4, "{vectors:?} {len} {shown:?}");
                        met += 1;
                    }
                }
            }
        }
        assert!(met > 10_000, "{met}");
    }

    #[test]
    fn the_fastest_way_is_possible() {
        assert!(Vectors::fastest().is_possible());
        assert_eq!(Vectors::fastest(), Vectors::fastest());
    }
}
