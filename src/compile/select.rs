//! Which predicates the index reports. Only speed depends on it: what is not indexed is evaluated
//! when a rule asks.
//!
//! The tables of a field are asked about every text of the field, so a table must earn that: it
//! exists if a rule waits for one of its predicates (its pivot), or if it spares rules long lists
//! of tests. In a table that exists, every predicate that rarely holds costs nothing more; one that
//! often holds would be found and reported again and again for nobody.

use super::frequency::Frequencies;
use super::index::{Key, key_of};
use super::ir::{Ir, KEYWORDS, PredicateKey, Test};
use super::pivot::{self, Pivot, Wait};
use crate::ruleset::hash::GRAM;
use std::collections::{BTreeMap, BTreeSet};

/// The share of events from which on a predicate is only reported if a rule waits for it.
const COMMON: f64 = 0.04;

/// A list of alternatives of this length is looked up rather than tried one by one, apart from
/// alternatives that hold more often than this: those would be reported for rules that nobody asks.
const LONG_LIST: usize = 6;
const COMMON_IN_LIST: f64 = 0.2;

/// The same for networks. With a table every address is read; without one, only if a rule asks, once,
/// and comparing it with a network takes few instructions. Most lists are exceptions of rules that
/// rarely ask.
const LONG_LIST_OF_NETWORKS: usize = 256;

/// What a rule that waits for a field only counts as, where others count as the share of events that
/// they are expected to meet: so much that it is the last choice. Most events may have the field, and
/// the rule's condition then has to be evaluated without help from the index.
const PRESENCE: f64 = 50.0;

/// What a table of short literals costs, in rules met for each event that has its field.
const SHORT_TABLE: f64 = 0.25;

/// What the index reports, and what each rule waits for.
pub struct Selection {
    /// For each predicate, whether it is indexed.
    pub indexed: Vec<bool>,
    /// For each rule, of what at least one is so whenever the rule matches; `None` if there is no
    /// such set.
    pub waits: Vec<Option<Vec<Wait>>>,
}

/// One table of a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Anchored,
    Short,
    Ascii,
    Other,
    Network,
}

/// The table of a key; `None` for a single byte, which is in nearly every text.
fn kind_of(key: &Key) -> Option<Kind> {
    let texts = match key {
        Key::Anywhere(texts) => texts,
        Key::Network(_) => return Some(Kind::Network),
        Key::Exact(_) | Key::Prefix(_) | Key::Suffix(_) => return Some(Kind::Anchored),
    };
    match texts.iter().map(Vec::len).min().unwrap_or(0) {
        0 | 1 => None,
        len if len < GRAM => Some(Kind::Short),
        _ if texts.iter().any(|text| text.is_ascii()) => Some(Kind::Ascii),
        _ => Some(Kind::Other),
    }
}

/// Whether a beginning or end is so short that most texts of a field may have it, while a look-up
/// of its length is made for each.
fn is_slight(key: &Key) -> bool {
    matches!(key, Key::Prefix(text) | Key::Suffix(text) if text.len() < 4)
}

/// What is known about a predicate that can be indexed.
#[derive(Clone, Copy)]
struct Known {
    kind: Kind,
    /// Whether a table that exists takes it in for nothing.
    plain: bool,
    share: f64,
}

