//! What was promised, and whether it holds.
//!
//! Reasons for what is missed are written by hand in `misses.md`, by the target's key: a reason is
//! something one finds out, not something one measures.

use crate::document::anchor;
use crate::page::Figures;
use crate::sections::profile;
use crate::units::{bytes, ratio, short, thousands, time};
use std::fmt::Write as _;

/// What is written by hand.
const MISSES: &str = include_str!("../misses.md");

/// A figure and its bound.
struct Check {
    figure: &'static str,
    /// What to call it where a target has several.
    name: &'static str,
    limit: f64,
    /// Whether the limit is the least, not the most.
    is_least: bool,
    show: fn(f64) -> String,
}

const fn most(
    figure: &'static str,
    name: &'static str,
    limit: f64,
    show: fn(f64) -> String,
) -> Check {
    Check { figure, name, limit, is_least: false, show }
}

const fn least(
    figure: &'static str,
    name: &'static str,
    limit: f64,
    show: fn(f64) -> String,
) -> Check {
    Check { figure, name, limit, is_least: true, show }
}

impl Check {
    fn holds(&self, value: f64) -> bool {
        if self.is_least { value >= self.limit } else { value <= self.limit }
    }

    /// By how much a value misses it.
    fn miss(&self, value: f64) -> String {
        let by = if self.is_least { self.limit / value } else { value / self.limit };
        format!("{} by {} ({})", self.label(), ratio(by), (self.show)(value))
    }

    fn label(&self) -> &'static str {
        if self.name.is_empty() { "it is missed" } else { self.name }
    }
}

/// Something promised.
struct Target {
    /// Its heading in `misses.md`.
    key: &'static str,
    what: &'static str,
    limit: &'static str,
    checks: &'static [Check],
    /// Figures that are shown beside, and decide nothing.
    beside: &'static [Check],
    /// The profile that shows why it is missed, if one does.
    profile: Option<&'static str>,
}

