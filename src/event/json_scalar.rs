//! JSON strings, numbers and literals: their grammar and the decoding of escapes.

use super::json::unexpected;
use super::malformed::{Malformed, MalformedKind};
use super::word::{HIGHEST, ONES, load};

/// What a number's text is; floats are parsed only when somebody wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Int(i64),
    Uint(u64),
    /// It has a fraction or an exponent.
    Float,
    /// An integer beyond 64 bits.
    Big,
}

/// Reads a number that begins at `at`: what it is, and the offset behind it.
#[inline]
pub(super) fn read_number(data: &[u8], at: usize) -> Result<(Number, usize), Malformed> {
    let negative = data.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    if let Some((value, digits)) = short_number(data, start) {
        return Ok((signed(value, negative), start + digits));
    }
    let mut end = start;
    let mut value = 0u64;
    while let Some(digit @ b'0'..=b'9') = data.get(end) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        end += 1;
    }
    let digits = end - start;
    if digits == 0 || (digits > 1 && data[start] == b'0') {
        return Err(bad_number(data, end));
    }
    if let Some(b'.' | b'e' | b'E') = data.get(end) {
        return Ok((Number::Float, read_fraction(data, end)?));
    }
    let number = if digits >= 20 {
        long_integer(&data[start..end], negative)
    } else {
        // 19 digits fit 64 bits without a sign.
        signed(value, negative)
    };
    Ok((number, end))
}

/// The value and the number of the digits of an integer of up to seven digits. `None`: any other
/// number, or none at all.
///
/// PERF: most numbers are so short; without a loop over digits they cost nearly the same.
#[inline(always)]
pub(super) fn short_number(data: &[u8], at: usize) -> Option<(u64, usize)> {
    let chunk: &[u8; 8] = data.get(at..)?.first_chunk()?;
    let digits = u64::from_le_bytes(*chunk) ^ (ONES * b'0' as u64);
    // Digits are 0 to 9 now. The lowest set bit is exact: carries only spoil bytes above a byte
    // that is no digit.
    let others = (digits.wrapping_add(ONES * 6) | digits) & (ONES * 0xf0);
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 || count == 8 || (count > 1 && chunk[0] == b'0') {
        return None;
    }
    if let b'.' | b'e' | b'E' = chunk[count] {
        return None;
    }
    // Zeros in front, then neighbours are joined: to pairs, fours and all eight.
    let digits = digits << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff, count))
}

#[inline]
fn signed(value: u64, negative: bool) -> Number {
    if negative {
        0i64.checked_sub_unsigned(value).map_or(Number::Big, Number::Int)
    } else {
        i64::try_from(value).map_or(Number::Uint(value), Number::Int)
    }
}

#[cold]
fn long_integer(digits: &[u8], negative: bool) -> Number {
    let mut value = 0u64;
    for digit in digits {
        let next = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit.wrapping_sub(b'0'))));
        match next {
            Some(next) => value = next,
            None => return Number::Big,
        }
    }
    signed(value, negative)
}

/// Passes the fraction and the exponent that begin at `at`.
fn read_fraction(data: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut at = at;
    if data.get(at) == Some(&b'.') {
        at = read_digits(data, at + 1)?;
    }
    if let Some(b'e' | b'E') = data.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = data.get(at) {
            at += 1;
        }
        at = read_digits(data, at)?;
    }
    Ok(at)
}

/// Passes one or more digits.
fn read_digits(data: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut end = at;
    while let Some(b'0'..=b'9') = data.get(end) {
        end += 1;
    }
    if end == at { Err(bad_number(data, at)) } else { Ok(end) }
}

#[cold]
fn bad_number(data: &[u8], at: usize) -> Malformed {
    let kind = if at < data.len() { MalformedKind::BadNumber } else { MalformedKind::Truncated };
    Malformed::new(kind, at)
}

/// Reads `true`, `false` or `null` (`None`) and the offset behind it.
#[inline]
pub(super) fn read_literal(data: &[u8], at: usize) -> Result<(Option<bool>, usize), Malformed> {
    let rest = data.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(b"true") => return Ok((Some(true), at + 4)),
        Some(b"null") => return Ok((None, at + 4)),
        _ => {}
    }
    for (text, value) in
        [(b"true".as_slice(), Some(true)), (b"false", Some(false)), (b"null", None)]
    {
        if rest.starts_with(text) {
            return Ok((value, at + text.len()));
        }
        if !rest.is_empty() && text.starts_with(rest) {
            return Err(Malformed::new(MalformedKind::Truncated, data.len()));
        }
    }
    Err(unexpected(data, at))
}

