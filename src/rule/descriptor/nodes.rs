//! What every part of a descriptor is made of: maps with known keys, lists, texts and paths.

use super::parse::Parser;
use crate::rule::diagnostic::{Mark, did_you_mean, quoted, similar};
use crate::rule::yaml::{Entry, Kind, Node};

impl Parser<'_> {
    pub(super) fn map<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        what: &str,
        help: &str,
    ) -> Option<&'n [Entry<'t>]> {
        if let Kind::Map(entries) = &node.kind {
            return Some(entries);
        }
        let message = format!("{what} is a map, this is {}", node.what());
        let mark = Mark { length: 0, ..node.mark };
        self.report.error("source-not-map", mark, message).help(help);
        None
    }

    /// The elements of a list that must not be empty.
    pub(super) fn list<'n, 't>(&mut self, node: &'n Node<'t>, name: &str) -> &'n [Node<'t>] {
        match &node.kind {
            Kind::List(items) if items.is_empty() => self.empty(node, name),
            Kind::List(items) => return items,
            _ => {
                let message = format!("`{name}` is a list, this is {}", node.what());
                self.report
                    .error("source-value", node.mark, message)
                    .help("begin each element with `- `");
            }
        }
        &[]
    }

    pub(super) fn empty(&mut self, node: &Node<'_>, name: &str) {
        self.report
            .error("source-empty", node.mark, format!("`{name}` is empty"))
            .help(format!("add an element, or remove `{name}`"));
    }

    pub(super) fn known_keys(&mut self, entries: &[Entry<'_>], known: &[&str], what: &str) {
        for entry in entries {
            let key = &*entry.key.text;
            if !known.contains(&key) {
                let suggestion = did_you_mean(similar(key, known.iter().copied()));
                let message = format!("{what} has no key {}{suggestion}", quoted(key));
                let help = format!("the keys are {}", known.join(", "));
                self.report.error("source-key", entry.key_mark, message).help(help);
            }
        }
    }

    pub(super) fn required<'n, 't>(
        &mut self,
        node: &'n Node<'t>,
        mark: Mark,
        key: &str,
    ) -> Option<&'n Node<'t>> {
        let found = node.get(key);
        if found.is_none() {
            self.report
                .error("source-missing", mark, format!("`{key}` is missing"))
                .help(format!("add `{key}:`"));
        }
        found
    }

    /// A text that is not empty.
    pub(super) fn line(&mut self, node: &Node<'_>, what: &str) -> Option<String> {
        let message = match &node.kind {
            Kind::Scalar(text) if text.is_null() || text.text.trim().is_empty() => {
                format!("{what} is empty")
            }
            Kind::Scalar(text) => return Some(text.text.trim().to_owned()),
            _ => format!("{what} is a text, this is {}", node.what()),
        };
        self.report.error("source-value", node.mark, message).help("write a text");
        None
    }

    /// A text or a list of different texts.
    pub(super) fn texts(&mut self, node: &Node<'_>, name: &str) -> Vec<(Mark, String)> {
        let items = match &node.kind {
            Kind::List(_) => self.list(node, name),
            _ => std::slice::from_ref(node),
        };
        let mut texts: Vec<(Mark, String)> = Vec::new();
        for item in items {
            let Some(text) = self.line(item, &format!("an element of `{name}`")) else { continue };
            if texts.iter().any(|(_, other)| *other == text) {
                let message = format!("{} is listed twice", quoted(&text));
                self.report.error("source-duplicate", item.mark, message).help("remove one");
                continue;
            }
            texts.push((item.mark, text));
        }
        texts
    }

    /// A path or a list of different paths.
    pub(super) fn paths(&mut self, node: &Node<'_>, name: &str) -> Vec<String> {
        let texts = self.texts(node, name);
        texts.into_iter().filter_map(|(mark, text)| self.checked_path(mark, text)).collect()
    }

    pub(super) fn path(&mut self, node: &Node<'_>) -> Option<String> {
        let text = self.line(node, "a path")?;
        self.checked_path(node.mark, text)
    }

    fn checked_path(&mut self, mark: Mark, path: String) -> Option<String> {
        if path.split('.').any(str::is_empty) {
            let message = format!("{} is not a path", quoted(&path));
            self.report
                .error("source-path", mark, message)
                .help("write keys with single dots between: `properties.user`");
            return None;
        }
        Some(path)
    }
}
