//! A rule and the filters that apply to it, as one condition over predicates.

use super::bounds;
use super::ir::Ir;
use super::item::{self, Context, LoweredItem};
use crate::limits;
use crate::rule::ast::{
    Detection, Expr, Filter, FilterRules, LogSource, Pos, Quantifier, Rule, Search, Target,
};
use std::collections::BTreeMap;

/// A rule with its meaning.
pub struct LoweredRule {
    /// The condition, filters included.
    pub ir: Ir,
    /// Selections that the condition names, for `explain`.
    pub selections: Vec<LoweredSelection>,
}

/// A selection with its items kept apart.
pub struct LoweredSelection {
    /// Its name; `filter/NAME` if it comes from a filter.
    pub name: String,
    /// Line of its name.
    pub line: u32,
    /// The whole selection.
    pub ir: Ir,
    /// Its items in the author's order, nested lists flattened.
    pub items: Vec<SelectionItem>,
}

/// An item as `explain` shows it.
pub struct SelectionItem {
    /// `field|modifier|...`
    pub key: String,
    /// Line of its key.
    pub line: u32,
    /// Meaning.
    pub lowered: LoweredItem,
}

/// Where and why a rule could not be lowered.
pub struct LowerError {
    /// Place of the item.
    pub pos: Pos,
    /// What is wrong.
    pub message: String,
}

/// Lowers a rule with the filters of `filters` that apply to it.
///
/// # Errors
/// What the front end should have refused, or a limit.
pub fn lower(
    rule: &Rule,
    filters: &[&Filter],
    context: &mut Context<'_>,
) -> Result<LoweredRule, LowerError> {
    let pos = rule.meta.place.pos;
    let mut selections = Vec::new();
    let mut parts = vec![detection(&rule.detection, "", pos, context, &mut selections)?];
    for filter in filters.iter().filter(|filter| applies(filter, rule)) {
        let detected = &filter.detection;
        parts.push(detection(detected, "filter/", pos, context, &mut selections)?);
    }
    if context.fields.names().len() > limits::FIELDS {
        let most = limits::FIELDS;
        let message = format!(
            "the rules up to this one name more than {most} fields: compile several rule sets"
        );
        return Err(LowerError { pos, message });
    }
    Ok(LoweredRule { ir: Ir::and(parts), selections })
}

/// Whether a filter is about a rule: it lists the rule by id or name (or all), and every
/// attribute of its log source is the rule's.
pub fn applies(filter: &Filter, rule: &Rule) -> bool {
    let listed = match &filter.rules {
        FilterRules::Any => true,
        FilterRules::Listed(references) => references.iter().any(|reference| {
            let reference = Some(&reference.value);
            reference == rule.meta.id.as_ref() || reference == rule.meta.name.as_ref()
        }),
    };
    let same = |get: fn(&LogSource) -> &Option<String>| {
        get(&filter.logsource).is_none() || get(&filter.logsource) == get(&rule.logsource)
    };
    listed && same(|l| &l.product) && same(|l| &l.category) && same(|l| &l.service)
}

/// Lowers a detection of the rule at `pos`.
fn detection(
    detection: &Detection,
    prefix: &str,
    pos: Pos,
    context: &mut Context<'_>,
    selections: &mut Vec<LoweredSelection>,
) -> Result<Ir, LowerError> {
    let failed = |message| LowerError { pos, message };
    context.sum.expect(detection).map_err(failed)?;
    let mut lowered: BTreeMap<&str, Ir> = BTreeMap::new();
    for search in &detection.searches {
        if !detection.conditions.iter().any(|c| names(&c.expr, &search.name)) {
            continue;
        }
        let mut items = Vec::new();
        let ir = body(&search.body, context, &mut items)?;
        lowered.insert(&search.name, ir.clone());
        selections.push(LoweredSelection {
            name: format!("{prefix}{}", search.name),
            line: search.pos.line,
            ir,
            items,
        });
    }
    let sizes = lowered.iter().map(|(name, ir)| (*name, bounds::tests(ir))).collect();
    let tests = detection.conditions.iter().map(|c| tests(&c.expr, &sizes));
    context.sum.add_tests(tests.fold(0, u64::saturating_add)).map_err(failed)?;
    Ok(Ir::or(detection.conditions.iter().map(|c| expression(&c.expr, &lowered))))
}

