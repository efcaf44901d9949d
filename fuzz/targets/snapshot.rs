//! Any bytes as ops, changes of the snapshot that comes of them, and more ops: what no channel has
//! saved is refused, or makes a channel that takes whatever comes.
//!
//! `cargo +nightly fuzz run -s none --no-trace-compares snapshot -- -max_len=1600`; there is no
//! unsafe code to sanitize, and without it runs several times as fast. What it finds is replayed
//! by the tests once it has a name that says what it is.
#![no_main]

#[path = "../../tests/it"]
mod it {
    pub mod damage;
    pub mod ops;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::damage::check_bytes(bytes));
