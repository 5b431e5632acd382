//! `sigmatag sources detect`: of which source the events of a file are, and what rules see of them.

use super::Own;
use super::candidates::{self, Candidate};
use super::groups::{self, Found, Groups, Kind};
use crate::Output;
use crate::explain::next;
use crate::failure::{EXIT_CODES, Failure, count, print};
use crate::input::{Form, Input};
use crate::summary::{plain_table, printable};
use serde_json::{Value, json};
use sigmatag::limits;
use sigmatag::rule::descriptor::{Descriptor, Probe, Seen};
use sigmatag::source::Encoding;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Most records that could not be read and are named one by one.
const NAMED: usize = 5;
/// Most characters of a value that are shown.
const CHARACTERS: usize = 100;
/// Most names that members of lifted objects may add.
const MOST_NAMES: usize = 10_000;

/// Looks which log source the events of files are of, and what rules see of them.
///
/// For every kind of event: the source, what it is wrapped in, its log sources, and its fields
/// with an example of each. For events that are not recognised: what the nearest source lacks.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// Files of events; `-` is standard input, as is no file at all.
    #[arg(value_name = "EVENTS")]
    events: Vec<PathBuf>,
    #[command(flatten)]
    own: Own,
    #[command(flatten)]
    input: Form,
    /// Say it for every event instead of every kind of event.
    #[arg(long)]
    each: bool,
    /// How to print it: with `--each`, one line of `json` for each event.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = Input::all(&arguments.events)?;
    let mut detector = Detector::new(arguments.own.read()?);
    for input in inputs {
        let mut records = input.open(arguments.input, limits::MAX_RECORD)?;
        while !records.is_done() {
            records.fill().map_err(|error| input.unreadable(&error))?;
            while let Some(record) = next(&mut records) {
                let place = records.place(&input);
                let done = record
                    .map_err(|unread| unread.reason)
                    .and_then(|record| detector.record(&record, &place));
                match done {
                    Ok(events) if arguments.each => print(&each(&events, arguments.format))?,
                    Ok(_) => {}
                    Err(reason) => detector.unread(&place, &reason),
                }
            }
        }
    }
    let groups = &detector.groups;
    if !arguments.each {
        print(&match arguments.format {
            Output::Text => text(groups, &detector.sources),
            Output::Json => format!("{:#}\n", report(groups)),
        })?;
    }
    if groups.recognised() == 0 {
        return Err(Failure::Negative("nothing was recognised".to_owned()));
    }
    Ok(())
}

struct Detector {
    sources: Vec<Descriptor>,
    /// Names of fields to show.
    names: BTreeSet<String>,
    probe: Probe,
    groups: Groups,
}

impl Detector {
    fn new(sources: Vec<Descriptor>) -> Detector {
        let names: BTreeSet<String> =
            sources.iter().flat_map(Descriptor::names).map(str::to_owned).collect();
        let probe = probe(&sources, &names);
        Detector { sources, names, probe, groups: Groups::default() }
    }

    fn unread(&mut self, place: &str, reason: &str) {
        self.groups.records += 1;
        self.groups.unread_count += 1;
        if self.groups.unread.len() < NAMED {
            self.groups.unread.push(format!("{place}: {reason}"));
        }
    }

    fn record(&mut self, record: &[u8], place: &str) -> Result<Vec<Found>, String> {
        let value: Value = serde_json::from_slice(record).unwrap_or(Value::Null);
        let candidates = candidates::of(&value, &self.sources);
        self.lifted(&candidates);
        let run = |probe: &mut Probe| probe.run(record, Encoding::Json);
        let (seen, _) = run(&mut self.probe).map_err(|malformed| malformed.to_string())?;
        for (source, how) in self.probe.broken() {
            let source = source.unwrap_or_default().to_owned();
            *self.groups.broken.entry((source, how)).or_default() += 1;
        }
        self.groups.records += 1;
        let mut found = Vec::new();
        for event in &seen {
            let (kind, missing, paths) = kind(event, &value, &candidates, &self.sources);
            let own = self.sources.iter().find(|own| Some(&own.name) == event.source.as_ref());
            let own: Option<BTreeSet<&str>> = own.map(|own| {
                let names = own.names();
                if own.lifts.is_empty() { names } else { self.names.iter().map(|n| &**n).collect() }
            });
            let is_shown = |name: &str| own.as_ref().is_some_and(|names| names.contains(name));
            let fields = groups::fields(&event.listing, is_shown);
            let (place, index) = (place.to_owned(), event.index);
            let event = Found { place, index, kind: kind.clone(), missing, fields, paths };
            self.groups.add(kind, &event);
            found.push(event);
        }
        Ok(found)
    }

