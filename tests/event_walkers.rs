//! The walkers against an obvious recursive reading of the same documents (rmpv, serde_json), and
//! against every truncation and random damage.

use rmpv::Value as Doc;
use sigmatag::event::keys::KeyTable;
use sigmatag::event::slots::Slots;
use sigmatag::event::value::{Span, Store, Value};
use sigmatag::event::{Malformed, MalformedKind, json, msgpack};

/// A value with its bytes, so that both sides compare by `==`.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Null,
    NullElement,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    Big(Vec<u8>),
    Str(Vec<u8>),
    Object,
    EmptyArray,
    Opaque,
}

type Walk = fn(&[u8], Store, u32, &KeyTable, &mut Slots) -> Result<usize, Malformed>;

const FIELDS: [&str; 14] =
    ["a", "b", "c", "a.b", "a.c", "a.b.c", "b.a", "c.c.c", "7", "true", "null", "d.é", "é", "-3"];
const CONTAINERS: [&str; 3] = ["c", "a.b", "b.c"];

fn table() -> KeyTable {
    let fields = FIELDS.map(str::as_bytes);
    let table = KeyTable::build(&fields, &CONTAINERS.map(str::as_bytes));
    table.verify(FIELDS.len() as u32, CONTAINERS.len() as u32).unwrap();
    table
}

fn seen(value: Value, input: &[u8], base: u32, slots: &Slots) -> Seen {
    let text = |span: Span| {
        let (bytes, start) = match span.store {
            Store::Input => (input, (span.start - base) as usize),
            _ => (slots.arena.as_slice(), span.start as usize),
        };
        bytes[start..start + span.len as usize].to_vec()
    };
    match value {
        Value::Null => Seen::Null,
        Value::NullElement => Seen::NullElement,
        Value::Bool(value) => Seen::Bool(value),
        Value::Int(value) => Seen::Int(value),
        Value::Uint(value) => Seen::Uint(value),
        Value::Float(value) => Seen::Float(value.to_bits()),
        Value::BigNumber(span) => Seen::Big(text(span)),
        Value::Str(span) => Seen::Str(text(span)),
        Value::Object => Seen::Object,
        Value::EmptyArray => Seen::EmptyArray,
        Value::Opaque => Seen::Opaque,
        Value::SqlCode(_) => panic!("walkers derive nothing"),
    }
}

/// All fields, all leaves, the bytes of all containers.
type Found = (Vec<Vec<Seen>>, Vec<Seen>, Vec<(u32, Vec<u8>)>);

fn run(walk: Walk, data: &[u8], slots: &mut Slots) -> Result<(usize, Found), Malformed> {
    const BASE: u32 = 1000;
    slots.begin();
    let used = walk(data, Store::Input, BASE, &table(), slots)?;
    let fields = (0..FIELDS.len() as u32)
        .map(|field| slots.values(field).map(|value| seen(value, data, BASE, slots)).collect())
        .collect();
    let leaves = slots.leaves().iter().map(|&value| seen(value, data, BASE, slots)).collect();
    let containers = slots
        .containers()
        .iter()
        .map(|container| {
            let start = (container.span.start - BASE) as usize;
            (container.id, data[start..start + container.span.len as usize].to_vec())
        })
        .collect();
    Ok((used, (fields, leaves, containers)))
}

fn key_text(key: &Doc) -> Option<Vec<u8>> {
    Some(match key {
        Doc::String(text) => text.as_bytes().to_vec(),
        Doc::Binary(bytes) => bytes.clone(),
        Doc::Nil => b"null".to_vec(),
        Doc::Boolean(value) => value.to_string().into_bytes(),
        Doc::Integer(value) => value.to_string().into_bytes(),
        Doc::F64(value) => value.to_string().into_bytes(),
        _ => return None,
    })
}

fn scalar(doc: &Doc) -> Seen {
    match doc {
        Doc::Boolean(value) => Seen::Bool(*value),
        Doc::Integer(value) => match value.as_i64() {
            Some(value) => Seen::Int(value),
            None => Seen::Uint(value.as_u64().unwrap()),
        },
        Doc::F32(value) => Seen::Float(f64::from(*value).to_bits()),
        Doc::F64(value) => Seen::Float(value.to_bits()),
        Doc::String(text) => Seen::Str(text.as_bytes().to_vec()),
        Doc::Binary(bytes) => Seen::Str(bytes.clone()),
        Doc::Ext(..) => Seen::Opaque,
        Doc::Nil | Doc::Array(_) | Doc::Map(_) => unreachable!("not a scalar"),
    }
}

