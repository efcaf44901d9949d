//! What well-behaved clients and servers send: nothing that a channel of the default configuration
//! refuses.
//!
//! Each event is chosen among those that make sense after the ones before it, of which just as much
//! is kept as that takes: who is where. What is chosen, not what came of it, decides what can come
//! next, so any choices give a sequence that is valid, also those that a shrinking test has left.

use std::vec::Vec;

use parlor::{
    AddToGroup, Address, Broadcast, ClientId, CloseRoom, Connect, Crash, Disconnect, Event,
    EventKind, GroupName, History, Join, Kick, Leave, Lifetime, OpenRoom, Position, PresenceMode,
    Publish, Push, Query, Rejoin, RemoveFromGroup, RoomConfig, Subscribe, Topic, Track,
    Unsubscribe, Untrack, UserId, Who,
};

use super::{
    anything,
    choices::{Choices, TOPICS},
};

/// Who is where.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    is_crashed: bool,
    rooms_made: u64,
    clients: Vec<Client>,
    rooms: Vec<Room>,
    groups: Vec<(GroupName, Vec<Topic>)>,
}

#[derive(Debug, Clone)]
struct Client {
    id: ClientId,
    user: UserId,
    /// Whether it connected, and so stays when it is nowhere.
    stays: bool,
}

#[derive(Debug, Clone)]
struct Room {
    topic: Topic,
    config: RoomConfig,
    is_ephemeral: bool,
    position: Position,
    members: Vec<ClientId>,
    present: Vec<ClientId>,
}

impl World {
    /// An event that makes sense, and what it leads to.
    pub(super) fn next(&mut self, choices: &mut Choices<'_>) -> Event {
        if self.is_crashed {
            return self.restart(choices);
        }
        // All is drawn whatever has happened, so that a step stays what it is as far as it can if
        // one before it is left out.
        let opens = choices.once_in(4);
        let mut kind = anything::weighted_kind(choices);
        if opens && self.rooms.len() < 3 {
            // Rooms that are opened are of more kinds than those that joining makes.
            kind = EventKind::OpenRoom;
        }
        self.of_kind(kind, choices).unwrap_or_else(|| self.join(choices))
    }

    /// An event of a kind, if one makes sense. None is refused, as nobody behaves badly, and there
    /// is nothing to restart; what comes in their places is what is rare.
    fn of_kind(&mut self, kind: EventKind, choices: &mut Choices<'_>) -> Option<Event> {
        match kind {
            EventKind::Join => Some(self.join(choices)),
            EventKind::Rejoin => Some(self.rejoin(choices)),
            EventKind::Leave => self.leave(choices),
            EventKind::Broadcast => self.broadcast(choices),
            EventKind::Push => self.push(choices),
            EventKind::Crash => Some(self.crash(choices)),
            EventKind::Connect => Some(self.connect(choices)),
            EventKind::Disconnect => self.disconnect(choices),
            EventKind::Subscribe => self.subscribe(choices),
            EventKind::Unsubscribe => self.unsubscribe(choices),
            EventKind::Track => self.track(choices),
            EventKind::Untrack => self.untrack(choices),
            EventKind::OpenRoom | EventKind::Restart => self.open_room(choices),
            EventKind::CloseRoom => self.close_room(choices),
            EventKind::History | EventKind::Refuse => self.history(choices),
            EventKind::Query => Some(query(choices)),
            EventKind::Publish => self.publish(choices),
            EventKind::Kick => self.kick(choices),
            EventKind::AddToGroup => Some(self.add_to_group(choices)),
            EventKind::RemoveFromGroup => self.remove_from_group(choices),
            EventKind::Tick => Some(anything::tick(choices).into()),
        }
    }

    fn join(&mut self, choices: &mut Choices<'_>) -> Event {
        let join = anything::join(choices);
        let Join { client_id, topic, user_id, .. } = &join;
        self.come(client_id, topic, user_id, true);
        join.into()
    }

    /// One that comes back says where it was, if it knows.
    fn rejoin(&mut self, choices: &mut Choices<'_>) -> Event {
        let mut rejoin = Rejoin { since: None, ..anything::rejoin(choices) };
        let Rejoin { client_id, topic, user_id, meta, .. } = &rejoin;
        let room = self.rooms.iter().find(|room| room.topic == *topic);
        let position = room.map(|room| room.position);
        let shows = meta.is_some();
        self.come(client_id, topic, user_id, shows);
        rejoin.since = position.and_then(|position| {
            choices.maybe(|choices| {
                let most = usize::try_from(position.offset).unwrap_or_default();
                Position { offset: choices.below(most + 1) as u64, ..position }
            })
        });
        rejoin.into()
    }

    fn leave(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.member(choices)?;
        self.part(&client_id, &topic);
        self.retire(&client_id);
        Some(Leave { client_id, topic, reference: choices.reference() }.into())
    }

