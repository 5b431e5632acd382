//! What a tag says: the texts of the rules, gathered and written.

use super::encode::{Encoder, Format};
use super::indicators::{self, tags};
use super::{TagRule, level_name};
use crate::limits::MAX_TAG_BYTES;

/// A list of different texts in one buffer, reused for every record.
#[derive(Debug, Default)]
pub(super) struct TextList {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl TextList {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.text.get(start..end).unwrap_or_default())
    }

    fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len());
    }

    /// Adds the text unless it is there; whether it was added.
    fn push_new(&mut self, text: &[u8]) -> bool {
        let new = !self.iter().any(|known| known == text);
        if new {
            self.push(text);
        }
        new
    }

    pub fn write(&self, out: &mut Encoder<'_>) {
        out.begin_array(self.ends.len());
        for (index, text) in self.iter().enumerate() {
            out.element(index == 0);
            out.string(text);
        }
        out.end_array();
    }

    /// Adds a value that `write` encodes, unless it is there.
    fn push_new_encoded(&mut self, format: Format, write: impl FnOnce(&mut Encoder<'_>)) {
        let start = self.text.len();
        write(&mut Encoder { out: &mut self.text, format });
        let (known, new) = self.text.split_at(start);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let is_known =
            starts.zip(&self.ends).any(|(start, &end)| known.get(start..end) == Some(new));
        if is_known {
            self.text.truncate(start);
        } else {
            self.ends.push(self.text.len());
        }
    }

    /// Writes values that are encoded already.
    pub fn write_encoded(&self, out: &mut Encoder<'_>) {
        out.begin_array(self.ends.len());
        for (index, value) in self.iter().enumerate() {
            out.element(index == 0);
            out.out.extend_from_slice(value);
        }
        out.end_array();
    }
}

/// The texts of all rules of a record, each once, for the shapes that list them by column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub ids: TextList,
    /// One for each id, in the same order.
    pub titles: TextList,
    pub authors: TextList,
    pub licenses: TextList,
    pub tags: TextList,
    pub techniques: TextList,
    /// Encoded.
    pub indicators: TextList,
}

impl Columns {
    pub fn collect<'r>(&mut self, format: Format, rules: impl Iterator<Item = TagRule<'r>>) {
        for list in [
            &mut self.ids,
            &mut self.titles,
            &mut self.authors,
            &mut self.licenses,
            &mut self.tags,
            &mut self.techniques,
            &mut self.indicators,
        ] {
            list.clear();
        }
        for rule in rules {
            // Over the cap already: the caller chooses fewer rules. This bounds the comparisons.
            if self.len() > MAX_TAG_BYTES {
                return;
            }
            for indicator in rule.indicators.listed() {
                self.indicators.push_new_encoded(format, |out| indicators::write(out, &indicator));
                self.add_tags(indicator.tags().as_bytes());
            }
            if rule.indicators.are_more() {
                self.indicators.push_new_encoded(format, indicators::write_more);
            }
            // The same rule in another event of the record.
            if !self.ids.push_new(rule.id) {
                continue;
            }
            self.titles.push(rule.title);
            for (list, text) in
                [(&mut self.authors, rule.author), (&mut self.licenses, rule.license)]
            {
                if !text.is_empty() {
                    list.push_new(text);
                }
            }
            self.add_tags(rule.tags);
        }
    }

    fn add_tags(&mut self, list: &[u8]) {
        for tag in tags(list) {
            if self.tags.push_new(tag)
                && let Some((technique, len)) = technique(tag)
            {
                self.techniques.push_new(&technique[..len]);
            }
        }
    }

    /// The bytes of all texts. Beyond [`MAX_TAG_BYTES`] not all rules were gathered.
    pub fn len(&self) -> usize {
        let Columns { ids, titles, authors, licenses, tags, techniques, indicators } = self;
        let lists = [ids, titles, authors, licenses, tags, techniques, indicators];
        lists.iter().map(|list| list.text.len()).sum()
    }
}

/// The number of an ATT&CK technique out of `attack.t1059.001`: `T1059.001` and its length.
fn technique(tag: &[u8]) -> Option<([u8; 9], usize)> {
    let (prefix, number) = tag.split_at_checked(7)?;
    if !prefix.eq_ignore_ascii_case(b"attack.") || !matches!(number.len(), 5 | 9) {
        return None;
    }
    let shape: &[u8; 9] = b"t0000.000";
    let mut text = [0; 9];
    for ((out, &byte), &expected) in text.iter_mut().zip(number).zip(shape) {
        let fits = match expected {
            b'0' => byte.is_ascii_digit(),
            letter => byte.eq_ignore_ascii_case(&letter),
        };
        if !fits {
            return None;
        }
        *out = byte.to_ascii_uppercase();
    }
    Some((text, number.len()))
}

/// The highest level of the rules, by name; empty if none has a level.
pub(super) fn highest_level<'r>(rules: impl Iterator<Item = TagRule<'r>>) -> &'static [u8] {
    level_name(rules.map(|rule| rule.level).filter(|level| *level <= 5).max().unwrap_or(0))
}

