//! Regular expressions that say less, or more, than they seem to.

use super::values::detections;
use super::{all_items, finding};
use crate::rule::ast::{Collection, Item, Metadata, Scalar, Spanned};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};
use crate::rule::modifier::canonical;
use regex_syntax::ast::parse::Parser as AstParser;
use regex_syntax::ast::{Ast, RepetitionKind};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Fields of Windows events whose values differ in case from one system to the next.
const CASELESS: [&str; 12] = [
    "Image",
    "ParentImage",
    "CommandLine",
    "ParentCommandLine",
    "TargetFilename",
    "TargetObject",
    "OriginalFileName",
    "ImageLoaded",
    "SourceImage",
    "TargetImage",
    "CurrentDirectory",
    "ScriptBlockText",
];

/// `regex-plain`, `regex-open-end`, `regex-gap`, `regex-case`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for (meta, detection) in detections(collection) {
        for item in all_items(&detection.searches).into_iter().filter(|item| item.has("re")) {
            for value in &item.values {
                if let Scalar::Str(source) = &value.value
                    && !item.has("expand")
                {
                    expression(item, value, source, meta, found);
                }
            }
        }
    }
    let rules = collection.rules.iter();
    let rules = rules.map(|rule| (&rule.logsource, &rule.detection, &rule.meta));
    let filters = collection.filters.iter();
    let filters = filters.map(|filter| (&filter.logsource, &filter.detection, &filter.meta));
    for (logsource, detection, meta) in rules.chain(filters) {
        if logsource.product.as_deref() == Some("windows") {
            all_items(&detection.searches).into_iter().for_each(|item| case(item, meta, found));
        }
    }
}

fn parse(source: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().utf8(false).build().parse(source).ok()
}

fn expression(
    item: &Item,
    value: &Spanned<Scalar>,
    source: &str,
    meta: &Metadata,
    found: &mut Vec<Diagnostic>,
) {
    let Some(hir) = parse(source) else { return };
    let field = item.field.as_deref().unwrap_or("");
    if let Some((position, text)) = plain(&hir)
        && !text.contains(char::is_control)
    {
        let ignores_case = item.modifiers.iter().any(|name| canonical(&name.value) == "i");
        let cased = if ignores_case { "" } else { "|cased" };
        let all = if item.has("all") { "|all" } else { "" };
        found.push(finding(
            Severity::Info,
            "regex-plain",
            meta,
            value.pos,
            format!("the regular expression {} is a plain text", quoted(source)),
            format!("write `{field}{position}{cased}{all}: '{}'`", escaped(&text)),
        ));
        return;
    }
    let parts = parts(&hir);
    let is_gap = |part: Option<&&Hir>| part.is_some_and(|part| is_gap(part));
    if parts.len() > 1 && (is_gap(parts.first()) || is_gap(parts.last())) {
        found.push(finding(
            Severity::Info,
            "regex-open-end",
            meta,
            value.pos,
            format!("`.*` at an end of {} does nothing", quoted(source)),
            "remove it: a regular expression is searched for anywhere in the text",
        ));
    }
    let has_text =
        |parts: &[&Hir]| parts.iter().any(|part| part.properties().minimum_len() > Some(0));
    let gap = (1..parts.len().max(1)).find(|&at| {
        at + 1 < parts.len()
            && is_gap(parts.get(at))
            && has_text(&parts[..at])
            && has_text(&parts[at + 1..])
    });
    if field.starts_with("sql_") && gap.is_some() {
        found.push(finding(
            Severity::Warning,
            "regex-gap",
            meta,
            value.pos,
            format!(
                "`.*` in {} reaches from one part of a statement into any other",
                quoted(source)
            ),
            "say what may stand between, such as `[^;]{0,100}`, or use `contains|all`",
        ));
    }
}

/// The alternatives of an expression; one alone if it has none.
pub fn alternatives(source: &str) -> Vec<String> {
    let Ok(ast) = AstParser::new().parse(source) else { return vec![source.to_owned()] };
    match ungrouped(&ast) {
        Ast::Alternation(any) => any.asts.iter().map(ToString::to_string).collect(),
        _ => vec![source.to_owned()],
    }
}

fn ungrouped(mut ast: &Ast) -> &Ast {
    while let Ast::Group(group) = ast {
        ast = &group.ast;
    }
    ast
}

/// The first repetition with text before and behind it that also stands for `separator`.
pub fn inner_repetition(source: &str, separator: char) -> Option<String> {
    fn flat<'a>(ast: &'a Ast, out: &mut Vec<&'a Ast>) {
        match ungrouped(ast) {
            Ast::Concat(all) => all.asts.iter().for_each(|part| flat(part, out)),
            other => out.push(other),
        }
    }
    let crosses = |ast: &&Ast| {
        let Ast::Repetition(repetition) = ast else { return false };
        let class = parse(&ungrouped(&repetition.ast).to_string());
        let Some(HirKind::Class(class)) = class.as_ref().map(Hir::kind) else { return false };
        let is_one = repetition.op.kind == RepetitionKind::ZeroOrOne;
        let has_separator = match class {
            Class::Unicode(class) => class
                .ranges()
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&separator)),
            Class::Bytes(_) => false,
        };
        !is_one && has_separator
    };
    let is_text = |ast: &&Ast| !matches!(ast, Ast::Assertion(_) | Ast::Empty(_) | Ast::Flags(_));
    alternatives(source).iter().find_map(|alternative| {
        let ast = AstParser::new().parse(alternative).ok()?;
        let mut parts = Vec::new();
        flat(&ast, &mut parts);
        parts.retain(is_text);
        let inner = parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default();
        inner.iter().find(|part| crosses(part)).map(ToString::to_string)
    })
}

