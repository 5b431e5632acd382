//! `rules/sigmahq.tsv`, rules of SigmaHQ by reference: they are there, compile along with the pack, and
//! are about the sources that they are said to need.
//!
//! `docs/sigmahq-rules.md` is written from the list. With `SIGMATAG_CORPUS`, the command in it is run.
#![cfg(feature = "compile")]

mod common;
mod pack;

use common::{assert_committed, root};
use sigmatag::attack::{self, Known};
use sigmatag::rule::ast::{Placeholders, Rule};
use sigmatag::rule::descriptor::{Descriptor, built_in};
use sigmatag::rule::load::load_paths;
use sigmatag::ruleset::RuleSet;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

struct Reference {
    path: String,
    id: String,
    level: String,
    sources: Vec<String>,
    title: String,
}

fn list() -> Vec<Reference> {
    let text = std::fs::read_to_string(root().join("rules/sigmahq.tsv")).expect("the list");
    let line = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [path, id, level, sources, title] = columns[..] else { panic!("{line}") };
        let sources = sources.split(' ').map(str::to_owned).collect();
        let [path, id, level, title] = [path, id, level, title].map(str::to_owned);
        Reference { path, id, level, sources, title }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// What the document and the test run, in the folder of this project.
const COMMAND: &str = "grep -v '^#' rules/sigmahq.tsv | cut -f1 | sed \"s|^|$SIGMA/|\" |\n    \
                       xargs sigmatag compile rules/mysql -o rules.sgt";

#[test]
fn the_document_shows_the_list() {
    let list = list();
    let ids: BTreeSet<&str> = list.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), list.len(), "an id twice");
    let own: Vec<String> =
        pack::loaded().collection.rules.iter().filter_map(|rule| rule.meta.id.clone()).collect();
    assert!(own.iter().all(|id| !ids.contains(id.as_str())), "a rule of the pack is listed");
    let known: BTreeSet<String> = built_in().into_iter().map(|source| source.name).collect();
    let mut out = format!(
        "# Rules of SigmaHQ for database servers

[rules/sigmahq.tsv](../rules/sigmahq.tsv) names rules of [SigmaHQ](https://github.com/SigmaHQ/sigma)
that tell more about a server of MySQL or MariaDB than the [rules here](rules.md): what is done from it
once somebody is in. They are named and not copied. With a checkout of SigmaHQ in `$SIGMA`, this
compiles them along with the rules here:

```sh
{COMMAND}
```

Options of [`compile`](command-line.md#compile) choose among them, for example `--min-level medium` or
`--exclude-id d84c0ded-edd7-4123-80ed-348bb3ccc4d5`: that one, Suspicious SQL Query, matches every
statement in which `drop`, `truncate`, `dump` or `select *` stands, which is much.

All of SigmaHQ compiles along as well: `sigmatag compile rules/mysql $SIGMA/rules --skip-unsupported -o
rules.sgt`. Its copy of the rule `c61daa90-3c1e-4f18-af62-8f288b5c9aaf`, which is here too, is then left
out and listed: the first of two rules with one id stays.

| rule | level | one of these sources |
|---|---|---|
"
    );
    for one in &list {
        assert!(one.sources.iter().all(|source| known.contains(source)), "{}", one.path);
        let name = one.path.rsplit('/').next().unwrap_or_default();
        let _ = writeln!(
            out,
            "| {}<br>`{name}` `{}` | {} | {} |",
            one.title.replace('|', "\\|"),
            one.id,
            one.level,
            one.sources.join(", ")
        );
    }
    assert_committed("docs/sigmahq-rules.md", &out);
}

/// Whether one of a source's log sources has every attribute that a rule sets.
fn is_about(rule: &Rule, source: &Descriptor) -> bool {
    source.logsources.iter().any(|own| rule.logsource.is_part_of(&own.logsource))
}

#[test]
fn the_rules_are_there_and_compile_with_the_pack() {
    let Some(corpus) = common::corpus("rules of SigmaHQ by reference") else { return };
    let folder = corpus.join("rules.d");
    let list = list();
    let paths: Vec<_> = list.iter().map(|one| folder.join(&one.path)).collect();
    let loaded = load_paths(&paths, &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let sources = built_in();
    for one in &list {
        let rule = loaded.collection.rules.iter().find(|rule| {
            rule.meta.id.as_deref() == Some(&one.id) && rule.meta.place.file.ends_with(&one.path)
        });
        let rule = rule.unwrap_or_else(|| panic!("{} is not in {}", one.id, one.path));
        assert_eq!(rule.meta.title, one.title);
        assert_eq!(rule.meta.level.map(|level| level.as_str()), Some(one.level.as_str()));
        for name in &one.sources {
            let source = sources.iter().find(|source| source.name == *name).expect("a source");
            assert!(is_about(rule, source), "{}: {name} has no such events", one.title);
        }
    }

    // The command of the document.
    let out = common::scratch_folder("sigmahq").join("rules.sgt");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_sigmatag"));
    let command = COMMAND.replace("-o rules.sgt", &format!("-o {}", out.display()));
    let path = format!(
        "{}:{}",
        program.parent().expect("a folder").display(),
        std::env::var("PATH").expect("PATH")
    );
    let output = Command::new("sh")
        .args(["-c", &command])
        .current_dir(root())
        .env("SIGMA", &folder)
        .env("PATH", path)
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rules = RuleSet::from_bytes(&std::fs::read(&out).expect("written")).expect("it loads");
    let own = pack::loaded().collection.rules.len();
    assert_eq!(rules.rule_count() as usize, own + list.len());
    assert_eq!(rules.skipped_rules(), 0);
}

#[test]
fn techniques_of_sigmahq_are_known() {
    let Some(corpus) = common::corpus("techniques that SigmaHQ's rules are tagged with") else {
        return;
    };
    let loaded = load_paths(&[corpus.join("rules.d")], &Placeholders::new());
    let tags = loaded.collection.rules.iter().flat_map(|rule| &rule.meta.tags);
    let numbers = tags.filter_map(|tag| tag.strip_prefix("attack.t"));
    let ids: BTreeSet<String> = numbers.map(|number| format!("T{number}")).collect();
    assert!(ids.len() > 300, "{}", ids.len());
    let is_unknown = |id: &&String| attack::technique(id) != Known::Technique;
    let unknown: Vec<&String> = ids.iter().filter(is_unknown).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
