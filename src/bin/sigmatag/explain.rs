//! `sigmatag explain`: why a rule matched an event, or did not.

use crate::Output;
use crate::failure::{EXIT_CODES, Failure, say};
use crate::input::{Form, Input, Item as Piece, Records, Unread};
use crate::rules::{self, Selected};
use crate::summary::printable;
use crate::tag::{logsource, warn_of_unknown};
use serde_json::{Value, json};
use sigmatag::engine::explain::{Explainer, Explanation, Field, Found, Item, ItemValue, Selection};
use sigmatag::limits;
use sigmatag::ruleset::RuleSet;
use sigmatag::source::Encoding;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Most values of an item that are listed where none or all of them hold. `--format json` has
/// every value.
const VALUES: usize = 12;
/// Most characters of a value of the event that are shown. `--format json` has all.
const CHARACTERS: usize = 200;

/// Explains what a rule finds in each event, piece by piece.
///
/// For every event: the verdict, and for every selection, item and value of the rule whether it
/// held, and on which value of the event.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(flatten)]
    rules: Selected,
    /// The rule: its id or its title.
    #[arg(long, value_name = "ID|TITLE")]
    rule: String,
    /// What the events are; parts may be empty, as in `windows/process_creation/`. Without it
    /// every event's log source is recognised.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Option<String>,
    /// How to print: `text`, or one line of `json` for each event.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
    #[command(flatten)]
    input: Form,
    /// Files of events; `-` is standard input, as is no file at all.
    #[arg(value_name = "EVENTS")]
    events: Vec<PathBuf>,
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = Input::all(&arguments.events)?;
    let rules = rules::rule_set(&arguments.rules)?;
    let rule = find(&rules, &arguments.rule)?;
    if rules.indicators().is_some_and(|indicators| rule >= indicators.first_rule) {
        return Err(Failure::Unusable(format!(
            "`{}` reports indicators and has no condition: the tags of `sigmatag tag` say which were \
             found, and in which field",
            printable(&arguments.rule)
        )));
    }
    if let Some(logsource) = &arguments.logsource {
        warn_of_unknown(logsource, &rules);
    }
    let mut explainer =
        Explainer::new(&rules).map_err(|stripped| Failure::Unusable(stripped.to_string()))?;
    let logsource = arguments.logsource.as_deref().unwrap_or("").as_bytes();
    let printer = Printer {
        rules: &rules,
        rule,
        condition: explainer.condition(rule),
        place: explainer.place(rule),
        format: arguments.format,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    for input in inputs {
        let mut records = input.open(arguments.input, limits::MAX_RECORD)?;
        while !records.is_done() {
            out.flush().map_err(|error| Failure::output(&error))?;
            records.fill().map_err(|error| input.unreadable(&error))?;
            while let Some(record) = next(&mut records) {
                let place = records.place(&input);
                let mut text = String::new();
                let done = record.and_then(|record| {
                    let print = |explanation| printer.print(&mut text, &place, &explanation);
                    let done = explainer.explain(rule, &record, Encoding::Json, logsource, print);
                    Ok(done?)
                });
                match done {
                    Ok(outcome) if outcome.malformed_payloads > 0 => {
                        say(format_args!("{place}: a payload in it is malformed"));
                    }
                    Ok(_) => {}
                    Err(unread) => say(format_args!("{place}: {}", unread.reason)),
                }
                out.write_all(text.as_bytes()).map_err(|error| Failure::output(&error))?;
            }
        }
    }
    out.flush().map_err(|error| Failure::output(&error))
}

/// The next record that is complete, or why it cannot be explained.
pub fn next(records: &mut Records) -> Option<Result<Vec<u8>, Unread>> {
    loop {
        match records.buffered()? {
            Piece::Record { bytes, .. } => return Some(Ok(bytes.to_vec())),
            Piece::Part { first: true, .. } => return Some(Err(Unread::too_large())),
            Piece::Broken { reason, .. } => return Some(Err(Unread::broken(reason))),
            Piece::Part { first: false, .. } | Piece::Blank { .. } | Piece::Between(_) => {}
        }
    }
}

