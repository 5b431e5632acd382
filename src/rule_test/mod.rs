//! Tests beside rules: events that a rule must match and events that it must not.
//!
//! `tests/NAME.jsonl` in the folder of a rule file `NAME.yml` holds one case on each line:
//!
//! | key | meaning |
//! |---|---|
//! | `name` | what the case is about |
//! | `event` | the record, any JSON object, wrappers included |
//! | `line` | a raw log line instead: the record `{"log": line}` |
//! | `change` | instead of both: the record of the last `event` or `line` with these values at dotted paths |
//! | `remove` | paths to take out of it; alone or beside `change` |
//! | `match` | for a rule: whether it must match |
//! | `rule` | id or title of the rule, where the file has several |
//! | `suppressed` | for a filter: whether it must keep its rules from matching |
//! | `rules` | ids of the rules that must match without the filter |
//! | `stream` | for a correlation: timed events, see [`stream`] |
//!
//! Enter at [`read`]. A path leads through arrays by index and through texts that are JSON objects
//! themselves; a key with dots in it is taken before a path.

mod change;
pub mod stream;

use serde_json::{Map, Value, json};
use stream::Stream;

/// What a case asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// A rule must match, or must not.
    Match {
        /// Whether it must.
        matches: bool,
        /// Id or title, where the rule file has several.
        rule: Option<String>,
    },
    /// A filter must suppress these rules, or must not; without it they must match.
    Suppressed {
        /// Whether it must.
        suppressed: bool,
        /// Ids; empty: those that the filter lists.
        rules: Vec<String>,
    },
}

impl Expected {
    /// Whether the rule has to match with everything in force.
    pub fn is_match(&self) -> bool {
        match self {
            Expected::Match { matches, .. } => *matches,
            Expected::Suppressed { suppressed, .. } => !suppressed,
        }
    }
}

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Line in the file, from 1.
    pub line: u32,
    /// What it is about.
    pub name: String,
    /// The record.
    pub record: Value,
    /// The paths that were changed or removed; empty: the record is written out.
    pub changed: Vec<String>,
    /// What it asks for.
    pub expected: Expected,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: u32,
    /// What is wrong and the repair.
    pub message: String,
}

const KEYS: [&str; 9] =
    ["name", "event", "line", "change", "remove", "match", "rule", "suppressed", "rules"];

/// What a test file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tests {
    /// Single events, for rules and filters.
    pub cases: Vec<Case>,
    /// Streams of events, for correlations.
    pub streams: Vec<Stream>,
    /// Lines that are wrong.
    pub problems: Vec<Problem>,
}

/// Reads the tests of a file. Lines that are wrong are left out and said.
pub fn read(text: &str) -> Tests {
    let mut tests = Tests::default();
    let mut base: Option<Value> = None;
    let mut rules: Vec<String> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let read = object(line).and_then(|line| {
            if line.contains_key("stream") {
                tests.streams.push(stream::read(&line, number, &mut base)?);
            } else {
                tests.cases.push(case(&line, number, &mut base, &mut rules)?);
            }
            Ok(())
        });
        if let Err(message) = read {
            tests.problems.push(Problem { line: number, message });
        }
    }
    tests
}

fn object(line: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))? {
        Value::Object(object) => Ok(object),
        _ => Err("a case is a JSON object".to_owned()),
    }
}

fn case(
    case: &Map<String, Value>,
    number: u32,
    base: &mut Option<Value>,
    inherited: &mut Vec<String>,
) -> Result<Case, String> {
    only(case, &KEYS, "a case")?;
    let name = name(case)?;
    let (record, changed) = record(case, base)?;
    let expected = expected(case, inherited)?;
    Ok(Case { line: number, name, record, changed, expected })
}

/// Refuses keys that nobody reads.
fn only(object: &Map<String, Value>, keys: &[&str], what: &str) -> Result<(), String> {
    let Some(key) = object.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let suggestion = crate::rule::diagnostic::similar(key, keys.iter().copied());
    let suggestion = crate::rule::diagnostic::did_you_mean(suggestion);
    Err(format!("{what} has no key `{key}`{suggestion}"))
}

fn name(case: &Map<String, Value>) -> Result<String, String> {
    match case.get("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(name.clone()),
        _ => Err("`name` is missing: say what the case is about".to_owned()),
    }
}

fn record(
    case: &Map<String, Value>,
    base: &mut Option<Value>,
) -> Result<(Value, Vec<String>), String> {
    let whole = match (case.get("event"), case.get("line")) {
        (Some(event @ Value::Object(_)), None) => Some(event.clone()),
        (None, Some(Value::String(line))) => Some(json!({ "log": line })),
        (None, None) => None,
        (Some(_), Some(_)) => return Err("`event` and `line` exclude each other".to_owned()),
        (Some(_), None) => return Err("`event` is a JSON object".to_owned()),
        (None, Some(_)) => return Err("`line` is a text".to_owned()),
    };
    let changes = case.contains_key("change") || case.contains_key("remove");
    match (whole, changes) {
        (Some(_), true) => {
            Err("a case has `event` or `line`, or `change` and `remove`: write the \
                                change on a line of its own"
                .to_owned())
        }
        (Some(record), false) => {
            *base = Some(record.clone());
            Ok((record, Vec::new()))
        }
        (None, false) => Err("add `event`, `line`, `change` or `remove`".to_owned()),
        (None, true) => {
            let Some(mut record) = base.clone() else {
                return Err("no `event` or `line` stands before this change".to_owned());
            };
            let changed = changed(case, &mut record)?;
            Ok((record, changed))
        }
    }
}

