//! The criterion benches: runs them, and shows the mean of each with its interval.

use crate::common::root;
use crate::context::Context;
use crate::page::Page;
use crate::tools::{run as run_program, target};
use crate::units::time;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    if context.quick {
        page.skip("criterion's benches, which have no quick form: `cargo bench`");
        return Ok(());
    }
    page.say(
        "The benches of `benches/engine.rs`, `benches/sources.rs` and `benches/indicators.rs`: \
         criterion's mean with its 95 % interval. `cargo bench` runs them, `cargo bench --bench \
         sources -- \"foreign record\"` runs one, and criterion compares with its last run. \
         `indicators/EVENT/NUMBER` is an event against a set of that many indicators, \
         `indicators/load/NUMBER` loading the set.",
    );
    let begin = SystemTime::now();
    let mut command = Command::new("cargo");
    command.args(["bench", "--locked"]);
    command.args(["engine", "sources", "indicators"].iter().flat_map(|name| ["--bench", name]));
    run_program(command.current_dir(root()))?;
    let mut found = Vec::new();
    collect(&target().join("criterion"), begin, &mut found)?;
    found.sort();
    let row = |path: &PathBuf| {
        let name = read(&path.join("benchmark.json"))?;
        let estimates = read(&path.join("estimates.json"))?;
        let name = name["full_id"].as_str().unwrap_or_default().to_owned();
        let mean = &estimates["mean"];
        let at = |value: &Value| time(value.as_f64().unwrap_or_default());
        let interval = &mean["confidence_interval"];
        let (low, high) = (at(&interval["lower_bound"]), at(&interval["upper_bound"]));
        Ok(vec![name, at(&mean["point_estimate"]), format!("{low} to {high}")])
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect::<Result<_, String>>()?;
    if rows.is_empty() {
        return Err("cargo bench left no estimates in target/criterion".to_owned());
    }
    page.table(&["bench", "mean", "95 %"], &rows);
    Ok(())
}

/// Folders of results that this run wrote; those of benches that are gone stay behind there.
fn collect(folder: &Path, begin: SystemTime, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        let estimates = path.join("estimates.json");
        let is_new = path.ends_with("new")
            && estimates
                .metadata()
                .and_then(|data| data.modified())
                .is_ok_and(|time| time >= begin);
        if is_new {
            found.push(path);
        } else {
            collect(&path, begin, found)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}