/// Finds the end of the string whose first byte (behind the quote) is at `at`: the offset of the
/// closing quote, and whether there are escapes, which are checked.
pub(super) fn read_string(data: &[u8], at: usize) -> Result<(usize, bool), Malformed> {
    match find_quote_or_backslash(data, at) {
        Some(end) if data[end] == b'"' => Ok((end, false)),
        Some(backslash) => read_escaped_string(data, backslash),
        None => Err(Malformed::new(MalformedKind::Truncated, data.len())),
    }
}

/// The end of a string without escapes. PERF: [`read_string`] for nearly all strings, with
/// a result that stays in registers.
#[inline(always)]
pub(super) fn plain_string(data: &[u8], at: usize) -> Option<usize> {
    find_quote_or_backslash(data, at).filter(|&end| data[end] == b'"')
}

/// Where the first quote or backslash from `at` on is.
#[inline(always)]
pub(super) fn find_quote_or_backslash(data: &[u8], at: usize) -> Option<usize> {
    let mut rest = data.get(at..)?;
    while let Some((block, behind)) = rest.split_first_chunk() {
        if let Some(found) = in_block(block) {
            return Some(data.len() - rest.len() + found);
        }
        rest = behind;
    }
    let found = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(data.len() - rest.len() + found)
}

/// Where the first quote or backslash of sixteen bytes is.
///
/// PERF: names and most values end within a block or two, where a call to memchr costs more than it
/// saves. For a slice of this length its search is one comparison, inlined.
#[inline(always)]
pub(super) fn in_block(block: &[u8; 16]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if let Some(two) = memchr::arch::x86_64::sse2::memchr::Two::new(b'"', b'\\') {
        return two.find(block);
    }
    portable_in_block(block)
}

#[cfg_attr(target_arch = "x86_64", cold)]
fn portable_in_block(block: &[u8; 16]) -> Option<usize> {
    let marks = (0..2).map(|half| {
        let word = u64::from_le_bytes(std::array::from_fn(|at| block[half * 8 + at]));
        let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
        // The lowest set bit is exact: borrows only spoil bytes above a zero byte.
        (half, (quote | backslash) & !word & HIGHEST)
    });
    let (half, marks) = marks.into_iter().find(|(_, marks)| *marks != 0)?;
    Some(half * 8 + marks.trailing_zeros() as usize / 8)
}

#[cold]
fn read_escaped_string(data: &[u8], backslash: usize) -> Result<(usize, bool), Malformed> {
    let mut at = backslash;
    loop {
        // At a backslash.
        match data.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
            Some(b'u') => {
                for offset in at + 2..at + 6 {
                    match data.get(offset) {
                        Some(digit) if digit.is_ascii_hexdigit() => {}
                        Some(_) => return Err(Malformed::new(MalformedKind::BadEscape, at)),
                        None => return Err(Malformed::new(MalformedKind::Truncated, data.len())),
                    }
                }
                at += 6;
            }
            Some(_) => return Err(Malformed::new(MalformedKind::BadEscape, at)),
            None => return Err(Malformed::new(MalformedKind::Truncated, data.len())),
        }
        match find_quote_or_backslash(data, at) {
            Some(found) if data[found] == b'"' => return Ok((found, true)),
            Some(found) => at = found,
            None => return Err(Malformed::new(MalformedKind::Truncated, data.len())),
        }
    }
}

/// What the byte behind a backslash stands for; 0 for `u` and for what begins no escape.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let (mut at, from, to) = (0, b"\"\\/bfnrt", b"\"\\/\x08\x0c\n\r\t");
    while at < from.len() {
        table[from[at] as usize] = to[at];
        at += 1;
    }
    table
};

/// Appends the string whose first byte (behind the quote) is at `at` to `out`, escapes decoded:
/// the offset of the closing quote. `None`, and something was appended, for what only
/// [`read_string`] and [`decode_string`] read: `\u`, the last bytes of a record, malformed strings.
///
/// PERF: strings with escapes are mostly paths of Windows, with an escape every few bytes. So whole
/// blocks are copied and cut, and nothing is looked at twice.
#[inline]
pub(super) fn decode_simple(data: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let mut at = at;
    loop {
        let block: &[u8; 16] = data.get(at..)?.first_chunk()?;
        out.extend_from_slice(block);
        let Some(found) = in_block(block) else {
            at += 16;
            continue;
        };
        // The byte that was found makes room for the one that the escape stands for.
        let end = out.len() - 16 + found;
        at += found;
        if data[at] == b'"' {
            out.truncate(end);
            return Some(at);
        }
        let byte = ESCAPES[usize::from(*data.get(at + 1)?)];
        if byte == 0 {
            return None;
        }
        out[end] = byte;
        out.truncate(end + 1);
        at += 2;
    }
}

