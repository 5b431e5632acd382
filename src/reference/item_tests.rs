//! Items: modifiers and values against events.

use super::event::{Value, from_json};
use super::item::Item;
use crate::rule::ast::{self, Placeholders, Pos, Scalar, Spanned};

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned { value, pos: Pos::default() }
}

/// An item by its key (`field|modifier`; no field if empty before the first bar).
fn item(key: &str, values: Vec<Scalar>) -> Result<Item, String> {
    let mut parts = key.split('|').map(str::to_owned);
    let field = parts.next().filter(|field| !field.is_empty());
    let placeholders = Placeholders::from([
        ("admins".to_owned(), vec!["root".to_owned(), "adm*".to_owned()]),
        ("net".to_owned(), vec!["10.0.0.0/8".to_owned()]),
    ]);
    let ast = ast::Item {
        field,
        modifiers: parts.map(spanned).collect(),
        is_list: values.len() != 1,
        values: values.into_iter().map(spanned).collect(),
        pos: Pos::default(),
    };
    Item::new(&ast, &placeholders)
}

fn s(text: &str) -> Scalar {
    Scalar::Str(text.to_owned())
}

fn i(int: i128) -> Scalar {
    Scalar::Int(int)
}

fn event(json: &str) -> Value {
    from_json(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn check(cases: impl IntoIterator<Item = (&'static str, Vec<Scalar>, &'static str, bool)>) {
    for (key, values, json, expected) in cases {
        let item = item(key, values.clone()).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(item.holds(&event(json)), expected, "{key}: {values:?} on {json}");
    }
}

#[test]
fn strings_numbers_and_booleans() {
    check([
        ("F", vec![s("4688")], r#"{"F":4688.0}"#, true),
        ("F", vec![s("46?8")], r#"{"F":4688}"#, true),
        ("F", vec![i(4688)], r#"{"F":"4688"}"#, true),
        ("F", vec![i(4688)], r#"{"F":"04688"}"#, false),
        ("F", vec![i(4688)], r#"{"F":"4688.0"}"#, false),
        ("F", vec![Scalar::Float(1.0)], r#"{"F":"1"}"#, true),
        ("F", vec![Scalar::Float(1.0)], r#"{"F":1}"#, true),
        ("F", vec![i(9007199254740993)], r#"{"F":9007199254740992.0}"#, false),
        ("F", vec![i(1 << 64)], r#"{"F":18446744073709551616}"#, true),
        (
            "F",
            vec![Scalar::BigInt("1".repeat(50))],
            r#"{"F":"11111111111111111111111111111111111111111111111111"}"#,
            true,
        ),
        ("F", vec![s("1E400")], r#"{"F":1e400}"#, true),
        ("F", vec![Scalar::Bool(true)], r#"{"F":"TRUE"}"#, true),
        ("F|cased", vec![Scalar::Bool(true)], r#"{"F":"TRUE"}"#, false),
        ("F", vec![Scalar::Bool(true)], r#"{"F":1}"#, false),
        ("F", vec![i(1)], r#"{"F":true}"#, false),
        ("F|contains", vec![i(46)], r#"{"F":14688}"#, true),
        ("F|contains", vec![Scalar::Bool(true)], r#"{"F":"it is True."}"#, true),
        ("F|re", vec![s("^tr")], r#"{"F":true}"#, true),
        ("F|re", vec![i(46)], r#"{"F":1461}"#, true),
        ("F", vec![s("*")], r#"{"F":{"a":1}}"#, false),
        ("F", vec![s("*")], r#"{"F":null}"#, false),
        ("F", vec![s("")], r#"{"F":[null,{}]}"#, false),
        ("F", vec![s("a\u{fffd}")], r#"{"F":"A\ud800"}"#, true),
    ]);
    let opaque = Value::Object(vec![(b"F".to_vec(), Value::Opaque)]);
    assert!(!item("F", vec![s("*")]).unwrap().holds(&opaque));
    assert!(item("F|exists", vec![Scalar::Bool(true)]).unwrap().holds(&opaque));
    assert!(!item("", vec![s("*")]).unwrap().holds(&opaque));
}

#[test]
fn null_presence_and_negation() {
    let null = || vec![Scalar::Null];
    let yes = || vec![Scalar::Bool(true)];
    check([
        ("F", null(), "{}", true),
        ("F", null(), r#"{"F":null}"#, true),
        ("F", null(), r#"{"F":[null]}"#, false),
        ("F", null(), r#"{"F":[]}"#, false),
        ("F", null(), r#"{"F":null,"F":1}"#, false),
        ("F", vec![], "{}", true),
        ("F|neq", null(), r#"{"F":1}"#, true),
        ("F|neq", null(), "{}", false),
        ("F", vec![s(""), Scalar::Null], "{}", true),
        ("F|exists", yes(), r#"{"F":null}"#, true),
        ("F|exists", yes(), r#"{"F":[]}"#, true),
        ("F|exists", yes(), "{}", false),
        ("F|exists", vec![Scalar::Bool(false)], "{}", true),
        ("F|exists|neq", yes(), "{}", true),
        ("F|neq", vec![s("a")], "{}", true),
        ("F|neq", vec![s("a"), s("b")], r#"{"F":["c","b"]}"#, false),
        ("F|contains|all|neq", vec![s("a"), s("b")], r#"{"F":"a"}"#, true),
        ("F|contains|all", vec![s("a"), s("b")], r#"{"F":["xa","xb"]}"#, true),
    ]);
}

#[test]
fn comparisons() {
    check([
        ("F|gt", vec![i(9)], r#"{"F":9.5}"#, true),
        ("F|gt", vec![i(9007199254740992)], r#"{"F":9007199254740993}"#, true),
        ("F|lte", vec![Scalar::Float(10.1)], r#"{"F":"10.1"}"#, true),
        ("F|gte", vec![i(10)], r#"{"F":"0010"}"#, true),
        ("F|gte", vec![i(10)], r#"{"F":"1e5"}"#, false),
        ("F|gte", vec![i(10)], r#"{"F":" 11"}"#, false),
        ("F|gte", vec![i(10)], r#"{"F":"+11"}"#, false),
        ("F|gte", vec![i(10)], r#"{"F":"0x11"}"#, false),
        ("F|lt", vec![i(9)], r#"{"F":true}"#, false),
        ("F|lt", vec![i(9)], "{}", false),
        ("F|lt", vec![i(0)], r#"{"F":"-0.5"}"#, true),
        ("F|gt", vec![i(u64::MAX.into())], r#"{"F":18446744073709551616}"#, true),
        ("F|gt", vec![i(9)], r#"{"F":["x",3,[11]]}"#, true),
        ("F|gt|all", vec![i(9), i(10)], r#"{"F":10}"#, false),
        ("F|gt|neq", vec![i(9)], "{}", true),
        ("|gt", vec![i(9)], r#"{"a":{"b":["10"]}}"#, true),
        ("|cidr", vec![s("10.0.0.0/8")], r#"{"a":{"b":["10.1.2.3"]}}"#, true),
        ("F|hour|gte", vec![i(8)], r#"{"F":"2024-07-10T12:34:56Z"}"#, true),
        ("F|year", vec![i(2024)], r#"{"F":"2024-07-10"}"#, true),
        ("F|hour|neq", vec![i(0)], r#"{"F":"2024-07-10"}"#, true),
        ("F|year", vec![i(1970)], r#"{"F":1}"#, false),
        ("F|cidr", vec![s("::/0")], r#"{"F":["x","::1"]}"#, true),
    ]);
}

#[test]
fn fieldref() {
    let g = || vec![s("G")];
    check([
        ("F|fieldref", g(), r#"{"F":"abc","G":"ABC"}"#, true),
        ("F|fieldref|cased", g(), r#"{"F":"abc","G":"ABC"}"#, false),
        ("F|fieldref", g(), r#"{"F":80,"G":80.0}"#, true),
        ("F|fieldref", g(), r#"{"F":80,"G":"80"}"#, true),
        ("F|fieldref", g(), r#"{"F":9007199254740993,"G":9007199254740992.0}"#, false),
        ("F|fieldref", g(), r#"{"F":true,"G":"True"}"#, true),
        ("F|fieldref", g(), r#"{"F":null,"G":null}"#, false),
        ("F|fieldref", g(), r#"{"F":{},"G":{}}"#, false),
        ("F|fieldref", g(), "{}", false),
        ("F|fieldref|neq", g(), "{}", true),
        ("F|fieldref", g(), r#"{"F":["a","b"],"G":["c",["B"]]}"#, true),
        ("F|fieldref", g(), r#"{"F":"abc","G":"a*"}"#, false),
        ("F|fieldref|startswith", g(), r#"{"F":"a*c","G":"A*"}"#, true),
        ("F|fieldref|startswith", g(), r#"{"F":"abc","G":"bc"}"#, false),
        ("F|fieldref|endswith", g(), r#"{"F":"abc","G":"bc"}"#, true),
        ("F|fieldref|contains", g(), r#"{"F":123,"G":2}"#, true),
        ("F|fieldref|contains", g(), r#"{"F":"x","G":""}"#, true),
        ("F|fieldref", vec![s("a.b")], r#"{"F":"x","a":[{"b":"X"}]}"#, true),
    ]);
}

#[test]
fn keywords() {
    check([
        ("", vec![s("evil")], r#"{"a":{"b":[{"c":"xEVILx"}]}}"#, true),
        ("", vec![s("evil")], r#"{"evil":"x"}"#, false),
        ("", vec![i(46)], r#"{"a":14688}"#, true),
        ("", vec![i(46)], r#"{"a":"x46y"}"#, true),
        ("", vec![s("rue")], r#"{"a":true}"#, true),
        ("|all", vec![s("a"), s("b")], r#"{"x":"a","y":"b"}"#, true),
        ("|all", vec![s("a"), s("b")], r#"{"x":"a"}"#, false),
        ("|startswith", vec![s("b")], r#"{"x":"ab","y":"c"}"#, false),
        ("|startswith", vec![s("a")], r#"{"x":"ab"}"#, true),
        ("|endswith", vec![s("b")], r#"{"x":"ab"}"#, true),
        ("|cased", vec![s("Foo")], r#"{"x":"xfoox"}"#, false),
        ("|re", vec![s("^a.c$")], r#"{"x":["abc"]}"#, true),
        ("|windash", vec![s(" -a")], r#"{"x":"x /a"}"#, true),
        ("|base64", vec![s("foobar")], r#"{"x":"--Zm9vYmFy--"}"#, true),
        ("|neq", vec![s("foo")], "{}", true),
    ]);
}

#[test]
fn encodings() {
    check([
        ("F|base64", vec![s(r"a\*b")], r#"{"F":"YSpi"}"#, true),
        ("F|base64", vec![i(12)], r#"{"F":"MTI="}"#, true),
        ("F|base64|cased", vec![s("foobar")], r#"{"F":"zm9vymfy"}"#, false),
        ("F|base64offset|contains", vec![s("foobar")], r#"{"F":"YWZvb2Jhcnh5eg=="}"#, true),
        ("F|wide", vec![s("c*d")], r#"{"F":"C\u0000xxD\u0000"}"#, true),
        ("F|utf16be", vec![s("ab")], r#"{"F":"\u0000a\u0000B"}"#, true),
        ("F|utf16|base64", vec![s("A")], r#"{"F":"//5BAA=="}"#, true),
        ("F|windash|base64", vec![s("-a")], r#"{"F":"4oCTYQ=="}"#, true),
        ("F|contains|windash", vec![s("-enc")], r#"{"F":"ps ―ENC x"}"#, true),
        ("F|windash", vec![s(r"\?-a")], r#"{"F":"?/a"}"#, true),
        ("F|windash", vec![i(-1)], r#"{"F":"/1"}"#, true),
    ]);
    // UTF-16 of é is no UTF-8: the byte stands for itself and has no case.
    let wide = item("F|wide", vec![s("É")]).unwrap();
    let with = |bytes: &[u8]| Value::Object(vec![(b"F".to_vec(), Value::String(bytes.to_vec()))]);
    assert!(wide.holds(&with(b"\xc9\0")));
    assert!(!wide.holds(&with(b"\xe9\0")));
}

#[test]
fn placeholders() {
    check([
        ("F|expand", vec![s("%admins%")], r#"{"F":"ADMIN"}"#, true),
        ("F|expand", vec![s("%admins%")], r#"{"F":"%admins%"}"#, false),
        ("F|expand", vec![s(r"\%admins%")], r#"{"F":"%admins%"}"#, true),
        ("F|contains|expand", vec![s("u=%admins%;")], r#"{"F":"x u=root; y"}"#, true),
        ("F|expand|contains|all", vec![s("%admins%"), s("x")], r#"{"F":"root x"}"#, true),
        ("F|cidr|expand", vec![s("%net%")], r#"{"F":"10.0.0.1"}"#, true),
        ("F|re|expand", vec![s("^%admins%$")], r#"{"F":"admm"}"#, true),
        ("F|expand", vec![i(5)], r#"{"F":5}"#, true),
        ("F", vec![s("%admins%")], r#"{"F":"%admins%"}"#, true),
    ]);
}

#[test]
fn what_cannot_be_prepared() {
    for (key, value) in [
        ("F|Contains", s("a")),
        ("F|", s("a")),
        ("F|gt", s("1")),
        ("F|hour", s("1")),
        ("F|exists", s("true")),
        ("F|contains", Scalar::Null),
        ("F|re", Scalar::Null),
        ("F|base64", s("a*")),
        ("F|base64offset", s("a?")),
        ("F|contains|base64", s("a")),
        ("F|re", s("(?=a)")),
        ("F|cidr", s("10.0.0.0/33")),
        ("F|expand", s("%nobody%")),
        ("", Scalar::Null),
        ("|exists", Scalar::Bool(true)),
        ("|fieldref", s("F")),
    ] {
        assert!(item(key, vec![value.clone()]).is_err(), "{key}: {value:?}");
    }
}
