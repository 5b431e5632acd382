//! Rules that nothing satisfies, and exclusions inside rules that exclude nothing.

use super::{cases, clash, finding, key};
use crate::rule::ast::{Collection, Rule};
use crate::rule::diagnostic::{Diagnostic, Severity, quoted};

/// `rule-never-holds`, `filter-never-holds`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for rule in &collection.rules {
        let Some(reported) = cases::holding(&rule.detection) else { continue };
        let reported = clash::prepare(reported);
        if let Some(clash) = clash::within(&reported) {
            let condition = rule.detection.conditions.first();
            found.push(finding(
                Severity::Warning,
                "rule-never-holds",
                &rule.meta,
                condition.map_or(clash.own.pos, |condition| condition.pos),
                format!(
                    "no event satisfies the rule: where `{}` of {} holds, `{}` of {} does not",
                    key(clash.rule),
                    clash::values(clash.rule),
                    key(clash.own),
                    clash::values(clash.own)
                ),
                "join the two with `or`, or make them one list of values",
            ));
            continue;
        }
        dead(rule, &reported, found);
    }
}

fn dead(rule: &Rule, reported: &clash::Prepared<'_>, found: &mut Vec<Diagnostic>) {
    for search in cases::forbidden(&rule.detection) {
        let Some(excluded) = cases::of_search(&search.body) else { continue };
        let Some(clash) = clash::between(&clash::prepare(excluded), reported) else { continue };
        found.push(finding(
            Severity::Warning,
            "filter-never-holds",
            &rule.meta,
            search.pos,
            format!("{} never excludes anything: {}", quoted(&search.name), clash.text()),
            clash.help(),
        ));
    }
}
