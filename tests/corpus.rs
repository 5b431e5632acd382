//! SigmaHQ and recorded events: everything compiles or is refused with a reason, and the engine
//! agrees with the reference on every pair.
//!
//! `SIGMATAG_CORPUS` names the unpacked corpus; without it the tests say what they left out.
//! `SIGMATAG_LONG=1` takes all events instead of a sample. `SIGMATAG_BLESS=1` writes
//! `docs/sigmahq.md`.
#![cfg(feature = "compile")]

mod common;
mod recorded;

use recorded::{compatible, compiled, found, in_parallel, normalised, packed, sample};
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch};
use sigmatag::event::keys::KeyTable;
use sigmatag::reference::Reference;
use sigmatag::reference::event::{from_json, from_msgpack};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::diagnostic::Severity;
use sigmatag::rule::load::load_paths;
use sigmatag::source::{Buffers, Encoding, for_each_event, list};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn sigmahq_rules_compile_or_are_refused_with_a_reason() {
    let Some(corpus) = common::corpus("the rules of SigmaHQ") else { return };
    let loaded = load_paths(&[corpus.join("rules.d")], &Placeholders::new());
    let rules = compiled(&loaded.collection, built_in());
    assert_eq!(rules.rule_count() as usize, loaded.collection.rules.len());
    let files = loaded.sources.len();
    assert!(files > 3_500, "only {files} files");
    assert_eq!(loaded.collection.rules.len() + loaded.refused, files);

    let mut page = String::from(
        "# SigmaHQ\n\nWhat becomes of the rules of SigmaHQ (`rules`, `rules-emerging-threats`, \
         `rules-threat-hunting`).\nWritten by `SIGMATAG_CORPUS=FOLDER SIGMATAG_BLESS=1 cargo test \
         --test corpus`, compared by `make test`.\n\n| what | number |\n|---|---|\n",
    );
    let tables = rules.tables();
    for (what, count) in [
        ("rule files", files),
        ("compiled rules", rules.rule_count() as usize),
        ("refused rules", loaded.refused),
        ("fields of rules, and paths where sources look for them", tables.fields.len()),
        ("different tests (predicates)", tables.predicates.len()),
        ("different regular expressions", tables.regexes.len()),
        ("rules that are looked at for every event (open rules)", tables.open_rules.len()),
    ] {
        let _ = writeln!(page, "| {what} | {count} |");
    }
    page.push_str("\n## Refused\n\n| file | reason |\n|---|---|\n");
    let name = |path: &str| {
        let path = Path::new(path);
        path.strip_prefix(corpus.join("rules.d")).unwrap_or(path).display().to_string()
    };
    let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let mut refused: Vec<String> = errors
        .map(|d| {
            assert!(!d.message.is_empty() && d.help.is_some(), "{d:?}");
            format!("| `{}` | {} |\n", name(&d.place.file), d.message)
        })
        .collect();
    refused.sort();
    page.push_str(&refused.concat());
    page.push_str(
        "\n## Open rules\n\nNothing that the index knows is necessary for these to match.\n\n\
         | id | title |\n|---|---|\n",
    );
    for &rule in &tables.open_rules {
        let rule = rules.rule(rule).unwrap();
        let _ = writeln!(page, "| {} | {} |", rule.id, rule.title);
    }
    page.push_str("\n## Warnings\n\n| code | number |\n|---|---|\n");
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in loaded.diagnostics.iter().filter(|d| d.severity == Severity::Warning) {
        *codes.entry(warning.code).or_default() += 1;
    }
    for (code, count) in codes {
        let _ = writeln!(page, "| `{code}` | {count} |");
    }
    common::assert_committed("docs/sigmahq.md", &page);
}

