//! Correlation documents. References are resolved later, when every document is known
//! (see [`super::reference`]).

use super::ast::{
    AliasFields, Comparison, Correlation, CorrelationCondition, CorrelationKind, Metadata, Scalar,
    Spanned,
};
use super::condition::Names;
use super::detection;
use super::diagnostic::{Mark, Report, did_you_mean, quoted, similar};
use super::document::Context;
use super::filter::references;
use super::yaml::{Entry, Kind, Node};

const KINDS: [(&str, CorrelationKind); 8] = [
    ("event_count", CorrelationKind::EventCount),
    ("value_count", CorrelationKind::ValueCount),
    ("temporal", CorrelationKind::Temporal),
    ("temporal_ordered", CorrelationKind::TemporalOrdered),
    ("value_sum", CorrelationKind::ValueSum),
    ("value_avg", CorrelationKind::ValueAvg),
    ("value_percentile", CorrelationKind::ValuePercentile),
    ("value_median", CorrelationKind::ValueMedian),
];

const OPERATORS: [(&str, Comparison); 6] = [
    ("gt", Comparison::Gt),
    ("gte", Comparison::Gte),
    ("lt", Comparison::Lt),
    ("lte", Comparison::Lte),
    ("eq", Comparison::Eq),
    ("neq", Comparison::Neq),
];

const KEYS: [&str; 7] =
    ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];

/// Seconds per unit. Months and years are Gregorian averages.
const UNITS: [(char, u64); 7] = [
    ('s', 1),
    ('m', 60),
    ('h', 3_600),
    ('d', 86_400),
    ('w', 604_800),
    ('M', 2_629_746),
    ('y', 31_556_952),
];

