//! What can be asked of a channel. Every answer is ordered, and that of an unknown name is empty.

use alloc::vec::Vec;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use super::{Channel, Phase};
use crate::{
    clients::Footing,
    config::Config,
    ids::{ClientHandle, ClientId, Topic, UserId},
    outbound::RoomInfo,
    presence::Entries,
    recipients::{Except, Recipients},
    rooms::{Room, RoomNumber},
    stats::Stats,
};

/// What a client is like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its id.
    pub client_id: ClientId,
    /// Who it acts for.
    pub user_id: UserId,
    /// What stands for it while it lives.
    pub handle: ClientHandle,
    /// How many topics it is a member of.
    pub topics: usize,
}

/// When a channel has to be told the time, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadline {
    /// When, in the driver's milliseconds.
    pub at_ms: u64,
    /// What for.
    pub why: DeadlineReason,
}

/// Why a channel has to be told the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadlineReason {}

impl Channel {
    /// `single_node`, or `cluster_ready:<cluster>/<node_id>`. O(1).
    #[must_use]
    pub fn adapter_label(&self) -> &str {
        self.node.label()
    }

    /// The configuration that it was made with. O(1).
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it has crashed and was not restarted. O(1).
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.phase == Phase::Crashed
    }

    /// The largest time that an event has told, in milliseconds. O(1).
    #[must_use]
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// When it has to be told the time; none while nothing is waiting for it, which is always so as
    /// long as no event waits for a time. O(1).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline> {
        None
    }

    /// Counts of what happened and of what there is. O(1).
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            counters: *self.outbox.counters(),
            topics: self.rooms.len(),
            clients: self.clients.len(),
            memberships: self.rooms.memberships(),
            detached: 0,
            history_messages: 0,
            history_bytes: 0,
        }
    }

    /// How many pairs there are of a client and a topic that it is a member of. O(1).
    #[must_use]
    pub fn membership_count(&self) -> usize {
        self.rooms.memberships()
    }

    /// All topics, in the order in which their rooms were made. Costs n log n in the topics.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        let rooms = self.rooms.in_order().into_iter();
        rooms.map(|room| self.rooms.get(room).topic.clone()).collect()
    }

    /// What the room of a topic is like. O(1).
    #[must_use]
    pub fn room(&self, topic: &Topic) -> Option<RoomInfo> {
        let room = self.find_room(topic)?;
        let (topic, size, position) = (room.topic.clone(), room.size() as usize, room.position);
        Some(RoomInfo {
            topic,
            size,
            position,
            name: None,
            description: None,
            max_members: None,
            owner: None,
            data: None,
        })
    }

    /// Who hears what is sent to a topic, in join order. O(1) to get, linear to read.
    #[must_use]
    pub fn subscribers(&self, topic: &Topic) -> Recipients {
        let members = self.find_room(topic).map(Room::members);
        let mut subscribers = members
            .map_or_else(Recipients::none, |members| Recipients::new(members, Except::Nobody));
        subscribers.name(self.clients.names());
        subscribers
    }

    /// Who is present in a topic, in the order in which the users came. O(1) to get and to count,
    /// linear to read.
    #[must_use]
    pub fn presences(&self, topic: &Topic) -> Entries {
        let presence = self.find_room(topic).and_then(|room| room.presence.as_ref());
        let mut entries = presence
            .map_or_else(Entries::none, |presence| presence.entries(self.node.origin().cloned()));
        entries.name(self.clients.names());
        entries
    }

    /// The topics that a client is a member of, in the order in which it joined them.
    #[must_use]
    pub fn topics_of(&self, client_id: &ClientId) -> Vec<Topic> {
        let Some(client) = self.clients.find(client_id) else { return Vec::new() };
        let rooms = self.rooms_of_client(client);
        rooms.map(|room| self.rooms.get(room).topic.clone()).collect()
    }

    /// The clients of a user, in the order in which they came.
    #[must_use]
    pub fn clients_of(&self, user_id: &UserId) -> Vec<ClientId> {
        let clients = self.clients_of_user(user_id);
        clients.map(|client| self.clients.names().client(client).clone()).collect()
    }

    /// The topics that clients of a user are members of, each once: by client, then in the order in
    /// which it joined them. Linear in the user's memberships.
    #[must_use]
    pub fn topics_of_user(&self, user_id: &UserId) -> Vec<Topic> {
        let clients = self.clients_of_user(user_id);
        let rooms: IndexSet<_, FixedState> =
            clients.flat_map(|client| self.rooms_of_client(client)).collect();
        rooms.into_iter().map(|room| self.rooms.get(room).topic.clone()).collect()
    }

    /// Whether a client is a member of a topic. O(1).
    #[must_use]
    pub fn is_member(&self, client_id: &ClientId, topic: &Topic) -> bool {
        self.member(client_id, topic).is_ok()
    }

    /// Whether a client of a user is a member of a topic. Linear in the user's clients.
    #[must_use]
    pub fn is_user_in(&self, user_id: &UserId, topic: &Topic) -> bool {
        let Some(room) = self.rooms.find(topic) else { return false };
        let mut clients = self.clients_of_user(user_id);
        clients.any(|client| self.clients.get(client).rooms.get(room).is_some())
    }

    /// What stands for a client while it lives. O(1).
    #[must_use]
    pub fn handle_of(&self, client_id: &ClientId) -> Option<ClientHandle> {
        self.clients.find(client_id)
    }

    /// What a client is like. O(1).
    #[must_use]
    pub fn client(&self, client_id: &ClientId) -> Option<ClientInfo> {
        let handle = self.clients.find(client_id)?;
        let topics = self.clients.get(handle).rooms.len();
        let user_id = self.clients.names().user(handle).clone();
        Some(ClientInfo { client_id: client_id.clone(), user_id, handle, topics })
    }

    /// Panics if what the channel keeps twice does not agree. Linear in all that there is; for
    /// tests.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.rooms.check_invariants();
        self.clients.check_invariants();
        assert!(self.phase == Phase::Running || self.rooms.len() == 0, "who crashed has no rooms");
        let mut memberships = 0;
        for number in self.rooms.in_order() {
            let room = self.rooms.get(number);
            for (seat, client) in room.seats_from(0) {
                let known = self.clients.get(client).rooms.get(number);
                assert_eq!(
                    known.map(|footing| footing.seat),
                    Some(seat),
                    "a member knows its seat"
                );
                memberships += 1;
            }
            for (place, client) in room.presence.iter().flat_map(|presence| presence.places_from(0))
            {
                let known = self.clients.get(client).rooms.get(number);
                assert_eq!(
                    known.and_then(Footing::place),
                    Some(place),
                    "a client knows where its presence is kept"
                );
            }
        }
        assert_eq!(memberships, self.membership_count(), "memberships are counted");
        let Stats { counters, .. } = self.stats();
        let topics = self.topics();
        let present = topics.iter().map(|topic| self.presences(topic).meta_count() as u64);
        let balance = counters.presence_joins - counters.presence_leaves;
        assert_eq!(present.sum::<u64>(), balance, "presences that came and went are counted");
    }

    fn find_room(&self, topic: &Topic) -> Option<&Room> {
        self.rooms.find(topic).map(|room| self.rooms.get(room))
    }

    fn clients_of_user(&self, user_id: &UserId) -> impl Iterator<Item = ClientHandle> {
        let first = self.clients.find_user(user_id).into_iter();
        first.flat_map(|first| self.clients.of_same_user(first))
    }

    fn rooms_of_client(&self, client: ClientHandle) -> impl Iterator<Item = RoomNumber> {
        self.clients.get(client).rooms.to_vec().into_iter().map(|(room, _)| room)
    }
}
