//! What is known of a channel: its clock, clients, rooms and groups.

use std::{collections::BTreeMap, vec::Vec};

use parlor::{ClientId, Config, Event, GroupName, RoomConfig, Topic, UserId};

use super::rooms::{Made, Room};

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) config: Config,
    pub(super) is_crashed: bool,
    pub(super) clock_ms: u64,
    /// In connect order.
    pub(super) clients: Vec<Client>,
    pub(super) rooms: BTreeMap<Topic, Room>,
    pub(super) groups: Vec<(GroupName, Vec<Topic>)>,
    next_epoch: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) user: UserId,
    /// Whether it was registered by a connect: then it stays without a footing.
    pub(super) stays: bool,
    /// Until when it is held, if its connection is lost.
    pub(super) held_until: Option<u64>,
}

impl State {
    pub(super) fn new(config: &Config) -> Self {
        let mut state = Self {
            config: config.clone(),
            is_crashed: false,
            clock_ms: 0,
            clients: Vec::new(),
            rooms: BTreeMap::new(),
            groups: Vec::new(),
            next_epoch: config.first_epoch(),
        };
        for (topic, room) in config.declared() {
            state.make(topic, RoomConfig::clone(room), Made::Declared);
        }
        state
    }

    /// Takes in the time that an event tells, refused or not.
    pub(super) fn hear(&mut self, event: &Event) {
        let now_ms = match event {
            Event::Join(join) => join.now_ms,
            Event::Rejoin(rejoin) => rejoin.now_ms,
            Event::Connect(connect) => connect.now_ms,
            Event::Disconnect(disconnect) => disconnect.now_ms,
            Event::Tick(tick) => tick.now_ms,
            _ => 0,
        };
        self.clock_ms = self.clock_ms.max(now_ms);
    }

    pub(super) fn make(&mut self, topic: &Topic, config: RoomConfig, made: Made) {
        let made = match made {
            // What was closed may be joined again, and persists as before.
            Made::ByJoining if self.config.is_declared(topic) => Made::Declared,
            Made::Declared | Made::ByJoining | Made::ByOpening => made,
        };
        self.rooms.insert(topic.clone(), Room::new(config, made, self.next_epoch));
        self.next_epoch += 1;
    }

    pub(super) fn room(&self, topic: &Topic) -> Option<&Room> {
        self.rooms.get(topic)
    }

    pub(super) fn client(&self, id: &ClientId) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == *id)
    }

    pub(super) fn client_mut(&mut self, id: &ClientId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.id == *id)
    }

    pub(super) fn user_of(&self, id: &ClientId) -> Option<&UserId> {
        self.client(id).map(|client| &client.user)
    }

    /// Those who have a connection, in connect order.
    pub(super) fn connected(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(|client| client.held_until.is_none())
    }

    /// The time up to which is held what is lost at this moment.
    pub(super) fn end_of_grace(&self) -> u64 {
        self.clock_ms.saturating_add(self.config.grace_ms())
    }

    /// Lets go of the clients that nothing holds after an event.
    pub(super) fn forget(&mut self, event: &Event) {
        let Self { clients, rooms, clock_ms, .. } = self;
        let is_over = |client: &Client| {
            matches!(event, Event::Tick(_)) && client.held_until.is_some_and(|at| at <= *clock_ms)
        };
        let has_footing = |client: &Client| rooms.values().any(|room| room.has_footing(&client.id));
        match event {
            Event::Leave(_)
            | Event::Untrack(_)
            | Event::Kick(_)
            | Event::CloseRoom(_)
            | Event::Tick(_)
            | Event::Crash(_) => {
                clients.retain(|client| !is_over(client) && (client.stays || has_footing(client)));
            }
            _ => {}
        }
    }
}
