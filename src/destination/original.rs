//! The event as it came, as text.

use crate::event::json::encode_string_at;
use crate::event::msgpack::{self, Token};
use crate::event::number::NumberText;
use crate::limits::MAX_DEPTH;

/// The bytes that an event was read from.
#[derive(Debug, Clone, Copy)]
pub enum Original<'a> {
    /// Text: JSON, a log line, an XML element.
    Text(&'a [u8]),
    /// A msgpack map, which becomes JSON text.
    Msgpack(&'a [u8]),
}

/// A map or array that is being written.
struct Frame {
    /// Elements still to come; of a map, pairs.
    left: u32,
    is_map: bool,
    has_member: bool,
}

impl Frame {
    /// What it takes to go on with it behind one of its members.
    ///
    /// PERF: in one word, of which many are cleared at once.
    fn word(&self) -> u64 {
        u64::from(self.left) << 1 | u64::from(self.is_map)
    }

    fn behind_member(word: u64) -> Frame {
        Frame { left: (word >> 1) as u32, is_map: word & 1 == 1, has_member: true }
    }
}

/// Appends the msgpack value at the beginning of `data` as JSON text, without white space. What JSON
/// has no word for becomes null: extensions, NaN and the infinities. Keys that are no strings become
/// strings, and those that are maps or arrays the empty one. Returns false for bytes that are no
/// msgpack or nested deeper than a record may be; then what was appended is of no use.
pub(super) fn json_text(data: &[u8], number: &mut NumberText, out: &mut Vec<u8>) -> bool {
    // What the value is in has no brackets.
    let mut frame = Frame { left: 1, is_map: false, has_member: false };
    let mut outer = [0; MAX_DEPTH + 1];
    let mut depth = 0;
    let mut at = 0;
    loop {
        if frame.left == 0 {
            if depth == 0 {
                return true;
            }
            out.push(if frame.is_map { b'}' } else { b']' });
            depth -= 1;
            frame = Frame::behind_member(outer[depth]);
            continue;
        }
        frame.left -= 1;
        if std::mem::replace(&mut frame.has_member, true) {
            out.push(b',');
        }
        if frame.is_map {
            let Some(end) = string(data, at, out).or_else(|| key(data, at, number, out)) else {
                return false;
            };
            out.push(b':');
            at = end;
        }
        if let Some(end) = string(data, at, out) {
            at = end;
            continue;
        }
        let Ok((token, behind)) = msgpack::token(data, at) else { return false };
        at = behind;
        match token {
            Token::Map(left) | Token::Array(left) => {
                let is_map = matches!(token, Token::Map(_));
                out.push(if is_map { b'{' } else { b'[' });
                let Some(place) = outer.get_mut(depth) else { return false };
                *place = frame.word();
                depth += 1;
                frame = Frame { left, is_map, has_member: false };
            }
            Token::Str { start, len } => encode_string_at(data, start, len, out),
            _ => out.extend_from_slice(scalar(token, number)),
        }
    }
}

/// Writes a string of up to 65535 bytes and returns where it ends; `None`, and nothing is written,
/// if there is something else, or less than all of it.
///
/// PERF: nearly all keys and most values.
#[inline(always)]
fn string(data: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let (start, len) = match *data.get(at..)? {
        [head @ 0xa0..=0xbf, ..] => (at + 1, usize::from(head & 31)),
        [0xd9, len, ..] => (at + 2, len.into()),
        [0xda, high, low, ..] => (at + 3, u16::from_be_bytes([high, low]).into()),
        _ => return None,
    };
    (start + len <= data.len()).then(|| {
        encode_string_at(data, start, len, out);
        start + len
    })
}

/// Writes any key and returns where it ends.
#[inline(never)]
fn key(data: &[u8], at: usize, number: &mut NumberText, out: &mut Vec<u8>) -> Option<usize> {
    let (token, end) = msgpack::whole(data, at).ok()?;
    match token {
        Token::Str { start, len } => encode_string_at(data, start, len, out),
        Token::Map(_) | Token::Array(_) => out.extend_from_slice(b"\"\""),
        _ => {
            out.push(b'"');
            out.extend_from_slice(scalar(token, number));
            out.push(b'"');
        }
    }
    Some(end)
}

/// The text of what is neither a string nor a container.
fn scalar(token: Token, number: &mut NumberText) -> &[u8] {
    match token {
        Token::Int(value) => number.int(value.into()),
        Token::Uint(value) => number.int(value.into()),
        Token::Bool(true) => b"true",
        Token::Bool(false) => b"false",
        Token::Float(value) => number.float(value).unwrap_or(b"null"),
        Token::Nil | Token::Ext { .. } | Token::Str { .. } | Token::Map(_) | Token::Array(_) => {
            b"null"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use rmpv::Value;

    fn text(value: &Value) -> Option<String> {
        let mut data = Vec::new();
        rmpv::encode::write_value(&mut data, value).unwrap();
        raw(&data)
    }

    fn raw(data: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        let is_whole = json_text(data, &mut NumberText::new(), &mut out);
        is_whole.then(|| String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn values_keep_their_kind() {
        let value = Value::Map(vec![
            ("a".into(), Value::Array(vec![1.into(), Value::Nil, true.into(), (-7).into()])),
            ("b".into(), Value::Map(vec![])),
            ("c".into(), Value::Array(vec![])),
            ("d".into(), 1.5.into()),
            ("e".into(), u64::MAX.into()),
            ("f".into(), Value::Map(vec![("g\"\n\u{1}".into(), "\\é".into())])),
            ("h".into(), Value::Binary(b"raw".to_vec())),
            ("i".into(), 1e300.into()),
        ]);
        let text = text(&value).unwrap();
        let digits = format!("1{}", "0".repeat(300));
        let big = 1e300f64.to_string();
        assert!(text.starts_with(
            r#"{"a":[1,null,true,-7],"b":{},"c":[],"d":1.5,"e":18446744073709551615,"f":{"g\"\n\u0001":"\\é"},"h":"raw","i":1"#
        ), "{text}");
        assert_eq!(big.len(), digits.len());
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["i"], 1e300);
    }

    /// A text of up to `most` characters, most of them plain.
    fn any_text(rng: &mut Rng, most: usize) -> String {
        let odd = ['"', '\\', '\n', '\u{1}', '\u{7f}', 'é', '😀'];
        let mut letter = |_| match rng.below(40) {
            at @ 0..7 => odd[at],
            _ => 'a',
        };
        (0..most).map(&mut letter).collect()
    }

    /// A value of any kind that JSON has, with texts of all lengths around those of blocks.
    fn any(rng: &mut Rng, depth: usize) -> (Value, serde_json::Value) {
        match rng.below(if depth > 4 { 6 } else { 9 }) {
            0 => (Value::Nil, serde_json::Value::Null),
            1 => (true.into(), true.into()),
            2 => (0.25.into(), 0.25.into()),
            3 => {
                let number = rng.below(1 << 30) as i64 - (1 << 29);
                (number.into(), number.into())
            }
            4..6 => {
                let len = rng.below(70);
                let text = any_text(rng, len);
                (text.as_str().into(), text.into())
            }
            6 => {
                let (a, b) = (0..rng.below(5)).map(|_| any(rng, depth + 1)).unzip();
                (Value::Array(a), serde_json::Value::Array(b))
            }
            _ => {
                let (mut packed, mut right) = (Vec::new(), serde_json::Map::new());
                for number in 0..rng.below(20) {
                    let len = rng.below(40);
                    // The number makes keys different.
                    let key = format!("{number}{}", any_text(rng, len));
                    let (a, b) = any(rng, depth + 1);
                    packed.push((key.as_str().into(), a));
                    right.insert(key, b);
                }
                (Value::Map(packed), right.into())
            }
        }
    }

    #[test]
    fn any_value_is_read_back() {
        let mut rng = Rng::new(1);
        for round in 0..500 {
            let (packed, right) = any(&mut rng, 0);
            let found = text(&packed).unwrap_or_else(|| panic!("round {round}: {packed}"));
            let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
            assert_eq!(found, right, "round {round}");
        }
    }

    #[test]
    fn what_json_has_no_word_for() {
        let value = Value::Map(vec![
            (1.into(), Value::Ext(3, vec![1, 2])),
            (Value::Nil, f64::NAN.into()),
            (true.into(), f64::INFINITY.into()),
            (Value::Array(vec![1.into()]), 2.into()),
        ]);
        let expected = r#"{"1":null,"null":null,"true":null,"":2}"#;
        assert_eq!(text(&value).as_deref(), Some(expected));
    }

    #[test]
    fn damage_and_depth_are_seen() {
        assert_eq!(raw(b""), None);
        assert_eq!(raw(b"\x81\xa1a"), None);
        assert_eq!(raw(b"\x92\x01\xc1"), None);
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(raw(&nested(MAX_DEPTH)).is_some());
        assert_eq!(raw(&nested(MAX_DEPTH + 2)), None);
        assert_eq!(raw(b"\xa1\xff").as_deref(), Some("\"\u{fffd}\""));
    }
}
