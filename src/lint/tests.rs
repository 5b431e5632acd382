//! One case or more for each lint, with a counterpart that is fine.
use super::*;
use crate::rule::ast::Placeholders;
use crate::rule::descriptor;
use crate::rule::load::load_text;
use std::collections::BTreeSet;

/// Codes and lines of what is found, without what is missing in the description.
fn found(text: &str) -> Vec<(&'static str, u32)> {
    let loaded = load_text("test.yml", text, &Placeholders::new());
    let refused: Vec<String> = loaded
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    lint(&loaded.collection, &descriptor::built_in())
        .into_iter()
        .filter(|diagnostic| !diagnostic.code.starts_with("missing-"))
        .map(|diagnostic| {
            assert!(diagnostic.help.is_some(), "{diagnostic}");
            (diagnostic.code, diagnostic.place.pos.line)
        })
        .collect()
}

fn rule(logsource: &str, detection: &str) -> String {
    format!(
        "title: A\nid: 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c01\nlogsource: {logsource}\n\
         detection:\n{detection}"
    )
}

const WINDOWS: &str = "{product: windows, category: file_event}";

fn codes(logsource: &str, detection: &str) -> Vec<&'static str> {
    found(&rule(logsource, detection)).into_iter().map(|(code, _)| code).collect()
}

fn selection(logsource: &str, item: &str) -> Vec<&'static str> {
    codes(logsource, &format!("  sel:\n    {item}\n  condition: sel\n"))
}

#[test]
fn what_is_missing_is_said() {
    let loaded =
        load_text("x", &rule(WINDOWS, "  sel: {a: b}\n  condition: sel\n"), &Placeholders::new());
    let codes: BTreeSet<&str> =
        lint(&loaded.collection, &[]).into_iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, BTreeSet::from(["missing-author", "missing-date", "missing-level"]));
}

#[test]
fn tags_titles_and_relations() {
    let one = rule(WINDOWS, "  sel: {a: b}\n  condition: sel\n");
    let tags = |tag: &str| found(&format!("tags: [{tag}]\n{one}"));
    assert_eq!(tags("attack.t1059.001"), []);
    assert_eq!(tags("attack.initial-access"), []);
    assert_eq!(tags("attack.t1685, attack.t1562.001, attack.stealth, attack.defense-evasion"), []);
    assert_eq!(tags("attack.ta0005, attack.t1417, attack.g0032"), []);
    for old in ["attack.t1562.001", "attack.defense-evasion", "attack.t1086", "attack.t1064"] {
        assert_eq!(tags(old), [("attack-renamed", 1)], "{old}");
    }
    for unknown in ["attack.t1059.099", "attack.t1999"] {
        assert_eq!(tags(unknown), [("attack-unknown", 1)], "{unknown}");
    }
    assert_eq!(tags("cve.2026-1"), []);
    assert_eq!(tags("attack.initial_access").len(), 1);
    assert_eq!(tags("attack.t10590")[0].0, "attack-tag");
    let other = one.replace("1c01", "1c02");
    assert_eq!(found(&format!("{one}---\n{other}")), [("duplicate-title", 8)]);
    let id = "0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c01";
    let relation = |kind: &str| format!("related:\n  - {{id: {id}, type: {kind}}}\n");
    assert_eq!(found(&format!("{}{one}", relation("similar"))), [("related-self", 2)]);
    let newer = format!("{}{}", relation("obsolete"), other.replace("title: A", "title: B"));
    assert_eq!(found(&format!("{one}---\n{newer}")), [("related-loaded", 9)]);
    let old = format!("status: deprecated\n{one}");
    assert_eq!(found(&format!("{old}---\n{newer}")), []);
}

#[test]
fn values_that_accept_too_much() {
    assert_eq!(selection(WINDOWS, "a|contains: ''"), ["contains-everything"]);
    assert_eq!(selection(WINDOWS, "a|endswith: ['x', '**']"), ["contains-everything"]);
    assert_eq!(selection(WINDOWS, "a: '*'"), [""; 0]);
    assert_eq!(selection(WINDOWS, "a|contains: 'ab'"), ["contains-short"]);
    assert_eq!(selection(WINDOWS, "a|contains: 'abc'"), [""; 0]);
    let joined = "  sel: {a|contains: ab, b: c}\n  condition: sel\n";
    assert_eq!(codes(WINDOWS, joined), [""; 0]);
    assert_eq!(selection(WINDOWS, "a|base64offset|contains: 'a'"), ["base64offset-short"]);
    assert_eq!(selection(WINDOWS, "a|base64offset|contains: 'ab'"), [""; 0]);
    assert_eq!(selection(WINDOWS, "a|wide|base64offset|contains: 'a'"), [""; 0]);
}

