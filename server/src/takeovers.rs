//! How often connections of one client take over from each other.
//!
//! Two pages with one session would do so for ever, as fast as they can, since each comes back when
//! it is closed. Who is refused instead waits longer each time.

use parlor::{ClientId, RateLimiter};

/// How many there may be in a window. A client whose network comes and goes needs fewer.
pub(crate) const MAX: u32 = 10;

/// How long that window is.
pub(crate) const WINDOW_MS: u64 = 10_000;

/// After how long it is said again.
const SILENT_MS: u64 = 600_000;

/// Counts takeovers. What is over is forgotten as others come, so that it does not grow.
#[derive(Debug)]
pub(crate) struct Takeovers {
    counted: RateLimiter<ClientId>,
    told: RateLimiter<ClientId>,
}

/// One that is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// Nobody who runs the server has been told.
    News,
    Known,
}

impl Takeovers {
    /// Counts one, unless there were too many.
    pub(crate) fn count(&mut self, client_id: &ClientId, now_ms: u64) -> Result<(), TooMany> {
        let counted = self.counted.allow(client_id, now_ms);
        counted.map_err(|_| match self.told.allow(client_id, now_ms) {
            Ok(()) => TooMany::News,
            Err(_) => TooMany::Known,
        })
    }
}

impl Default for Takeovers {
    fn default() -> Self {
        Self { counted: RateLimiter::new(MAX, WINDOW_MS), told: RateLimiter::new(1, SILENT_MS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_in_ten_seconds_are_enough_and_it_is_told_once() {
        let mut takeovers = Takeovers::default();
        let mut check = |client: &str, now_ms, expected| {
            assert_eq!(takeovers.count(&client.into(), now_ms), expected, "{client} at {now_ms}");
        };
        for number in 0..10 {
            check("c1", number, Ok(()));
        }
        check("c1", 10, Err(TooMany::News));
        check("c1", 9_999, Err(TooMany::Known));
        check("c2", 9_999, Ok(()));
        for number in 0..10 {
            check("c1", 10_000 + number, Ok(()));
        }
        check("c1", 10_010, Err(TooMany::Known));
    }
}
