//! Diagnostics of descriptors against golden files, and the built-in sources against each other.
//! `SIGMATAG_BLESS=1` rewrites the golden files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mapping::Mappings;
use super::parse::read_with;
use super::{BUILT_IN, built_in, check_names, read};
use crate::rule::diagnostic::CODES;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_named_with_place_and_repair() {
    let bless = std::env::var_os("SIGMATAG_BLESS").is_some();
    let files = files(&root().join("tests/data/sources"));
    let mut codes = std::collections::BTreeSet::new();
    let mut different = Vec::new();
    for path in &files {
        let name: Arc<str> = path.file_name().unwrap().to_str().unwrap().into();
        let text = fs::read_to_string(path).unwrap();
        let mut diagnostics = Vec::new();
        let descriptors = read(&name, &text, &mut diagnostics);
        diagnostics.extend(check_names(&descriptors));
        assert!(!diagnostics.is_empty(), "{name} has no mistake");
        let mut found = String::new();
        for diagnostic in &diagnostics {
            assert!(CODES.contains(&diagnostic.code));
            assert!(diagnostic.help.is_some(), "{diagnostic} has no repair");
            codes.insert(diagnostic.code);
            found.push_str(&format!("[{}] {diagnostic}\n", diagnostic.code));
        }
        let expected = path.with_extension("expected");
        if bless {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            different.push(format!("{name}:\n{found}"));
        }
    }
    assert!(different.is_empty(), "not as expected:\n{}", different.join("\n"));
    for code in CODES.iter().filter(|code| code.starts_with("source-")) {
        assert!(codes.contains(code), "no golden file shows {code}");
    }
}

#[test]
fn the_built_in_sources_are_those_of_the_folder_and_legal() {
    let mut diagnostics = Vec::new();
    let (mut all, mut mappings) = (Vec::new(), Mappings::new());
    for (file, text) in BUILT_IN {
        let none = Mappings::new();
        all.extend(read_with(&(*file).into(), text, &mut diagnostics, &mut mappings, &none));
    }
    diagnostics.extend(check_names(&all));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(all, built_in());
    let mut listed: Vec<PathBuf> = BUILT_IN.iter().map(|(file, _)| root().join(file)).collect();
    listed.sort();
    assert_eq!(listed, files(&root().join("sources")));
}
