//! The command line, run as users run it. Golden files under `tests/data/cli/` hold the exit code
//! and both outputs of each case; `SIGMATAG_BLESS=1 cargo test --test cli` writes them again.
#![cfg(feature = "cli")]

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod harness;
mod indicators;
mod input;
mod rules;
mod sources;

use common::{assert_committed, root, scratch_folder};
use harness::{INPUT, empty_folder, golden, golden_with, names, run, sigmatag};
use sigmatag::ruleset::RuleSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;

#[test]
fn help_and_version() {
    let commands = [
        "check",
        "test",
        "compile",
        "tag",
        "serve",
        "inspect",
        "explain",
        "export vrl",
        "bench",
        "sources",
    ];
    let mut commands: Vec<String> =
        commands.iter().map(|command| format!("{command} --help")).collect();
    commands.insert(0, "--help".to_owned());
    commands
        .extend(["sources detect --help", "completions --help", "man --help"].map(str::to_owned));
    golden("help", &commands.iter().map(String::as_str).collect::<Vec<_>>());
    golden("version", &["--version", "-V"]);
}

#[test]
fn usage_errors() {
    golden(
        "usage",
        &[
            "compile rules.yml",
            "tag --rules rules.yml --shape flat --key x events.jsonl",
            "tag --rules rules.yml --key= events.jsonl",
            "tag --rules rules.yml --min-level severe events.jsonl",
            "tag --rules rules.yml --logsource mysql events.jsonl",
            "tag --rules rules.yml missing.jsonl",
            "tag --rules rules.yml folder",
            "tag --rules missing.yml events.jsonl",
            "compile rules.yml -o $OUT/x.sgt --placeholder admins",
        ],
    );
}

#[test]
fn compile_rules() {
    golden(
        "compile",
        &[
            "compile rules.yml folder -o $OUT/all.sgt",
            "compile rules.yml -o $OUT/small.sgt --strip-debug --format json",
            "compile placeholder.yml -o $OUT/placeholder.sgt --placeholder admins=admins.txt",
            "compile rules.yml -o $OUT/site.sgt --sources site.yml",
            "compile rules.yml -o $OUT/own.sgt --profile events.jsonl --profile array.json",
            "compile rules.yml -o $OUT/own.sgt --profile text.log --format json",
        ],
    );
    let out = scratch_folder("cli").join("compile");
    assert_eq!(names(&out), ["all.sgt", "own.sgt", "placeholder.sgt", "site.sgt", "small.sgt"]);
    let load = |name: &str| {
        let bytes = fs::read(out.join(name)).expect("it was written");
        RuleSet::from_bytes(&bytes).expect("it loads")
    };
    assert_eq!(load("all.sgt").rule_count(), 5);
    assert_eq!(load("own.sgt").identity(), load("small.sgt").identity());
    assert!(load("small.sgt").debug().unwrap().conditions.is_empty());
    let built_in = sigmatag::rule::descriptor::built_in().len();
    assert_eq!(load("site.sgt").tables().sources.sources.len(), 1 + built_in);
}

#[test]
fn refused_rules_write_nothing() {
    golden(
        "refused",
        &[
            "compile refused.yml -o $OUT/x.sgt",
            "compile refused.yml -o $OUT/x.sgt --format json",
            "compile placeholder.yml -o $OUT/x.sgt",
            "compile placeholder.yml -o $OUT/x.sgt --placeholder admins=empty.txt",
            "compile rules.yml -o $OUT/x.sgt --sources bad-site.yml",
            "compile rules.yml missing.yml -o $OUT/x.sgt --skip-unsupported",
            "compile empty.txt -o $OUT/x.sgt",
            "compile rules.yml -o $OUT/x.sgt --profile malformed.jsonl",
            "compile rules.yml -o $OUT/x.sgt --profile empty.txt",
            "compile rules.yml -o $OUT/x.sgt --profile missing.jsonl",
            "tag --rules refused.yml events.jsonl",
        ],
    );
    assert_eq!(names(&scratch_folder("cli").join("refused")), [""; 0]);
}

