//! The integration tests: one crate, one module a concern.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

mod api;
mod canary;
mod damage;
mod golden;
mod guard;
mod harness;
mod labels;
mod limits;
mod many_rooms;
mod model;
mod ops;
mod presences;
mod properties;
mod recovery;
mod replay;
mod rules;
mod scenarios;
mod script;
mod snapshots;
mod testing;
mod tidy;
mod wire;
