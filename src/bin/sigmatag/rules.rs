//! Rules as the arguments name them: a compiled file, rule files, folders, or the built-in pack.

use crate::failure::{self, Failure, say};
use crate::finding::{self, Finding};
use crate::select::{LeftOut, Selection};
use sigmatag::compile::{self, CompileError, Compiled, Options};
use sigmatag::rule::ast::{Collection, Correlation, Metadata, Place, Placeholders};
use sigmatag::rule::descriptor::{self, Descriptor};
use sigmatag::rule::diagnostic::{Diagnostic, Severity};
use sigmatag::rule::load::{SourceText, load_paths};
use sigmatag::ruleset::format::MAGIC;
use sigmatag::ruleset::{LoadError, RuleSet, embedded};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What rule files are read with.
#[derive(Debug, clap::Args)]
pub struct Additions {
    /// Values of the placeholder `%NAME%`: a file with one value per line. May be repeated.
    #[arg(long = "placeholder", value_name = "NAME=FILE", value_parser = placeholder)]
    placeholders: Vec<(String, PathBuf)>,
    /// Descriptors of your own log sources, recognised before the built-in ones. May be repeated.
    #[arg(long, value_name = "FILE.yml")]
    pub sources: Vec<PathBuf>,
}

/// How rule files are read.
#[derive(Debug, clap::Args)]
pub struct Reading {
    #[command(flatten)]
    pub additions: Additions,
    /// Leave out the rules that are refused instead of giving up, and list them.
    #[arg(long)]
    pub skip_unsupported: bool,
}

/// Which rules to use.
#[derive(Debug, clap::Args)]
pub struct Selected {
    /// One compiled file, or any number of rule files and folders. May be repeated. Without it the
    /// built-in rules for MySQL are used.
    #[arg(long = "rules", value_name = "FILE.sgt|FILE.yml|FOLDER")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
}

fn placeholder(argument: &str) -> Result<(String, PathBuf), String> {
    match argument.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.trim_matches('%').to_owned(), file.into()))
        }
        _ => Err("write NAME=FILE, for example `admins=lists/admins.txt`".to_owned()),
    }
}

/// What rule files hold.
pub struct Read {
    /// The documents that are legal.
    pub collection: Collection,
    /// Descriptors in the order of recognition.
    pub sources: Vec<Descriptor>,
    /// What was found, in reading order.
    pub findings: Vec<Finding>,
    /// The texts that the findings speak of.
    pub texts: Vec<SourceText>,
    /// Documents and files refused.
    pub refused: usize,
    /// Files and folders that could not be read.
    pub unreadable: usize,
    /// Errors in descriptors of sources.
    pub bad_sources: usize,
}

/// Everything that became of rule files.
pub struct Built {
    /// The compiled rules; none if rules were refused.
    pub compiled: Option<Compiled>,
    /// Rules that were not wanted.
    pub left_out: Vec<LeftOut>,
    /// What was read.
    pub read: Read,
}

impl Read {
    /// The findings about what was refused.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }
}

impl Built {
    /// Why there are no compiled rules. `consequence` ends the message, for example "nothing was
    /// written".
    pub fn failure(&self, consequence: &str) -> Failure {
        let read = &self.read;
        if read.unreadable > 0 {
            let number = failure::count(read.unreadable as u64, "path");
            return Failure::Unusable(format!("{number} could not be read: {consequence}"));
        }
        if read.bad_sources > 0 {
            let number = failure::count(read.bad_sources as u64, "error");
            return Failure::Refused(format!("{number} in --sources: {consequence}"));
        }
        if read.refused == 0 && !self.left_out.is_empty() {
            let message = format!("every rule was left out by options: {consequence}");
            return Failure::Refused(message);
        }
        if read.refused == 0 {
            let message = format!("there is no rule in what was given: {consequence}");
            return Failure::Refused(message);
        }
        let number = failure::count(read.refused as u64, "document");
        let were = if read.refused == 1 { "was" } else { "were" };
        Failure::Refused(format!(
            "{number} {were} refused: {consequence}; repair them, or leave them out with \
             --skip-unsupported"
        ))
    }
}