    fn broadcast(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.participant(choices, |config| config.publishers)?;
        let broadcast = Broadcast { client_id, topic, ..anything::broadcast(choices) };
        let room = self.room(&broadcast.topic)?;
        if !room.config.allows(&broadcast.event) {
            return None;
        }
        room.position.offset += 1;
        Some(broadcast.into())
    }

    fn push(&self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.member(choices)?;
        Some(Push { client_id, topic, ..anything::push(choices) }.into())
    }

    /// Seldom, as all have to come again.
    fn crash(&mut self, choices: &mut Choices<'_>) -> Event {
        self.is_crashed = true;
        for room in &mut self.rooms {
            if !(room.members.is_empty() && room.present.is_empty()) && room.is_ephemeral {
                room.topic = Topic::default();
            }
            room.members.clear();
            room.present.clear();
        }
        self.rooms.retain(|room| room.topic != Topic::default());
        self.clients.retain(|client| client.stays);
        Crash { reason: choices.text() }.into()
    }

    /// What can happen to a channel that has crashed, the end of it first of all.
    fn restart(&mut self, choices: &mut Choices<'_>) -> Event {
        match choices.below(8) {
            5 => query(choices),
            6 => anything::tick(choices).into(),
            7 => self.disconnect(choices).unwrap_or_else(|| query(choices)),
            _ => {
                self.is_crashed = false;
                Event::Restart
            }
        }
    }

    fn connect(&mut self, choices: &mut Choices<'_>) -> Event {
        let connect = anything::connect(choices);
        let Connect { client_id, user_id, .. } = &connect;
        self.register(client_id, user_id).stays = true;
        connect.into()
    }

    fn disconnect(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let client_id = self.client(choices)?;
        self.end(&client_id);
        let (now_ms, grace) = (choices.time(), choices.grace());
        Some(Disconnect { client_id, now_ms, grace }.into())
    }

    fn subscribe(&self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.member(choices)?;
        Some(Subscribe { client_id, topic, ..anything::subscribe(choices) }.into())
    }

    fn unsubscribe(&self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.member(choices)?;
        Some(Unsubscribe { client_id, topic, ..anything::unsubscribe(choices) }.into())
    }

    fn track(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.participant(choices, |config| config.presence_of)?;
        let room = self.room(&topic)?;
        if room.config.presence == PresenceMode::Off {
            return None;
        }
        room.show(&client_id);
        Some(Track { client_id, topic, ..anything::track(choices) }.into())
    }

    fn untrack(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.participant(choices, |config| config.presence_of)?;
        let room = self.room(&topic)?;
        if room.members.contains(&client_id) {
            room.present.retain(|present| *present != client_id);
        } else {
            self.part(&client_id, &topic);
            self.retire(&client_id);
        }
        Some(Untrack { client_id, topic, reference: choices.reference() }.into())
    }

    fn open_room(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let mut topics: Vec<_> = TOPICS.map(Topic::from).into();
        topics.retain(|topic| self.room(topic).is_none());
        let topic = choices.of(&topics)?;
        let open = OpenRoom { topic, by: None, ..anything::open_room(choices) };
        let config = open.config.as_deref().cloned().unwrap_or_default();
        self.make(&open.topic, config, Lifetime::Persistent);
        Some(open.into())
    }

    /// By the server, or by a client of the user that it belongs to.
    fn close_room(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let Room { topic, config, .. } = choices.of(&self.rooms)?;
        let owning =
            self.clients.iter().filter(|client| config.owner.as_ref() == Some(&client.user));
        let owning: Vec<_> = owning.map(|client| client.id.clone()).collect();
        let by = choices.of(&owning);
        let clients = self.room(&topic).map(|room| room.footings()).unwrap_or_default();
        self.rooms.retain(|room| room.topic != topic);
        for (_, topics) in &mut self.groups {
            topics.retain(|linked| *linked != topic);
        }
        self.groups.retain(|(_, topics)| !topics.is_empty());
        for client in &clients {
            self.retire(client);
        }
        Some(CloseRoom { topic, by, reference: choices.reference() }.into())
    }

    fn history(&self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = self.participant(choices, |config| config.history_for)?;
        Some(History { client_id, topic, ..anything::history(choices) }.into())
    }

    fn publish(&self, choices: &mut Choices<'_>) -> Option<Event> {
        let published = anything::publish(choices);
        let target = match choices.below(8) {
            0..=3 => Address::Topic(choices.of(&self.rooms)?.topic),
            4 => Address::Group(choices.of(&self.groups)?.0),
            5 => Address::User(choices.user()),
            6 => Address::Client(self.client(choices)?),
            _ => Address::Everyone,
        };
        Some(Publish { target, ..published }.into())
    }

    fn kick(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (client_id, topic) = if choices.once_in(2) {
            let (client_id, topic) = self.member(choices)?;
            self.part(&client_id, &topic);
            self.retire(&client_id);
            (client_id, Some(topic))
        } else {
            let client_id = self.client(choices)?;
            self.end(&client_id);
            (client_id, None)
        };
        Some(Kick { client_id, topic, ..anything::kick(choices) }.into())
    }

