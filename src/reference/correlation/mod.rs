//! Correlations over a stream of events, said as plainly as they can be.
//!
//! Every event that a correlation counts is kept until its window has passed it, and everything is
//! counted anew for each event: slow, and easy to believe. What base rules match an event and what
//! its fields are is the caller's to say; see [`Observation`].
//!
//! # Semantics
//! * The window slides: what happened no longer than the timespan ago counts, both ends included.
//! * An event that lacks a `group-by` field counts nowhere. Groups and values compare as exact text.
//! * A correlation is raised by the event with which its condition begins to hold in a group, and
//!   again only after it has ceased to. Between events nothing is raised, so conditions with `lt`,
//!   `lte`, `eq` and `neq` are about what holds after an event.
//! * A correlation that is raised is an event for those that list it. Its fields are the names in its
//!   `group-by`.
//! * An event that several listed rules match is one event for counts and values, and an occurrence
//!   of each rule for the temporal types.

mod measure;

use crate::rule::ast::{Collection, Correlation};
use std::collections::{BTreeMap, HashMap};

/// One event of a stream.
pub struct Observation<'o> {
    /// Milliseconds since any moment; not less than that of the event before.
    pub time: u64,
    /// The rules that match it, by index in the collection.
    pub rules: &'o [usize],
    /// The text of a field; `None` if the event does not have it.
    pub field: &'o dyn Fn(&str) -> Option<String>,
}

/// A correlation that began to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Its index in the collection.
    pub correlation: usize,
    /// When, as in [`Observation::time`].
    pub time: u64,
    /// The values of its `group-by` names.
    pub group: Vec<String>,
}

/// The correlations of a collection and what they remember of a stream.
pub struct Correlator<'c> {
    prepared: Vec<Prepared<'c>>,
    /// Children before those that list them.
    order: Vec<usize>,
    groups: Vec<BTreeMap<Vec<String>, Group>>,
    /// Events so far, and the time of the last one.
    events: u64,
    last: u64,
}

struct Prepared<'c> {
    of: &'c Correlation,
    sources: Vec<Source>,
    /// Milliseconds.
    window: u64,
}

/// An element of `rules`.
struct Source {
    target: Target,
    /// The field behind each name in `group-by`.
    fields: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Rule(usize),
    Correlation(usize),
}

#[derive(Default)]
struct Group {
    entries: Vec<Entry>,
    /// Whether the condition held after the last event.
    held: bool,
}

/// What a correlation counts.
#[derive(Clone)]
struct Entry {
    time: u64,
    /// Number of the event, and the correlation that it is the raising of.
    event: (u64, Option<usize>),
    /// Index in `rules`.
    source: usize,
    /// The values of `field`, if the event has all of them.
    values: Option<Vec<String>>,
}

