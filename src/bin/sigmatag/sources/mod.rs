//! `sigmatag sources`: which log sources are known, and which a log is of.

mod candidates;
mod describe;
mod detect;
mod groups;

use crate::Output;
use crate::failure::{EXIT_CODES, Failure, print};
use crate::finding::{self, Finding};
use crate::rules;
use crate::summary::plain_table;
use serde_json::json;
use sigmatag::compile::logsource_text;
use sigmatag::rule::descriptor::Descriptor;
use sigmatag::rule::diagnostic::{Severity, did_you_mean, similar};
use std::path::PathBuf;

/// Lists the log sources that are known, explains one, or looks which a log is of.
///
/// Without a name, lists all in the order of recognition.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Detect(detect::Arguments),
}

#[derive(Debug, clap::Args)]
struct Asked {
    /// The source to explain.
    name: Option<String>,
    #[command(flatten)]
    own: Own,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

/// A site's own sources.
#[derive(Debug, clap::Args)]
pub struct Own {
    /// Descriptors of your own log sources, recognised before the built-in ones. May be repeated.
    #[arg(long, value_name = "FILE.yml")]
    sources: Vec<PathBuf>,
}

impl Own {
    /// All descriptors in the order of recognition.
    fn read(&self) -> Result<Vec<Descriptor>, Failure> {
        let (mut texts, mut diagnostics) = (Vec::new(), Vec::new());
        let descriptors = rules::read_sources(&self.sources, &mut texts, &mut diagnostics)?;
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        let findings: Vec<Finding> = diagnostics.into_iter().map(Finding::from).collect();
        finding::print(&findings, &texts);
        if errors > 0 {
            let number = crate::failure::count(errors as u64, "error");
            return Err(Failure::Refused(format!("{number} in --sources")));
        }
        Ok(descriptors)
    }
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { action, asked } = arguments;
    if let Some(Action::Detect(arguments)) = action {
        return detect::run(arguments);
    }
    let descriptors = asked.own.read()?;
    let Some(name) = &asked.name else { return list(&descriptors, asked.format) };
    let Some(descriptor) = descriptors.iter().find(|source| source.name == *name) else {
        let known = descriptors.iter().map(|source| source.name.as_str());
        let suggestion = did_you_mean(similar(name, known));
        return Err(Failure::Unusable(format!("there is no source `{name}`{suggestion}")));
    };
    match asked.format {
        Output::Text => print(&describe::text(descriptor)),
        Output::Json => print(&format!("{:#}\n", describe::report(descriptor))),
    }
}

/// The logsources of a source, each once.
fn logsources(descriptor: &Descriptor) -> Vec<String> {
    let mut all: Vec<String> =
        descriptor.logsources.iter().map(|own| logsource_text(&own.logsource)).collect();
    all.dedup();
    all
}

fn list(descriptors: &[Descriptor], format: Output) -> Result<(), Failure> {
    if format == Output::Json {
        let all = descriptors.iter().map(|source| {
            json!({
                "name": source.name,
                "title": source.title,
                "logsources": logsources(source),
                "fields": source.names().len(),
                "lifts": source.lifts,
                "at": source.place.to_string(),
            })
        });
        return print(&format!("{:#}\n", all.collect::<serde_json::Value>()));
    }
    let mut table = plain_table(&["name", "fields", "title", "product/category/service"], &[1]);
    for source in descriptors {
        let open = if source.lifts.is_empty() { "" } else { "+" };
        let number = format!("{}{open}", source.names().len());
        table.add_row([&source.name, &number, &source.title, &logsources(source).join(", ")]);
    }
    let mut text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if descriptors.iter().any(|source| !source.lifts.is_empty()) {
        text.push_str("\n+ and every member of objects that the source lifts\n");
    }
    print(&text)
}
