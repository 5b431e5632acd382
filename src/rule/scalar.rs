//! The YAML 1.2 core schema: which type a scalar has.
//!
//! One deviation: digits with leading zeros are text (`00000429`), as in every loader that Sigma
//! rules have been written against. The strict schema would read 429 and change the rule.

use super::ast::Scalar;
use crate::limits;

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: the schema decides.
    Plain,
    /// Quoted or a block: always text.
    Text,
}

/// Why a scalar has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarError {
    /// `.inf`, `.nan` or a float beyond what 64 bits hold.
    NotFinite,
    /// The text does not fit the explicit tag (`!!int x`).
    TagMismatch,
    /// A tag that the core schema does not have.
    UnknownTag,
}

/// The value of a scalar; `tag` is the suffix of a core-schema tag (`str` for `!!str`).
///
/// # Errors
/// See [`ScalarError`].
pub fn resolve(text: &str, style: Style, tag: Option<&str>) -> Result<Scalar, ScalarError> {
    let Some(tag) = tag else {
        return match style {
            Style::Plain => resolve_plain(text),
            Style::Text => Ok(Scalar::Str(text.to_owned())),
        };
    };
    if tag == "str" {
        return Ok(Scalar::Str(text.to_owned()));
    }
    let value = resolve_plain(text)?;
    match (tag, value) {
        ("null", Scalar::Null) => Ok(Scalar::Null),
        ("bool", value @ Scalar::Bool(_)) => Ok(value),
        ("int", value @ (Scalar::Int(_) | Scalar::BigInt(_))) => Ok(value),
        ("float", value @ Scalar::Float(_)) => Ok(value),
        #[allow(clippy::cast_precision_loss, reason = "the author asked for a float")]
        ("float", Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        ("null" | "bool" | "int" | "float", _) => Err(ScalarError::TagMismatch),
        _ => Err(ScalarError::UnknownTag),
    }
}

fn resolve_plain(text: &str) -> Result<Scalar, ScalarError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Scalar::Null),
        "true" | "True" | "TRUE" => return Ok(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Scalar::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err(ScalarError::NotFinite),
        _ => {}
    }
    if matches!(text.strip_prefix(['-', '+']).unwrap_or(text), ".inf" | ".Inf" | ".INF") {
        return Err(ScalarError::NotFinite);
    }
    if let Some(value) = integer(text) {
        return Ok(value);
    }
    if is_float(text) {
        return match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Scalar::Float(value)),
            _ => Err(ScalarError::NotFinite),
        };
    }
    Ok(Scalar::Str(text.to_owned()))
}

