//! What of the index the rules of a route ask for.
//!
//! An event concerns the rules of its log sources only, and these read some fields and look for
//! some keywords. Fields that none of them reads are not looked up at all, and keywords, which are
//! looked for in every text of an event, get a filter of their own: a few long literals are found
//! at a stride, where all keywords of a rule set would have every byte looked at.

use crate::ruleset::hash::{STRIDES, gram_filter, longest_stride};
use crate::ruleset::tables::{Predicate, Tables, op};

/// A filter of grams that is not in the file.
pub(super) struct RoutedFilter {
    /// Its words, see [`gram_filter`], or none if there is nothing to look for.
    pub words: Vec<u32>,
    /// The step between grams.
    pub stride: u32,
}

/// What the admitted rules ask the index for.
pub(super) struct Interest {
    /// One bit per field, and one for keywords.
    fields: Vec<u64>,
    /// Admitted rules without a pivot.
    pub open: Vec<u32>,
    /// The ASCII keywords of admitted rules.
    pub keywords: RoutedFilter,
}

impl Interest {
    /// The interest of the rules that `admits` says. Takes time in proportion to the rule set: once
    /// per route, not per event.
    pub fn new(tables: &Tables, admits: impl Fn(u32) -> bool) -> Interest {
        let asked = asked(tables, &admits);
        let mut fields = vec![0; (tables.fields.len() + 1).div_ceil(64)];
        for (predicate, _) in tables.predicates.iter().zip(&asked).filter(|(_, asked)| **asked) {
            fields[predicate.field as usize / 64] |= 1 << (predicate.field % 64);
        }
        let open = tables.open_rules.iter().copied().filter(|rule| admits(*rule)).collect();
        Interest { fields, open, keywords: keywords(tables, &asked) }
    }

    /// Whether a field, or keywords, are asked for.
    #[inline]
    pub fn has(&self, field: u32) -> bool {
        self.fields[field as usize / 64] >> (field % 64) & 1 == 1
    }
}

/// For each predicate, whether the index must report it for an admitted rule.
fn asked(tables: &Tables, admits: &impl Fn(u32) -> bool) -> Vec<bool> {
    let mut asked = vec![false; tables.predicates.len()];
    let mut groups = vec![false; tables.groups as usize];
    let mut seen = vec![false; tables.program.len()];
    let mut next = Vec::new();
    for (number, rule) in (0..).zip(&tables.rules) {
        if !admits(number) {
            continue;
        }
        next.push(rule.program);
        while let Some(at) = next.pop() {
            // Targets that end a program are no places in it.
            let Some(step) = tables.program.get(at as usize) else { continue };
            if std::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            match step.op {
                op::INDEXED => asked[step.a as usize] = true,
                op::GROUP => groups[step.a as usize] = true,
                _ => {}
            }
            next.extend([step.yes, step.no]);
        }
    }
    for (id, asked) in asked.iter_mut().enumerate() {
        let groups_of = tables.group_starts[id] as usize..tables.group_starts[id + 1] as usize;
        let pivots_of = tables.pivot_starts[id] as usize..tables.pivot_starts[id + 1] as usize;
        *asked = *asked
            || tables.group_list[groups_of].iter().any(|group| groups[*group as usize])
            || tables.pivot_rules[pivots_of].iter().any(|rule| admits(*rule));
    }
    asked
}

fn keywords(tables: &Tables, asked: &[bool]) -> RoutedFilter {
    let mut filter = RoutedFilter { words: Vec::new(), stride: STRIDES[0] };
    let table = tables.indexes[tables.fields.len()].ascii.grams;
    if table.is_empty() {
        return filter;
    }
    let slots = &tables.slots[table.start as usize..][..table.mask as usize + 1];
    let mut keys = Vec::new();
    for slot in slots {
        let entries = &tables.entries[slot.first as usize..slot.end as usize];
        let mut strides = entries
            .iter()
            .filter(|entry| asked[entry.predicate as usize])
            .map(|entry| stride(&tables.predicates[entry.predicate as usize]));
        let Some(first) = strides.next() else { continue };
        filter.stride = strides.fold(filter.stride.min(first), u32::min);
        keys.push(slot.key);
    }
    if !keys.is_empty() {
        // Sparse: what passes by chance has a text of the event looked at.
        filter.words = gram_filter(keys, 8);
    }
    filter
}

/// The stride at which a keyword is met: the compiler gives each as many grams as its length
/// allows. What is not plainly a literal is looked for at every byte: a needle that is compared by
/// case is not folded, and its length says nothing about the literal in the table.
fn stride(predicate: &Predicate) -> u32 {
    if predicate.is_plain_literal() { longest_stride(predicate.b as usize) } else { 1 }
}
