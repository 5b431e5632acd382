//! What a longer field costs: ordinary text in one field of an event that is otherwise the same.

use crate::chart::{Lines, Series};
use crate::common::azure_record;
use crate::common::rng::Rng;
use crate::context::{Context, NO_CORPUS};
use crate::events::Events;
use crate::measure::{Lane, latencies};
use crate::page::Page;
use crate::units::{bytes, short};
use serde_json::{Value, json};
use sigmatag::engine::{Engine, Format, LogsourceMode};

/// Bytes of the field.
const SIZES: [usize; 9] = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
/// Events of each size, each with its own text.
const TEXTS: u64 = 16;

const SQL: [&str; 18] = [
    "SELECT ",
    "id, ",
    "name, ",
    "price ",
    "FROM ",
    "products ",
    "WHERE ",
    "category_id ",
    "= ",
    "42 ",
    "AND ",
    "status ",
    "IN ",
    "('new', ",
    "'paid') ",
    "ORDER BY ",
    "created_at ",
    "LIMIT 20 ",
];
const COMMAND: [&str; 16] = [
    "C:\\Program Files\\Example\\",
    "tool.exe ",
    "--input ",
    "\"D:\\data\\report.csv\" ",
    "--level=3 ",
    "-verbose ",
    "/quiet ",
    "output.txt ",
    "2026-03-05 ",
    "worker ",
    "--name=nightly ",
    "https:",
    "config.json ",
    "queue-17 ",
    "& ",
    "-p 8080 ",
];
const SCRIPT: [&str; 16] = [
    "function ",
    "Get-Report ",
    "{ param($Path) ",
    "$items = ",
    "Get-ChildItem ",
    "$Path; ",
    "foreach ($item in $items) ",
    "{ Write-Output ",
    "$item.Name ",
    "} ",
    "# totals by month\n",
    "if ($count -gt 10) ",
    "{ return $count } ",
    "$total += $item.Length ",
    "| Sort-Object ",
    "}\n",
];

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    page.say(
        "Ordinary words fill one field. What the rest of the event costs is in every size, so the \
         time by byte falls at first; then it should stay where it is.",
    );
    let pack = context.pack.engine(LogsourceMode::Auto);
    let mut fields = vec![("`sql_text`, pack", &pack, sql as fn(String) -> Value, &SQL[..])];
    let sigmahq = context.sigmahq.as_ref().map(|sigmahq| sigmahq.rules.engine(LogsourceMode::Auto));
    if let Some(engine) = &sigmahq {
        fields.push(("`CommandLine`, sigmahq", engine, command_line, &COMMAND));
        fields.push(("`ScriptBlockText`, sigmahq", engine, script_block, &SCRIPT));
    }
    let sizes = if context.quick { &SIZES[..3] } else { &SIZES[..] };
    let mut columns = Vec::new();
    for (name, engine, event, words) in &fields {
        let times = measure(context, engine, sizes, |size, seed| event(text(words, size, seed)));
        columns.push(Series { name: name.replace('`', ""), points: times });
    }
    let mut header = vec!["field's size"];
    header.extend(fields.iter().map(|(name, ..)| *name));
    let row = |index: usize, size: usize| {
        let times = columns.iter().map(|column| short(column.points[index].1));
        std::iter::once(bytes(size as f64)).chain(times).collect()
    };
    let rows: Vec<Vec<String>> =
        sizes.iter().enumerate().map(|(index, size)| row(index, *size)).collect();
    page.say("Nanoseconds by byte of the event, msgpack:");
    page.table(&header, &rows);
    let lines = Lines {
        title: "Longer fields",
        x: "bytes of the field",
        y: "ns by byte",
        series: &columns,
        is_log: true,
    };
    page.chart("size", "Time by byte against the size of a field", |path| lines.draw(path))?;
    if context.sigmahq.is_none() {
        page.skip(format!("fields of Windows events ({NO_CORPUS})"));
    }
    Ok(())
}

/// Size of the field, and nanoseconds by byte of the event.
fn measure(
    context: &Context,
    engine: &Engine,
    sizes: &[usize],
    event: impl Fn(usize, u64) -> Value,
) -> Vec<(f64, f64)> {
    let all: Vec<Events> = sizes
        .iter()
        .map(|size| {
            let values: Vec<Value> = (0..TEXTS).map(|seed| event(*size, seed)).collect();
            Events::new(Format::Msgpack, &values)
        })
        .collect();
    let lanes: Vec<Lane<'_>> = all.iter().map(|events| Lane::new(engine, events)).collect();
    let found = latencies(&lanes, context.bounds);
    let point = |((size, events), found): ((&usize, &Events), &crate::measure::Latency)| {
        (*size as f64, found.mean() / events.mean_size())
    };
    sizes.iter().zip(&all).zip(&found).map(point).collect()
}

/// Words in random order, of about this size.
fn text(words: &[&'static str], size: usize, seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let mut text = String::new();
    while text.len() < size {
        text += rng.word(words);
    }
    text.truncate(size);
    text
}

fn sql(text: String) -> Value {
    let mut record = azure_record();
    record["properties"]["sql_text"] = json!(text);
    record
}

/// A process creation of Sysmon.
pub fn command_line(text: String) -> Value {
    json!({
        "Provider_Name": "Microsoft-Windows-Sysmon",
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "WS-0003",
        "UtcTime": "2026-08-05 08:00:00.001",
        "ProcessId": 39436,
        "Image": "C:\\Program Files\\Example\\tool.exe",
        "CommandLine": text,
        "CurrentDirectory": "C:\\Program Files\\Example\\",
        "User": "EXAMPLE\\service",
        "ParentImage": "C:\\Program Files\\Example\\scheduler.exe",
        "ParentCommandLine": "scheduler.exe --nightly",
    })
}

fn script_block(text: String) -> Value {
    json!({
        "Provider_Name": "Microsoft-Windows-PowerShell",
        "EventID": 4104,
        "Channel": "Microsoft-Windows-PowerShell/Operational",
        "Computer": "WS-0003",
        "MessageNumber": 1,
        "MessageTotal": 1,
        "ScriptBlockText": text,
        "ScriptBlockId": "0c03c345-cca8-50be-cf9d-df3d02976219",
        "Path": "D:\\jobs\\report.ps1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_size_and_differ() {
        for words in [&SQL[..], &COMMAND, &SCRIPT] {
            assert_eq!(text(words, 300, 1).len(), 300);
            assert_ne!(text(words, 300, 1), text(words, 300, 2));
        }
    }
}
