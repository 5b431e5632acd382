//! Where engines differ and why. A difference that no case explains fails the run: either the
//! reason is found and written down, or one of the engines is wrong.

use serde_json::Value;
use serde_norway::Value as Yaml;

/// A reason for matches that only one engine finds.
pub struct Case {
    /// Its name in results.
    pub name: &'static str,
    /// The crate that differs from sigmatag.
    pub engine: &'static str,
    /// Whether sigmatag finds the matches; else the other engine does.
    pub only_sigmatag: bool,
    /// What each engine does, and what the specification says.
    pub why: &'static str,
    /// Whether it can be the reason for a rule's verdict on an event: the rule's `detection`, and
    /// the event.
    explains: fn(&Yaml, &Value) -> bool,
}

/// All known cases.
pub static CASES: [Case; 2] = [
    Case {
        name: "null of a missing field",
        engine: "sigma-rust",
        only_sigmatag: false,
        why: "`Field: null` holds where the field is missing, says the specification; sigma-rust \
              asks for a field that is there and null, so filters of this form never hold",
        explains: has_null_of_missing,
    },
    Case {
        name: "keywords inside a value",
        engine: "sigma-rust",
        only_sigmatag: true,
        why: "a keyword is looked for in the whole message, says the specification; sigma-rust \
              compares it with whole values",
        explains: |detection, _| has_keywords(detection),
    },
];

/// The case of a match that only one engine finds.
pub fn explain(
    engine: &str,
    only_sigmatag: bool,
    detection: &Yaml,
    event: &Value,
) -> Option<&'static Case> {
    CASES.iter().find(|case| {
        case.engine == engine
            && case.only_sigmatag == only_sigmatag
            && (case.explains)(detection, event)
    })
}

/// Whether an item asks for null of a field that the event does not have.
fn has_null_of_missing(detection: &Yaml, event: &Value) -> bool {
    match detection {
        Yaml::Mapping(members) => members.iter().any(|(key, value)| {
            let name = key.as_str().unwrap_or_default();
            let is_null = match value {
                Yaml::Null => true,
                Yaml::Sequence(values) => values.iter().any(Yaml::is_null),
                _ => false,
            };
            is_null && !has_field(event, name) || has_null_of_missing(value, event)
        }),
        Yaml::Sequence(elements) => elements.iter().any(|part| has_null_of_missing(part, event)),
        _ => false,
    }
}

fn has_field(event: &Value, name: &str) -> bool {
    event.get(name).is_some()
        || name.split_once('.').is_some_and(|(head, tail)| {
            event.get(head).is_some_and(|member| has_field(member, tail))
        })
}

/// Whether a search is a list of plain values.
fn has_keywords(detection: &Yaml) -> bool {
    let Yaml::Mapping(searches) = detection else { return false };
    searches.iter().any(|(name, search)| {
        let is_plain = |value: &Yaml| !value.is_mapping();
        name.as_str() != Some("condition")
            && search.as_sequence().is_some_and(|values| values.iter().all(is_plain))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn yaml(text: &str) -> Yaml {
        serde_norway::from_str(text).expect("YAML")
    }

    #[test]
    fn a_case_explains_what_it_is_about() {
        let null = yaml("{s: {a: 1}, f: [{b.c: null}], condition: s and not f}");
        let of = |detection: &Yaml, only_sigmatag, event: Value| {
            explain("sigma-rust", only_sigmatag, detection, &event).map(|case| case.name)
        };
        assert_eq!(of(&null, false, json!({"a": 1})), Some("null of a missing field"));
        assert_eq!(of(&null, false, json!({"b": {"c": 1}})), None);
        assert_eq!(of(&null, true, json!({"a": 1})), None);
        let words = yaml("{words: [dir, 7], condition: words}");
        assert_eq!(of(&words, true, json!({})), Some("keywords inside a value"));
        assert_eq!(of(&words, false, json!({})), None);
        assert_eq!(of(&yaml("{s: [{a: 1}], condition: [s]}"), true, json!({})), None);
        assert!(explain("rsigma-eval", true, &words, &json!({})).is_none());
    }
}
