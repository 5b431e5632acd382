//! What every host has to make of the common events, made by the engine from Rust, judged by the
//! reference evaluator, and compared with `tests/data/hosts/tagged.golden`.

use super::events::{Generated, generate};
use super::root;
use crate::recorded::{compatible, normalised};
use serde_json::Value as Json;
use sigmatag::compile::{self, Options as CompileOptions};
use sigmatag::engine::{Engine, Event, Format, MatchError, Options, Scratch, Tagging};
use sigmatag::reference::Reference;
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use sigmatag::source::{Buffers, Encoding, for_each_event, list};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The golden file.
pub const GOLDEN: &str = "tests/data/hosts/tagged.golden";
/// The rules.
pub const RULES: &str = "tests/hosts/rules.yml";

/// The rules, compiled.
pub struct Rules {
    collection: Collection,
    /// The file that hosts are given.
    pub file: Vec<u8>,
    set: Arc<RuleSet>,
}

impl Rules {
    pub fn compiled() -> Rules {
        let loaded = load_paths(&[root().join(RULES)], &Placeholders::new());
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let options = CompileOptions { sources: built_in(), ..CompileOptions::default() };
        let file = compile::compile(&loaded.collection, &options).expect("the rules compile").bytes;
        let set = Arc::new(RuleSet::from_bytes(&file).expect("the rules verify"));
        Rules { collection: loaded.collection, file, set }
    }

    /// The index in the collection of a rule of the set.
    fn number(&self, id: &str) -> usize {
        let is_it = |rule: &sigmatag::rule::ast::Rule| rule.meta.id.as_deref() == Some(id);
        self.collection.rules.iter().position(is_it).expect("a rule of the collection")
    }
}

/// An event, and what it has to become.
pub struct Expected {
    pub event: Generated,
    /// Its tag as JSON text; `None` if it goes on as it is.
    pub tag: Option<String>,
    pub json: Vec<u8>,
    pub msgpack: Vec<u8>,
}

/// What the engine makes of the events.
pub fn expect(rules: &Rules) -> Vec<Expected> {
    let engine = Engine::new(Arc::clone(&rules.set), Options::default());
    let mut scratch = Scratch::new(&engine);
    let mut tagged = |format: Format, data: &[u8], is_cut: bool| -> Option<Vec<u8>> {
        let event = Event::new(format, data);
        match scratch.tag_prepare(&engine, &event, &Tagging::default()) {
            Ok(plan) => {
                let mut out = vec![0; plan.0?];
                let written = scratch.tag_write(data, &mut out).expect("a plan");
                assert_eq!(written, out.len());
                Some(out)
            }
            Err(MatchError::Malformed { .. }) if is_cut => None,
            Err(error) => panic!("{error}: {}", data.escape_ascii()),
        }
    };
    generate()
        .into_iter()
        .map(|event| {
            let json = tagged(Format::Json, &event.json, event.is_cut);
            let msgpack = tagged(Format::Msgpack, &event.msgpack, event.is_cut);
            assert_eq!(json.is_some(), msgpack.is_some(), "{}", event.json.escape_ascii());
            let tag = json.as_deref().map(tag_of);
            Expected {
                tag,
                json: json.unwrap_or_else(|| event.json.clone()),
                msgpack: msgpack.unwrap_or_else(|| event.msgpack.clone()),
                event,
            }
        })
        .collect()
}

/// The tag in a tagged JSON record: it is the last member.
fn tag_of(record: &[u8]) -> String {
    const KEY: &[u8] = b",\"sigma\":";
    let at = record.windows(KEY.len()).rposition(|window| window == KEY).expect("a tag");
    let tag = record[at + KEY.len()..].strip_suffix(b"}").expect("the end of the record");
    let tag = String::from_utf8(tag.to_vec()).expect("UTF-8");
    let value: Json = serde_json::from_str(&tag).expect("a tag is JSON");
    assert!(value["rules"].is_array(), "{tag}");
    tag
}

/// The golden text: a line for each event. The rule set's hash hangs on the compiler, so it is left
/// out.
pub fn golden(all: &[Expected]) -> String {
    let mut text =
        "# number, checksums of the event as JSON and msgpack, where it comes from; and \
                    its tag, or -\n"
            .to_owned();
    for (number, expected) in all.iter().enumerate() {
        let Generated { kind, json, msgpack, .. } = &expected.event;
        let tag = expected.tag.as_deref().map_or("-".to_owned(), without_hash);
        let (json, msgpack) = (checksum(json), checksum(msgpack));
        text += &format!("{number}\t{json:08x}\t{msgpack:08x}\t{kind}\t{tag}\n");
    }
    text
}

