//! `sigmatag inspect`: what is in a compiled file.

use crate::Output;
use crate::failure::{EXIT_CODES, Failure, print, size, thousands};
use crate::rules;
use crate::summary::{level_name, plain_table, printable};
use serde_json::{Value, json};
use sigmatag::ruleset::indicators::Indicators;
use sigmatag::ruleset::tables::{Tables, flag, kind};
use sigmatag::ruleset::{LEVELS, RuleSet};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows what is in a compiled file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// The compiled file.
    #[arg(value_name = "FILE.sgt")]
    file: PathBuf,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Output,
    /// List every rule.
    #[arg(long)]
    rules: bool,
}

/// Names of the kinds of predicates, by number.
const KINDS: [&str; kind::COUNT as usize] = [
    "equals",
    "startswith",
    "endswith",
    "contains",
    "wildcards",
    "re",
    "cidr",
    "compare",
    "fieldref",
    "time part",
    "null",
    "exists",
    "any text",
];

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let rules = rules::read_compiled(&arguments.file)?;
    let found = Found::of(&rules);
    match arguments.format {
        Output::Text => print(&text(arguments, &rules, &found)),
        Output::Json => print(&format!("{:#}\n", report(arguments, &rules, &found))),
    }
}

struct Regex {
    source: String,
    flags: String,
    engine: &'static str,
    /// Bytes of its program and automaton.
    bytes: usize,
}

/// What takes counting.
struct Found {
    levels: [u32; LEVELS.len()],
    logsources: BTreeMap<String, u32>,
    /// Number and number indexed, by kind.
    predicates: [(u32, u32); kind::COUNT as usize],
    regexes: Vec<Regex>,
    sources: Vec<String>,
}

impl Found {
    fn of(rules: &RuleSet) -> Found {
        let tables = rules.tables();
        let mut levels = [0; LEVELS.len()];
        let mut logsources = BTreeMap::new();
        for rule in &tables.rules {
            levels[rule.level as usize] += 1;
            *logsources.entry(rules.logsource(rule.logsource).join("/")).or_default() += 1;
        }
        let mut predicates = [(0, 0); kind::COUNT as usize];
        for predicate in &tables.predicates {
            let (all, indexed) = &mut predicates[predicate.kind as usize];
            *all += 1;
            *indexed += u32::from(predicate.flags & flag::INDEXED != 0);
        }
        let regexes = (0..tables.regexes.len()).map(|index| regex(rules, index)).collect();
        let names = tables.sources.sources.iter().map(|source| {
            let name = source.name.of(&tables.sources.text);
            String::from_utf8_lossy(name).into_owned()
        });
        Found { levels, logsources, predicates, regexes, sources: names.collect() }
    }
}

fn regex(rules: &RuleSet, index: usize) -> Regex {
    let regexes = rules.regexes();
    let record = regexes.list[index];
    let flags = [(1, 'i'), (2, 'm'), (4, 's')];
    let flags = flags.iter().filter(|(bit, _)| record.flags & bit != 0).map(|(_, name)| name);
    Regex {
        source: rules.text(record.source).to_owned(),
        flags: flags.collect(),
        engine: regexes.engine(index),
        bytes: regexes.size(index),
    }
}

fn open_rules(rules: &RuleSet) -> Vec<u32> {
    let mut open = rules.tables().open_rules.clone();
    open.sort_unstable();
    open
}

/// How many rules wait for nothing more than a field.
fn waiting_rules(tables: &Tables) -> u32 {
    tables.waiting_rules.iter().collect::<BTreeSet<_>>().len() as u32
}

