//! Peak memory: each engine alone in a process, which loads it, reads the events and matches them.

use crate::arguments::Child;
use crate::engines::{From, Rules, Variant};
use crate::loading::{Files, ways};
use crate::workload::{Event, Workload};
use std::process::Command;
use std::sync::Arc;

/// Events that a child matches: enough for buffers to grow, few enough for slow engines.
const EVENTS: usize = 500;

/// Memory of a process in bytes, from `/proc/self/status`.
pub struct Peak {
    /// The engine; none: a process that only reads the events.
    pub variant: Option<Variant>,
    pub from: From,
    /// Most that was resident at any time, `VmHWM`.
    pub peak: u64,
    /// What was resident at the end, `VmRSS`.
    pub resident: u64,
}

/// Starts a child for every way to load an engine. Empty where there is no `/proc`.
pub fn measure(workload: &Workload, files: &Files) -> Vec<Peak> {
    if !std::path::Path::new("/proc/self/status").exists() {
        eprintln!("skipped: memory is measured on Linux only");
        return Vec::new();
    }
    let mut all = vec![(None, From::Yaml)];
    all.extend(ways(workload).into_iter().map(|(variant, from)| (Some(variant), from)));
    all.into_iter().map(|(variant, from)| start(workload, files, variant, from)).collect()
}

fn start(workload: &Workload, files: &Files, variant: Option<Variant>, from: From) -> Peak {
    let rules = files.rules(variant.unwrap_or(Variant::Sigmatag), from);
    let output = Command::new(std::env::current_exe().expect("a program"))
        .arg("--child")
        .arg(variant.map_or("none", Variant::name))
        .arg(workload.name)
        .arg(rules)
        .arg(if from == From::Compiled { "compiled" } else { "yaml" })
        .args([&files.ids, &files.events])
        .arg(workload.events.len().div_ceil(EVENTS).to_string())
        .output()
        .expect("a child starts");
    let name = variant.map_or("none", Variant::name);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child of {name} failed: {error}");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [peak, resident] = numbers[..] else { panic!("the child of {name} said {text}") };
    Peak { variant, from, peak, resident }
}

/// What a child does.
pub fn child(child: &Child) {
    let ids = std::fs::read_to_string(&child.ids).expect("ids");
    let rules: Rules = Arc::new(ids.lines().map(str::to_owned).zip(0..).collect());
    let from = if child.is_compiled { From::Compiled } else { From::Yaml };
    let is_routed = child.workload.ends_with("-routed");
    let variant = child.variant.as_ref().map(|name| {
        let found = Variant::ALL.into_iter().find(|variant| variant.name() == name);
        found.expect("a variant")
    });
    let engine = variant.map(|variant| variant.load(&child.rules, from, &rules, is_routed));
    let bytes = std::fs::read(&child.events).expect("events");
    let events: Vec<Event> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .step_by(child.stride)
        .map(event)
        .collect();
    if let Some(mut engine) = engine {
        for (index, event) in events.iter().enumerate() {
            engine.count(index, event);
        }
        println!("{} {}", status("VmHWM:"), status("VmRSS:"));
        // Everything was in memory until here.
        drop(engine);
    } else {
        println!("{} {}", status("VmHWM:"), status("VmRSS:"));
    }
}

fn event(line: &[u8]) -> Event {
    let tab = line.iter().position(|byte| *byte == b'\t').expect("a log source before the event");
    let logsource = String::from_utf8_lossy(&line[..tab]);
    let mut parts = logsource.split('/').map(str::to_owned);
    let logsource = [(); 3].map(|()| parts.next().unwrap_or_default());
    Event { json: line[tab + 1..].to_vec(), logsource }
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    let kilobytes = line.trim().strip_suffix("kB").expect("a size").trim();
    kilobytes.parse::<u64>().expect("a number") * 1024
}
