//! The caller's memory: the only place where a pointer from C is read or written.
//!
//! Nothing here forms a reference to a struct of the caller: structs are copied byte by byte, so
//! that any alignment will do and a struct of an older or newer header can be taken. An output is
//! checked before the work starts (`Output`, `Place`) and written after it has succeeded.

use std::mem::{MaybeUninit, size_of};
use std::ptr;

use super::status::Status;

/// No header, however new, has a larger struct. It exists to catch a `struct_size` that was never
/// set: most stray numbers are larger.
const MAX_STRUCT_SIZE: usize = 4096;

/// A C struct that begins with `struct_size`, so that it can grow at its end.
///
/// # Safety
/// The type is `repr(C)`, its first field is a `u32`, every bit pattern is a valid value, and there
/// is no padding: it is copied whole, and padding would hand bytes of our stack to the caller.
pub(super) unsafe trait Versioned: Copy {
    /// The size in ABI version 1: less is refused.
    const V1_SIZE: usize;
}

/// The `struct_size` that the caller wrote, if it is a size that some header may have.
///
/// # Safety
/// `pointer` is NULL or points to a struct of the caller, at least its first four bytes.
unsafe fn declared_size<T: Versioned>(pointer: *const T) -> Result<usize, Status> {
    const { assert!(T::V1_SIZE <= size_of::<T>() && size_of::<T>() <= MAX_STRUCT_SIZE) }
    if pointer.is_null() {
        return Err(Status::NullArgument);
    }
    // SAFETY: not NULL, and the caller promises four readable bytes.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if !(T::V1_SIZE..=MAX_STRUCT_SIZE).contains(&size) {
        return Err(Status::BadArgument);
    }
    Ok(size)
}

/// Copies an input struct. What an older header does not have reads as zero; what a newer header
/// has more is ignored.
///
/// # Safety
/// `pointer` is NULL or points to a struct of `struct_size` readable bytes.
pub(super) unsafe fn read_struct<T: Versioned>(pointer: *const T) -> Result<T, Status> {
    // SAFETY: the caller's promise.
    let size = unsafe { declared_size(pointer)? };
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the source has `size` readable bytes, the destination `size_of::<T>()`; a local does
    // not overlap the caller's memory. All-zero and every other pattern is a value of T.
    unsafe {
        ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            value.as_mut_ptr().cast::<u8>(),
            size.min(size_of::<T>()),
        );
        Ok(value.assume_init())
    }
}

/// Structs of the caller that lie one after another, each `struct_size` bytes from the next: the
/// caller's compiler knows another size than ours.
pub(super) struct Structs<T> {
    first: *const T,
    count: usize,
    stride: usize,
}

impl<T: Versioned> Structs<T> {
    /// # Safety
    /// `first` points to `count` structs of the size that the first one states; NULL is allowed
    /// (and refused unless `count` is 0).
    pub(super) unsafe fn new(first: *const T, count: usize) -> Result<Structs<T>, Status> {
        if count == 0 {
            return Ok(Structs { first, count, stride: 0 });
        }
        // SAFETY: the caller's promise, for the first struct.
        let stride = unsafe { declared_size(first)? };
        let bytes = count.checked_mul(stride).ok_or(Status::BadArgument)?;
        check_range(first.cast(), bytes)?;
        Ok(Structs { first, count, stride })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Copies one struct. All of an array must state the same size.
    ///
    /// # Safety
    /// The memory that `new` was promised is still there.
    pub(super) unsafe fn read(&self, index: usize) -> Result<T, Status> {
        assert!(index < self.count);
        // SAFETY: `new` checked that the whole array fits the address space.
        let pointer = unsafe { self.first.byte_add(index * self.stride) };
        // SAFETY: inside the array.
        unsafe {
            if declared_size(pointer)? != self.stride {
                return Err(Status::BadArgument);
            }
            read_struct(pointer)
        }
    }
}

/// A struct of the caller that will be written if the call succeeds.
pub(super) struct Output<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: Versioned> Output<T> {
    /// # Safety
    /// `pointer` is NULL or points to a struct of `struct_size` bytes that stays writable and
    /// untouched by others until the call returns.
    pub(super) unsafe fn required(pointer: *mut T) -> Result<Output<T>, Status> {
        // SAFETY: the caller's promise.
        let size = unsafe { declared_size(pointer.cast_const())? };
        Ok(Output { pointer, size: size.min(size_of::<T>()) })
    }

    /// Like `required`, but NULL means that the caller does not want it.
    ///
    /// # Safety
    /// As for `required`.
    pub(super) unsafe fn optional(pointer: *mut T) -> Result<Option<Output<T>>, Status> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        unsafe { Self::required(pointer).map(Some) }
    }

