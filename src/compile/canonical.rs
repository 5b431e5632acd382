//! Forms of rules that do not depend on how they are written or executed.
//!
//! A text form of a rule, without places, order of identifiers or YAML style, orders rules, tells
//! equal rules apart from different ones and names rules without id. The bytes of a condition are
//! part of the rule set's identity.

use super::ir::Ir;
use super::logsource_text;
use crate::rule::ast::{Detection, Filter, Rule, Search};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The canonical form of a rule.
pub fn rule(rule: &Rule) -> String {
    let mut out = String::new();
    let meta = &rule.meta;
    let _ = writeln!(
        out,
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        meta.title, meta.id, meta.name, meta.level, meta.author, meta.license, meta.tags
    );
    let _ = writeln!(out, "{:?}", logsource_text(&rule.logsource));
    detection(&rule.detection, &mut out);
    out
}

/// The canonical form of a filter.
pub fn filter(filter: &Filter) -> String {
    let mut out = format!("{:?} {:?} ", filter.meta.title, filter.meta.id);
    match &filter.rules {
        crate::rule::ast::FilterRules::Any => out.push_str("any"),
        crate::rule::ast::FilterRules::Listed(list) => {
            let mut names: Vec<&str> = list.iter().map(|r| r.value.as_str()).collect();
            names.sort_unstable();
            let _ = write!(out, "{names:?}");
        }
    }
    let _ = writeln!(out, " {:?}", logsource_text(&filter.logsource));
    detection(&filter.detection, &mut out);
    out
}

fn detection(detection: &Detection, out: &mut String) {
    let mut searches: Vec<_> = detection.searches.iter().collect();
    searches.sort_by(|a, b| a.name.cmp(&b.name));
    for named in searches {
        let _ = write!(out, "{:?}: ", named.name);
        search(&named.body, out);
        out.push('\n');
    }
    for condition in &detection.conditions {
        let _ = writeln!(out, "{:?}", condition.expr);
    }
}

fn search(part: &Search, out: &mut String) {
    match part {
        Search::All(items) => {
            out.push('{');
            for item in items {
                let modifiers: Vec<&str> =
                    item.modifiers.iter().map(|m| m.value.as_str()).collect();
                let values: Vec<_> = item.values.iter().map(|v| &v.value).collect();
                let _ = write!(out, "{:?}{modifiers:?}={values:?};", item.field);
            }
            out.push('}');
        }
        Search::Any(parts) => {
            out.push('[');
            for part in parts {
                search(part, out);
                out.push(',');
            }
            out.push(']');
        }
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256.
pub fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Appends a condition, before anything is chosen for speed.
pub fn condition(ir: &Ir, out: &mut Vec<u8>) {
    let mut list = |code: u8, count: u32, parts: &[Ir]| {
        out.push(code);
        out.extend(count.to_le_bytes());
        out.extend((parts.len() as u32).to_le_bytes());
        parts.iter().for_each(|part| condition(part, out));
    };
    match ir {
        Ir::True => out.push(0),
        Ir::False => out.push(1),
        Ir::Predicate(id) => {
            out.push(2);
            out.extend(id.to_le_bytes());
        }
        Ir::Not(part) => {
            out.push(3);
            condition(part, out);
        }
        Ir::And(parts) => list(4, 0, parts),
        Ir::Or(parts) => list(5, 0, parts),
        Ir::AtLeast(count, parts) => list(6, *count, parts),
    }
}
