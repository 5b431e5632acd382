//! `sigmatag bench`: what rules cost on events of one's own.
//!
//! ```text
//! rules --load, memory--> engine --passes over events--> minima --> percentiles, throughput
//! ```
//! What stays true: everything is measured on one thread, with the allocator of the system, on
//! memory that is warm; a figure that cannot be had is left out and said to be.

mod events;
mod measure;
mod memory;
mod msgpack;
mod report;

use crate::failure::{EXIT_CODES, Failure, print, say};
use crate::input::{Form, Input};
use crate::rules::{self, Origin, Selected};
use crate::tag::{ModeName, logsource, warn_of_unknown};
use events::Events;
use measure::{Bounds, Matching};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch, Vectors};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Measures rules on events.
///
/// Loads the rules several times and matches the events over and over on one thread: load time,
/// memory, time per record, throughput. The time of a record is its fastest of all passes, which
/// is what the code costs where nothing else on the machine interferes; percentiles are across
/// records. All events are held in memory.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    rules: Selected,
    /// Files of events; `-` is standard input. May be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    events: Vec<PathBuf>,
    #[command(flatten)]
    input: Form,
    /// As what the events are matched.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: EventFormat,
    /// What the events are; a part may be empty (not known), as in `windows/process_creation/`, or
    /// `-` (known to be none). Without it every event's log source is recognised.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Option<String>,
    /// Which rules an event meets: those that its log source does not conflict with, and all if
    /// none is known (auto); those of which every attribute is known to hold (strict); all (none).
    #[arg(long, value_name = "MODE", default_value = "auto")]
    logsource_mode: ModeName,
    /// By which instructions texts are looked at: the faster of the two on this machine (auto), those
    /// of every processor (plain), or AVX2. What matches is the same.
    #[arg(long, value_name = "INSTRUCTIONS", default_value = "auto")]
    vectors: VectorsName,
    /// Passes over the events [default: at least 50, and for at least 2 seconds].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    passes: Option<u32>,
    /// No pass begins after this time, except the first.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    max_seconds: u32,
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// By which instructions texts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum VectorsName {
    Auto,
    Plain,
    Avx2,
}

impl VectorsName {
    fn vectors(self) -> Result<Vectors, Failure> {
        let vectors = match self {
            VectorsName::Auto => Vectors::fastest(),
            VectorsName::Plain => Vectors::Plain,
            VectorsName::Avx2 => Vectors::Avx2,
        };
        if vectors.is_possible() {
            Ok(vectors)
        } else {
            Err(Failure::Unusable("--vectors avx2: this processor has no AVX2".to_owned()))
        }
    }
}

/// As what events are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EventFormat {
    /// The JSON that the input layer gives.
    Json,
    /// The same records as msgpack.
    Msgpack,
}

impl EventFormat {
    fn name(self) -> &'static str {
        match self {
            EventFormat::Json => "json",
            EventFormat::Msgpack => "msgpack",
        }
    }

    fn format(self) -> Format {
        match self {
            EventFormat::Json => Format::Json,
            EventFormat::Msgpack => Format::Msgpack,
        }
    }
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = Input::all(&arguments.events)?;
    let file = rules::rule_file(&arguments.rules)?;
    // Before anything else is in memory.
    let before = memory::resident();
    let loaded = file.load()?;
    let after = memory::resident();
    // Where rules were compiled just now, loading takes memory that the compiler gave back.
    let is_compiled_now = matches!(file.origin, Origin::Compiled);
    let load_memory = if is_compiled_now { None } else { memory::growth(before, after) };
    let rules = Arc::new(loaded);
    if let Some(logsource) = &arguments.logsource {
        warn_of_unknown(logsource, &rules);
    }
    let options = Options { logsource_mode: arguments.logsource_mode.mode(), ..Options::default() };
    let engine = Engine::new(Arc::clone(&rules), options);
    let mut scratch = Scratch::new(&engine);
    let examine =
        |record: &[u8]| scratch.match_event(&engine, &Event::new(Format::Json, record)).map(drop);
    let events = Events::read(&inputs, arguments.input, arguments.format, examine)?;
    let logsource = arguments.logsource.as_deref().unwrap_or("").as_bytes();
    let bounds = Bounds {
        passes: arguments.passes,
        longest: Duration::from_secs(arguments.max_seconds.into()),
    };
    let vectors = arguments.vectors.vectors()?;
    let matching = Matching::measure(&engine, &events, (logsource, vectors), &bounds);
    let load = measure::loads(&file)?;
    if cfg!(debug_assertions) {
        say(format_args!(
            "warning: this is a debug build: its figures say nothing about a release"
        ));
    }
    let report = report::Report {
        rules: &rules,
        file: &file,
        load: &load,
        load_memory,
        events: &events,
        matching: &matching,
        format: arguments.format.name(),
        logsource_mode: arguments.logsource_mode.name(),
        vectors,
    };
    print(&if arguments.json { report.json() } else { report.text() })
}
