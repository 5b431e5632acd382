//! Decoding of JSON and msgpack.

use super::event::{Value, from_json, from_msgpack};
use super::number::Number;

fn string(bytes: &[u8]) -> Value {
    Value::String(bytes.to_vec())
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn int(value: i128) -> Value {
    Value::Number(Number::Int(value))
}

#[test]
fn json_structure_order_and_duplicates_are_kept() {
    let text = br#" {"b":1,"a":[null,true,{"x":[]}],"b":{"c":false,"c":{}}} "#;
    let expected = object([
        ("b", int(1)),
        (
            "a",
            Value::Array(vec![
                Value::Null,
                Value::Bool(true),
                object([("x", Value::Array(vec![]))]),
            ]),
        ),
        ("b", object([("c", Value::Bool(false)), ("c", object([]))])),
    ]);
    assert_eq!(from_json(text), Ok(expected));
}

#[test]
fn json_strings_are_bytes() {
    for (text, expected) in [
        (&b"\"a\xffb\""[..], &b"a\xffb"[..]),
        (b"\"\xc3\xa9\"", "é".as_bytes()),
        (br#""\u00e9\u0041\u0000""#, "éA\0".as_bytes()),
        (br#""\u0022\u005c\\u0041\/""#, br#""\\u0041/"#),
        (br#""\ud83d\ude00""#, "😀".as_bytes()),
        (br#""\ud83dx""#, "\u{fffd}x".as_bytes()),
        (br#""\ude00\ud83d""#, "\u{fffd}\u{fffd}".as_bytes()),
        (br#""\ud83d\ud83d\ude00""#, "\u{fffd}😀".as_bytes()),
        (br#""\udbc0\udcff""#, "\u{1000ff}".as_bytes()),
        ("\"\u{1000ff}\"".as_bytes(), "\u{1000ff}".as_bytes()),
        (br#""\b\f\n\r\t\"""#, b"\x08\x0c\n\r\t\""),
        (b"\"\xed\xa0\x80\"", b"\xed\xa0\x80"),
    ] {
        assert_eq!(from_json(text), Ok(string(expected)), "{}", text.escape_ascii());
    }
    let keys = from_json(b"{\"\\u0061\xfe\":0}");
    assert_eq!(keys, Ok(Value::Object(vec![(b"a\xfe".to_vec(), int(0))])));
}

#[test]
fn json_numbers_keep_what_64_bits_cannot_hold() {
    for (text, expected) in [
        ("18446744073709551615", Number::Int(u64::MAX.into())),
        ("18446744073709551616", Number::Text("18446744073709551616".into())),
        ("-1", Number::Int(-1)),
        ("1.5e1", Number::Float(15.0)),
        ("1e999", Number::Text("1e999".into())),
    ] {
        assert_eq!(from_json(text.as_bytes()), Ok(Value::Number(expected)), "{text}");
    }
}

#[test]
fn json_errors_are_errors() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "01",
        "+1",
        "1.",
        ".5",
        "nul",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12",
        "\"a\nb\"",
        "\"a",
        "1 2",
        "{}{}",
        "]",
        "'a'",
        "NaN",
        "\\u0022a\\u0022",
        "\"\\",
    ] {
        assert!(from_json(text.as_bytes()).is_err(), "{text}");
    }
    assert!(from_json("[".repeat(600).as_bytes()).is_err());
    let deep = "[".repeat(512) + &"]".repeat(512);
    assert!(from_json(deep.as_bytes()).is_ok());
}

fn encode(value: &rmpv::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

#[test]
fn msgpack_values() {
    use rmpv::Value as M;
    for (packed, expected) in [
        (M::Nil, Value::Null),
        (M::from(true), Value::Bool(true)),
        (M::from(u64::MAX), int(u64::MAX.into())),
        (M::from(i64::MIN), int(i64::MIN.into())),
        (M::F32(0.1), Value::Number(Number::Float(f64::from(0.1f32)))),
        (M::F64(f64::NAN), Value::Opaque),
        (M::F64(f64::NEG_INFINITY), Value::Opaque),
        (M::Binary(vec![0, 255]), string(b"\0\xff")),
        (M::Ext(0, vec![1]), Value::Opaque),
        (M::Array(vec![M::from("x")]), Value::Array(vec![string(b"x")])),
    ] {
        assert_eq!(from_msgpack(&encode(&packed)), Ok(expected), "{packed}");
    }
    assert_eq!(from_msgpack(b"\xa2a\xff"), Ok(string(b"a\xff")), "a str need not be UTF-8");
}

#[test]
fn msgpack_keys_go_by_their_text() {
    use rmpv::Value as M;
    let keys = [
        M::from("s"),
        M::Binary(b"b".to_vec()),
        M::from(-7),
        M::from(u64::MAX),
        M::Nil,
        M::from(true),
        M::F64(1.0),
        M::F64(f64::NAN),
        M::Array(vec![]),
    ];
    let packed = M::Map(keys.into_iter().map(|key| (key, M::Nil)).collect());
    let Ok(Value::Object(entries)) = from_msgpack(&encode(&packed)) else { panic!("no object") };
    let names: Vec<&[u8]> = entries.iter().map(|(key, _)| key.as_slice()).collect();
    let expected: [&[u8]; 9] =
        [b"s", b"b", b"-7", b"18446744073709551615", b"null", b"true", b"1", b"\xff", b"\xff"];
    assert_eq!(names, expected);
}

#[test]
fn msgpack_errors_are_errors() {
    for bytes in [
        &b""[..],
        b"\xa3ab",
        b"\x92\x01",
        b"\x01\x02",
        b"\xdd\xff\xff\xff\xff",
        b"\xc1",
        b"\x92\x01\xc1",
        b"\x81\xa1\xc1\xc1",
        b"\x92\xc7\x02\x05\xc1\xc1\xc1",
    ] {
        assert!(from_msgpack(bytes).is_err(), "{}", bytes.escape_ascii());
    }
    assert!(from_msgpack(&[0x91; 600]).is_err());
}

#[test]
fn msgpack_data_may_hold_the_reserved_byte() {
    use rmpv::Value as M;
    for length in [1, 2, 4, 7, 8, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let reserved = vec![0xc1; length];
        let packed = M::Array(vec![
            M::Binary(reserved.clone()),
            M::Ext(-63, reserved.clone()),
            M::from(0xc1),
            M::from(0xc1c1_c1c1_c1c1_c1c1u64),
            M::from(i64::from_be_bytes([0xc1; 8])),
            M::F64(f64::from_be_bytes([0xc1; 8])),
            M::F32(f32::from_be_bytes([0xc1; 4])),
        ]);
        let Ok(Value::Array(elements)) = from_msgpack(&encode(&packed)) else { panic!("{length}") };
        assert_eq!(elements.len(), 7);
        assert_eq!(elements[0], Value::String(reserved));
        // A string's header differs from a binary's.
        let text = "A".repeat(length);
        let mut bytes = encode(&M::from(text.as_str()));
        let begin = bytes.len() - length;
        bytes[begin..].fill(0xc1);
        assert_eq!(from_msgpack(&bytes), Ok(string(&vec![0xc1; length])));
    }
}
