//! The clock of a server: milliseconds since 1970, which never go back.
//!
//! Read off the machine once, at the start, and counted on from there: whoever sets the machine's
//! clock neither stops what waits for a time nor lets it all expire at once.

use std::time::{Duration, Instant, UNIX_EPOCH};

/// Tells the time, the same to the engine and all connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    /// Starts at what the machine takes for the time.
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), started_ms: millis(since_1970()) }
    }

    /// When it was started.
    pub(crate) const fn started_ms(self) -> u64 {
        self.started_ms
    }

    /// What time it is.
    pub(crate) fn now_ms(self) -> u64 {
        self.started_ms.saturating_add(millis(self.started.elapsed()))
    }

    /// In how long it will be `at_ms`.
    pub(crate) fn until(self, at_ms: u64) -> Duration {
        Duration::from_millis(at_ms.saturating_sub(self.now_ms()))
    }
}

/// What the machine takes for the time, in seconds: what tokens are compared with.
pub(crate) fn unix_s() -> u64 {
    since_1970().as_secs()
}

#[expect(clippy::disallowed_types, reason = "this is the clock")]
fn since_1970() -> Duration {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
