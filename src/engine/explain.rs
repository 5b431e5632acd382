//! Why a rule matched an event, or did not: every selection, item and value of the rule with its
//! verdict, and the values of the event that decided it.
//!
//! ```text
//! record --source--> event view --debug programs--> Explanation
//! ```
//! Enter at [`Explainer::explain`]. Everything is evaluated without the index, by the programs that
//! the compiler wrote for this purpose, so the verdict of the whole rule is also a check of the
//! index. It allocates freely: it runs where a person waits for the answer.

use super::MatchError;
use super::examine::malformed_error;
use super::matcher::{Matcher, Mode};
use super::route::{LogsourceMode, Routes};
use super::vector::Vectors;
use crate::event::MalformedKind;
use crate::event::value::Value;
use crate::limits;
use crate::ruleset::RuleSet;
use crate::ruleset::debug::{Debug, DebugItem, DebugSelection, DebugValue};
use crate::ruleset::tables::kind;
use crate::source::{Buffers, Encoding, EventView, Outcome, SourceEvent, SqlCode, for_each_event};
use std::fmt;

/// What a rule found in one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The event's number inside its record: an envelope may hold many.
    pub event: u32,
    /// Name of the source that recognised the event.
    pub source: Option<String>,
    /// `product/category/service` of the event, as recognised or as given; none: not known.
    pub logsources: Vec<String>,
    /// Whether the rule is about such events. An event whose log source is not known is tested
    /// against all rules.
    pub applies: bool,
    /// Whether the condition, filters included, holds.
    pub holds: bool,
    /// Whether the rule reports the event: it applies and holds.
    pub matched: bool,
    /// The selections that the condition names, those of filters behind them.
    pub selections: Vec<Selection>,
}

/// A selection of the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Its name; `filter/NAME` if it comes from a filter document.
    pub name: String,
    /// Line of its name in the file it was written in.
    pub line: u32,
    /// Whether it holds.
    pub held: bool,
    /// Its items in the author's order.
    pub items: Vec<Item>,
}

/// A `field|modifier: values` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `field|modifier|...` as written, `keywords` for a plain list.
    pub key: String,
    /// Line of its key.
    pub line: u32,
    /// Whether it holds.
    pub held: bool,
    /// What the event has in the fields that the item looks at; none for keywords.
    pub fields: Vec<Field>,
    /// Its values in the author's order.
    pub values: Vec<ItemValue>,
}

/// A field of the event that an item looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Whether the event has it, even as null.
    pub present: bool,
    /// Its values: several if it is an array or occurs several times.
    pub values: Vec<Found>,
}

/// One value of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemValue {
    /// As written.
    pub text: String,
    /// Whether it holds. Negation by `neq` is the item's, not the value's.
    pub held: bool,
    /// The values of the event that fit it.
    pub witnesses: Vec<Witness>,
}

/// A value of the event that fits a value of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Witness {
    /// The field it is in; none: found by keyword search.
    pub field: Option<String>,
    /// The value.
    pub value: Found,
}

/// A value of the event, detached from it. Bytes that are not UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// An explicit null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// The digits of a number that fits neither.
    BigNumber(String),
    /// A text.
    Text(String),
    /// An object: present, without text.
    Object,
    /// An array without elements: present, without text.
    EmptyArray,
    /// A msgpack extension: present, without text.
    Opaque,
}

impl fmt::Display for Found {
    /// As JSON would show it; long texts are not shortened.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Null => f.write_str("null"),
            Found::Bool(value) => write!(f, "{value}"),
            Found::Int(value) => write!(f, "{value}"),
            Found::Float(value) => write!(f, "{value:?}"),
            Found::BigNumber(digits) => f.write_str(digits),
            // Rust's escapes keep control characters of a log from reaching a terminal.
            Found::Text(text) => write!(f, "{text:?}"),
            Found::Object => f.write_str("{...}"),
            Found::EmptyArray => f.write_str("[]"),
            Found::Opaque => f.write_str("(extension)"),
        }
    }
}

/// Why rules of a rule set cannot be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexplainable {
    /// There is no debug section: it was compiled with `--strip-debug`.
    Stripped,
    /// The debug section is damaged, and how. Matching does not depend on it.
    Damaged(String),
}

impl fmt::Display for Unexplainable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unexplainable::Stripped => f.write_str(
                "the rule set was compiled without what explanations need: compile it without \
                 `--strip-debug`, or give the rule files themselves",
            ),
            Unexplainable::Damaged(how) => {
                write!(f, "what explanations need is damaged, compile the rules again: {how}")
            }
        }
    }
}

impl std::error::Error for Unexplainable {}

