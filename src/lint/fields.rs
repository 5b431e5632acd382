//! Fields that no source of a rule's log source has: the rule never fires.
//!
//! Only where sources name all that there is: one that lifts whole objects into its events
//! (`lift`) has fields that nobody listed.

use super::{all_items, finding};
use crate::rule::ast::{Collection, Item, LogSource, Scalar};
use crate::rule::descriptor::Descriptor;
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};
use std::collections::BTreeSet;

/// `unknown-field`.
pub fn lint(collection: &Collection, sources: &[Descriptor], found: &mut Vec<Diagnostic>) {
    for rule in &collection.rules {
        let known = known(&rule.logsource, sources);
        if known.is_empty() {
            continue;
        }
        let mut seen = BTreeSet::new();
        for item in all_items(&rule.detection.searches) {
            for name in names(item) {
                // With dots it is a path into the record itself.
                if name.contains('.') || known.contains(name) || !seen.insert(name) {
                    continue;
                }
                let suggestion = did_you_mean(similar(name, known.iter().copied()));
                let list = known.iter().copied().filter(|name| !name.contains('.'));
                found.push(finding(
                    Severity::Warning,
                    "unknown-field",
                    &rule.meta,
                    item.pos,
                    format!("events of this log source have no field {}{suggestion}", quoted(name)),
                    format!("the fields are {}", list.collect::<Vec<_>>().join(", ")),
                ));
            }
        }
    }
}

/// The fields that an item reads.
fn names(item: &Item) -> Vec<&str> {
    let mut names: Vec<&str> = item.field.as_deref().into_iter().collect();
    if item.has("fieldref") {
        names.extend(item.values.iter().filter_map(|value| match &value.value {
            Scalar::Str(name) => Some(name.as_str()),
            _ => None,
        }));
    }
    names
}

/// Every name that the sources of a log source give; none if not all of them are known.
fn known<'a>(logsource: &LogSource, sources: &'a [Descriptor]) -> BTreeSet<&'a str> {
    let is_of = |source: &&Descriptor| {
        source.logsources.iter().any(|own| {
            let same =
                |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
            same(&logsource.product, &own.logsource.product)
                && same(&logsource.category, &own.logsource.category)
                && same(&logsource.service, &own.logsource.service)
        })
    };
    // A rule about a category alone, such as `database`, may be about products without a source.
    if logsource.product.is_none() {
        return BTreeSet::new();
    }
    let mut names = BTreeSet::new();
    for source in sources.iter().filter(is_of) {
        // Members of lifted objects have names that nobody listed.
        if !source.lifts.is_empty() {
            return BTreeSet::new();
        }
        names.extend(source.names());
        let variants = source.variants.iter().flat_map(|variant| &variant.fields);
        let fields = source.fields.iter().chain(variants);
        names.extend(fields.flat_map(|field| &field.paths).map(String::as_str));
        names.extend(source.derived.iter().flat_map(|field| &field.from).map(String::as_str));
        let groups = source.when.iter().chain(source.logsources.iter().flat_map(|own| &own.when));
        let tests = groups.flat_map(|group| group.all.iter().chain(&group.any));
        names.extend(tests.map(|test| test.path.as_str()));
    }
    names
}
