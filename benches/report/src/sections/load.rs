//! Loading, compiling, and what they take: by the command line, which is what people run.

use crate::context::{Context, NO_CORPUS, Rules};
use crate::page::Page;
use crate::statistics::median;
use crate::tools::{self, run as run_program};
use crate::units::{bytes, thousands, time};
use serde_json::Value;
use sigmatag::compile::{Options, compile};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::rule::load::load_paths;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let sigmatag = match tools::sigmatag() {
        Ok(sigmatag) => sigmatag,
        Err(why) => {
            page.skip(why);
            return Ok(());
        }
    };
    page.say(
        "Loading is from bytes in memory to an engine that is ready, checksum and verification \
         included: the median of `sigmatag bench`. Memory is what the process grows by: for the \
         rules, and for each further scratch (one a thread) that has seen the events. Compiling is \
         the whole command, from a folder of YAML to a file; reading and compiling are parts of it.",
    );
    let mut rows = vec![measure(context, page, &sigmatag, &context.pack, &context.azure)?];
    if let Some(sigmahq) = &context.sigmahq {
        rows.push(measure(context, page, &sigmatag, &sigmahq.rules, &sigmahq.windows)?);
    }
    page.table(
        &[
            "rules",
            "number",
            "file",
            "load",
            "memory, rules",
            "memory, scratch",
            "`sigmatag compile`",
            "reading YAML",
            "compiling",
        ],
        &rows,
    );
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules ({NO_CORPUS})"));
    }
    library_size(context, page)
}

/// One row; its figures are `load/RULES/...`.
fn measure(
    context: &Context,
    page: &mut Page,
    sigmatag: &Path,
    rules: &Rules,
    events: &[Value],
) -> Result<Vec<String>, String> {
    let report = bench(context, sigmatag, rules, events)?;
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64);
    let count = number("/rules/count").ok_or("sigmatag bench names no number of rules")?;
    let load = number("/load/median_ns").ok_or("sigmatag bench names no load time")?;
    let resident = number("/resident_growth/load");
    let scratch = number("/resident_growth/scratch");
    let [command, read, compile] = compiling(context, sigmatag, rules)?;
    let file = rules.bytes.len() as f64;
    let name = rules.name;
    let mut note = |what: &str, value| page.figure(format!("load/{name}/{what}"), value);
    note("rules", count);
    note("file", file);
    note("time", load);
    note("command", command);
    note("compile", compile);
    for (what, value) in [("resident", resident), ("scratch", scratch)] {
        value.into_iter().for_each(|value| note(what, value));
    }
    let size = |size: Option<f64>| size.map_or("unknown".to_owned(), bytes);
    Ok(vec![
        name.to_owned(),
        thousands(count),
        bytes(file),
        time(load),
        size(resident),
        size(scratch),
        time(command),
        time(read),
        time(compile),
    ])
}

/// What `sigmatag bench` says of them.
fn bench(
    context: &Context,
    sigmatag: &Path,
    rules: &Rules,
    events: &[Value],
) -> Result<Value, String> {
    let path = context.work.join("load.jsonl");
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut command = Command::new(sigmatag);
    command.args(["bench", "--json", "--passes", "2", "--rules"]);
    let text = run_program(command.arg(&rules.file).arg("--events").arg(&path))?;
    serde_json::from_str(&text).map_err(|e| format!("sigmatag bench printed no JSON: {e}"))
}

/// Medians of the command, of reading YAML, and of compiling what was read.
fn compiling(context: &Context, sigmatag: &Path, rules: &Rules) -> Result<[f64; 3], String> {
    let out = context.work.join("compiled.sgt");
    let options =
        Options { sources: built_in(), destinations: destinations(), ..Options::default() };
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..if context.quick { 1 } else { 7 } {
        let start = Instant::now();
        let mut command = Command::new(sigmatag);
        command.arg("compile").arg(&rules.folder).arg("-o").arg(&out);
        // SigmaHQ has rules with placeholders, of which only a site knows the values.
        run_program(command.arg("--skip-unsupported"))?;
        times[0].push(start.elapsed().as_nanos() as f64);
        let start = Instant::now();
        let folder = std::slice::from_ref(&rules.folder);
        let collection = load_paths(folder, &Placeholders::new()).collection;
        times[1].push(start.elapsed().as_nanos() as f64);
        let start = Instant::now();
        let _ = black_box(compile(&collection, &options));
        times[2].push(start.elapsed().as_nanos() as f64);
    }
    Ok(times.map(|times| median(&times)))
}

/// The library as it is installed.
fn library_size(context: &Context, page: &mut Page) -> Result<(), String> {
    let library = match tools::library() {
        Ok(library) => library,
        Err(why) => {
            page.skip(format!("the size of the library ({why})"));
            return Ok(());
        }
    };
    let stripped = context.work.join("stripped.so");
    run_program(Command::new("strip").arg("-o").arg(&stripped).arg(&library))?;
    let size = std::fs::metadata(&stripped).map_err(|e| format!("{}: {e}", stripped.display()))?;
    page.figure("load/library", size.len() as f64);
    page.say(format!("`libsigmatag.so`, stripped, has {}.", bytes(size.len() as f64)));
    Ok(())
}
