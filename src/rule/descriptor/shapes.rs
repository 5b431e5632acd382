//! `lift`, `positions` and `variants`: fields that only some events have, and those that have no
//! name of their own.

use super::parse::Parser;
use super::{FieldVariant, NamedPositions};
use crate::rule::diagnostic::quoted;
use crate::rule::yaml::Node;

impl Parser<'_> {
    pub(super) fn positions(&mut self, node: &Node<'_>) -> Vec<NamedPositions> {
        let items = self.list(node, "positions");
        items.iter().filter_map(|item| self.positions_of(item)).collect()
    }

    fn positions_of(&mut self, node: &Node<'_>) -> Option<NamedPositions> {
        let help = "write `- {path: StringInserts, names: [RuleName, UtcTime]}`";
        let entries = self.map(node, "an element of `positions`", help)?;
        self.known_keys(entries, &["path", "when", "names"], "an element of `positions`");
        let path = self.required(node, node.mark, "path").and_then(|node| self.path(node));
        let when = node.get("when").map_or_else(Vec::new, |node| self.when(node));
        let names_node = self.required(node, node.mark, "names")?;
        let mut names: Vec<Option<String>> = Vec::new();
        for item in self.list(names_node, "names") {
            let Some(name) = self.line(item, "a name") else { continue };
            if name == "-" {
                names.push(None);
                continue;
            }
            if names.iter().flatten().any(|other| *other == name) {
                let message = format!("{} is listed twice", quoted(&name));
                self.report
                    .error("source-duplicate", item.mark, message)
                    .help("every element has its own name; `-` is none");
            }
            names.push(Some(name));
        }
        Some(NamedPositions { path: path?, when, names })
    }

    pub(super) fn variants(&mut self, node: &Node<'_>) -> Vec<FieldVariant> {
        let items = self.list(node, "variants");
        items.iter().filter_map(|item| self.variant(item)).collect()
    }

    fn variant(&mut self, node: &Node<'_>) -> Option<FieldVariant> {
        let help = "write `- {when: {all: [...]}, fields: {Image: NewProcessName}}`";
        let entries = self.map(node, "a variant", help)?;
        self.known_keys(entries, &["when", "fields"], "a variant");
        let when = self.required(node, node.mark, "when").map(|node| self.when(node));
        let fields = self.required(node, node.mark, "fields").map(|node| self.fields(node));
        Some(FieldVariant { when: when?, fields: self.sorted_fields(fields?) })
    }
}
