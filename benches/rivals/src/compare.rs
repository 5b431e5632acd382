//! The same rules for every engine, and that all find the same.

use crate::cases;
use crate::engines::{Accepted, Engine, From, Rules, Variant, accepted, detections};
use crate::rounds::{Entrant, Rounds};
use crate::workload::{Event, Workload};
use serde_norway::Value as Yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A slow engine is compared on as many events as it manages in about this time.
const COMPARING: Duration = Duration::from_secs(20);
/// And timed on as many as it manages in about this time for each round.
const ROUND: Duration = Duration::from_secs(3);

/// What explaining a difference takes.
struct Known<'a> {
    ids: &'a [String],
    detections: &'a BTreeMap<String, Yaml>,
    events: &'a [Event],
}

/// Engines that are ready, and the rules that all of them accept.
pub struct Contest<'a> {
    workload: &'a Workload,
    pub rules: Rules,
    /// Ids by number.
    ids: Vec<String>,
    /// What rules look for, by id.
    detections: BTreeMap<String, Yaml>,
    accepted: Accepted,
    entrants: Vec<Entrant>,
    all_events: bool,
}

/// What the engines found.
pub struct Compared {
    /// Rules that take part.
    pub rules: usize,
    /// Rules by engine, before those were left out that another refuses.
    pub accepted: Vec<(&'static str, usize)>,
    /// Engine, rule or file, reason.
    pub refused: Vec<(&'static str, String, String)>,
    /// Matches of sigmatag on all events.
    pub matches: usize,
    pub engines: Vec<Agreement>,
}

/// Of one engine.
pub struct Agreement {
    pub variant: Variant,
    /// Events that were compared.
    pub events: usize,
    /// Its matches on them, and those of sigmatag.
    pub matches: usize,
    pub expected: usize,
    pub differences: Vec<Difference>,
}

/// Matches of a rule that only one engine found.
pub struct Difference {
    pub rule: String,
    /// Whether sigmatag found them; else the other engine.
    pub only_sigmatag: bool,
    /// Indices of the events.
    pub events: Vec<usize>,
    /// The case that explains all of them.
    pub case: Option<&'static cases::Case>,
}

impl Compared {
    /// Differences without a case.
    pub fn unexplained(&self) -> usize {
        let all = self.engines.iter().flat_map(|engine| &engine.differences);
        all.filter(|difference| difference.case.is_none()).count()
    }
}

impl<'a> Contest<'a> {
    /// Loads every engine with the rules that all accept.
    pub fn new(workload: &'a Workload, all_events: bool) -> Contest<'a> {
        let accepted = accepted(&workload.rules);
        let taking_part: Vec<&str> = crate::variants(workload).map(Variant::engine).collect();
        let sets = accepted.ids.iter().filter(|(engine, _)| taking_part.contains(engine));
        let common = sets
            .map(|(_, ids)| ids.iter().cloned().collect::<BTreeSet<String>>())
            .reduce(|one, other| &one & &other)
            .unwrap_or_default();
        assert!(!common.contains(""), "rules without id cannot be compared");
        let ids: Vec<String> = common.iter().cloned().collect();
        let numbered = common.into_iter().zip(0..).collect();
        let rules: Rules = Arc::new(numbered);
        let entrants = crate::variants(workload)
            .map(|variant| {
                let mut engine =
                    variant.load(&workload.rules, From::Yaml, &rules, workload.is_routed);
                engine.prepare(&workload.events);
                Entrant { variant, engine, stride: 1 }
            })
            .collect();
        let detections = detections(&workload.rules);
        Contest { workload, rules, ids, detections, accepted, entrants, all_events }
    }

    /// What every engine finds, compared with what sigmatag finds. Also learns how slow each is.
    pub fn compare(&mut self) -> Compared {
        let events = &self.workload.events;
        let known = Known { ids: &self.ids, detections: &self.detections, events };
        let mut ours: Vec<BTreeSet<u32>> = Vec::new();
        let mut engines = Vec::new();
        for entrant in &mut self.entrants {
            let one = one_event(&mut *entrant.engine, self.workload);
            entrant.stride = stride(one, events.len(), ROUND);
            let step = if self.all_events { 1 } else { stride(one, events.len(), COMPARING) };
            let sample = (0..events.len()).step_by(step);
            let found: BTreeMap<usize, BTreeSet<u32>> = sample
                .map(|index| {
                    let matches = entrant.engine.matches(index, &events[index]);
                    (index, matches.into_iter().collect())
                })
                .collect();
            if entrant.variant == Variant::Sigmatag {
                assert_eq!(step, 1, "sigmatag is compared with on every event");
                ours = found.into_values().collect();
                continue;
            }
            let differences = differences(&found, &ours, &known, entrant.variant);
            engines.push(Agreement {
                variant: entrant.variant,
                events: found.len(),
                matches: found.values().map(BTreeSet::len).sum(),
                expected: found.keys().map(|&index| ours[index].len()).sum(),
                differences,
            });
        }
        Compared {
            rules: self.rules.len(),
            accepted: self.accepted.ids.iter().map(|(name, ids)| (*name, ids.len())).collect(),
            refused: self.accepted.refused.clone(),
            matches: ours.iter().map(BTreeSet::len).sum(),
            engines,
        }
    }

    /// Times the engines in turns.
    pub fn rounds(&mut self, rounds: usize) -> Rounds {
        Rounds::measure(&mut self.entrants, &self.workload.events, rounds)
    }
}

/// What an event takes, from a few all over the workload.
fn one_event(engine: &mut dyn Engine, workload: &Workload) -> Duration {
    let step = workload.events.len().div_ceil(30);
    let sample = || workload.events.iter().enumerate().step_by(step);
    for (index, event) in sample().take(3) {
        engine.count(index, event);
    }
    let start = Instant::now();
    for (index, event) in sample() {
        engine.count(index, event);
    }
    start.elapsed() / sample().count() as u32
}

/// Every how many events there is time for.
fn stride(one: Duration, events: usize, time: Duration) -> usize {
    let all = one * events as u32;
    (all.as_secs_f64() / time.as_secs_f64()).ceil().max(1.0) as usize
}

/// Every match that only one engine found, by rule and by the case that explains it.
fn differences(
    found: &BTreeMap<usize, BTreeSet<u32>>,
    ours: &[BTreeSet<u32>],
    contest: &Known<'_>,
    variant: Variant,
) -> Vec<Difference> {
    let mut all: BTreeMap<(u32, bool, Option<&str>), Difference> = BTreeMap::new();
    for (&index, theirs) in found {
        if *theirs == ours[index] {
            continue;
        }
        let event = serde_json::from_slice(&contest.events[index].json).expect("JSON");
        for &number in theirs.symmetric_difference(&ours[index]) {
            let only_sigmatag = ours[index].contains(&number);
            let rule = &contest.ids[number as usize];
            let case =
                cases::explain(variant.engine(), only_sigmatag, &contest.detections[rule], &event);
            let difference =
                all.entry((number, only_sigmatag, case.map(|case| case.name))).or_insert_with(
                    || Difference { rule: rule.clone(), only_sigmatag, events: Vec::new(), case },
                );
            difference.events.push(index);
        }
    }
    all.into_values().collect()
}
