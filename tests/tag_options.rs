//! `sigmatag tag` with the options that decide which records are written and which rules report.

mod common;

use common::{root, scratch_folder};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const MISS: &str = r#"{"category":"MySqlAuditLogs","n":1}"#;
const HIT: &str = r#"{"category":"MySqlAuditLogs","properties":{"statement":"DROP TABLE users"}}"#;
const OTHER: &str = r#"{"x":1}"#;

/// Rules whose ids are `a` and `b`.
const RULES: &str = "title: t\nid: a\nlogsource: {product: mysql}\ndetection:\n  s: {properties.statement|contains: DROP}\n  condition: s\n---\ntitle: t\nid: b\nlogsource: {product: other}\ndetection:\n  s: {x: 1}\n  condition: s\n";

/// What is printed for some input: standard output, and the summary.
fn tag(arguments: &[&str], input: &str) -> (String, String) {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let rules = FILE.get_or_init(|| {
        let path = scratch_folder("tag-options").join("rules.yml");
        std::fs::write(&path, RULES).expect("a file");
        path
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_sigmatag"))
        .current_dir(root())
        .args(["tag", "--rules"])
        .arg(rules)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sigmatag starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stderr));
    (text(output.stdout), text(output.stderr))
}

/// Which of the lines were written, and which of these carry a tag.
fn lines(arguments: &[&str], input: &str) -> Vec<String> {
    let (out, _) = tag(&[arguments, &["--summary", "none"]].concat(), input);
    out.lines()
        .map(|line| match line.split_once(r#","sigma":{"#) {
            Some((before, _)) => format!("{before}}} tagged"),
            None => line.to_owned(),
        })
        .collect()
}

#[test]
fn only_lines_that_cannot_match_are_left_out() {
    let input = format!("{MISS}\n{HIT}\n{OTHER}\n{{broken\n\n");
    let tagged = [format!("{HIT} tagged"), format!("{OTHER} tagged")];
    let [hit, other] = &tagged;
    assert_eq!(lines(&["--only-matching"], &input), [hit, other, "{broken"]);
    let strict = ["--only-matching", "--logsource-mode", "strict"];
    assert_eq!(lines(&strict, &input), [hit, OTHER, "{broken"]);
    let named = ["--only-matching", "--logsource", "mysql/-/-"];
    assert_eq!(lines(&named, &input), [hit, "{broken"]);
    let (_, summary) = tag(&["--logsource-mode", "strict"], OTHER);
    assert!(summary.contains("1 event of an unknown log source met no rule"), "{summary}");
}

#[test]
fn disabled_rules_are_named_if_they_do_not_exist() {
    let arguments = ["--disable-rule", "b", "--disable-rule", "c"];
    let (out, summary) = tag(&arguments, OTHER);
    assert_eq!(out, OTHER);
    assert!(summary.contains("warning: --disable-rule c: no rule has this id"), "{summary}");
    assert!(!summary.contains("--disable-rule b"), "{summary}");
}

#[test]
fn envelopes_become_lines_and_stay_arrays() {
    let envelope = format!(r#"{{"records":[{MISS},{HIT}]}}"#);
    let hit = format!("{HIT} tagged");
    assert_eq!(lines(&["--split-records"], &format!("{envelope}\r\n{MISS}")), [MISS, &hit, MISS]);
    assert_eq!(lines(&["--split-records", "--only-matching"], &envelope), [hit]);
    for arguments in [&["--split-records"][..], &["--split-records", "--only-matching"]] {
        let input = format!("[\n  {envelope} ,\n  {MISS},{envelope}\n]\n");
        let (out, _) = tag(arguments, &input);
        let found: Vec<serde_json::Value> = serde_json::from_str(&out).expect("one array");
        assert_eq!(found.len(), if arguments.len() == 1 { 5 } else { 2 }, "{out}");
    }
}

#[test]
fn foreign_tags_go_if_asked_to() {
    let planted = r#"{"sigma":{"level":"critical"},"n":1}"#;
    assert_eq!(lines(&[], planted), [planted]);
    assert_eq!(lines(&["--strip-foreign"], planted), [r#"{"n":1}"#]);
    let (_, summary) = tag(&["--strip-foreign"], planted);
    assert!(summary.contains("1 stripped"), "{summary}");
}
