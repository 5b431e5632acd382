//! Programs in C that are built against an installed library, by pkg-config and by CMake, shared and
//! static, and do with the common events what `tests/data/hosts/tagged.golden` says.

mod common;
mod dialects;
mod hosts;
mod recorded;

use common::{assert_committed, root, run, scratch_folder};
use hosts::expected::{self, GOLDEN, Rules};
use hosts::{Common, assert_same, installed, output_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What goes into a program, and what has to come out.
type Frames = fn(&Common) -> [Vec<u8>; 2];

/// How a program finds the library.
const PACKAGES: [&str; 2] = ["sigmatag", "sigmatag-static"];

#[test]
fn the_common_events_are_tagged_as_ever() {
    let rules = Rules::compiled();
    let all = expected::expect(&rules);
    assert_eq!(all.len(), hosts::events::COUNT);
    let tagged = all.iter().filter(|each| each.tag.is_some()).count();
    assert!((300..700).contains(&tagged), "{tagged} events are tagged: both kinds are needed");
    expected::check_splices(&all);
    expected::judge(&rules, &all);
    assert_committed(GOLDEN, &expected::golden(&all));
}

/// Builds a program as its users do: with what pkg-config says.
fn built(package: &str, sources: &[&str], more: &[&str]) -> PathBuf {
    let installed = installed();
    let name = Path::new(sources[0]).file_stem().expect("a name").to_str().expect("UTF-8");
    let out = scratch_folder("hosts").join(format!("{name}-{package}{}", more.concat()));
    let flags = run(installed.command("pkg-config").args(["--cflags", "--libs", package]));
    let flags = String::from_utf8(flags.stdout).expect("UTF-8");
    run(Command::new("gcc")
        .current_dir(root())
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g", "-pthread"])
        .args(more)
        .args(sources)
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(&out));
    let needed = run(Command::new("readelf").args(["-d", "-W"]).arg(&out)).stdout;
    let is_shared = String::from_utf8_lossy(&needed).contains("[libsigmatag.so.0]");
    assert_eq!(is_shared, package == "sigmatag", "{package}");
    out
}

#[test]
fn frames_are_tagged() {
    let common = hosts::common();
    let forms: [(&str, Frames); 2] = [
        ("json", |common| {
            [common.frames(|each| &each.event.json), common.frames(|each| &each.json)]
        }),
        ("msgpack", |common| {
            [common.frames(|each| &each.event.msgpack), common.frames(|each| &each.msgpack)]
        }),
    ];
    for package in PACKAGES {
        let program = built(package, &["tests/hosts/frames.c"], &[]);
        for (format, frames) in forms {
            let [input, right] = frames(common);
            let mut command = installed().command(&program);
            let found = output_of(command.arg(&common.rules).arg(format), &input);
            assert_same(&format!("C, {package}, {format}"), &found, &right);
        }
    }
}

/// Nothing of the system is needed at run time but the kernel.
#[test]
fn a_program_may_be_linked_without_any_shared_library() {
    let common = hosts::common();
    let program = built("sigmatag-static", &["tests/hosts/frames.c"], &["-static"]);
    let found = output_of(
        Command::new(&program).arg(&common.rules).arg("json").env_clear(),
        &common.frames(|each| &each.event.json),
    );
    assert_same("C, -static", &found, &common.frames(|each| &each.json));
}

/// The folders of the examples, built in each way that the documents show.
fn examples() -> Vec<(String, PathBuf)> {
    let source = root().join("examples/c");
    let mut built = Vec::new();
    for package in PACKAGES {
        let out = scratch_folder(&format!("hosts/make-{package}"));
        run(installed()
            .command("make")
            .arg("-C")
            .arg(&source)
            .args(["-B", &format!("PACKAGE={package}"), "CFLAGS=-O1 -g -Werror"])
            .arg(format!("OUT={}", out.display()))
            .env_remove("MAKEFLAGS"));
        built.push((format!("make, {package}"), out));
    }
    for is_static in ["OFF", "ON"] {
        let out = scratch_folder(&format!("hosts/cmake-static-{is_static}"));
        run(Command::new("cmake")
            .args(["-G", "Unix Makefiles", "-S"])
            .arg(&source)
            .arg("-B")
            .arg(&out)
            .arg(format!("-DSIGMATAG_STATIC={is_static}"))
            .arg(format!("-DCMAKE_PREFIX_PATH={}", installed().destination.join("usr").display()))
            .env_remove("MAKEFLAGS"));
        run(Command::new("cmake").arg("--build").arg(&out).env_remove("MAKEFLAGS"));
        built.push((format!("CMake, static {is_static}"), out));
    }
    built
}

#[test]
fn the_agent_tags_lines_in_order() {
    let common = hosts::common();
    let input = common.lines(|each| &each.event.json);
    let right = common.lines(|each| &each.json);
    for (how, folder) in examples() {
        let mut command = installed().command(folder.join("agent"));
        let found = output_of(command.args(["-t", "3"]).arg(&common.rules), &input);
        assert_same(&format!("agent, {how}"), &found, &right);
        let mut command = installed().command(folder.join("match"));
        let event = r#"{"marker":"null","nothing":null}"#;
        let found = output_of(command.arg(&common.rules).arg(event), b"");
        assert_eq!(
            String::from_utf8_lossy(&found),
            "6d0c8a10-0001-4000-8000-000000000010\n",
            "{how}"
        );
    }
}

#[test]
fn odd_input_comes_out_of_the_agent_as_it_went_in() {
    let agent = agent();
    let long = [vec![b'x'; 9 << 20], b"\n{\"a\":1}\n".to_vec(), vec![b'y'; 20 << 20]].concat();
    for input in [&b""[..], b"\n\n", b"no JSON\r\n\xff\x00\n", b"{\"a\":1}\n{\"b\":", &long] {
        let mut command = installed().command(agent);
        let found = output_of(command.arg(&hosts::common().rules), input);
        assert_same("agent", &found, input);
    }
    // The last line need not end.
    let common = hosts::common();
    let tagged = common.events.iter().find(|each| each.tag.is_some()).expect("a tagged event");
    let mut command = installed().command(agent);
    let found = output_of(command.arg(&common.rules), &tagged.event.json);
    assert_same("agent, no line break", &found, &tagged.json);
}

/// What the thread sanitizer is told of the library.
const SUPPRESSED: &str = "tests/hosts/thread_sanitizer.supp";

/// The agent's sources.
const AGENT: [&str; 3] = ["agent.c", "reader.c", "ring.c"];

/// The agent, linked to the shared library.
fn agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| {
        let sources =
            ["agent.c", "reader.c", "ring.c"].map(|name| format!("examples/c/agent/{name}"));
        built("sigmatag", &sources.each_ref().map(String::as_str), &[])
    })
}

