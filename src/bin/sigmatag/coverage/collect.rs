//! What rules cover, counted.

use super::tags::{self, Group};
use crate::rules::{self, Read};
use crate::test::files::Suite;
use sigmatag::attack::{self, TACTICS, Version};
use sigmatag::rule::ast::{Correlation, Item, Level, LogSource, Metadata, Rule, Scalar, Search};
use sigmatag::rule::descriptor::{ConditionalLogsource, Descriptor};
use sigmatag::rule_test::{Case, Expected};
use std::collections::{BTreeMap, BTreeSet};

/// Everything.
pub struct Coverage {
    /// The names that are used.
    pub version: Version,
    /// The sources that some rule can be about: name and title.
    pub sources: Vec<(String, String)>,
    /// Rules and correlations, by level and title.
    pub rows: Vec<Row>,
    /// What stands under each tactic, in the order of the matrix; those without a rule as well.
    pub tactics: Vec<TacticRow>,
}

/// One rule or correlation.
pub struct Row {
    /// `rule` or `correlation`.
    pub kind: &'static str,
    pub title: String,
    pub id: Option<String>,
    pub level: Option<Level>,
    /// `product/category/service`; empty for correlations.
    pub logsource: String,
    pub file: String,
    pub groups: Vec<Group>,
    /// Cases that must match, and cases that must not; of correlations, streams.
    pub tests: (usize, usize),
    /// For each of [`Coverage::sources`].
    pub cells: Vec<Cell>,
}

/// Whether a source's events can be what a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// They are something else.
    Other,
    /// They can, but lack these fields.
    Lacks(Vec<String>),
    /// They can.
    Covered,
}

/// A tactic with its techniques.
pub struct TacticRow {
    pub id: &'static str,
    pub name: &'static str,
    pub rules: usize,
    /// Number, and how many rules.
    pub techniques: BTreeMap<String, usize>,
}

impl Row {
    /// All techniques, each once.
    pub fn techniques(&self) -> BTreeSet<&String> {
        self.groups.iter().flat_map(|group| &group.techniques).collect()
    }

    fn tactics(&self) -> BTreeSet<&String> {
        self.groups.iter().flat_map(|group| &group.tactics).collect()
    }

    /// How many tests there are.
    pub fn test_count(&self) -> usize {
        self.tests.0 + self.tests.1
    }
}

impl Coverage {
    /// All techniques with the rules that have them.
    pub fn techniques(&self) -> BTreeMap<&String, Vec<&Row>> {
        let mut all: BTreeMap<&String, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            for id in row.techniques() {
                all.entry(id).or_default().push(row);
            }
        }
        all
    }

    /// Rules and correlations of each level, the highest first; `None`: without a level.
    pub fn levels(&self) -> Vec<(Option<Level>, usize)> {
        let levels = Level::ALL.into_iter().rev().map(Some).chain([None]);
        let count = |level| self.rows.iter().filter(|row| row.level == level).count();
        levels.map(|level| (level, count(level))).filter(|(_, number)| *number > 0).collect()
    }

    /// Rows of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }
}

/// Counts.
pub fn coverage(read: &Read, suites: &[Suite], version: Version) -> Coverage {
    let collection = &read.collection;
    let fits = |source: &&Descriptor| collection.rules.iter().any(|rule| is_about(rule, source));
    let sources: Vec<&Descriptor> = read.sources.iter().filter(fits).collect();
    let suite = |meta: &Metadata| suites.iter().find(|suite| suite.of == *meta.place.file);
    let mut rows: Vec<Row> = Vec::new();
    for rule in &collection.rules {
        let in_file = |other: &&Rule| other.meta.place.file == rule.meta.place.file;
        let is_only = collection.rules.iter().filter(in_file).count() == 1;
        let cases = suite(&rule.meta).and_then(|suite| suite.cases.as_deref());
        let LogSource { product, category, service } = &rule.logsource;
        let parts = [product, category, service].map(|part| part.as_deref().unwrap_or_default());
        rows.push(Row {
            logsource: parts.join("/"),
            tests: cases_of(&rule.meta, is_only, cases.unwrap_or_default()),
            cells: sources.iter().map(|source| cell(rule, source)).collect(),
            ..row("rule", &rule.meta, version)
        });
    }
    for own in &collection.correlations {
        let in_file = |file: &str| file == &*own.meta.place.file;
        let others = collection.correlations.iter().filter(|own| in_file(&own.meta.place.file));
        let is_only = others.count() == 1;
        let streams = suite(&own.meta).map_or(&[][..], |suite| &suite.streams);
        let is_meant = |named: &Option<String>| match named {
            Some(named) => own.meta.id.as_ref() == Some(named) || own.meta.title == *named,
            None => is_only,
        };
        let meant = streams.iter().filter(|stream| is_meant(&stream.correlation));
        let (raised, not): (Vec<_>, Vec<_>) = meant.partition(|stream| !stream.raised.is_empty());
        let bases: Vec<&Rule> =
            rules::bases(collection, own).into_iter().map(|at| &collection.rules[at]).collect();
        rows.push(Row {
            tests: (raised.len(), not.len()),
            cells: sources.iter().map(|source| correlated(own, &bases, source)).collect(),
            ..row("correlation", &own.meta, version)
        });
    }
    rows.sort_by(|a, b| (b.level, &a.title).cmp(&(a.level, &b.title)));
    let tactics = tactics(&rows, version);
    let sources = sources.iter().map(|source| (source.name.clone(), source.title.clone()));
    Coverage { version, sources: sources.collect(), rows, tactics }
}

