//! Files and folders to a [`Collection`], with everything that is wrong on the way.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::ast::{Collection, Document, Placeholders, Pos};
use super::diagnostic::{Diagnostic, Mark, Report, Severity};
use super::document::{self, Context};
use super::reference;
use super::template::Templates;
use super::yaml;
use crate::limits;

/// The text of a rule file, for snippets beside diagnostics.
#[derive(Debug, Clone)]
pub struct SourceText {
    /// As in [`super::ast::Place::file`].
    pub name: Arc<str>,
    /// What was read, without a byte order mark.
    pub text: Arc<str>,
}

/// What was loaded and what was found.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Every document that is legal.
    pub collection: Collection,
    /// Everything wrong or doubtful, in reading order; findings about references between
    /// documents come last.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file read.
    pub sources: Vec<SourceText>,
    /// Documents refused; unreadable files are not counted, they have an error each.
    pub refused: usize,
}

impl Loaded {
    /// Adds what was loaded next.
    fn append(&mut self, mut next: Loaded) {
        let (own, next_own) = (&mut self.collection, &mut next.collection);
        own.rules.append(&mut next_own.rules);
        own.correlations.append(&mut next_own.correlations);
        own.filters.append(&mut next_own.filters);
        self.diagnostics.append(&mut next.diagnostics);
        self.sources.append(&mut next.sources);
        self.refused += next.refused;
    }

    /// Whether anything was refused or unreadable.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Loads the documents of one text. `file` is the name shown in diagnostics.
pub fn load_text(file: &str, text: &str, placeholders: &Placeholders) -> Loaded {
    let mut loaded = start(placeholders);
    stream(file, text, placeholders, &mut loaded);
    finish(loaded)
}

/// Loads files and folders: a folder with everything below it that ends in `.yml` or `.yaml`,
/// sorted by path, without names that begin with a dot (`.git`, `..data` of mounted volumes).
///
/// A file that cannot be read is an error among the diagnostics and stops nothing else.
pub fn load_paths(paths: &[PathBuf], placeholders: &Placeholders) -> Loaded {
    let mut loaded = start(placeholders);
    let mut seen = HashSet::new();
    let mut bytes = 0;
    for path in paths {
        let mut files = files(path, &mut loaded.diagnostics);
        files.retain(|file| seen.insert(file.clone()));
        let mut texts = Vec::with_capacity(files.len());
        let mut first_too_much = None;
        for file in &files {
            let text = read(file);
            bytes += text.as_ref().map_or(0, String::len);
            if bytes > limits::ALL_FILES_BYTES {
                first_too_much = Some(file);
                break;
            }
            texts.push((file.to_string_lossy(), text));
        }
        streams(&texts, placeholders, &mut loaded);
        if let Some(file) = first_too_much {
            loaded.diagnostics.push(*too_much(&file.to_string_lossy()));
            break;
        }
    }
    finish(loaded)
}

/// The name of a file and its text, or why it cannot be read.
type FileText<'a> = (Cow<'a, str>, Result<String, Box<Diagnostic>>);

/// Texts for which another thread is worth its start.
const TEXTS_PER_THREAD: usize = 64;
/// Stack of such a thread, as a main thread has it: parsers recurse to their depth caps.
const STACK: usize = 8 << 20;

/// Adds the documents of files, in parallel if they are many. What comes out is in the order of the
/// files.
fn streams(texts: &[FileText<'_>], placeholders: &Placeholders, loaded: &mut Loaded) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = texts.len().div_ceil(threads).max(TEXTS_PER_THREAD);
    let load = |texts: &[FileText<'_>]| {
        let mut part = Loaded::default();
        for (name, text) in texts {
            match text {
                Ok(text) => stream(name, text, placeholders, &mut part),
                Err(diagnostic) => {
                    let mut diagnostic = diagnostic.clone();
                    diagnostic.place.file = name.as_ref().into();
                    part.diagnostics.push(*diagnostic);
                }
            }
        }
        part
    };
    thread::scope(|scope| {
        let mut shares = texts.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares
            .map(|texts| {
                let builder = thread::Builder::new().stack_size(STACK);
                (texts, builder.spawn_scoped(scope, || load(texts)))
            })
            .collect();
        loaded.append(load(own));
        for (texts, thread) in others {
            loaded.append(match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(part)) => part,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // No thread is to be had: here, then.
                Err(_) => load(texts),
            });
        }
    });
}

fn start(placeholders: &Placeholders) -> Loaded {
    let collection = Collection { placeholders: placeholders.clone(), ..Collection::default() };
    Loaded { collection, ..Loaded::default() }
}

fn finish(mut loaded: Loaded) -> Loaded {
    loaded.refused += reference::check(&mut loaded.collection, &mut loaded.diagnostics);
    loaded
}

