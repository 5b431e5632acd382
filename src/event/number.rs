//! Numbers: canonical decimal text and exact comparison.
//!
//! Two numbers are equal exactly if their canonical texts are, which lets equality on numbers
//! use the same index as equality on strings.

use std::cmp::Ordering;
use std::io::Write;

/// Longest canonical text of a number: the smallest subnormal needs 343 bytes.
pub const MAX_TEXT: usize = 400;

/// A buffer that holds the text of any number.
pub struct NumberText {
    bytes: [u8; MAX_TEXT],
    len: usize,
}

/// Whether the text of a number or boolean may have this byte, in either case. Says yes rather than
/// no.
pub fn may_have(byte: u8) -> bool {
    b"0123456789.-+truefals".contains(&byte.to_ascii_lowercase())
}

impl NumberText {
    /// An empty text.
    pub fn new() -> NumberText {
        NumberText { bytes: [0; MAX_TEXT], len: 0 }
    }

    fn print(&mut self, arguments: std::fmt::Arguments<'_>) -> &[u8] {
        let mut rest = &mut self.bytes[..];
        let fits = rest.write_fmt(arguments).is_ok();
        let left = rest.len();
        self.len = if fits { MAX_TEXT - left } else { 0 };
        &self.bytes[..self.len]
    }

    /// The text of an integer.
    pub fn int(&mut self, value: i128) -> &[u8] {
        let mut at = MAX_TEXT;
        let mut rest = value.unsigned_abs();
        // 64-bit arithmetic for the usual case: 128-bit division is a library call.
        if let Ok(mut small) = u64::try_from(rest) {
            loop {
                at -= 1;
                self.bytes[at] = b'0' + (small % 10) as u8;
                small /= 10;
                if small == 0 {
                    break;
                }
            }
        } else {
            while rest > 0 {
                at -= 1;
                self.bytes[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        if value < 0 {
            at -= 1;
            self.bytes[at] = b'-';
        }
        &self.bytes[at..]
    }

    /// The text of a float: without fraction if integral, else the shortest digits that read
    /// back as the same value. `None` for NaN and the infinities, which have no text.
    pub fn float(&mut self, value: f64) -> Option<&[u8]> {
        if !value.is_finite() {
            return None;
        }
        if let Some(whole) = exact_int(value) {
            return Some(self.int(whole));
        }
        Some(self.print(format_args!("{value}")))
    }
}

impl Default for NumberText {
    fn default() -> NumberText {
        NumberText::new()
    }
}

/// The integer that a float is, if it is one and 128 bits hold it.
pub fn exact_int(value: f64) -> Option<i128> {
    const LIMIT: f64 = 170141183460469231731687303715884105728.0; // 2^127
    (value.trunc() == value && value.abs() < LIMIT).then_some(value as i128)
}

/// A number to compare with, or one found in an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Any integer that 128 bits hold.
    Int(i128),
    /// A float, or what only a float can come near; infinite if it is beyond all floats.
    Float(f64),
}

impl Number {
    /// Reads plain decimal text: `-?[0-9]+(\.[0-9]+)?`, nothing else (no exponent, plus sign,
    /// blank or hexadecimal).
    pub fn parse(text: &[u8]) -> Option<Number> {
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let (whole, fraction) = match memchr::memchr(b'.', digits) {
            Some(dot) => (&digits[..dot], Some(&digits[dot + 1..])),
            None => (digits, None),
        };
        let all_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if !all_digits(whole) || fraction.is_some_and(|f| !all_digits(f)) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        if fraction.is_none()
            && let Ok(int) = text.parse::<i128>()
        {
            return Some(Number::Int(int));
        }
        text.parse::<f64>().ok().map(Number::Float)
    }

    /// Exact order of two numbers; no rounding of integers to floats.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Number::Int(a), Number::Float(b)) => int_to_float(a, b),
            (Number::Float(a), Number::Int(b)) => int_to_float(b, a).reverse(),
        }
    }
}

fn int_to_float(int: i128, float: f64) -> Ordering {
    match exact_int(float.trunc()) {
        None => {
            if float > 0.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        Some(whole) => int
            .cmp(&whole)
            .then_with(|| 0.0f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_canonical() {
        let mut text = NumberText::new();
        assert_eq!(text.int(i128::MIN), i128::MIN.to_string().as_bytes());
        assert_eq!(text.int(0), b"0");
        assert_eq!(text.int(-4688), b"-4688");
        for (value, expected) in [
            (4688.0, "4688"),
            (-0.0, "0"),
            (9223372036854775808.0, "9223372036854775808"),
            (0.1, "0.1"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(text.float(value), Some(expected.as_bytes()));
        }
        assert_eq!(text.float(5e-324).map(<[u8]>::len), Some(326));
        assert_eq!(text.float(-1.7976931348623157e308).map(<[u8]>::len), Some(310));
        assert_eq!(text.float(f64::NAN), None);
        assert_eq!(text.float(f64::INFINITY), None);
    }

    #[test]
    fn comparison_is_exact() {
        use Number::{Float, Int};
        assert_eq!(Int(9007199254740993).compare(Float(9007199254740992.0)), Ordering::Greater);
        assert_eq!(Int(1).compare(Float(1.5)), Ordering::Less);
        assert_eq!(Int(-1).compare(Float(-1.5)), Ordering::Greater);
        assert_eq!(Float(1e300).compare(Int(i128::MAX)), Ordering::Greater);
        assert_eq!(Int(5).compare(Float(5.0)), Ordering::Equal);
    }

    #[test]
    fn only_plain_decimals_are_numbers() {
        for text in ["1e3", "+1", " 1", "1 ", "0x10", ".5", "5.", "", "-", "1_0", "--1"] {
            assert_eq!(Number::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Number::parse(b"-12"), Some(Number::Int(-12)));
        assert_eq!(Number::parse(b"007.50"), Some(Number::Float(7.5)));
        let huge = Number::parse(&[b'9'; 400]).unwrap();
        assert_eq!(huge.compare(Number::Float(f64::MAX)), Ordering::Greater);
        assert_eq!(huge.compare(Number::Int(i128::MAX)), Ordering::Greater);
    }
}
