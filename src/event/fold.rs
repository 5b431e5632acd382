//! Unicode simple case folding over bytes.
//!
//! Comparison without regard to case means: both sides folded, scalar by scalar (CaseFolding C
//! and S, the relation of `(?i)` in the regex crate). A byte that is not part of valid UTF-8 is
//! one character that equals only itself, so it is copied.

use super::word::{self, ONES};

/// Folds one scalar.
#[inline]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match unicode_case_mapping::case_folded(c) {
        Some(folded) => char::from_u32(folded.get()).unwrap_or(c),
        None => c,
    }
}

/// Appends the folded form of `text` to `out`. Returns true if `text` is all ASCII.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    // PERF: a copy and a change in place are both done in vectors, a mapped iterator is not.
    let start = out.len();
    if text.is_ascii() {
        out.extend_from_slice(text);
        out[start..].make_ascii_lowercase();
        return true;
    }
    // Texts that are not all ASCII mostly are. What is written lies behind `start`, and no byte of a
    // character beyond ASCII is a letter of it.
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(beyond) = rest.bytes().position(|byte| byte >= 0x80) {
            let (plain, from) = rest.split_at(beyond);
            if !plain.is_empty() {
                out.extend_from_slice(plain.as_bytes());
            }
            let mut characters = from.chars();
            if let Some(c) = characters.next() {
                let mut buffer = [0; 4];
                out.extend_from_slice(fold_char(c).encode_utf8(&mut buffer).as_bytes());
            }
            rest = characters.as_str();
        }
        out.extend_from_slice(rest.as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out[start..].make_ascii_lowercase();
    false
}

/// The folded form of `text`.
pub fn fold(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}

/// Whether `text` is `lower`, which has no upper-case ASCII letter, without regard to ASCII case.
#[inline]
pub fn is_ascii_caseless(text: &[u8], lower: &[u8]) -> bool {
    if text.len() != lower.len() {
        return false;
    }
    // PERF: eight bytes at a time; most texts differ in the first eight. The last eight overlap.
    let same = |(text, lower): (&[u8; 8], &[u8; 8])| {
        lowercase_word(u64::from_le_bytes(*text)) == u64::from_le_bytes(*lower)
    };
    let (Some(text_end), Some(lower_end)) = (text.last_chunk(), lower.last_chunk()) else {
        return lowercase_word(word::load(text)) == word::load(lower);
    };
    let (texts, _) = text.as_chunks::<8>();
    let (lowers, _) = lower.as_chunks::<8>();
    texts.iter().zip(lowers).all(same) && same((text_end, lower_end))
}

/// How many bytes of `text` are those of `lower`, which is as long and has no upper-case ASCII letter,
/// without regard to ASCII case.
pub fn caseless_prefix(text: &[u8], lower: &[u8]) -> usize {
    let ((texts, _), (lowers, _)) = (text.as_chunks::<8>(), lower.as_chunks::<8>());
    let same = |(text, lower): &(&[u8; 8], &[u8; 8])| {
        lowercase_word(u64::from_le_bytes(**text)) == u64::from_le_bytes(**lower)
    };
    let whole = 8 * texts.iter().zip(lowers).take_while(same).count();
    let rest = text[whole..].iter().zip(&lower[whole..]);
    whole + rest.take_while(|(text, lower)| text.to_ascii_lowercase() == **lower).count()
}

/// The upper-case ASCII letters of eight bytes in lower case.
#[inline]
fn lowercase_word(word: u64) -> u64 {
    // Without their highest bits bytes can be added to without a carry into the next one.
    let low = word & (ONES * 0x7f);
    let above_z = low + ONES * (0x7f - b'Z' as u64);
    let from_a = low + ONES * (0x80 - b'A' as u64);
    let upper = (from_a ^ above_z) & !word & (ONES * 0x80);
    word | upper >> 2
}

/// The length in bytes of the character at the start of `text`: a valid UTF-8 scalar, or one
/// byte where there is none. 0 only for an empty text.
#[inline]
pub fn char_len(text: &[u8]) -> usize {
    let Some(&first) = text.first() else { return 0 };
    let len = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return 1,
    };
    match text.get(..len) {
        Some(bytes) if std::str::from_utf8(bytes).is_ok() => len,
        _ => 1,
    }
}