const TARGETS: [Target; 14] = [
    Target {
        key: "azure-msgpack",
        what: "Azure MySQL record of about 500 bytes, built-in rules, msgpack, p50",
        limit: "≤ 200 ns",
        checks: &[most("latency/azure/msgpack/p50", "", 200.0, time)],
        beside: &[most("latency/azure/msgpack/mean", "mean", 0.0, time)],
        profile: Some("azure-msgpack"),
    },
    Target {
        key: "azure-json",
        what: "the same as JSON, p50",
        limit: "≤ 600 ns",
        checks: &[most("latency/azure/json/p50", "", 600.0, time)],
        beside: &[most("latency/azure/json/mean", "mean", 0.0, time)],
        profile: Some("azure-json"),
    },
    Target {
        key: "indicators",
        what: "the same as msgpack with 100,000 indicators, p50",
        limit: "≤ 1 µs",
        checks: &[most("documents/indicators/matched/p50", "", 1000.0, time)],
        beside: &[most("documents/indicators/matched/mean", "mean", 0.0, time)],
        profile: Some("azure-msgpack"),
    },
    Target {
        key: "documents",
        what: "the same, written as a document, p50",
        limit: "≤ 1 µs",
        checks: &[
            most("documents/indicators/sekoia/p50", "Sekoia.io", 1000.0, time),
            most("documents/indicators/ecs/p50", "ECS", 1000.0, time),
            most("documents/indicators/asim/p50", "ASIM", 1000.0, time),
        ],
        beside: &[],
        profile: None,
    },
    Target {
        key: "sysmon",
        what: "Sysmon process creation without a match, SigmaHQ's rules, routed, msgpack",
        limit: "p50 ≤ 1.2 µs, p99 ≤ 3 µs",
        checks: &[
            most("latency/sysmon/msgpack/p50", "p50", 1200.0, time),
            most("latency/sysmon/msgpack/p99", "p99", 3000.0, time),
        ],
        beside: &[],
        profile: Some("sysmon"),
    },
    Target {
        key: "rivals-windows",
        what: "Windows events, SigmaHQ's rules, every event meets every rule, JSON, to the best rsigma",
        limit: "≥ 20×",
        checks: &[least("rivals/sigmahq/rsigma", "", 20.0, ratio)],
        beside: &[],
        profile: Some("windows"),
    },
    Target {
        key: "rivals-mysql",
        what: "Azure MySQL events, ten rules, JSON, to the best rsigma",
        limit: "≥ 6×",
        checks: &[least("rivals/azure-mysql/rsigma", "", 6.0, ratio)],
        beside: &[],
        profile: Some("azure-json"),
    },
    Target {
        key: "more-rules",
        what: "three and ten times SigmaHQ's rules, mean time of a record, routed and not",
        limit: "≤ 1.2×, ≤ 1.5×",
        checks: &[
            most("rules/sysmon/3x", "3×, routed", 1.2, ratio),
            most("rules/windows/3x", "3×, all rules", 1.2, ratio),
            most("rules/sysmon/10x", "10×, routed", 1.5, ratio),
            most("rules/windows/10x", "10×, all rules", 1.5, ratio),
        ],
        beside: &[],
        profile: Some("sysmon"),
    },
    Target {
        key: "load",
        what: "SigmaHQ's rules loaded and verified",
        limit: "≤ 5 ms, file ≤ 8 MB",
        checks: &[
            most("load/sigmahq/time", "load", 5e6, time),
            most("load/sigmahq/file", "file", 8e6, bytes),
        ],
        beside: &[],
        profile: Some("load"),
    },
    Target {
        key: "memory",
        what: "memory of SigmaHQ's rules, and of a thread",
        limit: "≤ 12 MB, ≤ 256 KB",
        checks: &[
            most("load/sigmahq/resident", "rules", 12e6, bytes),
            most("load/sigmahq/scratch", "thread", 256.0 * 1024.0, bytes),
        ],
        beside: &[],
        profile: None,
    },
    Target {
        key: "compile",
        what: "SigmaHQ's rules compiled, the whole command",
        limit: "≤ 500 ms",
        checks: &[most("load/sigmahq/command", "", 500e6, time)],
        beside: &[most("load/sigmahq/compile", "without reading YAML", 0.0, time)],
        profile: Some("compile"),
    },
    Target {
        key: "allocations",
        what: "calls of the allocator while matching, warm (`cargo test --test allocation` asserts it)",
        limit: "0",
        checks: &[most("profile/allocations", "", 0.0, thousands)],
        beside: &[],
        profile: None,
    },
    Target {
        key: "hostile",
        what: "hostile events: exponent of time against size",
        limit: "≤ 1.05",
        checks: &[most("hostile/exponent", "", 1.05, short)],
        beside: &[
            most("hostile/counted_exponent", "of instructions", 0.0, short),
            most("hostile/worst", "worst ns a byte", 0.0, short),
        ],
        profile: None,
    },
    Target {
        key: "fluent-bit",
        what: "cost of the filter in Fluent Bit, to that of grep with one expression",
        limit: "< 1×",
        checks: &[
            most("fluent-bit/azure/pack/to-grep", "Azure MySQL, built-in rules", 1.0, ratio),
            most("fluent-bit/azure/sigmahq/to-grep", "Azure MySQL, SigmaHQ's rules", 1.0, ratio),
            most("fluent-bit/windows/sigmahq/to-grep", "Windows, SigmaHQ's rules", 1.0, ratio),
        ],
        beside: &[],
        profile: Some("azure-msgpack"),
    },
];