/// Explains rules of one rule set. Not shared between threads; an explanation owns its texts and
/// outlives it.
pub struct Explainer<'r> {
    rules: &'r RuleSet,
    buffers: Buffers,
    parts: Parts<'r>,
    /// Largest record that is examined, in bytes.
    pub max_record: u32,
}

/// What is needed while a view is borrowed from the buffers.
struct Parts<'r> {
    rules: &'r RuleSet,
    debug: &'r Debug,
    matcher: Matcher,
    routes: Routes,
}

impl<'r> Explainer<'r> {
    /// An explainer of a rule set.
    ///
    /// # Errors
    /// If the rule set has rules and no debug section, or a damaged one.
    pub fn new(rules: &'r RuleSet) -> Result<Explainer<'r>, Unexplainable> {
        let tables = rules.tables();
        let debug = rules.debug().map_err(|e| Unexplainable::Damaged(e.to_owned()))?;
        if debug.conditions.len() != tables.rules.len() || debug.places.len() != tables.rules.len()
        {
            return Err(Unexplainable::Stripped);
        }
        let parts = Parts {
            rules,
            debug,
            matcher: Matcher::new(rules, Mode::Exhaustive, Vectors::Plain),
            routes: Routes::new(LogsourceMode::Auto),
        };
        Ok(Explainer {
            rules,
            // Keywords are shown even where no program asks for them.
            buffers: Buffers::new(&tables.sources, tables.fields.len(), true),
            parts,
            max_record: limits::MAX_RECORD as u32,
        })
    }

    /// Sets how log sources decide whether a rule applies; without it, [`LogsourceMode::Auto`].
    pub fn set_logsource_mode(&mut self, mode: LogsourceMode) {
        self.parts.routes = Routes::new(mode);
    }

    /// Condition of a rule as written; several are joined by ` | `.
    pub fn condition(&self, rule: u32) -> &'r str {
        let debug = self.parts.debug;
        debug.conditions.get(rule as usize).map_or("", |&text| debug.text(text))
    }

    /// Where a rule was written, `file:line`.
    pub fn place(&self, rule: u32) -> &'r str {
        let debug = self.parts.debug;
        debug.places.get(rule as usize).map_or("", |&text| debug.text(text))
    }

    /// Explains what a rule finds in each event of one record. `logsource` is
    /// `product/category/service` as the caller knows it; empty: recognise it.
    ///
    /// # Errors
    /// If the record is malformed, too large or nested too deep; nothing was explained then.
    ///
    /// # Panics
    /// If `rule` is not below the number of rules.
    pub fn explain(
        &mut self,
        rule: u32,
        record: &[u8],
        encoding: Encoding,
        logsource: &[u8],
        mut show: impl FnMut(Explanation),
    ) -> Result<Outcome, MatchError> {
        assert!(rule < self.rules.rule_count(), "rule {rule} does not exist");
        if record.len() > self.max_record as usize {
            return Err(MatchError::Unexamined { message: "the record is larger than max_record" });
        }
        let tables = self.rules.tables();
        let parts = &mut self.parts;
        let each = |found: &SourceEvent<'_>| show(parts.explanation(rule, found, logsource));
        let buffers = &mut self.buffers;
        for_each_event(record, encoding, &tables.sources, &tables.keys, buffers, each).map_err(
            |malformed| match malformed.kind {
                MalformedKind::TooDeep => {
                    MatchError::Unexamined { message: "the record is nested too deep" }
                }
                _ => malformed_error(malformed),
            },
        )
    }
}

