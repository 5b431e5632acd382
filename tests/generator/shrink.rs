//! Makes a failing input small: drops parts as long as it keeps failing.

use super::event::Ev;
use super::rule::Rule;
use std::ops::Range;

/// The smallest rules and event found that still fail.
pub fn shrink(
    mut rules: Vec<Rule>,
    mut event: Ev,
    fails: &mut dyn FnMut(&[Rule], &Ev) -> bool,
) -> (Vec<Rule>, Ev) {
    // One rule on its own is tried first: most failures need no other.
    if let Some(rule) = rules.iter().find(|rule| fails(std::slice::from_ref(rule), &event)) {
        rules = vec![rule.clone()];
    }
    loop {
        let fewer = without(rules.len()).map(|gone| {
            let mut rules = rules.clone();
            rules.drain(gone);
            rules
        });
        let simpler = rules.iter().enumerate().flat_map(|(at, rule)| {
            let rules = rules.clone();
            simpler_rules(rule).into_iter().map(move |rule| {
                let mut rules = rules.clone();
                rules[at] = rule;
                rules
            })
        });
        if let Some(smaller) = fewer.chain(simpler).find(|rules| fails(rules, &event)) {
            rules = smaller;
            continue;
        }
        match simpler_values(&event).into_iter().find(|event| fails(&rules, event)) {
            Some(smaller) => event = smaller,
            None => return (rules, event),
        }
    }
}

/// What can be left out of a list of `len` elements: a half of a long one, or one element.
fn without(len: usize) -> impl Iterator<Item = Range<usize>> {
    let halves = [0..len / 2, len / 2..len];
    let ones = (0..len).filter(move |_| len > 1).map(|at| at..at + 1);
    halves.into_iter().filter(move |_| len > 8).chain(ones)
}

fn simpler_rules(rule: &Rule) -> Vec<Rule> {
    let mut out = Vec::new();
    if rule.filter.is_some() {
        out.push(Rule { filter: None, ..rule.clone() });
    }
    if rule.searches.len() > 1 || rule.conditions.len() > 1 {
        for search in &rule.searches {
            for not in ["", "not "] {
                out.push(Rule {
                    searches: vec![search.clone()],
                    conditions: vec![format!("{not}{}", search.name)],
                    ..rule.clone()
                });
            }
        }
    }
    for (at, search) in rule.searches.iter().enumerate() {
        let with = |maps| {
            let mut rule = rule.clone();
            rule.searches[at].maps = maps;
            rule
        };
        for (index, items) in search.maps.iter().enumerate() {
            let replaced = |items| {
                let mut maps = search.maps.clone();
                maps[index] = items;
                maps
            };
            if search.maps.len() > 1 {
                out.push(with(vec![items.clone()]));
            }
            for (place, item) in items.iter().enumerate() {
                if items.len() > 1 {
                    out.push(with(replaced(vec![item.clone()])));
                }
                for gone in without(item.values.len()) {
                    let mut item = item.clone();
                    item.values.drain(gone);
                    let mut items = items.clone();
                    items[place] = item;
                    out.push(with(replaced(items)));
                }
            }
        }
    }
    out
}

fn simpler_values(value: &Ev) -> Vec<Ev> {
    match value {
        Ev::Object(entries) => {
            let mut out = Vec::new();
            for at in 0..entries.len() {
                let mut fewer = entries.clone();
                fewer.remove(at);
                out.push(Ev::Object(fewer));
            }
            for (at, (_, value)) in entries.iter().enumerate() {
                for simpler in simpler_values(value) {
                    let mut entries = entries.clone();
                    entries[at].1 = simpler;
                    out.push(Ev::Object(entries));
                }
            }
            out
        }
        Ev::Array(elements) => {
            let mut out = Vec::new();
            for at in 0..elements.len() {
                let mut fewer = elements.clone();
                fewer.remove(at);
                out.push(Ev::Array(fewer));
            }
            for (at, value) in elements.iter().enumerate() {
                for simpler in simpler_values(value) {
                    let mut elements = elements.clone();
                    elements[at] = simpler;
                    out.push(Ev::Array(elements));
                }
            }
            out
        }
        Ev::Str(bytes) if !bytes.is_empty() => {
            let half = bytes.len() / 2;
            let mut out = vec![Ev::Str(bytes[half..].to_vec()), Ev::Str(bytes[..half].to_vec())];
            for at in 0..bytes.len() {
                let mut fewer = bytes.clone();
                fewer.remove(at);
                out.push(Ev::Str(fewer));
            }
            out.retain(|candidate| candidate != value);
            out
        }
        _ => Vec::new(),
    }
}
