//! What was built for the run, and other programs that it needs.

use crate::common::root;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cargo's target folder of the project.
pub fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// A file that another step makes.
///
/// # Errors
/// If it is not there: what makes it.
pub fn built(path: &str, repair: &str) -> Result<PathBuf, String> {
    let file = target().join(path);
    if file.is_file() { Ok(file) } else { Err(format!("there is no {path}: {repair}")) }
}

/// The command line.
///
/// # Errors
/// If it is not built.
pub fn sigmatag() -> Result<PathBuf, String> {
    built("release/sigmatag", "cargo build --release")
}

/// The shared library as it is shipped.
///
/// # Errors
/// If it is not built.
pub fn library() -> Result<PathBuf, String> {
    built("library/release/libsigmatag.so", "make library")
}

/// The filter as it is shipped.
///
/// # Errors
/// If it is not built.
pub fn filter() -> Result<PathBuf, String> {
    built("library/release/flb-filter_sigmatag.so", "make all")
}

/// Whether a program can be started.
pub fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs a program to its end: what it printed.
///
/// # Errors
/// If it does not start, or fails: the end of what it printed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
    let name = name.to_string_lossy();
    let output = command.output().map_err(|error| format!("{name} does not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = error.lines().collect();
    let end = lines[lines.len().saturating_sub(8)..].join("; ");
    Err(format!("{name} failed ({}): {end}", output.status))
}