    /// Members of lifted objects are fields: their names are known only now.
    fn lifted(&mut self, candidates: &[Candidate]) {
        let before = self.names.len();
        for source in self.sources.iter().filter(|source| !source.lifts.is_empty()) {
            for candidate in candidates.iter().filter(|at| candidates::is_of(source, at)) {
                for lift in &source.lifts {
                    let object = candidates::lookup(&candidate.event, lift);
                    let Some(Value::Object(members)) = object else { continue };
                    if self.names.len() < MOST_NAMES {
                        self.names.extend(members.keys().cloned());
                    }
                }
            }
        }
        if self.names.len() > before {
            self.probe = probe(&self.sources, &self.names);
        }
    }
}

fn probe(sources: &[Descriptor], names: &BTreeSet<String>) -> Probe {
    let names: Vec<String> = names.iter().cloned().collect();
    Probe::new(sources, &names)
}

/// What an event is; of one that is not recognised, what the nearest source lacks; and the paths of
/// its values.
fn kind(
    event: &Seen,
    record: &Value,
    all: &[Candidate],
    sources: &[Descriptor],
) -> (Kind, Vec<String>, BTreeSet<String>) {
    let mut paths = BTreeSet::new();
    let own = sources.iter().find(|source| Some(&source.name) == event.source.as_ref());
    let Some(own) = own else {
        let near = candidates::nearest(all, sources);
        let (nearest, missing) =
            near.map_or((None, Vec::new()), |near| (Some((near.source, near.path)), near.missing));
        let (inside, logsources) = (String::new(), Vec::new());
        candidates::paths(record, "", &mut paths);
        return (Kind { source: None, inside, logsources, nearest }, missing, paths);
    };
    let inside = usize::from(event.is_inside);
    let place = all.iter().skip(inside).find(|at| candidates::is_of(own, at));
    let path = place.map(|place| place.path.clone());
    if let Some(place) = place {
        candidates::paths(&place.event, "", &mut paths);
    }
    // Text of another encoding than JSON.
    let text = || {
        let mut texts = own.text_payloads.iter();
        let text = texts.find(|text| candidates::lookup(record, &text.path).is_some());
        text.map(|text| text.path.clone()).unwrap_or_default()
    };
    let kind = Kind {
        source: Some(own.name.clone()),
        inside: path.unwrap_or_else(text),
        logsources: event.logsources.clone(),
        nearest: None,
    };
    (kind, Vec::new(), paths)
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut short: String = printable(&text).chars().take(CHARACTERS).collect();
    if text.chars().count() > CHARACTERS {
        short.push_str("...");
    }
    short
}

/// The lines that say what a kind is.
fn about(out: &mut String, kind: &Kind, missing: &[String]) {
    if !kind.inside.is_empty() {
        let _ = writeln!(out, "  inside       {}", kind.inside);
    }
    if kind.source.is_some() {
        let logsources = if kind.logsources.is_empty() {
            "none: such events meet every rule".to_owned()
        } else {
            kind.logsources.join(", ")
        };
        let _ = writeln!(out, "  log sources  {logsources}");
        return;
    }
    match &kind.nearest {
        None => {
            let _ = writeln!(
                out,
                "  no source knows any of its fields: describe it, see \
                                   docs/sources.md"
            );
        }
        Some((source, path)) => {
            let place = if path.is_empty() { String::new() } else { format!(" at {path}") };
            let _ = writeln!(out, "  nearest      {source}{place}");
            for line in missing {
                let _ = writeln!(out, "    {}", printable(line));
            }
        }
    }
}