fn flatten(doc: &Doc, element: bool, out: &mut Vec<Seen>) {
    match doc {
        Doc::Nil if element => out.push(Seen::NullElement),
        Doc::Nil => out.push(Seen::Null),
        Doc::Map(_) => out.push(Seen::Object),
        Doc::Array(items) if items.is_empty() => out.push(Seen::EmptyArray),
        Doc::Array(items) => items.iter().for_each(|item| flatten(item, true, out)),
        _ => out.push(scalar(doc)),
    }
}

/// What stands at the end of a path. A null inside an array is one of several values, also where
/// the path goes on below it.
fn by_path(doc: &Doc, path: &[&str], inside: bool, out: &mut Vec<Seen>) {
    match doc {
        Doc::Array(items) => items.iter().for_each(|item| by_path(item, path, true, out)),
        Doc::Map(pairs) => {
            for (key, value) in pairs {
                if key_text(key).as_deref() != Some(path[0].as_bytes()) {
                    continue;
                }
                match path.len() {
                    1 => flatten(value, inside, out),
                    _ => by_path(value, &path[1..], inside, out),
                }
            }
        }
        _ => {}
    }
}

fn all_leaves(doc: &Doc, out: &mut Vec<Seen>) {
    match doc {
        Doc::Nil | Doc::Ext(..) => {}
        Doc::Array(items) => items.iter().for_each(|item| all_leaves(item, out)),
        Doc::Map(pairs) => pairs.iter().for_each(|(_, value)| all_leaves(value, out)),
        _ => out.push(scalar(doc)),
    }
}

/// Containers in the order of their ends. `path` is the dotted path of `doc`, if it has one.
fn all_containers(doc: &Doc, path: Option<&str>, direct: bool, out: &mut Vec<(u32, Doc)>) {
    match doc {
        Doc::Array(items) => items.iter().for_each(|item| all_containers(item, path, false, out)),
        Doc::Map(pairs) => {
            for (key, value) in pairs {
                let key = key_text(key).and_then(|key| String::from_utf8(key).ok());
                let inner = match (path, key) {
                    (Some(""), Some(key)) => Some(key),
                    // A dot inside a key is no step of a path below the record.
                    (Some(path), Some(key)) if !key.contains('.') && !path.contains("..") => {
                        Some(format!("{path}.{key}"))
                    }
                    _ => None,
                };
                // The literal key of the record itself leads nowhere further.
                let inner = inner.map(|inner| match path {
                    Some("") if inner.contains('.') => inner + "..",
                    _ => inner,
                });
                all_containers(value, inner.as_deref(), true, out);
            }
        }
        _ => return,
    }
    if let (true, Some(path)) = (direct, path)
        && let path = path.trim_end_matches("..")
        && let Some(id) = CONTAINERS.iter().position(|name| *name == path)
    {
        out.push((id as u32, doc.clone()));
    }
}

/// All fields, all leaves, all containers.
type Expected = (Vec<Vec<Seen>>, Vec<Seen>, Vec<(u32, Doc)>);

