//! The command line: compile rules, tag events, look into a compiled file, explain a verdict.
//!
//! One file per subcommand. Results go to standard output, everything about them to standard
//! error, so that the output can always be piped on.
#![deny(unsafe_code)]

mod bench;
mod check;
mod compile;
mod coverage;
mod explain;
mod export;
mod failure;
mod finding;
mod indicators;
mod input;
mod inspect;
mod profile;
mod rules;
mod select;
mod serve;
mod shell;
mod sources;
mod summary;
mod tag;
mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Sigma detection rules, compiled once into one file and matched inside the log shipper.
#[derive(Parser)]
#[command(name = "sigmatag", version, after_help = failure::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Test(test::Arguments),
    Compile(compile::Arguments),
    Coverage(coverage::Arguments),
    Tag(tag::Arguments),
    Serve(serve::Arguments),
    Inspect(inspect::Arguments),
    Explain(explain::Arguments),
    Export(export::Arguments),
    Bench(bench::Arguments),
    Sources(sources::Arguments),
    Completions(shell::Completions),
    Man(shell::Man),
}

fn main() -> ExitCode {
    let done = match &Arguments::parse().command {
        Command::Check(arguments) => check::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Compile(arguments) => compile::run(arguments),
        Command::Coverage(arguments) => coverage::run(arguments),
        Command::Tag(arguments) => tag::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Sources(arguments) => sources::run(arguments),
        Command::Completions(arguments) => shell::completions(arguments, full_command()),
        Command::Man(arguments) => shell::man(arguments, full_command()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// All of the command line, for descriptions of it.
fn full_command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        full_command().debug_assert();
    }
}
