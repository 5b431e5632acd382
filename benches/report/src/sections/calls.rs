//! What calls from C cost: `c/calls.c` against the shared library as it is shipped.

use crate::common::root;
use crate::context::{Context, NO_CORPUS, Rules};
use crate::events::Events;
use crate::page::Page;
use crate::tools::{self, run as run_program};
use crate::units::short;
use serde_json::Value;
use sigmatag::engine::Format;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program prints, and what it is.
const CALLS: [(&str, &str); 7] = [
    ("single", "`sigmatag_match`, record by record"),
    ("batch", "`sigmatag_match_batch`, 256 records a call"),
    ("chunk", "`sigmatag_match` with a chunk of 256 records"),
    ("tiny", "`sigmatag_match` with `{\"a\": 1}`"),
    ("tiny_batch", "`sigmatag_match_batch` with 256 times `{\"a\": 1}`"),
    ("empty", "`sigmatag_match` with `{}`"),
    ("version", "`sigmatag_abi_version`: a call and nothing else"),
];

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let library = match tools::library() {
        Ok(library) => library,
        Err(why) => {
            page.skip(why);
            return Ok(());
        }
    };
    page.say(
        "A C program, `benches/report/c/calls.c`, with the shared library as it is installed. \
         Nanoseconds by record: of each 256 records the fastest of all passes.",
    );
    let program = build(context, &library)?;
    let mut columns = vec![(
        format!("{}, pack", context.azure_name()),
        measure(context, &program, &context.pack, &context.azure)?,
    )];
    for (name, nanoseconds) in &columns[0].1 {
        page.figure(format!("calls/pack/{name}"), *nanoseconds);
    }
    if let Some(sigmahq) = &context.sigmahq {
        let found = measure(context, &program, &sigmahq.rules, &sigmahq.windows)?;
        columns.push(("Windows, sigmahq".to_owned(), found));
    }
    let mut header = vec!["call"];
    header.extend(columns.iter().map(|(name, _)| name.as_str()));
    let row = |(name, about): &(&str, &str)| {
        let times =
            columns.iter().map(|(_, found)| found.get(*name).map_or(String::new(), |n| short(*n)));
        std::iter::once((*about).to_owned()).chain(times).collect()
    };
    page.table(&header, &CALLS.iter().map(row).collect::<Vec<Vec<String>>>());
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules ({NO_CORPUS})"));
    }
    Ok(())
}

fn build(context: &Context, library: &Path) -> Result<PathBuf, String> {
    let program = context.work.join("calls");
    let folder = library.parent().unwrap_or(library);
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra", "-Werror"]);
    command.arg("-I").arg(root().join("include"));
    command.arg(root().join("benches/report/c/calls.c")).arg("-o").arg(&program);
    command.arg("-L").arg(folder).arg("-lsigmatag");
    run_program(command.arg(format!("-Wl,-rpath,{}", context.work.display())))?;
    // The program asks for the soname, which the build folder does not have.
    let soname = context.work.join("libsigmatag.so.0");
    std::fs::copy(library, &soname).map_err(|e| format!("{}: {e}", soname.display()))?;
    Ok(program)
}

/// Nanoseconds by record, by the names of `CALLS`.
fn measure(
    context: &Context,
    program: &Path,
    rules: &Rules,
    values: &[Value],
) -> Result<BTreeMap<String, f64>, String> {
    let write = |name: &str, format| {
        let path = context.work.join(name);
        std::fs::write(&path, Events::new(format, values).with_lengths())
            .map_err(|e| format!("{}: {e}", path.display()))?;
        Ok::<PathBuf, String>(path)
    };
    let mut command = Command::new(program);
    command.arg(&rules.file);
    command.arg(write("records", Format::Msgpack)?).arg(write("chunked", Format::FlbChunk)?);
    let text = run_program(command.arg(context.bounds.passes.to_string()))?;
    let parse = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    let found: BTreeMap<String, f64> = text.lines().filter_map(parse).collect();
    match CALLS.iter().find(|(name, _)| !found.contains_key(*name)) {
        None => Ok(found),
        Some((name, _)) => Err(format!("calls printed no figure of {name}")),
    }
}
