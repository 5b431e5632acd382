//! What more rules of the same kind cost: copies of the rules with other literals.

use crate::chart::{Lines, Series};
use crate::common::clones::with_copies;
use crate::context::{Context, NO_CORPUS, compiled};
use crate::events::Events;
use crate::measure::{Lane, Latency, engine, latencies};
use crate::page::Page;
use crate::units::{bytes, ratio, thousands};
use serde_json::Value;
use sigmatag::engine::{Engine, Format, LogsourceMode, Scratch};
use sigmatag::rule::ast::Collection;
use std::collections::BTreeSet;

/// So many times the rules.
const TIMES: [u8; 3] = [1, 3, 10];

/// One kind of records.
struct Case<'a> {
    key: &'static str,
    name: &'static str,
    mode: LogsourceMode,
    format: Format,
    values: Vec<&'a Value>,
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    page.say(
        "Each rule is copied two and nine times. A copy has another id, and in its literals every \
         letter is shifted; expressions, networks and digits stay. Copies that match one of the \
         records are left out (a filter that is shifted excludes nothing): this is what *further* \
         rules cost, not what further matches cost. All sizes are measured in turns on the same \
         records.",
    );
    let azure = Case {
        key: "azure",
        name: "Azure MySQL, pack",
        mode: LogsourceMode::Auto,
        format: Format::Msgpack,
        values: context.azure.iter().step_by(10).collect(),
    };
    let mut rows = Vec::new();
    let mut series = Vec::new();
    let mut add = |page: &mut Page, collection: &Collection, cases: &[Case<'_>]| {
        let (more, lines) = measure(context, page, collection, cases);
        rows.extend(more);
        series.extend(lines);
    };
    add(page, &context.pack.collection, &[azure]);
    if let Some(sigmahq) = &context.sigmahq {
        let routed = Case {
            key: "sysmon",
            name: "Sysmon process creation without a match, sigmahq",
            mode: LogsourceMode::Auto,
            format: Format::Msgpack,
            values: sigmahq.process_creation.iter().collect(),
        };
        let all = Case {
            key: "windows",
            name: "Windows, sigmahq, all rules",
            mode: LogsourceMode::None,
            format: Format::Msgpack,
            values: sigmahq.windows.iter().step_by(5).collect(),
        };
        add(page, &sigmahq.rules.collection, &[routed, all]);
    }
    page.table(
        &[
            "records, rules",
            "rules",
            "file",
            "resident",
            "matches",
            "p50 ns",
            "p99 ns",
            "mean ns",
            "mean, to 1×",
        ],
        &rows,
    );
    let lines = Lines {
        title: "Time of a record with more rules",
        x: "times the rules",
        y: "times the mean time",
        series: &series,
        is_log: false,
    };
    page.chart("rules", "Time of a record with more rules", |path| lines.draw(path))?;
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules ({NO_CORPUS})"));
    }
    Ok(())
}

/// Rows and lines of some cases over the same rules.
fn measure(
    context: &Context,
    page: &mut Page,
    collection: &Collection,
    cases: &[Case<'_>],
) -> (Vec<Vec<String>>, Vec<Series>) {
    let times = if context.quick { &TIMES[..2] } else { &TIMES[..] };
    let all = with_copies(collection, times.last().copied().unwrap_or(1) - 1);
    let loud = loud_copies(collection, &all, cases);
    let file = |times: &u8| {
        let mut rules = with_copies(collection, times - 1);
        rules.rules.retain(|rule| rule.meta.id.as_ref().is_none_or(|id| !loud.contains(id)));
        compiled(&rules)
    };
    let files: Vec<Vec<u8>> = times.iter().map(file).collect();
    let (mut rows, mut series) = (Vec::new(), Vec::new());
    for case in cases {
        let engines: Vec<Engine> = files.iter().map(|file| engine(file, case.mode)).collect();
        let events = Events::new(case.format, case.values.iter().copied());
        let lanes: Vec<Lane<'_>> =
            engines.iter().map(|engine| Lane::new(engine, &events)).collect();
        let found = latencies(&lanes, context.bounds);
        let one = found[0].mean();
        let mut points = Vec::new();
        for (((times, file), engine), found) in times.iter().zip(&files).zip(&engines).zip(&found) {
            page.figure(format!("rules/{}/{times}x", case.key), found.mean() / one);
            points.push((f64::from(*times), found.mean() / one));
            rows.push(row(case, engine, file.len(), found, one));
        }
        series.push(Series { name: case.name.to_owned(), points });
    }
    (rows, series)
}

/// The ids of copies that match a record.
fn loud_copies(rules: &Collection, all: &Collection, cases: &[Case<'_>]) -> BTreeSet<String> {
    let file = compiled(all);
    let mut loud = BTreeSet::new();
    for case in cases {
        let engine = engine(&file, case.mode);
        let mut scratch = Scratch::new(&engine);
        let events = Events::new(case.format, case.values.iter().copied());
        for event in events.iter() {
            scratch.match_event(&engine, &event).expect("events can be examined");
            let hits = scratch.hits().iter().filter_map(|hit| scratch.rules().rule(hit.rule));
            loud.extend(hits.map(|rule| rule.id.to_owned()));
        }
    }
    for rule in &rules.rules {
        rule.meta.id.as_ref().map(|id| loud.remove(id));
    }
    loud
}

fn row(case: &Case<'_>, engine: &Engine, file: usize, found: &Latency, one: f64) -> Vec<String> {
    let rules = engine.rules();
    vec![
        case.name.to_owned(),
        thousands(rules.rule_count() as f64),
        bytes(file as f64),
        bytes(rules.resident_bytes() as f64),
        thousands(found.hits as f64),
        thousands(found.percentile(50)),
        thousands(found.percentile(99)),
        thousands(found.mean()),
        ratio(found.mean() / one),
    ]
}
