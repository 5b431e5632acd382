//! Panics end here.
//!
//! Every function of the ABI runs its whole body inside one of these, argument checks included.
//! Alternatives refused: `panic=abort` (takes the log shipper down), a panic hook (process-wide,
//! belongs to the host), a flag that disables the library after a panic (one bad event would
//! silence every engine).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::{ErrorPlace, Failure};
use super::status::{SIGMATAG_OK, Status};
use super::types::sigmatag_error;

#[cfg(not(panic = "unwind"))]
compile_error!(
    "libsigmatag turns panics into SIGMATAG_PANIC and so must be built with panic = \"unwind\""
);

/// Runs `body`; a panic comes back as `Err`.
pub(super) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, ()> {
    // Unwind safety: what a panic may leave half-changed is the scratch, which is poisoned by its
    // lease, and locals, which are gone.
    catch_unwind(AssertUnwindSafe(body)).map_err(dispose)
}

/// Drops what a panic carried. That can panic once more; then it is leaked.
fn dispose(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// The body of a function that returns a status and nothing more.
pub(super) fn status_of(body: impl FnOnce() -> Result<(), Status>) -> i32 {
    success_of(|| body().map(|()| SIGMATAG_OK))
}

/// The body of a function with more than one status for success.
pub(super) fn success_of(body: impl FnOnce() -> Result<i32, Status>) -> i32 {
    match catch(body) {
        Ok(Ok(status)) => status,
        Ok(Err(status)) => status.code(),
        Err(()) => Status::Panic.code(),
    }
}

/// The body of a function that also explains its failure to a `sigmatag_error` of the caller.
///
/// # Safety
/// `error` is NULL or points to a struct of `struct_size` bytes that is the caller's to be written.
pub(super) unsafe fn explained(
    error: *mut sigmatag_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> i32 {
    let outer = catch(|| {
        // An error struct that cannot be written is found before the work, not after it.
        // SAFETY: the caller's promise.
        let place = unsafe { ErrorPlace::new(error)? };
        let failure = match catch(body) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(()) => Failure::from(Status::Panic),
        };
        place.write(&failure);
        Err(failure.status)
    });
    match outer {
        Ok(Ok(())) => SIGMATAG_OK,
        Ok(Err(status)) => status.code(),
        Err(()) => Status::Panic.code(),
    }
}

/// For functions that return nothing.
pub(super) fn silent(body: impl FnOnce()) {
    let _ = catch(body);
}

/// Text that panics in a library built with the feature `test-panic`: as an event's tag inside a
/// match, as the bytes of a rule file inside a load. The C tests use it to see the containment.
#[cfg(feature = "test-panic")]
pub(super) fn trip(text: &[u8]) {
    assert_ne!(text, b"sigmatag-test-panic", "asked for by the feature test-panic");
}

/// Without the feature `test-panic` no text is special.
#[cfg(not(feature = "test-panic"))]
#[inline(always)]
pub(super) fn trip(_text: &[u8]) {}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(status_of(|| panic!("text")), Status::Panic.code());
        assert_eq!(status_of(|| Err(Status::Io)), Status::Io.code());
        assert_eq!(status_of(|| Ok(())), SIGMATAG_OK);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_survived() {
        let caught = catch(|| std::panic::panic_any(PanicsInDrop));
        assert_eq!(caught, Err(()));
    }

    #[test]
    fn without_an_error_struct_the_status_still_arrives() {
        // SAFETY: NULL is allowed.
        let status = unsafe { explained(std::ptr::null_mut(), || panic!("text")) };
        assert_eq!(status, Status::Panic.code());
    }
}
