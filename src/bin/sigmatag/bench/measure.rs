//! The measurements: loads, and passes over the events.

use super::events::Events;
use super::memory;
use crate::failure::Failure;
use crate::rules::RuleFile;
use sigmatag::engine::{Engine, Event, Mode, Scratch, Summary, Vectors};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Passes over the events if none are asked for: at least so many,
const PASSES: u32 = 50;
/// and for at least so long.
const PASSING: Duration = Duration::from_secs(2);
/// Records of one call where throughput is measured.
pub const BATCH: usize = 256;
/// Scratches of which the memory is measured, and as many before them.
const SCRATCHES: usize = 16;
/// About so many records make them as large as they get.
const SCRATCH_RECORDS: usize = 1000;
/// Most loads,
const LOADS: usize = 25;
/// and no further one after so long.
const LOADING: Duration = Duration::from_secs(2);

/// Load times.
pub struct Loads {
    /// How often the file was loaded.
    pub times: usize,
    /// The time in the middle.
    pub median: Duration,
}

/// Loads a rule file again and again.
///
/// # Errors
/// If it does not load.
pub fn loads(file: &RuleFile) -> Result<Loads, Failure> {
    let begin = Instant::now();
    let mut times = Vec::with_capacity(LOADS);
    while times.is_empty() || times.len() < LOADS && begin.elapsed() < LOADING {
        let start = Instant::now();
        let rules = file.load()?;
        times.push(start.elapsed());
        drop(black_box(rules));
    }
    times.sort_unstable();
    Ok(Loads { times: times.len(), median: times[times.len() / 2] })
}

/// How long to measure.
pub struct Bounds {
    /// Passes asked for.
    pub passes: Option<u32>,
    /// After which no pass begins.
    pub longest: Duration,
}

impl Bounds {
    /// Whether another pass is due.
    fn go_on(&self, done: u32, elapsed: Duration) -> bool {
        let is_wanted = match self.passes {
            Some(passes) => done < passes,
            None => done < PASSES || elapsed < PASSING,
        };
        done == 0 || is_wanted && elapsed < self.longest
    }
}

/// What matching costs.
pub struct Matching {
    /// Passes that were made.
    pub passes: u32,
    /// What they took.
    pub elapsed: Duration,
    /// What reading the clock twice takes at least; taken off the time of each record.
    pub clock: Duration,
    /// The fastest time of each record in nanoseconds, ascending.
    pub times: Vec<u64>,
    /// The fastest times of all batches together.
    pub batches: Duration,
    /// What one pass found.
    pub found: Summary,
    /// Growth of resident memory for a scratch and all it needs for the events.
    pub scratch: Option<u64>,
}

impl Matching {
    /// Matches the events again and again.
    pub fn measure(
        engine: &Engine,
        events: &Events,
        (logsource, vectors): (&[u8], Vectors),
        bounds: &Bounds,
    ) -> Matching {
        let format = events.format;
        let event = |data| Event { logsource, ..Event::new(format, data) };
        let all: Vec<Event<'_>> = events.iter().map(event).collect();
        let mut times = vec![u64::MAX; all.len()];
        let mut batches = vec![Duration::MAX; all.len().div_ceil(BATCH)];
        let clock = clock();

        let new = || Scratch::with_vectors(engine, Mode::Indexed, vectors);
        let scratch_memory = scratch_memory(engine, new, &all);
        let mut scratch = new();
        let found = pass(&mut scratch, engine, &all, &mut batches);

        let begin = Instant::now();
        let mut passes = 0;
        while bounds.go_on(passes, begin.elapsed()) {
            for (event, time) in all.iter().zip(&mut times) {
                let start = Instant::now();
                let result = scratch.match_event(engine, black_box(event));
                let nanoseconds = start.elapsed().as_nanos() as u64;
                let _ = black_box(result);
                *time = nanoseconds.min(*time);
            }
            pass(&mut scratch, engine, &all, &mut batches);
            passes += 1;
        }
        let elapsed = begin.elapsed();
        for time in &mut times {
            *time = time.saturating_sub(clock.as_nanos() as u64);
        }
        times.sort_unstable();
        Matching {
            passes,
            elapsed,
            clock,
            times,
            batches: batches.iter().sum(),
            found,
            scratch: scratch_memory,
        }
    }

    /// The time that so many of a hundred records do not exceed.
    pub fn percentile(&self, percent: usize) -> u64 {
        percentile(&self.times, percent)
    }

    /// The mean time of a record in nanoseconds.
    pub fn mean(&self) -> f64 {
        self.times.iter().sum::<u64>() as f64 / self.times.len() as f64
    }
}

fn percentile(ascending: &[u64], percent: usize) -> u64 {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending[rank.saturating_sub(1)]
}

/// One pass in batches; keeps the fastest time of each.
fn pass(
    scratch: &mut Scratch,
    engine: &Engine,
    events: &[Event<'_>],
    times: &mut [Duration],
) -> Summary {
    let mut sum = Summary::default();
    for (batch, time) in events.chunks(BATCH).zip(times) {
        let start = Instant::now();
        let found = scratch.match_batch(engine, black_box(batch));
        *time = start.elapsed().min(*time);
        let Ok(found) = found else { continue };
        sum.events += found.events;
        sum.matched_records += found.matched_records;
        sum.hits += found.hits;
        sum.malformed += found.malformed;
        sum.unrouted += found.unrouted;
    }
    sum
}

/// By how much resident memory grows for each further scratch that has seen the events.
///
/// The first ones may live in memory that loading gave back, so they do not count.
fn scratch_memory(engine: &Engine, new: impl Fn() -> Scratch, events: &[Event<'_>]) -> Option<u64> {
    let step = events.len().div_ceil(SCRATCH_RECORDS);
    let warm = || {
        let mut scratch = new();
        for event in events.iter().step_by(step) {
            let _ = black_box(scratch.match_event(engine, event));
        }
        scratch
    };
    let mut scratches = Vec::with_capacity(2 * SCRATCHES);
    scratches.extend((0..SCRATCHES).map(|_| warm()));
    let before = memory::resident();
    scratches.extend((0..SCRATCHES).map(|_| warm()));
    let growth = memory::growth(before, memory::resident())?;
    Some(growth / SCRATCHES as u64)
}

/// What two readings of the clock one after the other take at least.
fn clock() -> Duration {
    let time = |_| {
        let start = Instant::now();
        start.elapsed()
    };
    (0..10_000).map(time).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let times: Vec<u64> = (1..=200).collect();
        assert_eq!([50, 90, 99, 100].map(|p| percentile(&times, p)), [100, 180, 198, 200]);
        assert_eq!([1, 50, 100].map(|p| percentile(&[7], p)), [7, 7, 7]);
    }

    #[test]
    fn passes_end() {
        let second = Duration::from_secs(1);
        let asked = Bounds { passes: Some(3), longest: 20 * second };
        assert!(asked.go_on(2, second) && !asked.go_on(3, second));
        assert!(!asked.go_on(2, 20 * second));
        let own = Bounds { passes: None, longest: 20 * second };
        assert!(own.go_on(49, 19 * second) && own.go_on(1000, second));
        assert!(!own.go_on(50, 2 * second) && !own.go_on(1, 20 * second));
        let none = Bounds { passes: None, longest: Duration::ZERO };
        assert!(none.go_on(0, second) && !none.go_on(1, Duration::ZERO));
    }
}
