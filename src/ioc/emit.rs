//! From feeds to the tables of a rule set.

use super::fields::fields;
use super::value::Value;
use super::{About, Set};
use crate::ruleset::codec::Record;
use crate::ruleset::indicators::{
    Detail, Entry, Indicators, NO_CONFIDENCE, NO_TAGS, Source, Watch, id_form, kind,
};
use crate::ruleset::tables::{NONE, Text};
use foldhash::HashMap;

/// The types that are reported apart, with their kinds.
const TYPES: [(&str, u16); 7] = [
    ("ip", kind::bit(kind::IPV4) | kind::bit(kind::IPV6)),
    ("network", kind::bit(kind::NETWORK4) | kind::bit(kind::NETWORK6)),
    ("domain", kind::bit(kind::DOMAIN)),
    ("url", kind::bit(kind::URL)),
    ("hash", kind::HASHES),
    ("email", kind::bit(kind::EMAIL)),
    ("file_name", kind::bit(kind::FILE_NAME)),
];

/// Longest id, name or list of tags that is kept, in bytes.
const LONGEST_TEXT: usize = 200;

/// Most details that one value keeps: feeds that say the same again add nothing.
const DETAILS: usize = u8::MAX as usize;

/// A feed's indicators of one type, as the rule that reports them.
pub(crate) struct ReportRule {
    /// The id, for `disable_rules`.
    pub id: String,
    /// The title.
    pub title: String,
}

/// What the compiler puts into a rule set.
pub(crate) struct Emitted {
    /// The tables; `first_rule` is the caller's.
    pub indicators: Indicators,
    /// One rule for each of its sources.
    pub rules: Vec<ReportRule>,
}

/// The fields that are looked at for the kinds that a set has.
pub(crate) fn watched(set: &Set) -> Vec<super::fields::Field> {
    let kinds = kinds(set);
    let is_asked = |field: &super::fields::Field| field.kinds & kinds != 0;
    // A field that stands in for another one needs to know whether that is there.
    fields().filter(is_asked).collect()
}

fn kinds(set: &Set) -> u16 {
    let all = set.feeds.iter().flat_map(|feed| &feed.indicators);
    all.fold(0, |kinds, indicator| kinds | kind::bit(indicator.value.kind))
}

/// Makes the tables. `field` gives the id of a field by its name.
pub(crate) fn emit(set: &Set, field: &mut dyn FnMut(&str) -> u32) -> Emitted {
    let mut tables = Tables::default();
    let mut rules = Vec::new();
    // Values with the place of their feed in order.
    let mut all: Vec<(&Value, &About, u16)> = Vec::new();
    for feed in &set.feeds {
        let counts = TYPES.map(|(_, kinds)| {
            let is_of = |value: &&Value| kinds & kind::bit(value.kind) != 0;
            let mut values: Vec<&Value> =
                feed.indicators.iter().map(|indicator| &indicator.value).filter(is_of).collect();
            values.sort_unstable();
            values.dedup();
            values.len() as u32
        });
        let mut source_of = [0; TYPES.len()];
        let name = tables.name(&feed.name);
        for (index, (of, _)) in TYPES.iter().enumerate().filter(|(index, _)| counts[*index] > 0) {
            source_of[index] = tables.out.sources.len() as u16;
            tables.out.sources.push(Source { feed: name, count: counts[index] });
            let feed = &feed.name;
            rules.push(ReportRule {
                id: format!("ioc:{feed}:{of}"),
                title: format!("Indicator: {} from {feed}", of.replace('_', " ")),
            });
        }
        for indicator in &feed.indicators {
            let of =
                TYPES.iter().position(|(_, kinds)| kinds & kind::bit(indicator.value.kind) != 0);
            let source = of.map_or(0, |of| source_of[of]);
            all.push((&indicator.value, &*indicator.about, source));
        }
    }
    all.sort_unstable();
    all.dedup();
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        tables.entry(same);
    }
    let mut watches: Vec<Watch> = watched(set)
        .iter()
        .map(|watched| Watch {
            field: field(watched.name),
            unless: watched.unless.map_or(NONE, &mut *field),
            kinds: watched.kinds,
            form: watched.form,
            name: tables.name(watched.name),
        })
        .collect();
    watches.sort_unstable_by_key(|watch| watch.field);
    tables.out.watches = watches;
    tables.out.build_slots();
    Emitted { indicators: tables.out, rules }
}

/// The tables while they are made.
#[derive(Default)]
struct Tables {
    out: Indicators,
    names: HashMap<String, Text>,
    details: HashMap<[u8; 20], u32>,
    tags: HashMap<String, u16>,
}

