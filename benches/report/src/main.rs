//! Measures sigmatag and writes the document of its figures.
//!
//! ```text
//! rules, events --sections--> pages: text, charts, figures --> targets --> benchmarks.md, README
//! ```
//! `make bench` runs it. One thread, the system's allocator. Every number in the document comes from
//! the run that wrote it; what could not be measured is said there.

mod arguments;
mod chart;
#[path = "../../common/mod.rs"]
mod common;
mod context;
mod document;
mod events;
mod machine;
mod measure;
mod page;
mod readme;
mod sections;
mod statistics;
mod targets;
mod tools;
mod units;

use arguments::{Arguments, Mode};
use context::Context;
use document::{Document, Part};
use page::Page;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args().skip(1)) {
        Ok(Mode::Profiled(arguments)) => return exit(sections::profile::profiled::run(&arguments)),
        Ok(Mode::Run(arguments)) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) && !arguments.quick {
        eprintln!("this is a debug build: run it with --release");
        return ExitCode::from(2);
    }
    exit(run(&arguments))
}

fn exit(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let own = tools::target().join("report");
    let usual = if arguments.is_whole() { common::root().join("docs") } else { own.clone() };
    let out = arguments.out.clone().unwrap_or(usual);
    let charts = out.join("benchmarks");
    let work = own.join(format!("work-{}", std::process::id()));
    for folder in [&charts, &work] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let result = measure(arguments, &out, &work);
    // Files that stay behind in the target folder do no harm.
    let _ = std::fs::remove_dir_all(&work);
    result
}

fn measure(arguments: &Arguments, out: &Path, work: &Path) -> Result<(), String> {
    let context = Context::new(arguments.quick, work.to_owned())?;
    let mut document = Document::begin(arguments);
    for section in &sections::ALL {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == section.name) {
            continue;
        }
        eprintln!("{} ...", section.name);
        let begin = Instant::now();
        let mut page = Page::new(out.join("benchmarks"));
        let failure = (section.run)(&context, &mut page).err();
        for skipped in &page.skipped {
            eprintln!("skipped in {}: {skipped}", section.name);
        }
        document.add(Part { section, page, failure, took: begin.elapsed() });
    }
    let path = out.join("benchmarks.md");
    let text = document.text();
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    eprintln!("wrote {}", path.display());
    document.failures()?;
    if arguments.is_whole() && arguments.out.is_none() {
        readme::update(&common::root().join("README.md"), &document.figures())?;
    }
    Ok(())
}
