//! An allocator that counts what its thread allocates: what a test or bench may say exactly.

#![expect(unsafe_code, reason = "an allocator can't be wrapped without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static TALLY: Cell<Tally> = const { Cell::new(Tally { allocations: 0, bytes: 0, live: 0 }) };
}

/// What one thread has allocated since it began: requested sizes, without the allocator's own cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How often, reallocations included.
    pub(crate) allocations: i64,
    /// How many bytes altogether.
    pub(crate) bytes: i64,
    /// How many bytes are held.
    pub(crate) live: i64,
}

/// What `work` allocates on this thread.
pub(crate) fn tally<T>(work: impl FnOnce() -> T) -> (T, Tally) {
    let before = TALLY.get();
    let result = work();
    let after = TALLY.get();
    let since = Tally {
        allocations: after.allocations - before.allocations,
        bytes: after.bytes - before.bytes,
        live: after.live - before.live,
    };
    (result, since)
}

fn count(taken: usize, returned: usize) {
    let signed = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
    // Nothing can be counted while a thread ends, and nothing has to be.
    let _ = TALLY.try_with(|tally| {
        let Tally { allocations, bytes, live } = tally.get();
        tally.set(Tally {
            allocations: allocations + i64::from(taken > 0),
            bytes: bytes + signed(taken),
            live: live + signed(taken) - signed(returned),
        });
    });
}

struct Counting;

// SAFETY: whatever is asked for is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}
