//! What an event that was not refused does to memberships, presences, rooms and groups.

use std::{collections::BTreeMap, vec::Vec};

use parlor::{
    AddToGroup, Cause, ClientId, Disconnect, Event, Grace, Json, Kick, OpenRoom, Outbound,
    RemoveFromGroup, RoomConfig, Topic, UserId,
};

use super::{
    rooms::{Made, Member, Room},
    state::{Client, State},
};

/// What has moved by an event, as far as what is said of it depends on it.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// To whom it has to be said that a membership ends, or is held.
    pub(super) closed: BTreeMap<Topic, (Option<Cause>, Vec<ClientId>)>,
    /// Who was connected when it was said, in connect order.
    pub(super) connected: Vec<ClientId>,
    /// The topics whose windows ended.
    pub(super) ended: Vec<Topic>,
    /// The rooms that went.
    pub(super) gone: BTreeMap<Topic, Room>,
    /// Whether those who went have gone together, which is announced to nobody.
    pub(super) is_silent: bool,
    /// Whether a join or rejoin was one of a client that was no member.
    pub(super) is_stranger: bool,
    /// Whether it was a join of one that was there all the time.
    pub(super) is_repeated: bool,
}

impl Moves {
    pub(super) fn of(event: &Event, outbox: &[Outbound], state: &mut State) -> Self {
        let connected = state.connected().map(|client| client.id.clone()).collect();
        let mut moves = Self { connected, ..Self::default() };
        match event {
            Event::Join(join) => {
                let room = state.room(&join.topic);
                let member = room.and_then(|room| room.member(&join.client_id));
                moves.is_repeated = member.is_some_and(|member| member.held_until.is_none());
                if !moves.is_repeated {
                    moves.come(
                        state,
                        &join.client_id,
                        &join.topic,
                        &join.user_id,
                        given(join.meta.as_ref()),
                    );
                }
            }
            Event::Rejoin(rejoin) => {
                let meta = given(rejoin.meta.as_ref());
                moves.come(state, &rejoin.client_id, &rejoin.topic, &rejoin.user_id, meta);
            }
            Event::Leave(leave) => moves.end(state, &leave.client_id, &leave.topic, None),
            Event::Connect(connect) => {
                register(state, &connect.client_id, &connect.user_id);
                state.client_mut(&connect.client_id).into_iter().for_each(|of| of.stays = true);
            }
            Event::Disconnect(disconnect) => moves.disconnect(state, disconnect),
            Event::Subscribe(subscribe) => {
                if let Some(member) = member(state, &subscribe.topic, &subscribe.client_id)
                    && !member.subscriptions.contains(&subscribe.event)
                {
                    member.subscriptions.push(subscribe.event.clone());
                }
            }
            Event::Unsubscribe(unsubscribe) => {
                if let Some(member) = member(state, &unsubscribe.topic, &unsubscribe.client_id) {
                    member.subscriptions.retain(|name| *name != unsubscribe.event);
                }
            }
            Event::Track(track) => {
                let (clock_ms, user) = (state.clock_ms, state.user_of(&track.client_id).cloned());
                if let (Some(room), Some(user)) = (state.rooms.get_mut(&track.topic), user) {
                    room.show(&track.client_id, &user, given(track.meta.as_ref()), clock_ms);
                    if let Some(shown) = room.shown(&track.client_id) {
                        shown.held_until = None;
                    }
                }
            }
            Event::Untrack(untrack) => moves.untrack(state, &untrack.client_id, &untrack.topic),
            Event::OpenRoom(open) => open_room(state, open),
            Event::CloseRoom(close) => moves.close_room(state, &close.topic),
            Event::Kick(kick) => moves.kick(state, kick),
            Event::AddToGroup(add) => add_to_group(state, add),
            Event::RemoveFromGroup(remove) => remove_from_group(state, remove),
            Event::Tick(_) => moves.tick(state),
            Event::Crash(_) => moves.crash(state),
            Event::Restart => state.is_crashed = false,
            Event::Broadcast(_) | Event::Publish(_) => count_broadcast(state, outbox),
            Event::Push(_) | Event::History(_) | Event::Query(_) | Event::Refuse(_) => {}
        }
        moves
    }

