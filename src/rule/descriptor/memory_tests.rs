//! What sources remember of earlier events changes nothing: buffers that have seen all kinds of
//! events show each event as buffers do that have seen none.

use serde_json::{Value as Json, json};

use super::built_in;
use super::event_tests::{Bench, msgpack, read_sample, samples};
use crate::source::{Buffers, Encoding};

/// The paths of all values of a record.
fn paths(value: &Json, path: &str, found: &mut Vec<String>) {
    if !path.is_empty() {
        found.push(path.to_owned());
    }
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                paths(
                    member,
                    &format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                paths(item, &format!("{path}/{at}"), found);
            }
        }
        _ => {}
    }
}

/// The record, and others that differ in one value each.
fn variants(record: &Json) -> Vec<Json> {
    let mut found = Vec::new();
    paths(record, "", &mut found);
    let mut variants = vec![record.clone()];
    let values =
        [json!(null), json!(""), json!(4688), json!("other"), json!(["a", null]), json!({})];
    for (number, path) in found.iter().enumerate() {
        // Each value is replaced by two others, and by none.
        for value in [&values[number % 6], &values[(number / 6 + 3) % 6]] {
            let mut variant = record.clone();
            *variant.pointer_mut(path).unwrap() = value.clone();
            variants.push(variant);
        }
        let (parent, name) = path.rsplit_once('/').unwrap();
        let mut variant = record.clone();
        let holder =
            if parent.is_empty() { Some(&mut variant) } else { variant.pointer_mut(parent) };
        if let Some(Json::Object(members)) = holder
            && members.remove(&name.replace("~1", "/").replace("~0", "~")).is_some()
        {
            variants.push(variant);
        }
    }
    variants
}

#[test]
fn what_is_remembered_changes_nothing() {
    let bench = Bench::new(&built_in(), &[]);
    let variants: Vec<Vec<Json>> =
        samples().iter().map(|path| variants(&read_sample(path))).collect();
    let compare = |record: &Json, times: usize, warm: &mut Buffers| {
        for (bytes, encoding) in [
            (msgpack(record), Encoding::Msgpack),
            (record.to_string().into_bytes(), Encoding::Json),
        ] {
            let expected = bench.run_with(&bytes, encoding, &mut bench.buffers());
            for _ in 0..times {
                assert_eq!(bench.run_with(&bytes, encoding, warm), expected, "{record}");
            }
        }
    };
    // Often enough to be remembered, and met again. What is learned first depends on the order.
    let mut warm = bench.buffers();
    variants.iter().flatten().for_each(|record| compare(record, 3, &mut warm));
    for at in 0..40 {
        let row = variants.iter().filter_map(|list| list.get(at));
        row.for_each(|record| compare(record, 1, &mut warm));
    }
    let mut warm = bench.buffers();
    variants.iter().flatten().rev().for_each(|record| compare(record, 3, &mut warm));
}

#[test]
fn a_field_that_some_events_of_a_kind_have_is_computed_where_it_can_be() {
    // The account is in `host`, and decides whether there is a user.
    let bench = Bench::new(&built_in(), &[]);
    let mut warm = bench.buffers();
    let mut user = |host: &str| {
        let record = json!({
            "category": "MySqlSlowLogs",
            "properties": {"host": host, "sql_text": "SELECT 1"},
        });
        let (seen, _) = bench.run_with(&msgpack(&record), Encoding::Msgpack, &mut warm).unwrap();
        seen[0].text("user")
    };
    for _ in 0..3 {
        assert_eq!(user("web-1"), None);
    }
    for _ in 0..3 {
        assert_eq!(user("app[app] @  [203.0.113.9]").as_deref(), Some("app"));
        assert_eq!(user("web-1"), None);
    }
}
