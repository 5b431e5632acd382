//! Hostile events: how the time grows with their size, and the most that a byte can cost.

mod constructions;
mod counted;
mod literals;

use crate::chart::{Lines, Series};
use crate::context::{Context, Rules};
use crate::page::Page;
use crate::statistics::exponent;
use crate::tools::{is_installed, target};
use crate::units::{short, thousands};
use constructions::{Construction, Place};
use literals::Literals;
use nix::time::{ClockId, clock_gettime};
use sigmatag::engine::{Engine, Event, LogsourceMode, Scratch};
use std::hint::black_box;
use std::time::Duration;

/// The smallest event; each further one is twice as large. Smaller ones have no room for all the
/// different literals of a field, and cost less by byte.
const SMALLEST: usize = 8 << 10;
/// So often it doubles.
const DOUBLINGS: usize = 8;
/// Every literal and expression is tried at this size, and the worst of them at all.
const TRIED: usize = 16 << 10;
/// An event that takes so long is measured once.
const ENOUGH: Duration = Duration::from_secs(1);
/// One reading of the clock is for so long: the clock of a thread may stand still for some of it.
const READING: Duration = Duration::from_millis(1);
/// Readings of an event, of which the least counts.
const READINGS: usize = 5;
/// So many of each kind are the worst.
const WORST: usize = 5;
/// Constructions that the chart shows.
const SHOWN: usize = 7;

/// Bounds beyond which an event is kept for those who look into it.
const SUSPICIOUS: (f64, f64) = (1.05, 100.0);

/// A construction at all sizes.
struct Growth {
    name: String,
    rules: &'static str,
    form: &'static str,
    /// Bytes of the event and nanoseconds.
    points: Vec<(f64, f64)>,
    /// Bytes of the event and instructions, of some sizes.
    counted: Vec<(f64, f64)>,
}

impl Growth {
    fn exponent(&self) -> f64 {
        exponent(&self.points)
    }

    /// Of the larger half only: what an event costs before its first byte counts less there.
    fn late_exponent(&self) -> f64 {
        exponent(&self.points[self.points.len() / 2..])
    }

    fn worst(&self) -> f64 {
        self.points.iter().map(|(bytes, time)| time / bytes).fold(0.0, f64::max)
    }

    /// Of instructions: what caches and other processes do to the time is not in it.
    fn counted_exponent(&self) -> Option<f64> {
        (!self.counted.is_empty()).then(|| exponent(&self.counted))
    }

    /// Instructions for a byte of the largest event that was counted.
    fn counted_by_byte(&self) -> Option<f64> {
        self.counted.last().map(|(bytes, instructions)| instructions / bytes)
    }
}

pub fn run(context: &Context, page: &mut Page) -> Result<(), String> {
    page.say(
        "Events that are made to be slow, out of what the rules themselves look for. Their size is \
         doubled eight times from 8 KiB on, up to 2 MiB; the exponent is that of the power law which fits time \
         against size best (1: twice the bytes, twice the time), over all sizes and over the \
         larger half. Time is that of the thread, not of the wall, the least of several readings. \
         Every record meets every rule. Events with an exponent over 1.05, or over 100 ns a byte, \
         are kept in `target/report/hostile`. Of the fields with many literals, and of all \
         regular expressions, those are listed that cost most by byte at 16 KiB.",
    );
    page.say(
        "The time of a byte also depends on what is in the caches: a text of thousands of different \
         literals touches more of the tables the longer it is. Instructions do not. They are counted \
         by valgrind's callgrind at 16, 32 and 64 KiB.",
    );
    let is_counted = is_installed("valgrind");
    if !is_counted {
        page.skip("instructions of hostile events, which need valgrind");
    }
    let own = Literals::new(&context.pack.collection);
    let mut all = Vec::new();
    let mut measure = |name, rules: &Rules, constructions: &dyn Fn(&Engine) -> Found| {
        let engine = rules.engine(LogsourceMode::None);
        let constructions = constructions(&engine)?;
        let mut growths = grow(context, name, &engine, &constructions)?;
        if is_counted {
            counted::count(context, rules, &constructions, &mut growths)?;
        }
        all.append(&mut growths);
        Ok::<(), String>(())
    };
    measure("pack", &context.pack, &|_| Ok(constructions::statements(&own)))?;
    let (name, rules, literals) = match &context.sigmahq {
        Some(sigmahq) => ("sigmahq", &sigmahq.rules, &Literals::new(&sigmahq.rules.collection)),
        None => ("pack", &context.pack, &own),
    };
    measure(name, rules, &|engine| {
        let mut all = general(literals);
        all.extend(worst_fields(engine, literals)?);
        all.extend(worst_expressions(engine, literals)?);
        Ok(all)
    })?;
    all.sort_by(|a, b| b.exponent().total_cmp(&a.exponent()));
    write(page, &all)
}

