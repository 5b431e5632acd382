//! The shared library as C sees it.
//!
//! Builds `libsigmatag.so` as it is shipped (`--no-default-features`), compiles every program in
//! `tests/c` with gcc and clang, as C99, C11, C17 and C++17, without a single warning, and runs it.
//! Needs `apt-get install clang valgrind`; the Makefile does that.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use common::{assert_committed, compiled_pack, other_pack, root, run};

/// A way to compile the programs.
#[derive(Clone, Copy)]
struct Dialect {
    compiler: &'static str,
    standard: &'static str,
    language: &'static str,
}

const fn dialect(
    compiler: &'static str,
    standard: &'static str,
    language: &'static str,
) -> Dialect {
    Dialect { compiler, standard, language }
}

const DIALECTS: [Dialect; 8] = [
    dialect("gcc", "c99", "c"),
    dialect("gcc", "c11", "c"),
    dialect("gcc", "c17", "c"),
    dialect("g++", "c++17", "c++"),
    dialect("clang", "c99", "c"),
    dialect("clang", "c11", "c"),
    dialect("clang", "c17", "c"),
    dialect("clang++", "c++17", "c++"),
];

/// Fails with the repair if a program is not installed. Skipping instead would pass for ever on a
/// machine that lacks it.
fn need(program: &str) {
    let found = Command::new(program).arg("--version").output();
    assert!(found.is_ok(), "{program} is missing: apt-get install clang valgrind");
}

/// Builds the library; the folder it is in.
fn build(features: &[&str]) -> PathBuf {
    // Each set of features has its own target folder: in one, cargo would build back and forth.
    let target = root().join("target").join(["c-abi-build"].iter().chain(features).fold(
        String::new(),
        |name, part| {
            if name.is_empty() { (*part).to_owned() } else { format!("{name}-{part}") }
        },
    ));
    run(Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["rustc", "--locked", "--profile", "c-abi", "--lib", "--crate-type", "cdylib"])
        .args(["--no-default-features", "--features", &features.join(",")])
        .arg("--target-dir")
        .arg(&target));
    let folder = target.join("c-abi");
    // Programs ask for the soname.
    let link = folder.join("libsigmatag.so.0");
    if !link.exists() {
        // Another test program may have been faster.
        let _ = std::os::unix::fs::symlink("libsigmatag.so", &link);
        assert!(link.exists(), "{}: cannot be made", link.display());
    }
    folder
}

/// The library as it is shipped.
fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| build(&[]))
}

/// The library in which some texts panic.
fn panicking_library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| build(&["test-panic"]))
}

/// A compiled program, in a folder of its own that goes with it.
struct Program {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// Compiles a program.
fn compile(source: &str, dialect: Dialect, library: &Path) -> Program {
    need(dialect.compiler);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = folder.path().join(Path::new(source).file_stem().expect("a name"));
    // The installed header is <sigmatag.h>; so it is here.
    run(Command::new(dialect.compiler)
        .current_dir(root())
        .args(["-x", dialect.language, &format!("-std={}", dialect.standard)])
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g", "-pthread"])
        .args(["-Iinclude", "-Itests/c", source, "-x", "none", "-o"])
        .arg(&path)
        .arg("-L")
        .arg(library)
        .arg(format!("-Wl,-rpath,{}", library.display()))
        // Bound at start, or the dynamic linker's stack would count as ours.
        .args(["-Wl,-z,now", "-lsigmatag"]));
    Program { path, _folder: folder }
}

/// Runs a program, for at most five minutes; what it printed.
fn output(program: &Program, arguments: &[&Path]) -> String {
    let output = run(Command::new("timeout").arg("300").arg(&program.path).args(arguments));
    String::from_utf8(output.stdout).expect("text")
}

/// Compiles and runs a program in every dialect; what it printed, which must be the same each time.
fn in_every_dialect(source: &str, library: &Path, arguments: &[&Path]) -> String {
    let printed = DIALECTS.map(|dialect| output(&compile(source, dialect, library), arguments));
    for (other, dialect) in printed.iter().zip(DIALECTS) {
        assert_eq!(*other, printed[0], "{source}: {} -std={}", dialect.compiler, dialect.standard);
    }
    printed.into_iter().next().expect("a dialect")
}

fn checked(source: &str, library: &Path, arguments: &[&Path]) {
    let printed = in_every_dialect(source, library, arguments);
    assert!(printed.contains(" checks, 0 failed"), "{source} printed: {printed}");
}

#[test]
fn structs_lie_where_they_always_lay() {
    let printed = in_every_dialect("tests/c/layout.c", library(), &[]);
    assert_committed("tests/c/layout.expected", &printed);
    // Each field begins where the one before it ends, and the last one ends the struct: padding
    // would be bytes of the library's stack in the caller's memory.
    let (mut name, mut size, mut end) = ("", 0, 0);
    for line in printed.lines().chain(["(end) 0"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<usize>().expect("a number");
        if line.starts_with(' ') {
            assert_eq!(number(1), end, "{name} has padding before {}", words[0]);
            end += number(2);
        } else {
            assert_eq!(end, size, "{name} has padding at its end");
            (name, size, end) = (words[0], number(1), 0);
        }
    }
}

#[test]
fn exports_are_the_committed_list() {
    let library = library().join("libsigmatag.so");
    let nm = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&library));
    let mut exports: Vec<String> = String::from_utf8_lossy(&nm.stdout)
        .lines()
        .filter_map(|line| line.split_once(' ').map(|(_, export)| format!("{export}\n")))
        .collect();
    exports.sort();
    assert!(exports.iter().all(|export| export.starts_with("T sigmatag_")), "{exports:?}");
    assert_committed("tests/c/exports.expected", &exports.concat());
}

