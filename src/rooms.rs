//! The rooms: topics that have members, each with its position, members and presences.
//!
//! Knows nothing about clients but their handles, and nothing about messages. Costs: find, create,
//! remove, admit and dismiss O(1) amortised; the order of creation, n log n in the rooms.

use alloc::{boxed::Box, vec::Vec};
use core::num::NonZeroU64;

use crate::{
    config::PresenceMode,
    event::Position,
    hash::{HashKey, NameHash},
    ids::{ClientHandle, Topic},
    index::Index,
    log::{Log, Moved, View},
    presence::Presence,
    slab::Slab,
};

/// All rooms of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    slab: Slab<Room>,
    by_topic: Index,
    hash: NameHash,
    // Invariant: higher than the epoch of any room so far.
    next_epoch: u64,
    // Invariant: how many members all rooms have together.
    memberships: usize,
}

/// The number of a room, while it exists.
pub(crate) type RoomNumber = u32;

/// One room.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) topic: Topic,
    /// The epoch of the room and the offset of its last broadcast.
    pub(crate) position: Position,
    /// Who is present; none in a room that has presence off.
    pub(crate) presence: Option<Box<Presence>>,
    members: Log<0>,
}

impl Rooms {
    pub(crate) fn new(key: HashKey, first_epoch: u64) -> Self {
        Self {
            slab: Slab::default(),
            by_topic: Index::default(),
            hash: NameHash::new(key),
            next_epoch: first_epoch,
            memberships: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) const fn memberships(&self) -> usize {
        self.memberships
    }

    pub(crate) fn find(&self, topic: &Topic) -> Option<RoomNumber> {
        let hash = self.hash.of(topic.as_bytes());
        self.by_topic.find(hash, |number| self.slab.get(number).topic == *topic)
    }

    pub(crate) fn get(&self, room: RoomNumber) -> &Room {
        self.slab.get(room)
    }

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
    pub(crate) fn create(&mut self, topic: &Topic, presence: PresenceMode) -> RoomNumber {
        let position = Position { epoch: self.next_epoch, offset: 0 };
        self.next_epoch += 1;
        let room = self.slab.insert(Room {
            topic: topic.clone(),
            position,
            presence: match presence {
                PresenceMode::On => Some(Box::new(Presence::new())),
                PresenceMode::Off => None,
            },
            members: Log::new(),
        });
        self.by_topic.insert(self.hash.of(topic.as_bytes()), room);
        room
    }

    /// Removes a room that nobody is in.
    pub(crate) fn remove(&mut self, room: RoomNumber) {
        let Room { topic, members, .. } = self.slab.take(room);
        debug_assert_eq!(members.live(), 0, "a room goes when nobody is in it");
        self.by_topic.remove(self.hash.of(topic.as_bytes()), room);
        self.slab.free(room);
    }

    /// Removes every room with all who are in it.
    pub(crate) fn remove_all(&mut self) {
        self.slab = Slab::default();
        self.by_topic = Index::default();
        self.memberships = 0;
    }

    /// Seats a member at the end, for which there must be room, and returns its seat.
    pub(crate) fn admit(&mut self, room: RoomNumber, member: ClientHandle) -> u32 {
        self.memberships += 1;
        self.get_mut(room).members.push(member.get(), [])
    }

    /// Vacates a seat.
    pub(crate) fn dismiss(&mut self, room: RoomNumber, seat: u32) {
        self.memberships -= 1;
        self.get_mut(room).members.remove(seat);
    }

    /// Panics if an invariant does not hold. Linear in rooms and members.
    pub(crate) fn check_invariants(&self) {
        let mut memberships = 0;
        for (number, room) in self.slab.iter() {
            assert_eq!(self.find(&room.topic), Some(number), "a room is found by its topic");
            assert!(room.position.epoch < self.next_epoch, "an epoch is never used again");
            assert!(room.members.live() > 0, "a room has members");
            room.members.check_invariants();
            memberships += room.members.live() as usize;
            if let Some(presence) = &room.presence {
                presence.check_invariants();
                assert!(presence.meta_count() <= room.members.live(), "members are present");
            }
        }
        assert_eq!(memberships, self.memberships, "memberships are counted");
    }
}

impl Room {
    /// How many members it has.
    pub(crate) const fn size(&self) -> u32 {
        self.members.live()
    }

    /// Its members, in join order, as they are.
    pub(crate) fn members(&self) -> View<0> {
        self.members.view()
    }

    /// Seats and their takers, from `seat` on.
    pub(crate) fn seats_from(&self, seat: u32) -> impl Iterator<Item = (u32, ClientHandle)> {
        self.members.iter_from(seat).map(|(seat, member)| (seat, ClientHandle::new(member)))
    }

    /// Where the entry stands that the meta kept at `place` is in.
    pub(crate) fn entry_at(&self, place: u32) -> NonZeroU64 {
        let presence = self.presence.as_ref().expect("what is kept somewhere is in a presence");
        presence.record(place).entry
    }

    /// Makes a seat for one more if there is none.
    pub(crate) fn make_room(&mut self) -> Option<Moved> {
        if self.members.is_full() && !self.members.has_gaps() {
            self.members.grow();
        }
        self.members.is_full().then(|| self.members.rebuild())
    }

    /// Closes the gaps between the seats if there are many.
    pub(crate) fn close_gaps(&mut self) -> Option<Moved> {
        self.members.is_sparse().then(|| self.members.rebuild())
    }
}