fn body(
    part: &Search,
    context: &mut Context<'_>,
    items: &mut Vec<SelectionItem>,
) -> Result<Ir, LowerError> {
    match part {
        Search::All(list) => {
            let mut parts = Vec::with_capacity(list.len());
            for item in list {
                let lowered = item::lower(item, context)
                    .map_err(|message| LowerError { pos: item.pos, message })?;
                parts.push(lowered.ir.clone());
                let mut key = item.field.clone().unwrap_or_default();
                for modifier in &item.modifiers {
                    key.push('|');
                    key.push_str(&modifier.value);
                }
                if key.is_empty() {
                    key.push_str("keywords");
                }
                items.push(SelectionItem { key, line: item.pos.line, lowered });
            }
            Ok(Ir::and(parts))
        }
        Search::Any(list) => {
            let mut parts = Vec::with_capacity(list.len());
            for part in list {
                parts.push(body(part, context, items)?);
            }
            Ok(Ir::or(parts))
        }
    }
}

/// Whether an expression means the identifier `name`.
fn names(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().any(|part| names(part, name)),
        Expr::Not(part) => names(part, name),
        Expr::Search(search) => search == name,
        Expr::Of(_, target) => selects(target, name),
    }
}

fn selects(target: &Target, name: &str) -> bool {
    match target {
        Target::Them => !name.starts_with('_'),
        Target::Pattern(pattern) => {
            (pattern.starts_with('_') || !name.starts_with('_')) && matches_star(pattern, name)
        }
    }
}

/// Whether `name` matches a pattern whose only wildcard is `*`.
fn matches_star(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Tests of an expression, if searches have these.
fn tests(expr: &Expr, searches: &BTreeMap<&str, u64>) -> u64 {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => {
            parts.iter().map(|part| tests(part, searches)).fold(0, u64::saturating_add)
        }
        Expr::Not(part) => tests(part, searches),
        Expr::Search(name) => searches.get(name.as_str()).copied().unwrap_or(1),
        Expr::Of(_, target) => {
            let selected = searches.iter().filter(|(name, _)| selects(target, name));
            selected.map(|(_, tests)| *tests).fold(0, u64::saturating_add)
        }
    }
}

fn expression(expr: &Expr, searches: &BTreeMap<&str, Ir>) -> Ir {
    match expr {
        Expr::Or(parts) => Ir::or(parts.iter().map(|part| expression(part, searches))),
        Expr::And(parts) => Ir::and(parts.iter().map(|part| expression(part, searches))),
        Expr::Not(part) => Ir::negate(expression(part, searches)),
        Expr::Search(name) => searches.get(name.as_str()).cloned().unwrap_or(Ir::False),
        Expr::Of(quantifier, target) => {
            let selected: Vec<Ir> = searches
                .iter()
                .filter(|(name, _)| selects(target, name))
                .map(|(_, ir)| ir.clone())
                .collect();
            if selected.is_empty() {
                return Ir::False;
            }
            match quantifier {
                Quantifier::All => Ir::and(selected),
                Quantifier::AtLeast(count) => Ir::at_least(*count, selected),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_whole_names() {
        for (pattern, name, expected) in [
            ("sel*", "selection", true),
            ("sel*", "xsel", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("sel", "sel", true),
            ("sel", "sel1", false),
            ("*", "anything", true),
        ] {
            assert_eq!(matches_star(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!selects(&Target::Pattern("*".to_owned()), "_hidden"));
        assert!(selects(&Target::Pattern("_*".to_owned()), "_hidden"));
        assert!(!selects(&Target::Them, "_hidden"));
    }
}
