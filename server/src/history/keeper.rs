//! What a shard has of the history: it hands over what is to be kept, and never waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{SendError, Sender},
    },
};

use parlor::{
    BroadcastMessage, Channel, Evicted, HistoryPage, Outbound, Position, StoredMessage, Target,
    Topic,
};
use tokio::sync::mpsc::WeakSender;
use tracing::error;

use super::{
    Command, Cut, Entry, Kept, Limits, Load, Tally, Wanted,
    shares::{Share, Shares},
};
use crate::shard::Message;

/// Hands over what a channel says that is to be kept, if there is a history.
#[derive(Debug, Default)]
pub(crate) struct Keeper(pub(super) Option<Hands>);

#[derive(Debug)]
pub(super) struct Hands {
    pub(super) commands: Sender<Command>,
    tally: Arc<Tally>,
    answer: WeakSender<Message>,
    limits: Limits,
    last_request: u64,
    shares: Shares,
    /// Of which address the client is that asks for pages.
    asker: Option<IpAddr>,
    progress: Progress,
    /// Whether what came last did not fit, which has been told.
    is_behind: bool,
}

/// What was handed over: what is said once more, to those who had missed it, is not new, and what
/// memory lets go is not either.
#[derive(Debug, Default)]
struct Progress {
    by_topic: BTreeMap<Topic, Reached>,
    /// How many topics there are before it is looked through for those that have gone.
    roomy: usize,
}

/// How far a topic was handed over.
#[derive(Debug)]
struct Reached {
    last: Position,
    /// The offsets up to there that did not fit. Not more than memory has, as they are handed over
    /// again when it lets them go.
    missed: BTreeSet<u64>,
}

/// How many topics are few.
const FEW: usize = 64;

impl Keeper {
    pub(super) fn new(
        commands: Sender<Command>,
        tally: Arc<Tally>,
        answer: WeakSender<Message>,
        limits: Limits,
    ) -> Self {
        Self(Some(Hands {
            commands,
            tally,
            answer,
            limits,
            last_request: 0,
            shares: Shares::new(limits.pages),
            asker: None,
            progress: Progress::default(),
            is_behind: false,
        }))
    }

    /// One whose pages wait for as long as the other thing that is returned is there.
    #[cfg(test)]
    pub(crate) fn that_nobody_reads(max_pages: u64) -> (Self, impl Sized) {
        let (commands, unread) = std::sync::mpsc::channel();
        let (mailbox, _) = tokio::sync::mpsc::channel(1);
        let limits = Limits { waiting_bytes: u64::MAX, pages: max_pages, page_bytes: u64::MAX };
        (Self::new(commands, Arc::default(), mailbox.downgrade(), limits), unread)
    }

    /// A client of such an address asks for a page: whether there is one left for it.
    pub(crate) fn ask(&mut self, address: Option<IpAddr>) -> Share {
        let Some(hands) = &mut self.0 else { return Share::Left };
        hands.asker = address;
        hands.shares.of(address)
    }

    /// A page was read, or could not be.
    pub(crate) fn answered(&mut self, request: u64) {
        if let Some(hands) = &mut self.0 {
            hands.shares.answer(request);
        }
    }

    /// Keeps what is sent in rooms that have a history.
    pub(crate) fn take_note(&mut self, outbound: &Outbound, channel: &Channel) {
        let Some(hands) = &mut self.0 else { return };
        match outbound {
            Outbound::BroadcastMessage(message) => hands.said(message, channel),
            Outbound::Evicted(evicted) => hands.evicted(evicted),
            Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => {
                let (topic, epoch) = (notice.info.topic.clone(), notice.info.position.epoch);
                // However much waits: otherwise others would read what was said there.
                hands.hand_over(Entry::Cut(Cut { topic, epoch }));
            }
            Outbound::Reply(_)
            | Outbound::PushMessage(_)
            | Outbound::PresenceState(_)
            | Outbound::PresenceDiff(_)
            | Outbound::History(_)
            | Outbound::Closed(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => {}
        }
    }

    /// Completes a page from the file. Returns one that needs nothing from there, or can't have it;
    /// any other comes by the mailbox.
    #[must_use]
    pub(crate) fn complete(&mut self, mut page: HistoryPage) -> Option<HistoryPage> {
        match &mut self.0 {
            Some(hands) if Wanted::by(&page).is_some() => return hands.load(page),
            Some(_) | None => page.end_at_memory(),
        }
        Some(page)
    }
}

impl Hands {
    /// Hands over a message as it is said. What does not fit may do so when memory lets it go.
    fn said(&mut self, message: &BroadcastMessage, channel: &Channel) {
        let Target::Topic { topic, position, .. } = &message.target else { return };
        let Some((at, _)) = channel.history_of(topic, &message.event) else { return };
        // Of a room that has gone meanwhile, all is let go.
        if at.epoch != position.epoch || self.progress.has(topic, *position) {
            return;
        }
        let entry = Entry::Kept(Kept {
            topic: topic.clone(),
            epoch: position.epoch,
            messages: vec![Arc::new(stored(message, position.offset))],
        });
        let fits = self.fits(&entry);
        self.progress.reach(topic, *position, channel);
        if fits {
            self.hand_over(entry);
        } else {
            self.progress.miss(topic, position.offset);
        }
    }

