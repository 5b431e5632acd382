//! A YAML tree to one [`Document`]: which kind it is, and its parts.

use super::ast::{Document, Placeholders, Rule};
use super::diagnostic::{Mark, Report};
use super::yaml::{Kind, Node, Source};
use super::{correlation, detection, filter, metadata};

/// What reading a document needs besides its tree.
pub(super) struct Context<'c> {
    /// The file's text, for places within folded scalars.
    pub source: Source<'c>,
    pub placeholders: &'c Placeholders,
}

/// The keys that say what kind of document it is.
const KINDS: [&str; 3] = ["detection", "correlation", "filter"];

/// Reads a rule, a correlation or a filter. `None` if it is refused: then the report has an error.
pub(super) fn read(
    root: &Node<'_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Document> {
    let mark = Mark { length: 0, ..root.mark };
    let Kind::Map(_) = &root.kind else {
        report
            .error(
                "document-not-map",
                mark,
                format!("a document is a map, this is {}", root.what()),
            )
            .help("begin with `title:`, `logsource:` and `detection:`");
        return None;
    };
    let before = report.errors();
    let meta = metadata::read(root, mark, report);
    let mut present = KINDS.iter().filter_map(|kind| root.entry(kind));
    let (kind, other) = (present.next(), present.next());
    if let (Some(first), Some(second)) = (kind, other) {
        let message = format!(
            "a document has either `{}` or `{}`, not both",
            first.key.text, second.key.text
        );
        report
            .error("document-kind", second.key_mark, message)
            .help("write two documents, separated by a line `---`");
        return None;
    }
    let document = match kind.map(|entry| &*entry.key.text) {
        Some("correlation") => {
            correlation::read(root, meta, context, report).map(Document::Correlation)
        }
        Some("filter") => filter::read(root, meta, mark, context, report).map(Document::Filter),
        _ => {
            let logsource = metadata::logsource(root, mark, report);
            let detection = if let Some(entry) = root.entry("detection") {
                detection::read(entry, detection::Owner::Rule, context, report)
            } else {
                report
                    .error("no-detection", mark, "`detection` is missing")
                    .help("add `detection:` with a selection and a `condition`");
                None
            };
            match (logsource, detection) {
                (Some((logsource, logsource_mark)), Some(detection)) => {
                    let logsource_pos = logsource_mark.pos;
                    Some(Document::Rule(Rule { meta, logsource, detection, logsource_pos }))
                }
                _ => None,
            }
        }
    };
    document.filter(|_| report.errors() == before)
}
