//! Any bytes as ops: channels have to agree with the model, and with each other, whatever happens.
#![no_main]

#[path = "../../tests/it"]
mod it {
    pub mod harness;
    pub mod model;
    pub mod ops;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::harness::check_bytes(bytes));
