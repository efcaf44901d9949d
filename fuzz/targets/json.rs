//! Any bytes as lines: what reads as an event is written and read as the same event, and channels
//! that are told it agree with the model, which is told the line.
//!
//! `cargo +nightly fuzz run -s none json -- -max_len=4096`; there is no
//! unsafe code to sanitize, and without it runs several times as fast. What it finds is replayed
//! by the tests once it has a name that says what it is.
#![no_main]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it"]
mod it {
    pub mod harness;
    pub mod model;
    pub mod ops;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::harness::check_lines(bytes));
