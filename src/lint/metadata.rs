//! What readers and tools expect of a rule's description.

use super::finding;
use crate::attack::{self, Known, Renamed, TACTICS};
use crate::rule::ast::{Collection, Metadata, Pos};
use crate::rule::diagnostic::{Diagnostic, Severity, did_you_mean, similar};
use std::collections::HashMap;

/// `missing-id`, `missing-level`, `missing-author`, `missing-date`, `duplicate-title`,
/// `attack-tag`, `attack-renamed`, `attack-unknown`, `related-self`, `related-loaded`.
pub fn lint(collection: &Collection, found: &mut Vec<Diagnostic>) {
    for rule in &collection.rules {
        missing(&rule.meta, found);
        let level = "without a level the rule passes every `min_level`: add one of \
                     informational, low, medium, high, critical";
        if rule.meta.level.is_none() {
            absent("missing-level", "level", &rule.meta, level, found);
        }
        tags(&rule.meta, found);
    }
    for correlation in &collection.correlations {
        missing(&correlation.meta, found);
        if correlation.meta.level.is_none() {
            let level = "add one of informational, low, medium, high, critical";
            absent("missing-level", "level", &correlation.meta, level, found);
        }
        tags(&correlation.meta, found);
    }
    for filter in &collection.filters {
        missing(&filter.meta, found);
    }
    titles(collection, found);
    related(collection, found);
}

fn missing(meta: &Metadata, found: &mut Vec<Diagnostic>) {
    let id = "add a random UUID (version 4): filters, tags and exclusions name a rule by it";
    let author = "add `author:`; licences such as the Detection Rule License ask for it";
    let date = "add `date:` as YYYY-MM-DD";
    for (is_missing, code, name, help) in [
        (meta.id.is_none(), "missing-id", "id", id),
        (meta.author.is_none(), "missing-author", "author", author),
        (meta.date.is_none(), "missing-date", "date", date),
    ] {
        if is_missing {
            absent(code, name, meta, help, found);
        }
    }
}

fn absent(
    code: &'static str,
    name: &str,
    meta: &Metadata,
    help: &str,
    found: &mut Vec<Diagnostic>,
) {
    let severity = if name == "id" { Severity::Warning } else { Severity::Info };
    let message = format!("`{name}` is missing");
    found.push(finding(severity, code, meta, meta.place.pos, message, help));
}

fn tags(meta: &Metadata, found: &mut Vec<Diagnostic>) {
    for tag in &meta.tags {
        let Some(name) = tag.strip_prefix("attack.") else { continue };
        let mut add = |code, message: String, help: String| {
            found.push(finding(Severity::Warning, code, meta, meta.place.pos, message, help));
        };
        if let Some(number) = name.strip_prefix('t').filter(|_| is_number(name)) {
            // Tactics have numbers too.
            if number.starts_with('a') {
                continue;
            }
            match attack::technique(&format!("T{number}")) {
                Known::Technique | Known::Other => {}
                Known::Renamed(renamed) => {
                    if let Some((message, help)) = outdated(tag, &renamed, meta) {
                        add("attack-renamed", message, help);
                    }
                }
                Known::Unknown => add(
                    "attack-unknown",
                    format!("ATT&CK {} has no technique `{tag}`", attack::VERSION),
                    "correct the number, or remove the tag".to_owned(),
                ),
            }
            continue;
        }
        if let Some(renamed) = attack::renamed_tactic(name) {
            if let Some((message, help)) = outdated(tag, renamed, meta) {
                add("attack-renamed", message, help);
            }
            continue;
        }
        let shorts = || TACTICS.iter().map(|tactic| tactic.short);
        if is_number(name) || shorts().any(|short| short == name) {
            continue;
        }
        let hyphens = name.replace('_', "-");
        let known = || shorts().chain(["defense-evasion"]);
        let suggestion = known().find(|tactic| *tactic == hyphens).or(similar(name, known()));
        let suggestion = suggestion.map(|tactic| format!("attack.{tactic}"));
        let message = format!(
            "`{tag}` is no tactic, technique, group or software of ATT&CK{}",
            did_you_mean(suggestion.as_deref())
        );
        let help = "write `attack.t1059`, `attack.t1059.001`, `attack.g0032`, `attack.s0154` or a \
                    tactic such as `attack.initial-access`";
        add("attack-tag", message, help.to_owned());
    }
}

