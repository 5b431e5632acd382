//! Where instructions go: the functions that execute most of them, by valgrind's callgrind.
//!
//! Instructions do not depend on what else the machine does. This program starts itself under
//! callgrind, loads rules and matches records.

pub mod callgrind;
pub mod profiled;

use crate::context::{Context, NO_CORPUS, Rules};
use crate::events::Events;
use crate::page::Page;
use crate::tools::{is_installed, sigmatag};
use crate::units::{short, thousands};
use callgrind::Profile;
use serde_json::Value;
use sigmatag::engine::Format;
use std::path::PathBuf;
use std::process::Command;

/// Records of a profile.
const RECORDS: usize = 500;
/// Functions that are shown.
const SHOWN: usize = 12;
/// What allocates, as callgrind names it.
const ALLOCATORS: [&str; 4] = ["malloc", "calloc", "realloc", "posix_memalign"];

/// Keys of profiles, as targets name them, and headings.
const HEADINGS: [(&str, &str); 6] = [
    ("azure-msgpack", "Profile: Azure MySQL, built-in rules, msgpack"),
    ("azure-json", "Profile: Azure MySQL, built-in rules, JSON"),
    ("sysmon", "Profile: Sysmon process creation without a match, SigmaHQ's rules, msgpack"),
    ("windows", "Profile: Windows events, all of SigmaHQ's rules, JSON"),
    ("load", "Profile: loading"),
    ("compile", "Profile: compiling"),
];

/// The heading of a profile.
pub fn heading(key: &str) -> &'static str {
    let found = HEADINGS.iter().find(|(name, _)| *name == key);
    found.map_or("", |(_, heading)| heading)
}

/// Records to match under some rules.
struct Case<'a> {
    key: &'static str,
    rules: &'a Rules,
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
        "Instructions by function, from valgrind's callgrind; what the compiler inlined counts \
         where it went. Matching is counted warm. Valgrind's processor has AVX2, not AVX-512.",
    );
    let (pack, azure) = (&context.pack, &context.azure[..]);
    let (msgpack, json) = (Format::Msgpack, Format::Json);
    let mut cases = vec![
        Case { key: "azure-msgpack", rules: pack, mode: "auto", format: msgpack, values: azure },
        Case { key: "azure-json", rules: pack, mode: "auto", format: json, values: azure },
    ];
    let rules = match &context.sigmahq {
        Some(sigmahq) => {
            let (rules, quiet) = (&sigmahq.rules, &sigmahq.process_creation[..]);
            let windows = &sigmahq.windows[..];
            cases.extend([
                Case { key: "sysmon", rules, mode: "auto", format: msgpack, values: quiet },
                Case { key: "windows", rules, mode: "none", format: json, values: windows },
            ]);
            rules
        }
        None => {
            page.skip(format!("profiles over SigmaHQ's rules ({NO_CORPUS})"));
            pack
        }
    };
    let mut allocations = 0;
    for case in &cases {
        allocations += matching(context, page, case)?;
    }
    page.figure("profile/allocations", allocations as f64);
    loading(context, page, rules, azure)?;
    compiling(context, page, if context.quick { pack } else { rules })
}

/// A profile of matching; how many functions of the allocator are in it.
fn matching(context: &Context, page: &mut Page, case: &Case<'_>) -> Result<usize, String> {
    let step = case.values.len().div_ceil(RECORDS).max(1);
    let events = Events::new(case.format, case.values.iter().step_by(step));
    let command = own(context, case.rules, case.mode, &events)?;
    let out = context.work.join(format!("callgrind.{}", case.key));
    let profile = Profile::of(&command, Some("profiled_passes"), &out)?;
    write(page, case.key, "a record", &profile, events.len() as f64);
    let is_allocator = |(_, name): &&(f64, String)| ALLOCATORS.contains(&name.as_str());
    Ok(profile.functions.iter().filter(is_allocator).count())
}

fn loading(
    context: &Context,
    page: &mut Page,
    rules: &Rules,
    values: &[Value],
) -> Result<(), String> {
    let events = Events::new(Format::Msgpack, &values[..1]);
    let command = own(context, rules, "auto", &events)?;
    let out = context.work.join("callgrind.load");
    let profile = Profile::of(&command, Some("profiled_load"), &out)?;
    write(page, "load", "a rule", &profile, rules.collection.rules.len() as f64);
    Ok(())
}

fn compiling(context: &Context, page: &mut Page, rules: &Rules) -> Result<(), String> {
    let sigmatag = match sigmatag() {
        Ok(sigmatag) => sigmatag,
        Err(why) => {
            page.skip(format!("a profile of compiling ({why})"));
            return Ok(());
        }
    };
    let mut command = Command::new(sigmatag);
    command.arg("compile").arg(&rules.folder).arg("--skip-unsupported");
    command.arg("-o").arg(context.work.join("profiled.sgt"));
    let profile = Profile::of(&command, None, &context.work.join("callgrind.compile"))?;
    write(page, "compile", "a rule", &profile, rules.collection.rules.len() as f64);
    Ok(())
}

/// This program, to be profiled.
pub fn own(
    context: &Context,
    rules: &Rules,
    mode: &str,
    events: &Events,
) -> Result<Command, String> {
    let path: PathBuf = context.work.join("profiled");
    std::fs::write(&path, events.with_lengths()).map_err(|e| format!("{}: {e}", path.display()))?;
    let own = std::env::current_exe().map_err(|e| format!("this program: {e}"))?;
    let mut command = Command::new(own);
    command.arg("--profiled").arg(&rules.file).args([mode, events.form()]).arg(path);
    Ok(command)
}

/// The functions with most instructions, by a unit of which there are `count`.
fn write(page: &mut Page, key: &str, unit: &str, profile: &Profile, count: f64) {
    let total = profile.total();
    page.heading(heading(key));
    page.say(format!("{} instructions {unit}.", thousands(total / count)));
    page.figure(format!("profile/{key}"), total / count);
    let row = |(instructions, name): &(f64, String)| {
        vec![
            format!("`{name}`"),
            thousands(instructions / count),
            format!("{} %", short(instructions / total * 100.0)),
        ]
    };
    let rows: Vec<Vec<String>> = profile.functions.iter().take(SHOWN).map(row).collect();
    page.table(&["function", &format!("instructions {unit}"), "share"], &rows);
}
