//! What both Fluent Bit tests need: the filter as it ships, compiled rules, and msgpack.

pub mod examples;
pub mod fake_host;
pub mod host;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rmpv::Value;

/// Matches records whose `message` holds `evil`; level high.
pub const EVIL: &str = "\
title: Marker evil
id: 11111111-1111-4111-8111-111111111111
status: test
author: Test
logsource:
    product: marker
detection:
    selection:
        message|contains: evil
    condition: selection
level: high
";
pub const EVIL_ID: &str = "11111111-1111-4111-8111-111111111111";

/// Matches records whose `message` holds `odd`; level low.
pub const ODD: &str = "\
title: Marker odd
id: 22222222-2222-4222-8222-222222222222
status: test
author: Test
logsource:
    product: marker
detection:
    selection:
        message|contains: odd
    condition: selection
level: low
";
pub const ODD_ID: &str = "22222222-2222-4222-8222-222222222222";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The target directory this test was built into.
pub fn target_dir() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_sigmatag"));
    binary.ancestors().nth(2).expect("target/<profile>/sigmatag").to_path_buf()
}

/// Runs a command to its end and panics with all it printed if it failed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// flb-filter_sigmatag.so, built by the recipe that ships it. With SIGMATAG_STATICLIB
/// set, that libsigmatag.a is linked instead of one built here.
pub fn filter_object() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = target_dir();
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let out = target.join("fluent-bit-filter").join("flb-filter_sigmatag.so");
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(root().join("plugin/fluent-bit"))
            .arg(format!("PROFILE={profile}"))
            .arg(format!("OUT={}", out.display()))
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("MAKEFLAGS");
        if let Some(library) = std::env::var_os("SIGMATAG_STATICLIB") {
            make.arg(format!("LIBSIGMATAG={}", Path::new(&library).display()));
        }
        run(&mut make);
        out
    })
}

/// Compiles rules (YAML documents) to `path`.
pub fn compile_rules(rules: &[&str], path: &Path) {
    let source = path.with_extension("source.yml");
    fs::write(&source, rules.join("---\n")).expect("write rules");
    run(Command::new(env!("CARGO_BIN_EXE_sigmatag"))
        .arg("compile")
        .arg(&source)
        .arg("-o")
        .arg(path));
}

pub fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect())
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("writing to memory");
    bytes
}

/// All values of a buffer; panics if it does not end with one.
pub fn decode_all(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(rmpv::decode::read_value(&mut bytes).expect("whole msgpack values"));
    }
    values
}

pub fn get<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.as_map()?.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
}

/// Rule ids in a nested tag under `key`, sorted; None if the record has no such tag.
pub fn tagged_ids(record: &Value, key: &str) -> Option<Vec<String>> {
    let rules = get(get(record, key)?, "rules")?.as_array()?;
    let mut ids: Vec<String> = rules
        .iter()
        .map(|rule| get(rule, "id").and_then(Value::as_str).expect("rule id").to_owned())
        .collect();
    ids.sort();
    Some(ids)
}

/// The record without one of its keys.
pub fn without(record: &Value, key: &str) -> Value {
    let entries = record.as_map().expect("a map").iter();
    Value::Map(entries.filter(|(name, _)| name.as_str() != Some(key)).cloned().collect())
}
