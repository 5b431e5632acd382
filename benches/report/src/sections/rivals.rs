//! Other Sigma engines: what `benches/rivals` measures, in tables.

use crate::chart::{Bar, bars};
use crate::context::Context;
use crate::page::Page;
use crate::tools::{self, run as run_program};
use crate::units::{bytes, short, thousands, time};
use serde_json::Value;
use std::process::Command;

/// Rounds of a run that only takes every step.
const QUICK_ROUNDS: &str = "2";

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let program = match tools::built("rivals/release/sigmatag-rivals", "make rivals") {
        Ok(program) => program,
        Err(why) => {
            page.skip(why);
            return Ok(());
        }
    };
    let path = context.work.join("rivals.json");
    let mut command = Command::new(program);
    command.arg("--json").arg(&path);
    if context.quick {
        command.args(["--rounds", QUICK_ROUNDS, "--only", "mysql-pack"]);
    }
    run_program(&mut command)?;
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let report: Value = serde_json::from_str(&text).map_err(|e| format!("rivals.json: {e}"))?;
    write(page, &report)
}

fn write(page: &mut Page, report: &Value) -> Result<(), String> {
    page.say(format!(
        "Other Sigma engines from crates.io get the same rules and the same JSON text, and their \
         matches are compared with ours before any clock runs; a difference that nobody explained \
         fails the run. {} rounds, in which all engines take turns; a ratio is taken within each \
         round, and its median stands here with the tenth from below and from above. \
         Configurations, and what is measured: [benches/rivals](../benches/rivals/README.md).",
        report["rounds"]
    ));
    let versions: Vec<String> = list(&report["engines"])
        .filter(|engine| engine["version"].is_string())
        .map(|engine| format!("{} {}", text(&engine["crate"]), text(&engine["version"])))
        .collect();
    let mut versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    versions.dedup();
    page.say(format!("Versions: {}.", versions.join(", ")));
    for workload in list(&report["workloads"]) {
        times(page, workload)?;
        readiness(page, workload);
    }
    for skipped in list(&report["skipped"]) {
        page.skip(text(skipped));
    }
    Ok(())
}

/// Matches and times of one workload.
fn times(page: &mut Page, workload: &Value) -> Result<(), String> {
    let name = text(&workload["name"]);
    page.heading(name);
    page.say(format!(
        "{}. {} rules, {} events, {} matches.",
        capital(text(&workload["about"])),
        thousands(number(&workload["rules"])),
        thousands(number(&workload["events"])),
        thousands(number(&workload["matches"])),
    ));
    let mut rows = Vec::new();
    let mut all = Vec::new();
    let mut best = f64::INFINITY;
    for times in list(&workload["times"]) {
        let engine = text(&times["engine"]);
        let ratio = |what: &str| number(&times["ratio"][what]);
        let each = |what: &str| thousands(number(&times["ns_per_event"][what]));
        let (median, low, high) = (ratio("median"), ratio("low"), ratio("high"));
        rows.push(vec![
            engine.to_owned(),
            agreement(workload, engine),
            thousands(number(&times["events"])),
            each("p50"),
            each("p99"),
            each("mean"),
            format!("{} ({} to {})", short(median), short(low), short(high)),
        ]);
        // Engines that get parsed events do not do the whole work.
        if engine.starts_with("rsigma") && !engine.ends_with("-parsed") {
            best = best.min(median);
        }
        if engine != "sigmatag" {
            let interval = Some((low, high));
            all.push(Bar { name: engine.to_owned(), value: median, interval });
        }
    }
    if best.is_finite() {
        page.figure(format!("rivals/{name}/rsigma"), best);
    }
    page.table(
        &["engine", "matches", "timed on", "p50 ns", "p99 ns", "mean ns", "times ours"],
        &rows,
    );
    let title = format!("{name}: times as long as sigmatag");
    page.chart(&format!("rivals-{name}"), &title, |path| bars(path, &title, "times as long", &all))
}

/// How an engine's matches compare with ours.
fn agreement(workload: &Value, engine: &str) -> String {
    let found = list(&workload["agreement"]).find(|one| text(&one["engine"]) == engine);
    let Some(found) = found else { return "ours".to_owned() };
    let differences: usize = list(&found["differences"]).map(|d| list(&d["events"]).count()).sum();
    if differences == 0 { "equal".to_owned() } else { format!("{differences} explained") }
}

/// Loading and memory of one workload.
fn readiness(page: &mut Page, workload: &Value) {
    let memory = |engine: &str, from: &str| {
        let found = list(&workload["memory"])
            .find(|one| text(&one["engine"]) == engine && text(&one["from"]) == from);
        let size = |what: &str| found.map_or(String::new(), |one| bytes(number(&one[what])));
        [size("peak_bytes"), size("resident_bytes")]
    };
    let rows: Vec<Vec<String>> = list(&workload["loading"])
        .map(|loading| {
            let (engine, from) = (text(&loading["engine"]), text(&loading["from"]));
            let [peak, resident] = memory(engine, from);
            let file = loading["file_bytes"].as_f64().map_or(String::new(), bytes);
            vec![
                format!("{engine}, from {}", if from == "yaml" { "YAML" } else { "its own file" }),
                time(number(&loading["median_ns"])),
                file,
                peak,
                resident,
            ]
        })
        .collect();
    page.table(&["engine", "ready after", "file", "process, peak", "process, end"], &rows);
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_say_what_was_measured() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut page = Page::new(folder.path().to_owned());
        let times = |engine: &str, median: f64| {
            json!({
                "engine": engine, "events": 10, "ns_per_event": {"p50": 1, "p99": 2, "mean": 1.5},
                "ratio": {"median": median, "low": median - 0.5, "high": median + 0.5},
            })
        };
        let report = json!({
            "rounds": 21,
            "engines": [{"crate": "rsigma-eval", "version": "1.2.3"}],
            "skipped": [],
            "workloads": [{
                "name": "w", "about": "some rules", "rules": 3, "events": 10, "matches": 2,
                "times": [times("sigmatag", 1.0), times("rsigma", 30.0),
                    times("rsigma-bloom", 25.0), times("rsigma-parsed", 5.0)],
                "agreement": [{"engine": "rsigma", "differences": []}],
                "loading": [{"engine": "sigmatag", "from": "compiled", "median_ns": 2e6}],
                "memory": [],
            }],
        });
        write(&mut page, &report).expect("a page");
        assert_eq!(page.figures["rivals/w/rsigma"], 25.0, "the best that does the whole work");
        for part in ["rsigma-eval 1.2.3", "Some rules. 3 rules, 10 events", "30.0 (29.5 to 30.5)"] {
            assert!(page.text.contains(part), "no {part} in\n{}", page.text);
        }
        assert!(page.text.contains("sigmatag, from its own file | 2.00 ms"));
    }
}
