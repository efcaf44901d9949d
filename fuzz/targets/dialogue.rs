//! Any bytes as what Dialogue's clients say: nothing panics, all that they are sent is JSON, and
//! every command is answered as its protocol wants.
//!
//! `cargo +nightly fuzz run -s none dialogue -- -max_len=2048`; there is no unsafe code to sanitize,
//! and without it runs several times as fast. What it finds is a test in
//! `tests/it/wire/dialogue/hostile.rs` once it has a name that says what it is.
#![no_main]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/wire/dialogue"]
mod it {
    pub mod hostile;
    pub mod world;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::hostile::check(bytes));
