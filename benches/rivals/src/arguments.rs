//! The command line.

use std::path::PathBuf;

const USAGE: &str = "\
usage: sigmatag-rivals [--json FILE] [--rounds N] [--only WORKLOAD] [--all-events]

  --json FILE      also write the results as JSON
  --rounds N       rounds in which every engine takes its turn [21]
  --only WORKLOAD  sigmahq, sigmahq-routed, azure-mysql or mysql-pack
  --all-events     compare the matches of slow engines on every event, not on a sample

SIGMATAG_CORPUS names the unpacked corpus; without it, only mysql-pack runs.";

/// What a run is asked for.
pub struct Arguments {
    pub json: Option<PathBuf>,
    pub rounds: usize,
    pub only: Option<String>,
    pub all_events: bool,
}

/// What a child is asked for: see `memory`.
pub struct Child {
    /// The engine; none to learn what the events take.
    pub variant: Option<String>,
    pub workload: String,
    /// Rule files, or what the engine wrote.
    pub rules: PathBuf,
    pub is_compiled: bool,
    /// Ids, one a line.
    pub ids: PathBuf,
    /// Events, one a line.
    pub events: PathBuf,
    /// Only every so many.
    pub stride: usize,
}

/// Run, or be a child.
pub enum Mode {
    Run(Arguments),
    Child(Child),
}

/// Reads the arguments.
pub fn parse() -> Result<Mode, String> {
    let mut all = std::env::args().skip(1);
    let mut arguments = Arguments { json: None, rounds: 21, only: None, all_events: false };
    while let Some(name) = all.next() {
        let mut value = || all.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"));
        match name.as_str() {
            "--json" => arguments.json = Some(value()?.into()),
            "--only" => arguments.only = Some(value()?),
            "--all-events" => arguments.all_events = true,
            "--rounds" => {
                let rounds = value()?.parse().ok().filter(|rounds| *rounds > 0);
                arguments.rounds = rounds.ok_or("--rounds needs a number from 1")?;
            }
            "--child" => {
                let variant = value()?;
                return Ok(Mode::Child(Child {
                    variant: (variant != "none").then_some(variant),
                    workload: value()?,
                    rules: value()?.into(),
                    is_compiled: value()? == "compiled",
                    ids: value()?.into(),
                    events: value()?.into(),
                    stride: value()?.parse().map_err(|_| "a stride is a number")?,
                }));
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(Mode::Run(arguments))
}
