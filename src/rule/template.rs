//! Documents of one file that lean on each other: `action: global`, `reset` and `repeat`.
//!
//! A global template is merged into every plain rule that follows; on a conflict the template
//! wins. `repeat` merges its document over the previous rule. Correlations and filters take no
//! part.

use std::borrow::Cow;

use super::diagnostic::{Report, did_you_mean, quoted, similar};
use super::yaml::{Entry, Kind, Node};
use crate::limits;

/// State between the documents of one file.
#[derive(Default)]
pub(super) struct Templates<'t> {
    global: Option<Node<'t>>,
    previous: Option<Node<'t>>,
    /// Whether the file has actions at all: without them no rule needs to be kept.
    in_use: bool,
    copied: usize,
}

impl<'t> Templates<'t> {
    /// For a file whose documents are these.
    pub fn new<'n>(mut roots: impl Iterator<Item = &'n Node<'t>>) -> Templates<'t>
    where
        't: 'n,
    {
        Templates { in_use: roots.any(|root| root.entry("action").is_some()), ..Self::default() }
    }

    /// A document could not be read: `repeat` must not lean on the one before it.
    pub fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// The document with its templates merged in; `None` if there is nothing to read, because it
    /// is a template itself or because of an error.
    pub fn apply(&mut self, root: Node<'t>, report: &mut Report) -> Option<Node<'t>> {
        if !self.in_use
            || !matches!(root.kind, Kind::Map(_))
            || root.entry("correlation").is_some()
            || root.entry("filter").is_some()
        {
            return Some(root);
        }
        let Some(entry) = root.entry("action") else {
            let merged = match &self.global {
                Some(global) => merge(root, global, &mut self.copied),
                None => root,
            };
            return self.keep(merged, report);
        };
        let mark = entry.key_mark;
        let action = match &entry.value.kind {
            Kind::Scalar(text) => text.text.clone(),
            _ => Cow::Borrowed(""),
        };
        match &*action {
            "global" => {
                self.global = Some(without_action(root));
                None
            }
            "reset" => {
                self.global = None;
                if let Kind::Map(entries) = &root.kind
                    && entries.len() > 1
                {
                    report
                        .error(
                            "action-reset",
                            mark,
                            "a document with `action: reset` holds nothing else",
                        )
                        .help("move the rest to a document of its own, after a line `---`");
                }
                None
            }
            "repeat" => {
                let Some(previous) = self.previous.take() else {
                    report
                        .error(
                            "action-repeat",
                            mark,
                            "`action: repeat` has no rule before it in this file",
                        )
                        .help("write the rule out, or put it after the rule that it repeats");
                    return None;
                };
                let mut merged = merge(previous, &without_action(root), &mut self.copied);
                if let Some(global) = &self.global {
                    merged = merge(merged, global, &mut self.copied);
                }
                self.keep(merged, report)
            }
            unknown => {
                let known = ["global", "reset", "repeat"];
                let suggestion = did_you_mean(similar(unknown, known));
                report
                    .error(
                        "action-unknown",
                        mark,
                        format!("unknown action {}{suggestion}", quoted(unknown)),
                    )
                    .help("one of global, reset, repeat");
                None
            }
        }
    }

    fn keep(&mut self, root: Node<'t>, report: &mut Report) -> Option<Node<'t>> {
        self.copied = self.copied.saturating_add(root.weight());
        if self.copied > limits::TEMPLATE_BYTES {
            let message = format!(
                "the templates of this file copy more than {} bytes",
                limits::TEMPLATE_BYTES
            );
            report.error("template-limit", root.mark, message).help("write the rules out");
            return None;
        }
        self.previous = Some(root.clone());
        Some(root)
    }
}

fn without_action(mut root: Node<'_>) -> Node<'_> {
    if let Kind::Map(entries) = &mut root.kind {
        entries.retain(|entry| entry.key.text != "action");
    }
    root
}

/// Merges `over` into `base`: maps deeply, anything else is replaced. Keeps the place of `base`,
/// except where the whole value is replaced. Recursion is bounded by the depth cap.
fn merge<'t>(mut base: Node<'t>, over: &Node<'t>, copied: &mut usize) -> Node<'t> {
    let (Kind::Map(entries), Kind::Map(added)) = (&mut base.kind, &over.kind) else {
        *copied = copied.saturating_add(over.weight());
        return over.clone();
    };
    for entry in added {
        if let Some(known) = entries.iter_mut().find(|known| known.key.text == entry.key.text) {
            let nothing = Node { mark: known.value.mark, kind: Kind::List(Vec::new()) };
            let value = std::mem::replace(&mut known.value, nothing);
            known.value = merge(value, &entry.value, copied);
        } else {
            entries.push(Entry {
                key: entry.key.clone(),
                key_mark: entry.key_mark,
                value: entry.value.clone(),
            });
        }
    }
    base
}
