//! What may import what, where unsafe code may stand, and what the library depends on.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Modules that the shared library is made of: they never see the YAML side.
const MATCHING: [&str; 7] = ["destination", "engine", "event", "source", "ruleset", "ffi", "tag"];
/// What they must not import.
const FRONT_END: [&str; 4] = ["rule", "compile", "reference", "ioc"];

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Every file under `src` with the name of its top-level module and its code, without comments.
fn files() -> Vec<(PathBuf, String, String)> {
    let src = common::root().join("src");
    let mut paths = Vec::new();
    sources(&src, &mut paths);
    assert!(paths.len() > 50, "only {} files", paths.len());
    // Unit tests in files of their own may ask the front end for rules.
    let is_test = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with("tests.rs"));
    paths.retain(|path| !is_test(path));
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            (path, module, code)
        })
        .collect()
}

/// The modules named behind `crate::`, in `use` groups as well.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        // `$crate::` in a macro means the same, `my_crate::` does not.
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let name = |text: &str| -> String {
            text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        match rest.strip_prefix('{') {
            None => drop(found.insert(name(rest))),
            Some(group) => {
                let (mut depth, mut start) = (0, 0);
                for (index, scalar) in group.char_indices() {
                    match scalar {
                        '{' => depth += 1,
                        '}' if depth == 0 => {
                            found.insert(name(&group[start..index]));
                            break;
                        }
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            found.insert(name(&group[start..index]));
                            start = index + 1;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn imports_are_found_in_every_spelling() {
    let code = "use crate::a;\nuse crate::{b::c, d::{e, f},\n g};\nfn x() { $crate::h::i() }\n\
                use my_crate::j; pub(crate) fn k() {}";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["a", "b", "d", "g", "h"]);
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, module, code) in files() {
        for import in imports(&code) {
            seen.insert((module.clone(), import.clone()));
            let forbidden = match module.as_str() {
                own if import == own => false,
                "reference" => import != "rule",
                matching if MATCHING.contains(&matching) => FRONT_END.contains(&&*import),
                _ => false,
            };
            if forbidden {
                wrong.push(format!("{} imports crate::{import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for expected in [("engine", "ruleset"), ("compile", "rule"), ("reference", "rule")] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert!(seen.contains(&expected), "the scan does not see {expected:?}");
    }
}

#[test]
fn unsafe_code_stands_in_the_c_boundary_and_in_one_file_of_vectors() {
    let mut wrong = Vec::new();
    let mut in_boundary = 0;
    for (path, module, code) in files() {
        if path.ends_with("src/lib.rs") {
            assert!(code.contains("#![deny(unsafe_code)]"), "lib.rs does not deny unsafe code");
        }
        let word = |line: &&str| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
        };
        let allows = code.contains("allow(unsafe_code)");
        let lines = code.lines().filter(word).count();
        if module == "ffi" {
            in_boundary += lines;
        } else if path.ends_with("src/engine/vector.rs") {
            assert!((1..=10).contains(&lines), "{lines} lines with unsafe in vector.rs");
        } else if lines > 0 || (allows && module != "lib") {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(wrong.is_empty(), "unsafe code out of place:\n{}", wrong.join("\n"));
    assert!(in_boundary > 10, "the scan does not see the boundary's unsafe code");
}

#[test]
fn the_library_depends_on_what_is_listed() {
    let output = common::run(
        Command::new(env!("CARGO"))
            .current_dir(common::root())
            .args(["tree", "--offline", "--locked", "--no-default-features", "--edges", "normal"])
            .args([
                "--prefix",
                "depth",
                "--format",
                " {p}",
                "--target",
                "x86_64-unknown-linux-gnu",
            ]),
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    // Names, not versions: an update of a crate is no change of the tree.
    let mut names: Vec<String> = tree
        .lines()
        .skip(1)
        .filter(|line| !line.contains("(*)"))
        .map(|line| {
            let mut words = line.split_whitespace();
            let depth: usize = words.next().unwrap().parse().unwrap();
            format!("{}{}\n", "  ".repeat(depth - 1), words.next().unwrap())
        })
        .collect();
    names.dedup();
    assert!(names.iter().any(|name| name == "memchr\n"), "{tree}");
    common::assert_committed("tests/data/dependencies.txt", &names.concat());
}