fn row(kind: &'static str, meta: &Metadata, version: Version) -> Row {
    Row {
        kind,
        title: meta.title.clone(),
        id: meta.id.clone(),
        level: meta.level,
        logsource: String::new(),
        file: meta.place.file.to_string(),
        groups: tags::groups(&meta.tags, version),
        tests: (0, 0),
        cells: Vec::new(),
    }
}

fn cases_of(meta: &Metadata, is_only: bool, cases: &[Case]) -> (usize, usize) {
    let mut counts = (0, 0);
    for case in cases {
        let Expected::Match { matches, rule } = &case.expected else { continue };
        let is_meant = match rule {
            Some(named) => meta.id.as_ref() == Some(named) || meta.title == *named,
            None => is_only,
        };
        if is_meant && *matches {
            counts.0 += 1;
        } else if is_meant {
            counts.1 += 1;
        }
    }
    counts
}

/// The tactics of the version, each with what stands under it.
fn tactics(rows: &[Row], version: Version) -> Vec<TacticRow> {
    let mut all = Vec::new();
    for tactic in TACTICS {
        let (id, mut name, mut short) = (tactic.id, tactic.name, tactic.short);
        if version == Version::V18 {
            match short {
                "stealth" => (name, short) = ("Defense Evasion", "defense-evasion"),
                "defense-impairment" => continue,
                _ => {}
            }
        }
        let is_own = |group: &&Group| group.tactics.iter().any(|tactic| tactic == short);
        let rules = rows.iter().filter(|row| row.tactics().iter().any(|own| *own == short));
        let mut techniques: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let own = row.groups.iter().filter(is_own).flat_map(|group| &group.techniques);
            for id in own.collect::<BTreeSet<_>>() {
                *techniques.entry(id.clone()).or_default() += 1;
            }
        }
        all.push(TacticRow { id, name, rules: rules.count(), techniques });
    }
    all
}

/// Whether a source's events can be what a rule is about: every attribute that the rule sets is that
/// of one of the source's log sources.
fn is_about(rule: &Rule, source: &Descriptor) -> bool {
    source.logsources.iter().any(|own| rule.logsource.is_part_of(&own.logsource))
}

fn cell(rule: &Rule, source: &Descriptor) -> Cell {
    if !is_about(rule, source) {
        return Cell::Other;
    }
    let mut named = Vec::new();
    for search in &rule.detection.searches {
        fields(&search.body, &mut |field| named.push(field.to_owned()));
    }
    lacking(named, source)
}

/// A correlation needs the events of all its rules, and in them the fields that it counts by.
fn correlated(own: &Correlation, bases: &[&Rule], source: &Descriptor) -> Cell {
    let mut all: BTreeSet<String> = BTreeSet::new();
    let is_alias = |name: &str| own.aliases.iter().any(|(alias, _)| alias == name);
    let counted = own.group_by.iter().chain(own.fields()).map(|field| &field.value);
    let aliased = own.aliases.iter().flat_map(|(_, fields)| fields).map(|(_, field)| &field.value);
    let counted = counted.filter(|name| !is_alias(name)).chain(aliased).cloned().collect();
    let cells = bases.iter().map(|rule| cell(rule, source));
    for cell in cells.chain([lacking(counted, source)]) {
        match cell {
            Cell::Other => return Cell::Other,
            Cell::Lacks(fields) => all.extend(fields),
            Cell::Covered => {}
        }
    }
    if all.is_empty() { Cell::Covered } else { Cell::Lacks(all.into_iter().collect()) }
}

/// What a source does not have of these fields, where it names all that there are.
fn lacking(fields: Vec<String>, source: &Descriptor) -> Cell {
    // Lifted members, and what agents add to events that are no database's, have names that nobody
    // listed.
    let is_database =
        |own: &ConditionalLogsource| own.logsource.category.as_deref() == Some("database");
    let is_closed = source.lifts.is_empty() && source.logsources.iter().any(is_database);
    let names = source.names();
    let is_lacking =
        |field: &String| is_closed && !field.contains('.') && !names.contains(field.as_str());
    let lacking: BTreeSet<String> = fields.into_iter().filter(is_lacking).collect();
    if lacking.is_empty() { Cell::Covered } else { Cell::Lacks(lacking.into_iter().collect()) }
}

fn fields(search: &Search, see: &mut dyn FnMut(&str)) {
    let of_item = |item: &Item, see: &mut dyn FnMut(&str)| {
        if let Some(field) = &item.field {
            see(field);
        }
        for value in item.values.iter().filter(|_| item.has("fieldref")) {
            if let Scalar::Str(name) = &value.value {
                see(name);
            }
        }
    };
    match search {
        Search::All(items) => items.iter().for_each(|item| of_item(item, &mut *see)),
        Search::Any(parts) => parts.iter().for_each(|part| fields(part, &mut *see)),
    }
}

/// A technique's name for people, `T1505.003 Web Shell`.
pub fn named(id: &str) -> String {
    attack::name(id).map_or_else(|| id.to_owned(), |name| format!("{id} {name}"))
}
