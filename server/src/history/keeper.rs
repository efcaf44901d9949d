//! What the engine has of the history: it hands over what is to be kept, asks for what memory does not
//! hold, and never waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, atomic::Ordering, mpsc::Sender},
};

use parlor::{
    BroadcastMessage, Channel, Evicted, Outbound, Position, StoredMessage, Target, Topic,
};
use tracing::error;

use super::{
    Asker, Command, Kept, Tally, Wanted,
    cuts::{Added, Cuts},
    load::{Answer, Answers, Load, Ticket},
};

/// Hands over what a channel says that is to be kept, if there is a history.
#[derive(Debug, Default)]
pub(crate) struct Keeper(pub(super) Option<Hands>);

#[derive(Debug)]
pub(super) struct Hands {
    pub(super) commands: Sender<Command>,
    tally: Arc<Tally>,
    cuts: Arc<Cuts>,
    answers: Arc<Answers>,
    max_waiting_bytes: u64,
    progress: Progress,
    /// The rooms that were opened and are there. Each is cut again with all that is said in it, as
    /// the writer deletes a cut that has nothing to cut.
    opened: BTreeSet<Topic>,
    /// Whether the last cut did not fit, so that every topic is cut, which has been told.
    cuts_all: bool,
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

/// Which part of what may wait is for cuts, so that messages leave room for them.
const SHARE_OF_CUTS: u64 = 8;

impl Keeper {
    pub(super) fn new(
        commands: Sender<Command>,
        tally: Arc<Tally>,
        cuts: Arc<Cuts>,
        answers: Arc<Answers>,
        max_waiting_bytes: u64,
    ) -> Self {
        Self(Some(Hands {
            commands,
            tally,
            cuts,
            answers,
            max_waiting_bytes,
            progress: Progress::default(),
            opened: BTreeSet::new(),
            cuts_all: false,
            is_behind: false,
        }))
    }

    /// Whether there is a history to read pages from.
    pub(crate) const fn has_store(&self) -> bool {
        self.0.is_some()
    }

    /// Keeps what is said in rooms that have a history.
    pub(crate) fn take_note(&mut self, outbound: &Outbound, channel: &Channel) {
        let Some(hands) = &mut self.0 else { return };
        match outbound {
            Outbound::BroadcastMessage(message) => hands.said(message, channel),
            Outbound::Evicted(evicted) => hands.evicted(evicted),
            Outbound::RoomOpened(notice) => {
                hands.opened.insert(notice.info.topic.clone());
                hands.cut(&notice.info.topic, notice.info.position.epoch);
            }
            Outbound::RoomClosed(notice) => {
                hands.opened.remove(&notice.info.topic);
                hands.cut(&notice.info.topic, notice.info.position.epoch);
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

    /// Asks for what memory does not hold of a page. The answer comes with that number, as long as
    /// the ticket is held.
    pub(crate) fn load(&self, wanted: Wanted, asker: Asker, number: u64) -> Result<Ticket, String> {
        let Some(hands) = &self.0 else { return Err("there is no history file".into()) };
        let load = Load::new(wanted, asker, number, &hands.answers, &hands.tally);
        let (load, ticket) = load.ok_or("too many pages are being read")?;
        let sent = hands.commands.send(Command::Load(load));
        // It is gone only by a defect.
        sent.map(|()| ticket).map_err(|_| "the history has ended".into())
    }

    /// What has come of what was asked for.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.0.as_ref().map(|hands| hands.answers.take()).unwrap_or_default()
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
        let kept = Kept {
            topic: topic.clone(),
            epoch: position.epoch,
            messages: vec![Arc::new(stored(message, position.offset))],
        };
        // Before the message, so that the file never has the one without the other.
        if self.opened.contains(topic) {
            self.cut(topic, position.epoch);
        }
        let fits = self.fits(&kept);
        self.progress.reach(topic, *position, channel);
        if fits {
            self.hand_over(kept);
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
        let kept = Kept { topic: topic.clone(), epoch: *epoch, messages };
        if self.fits(&kept) {
            self.hand_over(kept);
        } else {
            self.tally.lost.fetch_add(kept.count(), Ordering::Relaxed);
        }
    }

    /// No later room shows what was said under the topic up to here.
    fn cut(&mut self, topic: &Topic, epoch: u64) {
        let added = self.cuts.add(topic.clone(), epoch, self.max_waiting_bytes / SHARE_OF_CUTS);
        // Each message of an opened room comes here, so only the beginning is logged.
        let told = mem::replace(&mut self.cuts_all, added == Added::CutsAll);
        match added {
            Added::Waits(bytes) => {
                self.tally.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
                // It is gone only by a defect, which is told where messages are handed over.
                self.commands.send(Command::Cut).ok();
            }
            Added::Joined => {}
            Added::CutsAll if told => {}
            Added::CutsAll => error!(
                epoch,
                "history queue of room ends overflowed, no later room shows earlier messages"
            ),
        }
    }

    /// Whether there is room for it, which is said in the log where it begins not to be.
    fn fits(&mut self, kept: &Kept) -> bool {
        let waiting = self.tally.waiting_bytes.load(Ordering::Relaxed);
        let max = self.max_waiting_bytes - self.max_waiting_bytes / SHARE_OF_CUTS;
        let fits = waiting.saturating_add(kept.bytes()) <= max;
        if !fits && !self.is_behind {
            error!(waiting, "history queue full, messages may be lost");
        }
        self.is_behind = !fits;
        fits
    }

    fn hand_over(&self, kept: Kept) {
        let (bytes, count) = (kept.bytes(), kept.count());
        self.tally.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // It is gone only by a defect.
        if self.commands.send(Command::Write(kept)).is_err() {
            self.tally.writing.set("the thread that writes it has ended");
            self.tally.release(bytes);
            self.tally.lost.fetch_add(count, Ordering::Relaxed);
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
    stored.except_client = message.except_client().cloned();
    stored.except_user = message.except_user().cloned();
    stored
}