/// Constructions to measure.
type Found = Result<Vec<Construction>, String>;

/// What does not depend on trying.
fn general(literals: &Literals) -> Vec<Construction> {
    let mut all = Vec::new();
    let busiest = literals.busiest(|texts| &texts.contains, 3);
    for field in &busiest {
        let place = Place::Field((*field).to_owned());
        let texts = &literals.fields[*field].contains;
        all.extend(constructions::near_misses(&place, field, texts));
    }
    if let Some(field) = busiest.first() {
        all.extend(constructions::monotonous(field));
        all.extend(constructions::structures(field, &literals.fields[*field].contains));
    }
    all.extend(constructions::anchored(literals));
    all.extend(constructions::keywords(literals));
    all
}

/// Of the other fields with many literals, those whose near misses cost most.
fn worst_fields(engine: &Engine, literals: &Literals) -> Result<Vec<Construction>, String> {
    let fields = literals.busiest(|texts| &texts.contains, 40);
    let tried = fields.iter().skip(3).flat_map(|field| {
        let place = Place::Field((*field).to_owned());
        constructions::near_misses(&place, field, &literals.fields[*field].contains)
    });
    worst(engine, tried)
}

fn worst_expressions(engine: &Engine, literals: &Literals) -> Result<Vec<Construction>, String> {
    let all = literals.expressions.iter();
    worst(engine, all.map(|(field, text)| constructions::expression(field, text)))
}

/// Those that cost most by byte.
fn worst(
    engine: &Engine,
    tried: impl Iterator<Item = Construction>,
) -> Result<Vec<Construction>, String> {
    let mut scratch = Scratch::new(engine);
    let mut found = Vec::new();
    for construction in tried {
        let event = construction.event(TRIED);
        let time = least(engine, &mut scratch, &construction, &event, Duration::ZERO)?;
        found.push((time / event.len() as f64, construction));
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(found.into_iter().take(WORST).map(|(_, construction)| construction).collect())
}

/// Measures constructions at all sizes.
fn grow(
    context: &Context,
    rules: &'static str,
    engine: &Engine,
    constructions: &[Construction],
) -> Result<Vec<Growth>, String> {
    let mut scratch = Scratch::new(engine);
    let doublings = if context.quick { 3 } else { DOUBLINGS };
    let reading = if context.quick { Duration::ZERO } else { READING };
    let mut all = Vec::new();
    for construction in constructions {
        let mut points = Vec::new();
        for size in (0..=doublings).map(|times| SMALLEST << times) {
            let event = construction.event(size);
            let time = least(engine, &mut scratch, construction, &event, reading)?;
            points.push((event.len() as f64, time.max(1.0)));
        }
        let form =
            if construction.format == sigmatag::engine::Format::Json { "JSON" } else { "msgpack" };
        let name = construction.name.clone();
        let growth = Growth { name, rules, form, points, counted: Vec::new() };
        if growth.exponent() > SUSPICIOUS.0 || growth.worst() > SUSPICIOUS.1 {
            keep(construction, SMALLEST << doublings)?;
        }
        all.push(growth);
    }
    Ok(all)
}

/// Writes an event for `sigmatag bench --logsource-mode none --events`.
fn keep(construction: &Construction, size: usize) -> Result<(), String> {
    let folder = target().join("report/hostile");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric();
    let words: Vec<&str> = construction
        .name
        .split(|letter| !is_plain(letter))
        .filter(|word| !word.is_empty())
        .collect();
    let path = folder.join(format!("{}.jsonl", words.join("-")));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, (construction.build)(size)))
        .map_err(|e| format!("{}: {e}", path.display()))
}