/// Appends the string between the quotes to `out`, escapes decoded. A surrogate without its
/// partner becomes U+FFFD. Never appends more bytes than `raw` has.
pub fn decode_string(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(backslash) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let Some((&escape, behind)) = rest.split_first() else { return };
        rest = behind;
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let unit = hex4(rest);
                rest = rest.get(4..).unwrap_or_default();
                let mut scalar = unit;
                if let 0xd800..=0xdbff = unit
                    && let [b'\\', b'u', low @ ..] = rest
                    && let low_unit @ 0xdc00..=0xdfff = hex4(low)
                {
                    scalar = 0x1_0000 + ((unit - 0xd800) << 10 | (low_unit - 0xdc00));
                    rest = low.get(4..).unwrap_or_default();
                }
                let scalar = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
}

/// The value of four hexadecimal digits; other bytes count as zero (the grammar was checked).
fn hex4(digits: &[u8]) -> u32 {
    digits
        .iter()
        .take(4)
        .fold(0, |value, &digit| value << 4 | char::from(digit).to_digit(16).unwrap_or(0))
}

/// Appends a text as a string, quotes included. Bytes that are not UTF-8 stay as they are.
pub fn encode_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    // PERF: hardly any byte is escaped, and what lies between is copied at once.
    while let Some(found) = find_escaped(rest) {
        out.extend_from_slice(&rest[..found]);
        escape(rest[found], out);
        rest = &rest[found + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends the text of `len` bytes at `start` of `data` as [`encode_string`] does.
#[inline]
pub fn encode_string_at(data: &[u8], start: usize, len: usize, out: &mut Vec<u8>) {
    // PERF: most texts are short and not the last of their record. Sixteen bytes are looked at and
    // copied, whatever stands behind the text, where a copy of its length would be a call.
    if let (1..=16, Some(chunk)) = (len, data.get(start..).and_then(<[u8]>::first_chunk::<16>)) {
        let word = |half: usize| u64::from_le_bytes(std::array::from_fn(|at| chunk[half * 8 + at]));
        let text = |half: usize| match len.saturating_sub(half * 8) * 8 {
            0 => 0,
            bits => u64::MAX >> 64usize.saturating_sub(bits),
        };
        let [first, second] = [0, 1].map(|half| escaped_marks(word(half)));
        // What stands behind the text is mostly plain as well.
        if first | second == 0 || first & text(0) | second & text(1) == 0 {
            out.push(b'"');
            let end = out.len() + len;
            out.extend_from_slice(chunk);
            out.truncate(end);
            out.push(b'"');
            return;
        }
    }
    encode_string(data.get(start..start + len).unwrap_or_default(), out);
}

#[inline(never)]
fn escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0..0x20 => {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
        }
        _ => out.push(byte),
    }
}

/// Where the first byte is that stands escaped in a string: quote, backslash, below 0x20.
#[inline]
fn find_escaped(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let marks = escaped_marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    if tail.is_empty() {
        return None;
    }
    // PERF: the last eight bytes at once, of which the first may have been looked at already.
    let (start, word) = match text.last_chunk() {
        Some(last) => (text.len() - 8, u64::from_le_bytes(*last)),
        // Letters stand behind a short text.
        None => (0, load(tail) | (ONES * u64::from(b'a')) << (8 * tail.len())),
    };
    let marks = escaped_marks(word);
    (marks != 0).then(|| start + marks.trailing_zeros() as usize / 8)
}