#[test]
fn regular_expressions() {
    assert_eq!(selection(WINDOWS, r"a|re: '\.exe$'"), ["regex-plain"]);
    assert_eq!(selection(WINDOWS, "a|re: '.*a[bc]d'"), ["regex-open-end"]);
    assert_eq!(selection(WINDOWS, "a|re: 'a.*[bc]'"), [""; 0]);
    assert_eq!(selection("{product: mysql}", "sql_text|re: 'into.*d[ab]'"), ["regex-gap"]);
    assert_eq!(selection("{product: mysql}", "sql_text|re: 'into[^;]*d[ab]'"), [""; 0]);
    assert_eq!(selection(WINDOWS, r"Image|re: 'cmd\d'"), ["regex-case"]);
    assert_eq!(selection(WINDOWS, r"Image|re|i: 'cmd\d'"), [""; 0]);
    assert_eq!(selection("{product: linux}", r"Image|re: 'cmd\d'"), [""; 0]);
}

#[test]
fn rules_that_nothing_satisfies_and_fields_that_nothing_has() {
    let only_not = "  sel: {a: b}\n  condition: not sel\n";
    assert_eq!(codes(WINDOWS, only_not), ["matches-empty-event"]);
    assert_eq!(codes(WINDOWS, "  a: {a: null}\n  condition: a\n"), ["matches-empty-event"]);
    let audit = "{product: mysql, service: audit}";
    assert_eq!(selection(audit, "sqltext|contains: drop"), ["unknown-field"]);
    assert_eq!(selection(audit, "sql_text|contains: drop"), [""; 0]);
    assert_eq!(selection(audit, "properties.some: drop"), [""; 0]);
    assert_eq!(selection("{product: postgresql}", "sqltext|contains: drop"), [""; 0]);
}

fn with_filter(logsource: &str, rules: &str, body: &str) -> Vec<&'static str> {
    let selection = "  sel:\n    TargetFilename|endswith: ['.exe', '.dll']\n  condition: sel\n";
    let filter = format!(
        "title: F\nid: 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c09\nlogsource: {logsource}\n\
         filter:\n  rules: {rules}\n{body}"
    );
    let all = format!("{}---\n{filter}", rule(WINDOWS, selection));
    let codes = found(&all).into_iter().map(|(code, _)| code);
    codes.filter(|code| !ENDS.contains(code)).collect()
}

/// What is said of the ends of paths, of which these tests are not.
const ENDS: [&str; 2] = ["filter-any-directory", "filter-any-name"];

const RULE: &str = "[0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c01]";

#[test]
fn filters_that_are_about_no_rule() {
    let body = "  selection: {Image: x}\n  condition: not selection\n";
    assert_eq!(with_filter(WINDOWS, RULE, body), [""; 0]);
    assert_eq!(with_filter("{product: linux}", RULE, body), ["filter-logsource"]);
    let misspelt = RULE.replace("1c01", "1c0f");
    assert_eq!(with_filter(WINDOWS, &misspelt, body), ["filter-unknown-rule"]);
    assert_eq!(with_filter("{product: linux}", "any", body), ["filter-no-rule"]);
    assert_eq!(with_filter("{product: windows}", "any", body), [""; 0]);
}

#[test]
fn filters_that_never_hold_where_their_rule_does() {
    let dead = |item: &str| {
        let body = format!("  selection:\n    {item}\n  condition: not selection\n");
        with_filter(WINDOWS, RULE, &body)
    };
    assert_eq!(dead("TargetFilename|endswith: .sh"), ["filter-never-holds"]);
    assert_eq!(dead(r"TargetFilename|re|i: 'a[^\\]*\.(sh|py)$'"), ["filter-never-holds"]);
    assert_eq!(dead("TargetFilename|endswith: [.sh, a.exe]"), ["filter-part-never-holds"]);
    assert_eq!(dead(r"TargetFilename|startswith: 'C:\temp'"), [""; 0]);
    assert_eq!(dead("Image|endswith: .sh"), [""; 0]);
    let either = "  a: {TargetFilename|endswith: .sh}\n  b: {Image: x}\n  condition: not 1 of *\n";
    assert_eq!(with_filter(WINDOWS, RULE, either), ["filter-part-never-holds"]);
    let neither = "  a: {TargetFilename|endswith: .sh}\n  b: {TargetFilename: x.py}\n  condition: not a and not b\n";
    assert_eq!(with_filter(WINDOWS, "any", neither), ["filter-never-holds"]);
    let keeps = "  a: {TargetFilename|endswith: .sh}\n  condition: a\n";
    assert_eq!(with_filter(WINDOWS, RULE, keeps), ["filter-silences"]);
}

