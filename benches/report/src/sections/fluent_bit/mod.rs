//! What the filter costs inside a real Fluent Bit, beside filters that come with it.

mod host;

use crate::chart::{Bar, bars};
use crate::common::root;
use crate::context::{Context, NO_CORPUS};
use crate::page::Page;
use crate::statistics::{Estimate, bootstrap, median};
use crate::tools;
use crate::units::short;
use host::{Host, Run, Usage};
use serde_json::Value;
use std::path::Path;

/// Rounds; in each, every configuration runs once.
const ROUNDS: usize = 15;
/// Bytes of input of one run: about half a second of work.
const INPUT: usize = 60_000_000;

/// A filter under test.
struct Entrant {
    key: &'static str,
    name: String,
    /// Its section of the configuration; empty: no filter.
    section: String,
}

impl Entrant {
    fn new(key: &'static str, name: impl Into<String>, section: impl Into<String>) -> Entrant {
        Entrant { key, name: name.into(), section: section.into() }
    }
}

/// Records, and the filters that see them.
struct Case<'a> {
    key: &'static str,
    name: String,
    values: &'a [Value],
    entrants: Vec<Entrant>,
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    let host = match tools::filter().and_then(|filter| Host::find(context, filter)) {
        Ok(host) => host,
        Err(why) => {
            page.skip(why);
            return Ok(());
        }
    };
    page.say(format!(
        "{} reads a file of JSON lines (`tail`, parser `json`) from memory, runs one filter, and \
         drops the records (`null`). Processor time is the process's own in user mode, by record; \
         every filter's cost is the difference to the run without a filter in the same round. {} \
         rounds, in an order that changes; medians with the interval that holds 95 % of the \
         medians of rounds drawn again. Reading and parsing is most of what Fluent Bit does; it is \
         in the first row. Of the audit records nearly half are connections, which a built-in rule \
         of the lowest level reports: they are tagged, which is part of the cost. From `Min_Level \
         medium` on, tags are rare.",
        host.version,
        rounds(context)
    ));
    for case in cases(context, &host)? {
        measure(context, page, &host, &case)?;
    }
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules inside Fluent Bit ({NO_CORPUS})"));
    }
    Ok(())
}

fn rounds(context: &Context) -> usize {
    if context.quick { 2 } else { ROUNDS }
}

fn cases<'a>(context: &'a Context, host: &Host) -> Result<Vec<Case<'a>>, String> {
    let ours =
        |rules: &Path| format!("Name sigmatag\n    Match *\n    Rules {}\n", rules.display());
    let azure = others(host, "azure", "$properties['sql_text']", "record.properties.sql_text")?;
    let pack = Entrant::new("pack", "sigmatag, built-in rules", ours(&context.pack.file));
    let fewer = Entrant::new(
        "medium",
        "sigmatag, built-in rules, Min_Level medium",
        format!("{}    Min_Level medium\n", ours(&context.pack.file)),
    );
    let script = script(host, &context.pack.file)?;
    let mut cases = vec![Case {
        key: "azure",
        name: context.azure_name().to_owned(),
        values: &context.azure,
        entrants: azure.into_iter().chain([pack, fewer, script]).collect(),
    }];
    if let Some(sigmahq) = &context.sigmahq {
        let all =
            || Entrant::new("sigmahq", "sigmatag, SigmaHQ's rules", ours(&sigmahq.rules.file));
        cases[0].entrants.push(all());
        let windows = others(host, "windows", "CommandLine", "record.CommandLine")?;
        cases.push(Case {
            key: "windows",
            name: "Windows".to_owned(),
            values: &sigmahq.windows,
            entrants: windows.into_iter().chain([all()]).collect(),
        });
    }
    Ok(cases)
}

/// The script for the filter `lua`, with the library as it is shipped.
fn script(host: &Host, rules: &Path) -> Result<Entrant, String> {
    let options = format!(
        "sigmatag_options = {{ library = '{}', rules = '{}' }}\ndofile('{}')\n",
        tools::library()?.display(),
        rules.display(),
        root().join("plugin/fluent-bit-lua/sigmatag.lua").display()
    );
    let file = host.write("sigmatag-script.lua", options.as_bytes())?;
    let section =
        format!("Name lua\n    Match *\n    Script {}\n    Call sigmatag\n", file.display());
    Ok(Entrant::new("script", "sigmatag's script for lua, built-in rules", section))
}

/// What sigmatag is compared with: nothing, and filters that look at one field.
fn others(host: &Host, case: &str, field: &str, value: &str) -> Result<[Entrant; 3], String> {
    let script = format!(
        "function test(tag, time, record)\n    local text = {value}\n    \
         if type(text) == 'string' and text:sub(-6) == \".php'\" then\n        \
         record.hit = 1\n        return 1, time, record\n    end\n    \
         return 0, time, record\nend\n"
    );
    let script = host.write(&format!("{case}.lua"), script.as_bytes())?;
    let grep = format!("Name grep\n    Match *\n    Exclude {field} \\.php'$\n");
    let lua = format!("Name lua\n    Match *\n    Call test\n    Script {}\n", script.display());
    Ok([
        Entrant::new("none", "no filter", ""),
        Entrant::new("grep", "grep, one expression", grep),
        Entrant::new("lua", "lua, one test of a suffix", lua),
    ])
}

