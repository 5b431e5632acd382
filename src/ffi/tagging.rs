//! Tagging: evaluate once, then write the result into the caller's buffer.

use super::contain::{status_of, success_of, trip};
use super::engine::sigmatag;
use super::handle::borrow;
use super::matching::{read_event, summary_for_c};
use super::memory::{Output, Place, Room, bytes, read_struct};
use super::scratch::sigmatag_scratch;
use super::status::{SIGMATAG_OK, SIGMATAG_UNCHANGED, Status};
use super::types::{
    SIGMATAG_ECS, SIGMATAG_FLAT, SIGMATAG_NESTED, SIGMATAG_ONLY_MATCHING, SIGMATAG_SPLIT_RECORDS,
    SIGMATAG_STRIP_FOREIGN, sigmatag_event, sigmatag_summary, sigmatag_tagging,
};
use crate::engine::{MatchError, Shape, Tagging};

/// The longest key: field names of both platforms end far below it.
const MAX_KEY: usize = 255;

/// Checks how tags shall be written; NULL means the defaults.
///
/// # Safety
/// `pointer` is NULL or points to a struct of `struct_size` bytes, whose key is readable while the
/// result is used.
unsafe fn tagging<'a>(pointer: *const sigmatag_tagging) -> Result<Tagging<'a>, Status> {
    let default = Tagging::default();
    if pointer.is_null() {
        return Ok(default);
    }
    // SAFETY: the caller's promise.
    let given = unsafe { read_struct(pointer)? };
    let known = SIGMATAG_SPLIT_RECORDS | SIGMATAG_ONLY_MATCHING | SIGMATAG_STRIP_FOREIGN;
    if given.flags & !known != 0 || given.reserved != 0 {
        return Err(Status::BadArgument);
    }
    let shape = match given.shape {
        SIGMATAG_NESTED => Shape::Nested,
        SIGMATAG_FLAT => Shape::Flat,
        SIGMATAG_ECS => Shape::Ecs,
        _ => return Err(Status::BadArgument),
    };
    // SAFETY: the caller's promise.
    let key = unsafe { bytes(given.key, given.key_len)? };
    // The key is written into JSON and msgpack alike, so it must be text, and it ends up as a
    // column name, so it must be a line.
    let is_name = key.len() <= MAX_KEY
        && std::str::from_utf8(key).is_ok_and(|key| !key.chars().any(char::is_control));
    // Those maps of the Elastic Common Schema are shared with whoever writes the record.
    let is_shared = shape == Shape::Ecs && [&b"rule"[..], b"threat", b"event"].contains(&key);
    if !is_name || is_shared {
        return Err(Status::BadArgument);
    }
    Ok(Tagging {
        shape,
        key: if key.is_empty() { default.key } else { key },
        split_records: given.flags & SIGMATAG_SPLIT_RECORDS != 0,
        only_matching: given.flags & SIGMATAG_ONLY_MATCHING != 0,
        strip_foreign: given.flags & SIGMATAG_STRIP_FOREIGN != 0,
    })
}