fn is_temporal(kind: CorrelationKind) -> bool {
    matches!(kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
}

fn is_value(kind: CorrelationKind) -> bool {
    !is_temporal(kind) && kind != CorrelationKind::EventCount
}

/// Reads the correlation of a document that has the key `correlation`.
pub(super) fn read(
    root: &Node<'_>,
    meta: Metadata,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<Correlation> {
    let entry = root.entry("correlation")?;
    let body = &entry.value;
    let mark = entry.key_mark;
    let Kind::Map(entries) = &body.kind else {
        let message = format!("`correlation` is {}, not a map", body.what());
        report
            .error("correlation-not-map", mark, message)
            .help("write `type`, `rules`, `timespan` and `condition` below it");
        return None;
    };
    for entry in entries {
        let key = &*entry.key.text;
        // A missing timespan that was written as `timeframe` gets its own message.
        let is_old_name = key == "timeframe" && body.get("timespan").is_none();
        if !KEYS.contains(&key) && !is_old_name {
            let suggestion = did_you_mean(similar(key, KEYS));
            report
                .warn(
                    "correlation-key",
                    entry.key_mark,
                    format!("unknown key {}{suggestion}", quoted(key)),
                )
                .help(format!("the keys of a correlation are {}", KEYS.join(", ")));
        }
    }
    let kind = kind(body, mark, report);
    let rules = rules(body, mark, report);
    let timespan = timespan(body, mark, report);
    let group_by = names(body, "group-by", report);
    let aliases = aliases(body, &group_by, report);
    let generate = generate(root, body, report);
    let condition = match (kind, &rules) {
        (Some(kind), Some(rules)) => condition(body, kind, rules, mark, context, report),
        _ => None,
    };
    let (timespan, timespan_seconds) = timespan?;
    Some(Correlation {
        meta,
        kind: kind?,
        rules: rules?,
        group_by,
        timespan_seconds,
        timespan,
        aliases,
        condition: condition?,
        condition_pos: body.entry("condition").map_or(mark, |entry| entry.key_mark).pos,
        generate,
    })
}

fn scalar_text<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match &node.kind {
        Kind::Scalar(text) if !text.is_null() => Some(&text.text),
        _ => None,
    }
}

fn kind(body: &Node<'_>, mark: Mark, report: &mut Report) -> Option<CorrelationKind> {
    let known = KINDS.map(|(name, _)| name);
    let help = format!("one of {}", known.join(", "));
    let Some(node) = body.get("type") else {
        report.error("correlation-type", mark, "`type` is missing").help(help);
        return None;
    };
    let name = scalar_text(node).unwrap_or_default();
    let found = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    if found.is_none() {
        let suggestion = did_you_mean(similar(name, known));
        let message = format!("unknown correlation type {}{suggestion}", quoted(name));
        report.error("correlation-type", node.mark, message).help(help);
    }
    found
}

fn rules(body: &Node<'_>, mark: Mark, report: &mut Report) -> Option<Vec<Spanned<String>>> {
    let help = "add `rules:` with the ids or names of the rules";
    let Some(entry) = body.entry("rules").filter(|entry| !entry.value.is_null()) else {
        report.error("correlation-rules", mark, "`rules` is missing").help(help);
        return None;
    };
    let rules = references(entry, "correlation-rules", report)?;
    if rules.is_empty() {
        report.error("correlation-rules", entry.key_mark, "`rules` is empty").help(help);
        return None;
    }
    Some(rules)
}

fn timespan(body: &Node<'_>, mark: Mark, report: &mut Report) -> Option<(String, u64)> {
    let help = "write a number and one of s, m, h, d, w, M (month), y, such as `10m`";
    let Some(node) = body.get("timespan") else {
        if let Some(entry) = body.entry("timeframe") {
            report
                .error(
                    "correlation-timespan",
                    entry.key_mark,
                    "`timespan` is missing: `timeframe` is its old name",
                )
                .help("rename it to `timespan`");
        } else {
            report.error("correlation-timespan", mark, "`timespan` is missing").help(help);
        }
        return None;
    };
    let text = scalar_text(node).unwrap_or_default();
    let seconds = seconds(text);
    match seconds {
        Some(seconds) => Some((text.to_owned(), seconds)),
        None => {
            let message = format!("{} is not a timespan", quoted(text));
            report.error("correlation-timespan", node.mark, message).help(help);
            None
        }
    }
}

/// A positive number and one unit.
fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let (_, factor) = UNITS.iter().find(|(known, _)| *known == unit)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(*factor).filter(|seconds| *seconds > 0)
}

fn spanned(text: &str, node: &Node<'_>) -> Spanned<String> {
    Spanned { value: text.to_owned(), pos: node.mark.pos }
}

/// Field names: a list, or one alone.
fn names(body: &Node<'_>, key: &str, report: &mut Report) -> Vec<Spanned<String>> {
    let Some(entry) = body.entry(key).filter(|entry| !entry.value.is_null()) else {
        return Vec::new();
    };
    let single = std::slice::from_ref(&entry.value);
    let nodes = match &entry.value.kind {
        Kind::List(nodes) => nodes.as_slice(),
        _ => single,
    };
    let mut names: Vec<Spanned<String>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        match scalar_text(node) {
            Some(name) if !name.is_empty() => names.push(spanned(name, node)),
            _ => {
                let message = format!("`{key}` takes field names, this is {}", node.what());
                report
                    .error("correlation-fields", node.mark, message)
                    .help("write one name, or a list of names");
            }
        }
    }
    names
}

