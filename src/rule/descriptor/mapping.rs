//! Mappings: parts of descriptors that several sources use.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::parse::{Parser, read_with};
use super::{
    BUILT_IN, CanonicalField, ConditionalLogsource, DerivedField, Descriptor, FieldVariant,
    NamedPositions,
};
use crate::rule::diagnostic::{Mark, did_you_mean, quoted, similar};
use crate::rule::yaml::Node;

/// Mappings by name.
pub(super) type Mappings = BTreeMap<String, Parts>;

/// What a source may take from a mapping.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub logsources: Vec<ConditionalLogsource>,
    pub json_strings: Vec<String>,
    pub fields: Vec<(Mark, CanonicalField)>,
    pub lifts: Vec<String>,
    pub positions: Vec<NamedPositions>,
    pub variants: Vec<FieldVariant>,
    pub derived: Vec<(Mark, DerivedField)>,
}

impl Parts {
    /// Appends the parts of a mapping that is used at `mark`. Fields that are there stay.
    fn append(&mut self, other: &Parts, mark: Mark) {
        let known: Vec<String> = self
            .fields
            .iter()
            .map(|(_, field)| field.name.clone())
            .chain(self.derived.iter().map(|(_, field)| field.name.clone()))
            .collect();
        let is_new = |name: &String| !known.contains(name);
        let fields = other.fields.iter().filter(|(_, field)| is_new(&field.name));
        self.fields.extend(fields.map(|(_, field)| (mark, field.clone())));
        let derived = other.derived.iter().filter(|(_, field)| is_new(&field.name));
        self.derived.extend(derived.map(|(_, field)| (mark, field.clone())));
        self.logsources.extend_from_slice(&other.logsources);
        self.json_strings.extend_from_slice(&other.json_strings);
        self.lifts.extend_from_slice(&other.lifts);
        self.positions.extend_from_slice(&other.positions);
        self.variants.extend_from_slice(&other.variants);
    }
}

impl Parser<'_> {
    /// The parts of a document, its own before those of the mappings that it uses.
    pub(super) fn parts(&mut self, root: &Node<'_>) -> Parts {
        let mut parts = Parts {
            logsources: root.get("logsources").map_or_else(Vec::new, |node| self.logsources(node)),
            json_strings: root
                .get("json_strings")
                .map_or_else(Vec::new, |node| self.paths(node, "json_strings")),
            fields: root.get("fields").map_or_else(Vec::new, |node| self.fields(node)),
            lifts: root.get("lift").map_or_else(Vec::new, |node| self.paths(node, "lift")),
            positions: root.get("positions").map_or_else(Vec::new, |node| self.positions(node)),
            variants: root.get("variants").map_or_else(Vec::new, |node| self.variants(node)),
            derived: root.get("derive").map_or_else(Vec::new, |node| self.derived(node)),
        };
        let Some(node) = root.get("use") else { return parts };
        for (mark, name) in self.texts(node, "use") {
            match self.find(&name) {
                Some(other) => parts.append(&other.clone(), mark),
                None => self.unknown_mapping(mark, &name),
            }
        }
        parts
    }

    /// A mapping of an earlier document, or of the built-in files.
    pub(super) fn find(&self, name: &str) -> Option<&Parts> {
        self.own.get(name).or_else(|| self.others.get(name))
    }

    fn unknown_mapping(&mut self, mark: Mark, name: &str) {
        let names: Vec<&str> =
            self.own.keys().chain(self.others.keys()).map(String::as_str).collect();
        let message = format!(
            "unknown mapping {}{}",
            quoted(name),
            did_you_mean(similar(name, names.iter().copied()))
        );
        let known = if names.is_empty() { "there is none".to_owned() } else { names.join(", ") };
        self.report.error("source-mapping", mark, message).help(format!(
            "a mapping is a document with `mapping: {name}` before this one; known are: {known}"
        ));
    }
}

/// The built-in files, read.
pub(super) struct BuiltIn {
    pub descriptors: Vec<Descriptor>,
    pub mappings: Mappings,
}

/// Reads the built-in files once.
pub(super) fn built_in() -> &'static BuiltIn {
    static BUILT: OnceLock<BuiltIn> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut diagnostics = Vec::new();
        let (mut descriptors, mut mappings) = (Vec::new(), Mappings::new());
        for (file, text) in BUILT_IN {
            let none = Mappings::new();
            let read = read_with(&(*file).into(), text, &mut diagnostics, &mut mappings, &none);
            descriptors.extend(read);
        }
        debug_assert!(diagnostics.is_empty(), "{diagnostics:?}");
        BuiltIn { descriptors, mappings }
    })
}
