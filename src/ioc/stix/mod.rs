//! STIX 2: indicator objects of bundles and of TAXII envelopes.
//!
//! The JSON is read object by object. Of each indicator its pattern, times, phases, labels and
//! confidence are looked at; objects of other types are passed over.

mod express;
mod pattern;
#[cfg(test)]
mod tests;

use super::report::Count;
use super::value::short;
use super::{About, Feed, FeedError, Indicator, Reading, tags, time};
use express::{Expressed, express};
use foldhash::HashMap;
use pattern::parse;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Reads a file.
pub fn read(bytes: &[u8], reading: Reading, feed: &mut Feed) -> Result<(), FeedError> {
    let mut objects =
        Objects { reading, feed, versions: HashMap::default(), replaced: Vec::new(), seen: 0 };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = Document(&mut objects).deserialize(&mut json).and_then(|()| json.end());
    let wrong = |error: serde_json::Error| FeedError(format!("the JSON is damaged: {error}"));
    read.map_err(wrong)?;
    objects.end()
}

/// The objects of a file, as they come.
struct Objects<'a> {
    reading: Reading,
    feed: &'a mut Feed,
    /// For each id the time of its newest version and where its indicators are.
    versions: HashMap<String, (i64, Range<usize>)>,
    /// Where the indicators of older versions are.
    replaced: Vec<Range<usize>>,
    /// Objects of any type.
    seen: u64,
}

impl Objects<'_> {
    fn object(&mut self, object: &Value) {
        self.seen += 1;
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("type") != "indicator" {
            if !object.is_object() {
                let number = self.seen;
                let message = format!("object {number} is no JSON object");
                self.feed.report.add(Count::Bad, 0, "", message);
            }
            return;
        }
        let id = text("id");
        let modified = time(text("modified")).unwrap_or(0);
        if !id.is_empty()
            && let Some((known, range)) = self.versions.get(id)
        {
            self.feed.report.count(Count::Revoked);
            if *known >= modified {
                return;
            }
            self.replaced.push(range.clone());
        }
        let start = self.feed.indicators.len();
        if let Err(message) = self.indicator(object, id) {
            self.feed.report.add(Count::Bad, 0, id, message);
        }
        if !id.is_empty() {
            let range = start..self.feed.indicators.len();
            self.versions.insert(id.to_owned(), (modified, range));
        }
    }

    /// Reads an indicator; an error is what is wrong with it.
    fn indicator(&mut self, object: &Value, id: &str) -> Result<(), String> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let report = &mut self.feed.report;
        if object.get("revoked").and_then(Value::as_bool) == Some(true) {
            report.count(Count::Revoked);
            return Ok(());
        }
        let language = text("pattern_type");
        if !matches!(language, "stix" | "") {
            let message = format!("its pattern is written in `{}`", short(language));
            report.add(Count::Unsupported, 0, id, message);
            return Ok(());
        }
        let (from, until) = (text("valid_from"), text("valid_until"));
        if !from.is_empty() && time(from)? > self.reading.at {
            report.count(Count::NotYetValid);
            return Ok(());
        }
        let until = if until.is_empty() { None } else { Some(time(until)?) };
        if until.is_some_and(|until| until <= self.reading.at) {
            report.count(Count::Expired);
            return Ok(());
        }
        let written = text("pattern");
        if written.is_empty() {
            return Err("it has no pattern".to_owned());
        }
        let pattern = parse(written)?;
        let about = Arc::new(about(object, id, until));
        let mut taken = 0;
        for expressed in express(&pattern) {
            match expressed {
                Expressed::Value { value: Ok(value), widened } => {
                    if let Some(message) = widened {
                        report.add(Count::Widened, 0, id, message);
                    }
                    taken += 1;
                    self.feed.indicators.push(Indicator { value, about: Arc::clone(&about) });
                }
                Expressed::Value { value: Err(message), .. } => {
                    report.add(Count::Bad, 0, id, message);
                }
                Expressed::Unsupported(message) => {
                    report.add(Count::Unsupported, 0, id, message);
                }
            }
        }
        debug_assert!(taken > 0 || report.numbers().next().is_some(), "passed over in silence");
        Ok(())
    }

    /// Takes older versions out.
    fn end(self) -> Result<(), FeedError> {
        let mut replaced = self.replaced;
        replaced.sort_unstable_by_key(|range| range.start);
        let mut ranges = replaced.into_iter().filter(|range| !range.is_empty()).peekable();
        let mut at = 0;
        self.feed.indicators.retain(|_| {
            while ranges.next_if(|range| range.end <= at).is_some() {}
            let is_old = ranges.peek().is_some_and(|range| range.contains(&at));
            at += 1;
            !is_old
        });
        Ok(())
    }
}

fn about(object: &Value, id: &str, valid_until: Option<i64>) -> About {
    let text = |object: &Value, key: &str| {
        object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let list = |key: &str| object.get(key).and_then(Value::as_array).into_iter().flatten();
    let phases = list("kill_chain_phases").filter_map(|phase| {
        tags::of_phase(&text(phase, "kill_chain_name"), &text(phase, "phase_name"))
    });
    let techniques = list("external_references")
        .filter_map(|reference| tags::of_technique(&text(reference, "external_id")));
    let labels = list("labels").chain(list("indicator_types"));
    let labels = labels.filter_map(|label| tags::plain(label.as_str()?));
    let name = text(object, "name");
    let confidence = object.get("confidence").and_then(Value::as_u64);
    About {
        id: (!id.is_empty()).then(|| id.to_owned()),
        name: (!name.is_empty()).then_some(name),
        tags: tags::distinct(phases.chain(techniques).chain(labels)),
        valid_until,
        confidence: confidence.and_then(|number| u8::try_from(number.min(100)).ok()),
    }
}

/// A whole file.
struct Document<'a, 'b>(&'a mut Objects<'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a STIX bundle, an object with `objects`, or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut own = Map::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "objects" {
                is_list = true;
                map.next_value_seed(List(&mut *self.0))?;
            } else {
                own.insert(key, map.next_value()?);
            }
        }
        // An empty bundle has no `objects`.
        if !is_list && own.get("type").and_then(Value::as_str) != Some("bundle") {
            self.0.object(&Value::Object(own));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        List(self.0).visit_seq(seq)
    }
}

/// A list of objects.
struct List<'a, 'b>(&'a mut Objects<'b>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of STIX objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(object) = seq.next_element::<Value>()? {
            self.0.object(&object);
        }
        Ok(())
    }
}
