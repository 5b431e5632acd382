//! Filters that exclude nothing, in whole or in part: they are about no rule, or what they exclude
//! is never what their rules report.

use super::cases;
use super::clash::{self, Clash, Prepared};
use super::texts::{self, Accepted, Pattern, Token};
use super::{finding, key};
use crate::compile::logsource_text;
use crate::compile::lower::applies;
use crate::rule::ast::{Collection, Filter, FilterRules, Item, Rule, Scalar, Spanned};
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};

/// `filter-unknown-rule`, `filter-logsource`, `filter-no-rule`, `filter-never-holds`,
/// `filter-part-never-holds`, `filter-silences`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for filter in &collection.filters {
        let before = found.len();
        match &filter.rules {
            FilterRules::Listed(listed) => {
                for reference in listed {
                    listed_rule(filter, reference, collection, found);
                }
            }
            FilterRules::Any => any_rule(filter, collection, found),
        }
        silenced(filter, collection, found);
        // What is dead as a whole is dead in its parts.
        if !found[before..].iter().any(|known| known.code == "filter-never-holds") {
            parts(filter, collection, found);
        }
    }
}

fn listed_rule(
    filter: &Filter,
    reference: &Spanned<String>,
    collection: &Collection,
    found: &mut Vec<Diagnostic>,
) {
    let name = &reference.value;
    let rules: Vec<&Rule> = collection.rules.iter().filter(|rule| is_named(rule, name)).collect();
    let mut add = |code, message: String, help: String| {
        let meta = &filter.meta;
        found.push(finding(Severity::Warning, code, meta, reference.pos, message, help));
    };
    let Some(first) = rules.first() else {
        let known = collection
            .rules
            .iter()
            .flat_map(|rule| [&rule.meta.id, &rule.meta.name])
            .flatten()
            .map(String::as_str);
        let suggestion = did_you_mean(similar(name, known));
        add(
            "filter-unknown-rule",
            format!("no rule that is loaded has the id or name {}{suggestion}", quoted(name)),
            "check the id, and compile the rule together with its filter".to_owned(),
        );
        return;
    };
    if !rules.iter().any(|rule| applies(filter, rule)) {
        let (own, other) = (logsource_text(&filter.logsource), logsource_text(&first.logsource));
        add(
            "filter-logsource",
            format!(
                "the filter is about {own} and never applies to {}, which is about {other}",
                quoted(&first.meta.title)
            ),
            format!("{}, or write a filter for each platform", repair(filter, first)),
        );
    }
    // Said of a wrong log source as well: it would be the next surprise.
    if let Some(clashes) = rules.iter().map(|rule| clash(filter, rule)).collect::<Option<Vec<_>>>()
        && let Some(clash) = clashes.first()
    {
        let rule = quoted(&first.meta.title);
        add(
            "filter-never-holds",
            format!("the filter never excludes anything from {rule}: {}", clash.text()),
            clash.help(),
        );
    }
}

/// Whether a rule has this id or name.
fn is_named(rule: &Rule, name: &String) -> bool {
    [&rule.meta.id, &rule.meta.name].into_iter().flatten().any(|own| own == name)
}

/// The rules that a filter is meant for, of other log sources too where it lists them.
fn meant<'a>(filter: &Filter, collection: &'a Collection) -> Vec<&'a Rule> {
    let is_meant = |rule: &&Rule| match &filter.rules {
        FilterRules::Any => applies(filter, rule),
        FilterRules::Listed(listed) => listed.iter().any(|name| is_named(rule, &name.value)),
    };
    collection.rules.iter().filter(is_meant).collect()
}

/// The attributes of the filter's log source that are not the rule's.
fn repair(filter: &Filter, rule: &Rule) -> String {
    let (own, other) = (&filter.logsource, &rule.logsource);
    let changes: Vec<String> = [
        ("product", &own.product, &other.product),
        ("category", &own.category, &other.category),
        ("service", &own.service, &other.service),
    ]
    .into_iter()
    .filter(|(_, own, other)| own.is_some() && own != other)
    .map(|(name, _, other)| match other {
        Some(value) => format!("write `{name}: {value}`"),
        None => format!("remove `{name}`"),
    })
    .collect();
    changes.join(" and ")
}

