//! Searches and conditions.

use super::event::Value;
use super::item::Item;
use crate::rule::ast::{self, Detection, Expr, Placeholders, Quantifier, Target};

/// The searches and conditions of one rule or filter, in a namespace of their own.
#[derive(Debug)]
pub struct Query {
    searches: Vec<(String, Search)>,
    /// One must hold.
    conditions: Vec<Expr>,
}

#[derive(Debug)]
enum Search {
    All(Vec<Item>),
    Any(Vec<Search>),
}

impl Query {
    /// Prepares the body of a rule or filter.
    pub fn new(detection: &Detection, placeholders: &Placeholders) -> Result<Query, String> {
        let mut searches = Vec::new();
        for search in &detection.searches {
            let body = Search::new(&search.body, placeholders)
                .map_err(|error| format!("{}: {error}", search.name))?;
            searches.push((search.name.clone(), body));
        }
        let conditions: Vec<Expr> =
            detection.conditions.iter().map(|condition| condition.expr.clone()).collect();
        let query = Query { searches, conditions };
        for condition in &query.conditions {
            query.check_names(condition)?;
        }
        Ok(query)
    }

    /// Whether one of the conditions holds.
    pub fn holds(&self, event: &Value) -> bool {
        self.conditions.iter().any(|condition| self.evaluate(condition, event))
    }

    fn evaluate(&self, expr: &Expr, event: &Value) -> bool {
        match expr {
            Expr::Or(operands) => operands.iter().any(|operand| self.evaluate(operand, event)),
            Expr::And(operands) => operands.iter().all(|operand| self.evaluate(operand, event)),
            Expr::Not(operand) => !self.evaluate(operand, event),
            Expr::Search(name) => {
                self.searches.iter().any(|(own, search)| own == name && search.holds(event))
            }
            Expr::Of(quantifier, target) => {
                let meant: Vec<&Search> = self
                    .searches
                    .iter()
                    .filter(|(name, _)| means(target, name))
                    .map(|(_, search)| search)
                    .collect();
                let holding = meant.iter().filter(|search| search.holds(event)).count();
                match quantifier {
                    // A selector that means nothing is never satisfied.
                    Quantifier::All => !meant.is_empty() && holding == meant.len(),
                    Quantifier::AtLeast(least) => holding >= *least as usize,
                }
            }
        }
    }

    fn check_names(&self, expr: &Expr) -> Result<(), String> {
        match expr {
            Expr::Or(operands) | Expr::And(operands) => {
                operands.iter().try_for_each(|operand| self.check_names(operand))
            }
            Expr::Not(operand) => self.check_names(operand),
            Expr::Search(name) if self.searches.iter().any(|(own, _)| own == name) => Ok(()),
            Expr::Search(name) => Err(format!("the condition names `{name}`, which is not there")),
            Expr::Of(..) => Ok(()),
        }
    }
}

/// Whether a selector means the search of that name. Names that begin with an underscore are
/// meant only by patterns that do so too.
fn means(target: &Target, name: &str) -> bool {
    match target {
        Target::Them => !name.starts_with('_'),
        Target::Pattern(pattern) => {
            name_matches(pattern, name) && (!name.starts_with('_') || pattern.starts_with('_'))
        }
    }
}

/// `*` stands for any number of characters; everything else for itself.
fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name.strip_prefix(before).is_some_and(|tail| {
            let ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.into_iter().any(|at| name_matches(rest, &tail[at..]))
        }),
    }
}

impl Search {
    fn new(search: &ast::Search, placeholders: &Placeholders) -> Result<Search, String> {
        Ok(match search {
            ast::Search::All(items) => Search::All(
                items
                    .iter()
                    .map(|item| {
                        Item::new(item, placeholders).map_err(|error| {
                            format!("{}: {error}", item.field.as_deref().unwrap_or("keywords"))
                        })
                    })
                    .collect::<Result<_, _>>()?,
            ),
            ast::Search::Any(searches) => Search::Any(
                searches
                    .iter()
                    .map(|search| Search::new(search, placeholders))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    fn holds(&self, event: &Value) -> bool {
        match self {
            Search::All(items) => items.iter().all(|item| item.holds(event)),
            Search::Any(searches) => searches.iter().any(|search| search.holds(event)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        let pattern = |text: &str| Target::Pattern(text.to_owned());
        for (target, name, expected) in [
            (Target::Them, "a", true),
            (Target::Them, "_a", false),
            (pattern("sel"), "sel", true),
            (pattern("sel"), "sel_x", false),
            (pattern("sel*"), "sel", true),
            (pattern("sel*"), "Sel", false),
            (pattern("s*ct*n_*"), "selection_y", true),
            (pattern("*_x"), "filter_x", true),
            (pattern("*_x"), "filter_xx", false),
            (pattern("*"), "_hidden", false),
            (pattern("*hidden"), "_hidden", false),
            (pattern("_*"), "_hidden", true),
            (pattern("_hidden"), "_hidden", true),
            (pattern("a*a"), "a", false),
            (pattern("a?"), "ab", false),
        ] {
            assert_eq!(means(&target, name), expected, "{target:?} on {name}");
        }
    }
}
