//! The command line.

use crate::sections;
use std::path::PathBuf;

const USAGE: &str = "\
usage: sigmatag-report [--quick] [--only SECTION[,SECTION...]] [--out FOLDER]

  --only SECTION  measure and write only these
  --quick         few passes: the figures say nothing, but every step was taken
  --out FOLDER    where benchmarks.md and benchmarks/*.svg go: docs after a whole run,
                  target/report after any other

SIGMATAG_CORPUS names the unpacked corpus, FLUENT_BIT a Fluent Bit. What is missing is said in the
document, and what needs it is left out. A whole run also writes the table of the README.";

/// What a run is asked for.
pub struct Arguments {
    pub quick: bool,
    /// Names of sections; all if none.
    pub only: Vec<String>,
    pub out: Option<PathBuf>,
}

impl Arguments {
    /// Whether the result may stand in the project's documents.
    pub fn is_whole(&self) -> bool {
        !self.quick && self.only.is_empty()
    }
}

/// Run, or be the process that is profiled.
pub enum Mode {
    Run(Arguments),
    /// See `sections::profile`.
    Profiled(Vec<String>),
}

/// Reads the arguments.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Mode, String> {
    let mut all = arguments.peekable();
    if all.next_if(|first| first == "--profiled").is_some() {
        return Ok(Mode::Profiled(all.collect()));
    }
    let mut arguments = Arguments { quick: false, only: Vec::new(), out: None };
    while let Some(name) = all.next() {
        let mut value = || all.next().ok_or_else(|| format!("{name} needs a value\n{}", usage()));
        match name.as_str() {
            "--quick" => arguments.quick = true,
            "--out" => arguments.out = Some(value()?.into()),
            "--only" => {
                let names = value()?;
                for name in names.split(',').filter(|name| !name.is_empty()) {
                    if !sections::ALL.iter().any(|section| section.name == name) {
                        return Err(format!("there is no section {name}\n{}", usage()));
                    }
                    arguments.only.push(name.to_owned());
                }
            }
            _ => return Err(usage()),
        }
    }
    Ok(Mode::Run(arguments))
}

fn usage() -> String {
    let names: Vec<&str> = sections::ALL.iter().map(|section| section.name).collect();
    format!("{USAGE}\n\nSections: {}.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Arguments, String> {
        match parse(text.split_whitespace().map(str::to_owned)) {
            Ok(Mode::Run(arguments)) => Ok(arguments),
            Ok(Mode::Profiled(_)) => Err("profiled".to_owned()),
            Err(message) => Err(message),
        }
    }

    #[test]
    fn only_a_whole_run_is_for_the_documents() {
        assert!(run("").expect("no argument is needed").is_whole());
        assert!(!run("--quick").expect("an option").is_whole());
        let part = run("--only latency,cold --out x").expect("two sections");
        assert!(!part.is_whole() && part.only == ["latency", "cold"]);
        assert!(run("--only nothing").is_err_and(|m| m.contains("no section nothing")));
        assert!(run("--only").is_err() && run("--fast").is_err());
        assert!(run("--profiled a b").is_err_and(|m| m == "profiled"));
    }
}
