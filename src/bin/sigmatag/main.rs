//! The command line: compile rules, tag events, look into a compiled file, explain a verdict.
//!
//! One file per subcommand. Results go to standard output, everything about them to standard
//! error, so that the output can always be piped on.
#![deny(unsafe_code)]

mod compile;
mod explain;
mod failure;
mod finding;
mod input;
mod inspect;
mod rules;
mod summary;
mod tag;

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
    Compile(compile::Arguments),
    Tag(tag::Arguments),
    Inspect(inspect::Arguments),
    Explain(explain::Arguments),
}

fn main() -> ExitCode {
    let done = match &Arguments::parse().command {
        Command::Compile(arguments) => compile::run(arguments),
        Command::Tag(arguments) => tag::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
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
        let command = <Arguments as clap::CommandFactory>::command();
        assert_eq!(command.get_subcommands().count(), 4);
        command.debug_assert();
    }
}
