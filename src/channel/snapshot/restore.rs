//! From a form to a channel, which is put together by what its parts do in life. What does not fit
//! together is refused.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    string::ToString,
    sync::Arc,
    vec::Vec,
};
use core::num::NonZeroU64;

use super::{RestoreError, form};
use crate::{
    agenda::Due,
    channel::{
        Channel,
        node::{Node, Phase},
    },
    clients::{Clients, Connection, Registration},
    config::Config,
    few::Few,
    footing::{Footing, Seat},
    history::{Excluded, History, Lost},
    ids::ClientHandle,
    message::StoredMessage,
    pages::{Page, Pages},
    presence::{Edge, Entries, Entry, Meta, PresenceRef, Record, Window},
    rate,
    rooms::{Extras, Origin, RoomNumber},
    stats::{Counters, EventCounts, RefusalCounts},
};

type Restored<T = ()> = Result<T, RestoreError>;

/// A channel that is being put together.
struct Builder {
    channel: Channel,
    handles: BTreeSet<ClientHandle>,
    rooms: BTreeMap<u64, RoomNumber>,
}

impl Channel {
    pub(super) fn from_state(config: Config, state: form::State) -> Restored<Self> {
        let form::State {
            node,
            crashed,
            now_ms,
            next_ref,
            next_epoch,
            last_request,
            counters,
            clients,
            free_handles,
            ended_handles,
            rooms,
            agenda,
            groups,
            pages,
            rates,
        } = state;
        let node = match node {
            None => Node::single(),
            Some(form::Node { name, cluster }) => Node::of_cluster(name, cluster, &config)
                .map_err(|error| RestoreError(format!("state: {error}")))?,
        };
        let mut channel = Self::bare(node, config);
        channel.node.phase = if crashed { Phase::Crashed } else { Phase::Running };
        channel.node.set_next_ref(number(next_ref)?);
        channel.clock.now_ms = now_ms;
        channel.pages = Pages::after(last_request.min(u64::MAX - 1));

        let mut builder = Builder { channel, handles: BTreeSet::new(), rooms: BTreeMap::new() };
        check_handles(&clients, &free_handles, &ended_handles)?;
        let walks = builder.clients(clients)?;
        builder.channel.clients.set_spare_handles(free_handles, ended_handles);
        for room in &rooms {
            builder.room(room, next_epoch)?;
        }
        builder.channel.rooms.set_next_epoch(next_epoch);
        for (client, epochs) in walks {
            builder.footings(client, &epochs)?;
        }
        for room in rooms {
            builder.fill(room)?;
        }
        builder.agenda(agenda)?;
        for (group, topics) in groups {
            builder.channel.groups.add(&group, &topics);
        }
        builder.pages(pages)?;
        builder.rates(rates)?;
        builder.finish(counters)
    }
}

