//! Feeds of indicators as the arguments name them.

use crate::failure::{Failure, count, say};
use crate::summary::printable;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use sigmatag::ioc::value::{TYPES, Type};
use sigmatag::ioc::{self, Count, Feed, Problem, Reading, Set};
use sigmatag::limits::INDICATOR_FILE_BYTES;
use sigmatag::ruleset::LEVELS;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Which indicators to read, and how.
#[derive(Debug, clap::Args)]
pub struct Indicators {
    /// A feed of indicators: JSON of STIX 2.1, CSV as MISP exports it, or a list of one value per
    /// line. Its name, which reports have, is that of the file or the one given. May be repeated.
    #[arg(long = "indicators", value_name = "[NAME=]FILE")]
    files: Vec<String>,
    /// What the values of lists are, if their shape does not say it: names of files have none.
    #[arg(long, value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES.map(|(name, _)| name)))]
    indicator_type: Option<String>,
    /// The time for which indicators must be valid, as a date or as in `2027-01-31T00:00:00Z`
    /// [default: now].
    #[arg(long, value_name = "TIME", value_parser = time)]
    indicators_at: Option<i64>,
    /// Refuse feeds with bad lines, and with indicators that cannot be looked for.
    #[arg(long)]
    strict_indicators: bool,
}

fn time(argument: &str) -> Result<i64, String> {
    ioc::time(argument)
}

/// The parser of levels by name.
pub fn levels() -> PossibleValuesParser {
    PossibleValuesParser::new(LEVELS[1..].iter().copied())
}

/// The number of a level's name; 0 for none.
pub fn level_number(name: &str) -> u8 {
    LEVELS.iter().position(|level| *level == name).unwrap_or(0) as u8
}

/// Feeds that were read.
pub struct ReadFeeds {
    /// All of them; none if no feed was named.
    pub set: Option<Arc<Set>>,
    /// Why they are refused, with --strict-indicators.
    pub refused: Option<String>,
}

impl Indicators {
    /// Whether a feed is named.
    pub fn are_named(&self) -> bool {
        !self.files.is_empty()
    }

    /// Reads the feeds. `level` is the one at which they report.
    ///
    /// # Errors
    /// If a file cannot be read or is no feed.
    pub fn read(&self, level: u8) -> Result<ReadFeeds, Failure> {
        if self.files.is_empty() {
            return Ok(ReadFeeds { set: None, refused: None });
        }
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
        let named = self.indicator_type.as_deref();
        let of = named.and_then(|name| TYPES.iter().find(|(own, _)| *own == name));
        let of: Option<Type> = of.map(|(_, of)| *of);
        let reading = Reading { of, at: self.indicators_at.unwrap_or(now) };
        let feeds: Vec<Feed> =
            self.files.iter().map(|argument| feed(argument, reading)).collect::<Result<_, _>>()?;
        let is_wrong = |feed: &&Feed| unread(feed) > 0;
        let refused = feeds.iter().find(is_wrong).filter(|_| self.strict_indicators).map(|feed| {
            let number = count(unread(feed), "indicator");
            format!("{number} of the feed `{}` cannot be looked for", feed.name)
        });
        let set = Set::new(feeds, level).map_err(|error| Failure::Unusable(error.to_string()))?;
        Ok(ReadFeeds { set: Some(Arc::new(set)), refused })
    }
}

/// What cannot be looked for, or not as it was meant.
fn unread(feed: &Feed) -> u64 {
    let counts = [Count::Bad, Count::Unsupported, Count::Widened];
    counts.iter().map(|count| feed.report.number(*count)).sum()
}

fn feed(argument: &str, reading: Reading) -> Result<Feed, Failure> {
    let (name, path) = match argument.split_once('=') {
        Some((name, path)) if !Path::new(argument).exists() && !name.is_empty() => {
            (Some(name.to_owned()), PathBuf::from(path))
        }
        _ => (None, PathBuf::from(argument)),
    };
    let stem =
        || path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(stem);
    let mut bytes = Vec::new();
    // One byte more than is accepted, so that the reader gives the reason.
    let limit = INDICATOR_FILE_BYTES as u64 + 1;
    File::open(&path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| Failure::file(&path, "read", &error))?;
    ioc::read(&name, &bytes, reading)
        .map_err(|error| Failure::Unusable(format!("{}: {error}", path.display())))
}

impl ReadFeeds {
    /// Prints to standard error what became of lines and objects that are not among the indicators.
    pub fn print(&self) {
        for feed in self.feeds() {
            for problem in feed.report.problems() {
                let name = printable(&feed.name);
                let Problem { line, id, message, .. } = problem;
                let place = match (line, id.as_str()) {
                    (0, "") => name,
                    (0, id) => format!("{name}: {id}"),
                    (line, _) => format!("{name}: line {line}"),
                };
                let what = match problem.count {
                    Count::Bad => "error",
                    Count::Unsupported | Count::Widened => "warning",
                    _ => "note",
                };
                say(format_args!("{what}: {place}: {}", printable(message)));
            }
            for (of, what, _) in feed.report.numbers() {
                let unnamed = feed.report.unnamed(of);
                if unnamed > 0 {
                    let more = count(unnamed, "indicator");
                    say(format_args!("{}: {more} more: {what}", printable(&feed.name)));
                }
            }
        }
    }

    /// The feeds.
    pub fn feeds(&self) -> &[Feed] {
        self.set.as_ref().map_or(&[], |set| set.feeds())
    }

    /// A line for each feed.
    pub fn summary(&self) -> String {
        let line = |feed: &Feed| {
            let mut line = format!(
                "{}: {} ({})",
                feed.name,
                count(feed.indicators.len() as u64, "indicator"),
                feed.format.name()
            );
            for (_, what, number) in feed.report.numbers() {
                line.push_str(&format!(", {number} {what}"));
            }
            line + "\n"
        };
        self.feeds().iter().map(line).collect()
    }

    /// Lines and objects that are damaged.
    pub fn bad(&self) -> u64 {
        self.feeds().iter().map(|feed| feed.report.number(Count::Bad)).sum()
    }

    /// That the work is done but not all of the feeds was read, if so.
    pub fn incomplete(&self) -> Result<(), Failure> {
        match self.bad() {
            0 => Ok(()),
            bad => {
                let number = count(bad, "indicator");
                Err(Failure::Negative(format!("{number} could not be read")))
            }
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let problem = |problem: &Problem| {
            json!({
                "what": name_of(problem.count),
                "line": (problem.line > 0).then_some(problem.line),
                "id": (!problem.id.is_empty()).then_some(&problem.id),
                "message": problem.message,
            })
        };
        let feeds = self.feeds().iter().map(|feed| {
            let counts: serde_json::Map<String, Value> = feed
                .report
                .numbers()
                .map(|(of, _, number)| (name_of(of).to_owned(), number.into()))
                .collect();
            json!({
                "name": feed.name,
                "format": feed.format.name(),
                "indicators": feed.indicators.len(),
                "counts": counts,
                "problems": feed.report.problems().iter().map(problem).collect::<Vec<_>>(),
            })
        });
        feeds.collect()
    }
}

fn name_of(count: Count) -> &'static str {
    match count {
        Count::Bad => "bad",
        Count::Unsupported => "unsupported",
        Count::Expired => "expired",
        Count::NotYetValid => "not_yet_valid",
        Count::Revoked => "revoked",
        Count::NotForDetection => "not_for_detection",
        Count::Repaired => "repaired",
        Count::Widened => "widened",
    }
}
