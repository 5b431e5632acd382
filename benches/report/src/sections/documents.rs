//! What indicators and documents of a destination cost beside the rules.

use crate::common::listed;
use crate::context::Context;
use crate::events::Events;
use crate::measure::{Lane, latencies};
use crate::page::Page;
use crate::units::thousands;
use sigmatag::compile::{Options, compile};
use sigmatag::engine::{Engine, Format, Options as EngineOptions};
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::ruleset::RuleSet;
use std::sync::Arc;

/// Indicators of the larger set.
const INDICATORS: u32 = 100_000;
/// Destinations of documents: names, and as people know them.
const DESTINATIONS: [(&str, &str); 3] =
    [("sekoia", "Sekoia.io"), ("ecs", "the Elastic Common Schema"), ("asim", "ASIM")];

/// What is done with the records.
struct Way {
    /// The second part of its figures' names.
    key: String,
    name: String,
    engine: Engine,
    is_written: bool,
    writes_documents: bool,
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let count = if context.quick { INDICATORS / 100 } else { INDICATORS };
    page.say(format!(
        "{} records as msgpack and the built-in rules, in turns, as under *Time of a record*. \
         *Written* is matching and writing what goes on: records with their tags where a rule \
         matches, or for a destination the [document](normalization.md) of each event, which has \
         the whole record as JSON text in it. The {} indicators are domains, addresses, hashes and \
         URLs; no record has one.",
        context.azure_name(),
        thousands(count.into())
    ));
    let ways = ways(context, count)?;
    let events = Events::new(Format::Msgpack, &context.azure);
    let mut lanes = Vec::new();
    for Way { engine, is_written, .. } in &ways {
        let lane = if *is_written { Lane::written } else { Lane::new };
        lanes.push(lane(engine, &events));
    }
    let found = latencies(&lanes, context.bounds);
    for (way, found_so) in ways.iter().zip(&found) {
        if found_so.hits != found[0].hits || (found_so.documents > 0) != way.writes_documents {
            return Err(format!(
                "{}: {} matches, {} documents",
                way.name, found_so.hits, found_so.documents
            ));
        }
    }
    let mut rows = Vec::new();
    for (way, found) in ways.iter().zip(&found) {
        let times = [50, 90, 99, 100].map(|percent| found.percentile(percent));
        for (percent, time) in [50, 90, 99].iter().zip(times) {
            page.figure(format!("documents/{}/p{percent}", way.key), time);
        }
        page.figure(format!("documents/{}/mean", way.key), found.mean());
        let mut row = vec![way.name.clone()];
        row.extend(times.into_iter().chain([found.mean()]).map(thousands));
        rows.push(row);
    }
    page.table(&["rules", "p50 ns", "p90 ns", "p99 ns", "max ns", "mean ns"], &rows);
    Ok(())
}

/// With and without indicators, matched, written, and written as documents.
fn ways(context: &Context, count: u32) -> Result<Vec<Way>, String> {
    let options = Options {
        sources: built_in(),
        destinations: destinations(),
        indicators: Some(listed::set(count)),
        ..Options::default()
    };
    let listed = compile(&context.pack.collection, &options)
        .map_err(|error| format!("the built-in rules with indicators: {error:?}"))?
        .bytes;
    let mut ways = Vec::new();
    let with = format!(", {} indicators", thousands(count.into()));
    let sets = [("pack", String::new(), &context.pack.bytes), ("indicators", with, &listed)];
    for (key, with, bytes) in sets {
        let rules = Arc::new(RuleSet::from_bytes(bytes).map_err(|error| error.to_string())?);
        let mut add = |part: &str, what: String, normalize: Option<&str>, is_written| {
            let options = EngineOptions {
                normalize: normalize.map(str::to_owned),
                ..EngineOptions::default()
            };
            let engine = Engine::new(Arc::clone(&rules), options);
            let name = format!("pack{with}{what}");
            let writes_documents = normalize.is_some();
            let key = format!("{key}/{part}");
            ways.push(Way { key, name, engine, is_written, writes_documents });
        };
        add("matched", String::new(), None, false);
        add("written", ", written".to_owned(), None, true);
        for (destination, name) in DESTINATIONS {
            add(destination, format!(", documents for {name}"), Some(destination), true);
        }
    }
    Ok(ways)
}
