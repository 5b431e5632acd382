//! The process that is profiled: this program again, with `--profiled`.
//!
//! Callgrind counts inside one function that it finds by its name, so each thing that is profiled has
//! one, which is not inlined.

use crate::events::Events;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Options, Scratch};
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;

/// The process that is profiled: rules, mode, form and records, and `each` if records are counted one
/// by one.
///
/// # Errors
/// If a file cannot be read.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let (four, each) = arguments.split_at(arguments.len().min(4));
    let [rules, mode, form, records] = four else { return Err("four arguments".to_owned()) };
    let read = |path: &str| std::fs::read(path).map_err(|e| format!("{path}: {e}"));
    let mode = if mode == "none" { LogsourceMode::None } else { LogsourceMode::Auto };
    let rules = profiled_load(&read(rules)?);
    let engine =
        Engine::new(Arc::new(rules), Options { logsource_mode: mode, ..Options::default() });
    let format = if form == "JSON" { Format::Json } else { Format::Msgpack };
    let bytes = read(records)?;
    let mut events = Events::new(format, []);
    let mut rest = &bytes[..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (record, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        events.push(record);
        rest = after;
    }
    let all: Vec<Event<'_>> = events.iter().collect();
    let mut scratch = Scratch::new(&engine);
    if !each.is_empty() {
        for event in &all {
            // As by the clock: an event that is new is not the usual case.
            let _ = scratch.match_event(&engine, event);
            profiled_record(&mut scratch, &engine, event);
        }
        return Ok(());
    }
    for event in &all {
        let _ = scratch.match_event(&engine, event);
    }
    profiled_passes(&mut scratch, &engine, &all);
    Ok(())
}

#[inline(never)]
fn profiled_load(file: &[u8]) -> RuleSet {
    RuleSet::from_bytes(black_box(file)).expect("compiled rules load")
}

#[inline(never)]
fn profiled_passes(scratch: &mut Scratch, engine: &Engine, events: &[Event<'_>]) {
    for event in events {
        let _ = black_box(scratch.match_event(engine, black_box(event)));
    }
}

/// What callgrind writes down by itself; it counts inside.
#[inline(never)]
fn profiled_record(scratch: &mut Scratch, engine: &Engine, event: &Event<'_>) {
    counted_record(scratch, engine, event);
    let _ = black_box(event.data.len());
}

#[inline(never)]
fn counted_record(scratch: &mut Scratch, engine: &Engine, event: &Event<'_>) {
    let _ = black_box(scratch.match_event(engine, black_box(event)));
}