/// Reads rule files and folders.
///
/// # Errors
/// If a list of placeholder values or a descriptor cannot be read. What is wrong with rules is in
/// the result.
pub fn read(paths: &[PathBuf], additions: &Additions) -> Result<Read, Failure> {
    let placeholders = read_placeholders(&additions.placeholders)?;
    let mut texts = Vec::new();
    let mut diagnostics = Vec::new();
    let sources = read_sources(&additions.sources, &mut texts, &mut diagnostics)?;
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    let bad_sources = diagnostics.iter().filter(is_error).count();
    let mut loaded = load_paths(paths, &placeholders);
    let (mut refused, mut unreadable) = (loaded.refused, 0);
    for diagnostic in &loaded.diagnostics {
        match diagnostic.code {
            "file-unreadable" => unreadable += 1,
            "file-not-utf8" | "file-too-large" => refused += 1,
            _ => {}
        }
    }
    texts.append(&mut loaded.sources);
    diagnostics.append(&mut loaded.diagnostics);
    let findings = diagnostics.into_iter().map(Finding::from).collect();
    let collection = loaded.collection;
    Ok(Read { collection, sources, findings, texts, refused, unreadable, bad_sources })
}

/// Reads and compiles rule files and folders.
///
/// # Errors
/// As [`read`], or if `selection` names what is not there.
pub fn build(
    paths: &[PathBuf],
    reading: &Reading,
    selection: &Selection,
    options: Options,
) -> Result<Built, Failure> {
    let mut read = read(paths, &reading.additions)?;
    // Without a descriptor, rules would look at fields that are not there: it cannot be left out.
    let may_go_on = read.unreadable == 0
        && read.bad_sources == 0
        && (reading.skip_unsupported || read.refused == 0);
    if !may_go_on {
        return Ok(Built { compiled: None, left_out: Vec::new(), read });
    }
    let left_out = selection.apply(&mut read.collection)?;
    let compiled = compile_read(&mut read, reading.skip_unsupported, options);
    Ok(Built { compiled, left_out, read })
}

/// Compiles what was read, with its sources; the compiler's errors go to the findings. With
/// `skip_unsupported`, rules that it refuses are taken out.
pub fn compile_read(
    read: &mut Read,
    skip_unsupported: bool,
    mut options: Options,
) -> Option<Compiled> {
    options.sources = read.sources.clone();
    options.destinations = descriptor::destinations();
    let collection = &mut read.collection;
    loop {
        options.skipped_rules = u32::try_from(read.refused).unwrap_or(u32::MAX);
        let has_indicators = options.indicators.as_ref().is_some_and(|set| !set.is_empty());
        if collection.rules.is_empty() && !has_indicators {
            return None;
        }
        match compile::compile(collection, &options) {
            Ok(compiled) => return Some(compiled),
            Err(errors) => {
                let before = collection.rules.len();
                let errors = leave_out(collection, errors, &options);
                let orphans = orphans(collection);
                read.refused += errors.len() + orphans.len();
                read.findings.extend(errors.into_iter().map(Finding::from).chain(orphans));
                if !skip_unsupported || collection.rules.len() == before {
                    return None;
                }
            }
        }
    }
}

/// Takes the rules out that errors are about. Errors that name no rule are found again by
/// compiling each rule alone; those about the rule set as a whole take nothing out.
fn leave_out(
    collection: &mut Collection,
    errors: Vec<CompileError>,
    options: &Options,
) -> Vec<CompileError> {
    if errors.iter().any(CompileError::is_whole) {
        return errors;
    }
    let is_of = |error: &CompileError, rule: &sigmatag::rule::ast::Rule| {
        error.place.file == rule.meta.place.file && error.subject == rule.meta.title
    };
    let mut named = Vec::new();
    let mut nameless = false;
    for error in errors {
        if collection.rules.iter().any(|rule| is_of(&error, rule)) {
            named.push(error);
        } else {
            nameless = true;
        }
    }
    if nameless {
        let options = &Options { indicators: None, ..options.clone() };
        let mut alone = Collection { rules: Vec::new(), ..collection.clone() };
        for rule in &collection.rules {
            alone.rules = vec![rule.clone()];
            let Err(found) = compile::compile(&alone, options) else { continue };
            named.extend(found.into_iter().take(1).map(|error| CompileError {
                place: rule.meta.place.clone(),
                subject: rule.meta.title.clone(),
                ..error
            }));
        }
    }
    named.dedup_by(|a, b| a == b);
    for error in &named {
        // Of two rules with one id the error names the second, which may have the first's title.
        let at = collection
            .rules
            .iter()
            .rposition(|rule| is_of(error, rule) && rule.meta.place.pos <= error.place.pos);
        if let Some(at) = at {
            collection.rules.remove(at);
        }
    }
    named
}