/// A list with a heading; nothing if it is empty.
fn section(out: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_some() {
        let _ = writeln!(out, "\n{heading}");
    }
    for line in lines {
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

/// Rows with a heading, in columns.
fn columns(
    out: &mut String,
    heading: &str,
    header: &[&str],
    numbers: &[usize],
    rows: Vec<Vec<String>>,
) {
    if rows.is_empty() {
        return;
    }
    let mut table = plain_table(header, numbers);
    table.add_rows(rows);
    let text = table.to_string();
    section(out, heading, text.lines().map(str::to_owned));
}

fn text(arguments: &Arguments, rules: &RuleSet, found: &Found) -> String {
    let tables = rules.tables();
    let header = rules.header();
    let mut out = String::new();
    let debug = match rules.debug() {
        Err(damage) => format!("damaged: {damage}"),
        Ok(debug) if debug.conditions.len() != tables.rules.len() => {
            "stripped: `sigmatag explain` needs the rule files".to_owned()
        }
        Ok(_) => "present".to_owned(),
    };
    let lines = [
        ("file", arguments.file.display().to_string()),
        ("format version", header.version.to_string()),
        ("identity", rules.identity().to_owned()),
        ("rules", thousands(rules.rule_count().into())),
        ("left out", thousands(rules.skipped_rules().into())),
        ("correlations", thousands(tables.correlations.len() as u64)),
        ("fields", thousands(rules.field_count().into())),
        ("predicates", thousands(tables.predicates.len() as u64)),
        ("groups", thousands(tables.groups.into())),
        ("regexes", thousands(rules.regex_count().into())),
        ("waiting rules", thousands(waiting_rules(tables).into())),
        ("open rules", thousands(tables.open_rules.len() as u64)),
        ("explanations", debug),
        ("memory", size(rules.resident_bytes())),
    ];
    for (name, value) in lines {
        let _ = writeln!(out, "{name:<16}{value}");
    }
    if let Some(indicators) = rules.indicators() {
        out.push_str(&indicator_text(rules, indicators));
    }
    let levels = found.levels.iter().enumerate().rev().filter(|(_, count)| **count > 0);
    section(
        &mut out,
        "rules by level",
        levels.map(|(level, &count)| {
            format!("{:<15}{:>8}", level_name(level as u8), thousands(count.into()))
        }),
    );
    let logsources: Vec<Vec<String>> = found
        .logsources
        .iter()
        .map(|(name, &count)| vec![printable(name), thousands(count.into())])
        .collect();
    let header_line = ["product/category/service", "rules"];
    columns(&mut out, "rules by log source", &header_line, &[1], logsources);
    let kinds = KINDS.iter().zip(&found.predicates).filter(|(_, (all, _))| *all > 0);
    let kinds = kinds.map(|(name, (all, indexed))| {
        vec![(*name).to_owned(), thousands((*all).into()), thousands((*indexed).into())]
    });
    columns(
        &mut out,
        "predicates by kind",
        &["kind", "number", "indexed"],
        &[1, 2],
        kinds.collect(),
    );
    let sections = header.sections.iter();
    let sections = sections.map(|(name, bytes)| vec![(*name).to_owned(), thousands(*bytes)]);
    columns(&mut out, "sections", &["name", "bytes"], &[1], sections.collect());
    section(&mut out, "sources, in the order of recognition", found.sources.iter().cloned());
    let fields = (0..rules.field_count()).map(|field| printable(rules.field_name(field)));
    let mut fields: Vec<String> = fields.collect();
    fields.sort();
    section(&mut out, "fields", fields);
    let regexes = found.regexes.iter().map(|regex| {
        let source = printable(&regex.source);
        let bytes = thousands(regex.bytes as u64);
        vec![regex.engine.to_owned(), bytes, regex.flags.clone(), source]
    });
    let header_line = ["engine", "bytes", "flags", "expression"];
    columns(&mut out, "regexes", &header_line, &[1], regexes.collect());
    section(
        &mut out,
        "open rules: without a pivot, evaluated for every event of their log source",
        open_rules(rules).into_iter().filter_map(|rule| {
            let info = rules.rule(rule)?;
            Some(format!("{} ({})", printable(info.title), printable(info.id)))
        }),
    );
    section(
        &mut out,
        "correlations: valid and not evaluated yet; their base rules report on their own",
        tables.correlations.iter().map(|&text| printable(rules.text(text))),
    );
    if arguments.rules {
        let rows = (0..rules.rule_count()).filter_map(|rule| {
            let info = rules.rule(rule)?;
            let level = level_name(info.level).to_owned();
            let texts = [info.logsource, info.title, info.id].map(printable);
            Some([vec![level], texts.to_vec()].concat())
        });
        let header_line = ["level", "log source", "title", "id"];
        columns(&mut out, "rules", &header_line, &[], rows.collect());
    }
    out
}

fn indicator_text(rules: &RuleSet, indicators: &Indicators) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{:<16}{}", "indicators", thousands(indicators.entries.len() as u64));
    let expired = indicators.expired(now());
    if expired > 0 {
        let _ = writeln!(out, "{:<16}{} since it was compiled", "expired", thousands(expired));
    }
    let rows = indicator_rules(rules, indicators)
        .map(|(id, feed, number)| vec![printable(id), printable(feed), thousands(number.into())]);
    columns(&mut out, "indicators by rule", &["rule", "feed", "number"], &[2], rows.collect());
    out
}

/// Id, feed and number of indicators of each rule that reports some.
fn indicator_rules<'a>(
    rules: &'a RuleSet,
    indicators: &'a Indicators,
) -> impl Iterator<Item = (&'a str, &'a str, u32)> {
    (indicators.first_rule..).zip(&indicators.sources).map(|(rule, source)| {
        let feed = indicators.text(source.feed.start, source.feed.len);
        (rules.rule(rule).map_or("", |info| info.id), feed, source.count)
    })
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

fn report(arguments: &Arguments, rules: &RuleSet, found: &Found) -> Value {
    let tables = rules.tables();
    let named = |counts: &[u32]| -> Value {
        let all = counts.iter().enumerate();
        all.map(|(level, &count)| (level_name(level as u8).to_owned(), json!(count))).collect()
    };
    let kinds: Value = KINDS
        .iter()
        .zip(&found.predicates)
        .map(|(name, (all, indexed))| {
            ((*name).to_owned(), json!({ "number": all, "indexed": indexed }))
        })
        .collect();
    let sections = rules.header().sections.iter();
    let regexes = found.regexes.iter().map(|regex| {
        json!({
            "source": regex.source,
            "flags": regex.flags,
            "engine": regex.engine,
            "bytes": regex.bytes,
        })
    });
    let open = open_rules(rules).into_iter().filter_map(|rule| {
        let info = rules.rule(rule)?;
        Some(json!({ "id": info.id, "title": info.title }))
    });
    let mut fields: Vec<&str> =
        (0..rules.field_count()).map(|field| rules.field_name(field)).collect();
    fields.sort_unstable();
    let mut report = json!({
        "file": arguments.file.to_string_lossy(),
        "format_version": rules.format_version(),
        "identity": rules.identity(),
        "rules": rules.rule_count(),
        "skipped_rules": rules.skipped_rules(),
        "rules_by_level": named(&found.levels),
        "rules_by_logsource": found.logsources,
        "correlations_inert":
            tables.correlations.iter().map(|&text| rules.text(text)).collect::<Vec<_>>(),
        "sections": sections
            .map(|(name, bytes)| json!({ "name": name, "bytes": bytes }))
            .collect::<Vec<_>>(),
        "fields": fields,
        "predicates": tables.predicates.len(),
        "predicates_by_kind": kinds,
        "groups": tables.groups,
        "waiting_rules": waiting_rules(tables),
        "open_rules": open.collect::<Vec<_>>(),
        "regexes": regexes.collect::<Vec<_>>(),
        "sources": found.sources,
        "explainable": rules.debug().is_ok_and(|d| d.conditions.len() == tables.rules.len()),
        "resident_bytes": rules.resident_bytes(),
    });
    if let Some(indicators) = rules.indicators() {
        let rule = |(id, feed, number)| json!({ "id": id, "feed": feed, "number": number });
        report["indicators"] = json!({
            "number": indicators.entries.len(),
            "expired": indicators.expired(now()),
            "rules": indicator_rules(rules, indicators).map(rule).collect::<Vec<_>>(),
        });
    }
    if arguments.rules {
        let all = (0..rules.rule_count()).filter_map(|rule| {
            let info = rules.rule(rule)?;
            Some(json!({
                "id": info.id,
                "title": info.title,
                "level": LEVELS.get(info.level as usize).filter(|level| !level.is_empty()),
                "logsource": info.logsource,
                "author": info.author,
                "license": info.license,
                "tags": info.tags.split(',').filter(|tag| !tag.is_empty()).collect::<Vec<_>>(),
            }))
        });
        report["rule_list"] = all.collect();
    }
    report
}
