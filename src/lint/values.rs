//! Values that accept too much.

use super::cases;
use super::texts::{self, Token};
use super::{all_items, finding, key};
use crate::rule::ast::{Collection, Detection, Item, Metadata, Scalar};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};

/// Texts of so few bytes occur in nearly every log line; characters beyond ASCII are rare.
const SHORT: usize = 2;

/// `contains-everything`, `contains-short`, `base64offset-short`, `wildcard-escaped`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for (meta, detection) in detections(collection) {
        for item in all_items(&detection.searches) {
            everything(item, meta, found);
            short_base64(item, meta, found);
            escaped_wildcard(item, meta, found);
        }
    }
    for rule in &collection.rules {
        short_alone(&rule.detection, &rule.meta, found);
    }
}

/// The detections of rules and filters.
pub fn detections(collection: &Collection) -> impl Iterator<Item = (&Metadata, &Detection)> {
    let rules = collection.rules.iter().map(|rule| (&rule.meta, &rule.detection));
    rules.chain(collection.filters.iter().map(|filter| (&filter.meta, &filter.detection)))
}

/// `contains`, `startswith` or `endswith` of nothing, or of `*`. A plain `field: '*'` is the
/// usual way to ask for any text and is fine.
fn everything(item: &Item, meta: &Metadata, found: &mut Vec<Diagnostic>) {
    let positions = ["contains", "startswith", "endswith"];
    let Some(position) = positions.into_iter().find(|name| item.has(name)) else { return };
    if item.has("re") || item.has("expand") || item.has("fieldref") {
        return;
    }
    for value in &item.values {
        let Scalar::Str(text) = &value.value else { continue };
        if texts::parse(text).iter().all(|token| *token == Token::Many) {
            let field = item.field.as_deref().unwrap_or("field");
            found.push(finding(
                Severity::Warning,
                "contains-everything",
                meta,
                value.pos,
                format!("every text fits `{position}` of {}", quoted(text)),
                format!(
                    "remove the value; write `{field}: '*'` for any text, `{field}|exists: true` \
                     for any value"
                ),
            ));
        }
    }
}

fn short_base64(item: &Item, meta: &Metadata, found: &mut Vec<Diagnostic>) {
    if !item.has("base64offset") {
        return;
    }
    let is_wide = ["wide", "utf16", "utf16le", "utf16be"].into_iter().any(|name| item.has(name));
    for value in &item.values {
        let Scalar::Str(text) = &value.value else { continue };
        if text.len() < 2 && !is_wide {
            found.push(finding(
                Severity::Warning,
                "base64offset-short",
                meta,
                value.pos,
                format!(
                    "at one of the three offsets nothing is left of {}: every text fits",
                    quoted(text)
                ),
                "encode at least two bytes, better five or more",
            ));
        }
    }
}

/// In `C:\temp\*` the backslash makes the star literal, and no file of Windows has one in its name.
fn escaped_wildcard(item: &Item, meta: &Metadata, found: &mut Vec<Diagnostic>) {
    let is_file = item.field.as_deref().is_some_and(|field| {
        ["Image", "Filename", "FileName", "ImageLoaded", "Directory"]
            .into_iter()
            .any(|end| field.ends_with(end))
    });
    if !is_file || item.has("re") {
        return;
    }
    for value in &item.values {
        let Scalar::Str(text) = &value.value else { continue };
        if texts::parse(text).contains(&Token::Char('*')) {
            found.push(finding(
                Severity::Warning,
                "wildcard-escaped",
                meta,
                value.pos,
                format!("`\\*` in {} is a literal star, which no file name has", quoted(text)),
                "write `\\\\*` for a backslash and a wildcard behind it",
            ));
        }
    }
}

/// A case of the rule that rests on one short text alone.
fn short_alone(detection: &Detection, meta: &Metadata, found: &mut Vec<Diagnostic>) {
    let Some(cases) = cases::holding(detection) else { return };
    let mut seen: Vec<*const Item> = Vec::new();
    for case in cases {
        let [item] = case[..] else { continue };
        let is_plain =
            item.modifiers.iter().all(|name| matches!(&*name.value, "contains" | "cased"));
        let searches = item.has("contains") || item.field.is_none();
        if !searches || !is_plain || seen.contains(&std::ptr::from_ref(item)) {
            continue;
        }
        seen.push(item);
        let is_short = |text: &String| {
            (1..=SHORT).contains(&text.bytes().filter(|byte| *byte != b'*').count())
                && text.is_ascii()
        };
        let short = item.values.iter().find_map(|value| match &value.value {
            Scalar::Str(text) if is_short(text) => Some((text, value.pos)),
            _ => None,
        });
        let Some((text, pos)) = short else { continue };
        found.push(finding(
            Severity::Warning,
            "contains-short",
            meta,
            pos,
            format!("`{}` of {} alone satisfies the rule", key(item), quoted(text)),
            "join it with another selection, or write more of the text",
        ));
    }
}