impl<'c> Correlator<'c> {
    /// Prepares the correlations. The error names one that does not lead to rules.
    pub fn new(collection: &'c Collection) -> Result<Correlator<'c>, String> {
        let targets = targets(collection);
        let mut prepared = Vec::new();
        for of in &collection.correlations {
            let mut sources = Vec::new();
            for rule in &of.rules {
                let target = *targets.get(rule.value.as_str()).ok_or_else(|| {
                    format!("{}: no rule has the id or name `{}`", of.meta.title, rule.value)
                })?;
                let field = |name: &str| aliased(of, name, target, &targets);
                let fields = of.group_by.iter().map(|name| field(&name.value)).collect();
                sources.push(Source { target, fields });
            }
            let window = of.timespan_seconds.saturating_mul(1000);
            prepared.push(Prepared { of, sources, window });
        }
        let order = order(&prepared)?;
        let groups = prepared.iter().map(|_| BTreeMap::new()).collect();
        Ok(Correlator { prepared, order, groups, events: 0, last: 0 })
    }

    /// Takes the next event, and says which correlations it raises: children before those that
    /// list them.
    ///
    /// # Errors
    /// If the event is older than the one before.
    pub fn observe(&mut self, observation: &Observation<'_>) -> Result<Vec<Raised>, String> {
        let now = observation.time;
        if now < self.last {
            return Err(format!("an event of {now} ms follows one of {} ms", self.last));
        }
        self.last = now;
        self.events += 1;
        let mut raised: Vec<Raised> = Vec::new();
        for &at in &self.order {
            let own = &self.prepared[at];
            let mut fresh: Vec<(Vec<String>, Vec<Entry>)> = Vec::new();
            for (source, listed) in own.sources.iter().enumerate() {
                for occurrence in self.occurrences(listed.target, observation, &raised) {
                    let field = |name: &String| self.field(&occurrence, observation, name);
                    let Some(group) = listed.fields.iter().map(&field).collect() else { continue };
                    let values = own.of.fields().iter().map(|name| field(&name.value)).collect();
                    let event = (self.events, occurrence.map(|raised| raised.correlation));
                    let entry = Entry { time: now, event, source, values };
                    match fresh.iter_mut().find(|(known, _)| *known == group) {
                        Some((_, entries)) => entries.push(entry),
                        None => fresh.push((group, vec![entry])),
                    }
                }
            }
            for (values, entries) in fresh {
                let group = self.groups[at].entry(values.clone()).or_default();
                group.entries.retain(|entry| entry.time.saturating_add(own.window) >= now);
                let is_old = group.held
                    && !group.entries.is_empty()
                    && measure::holds(own.of, &group.entries);
                group.entries.extend(entries);
                group.held = measure::holds(own.of, &group.entries);
                if group.held && !is_old {
                    raised.push(Raised { correlation: at, time: now, group: values });
                }
            }
        }
        Ok(raised)
    }

    /// How often a listed rule or correlation occurs in this event: `None` is the event itself.
    fn occurrences(
        &self,
        target: Target,
        observation: &Observation<'_>,
        raised: &[Raised],
    ) -> Vec<Option<Raised>> {
        match target {
            Target::Rule(rule) if observation.rules.contains(&rule) => vec![None],
            Target::Rule(_) => Vec::new(),
            Target::Correlation(child) => {
                raised.iter().filter(|one| one.correlation == child).cloned().map(Some).collect()
            }
        }
    }

    fn field(
        &self,
        occurrence: &Option<Raised>,
        observation: &Observation<'_>,
        name: &str,
    ) -> Option<String> {
        let Some(raised) = occurrence else { return (observation.field)(name) };
        let names = &self.prepared[raised.correlation].of.group_by;
        let at = names.iter().position(|known| known.value == name)?;
        raised.group.get(at).cloned()
    }
}

/// What ids and names lead to; the first document that has one keeps it.
fn targets(collection: &Collection) -> HashMap<&str, Target> {
    let rules = collection.rules.iter().enumerate();
    let rules = rules.map(|(at, rule)| (&rule.meta, Target::Rule(at)));
    let correlations = collection.correlations.iter().enumerate();
    let correlations = correlations.map(|(at, own)| (&own.meta, Target::Correlation(at)));
    let mut targets = HashMap::new();
    for (meta, target) in rules.chain(correlations) {
        for key in [&meta.id, &meta.name].into_iter().flatten() {
            targets.entry(key.as_str()).or_insert(target);
        }
    }
    targets
}

/// The field that a name in `group-by` means for a listed rule.
fn aliased(
    of: &Correlation,
    name: &str,
    target: Target,
    targets: &HashMap<&str, Target>,
) -> String {
    let alias = of.aliases.iter().find(|(alias, _)| alias == name);
    let fields = alias.map_or(&[][..], |(_, fields)| fields);
    let own = fields.iter().find(|(rule, _)| targets.get(rule.as_str()) == Some(&target));
    own.map_or_else(|| name.to_owned(), |(_, field)| field.value.clone())
}

/// Children first.
fn order(prepared: &[Prepared<'_>]) -> Result<Vec<usize>, String> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < prepared.len() {
        let is_ready = |at: &usize| {
            !order.contains(at)
                && prepared[*at].sources.iter().all(|source| match source.target {
                    Target::Rule(_) => true,
                    Target::Correlation(child) => order.contains(&child),
                })
        };
        let next = (0..prepared.len()).find(is_ready);
        order.push(next.ok_or("correlations lead back to themselves")?);
    }
    Ok(order)
}
