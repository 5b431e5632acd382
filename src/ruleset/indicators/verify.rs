//! What looking for indicators relies on, checked once for each table.

use super::{Indicators, NO_CONFIDENCE, NO_TAGS, form, id_form, kind};
use crate::limits;
use crate::ruleset::tables::{NONE, Tables, Text};

type Check = Result<(), &'static str>;

fn ensure(holds: bool, message: &'static str) -> Check {
    if holds { Ok(()) } else { Err(message) }
}

/// A pool that is UTF-8 as a whole.
struct Names<'a>(&'a str);

impl Names<'_> {
    fn has(&self, start: u32, len: u32) -> Check {
        let (start, end) = (start as usize, start as usize + len as usize);
        ensure(self.0.get(start..end).is_some(), "a name ends beyond its pool or in a character")
    }

    fn has_text(&self, text: Text) -> Check {
        self.has(text.start, text.len)
    }
}

impl Indicators {
    /// Checks everything, of the tables that these are part of.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(&self, tables: &Tables) -> Check {
        let names = std::str::from_utf8(&self.names).map_err(|_| "a name is not UTF-8")?;
        let names = Names(names);
        let fields = tables.fields.len();
        ensure(self.watches.len() < usize::from(u8::MAX), "too many fields")?;
        ensure(self.watches.is_sorted_by(|a, b| a.field < b.field), "fields are out of order")?;
        for watch in &self.watches {
            ensure((watch.field as usize) < fields, "a field does not exist")?;
            let unless = watch.unless;
            ensure(unless == NONE || (unless as usize) < fields, "a field does not exist")?;
            ensure(watch.kinds >> kind::COUNT == 0 && watch.form < form::COUNT, "an unknown kind")?;
            names.has_text(watch.name)?;
        }
        let rules = self.sources.len();
        ensure(rules < usize::from(u16::MAX), "too many sources")?;
        let end = (self.first_rule as usize).checked_add(rules);
        ensure(end == Some(tables.rules.len()), "not one rule for each source")?;
        self.sources.iter().try_for_each(|source| names.has_text(source.feed))?;
        self.tags.iter().try_for_each(|tags| names.has_text(*tags))?;
        for detail in &self.details {
            ensure(usize::from(detail.source) < rules, "a source does not exist")?;
            names.has(detail.name, detail.name_len.into())?;
            match detail.id_form {
                id_form::NONE => {}
                id_form::UUID | id_form::STIX => {
                    ensure((detail.id as usize) < self.uuids.len(), "a UUID does not exist")?;
                }
                _ => names.has(detail.id, detail.id_len.into())?,
            }
            ensure(detail.id_form < id_form::COUNT, "an unknown form of id")?;
            let tags = detail.tags;
            ensure(tags == NO_TAGS || usize::from(tags) < self.tags.len(), "tags do not exist")?;
            let confidence = detail.confidence;
            ensure(confidence <= 100 || confidence == NO_CONFIDENCE, "a confidence above 100")?;
        }
        self.verify_entries()
    }

    fn verify_entries(&self) -> Check {
        ensure(self.entries.len() <= limits::INDICATORS, "too many indicators")?;
        let details = self.details.len();
        ensure(
            self.several.iter().all(|detail| (*detail as usize) < details),
            "a detail does not exist",
        )?;
        for entry in &self.entries {
            ensure(entry.kind < kind::COUNT, "an unknown kind")?;
            let len = kind::LENGTHS[usize::from(entry.kind)];
            ensure(entry.len > 0 && (len == 0 || entry.len == len), "a value of a wrong length")?;
            let end = u64::from(entry.start) + u64::from(entry.len);
            ensure(end <= self.values.len() as u64, "a value ends beyond its pool")?;
            match (entry.kind, self.value(entry).last()) {
                (kind::NETWORK4, Some(33..)) | (kind::NETWORK6, Some(129..)) => {
                    return Err("a network of too many bits");
                }
                (kind::DOMAIN | kind::URL | kind::EMAIL | kind::FILE_NAME, _) => {
                    // Tags have it as text.
                    let is_text = std::str::from_utf8(self.value(entry)).is_ok();
                    ensure(is_text, "a value is not UTF-8")?;
                }
                _ => {}
            }
            let last = u64::from(entry.details) + u64::from(entry.count);
            ensure(
                match entry.count {
                    0 => false,
                    1 => (entry.details as usize) < details,
                    _ => last <= self.several.len() as u64,
                },
                "a detail does not exist",
            )?;
        }
        ensure(self.marks.len().is_power_of_two(), "a number of slots that is no power of two")?;
        ensure(self.marks.len() == self.slots.len(), "not one mark for each slot")?;
        let entries = self.entries.len();
        ensure(
            self.marks
                .iter()
                .zip(&self.slots)
                .all(|(mark, slot)| *mark == 0 || (*slot as usize) < entries),
            "a value does not exist",
        )
    }
}
