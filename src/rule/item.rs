//! `field|modifier|...: value` lines: the key, and which modifiers may stand together.

use super::ast::{Item, Scalar, Search, Spanned};
use super::detection::spanned;
use super::diagnostic::{Mark, Report, did_you_mean, quoted, similar};
use super::document::Context;
use super::modifier::{self, Family, MODIFIERS, Modifier};
use super::scalar::ScalarError;
use super::value;
use super::yaml::{Entry, Kind, Node, Text};

/// A modifier as it stands in a key.
pub(super) struct Used {
    pub modifier: &'static Modifier,
    pub mark: Mark,
}

/// The items of a map, all of which must hold.
pub(super) fn all_of(
    entries: &[Entry<'_>],
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Search> {
    let items: Vec<Option<Item>> =
        entries.iter().map(|entry| item(entry, context, report)).collect();
    items.into_iter().collect::<Option<Vec<Item>>>().map(Search::All)
}

/// Scalars without a field: keywords.
pub(super) fn keywords(
    nodes: &[Node<'_>],
    is_list: bool,
    mark: Mark,
    report: &mut Report,
) -> Option<Item> {
    let values: Vec<Option<Spanned<Scalar>>> =
        nodes.iter().map(|node| keyword(node, report)).collect();
    let values = values.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Item { field: None, modifiers: Vec::new(), values, is_list, pos: mark.pos })
}

fn keyword(node: &Node<'_>, report: &mut Report) -> Option<Spanned<Scalar>> {
    let value = scalar(node, report)?;
    check_keyword(&value, node.mark, report).then(|| spanned(value, node.mark))
}

/// A keyword is text that is looked for: null is none, and the empty text is everywhere.
fn check_keyword(value: &Scalar, mark: Mark, report: &mut Report) -> bool {
    match value {
        Scalar::Null => {
            report
                .error("null-keyword", mark, "a keyword cannot be null")
                .help("quote it if the word is meant: 'null'");
            false
        }
        Scalar::Str(text) if text.is_empty() => {
            report
                .warn("empty-keyword", mark, "the empty keyword is found in every event")
                .help("remove it");
            true
        }
        _ => true,
    }
}

/// A single value; lists and maps are refused.
pub(super) fn scalar(node: &Node<'_>, report: &mut Report) -> Option<Scalar> {
    let Kind::Scalar(text) = &node.kind else {
        report
            .error("nested-value", node.mark, format!("a value is a single value, this is {}", node.what()))
            .help("write a field with a value, or one list of values; quote text that begins with `[` or `{`");
        return None;
    };
    match text.resolve() {
        Ok(value) => {
            number_like_hash(text, &value, node.mark, report);
            Some(value)
        }
        Err(ScalarError::NotFinite) => {
            report
                .error(
                    "value-not-finite",
                    node.mark,
                    format!("{} is not a finite number", quoted(&text.text)),
                )
                .help("quote it if the text is meant");
            None
        }
        Err(ScalarError::TagMismatch | ScalarError::UnknownTag) => {
            report
                .error(
                    "yaml-tag",
                    node.mark,
                    format!("{} does not fit its YAML tag", quoted(&text.text)),
                )
                .help("remove the tag, or quote the value");
            None
        }
    }
}

/// `12e3` without a point is more often part of a hash than a number.
fn number_like_hash(text: &Text<'_>, value: &Scalar, mark: Mark, report: &mut Report) {
    if let Scalar::Float(number) = value
        && !text.text.contains('.')
    {
        report
            .warn(
                "number-with-exponent",
                mark,
                format!("{} is read as the number {number}", quoted(&text.text)),
            )
            .help("quote it if the text is meant");
    }
}

fn item(entry: &Entry<'_>, context: &Context<'_>, report: &mut Report) -> Option<Item> {
    let mark = entry.key_mark;
    if entry.key.is_null() {
        report
            .error("empty-field", mark, "a field name is missing")
            .help("write the name before `:`, or keywords as a list");
        return None;
    }
    let mut parts = entry.key.text.split('|');
    let name = parts.next().unwrap_or_default();
    let field = (!name.is_empty()).then(|| name.to_owned());
    let before = report.errors();
    let mut offset = name.chars().count() + 1;
    let mut used: Vec<Used> = Vec::new();
    let mut has_part = false;
    for part in parts {
        has_part = true;
        let length = part.chars().count();
        let part_mark = entry.key.mark_within(mark, offset, length);
        offset += length + 1;
        if let Some(known) = modifier::find(part) {
            used.push(Used { modifier: known, mark: part_mark });
        } else {
            unknown(part, part_mark, report);
            if report.is_full() {
                break;
            }
        }
    }
    if field.is_none() && !has_part {
        let message = if matches!(entry.value.kind, Kind::Map(_)) {
            "a map without a name"
        } else {
            "a field name is empty"
        };
        report
            .error("empty-field", mark, message)
            .help("write the name before `:`, or keywords as a list");
        return None;
    }
    if name == "<<" && matches!(entry.value.kind, Kind::Map(_) | Kind::List(_)) {
        report
            .error("yaml-merge-key", mark, "YAML 1.2 has no merge key `<<`")
            .help("write the lines out");
        return None;
    }
    if report.errors() == before {
        check_together(&entry.key.text, field.as_deref(), &used, mark, report);
    }
    let values = values(entry, field.as_deref(), &used, context, report);
    if report.errors() > before {
        return None;
    }
    let modifiers = used
        .iter()
        .map(|used| Spanned { value: used.modifier.name.to_owned(), pos: used.mark.pos })
        .collect();
    let is_list = matches!(entry.value.kind, Kind::List(_));
    Some(Item { field, modifiers, values: values?, is_list, pos: mark.pos })
}

fn unknown(name: &str, mark: Mark, report: &mut Report) {
    if name.is_empty() {
        report
            .error("empty-modifier", mark, "a modifier name is missing after `|`")
            .help("remove the `|`, or write the modifier");
        return;
    }
    let suggestion = similar(name, MODIFIERS.iter().map(|known| known.name));
    let message = format!("unknown modifier {}{}", quoted(name), did_you_mean(suggestion));
    let known: Vec<&str> =
        MODIFIERS.iter().filter(|m| m.name == m.canonical).map(|m| m.name).collect();
    let help = suggestion.map_or_else(
        || format!("the modifiers are {}", known.join(", ")),
        |suggestion| format!("write `{suggestion}`"),
    );
    report.error("unknown-modifier", mark, message).help(help);
}

/// Which modifiers may stand together, and in which order.
fn check_together(key: &str, field: Option<&str>, used: &[Used], mark: Mark, report: &mut Report) {
    for (at, later) in used.iter().enumerate() {
        let (name, family) = (later.modifier.name, later.modifier.family);
        if field.is_none() && family.needs_field() {
            report
                .error("modifier-needs-field", later.mark, format!("`{name}` needs a field"))
                .help(format!("write `field|{name}`"));
            return;
        }
        for earlier in &used[..at] {
            let (other, other_family) = (earlier.modifier.name, earlier.modifier.family);
            if earlier.modifier.canonical == later.modifier.canonical {
                report
                    .error("modifier-repeated", later.mark, format!("`{name}` repeats `{other}`"))
                    .help("remove one of them");
                return;
            }
            if !family.goes_with(other_family) {
                report
                    .error(
                        "modifier-conflict",
                        later.mark,
                        format!("`{name}` cannot be combined with `{other}`"),
                    )
                    .help(conflict_help(other_family, family));
                return;
            }
            if family.precedes(other_family) {
                let message = format!("`{name}` must stand before `{other}`");
                report
                    .error("modifier-order", later.mark, message)
                    .help(format!("write {}", quoted(&ordered(key, used))));
                return;
            }
        }
        if family == Family::RegexFlag
            && !used[..at].iter().any(|earlier| earlier.modifier.family == Family::Regex)
        {
            let help = if name == "i" {
                "comparisons ignore case anyway: remove it, or write `re|i`".to_owned()
            } else {
                format!("write `re|{name}`")
            };
            report
                .error("flag-without-re", later.mark, format!("`{name}` is a flag of `re`"))
                .help(help);
            return;
        }
    }
    lint_together(used, mark, report);
}

fn conflict_help(a: Family, b: Family) -> &'static str {
    match (a, b) {
        (Family::Position, Family::Position) => {
            "write two lines, one for each, to require both; `contains` alone to allow any place"
        }
        (Family::Comparison, Family::Comparison) => {
            "write two lines with the same field, one for each bound"
        }
        (Family::TimePart, Family::TimePart) => "write two lines, one for each part of the date",
        (Family::Utf16, Family::Utf16) => "keep one encoding",
        (Family::Base64, Family::Base64) => "keep one of them",
        (Family::Regex | Family::RegexFlag, Family::Cased)
        | (Family::Cased, Family::Regex | Family::RegexFlag) => {
            "a regular expression observes case anyway: remove `cased`"
        }
        (Family::Windash, Family::Utf16 | Family::Base64)
        | (Family::Utf16 | Family::Base64, Family::Windash) => {
            "remove `windash` and list the dashes as separate values"
        }
        _ => "write two lines, one for each",
    }
}

/// The key with its modifiers in the order that is legal.
fn ordered(key: &str, used: &[Used]) -> String {
    let mut chain: Vec<&Modifier> = used.iter().map(|used| used.modifier).collect();
    chain.sort_by_key(|modifier| match modifier.family {
        Family::Regex | Family::Utf16 | Family::TimePart | Family::FieldReference => 0,
        Family::RegexFlag | Family::Base64 | Family::Comparison => 1,
        _ => 2,
    });
    let mut text = key.split('|').next().unwrap_or_default().to_owned();
    for modifier in chain {
        text.push('|');
        text.push_str(modifier.name);
    }
    text
}

fn lint_together(used: &[Used], mark: Mark, report: &mut Report) {
    let find = |family| used.iter().find(|used| used.modifier.family == family);
    let position = find(Family::Position);
    if let (Some(position), Some(_)) = (position, find(Family::Regex)) {
        let message = format!("`{}` has no effect on `re`", position.modifier.name);
        report
            .warn("re-position", position.mark, message)
            .help("remove it: a regular expression is searched for, `^` and `$` anchor it");
    }
    let offset = used.iter().find(|used| used.modifier.name == "base64offset");
    if let (Some(offset), None) = (offset, position) {
        let message = "`base64offset` without `contains` compares the whole value";
        report.warn("base64offset-alone", offset.mark, message).help("add `|contains`");
    }
    if let (Some(wide), None) = (find(Family::Utf16), find(Family::Base64)) {
        let message =
            format!("`{}` without `base64` looks for text with NUL bytes", wide.modifier.name);
        report
            .warn("utf16-alone", wide.mark, message)
            .help("add `|base64offset|contains`, or remove it");
    }
    let _ = mark;
}

fn values(
    entry: &Entry<'_>,
    field: Option<&str>,
    used: &[Used],
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Vec<Spanned<Scalar>>> {
    let single = std::slice::from_ref(&entry.value);
    let nodes = match &entry.value.kind {
        Kind::List(nodes) => nodes.as_slice(),
        _ => single,
    };
    let check = value::Check::new(used);
    if nodes.is_empty() {
        return empty_list(entry, field, &check, report);
    }
    if let (Some(all), true) = (check.all, nodes.len() == 1) {
        report
            .warn("all-single-value", all, "`all` with a single value has no effect")
            .help("remove `all`, or list further values");
    }
    check.count(nodes.len(), &entry.value, report);
    let mut has_null = None;
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        if report.is_full() {
            return None;
        }
        let Some(value) = scalar(node, report) else { continue };
        if field.is_none() && !check_keyword(&value, node.mark, report) {
            continue;
        }
        let Kind::Scalar(text) = &node.kind else { continue };
        check.value(&value, text, node.mark, context, report);
        if value == Scalar::Null {
            has_null = Some(node.mark);
        }
        values.push(spanned(value, node.mark));
    }
    if let (Some(mark), true) = (has_null, nodes.len() > 1) {
        report
            .warn("null-in-list", mark, "null within a list: the field may also be missing")
            .help("write a second selection with `field: null` and join them in the condition");
    }
    (values.len() == nodes.len()).then_some(values)
}

/// `field: []` means null; with a modifier that needs values it means nothing.
fn empty_list(
    entry: &Entry<'_>,
    field: Option<&str>,
    check: &value::Check<'_>,
    report: &mut Report,
) -> Option<Vec<Spanned<Scalar>>> {
    if field.is_none() || check.needs_values() {
        report
            .error("empty-value-list", entry.value.mark, "the list of values is empty")
            .help("add a value");
        return None;
    }
    report
        .warn("empty-value-list", entry.value.mark, "an empty list of values is read as null")
        .help("write `null` if the field has to be missing, or add a value");
    Some(Vec::new())
}
