//! `check`, `test`, and what `compile` can leave out.

use crate::common::{root, scratch_folder};
use crate::harness::{empty_folder, golden, names, run};
use serde_json::Value;
use sigmatag::rule::diagnostic::CODES;
use sigmatag::ruleset::RuleSet;
use std::fs;

#[test]
fn check_rules() {
    golden(
        "check",
        &[
            "check doubtful",
            "check doubtful --format json",
            "check doubtful --deny filter-logsource,contains-short",
            "check doubtful --deny warnings",
            "check doubtful/clean.yml --deny warnings",
            "check doubtful/clean.yml --allow missing-auther",
            "check refused.yml rules.yml --allow unknown-modifier,missing-date",
            "check empty.txt",
            "check missing.yml",
        ],
    );
}

#[test]
fn the_rules_that_come_along_are_clean() {
    let out = empty_folder("clean");
    let rules = root().join("rules/mysql");
    let exclusions = root().join("rules/exclusions");
    for folders in
        [rules.display().to_string(), format!("{} {}", rules.display(), exclusions.display())]
    {
        let output = run(&format!("check {folders} --deny warnings"), &out, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let output = run(&format!("test {} --require-tests", rules.display()), &out, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let pack = rules.join("pack.sgt");
    let command = format!("test {} --rules {} --format json", rules.display(), pack.display());
    let output = run(&command, &out, b"");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["failed"], &report["untested"]), (&0.into(), &0.into()));
    assert!(report["rules"].as_array().expect("rules").len() >= 60);
    assert_eq!(report["correlations"].as_array().expect("correlations").len(), 7);
}

#[test]
fn codes_are_documented() {
    let text = fs::read_to_string(root().join("docs/command-line.md")).expect("the page");
    let missing: Vec<&&str> =
        CODES.iter().filter(|code| !text.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/command-line.md lacks {missing:?}");
}

#[test]
fn tests_beside_rules() {
    golden(
        "test",
        &[
            "test tested",
            "test tested/shell.yml --format json",
            "test failing",
            "test failing/wrong.yml --format json",
            "test rules.yml",
            "test rules.yml --require-tests",
            "test refused.yml",
            "compile tested/shell.yml -o $OUT/shell.sgt",
            "test tested --rules $OUT/shell.sgt",
        ],
    );
}

#[test]
fn coverage_of_rules() {
    golden(
        "coverage",
        &[
            "coverage tested rules.yml",
            "coverage tested/burst.yml --format json",
            "coverage doubtful/rules.yml --format navigator --title Layer",
            "coverage doubtful/clean.yml --format navigator --attack 18",
            "coverage doubtful/clean.yml --format html --title <T> --link https://example.org/",
            "coverage refused.yml",
            "coverage empty.txt",
        ],
    );
}

#[test]
fn compile_a_selection() {
    golden(
        "selection",
        &[
            "compile rules.yml folder -o $OUT/levels.sgt --min-level medium",
            "compile rules.yml -o $OUT/ids.sgt --exclude-id 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c02",
            "compile rules.yml -o $OUT/linux.sgt --logsource linux// --logsource //audit",
            "compile tested -o $OUT/status.sgt --status stable,test --format json",
            "compile rules.yml -o $OUT/x.sgt --exclude-id 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c0f",
            "compile rules.yml -o $OUT/x.sgt --logsource mysq//",
            "compile rules.yml -o $OUT/x.sgt --logsource mysql",
            "compile rules.yml -o $OUT/x.sgt --status stabel",
            "compile rules.yml -o $OUT/x.sgt --status unsupported",
        ],
    );
    let out = scratch_folder("cli").join("selection");
    assert_eq!(names(&out), ["ids.sgt", "levels.sgt", "linux.sgt", "status.sgt"]);
    let bytes = fs::read(out.join("ids.sgt")).expect("written");
    let rules = RuleSet::from_bytes(&bytes).expect("it loads");
    assert!(
        (0..rules.rule_count())
            .all(|rule| { rules.rule(rule).is_some_and(|info| info.title != "Time-based probe") })
    );
}

#[test]
fn completions_and_manual_pages() {
    let out = empty_folder("man");
    for (shell, word) in [("bash", "complete "), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let output = run(&format!("completions {shell}"), &out, b"");
        assert!(String::from_utf8_lossy(&output.stdout).contains(word), "{shell}");
    }
    assert!(run("man --out $OUT", &out, b"").status.success());
    let pages = names(&out);
    for page in ["sigmatag.1", "sigmatag-tag.1", "sigmatag-check.1", "sigmatag-sources-detect.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} is not among {pages:?}");
    }
    let page = String::from_utf8(run("man", &out, b"").stdout).expect("UTF-8");
    assert!(page.starts_with(".ie") && page.contains("sigmatag"), "{page}");
}