fn expected(doc: &Doc) -> Expected {
    let fields = FIELDS.map(|name| {
        let mut values = Vec::new();
        by_path(doc, &[name], false, &mut values);
        if values.is_empty() {
            by_path(doc, &name.split('.').collect::<Vec<_>>(), false, &mut values);
        }
        if values.len() > 1 {
            for value in &mut values {
                if *value == Seen::Null {
                    *value = Seen::NullElement;
                }
            }
        }
        values
    });
    let mut leaves = Vec::new();
    all_leaves(doc, &mut leaves);
    let mut containers = Vec::new();
    all_containers(doc, Some(""), false, &mut containers);
    (fields.to_vec(), leaves, containers)
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn text(&mut self) -> String {
        let all = [
            "",
            "x",
            "\"",
            "\\",
            "\n",
            "é",
            "😀",
            "\u{fffd}",
            "long enough to leave the loop",
            "\t/",
            "a.b",
        ];
        (0..self.below(4)).map(|_| all[self.below(all.len())]).collect()
    }

    fn key(&mut self, json: bool) -> Doc {
        let names = ["a", "b", "c", "a.b", "a.c", "d", "é", "b.a", "other", "a\"b", "7"];
        match self.below(if json { 10 } else { 14 }) {
            10 => Doc::from(7),
            11 => Doc::from(-3),
            12 => [Doc::Nil, Doc::Boolean(true), Doc::F64(7.0)][self.below(3)].clone(),
            13 => [Doc::Binary(b"a".to_vec()), Doc::Array(vec![Doc::from(1), Doc::Map(vec![])])]
                [self.below(2)]
            .clone(),
            _ => Doc::from(names[self.below(names.len())]),
        }
    }

    fn doc(&mut self, depth: usize, json: bool) -> Doc {
        match self.below(if depth == 0 { 10 } else { 16 }) {
            0 => Doc::Nil,
            1 => Doc::Boolean(self.below(2) == 0),
            2 => Doc::from(self.below(300) as i64 - 150),
            3 => Doc::from([i64::MIN, i64::MAX, i64::from(i32::MIN), 65536, -32769][self.below(5)]),
            4 => Doc::from([u64::MAX, 1 << 63][self.below(2)]),
            5 => Doc::F64([0.5, -1.25e-7, 1e300, 5e-324, 123456.75][self.below(5)]),
            6 if !json => Doc::F32(0.1),
            7 if !json => Doc::Ext(self.below(9) as i8, vec![1; self.below(20)]),
            8 if !json => Doc::Binary(vec![0xff; self.below(300)]),
            10 | 11 => Doc::Array((0..self.below(4)).map(|_| self.doc(depth - 1, json)).collect()),
            12..16 => self.map(depth - 1, json),
            _ => Doc::from(self.text()),
        }
    }

    fn map(&mut self, depth: usize, json: bool) -> Doc {
        Doc::Map((0..self.below(7)).map(|_| (self.key(json), self.doc(depth, json))).collect())
    }
}

fn space(random: &mut Random) -> &'static str {
    ["", "", "", " ", "\r\n\t "][random.below(5)]
}

fn write_text(text: &str, random: &mut Random, out: &mut String) {
    if random.below(3) > 0 {
        out.push_str(&serde_json::to_string(text).unwrap());
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        out.push_str(&format!("\\u{unit:04x}"));
    }
    out.push('"');
}

fn write_json(doc: &Doc, random: &mut Random, out: &mut String) {
    out.push_str(space(random));
    match doc {
        Doc::Nil => out.push_str("null"),
        Doc::Boolean(value) => out.push_str(&value.to_string()),
        Doc::Integer(value) => out.push_str(&value.to_string()),
        Doc::F64(value) => out.push_str(&format!("{value:e}")),
        Doc::String(text) => write_text(text.as_str().unwrap(), random, out),
        Doc::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, random, out);
            }
            out.push_str(space(random));
            out.push(']');
        }
        Doc::Map(pairs) => {
            out.push('{');
            for (index, (key, value)) in pairs.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(space(random));
                write_text(key.as_str().unwrap(), random, out);
                out.push_str(space(random));
                out.push(':');
                write_json(value, random, out);
            }
            out.push_str(space(random));
            out.push('}');
        }
        _ => unreachable!("not JSON"),
    }
    out.push_str(space(random));
}

fn new_slots(wants_leaves: bool) -> Slots {
    let mut slots = Slots::new(FIELDS.len());
    slots.wants_leaves = wants_leaves;
    slots
}

#[test]
fn msgpack_agrees_with_the_oracle() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let (mut plain, mut with_leaves) = (new_slots(false), new_slots(true));
    let mut values = 0;
    for _ in 0..20_000 {
        let doc = random.map(4, false);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &doc).unwrap();
        let length = bytes.len();
        bytes.extend_from_slice(b"\xc1behind");
        let (fields, leaves, containers) = expected(&doc);
        values += fields.iter().map(Vec::len).sum::<usize>();
        let (used, found) = run(msgpack::walk, &bytes, &mut with_leaves).unwrap();
        assert_eq!(used, length, "{doc}");
        assert_eq!(found.0, fields, "{doc}");
        assert_eq!(found.1, leaves, "{doc}");
        let spans: Vec<(u32, Doc)> = found
            .2
            .iter()
            .map(|(id, bytes)| (*id, rmpv::decode::read_value(&mut bytes.as_slice()).unwrap()))
            .collect();
        assert_eq!(spans, containers, "{doc}");
        let (used, without) = run(msgpack::walk, &bytes, &mut plain).unwrap();
        assert_eq!((used, without.0, without.1), (length, fields, vec![]), "{doc}");
        assert_eq!(msgpack::skip(&bytes, 0), Ok(length));
    }
    assert!(values > 50_000, "{values}: the documents hold too few fields to test anything");
}

