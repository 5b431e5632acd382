//! The engine against the reference evaluator on rule sets of one class of operators each: from one
//! literal to hundreds, on texts that have them at every place and nearly.
//!
//! `SIGMATAG_SEED=n` chooses another run, `SIGMATAG_LONG=1` makes it long.
#![cfg(feature = "compile")]

mod generator;
mod judge;

use generator::Rng;
use generator::class::{CLASSES, Class};
use generator::event::{Ev, State};
use generator::item::{CHAINS, Item, KEYWORD_CHAINS, Kind};
use generator::literal::Style;
use generator::rule::{Rule, stream};
use generator::witness;
use judge::{Given, Judge, reproduction};
use sigmatag::compile::{Options, rule_set};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_text;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Literals of a set: the filters of the index have several sizes, and tables grow with what is in
/// them. The last is for long runs.
const SIZES: [usize; 6] = [1, 3, 12, 90, 600, 3_000];
/// Events of a set.
const EVENTS: usize = 60;
const EVENTS_ALONE: usize = 120;
/// How often the rules of a class must match, and not match.
const ENOUGH: u64 = 50;

fn long() -> bool {
    std::env::var_os("SIGMATAG_LONG").is_some()
}

/// Matching pairs of a rule and an event, and others.
#[derive(Default)]
struct Verdicts {
    matched: u64,
    other: u64,
}

/// Asks about a rule set; what is seen of it. Panics with the smallest reproduction.
fn ask(what: &str, rules: &[Rule], events: &[(Ev, u64, &'static str)]) -> Verdicts {
    let mut judge =
        Judge::new(rules).unwrap_or_else(|error| panic!("{what}: {}\n{error}", stream(rules)));
    let given: Vec<Given> = events
        .iter()
        .map(|(event, spelling, logsource)| Given::new(event, *spelling, logsource))
        .collect();
    let expected = judge.agree(&given).unwrap_or_else(|found| {
        let (event, spelling, logsource) = &events[found.event];
        panic!(
            "{what}: the engine and the reference differ\n{}",
            reproduction(rules, event, *spelling, logsource, &found)
        )
    });
    let matched = expected.iter().map(|rules| rules.len() as u64).sum();
    Verdicts { matched, other: (rules.len() * events.len()) as u64 - matched }
}

/// Does every task on all processors; the verdicts of each name.
fn in_parallel<T: Sync>(
    tasks: &[(String, T)],
    work: impl Fn(&T, Rng) -> Verdicts + Sync,
) -> BTreeMap<String, Verdicts> {
    let seed = generator::seed();
    let next = AtomicUsize::new(0);
    let seen: Mutex<BTreeMap<String, Verdicts>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((name, task)) = tasks.get(number) else { break };
                    // Each task has its numbers, whichever thread takes it.
                    let verdicts = work(task, Rng::new(seed ^ (number as u64) << 32));
                    let mut seen = seen.lock().expect("no thread panicked");
                    let sum = seen.entry(name.clone()).or_default();
                    sum.matched += verdicts.matched;
                    sum.other += verdicts.other;
                }
            });
        }
    });
    seen.into_inner().expect("no thread panicked")
}

/// Prints what was seen and fails if a class nearly always has the same verdict.
fn assert_enough(seen: &BTreeMap<String, Verdicts>) {
    let mut table = format!("SIGMATAG_SEED={}\n", generator::seed());
    for (name, Verdicts { matched, other }) in seen {
        let mark = if *matched < ENOUGH || *other < ENOUGH { "!" } else { "" };
        let _ = writeln!(table, "{mark}{name:50} {matched:>9} matches {other:>10} others");
    }
    println!("{table}");
    assert!(!table.contains("\n!"), "classes marked `!` were seen too rarely:\n{table}");
}

