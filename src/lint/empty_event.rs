//! Rules that an event without fields satisfies: they only forbid, so they report whatever comes
//! from a log source that is not theirs as well.

use super::finding;
use crate::reference::Reference;
use crate::reference::event::Value;
use crate::rule::ast::{Collection, Filter};
use crate::rule::diagnostic::{Diagnostic, Severity};

/// `matches-empty-event`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    let alone = Collection { filters: Vec::<Filter>::new(), ..collection.clone() };
    let nothing = Value::Object(Vec::new());
    // What cannot be prepared at all is the compiler's to refuse.
    let Ok(reference) = Reference::new(&alone) else { return };
    for (at, rule) in collection.rules.iter().enumerate() {
        if !reference.matches(at, &nothing) {
            continue;
        }
        let condition = rule.detection.conditions.first();
        found.push(finding(
            Severity::Warning,
            "matches-empty-event",
            &rule.meta,
            condition.map_or(rule.meta.place.pos, |condition| condition.pos),
            "an event without any field satisfies this rule",
            "join a selection of something that must be there: `selection and not filter`",
        ));
    }
}
