//! One event against all rules.
//!
//! ```text
//! slots --index--> reported predicates --pivots--> candidate rules --programs--> matches
//! ```
//! The index is complete: an indexed predicate that it does not report is false, so programs
//! never evaluate one. Everything else is evaluated when a program first asks and remembered.

use super::interest::{Interest, RoutedFilter};
use super::keywords::WorthALook;
use super::predicate::{self, Work};
use super::route::Route;
use super::scan::scan;
use crate::event::value::Value;
use crate::ruleset::RuleSet;
use crate::ruleset::tables::{FieldIndex, Instruction, Tables, op};
use crate::source::EventView;

/// What is known about predicates, groups and rules in the current event.
///
/// A clock that ticks with every text looked up, and with every event, tells old knowledge from
/// new; nothing is cleared.
pub struct Hits {
    clock: u32,
    /// The clock when the current event began.
    event: u32,
    /// Twice the clock at which the predicate was last decided, one more if it holds.
    predicates: Vec<u32>,
    groups: Vec<u32>,
    rules: Vec<u32>,
    /// Reported predicates in order.
    list: Vec<u32>,
}

impl Hits {
    fn new(tables: &Tables) -> Hits {
        Hits {
            clock: 0,
            event: 0,
            predicates: vec![0; tables.predicates.len()],
            groups: vec![0; tables.groups as usize],
            rules: vec![0; tables.rules.len()],
            list: Vec::with_capacity(256),
        }
    }

    fn begin(&mut self) {
        // Far from the end of the clock: an event has fewer values than bytes.
        if self.clock >= u32::MAX / 4 {
            self.predicates.fill(0);
            self.groups.fill(0);
            self.rules.fill(0);
            self.clock = 0;
        }
        self.clock += 1;
        self.event = self.clock;
        self.list.clear();
    }

    /// Begins another text of the current event.
    #[inline]
    pub fn begin_text(&mut self) {
        self.clock += 1;
    }

    /// Whether the predicate was reported in this event.
    #[inline]
    pub fn has(&self, predicate: u32) -> bool {
        let state = self.predicates[predicate as usize];
        state & 1 == 1 && state / 2 >= self.event
    }

    /// Whether a predicate that looks at whole texts is decided for the current text: it holds
    /// in this event, or was tried on this text.
    #[inline]
    pub fn is_decided(&self, predicate: u32) -> bool {
        let state = self.predicates[predicate as usize];
        state == self.clock * 2 || state & 1 == 1 && state / 2 >= self.event
    }

    /// Reports a predicate.
    #[inline]
    pub fn report(&mut self, predicate: u32) {
        self.predicates[predicate as usize] = self.clock * 2 + 1;
        self.list.push(predicate);
    }

    /// Notes that a predicate does not hold for the current text.
    #[inline]
    pub fn reject(&mut self, predicate: u32) {
        self.predicates[predicate as usize] = self.clock * 2;
    }

    /// What was remembered since the texts were looked up.
    fn known(&self, predicate: u32) -> Option<bool> {
        let state = self.predicates[predicate as usize];
        (state / 2 == self.clock).then_some(state & 1 == 1)
    }

    fn remember(&mut self, predicate: u32, holds: bool) {
        self.predicates[predicate as usize] = self.clock * 2 + u32::from(holds);
    }
}

/// How much of the index is used: everything, or nothing (the oracle of tests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The index reports predicates and pivots choose rules.
    Indexed,
    /// Every rule is evaluated and every predicate on its own. Slow; for comparison.
    Exhaustive,
}

/// All mutable memory of matching one event.
pub struct Matcher {
    hits: Hits,
    work: Work,
    /// Rules that matched, ascending.
    pub matched: Vec<u32>,
    worth: WorthALook,
    mode: Mode,
    /// Predicates by group; filled in exhaustive mode only.
    members: Vec<Vec<u32>>,
}

impl Matcher {
    /// Memory for a rule set.
    pub fn new(rules: &RuleSet, mode: Mode) -> Matcher {
        let mut work = Work::default();
        work.folded.reserve(16 << 10);
        rules.regexes().warm(&mut work.regex);
        let tables = rules.tables();
        let mut members = Vec::new();
        if mode == Mode::Exhaustive {
            members.resize(tables.groups as usize, Vec::new());
            for id in 0..tables.predicates.len() as u32 {
                for &group in range(&tables.group_starts, &tables.group_list, id) {
                    members[group as usize].push(id);
                }
            }
        }
        let matched = Vec::with_capacity(64);
        let worth = WorthALook::default();
        Matcher { hits: Hits::new(tables), work, matched, worth, mode, members }
    }

    /// Matches one event against the rules of its route; `self.matched` holds those that match
    /// afterwards.
    pub(super) fn run(&mut self, rules: &RuleSet, view: &EventView<'_>, route: Option<&Route>) {
        self.matched.clear();
        let Some(route) = route else { return };
        let tables = rules.tables();
        self.hits.begin();
        if self.mode == Mode::Exhaustive {
            self.hits.begin_text();
            self.work.begin();
            for rule in 0..tables.rules.len() as u32 {
                self.consider(rules, rule, view, route);
            }
            return;
        }
        self.look_up(rules, view, &route.interest);
        // From here on the clock stands: what is evaluated lazily is remembered under it.
        self.hits.begin_text();
        self.work.begin();
        let Hits { groups, list, event, .. } = &mut self.hits;
        for &predicate in &*list {
            for &group in range(&tables.group_starts, &tables.group_list, predicate) {
                groups[group as usize] = *event;
            }
        }
        for at in 0..self.hits.list.len() {
            let predicate = self.hits.list[at];
            for &rule in range(&tables.pivot_starts, &tables.pivot_rules, predicate) {
                self.consider(rules, rule, view, route);
            }
        }
        for &rule in &route.interest.open {
            self.consider(rules, rule, view, route);
        }
        self.matched.sort_unstable();
    }

