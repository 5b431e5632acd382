//! Recorded events, asked about in every way: alone, in a batch, in a chunk, while a tag is planned,
//! without the index, and in each logsource mode. One way is compared with the reference, the others
//! with that one.
//!
//! `SIGMATAG_CORPUS` names the unpacked corpus; `SIGMATAG_LONG=1` takes all events.
#![cfg(feature = "compile")]

mod common;
mod recorded;

use recorded::{compatible, compiled, in_parallel, normalised, packed, sample};
use sigmatag::engine::{
    Engine, Event, Format, Hit, LogsourceMode, Mode, Options as EngineOptions, Scratch, Tagging,
};
use sigmatag::reference::Reference;
use sigmatag::rule::ast::{Placeholders, Rule, Search};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use sigmatag::source::{Buffers, Encoding, SourceEvent, for_each_event, list};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Records of a batch and of a chunk.
const RECORDS: usize = 64;

/// Rules with both evaluators.
struct Rules {
    set: Arc<RuleSet>,
    reference: Reference,
    /// For each rule of the set its number in the reference; `None` for rules with keywords, which
    /// would find derived fields in what the reference is given.
    numbers: Vec<Option<usize>>,
}

impl Rules {
    fn new(path: &Path) -> Rules {
        let collection = load_paths(&[path.to_owned()], &Placeholders::new()).collection;
        let set = compiled(&collection, built_in());
        let plain = |rule: &Rule| !rule.detection.searches.iter().any(|s| has_keyword(&s.body));
        let by_id: BTreeMap<&str, usize> = (0..)
            .zip(&collection.rules)
            .filter(|(_, rule)| plain(rule))
            .map(|(number, rule)| (rule.meta.id.as_deref().expect("an id"), number))
            .collect();
        let number = |rule| by_id.get(set.rule(rule).expect("a rule").id).copied();
        let numbers = (0..set.rule_count()).map(number).collect();
        Rules { reference: Reference::new(&collection).expect("rules"), numbers, set }
    }

    /// The rules without keywords that the reference says match the events of a record.
    fn matching(&self, data: &[u8]) -> Matches {
        let tables = self.set.tables();
        let names: Vec<&str> =
            (0..tables.fields.len() as u32).map(|field| self.set.field_name(field)).collect();
        let mut matches = Vec::new();
        let mut buffers = Buffers::new(&tables.sources, names.len(), true);
        let look = |event: &SourceEvent<'_>| {
            let value = normalised(&list(&event.view, &names));
            for (rule, number) in (0..).zip(&self.numbers) {
                if number.is_some_and(|number| self.reference.matches(number, &value)) {
                    matches.push((event.index, rule));
                }
            }
        };
        for_each_event(data, Encoding::Msgpack, &tables.sources, &tables.keys, &mut buffers, look)
            .expect("a recorded event");
        matches
    }
}

fn has_keyword(search: &Search) -> bool {
    match search {
        Search::All(items) => items.iter().any(|item| item.field.is_none()),
        Search::Any(parts) => parts.iter().any(has_keyword),
    }
}

/// Event and rule of every match in a record.
type Matches = Vec<(u32, u32)>;

fn of_record(hits: &[Hit], record: u32) -> Matches {
    hits.iter().filter(|hit| hit.record == record).map(|hit| (hit.event, hit.rule)).collect()
}

/// Asks about an event alone.
fn alone(scratch: &mut Scratch, engine: &Engine, format: Format, data: &[u8]) -> Matches {
    scratch.match_event(engine, &Event::new(format, data)).expect("a recorded event");
    of_record(scratch.hits(), 0)
}

/// The log sources of each event of a record, as they are recognised.
fn recognised(rules: &RuleSet, data: &[u8]) -> Vec<Vec<[String; 3]>> {
    let tables = rules.tables();
    let mut buffers = Buffers::new(&tables.sources, tables.fields.len(), false);
    let mut events = Vec::new();
    for_each_event(data, Encoding::Msgpack, &tables.sources, &tables.keys, &mut buffers, |event| {
        let own = event.logsources.iter();
        events.push(own.map(|&id| rules.logsource(id).map(str::to_owned)).collect());
    })
    .expect("a recorded event");
    events
}

/// Whether a rule meets an event of these log sources.
fn admits(mode: LogsourceMode, rule: [&str; 3], event: &[[String; 3]]) -> bool {
    let event: Vec<[&str; 3]> =
        event.iter().map(|own| own.each_ref().map(String::as_str)).collect();
    match mode {
        LogsourceMode::None => true,
        LogsourceMode::Auto => compatible(rule, &event),
        LogsourceMode::Strict => event
            .iter()
            .any(|own| rule.iter().zip(own).all(|(rule, own)| rule.is_empty() || rule == own)),
    }
}

