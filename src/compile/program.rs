//! Conditions as programs: tests with two forward jumps.

use super::ir::Ir;
use crate::ruleset::tables::{Instruction, op};
use foldhash::HashMap;

/// Writes programs and collects the groups they use.
pub struct Programs<'a> {
    /// Whether the index reports a predicate.
    pub is_indexed: &'a dyn Fn(u32) -> bool,
    /// What a lazy predicate costs to evaluate, in no particular unit.
    pub cost: &'a dyn Fn(u32) -> u32,
    /// Groups by their sorted members.
    pub groups: HashMap<Vec<u32>, u32>,
    /// Members by group.
    pub members: Vec<Vec<u32>>,
}

/// From how many indexed predicates on an OR-list becomes a group: one test instead of many.
const GROUP_FROM: usize = 3;

/// Where a test goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Accept,
    Reject,
    Label(usize),
}

struct Emitter {
    code: Vec<(u32, u32, Target, Target)>,
    labels: Vec<usize>,
}

impl Emitter {
    fn label(&mut self) -> Target {
        self.labels.push(usize::MAX);
        Target::Label(self.labels.len() - 1)
    }

    fn place(&mut self, target: Target) {
        if let Target::Label(label) = target {
            self.labels[label] = self.code.len();
        }
    }
}

impl Programs<'_> {
    /// Appends the program of `ir` to `out`; returns where it begins.
    pub fn emit(&mut self, ir: &Ir, out: &mut Vec<Instruction>) -> u32 {
        let mut emitter = Emitter { code: Vec::new(), labels: Vec::new() };
        match ir {
            Ir::True => return op::ACCEPT,
            Ir::False => return op::REJECT,
            _ => self.condition(ir, Target::Accept, Target::Reject, &mut emitter),
        }
        let base = out.len() as u32;
        let resolve = |target| match target {
            Target::Accept => op::ACCEPT,
            Target::Reject => op::REJECT,
            Target::Label(label) => base + emitter.labels[label] as u32,
        };
        for &(op, a, yes, no) in &emitter.code {
            out.push(Instruction { op, a, yes: resolve(yes), no: resolve(no) });
        }
        base
    }

    fn condition(&mut self, ir: &Ir, yes: Target, no: Target, e: &mut Emitter) {
        match ir {
            Ir::Predicate(id) => {
                let op = if (self.is_indexed)(*id) { op::INDEXED } else { op::LAZY };
                e.code.push((op, *id, yes, no));
            }
            Ir::Not(part) => self.condition(part, no, yes, e),
            Ir::And(parts) => self.sequence(parts, false, yes, no, e),
            Ir::Or(parts) => {
                let (mut indexed, rest): (Vec<&Ir>, Vec<&Ir>) = parts
                    .iter()
                    .partition(|p| matches!(p, Ir::Predicate(id) if (self.is_indexed)(*id)));
                if indexed.len() < GROUP_FROM {
                    self.sequence(parts, true, yes, no, e);
                    return;
                }
                let mut members: Vec<u32> = indexed
                    .drain(..)
                    .filter_map(|p| if let Ir::Predicate(id) = p { Some(*id) } else { None })
                    .collect();
                members.sort_unstable();
                members.dedup();
                let group = self.group(members);
                if rest.is_empty() {
                    e.code.push((op::GROUP, group, yes, no));
                } else {
                    let next = e.label();
                    e.code.push((op::GROUP, group, yes, next));
                    e.place(next);
                    let rest: Vec<Ir> = rest.into_iter().cloned().collect();
                    self.sequence(&rest, true, yes, no, e);
                }
            }
            Ir::AtLeast(count, parts) => {
                // One counter is enough: the parts are selections, which hold no condition.
                let start = e.label();
                e.code.push((op::RESET, 0, start, start));
                e.place(start);
                for part in parts {
                    let (held, next) = (e.label(), e.label());
                    self.condition(part, held, next, e);
                    e.place(held);
                    e.code.push((op::COUNT, 0, next, next));
                    e.place(next);
                }
                e.code.push((op::AT_LEAST, *count, yes, no));
            }
            Ir::True | Ir::False => {
                // `Ir::and` and `Ir::or` leave constants only at the top.
                let target = if *ir == Ir::True { yes } else { no };
                e.code.push((op::RESET, 0, target, target));
            }
        }
    }

    /// All of `parts`, or any of them: cheap tests first.
    fn sequence(&mut self, parts: &[Ir], any: bool, yes: Target, no: Target, e: &mut Emitter) {
        let mut ordered: Vec<(u32, &Ir)> =
            parts.iter().map(|part| (self.weight(part), part)).collect();
        ordered.sort_by_key(|&(weight, _)| weight);
        let last = ordered.len() - 1;
        for (index, (_, part)) in ordered.into_iter().enumerate() {
            if index == last {
                self.condition(part, yes, no, e);
            } else {
                let next = e.label();
                let (y, n) = if any { (yes, next) } else { (next, no) };
                self.condition(part, y, n, e);
                e.place(next);
            }
        }
    }

    fn weight(&self, ir: &Ir) -> u32 {
        match ir {
            Ir::True | Ir::False => 0,
            Ir::Predicate(id) if (self.is_indexed)(*id) => 1,
            Ir::Predicate(id) => (self.cost)(*id),
            Ir::Not(part) => self.weight(part),
            Ir::Or(parts) | Ir::And(parts) | Ir::AtLeast(_, parts) => {
                parts.iter().map(|part| self.weight(part)).fold(1, u32::saturating_add)
            }
        }
    }

    fn group(&mut self, members: Vec<u32>) -> u32 {
        if let Some(&id) = self.groups.get(&members) {
            return id;
        }
        let id = self.members.len() as u32;
        self.members.push(members.clone());
        self.groups.insert(members, id);
        id
    }
}
