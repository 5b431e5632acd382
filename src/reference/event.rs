//! Events as the reference sees them, and how JSON and msgpack become one.

use super::number::Number;
use json_event_parser::{JsonEvent, SliceJsonParser};
use std::borrow::Cow;

/// A value of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An explicit null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A finite number.
    Number(Number),
    /// A text; need not be UTF-8.
    String(Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// An object: entries in order, duplicate keys kept.
    Object(Vec<(Vec<u8>, Value)>),
    /// Present, but without text and equal to nothing: a msgpack extension, NaN or an infinity.
    Opaque,
}

/// The deepest nesting that is read; it protects the stack of this recursive evaluator.
const MAX_DEPTH: usize = 512;

/// Stands for a msgpack key that has no text (an array, a map, an extension, NaN). A field's name
/// is always UTF-8, so no field has this key.
const NAMELESS_KEY: &[u8] = b"\xff";

/// Reads one JSON text. Duplicate keys are kept, bytes of strings that are not UTF-8 as well;
/// lone surrogates become U+FFFD; numbers beyond 64 bits keep their text.
pub fn from_json(text: &[u8]) -> Result<Value, String> {
    let lifted = lift(text);
    let mut parser = SliceJsonParser::new(lifted.as_bytes());
    // Containers that are open, each with the key that its parent will file it under.
    let mut open: Vec<(Vec<u8>, Value)> = Vec::new();
    let mut key = Vec::new();
    let mut root = None;
    loop {
        let complete = match parser.parse_next().map_err(|error| error.to_string())? {
            JsonEvent::Null => Value::Null,
            JsonEvent::Boolean(value) => Value::Bool(value),
            JsonEvent::Number(text) => Value::Number(Number::from_json(&text)),
            JsonEvent::String(text) => Value::String(unlift(&text)),
            JsonEvent::ObjectKey(text) => {
                key = unlift(&text);
                continue;
            }
            JsonEvent::StartArray | JsonEvent::StartObject if open.len() == MAX_DEPTH => {
                return Err(format!("nested deeper than {MAX_DEPTH}"));
            }
            JsonEvent::StartArray => {
                open.push((std::mem::take(&mut key), Value::Array(Vec::new())));
                continue;
            }
            JsonEvent::StartObject => {
                open.push((std::mem::take(&mut key), Value::Object(Vec::new())));
                continue;
            }
            JsonEvent::EndArray | JsonEvent::EndObject => {
                let (own_key, value) = open.pop().ok_or("a bracket closes nothing")?;
                key = own_key;
                value
            }
            JsonEvent::Eof => return root.ok_or_else(|| "no value".to_owned()),
        };
        match open.last_mut() {
            Some((_, Value::Array(elements))) => elements.push(complete),
            Some((_, Value::Object(entries))) => entries.push((std::mem::take(&mut key), complete)),
            _ => root = Some(complete),
        }
    }
}

/// First of the private scalars that carry one byte each through the JSON parser.
const LIFTED: u32 = 0x10_0000;

/// The parser knows only UTF-8 and rejects lone surrogates. So every byte above ASCII and every
/// byte that a `\u` escape stands for becomes one private scalar; afterwards the text is UTF-8,
/// contains no `\u` escape and no other scalar above ASCII, and [`unlift`] is its exact inverse.
fn lift(text: &[u8]) -> String {
    let mut lifted = String::new();
    let mut at = 0;
    while at < text.len() {
        if let Some(first) = escaped_unit(&text[at..]) {
            at += 6;
            let mut units = vec![first];
            if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) =
                (first, escaped_unit(&text[at..]))
            {
                at += 6;
                units.push(second);
            }
            for byte in String::from_utf16_lossy(&units).bytes() {
                lifted.push(lift_byte(byte));
            }
        } else if text[at] == b'\\' {
            // Any other escape is the parser's: both bytes, so that the second is not taken
            // for the beginning of an escape.
            for &byte in text[at..].iter().take(2) {
                lifted.push(if byte.is_ascii() { char::from(byte) } else { lift_byte(byte) });
            }
            at += 2;
        } else {
            let byte = text[at];
            lifted.push(if byte.is_ascii() { char::from(byte) } else { lift_byte(byte) });
            at += 1;
        }
    }
    lifted
}

