//! A quick run takes every step of a whole one: the document has every section, with figures in it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Headings, and a piece of text that only a section which measured something has.
const SECTIONS: [(&str, &str); 15] = [
    ("Machine", "| rustc | rustc "),
    ("Targets", "| Azure MySQL record of about 500 bytes"),
    ("Time of a record", "| Azure MySQL, wider shapes | JSON | pack |"),
    ("Indicators and documents", "indicators, documents for Sekoia.io | "),
    ("Throughput", "| chunks of 256, tagged |"),
    ("Loading, compiling, memory", "| pack | "),
    ("More rules", "| Azure MySQL, pack | "),
    ("Longer fields", "| 1.02 kB | "),
    ("Cold caches", "| 6.00 MB | "),
    ("Calls from C", "| `sigmatag_match` with `{}` | "),
    ("Hostile events", "| sql_text: comments that open | pack | msgpack |"),
    ("Inside Fluent Bit", "| grep, one expression | "),
    ("Other engines", ""),
    ("Criterion", ""),
    ("Where instructions go", "instructions a record."),
];
/// Charts of every run; further ones are about what needs a corpus.
const CHARTS: [&str; 6] = ["latency", "rules", "size", "cold", "hostile", "fluent-bit-azure"];

/// Runs the report into a folder: the document.
fn report(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sigmatag-report"))
        .arg("--out")
        .arg(folder)
        .args(arguments)
        .output()
        .expect("the report starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{error}", output.status);
    std::fs::read_to_string(folder.join("benchmarks.md")).expect("a document")
}

/// The text under a heading.
fn section<'a>(document: &'a str, title: &str) -> &'a str {
    let heading = format!("\n## {title}\n");
    let (_, rest) = document.split_once(&heading).unwrap_or_else(|| panic!("no {title}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn a_quick_run_writes_every_section() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = report(folder.path(), &["--quick"]);
    let left_out = section(&document, "Left out");
    eprintln!("left out:\n{left_out}");
    for (title, text) in SECTIONS {
        let section = section(&document, title);
        let is_left_out = left_out.contains(&format!("- {title}:"));
        assert!(section.contains(text) || is_left_out, "{title} measured nothing:\n{section}");
        assert!(!section.contains("NaN") && !section.contains("inf"), "{title}:\n{section}");
    }
    // These need nothing but the project: they are never left out.
    for title in ["Time of a record", "Throughput", "Longer fields", "Hostile events"] {
        assert!(section(&document, title).contains("pack |"), "{title} has no built-in rules");
    }
    assert!(document.contains("This run had the options `--quick`."));
    for chart in CHARTS {
        if document.contains(&format!("(benchmarks/{chart}.svg)")) {
            let path = folder.path().join(format!("benchmarks/{chart}.svg"));
            let svg = std::fs::read_to_string(&path).expect("a chart that the document shows");
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{chart}");
        }
    }
}

#[test]
fn one_section_can_be_had_alone_and_the_corpus_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_sigmatag-report"))
        .args(["--quick", "--only", "size", "--out"])
        .arg(folder.path())
        .env_remove("SIGMATAG_CORPUS")
        .output()
        .expect("the report starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path: PathBuf = folder.path().join("benchmarks.md");
    let document = std::fs::read_to_string(path).expect("a document");
    assert!(document.contains("\n## Longer fields\n") && !document.contains("\n## Throughput\n"));
    assert!(section(&document, "Left out").contains("set SIGMATAG_CORPUS"));
    assert!(section(&document, "Targets").contains("| not measured |"));
}

#[test]
fn an_unknown_section_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_sigmatag-report"))
        .args(["--only", "everything"])
        .output()
        .expect("the report starts");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("no section everything") && error.contains("fluent-bit"), "{error}");
}
