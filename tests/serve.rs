//! `sigmatag serve` with real sockets.
#![cfg(feature = "cli")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::documents::{DESTINATIONS, MARIADB, RECORDS, by_the_command, matching};
use common::{compiled_pack, corpus, gunzip, other_pack, root, run};
use serde_json::Value;
use sigmatag::compile::{self, Options};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_paths;

const PATIENCE: Duration = Duration::from_secs(60);
const DROP: &str = r#"{"statement":"DROP TABLE users","list":[],"nothing":null,"n":1.50}"#;
const SELECT: &str = r#"{"statement":"SELECT 1"}"#;
const SECOND: &str = "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c11";

/// A server with its socket in a folder of its own.
struct Server {
    child: Child,
    out: Receiver<String>,
    said: Receiver<String>,
    socket: PathBuf,
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.for_each(|line| drop(sender.send(line)));
    });
    receiver
}

fn command(socket: &Path, rules: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigmatag"));
    command.arg("serve").arg("--unix").arg(socket).arg("--rules").arg(rules).args(more);
    command
}

impl Server {
    fn start(socket: &Path, rules: &Path, more: &[&str]) -> Server {
        let mut child = command(socket, rules, more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let out = lines(child.stdout.take().expect("piped"));
        let said = lines(child.stderr.take().expect("piped"));
        let server = Server { child, out, said, socket: socket.to_owned() };
        server.says("listening");
        server
    }

    /// Waits for a line on standard error.
    fn says(&self, what: &str) -> String {
        let started = Instant::now();
        let mut all = Vec::new();
        while let Ok(line) = self.said.recv_timeout(PATIENCE.saturating_sub(started.elapsed())) {
            if line.contains(what) {
                return line;
            }
            all.push(line);
        }
        panic!("no `{what}` in {all:?}")
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).expect("it listens")
    }

    fn next(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("a line")
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").arg(name).arg(self.child.id().to_string()));
    }

    fn counts(&self) -> Value {
        self.signal("-USR1");
        serde_json::from_str(&self.says("\"lines\"")).expect("JSON")
    }

