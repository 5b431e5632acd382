//! The built-in sources on records of every form, against golden files (`SIGMATAG_BLESS=1`
//! rewrites them), and what stays true on hostile records.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use families::FAMILIES;

use super::{Descriptor, Probe, built_in, read};
use crate::event::keys::KeyTable;
use crate::rule::ast::LogSource;
use crate::source::{
    Buffers, Encoding, ListedValue, Listing, Outcome, SourceTables, for_each_event, list,
};

#[path = "../../../tests/common/families.rs"]
mod families;

/// Sources ready to run.
pub(super) struct Bench {
    names: Vec<String>,
    logsources: Vec<LogSource>,
    tables: SourceTables,
    keys: KeyTable,
}

/// What one event looked like.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    index: u32,
    source: Option<String>,
    pub logsources: Vec<String>,
    pub listing: Listing,
}

impl Seen {
    pub fn text(&self, field: &str) -> Option<String> {
        let (_, values) = self.listing.fields.iter().find(|(name, _)| name == field)?;
        Some(values.iter().map(text).collect::<Vec<_>>().join("|"))
    }
}

fn text(value: &ListedValue) -> String {
    match value {
        ListedValue::Str(bytes) | ListedValue::BigNumber(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        ListedValue::Int(number) => number.to_string(),
        ListedValue::Uint(number) => number.to_string(),
        ListedValue::Float(number) => number.to_string(),
        ListedValue::Bool(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

impl Bench {
    /// `referenced`: what rules name; empty: every canonical and derived field.
    pub fn new(descriptors: &[Descriptor], referenced: &[&str]) -> Bench {
        let referenced: Vec<String> = if referenced.is_empty() {
            names_of(descriptors)
        } else {
            referenced.iter().map(|name| (*name).to_owned()).collect()
        };
        let Probe { names, logsources, tables, keys, .. } = Probe::new(descriptors, &referenced);
        Bench { names, logsources, tables, keys }
    }

    pub fn built_in() -> Bench {
        Bench::new(&built_in(), &[])
    }

    pub fn buffers(&self) -> Buffers {
        Buffers::new(&self.tables, self.names.len(), true)
    }

    fn run(&self, record: &[u8], encoding: Encoding) -> Option<(Vec<Seen>, Outcome)> {
        self.run_with(record, encoding, &mut self.buffers())
    }

    pub fn run_with(
        &self,
        record: &[u8],
        encoding: Encoding,
        buffers: &mut Buffers,
    ) -> Option<(Vec<Seen>, Outcome)> {
        let mut seen = Vec::new();
        let outcome =
            for_each_event(record, encoding, &self.tables, &self.keys, buffers, |event| {
                let logsource = |id: &u32| {
                    let LogSource { product, category, service } = &self.logsources[*id as usize];
                    [product, category, service].map(|part| part.as_deref().unwrap_or("")).join("/")
                };
                seen.push(Seen {
                    index: event.index,
                    source: event.source.map(|source| self.tables.name(source).to_owned()),
                    logsources: event.logsources.iter().map(logsource).collect(),
                    listing: list(&event.view, &self.names),
                });
            })
            .ok()?;
        Some((seen, outcome))
    }

    /// Runs a record as JSON and as msgpack; both must look the same.
    pub fn both(&self, record: &Json) -> (Vec<Seen>, Outcome) {
        let seen = self.run(record.to_string().as_bytes(), Encoding::Json).unwrap();
        let packed = self.run(&msgpack(record), Encoding::Msgpack).unwrap();
        assert_eq!(seen, packed, "JSON and msgpack differ");
        seen
    }
}

pub(super) fn msgpack(record: &Json) -> Vec<u8> {
    fn convert(value: &Json) -> rmpv::Value {
        match value {
            Json::Null => rmpv::Value::Nil,
            Json::Bool(value) => (*value).into(),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => number.into(),
                (None, Some(number)) => number.into(),
                (None, None) => rmpv::Value::Nil,
            },
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => rmpv::Value::Array(items.iter().map(convert).collect()),
            Json::Object(members) => rmpv::Value::Map(
                members.iter().map(|(key, value)| (key.as_str().into(), convert(value))).collect(),
            ),
        }
    }
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &convert(record)).unwrap();
    bytes
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn descriptors(text: &str) -> Vec<Descriptor> {
    let mut diagnostics = Vec::new();
    let descriptors = read(&"test.yml".into(), text, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    descriptors
}

/// Every name that these sources give a field.
fn names_of(descriptors: &[Descriptor]) -> Vec<String> {
    let names: BTreeSet<&str> = descriptors.iter().flat_map(Descriptor::names).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The canonical fields of events, for golden files.
fn golden(seen: &[Seen], outcome: Outcome) -> Json {
    let names = names_of(&built_in());
    let events: Vec<Json> = seen
        .iter()
        .map(|event| {
            let fields: serde_json::Map<String, Json> = names
                .iter()
                .filter_map(|name| Some((name.clone(), Json::String(event.text(name)?))))
                .collect();
            json!({
                "event": event.index,
                "source": event.source,
                "logsources": event.logsources,
                "fields": fields,
                "leaves": event.listing.leaves.len(),
            })
        })
        .collect();
    json!({ "events": events, "malformed_payloads": outcome.malformed_payloads })
}

pub(super) fn samples() -> Vec<PathBuf> {
    let is_sample = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut samples = Vec::new();
    for family in FAMILIES {
        let folder = fs::read_dir(root().join("tests/data").join(family)).unwrap();
        let before = samples.len();
        samples.extend(folder.map(|entry| entry.unwrap().path()).filter(is_sample));
        assert!(samples.len() > before, "no samples in {family}");
    }
    samples.sort();
    samples
}

pub(super) fn read_sample(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn sample(name: &str) -> Json {
    read_sample(&root().join("tests/data/azure").join(name))
}

#[test]
fn samples_have_the_fields_that_their_golden_files_say() {
    let bench = Bench::built_in();
    let bless = std::env::var_os("SIGMATAG_BLESS").is_some();
    for path in samples() {
        let (seen, outcome) = bench.both(&read_sample(&path));
        let found = serde_json::to_string_pretty(&golden(&seen, outcome)).unwrap() + "\n";
        let expected: &Path = &path.with_extension("expected");
        if bless {
            fs::write(expected, &found).unwrap();
        }
        let golden = fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(golden, found, "{}", path.display());
    }
}

#[test]
fn every_wrapping_gives_the_same_event() {
    let bench = Bench::built_in();
    let event = sample("general-flexible.json");
    let plain = golden(&bench.both(&event).0, Outcome::default());
    let fields = |seen: &[Seen]| golden(seen, Outcome::default())["events"][0]["fields"].clone();
    let text = event.to_string();
    let mut split = event.clone();
    split["properties"] = Json::String(event["properties"].to_string());
    let line = json!({ "log": json!({ "message": text }).to_string(), "stream": "stdout" });
    let wrapped = [
        json!({ "message": text }),
        json!({ "log": format!("  {text}\n"), "host": "node-1" }),
        json!({ "payload": event }),
        json!({ "records": [event] }),
        json!({ "message": json!({ "records": [event] }).to_string() }),
        json!({ "message": format!("[{text}]") }),
        json!({ "message": { "records": [event] } }),
        split,
        json!({ "message": split_text(&event) }),
        line,
        json!({ "log": json!({ "message": split_text(&event) }).to_string() }),
        json!({ "log": json!({ "message": json!({ "records": [event] }).to_string() }).to_string() }),
    ];
    for record in wrapped {
        let (seen, outcome) = bench.both(&record);
        assert_eq!(outcome, Outcome { events: 1, recognised: 1, ..Outcome::default() }, "{record}");
        assert_eq!(fields(&seen), plain["events"][0]["fields"], "{record}");
        assert_eq!(seen[0].logsources, ["mysql/database/audit", "azure//mysqlauditlogs"]);
    }
}

/// The event as text with `properties` as text in it.
fn split_text(event: &Json) -> String {
    let mut split = event.clone();
    split["properties"] = Json::String(event["properties"].to_string());
    split.to_string()
}

#[test]
fn the_event_is_in_front_of_the_record_and_the_record_stays_visible() {
    let mut sources = built_in();
    sources[0].fields.retain(|field| field.name == "db");
    let bench = Bench::new(&sources, &["db", "user", "stream", "properties.user", "category"]);
    let inner = json!({"category": "MySqlAuditLogs", "properties": {"db": "shop", "user": "app"}});
    let record = json!({
        "log": inner.to_string(), "db": "raw", "stream": "stdout", "category": "outer"
    });
    let (seen, _) = bench.both(&record);
    let field = |name| seen[0].text(name);
    assert_eq!(field("db").as_deref(), Some("shop"));
    assert_eq!(field("user").as_deref(), Some("app"));
    assert_eq!(field("properties.user").as_deref(), Some("app"));
    assert_eq!(field("stream").as_deref(), Some("stdout"));
    assert_eq!(field("category").as_deref(), Some("MySqlAuditLogs"));
    let leaves: Vec<String> = seen[0].listing.leaves.iter().map(text).collect();
    assert_eq!(leaves, ["MySqlAuditLogs", "shop", "app"]);
}

#[test]
fn a_raw_key_gives_way_to_an_alias_only_where_there_is_one() {
    let bench = Bench::built_in();
    let mut event = sample("general-flexible.json");
    event["user"] = json!("fluent");
    event["table"] = json!("raw");
    let (seen, _) = bench.both(&event);
    assert_eq!(seen[0].text("user").as_deref(), Some("app"));
    assert_eq!(seen[0].text("table").as_deref(), Some("raw"));
    event["category"] = json!("Other");
    let (seen, outcome) = bench.both(&event);
    assert_eq!(outcome.unrouted, 1);
    assert_eq!(seen[0].text("user").as_deref(), Some("fluent"));
    assert_eq!(seen[0].text("sql_norm"), None);
}

#[test]
fn the_first_alias_with_a_text_wins_and_null_is_not_missing() {
    let bench = Bench::new(
        &descriptors(
            "source: s\ntitle: S\nlogsources: [{product: x}]\nwhen: {all: [{path: k, exists: true}]}\n\
             fields: {f: [a, b, c], swapped: [f]}\n",
        ),
        &["f", "swapped"],
    );
    let cases = [
        (json!({"k": 1, "a": null, "b": [], "c": "x"}), Some("x")),
        (json!({"k": 1, "a": "x", "c": "y"}), Some("x")),
        (json!({"k": 1, "a": "", "c": "y"}), Some("")),
        (json!({"k": 1, "b": null, "c": null}), Some("Null")),
        (json!({"k": 1, "b": [null], "c": 5}), Some("5")),
        (json!({"k": 1, "b": ["x", "y"]}), Some("x|y")),
        (json!({"k": 1}), None),
    ];
    for (record, expected) in cases {
        assert_eq!(bench.both(&record).0[0].text("f").as_deref(), expected, "{record}");
    }
    let (seen, _) = bench.both(&json!({"k": null, "f": "raw", "a": "alias"}));
    assert_eq!(seen[0].text("f").as_deref(), Some("alias"));
    assert_eq!(seen[0].text("swapped").as_deref(), Some("raw"), "reads the raw key");
}

#[test]
fn several_values_are_each_decoded() {
    let bench = Bench::built_in();
    let record = br#"{"category":"MySqlAuditLogs","properties":{"sql_text":"select/**/1","sql_text":"DROP  TABLE t","user":"a"}}"#;
    let (seen, _) = bench.run(record, Encoding::Json).unwrap();
    assert_eq!(seen[0].text("sql_norm").as_deref(), Some("select 1|DROP TABLE t"));
    assert_eq!(seen[0].text("sql_verb").as_deref(), Some("SELECT|DROP"));
}

#[test]
fn fields_that_no_rule_needs_are_left_out() {
    let bench = Bench::new(&built_in()[..1], &["sql_verb"]);
    let computed = |names: &[&str]| {
        names.iter().filter(|name| bench.names.iter().any(|known| known == *name)).count()
    };
    assert_eq!(computed(&["sql_verb", "sql_norm", "sql_text"]), 3);
    assert_eq!(computed(&["user", "account_user", "sql_truncated", "db", "server"]), 0);
    assert_eq!(bench.tables.derived.len(), 2);
    assert_eq!(bench.tables.fields.len(), 1);
    let (seen, _) = bench.both(&sample("general-flexible.json"));
    assert_eq!(seen[0].text("sql_verb").as_deref(), Some("SELECT"));
}

#[test]
fn every_event_of_an_envelope_is_shown_and_what_is_not_recognised_once() {
    let bench = Bench::built_in();
    let event = sample("general-flexible.json");
    let other = json!({ "category": "Heartbeat" });
    let record = json!({ "records": [event, other, event, 5, other] });
    let (seen, outcome) = bench.both(&record);
    let expected = Outcome { events: 3, recognised: 2, unrouted: 1, malformed_payloads: 0 };
    assert_eq!(outcome, expected);
    let order: Vec<(u32, bool)> =
        seen.iter().map(|event| (event.index, event.source.is_some())).collect();
    assert_eq!(order, [(0, true), (1, false), (2, true)]);
    for nothing in [json!({"records": []}), json!({"records": null}), json!({}), other] {
        let (seen, outcome) = bench.both(&nothing);
        assert_eq!((outcome.events, outcome.unrouted), (1, 1), "{nothing}");
        assert_eq!((seen[0].index, &seen[0].source), (0, &None));
    }
}

#[test]
fn a_text_that_holds_several_values_holds_several_events() {
    let bench = Bench::built_in();
    let event = sample("general-flexible.json");
    let (seen, outcome) = bench.both(&json!({ "message": format!("{event}\n{event}\n[{event}]") }));
    assert_eq!((outcome.events, outcome.recognised), (3, 3));
    assert_eq!(seen.iter().map(|event| event.index).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn what_is_cut_off_is_counted_and_the_record_is_shown() {
    let bench = Bench::built_in();
    let event = sample("general-flexible.json").to_string();
    let cut = &event[..event.len() - 3];
    let (seen, outcome) = bench.both(&json!({ "message": cut }));
    let expected = Outcome { events: 1, recognised: 0, unrouted: 1, malformed_payloads: 1 };
    assert_eq!(outcome, expected);
    assert_eq!(seen[0].listing.leaves, [ListedValue::Str(cut.as_bytes().to_vec())]);

    let envelope = format!("{{\"records\":[{event},{event}]}}");
    let (_, outcome) = bench.both(&json!({ "message": envelope[..envelope.len() - 9] }));
    assert_eq!((outcome.recognised, outcome.malformed_payloads), (0, 1));
    let array = format!("[{event},{event}]");
    let (_, outcome) = bench.both(&json!({ "message": array[..array.len() - 9] }));
    let expected = Outcome { events: 2, recognised: 1, unrouted: 1, malformed_payloads: 1 };
    assert_eq!(outcome, expected, "the elements before the cut count");

    let mut event = sample("general-flexible.json");
    let properties = event["properties"].to_string();
    event["properties"] = json!(properties[..properties.len() - 5]);
    let (seen, outcome) = bench.both(&event);
    assert_eq!((outcome.recognised, outcome.malformed_payloads), (1, 1));
    assert_eq!(seen[0].text("event_class").as_deref(), Some("general_log"));
}

#[test]
fn what_follows_an_event_in_its_text_is_not_hidden() {
    let bench = Bench::built_in();
    let event = sample("general-flexible.json");
    for behind in ["] x", ", x", "x", "} {", "\0", "[{]"] {
        let (seen, outcome) = bench.both(&json!({ "message": format!("{event}{behind}") }));
        let expected = Outcome { events: 2, recognised: 1, unrouted: 1, malformed_payloads: 1 };
        assert_eq!(outcome, expected, "{behind:?}");
        assert_eq!(seen[1].listing.leaves.len(), 1);
    }
}

#[test]
fn log_lines_with_brackets_are_not_payloads() {
    let bench = Bench::built_in();
    for line in ["[2024-01-01 10:00] started", "{not json}", "{", "[", "[1, 2]", "", "{}"] {
        let (_, outcome) = bench.both(&json!({ "message": line }));
        let expected = Outcome { events: 1, recognised: 0, unrouted: 1, malformed_payloads: 0 };
        assert_eq!(outcome, expected, "{line}");
    }
}

#[test]
fn wrappers_are_opened_to_a_bound_and_nothing_is_lost_behind_it() {
    let bench = Bench::built_in();
    let mut record = sample("general-flexible.json");
    for level in 0..12 {
        let (_, outcome) = bench.both(&record);
        assert_eq!(outcome.events, 1, "level {level}");
        assert_eq!(outcome.recognised, u32::from(level <= 6), "level {level}");
        record = json!({ "log": record });
    }
}

#[test]
fn conditional_logsources_may_leave_an_event_unrouted() {
    let bench = Bench::new(
        &descriptors(
            "source: s\ntitle: S\nwhen: [{all: [{path: Channel, contains: sysmon}]}, {all: [{path: EventID, is: 4}], any: [{path: x, is: true}, {path: y, exists: true}]}]\n\
             logsources:\n- {product: windows, category: file_event, when: {all: [{path: EventID, is: [11, 23]}]}}\n",
        ),
        &[],
    );
    let routed = |record: Json| {
        let (seen, outcome) = bench.both(&record);
        (seen[0].source.is_some(), seen[0].logsources.join(","), outcome.unrouted)
    };
    let file = "windows/file_event/".to_owned();
    assert_eq!(routed(json!({"Channel": "X/Sysmon", "EventID": 11})), (true, file.clone(), 0));
    assert_eq!(routed(json!({"Channel": "SYSMON", "EventID": "11"})), (true, file.clone(), 0));
    assert_eq!(routed(json!({"Channel": "sysmon", "EventID": [1, 23.0]})), (true, file, 0));
    assert_eq!(routed(json!({"Channel": "sysmon", "EventID": 1})), (true, String::new(), 1));
    assert_eq!(routed(json!({"EventID": 4, "x": "TRUE"})), (true, String::new(), 1));
    assert_eq!(routed(json!({"EventID": 4, "y": null})), (true, String::new(), 1));
    assert_eq!(routed(json!({"EventID": 4, "x": false})), (false, String::new(), 1));
}

#[test]
fn compiling_twice_gives_the_same_tables() {
    assert_eq!(Bench::built_in().tables, Bench::built_in().tables);
}

#[test]
fn damaged_records_never_panic_and_are_shown_or_refused() {
    let bench = Bench::built_in();
    let mut buffers = bench.buffers();
    let event = sample("general-flexible.json");
    let line = json!({ "log": json!({ "message": split_text(&event) }).to_string() });
    let records =
        [event.clone(), line, json!({ "records": [event, { "message": split_text(&event) }] })];
    let (mut shown, mut refused) = (0, 0);
    for record in records {
        for (bytes, encoding) in [
            (record.to_string().into_bytes(), Encoding::Json),
            (msgpack(&record), Encoding::Msgpack),
        ] {
            let mut count = |bytes: &[u8]| match bench.run_with(bytes, encoding, &mut buffers) {
                Some((seen, outcome)) => {
                    assert_eq!(seen.len(), outcome.events as usize);
                    assert!(outcome.events > 0);
                    shown += 1;
                }
                None => refused += 1,
            };
            for cut in 0..bytes.len() {
                count(&bytes[..cut]);
            }
            let mut state = 1u32;
            for at in 0..bytes.len() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let mut damaged = bytes.clone();
                damaged[at] = (state >> 24) as u8;
                count(&damaged);
            }
        }
    }
    assert!(shown > 500 && refused > 500, "{shown} {refused}");
}

#[test]
fn hostile_tables_that_pass_verify_do_no_harm() {
    // Ranges that overlap, fields that alias themselves and each other, decoders on their output.
    let bench = Bench::built_in();
    let fields = u32::try_from(bench.names.len()).unwrap();
    let record = json!({ "log": split_text(&sample("general-flexible.json")) }).to_string();
    let mut state = 7u32;
    let mut next = |limit: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % limit.max(1)
    };
    let mut legal = 0;
    for _ in 0..3000 {
        let mut tables = bench.tables.clone();
        for _ in 0..4 {
            let derived = next(tables.derived.len());
            let field = next(tables.fields.len());
            let path = next(tables.paths.len());
            let test = next(tables.tests.len());
            let id = u32::try_from(next(fields as usize + 1)).unwrap();
            match next(7) {
                0 => tables.derived[derived].to = id,
                1 => tables.fields[field].to = id,
                2 => tables.paths[path] = id,
                3 => tables.derived[derived].decoder = u8::try_from(next(17)).unwrap(),
                4 => tables.derived[derived].paths = tables.fields[field].paths,
                5 => tables.tests[test].field = id,
                _ => tables.nested[0].field = id,
            }
        }
        if tables.verify(fields, 1 << 20, 1 << 20).is_ok() {
            legal += 1;
            let mut buffers = Buffers::new(&tables, bench.names.len(), true);
            let mut events = 0;
            let outcome = for_each_event(
                record.as_bytes(),
                Encoding::Json,
                &tables,
                &bench.keys,
                &mut buffers,
                |event| {
                    events += 1;
                    list(&event.view, &bench.names);
                },
            );
            assert_eq!(outcome.unwrap().events, events);
        }
    }
    assert!(legal > 1000, "{legal}");
}