#[test]
fn sigmahq_on_windows_events() {
    let Some(corpus) = common::corpus("SigmaHQ on Windows events") else { return };
    let collection = load_paths(&[corpus.join("rules.d")], &Placeholders::new()).collection;
    // Without sources every rule meets every event, as it is; routing has tests of its own.
    let rules = compiled(&collection, Vec::new());
    let engine = Engine::new(rules, EngineOptions::default());
    let reference = Reference::new(&collection).unwrap();
    let text = common::gunzip(&corpus.join("windows_events_5k.jsonl.gz"));
    let lines: Vec<&str> = text.lines().collect();
    let lines = sample(&lines, 300);
    let matches = AtomicUsize::new(0);
    let check = |scratch: &mut Scratch, line: &str| {
        let msgpack = packed(line);
        for (format, data) in [(Format::Json, line.as_bytes()), (Format::Msgpack, &msgpack[..])] {
            let event = match format {
                Format::Json => from_json(data),
                _ => from_msgpack(data),
            };
            let event = event.expect("a recorded event");
            let id = |rule: usize| collection.rules[rule].meta.id.clone().expect("an id");
            let matching = reference.matching_rules(&event).into_iter();
            let mut expected: Vec<(u32, String)> = matching.map(|rule| (0, id(rule))).collect();
            expected.sort();
            matches.fetch_add(expected.len(), Ordering::Relaxed);
            let result = scratch.match_event(&engine, &Event::new(format, data));
            let found = found(scratch);
            if result.is_err() || found != expected {
                return Some(format!(
                    "{format:?} {result:?}\nengine:    {found:?}\nreference: {expected:?}\n{line}"
                ));
            }
        }
        None
    };
    let wrong = in_parallel(&lines, check, &engine);
    let matches = matches.into_inner();
    println!("{} events x {} rules, {matches} matches", lines.len(), collection.rules.len());
    assert!(matches > lines.len() / 10, "only {matches} matches");
    assert!(
        wrong.is_empty(),
        "{} events differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}

#[test]
fn azure_mysql_rules_on_recorded_events() {
    let Some(corpus) = common::corpus("MySQL rules on Azure events") else { return };
    let paths: [PathBuf; 1] = [corpus.join("azure_mysql_rules.yml")];
    let loaded = load_paths(&paths, &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let collection = loaded.collection;
    let rules = compiled(&collection, built_in());
    let engine = Engine::new(Arc::clone(&rules), EngineOptions::default());
    let reference = Reference::new(&collection).unwrap();
    let tables = rules.tables();
    let names: Vec<&str> =
        (0..tables.fields.len() as u32).map(|field| rules.field_name(field)).collect();
    let keyword = tables.fields.len() as u32;
    assert!(tables.predicates.iter().all(|p| p.field != keyword), "the rules have keywords");
    let keys: &KeyTable = &tables.keys;
    let text = common::gunzip(&corpus.join("azure_mysql_20k.jsonl.gz"));
    let lines: Vec<&str> = text.lines().collect();
    let lines = sample(&lines, 10_000);
    let matches = AtomicUsize::new(0);
    let recognised = AtomicUsize::new(0);
    let check = |scratch: &mut Scratch, line: &str| {
        let msgpack = packed(line);
        for (format, encoding, data) in [
            (Format::Json, Encoding::Json, line.as_bytes()),
            (Format::Msgpack, Encoding::Msgpack, &msgpack[..]),
        ] {
            let mut expected = Vec::new();
            let mut buffers = Buffers::new(&tables.sources, names.len(), true);
            let show = |event: &sigmatag::source::SourceEvent<'_>| {
                recognised.fetch_add(usize::from(event.source.is_some()), Ordering::Relaxed);
                let own: Vec<[&str; 3]> =
                    event.logsources.iter().map(|&id| rules.logsource(id)).collect();
                let value = normalised(&list(&event.view, &names));
                for rule in reference.matching_rules(&value) {
                    let rule = &collection.rules[rule];
                    let part = |part: &'_ Option<String>| part.clone().unwrap_or_default();
                    let parts = [
                        part(&rule.logsource.product),
                        part(&rule.logsource.category),
                        part(&rule.logsource.service),
                    ];
                    if compatible([&parts[0], &parts[1], &parts[2]], &own) {
                        expected.push((event.index, rule.meta.id.clone().expect("an id")));
                    }
                }
            };
            for_each_event(data, encoding, &tables.sources, keys, &mut buffers, show)
                .expect("a recorded event");
            expected.sort();
            matches.fetch_add(expected.len(), Ordering::Relaxed);
            let result = scratch.match_event(&engine, &Event::new(format, data));
            let found = found(scratch);
            if result.is_err() || found != expected {
                return Some(format!(
                    "{format:?} {result:?}\nengine:    {found:?}\nreference: {expected:?}\n{line}"
                ));
            }
        }
        None
    };
    let wrong = in_parallel(&lines, check, &engine);
    let (matches, recognised) = (matches.into_inner(), recognised.into_inner());
    println!("{} records, {recognised} events recognised, {matches} matches", lines.len());
    assert!(recognised >= 2 * lines.len(), "only {recognised} events recognised");
    assert!(matches > 100, "only {matches} matches");
    assert!(
        wrong.is_empty(),
        "{} records differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(3)].join("\n")
    );
}