/// Chooses what the `rules` wait for and what is indexed.
pub fn select(
    predicates: &[PredicateKey],
    rules: &[&Ir],
    frequencies: &Frequencies<'_>,
) -> Selection {
    let known: Vec<Option<Known>> = predicates
        .iter()
        .map(|predicate| {
            let key = key_of(predicate)?;
            let kind = kind_of(&key)?;
            let plain = !matches!(kind, Kind::Short | Kind::Network) && !is_slight(&key);
            Some(Known { kind, plain, share: frequencies.predicate(predicate) })
        })
        .collect();
    let wait_of = |id: u32, without: Option<u32>| {
        let PredicateKey { field, test } = &predicates[id as usize];
        match known[id as usize] {
            Some(Known { kind: Kind::Short, .. }) if without == Some(*field) => {
                Some((Wait::Presence(*field), PRESENCE))
            }
            // Tables that every text is looked up in must earn that.
            Some(Known { plain: true, share, .. }) => Some((Wait::Report(id), share)),
            Some(Known { share, .. }) if *field == KEYWORDS || share * 4.0 < PRESENCE => {
                Some((Wait::Report(id), share * 4.0))
            }
            _ if *field == KEYWORDS || *test == Test::Null => None,
            _ => Some((Wait::Presence(*field), PRESENCE)),
        }
    };
    let choose = |ir: &Ir, without| pivot::choose(ir, &|id| wait_of(id, without));
    let mut pivots: Vec<Option<Pivot>> = rules.iter().map(|ir| choose(ir, None)).collect();
    // A table of short literals has every byte of its field looked at; a few rules that seldom meet an
    // event anyway may as well wait for something else.
    let is_short = |wait: &Wait| match wait {
        Wait::Report(id) => known[*id as usize].is_some_and(|known| known.kind == Kind::Short),
        Wait::Presence(_) => false,
    };
    let mut by_field: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (rule, pivot) in pivots.iter().enumerate() {
        for wait in pivot.iter().flat_map(|pivot| &pivot.waits).filter(|wait| is_short(wait)) {
            if let Wait::Report(id) = wait {
                by_field.entry(predicates[*id as usize].field).or_default().insert(rule);
            }
        }
    }
    for (field, rules_of) in by_field.into_iter().filter(|(field, _)| *field != KEYWORDS) {
        let others: Vec<(usize, Option<Pivot>)> =
            rules_of.into_iter().map(|rule| (rule, choose(rules[rule], Some(field)))).collect();
        let cost = |pivot: &Option<Pivot>| pivot.as_ref().map_or(f64::INFINITY, |pivot| pivot.cost);
        let more: f64 = others.iter().map(|(rule, other)| cost(other) - cost(&pivots[*rule])).sum();
        if more < SHORT_TABLE {
            others.into_iter().for_each(|(rule, other)| pivots[rule] = other);
        }
    }

    let mut indexed = vec![false; predicates.len()];
    let mut tables: BTreeSet<(u32, Kind)> = BTreeSet::new();
    let mut keep = |id: u32, tables: &mut BTreeSet<(u32, Kind)>| {
        if let Some(Known { kind, .. }) = known[id as usize] {
            indexed[id as usize] = true;
            tables.insert((predicates[id as usize].field, kind));
        }
    };
    for wait in pivots.iter().flatten().flat_map(|pivot| &pivot.waits) {
        if let Wait::Report(id) = wait {
            keep(*id, &mut tables);
        }
    }
    // A table of networks finds all for the price of one.
    let is_free =
        |known: &Known| known.kind == Kind::Network || known.plain && known.share < COMMON;
    for ir in rules {
        let mut lists: BTreeMap<(u32, Kind), Vec<u32>> = BTreeMap::new();
        long_lists(ir, &mut |members| {
            lists.clear();
            for id in members {
                if let Some(known) = known[*id as usize]
                    && (known.kind == Kind::Network || known.plain && known.share < COMMON_IN_LIST)
                {
                    let table = (predicates[*id as usize].field, known.kind);
                    lists.entry(table).or_default().push(*id);
                }
            }
            for ((_, kind), list) in &lists {
                let long = if *kind == Kind::Network { LONG_LIST_OF_NETWORKS } else { LONG_LIST };
                if list.len() >= long {
                    list.iter().for_each(|id| keep(*id, &mut tables));
                }
            }
        });
    }
    for (id, known) in known.iter().enumerate() {
        if let Some(known) = known
            && is_free(known)
            && tables.contains(&(predicates[id].field, known.kind))
        {
            indexed[id] = true;
        }
    }
    let waits = pivots.into_iter().map(|pivot| pivot.map(|pivot| pivot.waits)).collect();
    Selection { indexed, waits }
}

/// Shows the predicates of every list of alternatives.
fn long_lists(ir: &Ir, show: &mut dyn FnMut(&[u32])) {
    match ir {
        Ir::Or(parts) => {
            let members: Vec<u32> = parts
                .iter()
                .filter_map(|part| if let Ir::Predicate(id) = part { Some(*id) } else { None })
                .collect();
            if members.len() >= LONG_LIST {
                show(&members);
            }
            parts.iter().for_each(|part| long_lists(part, show));
        }
        Ir::And(parts) | Ir::AtLeast(_, parts) => {
            parts.iter().for_each(|part| long_lists(part, show));
        }
        Ir::Not(part) => long_lists(part, show),
        Ir::Predicate(_) | Ir::True | Ir::False => {}
    }
}