#[test]
fn json_agrees_with_the_oracle() {
    let mut random = Random(0xfeed_beef_1234_5678);
    let (mut plain, mut with_leaves) = (new_slots(false), new_slots(true));
    for _ in 0..20_000 {
        let doc = random.map(4, true);
        let mut text = String::new();
        write_json(&doc, &mut random, &mut text);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let (fields, leaves, containers) = expected(&doc);
        let (used, found) = run(json::walk_document, text.as_bytes(), &mut with_leaves).unwrap();
        assert_eq!(used, text.trim_end().len(), "{text}");
        assert_eq!(found.0, fields, "{text}");
        assert_eq!(found.1, leaves, "{text}");
        assert_eq!(found.2.len(), containers.len(), "{text}");
        for ((id, bytes), (expected_id, expected)) in found.2.iter().zip(&containers) {
            let mut copy = String::new();
            write_json(expected, &mut Random(1), &mut copy);
            let copy: serde_json::Value = serde_json::from_str(&copy).unwrap();
            assert_eq!(id, expected_id, "{text}");
            assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).unwrap(), copy, "{text}");
        }
        let (used, without) = run(json::walk_document, text.as_bytes(), &mut plain).unwrap();
        assert_eq!((without.0, without.1), (fields, vec![]), "{text}");
        assert_eq!(used, text.trim_end().len());
        assert_eq!(
            json::skip_value(text.as_bytes(), json::skip_space(text.as_bytes(), 0)),
            Ok(used)
        );
    }
}

/// Both walkers, with and without leaves, and the skipper agree on whether bytes are a record.
fn verdicts(walk: Walk, bytes: &[u8]) -> Result<usize, MalformedKind> {
    let verdict = |wants_leaves| {
        run(walk, bytes, &mut new_slots(wants_leaves)).map(|(used, _)| used).map_err(|e| {
            assert!(e.offset <= bytes.len(), "{e} of {}", bytes.len());
            e.kind
        })
    };
    let plain = verdict(false);
    assert_eq!(plain.is_ok(), verdict(true).is_ok(), "{bytes:02x?}");
    plain
}

#[test]
fn damaged_json_is_judged_like_serde_json() {
    let mut random = Random(99);
    let (mut accepted, mut refused) = (0, 0);
    let pieces = b"{}[],:\"\\u0e+-.1234567890truefalsnl \n";
    for _ in 0..60_000 {
        let mut text = String::new();
        write_json(&random.map(2, true), &mut random, &mut text);
        let mut bytes = text.into_bytes();
        for _ in 0..=random.below(2) {
            let at = random.below(bytes.len());
            let piece = pieces[random.below(pieces.len())];
            match random.below(3) {
                0 => bytes[at] = piece,
                1 => bytes.insert(at, piece),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if bytes.iter().any(|&byte| byte < b' ' && !b"\r\n\t".contains(&byte)) {
            continue;
        }
        let verdict = verdicts(json::walk_document, &bytes);
        let oracle = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes);
        let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
        match oracle {
            Ok(_) if is_object => {
                accepted += 1;
                assert!(verdict.is_ok(), "{verdict:?} {}", String::from_utf8_lossy(&bytes));
            }
            // Our reading of strings is wider: control characters are let through.
            Err(error) if error.to_string().starts_with("control character") => {}
            _ => {
                refused += 1;
                assert!(verdict.is_err(), "{}", String::from_utf8_lossy(&bytes));
            }
        }
    }
    assert!(accepted > 5_000 && refused > 5_000, "{accepted} {refused}");
}

/// What is behind a record does not change what is read from it: neither in a buffer that ends with
/// it, nor before bytes that continue what its last member began.
#[test]
fn bytes_behind_a_record_change_nothing() {
    let mut random = Random(0x0dd0_1234_5678_9abc);
    let mut slots = new_slots(true);
    for round in 0..2000 {
        let doc = random.map(2, round % 2 == 0);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &doc).unwrap();
        let alone = run(msgpack::walk, &bytes, &mut slots).unwrap();
        for byte in [0, 0x61, 0xa1, 0xff] {
            let longer = [bytes.as_slice(), &[byte; 70]].concat();
            assert_eq!(run(msgpack::walk, &longer, &mut slots).unwrap(), alone);
        }
        if round % 2 != 0 {
            continue;
        }
        let mut text = String::new();
        write_json(&doc, &mut random, &mut text);
        let text = text.trim_end();
        let alone = run(json::walk, text.as_bytes(), &mut slots).unwrap();
        for byte in [' ', '"', '\\', '7', 'e'] {
            let longer = text.to_owned() + &byte.to_string().repeat(70);
            assert_eq!(run(json::walk, longer.as_bytes(), &mut slots).unwrap(), alone);
        }
    }
}