    /// Ends it as a supervisor does: the last counts, and what it still wrote.
    fn end(mut self) -> (Value, Vec<String>) {
        self.signal("-TERM");
        let counts = serde_json::from_str(&self.says("\"lines\"")).expect("JSON");
        let status = self.child.wait().expect("wait");
        assert!(status.success(), "{status}");
        assert!(!self.socket.exists(), "the socket is left behind");
        (counts, self.out.iter().collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ids(line: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(line).expect("JSON");
    let rules = event["sigma"]["rules"].as_array().unwrap_or_else(|| panic!("no tag: {line}"));
    rules.iter().map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect()
}

fn send(stream: &mut UnixStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it reads");
}

#[test]
fn what_matches_comes_out_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("s"), &compiled_pack(), &[]);
    let mut stream = server.connect();
    send(&mut stream, &format!("{SELECT}\n\n{DROP}\r\n{SELECT}\n"));
    let line = server.next();
    assert!(line.starts_with(DROP.strip_suffix('}').expect("an object")), "{line}");
    assert_eq!(ids(&line).len(), 2);
    // Broken JSON and text are matched as texts, and are no error.
    send(&mut stream, "{\"broken\":\nplain text\n[1]\n");
    // The last line lacks its line feed.
    let mut last = server.connect();
    send(&mut last, DROP);
    drop(last);
    assert_eq!(server.next(), line);
    drop(stream);
    let (counts, rest) = server.end();
    assert_eq!(rest, Vec::<String>::new());
    for (name, expected) in [
        ("connections", 2),
        ("lines", 7),
        ("matched", 2),
        ("hits", 4),
        ("malformed", 1),
        ("unexamined", 0),
    ] {
        assert_eq!(counts[name], expected, "{name}: {counts}");
    }
}

#[test]
fn text_is_matched_as_a_log_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rule.yml");
    let rule = "title: Marker\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: marker}\n\
                detection:\n  selection: {log|contains: 'evil \"x\"'}\n  condition: selection\n";
    fs::write(&rules, rule).expect("write");
    let server = Server::start(&folder.path().join("s"), &rules, &[]);
    send(&mut server.connect(), "an evil \"x\" line\n");
    assert!(server.next().starts_with(r#"{"log":"an evil \"x\" line","#));
    server.end();
}

#[test]
fn the_socket_is_private_and_taken_over_only_from_the_dead() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let mut server = Server::start(&socket, &compiled_pack(), &[]);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    let refused = |why: &str| {
        let output = command(&socket, &compiled_pack(), &[]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused("another server listens there");
    server.child.kill().expect("it runs");
    server.child.wait().expect("wait");
    assert!(socket.exists());
    let next = Server::start(&socket, &compiled_pack(), &["--mode", "660"]);
    assert_eq!(mode(&socket), 0o660);
    send(&mut next.connect(), &format!("{DROP}\n"));
    next.next();
    next.end();
    fs::write(&socket, "mine").expect("write");
    refused("no socket");
    assert_eq!(fs::read_to_string(&socket).expect("it stays"), "mine");
    let names: Vec<_> = fs::read_dir(folder.path()).expect("folder").collect();
    assert_eq!(names.len(), 1, "{names:?}");
    // A socket that another made meanwhile stays.
    fs::remove_file(&socket).expect("remove");
    let server = Server::start(&socket, &compiled_pack(), &[]);
    fs::remove_file(&socket).expect("remove");
    let _other = UnixListener::bind(&socket).expect("bind");
    server.signal("-TERM");
    server.says("\"lines\"");
    assert!(socket.exists());
}

#[test]
fn rules_are_replaced_by_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.sgt");
    fs::copy(compiled_pack(), &rules).expect("copy");
    let server = Server::start(&folder.path().join("s"), &rules, &[]);
    let mut stream = server.connect();
    send(&mut stream, &format!("{DROP}\n"));
    assert_eq!(ids(&server.next()).len(), 2);
    fs::write(&rules, "no rules").expect("write");
    server.signal("-HUP");
    server.says("the rules as they were stay in force");
    send(&mut stream, &format!("{DROP}\n"));
    assert_eq!(ids(&server.next()).len(), 2);
    fs::copy(other_pack(), &rules).expect("copy");
    server.signal("-HUP");
    server.says("1 rule in force");
    send(&mut stream, &format!("{DROP}\n"));
    assert_eq!(ids(&server.next()), [SECOND]);
    let counts = server.counts();
    assert_eq!((&counts["reloads"], &counts["failed_reloads"]), (&1.into(), &1.into()));
    server.end();
}

#[test]
fn what_cannot_be_examined_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let server =
        Server::start(&folder.path().join("s"), &compiled_pack(), &["--max-record", "2000000"]);
    let mut stream = server.connect();
    let writer = std::thread::spawn(move || {
        send(&mut stream, &format!("{{\"x\":\"{}\"}}\n", "x".repeat(5_000_000)));
        send(&mut stream, &format!("{{\"deep\":{}{}}}\n", "[".repeat(100), "]".repeat(100)));
        send(&mut stream, &format!("{DROP}\n"));
    });
    let told: Vec<Value> =
        (0..2).map(|_| serde_json::from_str(&server.next()).expect("JSON")).collect();
    assert!(told[0]["sigmatag_error"].as_str().is_some_and(|why| why.contains("2000000 bytes")));
    assert!(told[1]["sigmatag_error"].is_string() && told[1]["log"].is_string(), "{told:?}");
    assert_eq!(ids(&server.next()).len(), 2);
    writer.join().expect("it wrote");
    assert_eq!(server.counts()["unexamined"], 2);
    server.end();
}

#[test]
fn an_envelope_gives_what_of_it_matches() {
    let folder = tempfile::tempdir().expect("a folder");
    let event = |sql: &str| {
        format!(
            r#"{{"category":"MySqlAuditLogs","properties":{{"event_class":"general_log","sql_text":"{sql}"}}}}"#
        )
    };
    let bad = r#"SELECT '\\\"}]', LOAD_FILE('/etc/passwd')"#;
    let envelope = [event("SELECT 1"), event(bad), event("SELECT 2"), event(bad)].join(", ");
    let rules = root().join("rules/mysql");
    let server = Server::start(&folder.path().join("s"), &rules, &["--split-records"]);
    send(&mut server.connect(), &format!("{{\"records\":[{envelope}]}}\n"));
    for _ in 0..2 {
        let line = server.next();
        assert!(line.contains("passwd") && !line.contains("records"), "{line}");
        assert!(!ids(&line).is_empty());
    }
    let (_, rest) = server.end();
    assert_eq!(rest, Vec::<String>::new());
}

#[test]
fn documents_are_those_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = format!("{RECORDS}{MARIADB}\n");
    for name in DESTINATIONS {
        let more = ["--normalize", name];
        let server = Server::start(&folder.path().join("s"), &root().join("rules/mysql"), &more);
        send(&mut server.connect(), &lines);
        let [records, text] = [RECORDS, MARIADB].map(|lines| by_the_command(name, lines));
        let expected = [matching(&records), matching(&text)].concat();
        assert_eq!(expected.len(), 3, "{expected:?}");
        for line in expected {
            assert_eq!(server.next(), line, "{name}");
        }
        let (counts, rest) = server.end();
        assert_eq!(rest, Vec::<String>::new());
        assert_eq!(counts["normalized"], 5, "{counts}");
        assert_eq!(counts["unmapped"], 1, "{counts}");
    }
    let output = command(&folder.path().join("s"), &compiled_pack(), &["--normalize", "splunk"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--normalize: unknown destination `splunk`; known are sekoia"), "{said}");
}

/// Documents that were asked for are not silently none.
#[test]
fn rules_without_destinations_do_not_come_into_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules.sgt");
    fs::copy(compiled_pack(), &rules).expect("copy");
    let server = Server::start(&folder.path().join("s"), &rules, &["--normalize", "ecs"]);
    let loaded = load_paths(&[root().join("tests/c/other.yml")], &Placeholders::new());
    let without = compile::compile(&loaded.collection, &Options::default());
    fs::write(&rules, without.expect("the rules compile").bytes).expect("write");
    server.signal("-HUP");
    server.says("--normalize: the rules were compiled without destinations");
    server.says("the rules as they were stay in force");
    send(&mut server.connect(), &format!("{DROP}\n"));
    assert_eq!(ids(&server.next()).len(), 2);
    let counts = server.counts();
    assert_eq!((&counts["reloads"], &counts["failed_reloads"]), (&0.into(), &1.into()));
    server.end();
}

#[test]
fn connections_beyond_the_limit_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("s"), &compiled_pack(), &["--connections", "2"]);
    let mut streams: Vec<UnixStream> = (0..4).map(|_| server.connect()).collect();
    streams.iter_mut().for_each(|stream| send(stream, &format!("{DROP}\n")));
    server.next();
    server.next();
    sleep(Duration::from_millis(300));
    assert!(server.out.try_recv().is_err(), "a third connection is served");
    assert_eq!(server.counts()["connections"], 2);
    streams.drain(..2);
    server.next();
    server.next();
    drop(streams);
    // Many come and go: every place is given back.
    for _ in 0..200 {
        send(&mut server.connect(), &format!("{DROP}\n"));
        server.next();
    }
    server.end();
}

