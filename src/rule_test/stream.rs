//! Tests of correlations: streams of timed events.
//!
//! A line with `stream` is one stream:
//!
//! | key | meaning |
//! |---|---|
//! | `name` | what the stream shows |
//! | `stream` | list of steps |
//! | `raised` | list of the seconds at which the correlation is raised; `[]`: never |
//! | `correlation` | id or title of the correlation, where the file has several |
//!
//! A step is one event, or the same event several times:
//!
//! | key | meaning |
//! |---|---|
//! | `at` | seconds since the stream began, an integer |
//! | `event`, `line`, `change`, `remove` | the record, as in the cases of rules; none of them: the last `event` or `line` as it is |
//! | `times`, `every` | how often, and how many seconds apart |
//! | `match` | which of the rules that the correlation rests on match it: `true` for its only one, `false` for none, or ids or titles |
//!
//! Steps may overlap: events are put in order of their time, those of one time as they are written.

use super::{name, only, record, texts};
use serde_json::{Map, Value};

/// Most events of one stream.
const MOST_EVENTS: usize = 100_000;

/// A stream and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Line in the file, from 1.
    pub line: u32,
    /// What it shows.
    pub name: String,
    /// Id or title of the correlation, where the rule file has several.
    pub correlation: Option<String>,
    /// In order of time.
    pub events: Vec<Event>,
    /// Seconds at which the correlation is raised, ascending.
    pub raised: Vec<u64>,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since the stream began.
    pub at: u64,
    /// The step that it is of, from 1.
    pub step: usize,
    /// The record.
    pub record: Value,
    /// Which rules match it.
    pub matches: Matches,
}

/// Which of the rules that a correlation rests on match an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Matches {
    /// None of them.
    None,
    /// The only one that there is.
    Only,
    /// Those of these ids or titles, and no others.
    These(Vec<String>),
}

const KEYS: [&str; 4] = ["name", "stream", "raised", "correlation"];
const STEP_KEYS: [&str; 8] = ["at", "event", "line", "change", "remove", "times", "every", "match"];

/// Reads a stream.
pub(super) fn read(
    of: &Map<String, Value>,
    number: u32,
    base: &mut Option<Value>,
) -> Result<Stream, String> {
    only(of, &KEYS, "a stream")?;
    let name = name(of)?;
    let correlation = texts(of, "correlation")?.pop();
    let Some(Value::Array(steps)) = of.get("stream") else {
        return Err("`stream` is a list of steps".to_owned());
    };
    let mut events = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let own =
            self::step(step, at + 1, base).map_err(|why| format!("step {}: {why}", at + 1))?;
        events.extend(own);
        if events.len() > MOST_EVENTS {
            return Err(format!("a stream has at most {MOST_EVENTS} events"));
        }
    }
    if events.is_empty() {
        return Err("`stream` has no step: write `{\"at\": 0, \"event\": {...}}`".to_owned());
    }
    events.sort_by_key(|event| event.at);
    let raised = raised(of)?;
    if let Some(at) = raised.iter().find(|at| events.iter().all(|event| event.at != **at)) {
        return Err(format!("`raised` says {at}, when there is no event: events raise"));
    }
    Ok(Stream { line: number, name, correlation, events, raised })
}

fn raised(of: &Map<String, Value>) -> Result<Vec<u64>, String> {
    let wrong = "`raised` is a list of seconds, ascending; `[]` for never";
    let Some(Value::Array(times)) = of.get("raised") else { return Err(wrong.to_owned()) };
    let times: Option<Vec<u64>> = times.iter().map(Value::as_u64).collect();
    times.filter(|times| times.is_sorted()).ok_or_else(|| wrong.to_owned())
}