/// The rules that a correlation rests on, those of correlations that it lists included: their indices,
/// ascending.
pub fn bases(collection: &Collection, of: &Correlation) -> Vec<usize> {
    let mut found = BTreeSet::new();
    // The loader refuses what leads nowhere or in a circle.
    let mut open: Vec<&str> = of.rules.iter().map(|rule| rule.value.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        let is = |meta: &Metadata| {
            [&meta.id, &meta.name].into_iter().flatten().any(|own| own.as_str() == name)
        };
        // Of two copies of a rule the first is meant.
        found.extend(collection.rules.iter().position(|rule| is(&rule.meta)));
        for child in collection.correlations.iter().filter(|child| is(&child.meta)) {
            open.extend(child.rules.iter().map(|rule| rule.value.as_str()));
        }
    }
    found.into_iter().collect()
}

/// Takes the correlations out whose rules were taken out.
fn orphans(collection: &mut Collection) -> Vec<Finding> {
    let mut found = Vec::new();
    loop {
        let rules = collection.rules.iter().map(|rule| &rule.meta);
        let metas = rules.chain(collection.correlations.iter().map(|own| &own.meta));
        let keys = metas.flat_map(|meta| [&meta.id, &meta.name]).flatten();
        let known: HashSet<String> = keys.cloned().collect();
        let before = found.len();
        collection.correlations.retain(|own| {
            let gone = own.rules.iter().find(|rule| !known.contains(&rule.value));
            let Some(gone) = gone else { return true };
            let place = Place { file: own.meta.place.file.clone(), pos: gone.pos };
            let message = format!("its rule `{}` was refused", gone.value);
            let (severity, code) = (Severity::Error, "correlation-unresolved");
            let mut finding = Finding::from(Diagnostic::at(severity, code, place, message));
            finding.help = Some("repair that rule first".to_owned());
            finding.subject = Some(own.meta.title.clone());
            found.push(finding);
            false
        });
        if found.len() == before {
            return found;
        }
    }
}

/// Compiles rule files for use at once, or reads a compiled file.
///
/// # Errors
/// If rules are refused, or nothing can be read.
pub fn rule_set(selected: &Selected) -> Result<RuleSet, Failure> {
    rule_file(selected)?.load()
}

/// A compiled file in memory that nobody has looked into.
pub struct RuleFile {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Where it is from.
    pub origin: Origin,
}

/// Where a compiled file is from.
pub enum Origin {
    /// The pack in this program.
    BuiltIn,
    /// A file.
    File(PathBuf),
    /// Rules that were compiled just now.
    Compiled,
}

impl RuleFile {
    /// Its rule set.
    ///
    /// # Errors
    /// If it is none.
    pub fn load(&self) -> Result<RuleSet, Failure> {
        RuleSet::from_bytes(&self.bytes).map_err(|error| match &self.origin {
            Origin::BuiltIn => Failure::Unusable(format!("the built-in rules: {error}")),
            Origin::File(path) => Failure::Unusable(format!("{}: {error}", path.display())),
            Origin::Compiled => defect(&error),
        })
    }
}

/// As [`rule_set`], before anything is loaded.
///
/// # Errors
/// As [`rule_set`], except that a file is not looked into.
pub fn rule_file(selected: &Selected) -> Result<RuleFile, Failure> {
    let paths = &selected.paths;
    let reading = &selected.reading;
    let is_compiled_already = |what: &str| {
        Failure::Unusable(format!(
            "{what}: placeholders and sources are compiled in already: give --placeholder and \
             --sources to `sigmatag compile`"
        ))
    };
    let additions = &reading.additions;
    let has_additions = !additions.placeholders.is_empty() || !additions.sources.is_empty();
    if paths.is_empty() {
        if has_additions {
            return Err(is_compiled_already("the built-in rules"));
        }
        return Ok(RuleFile { bytes: embedded::pack().into(), origin: Origin::BuiltIn });
    }
    let mut compiled = None;
    for path in paths {
        if is_compiled(path)? {
            compiled = Some(path);
        }
    }
    match (compiled, &paths[..]) {
        (Some(path), [_]) if has_additions => Err(is_compiled_already(&path.display().to_string())),
        (Some(path), [_]) => {
            Ok(RuleFile { bytes: read_bytes(path)?.into(), origin: Origin::File(path.clone()) })
        }
        (Some(path), _) => Err(Failure::Unusable(format!(
            "{}: a compiled file stands alone: give one compiled file, or any number of rule \
             files and folders",
            path.display()
        ))),
        (None, _) => compile_now(paths, reading),
    }
}

