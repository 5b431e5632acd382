//! What is legal and does not do what its author meant.
//!
//! The loader ([`crate::rule::load`]) says what is wrong with a document; here is what only shows
//! when rules, filters and sources are seen together, or when one knows what logs look like. Each
//! finding has a code of [`CODES`](crate::rule::diagnostic::CODES), a place, and a repair. Enter at
//! [`lint`]. What stays true: a finding that says "never" or "always" is proved from the rule's
//! text, with fields taken as having one value each; where a proof would take too long there is no
//! finding.

mod cases;
mod clash;
mod correlations;
mod empty_event;
mod ends;
mod exclusions;
mod fields;
mod filters;
mod metadata;
mod paths;
mod regexes;
mod texts;
mod values;

#[cfg(test)]
mod tests;

use crate::rule::ast::{Collection, Item, Metadata, NamedSearch, Place, Pos, Search};
use crate::rule::descriptor::Descriptor;
use crate::rule::diagnostic::{Diagnostic, Severity};

/// Looks at all documents of a collection. `sources` are the descriptors that will be compiled
/// with it.
pub fn lint(collection: &Collection, sources: &[Descriptor]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    metadata::lint(collection, &mut found);
    values::lint(collection, &mut found);
    regexes::lint(collection, &mut found);
    empty_event::lint(collection, &mut found);
    fields::lint(collection, sources, &mut found);
    exclusions::lint(collection, &mut found);
    filters::lint(collection, &mut found);
    correlations::lint(collection, sources, &mut found);
    paths::lint(collection, &mut found);
    found.sort_by(|a, b| (&a.place.file, a.place.pos).cmp(&(&b.place.file, b.place.pos)));
    found
}

/// A finding about a document.
fn finding(
    severity: Severity,
    code: &'static str,
    meta: &Metadata,
    pos: Pos,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    let place = Place { file: meta.place.file.clone(), pos };
    let mut diagnostic = Diagnostic::at(severity, code, place, message);
    diagnostic.help = Some(help.into());
    diagnostic.subject = Some(meta.title.clone());
    diagnostic
}

/// Every item of a search, those of nested lists too.
fn items<'a>(search: &'a Search, out: &mut Vec<&'a Item>) {
    match search {
        Search::All(list) => out.extend(list),
        Search::Any(parts) => parts.iter().for_each(|part| items(part, out)),
    }
}

/// Every item of every search.
fn all_items(searches: &[NamedSearch]) -> Vec<&Item> {
    let mut out = Vec::new();
    searches.iter().for_each(|search| items(&search.body, &mut out));
    out
}

/// `field|modifier|...` as written.
fn key(item: &Item) -> String {
    let mut key = item.field.clone().unwrap_or_else(|| "keywords".to_owned());
    for modifier in &item.modifiers {
        key.push('|');
        key.push_str(&modifier.value);
    }
    key
}
