//! `docs/coverage.html`: what the pack covers, as `sigmatag coverage` shows it.
#![cfg(feature = "cli")]

mod common;

use common::{assert_committed, root, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn coverage(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigmatag"));
    command.current_dir(root()).args(["coverage", "rules/mysql"]).args(arguments);
    String::from_utf8(run(&mut command).stdout).expect("UTF-8")
}

#[test]
fn the_page_shows_the_pack() {
    let title = "Rules for MySQL and MariaDB: coverage";
    let page = coverage(&["--format", "html", "--link", "../", "--title", title]);
    for (at, _) in page.match_indices("http") {
        let is_link = page[..at].ends_with("href=\"");
        assert!(is_link, "something from elsewhere: {}", &page[at..page.len().min(at + 60)]);
    }
    assert_committed("docs/coverage.html", &page);
}

#[test]
fn every_rule_is_covered_and_tested() {
    let report: Value = serde_json::from_str(&coverage(&["--format", "json"])).expect("JSON");
    let rows = report["rules"].as_array().expect("rules");
    assert!(rows.len() > 70, "{}", rows.len());
    for row in rows {
        let title = &row["title"];
        assert!(row["tests"]["matching"].as_u64() > Some(0), "{title}: nothing must match");
        assert!(row["tests"]["not"].as_u64() > Some(0), "{title}: nothing must not");
        assert!(!row["techniques"].as_array().expect("techniques").is_empty(), "{title}");
        if row["kind"] == "rule" {
            assert!(row["sources"].as_array().expect("sources").len() > 4, "{title}");
        }
    }
}

/// A technique has one number in each layer.
#[test]
fn layers_of_both_versions_have_the_same_rules() {
    let scores = |version: &str, other: &str| {
        let text = coverage(&["--format", "navigator", "--attack", version]);
        let layer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(layer["versions"]["attack"], version);
        assert_eq!(layer["domain"], "enterprise-attack");
        let techniques = layer["techniques"].as_array().expect("techniques");
        let ids: BTreeSet<&str> =
            techniques.iter().map(|one| one["techniqueID"].as_str().expect("an id")).collect();
        assert_eq!(ids.len(), techniques.len());
        assert!(!ids.contains(other), "{other} in version {version}");
        let score = |one: &Value| one["score"].as_u64().expect("a score");
        (techniques.len(), techniques.iter().map(score).sum::<u64>())
    };
    assert_eq!(scores("19", "T1562.001"), scores("18", "T1685"));
}
