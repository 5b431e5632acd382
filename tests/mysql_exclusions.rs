//! The exclusions in `rules/exclusions/mysqld`: each silences what it is for and nothing else.
//!
//! `tests/FILTER.jsonl` in that folder has the events of the filter of that name. Without it every
//! rule in `rules` matches the event; with it they do not where `suppressed` is true, and all
//! other matches stay.

mod common;
mod pack;

use pack::{Case, cases, engine, engine_of, load};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, Scratch};
use sigmatag::rule::ast::FilterRules;
use std::collections::BTreeSet;

const FOLDER: &str = "rules/exclusions/mysqld";

/// The filters' file names without extension.
fn stems() -> Vec<String> {
    let entries = std::fs::read_dir(common::root().join(FOLDER)).expect("a folder");
    let mut stems: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            name.strip_suffix(".yml").map(str::to_owned)
        })
        .collect();
    stems.sort();
    stems
}

fn matches(engine: &Engine, scratch: &mut Scratch, event: &Value) -> BTreeSet<String> {
    let data = event.to_string().into_bytes();
    scratch.match_event(engine, &Event::new(Format::Json, &data)).expect("a record");
    let rules = scratch.rules();
    scratch.hits().iter().map(|hit| rules.rule(hit.rule).expect("a rule").id.to_owned()).collect()
}

fn rules_of(case: &Case) -> BTreeSet<String> {
    let rules = case.line["rules"].as_array().expect("rules");
    rules.iter().map(|rule| rule.as_str().expect("an id").to_owned()).collect()
}

#[test]
fn each_filter_silences_what_it_is_for_and_nothing_else() {
    let without = engine();
    let mut scratch_without = Scratch::new(&without);
    let mut wrong = Vec::new();
    for stem in stems() {
        let with = engine_of(&["rules/mysql", &format!("{FOLDER}/{stem}.yml")]);
        let mut scratch_with = Scratch::new(&with);
        let mut seen = [false; 2];
        for case in cases(FOLDER, &stem) {
            let rules = rules_of(&case);
            let suppressed = case.line["suppressed"].as_bool().expect("suppressed");
            seen[usize::from(suppressed)] = true;
            let before = matches(&without, &mut scratch_without, &case.event);
            let after = matches(&with, &mut scratch_with, &case.event);
            let gone: BTreeSet<String> = before.difference(&after).cloned().collect();
            let expected = if suppressed { rules.clone() } else { BTreeSet::new() };
            if rules.is_empty() || !rules.is_subset(&before) {
                wrong.push(format!("{}: matched without the filter: {before:?}", case.place));
            }
            if gone != expected || !after.is_subset(&before) {
                wrong.push(format!("{}: silenced {gone:?}, not {expected:?}", case.place));
            }
        }
        assert_eq!(seen, [true, true], "{stem}: events of both kinds");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_filters_together_do_what_each_does() {
    let without = engine();
    let with = engine_of(&["rules/mysql", FOLDER]);
    let mut scratches = [Scratch::new(&without), Scratch::new(&with)];
    for stem in stems() {
        for case in cases(FOLDER, &stem) {
            let before = matches(&without, &mut scratches[0], &case.event);
            let after = matches(&with, &mut scratches[1], &case.event);
            let rules = rules_of(&case);
            // What one filter does not silence, another may.
            if case.line["suppressed"] == true {
                assert!(after.is_disjoint(&rules), "{}: {after:?}", case.place);
            }
            assert!(after.is_subset(&before), "{}: {after:?}", case.place);
        }
    }
}

#[test]
fn every_filter_says_what_it_is_for_and_names_rules_of_the_pack() {
    let pack: BTreeSet<String> =
        pack::loaded().collection.rules.iter().filter_map(|rule| rule.meta.id.clone()).collect();
    let loaded = load(&["rules/mysql", FOLDER]);
    let filters = &loaded.collection.filters;
    assert_eq!(filters.len(), stems().len());
    let mut ids = BTreeSet::new();
    for filter in filters {
        let title = &filter.meta.title;
        let id = filter.meta.id.clone().unwrap_or_default();
        assert!(id.as_bytes().get(14) == Some(&b'4') && ids.insert(id.clone()), "{title}: {id}");
        assert!(!pack.contains(&id), "{title}: {id} is a rule's");
        let description = filter.meta.description.as_deref().unwrap_or_default();
        assert!(description.contains("Read as \""), "{title}: which blind spot would it open?");
        assert!(filter.meta.author.is_some() && filter.meta.license.is_some(), "{title}");
        let FilterRules::Listed(rules) = &filter.rules else {
            panic!("{title}: it has to list its rules");
        };
        for rule in rules {
            assert!(pack.contains(&rule.value), "{title}: no rule {}", rule.value);
        }
    }
}

#[test]
fn the_pack_has_no_exclusions() {
    assert!(pack::loaded().collection.filters.is_empty());
}
