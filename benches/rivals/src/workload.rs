//! What the engines are compared on: rules, events, and what is known about the events.

use crate::generator::azure::Traffic;
use serde_json::{Map, Value};
use sigmatag::rule::descriptor::{Probe, built_in};
use sigmatag::source::Encoding;
use sigmatag::source::ListedValue;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Seed of generated traffic.
const SEED: u64 = 20_260_305;
/// Events generated.
const GENERATED: usize = 10_000;

/// An event as a shipper has it.
pub struct Event {
    /// One JSON object.
    pub json: Vec<u8>,
    /// `product`, `category` and `service` as the host knows them; empty: not known.
    pub logsource: [String; 3],
}

/// Rules and events.
pub struct Workload {
    /// Its name in results.
    pub name: &'static str,
    /// What it is, for readers.
    pub about: String,
    /// A folder of rules, or one file.
    pub rules: PathBuf,
    /// The events.
    pub events: Vec<Event>,
    /// Whether each event meets only rules that do not conflict with what the host knows of it;
    /// else every event meets every rule.
    pub is_routed: bool,
}

/// All workloads that can be had, and what was skipped.
pub fn all(corpus: Option<&Path>) -> (Vec<Workload>, Vec<String>) {
    let mut workloads = vec![generated()];
    let mut skipped = Vec::new();
    let Some(corpus) = corpus else {
        skipped.push(
            "SigmaHQ's rules on Windows events, and ten rules on Azure MySQL events: set \
             SIGMATAG_CORPUS to the unpacked corpus"
                .to_owned(),
        );
        return (workloads, skipped);
    };
    let windows = lines(&corpus.join("windows_events_5k.jsonl.gz"));
    let unknown = |json: &Vec<u8>| Event { json: json.clone(), logsource: Default::default() };
    workloads.insert(
        0,
        Workload {
            name: "sigmahq",
            about: "SigmaHQ's rules on Windows events, no routing: every event meets every rule"
                .to_owned(),
            rules: corpus.join("rules.d"),
            events: windows.iter().map(unknown).collect(),
            is_routed: false,
        },
    );
    workloads.insert(
        1,
        Workload {
            name: "sigmahq-routed",
            about: "SigmaHQ's rules on Windows events; the host names product, category and \
                    service of each event, and rules that conflict with them are skipped"
                .to_owned(),
            rules: corpus.join("rules.d"),
            events: windows
                .into_iter()
                .map(|json| Event { logsource: sysmon_logsource(&json), json })
                .collect(),
            is_routed: true,
        },
    );
    workloads.insert(
        2,
        Workload {
            name: "azure-mysql",
            about: "ten rules about SQL on Azure MySQL audit events, no routing".to_owned(),
            rules: corpus.join("azure_mysql_rules.yml"),
            events: lines(&corpus.join("azure_mysql_20k.jsonl.gz")).iter().map(unknown).collect(),
            is_routed: false,
        },
    );
    (workloads, skipped)
}

/// The rules that come along. They are about fields that only sigmatag derives, so every engine,
/// sigmatag as well, gets events of which the fields were derived beforehand.
fn generated() -> Workload {
    let descriptors = built_in();
    let azure = descriptors.iter().find(|source| source.name == "azure-mysql");
    let names: Vec<String> =
        azure.expect("a built-in source").names().into_iter().map(str::to_owned).collect();
    let mut probe = Probe::new(&descriptors, &names);
    let mut traffic = Traffic::new(SEED).with_attacks_per_thousand(20);
    let events = (0..GENERATED).map(|_| {
        let record = traffic.event().value.to_string();
        let seen = probe.run(record.as_bytes(), Encoding::Json).expect("it is JSON").0;
        let [event] = &seen[..] else { panic!("one event in {record}") };
        let fields = event.listing.fields.iter().filter(|(name, _)| names.contains(name));
        let fields: Map<String, Value> =
            fields.map(|(name, values)| (name.clone(), member(values))).collect();
        Event { json: Value::Object(fields).to_string().into(), logsource: Default::default() }
    });
    Workload {
        name: "mysql-pack",
        about: "the rules of rules/mysql on generated Azure MySQL events whose fields \
                (normalised SQL, verb, user, ...) were derived beforehand for every engine, no \
                routing"
            .to_owned(),
        rules: crate::root().join("rules/mysql"),
        events: events.collect(),
        is_routed: false,
    }
}

fn member(values: &[ListedValue]) -> Value {
    let value = |value: &ListedValue| match value {
        ListedValue::Bool(value) => (*value).into(),
        ListedValue::Int(value) => (*value).into(),
        ListedValue::Uint(value) => (*value).into(),
        ListedValue::Float(value) => (*value).into(),
        ListedValue::Str(value) => String::from_utf8_lossy(value).into(),
        ListedValue::Null | ListedValue::NullElement => Value::Null,
        other => panic!("no generated event has {other:?}"),
    };
    match values {
        [one] => value(one),
        several => several.iter().map(value).collect(),
    }
}

/// What a collector knows of a Sysmon event by its number.
fn sysmon_logsource(json: &[u8]) -> [String; 3] {
    let event: Value = serde_json::from_slice(json).expect("the corpus is JSON");
    assert_eq!(event["Channel"], "Microsoft-Windows-Sysmon/Operational");
    let category = match event["EventID"].as_u64() {
        Some(1) => "process_creation",
        Some(7) => "image_load",
        Some(10) => "process_access",
        Some(11) => "file_event",
        Some(13) => "registry_set",
        Some(17) => "pipe_created",
        // 12 is one of two categories, by another field.
        _ => "",
    };
    ["windows", category, "sysmon"].map(str::to_owned)
}

/// The lines of a file that is packed by gzip.
fn lines(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let unpacked = flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes);
    unpacked.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect()
}
