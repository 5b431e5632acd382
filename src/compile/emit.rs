//! From lowered rules to tables.

use super::bounds::Sum;
use super::frequency::Frequencies;
use super::index;
use super::ir::{Fields, Ir, KEYWORDS, OrderedNumber, PredicateKey, Predicates, Test};
use super::item::Context;
use super::lower::{LoweredRule, lower};
use super::pattern::{Pattern, Piece};
use super::pivot::Wait;
use super::program::Programs;
use super::select::{Selection, select};
use super::{CompileError, Options, canonical, indicators, level_number, logsource_text, regex};
use crate::destination::Normal;
use crate::event::keys::KeyTable;
use crate::limits;
use crate::rule::ast::{Collection, Filter, LogSource, Rule as AstRule};
use crate::rule::descriptor::{Destination, Ids, compile_normal, compile_sources};
use crate::ruleset::debug::{Debug, DebugItem, DebugSelection, DebugValue};
use crate::ruleset::normal::NormalSection;
use crate::ruleset::regexes::RegexRecord;
use crate::ruleset::tables::{
    Instruction, Links, LogSourceRecord, NONE, Network, NumberRecord, Predicate, Rule, Tables,
    Text, Token, flag, kind, op, token,
};
use foldhash::HashMap;
use std::collections::BTreeMap;