/// A tag that was renamed, unless the new name stands beside it: then readers of both versions find
/// theirs.
fn outdated(tag: &str, renamed: &Renamed, meta: &Metadata) -> Option<(String, String)> {
    let new: Vec<String> =
        renamed.to.iter().map(|name| format!("attack.{}", name.to_lowercase())).collect();
    if new.iter().any(|new| meta.tags.contains(new)) {
        return None;
    }
    let version = renamed.version;
    let listed = new.iter().map(|new| format!("`{new}`")).collect::<Vec<_>>().join(" or ");
    if new.is_empty() {
        let message = format!("`{tag}` was withdrawn by ATT&CK {version}");
        return Some((message, "tag what the rule detects instead".to_owned()));
    }
    let message = format!("`{tag}` is {listed} since ATT&CK {version}");
    let help = format!("write {listed}, and keep the old tag beside it for those who still use it");
    Some((message, help))
}

/// `t1059`, `t1059.001`, `g0032`, `s0154`, `ta0001` and so on.
fn is_number(name: &str) -> bool {
    let letters = name.bytes().take_while(u8::is_ascii_lowercase).count();
    let (kind, number) = name.split_at(letters);
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    match kind {
        "t" => match number.split_once('.') {
            Some((main, sub)) => digits(main, 4) && digits(sub, 3),
            None => digits(number, 4),
        },
        "g" | "s" | "c" | "m" | "ta" | "ds" | "dc" => digits(number, 4),
        _ => false,
    }
}

fn titles(collection: &Collection, found: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, &Metadata> = HashMap::new();
    for rule in &collection.rules {
        let meta = &rule.meta;
        let Some(other) = first.get(meta.title.as_str()) else {
            first.insert(&meta.title, meta);
            continue;
        };
        if other.id.is_some() && other.id == meta.id {
            continue;
        }
        let message = format!("the rule at {} has the same title", other.place);
        let help = "say in the title what is different: results show titles, not ids";
        found.push(finding(
            Severity::Warning,
            "duplicate-title",
            meta,
            meta.place.pos,
            message,
            help,
        ));
    }
}

fn related(collection: &Collection, found: &mut Vec<Diagnostic>) {
    let ids: HashMap<&str, &Metadata> = collection
        .rules
        .iter()
        .filter_map(|rule| Some((rule.meta.id.as_deref()?, &rule.meta)))
        .collect();
    for rule in &collection.rules {
        let meta = &rule.meta;
        for relation in &meta.related {
            let relative = &relation.value;
            let mut add = |code, message: String, help: &str, pos: Pos| {
                found.push(finding(Severity::Warning, code, meta, pos, message, help));
            };
            if Some(&relative.id) == meta.id.as_ref() {
                let message = "the rule is related to itself".to_owned();
                let help = "write the id of the other rule, or remove the relation";
                add("related-self", message, help, relation.pos);
            } else if let Some(other) = ids.get(relative.id.as_str())
                && matches!(relative.kind.as_str(), "obsolete" | "merged" | "renamed")
                && !matches!(other.status.as_deref(), Some("deprecated" | "unsupported"))
            {
                let message = format!(
                    "this rule takes the place of `{}` at {}, which is in force as well",
                    other.title, other.place
                );
                let help = "remove the old rule, or set its status to `deprecated`";
                add("related-loaded", message, help, relation.pos);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn numbers_of_attack() {
        for name in ["t1059", "t1059.001", "g0032", "s0154", "ta0001"] {
            assert!(is_number(name), "{name}");
        }
        for name in ["t105", "t1059.1", "t1059.0011", "x1234", "t", "1059", "t1059."] {
            assert!(!is_number(name), "{name}");
        }
    }
}
