//! Any bytes as a configuration and events, as a driver's own fuzz target would make them: nothing
//! panics, no invariant fails and no rule of order is broken.
//!
//! `cargo +nightly fuzz run -s none --no-trace-compares events -- -max_len=1600`; there is no
//! unsafe code to sanitize, and without it runs several times as fast.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor::{
    Channel, Config,
    testing::{Checker, Events},
};

fuzz_target!(|case: (Config, Events)| {
    let (config, Events(events)) = case;
    let mut checker = Checker::new(&config);
    let mut channel = Channel::single_node(config);
    for event in &events {
        channel.handle(event.clone());
        if let Err(broken) = checker.observe(event, &channel.flush_outbox()) {
            panic!("{broken}, by {event:?}");
        }
        channel.check_invariants();
    }
    if let Err(broken) = checker.finish() {
        panic!("{broken}, in the end");
    }
});
