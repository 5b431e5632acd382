//! The compiled file: frozen bytes per format version, and the same bytes for the same rules.
//!
//! `SIGMATAG_BLESS=1` writes `tests/data/golden/` anew.
#![cfg(feature = "compile")]

mod common;

use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::{load_paths, load_text};
use sigmatag::ruleset::RuleSet;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

const FOLDER: &str = "tests/data/golden";
const FROZEN_FILE: &str = "tests/data/golden/v1.sgt";

fn placeholders() -> Placeholders {
    Placeholders::from([("admins".to_owned(), vec!["root".to_owned(), "adm*".to_owned()])])
}

fn options() -> Options {
    Options { sources: built_in(), ..Options::default() }
}

/// The rule files, by name.
fn texts() -> BTreeMap<String, String> {
    let folder = common::root().join(FOLDER);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let rules = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yml"));
    rules
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Loads files as a user would, from a folder of their own.
fn collection(files: &[(String, String)]) -> Collection {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let loaded = load_paths(&paths, &placeholders());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.collection
}

fn compiled(files: &[(String, String)], options: &Options) -> Vec<u8> {
    compile::compile(&collection(files), options).unwrap_or_else(|e| panic!("{e:?}")).bytes
}

/// The committed rules as one text under a name that does not depend on where the repository is:
/// the debug section holds names of files.
fn frozen_collection() -> Collection {
    let text = texts().into_values().collect::<Vec<_>>().join("---\n");
    let loaded = load_text("golden.yml", &text, &placeholders());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.collection
}

fn identity(bytes: &[u8]) -> String {
    RuleSet::from_bytes(bytes).unwrap().identity().to_owned()
}

/// The frozen file; written first if that is asked for.
fn frozen() -> &'static [u8] {
    static FROZEN: OnceLock<Vec<u8>> = OnceLock::new();
    FROZEN.get_or_init(|| {
        let path = common::root().join(FROZEN_FILE);
        if std::env::var_os("SIGMATAG_BLESS").is_some() {
            std::fs::write(&path, todays()).unwrap();
        }
        std::fs::read(&path).unwrap()
    })
}

fn todays() -> Vec<u8> {
    compile::compile(&frozen_collection(), &options()).unwrap().bytes
}

#[test]
fn todays_compiler_makes_the_frozen_bytes() {
    let (bytes, frozen) = (todays(), frozen());
    let first = bytes.iter().zip(frozen).position(|(a, b)| a != b);
    assert!(
        bytes == frozen,
        "{}: {} bytes, today's compiler makes {}; the first difference is at {first:?}. Files of \
         this version are in use: a change needs a new format version, or a reason and \
         SIGMATAG_BLESS=1",
        FROZEN_FILE,
        frozen.len(),
        bytes.len()
    );
}

#[test]
fn the_frozen_file_matches_what_it_matched() {
    let rules = Arc::new(RuleSet::from_bytes(frozen()).unwrap());
    assert_eq!(rules.format_version(), 1);
    let engine = Engine::new(Arc::clone(&rules), EngineOptions::default());
    let mut scratch = Scratch::new(&engine);
    let events = include_str!("data/golden/events.jsonl");
    let mut lines = String::from("[\n");
    let mut fired = std::collections::BTreeSet::new();
    let count = events.lines().count();
    for (index, line) in events.lines().enumerate() {
        scratch.match_event(&engine, &Event::new(Format::Json, line.as_bytes())).unwrap();
        let hits = scratch.hits().iter();
        let ids: Vec<&str> = hits.map(|hit| rules.rule(hit.rule).unwrap().id).collect();
        fired.extend(ids.iter().map(|&id| id.to_owned()));
        let entry = serde_json::json!({ "event": index, "rules": ids });
        lines.push_str(&format!("  {entry}{}\n", if index + 1 < count { "," } else { "" }));
    }
    lines.push_str("]\n");
    let silent: Vec<&str> = (0..rules.rule_count())
        .map(|rule| rules.rule(rule).unwrap().id)
        .filter(|&id| !fired.contains(id))
        .collect();
    assert!(silent.is_empty(), "no event matches {silent:?}");
    common::assert_committed("tests/data/golden/expected.json", &lines);
}

#[test]
fn order_and_split_of_the_rules_do_not_matter() {
    let files: Vec<(String, String)> = texts().into_iter().collect();
    let stripped = Options { strip_debug: true, ..options() };
    let expected = compiled(&files, &stripped);
    let identity_expected = identity(&expected);

    let mut reversed = files.clone();
    reversed.reverse();
    // Files are read in the order given.
    assert_ne!(reversed[0].0, files[0].0);
    let documents: Vec<(String, String)> = files
        .iter()
        .flat_map(|(_, text)| text.split("\n---\n"))
        .enumerate()
        .map(|(index, text)| (format!("{index}.yml"), format!("{text}\n")))
        .collect();
    assert!(documents.len() > files.len());
    let mut shuffled = documents.clone();
    let half = shuffled.len() / 2;
    shuffled.rotate_left(half);
    shuffled.swap(0, 1);
    let joined: Vec<String> = documents.iter().map(|(_, text)| text.clone()).collect();
    let joined = vec![("all.yml".to_owned(), joined.join("---\n"))];

    for (what, files) in [
        ("reversed", reversed),
        ("one by one", documents),
        ("shuffled", shuffled),
        ("joined", joined),
    ] {
        assert!(compiled(&files, &stripped) == expected, "{what}: other bytes");
        let with_debug = compiled(&files, &options());
        assert_eq!(identity(&with_debug), identity_expected, "{what}");
        assert!(with_debug.len() > expected.len(), "the debug section is empty");
    }
}
