//! Recorded events of Windows in the shape of every shipper: the same rules match.
//!
//! `SIGMATAG_CORPUS` names the unpacked corpus; without it the test says what it left out.
#![cfg(feature = "compile")]

mod common;

use serde_json::{Map, Value, json};
use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Fields of an event's head in the corpus; the others are its data, in the order of its template.
const HEAD: [&str; 15] = [
    "Provider_Name",
    "Provider_Guid",
    "EventID",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated_SystemTime",
    "EventRecordID",
    "Execution_ProcessID",
    "Execution_ThreadID",
    "Channel",
    "Computer",
    "Security_UserID",
];

/// Members of an object in the order they stand, which `serde_json::Map` does not keep.
fn in_order(line: &str) -> Vec<(String, Value)> {
    struct Members;
    impl<'de> serde::de::Visitor<'de> for Members {
        type Value = Vec<(String, Value)>;
        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(line);
    serde::Deserializer::deserialize_map(&mut reader, Members).expect("an object")
}

/// One event as the shippers write it.
fn shapes(line: &str) -> Vec<(&'static str, Value)> {
    let (head, data): (Vec<_>, Vec<_>) =
        in_order(line).into_iter().partition(|(name, _)| HEAD.contains(&name.as_str()));
    let head: Map<String, Value> = head.into_iter().collect();
    let of = |name: &str| head[name].clone();
    let texts = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members: Map<String, Value> = data.iter().cloned().collect();
    let as_texts: Map<String, Value> =
        data.iter().map(|(name, value)| (name.clone(), texts(value).into())).collect();
    let winevtlog = |name: &str, values: Value| {
        json!({
            "ProviderName": of("Provider_Name"), "ProviderGuid": of("Provider_Guid"),
            "EventID": of("EventID"), "Version": of("Version"), "Level": of("Level"),
            "Task": of("Task"), "Opcode": of("Opcode"), "Keywords": of("Keywords"),
            "EventRecordID": of("EventRecordID"), "ProcessID": of("Execution_ProcessID"),
            "ThreadID": of("Execution_ThreadID"), "Channel": of("Channel"),
            "Computer": of("Computer"), "UserID": of("Security_UserID"), name: values,
        })
    };
    let list: Vec<Value> = data.iter().map(|(_, value)| value.clone()).collect();
    let mut nxlog = as_texts.clone();
    nxlog.extend(
        json!({
            "Hostname": of("Computer"), "EventID": of("EventID"),
            "SourceName": of("Provider_Name"), "Channel": of("Channel"), "SeverityValue": 2,
        })
        .as_object()
        .cloned()
        .into_iter()
        .flatten(),
    );
    let id = texts(&of("EventID"));
    let winlogbeat = json!({
        "event": {"code": id, "provider": of("Provider_Name"), "kind": "event"},
        "host": {"name": of("Computer")},
        "winlog": {
            "channel": of("Channel"), "event_id": id, "provider_name": of("Provider_Name"),
            "computer_name": of("Computer"), "event_data": as_texts,
        },
    });
    let evtx = json!({"Event": {
        "System": {
            "Provider": {"#attributes": {"Name": of("Provider_Name")}},
            "EventID": of("EventID"), "Level": of("Level"), "Keywords": of("Keywords"),
            "Channel": of("Channel"), "Computer": of("Computer"),
        },
        "EventData": members,
    }});
    let inserts = winevtlog("StringInserts", list.into());
    vec![
        ("winevtlog as text", json!({"log": inserts.to_string()})),
        ("winevtlog", inserts),
        ("winevtlog-map", winevtlog("EventData", members.into())),
        ("windows-nxlog", nxlog.into()),
        ("winlogbeat", winlogbeat),
        ("windows-evtx", evtx),
    ]
}

#[test]
fn the_same_rules_match_in_every_shape() {
    let Some(corpus) = common::corpus("shapes of Windows events") else { return };
    let collection = load_paths(&[corpus.join("rules.d")], &Placeholders::new()).collection;
    let options = Options { sources: built_in(), ..Options::default() };
    let file = compile::compile(&collection, &options).unwrap_or_else(|e| panic!("{e:?}"));
    let rules = Arc::new(RuleSet::from_bytes(&file.bytes).unwrap_or_else(|e| panic!("{e}")));
    let engine = Engine::new(rules, EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let mut found = |data: &str| -> BTreeSet<String> {
        scratch.match_event(&engine, &Event::new(Format::Json, data.as_bytes())).expect("an event");
        let rules = scratch.rules();
        scratch.hits().iter().map(|hit| rules.rule(hit.rule).unwrap().id.to_owned()).collect()
    };
    let text = common::gunzip(&corpus.join("windows_events_5k.jsonl.gz"));
    let mut matches: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        let expected = found(line);
        for (shape, record) in shapes(line) {
            let record = record.to_string();
            let found = found(&record);
            assert!(
                found == expected,
                "{shape}: only flat {:?}, only here {:?}\n{record}\n{line}",
                expected.difference(&found).collect::<Vec<_>>(),
                found.difference(&expected).collect::<Vec<_>>(),
            );
            *matches.entry(shape).or_default() += found.len();
        }
    }
    println!("{matches:?}");
    assert!(matches.len() == 6 && matches.values().all(|count| *count > 40), "{matches:?}");
}
