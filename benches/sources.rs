//! What recognising, unwrapping and naming cost: one event in the shapes that shippers see, against
//! the rules of `rules/mysql` with all built-in sources in force.
//!
//! `cargo bench --bench sources`.

mod common;

use common::{azure_record, foreign, mariadb_record, percona_record, sysmon_line, to_msgpack};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use sigmatag::compile::{Options as CompileOptions, compile};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch};
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::descriptor::built_in;
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;

/// A rule whose field no record here has: what is left is reading and recognising.
const IDLE: &str = "
title: Idle
id: 6b1f6a52-3a53-4a39-8b8e-0d7d2f7f0a11
logsource: {product: idle}
detection: {selection: {there_is_no_such_field: x}, condition: selection}
";

fn engine(bytes: &[u8]) -> Engine {
    let rules = RuleSet::from_bytes(bytes).expect("compiled rules load");
    Engine::new(Arc::new(rules), Options::default())
}

/// Records by the name of their shape.
fn shapes() -> Vec<(&'static str, Value)> {
    let azure = azure_record();
    vec![
        ("azure record", azure.clone()),
        (
            "azure record as text in a field",
            json!({ "log": azure.to_string(), "stream": "stdout" }),
        ),
        ("azure envelope of 1", json!({ "records": [azure] })),
        ("mariadb line", mariadb_record()),
        ("percona record as XML", percona_record()),
        ("sysmon for linux, a line of syslog", sysmon_line()),
        ("foreign record", foreign::container()),
    ]
}

fn pack(c: &mut Criterion) {
    let engine = engine(&common::pack());
    let mut scratch = Scratch::new(&engine);
    let mut group = c.benchmark_group("sources");
    for (name, record) in shapes() {
        let data = to_msgpack(&record);
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.bench_function(name, |b| {
            let event = Event::new(Format::Msgpack, &data);
            b.iter(|| scratch.match_event(&engine, black_box(&event)));
        });
    }
    group.finish();
}

/// The difference of the two is what recognition costs a record that is nobody's.
fn recognition(c: &mut Criterion) {
    let collection = load_text("idle.yml", IDLE, &Placeholders::new()).collection;
    let data = to_msgpack(&foreign::container());
    let mut group = c.benchmark_group("recognition of a foreign record");
    for (name, sources) in [("no sources", Vec::new()), ("all sources", built_in())] {
        let options = CompileOptions { sources, ..CompileOptions::default() };
        let engine = engine(&compile(&collection, &options).expect("the rule compiles").bytes);
        let mut scratch = Scratch::new(&engine);
        group.bench_function(name, |b| {
            let event = Event::new(Format::Msgpack, &data);
            b.iter(|| scratch.match_event(&engine, black_box(&event)));
        });
    }
    group.finish();
}

criterion_group!(benches, pack, recognition);
criterion_main!(benches);