/// Keys of all lengths with values of all lengths, around every bound of a fast path: each field
/// gets its own value, and every cut is found.
#[test]
fn all_lengths_of_keys_and_values_are_read() {
    let names: Vec<String> = (0..40).map(|len| "abcdefgh".repeat(5)[..len].to_owned()).collect();
    let fields: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    let table = KeyTable::build(&fields, &[]);
    let mut slots = Slots::new(fields.len());
    for value_len in (0..70).chain([255, 256, 300]) {
        let value = "v".repeat(value_len);
        let pairs = names.iter().map(|name| (Doc::from(name.as_str()), Doc::from(value.as_str())));
        let doc = Doc::Map(pairs.collect());
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &doc).unwrap();
        let mut text = String::from("{");
        for name in &names {
            text += &format!("\"{name}\":\"{value}\",");
        }
        text.pop();
        text.push('}');
        for (walk, data) in [(msgpack::walk as Walk, &bytes[..]), (json::walk, text.as_bytes())] {
            slots.begin();
            assert_eq!(walk(data, Store::Input, 7, &table, &mut slots), Ok(data.len()));
            for field in 0..fields.len() as u32 {
                let found: Vec<Seen> =
                    slots.values(field).map(|value| seen(value, data, 7, &slots)).collect();
                assert_eq!(found, [Seen::Str(value.clone().into_bytes())], "{field}");
            }
            for end in (0..data.len()).step_by(1 + value_len / 8) {
                slots.begin();
                let error = walk(&data[..end], Store::Input, 7, &table, &mut slots).unwrap_err();
                assert_eq!(error.kind, MalformedKind::Truncated);
                assert!(error.offset <= end);
            }
        }
    }
}

#[test]
fn every_truncation_is_malformed() {
    let mut random = Random(7);
    for _ in 0..300 {
        let doc = random.map(3, true);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &doc).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(verdicts(msgpack::walk, &bytes[..end]), Err(MalformedKind::Truncated));
        }
        let mut text = String::new();
        write_json(&doc, &mut random, &mut text);
        for end in 0..text.trim_end().len() {
            let verdict = verdicts(json::walk, &text.as_bytes()[..end]);
            assert_eq!(verdict, Err(MalformedKind::Truncated), "{}", &text[..end.min(text.len())]);
        }
    }
}

#[test]
fn flipped_bytes_never_panic_and_verdicts_agree() {
    let mut random = Random(31);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let doc = random.map(3, false);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &doc).unwrap();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let verdict = verdicts(msgpack::walk, &bytes);
        if let Ok(used) = verdict {
            accepted += 1;
            assert_eq!(msgpack::skip(&bytes, 0), Ok(used));
        }
        let _ = verdicts(json::walk, &bytes);
    }
    assert!(accepted > 1_000);
}

