//! Faults of exclusions and of rules that never fire: `tests/data/exclusions/CODE[.VARIANT].yml` has
//! exactly this fault, `...near.yml` is next to it and has none.
//!
//! `scenarios` are the five exclusions that people write for the rule of the MySQL daemon, as they
//! come to mind: `tests/data/exclusions/scenarios/*.expected` says what is wrong with each, where,
//! and what the repair is.
#![cfg(feature = "compile")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use common::{assert_committed, root};
use sigmatag::lint::lint;
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor;
use sigmatag::rule::diagnostic::{Diagnostic, Severity};
use sigmatag::rule::load::load_text;

const FOLDER: &str = "tests/data/exclusions";

fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let mut files: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".yml")?.to_owned();
            Some((name, path))
        })
        .collect();
    files.sort();
    files
}

/// Everything that `sigmatag check` says about a file.
fn findings(name: &str, path: &PathBuf) -> Vec<Diagnostic> {
    let text = fs::read_to_string(path).expect("a file");
    let loaded = load_text(&format!("{name}.yml"), &text, &Placeholders::new());
    let mut found = loaded.diagnostics;
    found.extend(lint(&loaded.collection, &descriptor::built_in()));
    found.sort_by_key(|finding| finding.place.pos);
    found
}

fn text(found: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in found {
        writeln!(text, "[{}] {finding}", finding.code).expect("write");
    }
    text
}

#[test]
fn each_fault_is_found_with_its_line_and_its_repair() {
    let mut all = String::new();
    for (name, path) in files(FOLDER) {
        let found = findings(&name, &path);
        if name.ends_with(".near") {
            assert!(found.is_empty(), "{name}: {}", text(&found));
            continue;
        }
        let code = name.split('.').next().expect("a code");
        let is_other = |finding: &&Diagnostic| finding.code != code;
        let others: Vec<Diagnostic> = found.iter().filter(is_other).cloned().collect();
        // What keeps instead of excluding may silence its rule besides.
        assert!(
            others
                .iter()
                .all(|other| code == "filter-silences" && other.code == "filter-without-not"),
            "{name}: {}",
            text(&others)
        );
        let own: Vec<&Diagnostic> = found.iter().filter(|finding| finding.code == code).collect();
        assert_eq!(own.len(), 1, "{name}: {}", text(&found));
        assert!(own[0].place.pos.line > 1, "{name}: {}", own[0]);
        assert!(own[0].help.is_some(), "{name}: {}", own[0]);
        assert!(
            root().join(FOLDER).join(format!("{name}.near.yml")).is_file(),
            "{name} has nothing next to it"
        );
        all.push_str(&text(&found));
    }
    assert_committed(&format!("{FOLDER}/found.txt"), &all);
}

#[test]
fn the_scenarios_as_they_come_to_mind() {
    for (name, path) in files(&format!("{FOLDER}/scenarios")) {
        let found = findings(&name, &path);
        let warnings = found.iter().filter(|finding| finding.severity == Severity::Warning);
        assert!(warnings.count() >= 5, "{name}: {}", text(&found));
        assert_committed(&format!("{FOLDER}/scenarios/{name}.expected"), &text(&found));
    }
}