fn plain(code: &'static str, severity: Severity, message: String, help: &str) -> Box<Diagnostic> {
    let mut diagnostic = Diagnostic::new(severity, code, &"".into(), Mark::default(), message);
    diagnostic.help(help);
    Box::new(diagnostic)
}

/// The rule files at a path, sorted.
fn files(path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    // Links may lead back up.
    let mut visited = HashSet::new();
    while let Some(folder) = folders.pop() {
        if let Ok(real) = folder.canonicalize()
            && !visited.insert(real)
        {
            continue;
        }
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                unreadable(&folder, &error, diagnostics);
                continue;
            }
        };
        for entry in entries {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            // The folder says what most entries are; what a link leads to must be asked for.
            let is_folder = match entry.file_type() {
                Ok(kind) if !kind.is_symlink() => kind.is_dir(),
                _ => path.is_dir(),
            };
            if is_folder {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        let message = "no rule file is in this folder".to_owned();
        let help = "rule files end in `.yml` or `.yaml`";
        let mut diagnostic = plain("no-rule-files", Severity::Warning, message, help);
        diagnostic.place.file = path.to_string_lossy().as_ref().into();
        diagnostics.push(*diagnostic);
    }
    found
}

/// That a file is one too many.
fn too_much(name: &str) -> Box<Diagnostic> {
    let message = format!(
        "the rule files up to this one have more than {} bytes together",
        limits::ALL_FILES_BYTES
    );
    let help = "this file and those behind it were not read: compile several rule sets";
    let mut diagnostic = plain("file-too-large", Severity::Error, message, help);
    diagnostic.place.file = name.into();
    diagnostic
}

fn unreadable(path: &Path, error: &std::io::Error, diagnostics: &mut Vec<Diagnostic>) {
    let message = format!("cannot be read: {error}");
    let mut diagnostic =
        plain("file-unreadable", Severity::Error, message, "check the path and its permissions");
    diagnostic.place.file = path.to_string_lossy().as_ref().into();
    diagnostics.push(*diagnostic);
}

fn read(path: &Path) -> Result<String, Box<Diagnostic>> {
    let mut bytes = Vec::new();
    let cap = limits::RULE_FILE_BYTES as u64;
    let result = fs::File::open(path).and_then(|file| {
        // Room for one byte more than there is, so that the end is seen at once.
        bytes.reserve(file.metadata()?.len().min(cap) as usize + 1);
        file.take(cap + 1).read_to_end(&mut bytes)
    });
    if let Err(error) = result {
        let message = format!("cannot be read: {error}");
        let help = "check the path and its permissions";
        return Err(plain("file-unreadable", Severity::Error, message, help));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        let message = "not UTF-8 text".to_owned();
        let help = "save the file as UTF-8; a compiled rule set is no rule file";
        let mut diagnostic = plain("file-not-utf8", Severity::Error, message, help);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        diagnostic.place.pos = Pos { line: number(line), column: number(column) };
        diagnostic
    })
}

/// Adds the documents of one text.
fn stream(file: &str, text: &str, placeholders: &Placeholders, loaded: &mut Loaded) {
    let file: Arc<str> = file.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > limits::RULE_FILE_BYTES {
        let message = format!("a rule file has at most {} bytes", limits::RULE_FILE_BYTES);
        let mut diagnostic =
            plain("file-too-large", Severity::Error, message, "split it into several files");
        diagnostic.place.file = file;
        loaded.diagnostics.push(*diagnostic);
        return;
    }
    loaded.sources.push(SourceText { name: Arc::clone(&file), text: text.into() });
    let documents = yaml::parse_stream(text);
    if documents.is_empty() {
        let message = "the file has no document".to_owned();
        let mut diagnostic = plain("no-document", Severity::Warning, message, "add a rule");
        diagnostic.place.file = Arc::clone(&file);
        loaded.diagnostics.push(*diagnostic);
    }
    let context = Context { source: yaml::Source::new(text), placeholders };
    let mut templates =
        Templates::new(documents.iter().filter_map(|document| document.root.as_ref()));
    for document in documents {
        let mut report = Report::new(&file);
        for problem in document.problems {
            report.error(problem.code, problem.mark, problem.message).help = problem.help;
        }
        if document.broken {
            templates.forget_previous();
        }
        let root = document.root.and_then(|root| templates.apply(root, &mut report));
        let document = root.and_then(|root| document::read(&root, &context, &mut report));
        if report.errors() > 0 {
            loaded.refused += 1;
        } else {
            match document {
                Some(Document::Rule(rule)) => loaded.collection.rules.push(rule),
                Some(Document::Correlation(correlation)) => {
                    loaded.collection.correlations.push(correlation);
                }
                Some(Document::Filter(filter)) => loaded.collection.filters.push(filter),
                None => {}
            }
        }
        report.finish(&mut loaded.diagnostics);
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
