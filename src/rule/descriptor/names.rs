//! `fields` and `derive`: what the parts of an event are called.

use super::order;
use super::parse::Parser;
use super::{CanonicalField, DerivedField};
use crate::rule::diagnostic::{Mark, quoted};
use crate::rule::yaml::{Entry, Node};

impl Parser<'_> {
    pub(super) fn fields(&mut self, node: &Node<'_>) -> Vec<(Mark, CanonicalField)> {
        let help = "write `user: [properties.user, user_s]`";
        let entries = self.map(node, "`fields`", help).unwrap_or(&[]);
        let mut fields = Vec::new();
        for entry in entries {
            let Some(name) = self.canonical_name(entry) else { continue };
            let paths = self.paths(&entry.value, &name);
            fields.push((entry.key_mark, CanonicalField { name, paths }));
        }
        fields
    }

    pub(super) fn derived(&mut self, node: &Node<'_>) -> Vec<(Mark, DerivedField)> {
        let help = "write `sql_norm: {decoder: sql_norm, from: sql_text}`";
        let entries = self.map(node, "`derive`", help).unwrap_or(&[]);
        entries.iter().filter_map(|entry| self.derived_field(entry)).collect()
    }

    pub(super) fn canonical_name(&mut self, entry: &Entry<'_>) -> Option<String> {
        let name = entry.key.text.clone().into_owned();
        if name.is_empty() || name.contains(char::is_whitespace) {
            let message = format!("{} is not a field name", quoted(&name));
            self.report
                .error("source-name", entry.key_mark, message)
                .help("use a name without white space");
            return None;
        }
        Some(name)
    }

    /// A field is either canonical or derived.
    pub(super) fn distinct(
        &mut self,
        fields: &[(Mark, CanonicalField)],
        derived: &[(Mark, DerivedField)],
    ) {
        for (mark, field) in derived {
            if fields.iter().any(|(_, other)| other.name == field.name) {
                let message = format!("{} is in `fields` already", quoted(&field.name));
                self.report
                    .error("source-duplicate", *mark, message)
                    .help("keep one: `derive` can read the same paths with `from`");
            }
        }
    }

    /// A field that reads a raw key comes before the field that replaces it.
    pub(super) fn sorted_fields(
        &mut self,
        fields: Vec<(Mark, CanonicalField)>,
    ) -> Vec<CanonicalField> {
        let marks: Vec<Mark> = fields.iter().map(|(mark, _)| *mark).collect();
        let fields: Vec<CanonicalField> = fields.into_iter().map(|(_, field)| field).collect();
        let reads_before = |reader: &CanonicalField, writer: &CanonicalField| {
            reader.name != writer.name && reader.paths.contains(&writer.name)
        };
        order::sort(fields, reads_before).unwrap_or_else(|index| {
            self.report
                .error("source-cycle", marks[index], "these fields are taken from each other")
                .help("a canonical field replaces a raw key of its name: rename one of the fields");
            Vec::new()
        })
    }

    /// A derived field comes after those that it reads.
    pub(super) fn sorted_derived(
        &mut self,
        derived: Vec<(Mark, DerivedField)>,
    ) -> Vec<DerivedField> {
        let marks: Vec<Mark> = derived.iter().map(|(mark, _)| *mark).collect();
        let derived: Vec<DerivedField> = derived.into_iter().map(|(_, field)| field).collect();
        let computed_before = |first: &DerivedField, second: &DerivedField| {
            first.name != second.name && second.from.contains(&first.name)
        };
        order::sort(derived, computed_before).unwrap_or_else(|index| {
            self.report
                .error("source-cycle", marks[index], "these fields are derived from each other")
                .help("let one of them read a path of the event");
            Vec::new()
        })
    }
}