fn changed(case: &Map<String, Value>, record: &mut Value) -> Result<Vec<String>, String> {
    let mut paths = Vec::new();
    match case.get("change") {
        None => {}
        Some(Value::Object(change)) => {
            for (path, value) in change {
                change::set(record, path, value.clone())?;
                paths.push(path.clone());
            }
        }
        Some(_) => return Err("`change` is an object of paths and values".to_owned()),
    }
    for path in texts(case, "remove")? {
        change::remove(record, &path)?;
        paths.push(path);
    }
    if paths.is_empty() {
        return Err("nothing is changed: name a path".to_owned());
    }
    Ok(paths)
}

/// A text or a list of texts.
fn texts(case: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let one = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is a list of texts"))
    };
    match case.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}

fn expected(case: &Map<String, Value>, inherited: &mut Vec<String>) -> Result<Expected, String> {
    match (case.get("match"), case.get("suppressed")) {
        (Some(Value::Bool(matches)), None) => {
            let rule = texts(case, "rule")?.pop();
            Ok(Expected::Match { matches: *matches, rule })
        }
        (None, Some(Value::Bool(suppressed))) => {
            let is_whole = case.contains_key("event") || case.contains_key("line");
            if case.contains_key("rules") || is_whole {
                *inherited = texts(case, "rules")?;
            }
            Ok(Expected::Suppressed { suppressed: *suppressed, rules: inherited.clone() })
        }
        (None, None) => Err("add `match`, or for a filter `suppressed`: true or false".to_owned()),
        (Some(_), Some(_)) => Err("`match` and `suppressed` exclude each other".to_owned()),
        _ => Err("`match` and `suppressed` are true or false".to_owned()),
    }
}

/// In how many values two records differ.
pub fn differences(a: &Value, b: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    change::differences(a, b, String::new(), &mut paths);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(lines: &str) -> String {
        let tests = read(lines);
        tests
            .problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect()
    }

    #[test]
    fn cases_of_every_kind() {
        let text = "\u{feff}{\"name\":\"a\",\"event\":{\"x\":{\"y\":1}},\"match\":true}\n\n\
            {\"name\":\"b\",\"change\":{\"x.y\":2},\"match\":false}\n\
            {\"name\":\"c\",\"remove\":\"x\",\"match\":false,\"rule\":\"r\"}\n\
            {\"name\":\"d\",\"line\":\"text\",\"suppressed\":true,\"rules\":[\"1\"]}\n\
            {\"name\":\"e\",\"change\":{\"log\":\"other\"},\"suppressed\":false}\n";
        let Tests { cases, streams, problems } = read(text);
        assert_eq!((problems, streams), (vec![], vec![]));
        let records: Vec<String> = cases.iter().map(|case| case.record.to_string()).collect();
        assert_eq!(
            records,
            [
                r#"{"x":{"y":1}}"#,
                r#"{"x":{"y":2}}"#,
                "{}",
                r#"{"log":"text"}"#,
                r#"{"log":"other"}"#
            ]
        );
        assert_eq!(cases[1].changed, ["x.y"]);
        assert_eq!(cases[1].line, 3);
        let rule = Some("r".to_owned());
        assert_eq!(cases[2].expected, Expected::Match { matches: false, rule });
        let rules = vec!["1".to_owned()];
        assert_eq!(cases[4].expected, Expected::Suppressed { suppressed: false, rules });
    }

    #[test]
    fn what_is_wrong_is_said() {
        let event = "{\"name\":\"a\",\"event\":{\"x\":1},\"match\":true}\n";
        for (line, expected) in [
            ("{", "no JSON"),
            ("[]", "a JSON object"),
            ("{\"event\":{},\"match\":true}", "`name` is missing"),
            ("{\"name\":\"a\",\"evnt\":{},\"match\":true}", "did you mean `event`"),
            ("{\"name\":\"a\",\"event\":{}}", "add `match`"),
            ("{\"name\":\"a\",\"match\":true}", "add `event`"),
            ("{\"name\":\"a\",\"change\":{},\"match\":true}", "nothing is changed"),
            ("{\"name\":\"a\",\"change\":{\"x\":1},\"match\":true}", "`x` is 1 already"),
            ("{\"name\":\"a\",\"remove\":\"y\",\"match\":true}", "no `y`"),
            ("{\"name\":\"a\",\"change\":{\"y.z\":1},\"match\":true}", "no `y`"),
            ("{\"name\":\"a\",\"event\":{},\"line\":\"\",\"match\":true}", "exclude each other"),
        ] {
            let found = problem(&format!("{event}{line}\n"));
            assert!(found.starts_with("2: ") && found.contains(expected), "{line}: {found}");
        }
        let alone = problem("{\"name\":\"a\",\"change\":{\"x\":1},\"match\":true}");
        assert!(alone.contains("stands before"), "{alone}");
    }
}
