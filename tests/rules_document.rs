//! `docs/rules.md`: a table of the pack, written from the rules.

mod common;
mod pack;

use common::{assert_committed, root};
use sigmatag::attack::Version;
use sigmatag::rule::ast::{Collection, CorrelationKind, Metadata, Rule};
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "# Rules for MySQL and MariaDB

The pack in `rules/mysql`, written from the rules by a test (`SIGMATAG_BLESS=1 cargo test --test
rules_document`). Levels follow one thought: ordinary traffic of applications, dumps and monitoring
matches nothing above `low`; what an administrator does on purpose may match up to `high`, as the
rules cannot know who is meant to do it. Exclusions for what your servers do on purpose:
[exclusions.md](exclusions.md). Fields: [sources.md](sources.md). Which rule is about which log source,
tactics and levels at a glance: [coverage.html](coverage.html), written by `sigmatag coverage`. Rules of
others that go well with these: [sigmahq-rules.md](sigmahq-rules.md).

Every rule has events that it must match and events that it must not, and every event is tried in each
spelling in which a product or a pipeline writes it: 44 for audit events, 20 for files and processes.
Tags name tactics and techniques of ATT&CK 19, with the name of version 18 in brackets where it was
another.

What no rule on statements sees:

- What the log does not hold: kinds of events that are not selected, users that are left out, and
  text behind its length limit (2048 characters on Azure, 1024 bytes by default on MariaDB). Rules
  for files and processes see what such a statement does.
- Statements that are put together at run time (`PREPARE s FROM @s`) where the log has the pieces
  only. MariaDB also logs the statement that came of it.
- Code that is hidden behind `'\\'` in a session with `NO_BACKSLASH_ESCAPES`, where a rule reads code
  without texts (`sql_code`). Rules for files that the server reads or writes look at the texts.
- Who did it, in Azure's events of tables, which have neither user nor address; and after a change of
  account in MariaDB, whose statements keep the old name.

";

/// What rules do not see, by the names of their files.
fn blind_spots() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("tests/data/blind_spots.txt")).expect("text");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, spot) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            (name.to_owned(), spot.to_owned())
        })
        .collect()
}

/// `T1505.003` of `attack.t1505.003`; what version 19 does not have any more, in brackets.
fn techniques(meta: &Metadata) -> String {
    let of_tag = |tag: &String| {
        let id = format!("T{}", tag.strip_prefix("attack.t")?);
        Some(if Version::V19.has(&id) { format!(", {id}") } else { format!(" ({id})") })
    };
    let all: String = meta.tags.iter().filter_map(of_tag).collect();
    all.trim_start_matches(", ").to_owned()
}

/// A description on one line.
fn summary(meta: &Metadata) -> String {
    let text = meta.description.as_deref().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn table(out: &mut String, heading: &str, rules: &[&Rule], spots: &BTreeMap<String, String>) {
    let _ = write!(out, "## {heading}\n\n");
    out.push_str("| rule | level | techniques | what it sees | what it does not see |\n");
    out.push_str("|---|---|---|---|---|\n");
    for rule in rules {
        let stem = pack::file_stem(rule);
        let _ = writeln!(
            out,
            "| [{}](../rules/mysql/{stem}.yml)<br>`{}` | {} | {} | {} | {} |",
            rule.meta.title,
            rule.meta.id.as_deref().expect("an id"),
            rule.meta.level.expect("a level").as_str(),
            techniques(&rule.meta),
            summary(&rule.meta),
            spots[&stem],
        );
    }
    out.push('\n');
}

const CORRELATIONS: &str = "## Correlations

What single events do not show, in `rules/mysql/correlations`. They are checked and carried in the
compiled file, and not evaluated yet: until then their base rules report on their own. Beside them are
streams of events that must raise them and streams that must not; `sigmatag test` has the engine decide
every event and the reference evaluator what comes of it.

| correlation | level | techniques | what it sees | rests on | false positives |
|---|---|---|---|---|---|
";

fn correlations(out: &mut String, collection: &Collection) {
    out.push_str(CORRELATIONS);
    let title = |id: &str| {
        let rules = collection.rules.iter().map(|rule| &rule.meta);
        let mut metas = rules.chain(collection.correlations.iter().map(|own| &own.meta));
        let found = metas.find(|meta| meta.id.as_deref() == Some(id)).expect("a document");
        found.title.clone()
    };
    let mut all: Vec<_> = collection.correlations.iter().collect();
    all.sort_by_key(|own| (std::cmp::Reverse(own.meta.level), own.meta.title.clone()));
    for own in all {
        let meta = &own.meta;
        let rules: Vec<String> = own.rules.iter().map(|rule| title(&rule.value)).collect();
        let _ = writeln!(
            out,
            "| [{}](../{})<br>`{}` | {} | {} | {} | {} | {} |",
            meta.title,
            meta.place.file,
            meta.id.as_deref().expect("an id"),
            meta.level.expect("a level").as_str(),
            techniques(meta),
            summary(meta),
            rules.join(if own.kind == CorrelationKind::TemporalOrdered { ", then " } else { "; " }),
            meta.falsepositives.join("; "),
        );
    }
    out.push('\n');
}

#[test]
fn the_document_shows_the_rules() {
    let spots = blind_spots();
    let loaded = pack::loaded();
    let mut rules: Vec<&Rule> = loaded.collection.rules.iter().collect();
    let stems: Vec<String> = rules.iter().map(|rule| pack::file_stem(rule)).collect();
    assert!(spots.keys().all(|name| stems.contains(name)), "blind spots of rules that are gone");
    rules.sort_by_key(|rule| (std::cmp::Reverse(rule.meta.level), rule.meta.title.clone()));
    let mut out = HEAD.to_owned();
    for (category, heading) in [
        ("database", "Audit events"),
        ("file_event", "Files that the server writes"),
        ("process_creation", "Programs that the server starts"),
    ] {
        let is_of = |rule: &&&Rule| rule.logsource.category.as_deref() == Some(category);
        let chosen: Vec<&Rule> = rules.iter().filter(is_of).copied().collect();
        table(&mut out, heading, &chosen, &spots);
    }
    correlations(&mut out, &loaded.collection);
    assert_committed("docs/rules.md", &format!("{}\n", out.trim_end()));
}
