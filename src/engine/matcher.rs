//! One event against all rules.
//!
//! ```text
//! slots --index--> reported predicates --pivots--> candidate rules --programs--> matches
//! ```
//! The index is complete: an indexed predicate that it does not report is false, so programs
//! never evaluate one. Everything else is evaluated when a program first asks and remembered.

use super::interest::{Doing, Interest, RoutedFilter};
use super::keywords::WorthALook;
use super::memo::Memo;
use super::predicate::{self, Work};
use super::route::Route;
use super::scan::{may_be_text_of, may_be_whole, scan};
use super::vector::Vectors;
use crate::event::slots::{Head, Slots};
use crate::event::value::Value;
use crate::ruleset::RuleSet;
use crate::ruleset::tables::{FieldIndex, Instruction, Tables, op};
use crate::source::EventView;

/// What is known about predicates, groups and rules in the current event.
///
/// A clock that ticks with every text looked up, and with every event, tells old knowledge from
/// new; nothing is cleared until it has to begin again. PERF: states have two bytes, so that those
/// of tens of thousands of predicates stay in a cache near the core; beginning again every 32,000
/// texts costs less than a nanosecond a text.
pub struct Hits {
    clock: u16,
    /// The clock when the current event began.
    event: u16,
    /// Twice the clock at which the predicate was last decided, one more if it holds.
    predicates: Vec<u16>,
    groups: Vec<u16>,
    rules: Vec<u16>,
    /// Reported predicates in order.
    list: Vec<u32>,
    /// Whether the current text was not asked about a predicate because a text before it has it: then
    /// what is reported is not all that holds for the text.
    is_partial: bool,
}

/// The last tick of the clock: twice it and one more is a state.
const LAST_TICK: u16 = u16::MAX / 2;

impl Hits {
    fn new(tables: &Tables) -> Hits {
        Hits {
            clock: 0,
            event: 0,
            predicates: vec![0; tables.predicates.len()],
            groups: vec![0; tables.groups as usize],
            rules: vec![0; tables.rules.len()],
            list: Vec::with_capacity(256),
            is_partial: false,
        }
    }

    fn begin(&mut self) {
        self.list.clear();
        self.begin_text();
        self.event = self.clock;
    }

    /// Begins another text of the current event.
    #[inline]
    pub fn begin_text(&mut self) {
        if self.clock == LAST_TICK {
            self.begin_again();
        }
        self.clock += 1;
        self.is_partial = false;
    }

    /// Sets the clock back. What was reported in the current event stays reported.
    #[cold]
    fn begin_again(&mut self) {
        self.predicates.fill(0);
        self.groups.fill(0);
        self.rules.fill(0);
        (self.clock, self.event) = (1, 1);
        for &predicate in &self.list {
            self.predicates[predicate as usize] = 2 + 1;
        }
    }

    /// Whether the predicate was reported in this event.
    #[inline]
    pub fn has(&self, predicate: u32) -> bool {
        let state = self.predicates[predicate as usize];
        state & 1 == 1 && state / 2 >= self.event
    }

    /// Whether nothing is to be found out about a predicate from the current text: it was tried on it,
    /// or is known to hold in this event.
    #[inline]
    pub fn is_decided(&mut self, predicate: u32) -> bool {
        let state = self.predicates[predicate as usize];
        if state / 2 == self.clock {
            return true;
        }
        let holds = state & 1 == 1 && state / 2 >= self.event;
        self.is_partial |= holds;
        holds
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
        self.predicates[predicate as usize] = self.clock * 2 + u16::from(holds);
    }
}

/// How much of the index is used: everything, or nothing (the oracle of tests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The index reports predicates and pivots choose rules.
    Indexed,
    /// Every rule is evaluated and every predicate on its own, and documents are written from events
    /// that were read with what all destinations need. Slow; for comparison.
    Exhaustive,
}

/// All mutable memory of matching one event.
pub struct Matcher {
    hits: Hits,
    work: Work,
    /// Rules that matched, ascending.
    pub matched: Vec<u32>,
    worth: WorthALook,
    memo: Memo,
    /// Fields of the event that rules wait for.
    present: Vec<u32>,
    /// Rules that the event may match.
    candidates: Vec<u32>,
    mode: Mode,
    /// Predicates by group; filled in exhaustive mode only.
    members: Vec<Vec<u32>>,
}

