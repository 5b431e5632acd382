//! Looks for indicators in the fields of an event.
//!
//! ```text
//! watched fields --words, url, path--> values --hash--> entries --details--> rules and hits
//! ```
//! Which fields are looked at for what is a table of the rule set. Every value costs one hash and
//! mostly one byte of the table, however many indicators there are; an event without watched fields
//! costs a look at the ids of its fields.

mod clean;
mod look;
pub(super) mod marks;
mod words;

use super::Vectors;
use super::route::Route;
use crate::event::slots::{Head, Slots};
use crate::event::value::Value;
use crate::limits::LISTED_INDICATORS;
use crate::ruleset::indicators::{IndicatorHit, Indicators, Watch, form};
use crate::ruleset::tables::NONE;
use crate::source::EventView;
use clean::Clean;

/// Most hits of one event that are listed whatever their rules; beyond that each further rule has
/// one.
const LISTED: usize = 64;

/// All mutable memory of looking for indicators.
pub(super) struct Seeker {
    /// Texts in the form in which they are compared.
    text: Vec<u8>,
    /// For each rule of indicators, what was found of it in the current event.
    found: Vec<Found>,
    /// Grows with every event.
    epoch: u32,
    /// Texts that have no indicator.
    clean: Clean,
    /// By which instructions texts are looked at.
    vectors: Vectors,
    /// The hits of the current call.
    pub hits: Vec<IndicatorHit>,
}

/// What was found of a rule.
#[derive(Clone, Copy, Default)]
struct Found {
    epoch: u32,
    listed: u32,
    more: bool,
}

/// One search: what it looks in and what it was told.
struct Search<'a> {
    set: &'a Indicators,
    route: &'a Route,
    seeker: &'a mut Seeker,
    matched: &'a mut Vec<u32>,
    /// Record and event.
    place: (u32, u32),
    /// The field that is being looked at.
    field: u32,
    /// The kinds that are looked for in it.
    kinds: u16,
    /// Whether the current text has a value of the set, reported or not.
    has_found: bool,
    /// The first hit of this event.
    first: usize,
}

impl Seeker {
    /// Memory for a set.
    pub fn new(set: &Indicators, vectors: Vectors) -> Seeker {
        Seeker {
            text: Vec::with_capacity(8 << 10),
            found: vec![Found::default(); set.sources.len()],
            epoch: 0,
            clean: Clean::new(),
            vectors,
            hits: Vec::with_capacity(256),
        }
    }

    /// Looks for indicators in one event and appends the rules of those found to `matched`, whose
    /// other rules come before them. `place` are the numbers of the record and of the event in it.
    pub fn seek(
        &mut self,
        set: &Indicators,
        view: &EventView<'_>,
        route: &Route,
        place: (u32, u32),
        matched: &mut Vec<u32>,
    ) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.found.fill(Found::default());
            self.epoch = 1;
        }
        let first = self.hits.len();
        let rules = matched.len();
        let mut search = Search {
            set,
            route,
            seeker: self,
            matched,
            place,
            field: 0,
            kinds: 0,
            has_found: false,
            first,
        };
        if let Some(inner) = view.inner {
            search.slots(inner, None, view);
        }
        search.slots(view.outer, view.inner, view);
        if matched.len() > rules {
            matched[rules..].sort_unstable();
            self.end_event(set.first_rule, first);
        }
    }

    /// Orders the hits of an event by rule, and says of which rules not all are listed.
    fn end_event(&mut self, first_rule: u32, first: usize) {
        let Seeker { found, hits, .. } = self;
        hits[first..].sort_unstable();
        for hit in &mut hits[first..] {
            hit.more = found[(hit.rule - first_rule) as usize].more;
        }
    }
}

impl Search<'_> {
    /// Looks at all fields that have values, but for those that `before` has as well.
    fn slots(&mut self, slots: &Slots, before: Option<&Slots>, view: &EventView<'_>) {
        let set = self.set;
        let watched = set.watched();
        for heads in slots.heads().chunks(u64::BITS as usize) {
            // PERF: a bit for each field that is watched, without a branch that depends on it.
            let add = |these: u64, head: &Head| these << 1 | u64::from(watched.has(head.field()));
            let mut these = heads.iter().rev().fold(0, add);
            while these != 0 {
                let head = &heads[these.trailing_zeros() as usize];
                these &= these - 1;
                let Some(watch) = watched.get(head.field()) else { continue };
                if before.is_none_or(|before| !before.is_present(watch.field))
                    && (watch.unless == NONE || !view.is_present(watch.unless))
                {
                    self.field(watch, slots, head, view);
                }
            }
        }
    }

    /// Looks at all values of a field.
    fn field(&mut self, watch: &Watch, slots: &Slots, head: &Head, view: &EventView<'_>) {
        self.kinds = watch.kinds & self.set.kinds();
        self.field = watch.field;
        if self.kinds == 0 {
            return;
        }
        self.value(watch.form, head.first(), view);
        slots.further(head).for_each(|value| self.value(watch.form, value, view));
    }

    #[inline]
    fn value(&mut self, form: u8, value: Value, view: &EventView<'_>) {
        let Value::Str(span) = value else { return };
        let text = view.bytes(span);
        if text.is_empty() {
            return;
        }
        let Err(unknown) = self.seeker.clean.find(form, self.kinds, text) else { return };
        self.has_found = false;
        match form {
            form::URL => self.url_text(text),
            form::PATH => self.path(text),
            form::EMAIL => {
                self.email(text.trim_ascii());
                self.words(text);
            }
            _ => self.words(text),
        }
        if let Some(unknown) = unknown
            && !self.has_found
        {
            self.seeker.clean.remember(unknown);
        }
    }

    /// Takes a value of the set that was found.
    #[cold]
    fn found(&mut self, number: u32) {
        self.has_found = true;
        let Some(entry) = self.set.entries.get(number as usize) else { return };
        for &detail in self.set.details_of(entry) {
            let Some(source) = self.set.details.get(detail as usize).map(|d| d.source) else {
                continue;
            };
            let rule = self.set.first_rule + u32::from(source);
            if self.route.admits(rule) {
                self.hit(rule, usize::from(source), number, detail);
            }
        }
    }

    fn hit(&mut self, rule: u32, source: usize, entry: u32, detail: u32) {
        let Seeker { found, hits, epoch, .. } = &mut *self.seeker;
        let found = &mut found[source];
        let is_first = found.epoch != *epoch;
        if is_first {
            *found = Found { epoch: *epoch, listed: 0, more: false };
            self.matched.push(rule);
        } else if found.more {
            return;
        }
        let listed = &hits[self.first..];
        let is_known = |hit: &IndicatorHit| (hit.entry, hit.detail) == (entry, detail);
        if !is_first && listed.iter().rev().any(is_known) {
            return;
        }
        let is_full = listed.len() >= LISTED || found.listed as usize >= LISTED_INDICATORS;
        if is_full && !is_first {
            found.more = true;
            return;
        }
        found.listed += 1;
        let (record, event) = self.place;
        let field = self.field;
        hits.push(IndicatorHit { record, event, rule, entry, detail, field, more: false });
    }
}