#[test]
fn refused_rules_can_be_left_out() {
    golden(
        "left_out",
        &[
            "compile refused.yml rules.yml -o $OUT/x.sgt --skip-unsupported",
            "compile refused.yml -o $OUT/y.sgt --skip-unsupported --format json",
            "tag --rules refused.yml --skip-unsupported events.jsonl",
            "compile refused.yml same_id.yml -o $OUT/z.sgt",
            "compile refused.yml same_id.yml -o $OUT/z.sgt --skip-unsupported",
        ],
    );
    let file = scratch_folder("cli").join("left_out/x.sgt");
    let rules = RuleSet::from_bytes(&fs::read(file).expect("written")).expect("it loads");
    assert_eq!((rules.rule_count(), rules.skipped_rules()), (5, 1));
}

/// The front end accepts this rule; the compiler meets a limit.
#[test]
fn rules_that_only_the_compiler_refuses() {
    let out = empty_folder("compiler");
    let rule = fs::read_to_string(root().join(INPUT).join("placeholder.yml")).expect("a rule");
    fs::write(out.join("twice.yml"), rule.replace("%admins%", "%admins%%admins%"))
        .expect("written");
    let list: String = (0..400).map(|number| format!("admin{number}\n")).collect();
    fs::write(out.join("list.txt"), list).expect("written");
    let command = "compile $OUT/twice.yml folder -o $OUT/x.sgt --placeholder admins=$OUT/list.txt";
    let output = run(command, &out, b"");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("more than 100000 combinations of placeholders"), "{error}");
    assert!(error.contains("twice.yml:8:5"), "{error}");
    assert!(error.contains("in `Administrator`"), "{error}");
    assert!(!out.join("x.sgt").exists());
    let output = run(&format!("{command} --skip-unsupported"), &out, b"");
    assert_eq!(output.status.code(), Some(0));
    let bytes = fs::read(out.join("x.sgt")).expect("written");
    let rules = RuleSet::from_bytes(&bytes).expect("it loads");
    assert_eq!((rules.rule_count(), rules.skipped_rules()), (1, 1));
    assert_eq!(rules.rule(0).map(|rule| rule.title), Some("Root"));
}

#[test]
fn output_that_cannot_be_written() {
    golden(
        "unwritable",
        &[
            "compile rules.yml -o $OUT/missing/x.sgt",
            "compile rules.yml -o $OUT",
            "compile rules.yml -o /dev/null",
        ],
    );
    assert_eq!(names(&scratch_folder("cli").join("unwritable")), [""; 0]);
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let out = empty_folder("replaced");
    let file = out.join("x.sgt");
    fs::write(&file, "old").expect("written");
    assert_eq!(run("compile refused.yml -o $OUT/x.sgt", &out, b"").status.code(), Some(1));
    assert_eq!(fs::read(&file).expect("still there"), b"old");
    assert_eq!(run("compile rules.yml -o $OUT/x.sgt", &out, b"").status.code(), Some(0));
    assert!(fs::read(&file).expect("there").starts_with(b"\x89SGT"));
    // Through a link: the link stays one.
    std::os::unix::fs::symlink("x.sgt", out.join("link.sgt")).expect("a link");
    assert_eq!(run("compile folder -o $OUT/link.sgt", &out, b"").status.code(), Some(0));
    assert!(fs::symlink_metadata(out.join("link.sgt")).expect("there").is_symlink());
    let rules = RuleSet::from_bytes(&fs::read(&file).expect("there")).expect("it loads");
    assert_eq!(rules.rule_count(), 1);
    assert_eq!(names(&out), ["link.sgt", "x.sgt"]);
}

#[test]
fn the_order_of_rules_means_nothing() {
    let out = empty_folder("order");
    let one = run("compile rules.yml folder -o $OUT/a.sgt --strip-debug", &out, b"");
    let other = run("compile folder rules.yml -o $OUT/b.sgt --strip-debug", &out, b"");
    assert!(one.status.success() && other.status.success());
    let read = |name: &str| fs::read(out.join(name)).expect("written");
    assert_eq!(read("a.sgt"), read("b.sgt"));
}

