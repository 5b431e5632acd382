//! The results for people and for programs.

use crate::Result;
use crate::arguments::Arguments;
use crate::compare::{Agreement, Difference};
use crate::engines::{From, Variant};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Tables of one workload.
pub fn text(result: &Result) -> String {
    let mut out = String::new();
    let Result { workload, about, compared, .. } = result;
    let _ = writeln!(out, "\n{workload}: {about}");
    let megabytes = result.bytes as f64 / 1e6;
    let _ = writeln!(
        out,
        "{} rules, {} events, {megabytes:.2} MB of JSON, {} matches",
        compared.rules, result.events, compared.matches
    );
    let accepted = compared.accepted.iter().map(|(engine, count)| format!("{engine} {count}"));
    let _ = writeln!(out, "rules accepted: {}", accepted.collect::<Vec<_>>().join(", "));
    for (engine, rule, why) in &compared.refused {
        let _ = writeln!(out, "  left out, {engine} refuses it: {rule}: {}", first_line(why));
    }
    for agreement in &compared.engines {
        agreement_text(&mut out, agreement);
    }
    times_text(&mut out, result);
    loading_text(&mut out, result);
    memory_text(&mut out, result);
    out
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn agreement_text(out: &mut String, agreement: &Agreement) {
    let Agreement { variant, events, matches, expected, differences } = agreement;
    let verdict = if differences.is_empty() { "the same" } else { "differences" };
    let _ = writeln!(
        out,
        "{:<18} {matches} matches on {events} events, sigmatag {expected}: {verdict}",
        variant.name()
    );
    for Difference { rule, only_sigmatag, events, case } in differences {
        let finder = if *only_sigmatag { "sigmatag" } else { variant.name() };
        let case = case.map_or("NOT EXPLAINED", |case| case.name);
        let first = events[0];
        let count = events.len();
        let _ = writeln!(
            out,
            "  only {finder}: rule {rule}, {count} events, the first {first}: {case}"
        );
    }
}

fn times_text(out: &mut String, result: &Result) {
    let rounds = &result.rounds;
    let _ = writeln!(
        out,
        "\n{:<18} {:>8} {:>11} {:>11} {:>11}  {} rounds: times sigmatag's, median (10 % to 90 %)",
        "engine", "events", "p50 ns", "p99 ns", "mean ns", rounds.rounds
    );
    for times in &rounds.times {
        let [median, low, high] = times.ratio();
        let _ = writeln!(
            out,
            "{:<18} {:>8} {:>11} {:>11} {:>11.0}  {median:.2} ({low:.2} to {high:.2})  {}",
            times.variant.name(),
            times.events,
            times.p50,
            times.p99,
            times.mean,
            times.variant.about()
        );
    }
}

fn loading_text(out: &mut String, result: &Result) {
    let _ = writeln!(out, "\n{:<28} {:>12} {:>12}", "loading from", "median ms", "file bytes");
    for loading in &result.loading {
        let name = way(loading.variant, loading.from);
        let bytes = loading.bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        let median = loading.median().as_secs_f64() * 1e3;
        let _ = writeln!(out, "{name:<28} {median:>12.2} {bytes:>12}");
    }
}

fn memory_text(out: &mut String, result: &Result) {
    if result.memory.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{:<28} {:>12} {:>12}", "memory of a process", "peak MiB", "end MiB");
    for memory in &result.memory {
        let name = memory
            .variant
            .map_or("without an engine".to_owned(), |variant| way(variant, memory.from));
        let mebibytes = |bytes: u64| bytes as f64 / 1_048_576.0;
        let (peak, resident) = (mebibytes(memory.peak), mebibytes(memory.resident));
        let _ = writeln!(out, "{name:<28} {peak:>12.1} {resident:>12.1}");
    }
}

fn way(variant: Variant, from: From) -> String {
    let from = match (from, variant) {
        (From::Yaml, _) => "YAML",
        (From::Compiled, Variant::Sigmatag) => ".sgt",
        (From::Compiled, _) => "its cache",
    };
    format!("{}, {from}", variant.name())
}

/// All results.
pub fn json(results: &[Result], skipped: &[String], arguments: &Arguments) -> String {
    let engines = Variant::ALL.map(|variant| {
        json!({
            "name": variant.name(),
            "crate": variant.engine(),
            "version": version(variant.engine()),
            "configuration": variant.about(),
        })
    });
    let report = json!({
        "cpu": cpu(),
        "rounds": arguments.rounds,
        "engines": engines,
        "skipped": skipped,
        "workloads": results.iter().map(workload).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn workload(result: &Result) -> Value {
    let compared = &result.compared;
    let refused = compared.refused.iter().map(
        |(engine, rule, why)| json!({ "crate": engine, "rule": rule, "why": first_line(why) }),
    );
    let accepted: serde_json::Map<String, Value> =
        compared.accepted.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
    let times = result.rounds.times.iter().map(|times| {
        let [median, low, high] = times.ratio();
        json!({
            "engine": times.variant.name(),
            "events": times.events,
            "ns_per_event": { "p50": times.p50, "p99": times.p99, "mean": times.mean },
            "ratio": { "median": median, "low": low, "high": high, "rounds": times.ratios },
        })
    });
    let loading = result.loading.iter().map(|loading| {
        json!({
            "engine": loading.variant.name(),
            "from": from(loading.from),
            "file_bytes": loading.bytes,
            "median_ns": loading.median().as_nanos() as u64,
            "times_ns": loading.times.iter().map(|t| t.as_nanos() as u64).collect::<Vec<_>>(),
        })
    });
    let memory = result.memory.iter().map(|memory| {
        json!({
            "engine": memory.variant.map(Variant::name),
            "from": from(memory.from),
            "peak_bytes": memory.peak,
            "resident_bytes": memory.resident,
        })
    });
    json!({
        "name": result.workload,
        "about": result.about,
        "rules": compared.rules,
        "rules_accepted": accepted,
        "rules_refused": refused.collect::<Vec<_>>(),
        "events": result.events,
        "bytes": result.bytes,
        "matches": compared.matches,
        "agreement": compared.engines.iter().map(agreement).collect::<Vec<_>>(),
        "clock_ns": result.rounds.clock,
        "times": times.collect::<Vec<_>>(),
        "loading": loading.collect::<Vec<_>>(),
        "memory": memory.collect::<Vec<_>>(),
    })
}

fn agreement(agreement: &Agreement) -> Value {
    let differences = agreement.differences.iter().map(|difference| {
        json!({
            "rule": difference.rule,
            "only": if difference.only_sigmatag { "sigmatag" } else { agreement.variant.name() },
            "events": difference.events,
            "case": difference.case.map(|case| case.name),
            "why": difference.case.map(|case| case.why),
        })
    });
    json!({
        "engine": agreement.variant.name(),
        "events": agreement.events,
        "matches": agreement.matches,
        "sigmatag_matches": agreement.expected,
        "differences": differences.collect::<Vec<_>>(),
    })
}

fn from(from: From) -> &'static str {
    match from {
        From::Yaml => "yaml",
        From::Compiled => "compiled",
    }
}

/// The version that was built in.
fn version(name: &str) -> Option<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    package.split('"').next()
}

fn cpu() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
