//! Events that look alike, counted together.

use serde_json::{Map, Value, json};
use sigmatag::source::{ListedValue, Listing};
use std::collections::{BTreeMap, BTreeSet};

/// What events have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The source; none: not recognised.
    pub source: Option<String>,
    /// The way to the event in its record; empty: the record itself.
    pub inside: String,
    /// `product/category/service` of each.
    pub logsources: Vec<String>,
    /// Of what is not recognised: the nearest source, and the way to what was compared with it.
    pub nearest: Option<(String, String)>,
}

/// One event and what it is.
pub struct Found {
    /// Where its record is.
    pub place: String,
    /// Its number in the record.
    pub index: u32,
    /// What it is.
    pub kind: Kind,
    /// What the nearest source lacks.
    pub missing: Vec<String>,
    /// Canonical, lifted and derived fields.
    pub fields: Map<String, Value>,
    /// The paths of its values.
    pub paths: BTreeSet<String>,
}

/// The events of a kind.
#[derive(Debug, Default)]
pub struct Group {
    pub events: u64,
    /// Where the first one is.
    pub first: String,
    /// Of what is not recognised: what the nearest source lacks, of the first event.
    pub missing: Vec<String>,
    /// Fields with the number of events that have them, and the first value that is not empty.
    pub fields: BTreeMap<String, (u64, Value)>,
    /// Paths of the events that are no fields of the source; rules can name them too.
    pub paths: BTreeSet<String>,
}

/// Most paths of a kind that are kept: keys may be data.
const MOST_PATHS: usize = 300;

/// Groups in the order in which they appeared.
#[derive(Debug, Default)]
pub struct Groups {
    numbers: BTreeMap<Kind, usize>,
    pub all: Vec<(Kind, Group)>,
    /// Things broken, by source and how.
    pub broken: BTreeMap<(String, &'static str), u64>,
    /// Records that could not be read: place and reason of the first ones, and how many.
    pub unread: Vec<String>,
    pub unread_count: u64,
    pub records: u64,
}

impl Groups {
    /// Counts an event.
    pub fn add(&mut self, kind: Kind, event: &Found) {
        let Found { place, missing, fields, paths, .. } = event;
        let all = &mut self.all;
        let at = *self.numbers.entry(kind.clone()).or_insert_with(|| {
            let (first, missing) = (place.clone(), missing.clone());
            all.push((kind, Group { first, missing, ..Group::default() }));
            all.len() - 1
        });
        let group = &mut all[at].1;
        group.events += 1;
        for (name, value) in fields {
            let (number, example) =
                group.fields.entry(name.clone()).or_insert_with(|| (0, value.clone()));
            *number += 1;
            if example == "" {
                example.clone_from(value);
            }
        }
        for path in paths.iter().filter(|path| !fields.contains_key(*path)) {
            if group.paths.len() < MOST_PATHS {
                group.paths.insert(path.clone());
            }
        }
    }

    /// Events that some source recognised.
    pub fn recognised(&self) -> u64 {
        let known = self.all.iter().filter(|(kind, _)| kind.source.is_some());
        known.map(|(_, group)| group.events).sum()
    }
}

/// The fields of an event as JSON.
pub fn fields(listing: &Listing, is_shown: impl Fn(&str) -> bool) -> Map<String, Value> {
    let shown = listing.fields.iter().filter(|(name, _)| is_shown(name));
    shown
        .map(|(name, values)| {
            let value = match &values[..] {
                [one] => json_value(one),
                several => several.iter().map(json_value).collect(),
            };
            (name.clone(), value)
        })
        .collect()
}

fn json_value(value: &ListedValue) -> Value {
    match value {
        ListedValue::Null | ListedValue::NullElement => Value::Null,
        ListedValue::Bool(value) => json!(value),
        ListedValue::Int(value) => json!(value),
        ListedValue::Uint(value) => json!(value),
        ListedValue::Float(value) => json!(value),
        ListedValue::BigNumber(bytes) | ListedValue::Str(bytes) => {
            json!(String::from_utf8_lossy(bytes))
        }
        ListedValue::Object => json!({}),
        ListedValue::EmptyArray => json!([]),
        ListedValue::Opaque => json!("(extension)"),
    }
}
