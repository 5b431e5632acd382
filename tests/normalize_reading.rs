//! Of an event only what the rules and the chosen destination need is read. Matches, indicators and
//! documents are those of a scratch that reads everything that any destination needs.
#![cfg(feature = "compile")]

mod common;
mod dialects;
mod normalized;
mod pack;

use common::to_msgpack;
use dialects::Record;
use normalized::{NAMES, login, recorded, written_by};
use serde_json::{Value, json};
use sigmatag::compile::{Options as CompileOptions, compile};
use sigmatag::engine::{Engine, Format, LogsourceMode, Mode, Options, Scratch, Tagging};
use sigmatag::ioc::{self, Reading, Set};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::{Descriptor, built_in, destinations};
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::RuleSet;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// One destination with a rule set, read both ways.
struct Pair {
    place: String,
    engine: Engine,
    reduced: Scratch,
    whole: Scratch,
}

impl Pair {
    /// One for each destination.
    fn of(name: &str, rules: &Arc<RuleSet>, mode: LogsourceMode) -> Vec<Pair> {
        let pair = |destination: &str| {
            let normalize = Some(destination.to_owned());
            let options = Options { normalize, logsource_mode: mode, ..Options::default() };
            let engine = Engine::new(Arc::clone(rules), options);
            let [reduced, whole] =
                [Mode::Indexed, Mode::Exhaustive].map(|mode| Scratch::with_mode(&engine, mode));
            Pair { place: format!("{name}, {destination}"), engine, reduced, whole }
        };
        NAMES.map(pair).into()
    }

    /// Asserts that both ways give the same; what they found: matches, indicators and documents.
    fn agree(&mut self, format: Format, data: &[u8], place: &str) -> [usize; 3] {
        let tagging = Tagging::default();
        let run = |scratch: &mut Scratch| {
            let (out, summary) = written_by(scratch, &self.engine, format, data, &tagging);
            (out, summary, scratch.hits().to_vec(), scratch.indicators().to_vec())
        };
        let (reduced, whole) = (run(&mut self.reduced), run(&mut self.whole));
        let Pair { place: of, .. } = self;
        let text = |out: &[u8]| String::from_utf8_lossy(out).into_owned();
        assert_eq!(reduced.2, whole.2, "{of}, {place}: {}", text(data));
        assert_eq!(reduced.3, whole.3, "{of}, {place}: {}", text(data));
        assert_eq!(reduced.1, whole.1, "{of}, {place}: {}", text(data));
        assert!(
            reduced.0 == whole.0,
            "{of}, {place}: {}\n{}\n{}",
            text(data),
            text(&reduced.0),
            text(&whole.0)
        );
        [whole.2.len(), whole.3.len(), whole.1.normalized_records as usize]
    }
}

/// Members of records that are no canonical fields, and that no source looks at.
const MEMBERS: [&str; 4] =
    ["operationName", "ServerType", "properties.query_time", "properties.rows_sent"];

/// Rules that look at some of the canonical fields of all sources and of these members, all at the
/// values of many.
fn some_fields(share: usize, of: usize) -> String {
    let sources = built_in();
    let names: BTreeSet<&str> = sources.iter().flat_map(Descriptor::names).chain(MEMBERS).collect();
    let mut text = String::new();
    for (number, name) in names.into_iter().enumerate().filter(|(at, _)| at % of == share) {
        for (kind, test) in
            ["|exists: true", "|contains: 's'", "|startswith: '1'", ": null"].iter().enumerate()
        {
            let separator = if text.is_empty() { "" } else { "---\n" };
            let _ = writeln!(
                text,
                "{separator}title: {name} {kind}\nid: {share:08}-{number:04}-4{kind:03}-8111-111111111111\n\
                 logsource: {{product: any}}\ndetection: {{s: {{'{name}{test}}}, condition: s}}",
                test = test.replacen(':', "':", 1),
            );
        }
    }
    text
}