#[test]
fn inspect_a_file() {
    golden(
        "inspect",
        &[
            "compile rules.yml refused.yml -o $OUT/x.sgt --skip-unsupported",
            "inspect $OUT/x.sgt",
            "inspect $OUT/x.sgt --rules --format json",
            "compile folder -o $OUT/small.sgt --strip-debug",
            "inspect $OUT/small.sgt --rules",
        ],
    );
}

#[test]
fn files_that_are_no_rule_sets() {
    let out = empty_folder("wrong_files");
    assert!(run("compile rules.yml -o $OUT/x.sgt", &out, b"").status.success());
    let good = fs::read(out.join("x.sgt")).expect("written");
    let mut bad = good.clone();
    bad[200] ^= 1;
    let files = empty_folder("wrong");
    for (name, bytes) in
        [("cut.sgt", &good[..good.len() - 1]), ("bad.sgt", &bad), ("text.sgt", b"title: x")]
    {
        fs::write(files.join(name), bytes).expect("written");
    }
    fs::write(files.join("empty.sgt"), b"").expect("written");
    // The case's folder is emptied before it runs, so its files come by another name.
    let files = files.display().to_string();
    let mut text = String::new();
    for arguments in [
        "inspect DIR/bad.sgt",
        "inspect DIR/text.sgt",
        "inspect DIR/empty.sgt",
        "inspect DIR/missing.sgt",
        "tag --rules DIR/text.sgt events.jsonl",
        "tag --rules DIR/bad.sgt --rules rules.yml events.jsonl",
        "tag --rules DIR/bad.sgt --sources site.yml events.jsonl",
    ] {
        let output = run(&arguments.replace("DIR", &files), &out, b"");
        assert!(output.stdout.is_empty(), "{arguments}");
        let code = output.status.code().expect("no signal");
        let error = String::from_utf8_lossy(&output.stderr).replace(&files, "DIR");
        text.push_str(&format!("$ sigmatag {arguments}\nexit code {code}\n{error}\n"));
    }
    assert_committed("tests/data/cli/wrong_files.expected", &text);
    let output = run("inspect $OUT/cut.sgt", Path::new(&files), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("copy the file again"));
}

#[test]
fn tag_events() {
    golden(
        "tag",
        &[
            "tag --rules rules.yml events.jsonl",
            "tag --rules rules.yml --shape flat --only-matching events.jsonl",
            "tag --rules rules.yml --shape ecs --min-level high --summary none events.jsonl",
            "tag --rules rules.yml --key detection --summary json events.jsonl azure.jsonl",
            "tag --rules rules.yml --logsource mysql//audit --only-matching events.jsonl",
            "tag --rules rules.yml --logsource windows// events.jsonl",
            "tag --rules rules.yml azure.jsonl",
            "tag --rules rules.yml --only-matching azure.jsonl",
            "tag --rules rules.yml --sources site.yml site.jsonl",
            "tag --rules placeholder.yml --rules folder --placeholder admins=admins.txt \
             events.jsonl",
            "compile rules.yml -o $OUT/x.sgt",
            "tag --rules $OUT/x.sgt --only-matching events.jsonl",
        ],
    );
}

#[test]
fn lines_of_every_kind_pass() {
    golden(
        "lines",
        &[
            "tag --rules rules.yml malformed.jsonl",
            "tag --rules rules.yml --summary json --only-matching malformed.jsonl",
            "tag --rules rules.yml crlf.jsonl",
            "tag --rules rules.yml mark.jsonl",
            "tag --rules rules.yml empty.txt",
            "tag --rules rules.yml --max-record 55 events.jsonl",
        ],
    );
}

#[test]
fn standard_input() {
    let input = fs::read(root().join(INPUT).join("events.jsonl")).expect("events");
    golden_with(
        "stdin",
        &[
            "tag --rules rules.yml --only-matching",
            "tag --rules rules.yml --only-matching - crlf.jsonl",
            "explain --rules rules.yml --rule 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c03 -",
        ],
        &input,
    );
}

