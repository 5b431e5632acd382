//! `sigmatag check`: everything that is wrong or doubtful about rules, without compiling a file.

use crate::Output;
use crate::failure::{EXIT_CODES, Failure, count, print};
use crate::finding::{self, Finding};
use crate::indicators::Indicators;
use crate::rules::{self, Additions, Read};
use crate::summary::{inert, plain_table};
use serde_json::json;
use sigmatag::compile::Options;
use sigmatag::lint;
use sigmatag::rule::diagnostic::{CODES, Severity, did_you_mean, similar};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _, stdout};
use std::path::PathBuf;

/// Checks rules, filters and correlations, and feeds of indicators.
///
/// Says everything that `compile` would refuse or warn about, and what is legal but hardly meant:
/// filters that exclude nothing or too much, rules that an empty event satisfies, fields that a
/// source does not have, regular expressions that say something else than they seem to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// Rule files, and folders with everything below them that ends in `.yml` or `.yaml`.
    #[arg(required_unless_present = "files")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    additions: Additions,
    #[command(flatten)]
    indicators: Indicators,
    /// End with exit code 3 if there is a finding of this code, or any warning at all. May be
    /// repeated; codes may be separated by commas.
    #[arg(long, value_name = "warnings|CODE", value_delimiter = ',', value_parser = denied)]
    deny: Vec<String>,
    /// Do not report findings of this code. Errors cannot be allowed. May be repeated; codes may
    /// be separated by commas.
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code)]
    allow: Vec<String>,
    /// How to print what was found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

fn denied(argument: &str) -> Result<String, String> {
    if argument == "warnings" { Ok(argument.to_owned()) } else { code(argument) }
}

fn code(argument: &str) -> Result<String, String> {
    if CODES.contains(&argument) {
        return Ok(argument.to_owned());
    }
    let suggestion = did_you_mean(similar(argument, CODES.iter().copied()));
    Err(format!("there is no code `{argument}`{suggestion}; docs/command-line.md lists them"))
}

impl Arguments {
    fn is_allowed(&self, finding: &Finding) -> bool {
        let is_listed = |code: &str| self.allow.iter().any(|allowed| allowed == code);
        finding.severity != Severity::Error && finding.code.is_some_and(is_listed)
    }

    fn is_denied(&self, finding: &Finding) -> bool {
        let fits = |denied: &String| match denied.as_str() {
            "warnings" => finding.severity == Severity::Warning,
            code => finding.code == Some(code),
        };
        finding.severity != Severity::Error && self.deny.iter().any(fits)
    }
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let feeds = arguments.indicators.read(0)?;
    let mut read = rules::read(&arguments.rules, &arguments.additions)?;
    let documents = [
        (read.collection.rules.len(), "rule"),
        (read.collection.correlations.len(), "correlation"),
        (read.collection.filters.len(), "filter"),
    ];
    if read.bad_sources == 0 {
        let found = lint::lint(&read.collection, &read.sources);
        read.findings.extend(found.into_iter().map(Finding::from));
        let options = Options { strip_debug: true, ..Options::default() };
        rules::compile_read(&mut read, true, options);
    }
    read.findings.retain(|finding| !arguments.is_allowed(finding));
    in_reading_order(&mut read);
    let denied = read.findings.iter().filter(|finding| arguments.is_denied(finding)).count();
    let of = |severity| read.findings.iter().filter(|f| f.severity == severity).count();
    let counts = [Severity::Error, Severity::Warning, Severity::Info].map(of);
    match arguments.format {
        Output::Text => {
            feeds.print();
            text(&read, &documents, counts)?;
            print(&feeds.summary())?;
        }
        Output::Json => {
            let diagnostics: Vec<_> = read.findings.iter().map(Finding::json).collect();
            let mut report = json!({
                "rules": documents[0].0,
                "correlations": documents[1].0,
                "correlations_inert": read.collection.correlations.len(),
                "filters": documents[2].0,
                "refused": read.refused,
                "errors": counts[0],
                "warnings": counts[1],
                "infos": counts[2],
                "denied": denied,
                "diagnostics": diagnostics,
            });
            if arguments.indicators.are_named() {
                report["indicators"] = feeds.json();
            }
            print(&format!("{report:#}\n"))?;
        }
    }
    if let Some(why) = &feeds.refused {
        return Err(Failure::Refused(why.clone()));
    }
    if read.unreadable > 0 {
        let number = count(read.unreadable as u64, "path");
        return Err(Failure::Unusable(format!("{number} could not be read")));
    }
    if counts[0] > 0 {
        return Err(Failure::Refused(count(counts[0] as u64, "error")));
    }
    if !arguments.indicators.are_named() && documents.iter().all(|(number, _)| *number == 0) {
        return Err(Failure::Refused("there is no rule in what was given".to_owned()));
    }
    if denied > 0 {
        return Err(Failure::Negative(format!("denied: {}", count(denied as u64, "finding"))));
    }
    feeds.incomplete()
}

/// Findings of the loader, the lints and the compiler, by file as read and by line.
fn in_reading_order(read: &mut Read) {
    let order: BTreeMap<_, _> =
        read.texts.iter().enumerate().map(|(at, text)| (text.name.clone(), at)).collect();
    read.findings.sort_by_key(|finding| {
        let file = order.get(&finding.place.file).copied();
        (file.unwrap_or(usize::MAX), finding.place.pos)
    });
}

fn text(read: &Read, documents: &[(usize, &str)], counts: [usize; 3]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let is_terminal = out.is_terminal();
    finding::write(&read.findings, &read.texts, is_terminal, &mut out)
        .map_err(|error| Failure::output(&error))?;
    let mut by_code: BTreeMap<(Severity, &str), u64> = BTreeMap::new();
    for finding in &read.findings {
        *by_code.entry((finding.severity, finding.code.unwrap_or("compiler"))).or_default() += 1;
    }
    let mut text = String::new();
    if !by_code.is_empty() {
        let mut table = plain_table(&["", "code", "number"], &[2]);
        for ((severity, code), number) in by_code {
            table.add_row([severity.as_str(), code, &number.to_string()]);
        }
        table.lines().for_each(|line| text.push_str(&format!("{}\n", line.trim_end())));
    }
    let documents: Vec<String> = documents
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(*number as u64, noun))
        .collect();
    let documents =
        if documents.is_empty() { "no documents".to_owned() } else { documents.join(", ") };
    let [errors, warnings, infos] = counts;
    text.push_str(&format!(
        "{}: {}, {}, {}\n",
        documents,
        count(errors as u64, "error"),
        count(warnings as u64, "warning"),
        count(infos as u64, "info"),
    ));
    text.push_str(&inert(read.collection.correlations.len()));
    out.write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}
