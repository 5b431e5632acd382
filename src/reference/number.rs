//! Numbers: exact, whatever mixture of integers, floats and long decimal texts meets.

use std::cmp::Ordering;

/// A number of an event or of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer. Events put only integers of 64 bits here, signed or unsigned.
    Int(i128),
    /// A finite float.
    Float(f64),
    /// A number beyond 64 bits, or beyond the range of a float: its decimal text as written.
    Text(String),
}

impl Number {
    /// Reads a number written as JSON writes it (the grammar is the caller's concern).
    pub fn from_json(text: &str) -> Number {
        if text.contains(['.', 'e', 'E']) {
            return match text.parse::<f64>() {
                Ok(float) if float.is_finite() => Number::Float(float),
                _ => Number::Text(text.to_owned()),
            };
        }
        match text.parse::<i128>() {
            Ok(int) if fits_64_bits(int) => Number::Int(int),
            _ => Number::Text(text.to_owned()),
        }
    }

    /// Reads a text that is nothing but a plain decimal number, `-?[0-9]+(\.[0-9]+)?`. Blanks,
    /// plus signs, exponents and hexadecimal are texts, not numbers.
    pub fn from_plain_decimal(text: &[u8]) -> Option<Number> {
        let text = std::str::from_utf8(text).ok()?;
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if digits(whole) && fraction.is_none_or(digits) {
            Some(Number::from_json(text))
        } else {
            None
        }
    }

    /// The canonical decimal text: no fraction where there is none, never an exponent unless the
    /// number is only known as text.
    pub fn text(&self) -> String {
        match self {
            Number::Int(int) => int.to_string(),
            // Every float of this size without a fraction is an i128, so its digits are exact
            // (and -0.0 becomes 0); `Display` would round them to 17.
            Number::Float(float) if float.fract() == 0.0 && float.abs() < 2f64.powi(127) => {
                (*float as i128).to_string()
            }
            Number::Float(float) => float.to_string(),
            Number::Text(text) => text.clone(),
        }
    }

    /// Numeric equality, exact. A number that is only known as text equals the same text.
    pub fn equals(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Text(_), _) | (_, Number::Text(_)) => self.text() == other.text(),
            _ => self.compare(other) == Ordering::Equal,
        }
    }

    /// Numeric order: exact for integers of up to 128 bits and for floats; whatever else there is
    /// counts as the nearest float, and beyond the floats as its exact value.
    pub fn compare(&self, other: &Number) -> Ordering {
        match (&self.rounded(), &other.rounded()) {
            (Number::Int(a), Number::Int(b)) => a.cmp(b),
            (mine, theirs) => mine.expand().compare(&theirs.expand()),
        }
    }

    fn rounded(&self) -> Number {
        let Number::Text(text) = self else { return self.clone() };
        match (text.parse::<i128>(), text.parse::<f64>()) {
            (Ok(int), _) => Number::Int(int),
            (_, Ok(float)) if float.is_finite() => Number::Float(float),
            _ => self.clone(),
        }
    }

    fn expand(&self) -> Decimal {
        match self {
            // No finite float has more than 1074 digits behind the point, so this is exact.
            Number::Float(float) => Decimal::parse(&format!("{float:.1074}")),
            _ => Decimal::parse(&self.text()),
        }
    }
}

fn fits_64_bits(int: i128) -> bool {
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int)
}

