//! Patterns as indicators: each alternative that is a value, and why the others are not.

use super::pattern::{Compare, Pattern, Test};
use crate::ioc::value::{Parsed, Type, Value, parse, parse_by_shape, short};
use crate::ruleset::indicators::kind;

/// One alternative of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum Expressed {
    /// It is a value, or one that is wrong.
    Value {
        /// The value, or what is wrong with it.
        value: Parsed,
        /// What the pattern asks for besides, which is not looked at.
        widened: Option<String>,
    },
    /// No indicator says the same, and why.
    Unsupported(String),
}

/// What a property is to an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Property {
    /// Its value is an indicator.
    Value(Type),
    /// A hash of the kind.
    Hash(u8),
    /// The address or name of one side of a connection.
    Peer,
    /// Says what another property of the object is: nothing is lost without it.
    Type,
    /// Narrows another property of the object.
    Narrow,
    /// Nothing that is looked for.
    Other,
}

/// The alternatives of a pattern.
pub fn express(pattern: &Pattern) -> Vec<Expressed> {
    if let Some(beyond) = pattern.beyond {
        return vec![Expressed::Unsupported(beyond.to_owned())];
    }
    let mut out = Vec::new();
    pattern.observations.iter().for_each(|test| alternatives(test, &mut out));
    out
}

fn alternatives(test: &Test, out: &mut Vec<Expressed>) {
    match test {
        Test::Or(tests) => tests.iter().for_each(|test| alternatives(test, out)),
        Test::And(tests) => together(tests, out),
        Test::Compare(compare) => values(compare, None, out),
    }
}

fn property(compare: &Compare) -> Property {
    let path = compare.path.as_str();
    match (compare.object.as_str(), path) {
        ("ipv4-addr" | "ipv6-addr", "value") => Property::Value(Type::Ip),
        ("domain-name" | "hostname" | "x-opencti-hostname", "value") => {
            Property::Value(Type::Domain)
        }
        ("url", "value") => Property::Value(Type::Url),
        ("email-addr", "value") => Property::Value(Type::Email),
        ("email-message", _) if is_mail_address(path) => Property::Value(Type::Email),
        ("file", "name") => Property::Value(Type::FileName),
        ("file" | "artifact", _) if path.starts_with("hashes.") => match &path[7..] {
            "MD5" | "md5" => Property::Hash(kind::MD5),
            "SHA-1" | "SHA1" | "sha1" => Property::Hash(kind::SHA1),
            "SHA-256" | "SHA256" | "sha256" => Property::Hash(kind::SHA256),
            "SHA-512" | "SHA512" | "sha512" => Property::Hash(kind::SHA512),
            _ => Property::Other,
        },
        ("network-traffic", "dst_ref.value" | "src_ref.value") => Property::Peer,
        ("network-traffic", "dst_ref.type" | "src_ref.type") => Property::Type,
        ("file" | "artifact" | "network-traffic", _) => Property::Narrow,
        _ => Property::Other,
    }
}

fn is_mail_address(path: &str) -> bool {
    let path = path.strip_suffix(".value").unwrap_or_default();
    let path = path.split_once('[').map_or(path, |(name, _)| name);
    matches!(path, "from_ref" | "sender_ref" | "to_refs" | "cc_refs" | "bcc_refs")
}

/// The values of a comparison that is enough on its own.
fn values(compare: &Compare, widened: Option<&str>, out: &mut Vec<Expressed>) {
    let property = property(compare);
    let Compare { object, path, operator, is_negated, values } = compare;
    let unsupported = |why: &str| {
        Expressed::Unsupported(format!("`{}`: {why}", short(&format!("{object}:{path}"))))
    };
    if matches!(property, Property::Other | Property::Type | Property::Narrow) {
        return out.push(unsupported("this property is not looked for"));
    }
    if *is_negated {
        return out.push(unsupported("it must not have a value (NOT)"));
    }
    let is_address = property == Property::Value(Type::Ip);
    match *operator {
        "=" | "IN" => {}
        "ISSUBSET" if is_address => {}
        operator => return out.push(unsupported(&format!("it is compared with {operator}"))),
    }
    for text in values {
        let value = match property {
            Property::Value(of) => parse(of, text),
            Property::Hash(kind) => hash(kind, text),
            _ => parse_by_shape(text),
        };
        let widened = widened.map(|besides| format!("`{}` alone, without {besides}", short(text)));
        out.push(Expressed::Value { value, widened });
    }
}

fn hash(kind: u8, text: &str) -> Parsed {
    let value: Value = parse(Type::Hash, text)?;
    if value.kind == kind {
        return Ok(value);
    }
    let name = kind::NAMES[usize::from(kind)];
    Err(format!("`{}` has not as many digits as {name}", short(text)))
}

/// What is left of comparisons that hold together. A hash says which file it is, whatever its name
/// and size; the peer of a connection is looked at without its port. Nothing else that is asked for
/// together is one value.
fn together(tests: &[Test], out: &mut Vec<Expressed>) {
    let mut compares = Vec::new();
    for test in tests {
        match test {
            Test::Compare(compare) => compares.push(compare),
            _ => return out.push(several(tests)),
        }
    }
    let is_one_object = compares.iter().all(|compare| compare.object == compares[0].object);
    let (mut keys, mut besides) = (Vec::new(), Vec::new());
    for compare in compares {
        match property(compare) {
            Property::Hash(_) | Property::Peer => keys.push(compare),
            Property::Type => {}
            _ => besides.push(format!("`{}:{}`", compare.object, compare.path)),
        }
    }
    let is_connection = keys.first().is_some_and(|key| key.object == "network-traffic");
    let are_plain = keys.iter().all(|key| !key.is_negated);
    if !is_one_object || keys.is_empty() || !are_plain || is_connection && keys.len() > 1 {
        return out.push(several(tests));
    }
    let besides = short(&besides.join(", "));
    let widened = (!besides.is_empty()).then_some(&*besides);
    keys.into_iter().for_each(|key| values(key, widened, out));
}

fn several(tests: &[Test]) -> Expressed {
    let number = tests.len();
    Expressed::Unsupported(format!("{number} comparisons must hold together (AND)"))
}
