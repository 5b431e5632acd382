//! Rule sets made of one class of operators, from one literal to thousands.

use super::event::{Ev, State};
use super::item::{self, Item, Kind};
use super::literal::{Style, literals};
use super::rule::{Rule, Search, Val};
use super::{Rng, probe, witness};

/// An operator or a few, with what their literals may be.
#[derive(Debug)]
pub struct Class {
    pub chains: &'static [&'static str],
    /// The chain that asks for all values, if there is one.
    pub all: Option<&'static str>,
    pub keyword: bool,
    pub kind: Kind,
    pub styles: &'static [Style],
    /// Most literals of a set: what rule sets have by the thousand has more, and what takes long to
    /// compile has fewer.
    pub most: usize,
}

use Style::*;

const ANY: &[Style] = &[
    Words, Narrow, Printable, CaseTwins, Short, Long, Periodic, Hashes, Marked, Foreign, Options,
    Numbers,
];
const CASED: &[Style] = &[Words, Narrow, Printable, CaseTwins, Short, Long, Foreign];
const FEW: &[Style] = &[Words, Narrow, CaseTwins, Short, Foreign];
/// Names of chains that are a class of their own.
type Chains = &'static [&'static str];

const fn class(chains: Chains, styles: &'static [Style]) -> Class {
    Class { chains, all: None, keyword: false, kind: Kind::Text, styles, most: 600 }
}

const fn globs(chains: Chains) -> Class {
    Class { kind: Kind::Wildcard, ..class(chains, ANY) }
}

const fn regexes(chains: Chains) -> Class {
    Class { kind: Kind::Regex, most: 60, ..class(chains, FEW) }
}

const fn keywords(chains: Chains, all: Option<&'static str>) -> Class {
    Class { keyword: true, all, ..class(chains, ANY) }
}

/// Every operator that compares texts.
pub const CLASSES: &[Class] = &[
    class(&[""], ANY),
    Class { all: Some("contains|all"), most: 3_000, ..class(&["contains"], ANY) },
    Class { all: Some("startswith|all"), ..class(&["startswith"], ANY) },
    Class { all: Some("endswith|all"), most: 3_000, ..class(&["endswith"], ANY) },
    // On one field, as rule sets are.
    Class {
        all: Some("contains|all"),
        most: 3_000,
        ..class(&["", "contains", "startswith", "endswith", "contains|cased"], ANY)
    },
    class(&["contains", "windash|contains", "base64offset|contains", "neq"], ANY),
    globs(&["", "contains", "startswith", "endswith|cased"]),
    class(&["neq"], FEW),
    class(&["contains|neq"], FEW),
    globs(&[""]),
    globs(&["contains"]),
    globs(&["startswith"]),
    globs(&["endswith"]),
    class(&["cased"], CASED),
    Class { all: Some("contains|cased|all"), ..class(&["contains|cased"], CASED) },
    class(&["startswith|cased"], CASED),
    class(&["endswith|cased"], CASED),
    Class { styles: CASED, ..globs(&["contains|cased"]) },
    class(&["windash"], &[Options, Words, Foreign]),
    class(&["windash|contains"], &[Options, Words, Foreign]),
    class(&["startswith|windash"], &[Options, Words]),
    class(&["endswith|windash|cased"], &[Options, Words]),
    class(&["wide"], FEW),
    class(&["utf16le|contains"], FEW),
    class(&["utf16be|startswith"], FEW),
    class(&["utf16|endswith"], FEW),
    class(&["base64"], FEW),
    class(&["base64|contains"], ANY),
    class(&["base64offset|contains"], ANY),
    class(&["base64offset|startswith"], FEW),
    class(&["wide|base64offset|contains"], FEW),
    class(&["utf16be|base64|endswith|cased"], FEW),
    regexes(&["re"]),
    regexes(&["re|i"]),
    regexes(&["re|m|s"]),
    keywords(&[""], Some("all")),
    keywords(&["contains|cased"], None),
    keywords(&["startswith"], None),
    keywords(&["endswith"], None),
    keywords(&["windash"], None),
    Class { kind: Kind::Wildcard, ..keywords(&[""], None) },
    Class { keyword: true, ..regexes(&["re|i"]) },
];

/// Log sources of rules, and those that a host may name for an event.
const LOGSOURCES: [&str; 5] = [
    "{product: test}",
    "{product: test, category: a}",
    "{category: a, service: s}",
    "{product: other}",
    "{product: test, category: b, service: s}",
];
const NAMED: [&str; 8] =
    ["", "", "test/a/", "test/a/s", "other//", "-/a/s", "test/b/s", "unknown//"];