/// The table, and the reasons for what is missed.
pub fn text(figures: &Figures) -> String {
    let mut out = String::from("## Targets\n\n| target | | measured | met |\n|---|---|---|---|\n");
    let mut missed = Vec::new();
    for target in &TARGETS {
        let (shown, verdict) = judge(target, figures);
        let _ = writeln!(out, "| {} | {} | {shown} | {verdict} |", target.what, target.limit);
        if verdict == "**no**" {
            missed.push(target);
        }
    }
    out.push('\n');
    for target in missed {
        let _ = writeln!(out, "### Missed: {}\n", target.what);
        let misses = target.checks.iter().filter_map(|check| {
            let value = *figures.get(check.figure)?;
            (!check.holds(value)).then(|| check.miss(value))
        });
        let _ =
            writeln!(out, "Target {}: {}.\n", target.limit, misses.collect::<Vec<_>>().join(", "));
        let reason = reason(MISSES, target.key);
        let _ = writeln!(out, "{}\n", reason.unwrap_or("Nobody has found out why yet."));
        if let Some(key) = target.profile
            && figures.contains_key(&format!("profile/{key}"))
        {
            let heading = profile::heading(key);
            let _ = writeln!(out, "[{heading}](#{}).\n", anchor(heading));
        }
    }
    out
}

/// What was measured, and whether it is met.
fn judge(target: &Target, figures: &Figures) -> (String, &'static str) {
    let mut shown = Vec::new();
    let (mut is_known, mut is_met) = (true, true);
    for check in target.checks {
        let Some(value) = figures.get(check.figure) else {
            is_known = false;
            continue;
        };
        is_met &= check.holds(*value);
        shown.push(show(check, *value));
    }
    let beside = target
        .beside
        .iter()
        .filter_map(|check| figures.get(check.figure).map(|value| show(check, *value)));
    shown.extend(beside);
    let verdict = match (is_known, is_met) {
        (_, false) => "**no**",
        (true, true) => "yes",
        (false, true) => "not measured",
    };
    (shown.join(", "), verdict)
}

fn show(check: &Check, value: f64) -> String {
    format!("{} {}", check.name, (check.show)(value)).trim_start().to_owned()
}

/// What `misses.md` says under a heading.
fn reason<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("\n## {key}\n"))?;
    let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section).trim();
    (!section.is_empty()).then_some(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[(&str, f64)]) -> Figures {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn targets_are_met_missed_or_not_measured() {
        let none = text(&Figures::new());
        assert_eq!(none.matches("| not measured |").count(), TARGETS.len());
        let fast = figures(&[("latency/azure/msgpack/p50", 199.0)]);
        assert!(text(&fast).contains("| 199 ns | yes |"));
        let slow =
            figures(&[("latency/azure/msgpack/p50", 400.0), ("rivals/sigmahq/rsigma", 10.0)]);
        let slow = text(&slow);
        assert!(slow.contains("| 400 ns | **no** |"));
        assert_eq!(slow.matches("missed by 2.00×").count(), 2, "{slow}");
    }

    #[test]
    fn one_missed_check_of_several_misses() {
        let half = figures(&[
            ("latency/sysmon/msgpack/p50", 1000.0),
            ("latency/sysmon/msgpack/p99", 9000.0),
        ]);
        let text = text(&half);
        assert!(text.contains("p50 1.00 µs, p99 9.00 µs | **no** |"), "{text}");
        assert!(text.contains(": p99 by 3.00× (9.00 µs)."), "{text}");
    }

    #[test]
    fn reasons_are_found_by_key() {
        let text = "# x\n\n## a\n\nWhy.\n\n## b\n\n## c\n\nEnd.\n";
        assert_eq!(reason(text, "a"), Some("Why."));
        assert_eq!(reason(text, "b"), None);
        assert_eq!(reason(text, "c"), Some("End."));
    }

    #[test]
    fn every_profile_that_targets_name_has_a_heading() {
        for key in TARGETS.iter().filter_map(|target| target.profile) {
            assert!(!profile::heading(key).is_empty(), "{key}");
        }
    }

    #[test]
    fn every_reason_belongs_to_a_target() {
        for heading in MISSES.lines().filter_map(|line| line.strip_prefix("## ")) {
            let is_known = TARGETS.iter().any(|target| target.key == heading);
            assert!(is_known, "misses.md: there is no target {heading}");
        }
    }
}
