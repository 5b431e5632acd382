//! Where in a record events may be, and how near each comes to a source: what a person needs who
//! wonders why a log is not recognised. The engine decides; this only explains it.

use super::describe;
use serde_json::{Deserializer, Value};
use sigmatag::limits::PAYLOAD_LEVELS;
use sigmatag::rule::descriptor::{Descriptor, FieldTest, TestGroup};
use sigmatag::source::{PayloadEncoding, TestKind};
use std::collections::BTreeSet;

/// Most places in one record that are looked at.
const MOST: usize = 1000;

/// A place that may hold an event.
pub struct Candidate {
    /// The way there, such as `message` or `records[]`; empty: the record itself.
    pub path: String,
    /// What is there.
    pub event: Value,
}

/// Every place of a record that some source would look at, the record itself first.
pub fn of(record: &Value, sources: &[Descriptor]) -> Vec<Candidate> {
    let mut all = vec![Candidate { path: String::new(), event: record.clone() }];
    let (mut from, mut level) = (0, 0);
    while from < all.len() && level < PAYLOAD_LEVELS && all.len() < MOST {
        let end = all.len();
        for at in from..end {
            let mut below = Vec::new();
            inside(&all[at], sources, &mut below);
            all.extend(below);
        }
        (from, level) = (end, level + 1);
    }
    all
}

fn inside(at: &Candidate, sources: &[Descriptor], out: &mut Vec<Candidate>) {
    let mut seen: Vec<&str> = Vec::new();
    let mut add = |path: &str, values: Vec<Value>| {
        let way =
            if at.path.is_empty() { path.to_owned() } else { format!("{} > {path}", at.path) };
        for value in values {
            match value {
                Value::Array(items) => {
                    let objects = items.into_iter().filter(Value::is_object);
                    let path = format!("{way}[]");
                    out.extend(objects.map(|event| Candidate { path: path.clone(), event }));
                }
                event @ Value::Object(_) => out.push(Candidate { path: way.clone(), event }),
                _ => {}
            }
        }
    };
    for source in sources {
        let texts =
            source.text_payloads.iter().filter(|text| text.encoding == PayloadEncoding::Json);
        for path in
            texts.map(|text| text.path.as_str()).chain(source.containers.iter().map(|p| &**p))
        {
            if seen.contains(&path) {
                continue;
            }
            seen.push(path);
            match lookup(&at.event, path) {
                Some(Value::String(text)) => {
                    let values = Deserializer::from_str(text).into_iter::<Value>();
                    add(path, values.map_while(Result::ok).collect());
                }
                Some(value) => add(path, vec![value.clone()]),
                None => {}
            }
        }
    }
}

/// The value at a dotted path; a key with dots in it comes first.
pub fn lookup<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let map = value.as_object()?;
    if let Some(found) = map.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(dot, _)| lookup(map.get(&path[..dot])?, &path[dot + 1..]))
}

/// The paths of an event's values, arrays not entered. Rules can name each of them.
pub fn paths(event: &Value, before: &str, out: &mut BTreeSet<String>) {
    let Value::Object(map) = event else { return };
    for (key, value) in map {
        let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => paths(value, &path, out),
            _ => drop(out.insert(path)),
        }
    }
}

/// Whether a source recognises a candidate.
pub fn is_of(source: &Descriptor, candidate: &Candidate) -> bool {
    source.when.iter().any(|group| shortfall(group, &candidate.event).is_empty())
}

/// How far a source is from recognising a record.
pub struct Nearest {
    /// The source's name.
    pub source: String,
    /// The place it was compared with.
    pub path: String,
    /// The tests that fail, in words.
    pub missing: Vec<String>,
}

