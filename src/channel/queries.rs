//! What can be asked of a channel. Every answer is ordered, and that of an unknown name is empty.

use alloc::vec::Vec;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use super::{Channel, node::Phase, openings::info};
use crate::{
    agenda::Due,
    config::Config,
    event::Position,
    footing::{Footing, Seat},
    ids::{ClientHandle, ClientId, EventName, GroupName, Topic, UserId},
    outbound::RoomInfo,
    payload::Json,
    presence::Entries,
    recipients::Recipients,
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
    /// What the host wanted to know of it when it connected.
    pub data: Option<Json>,
    /// Whether it has a connection; if not, it is held for the grace.
    pub connected: bool,
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
pub enum DeadlineReason {
    /// A grace runs out.
    Grace,
    /// A window of presence changes ends.
    PresenceWindow,
}

impl DeadlineReason {
    /// A stable name in `snake_case`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Grace => "grace",
            Self::PresenceWindow => "presence_window",
        }
    }
}

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
        self.node.phase == Phase::Crashed
    }

    /// The largest time that an event has told, in milliseconds. O(1).
    #[must_use]
    pub fn clock_ms(&self) -> u64 {
        self.clock.now_ms
    }

    /// When it has to be told the time by a [`Tick`](crate::Tick); none while nothing waits for it.
    /// O(log n) in what waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.clock.next_deadline()
    }

    /// Counts of what happened and of what there is. O(1).
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            counters: *self.outbox.counters(),
            topics: self.rooms.len(),
            clients: self.clients.len(),
            memberships: self.rooms.memberships(),
            detached: self.rooms.detached(),
            history_messages: self.rooms.history_messages(),
            history_bytes: self.rooms.history_bytes(),
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
        self.rooms.find(topic).map(|room| info(self.rooms.get(room)))
    }

    /// How many messages of a topic are held, and how many bytes they have. O(1).
    #[must_use]
    pub fn history_held(&self, topic: &Topic) -> (u64, u64) {
        let history = self.room_of(topic).and_then(|room| room.history.as_ref());
        history.map_or((0, 0), |history| (history.len(), history.bytes()))
    }

    /// How far the room of a topic has got, and how many messages of an event name it keeps in
    /// memory; none if it has no history of them. Costs the number of its definitions.
    ///
    /// ```
    /// use parlor::{Broadcast, Channel, Config, EventDefinition, Join, Json, Position, RoomConfig};
    ///
    /// let room = RoomConfig::default().with_event(EventDefinition::new("message").with_history(9));
    /// let config = Config::builder().first_epoch(5).default_room(room).build()?;
    /// let mut channel = Channel::single_node(config);
    /// assert_eq!(channel.history_of(&"t".into(), &"message".into()), None);
    /// channel.handle(Join::new("c", "t", "u", 0).into());
    /// channel.handle(Broadcast::new("c", "t", Json::parse("1")?).into());
    /// let position = Position { epoch: 5, offset: 1 };
    /// assert_eq!(channel.history_of(&"t".into(), &"message".into()), Some((position, 9)));
    /// assert_eq!(channel.history_of(&"t".into(), &"typing".into()), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn history_of(&self, topic: &Topic, event: &EventName) -> Option<(Position, u32)> {
        let room = self.room_of(topic)?;
        room.history.as_ref()?;
        Some((room.position, room.config.history_of(event)?))
    }

    /// Who hears what is sent to a topic, in join order. O(1) to get, linear to read.
    #[must_use]
    pub fn subscribers(&self, topic: &Topic) -> Recipients {
        let members = self.room_of(topic).map(Room::members);
        let mut subscribers = members.map_or_else(Recipients::none, Recipients::all);
        subscribers.name(self.clients.names());
        subscribers
    }

    /// Who is present in a topic, in the order in which the users came. O(1) to get and to count,
    /// linear to read.
    #[must_use]
    pub fn presences(&self, topic: &Topic) -> Entries {
        let presence = self.room_of(topic).and_then(|room| room.presence.as_ref());
        let mut entries = presence
            .map_or_else(Entries::none, |presence| presence.entries(self.node.origin().cloned()));
        entries.name(self.clients.names());
        entries
    }

    /// The topics that a client is a member of, in the order in which it came to them, by joining or
    /// by being tracked there.
    #[must_use]
    pub fn topics_of(&self, client_id: &ClientId) -> Vec<Topic> {
        let Some(client) = self.clients.find(client_id) else { return Vec::new() };
        let rooms = self.memberships_of(client);
        rooms.map(|room| self.rooms.get(room).topic.clone()).collect()
    }

    /// What a member is subscribed to in a topic, in the order in which it subscribed; `*` stands
    /// for all. Linear in its subscriptions.
    #[must_use]
    pub fn subscriptions(&self, client_id: &ClientId, topic: &Topic) -> Vec<EventName> {
        match self.member_in_any_state(client_id, topic) {
            Ok(member) => self.rooms.get(member.room).subscribed(member.client),
            Err(_) => Vec::new(),
        }
    }

    /// The groups in the order in which they were made, each with its topics in the order in which
    /// they were added. Linear in all of them.
    #[must_use]
    pub fn groups(&self) -> Vec<(GroupName, Vec<Topic>)> {
        let groups = self.groups.iter();
        groups.map(|(group, topics)| (group.clone(), topics.cloned().collect())).collect()
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
            clients.flat_map(|client| self.memberships_of(client)).collect();
        rooms.into_iter().map(|room| self.rooms.get(room).topic.clone()).collect()
    }

    /// Whether a client is a member of a topic. O(1).
    #[must_use]
    pub fn is_member(&self, client_id: &ClientId, topic: &Topic) -> bool {
        self.member_in_any_state(client_id, topic).is_ok()
    }

    /// Whether a client of a user is a member of a topic. Linear in the user's clients.
    #[must_use]
    pub fn is_user_in(&self, user_id: &UserId, topic: &Topic) -> bool {
        let Some(room) = self.rooms.find(topic) else { return false };
        let mut clients = self.clients_of_user(user_id);
        let footing = |client| self.clients.get(client).rooms.get(room);
        clients.any(|client| footing(client).is_some_and(Footing::is_member))
    }

    /// What stands for a client while it lives. O(1).
    #[must_use]
    pub fn handle_of(&self, client_id: &ClientId) -> Option<ClientHandle> {
        self.clients.find(client_id)
    }

    /// What a client is like. Linear in what it has in rooms.
    #[must_use]
    pub fn client(&self, client_id: &ClientId) -> Option<ClientInfo> {
        let handle = self.clients.find(client_id)?;
        let topics = self.memberships_of(handle).count();
        let user_id = self.clients.names().user(handle).clone();
        let data = self.clients.data(handle).cloned();
        let connected = self.is_connected(handle);
        Some(ClientInfo { client_id: client_id.clone(), user_id, handle, topics, data, connected })
    }

    /// Panics if what the channel keeps twice does not agree. Linear in all that there is; for
    /// tests.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.rooms.check_invariants();
        self.clients.check_invariants();
        self.clock.agenda.check_invariants();
        self.groups.check_invariants();
        let mut memberships = 0;
        for number in self.rooms.in_order() {
            let room = self.rooms.get(number);
            for (seat, client) in room.seats_from(0) {
                let known = self.clients.get(client).rooms.get(number).map(Footing::seat);
                let (Some(Seat::Attached(own) | Seat::Detached(own)), attached) =
                    (known, matches!(known, Some(Seat::Attached(_))))
                else {
                    unreachable!("a member knows that it has a seat")
                };
                assert_eq!(own, seat, "a member knows its seat");
                let due = Due::Footing { client, room: number };
                assert!(attached || self.clock.agenda.is_set(due), "who is detached may expire");
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

    fn room_of(&self, topic: &Topic) -> Option<&Room> {
        self.rooms.find(topic).map(|room| self.rooms.get(room))
    }

    pub(super) fn clients_of_user(&self, user_id: &UserId) -> impl Iterator<Item = ClientHandle> {
        let first = self.clients.find_user(user_id).into_iter();
        first.flat_map(|first| self.clients.of_same_user(first))
    }

    fn memberships_of(&self, client: ClientHandle) -> impl Iterator<Item = RoomNumber> {
        let rooms = self.clients.get(client).rooms.to_vec().into_iter();
        rooms.filter(|(_, footing)| footing.is_member()).map(|(room, _)| room)
    }
}
