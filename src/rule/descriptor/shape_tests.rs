//! Lifted objects, names by position, variants and conditions, on small sources of their own.

use serde_json::json;

use super::event_tests::{Bench, descriptors};
use crate::source::{Breakage, Encoding};

const SOURCE: &str = "
mapping: numbers
fields: {Number: [Number, meta.id, id]}
lift: [data, more]
positions:
- {path: list, when: {all: [{path: Number, is: 1}]}, names: [Image, '-', User]}
- {path: list, when: {all: [{path: Number, is: 1}]}, names: [Image, User]}
- {path: list, when: {all: [{path: Number, is: 2}, {path: Level, is: low}]}, names: [Kind]}
variants:
- when: {all: [{path: Number, is: 3}]}
  fields: {Image: NewName}
logsources:
- {product: p, category: '-', service: s, when: {all: [{path: Number, is: 1}]}}
- {product: p, category: c, when: {all: [{path: Kind, is: file}]}}
- {product: p, category: d, when: {all: [{path: Number, is: 4}]}}
- {product: p, category: e, when: {all: [{path: Number, is: 5}]}}
- {product: p, otherwise: true}
---
source: first
title: First
use: numbers
when: {all: [{path: first, exists: true}]}
fields: {Level: severity}
---
source: second
title: Second
use: [numbers]
when: {all: [{path: second, exists: true}]}
derive:
  Kind: {decoder: lookup, from: Number, values: {4: four, \"\": none}, default: other}
";

const FIELDS: [&str; 7] = ["Image", "User", "Kind", "Level", "NewName", "Number", "data.Image"];

fn bench() -> Bench {
    Bench::new(&descriptors(SOURCE), &FIELDS)
}

fn field(bench: &Bench, record: serde_json::Value, name: &str) -> Option<String> {
    bench.both(&record).0[0].text(name)
}

#[test]
fn members_of_lifted_objects_are_fields() {
    let bench = bench();
    let get = |record, name| field(&bench, record, name);
    let record = json!({"first": 1, "data": {"Image": "a"}, "more": {"Image": "b", "User": "u"}});
    assert_eq!(get(record.clone(), "Image").as_deref(), Some("a"), "the first object has it");
    assert_eq!(get(record.clone(), "data.Image").as_deref(), Some("a"), "its path stays");
    assert_eq!(get(record, "User").as_deref(), Some("u"));
    let record = json!({"first": 1, "Image": "raw", "data": {"Image": ["x", "y"]}});
    assert_eq!(get(record, "Image").as_deref(), Some("x|y"), "in front of a raw key");
    let record = json!({"first": 1, "severity": "low", "data": {"Level": "high"}});
    assert_eq!(get(record, "Level").as_deref(), Some("low"), "a field that is named is not lifted");
    let record = json!({"other": 1, "data": {"Image": "a"}});
    assert_eq!(get(record, "Image"), None, "only in events of the source");
}

#[test]
fn elements_have_names_where_their_number_fits() {
    let bench = bench();
    let get = |record: &serde_json::Value, name| field(&bench, record.clone(), name);
    let three = json!({"first": 1, "Number": 1, "list": ["i", "x", null]});
    assert_eq!(get(&three, "Image").as_deref(), Some("i"));
    assert_eq!(get(&three, "User").as_deref(), Some("NullElement"));
    let two = json!({"first": 1, "id": "1", "list": ["i", "u"]});
    assert_eq!(get(&two, "User").as_deref(), Some("u"));
    let lifted = json!({"first": 1, "Number": 2, "severity": "LOW", "list": "file"});
    assert_eq!(get(&lifted, "Kind").as_deref(), Some("file"));
    assert_eq!(bench.both(&lifted).0[0].logsources, ["p/c/"], "conditions see names by position");
    let meant_otherwise = json!({"first": 1, "Number": 2, "severity": "high", "list": ["file"]});
    assert_eq!(get(&meant_otherwise, "Kind"), None);
}

#[test]
fn a_number_of_elements_that_fits_nothing_is_reported() {
    let bench = bench();
    let mut buffers = bench.buffers();
    let mut broken = |record: serde_json::Value| {
        let text = record.to_string();
        let (seen, _) = bench.run_with(text.as_bytes(), Encoding::Json, &mut buffers).unwrap();
        let found = buffers.broken().iter().map(|item| (item.source, item.breakage));
        (seen.len(), found.collect::<Vec<_>>())
    };
    let positions = |source| vec![(Some(source), Breakage::Positions)];
    assert_eq!(broken(json!({"first": 1, "Number": 1, "list": ["i"]})), (1, positions(0)));
    assert_eq!(broken(json!({"second": 1, "Number": 1, "list": [1, 2, 3, 4]})), (1, positions(1)));
    assert_eq!(broken(json!({"first": 1, "Number": 1, "list": ["i", "u"]})), (1, vec![]));
    assert_eq!(broken(json!({"first": 1, "Number": 9, "list": ["i"]})), (1, vec![]));
    assert_eq!(broken(json!({"first": 1, "Number": 1})), (1, vec![]));
    let cut = json!({"message": "{\"first\": 1, \"a\": "});
    assert_eq!(broken(cut), (1, vec![]), "no source has a payload there");
}

#[test]
fn variants_rename_where_they_hold() {
    let bench = bench();
    let swapped = json!({"first": 1, "Number": 3, "Image": "old", "data": {"NewName": "new"}});
    assert_eq!(field(&bench, swapped.clone(), "Image").as_deref(), Some("new"));
    let plain = json!({"first": 1, "Number": 6, "Image": "old", "data": {"NewName": "new"}});
    assert_eq!(field(&bench, plain, "Image").as_deref(), Some("old"));
}

#[test]
fn logsources_follow_conditions_and_the_last_resort() {
    let bench = bench();
    let routed = |record: serde_json::Value| bench.both(&record).0[0].logsources.join(" ");
    // Often enough that remembered verdicts are used, with values in between that are not.
    for round in 0..3 {
        for number in 0..200 {
            let expected = match number {
                1 => "p/-/s",
                4 => "p/d/",
                5 => "p/e/",
                _ => "p//",
            };
            let record = json!({"first": 1, "meta": {"id": number}});
            assert_eq!(routed(record), expected, "{round} {number}");
            let long = json!({"first": 1, "Number": ["x".repeat(number), number.to_string()]});
            assert_eq!(routed(long), expected, "{round} {number} and a long value");
        }
    }
    let both = json!({"first": 1, "Number": [1, 4]});
    assert_eq!(routed(both), "p/-/s p/d/");
    assert_eq!(routed(json!({"first": 1, "Number": null})), "p//");
    assert_eq!(routed(json!({"first": 1, "Number": ""})), "p//");
}

#[test]
fn lookups_have_rows_and_a_default() {
    let bench = bench();
    let kind =
        |number: serde_json::Value| field(&bench, json!({"second": 1, "Number": number}), "Kind");
    assert_eq!(kind(json!(4)).as_deref(), Some("four"));
    assert_eq!(kind(json!("4")).as_deref(), Some("four"));
    assert_eq!(kind(json!("")).as_deref(), Some("none"));
    assert_eq!(kind(json!("x")).as_deref(), Some("other"));
    assert_eq!(kind(json!(["4", "y"])).as_deref(), Some("four|other"));
    assert_eq!(kind(json!(null)), None);
}

#[test]
fn an_event_that_two_paths_lead_to_is_one() {
    let own = "
source: own
title: Own
logsources: [{product: p}]
payload:
- {path: payload.log, encoding: native}
- {path: payload.log, encoding: json}
- {path: message.deep.log, encoding: native}
- {path: aside.log, encoding: native}
when: {all: [{path: own, exists: true}]}
";
    let mut sources = descriptors(own);
    sources.extend(super::built_in());
    let bench = Bench::new(&sources, &["own"]);
    let event = json!({"own": 1});
    let text = event.to_string();
    for record in [
        json!({"payload": {"log": event}}),
        json!({"payload": {"log": [event]}}),
        json!({"payload": {"log": text, "x": "\\"}}),
        json!({"message": {"deep": {"log": event}}}),
        json!({"aside": {"log": event}}),
        json!({"log": {"payload": {"log": event}}}),
    ] {
        let (seen, outcome) = bench.both(&record);
        assert_eq!((outcome.events, outcome.recognised), (1, 1), "{record}");
        assert_eq!(seen[0].text("own").as_deref(), Some("1"), "{record}");
    }
}
