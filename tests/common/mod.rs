//! What several test programs need.

// Every test program compiles this file and uses its own part of it.
#![allow(dead_code)]

pub mod documents;
pub mod families;
mod process;

pub use process::run;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of this test program's own, under `target/`.
pub fn scratch_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder under target/");
    folder
}

/// Compiles rules with the command line.
pub fn compile(rules: &Path, out: &Path) {
    run(Command::new(env!("CARGO_BIN_EXE_sigmatag")).arg("compile").arg(rules).arg("-o").arg(out));
}

/// `tests/c/rules.yml`, compiled.
pub fn compiled_pack() -> PathBuf {
    static PACK: OnceLock<PathBuf> = OnceLock::new();
    PACK.get_or_init(|| compiled("rules")).clone()
}

/// `tests/c/other.yml`, compiled: other rules, for reloads.
pub fn other_pack() -> PathBuf {
    static PACK: OnceLock<PathBuf> = OnceLock::new();
    PACK.get_or_init(|| compiled("other")).clone()
}

fn compiled(name: &str) -> PathBuf {
    let folder = scratch_folder("packs");
    let out = folder.join(format!("{name}.sgt"));
    // Several test programs may do this at once: each one's file appears whole.
    let own = folder.join(format!("{name}-{}.part", std::process::id()));
    compile(&root().join("tests/c").join(format!("{name}.yml")), &own);
    std::fs::rename(&own, &out).expect("the same folder");
    out
}

/// Compares text with a committed file; `SIGMATAG_BLESS=1` writes the file.
pub fn assert_committed(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("SIGMATAG_BLESS").is_some() {
        std::fs::write(&file, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "{path} differs; if that is meant, run the test with SIGMATAG_BLESS=1.\n--- committed\n\
         {committed}\n--- now\n{text}"
    );
}

/// The unpacked corpus that `SIGMATAG_CORPUS` names; without it says what is left out.
pub fn corpus(what: &str) -> Option<PathBuf> {
    let corpus = std::env::var_os("SIGMATAG_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("skipped, SIGMATAG_CORPUS is not set: {what}");
    }
    corpus
}

/// The text of a compressed file of the corpus.
pub fn gunzip(path: &Path) -> String {
    let output = run(Command::new("gzip").arg("-dc").arg(path));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A JSON value as msgpack.
pub fn to_msgpack(value: &serde_json::Value) -> Vec<u8> {
    use serde_json::Value;
    fn packed(value: &Value) -> rmpv::Value {
        match value {
            Value::Null => rmpv::Value::Nil,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => value.into(),
                (_, Some(value), _) => value.into(),
                (_, _, value) => value.unwrap().into(),
            },
            Value::String(text) => text.as_str().into(),
            Value::Array(elements) => rmpv::Value::Array(elements.iter().map(packed).collect()),
            Value::Object(entries) => rmpv::Value::Map(
                entries.iter().map(|(key, value)| (key.as_str().into(), packed(value))).collect(),
            ),
        }
    }
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &packed(value)).unwrap();
    out
}
