//! Recorded events and rules of others: what the tests over the corpus share.

// Every test program compiles this file and uses its own part of it.
#![allow(dead_code)]

use super::common;
use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Scratch};
use sigmatag::reference::event::Value;
use sigmatag::reference::number::Number;
use sigmatag::rule::ast::Collection;
use sigmatag::rule::descriptor::Descriptor;
use sigmatag::ruleset::RuleSet;
use sigmatag::source::{ListedValue, Listing};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Whether all events are taken instead of a sample.
pub fn long() -> bool {
    std::env::var_os("SIGMATAG_LONG").is_some()
}

/// Every `len / count`-th element.
pub fn sample<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    if long() || all.len() <= count {
        return all.to_vec();
    }
    (0..count).map(|index| all[index * all.len() / count].clone()).collect()
}

/// Compiled rules, as a file that was loaded.
pub fn compiled(collection: &Collection, sources: Vec<Descriptor>) -> Arc<RuleSet> {
    let options = Options { sources, ..Options::default() };
    let start = Instant::now();
    let file = compile::compile(collection, &options).unwrap_or_else(|e| panic!("{e:?}"));
    let compiled = start.elapsed();
    let start = Instant::now();
    let rules = RuleSet::from_bytes(&file.bytes).unwrap_or_else(|e| panic!("{e}"));
    println!(
        "{} rules: compiled in {compiled:?}, loaded in {:?}, {} bytes",
        file.rules,
        start.elapsed(),
        file.bytes.len()
    );
    Arc::new(rules)
}

/// A JSON text as msgpack.
pub fn packed(json: &str) -> Vec<u8> {
    common::to_msgpack(&serde_json::from_str(json).unwrap())
}

/// Runs `check` on every line with all processors; the differences it returns.
pub fn in_parallel(
    lines: &[&str],
    check: impl Fn(&mut Scratch, &str) -> Option<String> + Sync,
    engine: &Engine,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let work = || {
            let mut scratch = Scratch::new(engine);
            let mut wrong = Vec::new();
            while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                wrong.extend(check(&mut scratch, line));
            }
            wrong
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a check panicked")).collect()
    })
}

/// Rule ids that a scratch found, each with its event, sorted.
pub fn found(scratch: &Scratch) -> Vec<(u32, String)> {
    let rules = scratch.rules();
    let hits = scratch.hits().iter();
    let mut ids: Vec<(u32, String)> =
        hits.map(|hit| (hit.event, rules.rule(hit.rule).unwrap().id.to_owned())).collect();
    ids.sort();
    ids
}

/// An event as the engine sees it, for the reference: fields are top-level keys. Keywords would
/// find derived fields in it, so it is for rules without keywords.
pub fn normalised(listing: &Listing) -> Value {
    let one = |value: &ListedValue| match value {
        ListedValue::Null | ListedValue::NullElement => Value::Null,
        ListedValue::Bool(value) => Value::Bool(*value),
        ListedValue::Int(value) => Value::Number(Number::Int((*value).into())),
        ListedValue::Uint(value) => Value::Number(Number::Int((*value).into())),
        ListedValue::Float(value) => Value::Number(Number::Float(*value)),
        ListedValue::BigNumber(text) => {
            Value::Number(Number::Text(String::from_utf8(text.clone()).unwrap()))
        }
        ListedValue::Str(bytes) => Value::String(bytes.clone()),
        ListedValue::Object => Value::Object(Vec::new()),
        ListedValue::EmptyArray => Value::Array(Vec::new()),
        ListedValue::Opaque => Value::Opaque,
    };
    let fields = listing.fields.iter().map(|(name, values)| {
        let value = match &values[..] {
            [ListedValue::NullElement] => Value::Array(vec![Value::Null]),
            [only] => one(only),
            several => Value::Array(several.iter().map(one).collect()),
        };
        (name.clone().into_bytes(), value)
    });
    Value::Object(fields.collect())
}

/// Whether a rule's log source goes with one of a record's: no attribute is set on both sides
/// and differs.
pub fn compatible(rule: [&str; 3], record: &[[&str; 3]]) -> bool {
    record.is_empty()
        || record.iter().any(|record| {
            rule.iter()
                .zip(record)
                .all(|(rule, own)| rule.is_empty() || own.is_empty() || rule == own)
        })
}