#[test]
fn what_has_arrived_is_examined_before_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("s"), &compiled_pack(), &[]);
    let mut stream = server.connect();
    // So that the connection is certainly taken.
    send(&mut stream, &format!("{DROP}\n"));
    server.next();
    send(&mut stream, &format!("{DROP}\n").repeat(100));
    // The stream stays open: the server ends it.
    let (counts, rest) = server.end();
    assert_eq!(rest.len(), 100);
    assert_eq!(counts["lines"], 101);
    let _ = stream.read(&mut [0; 1]);
}

#[test]
fn answers_go_back_if_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&folder.path().join("s"), &compiled_pack(), &["--reply"]);
    let streams: Vec<UnixStream> = (0..3).map(|_| server.connect()).collect();
    for (number, stream) in streams.iter().enumerate() {
        let mut writer = stream;
        writeln!(writer, "{SELECT}\n{{\"who\":{number},\"statement\":\"DROP TABLE t\"}}")
            .expect("write");
    }
    for (number, stream) in streams.iter().enumerate() {
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer");
        assert!(line.starts_with(&format!("{{\"who\":{number},")), "{line}");
    }
    let (_, rest) = server.end();
    assert_eq!(rest, Vec::<String>::new());
}

#[test]
fn a_reader_that_has_gone_ends_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let mut child = command(&socket, &compiled_pack(), &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let started = Instant::now();
    let mut stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        sleep(Duration::from_millis(20));
    };
    send(&mut stream, &format!("{DROP}\n"));
    assert_eq!(child.wait().expect("wait").code(), Some(0));
    assert!(!socket.exists());
}

/// Each of the corpus' events over several connections, against `sigmatag tag`.
#[test]
fn the_corpus_matches_as_from_a_file() {
    let Some(corpus) = corpus("20,000 events of Azure over sockets") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (rules, events) = (folder.path().join("rules.sgt"), folder.path().join("events.jsonl"));
    common::compile(&corpus.join("azure_mysql_rules.yml"), &rules);
    let text = gunzip(&corpus.join("azure_mysql_20k.jsonl.gz"));
    fs::write(&events, &text).expect("write");
    let output = run(Command::new(env!("CARGO_BIN_EXE_sigmatag"))
        .args(["tag", "--rules"])
        .arg(&rules)
        .arg(&events));
    let tagged = String::from_utf8(output.stdout).expect("text");
    let mut expected: Vec<&str> = tagged
        .lines()
        .zip(text.lines())
        .filter(|(tagged, line)| tagged != line)
        .map(|(tagged, _)| tagged)
        .collect();
    let server = Server::start(&folder.path().join("s"), &rules, &[]);
    let all: Vec<&str> = text.lines().collect();
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(4)) {
            let mut stream = server.connect();
            scope.spawn(move || {
                part.iter().for_each(|line| send(&mut stream, &format!("{line}\n")))
            });
        }
    });
    let (counts, mut found) = server.end();
    assert_eq!(counts["lines"], all.len());
    found.sort();
    expected.sort_unstable();
    assert!(expected.len() > 100);
    assert_eq!(found, expected);
}
