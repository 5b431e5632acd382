//! The scratch handle and its lease: one call at a time.

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::contain::{catch, explained, silent, status_of};
use super::engine::sigmatag;
use super::failure::Failure;
use super::handle::{Handle, Sole, borrow, give_sole, share, take_sole};
use super::memory::Place;
use super::sources::Block;
use super::status::Status;
use super::totals::Counters;
use super::types::sigmatag_error;
use crate::engine::{Event, Scratch};

/// No call is inside.
const IDLE: u32 = 0;
/// A call is inside.
const BUSY: u32 = 1;
/// A call panicked inside: nothing but freeing is left.
const POISONED: u32 = 2;

/// All memory that matching changes. One call at a time uses it, from any thread; two at once are
/// refused with SIGMATAG_IN_USE. Freed by sigmatag_scratch_free.
pub struct sigmatag_scratch {
    state: AtomicU32,
    leased: UnsafeCell<Leased>,
    /// Keeps the engine alive, so that C may free the two in any order.
    pub(super) engine: Arc<sigmatag>,
    pub(super) counters: Arc<Counters>,
}

/// What only the call that holds the lease may touch.
pub(super) struct Leased {
    pub(super) scratch: Scratch,
    /// Length of the pending plan's output.
    pub(super) planned: Option<usize>,
    /// The events of a batch, empty between calls: kept so that a batch does not allocate.
    pub(super) batch: Vec<Event<'static>>,
    /// Totals by source, laid out for the rule set of this generation.
    pub(super) sources: Arc<Block>,
    pub(super) generation: u32,
}

impl Handle for sigmatag_scratch {
    type Ownership = Sole;
}

// SAFETY: `leased` is reached only by the one call that moved `state` from IDLE to BUSY (see
// `lease`); everything else is atomic or shared by design. `Leased` may be used by one thread after
// another because it is Send, which is asserted below.
unsafe impl Sync for sigmatag_scratch {}

const fn moves_between_threads<T: Send>() {}
const _: () = moves_between_threads::<Leased>();
const _: () = moves_between_threads::<sigmatag_scratch>();

impl sigmatag_scratch {
    /// Runs `body` with the scratch's contents, alone. Released on every path: by success and
    /// failure to IDLE, by a panic to POISONED.
    pub(super) fn lease<R>(
        &self,
        body: impl FnOnce(&mut Leased) -> Result<R, Status>,
    ) -> Result<R, Status> {
        match self.state.compare_exchange(IDLE, BUSY, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => {}
            Err(POISONED) => return Err(Status::Poisoned),
            Err(_) => return Err(Status::InUse),
        }
        // SAFETY: this call moved the state from IDLE to BUSY, so no other is here until the store
        // below; `body` cannot keep the reference.
        let outcome = catch(|| body(unsafe { &mut *self.leased.get() }));
        if outcome.is_err() {
            self.counters.count_panic();
        }
        let next = if outcome.is_ok() { IDLE } else { POISONED };
        self.state.store(next, Ordering::Release);
        outcome.unwrap_or(Err(Status::Panic))
    }

    /// Like `lease`, for calls that evaluate: refused while a plan is pending, whose place in the
    /// scratch they would overwrite, and refused for an engine that is not this scratch's.
    pub(super) fn lease_for<R>(
        &self,
        engine: *const sigmatag,
        body: impl FnOnce(&mut Leased, &sigmatag) -> Result<R, Status>,
    ) -> Result<R, Status> {
        if engine.is_null() {
            return Err(Status::NullArgument);
        }
        // Compared, never followed: a pointer to a freed engine does no harm here.
        if !std::ptr::eq(engine, Arc::as_ptr(&self.engine)) {
            return Err(Status::BadArgument);
        }
        self.lease(|leased| {
            if leased.scratch.plan_pending() {
                return Err(Status::InUse);
            }
            body(leased, &self.engine)
        })
    }
}

impl Drop for sigmatag_scratch {
    fn drop(&mut self) {
        self.engine.totals.close(&self.counters);
        self.engine.totals.close_sources(&self.leased.get_mut().sources);
    }
}

/// Makes a scratch for an engine. It keeps the engine's memory until it is freed.
///
/// Statuses: the common ones. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_scratch_new(
    engine: *const sigmatag,
    out: *mut *mut sigmatag_scratch,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let engine =
                share(engine).map_err(|status| Failure::of_argument(status, "engine", ""))?;
            let out = Place::required(out).map_err(|status| {
                Failure::of_argument(status, "out", "give the address of a sigmatag_scratch *")
            })?;
            let made = catch(|| Scratch::new(&engine.engine)).map_err(|()| {
                engine.totals.count_panic();
                Status::Panic
            })?;
            let counters = engine.totals.open();
            let sources = engine.totals.open_sources(made.rules());
            let generation = made.generation();
            let batch = Vec::new();
            let leased = Leased { scratch: made, planned: None, batch, sources, generation };
            out.write(give_sole(Box::new(sigmatag_scratch {
                state: AtomicU32::new(IDLE),
                leased: UnsafeCell::new(leased),
                engine,
                counters,
            })));
            Ok(())
        })
    }
}

/// Frees a scratch, also a poisoned one. NULL is allowed. A scratch that is inside a call on
/// another thread is not freed but leaked: a leak can be found and a use after free can be
/// exploited. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_scratch_free(scratch: *mut sigmatag_scratch) {
    silent(|| {
        // SAFETY: pointers as the header asks of the caller.
        let busy = unsafe { borrow(scratch.cast_const()) }
            .is_ok_and(|scratch| scratch.state.load(Ordering::Acquire) == BUSY);
        if !busy {
            // SAFETY: as above, and no call is inside, so no reference is left.
            drop(unsafe { take_sole(scratch) });
        }
    });
}

/// Lets go of a rule set that a reload has replaced. A scratch that is used does that by itself;
/// this is for one that will stay idle. Strings of sigmatag_rule_info end with it.
///
/// Statuses: the common ones, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_scratch_release(scratch: *mut sigmatag_scratch) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let scratch = unsafe { borrow(scratch.cast_const())? };
        scratch.lease_for(Arc::as_ptr(&scratch.engine), |leased, engine| {
            leased.scratch.release(&engine.engine);
            Ok(())
        })
    })
}
