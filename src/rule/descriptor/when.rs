//! `when`: the tests by which events are recognised.

use super::parse::Parser;
use super::{FieldTest, TestGroup};
use crate::rule::ast::Scalar;
use crate::rule::yaml::{Kind, Node};
use crate::source::TestKind;

impl Parser<'_> {
    /// One group of tests, or a list of groups of which one must hold.
    pub(super) fn when(&mut self, node: &Node<'_>) -> Vec<TestGroup> {
        match &node.kind {
            Kind::List(items) => {
                if items.is_empty() {
                    self.empty(node, "when");
                }
                items.iter().map(|item| self.group(item)).collect()
            }
            _ => vec![self.group(node)],
        }
    }

    fn group(&mut self, node: &Node<'_>) -> TestGroup {
        let help = "write `all:` or `any:` with a list of `{path: ..., is: ...}`";
        let Some(entries) = self.map(node, "`when`", help) else { return TestGroup::default() };
        self.known_keys(entries, &["all", "any"], "`when`");
        if entries.is_empty() {
            self.empty(node, "when");
        }
        let mut tests = |name: &str| match node.get(name) {
            Some(node) => {
                let items = self.list(node, name);
                items.iter().filter_map(|item| self.test(item)).collect()
            }
            None => Vec::new(),
        };
        TestGroup { all: tests("all"), any: tests("any") }
    }

    fn test(&mut self, node: &Node<'_>) -> Option<FieldTest> {
        let help = "write `{path: category, is: [MySqlAuditLogs]}`";
        let entries = self.map(node, "a test", help)?;
        self.known_keys(entries, &["path", "is", "contains", "exists"], "a test");
        let path = self.required(node, node.mark, "path").and_then(|node| self.path(node));
        let mut kinds =
            [("is", TestKind::Is), ("contains", TestKind::Contains), ("exists", TestKind::Exists)]
                .into_iter()
                .filter_map(|(name, kind)| Some((kind, node.get(name)?)));
        let (Some((kind, value)), None) = (kinds.next(), kinds.next()) else {
            self.report
                .error("source-value", node.mark, "a test compares in exactly one way")
                .help("give one of `is`, `contains` and `exists: true`");
            return None;
        };
        let values = match kind {
            TestKind::Is | TestKind::Contains => self.values(value, kind),
            TestKind::Exists => {
                self.exists(value);
                Vec::new()
            }
        };
        Some(FieldTest { path: path?, kind, values })
    }

    fn exists(&mut self, node: &Node<'_>) {
        self.is_true(node, "exists");
    }

    /// A switch that is written only to be on.
    pub(super) fn is_true(&mut self, node: &Node<'_>, name: &str) -> bool {
        let is_true = matches!(
            &node.kind, Kind::Scalar(text) if text.resolve() == Ok(Scalar::Bool(true))
        );
        if !is_true {
            let message = format!("`{name}` can only be `true`");
            let help = match name {
                "exists" => "a source is recognised by what an event has, not by what it lacks",
                _ => "write `true`, or remove it",
            };
            self.report.error("source-value", node.mark, message).help(help);
        }
        is_true
    }

    fn values(&mut self, node: &Node<'_>, kind: TestKind) -> Vec<String> {
        let items = match &node.kind {
            Kind::List(items) if items.is_empty() => {
                self.empty(node, if kind == TestKind::Is { "is" } else { "contains" });
                return Vec::new();
            }
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut values = Vec::new();
        for item in items {
            let text = match &item.kind {
                Kind::Scalar(text) => match text.resolve() {
                    Ok(Scalar::Str(value)) => Some(value),
                    Ok(Scalar::Int(value)) => Some(value.to_string()),
                    Ok(Scalar::Bool(value)) => Some(value.to_string()),
                    _ => None,
                },
                _ => None,
            };
            match text {
                Some(text) if text.is_empty() && kind == TestKind::Contains => {
                    self.report
                        .error("source-value", item.mark, "every text contains the empty one")
                        .help("use `exists: true`");
                }
                Some(text) => values.push(text.to_ascii_lowercase()),
                None => {
                    self.report
                        .error("source-value", item.mark, "a test compares with texts and integers")
                        .help("quote the value");
                }
            }
        }
        values
    }
}