/// Hundreds of literals, probed at every place.
#[test]
fn literals_are_found_wherever_they_are() {
    let sizes = if long() { &SIZES[..] } else { &SIZES[..SIZES.len() - 1] };
    let mut tasks: Vec<(String, (&Class, Style, usize))> = Vec::new();
    for round in 0..if long() { sizes.len() } else { 1 } {
        for (number, class) in CLASSES.iter().enumerate() {
            for (turn, &style) in class.styles.iter().enumerate() {
                let size = sizes[(round + number + turn) % sizes.len()].min(class.most);
                tasks.push((class.name(), (class, style, size)));
            }
        }
    }
    let seen = in_parallel(&tasks, |&(class, style, size), mut rng| {
        let set = class.set(&mut rng, style, size);
        let events: Vec<(Ev, u64, &'static str)> = (0..EVENTS)
            .map(|_| {
                let (event, logsource) = set.event(&mut rng);
                (event, rng.next(), logsource)
            })
            .collect();
        ask(&format!("{} {style:?} {size}", class.name()), &set.rules, &events)
    });
    assert_enough(&seen);
}

/// Literals that are found by a marker, among such that are not.
#[test]
fn literals_are_found_at_their_marker() {
    let mut tasks: Vec<(String, (&Class, Style, usize))> = Vec::new();
    for round in 0..if long() { 10 } else { 1 } {
        let classes = CLASSES.iter().filter(|class| class.may_have_markers());
        for (number, class) in classes.enumerate() {
            for style in [Style::Hashes, Style::Marked] {
                let size = [500, 300, 600, 1_500][(number + round) % 4].min(class.most);
                tasks.push((class.name(), (class, style, size)));
            }
        }
    }
    let marked = AtomicUsize::new(0);
    let seen = in_parallel(&tasks, |&(class, style, size), mut rng| {
        let set = class.set(&mut rng, style, size);
        let events: Vec<(Ev, u64, &'static str)> = (0..EVENTS)
            .map(|_| {
                let (event, logsource) = set.event(&mut rng);
                (event, rng.next(), logsource)
            })
            .collect();
        let loaded = load_text("rules.yml", &stream(&set.rules), &Placeholders::new());
        let compiled = rule_set(&loaded.collection, &Options::default()).expect("rules");
        let indexes = &compiled.tables().indexes;
        let fields = indexes.iter().filter(|index| !index.marked.is_empty());
        marked.fetch_add(fields.count(), Ordering::Relaxed);
        ask(&format!("{} {style:?} {size}", class.name()), &set.rules, &events)
    });
    assert_enough(&seen);
    let marked = marked.into_inner();
    println!("{marked} fields with a marker in {} sets", tasks.len());
    assert!(marked >= tasks.len() / 2, "{marked} fields with a marker in {} sets", tasks.len());
}

/// Each chain of modifiers with each kind of value, and no other in the set.
#[test]
fn each_operator_stands_alone() {
    let mut tasks: Vec<(String, (bool, &'static str, Kind))> = Vec::new();
    for _ in 0..if long() { 8 } else { 2 } {
        for (keyword, chains) in [(false, CHAINS), (true, KEYWORD_CHAINS)] {
            for &(chain, kinds) in chains {
                for &kind in kinds {
                    let what = if keyword { "keyword" } else { "field" };
                    tasks.push((format!("{what}|{chain} {kind:?}"), (keyword, chain, kind)));
                }
            }
        }
    }
    let seen = in_parallel(&tasks, |&(keyword, chain, kind), mut rng| {
        let fields = ["f", "a.b", "Feld ä"];
        // Each with the state of the field that it was made for.
        let items: Vec<(Item, State)> = (0..24)
            .map(|index| {
                let state = *rng.pick(&State::ALL);
                let field = fields[index % fields.len()];
                (Item::new(&mut rng, chain, kind, field, keyword, state), state)
            })
            .collect();
        let rules: Vec<Rule> = (0..)
            .zip(&items)
            .map(|(number, (item, _))| Rule::single(format!("r{number:03}"), item.clone()))
            .collect();
        let events: Vec<(Ev, u64, &'static str)> = (0..EVENTS_ALONE)
            .map(|_| {
                let mut entries = Vec::new();
                for at in 0..fields.len() {
                    let of_field = rng.below(items.len() / fields.len()) * fields.len() + at;
                    let (item, home) = &items[of_field];
                    let state = if rng.chance(80) { *home } else { *rng.pick(&State::ALL) };
                    entries.extend(witness::entries(&mut rng, item, state));
                }
                (Ev::Object(entries), rng.next(), "")
            })
            .collect();
        ask(&format!("{chain} {kind:?}"), &rules, &events)
    });
    assert_enough(&seen);
}