    /// A client becomes a member or comes back.
    fn come(
        &mut self,
        state: &mut State,
        client: &ClientId,
        topic: &Topic,
        user: &UserId,
        meta: Option<Json>,
    ) {
        register(state, client, user);
        if !state.rooms.contains_key(topic) {
            let config = RoomConfig::clone(state.config.room_to_open(topic));
            state.make(topic, config, Made::ByJoining);
        }
        let clock_ms = state.clock_ms;
        let Some(room) = state.rooms.get_mut(topic) else { return };
        let mut says_the_same = false;
        if let Some(member) = room.member_mut(client) {
            member.held_until = None;
            says_the_same = meta == member.joined;
            if meta.is_some() {
                member.joined.clone_from(&meta);
            }
        } else {
            self.is_stranger = true;
            room.members.push(Member {
                client: client.clone(),
                user: user.clone(),
                held_until: None,
                subscriptions: room.config.default_subscriptions.clone(),
                joined: meta.clone(),
                seen: 0,
            });
        }
        if meta.is_some() && !says_the_same || self.is_stranger && room.shown(client).is_none() {
            room.show(client, user, meta, clock_ms);
        }
    }

    /// A client's footing in a room ends, and the room goes if that was the last.
    fn end(&mut self, state: &mut State, client: &ClientId, topic: &Topic, cause: Option<Cause>) {
        let clock_ms = state.clock_ms;
        let Some(room) = state.rooms.get_mut(topic) else { return };
        if cause.is_some() && room.member(client).is_some() {
            let (_, closed) = self.closed.entry(topic.clone()).or_insert((cause, Vec::new()));
            closed.push(client.clone());
        }
        room.members.retain(|member| member.client != *client);
        room.informed.remove(client);
        room.hide(client, clock_ms);
        self.room_may_go(state, topic);
    }

    fn room_may_go(&mut self, state: &mut State, topic: &Topic) {
        let Some(room) = state.rooms.get_mut(topic) else { return };
        if !room.is_ephemeral || !room.is_empty() {
            return;
        }
        if room.due_ms.is_some() {
            room.end_window();
            self.ended.push(topic.clone());
        }
        self.gone.extend(state.rooms.remove_entry(topic));
    }

    fn untrack(&mut self, state: &mut State, client: &ClientId, topic: &Topic) {
        let clock_ms = state.clock_ms;
        let Some(room) = state.rooms.get_mut(topic) else { return };
        if room.shown(client).is_some() {
            room.hide(client, clock_ms);
            self.room_may_go(state, topic);
        }
    }

    fn disconnect(&mut self, state: &mut State, disconnect: &Disconnect) {
        let id = &disconnect.client_id;
        let until = state.end_of_grace();
        let has_grace = state.config.grace_ms() > 0;
        let Some(client) = state.client_mut(id) else { return };
        let cause = match disconnect.grace {
            Grace::Keep if client.held_until.is_some() => return,
            Grace::Keep | Grace::Skip => Cause::Disconnected,
            Grace::Expired => Cause::Expired,
        };
        self.connected.retain(|other| other != id);
        if has_grace && disconnect.grace == Grace::Keep {
            client.held_until = Some(until);
            for room in state.rooms.values_mut() {
                hold(room, id, until);
            }
        } else {
            self.end_everywhere(state, id, cause);
        }
    }

    fn kick(&mut self, state: &mut State, kick: &Kick) {
        match &kick.topic {
            Some(topic) => self.end(state, &kick.client_id, topic, Some(Cause::Kicked)),
            None => self.end_everywhere(state, &kick.client_id, Cause::Kicked),
        }
    }