/// Writes the value of the nested shape.
pub(super) fn write_nested<'r>(
    out: &mut Encoder<'_>,
    level: &[u8],
    ruleset: &[u8],
    rules: impl Iterator<Item = TagRule<'r>> + Clone,
    truncated: u32,
) {
    out.begin_map(2 + usize::from(!level.is_empty()) + usize::from(truncated > 0));
    let mut first = true;
    for (name, text) in [(b"level".as_slice(), level), (b"ruleset", ruleset)] {
        if !text.is_empty() || name == b"ruleset" {
            out.member(std::mem::take(&mut first), name);
            out.string(text);
        }
    }
    out.member(false, b"rules");
    out.begin_array(rules.clone().count());
    for (index, rule) in rules.enumerate() {
        out.element(index == 0);
        write_entry(out, &rule);
    }
    out.end_array();
    if truncated > 0 {
        out.member(false, b"truncated");
        out.number(truncated);
    }
    out.end_map();
}

/// Writes one rule of the nested shape; empty texts are left out.
fn write_entry(out: &mut Encoder<'_>, rule: &TagRule<'_>) {
    let texts: [(&[u8], &[u8]); 4] = [
        (b"title", rule.title),
        (b"level", level_name(rule.level)),
        (b"author", rule.author),
        (b"license", rule.license),
    ];
    let tags = tags(rule.tags);
    let tag_count = tags.clone().count();
    let members = 1
        + texts.iter().filter(|(_, text)| !text.is_empty()).count()
        + usize::from(tag_count > 0)
        + usize::from(rule.event.is_some());
    let found = rule.indicators;
    let (listed, are_more) = (found.listed().count(), found.are_more());
    out.begin_map(members + usize::from(listed > 0) + usize::from(are_more));
    out.member(true, b"id");
    out.string(rule.id);
    for (index, (name, text)) in texts.into_iter().enumerate() {
        // Tags come behind the level.
        if index == 2 && tag_count > 0 {
            out.member(false, b"tags");
            out.begin_array(tag_count);
            for (index, tag) in tags.clone().enumerate() {
                out.element(index == 0);
                out.string(tag);
            }
            out.end_array();
        }
        if !text.is_empty() {
            out.member(false, name);
            out.string(text);
        }
    }
    if let Some(event) = rule.event {
        out.member(false, b"event");
        out.number(event);
    }
    if listed > 0 {
        out.member(false, b"indicators");
        out.begin_array(listed);
        for (index, indicator) in found.listed().enumerate() {
            out.element(index == 0);
            indicators::write(out, &indicator);
        }
        out.end_array();
    }
    if are_more {
        out.member(false, b"more_indicators");
        out.boolean(true);
    }
    out.end_map();
}

/// The keys of the flat shape. The last two are there only if there is something to say.
pub(super) const FLAT_KEYS: [&[u8]; 9] = [
    b"SigmaIds",
    b"SigmaTitles",
    b"SigmaLevel",
    b"SigmaTags",
    b"AttackTechniques",
    b"SigmaAuthors",
    b"SigmaRuleset",
    b"SigmaIndicators",
    b"SigmaTruncated",
];

/// Writes the members of the flat shape and returns how many.
pub(super) fn write_flat(
    out: &mut Encoder<'_>,
    mut first: bool,
    columns: &Columns,
    level: &[u8],
    ruleset: &[u8],
    truncated: u32,
) -> u32 {
    let mut written = 0;
    for key in FLAT_KEYS {
        let is_empty = match key {
            b"SigmaIndicators" => columns.indicators.is_empty(),
            b"SigmaTruncated" => truncated == 0,
            _ => false,
        };
        if is_empty {
            continue;
        }
        out.member(std::mem::take(&mut first), key);
        written += 1;
        match key {
            b"SigmaIds" => columns.ids.write(out),
            b"SigmaTitles" => columns.titles.write(out),
            b"SigmaLevel" => out.string(level),
            b"SigmaTags" => columns.tags.write(out),
            b"AttackTechniques" => columns.techniques.write(out),
            b"SigmaAuthors" => columns.authors.write(out),
            b"SigmaRuleset" => out.string(ruleset),
            b"SigmaIndicators" => columns.indicators.write_encoded(out),
            _ => out.number(truncated),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::encode::Format;
    use super::*;

    #[test]
    fn techniques_are_taken_from_tags() {
        let number = |tag: &str| {
            technique(tag.as_bytes())
                .map(|(text, len)| String::from_utf8(text[..len].into()).unwrap())
        };
        assert_eq!(number("attack.t1059"), Some("T1059".into()));
        assert_eq!(number("attack.t1059.001"), Some("T1059.001".into()));
        assert_eq!(number("ATTACK.T1059"), Some("T1059".into()));
        for other in [
            "attack.execution",
            "attack.t105",
            "attack.t1059.",
            "attack.t1059.01",
            "attack.g0016",
            "attack.t1059x001",
            "attack.",
            "cve.2021",
            "",
            "attack.t1o59",
            "attack.timer",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn lists_keep_each_text_once_and_in_order() {
        let mut list = TextList::default();
        let added = ["b", "", "a", "b", ""].map(|text| list.push_new(text.as_bytes()));
        assert_eq!(added, [true, true, true, false, false]);
        let mut out = Vec::new();
        list.write(&mut Encoder { out: &mut out, format: Format::Json });
        assert_eq!(out, br#"["b","","a"]"#);
    }
}
