//! JSON records as msgpack, as a shipper holds them: keys in their order, also those that occur
//! twice, which `serde_json::Value` would merge.

use rmpv::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Appends a record.
///
/// # Errors
/// If it is not JSON, or a string in it is not Unicode.
pub fn write(json: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let Packed(value) = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    rmpv::encode::write_value(out, &value).map_err(|error| error.to_string())
}

struct Packed(Value);

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Packed, D::Error> {
        json.deserialize_any(Reader).map(Packed)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Packed(element)) = elements.next_element()? {
            out.push(element);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some((key, Packed(value))) = members.next_entry::<String, Packed>()? {
            out.push((key.into(), value));
        }
        Ok(Value::Map(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repeated_keys_stay() {
        let mut out = vec![7];
        let json = br#"{"b":[1,-2,1.5,null,true],"a":"\u00e4","a":{}}"#;
        write(json, &mut out).expect("JSON");
        let expected = b"\x07\x83\xa1b\x95\x01\xfe\xcb\x3f\xf8\0\0\0\0\0\0\xc0\xc3\
                         \xa1a\xa2\xc3\xa4\xa1a\x80";
        assert_eq!(out, expected);
    }

    #[test]
    fn what_is_not_json_or_not_unicode_is_an_error() {
        for json in [&b"{"[..], b"{} {}", br#"{"a":"\ud800"}"#, b"{\"a\":\"\xff\"}"] {
            assert!(write(json, &mut Vec::new()).is_err(), "{}", String::from_utf8_lossy(json));
        }
    }
}
