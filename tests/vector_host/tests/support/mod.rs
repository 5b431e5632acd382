//! Where the things under test are.

// Every test program uses its own part.
#![allow(dead_code)]

#[path = "../../../common/process.rs"]
mod process;

pub use process::run;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn named(variable: &str, what: &str) -> PathBuf {
    let path = std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} does not name {what}: run `make test-long`"));
    PathBuf::from(path)
}

/// The folder with sigmatag.so.
pub fn module() -> PathBuf {
    named("SIGMATAG_MODULE", "the folder of sigmatag.so")
}

/// The command line.
pub fn command() -> Command {
    Command::new(named("SIGMATAG", "the command line"))
}

/// Compiles rules.
pub fn compile(rules: &Path, out: &Path) {
    run(command().arg("compile").arg(rules).arg("-o").arg(out));
}
