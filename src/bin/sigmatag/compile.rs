//! `sigmatag compile`: rules to one file.

use crate::Output;
use crate::failure::{Failure, count, print, say, size, thousands};
use crate::finding;
use crate::indicators::{self, Indicators, ReadFeeds};
use crate::input::Form;
use crate::profile::{self, Measured};
use crate::rules::{self, Built, Reading};
use crate::select::{self, LeftOut, Selection};
use crate::summary::{inert, printable};
use serde_json::{Value, json};
use sigmatag::compile::Options;
use sigmatag::ruleset::RuleSet;
use sigmatag::ruleset::tables::flag;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Compiles rules into one file.
///
/// Nothing is written if a rule is refused, unless --skip-unsupported is given. A file that is
/// there already is replaced at once: whoever reads it sees the old rules or the new ones.
///
/// Feeds of indicators are another matter: what is damaged in them or cannot be looked for is
/// listed, and the rest is compiled. Exit code 3 says that some of them could not be read.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::failure::EXIT_CODES)]
pub struct Arguments {
    /// Rule files, and folders with everything below them that ends in `.yml` or `.yaml`.
    #[arg(required_unless_present = "files")]
    rules: Vec<PathBuf>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE.sgt")]
    output: PathBuf,
    /// Leave out what `sigmatag explain` needs; the file gets smaller.
    #[arg(long)]
    strip_debug: bool,
    /// Events of your own, in any form that `sigmatag tag` reads: the rules are then looked for by
    /// what is rare in them. It changes how fast rules match, not what. May be repeated.
    #[arg(long, value_name = "EVENTS")]
    profile: Vec<PathBuf>,
    #[command(flatten)]
    input: Form,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    indicators: Indicators,
    /// The level at which indicators report.
    #[arg(long, value_name = "LEVEL", default_value = "high", value_parser = indicators::levels())]
    indicator_level: String,
    /// How to print what was found: `text` on standard error, `json` on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let level = indicators::level_number(&arguments.indicator_level);
    let feeds = arguments.indicators.read(level)?;
    if arguments.format == Output::Text {
        feeds.print();
    }
    if let Some(why) = &feeds.refused {
        if arguments.format == Output::Json {
            let report = json!({ "written": false, "indicators": feeds.json() });
            print(&format!("{report:#}\n"))?;
        }
        return Err(Failure::Refused(format!("{why}: nothing was written")));
    }
    let (strip_debug, indicators) = (arguments.strip_debug, feeds.set.clone());
    let options = Options { strip_debug, indicators, ..Options::default() };
    let (paths, selection) = (&arguments.rules, &arguments.selection);
    let mut built = rules::build(paths, &arguments.reading, selection, options.clone())?;
    if arguments.format == Output::Text {
        finding::print(&built.read.findings, &built.read.texts);
    }
    let mut measured = None;
    if let Some(compiled) = &built.compiled
        && !arguments.profile.is_empty()
    {
        // The rules say what to look at in the events.
        let rules = rules::verified(compiled)?;
        let (profile, events) = profile::read(&arguments.profile, arguments.input, &rules)?;
        measured = Some(events);
        let options = Options { profile: Some(profile), ..options };
        let skip_unsupported = arguments.reading.skip_unsupported;
        built.compiled = rules::compile_read(&mut built.read, skip_unsupported, options);
    }
    let Some(compiled) = &built.compiled else {
        let failure = built.failure("nothing was written");
        if arguments.format == Output::Json {
            print(&format!("{:#}\n", report(arguments, &built, None, measured, &feeds)))?;
        }
        return Err(failure);
    };
    let rule_set = rules::verified(compiled)?;
    write_whole(&arguments.output, &compiled.bytes)
        .map_err(|error| Failure::file(&arguments.output, "written", &error))?;
    match arguments.format {
        Output::Json => {
            let report = report(arguments, &built, Some(&rule_set), measured, &feeds);
            print(&format!("{report:#}\n"))?;
        }
        Output::Text => {
            if built.read.refused > 0 {
                say(format_args!("left out because of --skip-unsupported:"));
                for error in built.read.errors() {
                    let subject = printable(error.subject.as_deref().unwrap_or("(no title)"));
                    let message = printable(&error.message);
                    say(format_args!("  {}: {subject}: {message}", error.place));
                }
            }
            print(&(summary(arguments, &built, &rule_set, measured) + &feeds.summary()))?;
        }
    }
    feeds.incomplete()
}