    fn add_to_group(&mut self, choices: &mut Choices<'_>) -> Event {
        let add = anything::add_to_group(choices);
        let AddToGroup { group, topics, .. } = &add;
        if let Some((_, linked)) = self.groups.iter_mut().find(|(name, _)| name == group) {
            linked.extend(topics.iter().cloned());
        } else {
            self.groups.push((group.clone(), topics.clone()));
        }
        add.into()
    }

    fn remove_from_group(&mut self, choices: &mut Choices<'_>) -> Option<Event> {
        let (group, _) = choices.of(&self.groups)?;
        let remove = RemoveFromGroup { group, ..anything::remove_from_group(choices) };
        for (_, topics) in self.groups.iter_mut().filter(|(name, _)| *name == remove.group) {
            topics.retain(|topic| !remove.topics.contains(topic));
        }
        self.groups.retain(|(_, topics)| !topics.is_empty());
        Some(remove.into())
    }

    fn room(&mut self, topic: &Topic) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.topic == *topic)
    }

    fn client(&self, choices: &mut Choices<'_>) -> Option<ClientId> {
        choices.of(&self.clients).map(|client| client.id)
    }

    /// A client and a topic of which it is a member.
    fn member(&self, choices: &mut Choices<'_>) -> Option<(ClientId, Topic)> {
        self.participant(choices, |_| Who::Members)
    }

    /// The same, or a client and a topic where all clients may do what members do.
    fn participant(
        &self,
        choices: &mut Choices<'_>,
        who: fn(&RoomConfig) -> Who,
    ) -> Option<(ClientId, Topic)> {
        let mut pairs = Vec::new();
        for room in &self.rooms {
            match who(&room.config) {
                Who::Members => pairs.extend(room.members.iter().map(|id| (id, &room.topic))),
                Who::Clients => {
                    pairs.extend(self.clients.iter().map(|client| (&client.id, &room.topic)));
                }
            }
        }
        choices.of(&pairs).map(|(client, topic)| (client.clone(), topic.clone()))
    }

    /// A client becomes a member, and is present if it was to be seen or is no member yet.
    fn come(&mut self, client: &ClientId, topic: &Topic, user: &UserId, shows: bool) {
        self.register(client, user);
        if self.room(topic).is_none() {
            self.make(topic, RoomConfig::default(), Lifetime::Ephemeral);
        }
        let Some(room) = self.room(topic) else { return };
        let is_new = !room.members.contains(client);
        if is_new {
            room.members.push(client.clone());
        }
        if shows || is_new {
            room.show(client);
        }
    }

    fn make(&mut self, topic: &Topic, config: RoomConfig, lifetime: Lifetime) {
        self.rooms_made += 1;
        self.rooms.push(Room {
            topic: topic.clone(),
            is_ephemeral: config.lifetime.unwrap_or(lifetime) == Lifetime::Ephemeral,
            config,
            position: Position { epoch: self.rooms_made, offset: 0 },
            members: Vec::new(),
            present: Vec::new(),
        });
    }

    fn register(&mut self, id: &ClientId, user: &UserId) -> &mut Client {
        let place = self.clients.iter().position(|client| client.id == *id);
        let place = place.unwrap_or_else(|| {
            self.clients.push(Client { id: id.clone(), user: user.clone(), stays: false });
            self.clients.len() - 1
        });
        self.clients.get_mut(place).expect("the client is there or was just put there")
    }

    /// What a client has in a room ends, and the room with its last.
    fn part(&mut self, client: &ClientId, topic: &Topic) {
        let Some(room) = self.room(topic) else { return };
        let had = room.footings().len();
        room.members.retain(|member| member != client);
        room.present.retain(|present| present != client);
        let is_over = room.is_ephemeral && had > 0 && room.footings().is_empty();
        self.rooms.retain(|room| !is_over || room.topic != *topic);
    }

    /// A client that only joined goes with the last that it has.
    fn retire(&mut self, id: &ClientId) {
        let has_footing = self.rooms.iter().any(|room| room.footings().contains(id));
        self.clients.retain(|client| client.id != *id || client.stays || has_footing);
    }

    /// A client goes with all that it has.
    fn end(&mut self, id: &ClientId) {
        let topics: Vec<_> = self.rooms.iter().map(|room| room.topic.clone()).collect();
        for topic in &topics {
            self.part(id, topic);
        }
        self.clients.retain(|client| client.id != *id);
    }
}

impl Room {
    fn show(&mut self, client: &ClientId) {
        if self.config.presence == PresenceMode::On && !self.present.contains(client) {
            self.present.push(client.clone());
        }
    }

    /// Who has something in it.
    fn footings(&self) -> Vec<ClientId> {
        self.members.iter().chain(&self.present).cloned().collect()
    }
}

/// A question that says about what.
fn query(choices: &mut Choices<'_>) -> Event {
    let topic = Some(choices.topic());
    let client_id = Some(choices.client());
    Query { topic, client_id, ..anything::query(choices) }.into()
}