#[test]
fn exclusions_that_are_wider_than_they_look() {
    let of = |item: &str| {
        let body = format!("  selection:\n    {item}\n  condition: not selection\n");
        with_filter(WINDOWS, RULE, &body)
    };
    let list = r"- TargetFilename|startswith: 'C:\backup\'
    - TargetFilename|contains: 'backup_'";
    assert_eq!(of(list), ["filter-wide"]);
    assert_eq!(of(r"TargetFilename|contains: ['\backup\', 'backup_']"), ["filter-wide"]);
    let both = r"TargetFilename|startswith: 'C:\backup\'
    TargetFilename|contains: 'backup_'";
    assert_eq!(of(both), [""; 0]);
    assert_eq!(of(r"TargetFilename|contains: '\backup\'"), [""; 0]);
    assert_eq!(of(r"TargetFilename: '*\backup_*.exe'"), ["filter-wildcard"]);
    assert_eq!(of(r"TargetFilename: 'C:\app\*\x.exe'"), ["wildcard-escaped"]);
    assert_eq!(of(r"TargetFilename: 'C:\app\\*\x.exe'"), ["filter-wildcard"]);
    assert_eq!(of(r"TargetFilename: '*\backup_1.exe'"), [""; 0]);
}

const LOGIN: &str = "title: A
id: 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c01
name: login
logsource: {category: database, product: mysql, service: audit}
detection: {sel: {event_class: connection_log}, condition: sel}
---
title: B
id: 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c02
name: burst
correlation: {type: event_count, rules: [login], group-by: [user], timespan: 1m, condition: {gt: 1}}
---
title: C
id: 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c03
";

fn correlation(body: &str) -> Vec<&'static str> {
    let text = format!("{LOGIN}correlation: {{timespan: 1m, {body}}}\n");
    found(&text).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn correlations_count_fields_that_are_there() {
    let count =
        |rest: &str| correlation(&format!("type: event_count, condition: {{gte: 2}}, {rest}"));
    assert_eq!(count("rules: [login], group-by: [ip, event_subclass]"), [""; 0]);
    assert_eq!(count("rules: [login], group-by: [properties.ip]"), [""; 0]);
    assert_eq!(count("rules: [login]"), ["correlation-no-group"]);
    assert_eq!(count("rules: [login], group-by: [user, adress]"), ["correlation-unknown-field"]);
    let alias = |field| {
        count(&format!(
            "rules: [login], group-by: [client], aliases: {{client: {{login: {field}}}}}"
        ))
    };
    assert_eq!(alias("ip"), [""; 0]);
    assert_eq!(alias("address"), ["correlation-unknown-field"]);
    // A correlation has the fields that it groups by, and a rule all that its sources give.
    assert_eq!(count("rules: [burst], group-by: [user]"), [""; 0]);
    assert_eq!(count("rules: [burst, login], group-by: [ip]"), ["correlation-unknown-field"]);
    let values = |field: &str| {
        let rest = "rules: [login], group-by: [ip]";
        correlation(&format!("type: value_count, condition: {{field: {field}, gte: 2}}, {rest}"))
    };
    assert_eq!(values("user"), [""; 0]);
    assert_eq!(values("usr"), ["correlation-unknown-field"]);
}

#[test]
fn correlations_that_one_event_raises_or_nothing() {
    let rules = "rules: [login], group-by: [ip]";
    let count =
        |tests: &str| correlation(&format!("type: event_count, condition: {{{tests}}}, {rules}"));
    for (tests, expected) in [
        ("gte: 2", ""),
        ("gt: 2, lte: 4", ""),
        ("eq: 7", ""),
        ("neq: 1", ""),
        ("gte: 1", "correlation-single-event"),
        ("lt: 5", "correlation-single-event"),
        ("neq: 5", "correlation-single-event"),
        ("gt: 5, lt: 3", "correlation-never"),
        ("gt: 5, lt: 6", "correlation-never"),
        ("eq: 2.5", "correlation-never"),
        ("lt: 1", "correlation-never"),
    ] {
        let expected: Vec<&str> = Some(expected).into_iter().filter(|e| !e.is_empty()).collect();
        assert_eq!(count(tests), expected, "{tests}");
    }
    let temporal = |rest: &str| correlation(&format!("type: temporal, group-by: [user], {rest}"));
    assert_eq!(temporal("rules: [login, burst]"), [""; 0]);
    assert_eq!(temporal("rules: [login]"), ["correlation-single-event"]);
    assert_eq!(temporal("rules: [login, burst], condition: {gte: 2}"), [""; 0]);
    assert_eq!(temporal("rules: [login, burst], condition: {gte: 3}"), ["correlation-never"]);
    assert_eq!(temporal("rules: [login, burst], condition: burst and not login"), [""; 0]);
}
