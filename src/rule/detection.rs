//! `detection` and `filter`: search identifiers and conditions.

use super::ast::{Condition, Detection, NamedSearch, Scalar, Search, Spanned};
use super::condition::{self, Names};
use super::diagnostic::{Mark, Report, quoted};
use super::document::Context;
use super::item;
use super::yaml::{Entry, Kind, Node};
use crate::limits;

/// Whose body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Rule,
    /// Has `rules` beside the searches and exactly one condition.
    Filter,
}

impl Owner {
    fn key(self) -> &'static str {
        match self {
            Owner::Rule => "detection",
            Owner::Filter => "filter",
        }
    }
}

/// Reads the map under `detection` or `filter`. Everything wrong with it is reported; `None` if
/// nothing usable is left.
pub(super) fn read(
    entry: &Entry<'_>,
    owner: Owner,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Detection> {
    let key = owner.key();
    let Kind::Map(entries) = &entry.value.kind else {
        let message = format!("`{key}` is {}, not a map", entry.value.what());
        report
            .error("detection-not-map", entry.key_mark, message)
            .help("write search identifiers and a `condition` below it");
        return None;
    };
    let mut searches = Vec::new();
    // Names of broken searches count as known, so that one mistake gives one message.
    let mut names: Vec<&str> = Vec::new();
    let mut condition = None;
    for entry in entries {
        match &*entry.key.text {
            "condition" => condition = Some(entry),
            "rules" if owner == Owner::Filter => {}
            "timeframe" => {
                report
                    .warn("timeframe-ignored", entry.key_mark, "`timeframe` has no effect")
                    .help("write a correlation with `timespan`, or remove the line");
            }
            name => {
                names.push(name);
                check_name(name, entry.key_mark, report);
                if let Some(body) = search(name, &entry.value, entry.key_mark, context, report) {
                    let pos = entry.key_mark.pos;
                    searches.push(NamedSearch { name: name.to_owned(), pos, body });
                }
            }
        }
    }
    if names.is_empty() {
        report
            .error("no-selection", entry.key_mark, format!("`{key}` has no search identifier"))
            .help("add one, such as `selection:` with `field: value` below it");
    }
    if names.len() > limits::SEARCHES {
        let message = format!(
            "`{key}` has {} search identifiers, more than {}",
            names.len(),
            limits::SEARCHES
        );
        report.error("too-many-searches", entry.key_mark, message).help("split the rule");
        return None;
    }
    let Some(condition) = condition else {
        report
            .error("no-condition", entry.key_mark, format!("`{key}` has no `condition`"))
            .help("add `condition: selection`");
        return None;
    };
    let conditions = conditions(condition, owner, &names, context, report);
    (!searches.is_empty() && !conditions.is_empty()).then_some(Detection { searches, conditions })
}

fn check_name(name: &str, mark: Mark, report: &mut Report) {
    if !condition::is_identifier(name) {
        report
            .warn(
                "search-name",
                mark,
                format!("only a pattern can reach the identifier {}", quoted(name)),
            )
            .help("use letters, digits, `_` and `-`, and none of the words `and`, `or`, `not`");
    }
}

fn search(
    name: &str,
    node: &Node<'_>,
    mark: Mark,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Search> {
    let empty = |report: &mut Report, what: &str| {
        report
            .error("empty-search", mark, format!("the identifier {} is {what}", quoted(name)))
            .help("write `field: value` lines, or a list of keywords, below it");
        None
    };
    match &node.kind {
        Kind::Scalar(_) if node.is_null() => empty(report, "empty"),
        Kind::Scalar(_) => {
            let item = item::keywords(std::slice::from_ref(node), false, node.mark, report)?;
            Some(Search::All(vec![item]))
        }
        Kind::Map(entries) if entries.is_empty() => empty(report, "an empty map"),
        Kind::List(nodes) if nodes.is_empty() => empty(report, "an empty list"),
        Kind::Map(entries) => item::all_of(entries, context, report),
        Kind::List(nodes) if nodes.iter().all(|node| matches!(node.kind, Kind::Scalar(_))) => {
            Some(Search::All(vec![item::keywords(nodes, true, node.mark, report)?]))
        }
        Kind::List(nodes) => {
            let members: Vec<Option<Search>> =
                nodes.iter().map(|node| member(node, context, report)).collect();
            members.into_iter().collect::<Option<Vec<Search>>>().map(Search::Any)
        }
    }
}

/// An element of a list that is not all scalars.
fn member(node: &Node<'_>, context: &Context<'_>, report: &mut Report) -> Option<Search> {
    match &node.kind {
        Kind::Scalar(_) => {
            let item = item::keywords(std::slice::from_ref(node), false, node.mark, report)?;
            Some(Search::All(vec![item]))
        }
        Kind::Map(entries) if entries.is_empty() => {
            report
                .error("empty-search", node.mark, "an empty map in a list would match everything")
                .help("remove it, or write `field: value` lines");
            None
        }
        Kind::Map(entries) => item::all_of(entries, context, report),
        Kind::List(_) => {
            report
                .error("nested-list", node.mark, "a list directly within a list")
                .help("write its elements in the outer list");
            None
        }
    }
}

fn conditions(
    entry: &Entry<'_>,
    owner: Owner,
    names: &[&str],
    context: &Context<'_>,
    report: &mut Report,
) -> Vec<Condition> {
    let node = &entry.value;
    match &node.kind {
        Kind::Scalar(_) => {
            condition(node, names, Names::Searches, context, report).into_iter().collect()
        }
        Kind::List(_) if owner == Owner::Filter => {
            report
                .error(
                    "filter-condition-list",
                    entry.key_mark,
                    "a filter has one condition, not a list",
                )
                .help("write one text, such as `condition: not selection`");
            Vec::new()
        }
        Kind::List(nodes) if nodes.is_empty() => {
            report
                .error("no-condition", entry.key_mark, "the list of conditions is empty")
                .help("add `condition: selection`");
            Vec::new()
        }
        Kind::List(nodes) if nodes.len() > limits::CONDITIONS => {
            let message = format!("more than {} conditions", limits::CONDITIONS);
            report.error("condition-limit", entry.key_mark, message).help("join them with `or`");
            Vec::new()
        }
        Kind::List(nodes) if together(nodes) > limits::CONDITION_BYTES => {
            let message = format!(
                "the conditions together are longer than {} bytes",
                limits::CONDITION_BYTES
            );
            report.error("condition-limit", entry.key_mark, message).help("split the rule");
            Vec::new()
        }
        Kind::List(nodes) => nodes
            .iter()
            .filter_map(|node| condition(node, names, Names::Searches, context, report))
            .collect(),
        Kind::Map(_) => {
            report
                .error("condition-type", entry.key_mark, "`condition` is a map, not text")
                .help("write an expression over the search identifiers");
            Vec::new()
        }
    }
}

/// Bytes of a list of conditions.
fn together(nodes: &[Node<'_>]) -> usize {
    let text = |node: &Node<'_>| match &node.kind {
        Kind::Scalar(scalar) => scalar.text.len(),
        _ => 0,
    };
    nodes.iter().map(text).sum()
}

/// Parses one condition and reports every problem at its own column.
pub(super) fn condition(
    node: &Node<'_>,
    names: &[&str],
    meaning: Names,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Condition> {
    let Kind::Scalar(scalar) = &node.kind else {
        report
            .error(
                "condition-type",
                node.mark,
                format!("a condition is text, this is {}", node.what()),
            )
            .help("write an expression over the search identifiers");
        return None;
    };
    let text = if scalar.is_null() { "" } else { &*scalar.text };
    let (expr, problems) = condition::parse(text, names, meaning);
    for problem in problems {
        if report.is_full() {
            break;
        }
        let mark = scalar.locate(&context.source, node.mark, problem.offset, problem.length);
        if problem.severity == super::diagnostic::Severity::Error {
            report.error(problem.code, mark, problem.message).help = problem.help;
        } else {
            report.warn(problem.code, mark, problem.message).help = problem.help;
        }
    }
    Some(Condition { text: text.to_owned(), pos: node.mark.pos, expr: expr? })
}

/// A keyword or value with its place.
pub(super) fn spanned(value: Scalar, mark: Mark) -> Spanned<Scalar> {
    Spanned { value, pos: mark.pos }
}
