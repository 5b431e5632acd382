//! How much memory a thread holds: the allocator of the test program that compiles this.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the bytes that this thread holds, and the most it ever held.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    let held = HELD.get().wrapping_add(bytes);
    HELD.set(held);
    if held <= isize::MAX as usize {
        PEAK.set(PEAK.get().max(held));
    }
}

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        grow(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a thread held at a moment.
pub struct Held {
    before: usize,
}

impl Held {
    /// Begins to look at the memory of this thread.
    pub fn begin() -> Held {
        let before = HELD.get();
        PEAK.set(before);
        Held { before }
    }

    /// The most that was held beyond that, in bytes.
    pub fn peak(&self) -> usize {
        PEAK.get().saturating_sub(self.before)
    }
}
