//! Any bytes as lines: what reads as an event is written and read as the same event, and channels
//! that are told it agree with the model, which is told the line.
#![no_main]

#[path = "../../tests/it"]
mod it {
    pub mod harness;
    pub mod model;
    pub mod ops;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::harness::check_lines(bytes));