/// One table and one chart.
fn measure(context: &Context, page: &mut Page, host: &Host, case: &Case<'_>) -> Result<(), String> {
    let size = if context.quick { INPUT / 200 } else { INPUT };
    let input = host.input(case.key, case.values, size)?;
    let runs: Vec<Run> = case
        .entrants
        .iter()
        .map(|entrant| host.configure(case.key, entrant.key, &entrant.section, &input.path))
        .collect::<Result<_, _>>()?;
    // What the first run pays for everybody: files into memory.
    for run in &runs {
        host.run(run)?;
    }
    let mut used: Vec<Vec<Usage>> = vec![Vec::new(); runs.len()];
    for round in 0..rounds(context) {
        for turn in 0..runs.len() {
            let at = (round + turn) % runs.len();
            used[at].push(host.run(&runs[at])?);
        }
    }
    // Microseconds by record.
    let each = |time: f64| time * 1e6 / input.records as f64;
    let user: Vec<Vec<f64>> =
        used.iter().map(|all| all.iter().map(|usage| each(usage.user)).collect()).collect();
    let all: Vec<Vec<f64>> = used
        .iter()
        .map(|all| all.iter().map(|usage| each(usage.user + usage.system)).collect())
        .collect();
    let figures = Costs { user: &user };
    let (mut rows, mut chart) = (Vec::new(), Vec::new());
    for (at, entrant) in case.entrants.iter().enumerate() {
        let whole = figures.whole(at);
        let mut row = vec![entrant.name.clone(), shown(whole), short(median(&all[at]))];
        if at == 0 {
            row.extend([String::new(), String::new()]);
        } else {
            let cost = figures.cost(at);
            let key = format!("fluent-bit/{}/{}", case.key, entrant.key);
            page.figure(&key, cost.value * 1e3);
            row.push(shown(cost));
            row.push(match figures.to_grep(at) {
                Some(to_grep) => {
                    page.figure(format!("{key}/to-grep"), to_grep.value);
                    if at == 1 { "1".to_owned() } else { shown(to_grep) }
                }
                None => "grep's cost is lost in noise".to_owned(),
            });
            chart.push(Bar {
                name: entrant.name.clone(),
                value: cost.value,
                interval: Some((cost.low, cost.high)),
            });
        }
        rows.push(row);
    }
    page.heading(&format!("{} records in Fluent Bit", case.name));
    page.table(
        &["filter", "µs a record, user", "and system", "the filter's cost, µs", "times grep's"],
        &rows,
    );
    let title = format!("{} records: what a filter costs in Fluent Bit", case.name);
    page.chart(&format!("fluent-bit-{}", case.key), &title, |path| {
        bars(path, &title, "µs of user time a record, beyond no filter", &chart)
    })
}

fn shown(estimate: Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{} ({} to {})", short(value), short(low), short(high))
}

/// Microseconds by record, by entrant and round; the first entrant is none, the second grep.
struct Costs<'a> {
    user: &'a [Vec<f64>],
}

impl Costs<'_> {
    fn rounds(&self) -> usize {
        self.user[0].len()
    }

    /// What entrant `at` costs beyond none, in the middle of some rounds.
    fn beyond(&self, at: usize, rounds: &[usize]) -> f64 {
        let costs: Vec<f64> =
            rounds.iter().map(|&round| self.user[at][round] - self.user[0][round]).collect();
        median(&costs)
    }

    fn whole(&self, at: usize) -> Estimate {
        bootstrap(self.rounds(), |rounds| {
            median(&rounds.iter().map(|&round| self.user[at][round]).collect::<Vec<_>>())
        })
    }

    fn cost(&self, at: usize) -> Estimate {
        bootstrap(self.rounds(), |rounds| self.beyond(at, rounds))
    }

    /// Nothing if grep's own cost could be none: a quotient by it would say anything.
    fn to_grep(&self, at: usize) -> Option<Estimate> {
        (self.cost(1).low > 0.0).then(|| {
            bootstrap(self.rounds(), |rounds| self.beyond(at, rounds) / self.beyond(1, rounds))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_differences_within_rounds() {
        // The machine is slower in each further round.
        let slower = |base: f64| (0..20).map(|round| base + f64::from(round)).collect::<Vec<_>>();
        let user = [slower(3.0), slower(4.0), slower(3.5)];
        let costs = Costs { user: &user };
        let cost = costs.cost(2);
        assert!((cost.value - 0.5).abs() < 1e-9 && (cost.high - cost.low).abs() < 1e-9);
        let to_grep = costs.to_grep(2).expect("grep costs 1");
        assert!((to_grep.value - 0.5).abs() < 1e-9);
        assert!((costs.whole(0).value - 12.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_divided_by_what_could_be_none() {
        // Ticks of the clock of processor time, not costs.
        let user = [vec![0.0, 4.0], vec![4.0, 4.0], vec![8.0, 4.0]];
        assert!(Costs { user: &user }.to_grep(2).is_none());
    }
}