fn nested(depth: usize) -> (Vec<u8>, String) {
    let mut bytes = b"\x81\xa1a".repeat(depth - 1);
    bytes.push(0x80);
    (bytes, "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1))
}

#[test]
fn depth_64_is_walked_and_65_is_not() {
    let (bytes, text) = nested(64);
    assert_eq!(verdicts(msgpack::walk, &bytes), Ok(bytes.len()));
    assert_eq!(verdicts(json::walk, text.as_bytes()), Ok(text.len()));
    for depth in [65, 66, 1000, 100_000] {
        let (bytes, text) = nested(depth);
        assert_eq!(verdicts(msgpack::walk, &bytes), Err(MalformedKind::TooDeep));
        assert_eq!(verdicts(json::walk, text.as_bytes()), Err(MalformedKind::TooDeep));
        assert_eq!(msgpack::skip(&bytes, 0), Ok(bytes.len()));
    }
    // The same in a value and in a key that nobody asked for.
    let array = |depth: usize| {
        [b"\x81\xa1x".to_vec(), b"\x91".repeat(depth - 2), b"\x90".to_vec()].concat()
    };
    assert!(verdicts(msgpack::walk, &array(64)).is_ok());
    assert_eq!(verdicts(msgpack::walk, &array(65)), Err(MalformedKind::TooDeep));
    let key =
        |depth: usize| [b"\x81".to_vec(), b"\x91".repeat(depth - 2), b"\x90\x01".to_vec()].concat();
    assert!(verdicts(msgpack::walk, &key(64)).is_ok());
    assert_eq!(verdicts(msgpack::walk, &key(65)), Err(MalformedKind::TooDeep));
    let array =
        |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(verdicts(json::walk, array(64).as_bytes()).is_ok());
    assert_eq!(verdicts(json::walk, array(65).as_bytes()), Err(MalformedKind::TooDeep));
}

fn one(text: &str) -> Seen {
    let text = format!("{{\"a\":{text}}}");
    let (_, found) = run(json::walk_document, text.as_bytes(), &mut new_slots(false)).unwrap();
    assert_eq!(found.0[0].len(), 1, "{text}");
    found.0[0][0].clone()
}

#[test]
fn numbers_are_exact() {
    assert_eq!(one("-0"), Seen::Int(0));
    assert_eq!(one("9223372036854775807"), Seen::Int(i64::MAX));
    assert_eq!(one("9223372036854775808"), Seen::Uint(1 << 63));
    assert_eq!(one("18446744073709551615"), Seen::Uint(u64::MAX));
    assert_eq!(one("18446744073709551616"), Seen::Big(b"18446744073709551616".to_vec()));
    assert_eq!(one("-9223372036854775808"), Seen::Int(i64::MIN));
    assert_eq!(one("-9223372036854775809"), Seen::Big(b"-9223372036854775809".to_vec()));
    assert_eq!(one("-99999999999999999999"), Seen::Big(b"-99999999999999999999".to_vec()));
    assert_eq!(one("-0.0"), Seen::Float((-0.0f64).to_bits()));
    assert_eq!(one("4688.0"), Seen::Float(4688f64.to_bits()));
    assert_eq!(one("1E400"), Seen::Big(b"1E400".to_vec()));
    assert_eq!(one("1e-400"), Seen::Float(0));
    for bad in ["01", "-", "+1", ".5", "1.", "1e", "1e+", "--1", "0x1", "1_0", "NaN", "-a", "00"] {
        let text = format!("{{\"a\":{bad}}}");
        assert!(run(json::walk, text.as_bytes(), &mut new_slots(false)).is_err(), "{text}");
    }
}

#[test]
fn strings_keep_their_bytes_and_lone_surrogates_are_replaced() {
    assert_eq!(one(r#""\ud83d\ude00""#), Seen::Str("😀".into()));
    assert_eq!(one(r#""\ud83d""#), Seen::Str("\u{fffd}".into()));
    assert_eq!(one(r#""\ude00\ud83d""#), Seen::Str("\u{fffd}\u{fffd}".into()));
    assert_eq!(one(r#""\ud83d\ud83d\ude00x""#), Seen::Str("\u{fffd}😀x".into()));
    assert_eq!(one(r#""\ud83d\n""#), Seen::Str("\u{fffd}\n".into()));
    assert_eq!(one(r#""\u0000\/\b\f""#), Seen::Str(b"\0/\x08\x0c".to_vec()));
    assert_eq!(one("\"tab\tand\nline\""), Seen::Str(b"tab\tand\nline".to_vec()));
    let raw = b"{\"a\":\"\xff\xfe\\\\\x80\"}";
    let (_, found) = run(json::walk, raw, &mut new_slots(false)).unwrap();
    assert_eq!(found.0[0], [Seen::Str(b"\xff\xfe\\\x80".to_vec())]);
    for bad in [r#""\x""#, r#""\u12g4""#, r#""\u""#, r#""\'""#] {
        let text = format!("{{\"a\":{bad}}}");
        let error = run(json::walk, text.as_bytes(), &mut new_slots(false)).unwrap_err();
        assert_eq!(error.kind, MalformedKind::BadEscape, "{text}");
    }
}

#[test]
fn escaped_names_are_found() {
    let text = br#"{"\u0061":1,"d":{"\u00e9":2},"\u0061\u002eb":3}"#;
    let (_, found) = run(json::walk, text, &mut new_slots(false)).unwrap();
    assert_eq!(found.0[0], [Seen::Int(1)]);
    assert_eq!(found.0[11], [Seen::Int(2)]);
    assert_eq!(found.0[3], [Seen::Int(3)]);
}

#[test]
fn the_literal_key_hides_the_path_in_any_order() {
    for text in [r#"{"a.b":1,"a":{"b":2}}"#, r#"{"a":{"b":2},"a.b":1}"#] {
        let (_, found) = run(json::walk, text.as_bytes(), &mut new_slots(false)).unwrap();
        assert_eq!(found.0[3], [Seen::Int(1)], "{text}");
    }
}

#[test]
fn other_documents_are_refused_with_their_place() {
    let fail = |walk: Walk, bytes: &[u8]| run(walk, bytes, &mut new_slots(false)).unwrap_err();
    let at = |kind, offset| Malformed { kind, offset };
    assert_eq!(fail(json::walk, b" [1]"), at(MalformedKind::NotAMap, 1));
    assert_eq!(fail(json::walk, b"  "), at(MalformedKind::Truncated, 2));
    assert_eq!(fail(json::walk_document, b"{} x"), at(MalformedKind::TrailingBytes, 3));
    assert_eq!(fail(json::walk, b"{\"a\" 1}"), at(MalformedKind::BadByte, 5));
    assert_eq!(fail(json::walk, b"{\"a\":1]"), at(MalformedKind::BadByte, 6));
    assert_eq!(fail(msgpack::walk, b"\x91\x01"), at(MalformedKind::NotAMap, 0));
    assert_eq!(fail(msgpack::walk, b""), at(MalformedKind::Truncated, 0));
    assert_eq!(fail(msgpack::walk, b"\x81\xa1a\xc1"), at(MalformedKind::BadByte, 3));
    let (used, _) = run(json::walk, b" {\"a\":1} {", &mut new_slots(false)).unwrap();
    assert_eq!(used, 8);
}

#[test]
fn long_msgpack_headers_are_read() {
    // Every width of map, str, bin, array and integer for {"a": ["x", 5], "b": 7}.
    let maps: [&[u8]; 3] = [b"\x82", b"\xde\0\x02", b"\xdf\0\0\0\x02"];
    let arrays: [&[u8]; 3] = [b"\x92", b"\xdc\0\x02", b"\xdd\0\0\0\x02"];
    let strings: [&[u8]; 7] = [
        b"\xa1",
        b"\xd9\x01",
        b"\xda\0\x01",
        b"\xdb\0\0\0\x01",
        b"\xc4\x01",
        b"\xc5\0\x01",
        b"\xc6\0\0\0\x01",
    ];
    let numbers: [&[u8]; 9] = [
        b"\x07",
        b"\xcc\x07",
        b"\xcd\0\x07",
        b"\xce\0\0\0\x07",
        b"\xcf\0\0\0\0\0\0\0\x07",
        b"\xd0\x07",
        b"\xd1\0\x07",
        b"\xd2\0\0\0\x07",
        b"\xd3\0\0\0\0\0\0\0\x07",
    ];
    for map in maps {
        for array in arrays {
            for string in strings {
                for number in numbers {
                    let bytes =
                        [map, string, b"a", array, string, b"x", b"\x05", string, b"b", number]
                            .concat();
                    let (used, found) = run(msgpack::walk, &bytes, &mut new_slots(false)).unwrap();
                    assert_eq!(used, bytes.len());
                    assert_eq!(found.0[0], [Seen::Str(b"x".to_vec()), Seen::Int(5)]);
                    assert_eq!(found.0[1], [Seen::Int(7)]);
                }
            }
        }
    }
    // A count beyond the bytes that are left.
    for bytes in [b"\xdf\xff\xff\xff\xff\xa1a\x01".as_slice(), b"\x81\xa1a\xdd\xff\xff\xff\xff\x01"]
    {
        assert_eq!(verdicts(msgpack::walk, bytes), Err(MalformedKind::Truncated));
    }
}
