//! The guard, as a test crate of its own.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

#[path = "it/guard.rs"]
mod guard;
