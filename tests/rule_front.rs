//! The rule front end against the case collections, the golden diagnostics and, where it is at
//! hand, a whole rule repository.
#![cfg(feature = "compile")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::diagnostic::{CODES, Severity};
use sigmatag::rule::load::{Loaded, load_paths, load_text};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

fn cases(file: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(data("sigma").join(file)).expect("case file");
    text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect()
}

fn errors(loaded: &Loaded) -> Vec<String> {
    loaded
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(ToString::to_string)
        .collect()
}

fn documents(loaded: &Loaded) -> usize {
    let collection = &loaded.collection;
    collection.rules.len() + collection.correlations.len() + collection.filters.len()
}

/// What the edge cases supply for placeholders, if they do.
fn placeholders(case: &serde_json::Value) -> Placeholders {
    let Some(map) = case.get("placeholders").and_then(serde_json::Value::as_object) else {
        return Placeholders::new();
    };
    map.iter()
        .map(|(name, values)| {
            let values = match values {
                serde_json::Value::Array(values) => values.clone(),
                value => vec![value.clone()],
            };
            let text = |value: &serde_json::Value| {
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            };
            (name.clone(), values.iter().map(text).collect())
        })
        .collect()
}

#[test]
fn every_load_case_is_decided_as_stated() {
    let mut wrong = String::new();
    for case in cases("load_cases.jsonl") {
        let name = case["name"].as_str().expect("name");
        let text = case["rule_yaml"].as_str().expect("rule_yaml");
        let loaded = load_text(name, text, &placeholders(&case));
        let errors = errors(&loaded);
        let as_stated = match case["load"].as_str().expect("load") {
            "accept" => documents(&loaded) > 0 && errors.is_empty() && loaded.refused == 0,
            "reject" => !errors.is_empty() && loaded.refused > 0,
            other => panic!("unknown expectation {other}"),
        };
        if !as_stated {
            writeln!(wrong, "{name} should {}: {errors:?}", case["load"]).expect("write");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_edge_case_loads() {
    let mut wrong = String::new();
    for case in cases("edge_cases.jsonl") {
        let name = case["name"].as_str().expect("name");
        let text = case["rule_yaml"].as_str().expect("rule_yaml");
        let loaded = load_text(name, text, &placeholders(&case));
        let errors = errors(&loaded);
        if !errors.is_empty() || documents(&loaded) == 0 {
            writeln!(wrong, "{name}: {errors:?}").expect("write");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// `NAME.yml` beside `NAME.expected`; `SIGMATAG_BLESS=1` rewrites the latter.
#[test]
fn diagnostics_read_as_recorded() {
    let folder = data("diagnostics");
    let bless = std::env::var_os("SIGMATAG_BLESS").is_some();
    let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("golden folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    let known = Placeholders::from([
        ("admins".to_owned(), vec!["root".to_owned()]),
        ("nobody".to_owned(), Vec::new()),
    ]);
    let mut different = String::new();
    for input in inputs {
        let name = input.file_name().expect("name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&input).expect("golden input");
        let loaded = load_text(&name, &text, &known);
        let mut actual = String::new();
        for diagnostic in &loaded.diagnostics {
            writeln!(actual, "{diagnostic}").expect("write");
        }
        let code = input.file_stem().expect("stem").to_string_lossy().into_owned();
        let has_code = loaded.diagnostics.iter().any(|diagnostic| diagnostic.code == code);
        assert!(has_code, "{name} does not show {code}:\n{actual}");
        let expected = input.with_extension("expected");
        if bless {
            fs::write(&expected, &actual).expect("bless");
        } else if fs::read_to_string(&expected).unwrap_or_default() != actual {
            writeln!(different, "--- {name}\n{actual}").expect("write");
        }
    }
    assert!(different.is_empty(), "run with SIGMATAG_BLESS=1 if this is right:\n{different}");
}

/// Every diagnostic code has a golden file, except those that no text of reasonable size shows.
#[test]
fn every_code_has_a_golden_file() {
    /// Shown by the tests in `src/rule/load_tests.rs` and its neighbours, and by
    /// `tests/hostile_rules.rs`, instead.
    const ELSEWHERE: [&str; 11] = [
        "file-not-utf8",
        "file-too-large",
        "file-unreadable",
        "no-rule-files",
        "template-limit",
        "too-many-problems",
        "too-many-searches",
        "value-too-long",
        "yaml-alias-bomb",
        "yaml-depth",
        "yaml-nodes",
    ];
    let recorded: BTreeSet<String> = fs::read_dir(data("diagnostics"))
        .expect("golden folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "expected"))
        .map(|path| path.file_stem().expect("stem").to_string_lossy().into_owned())
        .collect();
    // Findings of `check` beyond what refuses a rule.
    let read = |file: &str| fs::read_to_string(data(file)).expect("golden file");
    let checked = read("cli/check.expected") + &read("exclusions/found.txt");
    let missing: Vec<&&str> = CODES
        .iter()
        // Those of source descriptors have theirs in tests/data/sources.
        .filter(|code| !code.starts_with("source-"))
        .filter(|code| !checked.contains(&format!("[{code}]")))
        .filter(|code| !ELSEWHERE.contains(code) && !recorded.contains(**code))
        .collect();
    assert!(missing.is_empty(), "no golden file for {missing:?}");
    let unknown: Vec<&String> =
        recorded.iter().filter(|name| !CODES.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "golden files for unknown codes: {unknown:?}");
}

/// Set `SIGMATAG_CORPUS` to a folder that contains SigmaHQ's rules as `rules.d/`.
#[test]
fn the_whole_of_sigmahq_loads() {
    let Some(corpus) = std::env::var_os("SIGMATAG_CORPUS") else {
        println!("skipped: SIGMATAG_CORPUS is not set");
        return;
    };
    let started = std::time::Instant::now();
    let loaded = load_paths(&[Path::new(&corpus).join("rules.d")], &Placeholders::new());
    println!(
        "{} rules, {} refused, {} findings in {:?}",
        loaded.collection.rules.len(),
        loaded.refused,
        loaded.diagnostics.len(),
        started.elapsed()
    );
    for diagnostic in loaded.diagnostics.iter().take(60) {
        println!("{} [{}]", diagnostic, diagnostic.code);
    }
    let errors = errors(&loaded);
    assert_eq!(loaded.refused, 2, "{errors:#?}");
    assert!(
        errors.iter().all(|error| error.contains("%known_cdcs%")),
        "only the rules that need a placeholder may be refused: {errors:#?}"
    );
    assert_eq!(loaded.sources.len(), loaded.collection.rules.len() + 2);
    assert!(loaded.collection.correlations.is_empty() && loaded.collection.filters.is_empty());

    let known = Placeholders::from([("known_cdcs".to_owned(), vec!["dc1".to_owned()])]);
    let loaded = load_paths(&[Path::new(&corpus).join("rules.d")], &known);
    assert_eq!(loaded.refused, 0);
}