    /// A client goes with all that it has.
    fn end_everywhere(&mut self, state: &mut State, id: &ClientId, cause: Cause) {
        let rooms = state.rooms.iter().filter(|(_, room)| room.has_footing(id));
        let topics: Vec<_> = rooms.map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            self.end(state, id, &topic, Some(cause));
        }
        state.clients.retain(|client| client.id != *id);
    }

    fn close_room(&mut self, state: &mut State, topic: &Topic) {
        let Some(mut room) = state.rooms.remove(topic) else { return };
        let members = room.members.drain(..).map(|member| member.client).collect();
        self.closed.insert(topic.clone(), (Some(Cause::RoomClosed), members));
        self.gone.insert(topic.clone(), room);
        self.is_silent = true;
        for (_, topics) in &mut state.groups {
            topics.retain(|linked| linked != topic);
        }
        state.groups.retain(|(_, topics)| !topics.is_empty());
    }

    /// What is held for too long ends; then windows end.
    fn tick(&mut self, state: &mut State) {
        let clock_ms = state.clock_ms;
        let is_over = |until: Option<u64>| until.is_some_and(|at| at <= clock_ms);
        let topics: Vec<_> = state.rooms.keys().cloned().collect();
        for topic in &topics {
            let Some(room) = state.rooms.get(topic) else { continue };
            let members = room.members.iter().filter(|member| is_over(member.held_until));
            let mut over: Vec<_> = members.map(|member| member.client.clone()).collect();
            let shown = room.present.iter().flat_map(|(_, metas)| metas);
            let shown = shown.filter(|shown| is_over(shown.held_until));
            over.extend(shown.map(|shown| shown.client.clone()));
            for client in over {
                self.end(state, &client, topic, Some(Cause::Expired));
            }
        }
        for topic in topics {
            let Some(room) = state.rooms.get_mut(&topic) else { continue };
            if room.due_ms.is_some_and(|due_ms| due_ms <= clock_ms) {
                room.end_window();
                self.ended.push(topic);
            }
        }
    }

    fn crash(&mut self, state: &mut State) {
        if state.is_crashed {
            return;
        }
        state.is_crashed = true;
        let until = state.end_of_grace();
        let has_grace = state.config.grace_ms() > 0;
        self.is_silent = !has_grace;
        let topics: Vec<_> = state.rooms.keys().cloned().collect();
        for topic in topics {
            let Some(room) = state.rooms.get_mut(&topic) else { continue };
            let attached: Vec<_> = room.attached().map(|member| member.client.clone()).collect();
            self.closed.insert(topic.clone(), (Some(Cause::Crashed), attached.clone()));
            room.informed.clear();
            if has_grace {
                let shown = room.present.iter().flat_map(|(_, metas)| metas);
                let clients: Vec<_> = shown.map(|shown| shown.client.clone()).collect();
                for client in attached.iter().chain(&clients) {
                    hold(room, client, until);
                }
                continue;
            }
            let was_empty = room.is_empty();
            room.members.clear();
            room.present.clear();
            room.announced.clear();
            room.due_ms = None;
            if room.is_ephemeral && !was_empty {
                self.gone.extend(state.rooms.remove_entry(&topic));
            }
        }
    }
}

/// Holds what a client has in a room, unless it is held already.
fn hold(room: &mut Room, client: &ClientId, until: u64) {
    room.informed.remove(client);
    if let Some(member) = room.member_mut(client) {
        member.held_until.get_or_insert(until);
    } else if let Some(shown) = room.shown(client) {
        shown.held_until.get_or_insert(until);
    }
}

/// A client is there and connected. What it shows without being a member is held no longer.
fn register(state: &mut State, id: &ClientId, user: &UserId) {
    if let Some(client) = state.client_mut(id) {
        client.held_until = None;
    } else {
        let (id, user) = (id.clone(), user.clone());
        state.clients.push(Client { id, user, stays: false, held_until: None });
    }
    for room in state.rooms.values_mut() {
        room.shown(id).into_iter().for_each(|shown| shown.held_until = None);
    }
}

/// A room is opened. Which name and owner it has makes no difference here.
fn open_room(state: &mut State, open: &OpenRoom) {
    let configured = || RoomConfig::clone(state.config.room_to_open(&open.topic));
    let config = match (&open.config, &open.by) {
        (Some(config), None) => RoomConfig::clone(config),
        (None, _) | (_, Some(_)) => configured(),
    };
    state.make(&open.topic, config, Made::ByOpening);
}

fn add_to_group(state: &mut State, add: &AddToGroup) {
    let known = state.groups.iter().position(|(name, _)| *name == add.group);
    let place = known.unwrap_or_else(|| {
        state.groups.push((add.group.clone(), Vec::new()));
        state.groups.len() - 1
    });
    if let Some((_, topics)) = state.groups.get_mut(place) {
        for topic in &add.topics {
            if !topics.contains(topic) {
                topics.push(topic.clone());
            }
        }
    }
    state.groups.retain(|(_, topics)| !topics.is_empty());
}

fn remove_from_group(state: &mut State, remove: &RemoveFromGroup) {
    for (_, topics) in state.groups.iter_mut().filter(|(name, _)| *name == remove.group) {
        topics.retain(|topic| !remove.topics.contains(topic));
    }
    state.groups.retain(|(_, topics)| !topics.is_empty());
}

fn count_broadcast(state: &mut State, outbox: &[Outbound]) {
    for outbound in outbox {
        if let Outbound::BroadcastMessage(message) = outbound
            && let Some(room) = message.topic().and_then(|topic| state.rooms.get_mut(topic))
        {
            room.position.offset += 1;
        }
    }
}

fn member<'a>(state: &'a mut State, topic: &Topic, client: &ClientId) -> Option<&'a mut Member> {
    state.rooms.get_mut(topic)?.member_mut(client)
}

/// A `null` reads as absent.
fn given(meta: Option<&Json>) -> Option<Json> {
    meta.cloned().filter(|json| json.as_str() != "null")
}