const FIELDS: [&str; 3] = ["f", "Inner.g", "h h"];

/// A rule set and the items that its rules are made of.
pub struct Set {
    pub rules: Vec<Rule>,
    items: Vec<Item>,
}

impl Class {
    pub fn name(&self) -> String {
        let what = if self.keyword { "keyword" } else { "field" };
        format!("{what}|{} {:?}", self.chains.join(","), self.kind)
    }

    /// Rules over `count` literals of a style: one literal each, lists, all of some, and
    /// conditions.
    pub fn set(&self, rng: &mut Rng, style: Style, count: usize) -> Set {
        let literals = literals(rng, style, count);
        let fields = 1 + rng.below(FIELDS.len());
        let mut items = Vec::new();
        let mut rules = Vec::new();
        for literal in &literals {
            let field = FIELDS[rng.below(fields)];
            let chain = rng.word(self.chains);
            items.push(self.item(rng, chain, field, &[literal]));
        }
        for index in 0..4 + count / 8 {
            let field = FIELDS[rng.below(fields)];
            let most = if index == 0 { count } else { 12 };
            let some = 2 + rng.below(most.max(2) - 1);
            let values: Vec<&String> = (0..some).map(|_| rng.pick(&literals)).collect();
            items.push(match self.all {
                Some(all) if index > 0 && rng.chance(50) => {
                    self.item(rng, all, field, &values[..values.len().min(3)])
                }
                _ => {
                    let chain = rng.word(self.chains);
                    self.item(rng, chain, field, &values)
                }
            });
        }
        for item in &items {
            rules.push(rule(rng, rules.len(), &[item], "a"));
        }
        for _ in 0..6 + count / 20 {
            let condition =
                rng.word(&["not a", "a and b", "a and not b", "a or b", "not (a or b)", "2 of *"]);
            let some = [(); 3].map(|()| rng.below(items.len())).map(|at| &items[at]);
            rules.push(rule(rng, rules.len(), &some, condition));
        }
        Set { rules, items }
    }

    fn item(&self, rng: &mut Rng, chain: &'static str, field: &str, texts: &[&String]) -> Item {
        let mut item = Item {
            slot: field.to_owned(),
            keyword: self.keyword,
            chain,
            kind: self.kind,
            values: Vec::new(),
            hints: Vec::new(),
        };
        for text in texts {
            let (value, hint) = match self.kind {
                Kind::Regex => item::regex(rng, (*text).clone()),
                Kind::Wildcard => (item::with_wildcards(rng, text), String::new()),
                _ => (item::escaped(rng, text), String::new()),
            };
            item.values.push(Val::Str(value));
            item.hints.push(hint);
        }
        item
    }
}

/// A rule whose searches are called `a`, `b` and so on.
fn rule(rng: &mut Rng, number: usize, items: &[&Item], condition: &str) -> Rule {
    let search = |(name, item): (&str, &&Item)| Search {
        name: name.to_owned(),
        maps: vec![vec![(*item).clone()]],
    };
    Rule {
        id: format!("r{number:04}"),
        logsource: rng.word(&LOGSOURCES),
        searches: ["a", "b", "c"].into_iter().zip(items).map(search).collect(),
        conditions: vec![condition.to_owned()],
        filter: None,
        shape: None,
    }
}

impl Set {
    /// An event and the log source that a host names for it.
    pub fn event(&self, rng: &mut Rng) -> (Ev, &'static str) {
        let mut entries = Vec::new();
        for field in FIELDS {
            let own: Vec<&Item> = self.items.iter().filter(|item| item.slot == field).collect();
            if own.is_empty() || rng.chance(20) {
                continue;
            }
            let value = |rng: &mut Rng| {
                let text = probe::text(rng, &own);
                let state = *rng.pick(&[State::String, State::String, State::Number, State::Bool]);
                witness::typed(rng, text, state)
            };
            let value = match rng.below(8) {
                0 => Ev::Array((0..1 + rng.below(3)).map(|_| value(rng)).collect()),
                _ => value(rng),
            };
            // A path may be one key or several objects.
            entries.push(match field.split_once('.') {
                Some((outer, inner)) if rng.chance(50) => {
                    let inner = vec![(inner.as_bytes().to_vec(), value)];
                    (outer.as_bytes().to_vec(), Ev::Object(inner))
                }
                _ => (field.as_bytes().to_vec(), value),
            });
        }
        if rng.chance(30) {
            let items: Vec<&Item> = self.items.iter().collect();
            // No rule has this field: keywords see it.
            entries.insert(0, (b"other".to_vec(), Ev::Str(probe::text(rng, &items))));
        }
        (Ev::Object(entries), rng.word(&NAMED))
    }
}
