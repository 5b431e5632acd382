//! `sigmatag coverage`: what rules cover.

mod collect;
mod html;
mod navigator;
mod tags;
mod text;

use crate::failure::{EXIT_CODES, Failure, print, say};
use crate::finding;
use crate::rules::{self, Additions};
use crate::test::files;
use sigmatag::attack::Version;
use std::path::PathBuf;

/// Shows what rules cover: log sources, tactics and techniques of ATT&CK, levels and tests.
///
/// A rule covers a log source if the source's events can be what the rule is about, by product,
/// category and service, and have the fields that it names. Tests are counted, not run: that is
/// what `sigmatag test` is for.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// Rule files, and folders with everything below them that ends in `.yml` or `.yaml`.
    #[arg(required = true, value_name = "PATHS")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    additions: Additions,
    /// `html` is a page that needs nothing else, `navigator` a layer for the ATT&CK Navigator.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Form,
    /// The version of ATT&CK whose names to use. Those of the other one are translated.
    #[arg(long, value_name = "VERSION", default_value = "19")]
    attack: Attack,
    /// Heading of the page, and name of the layer.
    #[arg(long, value_name = "TEXT", default_value = "Coverage")]
    title: String,
    /// What stands before a rule file's path in the links of the page; without it there are none.
    #[arg(long, value_name = "URL")]
    link: Option<String>,
}

/// How to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    Text,
    Json,
    Html,
    Navigator,
}

/// A version of ATT&CK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Attack {
    #[value(name = "18")]
    V18,
    #[value(name = "19")]
    V19,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let read = rules::read(&arguments.paths, &arguments.additions)?;
    if read.errors().next().is_some() {
        finding::print(&read.findings, &read.texts);
        let built = rules::Built { compiled: None, left_out: Vec::new(), read };
        return Err(built.failure("nothing was counted"));
    }
    let suites = files::suites(&read.collection)?;
    let version = match arguments.attack {
        Attack::V18 => Version::V18,
        Attack::V19 => Version::V19,
    };
    let coverage = collect::coverage(&read, &suites, version);
    if coverage.rows.is_empty() {
        return Err(Failure::Refused("there is no rule in what was given".to_owned()));
    }
    print(&match arguments.format {
        Form::Text => text::text(&coverage),
        Form::Json => format!("{:#}\n", text::report(&coverage)),
        Form::Html => html::page(&coverage, &arguments.title, arguments.link.as_deref()),
        Form::Navigator => {
            let (layer, left_out) = navigator::layer(&coverage, &arguments.title);
            for name in left_out {
                say(format_args!("{name} is no technique of Enterprise: left out of the layer"));
            }
            format!("{layer:#}\n")
        }
    })
}
