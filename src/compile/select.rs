//! Which predicates the index reports. Only speed depends on it: what is not indexed is evaluated
//! when a rule asks.
//!
//! The tables of a field are asked about every text of the field, so a table must earn that: it
//! exists if a rule waits for one of its predicates (its pivot), or if it spares rules long lists
//! of tests. In a table that exists, every predicate that rarely holds costs nothing more; one that
//! often holds would be found and reported again and again for nobody.

use super::frequency::Frequencies;
use super::index::{Key, key_of};
use super::ir::{Ir, PredicateKey};
use super::pivot::{self, Pivot};
use std::collections::{BTreeMap, BTreeSet};

/// The share of events from which on a predicate is only reported if a rule waits for it.
const COMMON: f64 = 0.04;

/// A list of alternatives of this length is looked up rather than tried one by one.
const LONG_LIST: usize = 6;

/// What the index reports, and what each rule waits for.
pub struct Selection {
    /// For each predicate, whether it is indexed.
    pub indexed: Vec<bool>,
    /// For each rule, predicates of which at least one holds whenever the rule matches; `None`
    /// if there is no such set.
    pub pivots: Vec<Option<Vec<u32>>>,
}

/// One table of a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Ascii,
    Other,
}

/// The table of a key; `None` for literals that are in nearly every text.
fn kind_of(key: &Key) -> Option<Kind> {
    Some(match key {
        Key::Exact(_) => Kind::Exact,
        Key::Prefix(_) => Kind::Prefix,
        Key::Suffix(_) => Kind::Suffix,
        Key::Anywhere(texts) => {
            let ascii = || texts.iter().filter(|text| text.is_ascii());
            if ascii().any(|text| text.len() < 3) {
                return None;
            }
            if ascii().next().is_some() { Kind::Ascii } else { Kind::Other }
        }
    })
}

/// Whether a beginning or end is so short that most texts of a field may have it, while a look-up
/// of its length is made for each.
fn is_slight(key: &Key) -> bool {
    matches!(key, Key::Prefix(text) | Key::Suffix(text) if text.len() < 4)
}

/// Whether a literal of three bytes is looked for: every gram that it begins is in the filter, and
/// no stride can be taken.
fn is_triple(key: &Key) -> bool {
    matches!(key, Key::Anywhere(texts) if texts.iter().any(|text| text.len() == 3))
}

/// Chooses the pivots of `rules` and what is indexed.
pub fn select(
    predicates: &[PredicateKey],
    rules: &[&Ir],
    frequencies: &Frequencies<'_>,
) -> Selection {
    let known: Vec<Option<(Kind, bool, f64)>> = predicates
        .iter()
        .map(|predicate| {
            let key = key_of(predicate)?;
            let plain = !is_triple(&key) && !is_slight(&key);
            Some((kind_of(&key)?, plain, frequencies.predicate(predicate)))
        })
        .collect();
    let cost = |id: u32| {
        let (_, plain, share) = known[id as usize]?;
        Some(if plain { share } else { share * 4.0 })
    };
    let pivots: Vec<Option<Pivot>> = rules.iter().map(|ir| pivot::choose(ir, &cost)).collect();

    let mut indexed = vec![false; predicates.len()];
    let mut tables: BTreeSet<(u32, Kind)> = BTreeSet::new();
    let mut keep = |id: u32, tables: &mut BTreeSet<(u32, Kind)>| {
        if let Some((kind, _, _)) = known[id as usize] {
            indexed[id as usize] = true;
            tables.insert((predicates[id as usize].field, kind));
        }
    };
    for pivot in pivots.iter().flatten() {
        pivot.predicates.iter().for_each(|id| keep(*id, &mut tables));
    }
    for ir in rules {
        let mut lists: BTreeMap<(u32, Kind), Vec<u32>> = BTreeMap::new();
        long_lists(ir, &mut |members| {
            lists.clear();
            for id in members {
                if let Some((kind, true, _)) = known[*id as usize] {
                    let table = (predicates[*id as usize].field, kind);
                    lists.entry(table).or_default().push(*id);
                }
            }
            for list in lists.values().filter(|list| list.len() >= LONG_LIST) {
                list.iter().for_each(|id| keep(*id, &mut tables));
            }
        });
    }
    for (id, known) in known.iter().enumerate() {
        if let Some((kind, true, share)) = known
            && *share < COMMON
            && tables.contains(&(predicates[id].field, *kind))
        {
            indexed[id] = true;
        }
    }
    let pivots = pivots.into_iter().map(|pivot| pivot.map(|pivot| pivot.predicates)).collect();
    Selection { indexed, pivots }
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