    /// Hands over what memory lets go, as far as that has not been done.
    fn evicted(&mut self, evicted: &Evicted) {
        let Evicted { topic, epoch, messages, .. } = evicted;
        let is_new = |message: &&Arc<StoredMessage>| {
            let position = Position { epoch: *epoch, offset: message.offset };
            !self.progress.settles(topic, position)
        };
        let messages: Vec<_> = messages.iter().filter(is_new).cloned().collect();
        if messages.is_empty() {
            return;
        }
        let entry = Entry::Kept(Kept { topic: topic.clone(), epoch: *epoch, messages });
        if self.fits(&entry) {
            self.hand_over(entry);
        } else {
            self.tally.lost.fetch_add(entry.count(), Ordering::Relaxed);
        }
    }

    /// Whether there is room for it, which is said in the log where it begins not to be.
    fn fits(&mut self, entry: &Entry) -> bool {
        let waiting = self.tally.waiting_bytes.load(Ordering::Relaxed);
        let fits = waiting.saturating_add(entry.bytes()) <= self.limits.waiting_bytes;
        if !fits && !self.is_behind {
            error!(waiting, "the history is behind, so messages may be lost");
        }
        self.is_behind = !fits;
        fits
    }

    fn hand_over(&self, entry: Entry) {
        let (bytes, count) = (entry.bytes(), entry.count());
        self.tally.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // It is gone only by a defect.
        if self.commands.send(Command::Write(entry)).is_err() {
            self.tally.fails.store(true, Ordering::Relaxed);
            self.tally.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.tally.lost.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn load(&mut self, page: HistoryPage) -> Option<HistoryPage> {
        self.last_request += 1;
        let (request, answer) = (self.last_request, self.answer.clone());
        let load = Load { request, page, max_bytes: self.limits.page_bytes, answer };
        match self.commands.send(Command::Load(Box::new(load))) {
            Ok(()) => {
                self.shares.ask(request, self.asker);
                None
            }
            Err(SendError(Command::Load(load))) => {
                let mut page = load.page;
                page.end_at_memory();
                Some(page)
            }
            Err(SendError(Command::Write(_))) => None,
        }
    }
}

impl Progress {
    /// Whether that was handed over, or did not fit then.
    fn has(&self, topic: &Topic, position: Position) -> bool {
        let reached = self.by_topic.get(topic);
        reached.is_some_and(|reached| reached.reaches(position))
    }

    /// Whether what memory lets go was handed over, which it is after this.
    fn settles(&mut self, topic: &Topic, position: Position) -> bool {
        let reached = self.by_topic.get_mut(topic).filter(|reached| reached.reaches(position));
        reached.is_some_and(|reached| !reached.missed.remove(&position.offset))
    }

    /// The next message of a topic comes.
    fn reach(&mut self, topic: &Topic, position: Position, channel: &Channel) {
        if !self.by_topic.contains_key(topic) {
            if self.by_topic.len() >= self.roomy.max(FEW) {
                self.by_topic.retain(|topic, _| channel.room(topic).is_some());
                self.roomy = 2 * self.by_topic.len();
            }
            let reached = Reached { last: position, missed: BTreeSet::new() };
            self.by_topic.insert(topic.clone(), reached);
        }
        let Some(reached) = self.by_topic.get_mut(topic) else { return };
        if reached.last.epoch != position.epoch {
            reached.missed.clear();
        }
        reached.last = position;
    }

    /// It did not fit.
    fn miss(&mut self, topic: &Topic, offset: u64) {
        if let Some(reached) = self.by_topic.get_mut(topic) {
            reached.missed.insert(offset);
        }
    }
}

impl Reached {
    const fn reaches(&self, position: Position) -> bool {
        self.last.epoch == position.epoch && self.last.offset >= position.offset
    }
}

/// A message as memory would have it.
fn stored(message: &BroadcastMessage, offset: u64) -> StoredMessage {
    let BroadcastMessage { event, payload, from, client_id, timestamp_ms, meta, .. } = message;
    let mut stored = StoredMessage::new(event, payload.clone(), from, offset, *timestamp_ms);
    (stored.client_id, stored.meta) = (client_id.clone(), meta.clone());
    stored.except_client.clone_from(&message.except_client);
    stored.except_user.clone_from(&message.except_user);
    stored
}
