//! What a field of an event is: literal keys, dotted paths, arrays, duplicates.

use super::event::Value;

/// What an item tests: the values of one field, or all leaves of the event.
#[derive(Debug, PartialEq)]
pub struct Found<'a> {
    /// The values, arrays flattened. Nulls and objects are among them; they match nothing.
    pub values: Vec<&'a Value>,
    /// Whether there is anything at all, be it null or an empty array.
    pub present: bool,
    /// Whether it is missing or nothing but one explicit null outside any array.
    pub is_null: bool,
}

/// A value as it stands in the event, before flattening.
struct Reached<'a> {
    value: &'a Value,
    inside_array: bool,
}

/// The values of a field: those of the top-level keys of that name if there are any, else those
/// at the end of the dotted path.
pub fn field<'a>(event: &'a Value, name: &str) -> Found<'a> {
    let mut reached = Vec::new();
    walk(event, &[name], false, &mut reached);
    if reached.is_empty() {
        let path: Vec<&str> = name.split('.').collect();
        walk(event, &path, false, &mut reached);
    }
    let is_null = match reached.as_slice() {
        [] => true,
        [only] => *only.value == Value::Null && !only.inside_array,
        _ => false,
    };
    let mut values = Vec::new();
    for one in &reached {
        flatten(one.value, &mut values);
    }
    Found { values, present: !reached.is_empty(), is_null }
}

/// Collects what stands at the end of a path below a value. The event itself must be an object;
/// below it, arrays are crossed element by element.
fn walk<'a>(value: &'a Value, path: &[&str], inside_array: bool, reached: &mut Vec<Reached<'a>>) {
    let Value::Object(entries) = value else { return };
    for (key, value) in entries {
        if key != path[0].as_bytes() {
            continue;
        }
        match &path[1..] {
            [] => reached.push(Reached { value, inside_array }),
            rest => walk_below(value, rest, inside_array, reached),
        }
    }
}

fn walk_below<'a>(
    value: &'a Value,
    path: &[&str],
    inside_array: bool,
    reached: &mut Vec<Reached<'a>>,
) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                walk_below(element, path, true, reached);
            }
        }
        _ => walk(value, path, inside_array, reached),
    }
}

fn flatten<'a>(value: &'a Value, values: &mut Vec<&'a Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| flatten(element, values)),
        _ => values.push(value),
    }
}

/// Everything in the event that has a text, at any depth; keys are not searched.
pub fn leaves(event: &Value) -> Found<'_> {
    let mut values = Vec::new();
    collect_leaves(event, &mut values);
    Found { present: !values.is_empty(), is_null: false, values }
}

fn collect_leaves<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(_, value)| collect_leaves(value, leaves));
        }
        Value::Array(elements) => {
            elements.iter().for_each(|element| collect_leaves(element, leaves));
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(value),
        Value::Null | Value::Opaque => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::from_json;
    use super::*;

    /// Texts of the values (`-` for what has none), presence, nullness.
    fn look(json: &str, name: &str) -> (String, bool, bool) {
        let event = from_json(json.as_bytes()).unwrap();
        let found = field(&event, name);
        let texts: Vec<String> = found
            .values
            .iter()
            .map(|value| value.text().map_or("-".into(), |t| String::from_utf8_lossy(&t).into()))
            .collect();
        (texts.join(","), found.present, found.is_null)
    }

    #[test]
    fn fields() {
        for (json, name, values, present, is_null) in [
            (r#"{"a":1}"#, "a", "1", true, false),
            (r#"{"a":1}"#, "b", "", false, true),
            (r#"{"a":1}"#, "A", "", false, true),
            (r#"{"a":null}"#, "a", "-", true, true),
            (r#"{"a":[]}"#, "a", "", true, false),
            (r#"{"a":[null]}"#, "a", "-", true, false),
            (r#"{"a":[[],[]]}"#, "a", "", true, false),
            (r#"{"a":["x",["y",[2]]]}"#, "a", "x,y,2", true, false),
            (r#"{"a":1,"a":2}"#, "a", "1,2", true, false),
            (r#"{"a":null,"a":null}"#, "a", "-,-", true, false),
            (r#"{"a":null,"a":[]}"#, "a", "-", true, false),
            (r#"{"a":{"b":1}}"#, "a", "-", true, false),
            (r#"{"a":{"b":1}}"#, "a.b", "1", true, false),
            (r#"{"a":{"b":null}}"#, "a.b", "-", true, true),
            (r#"{"a":null}"#, "a.b", "", false, true),
            (r#"{"a":"x"}"#, "a.b", "", false, true),
            (r#"{"a":{"b":1},"a":{"b":2}}"#, "a.b", "1,2", true, false),
            (r#"{"a":{"b":null},"a":{"c":2}}"#, "a.b", "-", true, true),
            (r#"{"a.b":1,"a":{"b":2}}"#, "a.b", "1", true, false),
            (r#"{"a.b":null,"a":{"b":2}}"#, "a.b", "-", true, true),
            (r#"{"a":[{"b":1},{"c":2},[{"b":[3,4]}]]}"#, "a.b", "1,3,4", true, false),
            (r#"{"a":[{"b":null}]}"#, "a.b", "-", true, false),
            (r#"{"a":[{"c":null}]}"#, "a.b", "", false, true),
            (r#"{"a":[]}"#, "a.b", "", false, true),
            (r#"{"a":{"":{"b":1}}}"#, "a..b", "1", true, false),
            (r#"{"a.b":{"c":1}}"#, "a.b.c", "", false, true),
            (r#"{"":1}"#, "", "1", true, false),
            (r#"[{"a":1}]"#, "a", "", false, true),
        ] {
            assert_eq!(look(json, name), (values.into(), present, is_null), "{name} in {json}");
        }
    }

    #[test]
    fn leaves_are_all_texts_and_no_keys() {
        let event =
            from_json(br#"{"k":"a","o":{"n":1.0,"l":[true,null,["b",{}]]},"k":""}"#).unwrap();
        let found = leaves(&event);
        let texts: Vec<_> = found.values.iter().map(|value| value.text().unwrap()).collect();
        assert_eq!(texts, [&b"a"[..], b"1", b"true", b"b", b""]);
    }
}
