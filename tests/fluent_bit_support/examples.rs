//! examples/fluent-bit as a user has it: copied to a folder, its variables set, nothing else changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::host::free_port;
use super::{filter_object, root, run};

pub fn folder() -> PathBuf {
    root().join("examples/fluent-bit")
}

/// The variables of sigmatag.env with their usual values.
pub fn usual_variables() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("sigmatag.env")).expect("sigmatag.env");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once('=').expect("NAME=value"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The ports that a test's servers and clients use.
#[derive(Clone, Copy)]
pub struct Ports {
    pub forward: u16,
    pub http: u16,
}

/// A copy of the examples in `directory`, with its own folders, ports and compiled `rules`.
pub fn installed(directory: &Path, rules: &[&Path]) -> (Vec<(String, String)>, Ports) {
    for entry in fs::read_dir(folder()).expect("examples") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, directory.join(path.file_name().expect("a name"))).expect("copy");
    }
    run(Command::new(env!("CARGO_BIN_EXE_sigmatag"))
        .arg("compile")
        .args(rules)
        .arg("-o")
        .arg(directory.join("rules.sgt")));
    // What plugins.conf says, where the test has the filter.
    let plugins = directory.join("built.conf");
    fs::write(&plugins, format!("[PLUGINS]\n    Path {}\n", filter_object().display()))
        .expect("write");
    let ports = Ports { forward: free_port(), http: free_port() };
    let at = |name: &str| directory.join(name).display().to_string();
    let mut variables = usual_variables();
    for (name, value) in [
        ("SIGMATAG_PLUGINS", plugins.display().to_string()),
        ("SIGMATAG_RULES", at("rules.sgt")),
        ("FLUENT_BIT_STATE", at("")),
        ("FLUENT_BIT_HTTP_PORT", free_port().to_string()),
        ("MARIADB_AUDIT_LOG", at("server_audit.log")),
        ("FORWARD_PORT", ports.forward.to_string()),
        ("HTTP_INPUT_PORT", ports.http.to_string()),
        ("TAGGED_DIR", at("")),
    ] {
        let usual = variables.insert(name.to_owned(), value);
        assert!(usual.is_some(), "sigmatag.env does not offer {name}");
    }
    (variables.into_iter().collect(), ports)
}
