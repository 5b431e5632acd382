//! Time by record: every lane takes its turn in each pass, and of each record the least time counts.
//!
//! The least time is what the code costs where nothing else on the machine interferes. What the
//! machine adds is told beside it: the mean of each pass, in the middle and at its 99th percentile.

use crate::events::Events;
use crate::statistics::{ascending, mean, percentile};
use sigmatag::engine::{
    Engine, Event, LogsourceMode, MatchError, Options, Scratch, Summary, Tagging,
};
use sigmatag::ruleset::RuleSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// At least so many passes,
    pub passes: usize,
    /// and for at least so long for each lane,
    pub shortest: Duration,
    /// and no pass begins after so long for each lane.
    pub longest: Duration,
}

impl Bounds {
    /// For figures that are published, or only to take every step.
    pub fn new(quick: bool) -> Bounds {
        if quick {
            let none = Duration::ZERO;
            return Bounds { passes: 2, shortest: none, longest: Duration::from_secs(1) };
        }
        Bounds { passes: 50, shortest: Duration::from_secs(2), longest: Duration::from_secs(20) }
    }

    /// Whether another pass is due.
    fn go_on(&self, done: usize, elapsed: Duration) -> bool {
        done == 0 || (done < self.passes || elapsed < self.shortest) && elapsed < self.longest
    }
}

/// An engine of compiled rules.
pub fn engine(file: &[u8], logsource_mode: LogsourceMode) -> Engine {
    let rules = RuleSet::from_bytes(file).expect("compiled rules load");
    Engine::new(Arc::new(rules), Options { logsource_mode, ..Options::default() })
}

/// An engine, its events, and what is asked of it.
pub struct Lane<'a> {
    engine: &'a Engine,
    events: Vec<Event<'a>>,
    /// Whether records are written, tagged or as documents, and not only matched.
    writes: bool,
}

impl<'a> Lane<'a> {
    /// Events that are matched.
    pub fn new(engine: &'a Engine, events: &'a Events) -> Lane<'a> {
        Lane { engine, events: events.iter().collect(), writes: false }
    }

    /// Events that are matched, and written where they are to be changed.
    pub fn written(engine: &'a Engine, events: &'a Events) -> Lane<'a> {
        Lane { writes: true, ..Lane::new(engine, events) }
    }

    /// Does with one event what is asked; `out` gets the record.
    #[inline]
    fn take(
        &self,
        scratch: &mut Scratch,
        event: &Event<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Summary, MatchError> {
        if !self.writes {
            return scratch.match_event(self.engine, event);
        }
        let (len, summary) = scratch.tag_prepare(self.engine, event, &Tagging::default())?;
        if let Some(len) = len {
            if out.len() < len {
                out.resize(len, 0);
            }
            scratch.tag_write(event.data, out)?;
        }
        Ok(summary)
    }
}

/// What was measured of a lane, in nanoseconds.
pub struct Latency {
    /// Of each record the least time, ascending.
    pub times: Vec<u64>,
    /// Of each pass the mean time of a record, ascending.
    pub passes: Vec<f64>,
    /// Events in the records.
    pub events: u64,
    /// Matches of one pass.
    pub hits: u64,
    /// Documents of one pass.
    pub documents: u64,
}

impl Latency {
    pub fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.times, percent) as f64
    }

    pub fn mean(&self) -> f64 {
        mean(&self.times)
    }

    /// The mean of a pass that so many of a hundred do not exceed.
    pub fn pass(&self, percent: usize) -> f64 {
        percentile(&self.passes, percent)
    }
}

/// What is kept of a lane while it is measured.
struct Record {
    scratch: Scratch,
    out: Vec<u8>,
    times: Vec<u64>,
    passes: Vec<f64>,
    events: u64,
    hits: u64,
    documents: u64,
}

/// Measures lanes in turns.
pub fn latencies(lanes: &[Lane<'_>], bounds: Bounds) -> Vec<Latency> {
    let clock = clock();
    let mut records: Vec<Record> = lanes.iter().map(warm).collect();
    let begin = Instant::now();
    let count = lanes.len() as u32;
    let mut done = 0;
    while bounds.go_on(done, begin.elapsed() / count) {
        for (lane, record) in lanes.iter().zip(&mut records) {
            let mut sum = 0;
            for (event, least) in lane.events.iter().zip(&mut record.times) {
                let start = Instant::now();
                let result = lane.take(&mut record.scratch, black_box(event), &mut record.out);
                let time = start.elapsed().as_nanos() as u64;
                let _ = black_box(result);
                let time = time.saturating_sub(clock);
                sum += time;
                *least = time.min(*least);
            }
            record.passes.push(sum as f64 / lane.events.len() as f64);
        }
        done += 1;
    }
    let finish = |mut record: Record| {
        record.times.sort_unstable();
        let Record { times, passes, events, hits, documents, .. } = record;
        Latency { times, passes: ascending(passes), events, hits, documents }
    };
    records.into_iter().map(finish).collect()
}

/// One pass of which only the matches count.
fn warm(lane: &Lane<'_>) -> Record {
    let (mut scratch, mut out) = (Scratch::new(lane.engine), Vec::new());
    let (mut events, mut hits, mut documents) = (0, 0, 0);
    for event in &lane.events {
        let found = lane.take(&mut scratch, event, &mut out).expect("events can be examined");
        events += found.events;
        hits += found.hits;
        documents += found.normalized_records;
    }
    let times = vec![u64::MAX; lane.events.len()];
    Record { scratch, out, times, passes: Vec::new(), events, hits, documents }
}

/// What two readings of the clock one after the other take at least; taken off every time.
pub fn clock() -> u64 {
    let time = |_| {
        let start = Instant::now();
        start.elapsed().as_nanos() as u64
    };
    (0..10_000).map(time).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_end() {
        let second = Duration::from_secs(1);
        let bounds = Bounds { passes: 50, shortest: 2 * second, longest: 20 * second };
        assert!(bounds.go_on(49, 19 * second) && bounds.go_on(1000, second));
        assert!(!bounds.go_on(50, 2 * second) && !bounds.go_on(1, 20 * second));
        assert!(bounds.go_on(0, 21 * second));
    }
}
