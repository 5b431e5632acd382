//! `sigmatag tag`: JSON lines through, those that match with a tag.

use crate::failure::{EXIT_CODES, Failure, say};
use crate::lines::{Lines, Piece};
use crate::rules::{self, Selected};
use crate::summary::{Form, Totals};
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use sigmatag::engine::{Engine, Event, Format, MatchError, Options, Scratch, Shape, Tagging};
use sigmatag::limits;
use sigmatag::ruleset::{LEVELS, RuleSet};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The output is written in pieces of this size, and before every wait for input.
const OUTPUT_BUFFER: usize = 256 << 10;

/// Tags events.
///
/// Reads JSON lines and writes every line in the same order; a line that rules match carries a tag
/// that says which. All other bytes stay as they are. Lines that are not JSON, are too long or
/// nested too deep pass unchanged and are counted.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    rules: Selected,
    /// The tag's form: one key, columns for Microsoft Sentinel, or Elastic Common Schema.
    #[arg(long, default_value = "nested")]
    shape: ShapeName,
    /// The key of the nested shape [default: sigma].
    #[arg(long)]
    key: Option<String>,
    /// Lowest level that reports. Rules without a level always report.
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS[1..].iter().copied()))]
    min_level: Option<String>,
    /// What the events are; parts may be empty, as in `windows/process_creation/`. Only rules
    /// about it are used. Without it every event's log source is recognised, and events that no
    /// source recognises meet every rule.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Option<String>,
    /// Write only lines that match, and lines that could not be examined.
    #[arg(long)]
    only_matching: bool,
    /// Longest line that is examined, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = limits::MAX_RECORD as u32)]
    max_record: u32,
    /// How to print the summary on standard error.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    summary: Form,
    /// Files of JSON lines; `-` is standard input, as is no file at all.
    #[arg(value_name = "EVENTS")]
    events: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ShapeName {
    Nested,
    Flat,
    Ecs,
}

impl ShapeName {
    fn shape(self) -> Shape {
        match self {
            ShapeName::Nested => Shape::Nested,
            ShapeName::Flat => Shape::Flat,
            ShapeName::Ecs => Shape::Ecs,
        }
    }
}

/// Checks the form of a log source.
pub fn logsource(argument: &str) -> Result<String, String> {
    if argument.split('/').count() == 3 {
        Ok(argument.to_owned())
    } else {
        Err("write PRODUCT/CATEGORY/SERVICE with two slashes; parts may be empty, as in \
             `windows/process_creation/`"
            .to_owned())
    }
}

/// Says so if no rule is about a log source: a wrong name would look like silence.
pub fn warn_of_unknown(logsource: &str, rules: &RuleSet) {
    let folded = logsource.to_lowercase();
    let parts: Vec<&str> = folded.split('/').map(str::trim).collect();
    let fits = |rule: &sigmatag::ruleset::tables::Rule| {
        let own = rules.logsource(rule.logsource);
        own.iter().zip(&parts).all(|(own, part)| own.is_empty() || part.is_empty() || own == part)
    };
    if !rules.tables().rules.iter().any(fits) {
        say(format_args!("warning: no rule is about the log source `{logsource}`"));
    }
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.shape != ShapeName::Nested && arguments.key.is_some() {
        return Err(Failure::Unusable("--key belongs to the nested shape only".to_owned()));
    }
    let key = arguments.key.as_deref().unwrap_or("sigma");
    if key.is_empty() {
        return Err(Failure::Unusable("--key needs a name".to_owned()));
    }
    let inputs = Input::all(&arguments.events)?;
    let rules = Arc::new(rules::rule_set(&arguments.rules)?);
    if let Some(logsource) = &arguments.logsource {
        warn_of_unknown(logsource, &rules);
    }
    let level = |name: &String| LEVELS.iter().position(|level| level == name);
    let min_level = arguments.min_level.as_ref().and_then(level).unwrap_or(0) as u8;
    let options = Options { min_level, max_record: arguments.max_record, ..Options::default() };
    let engine = Engine::new(Arc::clone(&rules), options);
    let mut run = Run {
        scratch: Scratch::new(&engine),
        engine,
        tagging: Tagging {
            shape: arguments.shape.shape(),
            key: key.as_bytes(),
            ..Tagging::default()
        },
        logsource: arguments.logsource.as_deref().unwrap_or("").as_bytes(),
        only_matching: arguments.only_matching,
        out: BufWriter::with_capacity(OUTPUT_BUFFER, io::stdout().lock()),
        tagged: Vec::new(),
        totals: Totals::new(&rules),
        progress: progress(&inputs),
    };
    for input in inputs {
        run.input(input, arguments.max_record as usize)?;
    }
    run.progress.finish_and_clear();
    run.totals.print(&rules, arguments.summary);
    Ok(())
}

/// Where lines come from.
pub struct Input {
    /// Its name in messages.
    pub name: String,
    path: Option<PathBuf>,
    /// Size, if it is a file.
    size: u64,
}