    /// Asks the index of every field that has values and that a rule of the route reads.
    fn look_up(&mut self, rules: &RuleSet, view: &EventView<'_>, interest: &Interest) {
        let tables = rules.tables();
        for field in view.touched() {
            if !interest.has(field) {
                continue;
            }
            let index = &tables.indexes[field as usize];
            for value in view.values(field) {
                self.look_up_value(rules, index, None, value, view);
            }
        }
        if interest.has(tables.fields.len() as u32) {
            self.look_up_keywords(rules, view, &interest.keywords);
        }
    }

    /// Asks the index of keywords about every leaf.
    ///
    /// The texts of an event stand close together in the record, so the record is looked at in one
    /// pass, keys and all; only a leaf in which something was found is looked up by itself. So are
    /// leaves with characters beyond ASCII, which must be folded first.
    fn look_up_keywords(&mut self, rules: &RuleSet, view: &EventView<'_>, filter: &RoutedFilter) {
        let index = &rules.tables().indexes[rules.tables().fields.len()];
        let tables = [index.exact, index.prefixes, index.suffixes];
        let anchored = tables.iter().any(|table| !table.is_empty());
        if index.numbers != 0 || anchored {
            for &leaf in view.leaves() {
                if anchored || !matches!(leaf, Value::Str(_)) {
                    self.look_up_value(rules, index, Some(filter), leaf, view);
                }
            }
        }
        if anchored {
            return;
        }
        let mut worth = std::mem::take(&mut self.worth);
        worth.find(rules.tables(), view, index, filter);
        for leaf in worth.leaves(view) {
            self.look_up_value(rules, index, Some(filter), leaf, view);
        }
        self.worth = worth;
    }

    #[inline]
    fn look_up_value(
        &mut self,
        rules: &RuleSet,
        index: &FieldIndex,
        routed: Option<&RoutedFilter>,
        value: Value,
        view: &EventView<'_>,
    ) {
        let Work { folded, text: buffer, regex, .. } = &mut self.work;
        if index.numbers == 0 && !matches!(value, Value::Str(_) | Value::SqlCode(_)) {
            return;
        }
        if let Some(text) = predicate::text(value, view, buffer) {
            scan(rules, (index, routed), text, folded, &mut self.hits, regex);
        }
    }

    #[inline]
    fn consider(&mut self, rules: &RuleSet, rule: u32, view: &EventView<'_>, route: &Route) {
        let seen = &mut self.hits.rules[rule as usize];
        if *seen == self.hits.event || !route.admits(rule) {
            return;
        }
        *seen = self.hits.event;
        let tables = rules.tables();
        let start = tables.rules[rule as usize].program;
        if self.execute(rules, &tables.program, start, view) {
            self.matched.push(rule);
        }
    }

    /// Runs a program: jumps only go forward, so it ends.
    pub fn execute(
        &mut self,
        rules: &RuleSet,
        program: &[Instruction],
        start: u32,
        view: &EventView<'_>,
    ) -> bool {
        let mut at = start;
        let mut counter = 0;
        while let Some(step) = program.get(at as usize) {
            let holds = match step.op {
                op::INDEXED if self.mode == Mode::Indexed => self.hits.has(step.a),
                op::GROUP if self.mode == Mode::Indexed => {
                    self.hits.groups[step.a as usize] == self.hits.event
                }
                op::INDEXED | op::LAZY => self.evaluate(rules, step.a, view),
                op::GROUP => self.evaluate_group(rules, step.a, view),
                op::RESET => {
                    counter = 0;
                    true
                }
                op::COUNT => {
                    counter += 1;
                    true
                }
                _ => counter >= step.a,
            };
            at = if holds { step.yes } else { step.no };
        }
        at == op::ACCEPT
    }

    fn evaluate(&mut self, rules: &RuleSet, id: u32, view: &EventView<'_>) -> bool {
        if let Some(known) = self.hits.known(id) {
            return known;
        }
        let holds = predicate::on_event(rules, id, view, &mut self.work);
        self.hits.remember(id, holds);
        holds
    }

    /// A group without the index: any of its members.
    fn evaluate_group(&mut self, rules: &RuleSet, group: u32, view: &EventView<'_>) -> bool {
        let members = std::mem::take(&mut self.members[group as usize]);
        let holds = members.iter().any(|&id| self.evaluate(rules, id, view));
        self.members[group as usize] = members;
        holds
    }

    /// Prepares for evaluating programs on an event outside of `run`: `explain`.
    pub fn begin(&mut self) {
        self.hits.begin();
        self.work.begin();
        self.matched.clear();
    }

    /// Whether a predicate holds for one value: `explain`.
    pub fn holds_on_value(
        &mut self,
        rules: &RuleSet,
        id: u32,
        value: Value,
        view: &EventView<'_>,
    ) -> bool {
        let predicate = &rules.tables().predicates[id as usize];
        predicate::on_value(rules, predicate, value, view, &mut self.work)
    }
}

/// A predicate's part of a list.
#[inline]
fn range<'a>(starts: &[u32], list: &'a [u32], predicate: u32) -> &'a [u32] {
    let at = predicate as usize;
    &list[starts[at] as usize..starts[at + 1] as usize]
}
