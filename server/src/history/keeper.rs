//! What a shard has of the history: it hands over what is to be kept, and never waits.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::Sender,
};

use parlor::{Evicted, HistoryLoaded, LoadHistory, Outbound};
use tokio::sync::mpsc::WeakSender;
use tracing::error;

use super::{Command, Kept, Load, Tally};
use crate::shard::Message;

/// Hands over what a channel says that is to be kept, if there is a history.
#[derive(Debug, Default)]
pub(crate) struct Keeper(Option<Hands>);

#[derive(Debug)]
struct Hands {
    commands: Sender<Command>,
    tally: Arc<Tally>,
    answer: WeakSender<Message>,
    max_waiting_bytes: u64,
    /// Whether the last that was handed over was lost, which has been told.
    is_behind: AtomicBool,
}

impl Keeper {
    pub(super) const fn new(
        commands: Sender<Command>,
        tally: Arc<Tally>,
        answer: WeakSender<Message>,
        max_waiting_bytes: u64,
    ) -> Self {
        let is_behind = AtomicBool::new(false);
        Self(Some(Hands { commands, tally, answer, max_waiting_bytes, is_behind }))
    }

    /// Keeps what memory lets go, and asks for what it has not. What is returned is the answer of
    /// who is not answered later.
    #[must_use]
    pub(crate) fn take_note(&self, outbound: &Outbound) -> Option<HistoryLoaded> {
        if let Outbound::LoadHistory(load) = outbound {
            return match &self.0 {
                Some(hands) => hands.load(load),
                None => Some(HistoryLoaded::failure(load.request, "no store")),
            };
        }
        if let (Some(hands), Outbound::Evicted(evicted)) = (&self.0, outbound) {
            hands.keep(evicted);
        }
        None
    }
}

impl Hands {
    fn keep(&self, evicted: &Evicted) {
        let Evicted { topic, epoch, messages, .. } = evicted;
        let kept = Kept { topic: topic.clone(), epoch: *epoch, messages: messages.clone() };
        let (bytes, count) = (kept.bytes(), kept.messages.len() as u64);
        let waiting = self.tally.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting.saturating_add(bytes) <= self.max_waiting_bytes;
        // It is gone only by a defect.
        if fits && self.commands.send(Command::Keep(kept)).is_ok() {
            self.is_behind.store(false, Ordering::Relaxed);
            return;
        }
        self.tally.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.tally.lost.fetch_add(count, Ordering::Relaxed);
        if !self.is_behind.swap(true, Ordering::Relaxed) {
            error!(waiting, "messages are lost, as the history is behind");
        }
    }

    fn load(&self, load: &LoadHistory) -> Option<HistoryLoaded> {
        let answer = self.answer.clone();
        let asked = Command::Load(Load { load: load.clone(), answer });
        match self.commands.send(asked) {
            Ok(()) => None,
            Err(_) => Some(HistoryLoaded::failure(load.request, "the history has ended")),
        }
    }
}