impl Tables {
    /// A text of the pool, cut to what is kept.
    fn name(&mut self, text: &str) -> Text {
        let text = cut(text);
        if let Some(known) = self.names.get(text) {
            return *known;
        }
        let place = Text { start: self.out.names.len() as u32, len: text.len() as u32 };
        self.out.names.extend_from_slice(text.as_bytes());
        self.names.insert(text.to_owned(), place);
        place
    }

    fn entry(&mut self, same: &[(&Value, &About, u16)]) {
        let value = same[0].0;
        let start = self.out.values.len() as u32;
        self.out.values.extend_from_slice(&value.bytes);
        let mut details: Vec<u32> = Vec::new();
        for (_, about, source) in same {
            let detail = self.detail(about, *source);
            if details.len() < DETAILS && !details.contains(&detail) {
                details.push(detail);
            }
        }
        let count = details.len() as u8;
        let first = match &details[..] {
            [single] => *single,
            several => {
                let first = self.out.several.len() as u32;
                self.out.several.extend_from_slice(several);
                first
            }
        };
        let len = value.bytes.len() as u16;
        self.out.entries.push(Entry { start, len, kind: value.kind, count, details: first });
    }

    fn detail(&mut self, about: &About, source: u16) -> u32 {
        let mut detail = Detail {
            source,
            id: 0,
            id_len: 0,
            id_form: id_form::NONE,
            name: 0,
            name_len: 0,
            tags: NO_TAGS,
            valid_until: 0,
            confidence: about.confidence.unwrap_or(NO_CONFIDENCE),
        };
        if let Some(name) = &about.name {
            let name = self.name(name);
            (detail.name, detail.name_len) = (name.start, name.len as u8);
        }
        if !about.tags.is_empty() {
            detail.tags = self.tag_list(&about.tags);
        }
        if let Some(until) = about.valid_until {
            // A part of a minute counts as valid.
            let minutes = until.saturating_add(59) / 60;
            detail.valid_until = u32::try_from(minutes).unwrap_or(u32::MAX).max(1);
        }
        // Ids come last: without them a detail is often there already.
        if let Some(id) = &about.id {
            let (form, text) = match id.strip_prefix("indicator--") {
                Some(rest) => (id_form::STIX, rest),
                None => (id_form::UUID, id.as_str()),
            };
            if let Some(uuid) = uuid(text) {
                detail.id = self.out.uuids.len() as u32;
                detail.id_form = form;
                if self.out.uuids.last() == Some(&uuid) {
                    detail.id -= 1;
                } else {
                    self.out.uuids.push(uuid);
                }
            } else {
                let id = self.name(id);
                (detail.id, detail.id_len, detail.id_form) =
                    (id.start, id.len as u8, id_form::TEXT);
            }
        }
        let key = key(&detail);
        let details = &mut self.out.details;
        *self.details.entry(key).or_insert_with(|| {
            details.push(detail);
            details.len() as u32 - 1
        })
    }

    fn tag_list(&mut self, tags: &[String]) -> u16 {
        let mut list = String::new();
        for tag in tags {
            if list.len() + tag.len() < LONGEST_TEXT {
                list.push_str(if list.is_empty() { "" } else { "," });
                list.push_str(tag);
            }
        }
        if let Some(known) = self.tags.get(&list) {
            return *known;
        }
        let number = self.out.tags.len();
        if number >= usize::from(NO_TAGS) {
            return NO_TAGS;
        }
        let text = self.name(&list);
        self.out.tags.push(text);
        self.tags.insert(list, number as u16);
        number as u16
    }
}

/// The beginning of a text, of whole characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

const _: () = assert!(<Detail as Record>::SIZE == 20, "a detail is the key of a map");

/// A detail as a key of a map.
fn key(detail: &Detail) -> [u8; 20] {
    let mut bytes = Vec::with_capacity(Detail::SIZE);
    detail.encode(&mut bytes);
    *bytes.first_chunk().unwrap_or(&[0; 20])
}

/// The bytes of a UUID in lower case with its dashes: then it can be written again as it was.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut out = [0; 16];
    let mut digits = bytes.iter().enumerate().filter_map(|(at, byte)| match at {
        8 | 13 | 18 | 23 => (*byte != b'-').then_some(None),
        _ => Some(char::from(*byte).to_digit(16)),
    });
    for byte in &mut out {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = (high * 16 + low) as u8;
    }
    digits.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_come_back_as_they_were() {
        let text = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
        let bytes = uuid(text).unwrap();
        assert_eq!((bytes[0], bytes[15]), (0x8e, 0x3f));
        for other in [
            "8E2E2D2B-17d4-4cbf-938f-98ee46b3cd3f",
            "8e2e2d2b17d44cbf938f98ee46b3cd3f",
            "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3",
            "8e2e2d2bx17d4-4cbf-938f-98ee46b3cd3f",
            "",
        ] {
            assert_eq!(uuid(other), None, "{other}");
        }
    }
}
