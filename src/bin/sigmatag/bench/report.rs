//! The figures for people and for programs.

use super::events::Events;
use super::measure::{BATCH, Loads, Matching};
use crate::failure::{count, size, thousands};
use crate::rules::{Origin, RuleFile};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use sigmatag::engine::Vectors;
use sigmatag::ruleset::RuleSet;
use std::time::Duration;

/// All that was measured.
pub struct Report<'a> {
    pub rules: &'a RuleSet,
    pub file: &'a RuleFile,
    pub load: &'a Loads,
    pub load_memory: Option<u64>,
    pub events: &'a Events,
    pub matching: &'a Matching,
    pub format: &'static str,
    pub logsource_mode: &'static str,
    pub vectors: Vectors,
}

impl Report<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let Report { rules, events, matching, load, .. } = self;
        let found = &matching.found;
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let mut row = |name: &str, text: String| {
            table.add_row([name.to_owned(), text]);
        };
        let file_size = size(self.file.bytes.len() as u64);
        let number = count(rules.rule_count(), "rule");
        row("rules", format!("{}: {number}, {file_size}", self.origin()));
        row("load", format!("{} (median of {})", milliseconds(load.median), load.times));
        row("memory", self.memory());
        let megabytes = events.size() as f64 / 1e6;
        let (records, inside) =
            (count(events.len() as u64, "record"), count(found.events, "event"));
        let format = self.format;
        row("events", format!("{records} with {inside}, {megabytes:.2} MB as {format}"));
        let left_out = self.left_out();
        if !left_out.is_empty() {
            row("left out", left_out.join(", "));
        }
        if let Some(first) = &events.first_left_out {
            row("", format!("the first: {first}"));
        }
        let matched = count(found.matched_records, "record");
        let mut hits = format!("{} in {matched}", count(found.hits, "match"));
        if found.malformed > 0 {
            hits += &format!(", {} with malformed payloads", thousands(found.malformed));
        }
        if found.unrouted > 0 {
            let unrouted = count(found.unrouted, "event");
            hits += &format!(", {unrouted} of an unknown log source");
        }
        row("matches", format!("{hits} (logsource mode {})", self.logsource_mode));
        let seconds = matching.elapsed.as_secs_f64();
        row("vectors", self.vectors().to_owned());
        row("passes", format!("{} in {seconds:.1} s", thousands(matching.passes.into())));
        let [p50, p90, p99, max] =
            [50, 90, 99, 100].map(|percent| thousands(matching.percentile(percent)));
        let mean = thousands(matching.mean().round() as u64);
        row("ns per record", format!("p50 {p50}, p90 {p90}, p99 {p99}, max {max}, mean {mean}"));
        row("", "each record's fastest pass; percentiles across records".to_owned());
        row("clock", format!("{} ns, taken off each record", matching.clock.as_nanos()));
        let rate = thousands(self.per_second(events.len() as f64) as u64);
        let bytes = self.per_second(events.size() as f64) / 1e6;
        row("throughput", format!("{rate} records/s, {bytes:.0} MB/s on one thread"));
        row("", format!("in batches of {BATCH}, each batch's fastest pass"));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines = table.to_string();
        let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }

    /// For programs.
    pub fn json(&self) -> String {
        let Report { rules, events, matching, load, .. } = self;
        let found = &matching.found;
        let nanoseconds = |time: Duration| time.as_nanos() as u64;
        let report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "debug_build": cfg!(debug_assertions),
            "cpu": cpu(),
            "rules": {
                "from": self.origin(),
                "count": rules.rule_count(),
                "file_bytes": self.file.bytes.len(),
                "resident_bytes": rules.resident_bytes(),
                "identity": rules.identity(),
            },
            "load": { "times": load.times, "median_ns": nanoseconds(load.median) },
            "resident_growth": { "load": self.load_memory, "scratch": matching.scratch },
            "format": self.format,
            "logsource_mode": self.logsource_mode,
            "vectors": self.vectors(),
            "records": events.len(),
            "bytes": events.size(),
            "events": found.events,
            "matches": found.hits,
            "matched_records": found.matched_records,
            "malformed_records": events.malformed,
            "malformed_payloads": found.malformed,
            "unexamined_records": events.unexamined,
            "unpacked_records": events.unpacked,
            "unrouted_events": found.unrouted,
            "first_left_out": events.first_left_out,
            "passes": matching.passes,
            "elapsed_ns": nanoseconds(matching.elapsed),
            "clock_ns": nanoseconds(matching.clock),
            "ns_per_record": {
                "p50": matching.percentile(50),
                "p90": matching.percentile(90),
                "p99": matching.percentile(99),
                "max": matching.percentile(100),
                "mean": matching.mean(),
            },
            "batch": BATCH,
            "records_per_second": self.per_second(events.len() as f64),
            "bytes_per_second": self.per_second(events.size() as f64),
        });
        format!("{report:#}\n")
    }

    fn origin(&self) -> String {
        match &self.file.origin {
            Origin::BuiltIn => "built in".to_owned(),
            Origin::File(path) => path.display().to_string(),
            Origin::Compiled => "compiled now".to_owned(),
        }
    }

    fn vectors(&self) -> &'static str {
        match self.vectors {
            Vectors::Plain => "plain",
            Vectors::Avx2 => "avx2",
        }
    }

    fn memory(&self) -> String {
        let kept = size(self.rules.resident_bytes());
        let tables = format!("the rules' tables are {kept}");
        let Some(scratch) = self.matching.scratch else {
            return format!("{tables}; growth of resident memory is measured on Linux only");
        };
        let scratch = size(scratch);
        match self.load_memory {
            Some(load) => {
                format!("{} for the rules, {scratch} for a scratch; {tables}", size(load))
            }
            None => format!(
                "{scratch} for a scratch; {tables} (what loading takes shows with a compiled file)"
            ),
        }
    }

    fn left_out(&self) -> Vec<String> {
        let Events { malformed, unexamined, unpacked, .. } = self.events;
        [
            (malformed, "malformed"),
            (unexamined, "not examined"),
            (unpacked, "cannot be written as msgpack"),
        ]
        .iter()
        .filter(|(number, _)| **number > 0)
        .map(|(number, what)| format!("{} {what}", thousands(**number)))
        .collect()
    }

    fn per_second(&self, amount: f64) -> f64 {
        // A clock too coarse for the batches would divide by zero.
        amount / self.matching.batches.as_secs_f64().max(1e-9)
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The processor's name, where the system says it.
fn cpu() -> Value {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name"));
    line.and_then(|line| line.split_once(':')).map_or(Value::Null, |(_, name)| name.trim().into())
}
