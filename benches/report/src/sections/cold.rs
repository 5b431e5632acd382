//! Time of a record when other work has driven the rules out of the caches.

use crate::chart::{Lines, Series};
use crate::context::{Context, NO_CORPUS};
use crate::events::Events;
use crate::machine::cache;
use crate::measure::clock;
use crate::page::Page;
use crate::statistics::percentile;
use crate::units::{bytes, thousands};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Scratch};
use std::hint::black_box;
use std::time::Instant;

/// Records of each kind.
const RECORDS: usize = 400;
/// Each is measured so often; the least time counts.
const PASSES: usize = 3;
/// A line of a cache.
const LINE: usize = 64;

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let sizes = sizes();
    let second = bytes(sizes[0] as f64);
    let rest = match sizes.get(1) {
        Some(third) => format!(", or {}, beyond the third level", bytes(*third as f64)),
        None => String::new(),
    };
    page.say(format!(
        "Before each record, other memory is read and written from end to end: nothing, {second}, \
         beyond the second level of caches{rest}. That is the time of the first record after a \
         host has done something else for a while; a chunk pays it once."
    ));
    let pack = context.pack.engine(LogsourceMode::Auto);
    let sigmahq = context.sigmahq.as_ref().map(|sigmahq| sigmahq.rules.engine(LogsourceMode::Auto));
    let azure = format!("{}, pack", context.azure_name());
    let mut cases: Vec<(&str, String, &Engine, &[Value])> =
        vec![("azure", azure, &pack, &context.azure)];
    if let (Some(sigmahq), Some(engine)) = (&context.sigmahq, &sigmahq) {
        let name = "Sysmon process creation without a match, sigmahq".to_owned();
        cases.push(("sysmon", name, engine, &sigmahq.process_creation));
    }
    let mut rows = Vec::new();
    let mut series = Vec::new();
    for (key, name, engine, values) in &cases {
        let events = Events::new(Format::Msgpack, sample(context, values));
        for size in std::iter::once(0).chain(sizes.iter().copied()) {
            let times = measure(engine, &events, size);
            let swept = if size == 0 { "nothing".to_owned() } else { bytes(size as f64) };
            let at = |percent| percentile(&times, percent) as f64;
            page.figure(format!("cold/{key}/{size}/p50"), at(50));
            page.figure(format!("cold/{key}/{size}/p90"), at(90));
            let mut row = vec![name.clone(), swept.clone()];
            row.extend([50, 90, 99].map(at).map(thousands));
            rows.push(row);
            let points = (1..=100).map(|percent| (at(percent).max(1.0), percent as f64));
            series.push(Series { name: format!("{name}; {swept}"), points: points.collect() });
        }
    }
    page.table(&["records, rules", "swept before each", "p50 ns", "p90 ns", "p99 ns"], &rows);
    let lines = Lines {
        title: "Records by the time they take, caches warm and cold",
        x: "ns, logarithmic",
        y: "% of records below",
        series: &series,
        is_log: false,
    };
    page.chart("cold", "Time of a record with cold caches", |path| lines.draw(path))?;
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules ({NO_CORPUS})"));
    }
    Ok(())
}

/// At least 6 MB and four times the second level; twice the third.
fn sizes() -> Vec<usize> {
    let second = cache(2).map_or(0, |size| 4 * size).max(6_000_000);
    let third = cache(3).map(|size| 2 * size).filter(|size| *size > second);
    std::iter::once(second).chain(third).collect()
}

fn sample<'a>(context: &Context, values: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let count = if context.quick { 20 } else { RECORDS };
    values.iter().step_by(values.len().div_ceil(count).max(1))
}

/// The least time of each record, ascending, with so many bytes swept before it.
fn measure(engine: &Engine, events: &Events, size: usize) -> Vec<u64> {
    let clock = clock();
    let mut other = vec![0_u8; size];
    let mut scratch = Scratch::new(engine);
    let all: Vec<Event<'_>> = events.iter().collect();
    let mut times = vec![u64::MAX; all.len()];
    // The first pass lets buffers grow.
    for pass in 0..=PASSES {
        for (event, least) in all.iter().zip(&mut times) {
            for byte in other.iter_mut().step_by(LINE) {
                *byte = byte.wrapping_add(1);
            }
            black_box(&mut other);
            let start = Instant::now();
            let result = scratch.match_event(engine, black_box(event));
            let time = start.elapsed().as_nanos() as u64;
            let _ = black_box(result);
            if pass > 0 {
                *least = time.saturating_sub(clock).min(*least);
            }
        }
    }
    times.sort_unstable();
    times
}
