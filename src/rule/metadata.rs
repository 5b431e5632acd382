//! Title, id, level and so on. Nothing here influences matching, so only a missing title refuses
//! a document; everything else is warned about.

use std::sync::Arc;

use super::ast::{Level, LogSource, Metadata, Place, Relation, Spanned};
use super::diagnostic::{Mark, Report, did_you_mean, quoted, similar};
use super::yaml::{Kind, Node};

const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
const RELATIONS: [&str; 5] = ["derived", "obsolete", "merged", "renamed", "similar"];
const LONGEST_TITLE: usize = 256;

/// Reads the attributes that all kinds of documents share.
pub(super) fn read(root: &Node<'_>, mark: Mark, report: &mut Report) -> Metadata {
    let title = title(root, mark, report);
    let id = text(root, "id", report);
    report.subject = title.clone().or_else(|| id.clone());
    if let Some(id) = &id
        && !is_uuid(id)
    {
        let mark = mark_of(root, "id");
        report
            .warn("id-not-uuid", mark, format!("the id {} is not a UUID", quoted(id)))
            .help("generate a random UUID (version 4)");
    }
    let level_text = text(root, "level", report);
    let status = text(root, "status", report);
    if let Some(status) = &status
        && !STATUSES.contains(&status.as_str())
    {
        unknown_word(root, "status", status, &STATUSES, report);
    }
    let related = related(root, report);
    Metadata {
        place: Place { file: Arc::clone(report.file()), pos: mark.pos },
        title: title.unwrap_or_default(),
        id,
        name: text(root, "name", report),
        status,
        level: level_text.and_then(|word| level(root, &word, report)),
        description: text(root, "description", report),
        author: author(root, report),
        license: text(root, "license", report),
        date: date(root, "date", report),
        modified: date(root, "modified", report),
        taxonomy: text(root, "taxonomy", report).filter(|taxonomy| taxonomy != "sigma"),
        tags: tags(root, report),
        references: texts(root, "references", report),
        falsepositives: texts(root, "falsepositives", report),
        fields: texts(root, "fields", report),
        related,
    }
}

fn mark_of(root: &Node<'_>, key: &str) -> Mark {
    root.get(key).map_or(root.mark, |node| node.mark)
}

fn title(root: &Node<'_>, mark: Mark, report: &mut Report) -> Option<String> {
    let node = root.get("title").filter(|node| !node.is_null());
    let Some(node) = node else {
        report
            .error("no-title", mark, "`title` is missing")
            .help("add `title:` with a short description of what the rule detects");
        return None;
    };
    let Kind::Scalar(scalar) = &node.kind else {
        report
            .error("no-title", node.mark, format!("`title` is {}, not text", node.what()))
            .help("write the title on one line, in quotes if it contains `: ` or begins with `[`");
        return None;
    };
    let title = scalar.text.trim();
    if title.is_empty() {
        report.error("no-title", node.mark, "`title` is empty").help("write a title");
        return None;
    }
    let length = title.chars().count();
    if length > LONGEST_TITLE {
        let message = format!("the title has {length} characters, more than {LONGEST_TITLE}");
        report.warn("title-long", node.mark, message).help("move the detail to `description`");
    }
    Some(title.to_owned())
}

/// A scalar as it is written; `None` if absent or null.
fn text(root: &Node<'_>, key: &str, report: &mut Report) -> Option<String> {
    let node = root.get(key)?;
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => None,
        Kind::Scalar(scalar) => Some(scalar.text.clone().into_owned()),
        _ => {
            not_text(node, key, report);
            None
        }
    }
}

fn not_text(node: &Node<'_>, key: &str, report: &mut Report) {
    report
        .warn("metadata-type", node.mark, format!("`{key}` is {}, not text", node.what()))
        .help(format!("write one text after `{key}:`, in quotes if need be"));
}

/// A list of scalars; a single scalar is a list of one.
fn texts(root: &Node<'_>, key: &str, report: &mut Report) -> Vec<String> {
    let Some(node) = root.get(key) else { return Vec::new() };
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => Vec::new(),
        Kind::Scalar(scalar) => vec![scalar.text.clone().into_owned()],
        Kind::List(nodes) => {
            let mut texts = Vec::with_capacity(nodes.len());
            for node in nodes {
                match &node.kind {
                    Kind::Scalar(scalar) if !scalar.is_null() => {
                        texts.push(scalar.text.clone().into_owned());
                    }
                    _ => {
                        let message = format!("`{key}` contains {}, not text", node.what());
                        report
                            .warn("metadata-type", node.mark, message)
                            .help("quote the entry, or remove it");
                    }
                }
            }
            texts
        }
        Kind::Map(_) => {
            report
                .warn("metadata-type", node.mark, format!("`{key}` is a map, not a list"))
                .help(format!("write the entries of `{key}` as a list of texts"));
            Vec::new()
        }
    }
}

/// One text; the authors of a list are joined, because attribution must not be lost.
fn author(root: &Node<'_>, report: &mut Report) -> Option<String> {
    let authors = texts(root, "author", report);
    (!authors.is_empty()).then(|| authors.join(", "))
}

fn unknown_word(root: &Node<'_>, key: &str, word: &str, known: &[&str], report: &mut Report) {
    let suggestion = did_you_mean(similar(word, known.iter().copied()));
    let code = if key == "level" { "bad-level" } else { "bad-status" };
    report
        .warn(code, mark_of(root, key), format!("unknown {key} {}{suggestion}", quoted(word)))
        .help(format!("one of {}", known.join(", ")));
}

fn level(root: &Node<'_>, word: &str, report: &mut Report) -> Option<Level> {
    let level = Level::parse(word);
    if level.is_none() {
        let known = Level::ALL.map(Level::as_str);
        unknown_word(root, "level", word, &known, report);
    }
    level
}

