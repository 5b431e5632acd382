//! Log sources of recorded events: what the built-in sources say of them, and that no rule that
//! concerns an event is kept from it.
//!
//! `SIGMATAG_CORPUS` names the unpacked corpus; without it the tests say what they left out.
//! `SIGMATAG_LONG=1` takes all events instead of a sample. `SIGMATAG_BLESS=1` rewrites
//! `tests/data/corpus/logsources.golden`.
#![cfg(feature = "compile")]

mod common;

use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Options as EngineOptions, Scratch};
use sigmatag::rule::ast::{Collection, LogSource, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use sigmatag::source::{Buffers, Encoding, for_each_event};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

fn sigmahq(corpus: &Path) -> (Collection, Arc<RuleSet>) {
    let collection = load_paths(&[corpus.join("rules.d")], &Placeholders::new()).collection;
    let options = Options { sources: built_in(), ..Options::default() };
    let file = compile::compile(&collection, &options).unwrap_or_else(|e| panic!("{e:?}"));
    let rules = RuleSet::from_bytes(&file.bytes).unwrap_or_else(|e| panic!("{e}"));
    (collection, Arc::new(rules))
}

#[test]
fn every_recorded_event_has_the_expected_log_sources() {
    let Some(corpus) = common::corpus("log sources of recorded events") else { return };
    let (_, rules) = sigmahq(&corpus);
    let tables = rules.tables();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in ["windows_events_5k.jsonl.gz", "azure_mysql_20k.jsonl.gz"] {
        let text = common::gunzip(&corpus.join(file));
        let mut buffers = Buffers::new(&tables.sources, tables.fields.len(), true);
        for line in text.lines() {
            let count = |event: &sigmatag::source::SourceEvent<'_>| {
                let source = event.source.map_or("-", |source| tables.sources.name(source));
                let mut names: Vec<String> =
                    event.logsources.iter().map(|&id| rules.logsource(id).join("/")).collect();
                names.sort();
                *counts.entry(format!("{file} {source} {}", names.join(" "))).or_default() += 1;
            };
            for_each_event(
                line.as_bytes(),
                Encoding::Json,
                &tables.sources,
                &tables.keys,
                &mut buffers,
                count,
            )
            .expect("a recorded event");
        }
    }
    let lines: String = counts.iter().map(|(what, count)| format!("{count} {what}\n")).collect();
    common::assert_committed("tests/data/corpus/logsources.golden", &lines);
}

/// What an event of Windows is to rules, worked out from Sigma's taxonomy and not from the
/// descriptors: categories, and the service. `None`: nothing is known but the product.
fn by_hand(channel: &str, id: u64, event_type: &str) -> Option<(Vec<&'static str>, &'static str)> {
    let categories = match (channel, id) {
        ("Microsoft-Windows-Sysmon/Operational", _) => match id {
            1 => vec!["process_creation"],
            2 => vec!["file_change"],
            3 => vec!["network_connection"],
            4 | 16 => vec!["sysmon_status"],
            5 => vec!["process_termination"],
            6 => vec!["driver_load"],
            7 => vec!["image_load"],
            8 => vec!["create_remote_thread"],
            9 => vec!["raw_access_thread"],
            10 => vec!["process_access"],
            11 => vec!["file_event"],
            12 if event_type == "CreateKey" => vec!["registry_event", "registry_add"],
            12 => vec!["registry_event", "registry_delete"],
            13 => vec!["registry_event", "registry_set"],
            14 => vec!["registry_event", "registry_rename"],
            15 => vec!["create_stream_hash"],
            17 | 18 => vec!["pipe_created"],
            19..=21 => vec!["wmi_event"],
            22 => vec!["dns_query"],
            23 => vec!["file_delete"],
            24 => vec!["clipboard_capture"],
            25 => vec!["process_tampering"],
            26 => vec!["file_delete", "file_delete_detected"],
            27 => vec!["file_block_executable"],
            28 => vec!["file_block_shredding"],
            29 => vec!["file_executable_detected"],
            255 => vec!["sysmon_error"],
            _ => return None,
        },
        ("Security", 4688) => vec!["process_creation"],
        ("Security", 4657) => vec!["registry_event"],
        ("Microsoft-Windows-PowerShell/Operational", 4103) => vec!["ps_module"],
        ("Microsoft-Windows-PowerShell/Operational", 4104) => vec!["ps_script"],
        ("Windows PowerShell", 400) => vec!["ps_classic_start"],
        ("Windows PowerShell", 600) => vec!["ps_classic_provider_start"],
        ("Windows PowerShell", 800) => vec!["ps_classic_script"],
        ("Microsoft-Windows-Windows Defender/Operational", 1116) => vec!["antivirus"],
        _ => vec![],
    };
    let service = match channel {
        "Microsoft-Windows-Sysmon/Operational" => "sysmon",
        "Security" => "security",
        "System" => "system",
        "Application" => "application",
        "Microsoft-Windows-PowerShell/Operational" => "powershell",
        "Windows PowerShell" => "powershell-classic",
        "Microsoft-Windows-Windows Defender/Operational" => "windefend",
        "Microsoft-Windows-AppLocker/EXE and DLL" => "applocker",
        _ => return None,
    };
    Some((categories, service))
}