fn aliases(
    body: &Node<'_>,
    group_by: &[Spanned<String>],
    report: &mut Report,
) -> Vec<(String, AliasFields)> {
    let Some(entry) = body.entry("aliases").filter(|entry| !entry.value.is_null()) else {
        return Vec::new();
    };
    let help = "write `aliases: {alias: {rule: field}}`";
    let Kind::Map(entries) = &entry.value.kind else {
        let message = format!("`aliases` is {}, not a map", entry.value.what());
        report.error("correlation-alias", entry.key_mark, message).help(help);
        return Vec::new();
    };
    let mut aliases = Vec::with_capacity(entries.len());
    for entry in entries {
        let alias = entry.key.text.clone().into_owned();
        let Kind::Map(fields) = &entry.value.kind else {
            let message =
                format!("the alias {} is {}, not a map", quoted(&alias), entry.value.what());
            report.error("correlation-alias", entry.key_mark, message).help(help);
            continue;
        };
        if !group_by.iter().any(|name| name.value == alias) {
            let message = format!("the alias {} is not used in `group-by`", quoted(&alias));
            report
                .warn("correlation-alias-unused", entry.key_mark, message)
                .help("add it to `group-by`, or remove it");
        }
        let mut mapped = Vec::with_capacity(fields.len());
        for field in fields {
            match scalar_text(&field.value) {
                Some(name) if !name.is_empty() => {
                    let field_name = spanned(name, &field.value);
                    mapped.push((field.key.text.clone().into_owned(), field_name));
                }
                _ => {
                    let message = format!(
                        "an alias maps a rule to a field name, this is {}",
                        field.value.what()
                    );
                    report.error("correlation-alias", field.key_mark, message).help(help);
                }
            }
        }
        aliases.push((alias, mapped));
    }
    aliases
}

/// `generate`, which the specification has at the root and pySigma within `correlation`.
fn generate(root: &Node<'_>, body: &Node<'_>, report: &mut Report) -> bool {
    let node = body.get("generate").or_else(|| root.get("generate"));
    let Some(node) = node.filter(|node| !node.is_null()) else { return false };
    if let Kind::Scalar(text) = &node.kind
        && let Ok(Scalar::Bool(generate)) = text.resolve()
    {
        return generate;
    }
    report
        .error("correlation-generate", node.mark, "`generate` is true or false")
        .help("write `true` or `false` without quotes");
    false
}

fn condition(
    body: &Node<'_>,
    kind: CorrelationKind,
    rules: &[Spanned<String>],
    mark: Mark,
    context: &Context<'_>,
    report: &mut Report,
) -> Option<CorrelationCondition> {
    let Some(entry) = body.entry("condition").filter(|entry| !entry.value.is_null()) else {
        if is_temporal(kind) {
            return Some(CorrelationCondition::Default);
        }
        report
            .error("correlation-condition", mark, "`condition` is missing")
            .help("add `condition:` with a threshold, such as `gte: 10`");
        return None;
    };
    match &entry.value.kind {
        Kind::Map(entries) => compare(entry, entries, kind, report),
        Kind::Scalar(_) if is_temporal(kind) => {
            let known: Vec<&str> = rules.iter().map(|rule| rule.value.as_str()).collect();
            detection::condition(&entry.value, &known, Names::RuleReferences, context, report)
                .map(CorrelationCondition::Expression)
        }
        Kind::Scalar(_) => {
            report
                .error(
                    "correlation-condition",
                    entry.value.mark,
                    "an expression over rules needs a temporal type",
                )
                .help("write a threshold, such as `gte: 10`, or `type: temporal`");
            None
        }
        Kind::List(_) => {
            report
                .error("correlation-condition", entry.key_mark, "`condition` is a list, not a map")
                .help("write a threshold, such as `gte: 10`");
            None
        }
    }
}

