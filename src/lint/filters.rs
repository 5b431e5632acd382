//! Filters that exclude nothing: they are about no rule, or what they exclude is never what their
//! rules report.

use super::cases::{self, Case};
use super::texts::{self, Accepted};
use super::{finding, key};
use crate::compile::logsource_text;
use crate::compile::lower::applies;
use crate::rule::ast::{Collection, Filter, FilterRules, Item, Rule, Spanned};
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};

/// `filter-unknown-rule`, `filter-logsource`, `filter-no-rule`, `filter-never-holds`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for filter in &collection.filters {
        match &filter.rules {
            FilterRules::Listed(listed) => {
                for reference in listed {
                    listed_rule(filter, reference, collection, found);
                }
            }
            FilterRules::Any => any_rule(filter, collection, found),
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
    let is_meant = |rule: &&Rule| {
        [&rule.meta.id, &rule.meta.name].into_iter().flatten().any(|own| own == name)
    };
    let rules: Vec<&Rule> = collection.rules.iter().filter(is_meant).collect();
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
        return;
    }
    if rules.iter().all(|rule| applies(filter, rule))
        && let Some(clashes) =
            rules.iter().map(|rule| clash(filter, rule)).collect::<Option<Vec<_>>>()
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

/// Two items about one field of which never both hold.
struct Clash<'a> {
    filter: &'a Item,
    rule: &'a Item,
}

impl Clash<'_> {
    fn text(&self) -> String {
        let (own, other) = (key(self.filter), key(self.rule));
        format!("where `{other}` of the rule holds, `{own}` does not")
    }

    fn help(&self) -> String {
        const SHOWN: usize = 8;
        let values = self.rule.values.iter().take(SHOWN).map(|value| match &value.value {
            crate::rule::ast::Scalar::Str(text) => format!("'{text}'"),
            crate::rule::ast::Scalar::Int(number) => number.to_string(),
            _ => String::new(),
        });
        let more = if self.rule.values.len() > SHOWN { ", ..." } else { "" };
        format!(
            "the rule asks for `{}` of {}{more}: exclude some of these, or remove the filter",
            key(self.rule),
            values.collect::<Vec<_>>().join(", ")
        )
    }
}

/// Why what a filter excludes is never what a rule reports; `None` if it may be.
fn clash<'a>(filter: &'a Filter, rule: &'a Rule) -> Option<Clash<'a>> {
    let excluded = cases::failing(&filter.detection)?;
    let reported = cases::holding(&rule.detection)?;
    let prepare = |case: Case<'a>| -> Vec<(&'a Item, Accepted)> {
        case.into_iter().filter_map(|item| Some((item, texts::accepted(item)?))).collect()
    };
    let excluded: Vec<_> = excluded.into_iter().map(prepare).collect();
    let reported: Vec<_> = reported.into_iter().map(prepare).collect();
    let mut first = None;
    for own in &excluded {
        for other in &reported {
            let pair = own.iter().find_map(|(filter, a)| {
                let clashing = other.iter().find(|(rule, b)| {
                    rule.field == filter.field && texts::exclude_each_other(a, b)
                });
                clashing.map(|(rule, _)| Clash { filter, rule })
            })?;
            first.get_or_insert(pair);
        }
    }
    first
}
