//! The correlations of the pack in every dialect: the streams beside them, as other products and
//! pipelines write their events, raise them at the same times.
//!
//! The engine decides which rules match an event, and the sources what its fields are; what comes of
//! it is judged by the reference evaluator.
#![cfg(feature = "compile")]

mod common;
mod dialects;
mod pack;

use common::root;
use dialects::Record;
use sigmatag::engine::{Engine, Event, Format, Scratch};
use sigmatag::reference::correlation::{Correlator, Observation};
use sigmatag::rule::ast::Collection;
use sigmatag::rule::descriptor::{Probe, Seen, built_in};
use sigmatag::rule_test::stream::Stream;
use sigmatag::source::{Encoding, ListedValue};
use std::collections::BTreeMap;
use std::path::Path;

/// The text of a field with one value.
fn text(event: &Seen, name: &str) -> Option<String> {
    let (_, values) = event.listing.fields.iter().find(|(field, _)| field == name)?;
    match &values[..] {
        [ListedValue::Str(text)] => Some(String::from_utf8_lossy(text).into_owned()),
        [ListedValue::Int(number)] => Some(number.to_string()),
        _ => None,
    }
}

struct Judge<'c> {
    collection: &'c Collection,
    engine: Engine,
    scratch: Scratch,
    probe: Probe,
}

impl Judge<'_> {
    /// The seconds at which a correlation is raised by records.
    fn raised(&mut self, at: usize, records: &[(u64, String)]) -> Vec<u64> {
        let by_id: BTreeMap<&str, usize> = self
            .collection
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| (rule.meta.id.as_deref().expect("an id"), at))
            .collect();
        let mut correlator = Correlator::new(self.collection).expect("legal correlations");
        let mut raised = Vec::new();
        for (second, record) in records {
            let data = record.as_bytes();
            let event = Event::new(Format::Json, data);
            self.scratch.match_event(&self.engine, &event).expect("a record");
            let rules = self.scratch.rules();
            let hits: Vec<(u32, usize)> = self
                .scratch
                .hits()
                .iter()
                .map(|hit| (hit.event, by_id[rules.rule(hit.rule).expect("a rule").id]))
                .collect();
            let (seen, _) = self.probe.run(data, Encoding::Json).expect("a record");
            for one in &seen {
                let own = hits.iter().filter(|(event, _)| *event == one.index);
                let rules: Vec<usize> = own.map(|(_, rule)| *rule).collect();
                let field = |name: &str| text(one, name);
                let observation = Observation { time: second * 1000, rules: &rules, field: &field };
                let found = correlator.observe(&observation).expect("in order of time");
                raised.extend(found.iter().filter(|own| own.correlation == at).map(|_| *second));
            }
        }
        raised
    }
}

/// A stream in a dialect; `None` if it has an event that the dialect cannot write, or one that is
/// not Azure's.
fn written(stream: &Stream, dialect: &dialects::Dialect) -> Option<Vec<(u64, String)>> {
    stream
        .events
        .iter()
        .map(|event| {
            event.record.get("properties")?;
            let text = match (dialect.1)(&event.record).ok()? {
                Record::Object(object, _) => object.to_string(),
                Record::Line(line) => {
                    serde_json::json!({"log": String::from_utf8(line).ok()?}).to_string()
                }
            };
            Some((event.at, text))
        })
        .collect()
}

#[test]
fn streams_raise_the_same_in_every_dialect() {
    let loaded = pack::loaded();
    let collection = &loaded.collection;
    let engine = pack::engine();
    let names: Vec<String> =
        ["ip", "user", "event_subclass"].iter().map(|name| (*name).to_owned()).collect();
    for own in &collection.correlations {
        let fields = own.group_by.iter().chain(own.fields());
        assert!(fields.into_iter().all(|field| names.contains(&field.value)), "{}", own.meta.title);
    }
    let scratch = Scratch::new(&engine);
    let mut judge = Judge { collection, engine, scratch, probe: Probe::new(&built_in(), &names) };
    let dialects = dialects::audit();
    assert_eq!(dialects.len(), 44, "docs/rules.md says how many there are");
    let mut wrong = Vec::new();
    for (at, own) in collection.correlations.iter().enumerate() {
        let file = Path::new(&*own.meta.place.file);
        let stem = file.file_stem().expect("a name");
        let path = root().join("rules/mysql/correlations/tests").join(stem).with_extension("jsonl");
        let tests = sigmatag::rule_test::read(&std::fs::read_to_string(path).expect("streams"));
        for dialect in &dialects {
            let mut seen = [false; 2];
            for stream in &tests.streams {
                let Some(records) = written(stream, dialect) else { continue };
                seen[usize::from(stream.raised.is_empty())] = true;
                let raised = judge.raised(at, &records);
                if raised != stream.raised {
                    let (title, name) = (&own.meta.title, &stream.name);
                    let expected = &stream.raised;
                    wrong.push(format!(
                        "{title}: {name}: {}: {raised:?}, not {expected:?}",
                        dialect.0
                    ));
                }
            }
            assert_eq!(seen, [true; 2], "{}: {}: too few streams", own.meta.title, dialect.0);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