/// A tag whose rule set is not named.
pub fn without_hash(tag: &str) -> String {
    const KEY: &str = "\"ruleset\":\"";
    let at = tag.find(KEY).expect("the rule set") + KEY.len();
    format!("{}*{}", &tag[..at], &tag[at + 16..])
}

/// FNV-1a: tells events apart, no more.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Asks the reference which rules match which event of each record, and compares.
pub fn judge(rules: &Rules, all: &[Expected]) {
    let reference = Reference::new(&rules.collection).expect("rules");
    let tables = rules.set.tables();
    let names: Vec<&str> =
        (0..tables.fields.len() as u32).map(|field| rules.set.field_name(field)).collect();
    let mut buffers = Buffers::new(&tables.sources, names.len(), true);
    let mut matched = BTreeSet::new();
    for (number, expected) in all.iter().enumerate().filter(|(_, each)| !each.event.is_cut) {
        let data = &expected.event.msgpack;
        let mut right = BTreeSet::new();
        for_each_event(
            data,
            Encoding::Msgpack,
            &tables.sources,
            &tables.keys,
            &mut buffers,
            |event| {
                let value = normalised(&list(&event.view, &names));
                let own: Vec<[&str; 3]> =
                    event.logsources.iter().map(|&id| rules.set.logsource(id)).collect();
                for rule in (0..).take(rules.set.rule_count() as usize) {
                    let info = rules.set.rule(rule).expect("a rule");
                    let at = rules.number(info.id);
                    let source = &rules.collection.rules[at].logsource;
                    let asked = [&source.product, &source.category, &source.service]
                        .map(|part| part.as_deref().unwrap_or_default());
                    if compatible(asked, &own) && reference.matches(at, &value) {
                        right.insert((info.id.to_owned(), event.index));
                    }
                }
            },
        )
        .expect("an event");
        let found = in_tag(expected.tag.as_deref());
        assert_eq!(found, right, "event {number}: {}", expected.event.json.escape_ascii());
        matched.extend(right.into_iter().map(|(id, _)| id));
    }
    assert_eq!(matched.len(), rules.collection.rules.len(), "each rule matches something");
}

/// Rule and event of each entry of a tag.
fn in_tag(tag: Option<&str>) -> BTreeSet<(String, u32)> {
    let Some(tag) = tag else { return BTreeSet::new() };
    let value: Json = serde_json::from_str(tag).expect("JSON");
    let entries = value["rules"].as_array().expect("rules");
    let found: BTreeSet<(String, u32)> = entries
        .iter()
        .map(|entry| {
            let id = entry["id"].as_str().expect("an id").to_owned();
            (id, entry["event"].as_u64().unwrap_or(0) as u32)
        })
        .collect();
    assert_eq!(found.len(), entries.len(), "an entry occurs twice: {tag}");
    found
}

/// That a tagged record is the event and its tag: the same bytes in JSON, the same values in msgpack.
pub fn check_splices(all: &[Expected]) {
    for Expected { event, tag, json, msgpack } in all {
        let Some(tag) = tag else {
            assert_eq!((json, msgpack), (&event.json, &event.msgpack));
            continue;
        };
        let is_planted = event.json.windows(8).any(|window| window == b"\"sigma\":");
        if !is_planted {
            let body = event.json.strip_suffix(b"}").expect("an object");
            let whole = [body, b",\"sigma\":", tag.as_bytes(), b"}"].concat();
            assert_eq!(json, &whole, "{}", json.escape_ascii());
        }
        let [mut before, mut after] = [&event.msgpack, msgpack].map(|data| {
            let value = rmpv::decode::read_value(&mut &data[..]).expect("msgpack");
            let rmpv::Value::Map(members) = value else { panic!("no map") };
            members
        });
        let (_, own) = after.pop().expect("the tag");
        before.retain(|(key, _)| key.as_str() != Some("sigma"));
        assert_eq!(before, after, "{}", json.escape_ascii());
        let tag: Json = serde_json::from_str(tag).expect("JSON");
        assert_eq!(as_json(&own), tag);
    }
}

fn as_json(value: &rmpv::Value) -> Json {
    match value {
        rmpv::Value::Map(members) => Json::Object(
            members
                .iter()
                .map(|(key, value)| (key.as_str().expect("a name").to_owned(), as_json(value)))
                .collect(),
        ),
        rmpv::Value::Array(items) => items.iter().map(as_json).collect(),
        rmpv::Value::Integer(number) => number.as_u64().expect("a number").into(),
        rmpv::Value::String(text) => text.as_str().expect("UTF-8").into(),
        other => panic!("{other} in a tag"),
    }
}
