//! JSON strings, numbers and literals: their grammar and the decoding of escapes.

use super::json::unexpected;
use super::malformed::{Malformed, MalformedKind};

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

/// PERF: names and most values end within 16 bytes, where a call to memchr costs more than it saves.
#[inline(always)]
fn find_quote_or_backslash(data: &[u8], at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = at;
    for _ in 0..2 {
        let Some(chunk) = data.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { break };
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // The lowest set bit is exact: borrows only spoil bytes above a zero byte.
        let zero = (quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash)
            & (ONES << 7);
        if zero != 0 {
            return Some(at + zero.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', data.get(at..)?).map(|found| at + found)
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
    for &byte in text {
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
    out.push(b'"');
}
