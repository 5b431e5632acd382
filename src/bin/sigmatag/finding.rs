//! What is wrong with rules, shown with the lines it is about.

use crate::summary::printable;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};
use sigmatag::compile::CompileError;
use sigmatag::rule::ast::Place;
use sigmatag::rule::diagnostic::{Diagnostic, Severity};
use sigmatag::rule::load::SourceText;
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::sync::Arc;

/// Most characters of a line that are shown before the place and behind it.
const CONTEXT: usize = 100;

/// Something wrong or doubtful, from the front end or the compiler.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable name, where there is one.
    pub code: Option<&'static str>,
    /// Where; line 0 if only the file is known.
    pub place: Place,
    /// Characters from there on.
    pub length: u32,
    /// What is wrong.
    pub message: String,
    /// The repair.
    pub help: Option<String>,
    /// Title of the rule, or name of the source.
    pub subject: Option<String>,
}

impl From<Diagnostic> for Finding {
    fn from(diagnostic: Diagnostic) -> Finding {
        let Diagnostic { severity, code, place, length, message, help, subject } = diagnostic;
        Finding { severity, code: Some(code), place, length, message, help, subject }
    }
}

impl From<CompileError> for Finding {
    fn from(error: CompileError) -> Finding {
        Finding {
            severity: Severity::Error,
            code: None,
            place: error.place,
            length: 0,
            message: error.message,
            help: None,
            subject: (!error.subject.is_empty()).then_some(error.subject),
        }
    }
}

impl Finding {
    /// As an element of `diagnostics`.
    pub fn json(&self) -> Value {
        json!({
            "severity": self.severity.as_str(),
            "code": self.code,
            "file": &*self.place.file,
            "line": self.place.pos.line,
            "column": self.place.pos.column,
            "message": self.message,
            "help": self.help,
            "rule": self.subject,
        })
    }
}

/// Prints findings to standard error.
pub fn print(findings: &[Finding], sources: &[SourceText]) {
    let stderr = std::io::stderr();
    // Nobody can be told that standard error is closed.
    let _ = write(findings, sources, stderr.is_terminal(), &mut stderr.lock());
}

/// Writes findings for people.
///
/// # Errors
/// If `out` cannot be written.
pub fn write(
    findings: &[Finding],
    sources: &[SourceText],
    is_terminal: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let colours = is_terminal && std::env::var_os("NO_COLOR").is_none();
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let lines = Lines::new(sources);
    findings
        .iter()
        .try_for_each(|finding| writeln!(out, "{}\n", render(finding, &lines, &renderer)))
}

/// The texts by file, cut into lines when first asked for.
struct Lines<'a> {
    texts: HashMap<&'a Arc<str>, &'a str>,
}

impl<'a> Lines<'a> {
    fn new(sources: &'a [SourceText]) -> Lines<'a> {
        Lines { texts: sources.iter().map(|source| (&source.name, &*source.text)).collect() }
    }

    fn line(&self, place: &Place) -> Option<&'a str> {
        let index = (place.pos.line as usize).checked_sub(1)?;
        self.texts.get(&place.file)?.lines().nth(index)
    }
}

/// The part of a line to show, and in it the bytes to underline.
fn excerpt(line: &str, column: u32, length: u32) -> (String, Range<usize>) {
    let first = (column as usize).saturating_sub(1);
    let count = (length as usize).max(1);
    let from = first.saturating_sub(CONTEXT);
    let shown: Vec<char> = line.chars().skip(from).take(first - from + count + CONTEXT).collect();
    let offset = |chars: usize| shown.iter().take(chars).map(|c| c.len_utf8()).sum::<usize>();
    let (start, end) = (offset(first - from), offset(first - from + count));
    let text: String = shown.iter().collect();
    // Behind the end of the line there is nothing to underline but the place itself.
    let end = end.clamp(start, text.len()).max(start);
    (text, start..end)
}

fn render(finding: &Finding, lines: &Lines<'_>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut title = level.primary_title(printable(&finding.message));
    if let Some(code) = finding.code {
        title = title.id(code);
    }
    let mut group = match lines.line(&finding.place) {
        Some(line) => {
            let pos = finding.place.pos;
            let (text, span) = excerpt(line, pos.column, finding.length);
            title.element(
                Snippet::source(text)
                    .line_start(pos.line as usize)
                    .path(finding.place.file.to_string())
                    .annotation(AnnotationKind::Primary.span(span)),
            )
        }
        None => {
            let mut origin = annotate_snippets::Origin::path(finding.place.file.to_string());
            if finding.place.pos.line > 0 {
                origin = origin.line(finding.place.pos.line as usize);
            }
            title.element(origin)
        }
    };
    if let Some(subject) = &finding.subject {
        group = group.element(Level::NOTE.message(format!("in `{}`", printable(subject))));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_underline_the_place() {
        for (line, column, length, text, marked) in [
            ("title: x", 8, 1, "title: x", "x"),
            ("títle: ü y", 8, 1, "títle: ü y", "ü"),
            ("abc", 0, 0, "abc", "a"),
            ("abc", 3, 99, "abc", "c"),
            ("abc", 4, 1, "abc", ""),
            ("abc", 9, 1, "abc", ""),
            ("", 1, 1, "", ""),
        ] {
            let (shown, span) = excerpt(line, column, length);
            assert_eq!((shown.as_str(), &shown[span]), (text, marked), "{line} {column}");
        }
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let (shown, span) = excerpt(&line, 5001, 1);
        assert_eq!(&shown[span], "X");
        assert_eq!(shown.chars().count(), 2 * CONTEXT + 1);
    }
}