    /// Writes everything but `struct_size`, which is the caller's, and nothing behind it.
    pub(super) fn write(self, value: &T) {
        let head = size_of::<u32>();
        // SAFETY: `required` saw a struct of at least `self.size` bytes, at most as many as T has;
        // `value` is ours, so they do not overlap.
        unsafe {
            ptr::copy_nonoverlapping(
                ptr::from_ref(value).cast::<u8>().add(head),
                self.pointer.cast::<u8>().add(head),
                self.size - head,
            );
        }
    }
}

/// A plain value of the caller (`size_t *count`) that will be written if the call succeeds.
pub(super) struct Place<T>(*mut T);

impl<T: Copy> Place<T> {
    /// # Safety
    /// `pointer` is NULL or points to a value that stays writable until the call returns.
    pub(super) unsafe fn required(pointer: *mut T) -> Result<Place<T>, Status> {
        if pointer.is_null() { Err(Status::NullArgument) } else { Ok(Place(pointer)) }
    }

    pub(super) fn write(self, value: T) {
        // SAFETY: `required` was promised a writable value.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// Room of the caller for `capacity` plain values.
pub(super) struct Room<T> {
    pointer: *mut T,
    capacity: usize,
}

impl<T: Copy> Room<T> {
    /// # Safety
    /// `pointer` points to room for `capacity` values until the call returns; NULL is allowed (and
    /// refused unless `capacity` is 0).
    pub(super) unsafe fn new(pointer: *mut T, capacity: usize) -> Result<Room<T>, Status> {
        if capacity > 0 {
            let bytes = capacity.checked_mul(size_of::<T>()).ok_or(Status::BadArgument)?;
            check_range(pointer.cast_const().cast(), bytes)?;
        }
        Ok(Room { pointer, capacity })
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes from the start, as far as there is room.
    pub(super) fn fill(self, values: impl Iterator<Item = T>) {
        for (index, value) in values.take(self.capacity).enumerate() {
            // SAFETY: below the capacity that `new` was promised.
            unsafe { self.pointer.add(index).write_unaligned(value) }
        }
    }
}

impl Room<u8> {
    /// The first `len` bytes as a zeroed slice; `len` is at most the capacity.
    ///
    /// PERF: C's malloc gives uninitialised memory, which a `&mut [u8]` must not show. Zeroing
    /// costs one pass over an output that is about to be written, and only for records that
    /// matched.
    ///
    /// # Safety
    /// Nobody else uses the room while the slice is used, and it overlaps no slice in use.
    pub(super) unsafe fn zeroed<'a>(self, len: usize) -> &'a mut [u8] {
        assert!(len <= self.capacity);
        if len == 0 {
            return &mut [];
        }
        // SAFETY: `new` was promised this room; the rest is the caller's promise.
        unsafe {
            ptr::write_bytes(self.pointer, 0, len);
            std::slice::from_raw_parts_mut(self.pointer, len)
        }
    }

    /// Whether the room shares any byte with `other`.
    pub(super) fn overlaps(&self, other: &[u8]) -> bool {
        overlap(self.pointer, self.capacity, other.as_ptr(), other.len())
    }
}

/// Whether `len` bytes from `pointer` can be an object at all.
fn check_range(pointer: *const u8, len: usize) -> Result<(), Status> {
    if pointer.is_null() {
        return Err(Status::NullArgument);
    }
    // Rust's slices end at isize::MAX; no C object is larger either.
    if len > isize::MAX as usize || pointer.addr().checked_add(len).is_none() {
        return Err(Status::BadArgument);
    }
    Ok(())
}

/// The bytes of an input. NULL is allowed if `len` is 0.
///
/// # Safety
/// `pointer` points to `len` readable bytes that nobody writes while the result is used.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, len: usize) -> Result<&'a [u8], Status> {
    if len == 0 {
        return Ok(&[]);
    }
    check_range(pointer, len)?;
    // SAFETY: not NULL, not too long, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// Whether two ranges of bytes share any.
fn overlap(a: *const u8, a_len: usize, b: *const u8, b_len: usize) -> bool {
    a_len > 0
        && b_len > 0
        && a.addr() < b.addr().saturating_add(b_len)
        && b.addr() < a.addr().saturating_add(a_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::types::{sigmatag_event, sigmatag_options, sigmatag_summary};

    fn options() -> sigmatag_options {
        sigmatag_options {
            struct_size: size_of::<sigmatag_options>() as u32,
            flags: 1,
            min_level: 2,
            max_record: 3,
            logsource_mode: 1,
            reserved0: 0,
            disable_rules: ptr::null(),
            disable_rules_len: 0,
            normalize: ptr::null(),
            normalize_len: 0,
            reserved: [4; 2],
        }
    }

    #[test]
    fn struct_sizes_outside_the_known_range_are_refused() {
        let mut value = options();
        for (size, ok) in [
            (0, false),
            (4, false),
            (71, false),
            (72, true),
            (73, true),
            (4096, true),
            (4097, false),
            (u32::MAX, false),
        ] {
            value.struct_size = size;
            // SAFETY: the struct is readable; only as much as T has is copied.
            let read = unsafe { read_struct(&raw const value) };
            assert_eq!(read.is_ok(), ok, "struct_size {size}");
        }
    }

    #[test]
    fn a_misaligned_struct_is_read_and_written() {
        let mut room = [0xeeu8; size_of::<sigmatag_options>() + 2];
        let value = options();
        let pointer = room[1..].as_mut_ptr().cast::<sigmatag_options>();
        // SAFETY: the room has the size of the struct after its first byte.
        unsafe {
            pointer.write_unaligned(value);
            let read = read_struct(pointer.cast_const()).ok().map(|read| read.reserved);
            assert_eq!(read, Some([4; 2]));
            let other = sigmatag_options { struct_size: 9, max_record: 7, ..value };
            Output::required(pointer).ok().unwrap().write(&other);
            let read = pointer.read_unaligned();
            assert_eq!((read.struct_size, read.max_record), (72, 7));
        }
        assert_eq!((room[0], room[room.len() - 1]), (0xee, 0xee));
    }

    #[test]
    fn a_larger_output_keeps_its_tail() {
        #[repr(C)]
        struct Newer {
            known: sigmatag_summary,
            tail: u64,
        }
        let zero = sigmatag_summary {
            struct_size: size_of::<Newer>() as u32,
            generation: 0,
            records: 0,
            events: 0,
            matched_records: 0,
            hits: 0,
            malformed: 0,
            unexamined: 0,
            unrouted: 0,
            dropped_records: 0,
            split_records: 0,
            stripped_records: 0,
            tag_replaced: 0,
            tags_truncated: 0,
            tags_omitted: 0,
            normalized_records: 0,
            unmapped_events: 0,
        };
        let mut newer = Newer { known: zero, tail: 77 };
        let pointer = (&raw mut newer).cast::<sigmatag_summary>();
        // SAFETY: `newer` is larger than the struct.
        unsafe { Output::required(pointer) }.ok().unwrap().write(&sigmatag_summary {
            struct_size: 1,
            unrouted: 5,
            ..zero
        });
        assert_eq!((newer.known.unrouted, newer.tail), (5, 77));
        assert_eq!(newer.known.struct_size as usize, size_of::<Newer>());
    }

    #[test]
    fn an_array_is_walked_by_the_callers_size() {
        #[repr(C)]
        #[derive(Clone, Copy)]
        struct Newer {
            known: sigmatag_event,
            tail: [u64; 3],
        }
        let event = |time_ns| sigmatag_event {
            struct_size: size_of::<Newer>() as u32,
            format: 1,
            data: ptr::null(),
            len: 0,
            time_ns,
            tag: ptr::null(),
            tag_len: 0,
            logsource: ptr::null(),
            logsource_len: 0,
        };
        let mut newer = [1, 2, 3].map(|time| Newer { known: event(time), tail: [u64::MAX; 3] });
        // SAFETY: three structs of the stated size.
        unsafe {
            let list = Structs::new(newer.as_ptr().cast::<sigmatag_event>(), 3).ok().unwrap();
            let times: Vec<i64> = (0..3).filter_map(|i| Some(list.read(i).ok()?.time_ns)).collect();
            assert_eq!(times, [1, 2, 3]);
        }
        newer[2].known.struct_size = 64;
        // SAFETY: as above; the third states another size.
        unsafe {
            let list = Structs::new(newer.as_ptr().cast::<sigmatag_event>(), 3).ok().unwrap();
            assert_eq!(list.read(2).err(), Some(Status::BadArgument));
            let huge = Structs::new(newer.as_ptr().cast::<sigmatag_event>(), usize::MAX / 8);
            assert_eq!(huge.err(), Some(Status::BadArgument));
        }
    }

    #[test]
    fn ranges_that_cannot_exist_are_refused() {
        let byte = 7u8;
        // SAFETY: refused before anything is read.
        unsafe {
            assert_eq!(bytes(ptr::null(), 0), Ok(&[][..]));
            assert_eq!(bytes(ptr::null(), 1), Err(Status::NullArgument));
            assert_eq!(bytes(&byte, isize::MAX as usize + 1), Err(Status::BadArgument));
            assert_eq!(bytes(&byte, 1), Ok(&[7][..]));
            assert_eq!(bytes(ptr::without_provenance(usize::MAX - 4), 8), Err(Status::BadArgument));
        }
    }

    #[test]
    fn overlapping_ranges_are_seen() {
        let room = [0u8; 8];
        let at = |offset: usize| room[offset..].as_ptr();
        assert!(overlap(at(0), 4, at(3), 1));
        assert!(overlap(at(3), 1, at(0), 4));
        assert!(!overlap(at(0), 4, at(4), 4));
        assert!(!overlap(at(0), 0, at(0), 4));
    }
}
