//! The engine against the reference evaluator on random rules and events, asked in every way.
//!
//! `SIGMATAG_SEED=n` chooses another run. The test also fails if it did not see each combination
//! of modifiers, kind of value and state of the field both match and not match often enough.
#![cfg(feature = "compile")]

mod generator;
mod judge;

use generator::Rng;
use generator::event::{Ev, State};
use generator::item::{CHAINS, Item, KEYWORD_CHAINS, Kind};
use generator::rule::{LOGSOURCE, Rule, Search, stream};
use generator::witness;
use judge::{Given, Judge, reproduction};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Pairs of a rule and an event, at least.
const PAIRS: usize = 100_000;
/// How often each combination must match, and not match.
const ENOUGH: u32 = 50;
/// Rounds after which a combination that is still rare is a failure.
const MOST_ROUNDS: usize = 500;
/// Events and fields of a round; an event of a keyword round is about one field.
const EVENTS: usize = 50;
const KEYWORD_EVENTS: usize = 150;
const SLOTS: usize = 20;
const KEYWORD_SLOTS: usize = 8;

/// Why a combination has one verdict only, if it has.
fn constant(chain: &str, kind: Kind, keyword: bool, state: State) -> Option<&'static str> {
    use State::*;
    let has = |name: &str| chain.split('|').any(|modifier| modifier == name);

    let open = ["contains", "startswith", "endswith"].iter().any(|name| has(name));
    let exact = !open && !keyword && kind != Kind::Regex;
    let utf16 = ["wide", "utf16le", "utf16be", "utf16"].iter().any(|name| has(name));
    let base64 = has("base64") || has("base64offset");
    let scalar = matches!(state, String | Number | Bool | NonAscii | Invalid);
    if has("exists") {
        return None;
    }
    if kind == Kind::Null {
        return match state {
            Missing | Null => Some("a field without value is null"),
            Nested => None,
            _ => Some("a value is not null"),
        };
    }
    match state {
        Missing | Null => return Some("there is no value to test"),
        Object if !keyword => return Some("an object is no text"),
        _ => {}
    }
    match kind {
        Kind::Empty if !exact && scalar => Some("every text contains the empty text"),
        Kind::Empty if scalar && state != String => Some("a text of this kind is not empty"),
        Kind::Text if exact && state == Invalid && !utf16 => Some("rules are UTF-8"),
        Kind::Text if exact && has("utf16") && !base64 && state != Invalid && scalar => {
            Some("the byte order mark is not UTF-8")
        }
        Kind::Text
            if has("utf16") && !base64 && matches!(state, String | NonAscii | Number | Bool) =>
        {
            Some("the byte order mark is not UTF-8")
        }
        _ if utf16 && !base64 && matches!(state, Number | Bool) => {
            Some("UTF-16 of ASCII has zero bytes")
        }
        _ if base64 && matches!(state, Number | Bool) => {
            Some("Base64 of these texts is neither a number nor true or false")
        }
        _ if base64 && exact && state == Invalid => Some("Base64 is ASCII"),
        _ if base64 && has("cased") && exact && state == NonAscii => Some("Base64 is ASCII"),
        Kind::Int | Kind::Float if !exact && state == Bool => Some("true and false have no digit"),
        Kind::Int | Kind::Float
            if (exact || kind_compares(chain)) && matches!(state, NonAscii | Invalid | Bool) =>
        {
            Some("only ASCII text is a number")
        }
        Kind::Bool if state == Number => Some("a number has no letters of true and false"),
        Kind::Bool if exact && state == Invalid => Some("the text of a boolean is ASCII"),
        Kind::Network if matches!(state, Number | Bool | NonAscii | Invalid) => {
            Some("addresses are ASCII text")
        }
        Kind::Time if scalar && state != String => Some("dates are ASCII text"),
        _ => None,
    }
}

fn kind_compares(chain: &str) -> bool {
    chain.split('|').any(|name| matches!(name, "gt" | "gte" | "lt" | "lte"))
}

