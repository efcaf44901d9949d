//! A server and real sockets: what clients see of it.
//!
//! Nothing is measured, and nothing waits for a time to pass: each step waits for what it expects,
//! and fails if that does not come within a time that is far longer than it takes.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

mod api;
mod auth;
#[path = "../built/mod.rs"]
mod built;
mod client;
mod coming_back;
mod conversation;
mod deploy;
mod dialogue;
mod embed;
mod ending;
mod entering;
mod held;
mod history;
mod hostile;
mod inspect;
mod journal;
mod killed;
mod log;
mod metrics;
mod mounted;
mod operations;
mod operators;
mod paced;
mod page;
mod process;
mod program;
mod refused;
mod rules;
mod schema;
mod settings;
mod storm;

use client::{Client, PATIENCE, Running, get, settings, start, start_at, until};
use dialogue::Dialogue;
