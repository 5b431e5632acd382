//! The table of the README, from the same figures as the document.

use crate::page::Figures;
use crate::units::{bytes, ratio, short, thousands, time};
use std::path::Path;

const BEGIN: &str = "<!-- numbers: begin -->\n";
const END: &str = "<!-- numbers: end -->";

/// A figure, what to call it, and how it is shown.
type Shown = (&'static str, &'static str, fn(f64) -> String);

/// What a row shows.
struct Row {
    what: &'static str,
    /// One behind the other.
    figures: &'static [Shown],
    command: &'static str,
}

const ROWS: [Row; 16] = [
    Row {
        what: "built-in rules, Azure MySQL audit records in msgpack, time of a record",
        figures: &[
            ("latency/azure/msgpack/p50", "p50", time),
            ("latency/azure/msgpack/p99", "p99", time),
        ],
        command: "make bench ONLY=latency",
    },
    Row {
        what: "the same records as JSON",
        figures: &[
            ("latency/azure/json/p50", "p50", time),
            ("latency/azure/json/p99", "p99", time),
        ],
        command: "make bench ONLY=latency",
    },
    Row {
        what: "built-in rules, records of no known source",
        figures: &[
            ("latency/foreign/pack/p50", "p50", time),
            ("latency/foreign/pack/p99", "p99", time),
        ],
        command: "make bench ONLY=latency",
    },
    Row {
        what: "all SigmaHQ rules, Sysmon process creations without a match, msgpack",
        figures: &[
            ("latency/sysmon/msgpack/p50", "p50", time),
            ("latency/sysmon/msgpack/p99", "p99", time),
        ],
        command: "make bench ONLY=latency",
    },
    Row {
        what: "all SigmaHQ rules on every one of 5,000 Windows events, JSON",
        figures: &[
            ("latency/windows/all/p50", "p50", time),
            ("latency/windows/all/p99", "p99", time),
        ],
        command: "make bench ONLY=latency",
    },
    Row {
        what: "the same rules and events, times as long as sigmatag: the best rsigma",
        figures: &[("rivals/sigmahq/rsigma", "", ratio)],
        command: "make bench ONLY=rivals",
    },
    Row {
        what: "ten rules on Azure MySQL events, JSON, times as long: the best rsigma",
        figures: &[("rivals/azure-mysql/rsigma", "", ratio)],
        command: "make bench ONLY=rivals",
    },
    Row {
        what: "inside Fluent Bit, built-in rules, cost of a record; to that of grep with one expression",
        figures: &[
            ("fluent-bit/azure/pack", "", time),
            ("fluent-bit/azure/pack/to-grep", "", ratio),
        ],
        command: "make bench ONLY=fluent-bit",
    },
    Row {
        what: "inside Fluent Bit, all SigmaHQ rules on Windows events; to grep",
        figures: &[
            ("fluent-bit/windows/sigmahq", "", time),
            ("fluent-bit/windows/sigmahq/to-grep", "", ratio),
        ],
        command: "make bench ONLY=fluent-bit",
    },
    Row {
        what: "three and ten times SigmaHQ's rules: mean time of a process creation",
        figures: &[("rules/sysmon/3x", "", ratio), ("rules/sysmon/10x", "", ratio)],
        command: "make bench ONLY=rules",
    },
    Row {
        what: "hostile events: exponent of time against size, and most for a byte",
        figures: &[("hostile/exponent", "", short), ("hostile/worst", "ns", short)],
        command: "make bench ONLY=hostile",
    },
    Row {
        what: "all SigmaHQ rules: number, size of their file",
        figures: &[("load/sigmahq/rules", "", thousands), ("load/sigmahq/file", "", bytes)],
        command: "make bench ONLY=load",
    },
    Row {
        what: "loading and verifying them; compiling them from YAML",
        figures: &[("load/sigmahq/time", "", time), ("load/sigmahq/command", "", time)],
        command: "make bench ONLY=load",
    },
    Row {
        what: "their memory; memory of each thread",
        figures: &[("load/sigmahq/resident", "", bytes), ("load/sigmahq/scratch", "", bytes)],
        command: "make bench ONLY=load",
    },
    Row {
        what: "stripped `libsigmatag.so`",
        figures: &[("load/library", "", bytes)],
        command: "make bench ONLY=load",
    },
    Row {
        what: "allocations while matching and tagging, warm",
        figures: &[("profile/allocations", "", thousands)],
        command: "cargo test --test allocation",
    },
];

/// Writes the table between the marks.
///
/// # Errors
/// If the marks are not there, or the file cannot be read or written.
pub fn update(path: &Path, figures: &Figures) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(fail)?;
    let text = replace(&text, &table(figures))
        .ok_or_else(|| format!("{}: the marks around the numbers are missing", path.display()))?;
    std::fs::write(path, text).map_err(fail)
}

fn replace(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(figures: &Figures) -> String {
    let machine = crate::machine::describe();
    let about = |name: &str| {
        let found = machine.iter().find(|(what, _)| *what == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut out = format!(
        "One thread of {}, {}, on {}. Percentiles are across records, \
         each at its least time. More, and what is missed of what was promised: \
         [docs/benchmarks.md](docs/benchmarks.md).\n\n| what | figure | command |\n|---|---|---|\n",
        about("processor"),
        about("system"),
        about("date"),
    );
    for row in &ROWS {
        let values = row.figures.iter().map(|(figure, name, show)| {
            let value =
                figures.get(*figure).map_or("not measured".to_owned(), |value| show(*value));
            // A unit stands behind its number, any other name before it.
            match *name {
                "ns" => format!("{value} ns"),
                name => format!("{name} {value}").trim_start().to_owned(),
            }
        });
        let values: Vec<String> = values.collect();
        out += &format!("| {} | {} | `{}` |\n", row.what, values.join(", "), row.command);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = format!("a\n{BEGIN}old\n{END}\nz\n");
        assert_eq!(replace(&text, "new\n"), Some(format!("a\n{BEGIN}new\n{END}\nz\n")));
        assert_eq!(replace("a\n", "new\n"), None);
    }

    #[test]
    fn rows_show_their_figures() {
        let figures = [("latency/azure/msgpack/p50", 180.0), ("latency/azure/msgpack/p99", 2000.0)];
        let figures = figures.map(|(name, value)| (name.to_owned(), value)).into();
        let table = table(&figures);
        assert!(
            table.contains("| p50 180 ns, p99 2.00 µs | `make bench ONLY=latency` |"),
            "{table}"
        );
        assert!(table.contains("not measured"));
    }

    #[test]
    fn the_projects_readme_has_the_marks() {
        let readme = std::fs::read_to_string(crate::common::root().join("README.md"));
        assert!(replace(&readme.expect("a README"), "").is_some());
    }
}
