//! More rules of the same kind: copies with other literals.

use sigmatag::rule::ast::{Collection, Scalar, Search};

/// The rules, and so many copies of each. Copies have other ids, and every letter of their literals
/// is shifted, by another distance in each copy. Expressions and networks stay: shifted, they would
/// mean nothing. So do digits: event numbers are in all copies what they are in the rules.
pub fn with_copies(collection: &Collection, copies: u8) -> Collection {
    let mut all = collection.clone();
    for copy in 1..=copies {
        let mut rules = collection.rules.clone();
        for rule in &mut rules {
            rule.meta.id = rule.meta.id.as_ref().map(|id| format!("{id}-{copy}"));
            rule.detection.searches.iter_mut().for_each(|search| shift(&mut search.body, copy));
        }
        all.rules.extend(rules);
    }
    all
}

fn shift(search: &mut Search, distance: u8) {
    match search {
        Search::All(items) => {
            let texts = items.iter_mut().filter(|i| !i.has("re") && !i.has("cidr"));
            for value in texts.flat_map(|i| &mut i.values) {
                if let Scalar::Str(text) = &mut value.value {
                    *text = text.chars().map(|c| shifted(c, distance)).collect();
                }
            }
        }
        Search::Any(parts) => parts.iter_mut().for_each(|part| shift(part, distance)),
    }
}

fn shifted(letter: char, distance: u8) -> char {
    let from = |first: u8| (first + (letter as u8 - first + distance) % 26) as char;
    match letter {
        'a'..='z' => from(b'a'),
        'A'..='Z' => from(b'A'),
        other => other,
    }
}
