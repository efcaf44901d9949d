//! Proof that the core needs no standard library, and so can do no I/O.
//!
//! A panic handler may be defined once in a program, and std defines one: if anything below parlor
//! brought std in, this would not build.
#![no_std]

extern crate alloc;

use core::{
    alloc::{GlobalAlloc, Layout},
    panic::PanicInfo,
    ptr,
};

use parlor::{Channel, Config, Join};

/// Drives a channel, so that all of it is linked.
#[unsafe(no_mangle)]
pub extern "C" fn messages_of_a_join() -> usize {
    let mut channel = Channel::single_node(Config::default());
    channel.handle(Join::new("c1", "room:1", "ann", 0).into());
    let outbox = channel.flush_outbox();
    outbox.iter().filter_map(|outbound| label_len(outbound.label())).sum()
}

fn label_len(label: &str) -> Option<usize> {
    parlor::Json::of(label).ok().map(|json| json.as_str().len())
}

struct NoMemory;

// SAFETY: it never hands out memory. This library is linked to prove that it can be, not run.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _memory: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static MEMORY: NoMemory = NoMemory;

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {}
}
