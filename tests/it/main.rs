//! The integration tests: one crate, one module a concern.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test that fails panics")]

mod harness;
mod model;
mod ops;
mod properties;
mod replay;
