//! Streams of events against correlations.
//!
//! The engine decides which rules match each event, and the sources what its fields are; what comes
//! of it is for the reference evaluator to say.

use super::bed::Bed;
use super::files::Suite;
use super::run::Subject;
use crate::failure::Failure;
use crate::rules::{self, Read};
use sigmatag::reference::correlation::{Correlator, Observation};
use sigmatag::rule::ast::{Collection, Correlation};
use sigmatag::rule::descriptor::{Probe, Seen};
use sigmatag::rule_test::stream::{Event, Matches, Stream};
use sigmatag::source::{Encoding, ListedValue};
use std::collections::BTreeSet;

/// What became of one stream.
pub struct StreamVerdict<'a> {
    pub stream: &'a Stream,
    /// Why it failed; none: it holds.
    pub failure: Option<String>,
    /// What decided, of a stream that failed.
    pub details: Vec<String>,
}

/// A rule that a correlation rests on.
struct Base<'a> {
    /// Its index in the collection.
    rule: usize,
    id: Option<&'a str>,
    title: &'a str,
    /// Its index in the rules in force.
    index: u32,
}

/// Why a stream failed, and what decided.
type Wrong = (String, Vec<String>);

/// Judges streams.
pub struct Judge<'a> {
    read: &'a Read,
    /// Shows the fields that correlations ask for.
    probe: Probe,
}

impl<'a> Judge<'a> {
    pub fn new(read: &'a Read) -> Judge<'a> {
        let mut names = BTreeSet::new();
        for correlation in &read.collection.correlations {
            let aliases = correlation.aliases.iter().flat_map(|(_, fields)| fields);
            let own = correlation.group_by.iter().chain(correlation.fields());
            names.extend(own.chain(aliases.map(|(_, field)| field)).map(|f| f.value.clone()));
        }
        let names: Vec<String> = names.into_iter().collect();
        Judge { read, probe: Probe::new(&read.sources, &names) }
    }

    /// The streams of one correlation.
    pub fn subject(
        &mut self,
        at: usize,
        is_only: bool,
        suite: &'a Suite,
        taken: &mut [bool],
        bed: &mut Bed,
    ) -> Result<Subject<'a>, Failure> {
        let collection = &self.read.collection;
        let correlation = &collection.correlations[at];
        let meta = &correlation.meta;
        let mut streams = Vec::new();
        for (stream, taken) in suite.streams.iter().zip(taken) {
            let is_meant = match &stream.correlation {
                Some(named) => meta.id.as_ref() == Some(named) || meta.title == *named,
                None => is_only,
            };
            if !is_meant {
                continue;
            }
            *taken = true;
            let wrong = match bases(collection, correlation, bed) {
                Err(missing) => Some((missing, Vec::new())),
                Ok(bases) => self.run(at, &bases, stream, bed)?,
            };
            let (failure, details) =
                wrong.map_or((None, Vec::new()), |(why, how)| (Some(why), how));
            streams.push(StreamVerdict { stream, failure, details });
        }
        let mut warnings = Vec::new();
        for (is_raised, what) in [(true, "must raise it"), (false, "must not raise it")] {
            let is = |verdict: &StreamVerdict<'_>| verdict.stream.raised.is_empty() != is_raised;
            if !streams.is_empty() && !streams.iter().any(is) {
                warnings.push(format!("no stream says what {what}"));
            }
        }
        Ok(Subject {
            kind: "correlation",
            title: &meta.title,
            id: meta.id.as_deref(),
            file: &suite.of,
            tests: suite.tests(),
            verdicts: Vec::new(),
            streams,
            warnings,
        })
    }

