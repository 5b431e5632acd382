//! The Go package against an installed library, shared and static: its tests with the common events,
//! `go vet`, the race detector, the checks of pointers, and its example.
//! Needs Debian's `golang-go`; the Makefile sees to that.

mod common;
mod dialects;
mod hosts;
mod recorded;

use common::{documents, root, run, scratch_folder};
use hosts::{assert_same, installed, output_of};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The build tag, and what it links.
const WAYS: [(&str, &str); 2] = [("", "shared"), ("sigmatag_static", "static")];

/// The folder with the rules, and the events as they come and have to go out.
fn common_files() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = scratch_folder("hosts-go");
            let common = hosts::common();
            let put = |name: &str, bytes: &[u8]| {
                std::fs::write(folder.join(name), bytes).expect("write");
            };
            std::fs::copy(&common.rules, folder.join("rules.sgt")).expect("the rules");
            put("json.in", &common.frames(|each| &each.event.json));
            put("json.out", &common.frames(|each| &each.json));
            put("msgpack.in", &common.frames(|each| &each.event.msgpack));
            put("msgpack.out", &common.frames(|each| &each.msgpack));
            put("records.in", documents::RECORDS.as_bytes());
            for name in documents::DESTINATIONS {
                let right = documents::by_the_command(name, documents::RECORDS);
                put(&format!("records.{name}"), right.as_bytes());
            }
            folder
        })
        .clone()
}

/// The go command in the package, without a network.
fn go(arguments: &[&str]) -> Command {
    let mut command = installed().command("go");
    command
        .current_dir(root().join("bindings/go"))
        .args(arguments)
        .env("SIGMATAG_HOSTS", common_files())
        .env("GOCACHE", scratch_folder("go-cache"))
        .envs([("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")])
        .env("CGO_CFLAGS", "-O2 -Wall -Wextra -Werror=implicit-function-declaration");
    command
}

#[test]
fn the_package_passes_its_tests() {
    let formatted = run(Command::new("gofmt").arg("-l").arg(root().join("bindings/go")));
    assert_eq!(String::from_utf8_lossy(&formatted.stdout), "", "run gofmt -w");
    run(&mut go(&["vet", "./..."]));
    for (tag, way) in WAYS {
        // A pointer that C keeps, or that leads to pointers, ends the program.
        let printed = run(
            go(&["test", "-count=1", "-v", "-tags", tag, "./..."]).env("GODEBUG", "cgocheck=2")
        );
        let printed = String::from_utf8_lossy(&printed.stdout);
        assert!(printed.contains("--- PASS: TestCommonEventsAreTagged"), "{way}: {printed}");
        assert!(!printed.contains("--- SKIP"), "{way}: {printed}");
    }
    // That the benchmarks run.
    run(&mut go(&["test", "-run", "NONE", "-bench", ".", "-benchtime", "10x", "."]));
}

/// Go's own packages are compiled once more for that.
#[test]
fn the_race_detector_finds_nothing() {
    if std::env::var_os("SIGMATAG_LONG").is_none() {
        println!("skipped, SIGMATAG_LONG is not set: the race detector");
        return;
    }
    run(go(&["test", "-count=1", "-race", "./..."]).env("GODEBUG", "cgocheck=1"));
}

#[test]
fn the_example_tags_lines_in_order() {
    let common = hosts::common();
    let input = common.lines(|each| &each.event.json);
    for (tag, way) in WAYS {
        let out = scratch_folder("hosts-go").join(format!("agent-{way}"));
        run(go(&["build", "-tags", tag, "-o"]).arg(&out).arg("./example/agent"));
        let needed = run(Command::new("readelf").args(["-d", "-W"]).arg(&out)).stdout;
        let is_shared = String::from_utf8_lossy(&needed).contains("[libsigmatag.so.0]");
        assert_eq!(is_shared, way == "shared");
        let mut command = installed().command(&out);
        let found = output_of(command.arg("-rules").arg(&common.rules), &input);
        assert_same(&format!("Go, {way}"), &found, &common.lines(|each| &each.json));
    }
    follow(&scratch_folder("hosts-go").join("agent-static"));
}

/// A file that grows and is rotated, with rules that are reloaded and then damaged.
fn follow(agent: &std::path::Path) {
    let common = hosts::common();
    let (input, tagged) = (common.lines(|each| &each.event.json), common.lines(|each| &each.json));
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let file = |name: &str| std::fs::File::create(at(name)).expect("a file");
    std::fs::copy(&common.rules, at("rules.sgt")).expect("the rules");
    std::fs::write(at("in.jsonl"), &input).expect("write");
    let mut child = Command::new(agent)
        .arg("-follow")
        .arg(at("in.jsonl"))
        .arg("-rules")
        .arg(at("rules.sgt"))
        .stdout(file("out"))
        .stderr(file("log"))
        .spawn()
        .expect("the agent starts");
    let signal = |name: &str| run(Command::new("kill").arg(name).arg(child.id().to_string()));
    let read = |name: &str| std::fs::read(at(name)).expect("a file");
    let said = |words: &str| {
        hosts::wait_for(words, || String::from_utf8_lossy(&read("log")).contains(words));
    };
    hosts::wait_for("the first lines", || read("out").len() >= tagged.len());
    signal("-HUP");
    said("reloaded 15 rules");
    std::fs::write(at("rules.sgt"), b"title: no compiled rules\n").expect("write");
    signal("-HUP");
    said("the old rules stay in force");
    std::fs::rename(at("in.jsonl"), at("in.jsonl.1")).expect("rotate");
    std::fs::write(at("in.jsonl"), &input).expect("write");
    hosts::wait_for("the other lines", || read("out").len() >= 2 * tagged.len());
    signal("-TERM");
    assert!(child.wait().expect("wait").success());
    assert_same("Go, following", &read("out"), &[&tagged[..], &tagged].concat());
}
