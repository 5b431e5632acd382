//! Events: a tree that can say everything JSON and msgpack can, and its encodings.

use super::Rng;

#[derive(Debug, Clone, PartialEq)]
pub enum Ev {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Need not be UTF-8.
    Str(Vec<u8>),
    Array(Vec<Ev>),
    /// Keys may repeat.
    Object(Vec<(Vec<u8>, Ev)>),
    /// An extension in msgpack, null in JSON.
    Ext,
}

/// What a rule's field is in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Missing,
    Null,
    String,
    Number,
    Bool,
    Array,
    /// Reached through objects.
    Nested,
    Object,
    /// The key occurs more than once.
    Duplicate,
    NonAscii,
    /// A text that is not UTF-8.
    Invalid,
}

impl State {
    pub const ALL: [State; 11] = [
        State::Missing,
        State::Null,
        State::String,
        State::Number,
        State::Bool,
        State::Array,
        State::Nested,
        State::Object,
        State::Duplicate,
        State::NonAscii,
        State::Invalid,
    ];
}

impl Ev {
    pub fn text(text: &str) -> Ev {
        Ev::Str(text.as_bytes().to_vec())
    }

    /// The state of a field in this event.
    pub fn state_of(&self, field: &str) -> State {
        let Ev::Object(entries) = self else { return State::Missing };
        let mut own = entries.iter().filter(|(key, _)| key == field.as_bytes());
        match (own.next(), own.next()) {
            (Some(_), Some(_)) => State::Duplicate,
            (Some((_, value)), None) => value.state(),
            _ if self.has_path(field) => State::Nested,
            _ => State::Missing,
        }
    }

    fn has_path(&self, path: &str) -> bool {
        let (head, rest) = path.split_once('.').map_or((path, None), |(h, r)| (h, Some(r)));
        match self {
            Ev::Object(entries) => entries
                .iter()
                .filter(|(key, _)| key == head.as_bytes())
                .any(|(_, value)| rest.is_none_or(|rest| value.has_path(rest))),
            Ev::Array(elements) => elements.iter().any(|element| element.has_path(path)),
            _ => false,
        }
    }

    fn state(&self) -> State {
        match self {
            Ev::Null => State::Null,
            Ev::Bool(_) => State::Bool,
            Ev::Int(_) | Ev::Float(_) => State::Number,
            Ev::Array(_) => State::Array,
            Ev::Object(_) | Ev::Ext => State::Object,
            Ev::Str(bytes) if bytes.is_ascii() => State::String,
            Ev::Str(bytes) if std::str::from_utf8(bytes).is_ok() => State::NonAscii,
            Ev::Str(_) => State::Invalid,
        }
    }

    /// JSON in one of its many spellings.
    pub fn json(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        match self {
            Ev::Null | Ev::Ext => out.extend(b"null"),
            Ev::Bool(value) => out.extend(value.to_string().bytes()),
            Ev::Int(value) => out.extend(value.to_string().bytes()),
            Ev::Float(value) => json_float(*value, rng, out),
            Ev::Str(bytes) => json_string(bytes, rng, out),
            Ev::Array(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.json(rng, out);
                }
                out.push(b']');
            }
            Ev::Object(entries) => {
                out.push(b'{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    json_string(key, rng, out);
                    out.extend(*rng.pick(&[&b":"[..], b":", b":", b" : ", b":\n\t"]));
                    value.json(rng, out);
                }
                out.push(b'}');
            }
        }
    }

    /// msgpack, with markers that need not be the shortest.
    pub fn msgpack(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        match self {
            Ev::Null => out.push(0xc0),
            Ev::Bool(value) => out.push(0xc2 + u8::from(*value)),
            Ev::Int(value) => msgpack_int(*value, rng, out),
            Ev::Float(value) => {
                if f64::from(*value as f32) == *value && rng.chance(50) {
                    out.push(0xca);
                    out.extend((*value as f32).to_be_bytes());
                } else {
                    out.push(0xcb);
                    out.extend(value.to_be_bytes());
                }
            }
            Ev::Str(bytes) => msgpack_string(bytes, rng, out),
            Ev::Array(elements) => {
                out.push(0xdc);
                out.extend((elements.len() as u16).to_be_bytes());
                elements.iter().for_each(|element| element.msgpack(rng, out));
            }
            Ev::Object(entries) => {
                if entries.len() < 16 && rng.chance(50) {
                    out.push(0x80 | entries.len() as u8);
                } else {
                    out.push(0xde);
                    out.extend((entries.len() as u16).to_be_bytes());
                }
                for (key, value) in entries {
                    msgpack_string(key, rng, out);
                    value.msgpack(rng, out);
                }
            }
            Ev::Ext => out.extend([0xd4, 5, 1]),
        }
    }
}

fn json_float(value: f64, rng: &mut Rng, out: &mut Vec<u8>) {
    let text = match rng.below(4) {
        0 => format!("{value:e}"),
        1 => format!("{value:E}"),
        _ => format!("{value:?}"),
    };
    out.extend(text.bytes());
}

fn json_string(bytes: &[u8], rng: &mut Rng, out: &mut Vec<u8>) {
    let escapes = rng.chance(25);
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        for scalar in chunk.valid().chars() {
            let short = match scalar {
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '\n' => Some("\\n"),
                '\t' => Some("\\t"),
                '\r' => Some("\\r"),
                '/' if escapes => Some("\\/"),
                _ => None,
            };
            if let Some(short) = short {
                out.extend(short.bytes());
            } else if scalar < ' ' || (escapes && rng.chance(40)) {
                let mut units = [0; 2];
                for unit in scalar.encode_utf16(&mut units) {
                    let upper = rng.chance(50);
                    let text =
                        if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
                    out.extend(text.bytes());
                }
            } else {
                out.extend(scalar.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        out.extend(chunk.invalid());
    }
    if escapes && rng.chance(4) {
        out.extend(b"\\ud800");
    }
    out.push(b'"');
}

fn msgpack_int(value: i128, rng: &mut Rng, out: &mut Vec<u8>) {
    let long = rng.chance(30);
    if let (Ok(small), false) = (i8::try_from(value), long)
        && small >= -32
    {
        out.push(small as u8);
    } else if let (Ok(value), false) = (u16::try_from(value), long) {
        out.push(0xcd);
        out.extend(value.to_be_bytes());
    } else if let (Ok(value), false) = (i32::try_from(value), long) {
        out.push(0xd2);
        out.extend(value.to_be_bytes());
    } else if let Ok(value) = u64::try_from(value) {
        out.push(0xcf);
        out.extend(value.to_be_bytes());
    } else if let Ok(value) = i64::try_from(value) {
        out.push(0xd3);
        out.extend(value.to_be_bytes());
    } else {
        // msgpack has no such number.
        msgpack_string(value.to_string().as_bytes(), rng, out);
    }
}

fn msgpack_string(bytes: &[u8], rng: &mut Rng, out: &mut Vec<u8>) {
    match rng.below(5) {
        0 if bytes.len() < 256 => out.extend([0xc4, bytes.len() as u8]),
        1 if bytes.len() < 256 => out.extend([0xd9, bytes.len() as u8]),
        2 => {
            out.push(0xdb);
            out.extend((bytes.len() as u32).to_be_bytes());
        }
        _ if bytes.len() < 32 => out.push(0xa0 | bytes.len() as u8),
        _ => {
            out.push(0xda);
            out.extend((bytes.len() as u16).to_be_bytes());
        }
    }
    out.extend(bytes);
}
