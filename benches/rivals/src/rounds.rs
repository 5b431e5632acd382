//! Times: in each round every engine matches its events once, in an order that changes.
//!
//! A neighbour on the machine slows all engines of a round, so a ratio is taken within each round
//! and its median over rounds is the result. The times of an event are its least over all rounds.

use crate::engines::{Engine, Variant};
use crate::workload::Event;
use std::hint::black_box;
use std::time::Instant;

/// An engine that is ready.
pub struct Entrant {
    pub variant: Variant,
    pub engine: Box<dyn Engine>,
    /// It is timed on every so many events; on all if it is fast.
    pub stride: usize,
}

/// What was measured.
pub struct Rounds {
    pub rounds: usize,
    /// What reading the clock twice takes at least, in nanoseconds; taken off every time.
    pub clock: u64,
    pub times: Vec<Times>,
}

/// Of one engine.
pub struct Times {
    pub variant: Variant,
    /// Events it was timed on.
    pub events: usize,
    /// Nanoseconds per event: of each its least time; then across events.
    pub mean: f64,
    pub p50: u64,
    pub p99: u64,
    /// How many times as long as sigmatag on the same events: by rounds, ascending.
    pub ratios: Vec<f64>,
}

impl Times {
    /// The ratio in the middle, a tenth from below and a tenth from above.
    pub fn ratio(&self) -> [f64; 3] {
        let last = self.ratios.len() - 1;
        [last.div_ceil(2), last / 10, last - last / 10].map(|at| self.ratios[at])
    }
}

/// Times of one engine: by round, the least by event, and the round at hand by event.
struct Record {
    sample: Vec<usize>,
    least: Vec<u64>,
    round: Vec<u64>,
    ratios: Vec<f64>,
}

impl Rounds {
    /// Times every engine; sigmatag is the first.
    pub fn measure(entrants: &mut [Entrant], events: &[Event], rounds: usize) -> Rounds {
        let clock = clock();
        let mut records: Vec<Record> = entrants
            .iter()
            .map(|entrant| {
                let sample: Vec<usize> = (0..events.len()).step_by(entrant.stride).collect();
                let count = sample.len();
                Record {
                    sample,
                    least: vec![u64::MAX; count],
                    round: vec![0; count],
                    ratios: vec![],
                }
            })
            .collect();
        for round in 0..rounds {
            for turn in 0..entrants.len() {
                let at = (round + turn) % entrants.len();
                time(&mut *entrants[at].engine, events, &mut records[at], clock);
            }
            let (ours, others) = records.split_first_mut().expect("sigmatag takes part");
            assert_eq!(ours.sample.len(), events.len(), "sigmatag is timed on every event");
            for other in others {
                let own: u64 = other.sample.iter().map(|&index| ours.round[index]).sum();
                let theirs: u64 = other.round.iter().sum();
                other.ratios.push(theirs as f64 / own.max(1) as f64);
            }
            ours.ratios.push(1.0);
        }
        let times = entrants.iter().zip(records).map(|(entrant, mut record)| {
            record.least.sort_unstable();
            record.ratios.sort_by(f64::total_cmp);
            let least = &record.least;
            let percentile =
                |percent: usize| least[(least.len() * percent).div_ceil(100).saturating_sub(1)];
            Times {
                variant: entrant.variant,
                events: least.len(),
                mean: least.iter().sum::<u64>() as f64 / least.len() as f64,
                p50: percentile(50),
                p99: percentile(99),
                ratios: record.ratios,
            }
        });
        Rounds { rounds, clock, times: times.collect() }
    }
}

fn time(engine: &mut dyn Engine, events: &[Event], record: &mut Record, clock: u64) {
    for ((&index, least), round) in
        record.sample.iter().zip(&mut record.least).zip(&mut record.round)
    {
        let event = black_box(&events[index]);
        let start = Instant::now();
        black_box(engine.count(index, event));
        let time = (start.elapsed().as_nanos() as u64).saturating_sub(clock);
        *round = time;
        *least = time.min(*least);
    }
}

/// What two readings of the clock one after the other take at least.
fn clock() -> u64 {
    let time = |_| {
        let start = Instant::now();
        start.elapsed().as_nanos() as u64
    };
    (0..10_000).map(time).min().unwrap_or_default()
}
