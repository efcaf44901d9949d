//! Any bytes as frames of Phoenix's clients, a channel behind them, and what else happens: nothing
//! panics, each event gets its one reply with its refs, and connections and channel agree on who
//! has joined what.
//!
//! `cargo +nightly fuzz run -s none --no-trace-compares phoenix -- -max_len=1600`; there is no
//! unsafe code to sanitize, and without it runs several times as fast.
#![no_main]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it"]
mod it {
    pub mod wire {
        pub mod phoenix {
            pub mod hostile;
            pub mod server;
        }
    }
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| it::wire::phoenix::hostile::check_bytes(bytes));
