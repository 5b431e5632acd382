//! Correlations that are never raised, or by every single event.
//!
//! What refuses a correlation, such as a rule that is not there, is the loader's to say.

use super::fields::{Known, known};
use super::finding;
use crate::rule::ast::{
    Collection, Comparison, Correlation, CorrelationCondition, CorrelationKind, Pos, Rule,
};
use crate::rule::descriptor::Descriptor;
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};
use std::collections::{BTreeMap, BTreeSet};

/// `correlation-no-group`, `correlation-unknown-field`, `correlation-single-event`,
/// `correlation-never`.
pub fn lint(collection: &Collection, sources: &[Descriptor], found: &mut Vec<Diagnostic>) {
    let documents = Documents::of(collection);
    for correlation in &collection.correlations {
        fields(correlation, &documents, sources, found);
        threshold(correlation, found);
        if correlation.group_by.is_empty() {
            found.push(finding(
                Severity::Warning,
                "correlation-no-group",
                &correlation.meta,
                correlation.condition_pos,
                "without `group-by` the events of all accounts, hosts and addresses count together",
                "add `group-by:` with the fields that tell apart what belongs together",
            ));
        }
    }
}

/// What references lead to.
struct Documents<'a> {
    rules: BTreeMap<&'a str, &'a Rule>,
    correlations: BTreeMap<&'a str, &'a Correlation>,
}

impl<'a> Documents<'a> {
    fn of(collection: &'a Collection) -> Documents<'a> {
        let keys = |id: &'a Option<String>, name: &'a Option<String>| {
            [id, name].into_iter().flatten().map(String::as_str)
        };
        let rules = collection.rules.iter();
        let rules =
            rules.flat_map(|rule| keys(&rule.meta.id, &rule.meta.name).map(move |k| (k, rule)));
        let own = collection.correlations.iter();
        let own = own.flat_map(|own| keys(&own.meta.id, &own.meta.name).map(move |k| (k, own)));
        Documents { rules: rules.collect(), correlations: own.collect() }
    }
}

/// Fields that a listed rule's events do not have, or that a listed correlation does not group by:
/// its events are not counted, or their values are not.
fn fields(
    of: &Correlation,
    documents: &Documents<'_>,
    sources: &[Descriptor],
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeSet<(Pos, &str)> = BTreeSet::new();
    for listed in &of.rules {
        // What each name means for this rule.
        let mut names: Vec<(&str, Pos)> = Vec::new();
        for name in &of.group_by {
            let alias = of.aliases.iter().find(|(alias, _)| *alias == name.value);
            let own = alias.and_then(|(_, fields)| {
                fields.iter().find(|(rule, _)| same_document(rule, &listed.value, documents))
            });
            let field = own.map_or(name, |(_, field)| field);
            names.push((field.value.as_str(), field.pos));
        }
        names.extend(of.fields().iter().map(|field| (field.value.as_str(), field.pos)));
        for (name, pos) in names {
            let (message, help) = if let Some(child) = documents.correlations.get(&*listed.value) {
                let known = || child.group_by.iter().map(|name| name.value.as_str());
                if known().any(|known| known == name) {
                    continue;
                }
                let suggestion = did_you_mean(similar(name, known()));
                let title = quoted(&child.meta.title);
                let message = format!(
                    "the correlation {title} does not group by {}, and has no other field{suggestion}",
                    quoted(name)
                );
                (message, format!("add it to the `group-by` of {title}, or name one of those"))
            } else if let Some(rule) = documents.rules.get(&*listed.value) {
                // Whether a field that nobody listed is there, only all that there is can say.
                let Some(Known { names, paths, is_all: true }) = known(&rule.logsource, sources)
                else {
                    continue;
                };
                if name.contains('.') || names.contains(name) || paths.contains(name) {
                    continue;
                }
                let suggestion = did_you_mean(similar(name, names.iter().copied()));
                let message = format!(
                    "events of the rule {} have no field {}{suggestion}",
                    quoted(&rule.meta.title),
                    quoted(name)
                );
                let names: Vec<&str> = names.into_iter().collect();
                (message, format!("the fields are {}", names.join(", ")))
            } else {
                continue;
            };
            if seen.insert((pos, name)) {
                let (severity, code) = (Severity::Warning, "correlation-unknown-field");
                found.push(finding(severity, code, &of.meta, pos, message, help));
            }
        }
    }
}

fn same_document(a: &str, b: &str, documents: &Documents<'_>) -> bool {
    let same_rule = match (documents.rules.get(a), documents.rules.get(b)) {
        (Some(a), Some(b)) => std::ptr::eq(*a, *b),
        _ => false,
    };
    let same_correlation = match (documents.correlations.get(a), documents.correlations.get(b)) {
        (Some(a), Some(b)) => std::ptr::eq(*a, *b),
        _ => false,
    };
    a == b || same_rule || same_correlation
}

/// Conditions that one event meets, and conditions that nothing does.
fn threshold(of: &Correlation, found: &mut Vec<Diagnostic>) {
    // The numbers that occur, as far as they are known.
    let rules = u32::try_from(of.rules.len()).unwrap_or(u32::MAX);
    let most = match of.kind {
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered => Some(rules),
        CorrelationKind::EventCount | CorrelationKind::ValueCount => None,
        // Values may be any number.
        _ => return,
    };
    let every = [(Comparison::Gte, f64::from(rules))];
    let tests: &[(Comparison, f64)] = match &of.condition {
        CorrelationCondition::Compare { tests, .. } => tests,
        CorrelationCondition::Default => &every,
        CorrelationCondition::Expression(_) => return,
    };
    let holds =
        |number: f64| tests.iter().all(|(operator, limit)| meets(*operator, number, *limit));
    let mut add = |code, message: &str, help: &str| {
        let pos = of.condition_pos;
        found.push(finding(Severity::Warning, code, &of.meta, pos, message, help));
    };
    if holds(1.0) {
        let message = "one event is enough: nothing is correlated";
        add("correlation-single-event", message, "ask for more than one, such as `gte: 2`");
    } else if !reachable(&holds, tests, most) {
        let (message, help) = match most {
            Some(_) => (
                "more rules must occur than are listed: the correlation is never raised",
                "write a smaller number, or list the other rules",
            ),
            None => (
                "no number fits the condition: the correlation is never raised",
                "the first number of a range is the smaller one: `gte: 5`, `lt: 10`",
            ),
        };
        add("correlation-never", message, help);
    }
}

/// Whether a number from 2 on fits, where the numbers beside the limits decide.
fn reachable(holds: &dyn Fn(f64) -> bool, tests: &[(Comparison, f64)], most: Option<u32>) -> bool {
    let around = tests
        .iter()
        .flat_map(|(_, limit)| [limit.floor() - 1.0, limit.floor(), limit.floor() + 1.0]);
    around.chain([2.0]).any(|number| {
        number >= 2.0 && most.is_none_or(|most| number <= f64::from(most)) && holds(number)
    })
}

fn meets(operator: Comparison, number: f64, limit: f64) -> bool {
    match operator {
        Comparison::Gt => number > limit,
        Comparison::Gte => number >= limit,
        Comparison::Lt => number < limit,
        Comparison::Lte => number <= limit,
        Comparison::Eq => number == limit,
        Comparison::Neq => number != limit,
    }
}
