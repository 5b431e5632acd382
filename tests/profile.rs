//! A profile of a site's events changes which rules are looked at, and nothing else.
//!
//! `SIGMATAG_CORPUS` names the unpacked corpus; without it the test of SigmaHQ's rules says that it
//! was left out.
#![cfg(feature = "compile")]

use flate2::read::GzDecoder;
use sigmatag::compile::profile::{Profile, Profiler};
use sigmatag::compile::{self, Options};
use sigmatag::engine::predicate::{Work, on_event};
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::{load_paths, load_text};
use sigmatag::ruleset::RuleSet;
use sigmatag::source::{Buffers, Encoding, SourceEvent, for_each_event};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

fn rules(text: &str) -> Collection {
    let loaded = load_text("rules.yml", text, &Placeholders::default());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.collection
}

fn compiled(collection: &Collection, profile: Option<Profile>) -> Arc<RuleSet> {
    let options = Options { sources: built_in(), profile, ..Options::default() };
    let file = compile::compile(collection, &options).unwrap_or_else(|e| panic!("{e:?}"));
    Arc::new(RuleSet::from_bytes(&file.bytes).unwrap_or_else(|e| panic!("{e}")))
}

fn profile<T: AsRef<str>>(rules: &RuleSet, events: &[T]) -> Profile {
    let mut profiler = Profiler::new(rules);
    for event in events {
        profiler.record(event.as_ref().as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    }
    profiler.finish()
}

/// Matches of all events, as numbers of events and rules.
fn matches<T: AsRef<str>>(rules: &Arc<RuleSet>, events: &[T]) -> Vec<(usize, u32)> {
    let engine = Engine::new(Arc::clone(rules), EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let mut found = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let event = Event::new(Format::Json, event.as_ref().as_bytes());
        scratch.match_event(&engine, &event).unwrap_or_else(|e| panic!("{e}"));
        found.extend(scratch.hits().iter().map(|hit| (number, hit.rule)));
    }
    found
}

/// Whether no attribute is set on both sides and differs.
fn meets(rules: &RuleSet, rule: u32, event: &SourceEvent<'_>) -> bool {
    let own = rules.logsource(rules.tables().rules[rule as usize].logsource);
    event.logsources.is_empty()
        || event.logsources.iter().any(|id| {
            let its = rules.logsource(*id);
            own.iter().zip(its).all(|(own, its)| own.is_empty() || its.is_empty() || *own == its)
        })
}

/// How many rules' conditions all events have executed because a pivot holds.
fn candidates<T: AsRef<str>>(rules: &RuleSet, events: &[T]) -> usize {
    let tables = rules.tables();
    let mut buffers = Buffers::new(&tables.sources, tables.fields.len(), true);
    let mut work = Work::default();
    let mut total = 0;
    let waited_for: Vec<u32> =
        (0..tables.predicates.len() as u32).filter(|id| !tables.linked(*id).1.is_empty()).collect();
    for event in events {
        let record = event.as_ref().as_bytes();
        let (sources, keys) = (&tables.sources, &tables.keys);
        let shown = for_each_event(record, Encoding::Json, sources, keys, &mut buffers, |event| {
            work.begin();
            let mut rules_of: BTreeSet<u32> = BTreeSet::new();
            for &id in &waited_for {
                let field = tables.predicates[id as usize].field;
                let present = field as usize == tables.fields.len() || event.view.is_present(field);
                if present && on_event(rules, id, &event.view, &mut work) {
                    rules_of.extend(tables.linked(id).1);
                }
            }
            total += rules_of.iter().filter(|rule| meets(rules, **rule, event)).count();
        });
        assert!(shown.is_ok());
    }
    total
}

/// Rules that can wait for one of two texts each, in which `#` stands for the rule's number.
fn twins(first: &str, second: &str) -> Collection {
    let rule = |number: usize| {
        let [first, second] = [first, second].map(|text| text.replace('#', &number.to_string()));
        format!(
            "title: rule {number}\nid: 5b6ff6a2-3c5f-4bd2-9d4b-6b4a1f7b2c{number:02}\n\
             logsource: {{category: test}}\ndetection:\n  a:\n    Text|contains: '{first}'\n\
             \x20 b:\n    Text|contains: '{second}'\n  condition: a and b\n"
        )
    };
    rules(&(10..30).map(rule).collect::<Vec<_>>().join("---\n"))
}

#[test]
fn rules_wait_for_what_is_rare_in_the_profile() {
    // The first text is longer, so it is taken for the rarer one; this site has it in every event.
    let collection = twins("qzx-inventory-agent-#", "powershell#");
    let mut events: Vec<String> = (10..30)
        .flat_map(|n| (0..20).map(move |m| (n, m)))
        .map(|(n, m)| format!(r#"{{"Text":"run {m} qzx-inventory-agent-{n}"}}"#))
        .collect();
    events.push(r#"{"Text":"POWERSHELL10 -f qzx-inventory-agent-10"}"#.to_owned());
    let plain = compiled(&collection, None);
    assert_eq!(candidates(&plain, &events), 401);
    let own = compiled(&collection, Some(profile(&plain, &events)));
    assert_eq!(candidates(&own, &events), 1);
    assert_eq!(matches(&own, &events), [(400, 0)]);
    assert_eq!(matches(&plain, &events), [(400, 0)]);
    // It is the same rule set to whoever reads its tags.
    assert_eq!(own.identity(), plain.identity());
}

#[test]
fn a_few_events_do_not_outweigh_what_is_known() {
    // What is known to be common is not rare because five events are without it.
    let collection = twins("xq#z", "powershell");
    let events: Vec<String> = (10..30)
        .flat_map(|n| (0..40).map(move |m| format!(r#"{{"Text":"{m} xq{n}z"}}"#)))
        .collect();
    let plain = compiled(&collection, None);
    let own = |events: &[String]| {
        let own = compiled(&collection, Some(profile(&plain, events)));
        candidates(&own, &[r#"{"Text":"powershell"}"#])
    };
    assert_eq!(own(&events[..5]), 0);
    // Those of many are: 40 events of 800 have the other text of a rule.
    assert_eq!(own(&events), 20);
}

#[test]
fn the_identity_is_that_of_the_meaning() {
    let identity = |collection: &Collection| compiled(collection, None).identity().to_owned();
    let first = identity(&twins("alpha#", "beta#"));
    assert_eq!(first, identity(&twins("alpha#", "beta#")));
    assert_ne!(first, identity(&twins("alpha#", "betb#")));
    let text = "title: t\nid: 5b6ff6a2-3c5f-4bd2-9d4b-6b4a1f7b2c11\nlogsource: {category: test}\n\
                detection:\n  a:\n    T: x\n  b:\n    T: y\n  c:\n    T: z\n  condition: ";
    let conditions = ["a and b", "a or b", "a and not b", "not a and b", "1 of them", "2 of *"];
    let all: BTreeSet<String> = conditions
        .iter()
        .map(|condition| identity(&rules(&format!("{text}{condition}"))))
        .collect();
    assert_eq!(all.len(), conditions.len());
}

/// Values of one alphabet, so that everything is found somewhere.
#[test]
fn matches_are_the_same_on_random_texts() {
    let mut state = 0x5347_5431u64;
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) % bound
    };
    let mut word = |least: u64, most: u64| -> String {
        let len = least + below(most - least + 1);
        (0..len).map(|_| ["a", "b", "C", "é", "."][below(5) as usize]).collect()
    };
    let modifiers = ["", "|contains", "|startswith", "|endswith", "|contains|cased"];
    let mut text = String::new();
    for number in 10..90 {
        let modifier = modifiers[number % modifiers.len()];
        let (a, b, c) = (word(1, 6), word(3, 5), word(2, 4));
        text += &format!(
            "title: r\nid: 5b6ff6a2-3c5f-4bd2-9d4b-6b4a1f7b2c{number}\n\
             logsource: {{category: test}}\ndetection:\n  a:\n    F{modifier}: ['{a}', '{c}']\n\
             \x20 b:\n    G|contains: '{b}'\n  k:\n    - '{c}'\n  condition: a and b or k and a\n---\n"
        );
    }
    let collection = rules(&text);
    let events: Vec<String> =
        (0..600).map(|_| format!(r#"{{"F":"{}","G":"{}"}}"#, word(0, 12), word(0, 12))).collect();
    let plain = compiled(&collection, None);
    let expected = matches(&plain, &events);
    assert!(expected.len() > 1_000, "{}", expected.len());
    for part in [&events[..3], &events[..300], &events] {
        let own = compiled(&collection, Some(profile(&plain, part)));
        assert_eq!(own.identity(), plain.identity());
        assert!(matches(&own, &events) == expected, "{} events", part.len());
    }
}

#[test]
fn sigmahq_on_recorded_events() {
    let Some(corpus) = std::env::var_os("SIGMATAG_CORPUS") else {
        println!("SIGMATAG_CORPUS is not set: SigmaHQ's rules are left out");
        return;
    };
    let corpus = Path::new(&corpus);
    let loaded = load_paths(&[corpus.join("rules.d")], &Placeholders::default());
    let file = std::fs::File::open(corpus.join("windows_events_5k.jsonl.gz")).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // Measured on other events than those that the profile is of.
    let part = |rest: usize| -> Vec<&str> {
        lines.iter().enumerate().filter(|(n, _)| n % 2 == rest).map(|(_, line)| *line).collect()
    };
    let (seen, unseen) = (part(0), part(1));
    let plain = compiled(&loaded.collection, None);
    let own = compiled(&loaded.collection, Some(profile(&plain, &seen)));
    assert_eq!(own.identity(), plain.identity());
    let expected = matches(&plain, &lines);
    assert!(expected.len() > 10, "{}", expected.len());
    assert!(matches(&own, &lines) == expected);
    let created = |line: &&&str| line.contains(r#""EventID":1,"#) && line.contains("Sysmon");
    let created: Vec<&str> = unseen.iter().filter(created).copied().collect();
    assert!(created.len() > 50, "{}", created.len());
    for (name, events) in [("all events", &unseen), ("Sysmon's event 1", &created)] {
        let [before, after] = [&plain, &own].map(|rules| candidates(rules, events));
        let mean = |total: usize| total as f64 / events.len() as f64;
        println!(
            "{name}: {:.2} candidates an event, {:.2} with profile",
            mean(before),
            mean(after)
        );
        assert!(after * 10 < before * 9, "{name}: {before} {after}");
    }
}