    fn run(
        &mut self,
        at: usize,
        bases: &[Base<'_>],
        stream: &Stream,
        bed: &mut Bed,
    ) -> Result<Option<Wrong>, Failure> {
        let mut correlator = Correlator::new(&self.read.collection).map_err(Failure::Refused)?;
        let mut raised = Vec::new();
        let mut groups = Vec::new();
        for event in &stream.events {
            let record = event.record.to_string().into_bytes();
            let hits = bed.hits(&record)?;
            if let Some(wrong) = unexpected(event, bases, &hits, bed, &record) {
                return Ok(Some(wrong));
            }
            let (seen, _) = self
                .probe
                .run(&record, Encoding::Json)
                .map_err(|error| Failure::Unusable(format!("a test's record: {error}")))?;
            for one in &seen {
                let own = |base: &&Base<'_>| hits.contains(&(one.index, base.index));
                let rules: Vec<usize> = bases.iter().filter(own).map(|base| base.rule).collect();
                let time = event.at * 1000;
                let field = |name: &str| text(one, name);
                let observation = Observation { time, rules: &rules, field: &field };
                let found = correlator.observe(&observation).map_err(Failure::Refused)?;
                for own in found.into_iter().filter(|own| own.correlation == at) {
                    raised.push(event.at);
                    groups.push(format!("raised at {} s for {:?}", event.at, own.group));
                }
            }
        }
        if raised == stream.raised {
            return Ok(None);
        }
        let shown = |times: &[u64]| match times {
            [] => "never".to_owned(),
            times => {
                let times: Vec<String> = times.iter().map(|time| format!("{time} s")).collect();
                format!("at {}", times.join(", "))
            }
        };
        let why = format!("must be raised {}, is raised {}", shown(&stream.raised), shown(&raised));
        Ok(Some((why, groups)))
    }
}

/// The rules that a correlation leads to; those that the rules in force lack are named.
fn bases<'a>(
    collection: &'a Collection,
    of: &Correlation,
    bed: &Bed,
) -> Result<Vec<Base<'a>>, String> {
    let base = |rule: usize| {
        let meta = &collection.rules[rule].meta;
        let (id, title) = (meta.id.as_deref(), meta.title.as_str());
        let index = bed.find(id, title);
        let index = index.ok_or_else(|| format!("the rules tested do not have `{title}`"))?;
        Ok(Base { rule, id, title, index })
    };
    rules::bases(collection, of).into_iter().map(base).collect()
}

/// A rule that matches an event and must not, or the other way round.
fn unexpected(
    event: &Event,
    bases: &[Base<'_>],
    hits: &[(u32, u32)],
    bed: &Bed,
    record: &[u8],
) -> Option<Wrong> {
    let place = format!("the event at {} s (step {})", event.at, event.step);
    let is_named = |base: &Base<'_>, name: &String| {
        base.id == Some(name.as_str()) || base.title == name.as_str()
    };
    let names: &[String] = match &event.matches {
        Matches::These(names) => names,
        Matches::None | Matches::Only => &[],
    };
    if event.matches == Matches::Only && bases.len() != 1 {
        let titles: Vec<&str> = bases.iter().map(|base| base.title).collect();
        let why = format!(
            "{place}: the correlation rests on {} rules: say in `match` which of {titles:?}",
            bases.len()
        );
        return Some((why, Vec::new()));
    }
    if let Some(name) = names.iter().find(|name| !bases.iter().any(|base| is_named(base, name))) {
        let why = format!("{place}: the correlation does not rest on a rule `{name}`");
        return Some((why, Vec::new()));
    }
    bases.iter().find_map(|base| {
        let must = event.matches == Matches::Only || names.iter().any(|name| is_named(base, name));
        let does = hits.iter().any(|(_, rule)| *rule == base.index);
        let what = if must { "must match and does not" } else { "must not match and does" };
        (must != does).then(|| {
            let mut details = bed.explain(base.index, record);
            details.insert(0, format!("event   {}", event.record));
            (format!("{place}: `{}` {what}", base.title), details)
        })
    })
}

/// The text of a field; several values are one text, as a JSON array has it.
fn text(event: &Seen, name: &str) -> Option<String> {
    let (_, values) = event.listing.fields.iter().find(|(field, _)| field == name)?;
    let one = |value: &ListedValue| match value {
        ListedValue::Bool(value) => Some(value.to_string()),
        ListedValue::Int(value) => Some(value.to_string()),
        ListedValue::Uint(value) => Some(value.to_string()),
        ListedValue::Float(value) => Some(value.to_string()),
        ListedValue::BigNumber(text) | ListedValue::Str(text) => {
            Some(String::from_utf8_lossy(text).into_owned())
        }
        ListedValue::Null
        | ListedValue::NullElement
        | ListedValue::Object
        | ListedValue::EmptyArray
        | ListedValue::Opaque => None,
    };
    match &values[..] {
        [value] => one(value),
        several => {
            let texts: Option<Vec<String>> = several.iter().map(one).collect();
            texts.map(|texts| serde_json::json!(texts).to_string())
        }
    }
}