/// The source that lacks least; none if no source finds anything it knows.
pub fn nearest(candidates: &[Candidate], sources: &[Descriptor]) -> Option<Nearest> {
    let mut best: Option<(f64, Nearest)> = None;
    for candidate in candidates {
        for source in sources {
            for group in &source.when {
                let near = nearness(group, &candidate.event);
                if near > 0.0 && best.as_ref().is_none_or(|(most, _)| near > *most) {
                    let nearest = Nearest {
                        source: source.name.clone(),
                        path: candidate.path.clone(),
                        missing: shortfall(group, &candidate.event),
                    };
                    best = Some((near, nearest));
                }
            }
        }
    }
    best.map(|(_, nearest)| nearest)
}

/// What of a group does not hold.
fn shortfall(group: &TestGroup, event: &Value) -> Vec<String> {
    let failed = |test: &&FieldTest| !passes(test, event);
    let mut missing: Vec<String> =
        group.all.iter().filter(failed).map(|test| against(test, event)).collect();
    if !group.any.is_empty() && group.any.iter().all(|test| !passes(test, event)) {
        // Of alternatives, those whose field is there at all say most.
        let there = group.any.iter().filter(|test| lookup(event, &test.path).is_some());
        let mut lines: Vec<String> = there.map(|test| against(test, event)).collect();
        if lines.is_empty() {
            lines.extend(group.any.iter().map(|test| format!("not {}", describe::test(test))));
        }
        missing.push(lines.join(", and "));
    }
    missing
}

/// The share of a group's tests that hold. A field that is there with another value counts a
/// little.
fn nearness(group: &TestGroup, event: &Value) -> f64 {
    let score = |test: &FieldTest| match (passes(test, event), lookup(event, &test.path)) {
        (true, _) => 1.0,
        (false, Some(_)) => 0.3,
        (false, None) => 0.0,
    };
    let mut scores: Vec<f64> = group.all.iter().map(score).collect();
    if !group.any.is_empty() {
        scores.push(group.any.iter().map(score).fold(0.0, f64::max));
    }
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

fn against(test: &FieldTest, event: &Value) -> String {
    match lookup(event, &test.path) {
        None => format!("`{}` is missing", test.path),
        Some(value) => {
            const SHOWN: usize = 60;
            let text: String = value.to_string().chars().take(SHOWN).collect();
            let wanted = test.values.join(" or ");
            let lacks = if test.kind == TestKind::Is { "not" } else { "without" };
            format!("`{}` is {text}, {lacks} {wanted}", test.path)
        }
    }
}

fn passes(test: &FieldTest, event: &Value) -> bool {
    let Some(value) = lookup(event, &test.path) else { return false };
    let one = |value: &Value| {
        let text = match value {
            Value::String(text) => text.to_ascii_lowercase(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return false,
        };
        test.values.iter().any(|wanted| match test.kind {
            TestKind::Is => text == *wanted,
            TestKind::Contains => text.contains(wanted.as_str()),
            TestKind::Exists => true,
        })
    };
    match value {
        _ if test.kind == TestKind::Exists => true,
        Value::Array(items) => items.iter().any(one),
        value => one(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sigmatag::rule::descriptor::built_in;

    #[test]
    fn places_and_what_they_lack() {
        let sources = built_in();
        let event = json!({"category": "MySqlAuditLogs", "properties": {}});
        let record = json!({"message": json!({"records": [event]}).to_string()});
        let candidates = of(&record, &sources);
        let paths: Vec<&str> = candidates.iter().map(|candidate| &*candidate.path).collect();
        assert_eq!(paths, ["", "message", "message > records[]"]);
        let azure = sources.iter().find(|source| source.name == "azure-mysql").expect("built in");
        assert!(is_of(azure, &candidates[2]) && !is_of(azure, &candidates[1]));
        let other = of(&json!({"category": "AzureFirewall"}), &sources);
        let near = nearest(&other, &sources).expect("the field is there");
        assert_eq!(near.source, "azure-mysql");
        assert_eq!(near.missing.len(), 1);
        assert!(near.missing[0].contains("`category` is \"AzureFirewall\", not mysqlauditlogs"));
        assert!(nearest(&of(&json!({"zzz": 1}), &sources), &sources).is_none());
    }
}
