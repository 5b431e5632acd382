//! `sigmatag tag`: records through, those that match with a tag.

use crate::failure::{EXIT_CODES, Failure, say};
use crate::input::{Form as InputForm, Input, Item, Records, Unread};
use crate::rules::{self, Selected};
use crate::summary::{Form, Totals};
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Options, Scratch, Shape, Tagging};
use sigmatag::event::json;
use sigmatag::limits;
use sigmatag::ruleset::{LEVELS, RuleSet};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// The output is written in pieces of this size, and before every wait for input.
const OUTPUT_BUFFER: usize = 256 << 10;

/// Tags events.
///
/// Reads records and writes every one in the same order; a record that rules match carries a tag
/// that says which. All other bytes stay as they are. Records that are malformed, too long or
/// nested too deep pass unchanged and are counted.
///
/// Files are JSON lines, JSON in any other layout, lines of text (each becomes `{"log":"..."}`),
/// or msgpack and chunks of Fluent Bit (which become JSON lines); gzip and UTF-16 are unpacked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    rules: Selected,
    /// The tag's form: one key, columns for Microsoft Sentinel, or Elastic Common Schema.
    #[arg(long, default_value = "nested")]
    shape: ShapeName,
    /// The key of the nested shape, and of the mark of the ecs shape [default: sigma].
    #[arg(long)]
    key: Option<String>,
    /// Lowest level that reports. Rules without a level always report.
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS[1..].iter().copied()))]
    min_level: Option<String>,
    /// What the events are; a part may be empty (not known), as in `windows/process_creation/`, or
    /// `-` (known to be none). Without it every event's log source is recognised.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Option<String>,
    /// Which rules an event meets: those that its log source does not conflict with, and all if
    /// none is known (auto); those of which every attribute is known to hold (strict); all (none).
    #[arg(long, value_name = "MODE", default_value = "auto")]
    logsource_mode: ModeName,
    /// A rule that shall not report, by its id. May be given several times.
    #[arg(long, value_name = "ID")]
    disable_rule: Vec<String>,
    /// Make of an envelope of events (`{"records":[...]}`) one record for each of them.
    #[arg(long)]
    split_records: bool,
    /// Write only records that match, and those that cannot be known not to: records that could
    /// not be examined, and records of no known source.
    #[arg(long)]
    only_matching: bool,
    /// Remove keys of a tag that come with a record which does not match.
    #[arg(long)]
    strip_foreign: bool,
    /// Write the documents that a SIEM expects in place of records: `sekoia`, `ecs` or `asim`. An
    /// envelope becomes one for each of its events; what no document is for stays as it is.
    #[arg(long, value_name = "DESTINATION")]
    normalize: Option<String>,
    /// Longest record that is examined, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = limits::MAX_RECORD as u32)]
    max_record: u32,
    /// How to print the summary on standard error.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    summary: Form,
    #[command(flatten)]
    input: InputForm,
    /// Files of events; `-` is standard input, as is no file at all.
    #[arg(value_name = "EVENTS")]
    events: Vec<PathBuf>,
}

/// A tag's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ShapeName {
    Nested,
    Flat,
    Ecs,
}

impl ShapeName {
    /// The shape.
    pub fn shape(self) -> Shape {
        match self {
            ShapeName::Nested => Shape::Nested,
            ShapeName::Flat => Shape::Flat,
            ShapeName::Ecs => Shape::Ecs,
        }
    }
}

/// Which rules an event meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ModeName {
    Auto,
    Strict,
    None,
}

