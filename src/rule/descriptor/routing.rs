//! `logsources` and `payload`: what events are to rules, and where they are.

use super::parse::Parser;
use super::{ConditionalLogsource, TextPayload};
use crate::rule::ast::LogSource;
use crate::rule::diagnostic::{did_you_mean, quoted, similar};
use crate::rule::yaml::Node;
use crate::source::PayloadEncoding;

/// The encoding of an object of the record itself.
const NATIVE: &str = "native";

impl Parser<'_> {
    pub(super) fn logsources(&mut self, node: &Node<'_>) -> Vec<ConditionalLogsource> {
        let items = self.list(node, "logsources");
        items.iter().filter_map(|item| self.logsource(item)).collect()
    }

    fn logsource(&mut self, node: &Node<'_>) -> Option<ConditionalLogsource> {
        let help = "write `- {product: mysql, service: audit}`";
        let entries = self.map(node, "a logsource", help)?;
        let keys = ["product", "category", "service", "when", "otherwise"];
        self.known_keys(entries, &keys, "a logsource");
        let mut attribute = |name: &str| {
            let value = self.line(node.get(name)?, &format!("`{name}`"))?;
            Some(value.to_lowercase())
        };
        let logsource = LogSource {
            product: attribute("product"),
            category: attribute("category"),
            service: attribute("service"),
        };
        if logsource == LogSource::default() {
            self.report
                .error("source-empty", node.mark, "this logsource has no attribute")
                .help("set at least one of `product`, `category` and `service`");
        }
        let when = node.get("when").map_or_else(Vec::new, |node| self.when(node));
        let otherwise = node.get("otherwise").is_some_and(|node| self.is_true(node, "otherwise"));
        Some(ConditionalLogsource { logsource, when, otherwise })
    }

    pub(super) fn payload(
        &mut self,
        node: &Node<'_>,
        texts: &mut Vec<TextPayload>,
        containers: &mut Vec<String>,
    ) {
        let mut seen: Vec<(String, String)> = Vec::new();
        for item in self.list(node, "payload") {
            let help = "write `- {path: message, encoding: json}`";
            let Some(entries) = self.map(item, "a payload", help) else { continue };
            self.known_keys(entries, &["path", "encoding", "when"], "a payload");
            let path = self.required(item, item.mark, "path").and_then(|node| self.path(node));
            let Some(encoding_node) = self.required(item, item.mark, "encoding") else { continue };
            let Some(word) = self.line(encoding_node, "an encoding") else { continue };
            let Some(path) = path else { continue };
            let when = item.get("when").map_or_else(Vec::new, |node| self.when(node));
            let pair = (path, word);
            if when.is_empty() && seen.contains(&pair) {
                let message = format!("the payload {} is listed twice", quoted(&pair.0));
                self.report.error("source-duplicate", item.mark, message).help("remove one");
                continue;
            }
            let (path, word) = pair.clone();
            if when.is_empty() {
                seen.push(pair);
            }
            let encoding =
                PayloadEncoding::ALL.into_iter().find(|encoding| encoding.name() == word);
            match encoding {
                Some(encoding) => texts.push(TextPayload { path, encoding, when }),
                None if word == NATIVE => {
                    if let Some(node) = item.get("when") {
                        self.report
                            .error("source-value", node.mark, "`when` is for texts")
                            .help("an object says itself what it is: remove `when`");
                    }
                    containers.push(path);
                }
                None => {
                    let names =
                        PayloadEncoding::ALL.map(PayloadEncoding::name).into_iter().chain([NATIVE]);
                    let message = format!(
                        "unknown encoding {}{}",
                        quoted(&word),
                        did_you_mean(similar(&word, names))
                    );
                    self.report.error("source-value", encoding_node.mark, message).help(
                        "`json`: the event is text; `native`: it is an object of the record; \
                         `mariadb_audit`: it is a line of MariaDB's audit log; `xml`: it is an \
                         element; `percona_csv`: it is a record of Percona's audit log as CSV; \
                         `base64_json`: it is text in base64",
                    );
                }
            }
        }
    }
}