impl Matcher {
    /// Memory for a rule set.
    pub fn new(rules: &RuleSet, mode: Mode, vectors: Vectors) -> Matcher {
        let mut work = Work::new(vectors);
        work.folded.reserve(4 << 10);
        rules.regexes().warm(&mut work.regex);
        let tables = rules.tables();
        let mut members = Vec::new();
        if mode == Mode::Exhaustive {
            members.resize(tables.groups as usize, Vec::new());
            for id in 0..tables.predicates.len() as u32 {
                for &group in tables.linked(id).0 {
                    members[group as usize].push(id);
                }
            }
        }
        let matched = Vec::with_capacity(64);
        let (worth, memo) = (WorthALook::default(), Memo::new(tables.fields.len() + 1));
        let (present, candidates) = (Vec::with_capacity(64), Vec::with_capacity(64));
        let hits = Hits::new(tables);
        Matcher { hits, work, matched, worth, memo, present, candidates, mode, members }
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
            for rule in (0..tables.rules.len() as u32).filter(|rule| route.admits(*rule)) {
                self.evaluate_rule(rules, rule, view);
            }
            return;
        }
        self.look_up(rules, view, &route.interest);
        // From here on the clock stands: what is evaluated lazily is remembered under it.
        self.hits.begin_text();
        self.work.begin();
        let Hits { groups, rules: seen, list, event, .. } = &mut self.hits;
        self.candidates.clear();
        let mut consider = |rule: u32| {
            let seen = &mut seen[rule as usize];
            if *seen != *event && route.admits(rule) {
                *seen = *event;
                self.candidates.push(rule);
            }
        };
        for &predicate in &*list {
            let (groups_of, waiting) = tables.linked(predicate);
            groups_of.iter().for_each(|group| groups[*group as usize] = *event);
            waiting.iter().for_each(|rule| consider(*rule));
        }
        for &field in &self.present {
            tables.waiting(field).iter().for_each(|rule| consider(*rule));
        }
        for at in 0..self.candidates.len() {
            self.evaluate_rule(rules, self.candidates[at], view);
        }
        // These wait for nothing, so none of them was a candidate.
        for &rule in &route.interest.open {
            self.evaluate_rule(rules, rule, view);
        }
        self.matched.sort_unstable();
    }

    /// Asks the index of every field that has values and that a rule of the route reads.
    fn look_up(&mut self, rules: &RuleSet, view: &EventView<'_>, interest: &Interest) {
        self.present.clear();
        let (inner, outer) = (view.inner, view.outer);
        if let Some(inner) = inner {
            for head in inner.heads() {
                let doing = interest.of(head.field());
                if doing.is_anything() {
                    self.meet(rules, inner, head, doing, view);
                }
            }
        }
        for head in outer.heads() {
            let (field, doing) = (head.field(), interest.of(head.field()));
            if doing.is_anything() && inner.is_none_or(|inner| !inner.is_present(field)) {
                self.meet(rules, outer, head, doing, view);
            }
        }
        if interest.of(rules.tables().fields.len() as u32).looks_up() {
            self.look_up_keywords(rules, view, &interest.keywords);
        }
    }

    /// Notes a field that is there, and asks its index about its values.
    #[inline]
    fn meet(
        &mut self,
        rules: &RuleSet,
        slots: &Slots,
        head: &Head,
        doing: Doing,
        view: &EventView<'_>,
    ) {
        let (field, first) = (head.field(), head.first());
        if doing.waits() {
            self.present.push(field);
        }
        if !doing.looks_up() {
            return;
        }
        let index = &rules.tables().indexes[field as usize];
        if let Value::Str(span) = first {
            let text = view.bytes(span);
            if !doing.looks_up_whole() || may_be_whole(rules.tables(), index, text) {
                self.look_up_first(rules, field, index, text);
            }
        } else if !doing.looks_up_whole() || may_be_text_of(index, first) {
            self.look_up_value(rules, index, None, first, view);
        }
        for value in slots.further(head) {
            self.look_up_value(rules, index, None, value, view);
        }
    }

    /// Asks the index of a field about its first text, or remembers what it said about the same
    /// text before. Of further texts only what holds for none before them is reported, so that says
    /// nothing about the text alone.
    fn look_up_first(&mut self, rules: &RuleSet, field: u32, index: &FieldIndex, text: &[u8]) {
        let vacancy = match self.memo.find(field, text) {
            Ok(known) => {
                self.hits.begin_text();
                known.iter().for_each(|&predicate| self.hits.report(predicate));
                return;
            }
            Err(vacancy) => vacancy,
        };
        let before = self.hits.list.len();
        let (means, _) = self.work.means();
        scan(rules, (index, None), text, &mut self.hits, means);
        if let Some(vacancy) = vacancy
            && !self.hits.is_partial
        {
            self.memo.remember(vacancy, field, text, &self.hits.list[before..]);
        }
    }

    /// Asks the index of keywords about every leaf.
    ///
    /// The texts of an event stand close together in the record, so the record is looked at in one
    /// pass, keys and all; only a leaf in which something was found is looked up by itself. So are
    /// leaves with characters beyond ASCII, which must be folded first.
    fn look_up_keywords(&mut self, rules: &RuleSet, view: &EventView<'_>, filter: &RoutedFilter) {
        let index = &rules.tables().indexes[rules.tables().fields.len()];
        let anchored = !index.anchored.is_empty();
        if filter.numbers || anchored {
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
        worth.find((rules.tables(), index), view, filter, self.work.vectors);
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
        if index.numbers == 0 && !matches!(value, Value::Str(_) | Value::SqlCode(_)) {
            return;
        }
        let (means, buffer) = self.work.means();
        if let Some(text) = predicate::text(value, view, buffer) {
            scan(rules, (index, routed), text, &mut self.hits, means);
        }
    }

    /// Runs the program of a rule.
    #[inline]
    fn evaluate_rule(&mut self, rules: &RuleSet, rule: u32, view: &EventView<'_>) {
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
