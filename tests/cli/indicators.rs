//! Feeds of indicators on the command line.

use crate::common::scratch_folder;
use crate::harness::{empty_folder, golden, names, run};
use serde_json::Value;
use sigmatag::ruleset::RuleSet;
use std::fs;

#[test]
fn feeds_are_compiled_and_found() {
    golden(
        "indicators",
        &[
            "compile rules.yml --indicators ../../indicators/bundle.json --indicators misp=../../indicators/misp.csv --indicators ../../indicators/list.txt --indicators-at 2026-06-01 --indicator-level critical -o $OUT/all.sgt",
            "tag --rules $OUT/all.sgt indicators.jsonl",
            "tag --rules $OUT/all.sgt --shape flat --disable-rule ioc:misp:ip indicators.jsonl",
            "tag --rules $OUT/all.sgt --shape ecs --min-level critical --only-matching indicators.jsonl",
            "explain --rules $OUT/all.sgt --rule ioc:misp:ip indicators.jsonl",
            "compile --indicators ../../indicators/list.txt --strict-indicators -o $OUT/strict.sgt",
            "compile --indicators ../../indicators/list.txt --strict-indicators --format json -o $OUT/strict.sgt",
            "compile --indicators names.txt --indicator-type file_name --format json -o $OUT/names.sgt",
            "compile --indicators names.txt --indicators ./names.txt -o $OUT/twice.sgt",
            "compile --indicators missing.txt -o $OUT/missing.sgt",
            "compile --indicators mark.jsonl -o $OUT/damaged.sgt",
            "compile --indicators names.txt --indicators-at tomorrow -o $OUT/x.sgt",
            "compile --indicators empty.txt -o $OUT/empty.sgt",
            "check --indicators ../../indicators/misp.csv --indicators-at 2026-06-01 --format json",
            "check rules.yml --indicators names.txt --indicator-type file_name",
            "check --indicators names.txt --strict-indicators",
        ],
    );
    let out = scratch_folder("cli").join("indicators");
    assert_eq!(names(&out), ["all.sgt", "names.sgt"]);
    let rules = RuleSet::from_bytes(&fs::read(out.join("all.sgt")).expect("it is there"))
        .expect("it loads");
    assert_eq!(rules.indicators().expect("indicators").entries.len(), 31);
}

#[test]
fn a_thousand_bad_lines_are_counted_and_a_few_named() {
    let out = empty_folder("bad_indicators");
    let lines: String = (0..1000).map(|number| format!("not a value {number}\n")).collect();
    fs::write(out.join("bad.txt"), lines + "evil.example\n").expect("a file");
    let output = run("compile --indicators $OUT/bad.txt -o $OUT/x.sgt", &out, b"");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.lines().count() < 30 && said.contains("980 indicators more: bad"), "{said}");
    let output = run("inspect $OUT/x.sgt", &out, b"");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let line = said.lines().find(|line| line.contains("ioc:bad:domain")).unwrap_or_default();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["ioc:bad:domain", "bad", "1"],
        "{said}"
    );
    let output = run("inspect $OUT/x.sgt --format json", &out, b"");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["indicators"]["number"], 1);
    assert_eq!(report["indicators"]["rules"][0]["id"], "ioc:bad:domain");
}