fn any_rule(filter: &Filter, collection: &Collection, found: &mut Vec<Diagnostic>) {
    let rules: Vec<&Rule> = collection.rules.iter().filter(|rule| applies(filter, rule)).collect();
    let (meta, pos) = (&filter.meta, filter.meta.place.pos);
    if rules.is_empty() {
        found.push(finding(
            Severity::Warning,
            "filter-no-rule",
            meta,
            pos,
            format!("no rule that is loaded is about {}", logsource_text(&filter.logsource)),
            "write the log source as the rules have it: a filter applies where each of its \
             attributes is the rule's",
        ));
        return;
    }
    let Some(clashes) = rules.iter().map(|rule| clash(filter, rule)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let message = format!(
        "the filter never excludes anything from its {} rules; of {}, for example: {}",
        rules.len(),
        quoted(&rules[0].meta.title),
        clashes[0].text()
    );
    let help = clashes[0].help();
    found.push(finding(Severity::Warning, "filter-never-holds", meta, pos, message, help));
}

/// Why what a filter excludes is never what a rule reports; `None` if it may be.
fn clash<'a>(filter: &'a Filter, rule: &'a Rule) -> Option<Clash<'a>> {
    let excluded = clash::prepare(cases::failing(&filter.detection)?);
    let reported = clash::prepare(cases::holding(&rule.detection)?);
    clash::between(&excluded, &reported)
}

/// A filter that keeps what its rule never reports leaves nothing of the rule.
fn silenced(filter: &Filter, collection: &Collection, found: &mut Vec<Diagnostic>) {
    let Some(kept) = cases::holding(&filter.detection) else { return };
    let kept = clash::prepare(kept);
    for rule in collection.rules.iter().filter(|rule| applies(filter, rule)) {
        let Some(reported) = cases::holding(&rule.detection) else { continue };
        let Some(clash) = clash::between(&kept, &clash::prepare(reported)) else { continue };
        let pos = filter.detection.conditions.first().map_or(filter.meta.place.pos, |c| c.pos);
        found.push(finding(
            Severity::Warning,
            "filter-silences",
            &filter.meta,
            pos,
            format!(
                "with this filter {} never reports anything: {}",
                quoted(&rule.meta.title),
                clash.text()
            ),
            "a filter's condition is added to the rule's with `and`: write `not` before what is to \
             be excluded",
        ));
    }
}

/// Values of a filter of which no rule ever reports anything.
fn parts(filter: &Filter, collection: &Collection, found: &mut Vec<Diagnostic>) {
    let rules = meant(filter, collection);
    let reported: Option<Vec<Prepared<'_>>> = rules
        .into_iter()
        .map(|rule| Some(clash::prepare(cases::holding(&rule.detection)?)))
        .collect();
    let (Some(reported), Some(excluded)) = (reported, cases::failing(&filter.detection)) else {
        return;
    };
    let mut seen: Vec<*const Item> = Vec::new();
    for item in excluded.into_iter().flatten() {
        if seen.contains(&std::ptr::from_ref(item)) || item.has("all") {
            continue;
        }
        seen.push(item);
        for value in &item.values {
            let alone = Item { values: vec![value.clone()], ..item.clone() };
            let Some(accepted) = texts::accepted(&alone) else { continue };
            let mut rule = None;
            let mut is_dead = |pattern: &&Pattern| {
                let one = Accepted { patterns: vec![(*pattern).clone()], all: false };
                reported.iter().flatten().all(|case| {
                    let with = clash::opposing(item, &one, case);
                    rule = rule.or(with);
                    with.is_some()
                })
            };
            let dead: Vec<&Pattern> = accepted.patterns.iter().filter(&mut is_dead).collect();
            let (Some(first), Some(rule)) = (dead.first(), rule) else { continue };
            let Scalar::Str(text) = &value.value else { continue };
            let what = if dead.len() == accepted.patterns.len() {
                quoted(text)
            } else {
                format!("{} of {}", quoted(&text_of(first)), quoted(text))
            };
            found.push(finding(
                Severity::Warning,
                "filter-part-never-holds",
                &filter.meta,
                value.pos,
                format!("{what} excludes nothing: no rule of this filter reports it"),
                format!("remove it; the rule asks for `{}` of {}", key(rule), clash::values(rule)),
            ));
        }
    }
}

/// A pattern as a value.
fn text_of(pattern: &Pattern) -> String {
    let char_of = |token: &Token| match token {
        Token::Char(c) => *c,
        Token::One => '?',
        Token::Many => '*',
    };
    pattern.iter().map(char_of).collect()
}
