//! The engine and the reference on the same rules: every way to ask the engine, one answer.
//!
//! Ways: each logsource mode, JSON and msgpack, one by one, as a batch and as Fluent Bit chunk; and
//! without the index. Scratches are kept from call to call, as a host keeps them.

use crate::generator::event::Ev;
use crate::generator::item::{PATTERNS, PLACEHOLDER};
use crate::generator::rule::{Rule, stream};
use crate::generator::{Rng, shrink};
use sigmatag::compile;
use sigmatag::engine::{
    Engine, Event, Format, Hit, LogsourceMode, Mode, Options, Scratch, Vectors,
};
use sigmatag::reference::Reference;
use sigmatag::reference::event::{Value, from_json, from_msgpack};
use sigmatag::rule::ast::{Collection, LogSource, Placeholders};
use sigmatag::rule::diagnostic::Severity;
use sigmatag::rule::load::load_text;
use std::collections::HashMap;
use std::sync::Arc;

const FORMATS: [Format; 2] = [Format::Json, Format::Msgpack];
const LOGSOURCE_MODES: [LogsourceMode; 3] =
    [LogsourceMode::Auto, LogsourceMode::Strict, LogsourceMode::None];

/// An event in both encodings.
pub struct Given {
    json: Vec<u8>,
    msgpack: Vec<u8>,
    /// `product/category/service` as a host knows it, or empty.
    logsource: &'static str,
}

impl Given {
    /// An event in one of its spellings.
    pub fn new(event: &Ev, spelling: u64, logsource: &'static str) -> Given {
        let (mut json, mut msgpack) = (Vec::new(), Vec::new());
        event.json(&mut Rng::new(spelling), &mut json);
        event.msgpack(&mut Rng::new(spelling), &mut msgpack);
        Given { json, msgpack, logsource }
    }

    fn event(&self, format: Format) -> Event<'_> {
        let data = if format == Format::Json { &self.json } else { &self.msgpack };
        Event { logsource: self.logsource.as_bytes(), ..Event::new(format, data) }
    }

    fn decoded(&self, format: Format) -> Value {
        match format {
            Format::Json => from_json(&self.json),
            _ => from_msgpack(&self.msgpack),
        }
        .unwrap_or_else(|error| panic!("the generator made a broken event: {error}"))
    }
}

/// Where the engine and the reference differ.
pub struct Difference {
    /// Which of the events.
    pub event: usize,
    /// How the engine was asked, and both answers.
    pub text: String,
}

/// An engine that routes in one way.
struct Asked {
    mode: LogsourceMode,
    engine: Engine,
    indexed: Scratch,
    /// By the instructions that `indexed` does not use, if the processor has them. They look at texts
    /// alike in every mode.
    other: Option<Scratch>,
    /// Slow, and the same in every mode: only where each event meets the most rules.
    exhaustive: Option<Scratch>,
}

/// Compiled rules with both evaluators.
pub struct Judge {
    collection: Collection,
    reference: Reference,
    /// The collection's rule for each of the rule set, which is in another order.
    numbers: Vec<usize>,
    asked: Vec<Asked>,
}

