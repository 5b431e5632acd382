//! What rules look for, as they wrote it: hostile texts are made of it.

use sigmatag::rule::ast::{Collection, Item, Scalar, Search};
use std::collections::{BTreeMap, BTreeSet};

/// Modifiers after which a value is not what stands in the event.
const ENCODED: [&str; 8] =
    ["base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "cidr", "fieldref"];

/// Texts of one field by where they are looked for.
#[derive(Default)]
pub struct Texts {
    /// Anywhere.
    pub contains: BTreeSet<String>,
    /// At the beginning.
    pub starts: BTreeSet<String>,
    /// At the end.
    pub ends: BTreeSet<String>,
}

/// Of some rules.
#[derive(Default)]
pub struct Literals {
    pub fields: BTreeMap<String, Texts>,
    /// Looked for in the whole event.
    pub keywords: BTreeSet<String>,
    /// Field and expression.
    pub expressions: BTreeSet<(String, String)>,
}

impl Literals {
    pub fn new(collection: &Collection) -> Literals {
        let mut literals = Literals::default();
        for rule in &collection.rules {
            for search in &rule.detection.searches {
                literals.search(&search.body);
            }
        }
        literals
    }

    /// The fields that have most texts of a kind, most first.
    pub fn busiest(&self, texts: fn(&Texts) -> &BTreeSet<String>, count: usize) -> Vec<&str> {
        let mut fields: Vec<(usize, &str)> =
            self.fields.iter().map(|(name, all)| (texts(all).len(), name.as_str())).collect();
        fields.sort_by_key(|(count, name)| (std::cmp::Reverse(*count), *name));
        let some = fields.into_iter().filter(|(count, _)| *count > 0).take(count);
        some.map(|(_, name)| name).collect()
    }

    fn search(&mut self, search: &Search) {
        match search {
            Search::All(items) => items.iter().for_each(|item| self.item(item)),
            Search::Any(parts) => parts.iter().for_each(|part| self.search(part)),
        }
    }

    fn item(&mut self, item: &Item) {
        if ENCODED.iter().any(|modifier| item.has(modifier)) {
            return;
        }
        for value in &item.values {
            let Scalar::Str(text) = &value.value else { continue };
            let Some(field) = &item.field else {
                self.keywords.extend(longest(text));
                continue;
            };
            if item.has("re") {
                self.expressions.insert((field.clone(), text.clone()));
                continue;
            }
            let Some(piece) = longest(text) else { continue };
            let texts = self.fields.entry(field.clone()).or_default();
            let (first, last) = (text.starts_with('*'), text.ends_with('*'));
            if item.has("contains") || first && last {
                texts.contains.insert(piece);
            } else if item.has("endswith") || first {
                texts.ends.insert(piece);
            } else {
                texts.starts.insert(piece);
            }
        }
    }
}

/// The longest piece between wildcards, as it stands in events.
fn longest(text: &str) -> Option<String> {
    let mut pieces = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = match letter {
            '*' | '?' => {
                pieces.push(String::new());
                continue;
            }
            '\\' => letters.next_if(|next| ['*', '?', '\\'].contains(next)).unwrap_or('\\'),
            other => other,
        };
        pieces.last_mut().expect("there is one").push(next);
    }
    pieces.into_iter().filter(|piece| !piece.is_empty()).max_by_key(String::len)
}

/// The four bytes that occur in most of the texts, without regard to case.
pub fn shared_gram(texts: &BTreeSet<String>) -> Option<String> {
    let mut counts = BTreeMap::<String, usize>::new();
    for text in texts.iter().filter(|text| text.is_ascii()) {
        let text = text.to_ascii_lowercase();
        let grams: BTreeSet<&str> =
            (0..text.len().saturating_sub(3)).map(|at| &text[at..at + 4]).collect();
        for gram in grams {
            *counts.entry(gram.to_owned()).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(gram, _)| gram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_escapes() {
        assert_eq!(longest(r"*\cmd.exe*/c").as_deref(), Some(r"\cmd.exe"));
        assert_eq!(longest(r"a\\b\*c").as_deref(), Some(r"a\b*c"));
        assert_eq!(longest("*"), None);
    }

    #[test]
    fn the_shared_gram_is_in_most() {
        let texts = ["powershell", "PowerPoint", "empower"].map(str::to_owned).into();
        assert_eq!(shared_gram(&texts).as_deref(), Some("powe"));
        assert_eq!(shared_gram(&BTreeSet::from(["abc".to_owned()])), None);
    }
}