fn compare(
    condition: &Entry<'_>,
    entries: &[Entry<'_>],
    kind: CorrelationKind,
    report: &mut Report,
) -> Option<CorrelationCondition> {
    let before = report.errors();
    let mut tests = Vec::new();
    let mut percentile = None;
    let known = || OPERATORS.iter().map(|(name, _)| *name).chain(["field", "percentile"]);
    for entry in entries {
        let key = &*entry.key.text;
        if let Some((_, operator)) = OPERATORS.iter().find(|(name, _)| *name == key) {
            if let Some(threshold) = number(entry, report) {
                tests.push((*operator, threshold));
            }
        } else if key == "percentile" {
            percentile = self::percentile(entry, kind, report);
        } else if key != "field" {
            let suggestion = did_you_mean(similar(key, known()));
            report
                .error(
                    "correlation-condition",
                    entry.key_mark,
                    format!("unknown key {}{suggestion}", quoted(key)),
                )
                .help(format!("the keys are {}", known().collect::<Vec<_>>().join(", ")));
        }
    }
    if report.errors() == before && !(1..=2).contains(&tests.len()) {
        let message =
            format!("a condition has one operator, or two for a range; this has {}", tests.len());
        report
            .error("correlation-condition", condition.key_mark, message)
            .help("write a threshold, such as `gte: 10`");
    }
    let fields = fields(condition, kind, report);
    (report.errors() == before).then_some(CorrelationCondition::Compare {
        tests,
        fields,
        percentile,
    })
}

fn number(entry: &Entry<'_>, report: &mut Report) -> Option<f64> {
    let value = match &entry.value.kind {
        Kind::Scalar(text) => text.resolve().ok(),
        _ => None,
    };
    #[allow(clippy::cast_precision_loss, reason = "thresholds are floats by definition")]
    let number = match value {
        Some(Scalar::Int(number)) => Some(number as f64),
        Some(Scalar::Float(number)) => Some(number),
        Some(Scalar::BigInt(digits)) => {
            digits.parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    };
    if number.is_none() {
        report
            .error(
                "correlation-threshold",
                entry.value.mark,
                format!("`{}` takes a number", entry.key.text),
            )
            .help("write a number without quotes");
    }
    number
}

fn percentile(entry: &Entry<'_>, kind: CorrelationKind, report: &mut Report) -> Option<f64> {
    if kind != CorrelationKind::ValuePercentile {
        report
            .warn(
                "correlation-field-unused",
                entry.key_mark,
                "`percentile` has no effect on this type",
            )
            .help("remove it, or write `type: value_percentile`");
        return None;
    }
    let number = number(entry, report)?;
    if !(0.0..=100.0).contains(&number) {
        report
            .error("correlation-threshold", entry.value.mark, "a percentile is from 0 to 100")
            .help("write a number from 0 to 100");
    }
    Some(number)
}

fn fields(
    condition: &Entry<'_>,
    kind: CorrelationKind,
    report: &mut Report,
) -> Vec<Spanned<String>> {
    let before = report.errors();
    let fields = names(&condition.value, "field", report);
    let mark = condition.value.entry("field").map_or(condition.key_mark, |entry| entry.key_mark);
    if report.errors() > before {
        return fields;
    }
    if is_value(kind) {
        if fields.is_empty() {
            report
                .error("correlation-field", mark, "this correlation type needs a `field`")
                .help("add `field:` with the field whose values count");
        } else if fields.len() > 1 && kind != CorrelationKind::ValueCount {
            report
                .error("correlation-field", mark, "only `value_count` takes several fields")
                .help("write one field");
        }
    } else if !fields.is_empty() {
        report
            .warn("correlation-field-unused", mark, "`field` has no effect on this type")
            .help("remove it, or use a type that begins with `value_`");
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_timespan_is_a_positive_number_and_one_unit() {
        for (text, expected) in [
            ("1s", Some(1)),
            ("10m", Some(600)),
            ("1h", Some(3600)),
            ("1d", Some(86_400)),
            ("1w", Some(604_800)),
            ("1M", Some(2_629_746)),
            ("1y", Some(31_556_952)),
            ("0m", None),
            ("1", None),
            ("m", None),
            ("1x", None),
            ("1.5h", None),
            ("-1m", None),
            ("+1m", None),
            ("1 m", None),
            ("1h30m", None),
            ("1é", None),
            ("", None),
            ("99999999999999999999s", None),
            ("999999999999999999y", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