impl Parts<'_> {
    fn explanation(&mut self, rule: u32, found: &SourceEvent<'_>, logsource: &[u8]) -> Explanation {
        let (rules, tables) = (self.rules, self.rules.tables());
        let record = &tables.rules[rule as usize];
        let route = self.routes.met(rules, &[], logsource, found.logsources);
        let applies = route.is_some_and(|route| route.admits(rule));
        let logsources = if logsource.is_empty() {
            let path = |&id: &u32| rules.logsource(id).join("/");
            found.logsources.iter().map(path).collect()
        } else {
            vec![String::from_utf8_lossy(logsource).into_owned()]
        };
        let source = found.source.and_then(|source| {
            let name = tables.sources.sources.get(source as usize)?.name;
            Some(String::from_utf8_lossy(name.of(&tables.sources.text)).into_owned())
        });
        let view = &found.view;
        self.matcher.begin();
        let holds = self.matcher.execute(rules, &tables.program, record.program, view);
        let selections = &self.debug.selections;
        let first = selections.partition_point(|selection| selection.rule < rule);
        let selections = selections[first..]
            .iter()
            .take_while(|selection| selection.rule == rule)
            .map(|selection| self.selection(selection, view))
            .collect();
        let matched = applies && holds;
        Explanation { event: found.index, source, logsources, applies, holds, matched, selections }
    }

    fn holds(&mut self, program: u32, view: &EventView<'_>) -> bool {
        self.matcher.execute(self.rules, &self.debug.program, program, view)
    }

    fn selection(&mut self, selection: &DebugSelection, view: &EventView<'_>) -> Selection {
        let items = &self.debug.items;
        let items = &items[selection.items as usize..][..selection.item_count as usize];
        Selection {
            name: self.debug.text(selection.name).to_owned(),
            line: selection.line,
            held: self.holds(selection.program, view),
            items: items.iter().map(|item| self.item(item, view)).collect(),
        }
    }

    fn item(&mut self, item: &DebugItem, view: &EventView<'_>) -> Item {
        let tables = self.rules.tables();
        let values = &self.debug.values[item.values as usize..][..item.value_count as usize];
        let mut fields: Vec<u32> = Vec::new();
        for value in values {
            for &id in self.predicates(value) {
                let predicate = &tables.predicates[id as usize];
                let other = (predicate.kind == kind::FIELD_REF).then_some(predicate.a);
                for field in [Some(predicate.field), other].into_iter().flatten() {
                    if (field as usize) < tables.fields.len() && !fields.contains(&field) {
                        fields.push(field);
                    }
                }
            }
        }
        Item {
            key: self.debug.text(item.key).to_owned(),
            line: item.line,
            held: self.holds(item.program, view),
            fields: fields.into_iter().map(|field| self.field(field, view)).collect(),
            values: values.iter().map(|value| self.value(value, view)).collect(),
        }
    }

    fn predicates(&self, value: &DebugValue) -> &'_ [u32] {
        let list = &self.debug.predicates;
        &list[value.predicates as usize..][..value.predicate_count as usize]
    }

    fn field(&self, field: u32, view: &EventView<'_>) -> Field {
        Field {
            name: self.rules.field_name(field).to_owned(),
            present: view.is_present(field),
            values: view.values(field).map(|value| detached(value, view)).collect(),
        }
    }

    fn value(&mut self, value: &DebugValue, view: &EventView<'_>) -> ItemValue {
        let predicates = &self.rules.tables().predicates;
        let is_regex = |id: &u32| predicates[*id as usize].kind == kind::REGEX;
        let mut ids = self.predicates(value).to_vec();
        if ids.iter().any(is_regex) {
            // The others are literals that the expression needs: they prove nothing alone.
            ids.retain(is_regex);
        }
        let mut witnesses = Vec::new();
        for id in ids {
            self.witnesses(id, view, &mut witnesses);
        }
        ItemValue {
            text: self.debug.text(value.text).to_owned(),
            held: self.holds(value.program, view),
            witnesses,
        }
    }

    /// Adds the values of the event for which a predicate holds, each once.
    fn witnesses(&mut self, id: u32, view: &EventView<'_>, out: &mut Vec<Witness>) {
        let rules = self.rules;
        let tables = rules.tables();
        let predicate = &tables.predicates[id as usize];
        let is_keyword = predicate.field as usize == tables.fields.len();
        let candidates: Vec<Value> = if is_keyword {
            view.leaves().to_vec()
        } else {
            view.values(predicate.field).collect()
        };
        for value in candidates {
            let fits = match predicate.kind {
                kind::EXISTS => true,
                kind::NULL => value == Value::Null,
                _ => self.matcher.holds_on_value(rules, id, value, view),
            };
            if !fits {
                continue;
            }
            let field = (!is_keyword).then(|| rules.field_name(predicate.field).to_owned());
            let witness = Witness { field, value: detached(value, view) };
            if !out.contains(&witness) {
                out.push(witness);
            }
        }
    }
}

fn detached(value: Value, view: &EventView<'_>) -> Found {
    let text = |span| String::from_utf8_lossy(view.bytes(span)).into_owned();
    match value {
        Value::Null | Value::NullElement => Found::Null,
        Value::Bool(value) => Found::Bool(value),
        Value::Int(value) => Found::Int(value.into()),
        Value::Uint(value) => Found::Int(value.into()),
        Value::Float(value) => Found::Float(value),
        Value::BigNumber(span) => Found::BigNumber(text(span)),
        Value::Str(span) => Found::Text(text(span)),
        Value::SqlCode(span) => {
            let mut code = SqlCode::default();
            Found::Text(String::from_utf8_lossy(code.of(view.bytes(span))).into_owned())
        }
        Value::Object => Found::Object,
        Value::EmptyArray => Found::EmptyArray,
        Value::Opaque => Found::Opaque,
    }
}

#[cfg(all(test, feature = "compile"))]
#[path = "explain_tests.rs"]
mod tests;
