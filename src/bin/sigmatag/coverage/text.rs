//! Coverage for people at a terminal, and for programs.

use super::collect::{Cell, Coverage, Row, named};
use crate::failure::count;
use crate::summary::{plain_table, printable};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// As text.
pub fn text(coverage: &Coverage) -> String {
    let mut out = String::new();
    let mut section =
        |heading: &str, header: &[&str], numbers: &[usize], rows: Vec<Vec<String>>| {
            if rows.is_empty() {
                return;
            }
            let mut table = plain_table(header, numbers);
            table.add_rows(rows);
            let _ = writeln!(out, "{heading}");
            for line in table.to_string().lines() {
                let _ = writeln!(out, "  {}", line.trim_end());
            }
            out.push('\n');
        };
    let levels = coverage.levels().into_iter().map(|(level, number)| {
        vec![level.map_or("none", |level| level.as_str()).to_owned(), number.to_string()]
    });
    section("levels", &["level", "rules"], &[1], levels.collect());
    let tactics = coverage.tactics.iter().map(|tactic| {
        let ids: Vec<&str> = tactic.techniques.keys().map(String::as_str).collect();
        vec![tactic.name.to_owned(), tactic.rules.to_string(), ids.join(" ")]
    });
    let heading = format!("tactics of ATT&CK {}", coverage.version.number());
    section(&heading, &["tactic", "rules", "techniques"], &[1], tactics.collect());
    let techniques = coverage.techniques();
    let rows = techniques.iter().map(|(id, rows)| vec![named(id), rows.len().to_string()]);
    section("techniques", &["technique", "rules"], &[1], rows.collect());
    let sources = coverage.sources.iter().enumerate().map(|(at, (name, _))| {
        let of = |wanted: fn(&Cell) -> bool| {
            coverage.rows.iter().filter(|row| row.cells.get(at).is_some_and(wanted)).count()
        };
        let covered = of(|cell| *cell == Cell::Covered);
        let lacking = of(|cell| matches!(cell, Cell::Lacks(_)));
        vec![name.clone(), covered.to_string(), lacking.to_string()]
    });
    section("log sources", &["source", "rules", "lack fields"], &[1, 2], sources.collect());
    let list = |rows: Vec<&Row>| -> Vec<Vec<String>> {
        rows.iter().map(|row| vec![printable(&row.title), row.file.clone()]).collect()
    };
    let untested = coverage.rows.iter().filter(|row| row.test_count() == 0).collect::<Vec<_>>();
    let without =
        coverage.of("rule").filter(|row| row.cells.iter().all(|cell| *cell == Cell::Other));
    section("without tests", &["title", "file"], &[], list(untested.clone()));
    section("about no known log source", &["title", "file"], &[], list(without.collect()));
    let rules = coverage.of("rule").count() as u64;
    let correlations = coverage.of("correlation").count() as u64;
    let mut parts = vec![count(rules, "rule")];
    if correlations > 0 {
        parts.push(count(correlations, "correlation"));
    }
    parts.push(count(techniques.len() as u64, "technique"));
    let tests: usize = coverage.rows.iter().map(Row::test_count).sum();
    parts.push(count(tests as u64, "test"));
    parts.push(format!("{} without", untested.len()));
    let _ = writeln!(out, "{}", parts.join(", "));
    out
}

/// As JSON.
pub fn report(coverage: &Coverage) -> Value {
    let rows = coverage.rows.iter().map(|row| {
        let covers = coverage.sources.iter().zip(&row.cells).filter_map(|((name, _), cell)| {
            let lacks: &[String] = match cell {
                Cell::Other => return None,
                Cell::Lacks(fields) => fields,
                Cell::Covered => &[],
            };
            Some(json!({ "source": name, "lacks": lacks }))
        });
        json!({
            "kind": row.kind,
            "id": row.id,
            "title": row.title,
            "level": row.level.map(|level| level.as_str()),
            "logsource": row.logsource,
            "file": row.file,
            "tactics": row.groups.iter().flat_map(|group| &group.tactics).collect::<Vec<_>>(),
            "techniques": row.techniques(),
            "tests": { "matching": row.tests.0, "not": row.tests.1 },
            "sources": covers.collect::<Vec<_>>(),
        })
    });
    let tactics = coverage.tactics.iter().map(|tactic| {
        json!({ "id": tactic.id, "name": tactic.name, "rules": tactic.rules,
            "techniques": tactic.techniques })
    });
    json!({
        "attack": coverage.version.number(),
        "rules": rows.collect::<Vec<_>>(),
        "tactics": tactics.collect::<Vec<_>>(),
    })
}
