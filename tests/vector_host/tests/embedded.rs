//! The module in a program that embeds Lua exactly as Vector does.

mod support;

use mlua::prelude::*;
use sigmatag_vector_host::{Log, Transform, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::{command, compile, module, root, run};

const DROP: &str = r#"{"statement":"DROP TABLE users","list":[],"nothing":null}"#;
const SELECT: &str = r#"{"statement":"SELECT 1"}"#;

/// A function of this name is in the module too. If the module called this one, tests would end.
#[unsafe(no_mangle)]
pub extern "C" fn sigmatag_tag_prepare() -> i32 {
    std::process::abort()
}
#[used]
static KEPT: extern "C" fn() -> i32 = sigmatag_tag_prepare;

fn rules(folder: &Path, name: &str) -> PathBuf {
    let out = folder.join(format!("{name}.sgt"));
    compile(&root().join(format!("tests/c/{name}.yml")), &out);
    out
}

fn source(rules: &Path, more: &str) -> String {
    format!(
        "package.cpath = '{}/?.so;' .. package.cpath\n\
         detector = require('sigmatag').open {{ rules = '{}' {more} }}",
        module().display(),
        rules.display()
    )
}

fn opened(rules: &Path, hook: &str) -> Transform {
    Transform::build(&source(rules, ""), hook).expect("it opens")
}

fn ids(log: &Log) -> Vec<String> {
    let text: serde_json::Value = serde_json::from_str(log.message()).expect("JSON");
    let rules = text["sigma"]["rules"].as_array().expect("rules");
    rules.iter().map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn only_what_matches_is_emitted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut transform = opened(&rules(folder.path(), "rules"), "detector.detect");
    for _ in 0..100 {
        let out = transform.process(Log::of_message(DROP)).expect("no error");
        assert_eq!(out.len(), 1);
        assert!(out[0].message().starts_with(DROP.strip_suffix('}').expect("an object")));
        assert_eq!(ids(&out[0]).len(), 2);
        assert_eq!(out[0].0.get("host").and_then(Value::text), Some("db1"));
        assert_eq!(transform.process(Log::of_message(SELECT)).expect("no error"), []);
    }
    let events: i64 = transform.eval("detector.stats().events").expect("a number");
    assert_eq!(events, 200);
}

#[test]
fn a_decoded_event_gets_its_tag_as_fields() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut transform = opened(&rules(folder.path(), "rules"), "detector.tag");
    let fields: BTreeMap<String, Value> = [
        ("statement", Value::Text(b"DROP TABLE users \xff".to_vec())),
        ("rate", Value::Float(1.5)),
        ("flag", Value::Boolean(true)),
        ("list", Value::Array(vec![Value::Integer(1), Value::Null])),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let out = transform.process(Log(Value::Object(fields.clone()))).expect("no error");
    let Some(Value::Array(found)) = out[0].0.get("sigma").and_then(|tag| tag.get("rules")) else {
        panic!("{out:?}")
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].get("level").and_then(Value::text), Some("high"));
    let Value::Object(mut rest) = out[0].0.clone() else { panic!("{out:?}") };
    rest.remove("sigma");
    // What Vector itself makes of null.
    assert_eq!(rest["list"], Value::Array(vec![Value::Integer(1), Value::Text(Vec::new())]));
    rest.insert("list".to_owned(), fields["list"].clone());
    assert_eq!(rest, fields);
}

/// A line of text becomes the fields of its document, JSON text its text, an envelope several events.
#[test]
fn documents_take_the_place_of_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("mysql.sgt");
    compile(&root().join("rules/mysql"), &rules);
    let source = source(&rules, ", normalize = 'ecs'");
    let mut transform = Transform::build(&source, "detector.tag").expect("it opens");
    let line = r#"20260304 05:06:09,db2,app,10.0.0.9,41,911,QUERY,shop,'SELECT LOAD_FILE("/etc/passwd")',0"#;
    let out = transform.process(Log::of_message(line)).expect("no error");
    let field = |log: &Log, object: &str, key: &str| log.0.get(object)?.get(key).cloned();
    let text = |text: &str| Some(Value::Text(text.into()));
    assert_eq!(out[0].message(), line);
    assert_eq!(field(&out[0], "db", "statement"), text(r#"SELECT LOAD_FILE("/etc/passwd")"#));
    assert_eq!(field(&out[0], "host", "name"), text("db2"));
    assert_eq!(field(&out[0], "mysql", "thread_id"), Some(Value::Integer(41)));
    let category = Value::Array(vec![Value::Text(b"database".to_vec())]);
    assert_eq!(field(&out[0], "event", "category"), Some(category));
    assert!(field(&out[0], "sigma", "rules").is_some());
    assert_eq!(out[0].0.get("source_type"), None);

    let event = |sql: &str| {
        format!(
            r#"{{"category":"MySqlAuditLogs","properties":{{"event_class":"general_log","user":"app","sql_text":"{sql}"}}}}"#
        )
    };
    let envelope = format!(r#"{{"records":[{},{}]}}"#, event("SELECT 1"), event("SELECT 2"));
    let out = transform.process(Log::of_message(&envelope)).expect("no error");
    assert_eq!(out.len(), 2);
    for (log, sql) in out.iter().zip(["SELECT 1", "SELECT 2"]) {
        let document: serde_json::Value = serde_json::from_str(log.message()).expect("JSON");
        assert_eq!(
            (&document["db"]["statement"], &document["user"]["name"]),
            (&sql.into(), &"app".into())
        );
        assert_eq!(log.0.get("host").and_then(Value::text), Some("db1"));
    }
    let normalized: i64 = transform.eval("detector.stats().normalized").expect("a number");
    assert_eq!(normalized, 3);
}

#[test]
fn a_wrong_start_is_an_error_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.sgt");
    let refused = |source: &str| match Transform::build(source, "detector.detect") {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    };
    let said = refused(&source(&missing, ""));
    assert!(
        said.contains("sigmatag.open: option `rules`") && said.contains("missing.sgt"),
        "{said}"
    );
    let rules = rules(folder.path(), "rules");
    let said = refused(&source(&rules, ", min_level = 'hi'"));
    assert!(said.contains("critical"), "{said}");
    // Refused starts leave nothing behind that the next would trip over.
    for _ in 0..50 {
        refused(&source(&missing, ""));
    }
    opened(&rules, "detector.detect");
}

#[test]
fn errors_and_panics_of_emit_pass_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut transform = opened(&rules(folder.path(), "rules"), "detector.detect");
    for _ in 0..100 {
        let error = transform
            .process_with(Log::of_message(DROP), |_| Err(LuaError::external("sink is gone")))
            .expect_err("the error of emit");
        assert!(error.to_string().contains("sink is gone"), "{error}");
    }
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        transform.process_with(Log::of_message(DROP), |_| panic!("emit panics"))
    }));
    assert!(panicked.is_err());
    assert_eq!(transform.process(Log::of_message(DROP)).expect("no error").len(), 1);
}