fn date(root: &Node<'_>, key: &str, report: &mut Report) -> Option<String> {
    let date = text(root, key, report)?;
    if !is_date(&date) {
        report
            .warn(
                "bad-date",
                mark_of(root, key),
                format!("`{key}` is not a date: {}", quoted(&date)),
            )
            .help("write YYYY-MM-DD");
    }
    Some(date)
}

/// `YYYY-MM-DD`, or with slashes as rules before 2024 have it.
fn is_date(text: &str) -> bool {
    ["%Y-%m-%d", "%Y/%m/%d"]
        .iter()
        .any(|format| text.len() == 10 && chrono::NaiveDate::parse_from_str(text, format).is_ok())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `^[a-z0-9_-]+\.[a-z0-9._-]+$`
fn is_tag(text: &str) -> bool {
    let part = |text: &str, dots: bool| {
        !text.is_empty()
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase()
                    || byte.is_ascii_digit()
                    || matches!(byte, b'_' | b'-')
                    || (dots && byte == b'.')
            })
    };
    text.split_once('.').is_some_and(|(space, rest)| part(space, false) && part(rest, true))
}

fn tags(root: &Node<'_>, report: &mut Report) -> Vec<String> {
    let tags = texts(root, "tags", report);
    for (at, tag) in tags.iter().enumerate() {
        if !is_tag(tag) {
            let mark = match root.get("tags").map(|node| &node.kind) {
                Some(Kind::List(nodes)) if nodes.len() == tags.len() => nodes[at].mark,
                _ => mark_of(root, "tags"),
            };
            report
                .warn("bad-tag", mark, format!("the tag {} has no namespace", quoted(tag)))
                .help("write it in lower case as `namespace.name`, such as `attack.t1059`");
        }
    }
    tags
}

fn related(root: &Node<'_>, report: &mut Report) -> Vec<Spanned<Relation>> {
    let mut relations = Vec::new();
    let Some(node) = root.get("related").filter(|node| !node.is_null()) else { return relations };
    let help = format!("write a list of `id` and `type` ({})", RELATIONS.join(", "));
    let Kind::List(entries) = &node.kind else {
        let message = format!("`related` is {}, not a list", node.what());
        report.warn("bad-related", node.mark, message).help(help);
        return relations;
    };
    for entry in entries {
        let scalar = |key| match entry.get(key).map(|node| &node.kind) {
            Some(Kind::Scalar(scalar)) => Some(&*scalar.text),
            _ => None,
        };
        let (id, relation) = (scalar("id"), scalar("type"));
        if let (Some(id), Some(kind)) = (id, relation.filter(|word| RELATIONS.contains(word))) {
            if !is_uuid(id) {
                report
                    .warn("bad-related", entry.mark, format!("the id {} is not a UUID", quoted(id)))
                    .help("relate a rule by its `id`, not by its name or file");
            }
            let value = Relation { id: id.to_owned(), kind: kind.to_owned() };
            relations.push(Spanned { value, pos: entry.mark.pos });
        } else {
            let suggestion = relation.and_then(|word| similar(word, RELATIONS));
            let message =
                format!("this relation lacks an id or a known type{}", did_you_mean(suggestion));
            report.warn("bad-related", entry.mark, message).help(help.clone());
        }
    }
    relations
}

/// `logsource` with at least one of product, category and service.
pub(super) fn logsource(
    root: &Node<'_>,
    mark: Mark,
    report: &mut Report,
) -> Option<(LogSource, Mark)> {
    let help = "add `logsource:` with at least one of `product`, `category` and `service`";
    let Some(entry) = root.entry("logsource") else {
        report.error("no-logsource", mark, "`logsource` is missing").help(help);
        return None;
    };
    let node = &entry.value;
    let Kind::Map(_) = &node.kind else {
        let message = format!("`logsource` is {}, not a map", node.what());
        report.error("no-logsource", entry.key_mark, message).help(help);
        return None;
    };
    let before = report.errors();
    let mut attribute = |key: &str| {
        let value = node.get(key).filter(|value| !value.is_null())?;
        match &value.kind {
            Kind::Scalar(scalar) if !scalar.text.trim().is_empty() => {
                Some(scalar.text.trim().to_lowercase())
            }
            _ => {
                let what = match &value.kind {
                    Kind::Scalar(_) => "empty",
                    _ => value.what(),
                };
                let message = format!("`{key}` of the logsource is {what}, not a name");
                report
                    .error("bad-logsource", value.mark, message)
                    .help(format!("write one name after `{key}:`, or remove the line"));
                None
            }
        }
    };
    let logsource = LogSource {
        product: attribute("product"),
        category: attribute("category"),
        service: attribute("service"),
    };
    if report.errors() > before {
        return None;
    }
    if logsource == LogSource::default() {
        let message = "`logsource` has neither product nor category nor service";
        report.error("no-logsource", entry.key_mark, message).help(help);
        return None;
    }
    Some((logsource, entry.key_mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_uuids_and_tags() {
        assert!(is_date("2024-02-29") && is_date("2020/01/05"));
        assert!(!is_date("2023-02-29") && !is_date("2024-1-05") && !is_date("05.01.2020"));
        assert!(is_uuid("6f3e2987-db24-4c78-a860-b4f4095a7095"));
        assert!(!is_uuid("6f3e2987db244c78a860b4f4095a7095") && !is_uuid(""));
        assert!(is_tag("attack.t1059.001") && is_tag("cve.2021-44228"));
        assert!(!is_tag("attack") && !is_tag("Attack.t1059") && !is_tag(".x") && !is_tag("x."));
    }
}
