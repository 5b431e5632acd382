//! `sigmatag test`: the tests beside rules, filters and correlations.

mod bed;
mod correlate;
pub mod files;
mod report;
mod run;

use crate::Output;
use crate::failure::{EXIT_CODES, Failure, count};
use crate::finding;
use crate::rules::{self, Additions};
use sigmatag::compile::Options;
use std::path::PathBuf;

/// Runs the tests beside rules, filters and correlations.
///
/// The tests of `rules/NAME.yml` are the lines of `rules/tests/NAME.jsonl`: events that the rule
/// must match and events that it must not, for a filter events that it must suppress and events
/// that it must let pass, and for a correlation streams of events that must raise it and streams
/// that must not. docs/command-line.md describes the lines.
///
/// Rules are tested without filters, and each filter alone, so that no test depends on what else
/// is loaded. The engine does not evaluate correlations yet: it decides which rules match the
/// events of a stream, and the reference evaluator what comes of it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// Rule files, and folders with everything below them that ends in `.yml` or `.yaml`.
    #[arg(required = true, value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Test this compiled file, with all its filters, instead of what the rule files compile to:
    /// what is going to be shipped.
    #[arg(long, value_name = "FILE.sgt")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    additions: Additions,
    /// Rules and correlations without tests fail.
    #[arg(long)]
    require_tests: bool,
    /// How to print the results.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut read = rules::read(&arguments.paths, &arguments.additions)?;
    let compiled = if read.errors().next().is_some() {
        None
    } else {
        rules::compile_read(&mut read, false, Options::default())
    };
    if read.errors().next().is_some() {
        finding::print(&read.findings, &read.texts);
    }
    if compiled.is_none() {
        let built = rules::Built { compiled: None, left_out: Vec::new(), read };
        return Err(built.failure("nothing was tested"));
    }
    let shipped = arguments.rules.as_deref().map(rules::read_compiled).transpose()?;
    let suites = files::suites(&read.collection)?;
    let results = run::all(&read, shipped, &suites)?;
    report::print(&results, arguments.format)?;
    let mut reasons = Vec::new();
    if results.failed() > 0 {
        reasons.push(format!("{} failed", count(results.failed() as u64, "case")));
    }
    if results.problems() > 0 {
        reasons.push(count(results.problems() as u64, "problem"));
    }
    let untested = results.untested().count();
    if arguments.require_tests && untested > 0 {
        reasons.push(format!("{} without tests", count(untested as u64, "document")));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::Negative(reasons.join(", "))) }
}
