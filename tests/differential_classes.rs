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
use generator::literal::{Style, literals};
use generator::rule::{Rule, Search, Val, stream};
use generator::{probe, witness};
use judge::{Given, Judge, reproduction};
use sigmatag::compile::{Options, rule_set};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::load::load_text;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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

/// How many fields of a rule set are looked up at the places of a marker, and how many of these for
/// grams as well.
fn marked(rules: &[Rule]) -> [usize; 2] {
    let loaded = load_text("rules.yml", &stream(rules), &Placeholders::new());
    let compiled = rule_set(&loaded.collection, &Options::default()).expect("rules");
    let marked = compiled.tables().indexes.iter().filter(|index| !index.marked.is_empty());
    let mixed = marked.clone().filter(|index| !index.ascii.grams.is_empty());
    [marked.count(), mixed.count()]
}

/// Literals that are found by a marker, alone and among such that are not.
#[test]
fn literals_are_found_at_their_marker() {
    let contains = |class: &&Class| class.chains.contains(&"contains") && !class.keyword;
    let classes: Vec<&Class> = CLASSES.iter().filter(contains).collect();
    let mut tasks: Vec<(String, (&Class, usize))> = Vec::new();
    for round in 0..if long() { 20 } else { 2 } {
        for (number, class) in classes.iter().enumerate() {
            let size = [600, 250, 400][(number + round) % 3];
            tasks.push((class.name(), (class, size)));
        }
    }
    let found = AtomicUsize::new(0);
    let mut seen = in_parallel(&tasks, |&(class, size), mut rng| {
        let set = class.set(&mut rng, Style::Marked, size);
        let events: Vec<(Ev, u64, &'static str)> = (0..EVENTS)
            .map(|_| {
                let (event, logsource) = set.event(&mut rng);
                (event, rng.next(), logsource)
            })
            .collect();
        found.fetch_add(marked(&set.rules)[0], Ordering::Relaxed);
        ask(&format!("{} {size}", class.name()), &set.rules, &events)
    });
    // Thousands of hashes, and some without a name.
    seen.extend(in_parallel(&[("many hashes".to_owned(), ())], |(), mut rng| {
        let mut hashes = literals(&mut rng, Style::Hashes, 9_000);
        let mut nameless = 0;
        hashes.retain(|hash| {
            nameless += usize::from(!hash.contains('='));
            hash.len() > 40 && (hash.contains('=') || nameless % 100 == 0)
        });
        let chunks: Vec<&[String]> = hashes.chunks(hashes.len().div_ceil(60)).collect();
        let item = |hashes: &[String]| Item {
            slot: "f".to_owned(),
            keyword: false,
            chain: "contains",
            kind: Kind::Text,
            values: hashes.iter().cloned().map(Val::Str).collect(),
            hints: vec![String::new(); hashes.len()],
        };
        let items: Vec<Item> = chunks.iter().map(|chunk| item(chunk)).collect();
        let rules: Vec<Rule> = (0..)
            .zip(&items)
            .map(|(number, item)| Rule::single(format!("r{number:04}"), item.clone()))
            .collect();
        let items: Vec<&Item> = items.iter().collect();
        let events: Vec<(Ev, u64, &'static str)> = (0..600)
            .map(|_| {
                let text = Ev::Str(probe::text(&mut rng, &items));
                (Ev::Object(vec![(b"f".to_vec(), text)]), rng.next(), "")
            })
            .collect();
        assert_eq!(marked(&rules), [1, 1], "of {} hashes", hashes.len());
        ask("many hashes", &rules, &events)
    }));
    assert_enough(&seen);
    let found = found.into_inner();
    assert!(found >= tasks.len() / 2, "{found} fields with a marker in {} sets", tasks.len());
}

/// An address near one of a network, or in it, as text or nearly.
fn near(rng: &mut Rng, networks: &[(IpAddr, u32)]) -> Vec<u8> {
    let (first, prefix) = *rng.pick(networks);
    let inner = |width: u32| u128::MAX.checked_shr(128 - (width - prefix)).unwrap_or(0);
    let any = u128::from(rng.next()) << 64 | u128::from(rng.next());
    let moved = |first: u128, inner: u128, rng: &mut Rng| match rng.below(6) {
        0 => first,
        1 => first | inner,
        2 => first.wrapping_sub(1),
        3 => (first | inner).wrapping_add(1),
        _ => first | any & inner,
    };
    let mut text = match first {
        IpAddr::V4(v4) => {
            let v4 = Ipv4Addr::from(moved(u32::from(v4).into(), inner(32), rng) as u32);
            match rng.below(12) {
                0 => v4.to_ipv6_mapped().to_string(),
                1 => v4.to_ipv6_compatible().to_string(),
                _ => v4.to_string(),
            }
        }
        IpAddr::V6(v6) => {
            let v6 = Ipv6Addr::from(moved(v6.into(), inner(128), rng));
            match rng.below(6) {
                0 => v6.to_string().to_uppercase(),
                1 => v6.segments().map(|part| format!("{part:04x}")).join(":"),
                _ => v6.to_string(),
            }
        }
    };
    match rng.below(24) {
        0 => text.push(*rng.pick(&[' ', '0', ':', '.', '%', 'é'])),
        1 => text.insert(0, *rng.pick(&[' ', '0', ':', '[', '1'])),
        2 => drop(text.pop()),
        _ => {}
    }
    text.into_bytes()
}

/// Networks in networks and beside each other, and addresses at their borders.
#[test]
fn addresses_are_found_in_all_of_their_networks() {
    let sizes = [1, 3, 12, 90, 600];
    let rounds = if long() { 40 } else { 10 };
    let tasks: Vec<(String, usize)> =
        (0..rounds).map(|round| ("cidr".to_owned(), sizes[round % sizes.len()])).collect();
    let looked_up = AtomicUsize::new(0);
    let seen = in_parallel(&tasks, |&size, mut rng| {
        let mut networks: Vec<(IpAddr, u32)> = Vec::new();
        while networks.len() < size {
            let (v4, v6) =
                (rng.next() as u32, u128::from(rng.next()) << 64 | u128::from(rng.next()));
            let (address, width) = match networks.is_empty() || rng.chance(30) {
                true if rng.chance(60) => (u128::from(v4), 32),
                true => (v6, 128),
                // In another or around it, or next to it.
                false => match *rng.pick(&networks) {
                    (IpAddr::V4(v4), _) => (u128::from(u32::from(v4) ^ (1 << rng.below(32))), 32),
                    (IpAddr::V6(v6), _) => (u128::from(v6) ^ (1 << rng.below(128)), 128),
                },
            };
            let prefix = rng.below(width as usize + 1) as u32;
            let host = (0..width - prefix).fold(0u128, |bits, at| bits | 1 << at);
            let first = address & !host;
            networks.push(match width {
                32 => (Ipv4Addr::from(first as u32).into(), prefix),
                _ => (Ipv6Addr::from(first).into(), prefix),
            });
        }
        let item = |rng: &mut Rng, count: usize| {
            let mut item = Item {
                slot: rng.word(&["ip", "Net.address"]).to_owned(),
                keyword: false,
                chain: if rng.chance(80) { "cidr" } else { "cidr|neq" },
                kind: Kind::Network,
                values: Vec::new(),
                hints: Vec::new(),
            };
            for _ in 0..count {
                let (first, prefix) = rng.pick(&networks);
                item.values.push(Val::Str(format!("{first}/{prefix}")));
                item.hints.push(first.to_string());
            }
            item
        };
        let mut rules = Vec::new();
        for number in 0..20 + size / 2 {
            let lists = [1, 1, 1, 2, 5, 40, size.min(200)];
            let mut items = Vec::new();
            let condition = rng.word(&["a", "a", "a", "a and b", "a and not b", "a or b", "not a"]);
            for _ in 0..if condition.contains('b') { 2 } else { 1 } {
                let count = *rng.pick(&lists);
                items.push(item(&mut rng, count));
            }
            let search = |(name, item): (&str, Item)| Search {
                name: name.to_owned(),
                maps: vec![vec![item]],
            };
            rules.push(Rule {
                conditions: vec![condition.to_owned()],
                searches: ["a", "b"].into_iter().zip(items).map(search).collect(),
                ..Rule::single(format!("r{number:04}"), item(&mut rng, 1))
            });
        }
        let events: Vec<(Ev, u64, &'static str)> = (0..EVENTS_ALONE)
            .map(|_| {
                let mut entries = Vec::new();
                for field in ["ip", "Net.address"] {
                    let values = (0..1 + rng.below(3) / 2 * rng.below(3))
                        .map(|_| match rng.below(20) {
                            0 => Ev::Int(10),
                            1 => Ev::Null,
                            _ => Ev::Str(near(&mut rng, &networks)),
                        })
                        .collect::<Vec<Ev>>();
                    let value = match <[Ev; 1]>::try_from(values) {
                        Ok([one]) => one,
                        Err(several) => Ev::Array(several),
                    };
                    entries.push((field.as_bytes().to_vec(), value));
                }
                (Ev::Object(entries), rng.next(), "")
            })
            .collect();
        let loaded = load_text("rules.yml", &stream(&rules), &Placeholders::new());
        let compiled = rule_set(&loaded.collection, &Options::default()).expect("rules");
        looked_up.fetch_add(compiled.tables().nested.len(), Ordering::Relaxed);
        ask(&format!("cidr {size}"), &rules, &events)
    });
    assert_enough(&seen);
    let looked_up = looked_up.into_inner();
    assert!(looked_up > 500, "only {looked_up} networks were looked up");
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