/// Whether a character of `text` begins at `at` (or `at` is its end): false only in the middle
/// of a valid scalar.
pub fn is_boundary(text: &[u8], at: usize) -> bool {
    if at == 0 || at >= text.len() || text[at] & 0xC0 != 0x80 {
        return true;
    }
    (1..=3.min(at)).all(|back| char_len(&text[at - back..]) <= back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_ascii_are_compared_without_case() {
        for (len, byte) in (1..=20).flat_map(|len| (0..=u8::MAX).map(move |byte| (len, byte))) {
            for at in 0..len {
                for other in [byte, byte ^ 0x20, byte ^ 0x80, byte.wrapping_add(1), 0] {
                    let (mut text, mut lower) = (vec![b'X'; len], vec![b'x'; len]);
                    (text[at], lower[at]) = (other, byte.to_ascii_lowercase());
                    let expected = text.eq_ignore_ascii_case(&lower);
                    assert_eq!(is_ascii_caseless(&text, &lower), expected, "{text:?} {lower:?}");
                    assert!(!is_ascii_caseless(&text[1..], &lower));
                }
            }
        }
        assert!(is_ascii_caseless(b"", b""));
    }

    #[test]
    fn folding_is_simple_and_keeps_invalid_bytes() {
        for (from, to) in
            [("ÄДΣς", "äдσσ"), ("\u{212A}ſ", "ks"), ("ß", "ß"), ("İı", "İı"), ("ẞ", "ß")]
        {
            assert_eq!(fold(from.as_bytes()), to.as_bytes(), "{from}");
        }
        assert_eq!(fold(b"A\xff\xc3B"), b"a\xff\xc3b");
    }

    #[test]
    fn folding_is_the_relation_of_the_regex_crate() {
        use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
        for scalar in (0..=0x10FFFFu32).filter_map(char::from_u32) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(scalar, scalar)]);
            class.case_fold_simple();
            for range in class.ranges() {
                for other in range.start()..=range.end() {
                    assert_eq!(fold_char(other), fold_char(scalar), "{scalar:?} and {other:?}");
                }
            }
            let folded = fold_char(scalar);
            assert!(
                class.ranges().iter().any(|r| r.start() <= folded && folded <= r.end()),
                "{scalar:?} folds out of its class"
            );
        }
    }

    #[test]
    fn ascii_case_is_ignored_in_every_place_and_length() {
        for byte in 0..=255u8 {
            for len in 0..20 {
                for at in 0..len {
                    let mut text = b"aZ\xc1[@{`z".repeat(3)[..len].to_vec();
                    text[at] = byte;
                    for other in [byte, byte ^ 0x20, byte ^ 0x80, byte.wrapping_add(1)] {
                        let mut lower = text.to_ascii_lowercase();
                        lower[at] = other.to_ascii_lowercase();
                        let same = text.eq_ignore_ascii_case(&lower);
                        assert_eq!(is_ascii_caseless(&text, &lower), same, "{text:?} {lower:?}");
                    }
                }
            }
        }
        assert!(!is_ascii_caseless(b"a", b"aa"));
    }

    #[test]
    fn the_common_prefix_is_counted_byte_by_byte() {
        let text = b"C:\\WINDOWS\\System32\\cmd.EXE /c";
        let lower = text.to_ascii_lowercase();
        for len in 0..=text.len() {
            assert_eq!(caseless_prefix(&text[..len], &lower[..len]), len);
            for at in 0..len {
                let mut other = text[..len].to_vec();
                other[at] = b'!';
                assert_eq!(caseless_prefix(&other, &lower[..len]), at, "{len}");
            }
        }
    }

    #[test]
    fn boundaries_fall_between_characters() {
        let text = "aé–😀".as_bytes();
        let boundaries: Vec<usize> = (0..=text.len()).filter(|&at| is_boundary(text, at)).collect();
        assert_eq!(boundaries, [0, 1, 3, 6, 10]);
        // Stray continuation bytes are characters of their own.
        assert!((0..=4).all(|at| is_boundary(b"\x80\x80\xff\x80", at)));
    }
}