/// The highest bit of each byte that stands escaped in a string. The lowest that is set is exact:
/// borrows only spoil bytes above one that was found.
#[inline(always)]
fn escaped_marks(word: u64) -> u64 {
    let quote = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * 0x20);
    (quote | backslash | control) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letter by letter.
    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut out = b"\"".to_vec();
        for &byte in text {
            match byte {
                b'"' | b'\\' | 0..0x20 => escape(byte, &mut out),
                _ => out.push(byte),
            }
        }
        out.push(b'"');
        out
    }

    #[test]
    fn strings_are_written_at_every_place_of_a_record() {
        for special in [b'"', b'\\', b'\n', 0, 0x1f, 0x7f, 0x80, 0xff, b'!', b' '] {
            for at in 0..40 {
                let mut record = [b'a'; 40];
                record[at] = special;
                for (start, len) in
                    (0..40).flat_map(|start| (0..=40 - start).map(move |n| (start, n)))
                {
                    let text = &record[start..start + len];
                    let (mut whole, mut part) = (Vec::new(), b"before".to_vec());
                    encode_string(text, &mut whole);
                    encode_string_at(&record, start, len, &mut part);
                    assert_eq!(whole, encoded(text), "{special:#x} at {at}, {start} {len}");
                    assert_eq!(part[6..], whole, "{special:#x} at {at}, {start} {len}");
                }
            }
        }
        assert_eq!(encoded(b"\x01\x1f\r\t"), br#""\u0001\u001f\r\t""#);
    }

    #[test]
    fn quotes_and_backslashes_are_found_in_blocks() {
        // Bytes that differ from the two in one bit, and all others.
        for other in 0..=255 {
            if let b'"' | b'\\' = other {
                continue;
            }
            let none = [other; 16];
            assert_eq!((in_block(&none), portable_in_block(&none)), (None, None));
            for at in 0..16 {
                for later in at..16 {
                    let mut block = none;
                    (block[later], block[at]) = (b'\\', b'"');
                    let found = (in_block(&block), portable_in_block(&block));
                    assert_eq!(found, (Some(at), Some(at)));
                    block[at] = b'\\';
                    let found = (in_block(&block), portable_in_block(&block));
                    assert_eq!(found, (Some(at), Some(at)));
                }
            }
        }
    }

    #[test]
    fn strings_are_escaped_at_every_place() {
        for byte in 0..=255u8 {
            for len in 1..20 {
                for at in 0..len {
                    for other in [b'a', 0x80, 0xff, 0x21, 0x23, 0x5b, 0x5d] {
                        let mut text = vec![other; len];
                        text[at] = byte;
                        let expected =
                            text.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
                        assert_eq!(find_escaped(&text), expected, "{text:?}");
                    }
                }
            }
            let text = [b"0123456", &[byte][..], b"9\"abcde\\fghijklmno\n"].concat();
            if let Ok(text) = std::str::from_utf8(&text) {
                let mut out = Vec::new();
                encode_string(text.as_bytes(), &mut out);
                assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            }
        }
    }

    #[test]
    fn numbers_of_all_lengths() {
        for digits in 1..25usize {
            for number in ["9".repeat(digits), "1".to_owned() + &"0".repeat(digits - 1)] {
                for sign in ["", "-"] {
                    let text = format!("{sign}{number}");
                    let expected = match text.parse::<i128>() {
                        Ok(value) => match (i64::try_from(value), u64::try_from(value)) {
                            (Ok(value), _) => Number::Int(value),
                            (_, Ok(value)) => Number::Uint(value),
                            _ => Number::Big,
                        },
                        Err(_) => Number::Big,
                    };
                    for behind in ["", ",", "}", " ", "\u{10}\u{10}\u{10}", ":;<=>?@/ABCDEF"] {
                        let data = text.clone() + behind;
                        let found = read_number(data.as_bytes(), 0);
                        assert_eq!(found, Ok((expected, text.len())), "{data:?}");
                    }
                    for behind in [".5,", "e1 ", "E-07]", ".25"] {
                        let data = text.clone() + behind;
                        let end = data.trim_end_matches([',', ' ', ']']).len();
                        let found = read_number(data.as_bytes(), 0);
                        assert_eq!(found, Ok((Number::Float, end)), "{data:?}");
                    }
                }
            }
        }
        for bad in ["01", "-01", "00", "-", "1.", "1e", "1.x", "-a", "01.5", "0000000"] {
            for behind in ["", ",         "] {
                assert!(read_number((bad.to_owned() + behind).as_bytes(), 0).is_err(), "{bad}");
            }
        }
    }

    #[test]
    fn simple_decoding_agrees_with_the_other() {
        let pieces = [
            "",
            "a",
            "\\\\",
            "\\n",
            "\\\"",
            "\\/\\b\\f\\r\\t",
            "0123456789abcdef",
            "seven77",
            "\u{e9}",
        ];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let raw = [a, b, c, b, a].concat();
                    let data = format!("{raw}\"                ");
                    let (mut ours, mut theirs) = (b"x".to_vec(), b"x".to_vec());
                    let end = decode_simple(data.as_bytes(), 0, &mut ours);
                    assert_eq!(end, Some(raw.len()), "{raw}");
                    decode_string(raw.as_bytes(), &mut theirs);
                    assert_eq!(ours, theirs, "{raw}");
                }
            }
        }
        for other in
            ["\\u0041\"                ", "\\x\"                ", "\\", "\\n", "a\"", "\\n\""]
        {
            assert_eq!(decode_simple(other.as_bytes(), 0, &mut Vec::new()), None, "{other}");
        }
    }
}