/// `0.d1 d2 d3... * 10^exponent`, without zeros before the first or behind the last digit.
struct Decimal {
    negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl Decimal {
    /// Reads `-?digits[.digits][e[+-]digits]`.
    fn parse(text: &str) -> Decimal {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, clamp_power(power)),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|&&digit| digit == b'0').count();
        let mut digits = all[leading..].to_vec();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Decimal { negative: false, exponent: 0, digits };
        }
        Decimal { negative, exponent: whole.len() as i64 - leading as i64 + power, digits }
    }

    fn compare(&self, other: &Decimal) -> Ordering {
        match (self.sign(), other.sign()) {
            (1, 1) => self.magnitude().cmp(&other.magnitude()),
            (-1, -1) => other.magnitude().cmp(&self.magnitude()),
            (mine, theirs) => mine.cmp(&theirs),
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn magnitude(&self) -> (i64, &[u8]) {
        (self.exponent, &self.digits)
    }
}

/// An exponent as written; beyond ten to the fifteenth its exact value decides nothing that a
/// text of any real length could change.
fn clamp_power(text: &str) -> i64 {
    const LIMIT: i64 = 1_000_000_000_000_000;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let power = digits.parse::<i64>().unwrap_or(LIMIT).min(LIMIT);
    if negative { -power } else { power }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::from_json(text)
    }

    #[test]
    fn texts_are_canonical() {
        for (written, text) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1.50", "1.5"),
            ("1e-7", "0.0000001"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("18446744073709551616", "18446744073709551616"),
            ("18446744073709551616.0", "18446744073709551616"),
            ("1e400", "1e400"),
            ("-1E+400", "-1E+400"),
            (
                "123456789012345678901234567890123456789012345",
                "123456789012345678901234567890123456789012345",
            ),
        ] {
            assert_eq!(number(written).text(), text, "{written}");
        }
        assert_eq!(Number::Float(f64::from(0.1f32)).text(), "0.10000000149011612");
    }

    #[test]
    fn kinds_follow_64_bits() {
        assert_eq!(number("18446744073709551615"), Number::Int(u64::MAX.into()));
        assert_eq!(number("-9223372036854775808"), Number::Int(i64::MIN.into()));
        assert!(matches!(number("18446744073709551616"), Number::Text(_)));
        assert!(matches!(number("-9223372036854775809"), Number::Text(_)));
        assert!(matches!(number("1e308"), Number::Float(_)));
        assert!(matches!(number("1e309"), Number::Text(_)));
    }

    #[test]
    fn order_is_exact() {
        // Ascending; neighbours that f64 would confuse stand beside each other.
        let ascending = [
            "-1e400",
            "-9223372036854775809",
            "-9223372036854775808",
            "-2",
            "-1.5",
            "-1",
            "-1e-300",
            "0",
            "5e-324",
            "0.1",
            "1",
            "1.0000000000000002",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "9007199254740994.0",
            "9223372036854775807",
            "9223372036854775808.0",
            "18446744073709551615",
            "18446744073709551616",
            "18446744073709551617",
            "1e300",
            "1e400",
            "1e99999999999999999999",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(number(a).compare(&number(b)), i.cmp(&j), "{a} and {b}");
                assert_eq!(number(a).equals(&number(b)), i == j, "{a} and {b}");
            }
        }
        assert!(number("4688").equals(&number("4688.0")));
        assert!(number("0").equals(&number("-0.0")));
        assert!(!number("9007199254740993").equals(&number("9007199254740992.0")));
        assert!(Number::Int(10i128.pow(20)).equals(&number("100000000000000000000")));
        assert!(Number::Int(10i128.pow(20)).equals(&number("1e20")));
    }

    #[test]
    fn integers_and_floats_agree_with_integer_arithmetic() {
        // Around every power of two, whole floats convert exactly: i128 decides.
        for power in 0..63 {
            for offset in -2i128..=2 {
                let int = (1i128 << power) + offset;
                let float = (1i128 << power) as f64;
                assert_eq!(
                    Number::Int(int).compare(&Number::Float(float)),
                    int.cmp(&(1i128 << power)),
                    "{int} and {float}"
                );
            }
        }
    }

    #[test]
    fn only_plain_decimals_are_read_from_texts() {
        for text in ["0", "10", "-3", "007", "1.50", "-0.5"] {
            assert!(Number::from_plain_decimal(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "", "-", "+1", " 1", "1 ", "1e3", "0x10", ".5", "5.", "1.2.3", "1_000", "inf", "٣",
            "--1",
        ] {
            assert_eq!(Number::from_plain_decimal(text.as_bytes()), None, "{text}");
        }
        let padded = Number::from_plain_decimal(b"00010").unwrap();
        assert_eq!(padded.compare(&Number::Int(10)), Ordering::Equal);
        assert_eq!(Number::from_plain_decimal(b"10.1"), Some(Number::Float(10.1)));
        assert_eq!(Number::from_plain_decimal(b"\xff"), None);
    }
}