/// An agent that follows a file; ended when it goes out of scope.
struct Running {
    child: std::process::Child,
    folder: tempfile::TempDir,
}

impl Running {
    fn start(program: &Path, options: &[&str]) -> Running {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let file = |name: &str| std::fs::File::create(at(name)).expect("a file");
        std::fs::copy(&hosts::common().rules, at("rules.sgt")).expect("the rules");
        let child = installed()
            .command(program)
            .args(options)
            .arg("-f")
            .arg(at("in.jsonl"))
            .arg(at("rules.sgt"))
            .env("TSAN_OPTIONS", format!("suppressions={}", root().join(SUPPRESSED).display()))
            .stdin(std::process::Stdio::null())
            .stdout(file("out.jsonl"))
            .stderr(file("log"))
            .spawn()
            .expect("the agent starts");
        Running { child, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("a file")
    }

    fn append(&self, bytes: &[u8]) {
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.append(true).create(true).open(self.path("in.jsonl")).expect("a file");
        std::io::Write::write_all(&mut file, bytes).expect("write");
    }

    /// Puts a file of rules in the place of the one that is there, at once.
    fn replace_rules(&self, bytes: &[u8]) {
        std::fs::write(self.path("new"), bytes).expect("write");
        std::fs::rename(self.path("new"), self.path("rules.sgt")).expect("the same folder");
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").arg(name).arg(self.child.id().to_string()));
    }

    fn wait_for_output(&self, bytes: usize) {
        hosts::wait_for("output", || self.read("out.jsonl").len() >= bytes);
    }

    fn wait_for_log(&self, words: &str) {
        hosts::wait_for(words, || String::from_utf8_lossy(&self.read("log")).contains(words));
    }

    /// Ends it in good order; its log.
    fn end(mut self) -> String {
        self.signal("-TERM");
        let status = self.child.wait().expect("wait");
        let log = String::from_utf8_lossy(&self.read("log")).into_owned();
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rules that match none of the events.
fn other_rules() -> Vec<u8> {
    let folder = scratch_folder("hosts");
    let (source, compiled) = (folder.join("never.yml"), folder.join("never.sgt"));
    let rule = "title: Never\nid: 6d0c8a10-0002-4000-8000-000000000001\nlevel: low\nlogsource: \
                {product: never}\ndetection:\n  selection:\n    never: never\n  condition: selection\n";
    std::fs::write(&source, rule).expect("write");
    common::compile(&source, &compiled);
    std::fs::read(compiled).expect("the rules")
}

/// Follows a file that grows, is rotated and cut, while rules are replaced, damaged and put back.
fn follow_and_reload(agent: &Path, options: &[&str], watches: bool) -> String {
    let common = hosts::common();
    let rules = std::fs::read(&common.rules).expect("the rules");
    let (input, tagged) = (common.lines(|each| &each.event.json), common.lines(|each| &each.json));
    let running = Running::start(agent, options);
    let reloaded = |bytes: &[u8], words: &str| {
        running.replace_rules(bytes);
        if !watches {
            running.signal("-HUP");
        }
        running.wait_for_log(words);
    };
    running.append(&input);
    running.wait_for_output(tagged.len());
    reloaded(&other_rules(), "generation 2");
    running.append(&input);
    running.wait_for_output(tagged.len() + input.len());
    reloaded(b"title: no compiled rules\n", "the old rules stay in force: ");
    // A file in its place, and the old one ends without a line break.
    running.append(b"{\"last\":1}");
    running.wait_for_output(tagged.len() + input.len());
    std::fs::rename(running.path("in.jsonl"), running.path("in.jsonl.1")).expect("rotate");
    running.append(&input);
    let end = b"{\"last\":1}\n";
    running.wait_for_output(tagged.len() + 2 * input.len() + end.len());
    reloaded(&rules, "generation 3");
    // Cut to nothing, as `copytruncate` does.
    std::fs::write(running.path("in.jsonl"), b"").expect("cut");
    std::thread::sleep(std::time::Duration::from_millis(600));
    running.append(&input);
    let right = [&tagged[..], &input, &input[..0], end, &input, &tagged].concat();
    running.wait_for_output(right.len());
    assert_same("agent that follows", &running.read("out.jsonl"), &right);
    running.end()
}

#[test]
fn the_agent_follows_files_and_reloads_rules() {
    let agent = agent();
    let log = follow_and_reload(agent, &["-t", "4"], false);
    assert!(log.contains("run `sigmatag compile"), "{log}");
    let lines = 4 * hosts::events::COUNT + 1;
    assert!(log.contains(&format!("agent: {lines} lines, ")), "{log}");
    follow_and_reload(agent, &["-w"], true);
}

#[test]
fn the_agent_refuses_bad_rules_with_the_repair() {
    let agent = agent();
    let folder = tempfile::tempdir().expect("a folder");
    let rules = std::fs::read(&hosts::common().rules).expect("the rules");
    let mut newer = rules.clone();
    // The format's version, and the oldest reader that understands it: see docs/file-format.md.
    newer[8..16].copy_from_slice(&[0xE7, 3, 0, 0, 0xE7, 3, 0, 0]);
    let cases: [(&str, &[u8], &str); 4] = [
        ("rules.yml", b"title: x\n", "sigmatag compile"),
        ("newer.sgt", &newer, "version"),
        ("cut.sgt", &rules[..rules.len() / 2], "cut"),
        ("empty.sgt", b"", "empty"),
    ];
    let refused = |path: &Path, words: &str| {
        let output = hosts::with_input(installed().command(agent).arg(path), b"{}\n");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(path.to_str().expect("UTF-8")), "{said}");
        assert!(said.contains(words), "{said}: no `{words}`");
    };
    for (name, bytes, words) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("write");
        refused(&path, words);
    }
    refused(&folder.path().join("missing.sgt"), "No such file");
}

/// No invalid access, no use of what is not initialised, no leak.
#[test]
fn valgrind_finds_nothing_in_the_agent() {
    let common = hosts::common();
    let mut command = installed().command("valgrind");
    command
        .args(["--error-exitcode=99", "--leak-check=full"])
        .arg("--errors-for-leak-kinds=definite,indirect,possible")
        .arg(agent())
        .args(["-t", "2"]);
    let output =
        hosts::with_input(command.arg(&common.rules), &common.lines(|each| &each.event.json));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("ERROR SUMMARY: 0 errors"), "{said}");
    assert_same("agent under valgrind", &output.stdout, &common.lines(|each| &each.json));
}

/// No race in the agent's own code, also while rules are replaced. The library is not instrumented.
#[test]
fn the_thread_sanitizer_finds_nothing_in_the_agent() {
    let sources = AGENT.map(|name| format!("examples/c/agent/{name}"));
    let sources = sources.each_ref().map(String::as_str);
    let agent = built("sigmatag", &sources, &["-fsanitize=thread"]);
    let log = follow_and_reload(&agent, &["-t", "4"], false);
    assert!(!log.contains("ThreadSanitizer"), "{log}");
}
