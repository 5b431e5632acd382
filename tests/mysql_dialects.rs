//! One verdict in every dialect: the events beside the rules, as other products and pipelines
//! write them, must match where the original does.

mod common;
mod dialects;
mod pack;

use dialects::{Dialect, Reason, Record, azure, cloud, endpoint, enterprise, mariadb, percona};
use pack::{Case, cases, engine, file_stem, loaded, log_record, matched, msgpack};
use sigmatag::engine::{Engine, Format, Mode, Scratch};
use sigmatag::rule::ast::Rule;
use std::collections::{BTreeMap, BTreeSet};

/// Events that MariaDB does not write: rule, why, and how many of the rule's.
const NOT_IN_MARIADB: [(&str, Reason, usize); 7] = [
    // A change of account of the class of statements.
    ("mysql_audit_change_user", Reason::NoSuchEvent, 1),
    // A session of the class of statements, and a session event that nobody writes.
    ("mysql_audit_connection", Reason::NoSuchEvent, 2),
    ("mysql_audit_grant_table_write", Reason::RowsWithoutStatement, 4),
    // A login of the class of statements, and a statement of the class of sessions.
    ("mysql_audit_login_failed", Reason::NoSuchEvent, 1),
    ("mysql_audit_sql_error", Reason::NoSuchEvent, 1),
    // Longer than MariaDB keeps, shorter than Azure does.
    ("mysql_audit_text_truncated", Reason::OtherLimit, 1),
    ("mysql_audit_udf_table_write", Reason::RowsWithoutStatement, 4),
];

/// Events that nobody but Azure writes: a class and a subclass that do not belong together, and a
/// session event that nobody writes.
const MADE_UP: [(&str, Reason, usize); 4] = [
    ("mysql_audit_change_user", Reason::NoSuchEvent, 1),
    ("mysql_audit_connection", Reason::NoSuchEvent, 2),
    ("mysql_audit_login_failed", Reason::NoSuchEvent, 1),
    ("mysql_audit_sql_error", Reason::NoSuchEvent, 1),
];

/// Statements are as long as they are.
const NO_LIMIT: [(&str, Reason, usize); 1] = [("mysql_audit_text_truncated", Reason::NoLimit, 1)];

/// Accesses to tables.
const NO_TABLES: [(&str, Reason, usize); 2] = [
    ("mysql_audit_grant_table_write", Reason::NotLogged, 5),
    ("mysql_audit_udf_table_write", Reason::NotLogged, 5),
];

fn encoded(record: &Record) -> (Vec<(Format, Vec<u8>)>, u32) {
    match record {
        Record::Line(line) => {
            let mut forms = vec![(Format::Msgpack, log_record(line))];
            if let Ok(text) = std::str::from_utf8(line) {
                let json = serde_json::json!({ "log": text }).to_string().into_bytes();
                forms.push((Format::Json, json));
            }
            (forms, 0)
        }
        Record::Object(object, index) => {
            let mut packed = Vec::new();
            rmpv::encode::write_value(&mut packed, &msgpack(object)).expect("writing to memory");
            let json = object.to_string().into_bytes();
            (vec![(Format::Json, json), (Format::Msgpack, packed)], *index)
        }
    }
}

/// What came of the events of one rule in one dialect.
#[derive(Default)]
struct Outcome {
    wrong: Vec<String>,
    matching: usize,
    not_matching: usize,
    not_written: BTreeMap<Reason, usize>,
}

fn run(
    engine: &Engine,
    scratches: &mut [Scratch],
    id: &str,
    cases: &[Case],
    (name, write): Dialect,
) -> Outcome {
    let mut outcome = Outcome::default();
    for case in cases {
        let record = match write(&case.event) {
            Ok(record) => record,
            Err(reason) => {
                *outcome.not_written.entry(reason).or_default() += 1;
                continue;
            }
        };
        outcome.matching += usize::from(case.expected());
        outcome.not_matching += usize::from(!case.expected());
        let (forms, index) = encoded(&record);
        let expected = if case.expected() { vec![index] } else { vec![] };
        for (format, data) in &forms {
            for scratch in scratches.iter_mut() {
                let found = matched(scratch, engine, *format, data, id);
                if found != expected {
                    outcome.wrong.push(format!(
                        "{}: {name}, {format:?}: events {found:?}, not {expected:?}",
                        case.place
                    ));
                }
            }
        }
    }
    outcome
}

