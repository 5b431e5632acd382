//! `sql_code` is computed when it is read: every kind of test reads it as if it stood in the event.
#![cfg(feature = "compile")]

use serde_json::json;
use sigmatag::compile;
use sigmatag::engine::{Engine, Event, Format, Mode, Options, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::{Descriptor, built_in, read};
use sigmatag::rule::load::load_text;
use std::sync::Arc;

/// Whether a rule with this selection matches the statement, with the index and without.
fn matches(sources: &[Descriptor], selection: &str, statement: &str) -> bool {
    let rule = format!(
        "title: t\nid: 00000000-0000-4000-8000-000000000001\n\
         logsource: {{category: database, product: mysql, service: audit}}\n\
         detection:\n  s:\n    {selection}\n  condition: s\n"
    );
    let loaded = load_text("rule.yml", &rule, &Placeholders::new());
    assert!(!loaded.has_errors(), "{selection}: {:?}", loaded.diagnostics);
    let options = compile::Options { sources: sources.to_vec(), ..compile::Options::default() };
    let rules = compile::rule_set(&loaded.collection, &options).unwrap();
    let engine = Engine::new(Arc::new(rules), Options::default());
    let event = json!({
        "category": "MySqlAuditLogs",
        "properties": {"event_class": "general_log", "sql_text": statement, "db": "SELECT ''"},
    });
    let data = event.to_string();
    let found = [Mode::Indexed, Mode::Exhaustive].map(|mode| {
        let mut scratch = Scratch::with_mode(&engine, mode);
        let event = Event::new(Format::Json, data.as_bytes());
        // Twice: what was computed for the first event is there for the second.
        let first = scratch.match_event(&engine, &event).unwrap().hits;
        assert_eq!(first, scratch.match_event(&engine, &event).unwrap().hits);
        first > 0
    });
    assert_eq!(found[0], found[1], "{selection} {statement}");
    found[0]
}

#[test]
fn every_kind_of_test_reads_the_code() {
    let sources = built_in();
    let statement = "SELECT `a` , 'x'";
    let table = [
        ("sql_code: SELECT a,''", statement, true),
        ("sql_code|cased: SELECT a,''", statement, true),
        ("sql_code|cased: select a,''", statement, false),
        ("sql_code|contains: 'a,'", statement, true),
        ("sql_code|contains: x", statement, false),
        ("sql_code|startswith: select a", statement, true),
        ("sql_code|endswith: \",''\"", statement, true),
        ("sql_code: S*,?'", statement, true),
        ("sql_code|re: '^SELECT a,.{2}$'", statement, true),
        ("sql_code|re: x", statement, false),
        ("sql_code|exists: true", statement, true),
        ("sql_code|exists: false", statement, false),
        ("sql_code: null", statement, false),
        ("sql_code: '*'", statement, true),
        ("sql_code|fieldref: db", "SELECT 'y'", true),
        ("sql_code|fieldref: db", "SELECT 'y' , 1", false),
        ("db|fieldref: sql_code", "SELECT 'y'", true),
        ("sql_code|cidr: 10.0.0.0/8", "10 . 0 . 0 . 1", true),
        ("sql_code|cidr: 10.0.0.0/8", "11 . 0 . 0 . 1", false),
        ("sql_code|gt: 1", "1 . 5", true),
        ("sql_code|gt: 2", "1 . 5", false),
        ("sql_code: 12", "12", true),
        ("sql_code|year: 2024", "2024-03-05", true),
        ("sql_code|year: 2024", "2025-03-05", false),
        ("sql_code: ''", "/* nothing */", true),
    ];
    for (selection, statement, expected) in table {
        assert_eq!(matches(&sources, selection, statement), expected, "{selection}: {statement}");
    }
}

#[test]
fn other_fields_can_be_derived_from_the_code() {
    let mut diagnostics = Vec::new();
    let text = "
source: own
title: t
logsources: [{category: database, product: mysql, service: audit}]
when: {all: [{path: category, is: MySqlAuditLogs}]}
derive:
  sql_code: {decoder: sql_code, from: properties.sql_text}
  again: {decoder: sql_code, from: sql_code}
  tight: {decoder: compact, from: sql_code}
  known: {decoder: lookup, from: sql_code, values: {\"select ''\": yes}}
  first: {decoder: sql_verb, from: sql_code}
";
    let sources = read(&"own.yml".into(), text, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    for (selection, expected) in [
        ("sql_code: SELECT ''", true),
        ("again: SELECT ''", true),
        ("tight: SELECT''", true),
        ("known: 'yes'", true),
        ("first: SELECT", true),
        ("first: x", false),
    ] {
        assert_eq!(matches(&sources, selection, "SELECT 'x'"), expected, "{selection}");
    }
}
