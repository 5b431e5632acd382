//! Time of a record as percentiles across records, warm.

use crate::chart::{Lines, Series};
use crate::common::azure::Traffic;
use crate::common::foreign;
use crate::context::{Context, NO_CORPUS, SEED, generated};
use crate::events::Events;
use crate::measure::{Lane, Latency, latencies};
use crate::page::Page;
use crate::units::{short, thousands};
use serde_json::Value;
use sigmatag::engine::{Engine, Format, LogsourceMode};

/// Records of a kind, matched against some rules.
struct Case {
    /// The first part of its figures' names.
    key: &'static str,
    records: String,
    rules: &'static str,
    mode: LogsourceMode,
    events: Events,
}

impl Case {
    fn new(
        key: &'static str,
        records: impl Into<String>,
        (rules, mode): (&'static str, LogsourceMode),
        (format, values): (Format, &[Value]),
    ) -> Case {
        let events = Events::new(format, values);
        Case { key, records: records.into(), rules, mode, events }
    }
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    page.say(
        "Each record is matched by a call of its own, again and again; the clock is read before \
         and after. Of each record the least time counts, less what reading the clock takes, and \
         percentiles are across records: they say how records differ, not how the machine is \
         disturbed. What a disturbed machine makes of it is in the last columns: the mean of a \
         pass over all records, the middle one and the 99th of a hundred. `sigmatag bench` \
         measures your rules on your records in the same way.",
    );
    let cases = cases(context);
    let modes = [LogsourceMode::Auto, LogsourceMode::None];
    let pack = context.pack.engine(LogsourceMode::Auto);
    let sigmahq =
        context.sigmahq.as_ref().map(|sigmahq| modes.map(|mode| sigmahq.rules.engine(mode)));
    let engine = |case: &Case| -> &Engine {
        match &sigmahq {
            Some([routed, _]) if case.rules == "sigmahq" && case.mode == LogsourceMode::Auto => {
                routed
            }
            Some([_, all]) if case.rules == "sigmahq" => all,
            _ => &pack,
        }
    };
    let mut rows = Vec::new();
    let mut series = Vec::new();
    for case in &cases {
        let lane = Lane::new(engine(case), &case.events);
        let found = latencies(&[lane], context.bounds).remove(0);
        rows.push(row(case, &found));
        note(page, case, &found);
        if !case.key.contains("wrapped") {
            let name = format!("{}, {}, {}", case.records, case.events.form(), case.rules);
            let points =
                (1..=100).map(|percent| (found.percentile(percent).max(1.0), percent as f64));
            series.push(Series { name, points: points.collect() });
        }
    }
    page.table(
        &[
            "records",
            "as",
            "rules",
            "number",
            "bytes",
            "events",
            "matches",
            "p50 ns",
            "p90 ns",
            "p99 ns",
            "max ns",
            "mean ns",
            "pass p50 ns",
            "pass p99 ns",
        ],
        &rows,
    );
    page.say(
        "`pack` are the built-in rules, `sigmahq` SigmaHQ's; *all* means that every record meets \
         every rule (`logsource_mode` none), else records meet the rules of their log source. A \
         wrapped record is text inside a field, an envelope of several events, a row of a table: \
         what pipelines make of events. Records of no known source meet all rules.",
    );
    let lines = Lines {
        title: "Records by the time they take",
        x: "ns, logarithmic",
        y: "% of records below",
        series: &series,
        is_log: false,
    };
    page.chart("latency", "Records by the time they take", |path| lines.draw(path))?;
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules on Windows events ({NO_CORPUS})"));
    }
    Ok(())
}

fn cases(context: &Context) -> Vec<Case> {
    let pack = ("pack", LogsourceMode::Auto);
    let azure = context.azure_name();
    let count = if context.quick { 100 } else { 4000 };
    let generated = generated(count);
    let mut traffic = Traffic::new(SEED);
    let wrapped: Vec<Value> = (0..count).map(|_| traffic.record().value).collect();
    let foreign = foreign::records(count.min(1000));
    let mut cases = vec![
        Case::new("azure/msgpack", azure, pack, (Format::Msgpack, &context.azure)),
        Case::new("azure/json", azure, pack, (Format::Json, &context.azure)),
        Case::new("wide/msgpack", "Azure MySQL, wider shapes", pack, (Format::Msgpack, &generated)),
        Case::new("wide/json", "Azure MySQL, wider shapes", pack, (Format::Json, &generated)),
        Case::new("wrapped/msgpack", "the same, wrapped", pack, (Format::Msgpack, &wrapped)),
        Case::new("wrapped/json", "the same, wrapped", pack, (Format::Json, &wrapped)),
        Case::new("foreign/pack", "of no known source", pack, (Format::Msgpack, &foreign)),
    ];
    let Some(sigmahq) = &context.sigmahq else { return cases };
    let (routed, all) = (("sigmahq", LogsourceMode::Auto), ("sigmahq", LogsourceMode::None));
    let process = "Sysmon process creation without a match";
    let quiet = &sigmahq.process_creation;
    cases.extend([
        Case::new("sysmon/msgpack", process, routed, (Format::Msgpack, quiet)),
        Case::new("sysmon/json", process, routed, (Format::Json, quiet)),
        Case::new("windows/routed", "Windows", routed, (Format::Msgpack, &sigmahq.windows)),
        Case::new("windows/all", "Windows", all, (Format::Json, &sigmahq.windows)),
        Case::new("foreign/sigmahq", "of no known source", routed, (Format::Msgpack, &foreign)),
    ]);
    cases
}

fn row(case: &Case, found: &Latency) -> Vec<String> {
    let rules = match case.mode {
        LogsourceMode::None => format!("{}, all", case.rules),
        _ => case.rules.to_owned(),
    };
    let mut row = vec![
        case.records.clone(),
        case.events.form().to_owned(),
        rules,
        thousands(case.events.len() as f64),
        thousands(case.events.mean_size()),
        short(found.events as f64 / case.events.len() as f64),
        thousands(found.hits as f64),
    ];
    let percentiles = [50, 90, 99, 100].map(|percent| found.percentile(percent));
    let rest = [found.mean(), found.pass(50), found.pass(99)];
    row.extend(percentiles.into_iter().chain(rest).map(thousands));
    row
}

fn note(page: &mut Page, case: &Case, found: &Latency) {
    let key = case.key;
    for percent in [50, 90, 99] {
        page.figure(format!("latency/{key}/p{percent}"), found.percentile(percent));
    }
    page.figure(format!("latency/{key}/mean"), found.mean());
    page.figure(format!("latency/{key}/bytes"), case.events.mean_size());
}
