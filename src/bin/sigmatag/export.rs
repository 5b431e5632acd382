//! `sigmatag export`: rules in the language of a host that cannot load the library.

use crate::failure::{EXIT_CODES, Failure, count, print, say};
use crate::finding::{self, Finding};
use crate::rules::{self, Reading};
use crate::select::Selection;
use sigmatag::compile::{CompileError, vrl};
use std::path::PathBuf;

/// Writes rules in the language of a host that cannot load the library.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    language: Language,
}

#[derive(Debug, clap::Subcommand)]
enum Language {
    Vrl(Vrl),
}

/// Writes rules as a program of Vector's remap language, for the `remap` transform.
///
/// Fields are those of the decoded event: nothing recognises a source or maps its names. Every rule is
/// tried on every event, whatever its log source, so choose them with --logsource. Each rule tests its
/// fields anew, so only small sets are written.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
struct Vrl {
    /// Rule files, and folders with everything below them that ends in `.yml` or `.yaml`.
    #[arg(required = true)]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    selection: Selection,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.language {
        Language::Vrl(arguments) => write_vrl(arguments),
    }
}

fn write_vrl(arguments: &Vrl) -> Result<(), Failure> {
    let skip = arguments.reading.skip_unsupported;
    let mut read = rules::read(&arguments.rules, &arguments.reading.additions)?;
    if read.unreadable > 0 || read.bad_sources > 0 || (read.refused > 0 && !skip) {
        finding::print(&read.findings, &read.texts);
        let number = count((read.unreadable + read.bad_sources + read.refused) as u64, "document");
        return Err(Failure::Refused(format!("{number} refused: nothing was written")));
    }
    arguments.selection.apply(&mut read.collection)?;
    let correlations = read.collection.correlations.len();
    if correlations > 0 {
        let number = count(correlations as u64, "correlation");
        say(format_args!(
            "warning: {number} cannot be written; their base rules report on their own"
        ));
    }
    let mut refused = read.refused;
    let program = loop {
        if read.collection.rules.is_empty() {
            finding::print(&read.findings, &read.texts);
            return Err(Failure::Refused("no rule is left: nothing was written".to_owned()));
        }
        let errors = match vrl::program(&read.collection, &read.sources) {
            Ok(program) => break program,
            Err(errors) => errors,
        };
        let whole = errors.iter().find(|error| error.is_whole()).map(|error| error.message.clone());
        if let Some(message) = whole {
            return Err(Failure::Refused(format!("{message}: nothing was written")));
        }
        refused += errors.len();
        if skip {
            read.collection.rules.retain(|rule| {
                let is_of = |error: &CompileError| {
                    error.place == rule.meta.place && error.subject == rule.meta.title
                };
                !errors.iter().any(is_of)
            });
        }
        read.findings.extend(errors.into_iter().map(Finding::from));
        if !skip {
            finding::print(&read.findings, &read.texts);
            let number = count(refused as u64, "rule");
            return Err(Failure::Refused(format!(
                "{number} cannot be written in VRL: nothing was written; leave them out with --skip-unsupported"
            )));
        }
    };
    finding::print(&read.findings, &read.texts);
    if refused > 0 {
        say(format_args!(
            "{} left out because of --skip-unsupported",
            count(refused as u64, "rule")
        ));
    }
    print(&program)
}
