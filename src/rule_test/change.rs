//! One value of a record set or removed.

use serde_json::Value;

/// Sets the value at a path. The path's last key may be new; the value must differ.
pub fn set(record: &mut Value, path: &str, value: Value) -> Result<(), String> {
    edit(record, path, &mut |parent, key| match parent {
        Value::Array(items) => {
            let item = index(items.len(), key)?;
            replace(&mut items[item], &value, path)
        }
        Value::Object(map) => match map.get_mut(key) {
            Some(old) => replace(old, &value, path),
            None => {
                map.insert(key.to_owned(), value.clone());
                Ok(())
            }
        },
        _ => Err(format!("`{path}`: there is no object to put `{key}` into")),
    })
}

fn replace(old: &mut Value, value: &Value, path: &str) -> Result<(), String> {
    if old == value {
        return Err(format!("`{path}` is {value} already: the case changes nothing"));
    }
    *old = value.clone();
    Ok(())
}

/// Removes the value at a path.
pub fn remove(record: &mut Value, path: &str) -> Result<(), String> {
    edit(record, path, &mut |parent, key| match parent {
        Value::Array(items) => {
            items.remove(index(items.len(), key)?);
            Ok(())
        }
        Value::Object(map) => {
            map.remove(key).map(|_| ()).ok_or_else(|| format!("`{path}`: there is no `{key}`"))
        }
        _ => Err(format!("`{path}`: there is no `{key}`")),
    })
}

fn index(len: usize, key: &str) -> Result<usize, String> {
    key.parse()
        .ok()
        .filter(|index| *index < len)
        .ok_or_else(|| format!("the array has no element `{key}`"))
}

type Edit<'e> = &'e mut dyn FnMut(&mut Value, &str) -> Result<(), String>;

/// Walks to the parent of the last key. A path is short, so is the recursion.
fn edit(at: &mut Value, path: &str, last: Edit<'_>) -> Result<(), String> {
    let is_key = |at: &Value, key: &str| at.as_object().is_some_and(|map| map.contains_key(key));
    if is_key(at, path) || !path.contains('.') {
        return last(at, path);
    }
    // The longest first part that is a key: keys may have dots.
    let cuts = path.match_indices('.').map(|(cut, _)| cut).rev();
    let cut = cuts.into_iter().find(|cut| is_key(at, &path[..*cut]));
    let cut = cut.or_else(|| path.find('.')).unwrap_or(path.len());
    let (key, rest) = (&path[..cut], &path[cut + 1..]);
    let below = match at {
        Value::Array(items) => {
            let item = index(items.len(), key)?;
            &mut items[item]
        }
        Value::Object(map) => map.get_mut(key).ok_or_else(|| format!("there is no `{key}`"))?,
        _ => return Err(format!("there is no `{key}`")),
    };
    let Value::String(text) = below else { return edit(below, rest, last) };
    // An event that travels as text.
    let mut inner: Value = serde_json::from_str(text)
        .ok()
        .filter(|inner: &Value| inner.is_object() || inner.is_array())
        .ok_or_else(|| format!("`{key}` is neither an object nor the text of one"))?;
    edit(&mut inner, rest, last)?;
    *text = inner.to_string();
    Ok(())
}

/// The paths of the values that differ.
pub fn differences(a: &Value, b: &Value, path: String, out: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                differences(value, b.get(key).unwrap_or(&Value::Null), below(key), out);
            }
            out.extend(b.keys().filter(|key| !a.contains_key(*key)).map(|key| below(key)));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, below(&at.to_string()), out);
            }
        }
        (Value::String(one), Value::String(other)) if one != other => {
            let object =
                |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
            match (object(one), object(other)) {
                (Some(one), Some(other)) => differences(&one, &other, path, out),
                _ => out.push(path),
            }
        }
        _ if a == b => {}
        _ => out.push(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_through_arrays_texts_and_keys_with_dots() {
        let text = json!({"properties": {"ip": "192.0.2.1"}}).to_string();
        let record = json!({"records": [{"a": 1}], "message": text, "event.id": {"x": 1}, "b": 1});
        for (path, value, at) in [
            ("records.0.a", json!(2), "/records/0/a"),
            ("event.id.x", json!(null), "/event.id/x"),
            ("b", json!({"c": 1}), "/b"),
            ("new", json!(1), "/new"),
        ] {
            let mut changed = record.clone();
            set(&mut changed, path, value.clone()).expect("a path");
            assert_eq!(changed.pointer(at), Some(&value), "{path}");
            assert_eq!(differences_of(&record, &changed).len(), 1);
        }
        let mut changed = record.clone();
        set(&mut changed, "message.properties.ip", json!("x")).expect("a path");
        assert_eq!(changed["message"], r#"{"properties":{"ip":"x"}}"#);
        assert_eq!(differences_of(&record, &changed), ["message.properties.ip"]);
        remove(&mut changed, "message.properties.ip").expect("a path");
        assert_eq!(changed["message"], r#"{"properties":{}}"#);
        remove(&mut changed, "records.0").expect("a path");
        assert_eq!(changed["records"], json!([]));
        assert!(set(&mut changed, "b.c", json!(1)).is_err());
        assert!(remove(&mut changed, "records.0").is_err());
    }

    fn differences_of(a: &Value, b: &Value) -> Vec<String> {
        let mut out = Vec::new();
        differences(a, b, String::new(), &mut out);
        out
    }
}