impl Judge {
    pub fn new(rules: &[Rule]) -> Result<Judge, String> {
        let placeholders = Placeholders::from([
            ("words".to_owned(), PLACEHOLDER.map(str::to_owned).to_vec()),
            ("patterns".to_owned(), PATTERNS.map(|(pattern, _)| pattern.to_owned()).to_vec()),
        ]);
        let loaded = load_text("rules.yml", &stream(rules), &placeholders);
        if loaded.has_errors() || loaded.collection.rules.len() != rules.len() {
            let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
            let errors: Vec<String> =
                errors.map(|d| format!("{}: {}", d.place, d.message)).collect();
            return Err(errors.join("\n"));
        }
        let collection = loaded.collection;
        let set = compile::rule_set(&collection, &compile::Options::default())
            .map_err(|errors| format!("{errors:?}"))?;
        let by_id: HashMap<&str, usize> = (0..)
            .zip(&collection.rules)
            .map(|(number, rule)| (rule.meta.id.as_deref().expect("an id"), number))
            .collect();
        let number = |rule| by_id[set.rule(rule).expect("a rule").id];
        let numbers = (0..set.rule_count()).map(number).collect();
        let set = Arc::new(set);
        let asked = LOGSOURCE_MODES.map(|mode| {
            let options = Options { logsource_mode: mode, ..Options::default() };
            let engine = Engine::new(Arc::clone(&set), options);
            let exhaustive = (mode == LogsourceMode::Auto)
                .then(|| Scratch::with_mode(&engine, Mode::Exhaustive));
            let other = [Vectors::Plain, Vectors::Avx2]
                .into_iter()
                .find(|vectors| *vectors != Vectors::fastest() && vectors.is_possible())
                .filter(|_| mode == LogsourceMode::Auto)
                .map(|vectors| Scratch::with_vectors(&engine, Mode::Indexed, vectors));
            Asked { mode, indexed: Scratch::new(&engine), other, exhaustive, engine }
        });
        let reference = Reference::new(&collection)?;
        Ok(Judge { collection, reference, numbers, asked: asked.into() })
    }

    /// Asks in every way about every event: which rules match each, whatever their log source is,
    /// as JSON. Rules are numbers in the order in which they were given.
    pub fn agree(&mut self, events: &[Given]) -> Result<Vec<Vec<usize>>, Difference> {
        // By event, then by format.
        let expected: Vec<[Vec<usize>; 2]> = events
            .iter()
            .map(|given| {
                let [json, msgpack] = FORMATS.map(|format| given.decoded(format));
                let matches = self.reference.matching_rules(&json);
                if json == msgpack {
                    return [matches.clone(), matches];
                }
                [matches, self.reference.matching_rules(&msgpack)]
            })
            .collect();
        for asked in &mut self.asked {
            let mode = asked.mode;
            // What is right for this mode.
            let routed = |event: usize, format: usize| -> Vec<usize> {
                let own = events[event].logsource;
                let admitted =
                    |rule: &&usize| admits(mode, &self.collection.rules[**rule].logsource, own);
                expected[event][format].iter().filter(admitted).copied().collect()
            };
            let compare = |how: &str, event: usize, format: usize, found: Vec<usize>| {
                let right = routed(event, format);
                if found == right {
                    return Ok(());
                }
                let id = |rule: &usize| self.collection.rules[*rule].meta.id.clone();
                let ids = |rules: &[usize]| rules.iter().filter_map(id).collect::<Vec<_>>();
                let given = &events[event];
                let text = format!(
                    "{how}, {:?}, {:?}, log source {:?}\nengine:    {:?}\nreference: {:?}\n\
                     event: {}",
                    FORMATS[format],
                    mode,
                    given.logsource,
                    ids(&found),
                    ids(&right),
                    given.event(FORMATS[format]).data.escape_ascii()
                );
                Err(Difference { event, text })
            };
            let Asked { engine, indexed, other, exhaustive, .. } = asked;
            let scratches = [
                ("indexed", Some(&mut *indexed)),
                ("indexed, by other instructions", other.as_mut()),
                ("exhaustive", exhaustive.as_mut()),
            ];
            for (how, scratch) in scratches {
                let Some(scratch) = scratch else { continue };
                for (number, given) in events.iter().enumerate() {
                    for (at, format) in FORMATS.into_iter().enumerate() {
                        let result = scratch.match_event(engine, &given.event(format));
                        result.unwrap_or_else(|error| panic!("an event is refused: {error}"));
                        compare(how, number, at, rules_of(&self.numbers, scratch.hits()))?;
                    }
                }
            }
            let batch: Vec<Event<'_>> =
                events.iter().flat_map(|given| FORMATS.map(|format| given.event(format))).collect();
            indexed.match_batch(engine, &batch).expect("no plan is pending");
            for (record, hits) in by_record(indexed.hits(), batch.len()) {
                compare("in a batch", record / 2, record % 2, rules_of(&self.numbers, hits))?;
            }
            for (logsource, numbers) in by_logsource(events) {
                let chunk = chunk(numbers.iter().map(|number| &events[*number]));
                let call = Event {
                    logsource: logsource.as_bytes(),
                    ..Event::new(Format::FlbChunk, &chunk)
                };
                let summary = indexed.match_event(engine, &call).expect("a chunk");
                assert_eq!(summary.records, numbers.len() as u64, "records of a chunk");
                for (record, hits) in by_record(indexed.hits(), numbers.len()) {
                    compare("in a chunk", numbers[record], 1, rules_of(&self.numbers, hits))?;
                }
            }
        }
        Ok(expected.into_iter().map(|[json, _]| json).collect())
    }
}

