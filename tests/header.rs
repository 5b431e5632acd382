//! The committed header is the one that `src/ffi` gives.
//!
//! `SIGMATAG_BLESS=1 cargo test --test header` writes it anew.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files in the order in which a reader of the header wants their contents.
/// Nothing for C is in the others; a test below sees to it.
const FILES: [&str; 7] =
    ["status.rs", "types.rs", "engine.rs", "scratch.rs", "matching.rs", "tagging.rs", "info.rs"];

fn generate() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FILES {
        builder = builder.with_src(root().join("src/ffi").join(file));
    }
    let mut header = Vec::new();
    builder.generate().expect("src/ffi is readable for cbindgen").write(&mut header);
    String::from_utf8(header).expect("a header is text")
}

/// The header in the repository, made anew if that was asked for.
fn committed() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let path = root().join("include/sigmatag.h");
        if std::env::var_os("SIGMATAG_BLESS").is_some() {
            std::fs::write(&path, generate()).expect("include/sigmatag.h can be written");
        }
        std::fs::read_to_string(&path).expect("include/sigmatag.h")
    })
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = generate();
    let text = committed();
    if text != generated {
        let line = text.lines().zip(generated.lines()).position(|(a, b)| a != b);
        let line = line.unwrap_or_else(|| text.lines().count().min(generated.lines().count()));
        panic!(
            "include/sigmatag.h:{}: differs from what src/ffi gives:\n  committed: {}\n  generated: \
             {}\nRun `SIGMATAG_BLESS=1 cargo test --test header` and review the difference.",
            line + 1,
            text.lines().nth(line).unwrap_or("(end)"),
            generated.lines().nth(line).unwrap_or("(end)"),
        );
    }
}

/// The number of a `#define`.
fn define(header: &str, name: &str) -> u32 {
    let start = format!("#define {name} ");
    let line = header.lines().find_map(|line| line.strip_prefix(&start));
    line.and_then(|value| value.trim().parse().ok())
        .unwrap_or_else(|| panic!("include/sigmatag.h has no number for {name}"))
}

#[test]
fn the_version_macros_are_the_crates_version() {
    let header = committed();
    let macros = ["MAJOR", "MINOR", "PATCH"]
        .map(|part| define(header, &format!("SIGMATAG_VERSION_{part}")).to_string());
    assert_eq!(macros.join("."), env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_exported_function_is_in_the_header() {
    let header = committed();
    let mut functions = 0;
    for entry in std::fs::read_dir(root().join("src/ffi")).expect("src/ffi") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        for function in exported(&path) {
            functions += 1;
            assert!(FILES.contains(&name.as_str()), "tests/header.rs does not read src/ffi/{name}");
            assert!(header.contains(&format!("{function}(")), "{function} is not in the header");
        }
    }
    assert!(functions >= 20, "only {functions} functions were found");
}

/// The names of the functions that a file exports.
fn exported(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a source file");
    let parts = text.split("#[unsafe(no_mangle)]").skip(1);
    parts
        .map(|part| {
            let name = part.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            name.expect("a function follows no_mangle").to_owned()
        })
        .collect()
}