/// Nanoseconds of an event, the least of some readings of the clock; one reading is for as many
/// passes as take `reading`.
fn least(
    engine: &Engine,
    scratch: &mut Scratch,
    construction: &Construction,
    event: &[u8],
    reading: Duration,
) -> Result<f64, String> {
    let event = Event::new(construction.format, event);
    // Buffers grow, and an event that is refused would look fast.
    let first = scratch.match_event(engine, &event);
    first.map_err(|error| format!("{}: {error:?}", construction.name))?;
    let (mut passes, mut times) = (1u32, Vec::new());
    let begin = own_time()?;
    loop {
        let start = own_time()?;
        for _ in 0..passes {
            let _ = black_box(scratch.match_event(engine, black_box(&event)));
        }
        let end = own_time()?;
        let time = end.saturating_sub(start);
        if time < reading && times.is_empty() {
            passes *= 2;
            continue;
        }
        times.push(time.as_nanos() as f64 / f64::from(passes));
        if end.saturating_sub(begin) > ENOUGH || times.len() == READINGS {
            return Ok(times.into_iter().fold(f64::INFINITY, f64::min));
        }
    }
}

/// The processor time of this thread: large events take longer than the system lets a thread run
/// while others wait, so that by the clock on the wall others would count with them.
fn own_time() -> Result<Duration, String> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map(Duration::from).map_err(|error| format!("the clock of a thread: {error}"))
}

/// The table and the chart; what grows fastest first.
fn write(page: &mut Page, all: &[Growth]) -> Result<(), String> {
    let most = |value: fn(&Growth) -> f64| all.iter().map(value).fold(0.0, f64::max);
    page.figure("hostile/exponent", most(Growth::exponent));
    page.figure("hostile/late_exponent", most(Growth::late_exponent));
    page.figure("hostile/worst", most(Growth::worst));
    if all.iter().all(|growth| !growth.counted.is_empty()) {
        page.figure(
            "hostile/counted_exponent",
            most(|growth| growth.counted_exponent().unwrap_or_default()),
        );
        page.figure(
            "hostile/counted_worst",
            most(|growth| growth.counted_by_byte().unwrap_or_default()),
        );
    }
    let row = |growth: &Growth| {
        let (bytes, time) = *growth.points.last().expect("there are sizes");
        vec![
            growth.name.clone(),
            growth.rules.to_owned(),
            growth.form.to_owned(),
            short(growth.exponent()),
            short(growth.late_exponent()),
            growth.counted_exponent().map_or_else(String::new, short),
            short(growth.worst()),
            growth.counted_by_byte().map_or_else(String::new, short),
            thousands(bytes),
            thousands(time / 1e3),
        ]
    };
    page.table(
        &[
            "event",
            "rules",
            "as",
            "exponent",
            "of the larger half",
            "of instructions",
            "worst ns a byte",
            "instructions a byte",
            "largest, bytes",
            "µs",
        ],
        &all.iter().map(row).collect::<Vec<_>>(),
    );
    let series: Vec<Series> = all
        .iter()
        .take(SHOWN)
        .map(|growth| Series { name: growth.name.clone(), points: growth.points.clone() })
        .collect();
    let lines = Lines {
        title: "Hostile events that grow fastest",
        x: "bytes of the event",
        y: "ns",
        series: &series,
        is_log: true,
    };
    page.chart("hostile", "Time of hostile events against their size", |path| lines.draw(path))
}
