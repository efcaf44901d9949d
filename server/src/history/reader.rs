//! The thread that reads pages, so that none holds up what is written.

use std::sync::{Arc, atomic::Ordering};

use rusqlite::{Connection, ErrorCode, InterruptHandle};
use tracing::{error, info};

use super::{HistoryReach, Tally, cursor, turns::Turns};
use crate::claim::Claim;

/// What it owns.
pub(super) struct Reader {
    connection: Connection,
    // Released after the connection is closed: see `Claim`.
    _claim: Arc<Claim>,
    reach: HistoryReach,
    turns: Arc<Turns>,
    tally: Arc<Tally>,
    state: State,
}

/// Ends the reading, also in the middle of a page.
pub(crate) struct Stop {
    turns: Arc<Turns>,
    interrupt: InterruptHandle,
}

/// Whether reading works, which is told when it changes: how often it is tried is up to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    Fails,
}

impl Reader {
    pub(super) const fn new(
        connection: Connection,
        claim: Arc<Claim>,
        reach: HistoryReach,
        turns: Arc<Turns>,
        tally: Arc<Tally>,
    ) -> Self {
        Self { connection, _claim: claim, reach, turns, tally, state: State::Works }
    }

    pub(super) fn stop(&self) -> Stop {
        Stop { turns: Arc::clone(&self.turns), interrupt: self.connection.get_interrupt_handle() }
    }

    /// Answers until it is stopped. Each page is short, whatever is asked: see [`cursor`].
    pub(super) fn run(mut self) {
        while let Some(load) = self.turns.next() {
            let result = cursor::read(&self.connection, &load.wanted, self.reach);
            match &result {
                Ok(_) => {
                    if self.state == State::Fails {
                        info!("the history can be read again");
                    }
                    self.state = State::Works;
                    self.tally.reading.clear();
                    self.tally.pages.fetch_add(1, Ordering::Relaxed);
                }
                Err(failure) => self.fail(failure),
            }
            load.answer(result.map_err(|failure| failure.to_string()));
        }
    }

    fn fail(&mut self, failure: &rusqlite::Error) {
        self.tally.failed_pages.fetch_add(1, Ordering::Relaxed);
        if failure.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            return;
        }
        if self.state == State::Works {
            error!(%failure, "the history can't be read");
        }
        self.state = State::Fails;
        if is_damage(failure) {
            self.tally.damage.set(&failure.to_string());
        } else {
            self.tally.reading.set(&failure.to_string());
        }
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

impl Stop {
    pub(crate) fn stop(&self) {
        self.turns.end();
        self.interrupt.interrupt();
    }
}

/// Whether the file has something that no server has written: trying again does not help, and a
/// page that can be read does not mean that another can.
pub(super) fn is_damage(failure: &rusqlite::Error) -> bool {
    // Without a code, what a row has is not what a message is made of.
    let code = failure.sqlite_error_code();
    code.is_none_or(|code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
