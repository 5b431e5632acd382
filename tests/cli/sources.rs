//! `sources`: list, explain, detect.

use crate::harness::golden;

#[test]
fn list_and_explain() {
    golden(
        "sources",
        &[
            "sources --sources site.yml",
            "sources --sources site.yml --format json site",
            "sources --sources site.yml site",
            "sources azure-mysq",
            "sources --sources bad-site.yml",
        ],
    );
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
            "sources detect site.jsonl --sources site.yml",
            "sources detect nearly.jsonl malformed.jsonl",
            "sources detect empty.txt",
        ],
    );
}
