//! Exported programs, run by VRL, against the engine on the same events.

use sigmatag_vrl::Remap;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn sigmatag() -> Command {
    let path = std::env::var_os("SIGMATAG")
        .unwrap_or_else(|| panic!("SIGMATAG does not name the command line: run `make test-long`"));
    Command::new(path)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

fn export(rules: &[&Path], more: &[&str]) -> String {
    run(sigmatag().args(["export", "vrl"]).args(rules).args(more))
}

fn ids(event: &serde_json::Value) -> BTreeSet<String> {
    let rules = event["sigma"]["rules"].as_array().into_iter().flatten();
    rules.map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect()
}

/// Runs both on events; how many matched, and which rules ever did. `known`: the rules in the program.
fn compare(program: &str, rules: &[&Path], events: &[String]) -> (usize, BTreeSet<String>) {
    let remap = Remap::new(program);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    fs::write(&file, events.join("\n")).expect("write");
    let mut command = sigmatag();
    command.args(["tag", "--logsource-mode", "none", "--summary", "none"]);
    for rule in rules {
        command.arg("--rules").arg(rule);
    }
    let tagged = run(command.arg(&file));
    let (mut matched, mut seen) = (0, BTreeSet::new());
    assert_eq!(tagged.lines().count(), events.len());
    for (event, expected) in events.iter().zip(tagged.lines()) {
        let expected: serde_json::Value = serde_json::from_str(expected).expect("JSON");
        let found = remap.run(event);
        let in_program = |id: &String| program.contains(id.as_str());
        let wanted: BTreeSet<String> = ids(&expected).into_iter().filter(in_program).collect();
        assert_eq!(ids(&found), wanted, "{event}");
        if wanted == ids(&expected) {
            assert_eq!(found["sigma"]["level"], expected["sigma"]["level"], "{event}");
        }
        matched += usize::from(!wanted.is_empty());
        seen.extend(wanted);
    }
    (matched, seen)
}

#[test]
fn every_form_of_a_test() {
    let rules = root().join("tests/vrl/rules.yml");
    let program = export(&[&rules], &[]);
    let values = [
        r#""Task""#,
        r#""TA\u017fK""#,
        r#""tas\u212a""#,
        r#""\u0130task""#,
        r#""\u0130t\u0130""#,
        r#""""#,
        "null",
        "4688",
        "4688.0",
        r#""4688""#,
        r#""04688""#,
        "true",
        r#""TRUE""#,
        "1.5",
        "{}",
        "[]",
        "[null]",
        r#"["x","TASK"]"#,
        r#"["ta","sk"]"#,
        r#"[["task ask \"X\""],7]"#,
        r#""a task \"x\"""#,
        r#""task {{Y}}""#,
        r#""B\\C""#,
        r#""t\ns\nk""#,
        r#""s\nk""#,
        r#""x\uffffTask""#,
        r#""task\uffff""#,
        r#""\u00e4\u00df ÄSS""#,
        r#""ÄẞX""#,
        r#""it's 12'""#,
        r#""it's 12'\n""#,
        r#""it's 12'\n\n""#,
        r#""cmd \u2013x""#,
        r#""cmd-x""#,
        r#""cmd /X""#,
        r#""xdGFza3M=""#,
        r#""tasks""#,
        r#""tesxk""#,
        r#"{"b":"task"}"#,
        r#"" Task ""#,
        "123456789012345678",
    ];
    let mut events = Vec::new();
    for value in values {
        events.push(format!(r#"{{"a":{value}}}"#));
        events.push(format!(r#"{{"n":{{"b":{value}}}}}"#));
        events.push(format!(r#"{{"n.b":{value},"n":{{"b":"task"}}}}"#));
        events.push(format!(r#"{{"n":[{{"b":{value}}},{{"c":1}},[{{"b":"x"}}]],"a":"task"}}"#));
        events.push(format!(r#"{{"n":{value},"o":{{"p":{{"q":{value}}}}}}}"#));
        events.push(format!(r#"{{"o":[{{"p":[{{"q":{value}}}]}},{{"p":{{"q":"x"}}}}]}}"#));
        for other in values {
            events.push(format!(r#"{{"a":{value},"n":{{"b":{other}}}}}"#));
        }
    }
    events.push("{}".to_owned());
    let (matched, seen) = compare(&program, &[&rules], &events);
    assert_eq!(seen.len(), 21, "some rules never match: {seen:?}");
    assert!(matched > 500, "{matched} of {}", events.len());
}

/// Rules of the pack that need nothing computed, and rules for one vendor's fields.
#[test]
fn events_of_the_pack() {
    let (pack, mine) = (root().join("rules/mysql"), root().join("tests/vrl/azure.yml"));
    let rules: [&Path; 2] = [&pack, &mine];
    let program = export(&rules, &["--skip-unsupported"]);
    let mut events = Vec::new();
    for entry in fs::read_dir(pack.join("tests")).expect("a folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let test: serde_json::Value = serde_json::from_str(line).expect("JSON");
            if test["event"].is_object() {
                events.push(test["event"].to_string());
            }
        }
    }
    assert!(events.len() > 50, "{} events", events.len());
    let (matched, seen) = compare(&program, &rules, &events);
    assert!(matched > 20 && seen.len() > 5, "{matched} events, {seen:?}");
}

#[test]
fn events_of_the_corpus() {
    let Some(corpus) = std::env::var_os("SIGMATAG_CORPUS").map(PathBuf::from) else {
        println!("skipped, SIGMATAG_CORPUS is not set: 20,000 events of Azure in VRL");
        return;
    };
    let rules = corpus.join("azure_mysql_rules.yml");
    let program = export(&[&rules], &["--skip-unsupported"]);
    let text = run(Command::new("gzip").arg("-dc").arg(corpus.join("azure_mysql_20k.jsonl.gz")));
    let events: Vec<String> = text.lines().map(str::to_owned).collect();
    let (matched, _) = compare(&program, &[&rules], &events);
    assert!(matched > 50, "{matched}");
}

/// A hundred rules compile in a time that nobody waits for.
#[test]
fn the_largest_program_compiles() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("many.yml");
    let rules = |number: usize| -> String {
        let rule = |n: usize| {
            format!(
                "title: Rule {n}\nid: 00000000-0000-4000-8000-{n:012}\nlogsource: {{product: test}}\ndetection:\n  \
                 selection: {{a|endswith: ['x{n}.exe', 'y{n}.exe']}}\n  filter: {{p.q: 'z{n}'}}\n  \
                 condition: selection and not filter\n"
            )
        };
        (0..number).map(rule).collect::<Vec<_>>().join("---\n")
    };
    fs::write(&path, rules(100)).expect("write");
    let started = std::time::Instant::now();
    let remap = Remap::new(&export(&[&path], &[]));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert_eq!(ids(&remap.run(r#"{"a":"c:\\Y42.EXE"}"#)).len(), 1);
    assert_eq!(ids(&remap.run(r#"{"a":"c:\\Y42.EXE","p":{"q":"Z42"}}"#)).len(), 0);
    fs::write(&path, rules(101)).expect("write");
    let output = sigmatag().args(["export", "vrl"]).arg(&path).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("the limit of a VRL program is 100"),
        "{said}"
    );
}

#[test]
fn what_vrl_cannot_say_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    for (detection, reason) in [
        ("{a|cidr: 10.0.0.0/8}", "`cidr`"),
        ("{a|gt: 5}", "a comparison of numbers"),
        ("{a|fieldref: b}", "`fieldref`"),
        ("{a|hour: 5}", "a part of a date"),
        ("['word']", "keywords"),
        ("{sql_norm|contains: x}", "`sql_norm` is computed"),
    ] {
        let path = folder.path().join("rule.yml");
        let rule = format!(
            "title: R\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {{product: mysql}}\ndetection:\n  selection: \
             {detection}\n  condition: selection\n"
        );
        fs::write(&path, rule).expect("write");
        let output = sigmatag().args(["export", "vrl"]).arg(&path).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{detection}: {said}");
        assert!(said.contains(reason) && output.stdout.is_empty(), "{detection}: {said}");
    }
}