/// Asks about groups of events in every way; panics at the first group that differs.
fn every_way(judged: &Rules, lines: &[&str]) {
    let rules = &judged.set;
    let groups: Vec<String> = lines.chunks(RECORDS).map(|lines| lines.join("\n")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let engine = |logsource_mode| {
        let options = EngineOptions { logsource_mode, ..EngineOptions::default() };
        Engine::new(Arc::clone(rules), options)
    };
    let all = engine(LogsourceMode::None);
    let routed = [LogsourceMode::Auto, LogsourceMode::Strict].map(|mode| (mode, engine(mode)));
    // All, and those of events that are routed.
    let (matches, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let logsource = |rule: u32| rules.logsource(rules.tables().rules[rule as usize].logsource);
    let check = |scratch: &mut Scratch, group: &str| {
        let json: Vec<&str> = group.lines().collect();
        let msgpack: Vec<Vec<u8>> = json.iter().map(|line| packed(line)).collect();
        let expected: Vec<Matches> =
            msgpack.iter().map(|data| alone(scratch, &all, Format::Msgpack, data)).collect();
        matches.fetch_add(expected.iter().map(Vec::len).sum(), Ordering::Relaxed);
        let differs = |how: &str, at: usize, found: &Matches, right: &Matches| {
            (found != right).then(|| format!("{how}: {found:?}, not {right:?}\n{}", json[at]))
        };
        let mut wrong = Vec::new();
        for (at, data) in msgpack.iter().enumerate() {
            let plain = |(_, rule): &&(u32, u32)| judged.numbers[*rule as usize].is_some();
            let found = expected[at].iter().filter(plain).copied().collect();
            wrong.extend(differs("reference", at, &found, &judged.matching(data)));
        }
        for (mode, engine) in [(LogsourceMode::None, &all)]
            .into_iter()
            .chain(routed.iter().map(|(mode, engine)| (*mode, engine)))
        {
            let right: Vec<Matches> = msgpack
                .iter()
                .zip(&expected)
                .map(|(data, all)| {
                    let events = recognised(rules, data);
                    let meets = |(event, rule): &&(u32, u32)| {
                        admits(mode, logsource(*rule), &events[*event as usize])
                    };
                    all.iter().filter(meets).copied().collect()
                })
                .collect();
            if mode == LogsourceMode::Auto {
                met.fetch_add(right.iter().map(Vec::len).sum(), Ordering::Relaxed);
            }
            let mut own = Scratch::new(engine);
            let mut exhaustive = Scratch::with_mode(engine, Mode::Exhaustive);
            for (at, data) in msgpack.iter().enumerate() {
                let mut see = |how: &str, found: Matches| {
                    wrong.extend(differs(&format!("{how}, {mode:?}"), at, &found, &right[at]));
                };
                see("msgpack", alone(&mut own, engine, Format::Msgpack, data));
                see("JSON", alone(&mut own, engine, Format::Json, json[at].as_bytes()));
                see("no index", alone(&mut exhaustive, engine, Format::Msgpack, data));
                let event = Event::new(Format::Msgpack, data);
                own.tag_prepare(engine, &event, &Tagging::default()).expect("a recorded event");
                own.tag_discard();
                see("planned", of_record(own.hits(), 0));
            }
            let batch: Vec<Event<'_>> =
                msgpack.iter().map(|data| Event::new(Format::Msgpack, data)).collect();
            own.match_batch(engine, &batch).expect("no plan is pending");
            for (at, right) in right.iter().enumerate() {
                let found = of_record(own.hits(), at as u32);
                wrong.extend(differs(&format!("batch, {mode:?}"), at, &found, right));
            }
            let chunk: Vec<u8> = msgpack
                .iter()
                .flat_map(|data| [&b"\x92\xce\x65\x53\xf1\x00"[..], data].concat())
                .collect();
            own.match_event(engine, &Event::new(Format::FlbChunk, &chunk)).expect("a chunk");
            for (at, right) in right.iter().enumerate() {
                let found = of_record(own.hits(), at as u32);
                wrong.extend(differs(&format!("chunk, {mode:?}"), at, &found, right));
            }
        }
        (!wrong.is_empty()).then(|| wrong[..wrong.len().min(2)].join("\n"))
    };
    let wrong = in_parallel(&groups, check, &all);
    let (matches, met) = (matches.into_inner(), met.into_inner());
    println!(
        "{} records, {} rules, {matches} matches, {met} of them routed",
        lines.len(),
        rules.rule_count()
    );
    assert!(met > 0 && matches > lines.len() / 200, "only {met} of {matches} matches");
    assert!(wrong.is_empty(), "{} groups differ:\n{}", wrong.len(), wrong[0]);
}

#[test]
fn sigmahq_on_windows_events() {
    let Some(corpus) = common::corpus("SigmaHQ on Windows events in every way") else { return };
    let text = common::gunzip(&corpus.join("windows_events_5k.jsonl.gz"));
    let lines: Vec<&str> = text.lines().collect();
    every_way(&Rules::new(&corpus.join("rules.d")), &sample(&lines, 256));
}

#[test]
fn azure_mysql_rules_on_recorded_events() {
    let Some(corpus) = common::corpus("MySQL rules on Azure events in every way") else { return };
    let text = common::gunzip(&corpus.join("azure_mysql_20k.jsonl.gz"));
    let lines: Vec<&str> = text.lines().collect();
    let lines = sample(&lines, 2_048);
    every_way(&Rules::new(&corpus.join("azure_mysql_rules.yml")), &lines);
    // Other rules, on fields of other names.
    every_way(&Rules::new(&common::root().join("rules/mysql")), &lines);
}
