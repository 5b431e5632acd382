//! Records a second on one thread: by single calls, in batches, in chunks.

use crate::context::{Context, NO_CORPUS};
use crate::events::Events;
use crate::page::Page;
use crate::units::{short, thousands};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, LogsourceMode, Scratch, Tagging};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Records of one batch, and of one chunk.
const BATCH: usize = 256;

/// How records are handed over.
#[derive(Clone, Copy)]
enum Way {
    Single,
    Batch,
    Chunk,
    Tagged,
}

impl Way {
    const ALL: [Way; 4] = [Way::Single, Way::Batch, Way::Chunk, Way::Tagged];

    fn name(self) -> &'static str {
        match self {
            Way::Single => "one by one",
            Way::Batch => "batches of 256",
            Way::Chunk => "chunks of 256",
            Way::Tagged => "chunks of 256, tagged",
        }
    }

    fn is_chunk(self) -> bool {
        matches!(self, Way::Chunk | Way::Tagged)
    }
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    page.say(
        "One thread. The clock is read around 256 records; of each 256 the fastest of all passes \
         counts. Tagged chunks are written anew where a record matches.",
    );
    let azure = context.azure_name();
    let pack = context.pack.engine(LogsourceMode::Auto);
    let mut rows = Vec::new();
    let mut measure = |name: &str, engine: &Engine, values: &[Value], format: Format| {
        for way in Way::ALL {
            if way.is_chunk() && format == Format::Json {
                continue;
            }
            let format = if way.is_chunk() { Format::FlbChunk } else { format };
            let events = Events::new(format, values);
            let time = fastest(context, engine, &events, way);
            let each = time.as_nanos() as f64 / events.len() as f64;
            rows.push(vec![
                name.to_owned(),
                events.form().to_owned(),
                way.name().to_owned(),
                thousands(each),
                thousands(1e9 / each),
                short(events.mean_size() / each * 1e3),
            ]);
        }
    };
    measure(&format!("{azure}, pack"), &pack, &context.azure, Format::Msgpack);
    measure(&format!("{azure}, pack"), &pack, &context.azure, Format::Json);
    if let Some(sigmahq) = &context.sigmahq {
        let routed = sigmahq.rules.engine(LogsourceMode::Auto);
        let all = sigmahq.rules.engine(LogsourceMode::None);
        measure("Windows, sigmahq", &routed, &sigmahq.windows, Format::Msgpack);
        measure("Windows, sigmahq, all rules", &all, &sigmahq.windows, Format::Json);
    }
    page.table(&["records, rules", "as", "handed over", "ns a record", "records/s", "MB/s"], &rows);
    if context.sigmahq.is_none() {
        page.skip(format!("SigmaHQ's rules on Windows events ({NO_CORPUS})"));
    }
    Ok(())
}

/// The fastest times of all batches together.
fn fastest(context: &Context, engine: &Engine, events: &Events, way: Way) -> Duration {
    let mut scratch = Scratch::new(engine);
    let single: Vec<Event<'_>> = events.iter().collect();
    let chunks: Vec<Event<'_>> = events.pieces(BATCH).collect();
    let mut out = Vec::new();
    let mut times = vec![Duration::MAX; chunks.len()];
    for _ in 0..context.bounds.passes {
        for ((batch, chunk), least) in single.chunks(BATCH).zip(&chunks).zip(&mut times) {
            let start = Instant::now();
            match way {
                Way::Single => {
                    for event in batch {
                        let _ = black_box(scratch.match_event(engine, black_box(event)));
                    }
                }
                Way::Batch => drop(black_box(scratch.match_batch(engine, black_box(batch)))),
                Way::Chunk => drop(black_box(scratch.match_event(engine, black_box(chunk)))),
                Way::Tagged => tag(&mut scratch, engine, chunk, &mut out),
            }
            *least = start.elapsed().min(*least);
        }
    }
    times.iter().sum()
}

/// Tags a chunk as a host does.
fn tag(scratch: &mut Scratch, engine: &Engine, chunk: &Event<'_>, out: &mut Vec<u8>) {
    let planned = scratch.tag_prepare(engine, black_box(chunk), &Tagging::default());
    if let Ok((Some(size), _)) = planned {
        out.resize(size, 0);
        let _ = black_box(scratch.tag_write(chunk.data, out));
    }
}
