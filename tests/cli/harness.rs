//! Runs commands and compares all they print with golden files.

use crate::common::{assert_committed, root, scratch_folder};
use regex::Regex;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where the cases' own files are; every command runs there.
pub const INPUT: &str = "tests/data/cli/input";

pub fn sigmatag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigmatag"));
    // The width of help and tables must not depend on who runs the tests.
    command.current_dir(root().join(INPUT)).env_remove("COLUMNS").env("NO_COLOR", "1");
    command
}

/// Runs with arguments separated by spaces; `$OUT` in them is a folder of the case's own.
pub fn run(arguments: &str, out: &Path, stdin: &[u8]) -> Output {
    let mut child = sigmatag()
        .args(arguments.split(' ').map(|a| a.replace("$OUT", &out.display().to_string())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sigmatag starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let stdin = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that reads nothing closes the pipe.
        let _ = pipe.write_all(&stdin);
    });
    let output = child.wait_with_output().expect("sigmatag ends");
    writer.join().expect("the writer ends");
    output
}

/// An empty folder.
pub fn empty_folder(name: &str) -> PathBuf {
    let folder = scratch_folder("cli").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder under target/");
    folder
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> =
        names.map(|name| name.to_str().expect("UTF-8").to_owned()).collect();
    names.sort();
    names
}

/// Takes out what changes with every improvement of the compiler or with the machine: sizes,
/// identities, times.
pub fn masked(text: &str, out: &Path) -> String {
    let mut text = text.replace(&out.display().to_string(), "$OUT");
    let sections = "texts|needles|keys|sources|predicates|index|programs|regexes|rules|debug\
                    |automata|destinations";
    for (pattern, mask) in [
        (r"\b[0-9a-f]{64}\b".to_owned(), "<identity>"),
        (r"\b[0-9a-f]{16}\b".to_owned(), "<short identity>"),
        (r"\b[0-9]+(\.[0-9]+)? (B|KiB|MiB)\b".to_owned(), "<size>"),
        (r" +[0-9.]+ ms\b".to_owned(), " <time>"),
        (r#""(bytes|resident_bytes)": \d+"#.to_owned(), { "\"$1\": \"<number>\"" }),
        (format!("(?m)^  ({sections}) +[0-9,]+$"), "  $1 <bytes>"),
        ("(?m)^  name +bytes$".to_owned(), "  name bytes"),
    ] {
        let pattern = Regex::new(&pattern).expect("a mask");
        text = pattern.replace_all(&text, mask).into_owned();
    }
    text
}

/// Runs commands one after the other and compares all they print with a golden file.
pub fn golden(name: &str, commands: &[&str]) {
    golden_with(name, commands, b"");
}

pub fn golden_with(name: &str, commands: &[&str], stdin: &[u8]) {
    let out = empty_folder(name);
    let mut text = String::new();
    for arguments in commands {
        let output = run(arguments, &out, stdin);
        let code = output.status.code().expect("no signal");
        text.push_str(&format!("$ sigmatag {arguments}\nexit code {code}\n"));
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let printed = String::from_utf8_lossy(bytes);
            text.push_str(&format!("--- {stream}\n"));
            // Carriage returns are part of the output and must survive editors.
            text.push_str(&masked(&printed, &out).replace('\r', "<CR>"));
            if !printed.is_empty() && !printed.ends_with('\n') {
                text.push_str("<no line feed>\n");
            }
        }
        text.push('\n');
    }
    assert_committed(&format!("tests/data/cli/{name}.expected"), &text);
}
