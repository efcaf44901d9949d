//! How often the log says the same of those who are not let in: as often as a person reads it,
//! however many come. Whoever can reach the server can be refused as often as it likes, and a log that
//! grows with that fills a disk.
//!
//! Figures count them all, and so does the log at `debug`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use parlor::RateLimiter;

use crate::{metrics::Why, operators::Denied};

/// How many lines there are about one thing in a window.
const LINES: u32 = 100;

/// How long that is.
const WINDOW_MS: u64 = 10_000;

/// What a line is about. Each has lines of its own, and so has each reason, so that none hides another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// Connections that are not let in.
    Connections(Why),
    /// Requests for what is not for everybody.
    Operators(Denied),
    /// Requests for a WebSocket at an unknown path.
    Elsewhere,
    /// Connections that the machine does not give.
    Accepting,
}

/// Whether something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// It is, and how often it was not since it was told last, if it was not.
    Line { untold: Option<u64> },
    /// It was told often enough.
    Nothing,
}

/// Decides what is told.
#[derive(Debug)]
pub(crate) struct Telling {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lines: RateLimiter<About>,
    untold: BTreeMap<About, u64>,
}

impl Default for Telling {
    fn default() -> Self {
        let (lines, untold) = (RateLimiter::new(LINES, WINDOW_MS), BTreeMap::new());
        Self { state: Mutex::new(State { lines, untold }) }
    }
}

impl Telling {
    /// Something has happened.
    pub(crate) fn of(&self, about: About, now_ms: u64) -> Tell {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.lines.allow(&about, now_ms).is_ok() {
            return Tell::Line { untold: state.untold.remove(&about) };
        }
        *state.untold.entry(about).or_default() += 1;
        Tell::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_in_ten_seconds_are_told_and_then_how_many_were_not() {
        let telling = Telling::default();
        let about = About::Operators(Denied::Wrong);
        let told = |untold| Tell::Line { untold };
        for number in 0..100 {
            assert_eq!(telling.of(about, number), told(None), "{number}");
        }
        for number in 100..9_999 {
            assert_eq!(telling.of(about, number), Tell::Nothing, "{number}");
        }
        for other in [About::Operators(Denied::NoneShown), About::Connections(Why::Origin)] {
            assert_eq!(telling.of(other, 9_999), told(None), "which is another thing");
        }
        assert_eq!(telling.of(about, 10_000), told(Some(9_899)));
        assert_eq!(telling.of(about, 10_001), told(None));
    }
}