#[test]
fn functions_of_the_host_do_not_replace_ours() {
    let program = std::env::current_exe().expect("this program");
    let nm = run(std::process::Command::new("nm").args(["-D", "--defined-only"]).arg(program));
    let exports = String::from_utf8_lossy(&nm.stdout).into_owned();
    assert!(exports.contains(" T sigmatag_tag_prepare"), "the host does not export it");
    assert!(exports.contains(" T lua_callk"), "the host does not export Lua");
    let folder = tempfile::tempdir().expect("a folder");
    let mut transform = opened(&rules(folder.path(), "rules"), "detector.detect");
    assert_eq!(transform.process(Log::of_message(DROP)).expect("no error").len(), 1);
}

/// Two transforms and their successors after a reload of the configuration, on changing threads.
#[test]
fn transforms_come_go_and_move() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = rules(folder.path(), "rules");
    let mut keeper = opened(&path, "detector.detect");
    for round in 0..5 {
        let transforms = [0, 1].map(|_| opened(&path, "detector.detect"));
        let threads = transforms.map(|mut transform| {
            std::thread::spawn(move || {
                for _ in 0..500 {
                    let out = transform.process(Log::of_message(DROP)).expect("no error");
                    assert_eq!(out.len(), 1);
                }
                transform
            })
        });
        for thread in threads {
            let mut transform = thread.join().expect("it ended well");
            assert_eq!(transform.process(Log::of_message(DROP)).expect("no error").len(), 1);
        }
        keeper.process(Log::of_message(SELECT)).expect("no error");
        let events: i64 = keeper.eval("detector.stats().events").expect("a number");
        assert_eq!(events, (round + 1) * (2 * 501 + 1), "one engine counts for all");
    }
}

#[test]
fn a_reload_reaches_every_transform() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (rules(folder.path(), "rules"), rules(folder.path(), "other"));
    let path = folder.path().join("live.sgt");
    std::fs::copy(first, &path).expect("copy");
    let mut one = opened(&path, "detector.detect");
    let other = opened(&path, "detector.detect");
    let unchanged: bool = one.eval("detector.reload()").expect("no error");
    assert!(!unchanged);
    let put = |bytes: &[u8]| {
        std::fs::write(folder.path().join("new"), bytes).expect("write");
        std::fs::rename(folder.path().join("new"), &path).expect("rename");
    };
    put(&std::fs::read(second).expect("rules"));
    assert!(other.eval::<bool>("detector.reload()").expect("no error"));
    let out = one.process(Log::of_message(DROP)).expect("no error");
    assert_eq!(ids(&out[0]), ["5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c11"]);
    put(b"no rules");
    let (done, why): (Option<bool>, String) = other.eval("detector.reload()").expect("no error");
    assert!(done.is_none() && why.contains("live.sgt"), "{why}");
    assert_eq!(one.process(Log::of_message(DROP)).expect("no error").len(), 1);
}

/// Each of the corpus' events, against the command line.
#[test]
fn the_corpus_matches_as_on_the_command_line() {
    let Some(corpus) = std::env::var_os("SIGMATAG_CORPUS").map(PathBuf::from) else {
        println!("skipped, SIGMATAG_CORPUS is not set: 20,000 events of Azure in the host");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.sgt");
    compile(&corpus.join("azure_mysql_rules.yml"), &path);
    let events = folder.path().join("events.jsonl");
    let gunzip = run(std::process::Command::new("gzip")
        .arg("-dc")
        .arg(corpus.join("azure_mysql_20k.jsonl.gz")));
    std::fs::write(&events, &gunzip.stdout).expect("events");
    let tagged = run(command().args(["tag", "--rules"]).arg(&path).arg(&events));
    let tagged = String::from_utf8(tagged.stdout).expect("text");
    let text = String::from_utf8(gunzip.stdout).expect("text");
    let mut transform = opened(&path, "detector.detect");
    let mut matched = 0;
    for (line, expected) in text.lines().zip(tagged.lines()) {
        let out = transform.process(Log::of_message(line)).expect("no error");
        let found: Vec<&str> = out.iter().map(Log::message).collect();
        let expected = if expected == line { vec![] } else { vec![expected] };
        assert_eq!(found, expected);
        matched += found.len();
    }
    assert!(matched > 100, "{matched} of {} events match", text.lines().count());
}
