//! Fields that no source of a rule's log source has: the rule never fires.
//!
//! Only where sources name all that there is, which those of databases do.

use super::{all_items, finding};
use crate::rule::ast::{Collection, Item, LogSource, Scalar};
use crate::rule::descriptor::Descriptor;
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};
use std::collections::BTreeSet;

/// `unknown-field`.
pub fn lint(collection: &Collection, sources: &[Descriptor], found: &mut Vec<Diagnostic>) {
    for rule in &collection.rules {
        let Some(Known { names: given, paths }) = known(&rule.logsource, sources) else { continue };
        let mut seen = BTreeSet::new();
        for item in all_items(&rule.detection.searches) {
            for name in names(item) {
                // With dots it is a path into the record itself.
                let is_known = given.contains(name) || paths.contains(name);
                if name.contains('.') || is_known || !seen.insert(name) {
                    continue;
                }
                let suggestion = did_you_mean(similar(name, given.iter().copied()));
                found.push(finding(
                    Severity::Warning,
                    "unknown-field",
                    &rule.meta,
                    item.pos,
                    format!("events of this log source have no field {}{suggestion}", quoted(name)),
                    format!(
                        "the fields are {}",
                        given.iter().copied().collect::<Vec<_>>().join(", ")
                    ),
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

/// What the sources of a log source have.
#[derive(Default)]
pub struct Known<'a> {
    /// The names they give.
    pub names: BTreeSet<&'a str>,
    /// The paths they read, which can be named as well.
    pub paths: BTreeSet<&'a str>,
}

/// What all sources of a log source have; `None` if not all of it is known.
pub fn known<'a>(logsource: &LogSource, sources: &'a [Descriptor]) -> Option<Known<'a>> {
    let same = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
    let fits = |own: &LogSource| {
        same(&logsource.product, &own.product)
            && same(&logsource.category, &own.category)
            && same(&logsource.service, &own.service)
    };
    // A rule about a category alone, such as `database`, may be about products without a source.
    logsource.product.as_ref()?;
    let mut known = Known::default();
    for source in sources {
        let mut own = source.logsources.iter().map(|own| &own.logsource).filter(|own| fits(own));
        let Some(first) = own.next() else { continue };
        // Audit logs of databases have fields of their own only. Others pass on whatever keys an
        // agent adds, and members of lifted objects have names that nobody listed.
        if first.category.as_deref() != Some("database") || !source.lifts.is_empty() {
            return None;
        }
        known.names.extend(source.names());
        let variants = source.variants.iter().flat_map(|variant| &variant.fields);
        let fields = source.fields.iter().chain(variants);
        let paths = &mut known.paths;
        paths.extend(fields.flat_map(|field| &field.paths).map(String::as_str));
        paths.extend(source.derived.iter().flat_map(|field| &field.from).map(String::as_str));
        let groups = source.when.iter().chain(source.logsources.iter().flat_map(|own| &own.when));
        let tests = groups.flat_map(|group| group.all.iter().chain(&group.any));
        paths.extend(tests.map(|test| test.path.as_str()));
    }
    (!known.names.is_empty()).then_some(known)
}
