//! Patterns and what becomes of them.

use super::express::{Expressed, express};
use super::pattern::parse;
use crate::ruleset::indicators::kind;

/// The alternatives of a pattern in short: values, `(value)` if it says more, `-` if it cannot be
/// looked for, `!` if it is wrong.
fn read(pattern: &str) -> Result<Vec<String>, String> {
    let short = |expressed: Expressed| match expressed {
        Expressed::Unsupported(_) => "-".to_owned(),
        Expressed::Value { value: Err(_), .. } => "!".to_owned(),
        Expressed::Value { value: Ok(value), widened } => {
            let text = match value.kind {
                kind::DOMAIN | kind::URL | kind::EMAIL | kind::FILE_NAME => {
                    String::from_utf8(value.bytes).unwrap()
                }
                kind => format!("{}:{:02x?}", kind::NAMES[usize::from(kind)], value.bytes[0]),
            };
            if widened.is_some() { format!("({text})") } else { text }
        }
    };
    Ok(express(&parse(pattern)?).into_iter().map(short).collect())
}

#[test]
fn patterns_become_values() {
    let md5 = "aa".repeat(16);
    let sha = "bb".repeat(32);
    let table: Vec<(String, &[&str])> = vec![
        ("[domain-name:value = 'A.example']".into(), &["a.example"]),
        ("  [ domain-name : value='a.example' ]  ".into(), &["a.example"]),
        ("[domain-name:value == 'a.example']".into(), &["a.example"]),
        ("([domain-name:value = 'a.example'])".into(), &["a.example"]),
        ("[(domain-name:value = 'a.example')]".into(), &["a.example"]),
        ("[domain-name:value IN ('a.example', 'b.example')]".into(), &["a.example", "b.example"]),
        (
            "[domain-name:value = 'a.example' OR (url:value = 'http://x.example/' OR email-addr:value = 'q@x.example')]".into(),
            &["a.example", "http://x.example", "q@x.example"],
        ),
        ("[ipv4-addr:value = '1.2.3.4'] OR [ipv6-addr:value = '2001:db8::/32']".into(), &["ip:01", "network:20"]),
        ("[ipv4-addr:value ISSUBSET '10.0.0.0/8']".into(), &["network:0a"]),
        ("[domain-name:value ISSUBSET 'a.example']".into(), &["-"]),
        ("[domain-name:value = 'a.example'] WITHIN 5 SECONDS".into(), &["a.example"]),
        (format!("[file:hashes.MD5 = '{md5}']"), &["md5:aa"]),
        (format!("[file:hashes.'SHA-256' = '{sha}' OR file:hashes.\u{0053}HA1 = 'x']"), &["sha256:bb", "!"]),
        (format!("[file:hashes.MD5 = '{sha}']"), &["!"]),
        (format!("[file:hashes.SSDEEP = '{sha}']"), &["-"]),
        (
            format!("[file:hashes.MD5 = '{md5}' AND file:hashes.'SHA-256' = '{sha}']"),
            &["md5:aa", "sha256:bb"],
        ),
        (format!("[file:hashes.MD5 = '{md5}' AND file:name = 'x.exe']"), &["(md5:aa)"]),
        ("[file:name = 'it\\'s.exe']".into(), &["it's.exe"]),
        ("[file:name = 'x.exe' AND file:size > 1.5]".into(), &["-"]),
        ("[email-message:to_refs[*].value = 'q@x.example']".into(), &["q@x.example"]),
        ("[email-message:subject = 'Hello']".into(), &["-"]),
        (
            "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'a.example']".into(),
            &["a.example"],
        ),
        (
            "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:protocols[0] = 'tcp' AND network-traffic:dst_port IN (80, 443)]".into(),
            &["(ip:01)"],
        ),
        (
            "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:src_ref.value = '1.2.3.5']".into(),
            &["-"],
        ),
        ("[domain-name:value = 'a.example' AND ipv4-addr:value = '1.2.3.4']".into(), &["-"]),
        ("[domain-name:value != 'a.example']".into(), &["-"]),
        ("[domain-name:value NOT = 'a.example']".into(), &["-"]),
        ("[NOT domain-name:value = 'a.example']".into(), &["-"]),
        ("[domain-name:value LIKE '%.example' OR domain-name:value = 'b.example']".into(), &["-", "b.example"]),
        ("[domain-name:value MATCHES '^a']".into(), &["-"]),
        ("[EXISTS domain-name:value]".into(), &["-"]),
        ("[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']".into(), &["-"]),
        ("[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']".into(), &["-"]),
        ("[domain-name:value = 'a.example'] REPEATS 5 TIMES".into(), &["-"]),
        (
            "[domain-name:value = 'a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'".into(),
            &["-"],
        ),
        ("[windows-registry-key:values[0].data = h'00ff']".into(), &["-"]),
        ("[ipv4-addr:value = '300.1.1.1']".into(), &["!"]),
    ];
    for (pattern, expected) in table {
        let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(read(&pattern), Ok(expected), "{pattern}");
    }
}

#[test]
fn what_is_no_pattern_is_said_with_its_place() {
    for (pattern, message) in [
        ("", "the pattern ends where an observation"),
        ("[", "the pattern ends where an object's type is expected"),
        ("[]", "byte 1 of the pattern: expected an object's type"),
        ("domain-name:value = 'x'", "byte 0 of the pattern: expected an observation"),
        ("[domain-name:value = 'x", "byte 21 of the pattern: a text without end"),
        ("[domain-name:value = 'x'", "the pattern ends where `]`, AND or OR is expected"),
        ("[domain-name:value = 'x'] [a:b = 1]", "byte 26 of the pattern: expected the end"),
        ("[domain-name:value 'x']", "byte 19 of the pattern: expected an operator"),
        ("[domain-name:value IN 'x']", "byte 22 of the pattern: expected `(`"),
        ("[domain-name:value IN ()]", "byte 23 of the pattern: expected a value"),
        ("[domain-name = 'x']", "byte 13 of the pattern: expected `:`"),
        ("[a:b = 'x' OR]", "byte 13 of the pattern: expected an object's type"),
        ("[a:b = 'x'] WITHIN 5", "the pattern ends where SECONDS is expected"),
        ("[a:b = 'x'] ; drop", "byte 12 of the pattern: `;` has no place there"),
        ("[a:b[ = 'x']", "byte 6 of the pattern: expected an index"),
    ] {
        let error = read(pattern).unwrap_err();
        assert!(error.starts_with(message), "{pattern}: {error}");
    }
}
