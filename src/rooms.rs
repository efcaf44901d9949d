//! The rooms: each topic's position, configuration, members, presences and history.
//!
//! Knows nothing about clients but their handles, and nothing about messages. Costs: find, create,
//! remove, admit and dismiss O(1) amortised; the order of creation, n log n in the rooms.

mod room;

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

pub(crate) use self::room::{Excludes, Extras, Origin, Room};

use crate::{
    config::{Config, Limit, RoomConfig},
    event::Position,
    footing::Seat,
    hash::{HashKey, NameHash},
    history::{Caps, History},
    ids::{ClientHandle, EventName, Topic, UserId},
    index::Index,
    lost::{Loss, Naming, Others},
    message::StoredMessage,
    rate::Rates,
    roster::Roster,
    slab::Slab,
};

/// All rooms of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    slab: Slab<Room>,
    by_topic: Index,
    hash: NameHash,
    /// How much clients have done of late in rooms that limit it.
    pub(crate) rates: Rates,
    // Invariant: how many rooms there are that clients of a user have opened; none is 0.
    opened_for: BTreeMap<UserId, u64>,
    // Invariant: higher than the epoch of any room so far.
    next_epoch: u64,
    // Invariant: how many members all rooms have together, and how many of them are detached.
    memberships: usize,
    detached: usize,
    // Invariant: what the histories of all rooms hold together.
    history_messages: u64,
    history_bytes: u64,
}

/// The number of a room, while it exists.
pub(crate) type RoomNumber = u32;

/// The number of no room, under which the rates are kept at which clients open and close some.
pub(crate) const NO_ROOM: RoomNumber = RoomNumber::MAX;

