//! From a form to a channel, which is put together by what its parts do in life. What does not fit
//! together is refused.
//!
//! Each check says what is wrong where it finds it. The last one compares what the channel would
//! save with what it was made of, so that nothing is left out, moved or taken for something else.

mod finish;
mod room;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::ToString,
    sync::Arc,
    vec::Vec,
};
use core::{fmt, num::NonZeroU64};

use super::{RestoreError, form};
use crate::{
    agenda::Due,
    channel::{
        Channel,
        node::{Node, Phase},
    },
    clients::{Clients, Registration},
    config::{Config, Limit},
    footing::Footing,
    ids::{ClientHandle, Topic},
    rate,
    rooms::{NO_ROOM, Origin, RoomNumber},
};

type Restored<T = ()> = Result<T, RestoreError>;

/// As high as a counter may be: there is more room above than events can happen.
const MOST: u64 = u64::MAX / 4 * 3;

/// A channel that is being put together.
struct Builder {
    channel: Channel,
    handles: BTreeSet<ClientHandle>,
    rooms: BTreeMap<u64, RoomNumber>,
    /// The refs of all metas that are in lists.
    refs: BTreeSet<u64>,
}

impl Channel {
    pub(super) fn from_state(config: Config, state: form::State) -> Restored<Self> {
        Self::put_together(config, state)
            .map_err(|RestoreError(what)| RestoreError(format!("state: {what}")))
    }

    fn put_together(config: Config, state: form::State) -> Restored<Self> {
        let form = state.clone();
        let form::State {
            node,
            crashed,
            now_ms,
            next_ref,
            next_epoch,
            counters,
            clients,
            free_handles,
            ended_handles,
            rooms,
            agenda,
            groups,
            rates,
        } = state;
        let node = match node {
            None => Node::single(),
            Some(form::Node { name, cluster }) => {
                Node::of_cluster(name, cluster, &config).map_err(wrong)?
            }
        };
        let mut channel = Self::bare(node, config);
        channel.node.phase = if crashed { Phase::Crashed } else { Phase::Running };
        channel.node.set_next_ref(number("next_ref", next_ref)?);
        channel.clock.now_ms = now_ms;
        check_counter("next_epoch", next_epoch)?;

        let (handles, refs) = (BTreeSet::new(), BTreeSet::new());
        let mut builder = Builder { channel, handles, rooms: BTreeMap::new(), refs };
        check_handles(&clients, &free_handles, &ended_handles)?;
        let walks = builder.clients(clients)?;
        builder.channel.clients.set_spare_handles(free_handles, ended_handles);
        builder.check_limit(Limit::Topics, rooms.len())?;
        for room in &rooms {
            builder.room(room, next_epoch)?;
        }
        builder.channel.rooms.set_next_epoch(next_epoch);
        for (client, epochs) in walks {
            builder.footings(client, &epochs)?;
        }
        for room in rooms {
            let (number, topic) = (builder.find_room(room.epoch)?, room.topic.clone());
            builder
                .fill(number, room)
                .map_err(|RestoreError(what)| wrong(format_args!("room {topic:?}: {what}")))?;
        }
        builder.agenda(agenda)?;
        builder.groups(groups)?;
        builder.rates(rates)?;
        builder.finish(counters, &form)
    }
}

impl Builder {
    /// Adds clients, and returns where each of them has to have something.
    fn clients(&mut self, clients: Vec<form::Client>) -> Restored<Vec<(ClientHandle, Vec<u64>)>> {
        self.check_limit(Limit::Clients, clients.len())?;
        let mut walks = Vec::new();
        for client in clients {
            let form::Client { handle, id, user, registered, connected, data, rooms } = client;
            self.check_name("a client", id.as_str())?;
            self.check_name("a user", user.as_str())?;
            let all: &mut Clients = &mut self.channel.clients;
            if all.find(&id).is_some() {
                return Err(wrong(format_args!("client {id:?} is there twice")));
            }
            all.offer_handle(handle);
            let registration =
                if registered { Registration::ByConnecting } else { Registration::ByJoining };
            let handle = all.add(&id, &user, registration, |_, _| NonZeroU64::MIN);
            all.set_data(handle, data.map(|form::Verbatim(data)| data));
            if !connected {
                all.lose(handle);
            }
            self.handles.insert(handle);
            walks.push((handle, rooms));
        }
        Ok(walks)
    }

