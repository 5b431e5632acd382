//! examples/vector in the Vector that the environment variable `VECTOR` names. There is no package of it
//! to install, so without the variable the tests say what they left out.

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{compile, module, root, run};

const PATIENCE: Duration = Duration::from_secs(120);
const DROP: &str = r#"{"n":0,"statement":"DROP TABLE users","list":[],"nothing":null}"#;

fn vector(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("VECTOR").map(PathBuf::from);
    if path.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED, VECTOR names no Vector: {what}");
    }
    path
}

/// An example with files and folders of its own.
struct Place {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Place {
    fn new(example: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let text =
            fs::read_to_string(root().join("examples/vector").join(example)).expect("example");
        let config = folder.path().join("vector.yaml");
        // Nobody waits half a minute for a timer.
        fs::write(&config, text.replace("interval_seconds: 30\n", "interval_seconds: 1\n"))
            .expect("write");
        for name in ["state", "out"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        compile(&root().join("tests/c/rules.yml"), &folder.path().join("rules.sgt"));
        Place { folder, config }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, vector: &Path) -> Command {
        let mut command = Command::new(vector);
        command
            .env("LUA_CPATH_5_4", format!("{}/?.so;;", module().display()))
            .env("SIGMATAG_RULES", self.at("rules.sgt"))
            .env("SIGMATAG_LOGS", self.at("logs.in"))
            .env("SIGMATAG_OUT", self.at("out"))
            .env("SIGMATAG_SOCKET", self.at("socket"))
            .env("VECTOR_DATA_DIR", self.at("state"))
            .stdin(Stdio::null());
        command
    }

    fn start(&self, vector: &Path) -> Running {
        let log = OpenOptions::new().create(true).append(true).open(self.at("log")).expect("a log");
        let child = self
            .command(vector)
            .arg("--config")
            .arg(&self.config)
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("Vector starts");
        Running(child)
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.at(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let started = Instant::now();
        while !done() {
            let log = || fs::read_to_string(self.at("log")).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "no {what}:\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Emitted events with a tag, as their texts.
    fn alerts(&self) -> Vec<String> {
        let lines = self.lines("out/alerts.json");
        let events = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
        let texts = events
            .filter_map(|event: serde_json::Value| event["message"].as_str().map(str::to_owned));
        texts.filter(|text| text.contains("\"sigma\":{")).collect()
    }
}

/// Ended with the test, however that ends.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        run(Command::new("kill").arg(name).arg(self.0.id().to_string()));
    }

    fn wait(mut self) {
        self.0.wait().expect("wait");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn examples_are_valid_and_bad_rules_are_not() {
    let Some(vector) = vector("vector validate") else { return };
    for example in ["tap.yaml", "inline.yaml"] {
        let place = Place::new(example);
        run(place.command(&vector).arg("validate").arg(&place.config));
        fs::remove_file(place.at("rules.sgt")).expect("rules");
        let output =
            place.command(&vector).arg("validate").arg(&place.config).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!output.status.success() && said.contains("rules.sgt"), "{said}");
    }
}

#[test]
fn the_example_with_a_socket_is_valid() {
    let Some(vector) = vector("vector validate with a socket") else { return };
    let place = Place::new("socket.yaml");
    // Nobody listens before Vector starts the server.
    let mut command = place.command(&vector);
    run(command.args(["validate", "--skip-healthchecks"]).arg(&place.config));
}

#[test]
fn unit_tests_of_a_configuration_run() {
    let Some(vector) = vector("vector test") else { return };
    let place = Place::new("tap.yaml");
    let mut config = OpenOptions::new().append(true).open(&place.config).expect("config");
    let test = "\ntests:\n  - name: a dropped table is reported\n    inputs:\n      - insert_at: detect\n        \
        type: log\n        log_fields:\n          message: '{\"statement\":\"DROP TABLE users\"}'\n    outputs:\n      - \
        extract_from: detect\n        conditions:\n          - type: vrl\n            source: |\n              \
        assert!(contains(string!(.message), \"5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c01\"))\n";
    config.write_all(test.as_bytes()).expect("write");
    run(place.command(&vector).arg("test").arg(&place.config));
}

#[test]
fn many_logs_pass_untouched_and_rules_are_replaced_meanwhile() {
    let Some(vector) = vector("100,000 logs, a reload of rules, a clean end") else { return };
    let place = Place::new("tap.yaml");
    let mut input = File::create(place.at("logs.in")).expect("logs");
    let mut text = String::new();
    for n in 0..100_000 {
        let statement = if n % 1000 == 7 { "DROP TABLE t" } else { "SELECT  1" };
        text +=
            &format!("{{\"n\":{n},\"statement\":\"{statement}\",\"list\":[],\"nothing\":null}}\n");
    }
    input.write_all(text.as_bytes()).expect("write");
    let running = place.start(&vector);
    place.wait_for("100,000 logs", || place.lines("out/logs.json").len() >= 100_000);
    place.wait_for("100 alerts", || place.alerts().len() >= 100);
    assert_eq!(place.lines("out/logs.json").join("\n") + "\n", text);
    // Bad rules are told, and the old ones stay; then others come into force.
    fs::write(place.at("rules.new"), "no rules").expect("write");
    fs::rename(place.at("rules.new"), place.at("rules.sgt")).expect("rename");
    place.wait_for("a complaint", || {
        place
            .lines("out/alerts.json")
            .iter()
            .any(|line| line.contains("the old rules stay in force"))
    });
    compile(&root().join("tests/c/other.yml"), &place.at("rules.new"));
    fs::rename(place.at("rules.new"), place.at("rules.sgt")).expect("rename");
    place.wait_for("other rules", || {
        place.lines("out/alerts.json").iter().any(|line| line.contains("rules reloaded"))
    });
    writeln!(input, "{DROP}").expect("write");
    place.wait_for("an alert of the new rules", || place.alerts().len() > 100);
    assert!(place.alerts()[100].contains("5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c11"));
    running.signal("-TERM");
    running.wait();
    assert_eq!((place.lines("out/logs.json").len(), place.alerts().len()), (100_001, 101));
}

/// What was not delivered is read again after a kill: the tap acknowledges nothing.
#[test]
fn a_killed_vector_delivers_what_it_had_not() {
    let Some(vector) = vector("acknowledgements beside the tap") else { return };
    let place = Place::new("tap.yaml");
    // The logs' sink is down: a socket on which nobody listens.
    let text = fs::read_to_string(&place.config).expect("config");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let start = text.find("  logs:\n    type: file").expect("the sink");
    let end = text.find("  alerts:\n").expect("the other sink");
    let down = format!(
        "  logs:\n    type: http\n    inputs: [mysql]\n    uri: http://{address}/\n    encoding:\n      codec: text\n    \
         acknowledgements:\n      enabled: true\n"
    );
    fs::write(&place.config, format!("{}{down}{}", &text[..start], &text[end..])).expect("write");
    fs::write(place.at("logs.in"), format!("{DROP}\n").repeat(1000)).expect("logs");
    let running = place.start(&vector);
    place.wait_for("100 alerts", || place.alerts().len() >= 100);
    running.signal("-KILL");
    running.wait();
    // Nothing was acknowledged, so the next start reads all of it again.
    fs::write(&place.config, &text).expect("write");
    let running = place.start(&vector);
    place.wait_for("1,000 logs", || place.lines("out/logs.json").len() >= 1000);
    running.signal("-TERM");
    running.wait();
    assert_eq!(place.lines("out/logs.json").len(), 1000);
}