impl Rooms {
    pub(crate) fn new(key: HashKey, first_epoch: u64) -> Self {
        Self {
            slab: Slab::default(),
            by_topic: Index::default(),
            hash: NameHash::new(key),
            rates: Rates::default(),
            opened_for: BTreeMap::new(),
            next_epoch: first_epoch,
            memberships: 0,
            detached: 0,
            history_messages: 0,
            history_bytes: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.slab.len()
    }

    /// The epoch of the next room.
    pub(crate) const fn next_epoch(&self) -> u64 {
        self.next_epoch
    }

    /// Gives the next room that epoch; none may be as high.
    pub(crate) const fn set_next_epoch(&mut self, epoch: u64) {
        self.next_epoch = epoch;
    }

    /// Gives a room that history in place of the one that it has.
    pub(crate) fn set_history(&mut self, room: RoomNumber, history: History) {
        let this = self.slab.get_mut(room);
        if let Some(before) = &this.history {
            self.history_messages -= before.len();
            self.history_bytes -= before.bytes();
        }
        self.history_messages += history.len();
        self.history_bytes += history.bytes();
        this.history = Some(Box::new(history));
    }

    pub(crate) const fn memberships(&self) -> usize {
        self.memberships
    }

    pub(crate) const fn detached(&self) -> usize {
        self.detached
    }

    pub(crate) const fn history_messages(&self) -> u64 {
        self.history_messages
    }

    pub(crate) const fn history_bytes(&self) -> u64 {
        self.history_bytes
    }

    pub(crate) fn find(&self, topic: &Topic) -> Option<RoomNumber> {
        let hash = self.hash.of(topic.as_bytes());
        self.by_topic.find(hash, |number| self.slab.get(number).topic == *topic)
    }

    #[inline]
    pub(crate) fn get(&self, room: RoomNumber) -> &Room {
        self.slab.get(room)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, room: RoomNumber) -> &mut Room {
        self.slab.get_mut(room)
    }

    /// The rooms in the order of their creation, which is that of their epochs.
    pub(crate) fn in_order(&self) -> Vec<RoomNumber> {
        let mut rooms: Vec<_> =
            self.slab.iter().map(|(number, room)| (room.position.epoch, number)).collect();
        rooms.sort_unstable();
        rooms.into_iter().map(|(_, number)| number).collect()
    }

    /// Makes a room for a topic that has none.
    pub(crate) fn create(
        &mut self,
        topic: &Topic,
        config: Arc<RoomConfig>,
        origin: Origin,
    ) -> RoomNumber {
        let position = Position { epoch: self.next_epoch, offset: 0 };
        self.next_epoch += 1;
        let room = Room::new(topic.clone(), position, config, origin);
        if let Some(user) = room.opened_for() {
            *self.opened_for.entry(user.clone()).or_default() += 1;
        }
        let room = self.slab.insert(room);
        self.by_topic.insert(self.hash.of(topic.as_bytes()), room);
        room
    }

    /// Removes a room that nobody is in, and returns what its history held, by event name.
    pub(crate) fn remove(&mut self, room: RoomNumber) -> Vec<(EventName, Vec<Arc<StoredMessage>>)> {
        let this = self.slab.take(room);
        if let Some(user) = this.opened_for() {
            self.forget_opened_for(&user.clone());
        }
        let Room { topic, members, history, .. } = this;
        debug_assert_eq!(members.len(), 0, "a room goes when nobody is in it");
        let evicted = history.map_or_else(Vec::new, |mut history| {
            self.history_messages -= history.len();
            self.history_bytes -= history.bytes();
            history.take_all()
        });
        self.rates.forget_room(room);
        self.by_topic.remove(self.hash.of(topic.as_bytes()), room);
        self.slab.free(room);
        evicted
    }

    /// How many rooms there are that clients of a user have opened.
    pub(crate) fn opened_for(&self, user: &UserId) -> u64 {
        self.opened_for.get(user).copied().unwrap_or_default()
    }

    fn forget_opened_for(&mut self, user: &UserId) {
        if let Some(count) = self.opened_for.get_mut(user) {
            *count -= 1;
            if *count == 0 {
                self.opened_for.remove(user);
            }
        }
    }

    /// Seats a member at the end, for which there must be room, and returns its seat.
    pub(crate) fn admit(&mut self, room: RoomNumber, member: ClientHandle) -> Seat {
        self.memberships += 1;
        Seat::Attached(self.get_mut(room).members.push(member.get()))
    }

    /// Vacates the seat of a member, and forgets what it was subscribed to.
    pub(crate) fn dismiss(&mut self, room: RoomNumber, seat: Seat, member: ClientHandle) {
        let seat = match seat {
            Seat::None => return,
            Seat::Attached(seat) => seat,
            Seat::Detached(seat) => {
                self.detached -= 1;
                seat
            }
        };
        self.memberships -= 1;
        let this = self.get_mut(room);
        this.members.remove(seat);
        if let Some(extras) = &mut this.extras {
            extras.subscriptions.forget(member);
            extras.joined.remove(&member);
        }
    }

    /// Keeps a seat for a member that hears nothing until it comes back.
    pub(crate) fn detach(&mut self, room: RoomNumber, seat: u32) -> Seat {
        self.detached += 1;
        self.get_mut(room).members.leave(seat);
        Seat::Detached(seat)
    }

    /// Gives a member the seat back that is kept for it, for which there must be room.
    pub(crate) fn attach(&mut self, room: RoomNumber, seat: u32) -> Seat {
        self.detached -= 1;
        Seat::Attached(self.get_mut(room).members.come_back(seat))
    }

    /// Empties a room of all members.
    pub(crate) fn dismiss_all(&mut self, room: RoomNumber) {
        let members = &mut self.slab.get_mut(room).members;
        self.memberships -= members.len() as usize;
        self.detached -= members.away() as usize;
        *members = Roster::new();
    }

    /// Puts a message into the history of its room as one of the `last` of its name, and returns what
    /// leaves it for that, oldest first.
    pub(crate) fn store(
        &mut self,
        room: RoomNumber,
        message: StoredMessage,
        last: u64,
        config: &Config,
    ) -> Vec<Arc<StoredMessage>> {
        let free = |limit, held| config.limit(limit).saturating_sub(held);
        let caps = Caps {
            messages: config.limit(Limit::HistoryMessagesPerTopic),
            bytes: config.limit(Limit::HistoryBytesPerTopic),
            free_messages: free(Limit::HistoryMessages, self.history_messages),
            free_bytes: free(Limit::HistoryBytes, self.history_bytes),
        };
        let this = self.slab.get_mut(room);
        let naming = naming(this.hears_by_name(), &this.config, config);
        let Some(history) = &mut this.history else { return Vec::new() };
        self.history_messages -= history.len();
        self.history_bytes -= history.bytes();
        let evicted = history.store(message, last, naming, caps);
        self.history_messages += history.len();
        self.history_bytes += history.bytes();
        evicted
    }

    /// Notes that a message of a room is not held.
    pub(crate) fn lose(&mut self, room: RoomNumber, loss: Loss<'_>, config: &Config) {
        let this = self.slab.get_mut(room);
        let naming = naming(this.hears_by_name(), &this.config, config);
        if let Some(history) = &mut this.history {
            history.lose(loss, naming);
        }
    }

    /// Whether a message of that name would need a ring where there are as many as may be.
    #[inline]
    pub(crate) fn lacks_ring(&self, room: RoomNumber, event: &EventName, max: u64) -> bool {
        let Room { config, history: Some(history), .. } = self.get(room) else { return false };
        history.ring_count() >= max
            && !history.has_ring(event)
            && config.history_of(event).is_some_and(|limit| limit > 0)
    }

    /// Panics if an invariant does not hold. Linear in rooms and members.
    pub(crate) fn check_invariants(&self) {
        let (mut memberships, mut detached) = (0, 0);
        let (mut messages, mut bytes) = (0, 0);
        for (number, room) in self.slab.iter() {
            assert_eq!(self.find(&room.topic), Some(number), "a room is found by its topic");
            assert!(room.position.epoch < self.next_epoch, "an epoch is never used again");
            let waits = room.persists() || room.was_opened();
            assert!(!room.is_deserted() || waits, "a room has members, persists, or was opened");
            room.check_invariants();
            memberships += room.members.len() as usize;
            detached += room.members.away() as usize;
            if let Some(history) = &room.history {
                messages += history.len();
                bytes += history.bytes();
            }
        }
        assert_eq!(memberships, self.memberships, "memberships are counted");
        assert_eq!(detached, self.detached, "detached memberships are counted");
        assert_eq!(messages, self.history_messages, "what histories hold is counted");
        assert_eq!(bytes, self.history_bytes, "what histories take is counted");
        self.rates.check_invariants();
    }
}

/// How a room remembers the names of what is lost.
fn naming<'a>(hears_by_name: bool, room: &'a RoomConfig, config: &Config) -> Naming<'a> {
    let others = if hears_by_name {
        Others::Singly(config.limit(Limit::EventNamesPerTopic))
    } else {
        Others::Together
    };
    Naming { config: room, others }
}
