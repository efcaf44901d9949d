//! A page on its way to the thread that reads, and back to the engine, which waits for it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use parlor::ClientId;
use tokio::sync::mpsc::WeakSender;

use super::{Asker, Found, Tally, Wanted};
use crate::engine::Message;

/// How many pages may be on their way, of all clients; each client has one at a time.
pub(super) const MAX_LOADS: u64 = 65_536;

/// A page that is asked of the file.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) wanted: Wanted,
    pub(super) asker: Asker,
    number: u64,
    waits: Arc<AtomicBool>,
    answers: Arc<Answers>,
    tally: Arc<Tally>,
}

/// What the engine holds as long as it waits for a load. When it is dropped, the load is dropped
/// without being read.
#[derive(Debug)]
pub(crate) struct Ticket(Arc<AtomicBool>);

/// What has come of loads. The thread that reads never waits for the engine: the engine takes
/// answers after each batch, and is woken by a message if it has room for one, otherwise it is awake.
#[derive(Debug)]
pub(super) struct Answers {
    read: Mutex<Vec<Answer>>,
    mailbox: WeakSender<Message>,
}

/// What has come of one load.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) client_id: ClientId,
    /// The number with which it was asked for.
    pub(crate) number: u64,
    pub(crate) result: Result<Found, String>,
}

impl Load {
    /// None if as many as may be are on their way.
    pub(super) fn new(
        wanted: Wanted,
        asker: Asker,
        number: u64,
        answers: &Arc<Answers>,
        tally: &Arc<Tally>,
    ) -> Option<(Self, Ticket)> {
        if tally.loads.fetch_add(1, Ordering::Relaxed) >= MAX_LOADS {
            tally.loads.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let waits = Arc::new(AtomicBool::new(true));
        let ticket = Ticket(Arc::clone(&waits));
        let (answers, tally) = (Arc::clone(answers), Arc::clone(tally));
        Some((Self { wanted, asker, number, waits, answers, tally }, ticket))
    }

    /// Whether the engine still waits for it.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    pub(super) fn answer(self, result: Result<Found, String>) {
        let client_id = self.wanted.client_id.clone();
        self.answers.push(Answer { client_id, number: self.number, result });
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tally.loads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Answers {
    pub(super) const fn new(mailbox: WeakSender<Message>) -> Self {
        Self { read: Mutex::new(Vec::new()), mailbox }
    }

    fn push(&self, answer: Answer) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        if let Some(mailbox) = self.mailbox.upgrade() {
            mailbox.try_send(Message::PagesRead).ok();
        }
    }

    pub(super) fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