/// Examines an event, a chunk or a message, once, and plans its tagged copy.
///
/// SIGMATAG_UNCHANGED: there is nothing to write, the data go on as they are, no plan is pending,
/// and *out_len is 0. SIGMATAG_OK: a plan is pending, and *out_len is the exact number of bytes that
/// sigmatag_tag_write will write. That may be 0: SIGMATAG_ONLY_MATCHING leaves out every record.
/// While a plan is pending the scratch refuses other work with SIGMATAG_IN_USE, until
/// sigmatag_tag_write succeeds or sigmatag_tag_discard is called. tagging and summary may be NULL.
///
/// Keys of a tag that a record brings along are never left beside ours: on a match they are
/// replaced (and counted). On other records they stay, unless SIGMATAG_STRIP_FOREIGN is set. Our
/// keys are the key of SIGMATAG_NESTED, the columns of SIGMATAG_FLAT, and for SIGMATAG_ECS, whose
/// other members may be of somebody else, the mark: an object under sigmatag_tagging.key with the
/// ids, the level and the rule set.
///
/// SIGMATAG_SPLIT_RECORDS: a record that is an envelope of events ({"records":[A,B]}) becomes one
/// record for each of them, with the time and metadata of the envelope; SIGMATAG_JSON: one line for
/// each; SIGMATAG_MSGPACK: one map behind the other. Events that lie in JSON text inside a string
/// ({"log":"{\"records\":[A,B]}"}) become the wrapper with the text of one event in that place. A
/// record stays whole if anything in the envelope is no object or cannot be read; then each entry
/// of the tag says which event it is about.
///
/// SIGMATAG_ONLY_MATCHING leaves out records that were examined in full and do not match. Records
/// that are malformed or unexamined, that hold text which begins like JSON and cannot be read, or
/// that are of no known source, pass, and so do group markers.
///
/// With sigmatag_options.normalize a record becomes the document of its event, with the tag if it
/// matches, and an envelope one for each of its events.
///
/// Bad records are treated as by sigmatag_match; in a chunk they are copied as they are.
///
/// Statuses: the common ones, SIGMATAG_UNCHANGED, SIGMATAG_MALFORMED, SIGMATAG_UNEXAMINED, SIGMATAG_IN_USE,
/// SIGMATAG_POISONED. Any thread, with a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_tag_prepare(
    engine: *const sigmatag,
    scratch: *mut sigmatag_scratch,
    event: *const sigmatag_event,
    tagging: *const sigmatag_tagging,
    out_len: *mut usize,
    summary: *mut sigmatag_summary,
) -> i32 {
    success_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, event, tagging, out_len, output) = unsafe {
            (
                borrow(scratch.cast_const())?,
                read_event(event)?,
                self::tagging(tagging)?,
                Place::required(out_len)?,
                Output::optional(summary)?,
            )
        };
        scratch.lease_for(engine, |leased, engine| {
            trip(event.tag);
            leased.planned = None;
            let outcome = leased.scratch.tag_prepare(&engine.engine, &event, &tagging);
            let (len, found) = scratch.counted(leased, outcome, |(_, summary)| *summary)?;
            assert_eq!(len.is_some(), leased.scratch.plan_pending(), "a plan has a length");
            leased.planned = len;
            if let Some(output) = output {
                output.write(&summary_for_c(&found, leased.scratch.generation()));
            }
            out_len.write(len.unwrap_or(0));
            Ok(if len.is_some() { SIGMATAG_OK } else { SIGMATAG_UNCHANGED })
        })
    })
}

/// Writes the tagged copy that sigmatag_tag_prepare planned; nothing is evaluated again. data and
/// len must be those that sigmatag_tag_prepare saw, unchanged; out must not overlap data. The plan
/// ends with success, and stays pending otherwise. If cap is too small, *written is the size needed,
/// out is untouched, and the status is SIGMATAG_SMALL_BUFFER.
///
/// Statuses: the common ones, SIGMATAG_NO_PLAN, SIGMATAG_OTHER_DATA, SIGMATAG_SMALL_BUFFER,
/// SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_tag_write(
    scratch: *mut sigmatag_scratch,
    data: *const u8,
    len: usize,
    out: *mut u8,
    cap: usize,
    written: *mut usize,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, data, room, written) = unsafe {
            (
                borrow(scratch.cast_const())?,
                bytes(data, len)?,
                Room::new(out, cap)?,
                Place::required(written)?,
            )
        };
        if room.overlaps(data) {
            return Err(Status::BadArgument);
        }
        scratch.lease(|leased| {
            // Without any room the scratch says what it makes of `data` before `out` is touched.
            let needed = match leased.scratch.tag_write(data, &mut []) {
                Err(MatchError::SmallBuffer { needed }) => needed,
                Err(error) => return Err(Status::from(&error)),
                // Nothing to write, which has now been done.
                Ok(len) => len,
            };
            assert_eq!(leased.planned, Some(needed), "a plan keeps its length");
            if needed == 0 {
                leased.planned = None;
                written.write(0);
                return Ok(());
            }
            if room.capacity() < needed {
                written.write(needed);
                return Err(Status::SmallBuffer);
            }
            // SAFETY: as above; it does not overlap `data`, the only other slice in use.
            let out = unsafe { room.zeroed(needed) };
            let len = leased.scratch.tag_write(data, out).map_err(|error| Status::from(&error))?;
            assert_eq!(len, needed, "a plan is written as it was measured");
            leased.planned = None;
            written.write(len);
            Ok(())
        })
    })
}

/// Drops the pending plan, if there is one.
///
/// Statuses: the common ones, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread, with a scratch that no
/// other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_tag_discard(scratch: *mut sigmatag_scratch) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let scratch = unsafe { borrow(scratch.cast_const())? };
        scratch.lease(|leased| {
            leased.scratch.tag_discard();
            leased.planned = None;
            Ok(())
        })
    })
}
