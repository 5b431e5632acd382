//! Matching events: which rules hold.

use super::contain::{status_of, trip};
use super::engine::sigmatag;
use super::handle::borrow;
use super::memory::{Output, Place, Room, Structs, bytes, read_struct};
use super::scratch::{Leased, sigmatag_scratch};
use super::status::Status;
use super::types::{
    SIGMATAG_FLB_CHUNK, SIGMATAG_FORWARD, SIGMATAG_JSON, SIGMATAG_MAX_BATCH, SIGMATAG_MSGPACK,
    sigmatag_event, sigmatag_hit, sigmatag_source_counts, sigmatag_summary,
};
use crate::engine::{Event, Format, MatchError, Summary};

/// Checks an event of the caller, already copied.
///
/// # Safety
/// Its pointers point to as many readable bytes as it says, which nobody writes while the result
/// is used.
unsafe fn event<'a>(given: &sigmatag_event) -> Result<Event<'a>, Status> {
    let format = match given.format {
        SIGMATAG_JSON => Format::Json,
        SIGMATAG_MSGPACK => Format::Msgpack,
        SIGMATAG_FLB_CHUNK => Format::FlbChunk,
        SIGMATAG_FORWARD => Format::Forward,
        _ => return Err(Status::BadArgument),
    };
    // SAFETY: the caller's promise.
    let (data, tag, logsource) = unsafe {
        (
            bytes(given.data, given.len)?,
            bytes(given.tag, given.tag_len)?,
            bytes(given.logsource, given.logsource_len)?,
        )
    };
    // A log source in another form would be compared with no rule's: silently no match.
    if !logsource.is_empty() && logsource.iter().filter(|&&byte| byte == b'/').count() != 2 {
        return Err(Status::BadArgument);
    }
    Ok(Event { format, data, time_ns: given.time_ns, tag, logsource })
}

/// Copies and checks an event of the caller.
///
/// # Safety
/// `pointer` is NULL or points to a struct of `struct_size` bytes, and as for `event`.
pub(super) unsafe fn read_event<'a>(pointer: *const sigmatag_event) -> Result<Event<'a>, Status> {
    // SAFETY: the caller's promise.
    unsafe { event(&read_struct(pointer)?) }
}

/// The C form of a summary.
pub(super) fn summary_for_c(summary: &Summary, generation: u32) -> sigmatag_summary {
    sigmatag_summary {
        struct_size: 0,
        generation,
        records: summary.records,
        events: summary.events,
        matched_records: summary.matched_records,
        hits: summary.hits,
        malformed: summary.malformed,
        unexamined: summary.unexamined,
        unrouted: summary.unrouted,
        dropped_records: summary.dropped_records,
        split_records: summary.split_records,
        stripped_records: summary.stripped_records,
        tag_replaced: summary.tag_replaced,
        tags_truncated: summary.tags_truncated,
        tags_omitted: summary.tags_omitted,
        normalized_records: summary.normalized_records,
        unmapped_events: summary.unmapped_events,
    }
}

impl sigmatag_scratch {
    /// Counts what an evaluation gave, also a record that could not be evaluated.
    pub(super) fn counted<T>(
        &self,
        leased: &mut Leased,
        outcome: Result<T, MatchError>,
        summary: impl FnOnce(&T) -> Summary,
    ) -> Result<T, Status> {
        let one = Summary { records: 1, ..Summary::default() };
        match &outcome {
            Ok(value) => self.counters.count(&summary(value)),
            Err(MatchError::Malformed { .. }) => {
                self.counters.count(&Summary { malformed: 1, ..one });
            }
            Err(MatchError::Unexamined { .. }) => {
                self.counters.count(&Summary { unexamined: 1, ..one });
            }
            Err(_) => {}
        }
        // A reload is the one reason to take the lock of the totals here.
        if leased.generation != leased.scratch.generation() {
            leased.generation = leased.scratch.generation();
            let totals = &self.engine.totals;
            totals.close_sources(&leased.sources);
            leased.sources = totals.open_sources(leased.scratch.rules());
        }
        for (source, counts) in leased.scratch.source_counts() {
            leased.sources.count(source, counts);
        }
        outcome.map_err(|error| Status::from(&error))
    }
}

