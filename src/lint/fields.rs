//! Fields that no source of a rule's log source has: the rule never fires.
//!
//! Sources of databases name all that there is. Others pass on whatever keys an agent adds: of
//! these only names are found that are nearly those of a source.

use super::{all_items, finding};
use crate::rule::ast::{Collection, Item, LogSource, Scalar};
use crate::rule::descriptor::Descriptor;
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, quoted, similar};
use std::collections::BTreeSet;

/// `unknown-field`, `misspelt-field`.
pub fn lint(collection: &Collection, sources: &[Descriptor], found: &mut Vec<Diagnostic>) {
    let rules = collection.rules.iter();
    let rules = rules.map(|rule| (&rule.logsource, &rule.detection, &rule.meta));
    let filters = collection.filters.iter();
    let filters = filters.map(|filter| (&filter.logsource, &filter.detection, &filter.meta));
    for (logsource, detection, meta) in rules.chain(filters) {
        let Some(Known { names: given, paths, is_all }) = known(logsource, sources) else {
            continue;
        };
        let mut seen = BTreeSet::new();
        for item in all_items(&detection.searches) {
            for name in names(item) {
                // With dots it is a path into the record itself.
                if name.contains('.') || given.contains(name) || !seen.insert(name) {
                    continue;
                }
                let close = similar(name, given.iter().copied());
                // What one source reads, such as `TargetFileName`, may be a slip in the others.
                let is_other_case = close.is_some_and(|close| close.eq_ignore_ascii_case(name));
                if paths.contains(name) && (is_all || !is_other_case) {
                    continue;
                }
                if !is_all {
                    found.extend(close.filter(|close| is_slip(name, close)).map(|close| {
                        finding(
                            Severity::Warning,
                            "misspelt-field",
                            meta,
                            item.pos,
                            format!(
                                "{} is not the name of a field of this log source{}",
                                quoted(name),
                                did_you_mean(Some(close))
                            ),
                            format!("write `{close}`, unless an agent adds a field of that name"),
                        )
                    }));
                    continue;
                }
                let suggestion = did_you_mean(close);
                found.push(finding(
                    Severity::Warning,
                    "unknown-field",
                    meta,
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

/// Whether a name is another one with a slip in it: other case, or a letter.
fn is_slip(name: &str, meant: &str) -> bool {
    let (name, meant) = (name.to_lowercase(), meant.to_lowercase());
    name == meant || (name.len() > 5 && strsim::damerau_levenshtein(&name, &meant) == 1)
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
    /// Whether events have no others.
    pub is_all: bool,
}

/// What all sources of a log source have; `None` if there are none.
pub fn known<'a>(logsource: &LogSource, sources: &'a [Descriptor]) -> Option<Known<'a>> {
    // A rule about a category alone, such as `database`, may be about products without a source.
    logsource.product.as_ref()?;
    let mut known = Known { is_all: true, ..Known::default() };
    for source in sources {
        let mut own = source
            .logsources
            .iter()
            .map(|own| &own.logsource)
            .filter(|own| logsource.is_part_of(own));
        let Some(first) = own.next() else { continue };
        // Audit logs of databases have fields of their own only. Others pass on whatever keys an
        // agent adds, and members of lifted objects have names that nobody listed.
        if first.category.as_deref() != Some("database") || !source.lifts.is_empty() {
            known.is_all = false;
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