impl Input {
    /// All inputs. What cannot be opened is an error before the first line is written.
    pub fn all(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
        if paths.is_empty() {
            return Ok(vec![Input::standard()]);
        }
        paths
            .iter()
            .map(|path| {
                if path == Path::new("-") {
                    return Ok(Input::standard());
                }
                let fail = |error| Failure::file(path, "read", &error);
                let found = std::fs::metadata(path).map_err(fail)?;
                if found.is_dir() {
                    return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
                }
                // Only a plain file: opening a pipe twice would lose its writer.
                if found.is_file() {
                    File::open(path).map_err(fail)?;
                }
                let name = path.to_string_lossy().into_owned();
                Ok(Input { name, path: Some(path.clone()), size: found.len() })
            })
            .collect()
    }

    fn standard() -> Input {
        Input { name: "<stdin>".to_owned(), path: None, size: 0 }
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin().lock()),
        })
    }
}

/// A bar where somebody can see it and it does not get between the lines of the output.
fn progress(inputs: &[Input]) -> ProgressBar {
    let total: u64 = inputs.iter().map(|input| input.size).sum();
    let visible = total > 0 && io::stderr().is_terminal() && !io::stdout().is_terminal();
    if !visible {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

/// One run over all inputs.
struct Run<'a, W: Write> {
    engine: Engine,
    scratch: Scratch,
    tagging: Tagging<'a>,
    logsource: &'a [u8],
    only_matching: bool,
    out: BufWriter<W>,
    tagged: Vec<u8>,
    totals: Totals,
    progress: ProgressBar,
}

impl<W: Write> Run<'_, W> {
    fn input(&mut self, input: Input, max_record: usize) -> Result<(), Failure> {
        let fail = |error: io::Error| {
            Failure::Unusable(format!("{}: cannot be read: {error}", input.name))
        };
        let mut lines = Lines::new(input.open().map_err(fail)?, max_record);
        let mut number = 0;
        while !lines.is_done() {
            // Whoever follows the output sees every line before we wait for the next.
            self.out.flush().map_err(|error| Failure::output(&error))?;
            let read = lines.fill();
            while let Some(piece) = lines.buffered() {
                self.piece(piece, &input.name, &mut number)
                    .map_err(|error| Failure::output(&error))?;
            }
            match read {
                Ok(read) => self.progress.inc(read as u64),
                Err(error) => {
                    self.out.flush().map_err(|error| Failure::output(&error))?;
                    return Err(fail(error));
                }
            }
        }
        self.out.flush().map_err(|error| Failure::output(&error))
    }

    fn piece(&mut self, piece: Piece<'_>, input: &str, number: &mut u64) -> io::Result<()> {
        match piece {
            Piece::Line { bytes, ended } => {
                *number += 1;
                self.line(bytes, ended, input, *number)
            }
            Piece::Part { bytes, first } => {
                if first {
                    *number += 1;
                    let message = "the record is larger than max_record";
                    self.totals.unread(input, *number, &MatchError::Unexamined { message });
                }
                self.out.write_all(bytes)
            }
        }
    }

    fn line(&mut self, line: &[u8], ended: bool, input: &str, number: u64) -> io::Result<()> {
        // A byte order mark is no part of the first record.
        let mark: &[u8] = if number == 1 { b"\xEF\xBB\xBF" } else { b"" };
        let record = line.strip_prefix(mark).unwrap_or(line);
        let (mut keep, mut length) = (true, 0);
        if record.trim_ascii().is_empty() {
            self.totals.blank();
            keep = !self.only_matching;
        } else {
            let event = Event { logsource: self.logsource, ..Event::new(Format::Json, record) };
            match self.scratch.tag_prepare(&self.engine, &event, &self.tagging) {
                Ok((needed, found)) => {
                    self.totals.examined(&found, self.scratch.hits());
                    let needed = needed.unwrap_or(0);
                    length = needed;
                    // A payload that could not be read may have held a match.
                    keep = needed > 0 || !self.only_matching || found.malformed > 0;
                }
                Err(error) => self.totals.unread(input, number, &error),
            }
        }
        if !keep {
            self.totals.dropped();
            return Ok(());
        }
        if length == 0 {
            self.out.write_all(line)?;
        } else {
            self.out.write_all(&line[..line.len() - record.len()])?;
            if self.tagged.len() < length {
                self.tagged.resize(length, 0);
            }
            match self.scratch.tag_write(record, &mut self.tagged) {
                Ok(written) => self.out.write_all(&self.tagged[..written])?,
                // The plan was made for these bytes a moment ago; the line must not be lost.
                Err(error) => {
                    self.scratch.tag_discard();
                    self.totals.unread(input, number, &error);
                    self.out.write_all(record)?;
                }
            }
        }
        if ended { self.out.write_all(b"\n") } else { Ok(()) }
    }
}