/// The caller's room for hits.
struct HitRoom {
    hits: Room<sigmatag_hit>,
    count: Place<usize>,
}

impl HitRoom {
    /// # Safety
    /// As for `Room::new` and `Place::required`.
    unsafe fn new(
        hits: *mut sigmatag_hit,
        cap: usize,
        count: *mut usize,
    ) -> Result<HitRoom, Status> {
        // SAFETY: the caller's promise.
        unsafe { Ok(HitRoom { hits: Room::new(hits, cap)?, count: Place::required(count)? }) }
    }

    /// Writes the hits of the last evaluation, or only their number if they do not fit: half of
    /// them would be a silent miss of the others.
    fn write(self, leased: &Leased) -> Result<(), Status> {
        let found = leased.scratch.hits();
        let generation = leased.scratch.generation();
        self.count.write(found.len());
        if self.hits.capacity() == 0 {
            return Ok(());
        }
        if self.hits.capacity() < found.len() {
            return Err(Status::SmallBuffer);
        }
        self.hits.fill(found.iter().map(|hit| sigmatag_hit {
            record: hit.record,
            event: hit.event,
            rule: hit.rule,
            generation,
        }));
        Ok(())
    }
}

/// Examines one event (or one chunk or message of many records) and writes which rules hold, in the
/// order of record, event and rule.
///
/// With cap 0 (hits may then be NULL) only *count is written. If there are more than cap hits the
/// status is SIGMATAG_SMALL_BUFFER: the event has been examined and counted, *count and *summary
/// are written, hits is not; sigmatag_scratch_hits gives them without examining again. summary may
/// be NULL.
///
/// In a chunk or a Forward message a bad record is counted in summary and is no error; if the one
/// event of SIGMATAG_JSON or SIGMATAG_MSGPACK is bad, the status is SIGMATAG_MALFORMED or
/// SIGMATAG_UNEXAMINED.
///
/// Statuses: the common ones, those named above, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with
/// a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_match(
    engine: *const sigmatag,
    scratch: *mut sigmatag_scratch,
    event: *const sigmatag_event,
    hits: *mut sigmatag_hit,
    cap: usize,
    count: *mut usize,
    summary: *mut sigmatag_summary,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, event, room, output) = unsafe {
            (
                borrow(scratch.cast_const())?,
                read_event(event)?,
                HitRoom::new(hits, cap, count)?,
                Output::optional(summary)?,
            )
        };
        scratch.lease_for(engine, |leased, engine| {
            trip(event.tag);
            let outcome = leased.scratch.match_event(&engine.engine, &event);
            let found = scratch.counted(leased, outcome, |summary| *summary)?;
            if let Some(output) = output {
                output.write(&summary_for_c(&found, leased.scratch.generation()));
            }
            room.write(leased)
        })
    })
}