type Cell = (bool, &'static str, Kind, State);

/// How often each combination was seen not to match and to match.
#[derive(Default)]
struct Seen {
    cells: BTreeMap<Cell, [u32; 2]>,
    shapes: BTreeMap<&'static str, [u32; 2]>,
}

impl Seen {
    fn new() -> Seen {
        let mut seen = Seen::default();
        for (keyword, chains) in [(false, CHAINS), (true, KEYWORD_CHAINS)] {
            for &(chain, kinds) in chains {
                for &kind in kinds {
                    for state in State::ALL {
                        if constant(chain, kind, keyword, state).is_none() {
                            seen.cells.insert((keyword, chain, kind, state), [0; 2]);
                        }
                    }
                }
            }
        }
        for shape in SHAPES {
            seen.shapes.insert(shape, [0; 2]);
        }
        seen
    }

    fn thin(&self, keyword: bool) -> Vec<Cell> {
        let cells = self.cells.iter().filter(|(cell, _)| cell.0 == keyword);
        cells.filter(|(_, n)| n.iter().any(|&n| n < ENOUGH)).map(|(&cell, _)| cell).collect()
    }

    fn enough(&self) -> bool {
        let mut counts = self.cells.values().chain(self.shapes.values());
        counts.all(|counts| counts.iter().all(|&count| count >= ENOUGH))
    }

    fn table(&self) -> String {
        let mut rows: BTreeMap<(bool, &str, Kind), BTreeMap<State, [u32; 2]>> = BTreeMap::new();
        for (&(keyword, chain, kind, state), &counts) in &self.cells {
            rows.entry((keyword, chain, kind)).or_default().insert(state, counts);
        }
        let mut out = format!("{:42}", "matches/other by state");
        for state in State::ALL {
            let _ = write!(out, "{:>13}", format!("{state:?}"));
        }
        out.push('\n');
        for ((keyword, chain, kind), cells) in rows {
            let field = if keyword { "keyword" } else { "field" };
            let _ = write!(out, "{:42}", format!("{field}|{chain} {kind:?}"));
            for state in State::ALL {
                let text = cells.get(&state).map_or("-".to_owned(), |[no, yes]| {
                    let mark = if *no < ENOUGH || *yes < ENOUGH { "!" } else { "" };
                    format!("{mark}{yes}/{no}")
                });
                let _ = write!(out, "{text:>13}");
            }
            out.push('\n');
        }
        for (shape, [no, yes]) in &self.shapes {
            let _ = writeln!(out, "condition {shape:32}{:>13}", format!("{yes}/{no}"));
        }
        out
    }
}

/// A field of a batch's events and the items that test it.
struct Slot {
    items: Vec<(Item, State)>,
}

const SHAPES: [&str; 18] = [
    "a and b",
    "a or b",
    "a and not b",
    "not a",
    "not (a or b)",
    "a and (b or c)",
    "1 of a*",
    "any of them",
    "all of a*",
    "2 of them",
    "a1 and not 1 of b_*",
    "1 of _x*",
    "list of conditions",
    "items of a map",
    "list of maps",
    "maps and keywords",
    "filter",
    "filter with them",
];

/// A rule about conditions.
fn composed(rng: &mut Rng, id: String, shape: &'static str, items: &[&Item]) -> Rule {
    let mut item = || (**rng.pick(items)).clone();
    let mut search = |name: &str| Search { name: name.to_owned(), maps: vec![vec![item()]] };
    let (names, conditions): (&[&str], &[&str]) = match shape {
        "a and b" => (&["a", "b"], &["a and b"]),
        "a or b" => (&["a", "b"], &["a or b"]),
        "a and not b" => (&["a", "b"], &["a and not b"]),
        "not a" => (&["a"], &["not a"]),
        "not (a or b)" => (&["a", "b"], &["not (a or b)"]),
        "a and (b or c)" => (&["a", "b", "c"], &["a and (b or c)"]),
        "1 of a*" => (&["a1", "a2", "b"], &["1 of a*"]),
        "any of them" => (&["a", "b", "_c"], &["any of them"]),
        "all of a*" => (&["a1", "a2", "b"], &["all of a*"]),
        "2 of them" => (&["a", "b", "c", "d"], &["2 of them"]),
        "a1 and not 1 of b_*" => (&["a1", "b_1", "b_2"], &["a1 and not 1 of b_*"]),
        "1 of _x*" => (&["_x1", "_x2", "x3"], &["1 of _x*"]),
        "list of conditions" => (&["a", "b", "c"], &["a and b", "not c and b"]),
        "filter" | "filter with them" => (&["a"], &["a"]),
        _ => (&["a"], &["a"]),
    };
    let mut searches: Vec<Search> = names.iter().map(|name| search(name)).collect();
    let mut filter = None;
    match shape {
        "items of a map" => {
            let other = (0..20).map(|_| item()).find(|other| {
                let first = &searches[0].maps[0][0];
                (other.slot.as_str(), other.chain) != (first.slot.as_str(), first.chain)
                    && !other.keyword
                    && !first.keyword
            });
            searches[0].maps[0].extend(other);
        }
        "list of maps" | "maps and keywords" => {
            for _ in 0..2 {
                let other = item();
                searches[0].maps.push(vec![other]);
            }
        }
        "filter" => filter = Some((search("a"), "not a".to_owned())),
        "filter with them" => filter = Some((search("f"), "not 1 of them".to_owned())),
        _ => {}
    }
    Rule {
        id,
        logsource: LOGSOURCE,
        searches,
        conditions: conditions.iter().map(|&text| text.to_owned()).collect(),
        filter,
        shape: Some(shape),
    }
}

/// Names that differ in case, have dots, or need quotes.
fn slot_name(rng: &mut Rng, index: usize, nested: bool) -> String {
    if nested {
        let name = *rng.pick(&["a#.b", "Outer#.mid.b", "ä#.b c"]);
        return name.replace('#', &index.to_string());
    }
    let names = ["f#", "F#", "a#.b", "a#.b.c", "Feld ä#", "x#-y", "b#[0]", "Name#", "q#:z"];
    rng.pick(&names).replace('#', &index.to_string())
}

fn slots(rng: &mut Rng, seen: &Seen, keyword: bool) -> Vec<Slot> {
    let thin = seen.thin(keyword);
    let every: Vec<Cell> = seen.cells.keys().filter(|cell| cell.0 == keyword).copied().collect();
    let count = if keyword { KEYWORD_SLOTS } else { SLOTS };
    (0..count)
        .map(|index| {
            let mut choose = || {
                let from = if thin.is_empty() || rng.chance(15) { &every } else { &thin };
                *rng.pick(from)
            };
            let cells = [choose(), choose()];
            let nested = cells.iter().any(|cell| cell.3 == State::Nested);
            let name = slot_name(rng, index, nested);
            let items = cells.map(|(_, chain, kind, state)| {
                (Item::new(rng, chain, kind, &name, keyword, state), state)
            });
            Slot { items: items.into() }
        })
        .collect()
}

fn event(rng: &mut Rng, slots: &[Slot], keyword: bool) -> Ev {
    let mut entries = Vec::new();
    let only = rng.below(slots.len());
    for (index, slot) in slots.iter().enumerate() {
        // Keywords see every value, so that an event is about one of them.
        if keyword && index != only {
            continue;
        }
        let (item, home) = rng.pick(&slot.items);
        let state = if rng.chance(70) { *home } else { *rng.pick(&State::ALL) };
        entries.extend(witness::entries(rng, item, state));
    }
    if rng.chance(50) && !entries.is_empty() {
        let at = rng.below(entries.len());
        entries.rotate_left(at);
    }
    Ev::Object(entries)
}

#[test]
fn engine_agrees_with_the_reference() {
    let seed = generator::seed();
    let mut rng = Rng::new(seed);
    let mut seen = Seen::new();
    let (mut pairs, mut rounds) = (0, 0);
    while (pairs < PAIRS || !seen.enough()) && rounds < MOST_ROUNDS {
        let keyword = rounds % 3 == 2;
        rounds += 1;
        let slots = slots(&mut rng, &seen, keyword);
        let mut rules = Vec::new();
        for (item, _) in slots.iter().flat_map(|slot| &slot.items) {
            rules.push(Rule::single(format!("r{:03}", rules.len()), item.clone()));
        }
        let items: Vec<&Item> = slots.iter().flat_map(|slot| &slot.items).map(|(i, _)| i).collect();
        for shape in SHAPES {
            let id = format!("c{:03}", rules.len());
            if keyword == (shape == "maps and keywords") || !keyword {
                rules.push(composed(&mut rng, id, shape, &items));
            }
        }
        let mut judge = Judge::new(&rules)
            .unwrap_or_else(|error| panic!("seed {seed}: {}\n{error}", stream(&rules)));
        let events: Vec<(Ev, u64)> = (0..if keyword { KEYWORD_EVENTS } else { EVENTS })
            .map(|_| (event(&mut rng, &slots, keyword), rng.next()))
            .collect();
        let given: Vec<Given> =
            events.iter().map(|(event, spelling)| Given::new(event, *spelling, "")).collect();
        let expected = judge.agree(&given).unwrap_or_else(|found| {
            let (event, spelling) = &events[found.event];
            panic!(
                "SIGMATAG_SEED={seed}, round {rounds}: the engine and the reference differ\n{}",
                reproduction(&rules, event, *spelling, "", &found)
            )
        });
        pairs += rules.len() * events.len();
        for ((event, _), expected) in events.iter().zip(&expected) {
            count(&mut seen, &rules, event, expected);
        }
    }
    println!("{pairs} pairs, {rounds} rounds, SIGMATAG_SEED={seed}\n{}", seen.table());
    assert!(pairs >= PAIRS, "only {pairs} pairs");
    assert!(seen.enough(), "combinations marked `!` were seen too rarely:\n{}", seen.table());
}

fn count(seen: &mut Seen, rules: &[Rule], event: &Ev, expected: &[usize]) {
    for (number, rule) in rules.iter().enumerate() {
        let matched = usize::from(expected.binary_search(&number).is_ok());
        let counts = match rule.shape {
            Some(shape) => seen.shapes.get_mut(shape),
            None => {
                let item = &rule.searches[0].maps[0][0];
                let state = event.state_of(&item.slot);
                seen.cells.get_mut(&(item.keyword, item.chain, item.kind, state))
            }
        };
        if let Some(counts) = counts {
            counts[matched] += 1;
        }
    }
}
