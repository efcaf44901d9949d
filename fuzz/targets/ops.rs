//! Any bytes as ops: channels have to agree with the model, and with each other, whatever happens.
//!
//! `cargo +nightly fuzz run -s none --no-trace-compares ops -- -max_len=1600`; there is no
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

fuzz_target!(|bytes: &[u8]| it::harness::check_bytes(bytes));