impl ModeName {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ModeName::Auto => "auto",
            ModeName::Strict => "strict",
            ModeName::None => "none",
        }
    }

    /// The mode.
    pub fn mode(self) -> LogsourceMode {
        match self {
            ModeName::Auto => LogsourceMode::Auto,
            ModeName::Strict => LogsourceMode::Strict,
            ModeName::None => LogsourceMode::None,
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

/// Refuses a destination that the rules do not have.
pub fn check_destination(name: Option<&str>, rules: &RuleSet) -> Result<(), Failure> {
    let found = name.map_or(Ok(0), |name| rules.destination(name));
    found.map(drop).map_err(|why| Failure::Unusable(format!("--normalize: {why}")))
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.shape == ShapeName::Flat && arguments.key.is_some() {
        return Err(Failure::Unusable("--key belongs to the nested and ecs shapes".to_owned()));
    }
    let key = arguments.key.as_deref().unwrap_or("sigma");
    if key.is_empty() {
        return Err(Failure::Unusable("--key needs a name".to_owned()));
    }
    if arguments.shape == ShapeName::Ecs && ["rule", "threat", "event"].contains(&key) {
        let why = format!("--key {key}: the ecs shape shares that key with others; use another");
        return Err(Failure::Unusable(why));
    }
    let inputs = Input::all(&arguments.events)?;
    let rules = Arc::new(rules::rule_set(&arguments.rules)?);
    check_destination(arguments.normalize.as_deref(), &rules)?;
    if let Some(logsource) = &arguments.logsource {
        warn_of_unknown(logsource, &rules);
    }
    let level = |name: &String| LEVELS.iter().position(|level| level == name);
    let min_level = arguments.min_level.as_ref().and_then(level).unwrap_or(0) as u8;
    let options = Options {
        min_level,
        max_record: arguments.max_record,
        logsource_mode: arguments.logsource_mode.mode(),
        disable_rules: arguments.disable_rule.clone(),
        normalize: arguments.normalize.clone(),
        ..Options::default()
    };
    let engine = Engine::new(Arc::clone(&rules), options);
    for id in engine.unknown_disabled_rules() {
        say(format_args!("warning: --disable-rule {id}: no rule has this id"));
    }
    let mut run = Run {
        scratch: Scratch::new(&engine),
        engine,
        tagging: Tagging {
            shape: arguments.shape.shape(),
            key: key.as_bytes(),
            split_records: arguments.split_records,
            only_matching: arguments.only_matching,
            strip_foreign: arguments.strip_foreign,
        },
        logsource: arguments.logsource.as_deref().unwrap_or("").as_bytes(),
        splits: arguments.split_records || arguments.normalize.is_some(),
        regroups: arguments.only_matching
            || arguments.split_records
            || arguments.normalize.is_some(),
        out: BufWriter::with_capacity(OUTPUT_BUFFER, io::stdout().lock()),
        tagged: Vec::new(),
        array: ArrayState::default(),
        totals: Totals::new(&rules),
        progress: progress(&inputs),
    };
    if arguments.logsource_mode == ModeName::Strict {
        run.totals.unknown_meet = "no rule";
    }
    for input in inputs {
        run.input(&input, arguments)?;
    }
    run.progress.finish_and_clear();
    run.totals.print(&rules, arguments.summary);
    Ok(())
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
    /// Whether a record may become several.
    splits: bool,
    /// Whether there may be more or fewer records than were read.
    regroups: bool,
    out: BufWriter<W>,
    tagged: Vec<u8>,
    array: ArrayState,
    totals: Totals,
    progress: ProgressBar,
}

/// What was written of an array of which records are left out or split.
#[derive(Default)]
struct ArrayState {
    is_open: bool,
    has_record: bool,
}

impl<W: Write> Run<'_, W> {
    fn input(&mut self, input: &Input, arguments: &Arguments) -> Result<(), Failure> {
        let mut records = input.open(arguments.input, arguments.max_record as usize)?;
        let are_lines = records.are_lines();
        while !records.is_done() {
            // Whoever follows the output sees every record before we wait for the next.
            self.out.flush().map_err(|error| Failure::output(&error))?;
            let read = records.fill();
            self.items(&mut records, input, are_lines).map_err(|error| Failure::output(&error))?;
            match read {
                Ok(read) => self.progress.inc(read as u64),
                Err(error) => {
                    self.out.flush().map_err(|error| Failure::output(&error))?;
                    return Err(input.unreadable(&error));
                }
            }
        }
        self.out.flush().map_err(|error| Failure::output(&error))
    }

    fn items(&mut self, records: &mut Records, input: &Input, are_lines: bool) -> io::Result<()> {
        // The place is asked for only where something is wrong, but behind the item that borrows.
        let mut wrong = None;
        loop {
            if let Some(unread) = wrong.take() {
                self.totals.unread(records.place(input), unread);
            }
            let Some(item) = records.buffered() else { return Ok(()) };
            match item {
                Item::Record { bytes, end, replaced } => {
                    self.totals.replaced(replaced);
                    wrong = self.record(bytes, end, are_lines)?;
                }
                Item::Blank { bytes, end } => {
                    self.totals.blank();
                    if self.tagging.only_matching {
                        self.totals.dropped();
                    } else {
                        self.out.write_all(bytes)?;
                        self.out.write_all(end)?;
                    }
                }
                Item::Between(bytes) => self.between(bytes)?,
                Item::Part { bytes, first } => {
                    if first {
                        wrong = Some(Unread::too_large());
                        self.separate(are_lines)?;
                    }
                    self.out.write_all(bytes)?;
                }
                Item::Broken { bytes, reason } => {
                    wrong = Some(Unread::broken(reason));
                    self.separate(are_lines)?;
                    self.out.write_all(bytes)?;
                }
            }
        }
    }

    /// Passes on what stands between records. Where records are left out or split, commas and white
    /// space are written anew.
    fn between(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.regroups {
            return self.out.write_all(bytes);
        }
        for byte in bytes {
            match byte {
                b'[' => {
                    self.array = ArrayState { is_open: true, has_record: false };
                    self.out.write_all(b"[")?;
                }
                b']' => {
                    self.array.is_open = false;
                    self.out.write_all(b"]\n")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where records are left out or split: what has to stand before one that is kept.
    fn separate(&mut self, are_lines: bool) -> io::Result<()> {
        if are_lines || !self.regroups {
            return Ok(());
        }
        if self.array.is_open && std::mem::replace(&mut self.array.has_record, true) {
            return self.out.write_all(b",\n");
        }
        Ok(())
    }

    /// One record; gives what is wrong with it.
    fn record(&mut self, record: &[u8], end: &[u8], are_lines: bool) -> io::Result<Option<Unread>> {
        let (mut planned, mut wrong) = (None, None);
        let event = Event { logsource: self.logsource, ..Event::new(Format::Json, record) };
        match self.scratch.tag_prepare(&self.engine, &event, &self.tagging) {
            Ok((needed, found)) => {
                self.totals.examined(&found, self.scratch.hits());
                planned = needed;
            }
            Err(error) => wrong = Some(error.into()),
        }
        if planned == Some(0) {
            self.scratch.tag_discard();
            return Ok(wrong);
        }
        self.separate(are_lines)?;
        if let Some(length) = planned {
            if self.tagged.len() < length {
                self.tagged.resize(length, 0);
            }
            match self.scratch.tag_write(record, &mut self.tagged) {
                Ok(written) => self.documents(written)?,
                // The plan was made for these bytes a moment ago; the record must not be lost.
                Err(error) => {
                    self.scratch.tag_discard();
                    wrong = Some(error.into());
                    self.out.write_all(record)?;
                }
            }
        } else {
            self.out.write_all(record)?;
        }
        if self.regroups && !are_lines && !self.array.is_open {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(end)?;
        Ok(wrong)
    }

    /// Writes what became of a record: in an array, the records that it was split into need commas.
    fn documents(&mut self, length: usize) -> io::Result<()> {
        let mut rest = &self.tagged[..length];
        while self.array.is_open && self.splits {
            // Nothing but our own line feed stands between two.
            let Ok(end) = json::skip_value(rest, json::skip_space(rest, 0)) else { break };
            if json::skip_space(rest, end) == rest.len() {
                break;
            }
            self.out.write_all(&rest[..end])?;
            self.out.write_all(b",")?;
            rest = &rest[end..];
        }
        self.out.write_all(rest)
    }
}
