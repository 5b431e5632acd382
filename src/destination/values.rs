//! From the value of a field to what a member has.

use super::form::Form;
use super::time;
use crate::event::address::is_address;
use crate::event::number::{NumberText, exact_int};
use crate::event::value::Value;
use crate::source::Stores;
use crate::tag::encode::{Encoder, Format};

/// Longest text of an address.
const ADDRESS: usize = 45;

/// The text of a scalar.
pub(super) fn text<'a>(
    value: Value,
    stores: &Stores<'a>,
    number: &'a mut NumberText,
) -> Option<&'a [u8]> {
    match value {
        Value::Str(span) | Value::BigNumber(span) => Some(stores.bytes(span)),
        Value::Bool(true) => Some(b"true"),
        Value::Bool(false) => Some(b"false"),
        Value::Int(value) => Some(number.int(value.into())),
        Value::Uint(value) => Some(number.int(value.into())),
        Value::Float(value) => number.float(value),
        // The code of a statement is for rules.
        Value::SqlCode(_) => None,
        Value::Null | Value::NullElement | Value::Object | Value::EmptyArray | Value::Opaque => {
            None
        }
    }
}

/// The part of a text that a form takes; `None` if there is none, or an empty one.
pub(super) fn part(form: Form, text: &[u8]) -> Option<&[u8]> {
    let part = match form {
        Form::Address => address(text)?,
        Form::HostName if text.contains(&b':') || address(text).is_some() => return None,
        Form::FileName => &text[behind_separator(text)..],
        Form::Folder => &text[..behind_separator(text)],
        Form::Label if address(text).is_some() => text,
        Form::Label => text.split(|byte| *byte == b'.').next()?,
        Form::AccountName => match memchr::memrchr(b'\\', text) {
            Some(at) => &text[at + 1..],
            None => text,
        },
        Form::AccountDomain => &text[..memchr::memrchr(b'\\', text)?],
        _ => text,
    };
    (!part.is_empty()).then_some(part)
}

fn address(text: &[u8]) -> Option<&[u8]> {
    (text.len() <= ADDRESS && is_address(text)).then_some(text)
}

/// Where the last element of a path begins. A backslash separates, but not in a path of Unix.
fn behind_separator(path: &[u8]) -> usize {
    let found = match path.first() {
        Some(b'/') => memchr::memrchr(b'/', path),
        _ => memchr::memrchr2(b'/', b'\\', path),
    };
    found.map_or(0, |at| at + 1)
}

/// Writes one value in a form; false, and nothing is written, if it does not fit.
pub(super) fn write(
    form: Form,
    value: Value,
    stores: &Stores<'_>,
    number: &mut NumberText,
    out: &mut Encoder<'_>,
) -> bool {
    match form {
        Form::Integer => integer(value, stores).map(|value| out.integer(value)).is_some(),
        Form::Boolean => boolean(value, stores).map(|value| out.boolean(value)).is_some(),
        Form::Time | Form::UtcTime => {
            let mut room = [0; time::LONGEST];
            let len = match value {
                Value::Str(span) => {
                    time::from_text(stores.bytes(span), form == Form::UtcTime, &mut room)
                }
                Value::Int(value) => {
                    u64::try_from(value).ok().and_then(|value| time::from_number(value, &mut room))
                }
                Value::Uint(value) => time::from_number(value, &mut room),
                Value::Float(value) => time::from_seconds(value, &mut room),
                _ => None,
            };
            len.map(|len| out.string(&room[..len])).is_some()
        }
        _ => {
            let part = text(value, stores, number).and_then(|text| part(form, text));
            part.map(|part| string(form, part, out)).is_some()
        }
    }
}

/// Writes a text as it is, or in lower case.
pub(super) fn string(form: Form, text: &[u8], out: &mut Encoder<'_>) {
    let start = out.out.len();
    out.string(text);
    if form == Form::Lower {
        // A header is no text; what escapes are made of is in lower case already.
        let start = match out.format {
            Format::Json => start,
            Format::Msgpack => out.out.len() - text.len(),
        };
        out.out[start..].make_ascii_lowercase();
    }
}

/// An integer that 64 bits with a sign hold.
fn integer(value: Value, stores: &Stores<'_>) -> Option<i64> {
    match value {
        Value::Int(value) => Some(value),
        Value::Float(value) => exact_int(value).and_then(|value| value.try_into().ok()),
        Value::Str(span) => {
            let text = stores.bytes(span).trim_ascii();
            // What `parse` also takes is no number of a log: a plus sign.
            let digits = text.strip_prefix(b"-").unwrap_or(text);
            let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
        }
        _ => None,
    }
}

fn boolean(value: Value, stores: &Stores<'_>) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(value),
        Value::Str(span) => match stores.bytes(span) {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(form: Form, text: &str) -> Option<&str> {
        part(form, text.as_bytes()).map(|part| std::str::from_utf8(part).unwrap())
    }

    #[test]
    fn parts_of_texts() {
        let table = [
            (Form::Text, "", None),
            (Form::Text, "a", Some("a")),
            (Form::Address, "203.0.113.9", Some("203.0.113.9")),
            (Form::Address, "2001:db8::1", Some("2001:db8::1")),
            (Form::Address, "localhost", None),
            (Form::Address, "203.0.113.9:3306", None),
            (Form::Address, "fe80::1%eth0", None),
            (Form::Address, "999.0.0.1", None),
            (Form::HostName, "shop-db-1", Some("shop-db-1")),
            (Form::HostName, "203.0.113.9", None),
            (Form::HostName, "shop-db-1:3306", None),
            (Form::FileName, r"C:\a\b.exe", Some("b.exe")),
            (Form::FileName, r"C:/a/b.exe", Some("b.exe")),
            (Form::FileName, r"/tmp/a\b", Some(r"a\b")),
            (Form::FileName, "b.exe", Some("b.exe")),
            (Form::FileName, r"C:\a\", None),
            (Form::Folder, r"C:\a\b.exe", Some(r"C:\a\")),
            (Form::Folder, "b.exe", None),
            (Form::Label, "db-1.example.com", Some("db-1")),
            (Form::Label, "192.0.2.1", Some("192.0.2.1")),
            (Form::Label, ".example.com", None),
            (Form::AccountName, r"NT AUTHORITY\SYSTEM", Some("SYSTEM")),
            (Form::AccountName, "root", Some("root")),
            (Form::AccountName, r"a\", None),
            (Form::AccountDomain, r"NT AUTHORITY\SYSTEM", Some("NT AUTHORITY")),
            (Form::AccountDomain, "root", None),
        ];
        for (form, text, expected) in table {
            assert_eq!(taken(form, text), expected, "{form:?} {text}");
        }
    }
}
