//! Fields that no rule reads are left out of the tables of sources, and that never changes what
//! matches: the pack decides every event alike with and without a rule that reads all fields.
#![cfg(feature = "compile")]

mod common;
mod dialects;
mod pack;

use dialects::{Dialect, Record, endpoint};
use pack::{cases, compile, file_stem, load, loaded, log_record, msgpack};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Options, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::{Descriptor, built_in};
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::RuleSet;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// The rule that reads every field which a descriptor names.
const READER: &str = "00000000-0000-4000-8000-000000000001";

fn reader() -> String {
    let descriptors = built_in();
    let names: BTreeSet<&str> = descriptors.iter().flat_map(Descriptor::names).collect();
    let mut rule = format!(
        "title: reads every field\nid: {READER}\nlogsource: {{product: none-such}}\ndetection:\n  s:\n"
    );
    for name in names {
        writeln!(rule, "    '{name}|exists': true").unwrap();
    }
    rule + "  condition: s\n"
}

fn scratch(bytes: &[u8], mode: LogsourceMode) -> (Engine, Scratch) {
    let rules = RuleSet::from_bytes(bytes).expect("the rules verify");
    let options = Options { logsource_mode: mode, ..Options::default() };
    let engine = Engine::new(Arc::new(rules), options);
    let scratch = Scratch::new(&engine);
    (engine, scratch)
}

/// Every rule that matches, with the index of its event; nothing for a broken record.
fn matches(
    (engine, scratch): &mut (Engine, Scratch),
    format: Format,
    data: &[u8],
) -> Vec<(String, u32)> {
    if scratch.match_event(engine, &Event::new(format, data)).is_err() {
        return Vec::new();
    }
    let id = |rule| scratch.rules().rule(rule).expect("a rule").id.to_owned();
    let all = scratch.hits().iter().map(|hit| (id(hit.rule), hit.event));
    all.filter(|(id, _)| id != READER).collect()
}

/// All events beside the rules of the pack, as every dialect writes them, and the sample records.
fn records() -> Vec<(Format, Vec<u8>)> {
    let mut records = Vec::new();
    let mut add = |value: &Value| {
        let mut packed = Vec::new();
        rmpv::encode::write_value(&mut packed, &msgpack(value)).expect("writing to memory");
        records.push((Format::Msgpack, packed));
        records.push((Format::Json, value.to_string().into_bytes()));
    };
    let mut lines = Vec::new();
    let audit = dialects::audit();
    let endpoint: Vec<Dialect> =
        endpoint::WINDOWS.into_iter().chain(endpoint::LINUX).chain(endpoint::BOTH).collect();
    for rule in &loaded().collection.rules {
        for case in cases("rules/mysql", &file_stem(rule)) {
            add(&case.event);
            let has = |key: &str| case.event.get(key).is_some();
            if !has("properties") && !has("Image") {
                continue;
            }
            let is_audit = rule.logsource.product.as_deref() == Some("mysql");
            for (_, write) in if is_audit { &audit } else { &endpoint } {
                match write(&case.event) {
                    Ok(Record::Object(object, _)) => add(&object),
                    Ok(Record::Line(line)) => lines.push((Format::Msgpack, log_record(&line))),
                    Err(_) => {}
                }
            }
        }
    }
    for folder in common::families::FAMILIES {
        let folder = common::root().join("tests/data").join(folder);
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|extension| extension == "json") {
                lines.push((Format::Json, std::fs::read(path).expect("a record")));
            }
        }
    }
    records.extend(lines);
    records
}

#[test]
fn what_no_rule_reads_changes_no_match() {
    let pruned = compile(&loaded());
    let mut all = load(&["rules/mysql"]);
    let extra = load_text("reader.yml", &reader(), &Placeholders::new());
    assert!(!extra.has_errors(), "{:?}", extra.diagnostics);
    all.collection.rules.extend(extra.collection.rules);
    let whole = compile(&all);
    let fields = |bytes: &[u8]| RuleSet::from_bytes(bytes).unwrap().tables().sources.derived.len();
    assert!(fields(&pruned) < fields(&whole), "nothing was left out");

    let records = records();
    let mut found = 0;
    for mode in [LogsourceMode::Auto, LogsourceMode::None] {
        let (mut pruned, mut whole) = (scratch(&pruned, mode), scratch(&whole, mode));
        for (format, data) in &records {
            let matched = matches(&mut pruned, *format, data);
            found += matched.len();
            let text = String::from_utf8_lossy(data);
            assert_eq!(matched, matches(&mut whole, *format, data), "{mode:?} {text}");
        }
    }
    assert!(records.len() > 5_000 && found > 5_000, "{} records, {found}", records.len());
}