fn step(step: &Value, number: usize, base: &mut Option<Value>) -> Result<Vec<Event>, String> {
    let Value::Object(step) = step else { return Err("a step is an object".to_owned()) };
    only(step, &STEP_KEYS, "a step")?;
    let seconds = |key: &str| match step.get(key) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|number| *number <= u64::from(u32::MAX))
            .map(Some)
            .ok_or_else(|| format!("`{key}` is an integer, 0 or more")),
    };
    let at = seconds("at")?.ok_or("add `at`: the seconds since the stream began")?;
    let (times, every) = match (seconds("times")?, seconds("every")?) {
        (None, None) => (1, 0),
        (Some(times @ 2..), Some(every)) => (times, every),
        _ => return Err("`times` (2 or more) and `every` (seconds) belong together".to_owned()),
    };
    if times > MOST_EVENTS as u64 {
        return Err(format!("a stream has at most {MOST_EVENTS} events"));
    }
    let matches = match step.get("match") {
        Some(Value::Bool(true)) => Matches::Only,
        Some(Value::Bool(false)) => Matches::None,
        Some(Value::String(_) | Value::Array(_)) => Matches::These(texts(step, "match")?),
        _ => {
            return Err("add `match`: true, false, or the ids or titles of the rules".to_owned());
        }
    };
    let is_same = !["event", "line", "change", "remove"].iter().any(|key| step.contains_key(*key));
    let record = match base {
        Some(base) if is_same => base.clone(),
        None if is_same => return Err("no `event` or `line` stands before this step".to_owned()),
        _ => record(step, base)?.0,
    };
    let event = |time: u64| Event {
        at: at + time * every,
        step: number,
        record: record.clone(),
        matches: matches.clone(),
    };
    Ok((0..times).map(event).collect())
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn steps_are_put_in_order_of_time() {
        let text = r#"{"name": "n", "raised": [9], "stream": [
            {"at": 3, "event": {"a": 1}, "times": 3, "every": 3, "match": true},
            {"at": 6, "change": {"a": 2}, "match": false},
            {"at": 0, "match": ["x", "y"]}]}"#;
        let tests = read(&text.replace('\n', ""));
        assert_eq!(tests.problems, []);
        let stream = &tests.streams[0];
        let shown: Vec<String> = stream
            .events
            .iter()
            .map(|event| {
                format!("{} {} {} {:?}", event.at, event.step, event.record, event.matches)
            })
            .collect();
        assert_eq!(
            shown,
            [
                r#"0 3 {"a":1} These(["x", "y"])"#,
                r#"3 1 {"a":1} Only"#,
                r#"6 1 {"a":1} Only"#,
                r#"6 2 {"a":2} None"#,
                r#"9 1 {"a":1} Only"#,
            ]
        );
        assert_eq!(stream.raised, [9]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let event = r#""event": {"a": 1}, "match": true"#;
        for (line, expected) in [
            (r#"{"stream": [], "raised": []}"#.to_owned(), "`name` is missing"),
            (r#"{"name": "n", "stream": [], "raised": []}"#.to_owned(), "has no step"),
            (format!(r#"{{"name": "n", "stream": [{{"at": 0, {event}}}]}}"#), "list of seconds"),
            (
                format!(r#"{{"name": "n", "stream": [{{"at": 0, {event}}}], "raised": [1]}}"#),
                "no event",
            ),
            (format!(r#"{{"name": "n", "stream": [{{{event}}}], "raised": []}}"#), "add `at`"),
            (
                format!(r#"{{"name": "n", "stream": [{{"at": -1, {event}}}], "raised": []}}"#),
                "0 or more",
            ),
            (
                format!(
                    r#"{{"name": "n", "stream": [{{"at": 0, "times": 2, {event}}}], "raised": []}}"#
                ),
                "belong together",
            ),
            (
                r#"{"name": "n", "stream": [{"at": 0, "match": true}], "raised": []}"#.to_owned(),
                "stands before",
            ),
            (
                r#"{"name": "n", "stream": [{"at": 0, "event": {}}], "raised": []}"#.to_owned(),
                "add `match`",
            ),
            (
                format!(
                    r#"{{"name": "n", "stream": [{{"at": 0, "tmes": 2, {event}}}], "raised": []}}"#
                ),
                "did you mean `times`",
            ),
        ] {
            let tests = read(&line);
            assert_eq!(tests.streams, [], "{line}");
            let found = &tests.problems[0].message;
            assert!(found.contains(expected), "{line}: {found}");
        }
    }
}
