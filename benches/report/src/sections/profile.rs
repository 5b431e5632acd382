//! Where instructions go: the functions that execute most of them, by valgrind's callgrind.
//!
//! Instructions do not depend on what else the machine does. This program starts itself under
//! callgrind, loads rules, and lets callgrind count only inside `passes`.

use crate::context::{Context, NO_CORPUS};
use crate::events::Events;
use crate::measure::engine;
use crate::page::Page;
use crate::tools::{is_installed, run as run_program};
use crate::units::{short, thousands};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Scratch};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

/// Records of a profile.
const RECORDS: usize = 500;
/// Functions that are shown.
const SHOWN: usize = 12;
/// What allocates, as callgrind names it.
const ALLOCATORS: [&str; 4] = ["malloc", "calloc", "realloc", "posix_memalign"];

/// What is profiled.
struct Case<'a> {
    key: &'static str,
    name: String,
    rules: &'a Path,
    mode: &'static str,
    format: Format,
    values: &'a [Value],
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    if !is_installed("valgrind") {
        page.skip("profiles, which need valgrind");
        return Ok(());
    }
    page.say(
        "Instructions executed while matching, warm, by function (what the compiler inlined \
         counts where it went), from valgrind's callgrind. Valgrind's processor has AVX2, not \
         AVX-512.",
    );
    let mut cases = vec![
        Case {
            key: "azure-msgpack",
            name: format!("{}, pack, msgpack", context.azure_name()),
            rules: &context.pack.file,
            mode: "auto",
            format: Format::Msgpack,
            values: &context.azure,
        },
        Case {
            key: "azure-json",
            name: format!("{}, pack, JSON", context.azure_name()),
            rules: &context.pack.file,
            mode: "auto",
            format: Format::Json,
            values: &context.azure,
        },
    ];
    if let Some(sigmahq) = &context.sigmahq {
        cases.push(Case {
            key: "sysmon",
            name: "Sysmon process creation without a match, sigmahq, msgpack".to_owned(),
            rules: &sigmahq.rules.file,
            mode: "auto",
            format: Format::Msgpack,
            values: &sigmahq.process_creation,
        });
        cases.push(Case {
            key: "windows",
            name: "Windows, sigmahq, all rules, JSON".to_owned(),
            rules: &sigmahq.rules.file,
            mode: "none",
            format: Format::Json,
            values: &sigmahq.windows,
        });
    } else {
        page.skip(format!("profiles over SigmaHQ's rules ({NO_CORPUS})"));
    }
    let mut allocations = 0.0;
    for case in &cases {
        allocations += profile(context, page, case)?;
    }
    page.figure("profile/allocations", allocations);
    Ok(())
}

/// One profile; calls of the allocator.
fn profile(context: &Context, page: &mut Page, case: &Case<'_>) -> Result<f64, String> {
    let path = context.work.join("profiled");
    let step = case.values.len().div_ceil(RECORDS).max(1);
    let events = Events::new(case.format, case.values.iter().step_by(step));
    std::fs::write(&path, events.with_lengths()).map_err(|e| format!("{}: {e}", path.display()))?;
    let out = context.work.join(format!("callgrind.{}", case.key));
    let own = std::env::current_exe().map_err(|e| format!("this program: {e}"))?;
    let mut command = Command::new("valgrind");
    command.args([
        "--tool=callgrind",
        "--collect-atstart=no",
        "--toggle-collect=*profiled_passes*",
    ]);
    command.arg(format!("--callgrind-out-file={}", out.display())).arg(own).arg("--profiled");
    command.arg(case.rules).arg(case.mode).arg(events.form()).arg(&path);
    run_program(&mut command)?;
    let mut annotate = Command::new("callgrind_annotate");
    let text = run_program(annotate.args(["--threshold=100", "--auto=no"]).arg(&out))?;
    let functions = functions(&text);
    let total: f64 = functions.iter().map(|(count, _)| count).sum();
    let each = total / events.len() as f64;
    page.heading(&case.name);
    page.say(format!("{} instructions a record.", thousands(each)));
    page.figure(format!("profile/{}", case.key), each);
    let row = |(count, name): &(f64, String)| {
        vec![
            format!("`{name}`"),
            thousands(count / events.len() as f64),
            format!("{} %", short(count / total * 100.0)),
        ]
    };
    let rows: Vec<Vec<String>> = functions.iter().take(SHOWN).map(row).collect();
    page.table(&["function", "instructions a record", "share"], &rows);
    let is_allocator = |name: &str| ALLOCATORS.contains(&name);
    Ok(functions.iter().filter(|(_, name)| is_allocator(name)).count() as f64)
}

