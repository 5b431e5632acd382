//! Which test file belongs to which rule file.

use crate::failure::Failure;
use sigmatag::rule::ast::Collection;
use sigmatag::rule_test::stream::Stream;
use sigmatag::rule_test::{self, Case, Problem};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The cases of one rule file.
pub struct Suite {
    /// The rule file, as diagnostics name it.
    pub of: String,
    /// The test file.
    pub path: PathBuf,
    /// Its cases; none: there is no such file.
    pub cases: Option<Vec<Case>>,
    /// Its streams, for correlations.
    pub streams: Vec<Stream>,
    /// Lines that are no cases.
    pub problems: Vec<Problem>,
}

impl Suite {
    /// The test file's name, if there is one.
    pub fn tests(&self) -> Option<String> {
        self.cases.is_some().then(|| self.path.to_string_lossy().into_owned())
    }
}

/// The suites of all files with documents, and those that belong to no such file.
pub fn suites(collection: &Collection) -> Result<Vec<Suite>, Failure> {
    let rules = collection.rules.iter().map(|rule| &rule.meta);
    let filters = collection.filters.iter().map(|filter| &filter.meta);
    let correlations = collection.correlations.iter().map(|correlation| &correlation.meta);
    let all = rules.chain(filters).chain(correlations);
    let files: BTreeSet<&str> = all.map(|meta| &*meta.place.file).collect();
    let mut suites = Vec::new();
    let mut folders = BTreeSet::new();
    for file in files {
        let path = Path::new(file);
        let folder = path.parent().unwrap_or(Path::new("")).join("tests");
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(".jsonl");
        suites.push(suite(file.to_owned(), folder.join(name))?);
        folders.insert(folder);
    }
    for folder in folders {
        orphans(&folder, &mut suites)?;
    }
    Ok(suites)
}

fn suite(of: String, path: PathBuf) -> Result<Suite, Failure> {
    match fs::read_to_string(&path) {
        Ok(text) => {
            let rule_test::Tests { cases, streams, problems } = rule_test::read(&text);
            Ok(Suite { of, path, cases: Some(cases), streams, problems })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Suite { of, path, cases: None, streams: Vec::new(), problems: Vec::new() })
        }
        Err(error) => Err(Failure::file(&path, "read", &error)),
    }
}

/// A test file whose rule file was renamed or removed would never run again, unseen.
fn orphans(folder: &Path, suites: &mut Vec<Suite>) -> Result<(), Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::file(folder, "read", &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| Failure::file(folder, "read", &error))?.path());
    }
    paths.sort();
    let beside = folder.parent().unwrap_or(Path::new(""));
    for path in paths {
        let is_cases = path.extension().is_some_and(|end| end == "jsonl");
        let stem = path.file_stem().unwrap_or_default();
        let has_rule =
            ["yml", "yaml"].into_iter().any(|end| beside.join(stem).with_extension(end).is_file());
        if is_cases && !has_rule {
            let message = format!(
                "no rule file `{}.yml` is in {}: rename the tests with their rule, or remove them",
                stem.to_string_lossy(),
                if beside == Path::new("") { Path::new(".") } else { beside }.display()
            );
            let problems = vec![Problem { line: 1, message }];
            let (of, streams) = (String::new(), Vec::new());
            suites.push(Suite { of, path, cases: None, streams, problems });
        }
    }
    Ok(())
}
