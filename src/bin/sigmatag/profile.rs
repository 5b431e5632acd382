//! `compile --profile`: a site's own events, measured for the compiler.

use crate::explain::next;
use crate::failure::{Failure, count};
use crate::input::{Form, Input};
use sigmatag::compile::profile::{Profile, Profiler};
use sigmatag::limits;
use sigmatag::ruleset::RuleSet;
use std::path::PathBuf;

/// What was measured of the events that were given.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Events.
    pub events: u64,
    /// Whether these are all events; else they are the first, and have more different texts than
    /// are kept.
    pub all: bool,
}

impl Measured {
    /// A line of the summary.
    pub fn line(self) -> String {
        let events = count(self.events, "event");
        let rest = if self.all { "" } else { " were enough, the rest was not read" };
        format!("profile: {events}{rest}\n")
    }
}

/// Measures the events of files for rules.
///
/// # Errors
/// If a record cannot be examined: a profile of half a file would say the wrong thing.
pub fn read(
    paths: &[PathBuf],
    form: Form,
    rules: &RuleSet,
) -> Result<(Profile, Measured), Failure> {
    let mut profiler = Profiler::new(rules);
    let mut all = true;
    for input in Input::all(paths)? {
        let mut records = input.open(form, limits::MAX_RECORD)?;
        while all && !records.is_done() {
            records.fill().map_err(|error| input.unreadable(&error))?;
            while let Some(record) = next(&mut records) {
                let place = records.place(&input);
                let done = record
                    .map_err(|unread| unread.reason)
                    .and_then(|record| profiler.record(&record).map_err(|e| e.to_string()));
                if let Err(reason) = done {
                    let message = format!(
                        "--profile {place}: {reason}: nothing was written; repair the record or \
                         take it out"
                    );
                    return Err(Failure::Unusable(message));
                }
            }
            all = !profiler.is_full() || records.is_done();
        }
    }
    let profile = profiler.finish();
    let events = profile.events();
    if events == 0 {
        let message = "there is no event in --profile: nothing was written".to_owned();
        return Err(Failure::Unusable(message));
    }
    Ok((profile, Measured { events, all }))
}