/// Instructions and short names of functions, most first, from `callgrind_annotate`.
fn functions(text: &str) -> Vec<(f64, String)> {
    let line = |line: &str| {
        let (count, rest) = line.trim_start().split_once(' ')?;
        let count: f64 = count.replace(',', "").parse().ok()?;
        let (_, place) = rest.split_once(')')?;
        // FILE:FUNCTION [OBJECT]
        let function = place.trim().rsplit_once(" [").map_or(place.trim(), |(before, _)| before);
        let name = function.split_once(':').map_or(function, |(_, name)| name);
        (!name.contains("PROGRAM TOTALS")).then(|| (count, short_name(name)))
    };
    let mut found: Vec<(f64, String)> = Vec::new();
    // A function that was inlined from several files has a line for each.
    for (count, name) in text.lines().filter_map(line) {
        match found.iter_mut().find(|(_, known)| *known == name) {
            Some((sum, _)) => *sum += count,
            None => found.push((count, name)),
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
}

/// Without the hash at the end, and without what would break a table.
fn short_name(name: &str) -> String {
    let name = name.split("::h").next().unwrap_or(name).replace(['|', '`'], "");
    if name.chars().count() <= 90 {
        return name;
    }
    let cut: String = name.chars().take(90).collect();
    format!("{cut}…")
}

/// The process that is profiled: rules, mode, form and records.
///
/// # Errors
/// If a file cannot be read.
pub fn profiled(arguments: &[String]) -> Result<(), String> {
    let [rules, mode, form, records] = arguments else { return Err("four arguments".to_owned()) };
    let read = |path: &str| std::fs::read(path).map_err(|e| format!("{path}: {e}"));
    let mode = if mode == "none" { LogsourceMode::None } else { LogsourceMode::Auto };
    let engine = engine(&read(rules)?, mode);
    let format = if form == "JSON" { Format::Json } else { Format::Msgpack };
    let bytes = read(records)?;
    let mut events = Events::new(format, []);
    let mut rest = &bytes[..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (record, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        events.push(record);
        rest = after;
    }
    let all: Vec<Event<'_>> = events.iter().collect();
    let mut scratch = Scratch::new(&engine);
    for event in &all {
        let _ = scratch.match_event(&engine, event);
    }
    profiled_passes(&mut scratch, &engine, &all);
    Ok(())
}

/// What callgrind counts: it knows the function by its name.
#[inline(never)]
fn profiled_passes(scratch: &mut Scratch, engine: &Engine, events: &[Event<'_>]) {
    for event in events {
        let _ = black_box(scratch.match_event(engine, black_box(event)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_read() {
        let text = "\
--------------------------------------------------------------------------------
 7,000 (100.0%)  PROGRAM TOTALS

 4,000 (57.14%)  src/engine/scan.rs:sigmatag::engine::scan::Scan::run::h0123456789abcdef [/x/report]
 2,000 (28.57%)  ???:__memcpy_avx_unaligned_erms [/lib/libc.so.6]
 1,000 (14.29%)  /rustc/library/core/src/slice.rs:sigmatag::engine::scan::Scan::run::h0123456789abcdef
";
        let found = functions(text);
        let names: Vec<(f64, &str)> = found.iter().map(|(n, name)| (*n, name.as_str())).collect();
        assert_eq!(
            names,
            [
                (5000.0, "sigmatag::engine::scan::Scan::run"),
                (2000.0, "__memcpy_avx_unaligned_erms")
            ]
        );
    }
}