impl Builder {
    /// Adds clients, and returns where each of them has to have something.
    fn clients(&mut self, clients: Vec<form::Client>) -> Restored<Vec<(ClientHandle, Vec<u64>)>> {
        let mut walks = Vec::new();
        let all: &mut Clients = &mut self.channel.clients;
        for client in clients {
            let form::Client { handle, id, user, registered, connected, data, rooms } = client;
            if all.find(&id).is_some() {
                return Err(RestoreError(format!("state: client {id:?} is there twice")));
            }
            all.offer_handle(handle);
            let registration =
                if registered { Registration::ByConnecting } else { Registration::ByJoining };
            let handle = all.add(&id, &user, registration, |_, _| NonZeroU64::MIN);
            all.get_mut(handle).data = data.map(Box::new);
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
        let wrong = |what| Err(RestoreError(format!("state: room {topic:?} {what}")));
        if self.channel.rooms.find(topic).is_some() {
            return wrong("is there twice");
        }
        let latest = self.rooms.last_key_value().map_or(0, |(epoch, _)| *epoch);
        if *epoch >= next_epoch || !self.rooms.is_empty() && *epoch <= latest {
            return wrong("has an epoch out of order");
        }
        if let Err(flaw) = config.check(&self.channel.config) {
            return Err(RestoreError(format!("state: room {topic:?}: {flaw}")));
        }
        let origin = match origin {
            form::Origin::Joined => Origin::Joined,
            form::Origin::Opened => Origin::Opened,
            form::Origin::Declared => Origin::Declared,
        };
        let configured = self.channel.config.room_for(topic);
        let config = match configured.filter(|configured| ***configured == *config) {
            Some(configured) => Arc::clone(configured),
            None => Arc::new(config.clone()),
        };
        self.channel.rooms.set_next_epoch(*epoch);
        let number = self.channel.rooms.create(topic, config, origin);
        self.channel.rooms.get_mut(number).position.offset = *offset;
        self.rooms.insert(*epoch, number);
        Ok(())
    }

    /// Notes the rooms of a client in the order in which it came to them.
    fn footings(&mut self, client: ClientHandle, epochs: &[u64]) -> Restored {
        for epoch in epochs {
            let room = self.find_room(*epoch)?;
            self.channel.clients.get_mut(client).rooms.set(room, Footing::NONE);
        }
        Ok(())
    }

    /// Puts into a room who and what is in it.
    fn fill(&mut self, room: form::Room) -> Restored {
        let form::Room {
            topic: _,
            epoch,
            offset,
            config: _,
            origin: _,
            members,
            presences,
            window,
            subscriptions,
            ids,
            history,
        } = room;
        let number = self.find_room(epoch)?;
        for (client, attached) in members {
            self.member(number, client, attached)?;
        }
        let mut entries = BTreeSet::new();
        for presence in presences {
            let edge = if entries.insert(presence.entry) { Edge::First } else { Edge::None };
            self.presence(number, presence, edge)?;
        }
        let origin = self.channel.node.origin().cloned();
        let this = self.channel.rooms.get_mut(number);
        if !subscriptions.is_empty() || !ids.is_empty() {
            let extras: &mut Extras = this.extras.get_or_insert_default();
            for (client, names) in subscriptions {
                let client = known(&self.handles, client)?;
                extras.subscriptions.set(client, &names);
            }
            for (user, id, offset) in ids {
                extras.ids.remember(&user, &id, offset, u64::MAX, u64::MAX);
            }
        }
        if let Some(form::History { messages, lost, lost_others }) = history {
            let lost = Lost { singly: lost.into_iter().collect(), others: lost_others };
            let config = Arc::clone(&this.config);
            let held = messages.into_iter().map(|stored| {
                let form::Stored { message, except_client, except_user } = stored;
                let defined = crate::rooms::defined(&config, &message.event);
                (message, Excluded { client: except_client, user: except_user }, defined)
            });
            let history = History::restored(held, lost)
                .filter(|history| history.since(offset).next().is_none());
            let history = history.ok_or("state: a history has offsets out of order")?;
            self.channel.rooms.set_history(number, history);
        }
        let this = self.channel.rooms.get_mut(number);
        if let Some(window) = window {
            let Some(presence) = &mut this.presence else {
                return Err("state: a window without presence".into());
            };
            presence.window =
                Some(Box::new(restored_window(window, &self.handles, origin.as_ref())?));
        }
        Ok(())
    }

    fn member(&mut self, room: RoomNumber, client: u32, attached: bool) -> Restored {
        let client = known(&self.handles, client)?;
        let footing = self.channel.clients.get(client).rooms.get(room);
        if footing.is_none_or(Footing::is_member) {
            return Err("state: a member is there twice, or does not know its room".into());
        }
        self.channel.make_room(room);
        let mut seat = self.channel.rooms.admit(room, client);
        if let (false, Seat::Attached(place)) = (attached, seat) {
            seat = self.channel.rooms.detach(room, place);
        }
        self.channel.clients.get_mut(client).footing(room).set_seat(seat);
        Ok(())
    }

    fn presence(&mut self, room: RoomNumber, presence: form::Presence, edge: Edge) -> Restored {
        let form::Presence { client, reference, online_at_ms, entry, place, prev_ref, data } =
            presence;
        let client = known(&self.handles, client)?;
        let footing = self.channel.clients.get(client).rooms.get(room);
        if footing.is_none_or(|footing| footing.place().is_some()) {
            return Err("state: a presence is there twice, or its client does not know it".into());
        }
        let record = Record {
            client,
            reference: number(reference)?,
            online_at_ms,
            entry: number(entry)?,
            place: number(place)?,
            prev_ref: prev_ref.map(number).transpose()?,
            data,
        };
        self.channel.make_room(room);
        let before = self.channel.clients.arrive(client, room, record.entry);
        if before.is_some() && before != Some(record.entry) {
            return Err("state: a user is there twice".into());
        }
        let Some(presence) = &mut self.channel.rooms.get_mut(room).presence else {
            return Err("state: a presence where presence is off".into());
        };
        let place = presence.track(&record, edge);
        self.channel.clients.get_mut(client).footing(room).set_place(place);
        Ok(())
    }

    fn agenda(&mut self, agenda: Vec<(form::Due, u64)>) -> Restored {
        for (due, at_ms) in agenda {
            let due = match due {
                form::Due::Footing { client, epoch } => {
                    let client = known(&self.handles, client)?;
                    let room = self.find_room(epoch)?;
                    if self.channel.clients.get(client).rooms.get(room).is_none() {
                        return Err("state: a grace of who has nothing there".into());
                    }
                    Due::Footing { client, room }
                }
                form::Due::Client(client) => Due::Client(known(&self.handles, client)?),
                form::Due::Window(epoch) => Due::Window { epoch, room: self.find_room(epoch)? },
            };
            self.channel.clock.agenda.set(due, at_ms);
        }
        Ok(())
    }

    fn pages(&mut self, pages: Vec<form::Page>) -> Restored {
        for page in pages {
            let client = known(&self.handles, page.client)?;
            let form::Page { request, topic, epoch, event, start, end, reference, asked, .. } =
                page;
            if !(1..=self.channel.pages.last_request()).contains(&request) {
                return Err("state: a page was never asked for".into());
            }
            let memory = page.memory.into_iter().map(Arc::<StoredMessage>::new).collect();
            let page = Page { client, topic, epoch, event, start, end, reference, memory, asked };
            self.channel.pages.reopen(request, page);
        }
        Ok(())
    }

    fn rates(&mut self, rates: Vec<form::Rate>) -> Restored {
        for form::Rate { client, epoch, ends_at_ms, count } in rates {
            let (client, room) = (known(&self.handles, client)?, self.find_room(epoch)?);
            let window = rate::Window { ends_at_ms, count };
            self.channel.rooms.rates.restore(client, room, window);
        }
        Ok(())
    }

    /// What is there has to be there for a reason.
    fn finish(mut self, counters: form::Counters) -> Restored<Channel> {
        self.channel.outbox.set_counters(&counters.into());
        for handle in &self.handles {
            let client = self.channel.clients.get(*handle);
            let has_nothing =
                |(_, footing): &(_, Footing)| !footing.is_member() && footing.place().is_none();
            let waits = self.channel.clock.agenda.is_set(Due::Client(*handle));
            let lost = client.connection == Connection::Lost;
            if client.rooms.to_vec().iter().any(has_nothing) || lost != waits {
                let name = self.channel.clients.names().client(*handle).to_string();
                return Err(RestoreError(format!("state: client {name:?} does not fit its rooms")));
            }
            for (room, footing) in client.rooms.to_vec() {
                let due = Due::Footing { client: *handle, room };
                let detached = matches!(footing.seat(), Seat::Detached(_));
                if detached && !self.channel.clock.agenda.is_set(due) {
                    return Err("state: who is detached has no grace".into());
                }
            }
        }
        for (epoch, room) in &self.rooms {
            let this = self.channel.rooms.get(*room);
            let window = this.presence.as_ref().is_some_and(|presence| presence.window.is_some());
            let due = Due::Window { epoch: *epoch, room: *room };
            let is_due = self.channel.clock.agenda.is_set(due);
            if window != is_due
                || !self.knows_its_news(*room)
                || this.is_deserted() && !this.persists()
            {
                return Err(RestoreError(format!("state: room {:?} does not fit", this.topic)));
            }
        }
        Ok(self.channel)
    }

    /// What a window has as news is in the list.
    fn knows_its_news(&self, room: RoomNumber) -> bool {
        let Some(presence) = &self.channel.rooms.get(room).presence else { return true };
        let Some(window) = &presence.window else { return true };
        window.news.iter().all(|(reference, client)| {
            let place = self.channel.place(*client, room);
            place.is_some_and(|place| presence.record(place).reference == *reference)
        })
    }

    fn find_room(&self, epoch: u64) -> Restored<RoomNumber> {
        let unknown = || RestoreError(format!("state: there is no room of epoch {epoch}"));
        self.rooms.get(&epoch).copied().ok_or_else(unknown)
    }
}

impl From<form::Counters> for Counters {
    fn from(form: form::Counters) -> Self {
        let form::Counters {
            events,
            refusals,
            broadcasts,
            deliveries,
            replies_ok,
            presence_joins,
            presence_leaves,
            rooms_opened,
        } = form;
        let of = |counts: &BTreeMap<_, u64>, label| counts.get(label).copied().unwrap_or(0);
        Self {
            events: EventCounts::from_fn(|kind| of(&events, kind.label())),
            refusals: RefusalCounts::from_fn(|reason| of(&refusals, reason.label())),
            broadcasts,
            deliveries,
            replies_ok,
            presence_joins,
            presence_leaves,
            rooms_opened,
        }
    }
}

/// Every handle below the highest stands for a client, is free, or waits to be.
fn check_handles(clients: &[form::Client], free: &[u32], ended: &[u32]) -> Restored {
    let of_clients = clients.iter().map(|client| client.handle);
    let mut all: Vec<_> = of_clients.chain(free.iter().chain(ended).copied()).collect();
    all.sort_unstable();
    let is_dense = (0..).zip(&all).all(|(expected, handle): (u32, _)| expected == *handle);
    if is_dense { Ok(()) } else { Err("state: handles are not dense, expected 0 and up".into()) }
}

fn known(handles: &BTreeSet<ClientHandle>, client: u32) -> Restored<ClientHandle> {
    let unknown = || RestoreError(format!("state: there is no client {client}"));
    let in_range = client < 1 << 31;
    let handle = in_range.then(|| ClientHandle::new(client));
    handle.filter(|handle| handles.contains(handle)).ok_or_else(unknown)
}

fn number(number: u64) -> Restored<NonZeroU64> {
    NonZeroU64::new(number).ok_or_else(|| "state: a ref is 0, expected 1 or more".into())
}

fn restored_window(
    window: form::Window,
    handles: &BTreeSet<ClientHandle>,
    origin: Option<&Arc<crate::presence::Origin>>,
) -> Restored<Window> {
    let form::Window { horizon, announced, gone, gone_users, news } = window;
    let reference =
        |given| -> Restored<PresenceRef> { Ok(PresenceRef::new(number(given)?, origin.cloned())) };
    let meta = |meta: form::Meta| -> Restored<Meta> {
        let form::Meta { reference: name, prev_ref, client_id, online_at_ms, data } = meta;
        let prev_ref = prev_ref.map(&reference).transpose()?;
        Ok(Meta { reference: reference(name)?, prev_ref, client_id, online_at_ms, data })
    };
    let mut entries = Vec::new();
    for (user, metas) in announced {
        let mut metas = metas.into_iter().map(meta);
        let first = metas.next().ok_or("state: an entry without metas")??;
        let mut few = Few::one(first);
        for meta in metas {
            few.push(meta?);
        }
        entries.push(Entry::new(user, few));
    }
    let mut window = Window::new(number(horizon)?, Entries::listed(entries));
    for form::Gone { entry, place, user, meta: of } in gone {
        window.gone.insert((number(entry)?, number(place)?), (user, meta(of)?));
    }
    for (user, entry) in gone_users {
        window.gone_users.insert(user, number(entry)?);
    }
    for (reference, client) in news {
        window.news.insert(number(reference)?, known(handles, client)?);
    }
    Ok(window)
}