/// The rule with an id or a title: exactly so, or else without regard to case.
fn find(rules: &RuleSet, name: &str) -> Result<u32, Failure> {
    let all = || (0..rules.rule_count()).filter_map(|rule| Some((rule, rules.rule(rule)?)));
    let folded = name.to_lowercase();
    let exact: Vec<_> = all().filter(|(_, r)| r.id == name || r.title == name).collect();
    let found = if exact.is_empty() {
        all()
            .filter(|(_, r)| r.id.to_lowercase() == folded || r.title.to_lowercase() == folded)
            .collect()
    } else {
        exact
    };
    match &found[..] {
        [(rule, _)] => Ok(*rule),
        [] => {
            let mut message = format!("no rule has the id or title `{}`", printable(name));
            let similar: Vec<String> = all()
                .filter(|(_, r)| r.title.to_lowercase().contains(&folded))
                .take(5)
                .map(|(_, r)| format!("\n  {}  {}", printable(r.id), printable(r.title)))
                .collect();
            if !similar.is_empty() {
                message.push_str("; these contain it:");
                message.extend(similar);
            }
            Err(Failure::Unusable(message))
        }
        several => {
            let mut message = "several rules have this title, give the id of one:".to_owned();
            message.extend(several.iter().map(|(_, r)| format!("\n  {}", printable(r.id))));
            Err(Failure::Unusable(message))
        }
    }
}

struct Printer<'a> {
    rules: &'a RuleSet,
    rule: u32,
    condition: &'a str,
    place: &'a str,
    format: Output,
}

impl Printer<'_> {
    fn print(&self, out: &mut String, place: &str, explanation: &Explanation) {
        match self.format {
            Output::Json => {
                let _ = writeln!(out, "{}", self.json(place, explanation));
            }
            Output::Text => self.text(out, place, explanation),
        }
    }

    fn text(&self, out: &mut String, place: &str, explanation: &Explanation) {
        let Some(info) = self.rules.rule(self.rule) else { return };
        let verdict = if explanation.matched {
            "match"
        } else if explanation.holds {
            "no match: the rule is about another log source"
        } else {
            "no match"
        };
        let _ = writeln!(out, "{place} event {}: {verdict}", explanation.event);
        let _ = writeln!(out, "  rule       {} ({})", printable(info.title), printable(info.id));
        let _ = writeln!(out, "  at         {}", printable(self.place));
        let applies = if explanation.applies { "applies" } else { "does not apply" };
        let known = match (&explanation.source, &explanation.logsources[..]) {
            (_, []) => "not known, so it meets every rule".to_owned(),
            (None, logsources) => format!("{} as given", logsources.join(", ")),
            (Some(source), logsources) => {
                format!("{} as recognised by {source}", logsources.join(", "))
            }
        };
        let about = printable(info.logsource);
        let _ =
            writeln!(out, "  log source {about} {applies}; the event's is {}", printable(&known));
        let holds = word(explanation.holds);
        let _ = writeln!(out, "  condition  {holds} {}", printable(self.condition));
        if explanation.selections.iter().any(|selection| selection.name.starts_with("filter/")) {
            let _ =
                writeln!(out, "             and the conditions of filters, shown as filter/...");
        }
        for selection in &explanation.selections {
            let Selection { name, line, held, items } = selection;
            let held = word(*held);
            let _ = writeln!(out, "  {held} {} (line {line})", printable(name));
            for item in items {
                item_text(out, item);
            }
        }
        out.push('\n');
    }

    fn json(&self, place: &str, explanation: &Explanation) -> Value {
        let info = self.rules.rule(self.rule);
        json!({
            "record": place,
            "event": explanation.event,
            "rule": { "id": info.map(|r| r.id), "title": info.map(|r| r.title) },
            "at": self.place,
            "condition": self.condition,
            "source": explanation.source,
            "logsources": explanation.logsources,
            "applies": explanation.applies,
            "holds": explanation.holds,
            "matched": explanation.matched,
            "selections": explanation.selections.iter().map(selection_json).collect::<Vec<_>>(),
        })
    }
}

/// Of equal width, so that verdicts stand in a column.
fn word(held: bool) -> &'static str {
    if held { "yes" } else { "no " }
}