/// Compiles a collection into tables; the bytes are the rules' conditions for the identity.
pub fn tables(
    collection: &Collection,
    options: &Options,
) -> Result<(Tables, Debug, Vec<u8>), Vec<CompileError>> {
    let rules = ordered(collection)?;
    let mut filters: Vec<(String, &Filter)> =
        collection.filters.iter().map(|f| (canonical::filter(f), f)).collect();
    filters.sort_by(|a, b| a.0.cmp(&b.0));
    filters.dedup_by(|a, b| a.0 == b.0);
    let filters: Vec<&Filter> = filters.into_iter().map(|(_, filter)| filter).collect();

    let mut predicates = Predicates::default();
    let mut fields = Fields::default();
    let mut sum = Sum::default();
    let mut lowered = Vec::with_capacity(rules.len());
    let mut errors = Vec::new();
    for (id, rule) in &rules {
        let mut context = Context {
            predicates: &mut predicates,
            fields: &mut fields,
            sum: &mut sum,
            placeholders: &collection.placeholders,
        };
        match lower(rule, &filters, &mut context) {
            Ok(done) => lowered.push((id, *rule, done)),
            Err(e) => errors.push(CompileError {
                place: crate::rule::ast::Place { pos: e.pos, ..rule.meta.place.clone() },
                subject: rule.meta.title.clone(),
                message: e.message,
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut emit = Emit { tables: Tables::default(), texts: Pool::default() };
    indicators::intern(options, &mut fields);
    emit.logsources(&rules);
    emit.sources(options, &mut fields);
    if fields.names().len() > limits::FIELDS {
        let most = limits::FIELDS;
        return Err(vec![CompileError {
            place: crate::rule::ast::Place::default(),
            subject: "the rules and sources".to_owned(),
            message: format!("they name more than {most} fields: compile several rule sets"),
        }]);
    }
    emit.fields(&fields);
    emit.predicates(predicates.list(), fields.names().len() as u32)?;
    let frequencies = Frequencies::new(options.profile.as_ref(), fields.names());
    let mut debug = emit.rules(&lowered, predicates.list(), &frequencies, options, collection);
    emit.indicators(options, &mut fields, &mut debug);
    emit.tables.texts = emit.texts.bytes;
    let mut conditions = Vec::new();
    lowered.iter().for_each(|(_, _, done)| canonical::condition(&done.ir, &mut conditions));
    Ok((emit.tables, debug, conditions))
}

/// The rules by id, each once.
pub(super) fn ordered(
    collection: &Collection,
) -> Result<Vec<(String, &AstRule)>, Vec<CompileError>> {
    let nameless = |rule| format!("sha256:{}", canonical::short_hash(&canonical::rule(rule)));
    let mut keyed: Vec<(String, &AstRule)> = collection
        .rules
        .iter()
        .map(|rule| (rule.meta.id.clone().unwrap_or_else(|| nameless(rule)), rule))
        .collect();
    // Rules with one id are hardly ever there, and nobody else's canonical form is needed.
    let by_form = |a: &AstRule, b: &AstRule| canonical::rule(a).cmp(&canonical::rule(b));
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| by_form(a.1, b.1)));
    keyed.dedup_by(|a, b| a.0 == b.0 && by_form(a.1, b.1).is_eq());
    let errors: Vec<CompileError> = keyed
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| CompileError {
            place: pair[1].1.meta.place.clone(),
            subject: pair[1].1.meta.title.clone(),
            message: format!(
                "id {} is also that of `{}` at {}: give one of them a new id",
                pair[1].0, pair[0].1.meta.title, pair[0].1.meta.place
            ),
        })
        .collect();
    if errors.is_empty() { Ok(keyed) } else { Err(errors) }
}

/// Texts, each stored once.
#[derive(Default)]
pub(super) struct Pool {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, Text>,
}

impl Pool {
    pub(super) fn add(&mut self, text: &[u8]) -> Text {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let place = Text { start: self.bytes.len() as u32, len: text.len() as u32 };
        self.bytes.extend_from_slice(text);
        self.known.insert(text.to_vec(), place);
        place
    }
}

fn key_table(fields: &Fields, containers: &[String]) -> KeyTable {
    let names: Vec<&[u8]> = fields.names().iter().map(String::as_bytes).collect();
    let containers: Vec<&[u8]> = containers.iter().map(String::as_bytes).collect();
    KeyTable::build(&names, &containers)
}

pub(super) struct Emit {
    pub(super) tables: Tables,
    pub(super) texts: Pool,
}

impl Emit {
    pub(super) fn logsource(&mut self, logsource: &LogSource) -> u32 {
        let mut part = |p: &Option<String>| self.texts.add(p.as_deref().unwrap_or("").as_bytes());
        let record = LogSourceRecord {
            product: part(&logsource.product),
            category: part(&logsource.category),
            service: part(&logsource.service),
            path: self.texts.add(logsource_text(logsource).as_bytes()),
        };
        let list = &mut self.tables.logsources;
        let found = list.iter().position(|known| *known == record);
        found.unwrap_or_else(|| {
            list.push(record);
            list.len() - 1
        }) as u32
    }

    fn logsources(&mut self, rules: &[(String, &AstRule)]) {
        let mut all: Vec<&LogSource> = rules.iter().map(|(_, rule)| &rule.logsource).collect();
        all.sort();
        all.dedup();
        for logsource in all {
            self.logsource(logsource);
        }
    }

    fn sources(&mut self, options: &Options, fields: &mut Fields) {
        let mut referenced = fields.names().to_vec();
        let mut containers: Vec<String> = Vec::new();
        self.tables.sources = self.with_ids(fields, &mut containers, &referenced, |ids| {
            compile_sources(&options.sources, ids)
        });
        self.tables.keys = key_table(fields, &containers);
        if !options.destinations.is_empty() {
            let named = options.destinations.iter().flat_map(Destination::fields);
            referenced.extend(named.map(str::to_owned));
            referenced.sort();
            referenced.dedup();
            let (sources, tables) = self.with_ids(fields, &mut containers, &referenced, |ids| {
                compile_normal(&options.sources, &options.destinations, ids)
            });
            let keys = key_table(fields, &containers);
            self.tables.normal = NormalSection::of(&Normal { keys, sources, tables });
        }
        self.tables.containers = containers.len() as u32;
    }

    /// Compiles something with the numbers that fields, containers and log sources have so far.
    fn with_ids<T>(
        &mut self,
        fields: &mut Fields,
        containers: &mut Vec<String>,
        referenced: &[String],
        compile: impl FnOnce(&mut Ids<'_>) -> T,
    ) -> T {
        compile(&mut Ids {
            field: &mut |name| fields.intern(name),
            container: &mut |path| {
                let found = containers.iter().position(|known| known == path);
                found.unwrap_or_else(|| {
                    containers.push(path.to_owned());
                    containers.len() - 1
                }) as u32
            },
            logsource: &mut |logsource| self.logsource(logsource),
            referenced,
        })
    }

    fn fields(&mut self, fields: &Fields) {
        for name in fields.names() {
            let text = self.texts.add(name.as_bytes());
            self.tables.fields.push(text);
        }
    }

    fn predicates(&mut self, list: &[PredicateKey], fields: u32) -> Result<(), Vec<CompileError>> {
        let mut needles = Pool::default();
        let mut programs = regex::program::Programs::default();
        for key in list {
            let field = if key.field == KEYWORDS { fields } else { key.field };
            let mut record = match &key.test {
                Test::Pattern { pattern, cased } => self.pattern(pattern, *cased, &mut needles),
                Test::Regex { source, flags } => self.regex(source, *flags, &mut programs)?,
                Test::Cidr { version, first, last } => {
                    let network = Network { version: *version, first: *first, last: *last };
                    test(kind::CIDR, push(&mut self.tables.networks, network), 0)
                }
                Test::Compare { comparison, number } => {
                    test(kind::COMPARE, *comparison, self.number(*number))
                }
                Test::FieldRef { field, mode, cased } => {
                    let mut record = test(kind::FIELD_REF, *field, *mode);
                    if *cased {
                        record.flags |= flag::CASED;
                    }
                    record
                }
                Test::TimePart { part, comparison, number } => {
                    test(kind::TIME_PART, part | comparison << 8, self.number(*number))
                }
                Test::Null => test(kind::NULL, 0, 0),
                Test::Exists => test(kind::EXISTS, 0, 0),
            };
            record.field = field;
            self.tables.predicates.push(record);
        }
        self.tables.needles = needles.bytes;
        Ok(())
    }

    fn number(&mut self, number: OrderedNumber) -> u32 {
        let record = match number {
            OrderedNumber::Int(int) => NumberRecord { is_float: 0, bits: int },
            OrderedNumber::Float(bits) => NumberRecord { is_float: 1, bits: i128::from(bits) },
        };
        push(&mut self.tables.numbers, record)
    }

    fn pattern(&mut self, pattern: &Pattern, cased: bool, needles: &mut Pool) -> Predicate {
        let mut literal = |kind: u8, text: &[u8]| {
            let needle = needles.add(text);
            test(kind, needle.start, needle.len)
        };
        let mut record = match pattern.pieces() {
            [] => literal(kind::EQUALS, b""),
            [Piece::Literal(text)] => literal(kind::EQUALS, text),
            [Piece::Literal(text), Piece::Any] => literal(kind::PREFIX, text),
            [Piece::Any, Piece::Literal(text)] => literal(kind::SUFFIX, text),
            [Piece::Any, Piece::Literal(text), Piece::Any] => literal(kind::CONTAINS, text),
            [Piece::Any] => test(kind::ANY_TEXT, 0, 0),
            pieces => {
                let first = self.tables.tokens.len() as u32;
                for piece in pieces {
                    let token = match piece {
                        Piece::Literal(text) => {
                            let needle = needles.add(text);
                            Token { kind: token::LITERAL, a: needle.start, b: needle.len }
                        }
                        Piece::Any => Token { kind: token::ANY, a: 0, b: 0 },
                        Piece::One => Token { kind: token::ONE, a: 0, b: 0 },
                        Piece::Dash => Token { kind: token::DASH, a: 0, b: 0 },
                    };
                    self.tables.tokens.push(token);
                }
                test(kind::GLOB, first, pieces.len() as u32)
            }
        };
        if cased {
            record.flags |= flag::CASED;
        }
        if pattern.is_ragged() {
            record.flags |= flag::RAGGED;
        }
        record
    }

    fn regex(
        &mut self,
        source: &str,
        flags: u32,
        programs: &mut regex::program::Programs,
    ) -> Result<Predicate, Vec<CompileError>> {
        let failed = |message| {
            vec![CompileError {
                place: crate::rule::ast::Place::default(),
                subject: source.to_owned(),
                message,
            }]
        };
        let prepared = regex::prepare(source, flags).map_err(failed)?;
        let source = self.texts.add(prepared.source.as_bytes());
        let regexes = &mut self.tables.regexes;
        let same = |r: &RegexRecord| r.source == source && r.flags == flags;
        let id = match regexes.list.iter().position(same) {
            Some(known) => known as u32,
            None => {
                let automaton = regex::automaton::add(&prepared.hir, regexes).unwrap_or(NONE);
                let program = if regexes.decides_all(automaton) {
                    NONE
                } else {
                    programs.add(&prepared.hir, &mut regexes.programs).map_err(failed)?
                };
                let min_len = prepared.min_len;
                push(&mut regexes.list, RegexRecord { source, flags, min_len, program, automaton })
            }
        };
        Ok(test(kind::REGEX, id, prepared.min_len))
    }

    fn rules(
        &mut self,
        lowered: &[(&String, &AstRule, LoweredRule)],
        keys: &[PredicateKey],
        frequencies: &Frequencies<'_>,
        options: &Options,
        collection: &Collection,
    ) -> Debug {
        let field_count = self.tables.fields.len();
        let field_of = |field: u32| if field == KEYWORDS { field_count } else { field as usize };
        let conditions: Vec<&Ir> = lowered.iter().map(|(_, _, done)| &done.ir).collect();
        let Selection { indexed, waits } = select(keys, &conditions, frequencies);
        let is_indexed = |id: u32| indexed[id as usize];
        let built = index::build(keys, &is_indexed, field_count, &field_of, frequencies);
        self.tables.indexes = built.fields;
        self.tables.slots = built.slots;
        self.tables.entries = built.entries;
        self.tables.filters = built.filters;
        self.tables.nested = built.nested;
        for (predicate, indexed) in self.tables.predicates.iter_mut().zip(&indexed) {
            if *indexed {
                predicate.flags |= flag::INDEXED;
            }
        }

        let predicates = self.tables.predicates.clone();
        let cost = |id: u32| match predicates[id as usize].kind {
            kind::NULL | kind::EXISTS | kind::ANY_TEXT => 2,
            kind::COMPARE | kind::EQUALS => 4,
            kind::REGEX => 200,
            _ => 20,
        };
        let mut programs = Programs {
            is_indexed: &is_indexed,
            cost: &cost,
            groups: HashMap::default(),
            members: Vec::new(),
        };
        let mut waiting: BTreeMap<Wait, Vec<u32>> = BTreeMap::new();
        let mut code: Vec<Instruction> = Vec::new();
        let mut debug = DebugBuilder::default();
        for (index, ((id, rule, done), waits)) in lowered.iter().zip(waits).enumerate() {
            let index = index as u32;
            let program = programs.emit(&done.ir, &mut code);
            match waits {
                Some(mut waits) => {
                    waits.sort_unstable();
                    waits.dedup();
                    for wait in waits {
                        waiting.entry(wait).or_default().push(index);
                    }
                }
                None if program == op::REJECT => {}
                None => self.tables.open_rules.push(index),
            }
            let record = self.rule_record(id, rule, program);
            self.tables.rules.push(record);
        }
        // After all rules: the groups of debug programs must not renumber theirs.
        let described = if options.strip_debug { &[][..] } else { lowered };
        for (index, (_, rule, done)) in described.iter().enumerate() {
            debug.rule(index as u32, rule, done, &mut programs);
        }
        self.tables.program = code;
        self.lists(keys.len(), &programs.members, &waiting);
        let mut correlations: Vec<String> = collection
            .correlations
            .iter()
            .map(|c| {
                let id = c.meta.id.as_ref().or(c.meta.name.as_ref());
                format!("{} {}", id.map_or("-", String::as_str), c.meta.title)
            })
            .collect();
        correlations.sort();
        for correlation in correlations {
            let text = self.texts.add(correlation.as_bytes());
            self.tables.correlations.push(text);
        }
        Debug { texts: debug.texts.bytes, ..debug.debug }
    }

    fn rule_record(&mut self, id: &str, rule: &AstRule, program: u32) -> Rule {
        let logsource = self.logsource(&rule.logsource);
        let meta = &rule.meta;
        let mut text = |t: &str| self.texts.add(t.as_bytes());
        Rule {
            program,
            logsource,
            level: level_number(meta.level),
            id: text(id),
            title: text(&meta.title),
            author: text(meta.author.as_deref().unwrap_or("")),
            license: text(meta.license.as_deref().unwrap_or("")),
            tags: text(&meta.tags.join(",")),
        }
    }

    fn lists(&mut self, count: usize, groups: &[Vec<u32>], waiting: &BTreeMap<Wait, Vec<u32>>) {
        let mut groups_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (group, members) in groups.iter().enumerate() {
            for &member in members {
                groups_of.entry(member).or_default().push(group as u32);
            }
        }
        let t = &mut self.tables;
        t.groups = groups.len() as u32;
        for id in 0..=count as u32 {
            let groups = t.linked.len() as u32;
            t.linked.extend(groups_of.get(&id).into_iter().flatten());
            let rules = t.linked.len() as u32;
            t.linked.extend(waiting.get(&Wait::Report(id)).into_iter().flatten());
            t.links.push(Links { groups, rules });
        }
        t.waiting_starts.push(0);
        for field in 0..t.fields.len() as u32 {
            t.waiting_rules.extend(waiting.get(&Wait::Presence(field)).into_iter().flatten());
            t.waiting_starts.push(t.waiting_rules.len() as u32);
        }
    }
}

fn test(kind: u8, a: u32, b: u32) -> Predicate {
    Predicate { field: 0, kind, flags: 0, a, b }
}

fn push<T>(list: &mut Vec<T>, item: T) -> u32 {
    list.push(item);
    list.len() as u32 - 1
}

/// Collects what `explain` needs.
#[derive(Default)]
struct DebugBuilder {
    debug: Debug,
    texts: Pool,
}

impl DebugBuilder {
    fn rule(
        &mut self,
        index: u32,
        rule: &AstRule,
        lowered: &LoweredRule,
        programs: &mut Programs<'_>,
    ) {
        let conditions: Vec<&str> =
            rule.detection.conditions.iter().map(|c| c.text.as_str()).collect();
        let place = format!("{}:{}", rule.meta.place.file, rule.meta.place.pos.line);
        let debug = &mut self.debug;
        debug.conditions.push(self.texts.add(conditions.join(" | ").as_bytes()));
        debug.places.push(self.texts.add(place.as_bytes()));
        for selection in &lowered.selections {
            let items = debug.items.len() as u32;
            // The values of an item must be contiguous, so items come after their values.
            let mut records = Vec::with_capacity(selection.items.len());
            for item in &selection.items {
                let values = debug.values.len() as u32;
                for (text, ir) in &item.lowered.values {
                    let first = debug.predicates.len() as u32;
                    collect(ir, &mut debug.predicates);
                    let value = DebugValue {
                        text: self.texts.add(text.as_bytes()),
                        program: programs.emit(ir, &mut debug.program),
                        predicates: first,
                        predicate_count: debug.predicates.len() as u32 - first,
                    };
                    debug.values.push(value);
                }
                records.push(DebugItem {
                    key: self.texts.add(item.key.as_bytes()),
                    line: item.line,
                    program: programs.emit(&item.lowered.ir, &mut debug.program),
                    values,
                    value_count: debug.values.len() as u32 - values,
                });
            }
            debug.items.append(&mut records);
            debug.selections.push(DebugSelection {
                rule: index,
                name: self.texts.add(selection.name.as_bytes()),
                line: selection.line,
                program: programs.emit(&selection.ir, &mut debug.program),
                items,
                item_count: debug.items.len() as u32 - items,
            });
        }
    }
}

fn collect(ir: &Ir, out: &mut Vec<u32>) {
    match ir {
        Ir::Predicate(id) => out.push(*id),
        Ir::And(parts) | Ir::Or(parts) | Ir::AtLeast(_, parts) => {
            parts.iter().for_each(|part| collect(part, out));
        }
        Ir::Not(part) => collect(part, out),
        Ir::True | Ir::False => {}
    }
}
