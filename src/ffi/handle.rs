//! Who owns what C holds.
//!
//! C sees every handle as a pointer; Rust must know whether that pointer is a Box or an Arc. Each
//! type says it once, and the functions below exist only for the kind it said, so that giving out
//! an Arc and taking back a Box does not compile. (The idea is rustls-ffi's `Castable`.)

use std::sync::Arc;

use super::status::Status;

/// C holds one count of an `Arc`; Rust may hold others.
pub(super) struct Shared;
/// C holds the `Box`.
pub(super) struct Sole;

/// A type that C holds by pointer.
pub(super) trait Handle {
    /// `Shared` or `Sole`.
    type Ownership;
}

/// Gives C one count.
pub(super) fn give_shared<T: Handle<Ownership = Shared>>(value: Arc<T>) -> *mut T {
    Arc::into_raw(value).cast_mut()
}

/// Takes the count back; NULL is `None`.
///
/// # Safety
/// `pointer` came from `give_shared` and was not taken back before.
pub(super) unsafe fn take_shared<T: Handle<Ownership = Shared>>(pointer: *mut T) -> Option<Arc<T>> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { Arc::from_raw(pointer.cast_const()) })
}

/// One more count of what C holds; C keeps its own.
///
/// # Safety
/// `pointer` is NULL or came from `give_shared` and was not taken back.
pub(super) unsafe fn share<T: Handle<Ownership = Shared>>(
    pointer: *const T,
) -> Result<Arc<T>, Status> {
    if pointer.is_null() {
        return Err(Status::NullArgument);
    }
    // SAFETY: the caller's promise; the count goes up first, so C's stays.
    unsafe {
        Arc::increment_strong_count(pointer);
        Ok(Arc::from_raw(pointer))
    }
}

/// Gives C the box.
pub(super) fn give_sole<T: Handle<Ownership = Sole>>(value: Box<T>) -> *mut T {
    Box::into_raw(value)
}

/// Takes the box back; NULL is `None`.
///
/// # Safety
/// `pointer` came from `give_sole`, was not taken back before, and no reference to it is left.
pub(super) unsafe fn take_sole<T: Handle<Ownership = Sole>>(pointer: *mut T) -> Option<Box<T>> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { Box::from_raw(pointer) })
}

/// Looks at what C holds. Only shared references: two threads of C may be in calls at once.
///
/// # Safety
/// `pointer` is NULL or came from a `give` function, and stays alive until the call returns.
pub(super) unsafe fn borrow<'a, T: Handle>(pointer: *const T) -> Result<&'a T, Status> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or(Status::NullArgument)
}
