//! The thread that reads pages, so that a long one does not hold up what is written.

use std::{
    fs::File,
    sync::{Arc, atomic::Ordering, mpsc},
};

use rusqlite::Connection;
use tracing::{error, info};

use super::{HistoryReach, Load, Loaded, Tally, Wanted, table};
use crate::shard::Message;

/// What it owns.
pub(super) struct Reader {
    connection: Connection,
    reach: HistoryReach,
    asked: mpsc::Receiver<Box<Load>>,
    tally: Arc<Tally>,
    _lock: Arc<File>,
    state: State,
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
        reach: HistoryReach,
        asked: mpsc::Receiver<Box<Load>>,
        tally: Arc<Tally>,
        lock: Arc<File>,
    ) -> Self {
        Self { connection, reach, asked, tally, _lock: lock, state: State::Works }
    }

    /// Answers until nobody asks any more. How many wait, shards see to.
    pub(super) fn run(mut self) {
        while let Ok(mut asked) = self.asked.recv() {
            let Some(wanted) = Wanted::by(&asked.page) else { continue };
            match table::page(&self.connection, wanted, self.reach) {
                Ok(messages) => {
                    if self.state == State::Fails {
                        info!("pages are read from the history again");
                    }
                    self.state = State::Works;
                    self.tally.pages.fetch_add(1, Ordering::Relaxed);
                    asked.page.complete(messages, asked.max_bytes);
                    asked.answer();
                }
                Err(failure) => {
                    if self.state == State::Works {
                        error!(%failure, "a page can't be read from the history");
                    }
                    self.state = State::Fails;
                    self.tally.failed_pages.fetch_add(1, Ordering::Relaxed);
                    asked.fail();
                }
            }
        }
    }
}

impl Load {
    /// Waits until the shard has room for it. The shard may have gone.
    pub(super) fn answer(self) {
        let loaded = Loaded { request: self.request, page: self.page };
        if let Some(mailbox) = self.answer.upgrade() {
            mailbox.blocking_send(Message::Loaded(Box::new(loaded))).ok();
        }
    }

    /// The page is what memory has of it.
    pub(super) fn fail(mut self) {
        self.page.end_at_memory();
        self.answer();
    }
}
