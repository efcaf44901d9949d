//! What an attacker is made of, for other tests than the outsider's script.

pub mod arena;
pub mod page;
pub mod raw;
pub mod tokens;
pub mod visitor;

use std::time::Duration;

/// How long anything may take before an attack fails: far longer than it does.
pub const PATIENCE: Duration = Duration::from_secs(50);
