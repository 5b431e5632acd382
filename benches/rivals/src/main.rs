//! Other Sigma engines on the same rules and events, in the same run: times, loading, memory.
//!
//! ```text
//! rules, events --every engine once--> matches --equal but for named cases--> rounds --> ratios
//! ```
//! Run it with `cargo run --release`; the README beside says what each engine is given. It fails if
//! engines find different matches and no case in `cases.rs` says why.

mod arguments;
mod cases;
mod compare;
mod engines;
mod generator;
mod loading;
mod memory;
mod report;
mod rounds;
mod workload;

use arguments::{Arguments, Mode};
use engines::Variant;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The project's folder.
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.ancestors().nth(2).unwrap_or(folder).to_owned()
}

fn main() -> ExitCode {
    let arguments = match arguments::parse() {
        Ok(Mode::Child(child)) => {
            memory::child(&child);
            return ExitCode::SUCCESS;
        }
        Ok(Mode::Run(arguments)) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: run it with --release");
        return ExitCode::from(2);
    }
    let corpus = std::env::var_os("SIGMATAG_CORPUS").map(PathBuf::from);
    let (workloads, skipped) = workload::all(corpus.as_deref());
    for what in &skipped {
        eprintln!("skipped: {what}");
    }
    let mut results = Vec::new();
    for workload in &workloads {
        if arguments.only.as_ref().is_some_and(|only| only != workload.name) {
            continue;
        }
        results.push(run(workload, &arguments));
    }
    if results.is_empty() {
        eprintln!("no workload was run");
        return ExitCode::from(2);
    }
    let text = report::json(&results, &skipped, &arguments);
    if let Some(path) = &arguments.json
        && let Err(error) = std::fs::write(path, text)
    {
        eprintln!("{}: cannot be written: {error}", path.display());
        return ExitCode::from(2);
    }
    let unexplained: usize = results.iter().map(|result| result.compared.unexplained()).sum();
    if unexplained > 0 {
        eprintln!("{unexplained} differences that no case in cases.rs explains");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// All that is measured of one workload.
pub struct Result {
    pub workload: &'static str,
    pub about: String,
    pub events: usize,
    pub bytes: usize,
    pub compared: compare::Compared,
    pub rounds: rounds::Rounds,
    pub loading: Vec<loading::Loading>,
    pub memory: Vec<memory::Peak>,
}

fn run(workload: &workload::Workload, arguments: &Arguments) -> Result {
    eprintln!("{}: {} events, comparing", workload.name, workload.events.len());
    let mut contest = compare::Contest::new(workload, arguments.all_events);
    let compared = contest.compare();
    eprintln!("{}: {} rounds", workload.name, arguments.rounds);
    let rounds = contest.rounds(arguments.rounds);
    eprintln!("{}: loading", workload.name);
    let files = loading::Files::write(workload, &contest.rules);
    let loading = loading::measure(workload, &files, &contest.rules);
    eprintln!("{}: memory", workload.name);
    let memory = memory::measure(workload, &files);
    let result = Result {
        workload: workload.name,
        about: workload.about.clone(),
        events: workload.events.len(),
        bytes: workload.events.iter().map(|event| event.json.len()).sum(),
        compared,
        rounds,
        loading,
        memory,
    };
    print!("{}", report::text(&result));
    result
}

/// Those that take part in a workload.
fn variants(workload: &workload::Workload) -> impl Iterator<Item = Variant> {
    Variant::ALL.into_iter().filter(|variant| variant.can(workload))
}
