//! A condition as the cases in which it holds: each is a list of items that must all hold.
//!
//! What a condition forbids is left out, so a case asks for less than the condition does: a case
//! that cannot hold shows that the condition cannot hold that way, never the other way round.

use crate::rule::ast::{Detection, Expr, Item, NamedSearch, Quantifier, Search, Target};
use std::collections::BTreeSet;

/// More cases than this are not looked at.
const MOST: usize = 512;

/// A way to satisfy a condition.
pub type Case<'a> = Vec<&'a Item>;

/// The cases in which a detection holds; `None`: too many.
pub fn holding(detection: &Detection) -> Option<Vec<Case<'_>>> {
    any_of(detection.conditions.iter().map(|condition| expr(&condition.expr, true, detection)))
}

/// The cases in which a detection does not hold; `None`: too many.
pub fn failing(detection: &Detection) -> Option<Vec<Case<'_>>> {
    all_of(detection.conditions.iter().map(|condition| expr(&condition.expr, false, detection)))
}

/// The searches that a detection only forbids: where one of them holds, nothing is reported that it
/// would report otherwise.
pub fn forbidden(detection: &Detection) -> Vec<&NamedSearch> {
    let (mut wanted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for condition in &detection.conditions {
        mark(&condition.expr, true, detection, &mut wanted, &mut refused);
    }
    let is_forbidden = |search: &&NamedSearch| {
        refused.contains(search.name.as_str()) && !wanted.contains(search.name.as_str())
    };
    detection.searches.iter().filter(is_forbidden).collect()
}

fn mark<'a>(
    part: &'a Expr,
    is_wanted: bool,
    detection: &'a Detection,
    wanted: &mut BTreeSet<&'a str>,
    refused: &mut BTreeSet<&'a str>,
) {
    match part {
        Expr::Not(part) => mark(part, !is_wanted, detection, wanted, refused),
        Expr::And(parts) | Expr::Or(parts) => {
            parts.iter().for_each(|part| mark(part, is_wanted, detection, wanted, refused));
        }
        Expr::Search(name) => {
            (if is_wanted { wanted } else { refused }).insert(name);
        }
        Expr::Of(_, target) => {
            let names = detection.searches.iter().map(|search| search.name.as_str());
            let chosen = names.filter(|name| selects(target, name));
            (if is_wanted { wanted } else { refused }).extend(chosen);
        }
    }
}

fn expr<'a>(part: &'a Expr, wanted: bool, detection: &'a Detection) -> Option<Vec<Case<'a>>> {
    let below = |parts: &'a [Expr]| -> Vec<Option<Vec<Case<'a>>>> {
        parts.iter().map(|part| expr(part, wanted, detection)).collect()
    };
    match part {
        Expr::Not(part) => expr(part, !wanted, detection),
        Expr::And(parts) if wanted => all_of(below(parts).into_iter()),
        Expr::And(parts) => any_of(below(parts).into_iter()),
        Expr::Or(parts) if wanted => any_of(below(parts).into_iter()),
        Expr::Or(parts) => all_of(below(parts).into_iter()),
        // Whatever is forbidden asks for nothing.
        Expr::Search(_) | Expr::Of(..) if !wanted => Some(vec![Vec::new()]),
        Expr::Search(name) => of_search(&detection.search(name)?.body),
        Expr::Of(quantifier, target) => {
            let chosen = detection.searches.iter().filter(|search| selects(target, &search.name));
            let cases = chosen.map(|chosen| of_search(&chosen.body));
            match quantifier {
                Quantifier::All => all_of(cases),
                Quantifier::AtLeast(1) => any_of(cases),
                Quantifier::AtLeast(_) => Some(vec![Vec::new()]),
            }
        }
    }
}

/// The cases in which a search holds; `None`: too many.
pub fn of_search(body: &Search) -> Option<Vec<Case<'_>>> {
    match body {
        Search::All(items) => Some(vec![items.iter().collect()]),
        Search::Any(parts) => any_of(parts.iter().map(of_search)),
    }
}

fn any_of<'a>(parts: impl Iterator<Item = Option<Vec<Case<'a>>>>) -> Option<Vec<Case<'a>>> {
    let mut cases = Vec::new();
    for part in parts {
        cases.extend(part?);
        if cases.len() > MOST {
            return None;
        }
    }
    Some(cases)
}

fn all_of<'a>(parts: impl Iterator<Item = Option<Vec<Case<'a>>>>) -> Option<Vec<Case<'a>>> {
    let mut cases = vec![Vec::new()];
    for part in parts {
        let part = part?;
        if cases.len() * part.len() > MOST {
            return None;
        }
        let joined = |case: &Case<'a>| -> Vec<Case<'a>> {
            part.iter().map(|more| case.iter().chain(more).copied().collect()).collect()
        };
        cases = cases.iter().flat_map(joined).collect();
    }
    Some(cases)
}

/// Whether a selector means the identifier `name`.
pub fn selects(target: &Target, name: &str) -> bool {
    let Target::Pattern(pattern) = target else { return !name.starts_with('_') };
    if name.starts_with('_') && !pattern.starts_with('_') {
        return false;
    }
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name.strip_prefix(first).and_then(|name| name.strip_suffix(last)) else {
        return false;
    };
    for piece in middle.split('*') {
        match name.find(piece) {
            Some(at) => name = &name[at + piece.len()..],
            None => return false,
        }
    }
    true
}