fn check(concerns: fn(&Rule) -> bool, dialects: &[Dialect], allowed: &[(&str, Reason, usize)]) {
    let engine = engine();
    let mut scratches =
        [Mode::Indexed, Mode::Exhaustive].map(|mode| Scratch::with_mode(&engine, mode));
    let mut wrong = Vec::new();
    let mut left_out = BTreeSet::new();
    let mut rules = 0;
    for rule in &loaded().collection.rules {
        if !concerns(rule) {
            continue;
        }
        rules += 1;
        let stem = file_stem(rule);
        let id = rule.meta.id.as_deref().expect("an id");
        let mut cases = cases("rules/mysql", &stem);
        // An event of another shape is in its dialect already.
        cases
            .retain(|case| ["properties", "Image"].iter().any(|key| case.event.get(key).is_some()));
        for dialect in dialects {
            let outcome = run(&engine, &mut scratches, id, &cases, *dialect);
            wrong.extend(outcome.wrong);
            let no_limit =
                |(rule, why, _): &(&str, Reason, usize)| *rule == stem && *why == Reason::NoLimit;
            if outcome.matching == 0 && !allowed.iter().any(no_limit) {
                wrong.push(format!("{stem}: no matching event in {}", dialect.0));
            }
            if outcome.not_matching == 0 {
                wrong.push(format!("{stem}: no event that must not match in {}", dialect.0));
            }
            for (reason, count) in outcome.not_written {
                left_out.insert((stem.clone(), reason, count));
            }
        }
    }
    assert!(rules > 0, "no rules");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let expected: BTreeSet<_> =
        allowed.iter().map(|(rule, why, count)| ((*rule).to_owned(), *why, *count)).collect();
    assert_eq!(left_out, expected, "events that a dialect cannot write");
}

fn is_audit(rule: &Rule) -> bool {
    rule.logsource.product.as_deref() == Some("mysql")
}

fn is_windows(rule: &Rule) -> bool {
    rule.logsource.product.as_deref() == Some("windows")
}

fn is_linux(rule: &Rule) -> bool {
    rule.logsource.product.as_deref() == Some("linux")
}

#[test]
fn azure_spells_fields_in_several_ways() {
    check(is_audit, &azure::DIALECTS, &[]);
}

#[test]
fn mariadb_writes_lines() {
    check(is_audit, &mariadb::DIALECTS, &NOT_IN_MARIADB);
}

#[test]
fn percona_server_writes_records() {
    check(is_audit, &percona::DIALECTS, &[&MADE_UP[..], &NO_LIMIT, &NO_TABLES].concat());
}

#[test]
fn enterprise_audit_writes_arrays_and_elements() {
    check(is_audit, &enterprise::DIALECTS, &[&MADE_UP[..], &NO_LIMIT].concat());
}

#[test]
fn activity_streams_hold_lists() {
    check(is_audit, &cloud::ACTIVITY_STREAM, &[&MADE_UP[..], &NO_LIMIT, &NO_TABLES].concat());
}

#[test]
fn cloud_sql_writes_log_entries() {
    check(is_audit, &cloud::CLOUD_SQL, &[&MADE_UP[..], &NO_LIMIT, &NO_TABLES].concat());
}

#[test]
fn agents_and_products_write_what_happens_on_windows() {
    check(is_windows, &endpoint::WINDOWS, &[]);
    check(is_windows, &endpoint::BOTH, &[]);
}

#[test]
fn agents_and_products_write_what_happens_on_linux() {
    check(is_linux, &endpoint::LINUX, &[]);
    check(is_linux, &endpoint::BOTH, &[]);
}
