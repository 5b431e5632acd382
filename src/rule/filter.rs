//! Filter documents: which rules, which selections, one condition.

use super::ast::{Expr, Filter, FilterRules, Metadata, Spanned};
use super::detection::{self, Owner};
use super::diagnostic::{Mark, Report};
use super::document::Context;
use super::metadata;
use super::yaml::{Entry, Kind, Node};

/// Reads the filter of a document that has the key `filter`.
pub(super) fn read(
    root: &Node<'_>,
    meta: Metadata,
    mark: Mark,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Filter> {
    let logsource = metadata::logsource(root, mark, report);
    let entry = root.entry("filter")?;
    let detection = detection::read(entry, Owner::Filter, context, report);
    if !matches!(entry.value.kind, Kind::Map(_)) {
        return None;
    }
    let rules = rules(entry, report)?;
    let detection = detection?;
    if !detection.conditions.iter().any(|condition| passes_others(&condition.expr)) {
        let mark = entry.value.get("condition").map_or(entry.key_mark, |node| node.mark);
        report
            .warn("filter-without-not", mark, "this filter keeps only the events that it selects")
            .help("write `condition: not selection` to exclude them");
    }
    Some(Filter { meta, logsource: logsource?.0, rules, detection })
}

/// Whether the condition holds for an event that no search selects, as that of an exclusion does.
/// The depth of expressions is capped.
fn passes_others(expr: &Expr) -> bool {
    match expr {
        Expr::Not(part) => !passes_others(part),
        Expr::And(parts) => parts.iter().all(passes_others),
        Expr::Or(parts) => parts.iter().any(passes_others),
        Expr::Search(_) | Expr::Of(..) => false,
    }
}

fn rules(filter: &Entry<'_>, report: &mut Report) -> Option<FilterRules> {
    let help = "add `rules:` with a list of ids or names, or `rules: any`";
    let Some(entry) = filter.value.entry("rules").filter(|entry| !entry.value.is_null()) else {
        report.error("filter-rules", filter.key_mark, "`filter` has no `rules`").help(help);
        return None;
    };
    match &entry.value.kind {
        Kind::Scalar(text) if text.text == "any" => Some(FilterRules::Any),
        Kind::List(nodes) if nodes.is_empty() => Some(FilterRules::Any),
        Kind::Scalar(_) | Kind::List(_) => {
            references(entry, "filter-rules", report).map(FilterRules::Listed)
        }
        Kind::Map(_) => {
            report.error("filter-rules", entry.key_mark, "`rules` is a map, not a list").help(help);
            None
        }
    }
}

/// Ids or names: a list, or one alone.
pub(super) fn references(
    entry: &Entry<'_>,
    code: &'static str,
    report: &mut Report,
) -> Option<Vec<Spanned<String>>> {
    let single = std::slice::from_ref(&entry.value);
    let nodes = match &entry.value.kind {
        Kind::List(nodes) => nodes.as_slice(),
        _ => single,
    };
    let before = report.errors();
    let mut references = Vec::with_capacity(nodes.len());
    for node in nodes {
        match &node.kind {
            Kind::Scalar(text) if !text.is_null() && !text.text.is_empty() => {
                references
                    .push(Spanned { value: text.text.clone().into_owned(), pos: node.mark.pos });
            }
            _ => {
                let message = format!("a rule is listed by id or name, this is {}", node.what());
                report.error(code, node.mark, message).help("write the id or the name");
            }
        }
    }
    (report.errors() == before).then_some(references)
}