fn each(events: &[Found], format: Output) -> String {
    let mut out = String::new();
    for found in events {
        if format == Output::Json {
            let mut value = kind_json(&found.kind, &found.missing);
            value["record"] = json!(found.place);
            value["event"] = json!(found.index);
            value["fields"] = Value::Object(found.fields.clone());
            let _ = writeln!(out, "{value}");
            continue;
        }
        let source = found.kind.source.as_deref().unwrap_or("not recognised");
        let _ = writeln!(out, "{} event {}: {source}", found.place, found.index);
        about(&mut out, &found.kind, &found.missing);
        for (name, value) in &found.fields {
            let _ = writeln!(out, "  {name:<24} {}", shown(value));
        }
        out.push('\n');
    }
    out
}

fn text(groups: &Groups, sources: &[Descriptor]) -> String {
    let mut out = String::new();
    for (kind, group) in &groups.all {
        let title = sources.iter().find(|own| Some(&own.name) == kind.source.as_ref());
        let name = match title {
            Some(own) => format!("{} ({})", own.name, own.title),
            None => "not recognised".to_owned(),
        };
        let _ = writeln!(out, "{name}: {}, first at {}", count(group.events, "event"), group.first);
        about(&mut out, kind, &group.missing);
        if !group.fields.is_empty() {
            let mut table = plain_table(&["field", "events", "for example"], &[1]);
            for (name, (number, value)) in &group.fields {
                table.add_row([name, &number.to_string(), &shown(value)]);
            }
            table.lines().for_each(|line| {
                let _ = writeln!(out, "  {}", line.trim_end());
            });
        }
        if !group.paths.is_empty() {
            let paths: Vec<String> = group.paths.iter().map(|path| printable(path)).collect();
            let _ = writeln!(out, "  also as they are: {}", paths.join(", "));
        }
        out.push('\n');
    }
    for ((source, how), number) in &groups.broken {
        let of = if source.is_empty() { String::new() } else { format!(" of {source}") };
        let _ = writeln!(out, "broken {how}{of}: {number}");
    }
    for line in &groups.unread {
        let _ = writeln!(out, "not examined: {}", printable(line));
    }
    if groups.unread_count > groups.unread.len() as u64 {
        let more = groups.unread_count - groups.unread.len() as u64;
        let _ = writeln!(out, "not examined: {}", count(more, "more record"));
    }
    let events: u64 = groups.all.iter().map(|(_, group)| group.events).sum();
    let _ = writeln!(
        out,
        "{}, {}, {} recognised",
        count(groups.records, "record"),
        count(events, "event"),
        groups.recognised()
    );
    out
}

fn kind_json(kind: &Kind, missing: &[String]) -> Value {
    let mut value = json!({
        "source": kind.source,
        "inside": kind.inside,
        "logsources": kind.logsources,
    });
    if let Some((source, path)) = &kind.nearest {
        value["nearest"] = json!({ "source": source, "inside": path, "missing": missing });
    }
    value
}

fn report(groups: &Groups) -> Value {
    let all = groups.all.iter().map(|(kind, group)| {
        let mut value = kind_json(kind, &group.missing);
        value["events"] = json!(group.events);
        value["first"] = json!(group.first);
        value["paths"] = json!(group.paths);
        value["fields"] = group
            .fields
            .iter()
            .map(|(name, (number, example))| {
                (name.clone(), json!({ "events": number, "example": example }))
            })
            .collect();
        value
    });
    let broken = groups
        .broken
        .iter()
        .map(|((source, how), number)| json!({ "source": source, "what": how, "number": number }));
    json!({
        "records": groups.records,
        "recognised": groups.recognised(),
        "unread": groups.unread_count,
        "first_unread": groups.unread,
        "broken": broken.collect::<Vec<_>>(),
        "kinds": all.collect::<Vec<_>>(),
    })
}