#[test]
fn a_huge_line_passes_unexamined() {
    let matching = r#"{"sql_text":"DROP USER x","user":"app","ip":"192.0.2.1"}"#;
    let padding = "x".repeat(sigmatag::limits::MAX_RECORD);
    let huge = format!(r#"{{"sql_text":"DROP USER x","user":"app","pad":"{padding}"}}"#);
    let out = empty_folder("huge");
    for end in ["\n", ""] {
        let input = format!("{{}}\n{huge}\n{{}}\n{huge}{end}");
        let output = run("tag --rules rules.yml --summary json", &out, input.as_bytes());
        assert!(output.status.success());
        assert!(output.stdout == input.as_bytes(), "every byte passes");
        let summary: serde_json::Value =
            serde_json::from_slice(&output.stderr).expect("one line of JSON");
        assert_eq!(summary["unexamined_records"], 2);
        assert_eq!(summary["records"], 4);
        assert_eq!(summary["first_unread"][0]["place"], "<stdin>:2");
    }
    let input = format!("{huge}\n{matching}\n");
    let output = run("tag --rules rules.yml --max-record 8388608", &out, input.as_bytes());
    let tagged = output.stdout.windows(8).filter(|w| w == b"\"sigma\":").count();
    assert_eq!(tagged, 2, "a higher limit examines it");
}

#[test]
fn lines_come_out_while_more_are_awaited() {
    let mut child = sigmatag()
        .args(["tag", "--rules", "rules.yml", "--summary", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sigmatag starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    for number in 0..3 {
        let line = format!("{{\"n\":{number}}}\n");
        input.write_all(line.as_bytes()).expect("taken");
        let mut echoed = String::new();
        output.read_line(&mut echoed).expect("it comes at once");
        assert_eq!(echoed, line);
    }
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    for arguments in ["tag --rules rules.yml", "explain --rules rules.yml --rule no\u{20}address"] {
        let arguments: Vec<&str> = match arguments.split_once(" --rule ") {
            Some((before, title)) => before.split(' ').chain(["--rule", title]).collect(),
            None => arguments.split(' ').collect(),
        };
        let mut child = sigmatag()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sigmatag starts");
        let mut input = child.stdin.take().expect("a pipe");
        drop(child.stdout.take());
        let writer = std::thread::spawn(move || {
            let line = b"{\"user\":\"x\"}\n".repeat(1000);
            while input.write_all(&line).is_ok() {}
        });
        let mut error = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut error).expect("UTF-8");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert_eq!(error, "");
        writer.join().expect("the writer ends");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = sigmatag()
        .args(["tag", "--rules", "rules.yml", "events.jsonl"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("sigmatag runs");
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("standard output: cannot be written"), "{error}");
}

#[test]
fn explain_verdicts() {
    let rule = |last: &str| format!("--rule 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c{last}");
    let commands = [
        format!("explain --rules rules.yml {} events.jsonl", rule("01")),
        format!("explain --rules rules.yml {} azure.jsonl", rule("01")),
        format!("explain --rules rules.yml {} events.jsonl --format json", rule("02")),
        format!("explain --rules rules.yml {} events.jsonl", rule("02")),
        format!("explain --rules rules.yml {} shell.jsonl", rule("04")),
        format!("explain --rules rules.yml {} malformed.jsonl", rule("03")),
        format!("explain --rules rules.yml --logsource linux// {} mark.jsonl", rule("01")),
        "explain --rules placeholder.yml --placeholder admins=admins.txt --rule ADMINISTRATOR \
         mark.jsonl"
            .to_owned(),
        "explain --rules rules.yml --rule probe mark.jsonl".to_owned(),
        "explain --rules rules.yml --rule nothing mark.jsonl".to_owned(),
        "compile rules.yml -o $OUT/x.sgt --strip-debug".to_owned(),
        format!("explain --rules $OUT/x.sgt {} mark.jsonl", rule("01")),
    ];
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    golden("explain", &commands);
}