fn item_text(out: &mut String, item: &Item) {
    let held = word(item.held);
    let _ = writeln!(out, "    {held} {} (line {})", printable(&item.key), item.line);
    for field in &item.fields {
        let _ = writeln!(out, "          {}", field_text(field));
    }
    // Of a long list, the values that hold are what matters.
    let is_long = item.values.len() > VALUES;
    let mut hidden = 0;
    for (at, value) in item.values.iter().enumerate() {
        if is_long && !value.held && at >= VALUES / 2 {
            hidden += 1;
        } else {
            value_text(out, value);
        }
    }
    if hidden > 0 {
        let _ = writeln!(out, "      no  {hidden} more values, see --format json");
    }
}

/// What decided, in a few lines: the log source if it does not fit, then every selection with the
/// items that do not hold and what the event has there.
pub fn in_short(explanation: &Explanation, about: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if !explanation.applies {
        let known = explanation.logsources.join(", ");
        let source = explanation.source.as_deref().unwrap_or("nothing");
        lines.push(format!(
            "the rule is about {}, the event is {} as recognised by {source}",
            printable(about),
            printable(&known)
        ));
    }
    for selection in &explanation.selections {
        lines.push(format!("{} {}", word(selection.held), printable(&selection.name)));
        for item in selection.items.iter().filter(|item| item.held == selection.held) {
            let fields: Vec<String> = item.fields.iter().map(field_text).collect();
            let fields =
                if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
            lines.push(format!("    {} {}{fields}", word(item.held), printable(&item.key)));
        }
    }
    lines
}

fn value_text(out: &mut String, value: &ItemValue) {
    let _ = write!(out, "      {} {}", word(value.held), shortened(&value.text));
    for (at, witness) in value.witnesses.iter().enumerate() {
        let before = if at == 0 { " <-" } else { "," };
        let shown = shown(&witness.value);
        let _ = match &witness.field {
            Some(field) => write!(out, "{before} {} = {shown}", printable(field)),
            None => write!(out, "{before} {shown}"),
        };
    }
    out.push('\n');
}

fn field_text(field: &Field) -> String {
    let name = printable(&field.name);
    if !field.present {
        return format!("{name} is missing");
    }
    let values: Vec<String> = field.values.iter().map(shown).collect();
    format!("{name} = {}", values.join(", "))
}

fn shown(value: &Found) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    let mut text = printable(text);
    if let Some((cut, _)) = text.char_indices().nth(CHARACTERS) {
        let rest = text[cut..].chars().count();
        text.truncate(cut);
        let _ = write!(text, "... and {rest} more characters");
    }
    text
}

fn selection_json(selection: &Selection) -> Value {
    json!({
        "name": selection.name,
        "line": selection.line,
        "held": selection.held,
        "items": selection.items.iter().map(item_json).collect::<Vec<_>>(),
    })
}

fn item_json(item: &Item) -> Value {
    let field = |field: &Field| {
        json!({
            "name": field.name,
            "present": field.present,
            "values": field.values.iter().map(found_json).collect::<Vec<_>>(),
        })
    };
    let value = |value: &ItemValue| {
        let witnesses = value
            .witnesses
            .iter()
            .map(|witness| json!({ "field": witness.field, "value": found_json(&witness.value) }));
        json!({
            "value": value.text,
            "held": value.held,
            "held_on": witnesses.collect::<Vec<_>>(),
        })
    };
    json!({
        "key": item.key,
        "line": item.line,
        "held": item.held,
        "fields": item.fields.iter().map(field).collect::<Vec<_>>(),
        "values": item.values.iter().map(value).collect::<Vec<_>>(),
    })
}

/// A value of the event as JSON; what JSON cannot hold as its text.
fn found_json(found: &Found) -> Value {
    match found {
        Found::Null => Value::Null,
        Found::Bool(value) => json!(value),
        Found::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => json!(value),
            (_, Ok(value)) => json!(value),
            _ => json!(value.to_string()),
        },
        Found::Float(value) => json!(value),
        Found::BigNumber(text) | Found::Text(text) => json!(text),
        Found::Object => json!({}),
        Found::EmptyArray => json!([]),
        Found::Opaque => json!("(extension)"),
    }
}