    fn room(&mut self, room: &form::Room, next_epoch: u64) -> Restored {
        let form::Room { topic, epoch, offset, config, origin, .. } = room;
        let wrong = |what: &str| Err(wrong(format_args!("room {topic:?} {what}")));
        self.check_name("a topic", topic.as_str())?;
        if self.channel.rooms.find(topic).is_some() {
            return wrong("is there twice");
        }
        let latest = self.rooms.last_key_value().map(|(epoch, _)| *epoch);
        if *epoch >= next_epoch || latest.is_some_and(|latest| *epoch <= latest) {
            return wrong("has an epoch out of order");
        }
        check_counter("an offset", *offset)?;
        let all = &self.channel.config;
        if let Some(Err(flaw)) = config.as_ref().map(|config| config.check(all)) {
            return wrong(&flaw.to_string());
        }
        let origin = match origin {
            form::Origin::Opened => Origin::Opened,
            form::Origin::OpenedByClient
                if config.as_ref().is_none_or(|config| config.owner.is_none()) =>
            {
                return wrong("was opened by a client, expected an owner");
            }
            form::Origin::OpenedByClient => Origin::OpenedByClient,
            form::Origin::Joined | form::Origin::Declared if config.is_some() => {
                return wrong(
                    "has a configuration of its own, expected that only if it was opened",
                );
            }
            form::Origin::Joined if all.room_for(topic).is_none() => {
                return wrong(
                    "was made by a join, expected a configuration that lets joins make it",
                );
            }
            form::Origin::Joined => Origin::Joined,
            form::Origin::Declared if !all.is_declared(topic) => {
                return wrong("is declared, expected the configuration to declare it");
            }
            form::Origin::Declared => Origin::Declared,
        };
        let config = match config {
            None => Arc::clone(all.room_to_open(topic)),
            Some(config) => Arc::new(config.clone()),
        };
        self.channel.rooms.set_next_epoch(*epoch);
        let number = self.channel.rooms.create(topic, config, origin);
        self.channel.rooms.get_mut(number).position.offset = *offset;
        self.rooms.insert(*epoch, number);
        Ok(())
    }

    /// Notes the rooms of a client in the order in which it came to them.
    fn footings(&mut self, client: ClientHandle, epochs: &[u64]) -> Restored {
        self.check_limit(Limit::TopicsPerClient, epochs.len())?;
        for epoch in epochs {
            let room = self.find_room(*epoch)?;
            let rooms = &mut self.channel.clients.get_mut(client).rooms;
            if rooms.get(room).is_some() {
                return Err(wrong(format_args!("client {} has a room twice", client.get())));
            }
            rooms.set(room, Footing::NONE);
        }
        Ok(())
    }

    fn agenda(&mut self, agenda: Vec<(form::Due, u64)>) -> Restored {
        let (now_ms, grace_ms) = (self.channel.clock.now_ms, self.channel.config.grace_ms());
        for (due, at_ms) in agenda {
            let (due, lasts_ms) = match due {
                form::Due::Footing { client, epoch } => {
                    let client = self.find_client(client)?;
                    let room = self.find_room(epoch)?;
                    if self.channel.clients.get(client).rooms.get(room).is_none() {
                        return Err(wrong("a grace is of who has nothing there"));
                    }
                    (Due::Footing { client, room }, grace_ms)
                }
                form::Due::Client(client) => (Due::Client(self.find_client(client)?), grace_ms),
                form::Due::Window(epoch) => {
                    let room = self.find_room(epoch)?;
                    let window_ms = self.channel.rooms.get(room).config.presence_window_ms;
                    (Due::Window { epoch, room }, window_ms.unwrap_or(0))
                }
            };
            let is_grace = !matches!(due, Due::Window { .. });
            if is_grace && grace_ms == 0 {
                return Err(wrong("a grace runs, expected none where there is none"));
            }
            if at_ms > now_ms.saturating_add(lasts_ms) {
                let last = now_ms.saturating_add(lasts_ms);
                return Err(wrong(format_args!(
                    "something is due at {at_ms}, expected at most {last}"
                )));
            }
            if self.channel.clock.agenda.is_set(due) {
                return Err(wrong("something is due twice"));
            }
            self.channel.clock.agenda.set(due, at_ms);
        }
        Ok(())
    }