fn integer(text: &str) -> Option<Scalar> {
    if text.len() > limits::INTEGER_DIGITS {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some(match text.parse::<i128>() {
        Ok(value) => Scalar::Int(value),
        Err(_) if text.starts_with('-') => Scalar::BigInt(format!("-{digits}")),
        Err(_) => Scalar::BigInt(digits.to_owned()),
    })
}

fn radix(digits: &str, radix: u32) -> Option<Scalar> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    if let Ok(value) = i128::from_str_radix(digits, radix) {
        return Some(Scalar::Int(value));
    }
    // Beyond 128 bits: schoolbook conversion in base 10^9, least significant limb first. The
    // length cap above bounds the quadratic work.
    const LIMB: u64 = 1_000_000_000;
    let mut limbs = vec![0u64];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(radix)?);
        for limb in &mut limbs {
            let value = *limb * u64::from(radix) + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut text = limbs.pop()?.to_string();
    for limb in limbs.iter().rev() {
        text.push_str(&format!("{limb:09}"));
    }
    Some(Scalar::BigInt(text))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, with a point or an exponent, and
/// without leading zeros before an exponent alone (`00e5` looks like a hash, not like zero).
fn is_float(text: &str) -> bool {
    let bytes = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut at = whole;
    let mut has_point = false;
    if bytes.get(at) == Some(&b'.') {
        has_point = true;
        let fraction = digits(at + 1);
        at += 1 + fraction;
        if whole == 0 && fraction == 0 {
            return false;
        }
    } else if whole == 0 {
        return false;
    }
    let mut has_exponent = false;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        has_exponent = true;
        at += 1;
        if matches!(bytes.get(at), Some(b'-' | b'+')) {
            at += 1;
        }
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
        && (has_point || (has_exponent && !(whole > 1 && bytes.first() == Some(&b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        resolve(text, Style::Plain, None).expect("a value")
    }

    fn is_text(text: &str) -> bool {
        plain(text) == Scalar::Str(text.to_owned())
    }

    #[test]
    fn null_has_five_spellings() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(plain(text), Scalar::Null, "{text:?}");
        }
        assert!(is_text("nULL") && is_text("none") && is_text("nil"));
    }

    #[test]
    fn only_true_and_false_are_booleans() {
        for text in ["true", "True", "TRUE"] {
            assert_eq!(plain(text), Scalar::Bool(true));
        }
        for text in ["false", "False", "FALSE"] {
            assert_eq!(plain(text), Scalar::Bool(false));
        }
        for text in ["yes", "no", "on", "off", "y", "n", "Yes", "tRUE"] {
            assert!(is_text(text), "{text:?}");
        }
    }

    #[test]
    fn integers() {
        assert_eq!(plain("0"), Scalar::Int(0));
        assert_eq!(plain("-0"), Scalar::Int(0));
        assert_eq!(plain("+12"), Scalar::Int(12));
        assert_eq!(plain("-9223372036854775808"), Scalar::Int(i128::from(i64::MIN)));
        assert_eq!(plain("18446744073709551615"), Scalar::Int(i128::from(u64::MAX)));
        assert_eq!(plain("0x10"), Scalar::Int(16));
        assert_eq!(plain("0o17"), Scalar::Int(15));
        assert!(is_text("0x") && is_text("0xg") && is_text("0o8") && is_text("-0x10"));
        assert!(is_text("1_000") && is_text("1:30") && is_text("0b1") && is_text("-"));
    }

    #[test]
    fn integers_beyond_128_bits_keep_their_digits() {
        let digits = "9".repeat(50);
        assert_eq!(plain(&digits), Scalar::BigInt(digits.clone()));
        assert_eq!(plain(&format!("-{digits}")), Scalar::BigInt(format!("-{digits}")));
        assert_eq!(plain(&format!("+{digits}")), Scalar::BigInt(digits));
        assert_eq!(
            plain("0x100000000000000000000000000000000"),
            Scalar::BigInt("340282366920938463463374607431768211456".to_owned())
        );
        assert!(is_text(&"1".repeat(limits::INTEGER_DIGITS + 1)));
    }

    #[test]
    fn digits_with_leading_zeros_are_text() {
        for text in ["00000429", "00", "-007", "+00", "010", "00e5", "0012E9"] {
            assert!(is_text(text), "{text:?}");
        }
        assert_eq!(plain("007.5"), Scalar::Float(7.5));
        assert_eq!(plain("0e5"), Scalar::Float(0.0));
    }

    #[test]
    fn floats() {
        assert_eq!(plain("1.0"), Scalar::Float(1.0));
        assert_eq!(plain("-.5"), Scalar::Float(-0.5));
        assert_eq!(plain("1."), Scalar::Float(1.0));
        assert_eq!(plain("1e3"), Scalar::Float(1000.0));
        assert_eq!(plain("1.5E-3"), Scalar::Float(0.0015));
        for text in [".", "e5", "1e", "1e+", "1.2.3", "+.", "1.5x", "inf", "nan", "1f"] {
            assert!(is_text(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_finite_has_no_value() {
        for text in [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999"] {
            assert_eq!(resolve(text, Style::Plain, None), Err(ScalarError::NotFinite), "{text}");
        }
        assert_eq!(resolve("1e999", Style::Text, None), Ok(Scalar::Str("1e999".to_owned())));
    }

    #[test]
    fn there_are_no_dates_and_no_sexagesimals() {
        for text in ["2024-01-01", "2024-01-01T10:00:00Z", "12:30:45", "190:20:30"] {
            assert!(is_text(text), "{text:?}");
        }
    }

    #[test]
    fn quotes_and_tags_decide() {
        assert_eq!(resolve("5", Style::Text, None), Ok(Scalar::Str("5".to_owned())));
        assert_eq!(resolve("5", Style::Plain, Some("str")), Ok(Scalar::Str("5".to_owned())));
        assert_eq!(resolve("5", Style::Text, Some("int")), Ok(Scalar::Int(5)));
        assert_eq!(resolve("5", Style::Plain, Some("float")), Ok(Scalar::Float(5.0)));
        assert_eq!(resolve("x", Style::Plain, Some("int")), Err(ScalarError::TagMismatch));
        assert_eq!(resolve("x", Style::Plain, Some("set")), Err(ScalarError::UnknownTag));
    }
}