/// Examines n events, at most SIGMATAG_MAX_BATCH, as sigmatag_match does; sigmatag_hit.record is the
/// index into events. A bad event is counted in summary and is no error. All events must state the
/// same struct_size, which is also their distance.
///
/// Statuses: those of sigmatag_match but SIGMATAG_MALFORMED and SIGMATAG_UNEXAMINED, and
/// SIGMATAG_NO_MEMORY. Nothing is examined if one of the structs is wrong. Any thread, with a scratch
/// that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_match_batch(
    engine: *const sigmatag,
    scratch: *mut sigmatag_scratch,
    events: *const sigmatag_event,
    n: usize,
    hits: *mut sigmatag_hit,
    cap: usize,
    count: *mut usize,
    summary: *mut sigmatag_summary,
) -> i32 {
    status_of(|| {
        if n > SIGMATAG_MAX_BATCH {
            return Err(Status::BadArgument);
        }
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, events, room, output) = unsafe {
            (
                borrow(scratch.cast_const())?,
                Structs::new(events, n)?,
                HitRoom::new(hits, cap, count)?,
                Output::optional(summary)?,
            )
        };
        scratch.lease_for(engine, |leased, engine| {
            let mut batch = std::mem::take(&mut leased.batch);
            // SAFETY: as above. The 'static of these events is a fiction that ends with this
            // call: the list is cleared before it is put back.
            let read = unsafe { read_batch(&events, &mut batch) };
            let outcome = read.map(|()| {
                batch.iter().for_each(|event| trip(event.tag));
                leased.scratch.match_batch(&engine.engine, &batch)
            });
            batch.clear();
            leased.batch = batch;
            let found = scratch.counted(leased, outcome?, |summary| *summary)?;
            if let Some(output) = output {
                output.write(&summary_for_c(&found, leased.scratch.generation()));
            }
            room.write(leased)
        })
    })
}

/// Copies and checks the events of a batch.
///
/// # Safety
/// As for `Structs::read` and `event`; the events must not be used after the call of C ends.
unsafe fn read_batch(
    events: &Structs<sigmatag_event>,
    batch: &mut Vec<Event<'static>>,
) -> Result<(), Status> {
    batch.clear();
    batch.try_reserve(events.count()).map_err(|_| Status::NoMemory)?;
    for index in 0..events.count() {
        // SAFETY: the caller's promise.
        batch.push(unsafe { event(&events.read(index)?)? });
    }
    Ok(())
}

/// Writes the hits of the last sigmatag_match, sigmatag_match_batch or sigmatag_tag_prepare with
/// this scratch. With cap 0 only *count; if there are more than cap hits, SIGMATAG_SMALL_BUFFER and
/// only *count. Allowed while a plan is pending.
///
/// Statuses: the common ones, SIGMATAG_SMALL_BUFFER, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
/// with a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_scratch_hits(
    scratch: *const sigmatag_scratch,
    hits: *mut sigmatag_hit,
    cap: usize,
    count: *mut usize,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, room) = unsafe { (borrow(scratch)?, HitRoom::new(hits, cap, count)?) };
        scratch.lease(|leased| room.write(leased))
    })
}

/// Writes what the last sigmatag_match, sigmatag_match_batch or sigmatag_tag_prepare with this scratch
/// saw of each source; sources that it did not see are left out. (sigmatag_source_info gives the totals of the engine;
/// this is for hosts that count per caller, and costs next to nothing.) With cap 0 only *count; if
/// there are more than cap, SIGMATAG_SMALL_BUFFER and only *count; sigmatag_info_t.sources is always
/// enough. Allowed while a plan is pending.
///
/// Statuses: the common ones, SIGMATAG_SMALL_BUFFER, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
/// with a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_scratch_sources(
    scratch: *const sigmatag_scratch,
    counts: *mut sigmatag_source_counts,
    cap: usize,
    count: *mut usize,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, counts, count) =
            unsafe { (borrow(scratch)?, Room::new(counts, cap)?, Place::required(count)?) };
        scratch.lease(|leased| {
            let found = leased.scratch.source_counts().count();
            count.write(found);
            if counts.capacity() == 0 {
                return Ok(());
            }
            if counts.capacity() < found {
                return Err(Status::SmallBuffer);
            }
            let generation = leased.scratch.generation();
            counts.fill(leased.scratch.source_counts().map(|(source, seen)| {
                sigmatag_source_counts {
                    source,
                    generation,
                    events: seen.events,
                    broken_payload: seen.broken_payload,
                    broken_nested: seen.broken_nested,
                    broken_positions: seen.broken_positions,
                    broken_line: seen.broken_line,
                }
            }));
            Ok(())
        })
    })
}