/// The smallest input that shows a difference, for a message.
pub fn reproduction(
    rules: &[Rule],
    event: &Ev,
    spelling: u64,
    logsource: &'static str,
    found: &Difference,
) -> String {
    let difference = |rules: &[Rule], event: &Ev| {
        let given = Given::new(event, spelling, logsource);
        Judge::new(rules).ok()?.agree(&[given]).err()
    };
    if difference(rules, event).is_none() {
        return format!("only behind other events: {}", found.text);
    }
    let mut fails = |rules: &[Rule], event: &Ev| difference(rules, event).is_some();
    let (rules, event) = shrink::shrink(rules.to_vec(), event.clone(), &mut fails);
    let text = difference(&rules, &event).map_or(String::new(), |difference| difference.text);
    format!("{}\n{event:?}\n{text}", stream(&rules))
}

/// Whether a rule meets an event: no attribute of its log source is set on both sides and differs;
/// in strict mode each that the rule sets is the event's. `-` is known to be none.
fn admits(mode: LogsourceMode, rule: &LogSource, event: &str) -> bool {
    if mode == LogsourceMode::None {
        return true;
    }
    if event.is_empty() {
        return mode == LogsourceMode::Auto;
    }
    let parts: Vec<&str> = event.split('/').collect();
    [&rule.product, &rule.category, &rule.service].into_iter().enumerate().all(|(at, asked)| {
        let Some(asked) = asked else { return true };
        match parts[at] {
            "" => mode == LogsourceMode::Auto,
            known => known == asked,
        }
    })
}

fn rules_of(numbers: &[usize], hits: &[Hit]) -> Vec<usize> {
    let mut rules: Vec<usize> = hits.iter().map(|hit| numbers[hit.rule as usize]).collect();
    rules.sort_unstable();
    rules
}

/// The hits of each of `count` records, with its number.
fn by_record(hits: &[Hit], count: usize) -> impl Iterator<Item = (usize, &[Hit])> {
    assert!(hits.is_sorted_by_key(|hit| hit.record), "hits are in the order of records");
    (0..count).map(|record| {
        let of = |record: usize| hits.partition_point(|hit| (hit.record as usize) < record);
        (record, &hits[of(record)..of(record + 1)])
    })
}

/// The numbers of the events of each log source: a chunk has one.
fn by_logsource(events: &[Given]) -> Vec<(&'static str, Vec<usize>)> {
    let mut groups: Vec<(&'static str, Vec<usize>)> = Vec::new();
    for (number, given) in events.iter().enumerate() {
        match groups.iter_mut().find(|(logsource, _)| *logsource == given.logsource) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((given.logsource, vec![number])),
        }
    }
    groups
}

/// Records in both forms that chunks have, in turn.
fn chunk<'a>(events: impl Iterator<Item = &'a Given>) -> Vec<u8> {
    const TIME: &[u8] = b"\xd7\x00\x65\x00\x00\x00\x00\x00\x00\x00";
    let mut out = Vec::new();
    for (number, given) in events.enumerate() {
        let (head, metadata): (&[u8], &[u8]) =
            if number % 2 == 0 { (b"\x92", b"") } else { (b"\x92\x92", b"\x80") };
        out.extend([head, TIME, metadata, &given.msgpack].concat());
    }
    out
}