fn short_identity(rules: &RuleSet) -> &str {
    // As long as in tags.
    &rules.identity()[..16]
}

fn indexed(rules: &RuleSet) -> usize {
    rules.tables().predicates.iter().filter(|p| p.flags & flag::INDEXED != 0).count()
}

/// Rules that are not those of indicators.
fn own_rules(rules: &RuleSet) -> u32 {
    rules.indicators().map_or(rules.rule_count(), |indicators| indicators.first_rule)
}

fn summary(
    arguments: &Arguments,
    built: &Built,
    rules: &RuleSet,
    measured: Option<Measured>,
) -> String {
    let tables = rules.tables();
    let bytes = built.compiled.as_ref().map_or(0, |compiled| compiled.bytes.len());
    let mut text = format!(
        "{}: {}, {} ({} indexed), {}, {}, identity {}\n",
        arguments.output.display(),
        count(own_rules(rules), "rule"),
        count(tables.predicates.len() as u64, "predicate"),
        thousands(indexed(rules) as u64),
        count(rules.regex_count(), "regex"),
        size(bytes as u64),
        short_identity(rules),
    );
    if built.read.refused > 0 {
        let documents = count(built.read.refused as u64, "document");
        text.push_str(&format!("{documents} left out by --skip-unsupported\n"));
    }
    text.push_str(&select::summary(&built.left_out));
    if let Some(measured) = measured {
        text.push_str(&measured.line());
    }
    if let Some(indicators) = rules.indicators() {
        let number = count(indicators.entries.len() as u64, "different indicator");
        let (rules, fields) = (indicators.sources.len() as u64, indicators.watches.len() as u64);
        let (rules, fields) = (count(rules, "rule"), count(fields, "field"));
        text.push_str(&format!("{number} in {fields}, reported as {rules}\n"));
    }
    text.push_str(&inert(tables.correlations.len()));
    text
}

fn report(
    arguments: &Arguments,
    built: &Built,
    rules: Option<&RuleSet>,
    measured: Option<Measured>,
    feeds: &ReadFeeds,
) -> Value {
    let mut report = json!({
        "written": rules.is_some(),
        "refused": built.read.refused,
        "unreadable": built.read.unreadable,
        "left_out": built.left_out.iter().map(LeftOut::json).collect::<Vec<_>>(),
        "diagnostics": built.read.findings.iter().map(finding::Finding::json).collect::<Vec<_>>(),
    });
    if !feeds.feeds().is_empty() {
        report["indicators"] = feeds.json();
    }
    if let Some(measured) = measured {
        report["profile"] = json!({ "events": measured.events, "all": measured.all });
    }
    if let (Some(rules), Some(compiled)) = (rules, &built.compiled) {
        report["file"] = arguments.output.to_string_lossy().into();
        report["bytes"] = compiled.bytes.len().into();
        report["rules"] = own_rules(rules).into();
        report["predicates"] = rules.tables().predicates.len().into();
        report["indexed_predicates"] = indexed(rules).into();
        report["regexes"] = rules.regex_count().into();
        report["correlations_inert"] = rules.tables().correlations.len().into();
        if let Some(indicators) = rules.indicators() {
            report["different_indicators"] = indicators.entries.len().into();
            report["indicator_rules"] = indicators.sources.len().into();
        }
        report["identity"] = rules.identity().into();
    }
    report
}

/// Writes a file so that no reader ever sees a part of it, and nothing is left over on failure.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Through a link to the file it names; a name that is not there yet is itself.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is there and not a regular file"));
    }
    let name =
        target.file_name().ok_or_else(|| io::Error::other("it is no file name"))?.to_string_lossy();
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
    let written = fs::metadata(&target)
        .map_or(Ok(()), |replaced| file.set_permissions(replaced.permissions()))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &target));
    if let Err(error) = written {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    // The new name must survive a crash as well; not every file system can sync a folder.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
