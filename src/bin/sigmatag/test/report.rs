//! Results for people and for programs.

use super::correlate::StreamVerdict;
use super::run::{Results, Subject, Verdict};
use crate::Output;
use crate::failure::{self, Failure, count};
use crate::summary::printable;
use serde_json::{Value, json};
use sigmatag::rule_test::Expected;
use std::fmt::Write as _;

/// Prints all results to standard output.
pub fn print(results: &Results<'_>, format: Output) -> Result<(), Failure> {
    failure::print(&match format {
        Output::Text => text(results),
        Output::Json => format!("{:#}\n", report(results)),
    })
}

fn text(results: &Results<'_>) -> String {
    let mut out = String::new();
    let mut cases = 0;
    for subject in &results.subjects {
        cases += subject.numbers().0;
        subject_text(&mut out, subject);
    }
    for problem in &results.problems {
        let _ = writeln!(out, "bad  {}", printable(problem));
    }
    let of = |kind| results.of(kind).count() as u64;
    let mut parts = vec![count(of("rule"), "rule")];
    if of("filter") > 0 {
        parts.push(count(of("filter"), "filter"));
    }
    if of("correlation") > 0 {
        parts.push(count(of("correlation"), "correlation"));
    }
    parts.push(count(cases as u64, "case"));
    parts.push(format!("{} failed", results.failed()));
    let untested = results.untested().count();
    if untested > 0 {
        parts.push(format!("{} without tests", count(untested as u64, "document")));
    }
    let _ = writeln!(out, "{}", parts.join(", "));
    if results.of("correlation").any(|subject| !subject.streams.is_empty()) {
        let _ = writeln!(out, "{JUDGED}");
    }
    out
}

/// What a verdict about a correlation rests on.
const JUDGED: &str = "of streams, the engine decided which rules match each event; the correlations \
                      were judged by the reference evaluator, as the engine does not evaluate them \
                      yet";

fn subject_text(out: &mut String, subject: &Subject<'_>) {
    let verdict = match subject.numbers() {
        (0, _) => "none",
        (_, 0) => "ok  ",
        _ => "FAIL",
    };
    let numbers = match (subject.kind, subject.numbers().0) {
        (_, 0) => "no tests".to_owned(),
        ("correlation", all) => {
            let raised = subject.streams.iter().filter(|v| !v.stream.raised.is_empty()).count();
            format!("{raised} raised, {} not", all - raised)
        }
        (kind, all) => {
            let matches =
                subject.verdicts.iter().filter(|verdict| verdict.case.expected.is_match()).count();
            if kind == "rule" {
                format!("{matches} matching, {} not", all - matches)
            } else {
                format!("{} suppressed, {matches} not", all - matches)
            }
        }
    };
    let title = printable(subject.title);
    let _ = writeln!(out, "{verdict} {}: {title}: {numbers}", subject.file);
    let tests = subject.tests.as_deref().unwrap_or_default();
    for verdict in &subject.verdicts {
        let Some(failure) = &verdict.failure else { continue };
        let name = printable(&verdict.case.name);
        let _ = writeln!(out, "     {tests}:{}: {name}: {}", verdict.case.line, printable(failure));
        if !verdict.changed.is_empty() {
            let _ = writeln!(out, "       changed {}", printable(&verdict.changed.join(", ")));
        }
        let _ = writeln!(out, "       event   {}", verdict.case.record);
        for line in &verdict.explanation {
            let _ = writeln!(out, "       {line}");
        }
    }
    for verdict in &subject.streams {
        let Some(failure) = &verdict.failure else { continue };
        let (line, name) = (verdict.stream.line, printable(&verdict.stream.name));
        let _ = writeln!(out, "     {tests}:{line}: {name}: {}", printable(failure));
        for line in &verdict.details {
            let _ = writeln!(out, "       {line}");
        }
    }
    for warning in &subject.warnings {
        let _ = writeln!(out, "     warning: {tests}: {}", printable(warning));
    }
}

fn report(results: &Results<'_>) -> Value {
    let of = |kind: &str| -> Vec<Value> { results.of(kind).map(subject_json).collect() };
    json!({
        "failed": results.failed(),
        "untested": results.untested().count(),
        "problems": results.problems,
        "rules": of("rule"),
        "filters": of("filter"),
        "correlations": of("correlation"),
        "correlations_judged_by": "reference",
    })
}

fn subject_json(subject: &Subject<'_>) -> Value {
    let cases = subject.verdicts.iter().map(verdict_json);
    let cases: Vec<Value> = cases.chain(subject.streams.iter().map(stream_json)).collect();
    json!({
        "id": subject.id,
        "title": subject.title,
        "file": subject.file,
        "tests": subject.tests,
        "cases": cases,
        "warnings": subject.warnings,
    })
}

fn verdict_json(verdict: &Verdict<'_>) -> Value {
    let case = verdict.case;
    let mut value = json!({
        "name": case.name,
        "line": case.line,
        "passed": verdict.failure.is_none(),
    });
    match &case.expected {
        Expected::Match { matches, .. } => value["match"] = json!(matches),
        Expected::Suppressed { suppressed, .. } => value["suppressed"] = json!(suppressed),
    }
    if let Some(failure) = &verdict.failure {
        value["failure"] = json!(failure);
        value["changed"] = json!(verdict.changed);
        value["record"] = case.record.clone();
        value["explanation"] = json!(verdict.explanation);
    }
    value
}

fn stream_json(verdict: &StreamVerdict<'_>) -> Value {
    let stream = verdict.stream;
    let mut value = json!({
        "name": stream.name,
        "line": stream.line,
        "passed": verdict.failure.is_none(),
        "events": stream.events.len(),
        "raised": stream.raised,
    });
    if let Some(failure) = &verdict.failure {
        value["failure"] = json!(failure);
        value["explanation"] = json!(verdict.details);
    }
    value
}
