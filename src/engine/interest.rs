//! What of the index the rules of a route ask for.
//!
//! An event concerns the rules of its log sources only, and these read some fields and look for
//! some keywords. Fields that none of them reads are not looked up at all, and keywords, which are
//! looked for in every text of an event, get a filter of their own: a few long literals are found
//! at a stride, where all keywords of a rule set would have every byte looked at.

use crate::event::number;
use crate::ruleset::hash::{STRIDES, gram_filter, longest_stride};
use crate::ruleset::tables::{Entry, FieldIndex, Predicate, Slot, Table, Tables, op};

/// A filter of grams that is not in the file.
pub(super) struct RoutedFilter {
    /// Its words, see [`gram_filter`], or none if there is nothing to look for.
    pub words: Vec<u32>,
    /// The step between grams.
    pub stride: u32,
    /// Whether literals of two and three bytes are looked for.
    pub shorts: bool,
    /// Whether what is looked for may be in the text of a number or boolean.
    pub numbers: bool,
}

/// What the admitted rules ask the index for.
pub(super) struct Interest {
    /// What is done with each field, and with keywords.
    fields: Vec<Doing>,
    /// Admitted rules that wait for nothing.
    pub open: Vec<u32>,
    /// The ASCII keywords of admitted rules.
    pub keywords: RoutedFilter,
}

/// What is done with a field of an event.
#[derive(Clone, Copy, Default)]
pub(super) struct Doing(u8);

impl Doing {
    /// The index is asked about the field's values.
    const LOOKED_UP: u8 = 1;
    /// A rule waits for the field to be there.
    const WAITED_FOR: u8 = 2;
    /// The index has nothing but whole texts.
    const WHOLE: u8 = 4;

    /// Whether anything is done with it.
    #[inline]
    pub fn is_anything(self) -> bool {
        self.0 != 0
    }

    /// Whether the index is asked about its values.
    #[inline]
    pub fn looks_up(self) -> bool {
        self.0 & Self::LOOKED_UP != 0
    }

    /// Whether only whole texts are looked for.
    #[inline]
    pub fn looks_up_whole(self) -> bool {
        self.0 & Self::WHOLE != 0
    }

    /// Whether a rule waits for it to be there.
    #[inline]
    pub fn waits(self) -> bool {
        self.0 & Self::WAITED_FOR != 0
    }
}

impl Interest {
    /// The interest of the rules that `admits` says. Takes time in proportion to the rule set: once
    /// per route, not per event.
    pub fn new(tables: &Tables, admits: impl Fn(u32) -> bool) -> Interest {
        let asked = asked(tables, &admits);
        let mut fields = vec![Doing::default(); tables.fields.len() + 1];
        for (predicate, _) in tables.predicates.iter().zip(&asked).filter(|(_, asked)| **asked) {
            fields[predicate.field as usize].0 |= Doing::LOOKED_UP;
        }
        for (field, (doing, index)) in (0..).zip(fields.iter_mut().zip(&tables.indexes)) {
            if tables.waiting(field).iter().any(|rule| admits(*rule)) {
                doing.0 |= Doing::WAITED_FOR;
            }
            if doing.looks_up() && index.has_only_whole_texts() {
                doing.0 |= Doing::WHOLE;
            }
        }
        let open = tables.open_rules.iter().copied().filter(|rule| admits(*rule)).collect();
        Interest { fields, open, keywords: keywords(tables, &asked) }
    }

    /// What is done with a field, or with keywords, whose number is that of the fields.
    #[inline]
    pub fn of(&self, field: u32) -> Doing {
        self.fields[field as usize]
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
    for (id, asked) in (0..).zip(&mut asked) {
        let (groups_of, rules_of) = tables.linked(id);
        *asked = *asked
            || groups_of.iter().any(|group| groups[*group as usize])
            || rules_of.iter().any(|rule| admits(*rule));
    }
    asked
}

fn keywords(tables: &Tables, asked: &[bool]) -> RoutedFilter {
    let FieldIndex { ascii: index, numbers, .. } = &tables.indexes[tables.fields.len()];
    let mut filter =
        RoutedFilter { words: Vec::new(), stride: STRIDES[0], shorts: false, numbers: false };
    let is_asked = |entry: &Entry| asked[entry.predicate as usize];
    let mut keys = Vec::new();
    for slot in slots(tables, index.grams) {
        let mut strides = entries(tables, slot)
            .filter(is_asked)
            .map(|entry| stride(&tables.predicates[entry.predicate as usize]));
        let Some(first) = strides.next() else { continue };
        filter.stride = strides.fold(filter.stride.min(first), u32::min);
        keys.push(slot.key);
    }
    if !keys.is_empty() {
        // Sparse: what passes by chance has a text of the event looked at.
        filter.words = gram_filter(&keys, 8);
    }
    let keywords = tables.fields.len() as u32;
    filter.numbers = *numbers != 0
        && tables.predicates.iter().zip(asked).any(|(predicate, asked)| {
            *asked && predicate.field == keywords && may_be_number(tables, predicate)
        });
    filter.shorts =
        slots(tables, index.shorts).any(|slot| entries(tables, slot).any(|entry| is_asked(&entry)));
    filter
}

/// Whether a predicate may hold for the text of a number or boolean. Says yes rather than no.
fn may_be_number(tables: &Tables, predicate: &Predicate) -> bool {
    let needle = predicate.a as usize..(predicate.a + predicate.b) as usize;
    !predicate.is_plain_literal()
        || tables.needles[needle].iter().all(|byte| number::may_have(*byte))
}

/// The slots of a table that are in use.
fn slots(tables: &Tables, table: Table) -> impl Iterator<Item = &Slot> {
    table.of(&tables.slots).iter().filter(|slot| !slot.is_empty())
}

/// The entries of a slot.
fn entries(tables: &Tables, slot: &Slot) -> impl Iterator<Item = Entry> {
    let single = slot.single();
    let several = if single.is_some() { &[] } else { tables.several(slot) };
    single.into_iter().chain(several.iter().copied())
}

/// The stride at which a keyword is met: the compiler gives each as many grams as its length
/// allows. What is not plainly a literal is looked for at every byte: a needle that is compared by
/// case is not folded, and its length says nothing about the literal in the table.
fn stride(predicate: &Predicate) -> u32 {
    if predicate.is_plain_literal() { longest_stride(predicate.b as usize) } else { 1 }
}