fn compile_now(paths: &[PathBuf], reading: &Reading) -> Result<RuleFile, Failure> {
    let built = build(paths, reading, &Selection::default(), Options::default())?;
    finding::print(&built.read.findings, &built.read.texts);
    let Some(compiled) = built.compiled else {
        return Err(built.failure("no event was looked at"));
    };
    if built.read.refused > 0 {
        let number = failure::count(built.read.refused as u64, "document");
        say(format_args!("{number} left out because of --skip-unsupported"));
    }
    Ok(RuleFile { bytes: compiled.bytes.into(), origin: Origin::Compiled })
}

/// The rule set of what was just compiled.
///
/// # Errors
/// If it does not load, which is a defect of the compiler.
pub fn verified(compiled: &Compiled) -> Result<RuleSet, Failure> {
    RuleSet::from_bytes(&compiled.bytes).map_err(|error| defect(&error))
}

fn defect(error: &LoadError) -> Failure {
    Failure::Refused(format!(
        "the compiled rules do not load: {error}; this is a defect of sigmatag, please report it \
         with the rules"
    ))
}

/// Whether a path is meant to be a compiled file, by its name or its first bytes.
fn is_compiled(path: &Path) -> Result<bool, Failure> {
    if path.is_dir() {
        return Ok(false);
    }
    if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("sgt")) {
        return Ok(true);
    }
    let mut first = [0; MAGIC.len()];
    let mut file = File::open(path).map_err(|error| Failure::file(path, "read", &error))?;
    Ok(file.read_exact(&mut first).is_ok() && first == MAGIC)
}

/// Reads a compiled file.
///
/// # Errors
/// If it cannot be read or is not one.
pub fn read_compiled(path: &Path) -> Result<RuleSet, Failure> {
    let origin = Origin::File(path.to_owned());
    RuleFile { bytes: read_bytes(path)?.into(), origin }.load()
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is accepted, so that the loader gives the reason.
    let limit = sigmatag::limits::MAX_FILE as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| Failure::file(path, "read", &error))?;
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, "read", &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = format!("{}: byte {at} is not UTF-8: save it as UTF-8", path.display());
        Failure::Unusable(message)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn read_placeholders(arguments: &[(String, PathBuf)]) -> Result<Placeholders, Failure> {
    let mut placeholders = Placeholders::new();
    for (name, path) in arguments {
        let text = read_text(path)?;
        let values = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let known: &mut Vec<String> = placeholders.entry(name.clone()).or_default();
        known.extend(values.map(str::to_owned));
        if known.is_empty() {
            return Err(Failure::Unusable(format!(
                "{}: the file has no value for the placeholder `{name}`: write one per line",
                path.display()
            )));
        }
    }
    Ok(placeholders)
}

/// Descriptors in the order of recognition: the site's, then the built-in ones it does not replace.
pub fn read_sources(
    paths: &[PathBuf],
    texts: &mut Vec<SourceText>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Vec<Descriptor>, Failure> {
    let mut descriptors = Vec::new();
    for path in paths {
        let text = read_text(path)?;
        let name = path.to_string_lossy().into();
        descriptors.extend(descriptor::read(&name, &text, diagnostics));
        texts.push(SourceText { name, text: text.into() });
    }
    diagnostics.extend(descriptor::check_names(&descriptors));
    let built_in = descriptor::built_in();
    let replaced = |name: &str| descriptors.iter().any(|own: &Descriptor| own.name == name);
    let rest: Vec<Descriptor> =
        built_in.into_iter().filter(|source| !replaced(&source.name)).collect();
    descriptors.extend(rest);
    Ok(descriptors)
}