fn lift_byte(byte: u8) -> char {
    char::from_u32(LIFTED + u32::from(byte)).expect("a scalar of plane 16")
}

fn unlift(text: &str) -> Vec<u8> {
    let byte = |scalar: char| u32::from(scalar).checked_sub(LIFTED).unwrap_or(u32::from(scalar));
    text.chars().map(|scalar| u8::try_from(byte(scalar)).expect("ASCII or lifted")).collect()
}

/// The UTF-16 unit of a `\uXXXX` at the beginning.
fn escaped_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Reads one msgpack value that fills `bytes`. `bin` is a string, an extension is opaque, keys
/// that are not strings go by their text.
pub fn from_msgpack(bytes: &[u8]) -> Result<Value, String> {
    let mut rest = bytes;
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err(format!("{} bytes follow the value", rest.len()));
    }
    if has_reserved_marker(bytes) {
        return Err("the marker 0xc1 is reserved".to_owned());
    }
    Ok(from_rmpv(value))
}

/// Whether the reserved marker is used, which rmpv reads as nil. Elements simply follow the
/// marker of their container, so one pass over the markers sees all values.
fn has_reserved_marker(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&marker) = bytes.get(at) {
        let length = |width: usize| {
            bytes[at + 1..at + 1 + width].iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte))
        };
        at += 1 + match marker {
            0xc1 => return true,
            // Strings, binaries and extensions with their length in the marker or behind it.
            0xa0..=0xbf => usize::from(marker & 0x1f),
            0xc4 | 0xd9 => 1 + length(1),
            0xc5 | 0xda => 2 + length(2),
            0xc6 | 0xdb => 4 + length(4),
            0xc7 => 2 + length(1),
            0xc8 => 3 + length(2),
            0xc9 => 5 + length(4),
            0xd4..=0xd8 => 1 + (1 << (marker - 0xd4)),
            // Numbers.
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            // Lengths of containers.
            0xdc | 0xde => 2,
            0xdd | 0xdf => 4,
            _ => 0,
        };
    }
    false
}

fn from_rmpv(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => Value::Bool(value),
        rmpv::Value::Integer(value) => {
            let int = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
            Value::Number(Number::Int(int.expect("msgpack integers have 64 bits")))
        }
        rmpv::Value::F32(value) => from_float(f64::from(value)),
        rmpv::Value::F64(value) => from_float(value),
        rmpv::Value::String(text) => Value::String(text.into_bytes()),
        rmpv::Value::Binary(bytes) => Value::String(bytes),
        rmpv::Value::Array(elements) => Value::Array(elements.into_iter().map(from_rmpv).collect()),
        rmpv::Value::Map(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key_text(from_rmpv(key)), from_rmpv(value)))
                .collect(),
        ),
        rmpv::Value::Ext(..) => Value::Opaque,
    }
}

fn from_float(float: f64) -> Value {
    if float.is_finite() { Value::Number(Number::Float(float)) } else { Value::Opaque }
}

fn key_text(key: Value) -> Vec<u8> {
    match &key {
        Value::Null => b"null".to_vec(),
        _ => key.text().map_or(NAMELESS_KEY.to_vec(), Cow::into_owned),
    }
}

impl Value {
    /// The text that string tests see; `None` for what has none (null, containers, opaque).
    pub fn text(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Value::Bool(true) => Some(Cow::Borrowed(b"true")),
            Value::Bool(false) => Some(Cow::Borrowed(b"false")),
            Value::Number(number) => Some(Cow::Owned(number.text().into_bytes())),
            Value::String(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Null | Value::Array(_) | Value::Object(_) | Value::Opaque => None,
        }
    }
}