    fn groups(&mut self, groups: Vec<(crate::ids::GroupName, Vec<Topic>)>) -> Restored {
        self.check_limit(Limit::Groups, groups.len())?;
        for (group, topics) in groups {
            self.check_limit(Limit::TopicsPerGroup, topics.len())?;
            self.check_name("a group", group.as_str())?;
            topics.iter().try_for_each(|topic| self.check_name("a topic", topic.as_str()))?;
            if topics.is_empty() {
                return Err(wrong(format_args!("group {group:?} is empty")));
            }
            if self.channel.groups.contains(&group) {
                return Err(wrong(format_args!("group {group:?} is there twice")));
            }
            self.channel.groups.add(&group, &topics);
        }
        Ok(())
    }

    fn rates(&mut self, rates: Vec<form::Rate>) -> Restored {
        let now_ms = self.channel.clock.now_ms;
        for form::Rate { client, epoch, ends_at_ms, count } in rates {
            let client = self.find_client(client)?;
            let (room, limit) = match epoch {
                None => (NO_ROOM, Some(self.channel.config.room_rate_limit())),
                Some(epoch) => {
                    let room = self.find_room(epoch)?;
                    (room, self.channel.rooms.get(room).config.rate_limit)
                }
            };
            let limit = limit.ok_or_else(|| wrong("a rate is counted where there is no limit"))?;
            let last = now_ms.saturating_add(limit.window_ms);
            if !(1..=limit.max_events).contains(&count) || ends_at_ms > last {
                return Err(wrong(format_args!(
                    "a rate of {count} ends at {ends_at_ms}, expected 1 to {} and at most {last}",
                    limit.max_events
                )));
            }
            let window = rate::Window { ends_at_ms, count };
            self.channel.rooms.rates.restore(client, room, window);
        }
        Ok(())
    }

    fn find_room(&self, epoch: u64) -> Restored<RoomNumber> {
        let unknown = || wrong(format_args!("there is no room of epoch {epoch}"));
        self.rooms.get(&epoch).copied().ok_or_else(unknown)
    }

    fn find_client(&self, client: u32) -> Restored<ClientHandle> {
        let unknown = || wrong(format_args!("there is no client {client}"));
        let in_range = client < 1 << 31;
        let handle = in_range.then(|| ClientHandle::new(client));
        handle.filter(|handle| self.handles.contains(handle)).ok_or_else(unknown)
    }

    fn check_limit(&self, limit: Limit, count: usize) -> Restored {
        self.check_limit_of(limit, count as u64)
    }

    fn check_limit_of(&self, limit: Limit, count: u64) -> Restored {
        let max = self.channel.config.limit(limit);
        if count <= max {
            return Ok(());
        }
        Err(wrong(format_args!("limit {limit} is exceeded by {count}, expected at most {max}")))
    }

    fn check_name(&self, of: &str, name: &str) -> Restored {
        let (bytes, max) = (name.len() as u64, self.channel.config.limit(Limit::NameBytes));
        if (1..=max).contains(&bytes) {
            return Ok(());
        }
        Err(wrong(format_args!("the name of {of} has {bytes} bytes, expected 1 to {max}")))
    }
}

/// What is wrong, and what was expected; whoever is told adds where that is.
fn wrong(what: impl fmt::Display) -> RestoreError {
    RestoreError(what.to_string())
}

fn check_counter(name: &str, number: u64) -> Restored {
    if number <= MOST {
        return Ok(());
    }
    Err(wrong(format_args!("{name} is {number}, expected at most {MOST}")))
}

fn number(name: &str, given: u64) -> Restored<NonZeroU64> {
    check_counter(name, given)?;
    NonZeroU64::new(given).ok_or_else(|| wrong(format_args!("{name} is 0, expected 1 or more")))
}

/// Every handle below the highest stands for a client, is free, or waits to be.
fn check_handles(clients: &[form::Client], free: &[u32], ended: &[u32]) -> Restored {
    let of_clients = clients.iter().map(|client| client.handle);
    let mut all: Vec<_> = of_clients.chain(free.iter().chain(ended).copied()).collect();
    all.sort_unstable();
    match (0..).zip(&all).find(|(expected, handle): &(u32, _)| expected != *handle) {
        None => Ok(()),
        Some((expected, handle)) => Err(wrong(format_args!(
            "handle {handle} is where {expected} is expected, as each has one from 0 up"
        ))),
    }
}
