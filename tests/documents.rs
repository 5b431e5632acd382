//! What documents show must be what is there.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file that is part of the project.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [".", "docs", "rules/mysql"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_readme_shows_the_c_program() {
    let program = read("examples/c/match.c");
    assert!(
        read("README.md").contains(&format!("```c\n{program}```\n")),
        "README.md does not show examples/c/match.c as it is: copy it there"
    );
    assert!(program.lines().count() < 30, "the shown program has to stay below 30 lines");
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let documents = documents();
    assert!(documents.len() > 8);
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("text");
        let folder = document.parent().expect("a folder");
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { document.clone() } else { folder.join(Path::new(file)) };
            let there = target.exists()
                && (heading.is_empty()
                    || headings(&std::fs::read_to_string(&target).unwrap_or_default())
                        .contains(heading));
            if !there {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links without a target:\n{}", broken.join("\n"));
}

/// Headings as links spell them.
fn headings(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            words.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
        })
        .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let document = read("docs/dependencies.md");
    let manifest = read("Cargo.toml");
    let mut listed = 0;
    let mut section = "";
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if section.ends_with("dependencies")
            && let Some((name, _)) = line.split_once(" = ")
        {
            listed += 1;
            assert!(document.contains(&format!("`{name}`")), "docs/dependencies.md: no `{name}`");
        }
    }
    assert!(listed > 20, "{listed} dependencies read from Cargo.toml");
}

#[test]
fn every_canonical_field_and_decoder_is_explained() {
    let document = read("docs/sources.md");
    for descriptor in sigmatag::rule::descriptor::built_in() {
        assert!(document.contains(&descriptor.name), "docs/sources.md: no `{}`", descriptor.name);
        let variants = descriptor.variants.iter().flat_map(|variant| &variant.fields);
        let names = descriptor.fields.iter().chain(variants).map(|field| &field.name);
        for name in names.chain(descriptor.derived.iter().map(|field| &field.name)) {
            assert!(document.contains(&format!("`{name}`")), "docs/sources.md: no `{name}`");
        }
        for field in &descriptor.derived {
            let name = field.decoder.name();
            assert!(document.contains(&format!("`{name}`")), "docs/sources.md: no `{name}`");
        }
    }
}

#[test]
fn the_site_source_that_is_shown_matches() {
    use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
    use sigmatag::rule::ast::Placeholders;
    use sigmatag::rule::descriptor::{built_in, check_names, read as read_sources};
    let document = read("docs/sources.md");
    let section = document.split("## A site's own source").nth(1).expect("the section");
    let record = section.split("logs `").nth(1).and_then(|rest| rest.split('`').next());
    let record = record.expect("the record").replace("SELECT ...", "SELECT SLEEP(5) -- ");
    let shown = section.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the source");
    assert!(shown.lines().count() < 15, "the source has {} lines", shown.lines().count());
    let mut diagnostics = Vec::new();
    let mut sources = read_sources(&"shop.yml".into(), shown, &mut diagnostics);
    sources.extend(built_in());
    diagnostics.extend(check_names(&sources));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let rule = "title: Sleep\nid: 5d1c0f3e-6f0b-4a39-9d8a-2a3c2f9d6b10\n\
                logsource: {category: database, product: mysql, service: audit}\n\
                detection:\n  selection:\n    source: shop-api\n    user: app\n    \
                ip|cidr: 203.0.113.0/24\n    sql_verb: SELECT\n    sql_norm|contains: sleep(\n  \
                condition: selection\n";
    let folder = common::scratch_folder("site-source");
    let file = folder.join("rule.yml");
    std::fs::write(&file, rule).expect("a rule");
    let loaded = sigmatag::rule::load::load_paths(&[file], &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let options = sigmatag::compile::Options { sources, ..Default::default() };
    let rules = sigmatag::compile::rule_set(&loaded.collection, &options).expect("it compiles");
    let engine = Engine::new(std::sync::Arc::new(rules), Options::default());
    let mut scratch = Scratch::new(&engine);
    let mut hits = |record: &str| {
        scratch.match_event(&engine, &Event::new(Format::Json, record.as_bytes())).expect("JSON");
        scratch.hits().len()
    };
    assert_eq!(hits(&record), 1, "{record}");
    assert_eq!(hits(&record.replace("stmt", "other")), 0, "nothing recognises it");
}

#[test]
fn every_section_of_the_file_is_listed() {
    use sigmatag::ruleset::{RuleSet, embedded, format};
    let document = read("docs/file-format.md");
    let rules = RuleSet::from_bytes(embedded::pack()).expect("the pack verifies");
    assert_eq!(rules.header().sections.len(), 12);
    for (name, _) in &rules.header().sections {
        assert!(document.contains(&format!("| `{name}` |")), "docs/file-format.md: no `{name}`");
    }
    assert!(document.contains(&format!("Format version: {}.", format::VERSION)));
    let magic: Vec<String> = format::MAGIC.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(document.contains(&magic.join(" ")));
}
