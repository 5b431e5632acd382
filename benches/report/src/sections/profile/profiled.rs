//! The process that is profiled: this program again, with `--profiled`.
//!
//! Callgrind counts inside one function that it finds by its name, so each thing that is profiled has
//! one, which is not inlined.

use crate::events::Events;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Options, Scratch};
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;

/// The process that is profiled: rules, mode, form and records.
///
/// # Errors
/// If a file cannot be read.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [rules, mode, form, records] = arguments else { return Err("four arguments".to_owned()) };
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