/// Whether a rule concerns an event.
fn concerns(rule: &LogSource, known: Option<&(Vec<&str>, &str)>) -> bool {
    let product = rule.product.as_deref().is_none_or(|product| product == "windows");
    let Some((categories, service)) = known else { return product };
    product
        && rule.category.as_deref().is_none_or(|category| categories.contains(&category))
        && rule.service.as_deref().is_none_or(|name| name == *service)
}

/// Channels and ids that the events of the corpus are shown under besides their own.
const OTHERS: [(&str, u64); 18] = [
    ("Security", 4688),
    ("Security", 4624),
    ("Security", 4657),
    ("System", 7045),
    ("Application", 1000),
    ("Microsoft-Windows-PowerShell/Operational", 4103),
    ("Microsoft-Windows-PowerShell/Operational", 4104),
    ("Microsoft-Windows-PowerShell/Operational", 53504),
    ("Windows PowerShell", 400),
    ("Windows PowerShell", 800),
    ("Microsoft-Windows-Windows Defender/Operational", 1116),
    ("Microsoft-Windows-Windows Defender/Operational", 5001),
    ("Microsoft-Windows-AppLocker/EXE and DLL", 8004),
    ("Microsoft-Windows-Sysmon/Operational", 26),
    ("Microsoft-Windows-Sysmon/Operational", 29),
    ("Microsoft-Windows-Sysmon/Operational", 999),
    ("Contoso-Backup/Operational", 1),
    ("Contoso-Backup/Operational", 11),
];

fn found(scratch: &Scratch) -> BTreeSet<String> {
    let rules = scratch.rules();
    scratch.hits().iter().map(|hit| rules.rule(hit.rule).unwrap().id.to_owned()).collect()
}

#[test]
fn routing_loses_no_rule_and_admits_no_other() {
    let Some(corpus) = common::corpus("routing of Windows events") else { return };
    let (collection, rules) = sigmahq(&corpus);
    let logsources: HashMap<String, &LogSource> = collection
        .rules
        .iter()
        .map(|rule| (rule.meta.id.clone().expect("an id"), &rule.logsource))
        .collect();
    let engine = |mode| {
        let options = EngineOptions { logsource_mode: mode, ..EngineOptions::default() };
        Engine::new(Arc::clone(&rules), options)
    };
    let (routed, open) = (engine(LogsourceMode::Auto), engine(LogsourceMode::None));
    let (mut routed_scratch, mut open_scratch) = (Scratch::new(&routed), Scratch::new(&open));
    let text = common::gunzip(&corpus.join("windows_events_5k.jsonl.gz"));
    let lines: Vec<&str> = text.lines().collect();
    let step = if std::env::var_os("SIGMATAG_LONG").is_some() { 1 } else { 5 };
    let (mut admitted, mut kept_away, mut events) = (0, 0, 0);
    for (index, line) in lines.iter().enumerate().step_by(step) {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let own =
            (record["Channel"].as_str().unwrap().to_owned(), record["EventID"].as_u64().unwrap());
        let other = OTHERS[index / step % OTHERS.len()];
        for (channel, id) in [(own.0.as_str(), own.1), other] {
            record["Channel"] = channel.into();
            record["EventID"] = id.into();
            let data = record.to_string();
            let event = Event::new(Format::Json, data.as_bytes());
            routed_scratch.match_event(&routed, &event).expect("a recorded event");
            open_scratch.match_event(&open, &event).expect("a recorded event");
            let event_type = record["EventType"].as_str().unwrap_or_default();
            let known = by_hand(channel, id, event_type);
            let all = found(&open_scratch);
            let expected: BTreeSet<String> = all
                .iter()
                .filter(|id| concerns(logsources[*id], known.as_ref()))
                .cloned()
                .collect();
            admitted += expected.len();
            kept_away += all.len() - expected.len();
            events += 1;
            let found = found(&routed_scratch);
            assert!(
                found == expected,
                "lost: {:?}\nnot meant: {:?}\n{data}",
                expected.difference(&found).collect::<Vec<_>>(),
                found.difference(&expected).collect::<Vec<_>>(),
            );
        }
    }
    println!("{events} events: {admitted} matches, {kept_away} of rules that do not concern them");
    assert!(admitted > events / 20, "only {admitted} matches");
    assert!(kept_away > events / 20, "only {kept_away} were kept away");
}

#[test]
fn every_log_source_of_windows_and_linux_rules_is_known() {
    let Some(corpus) = common::corpus("log sources that rules ask for") else { return };
    let collection = load_paths(&[corpus.join("rules.d")], &Placeholders::new()).collection;
    let given: Vec<LogSource> = built_in()
        .into_iter()
        .flat_map(|source| source.logsources)
        .map(|conditional| conditional.logsource)
        .collect();
    let mut unknown = BTreeSet::new();
    for rule in &collection.rules {
        let asked = &rule.logsource;
        if !matches!(asked.product.as_deref(), Some("windows" | "linux")) {
            continue;
        }
        let holds = |given: &LogSource| {
            let part =
                |asked: &Option<String>, given: &Option<String>| asked.is_none() || asked == given;
            given.product == asked.product
                && part(&asked.category, &given.category)
                && part(&asked.service, &given.service)
        };
        if !given.iter().any(holds) {
            unknown.insert(format!("{asked:?}"));
        }
    }
    assert!(unknown.is_empty(), "no source gives these: {unknown:#?}");
}