#[test]
fn the_library_is_linked_as_promised() {
    let library = library().join("libsigmatag.so");
    let readelf = run(Command::new("readelf").args(["-d", "-W"]).arg(&library));
    let dynamic = String::from_utf8_lossy(&readelf.stdout);
    assert!(dynamic.contains("[libsigmatag.so.0]"), "soname: {dynamic}");
    let flags = dynamic.lines().find(|line| line.contains("FLAGS_1")).unwrap_or_default();
    assert!(flags.contains("NODELETE") && flags.contains("NOW"), "flags: {flags}");
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split('[').nth(1)?.strip_suffix(']'))
        .collect();
    let system = ["libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
    assert!(needed.iter().all(|name| system.contains(name)), "needs {needed:?}");
}

#[test]
fn the_library_holds_no_compiler() {
    let tree = run(Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--locked", "--no-default-features", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}"]));
    let tree = String::from_utf8_lossy(&tree.stdout);
    assert!(tree.lines().count() > 3, "cargo tree printed: {tree}");
    for name in ["saphyr", "serde", "clap", "regex "] {
        assert!(!tree.lines().any(|line| line.starts_with(name)), "{name} is linked in:\n{tree}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    checked("tests/c/arguments.c", library(), &[&compiled_pack()]);
}

#[test]
fn functions_do_what_the_header_says() {
    checked("tests/c/usage.c", library(), &[&compiled_pack()]);
}

#[test]
fn the_embedded_pack_loads() {
    checked("tests/c/default.c", library(), &[]);
}

#[test]
fn panics_are_contained() {
    checked("tests/c/panic.c", panicking_library(), &[&compiled_pack()]);
}

#[test]
fn a_scratch_serves_one_call_at_a_time() {
    checked("tests/c/in_use.c", library(), &[&compiled_pack()]);
}

#[test]
fn a_small_stack_is_enough() {
    // The number that it prints may differ by compiler, so not in_every_dialect.
    for dialect in DIALECTS {
        let program = compile("tests/c/small_stack.c", dialect, library());
        let printed = output(&program, &[&compiled_pack()]);
        assert!(printed.contains(" checks, 0 failed"), "{printed}");
        println!("{} {}: {printed}", dialect.compiler, dialect.standard);
    }
}

#[test]
fn bad_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let yaml = root().join("tests/c/rules.yml");
    checked("tests/c/files.c", library(), &[&compiled_pack(), &yaml, folder.path()]);
}

#[test]
fn rules_are_replaced_while_threads_match() {
    checked("tests/c/reload.c", library(), &[&compiled_pack(), &other_pack()]);
}

#[test]
fn the_shortest_program_works() {
    let source = "examples/c/match.c";
    let text = std::fs::read_to_string(root().join(source)).expect("the example");
    assert!(text.lines().count() < 31, "{source} is shown in the README and should stay short");
    let event = Path::new(r#"{"statement":"DROP TABLE users"}"#);
    let printed = in_every_dialect(source, library(), &[&compiled_pack(), event]);
    assert_eq!(
        printed,
        "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c01\n5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c02\n"
    );
}

/// Runs a program under valgrind: no invalid access, no use of uninitialised bytes, no leak.
fn under_valgrind(source: &str, library: &Path, arguments: &[&Path]) {
    need("valgrind");
    let program = compile(source, dialect("gcc", "c11", "c"), library);
    let output = run(Command::new("timeout")
        // Threads take turns in order: without that one may wait for minutes while others match.
        .args(["1200", "valgrind", "--fair-sched=yes", "--error-exitcode=99", "--leak-check=full"])
        .args(["--show-leak-kinds=definite,possible", "--errors-for-leak-kinds=definite,possible"])
        .arg(&program.path)
        .args(arguments));
    let report = String::from_utf8_lossy(&output.stderr);
    // That valgrind really was on.
    assert!(report.contains("ERROR SUMMARY: 0 errors"), "{source}: {report}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains(" checks, 0 failed"), "{source}: {printed}");
}

#[test]
fn valgrind_finds_nothing() {
    let pack = compiled_pack();
    let yaml = root().join("tests/c/rules.yml");
    let folder = tempfile::tempdir().expect("a folder");
    under_valgrind("tests/c/arguments.c", library(), &[&pack]);
    under_valgrind("tests/c/usage.c", library(), &[&pack]);
    under_valgrind("tests/c/files.c", library(), &[&pack, &yaml, folder.path()]);
    under_valgrind("tests/c/in_use.c", library(), &[&pack]);
    under_valgrind("tests/c/reload.c", library(), &[&pack, &other_pack()]);
    under_valgrind("tests/c/panic.c", panicking_library(), &[&pack]);
}