/// Rule sets that need different fields; one has indicators, and one fewer sources.
fn rule_sets() -> Vec<(String, Arc<RuleSet>, LogsourceMode)> {
    let load = |bytes: &[u8]| Arc::new(RuleSet::from_bytes(bytes).expect("the rules verify"));
    let mut sets = vec![
        ("pack".to_owned(), load(&pack::compile(&pack::loaded())), LogsourceMode::Auto),
        ("few rules".to_owned(), normalized::rules(), LogsourceMode::Auto),
    ];
    let feed = "203.0.113.9\n198.51.100.23\nshop-db-1\nexample.com\n203.0.113.0/25\n";
    let reading = Reading { of: None, at: 1_780_272_000 };
    for share in 0..5 {
        let loaded = load_text("rules.yml", &some_fields(share, 5), &Placeholders::new());
        assert!(loaded.collection.rules.len() > 20);
        let feed = ioc::read("list", feed.as_bytes(), reading).expect("a feed");
        let mut sources = built_in();
        if share == 4 {
            // What lifts members looks at every field that a rule names.
            sources.retain(|source| source.lifts.is_empty());
        }
        let options = CompileOptions {
            sources,
            destinations: destinations(),
            indicators: (share == 3).then(|| Arc::new(Set::new(vec![feed], 4).expect("a set"))),
            ..CompileOptions::default()
        };
        let bytes = compile(&loaded.collection, &options).expect("the rules compile").bytes;
        sets.push((format!("share {share}"), load(&bytes), LogsourceMode::None));
    }
    sets
}

/// A record with one value changed after the other, down to a depth.
fn changed(record: &Value) -> Vec<Value> {
    let mut pointers = Vec::new();
    let mut waiting = vec![(String::new(), record)];
    while let Some((pointer, value)) = waiting.pop() {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => {
                let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
                members.iter().map(|(key, value)| (escaped(key), value)).collect()
            }
            Value::Array(all) => all.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
            _ => Vec::new(),
        };
        for (key, value) in members {
            let pointer = format!("{pointer}/{key}");
            waiting.push((pointer.clone(), value));
            pointers.push(pointer);
        }
    }
    let values = [
        json!(null),
        json!(7),
        json!(""),
        json!([]),
        json!(["1s", 0, null]),
        json!("a[s] @ h [203.0.113.9]"),
    ];
    let mut all = Vec::new();
    for pointer in pointers.iter().take(60) {
        for value in &values {
            let mut other = record.clone();
            *other.pointer_mut(pointer).expect("a member") = value.clone();
            all.push(other);
        }
    }
    all
}

#[test]
fn recorded_events_and_changed_ones() {
    let mut records = recorded();
    records.push(("login".to_owned(), login("CONNECT", "mallory")));
    let mut found = [0; 3];
    for (name, rules, mode) in rule_sets() {
        let mut pairs = Pair::of(&name, &rules, mode);
        for (record_name, record) in &records {
            let data = record.to_string();
            for pair in &mut pairs {
                // Then what follows from its kind is known.
                for _ in 0..3 {
                    let more = pair.agree(Format::Json, data.as_bytes(), record_name);
                    found.iter_mut().zip(more).for_each(|(found, more)| *found += more);
                }
                pair.agree(Format::Msgpack, &to_msgpack(record), record_name);
            }
            // Changes take time: those of every record with a rule set or two.
            if !["pack", "share 3"].contains(&&*name) {
                continue;
            }
            for changed in changed(record) {
                let data = changed.to_string();
                for pair in &mut pairs {
                    pair.agree(Format::Json, data.as_bytes(), record_name);
                }
            }
        }
    }
    assert!(found.iter().all(|found| *found > 500), "{found:?}");
}

#[test]
fn events_of_every_dialect() {
    let rules = pack::compile(&pack::loaded());
    let rules = Arc::new(RuleSet::from_bytes(&rules).expect("the rules verify"));
    let mut pairs = Pair::of("pack", &rules, LogsourceMode::Auto);
    let endpoints = [&dialects::endpoint::WINDOWS[..], &dialects::endpoint::LINUX];
    let endpoints = endpoints.concat().into_iter().chain(dialects::endpoint::BOTH);
    let endpoints: Vec<dialects::Dialect> = endpoints.collect();
    let (mut checked, mut matches) = (0, 0);
    for rule in &pack::loaded().collection.rules {
        for case in pack::cases("rules/mysql", &pack::file_stem(rule)).iter().step_by(2) {
            let dialects = match () {
                () if case.event.get("properties").is_some() => dialects::audit(),
                () if case.event.get("Image").is_some() => endpoints.clone(),
                () => Vec::new(),
            };
            for (dialect, write) in dialects {
                let record = match write(&case.event) {
                    Ok(Record::Object(object, _)) => to_msgpack(&object),
                    Ok(Record::Line(line)) => pack::log_record(&line),
                    Err(_) => continue,
                };
                let place = format!("{}: {dialect}", case.place);
                for pair in &mut pairs {
                    matches += pair.agree(Format::Msgpack, &record, &place)[0];
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 5_000 && matches > 1_000, "only {checked}, {matches}");
}
