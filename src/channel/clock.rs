//! What time it is, and what waits for a time.

use super::queries::{Deadline, DeadlineReason};
use crate::agenda::{Agenda, Due};

/// The clock of a channel, and its agenda.
#[derive(Debug, Clone, Default)]
pub(super) struct Clock {
    // Invariant: the largest time that an event has told.
    pub(super) now_ms: u64,
    pub(super) agenda: Agenda,
}

impl Clock {
    pub(super) fn advance(&mut self, now_ms: Option<u64>) {
        self.now_ms = self.now_ms.max(now_ms.unwrap_or(0));
    }

    /// Whether anything waits at all.
    pub(super) fn is_waiting(&self) -> bool {
        self.agenda.len() > 0
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let (at_ms, due) = self.agenda.next()?;
        let why = match due {
            Due::Footing { .. } | Due::Client(_) => DeadlineReason::Grace,
            Due::Window { .. } => DeadlineReason::PresenceWindow,
        };
        Some(Deadline { at_ms, why })
    }
}