/// The parts of a concatenation, groups opened.
fn parts(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().collect(),
        HirKind::Capture(capture) => parts(&capture.sub),
        _ => vec![hir],
    }
}

/// `.*`, in any form that can be any length and any text of a line.
fn is_gap(hir: &Hir) -> bool {
    let HirKind::Repetition(repetition) = hir.kind() else { return false };
    let mut sub = &*repetition.sub;
    while let HirKind::Capture(capture) = sub.kind() {
        sub = &capture.sub;
    }
    let dot = [parse("."), parse("(?s).")];
    repetition.min == 0 && repetition.max.is_none() && dot.iter().flatten().any(|dot| dot == sub)
}

/// The modifier and the text if the expression is a literal, with anchors or gaps at its ends.
fn plain(hir: &Hir) -> Option<(&'static str, String)> {
    let all = parts(hir);
    let mut parts = &all[..];
    let (mut starts, mut ends) = (false, false);
    while let [first, rest @ ..] = parts {
        match first.kind() {
            HirKind::Look(Look::Start) if !starts => starts = true,
            _ if is_gap(first) => starts = false,
            _ => break,
        }
        parts = rest;
    }
    while let [rest @ .., last] = parts {
        match last.kind() {
            HirKind::Look(Look::End) if !ends => ends = true,
            _ if is_gap(last) => ends = false,
            _ => break,
        }
        parts = rest;
    }
    let [text] = parts else { return None };
    let HirKind::Literal(literal) = text.kind() else { return None };
    let text = String::from_utf8(literal.0.to_vec()).ok()?;
    let position = match (starts, ends) {
        (true, true) => "",
        (true, false) => "|startswith",
        (false, true) => "|endswith",
        (false, false) => "|contains",
    };
    Some((position, text))
}

/// As a value of a rule.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_special = match c {
            '*' | '?' => true,
            '\\' => matches!(rest.peek(), Some('*' | '?' | '\\')),
            _ => false,
        };
        if is_special {
            out.push('\\');
        }
        out.push(c);
        if c == '\'' {
            out.push('\'');
        }
    }
    out
}

/// `re` observes case where every other comparison does not.
fn case(item: &Item, meta: &Metadata, found: &mut Vec<Diagnostic>) {
    let is_caseless = item.field.as_deref().is_some_and(|field| CASELESS.contains(&field));
    let ignores_case = item.modifiers.iter().any(|name| canonical(&name.value) == "i");
    if !item.has("re") || ignores_case || !is_caseless {
        return;
    }
    for value in &item.values {
        let Scalar::Str(source) = &value.value else { continue };
        if has_word(source) && !source.contains("(?i") {
            found.push(finding(
                Severity::Info,
                "regex-case",
                meta,
                value.pos,
                format!("{} observes case; Windows does not", quoted(source)),
                "write `re|i` unless the case is what matters",
            ));
        }
    }
}

/// Whether two small letters stand in a row that are neither a class nor an escape.
fn has_word(source: &str) -> bool {
    let (mut in_class, mut before, mut letters) = (false, ' ', 0);
    for c in source.chars() {
        match c {
            '[' if before != '\\' => in_class = true,
            ']' if before != '\\' => in_class = false,
            _ => {}
        }
        let is_letter = c.is_ascii_lowercase() && before != '\\' && !in_class;
        letters = if is_letter { letters + 1 } else { 0 };
        if letters == 2 {
            return true;
        }
        before = if before == '\\' { ' ' } else { c };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_and_their_positions() {
        let plain = |source: &str| plain(&parse(source).expect("legal"));
        for (source, expected) in [
            ("abc", Some(("|contains", "abc"))),
            ("^abc", Some(("|startswith", "abc"))),
            (r"\.sh$", Some(("|endswith", ".sh"))),
            ("^abc$", Some(("", "abc"))),
            (".*abc.*", Some(("|contains", "abc"))),
            ("^.*abc$", Some(("|endswith", "abc"))),
            ("(abc)", Some(("|contains", "abc"))),
            ("a.c", None),
            ("^$", None),
            ("(?i)abc", None),
            ("abc|d", None),
            (".*", None),
        ] {
            let expected = expected.map(|(position, text)| (position, text.to_owned()));
            assert_eq!(plain(source), expected, "{source}");
        }
        assert!(has_word(r"cmd\d") && has_word(r"\\temp") && !has_word(r"[a-f]\d\w\s"));
        assert_eq!(escaped(r"a\b\\*?'"), r"a\b\\\\\*\?''");
    }
}
