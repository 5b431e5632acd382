//! Latency and throughput of matching, load and compile times.
//!
//! `cargo bench --bench engine`. The embedded pack's bench needs nothing; those over SigmaHQ's
//! rules take the unpacked corpus from `SIGMATAG_CORPUS` and say what they skipped without it.
//! Uses the system allocator, as a library in a host does.

mod common;

use common::azure::Traffic;
use common::clones::with_copies;
use common::{Corpus, azure_record, to_msgpack};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sigmatag::compile::{Options as CompileOptions, compile};
use sigmatag::engine::{Engine, Event, Format, Options, Scratch, Tagging};
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

fn engine(bytes: &[u8]) -> Engine {
    let rules = RuleSet::from_bytes(bytes).expect("compiled rules load");
    Engine::new(Arc::new(rules), Options::default())
}

/// Nanoseconds per call in the fastest of 50 batches: what the code costs where a neighbour on the
/// machine does not interfere.
fn fastest<T>(mut call: impl FnMut() -> T) -> u128 {
    const CALLS: u32 = 10_000;
    let batch = |_| {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        start.elapsed().as_nanos() / u128::from(CALLS)
    };
    (0..50).map(batch).min().unwrap_or_default()
}

/// One Azure record, the rules of `rules/mysql`.
fn pack(c: &mut Criterion) {
    let bytes = common::pack();
    let engine = engine(&bytes);
    let mut scratch = Scratch::new(&engine);
    let json = azure_record();
    let packed = to_msgpack(&json);
    let text = serde_json::to_vec(&json).expect("a record is JSON");
    let mut group = c.benchmark_group("pack");
    for (name, format, data) in [
        ("azure record, msgpack", Format::Msgpack, &packed),
        ("azure record, JSON", Format::Json, &text),
    ] {
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| scratch.match_event(&engine, black_box(&Event::new(format, data))));
        });
        println!(
            "pack/{name}, {} bytes: fastest of 50 batches {} ns",
            data.len(),
            fastest(|| scratch.match_event(&engine, black_box(&Event::new(format, data))))
        );
    }
    let mut chunk = Vec::new();
    for _ in 0..64 {
        chunk.extend_from_slice(b"\x92\xce\x65\x53\xf1\x00");
        chunk.extend_from_slice(&packed);
    }
    group.throughput(Throughput::Elements(64));
    group.bench_function("chunk of 64 records, tagged", |b| {
        b.iter(|| {
            let event = Event::new(Format::FlbChunk, black_box(&chunk));
            let planned = scratch.tag_prepare(&engine, &event, &Tagging::default());
            scratch.tag_discard();
            planned
        });
    });
    group.finish();
}

/// Generated Azure traffic in everything that it comes wrapped in, the rules of `rules/mysql`.
fn traffic(c: &mut Criterion) {
    let engine = engine(&common::pack());
    let mut scratch = Scratch::new(&engine);
    let mut traffic = Traffic::new(1);
    let records: Vec<_> = (0..2000).map(|_| traffic.record()).collect();
    let events = records.iter().map(|record| record.attacks.len() as u64).sum();
    let values = || records.iter().map(|record| &record.value);
    let packed: Vec<Vec<u8>> = values().map(to_msgpack).collect();
    let texts: Vec<Vec<u8>> = values().map(|value| value.to_string().into()).collect();
    let mut group = c.benchmark_group("traffic");
    group.throughput(Throughput::Elements(events));
    for (name, format, data) in
        [("msgpack", Format::Msgpack, &packed), ("JSON", Format::Json, &texts)]
    {
        let batch: Vec<Event<'_>> = data.iter().map(|data| Event::new(format, data)).collect();
        group.bench_function(format!("2,000 Azure records, {name}"), |b| {
            b.iter(|| scratch.match_batch(&engine, black_box(&batch)));
        });
    }
    group.finish();
}

/// All of SigmaHQ's rules, no routing, real event shapes.
fn sigmahq(c: &mut Criterion) {
    let Some(corpus) = Corpus::open() else {
        println!("skipped SigmaHQ benches: set SIGMATAG_CORPUS to the unpacked corpus");
        return;
    };
    let collection = corpus.rules();
    let events: Vec<Vec<u8>> = corpus.windows_events().iter().step_by(10).map(to_msgpack).collect();
    let mut group = c.benchmark_group("sigmahq");
    group.sample_size(10);
    for (name, collection) in [("1x", collection.clone()), ("2x", with_copies(&collection, 1))] {
        let options = CompileOptions::default();
        let bytes = compile(&collection, &options).expect("SigmaHQ compiles").bytes;
        let engine = engine(&bytes);
        let mut scratch = Scratch::new(&engine);
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(format!("windows events, not routed, rules {name}"), |b| {
            b.iter(|| {
                let mut hits = 0;
                for event in &events {
                    let event = Event::new(Format::Msgpack, event);
                    hits += scratch.match_event(&engine, &event).map_or(0, |s| s.hits);
                }
                hits
            });
        });
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("load, rules {name}"), |b| {
            b.iter(|| RuleSet::from_bytes(black_box(&bytes)));
        });
        if name == "1x" {
            group.bench_function("compile", |b| b.iter(|| compile(&collection, &options)));
        }
    }
    group.finish();
}

criterion_group!(benches, pack, traffic, sigmahq);
criterion_main!(benches);
