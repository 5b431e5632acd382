//! `sources`: list, explain, detect.

use crate::harness::{empty_folder, golden, run};
use serde_json::Value;
use sigmatag::rule::descriptor;

#[test]
fn list_and_explain() {
    golden(
        "sources",
        &[
            "sources --sources site.yml --format json site-sql",
            "sources --sources site.yml site-sql",
            "sources --sources site.yml azure-mysql",
            "sources mariadb-audit",
            "sources rds-activity-stream --format json",
            "sources azure-mysq",
            "sources --sources bad-site.yml",
        ],
    );
}

#[test]
fn all_are_listed_in_the_order_of_recognition() {
    let out = empty_folder("sources_list");
    let listed = run("sources --sources site.yml --format json", &out, b"").stdout;
    let listed: Value = serde_json::from_slice(&listed).expect("JSON");
    let names: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|source| source["name"].as_str().expect("a name"))
        .collect();
    let built_in = descriptor::built_in();
    let expected: Vec<&str> =
        std::iter::once("site-sql").chain(built_in.iter().map(|own| own.name.as_str())).collect();
    assert_eq!(names, expected);
    let table = run("sources", &out, b"").stdout;
    let table = String::from_utf8(table).expect("UTF-8");
    let missing: Vec<&&str> =
        expected[1..].iter().filter(|name| !table.contains(&format!("\n{name} "))).collect();
    assert!(missing.is_empty(), "{missing:?}\n{table}");
}

#[test]
fn detect_events() {
    golden(
        "detect",
        &[
            "sources detect azure.jsonl",
            "sources detect azure.jsonl --format json",
            "sources detect azure.jsonl --each",
            "sources detect azure.jsonl --each --format json",
            "sources detect mariadb.log",
            "sources detect dialects.jsonl",
            "sources detect site.jsonl --sources site.yml",
            "sources detect array.json text.log",
            "sources detect nearly.jsonl malformed.jsonl",
            "sources detect empty.txt",
        ],
    );
}
