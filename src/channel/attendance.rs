//! Presence: begun, changed and ended, and announced at once or when a window ends.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{Channel, node::Node};
use crate::{
    agenda::Due,
    clients::Clients,
    config::SnapshotMode,
    few::Few,
    ids::{ClientHandle, ClientId, Topic, UserId},
    outbound::{Outbound, PresenceDiff, PresenceState},
    payload::Json,
    presence::{Changed, Diff, Edge, Entry, Gone, Meta, Record, State, Window},
    recipients::{Except, Recipients},
    rooms::RoomNumber,
};

/// A presence that has begun or ended, and is to be announced at once.
pub(super) struct Turn {
    record: Record,
    edge: Edge,
}

/// What is to be announced at once of one who comes, or changes.
pub(super) enum News {
    Begun(Turn),
    Changed(Arc<Changed>),
}

impl Channel {
    /// Tracks a client where it is not tracked yet, if the room has presence on. What is to be
    /// announced at once is returned.
    pub(super) fn appear(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<News> {
        self.open_window(room);
        let presence = self.rooms.get_mut(room).presence.as_deref_mut()?;
        let reference = self.node.next_ref();
        let (mut names, mut new) = (None, reference);
        if let Some(window) = &mut presence.window {
            let known = self.clients.names().names(client);
            new = window.returns(&known.user).unwrap_or(reference);
            names = Some(Arc::new(known.clone()));
            window.note_news(reference, client);
        }
        let before = self.clients.arrive(client, room, new);
        let edge = if before.is_none() { Edge::First } else { Edge::None };

        let record = Record {
            client,
            reference,
            online_at_ms: self.clock.now_ms,
            entry: before.unwrap_or(new),
            place: reference,
            prev_ref: None,
            data: data.cloned(),
            is_moved: false,
            names,
        };
        let place = presence.track(&record, edge, self.clients.name_bytes(client));
        self.clients.get_mut(client).footing(room).set_place(place);
        self.outbox.count_presence_join();
        presence.window.is_none().then_some(News::Begun(Turn { record, edge }))
    }

    /// Untracks a client that is kept at `place` of a room. What is to be announced at once is
    /// returned.
    pub(super) fn vanish(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        place: u32,
    ) -> Option<Turn> {
        self.open_window(room);
        let edge = match self.clients.depart(client, room) {
            0 => Edge::Last,
            _ => Edge::None,
        };
        let presence = self.rooms.get_mut(room).presence.as_deref_mut()?;
        let record = presence.untrack(place, edge, self.clients.name_bytes(client));
        self.outbox.count_presence_leaves(1);
        if presence.window.is_none() {
            return Some(Turn { record, edge });
        }
        let reference = record.reference;
        let gone = self.gone(Turn { record, edge });
        self.window(room)?.note_gone(reference, gone);
        None
    }

    /// Gives the presence of a client other data, if it differs. What is to be announced at once
    /// is returned.
    pub(super) fn alter(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<News> {
        let place = self.place(client, room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let record = presence.record(place);
        if record.data.as_ref() == data {
            return None;
        }
        let window = presence.window.as_mut();
        if let Some(window) = window.filter(|window| !window.knows(record.reference)) {
            let Some(meta) = window.take_back(&record, data) else {
                presence.amend(place, data.cloned());
                return None;
            };
            let (reference, data) = (meta.reference.number(), meta.data);
            let prev_ref = meta.prev_ref.map(|prev_ref| prev_ref.number());
            self.replace(client, room, State { reference, prev_ref, data });
            return None;
        }

        self.open_window(room);
        let (reference, prev_ref) = (self.node.next_ref(), Some(record.reference));
        let data = data.cloned();
        let (old, new) = self.replace(client, room, State { reference, prev_ref, data })?;

        let old_reference = old.reference;
        let old = Turn { record: old, edge: Edge::None };
        if self.window(room).is_some() {
            let gone = self.gone(old);
            let window = self.window(room)?;
            window.note_gone(old_reference, gone);
            window.note_news(reference, client);
            return None;
        }
        let new = Turn { record: new, edge: Edge::None };
        let [new, old] = [new, old].map(|mut turn| entry(&mut turn, &self.clients, &self.node));
        Some(News::Changed(Arc::new(Changed { new, old })))
    }

    /// Puts another state of a client's presence in place of the one that it has. Returns what it
    /// was and what it is.
    fn replace(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        state: State,
    ) -> Option<(Record, Record)> {
        self.make_room(room);
        let place = self.place(client, room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let (place, old, new) = presence.replace(place, state);
        self.clients.get_mut(client).footing(room).set_place(place);
        self.close_gaps(room);
        Some((old, new))
    }

    /// Where the presence of a client is kept in a room, if it is tracked there.
    pub(super) fn place(&self, client: ClientHandle, room: RoomNumber) -> Option<u32> {
        self.clients.get(client).rooms.get(room)?.place()
    }

    fn window(&mut self, room: RoomNumber) -> Option<&mut Window> {
        self.rooms.get_mut(room).presence.as_mut()?.window.as_deref_mut()
    }

    /// Lets changes wait from here on, if the room wants them to.
    #[inline]
    fn open_window(&mut self, room: RoomNumber) {
        if let Some(window_ms) = self.rooms.get(room).config.presence_window_ms {
            self.open_window_of(room, window_ms);
        }
    }

    /// Lets changes wait from here on, if they do not yet.
    #[cold]
    fn open_window_of(&mut self, room: RoomNumber, window_ms: u64) {
        let this = self.rooms.get_mut(room);
        let epoch = this.position.epoch;
        let Some(presence) = &mut this.presence else { return };
        if presence.window.is_some() {
            return;
        }
        // Handles may be given out again while it is open, and a directory to hold would be of all
        // who are anywhere: what is recorded in such a room has its names.
        let announced = presence.entries(self.node.origin().cloned());
        let window = Window::new(self.node.upcoming_ref(), announced);
        presence.window = Some(Box::new(window));
        let at_ms = self.clock.now_ms.saturating_add(window_ms);
        self.clock.agenda.set(Due::Window { epoch, room }, at_ms);
    }

    /// Ends the window of a room, if one is open, and announces what there is to announce.
    pub(super) fn end_window(&mut self, room: RoomNumber) {
        let epoch = self.rooms.get(room).position.epoch;
        let presence = self.rooms.get_mut(room).presence.as_mut();
        let Some(window) = presence.and_then(|presence| presence.window.take()) else { return };
        self.clock.agenda.cancel(Due::Window { epoch, room });
        let read = |client| {
            let place = self.place(client, room).expect("news are of who is tracked");
            let presence = self.rooms.get(room).presence.as_ref();
            presence.expect("a room with a window has presence").record(place)
        };
        if let Some(diff) = window.into_diff(read, |record| self.say(&record)) {
            self.say_diff(room, diff);
        }
    }

    /// The members of a room but for one of them.
    pub(super) fn all_but(&self, room: RoomNumber, client: ClientHandle) -> Recipients {
        Recipients::new(self.rooms.get(room).members(), Except::One(client))
    }

    /// Sends one who has come the list of who is present, if the room has presence and shows it.
    pub(super) fn say_who_is_present(
        &mut self,
        client_id: &ClientId,
        topic: &Topic,
        room: RoomNumber,
    ) {
        let room = self.rooms.get(room);
        let Some(presence) = &room.presence else { return };
        if room.config.presence_snapshot == SnapshotMode::Off {
            return;
        }
        self.outbox.push_with(|| {
            let entries = match &presence.window {
                Some(window) => window.announced.clone(),
                None => presence.entries(self.node.origin().cloned()),
            };
            let (client_id, topic) = (client_id.clone(), topic.clone());
            Outbound::PresenceState(PresenceState { client_id, topic, entries })
        });
    }

    /// Sends what changed to those who are attached.
    pub(super) fn say_diff(&mut self, room: RoomNumber, diff: Diff) {
        let this = self.rooms.get(room);
        let (topic, recipients) = (this.topic.clone(), Recipients::all(this.members()));
        let timestamp_ms = self.clock.now_ms;
        let diff = PresenceDiff { topic, diff, timestamp_ms, recipients };
        self.outbox.push(Outbound::PresenceDiff(diff));
    }

    /// Sends what there is to tell of one who has come or changed to some.
    pub(super) fn say_news(&mut self, room: RoomNumber, mut news: News, recipients: Recipients) {
        let topic = &self.rooms.get(room).topic;
        let mut recipients = Some(recipients);
        self.outbox.push_with(|| {
            Outbound::PresenceDiff(PresenceDiff {
                topic: topic.clone(),
                diff: match &mut news {
                    News::Begun(turn) => Diff::join(entry(turn, &self.clients, &self.node)),
                    News::Changed(changed) => Diff::changed(Arc::clone(changed)),
                },
                timestamp_ms: self.clock.now_ms,
                recipients: recipients.take().unwrap_or_else(Recipients::none),
            })
        });
    }

    /// Sends those who are left that one has gone.
    pub(super) fn say_gone(&mut self, room: RoomNumber, mut gone: Turn) {
        let this = self.rooms.get(room);
        self.outbox.push_with(|| {
            Outbound::PresenceDiff(PresenceDiff {
                topic: this.topic.clone(),
                diff: Diff::leave(entry(&mut gone, &self.clients, &self.node)),
                timestamp_ms: self.clock.now_ms,
                recipients: Recipients::all(this.members()),
            })
        });
    }

    /// What is said of a meta that has gone, to be kept when its client has gone too.
    pub(super) fn gone(&self, turn: Turn) -> Gone {
        let Turn { record, edge } = turn;
        let (standing, (user, meta)) = (record.standing(), self.say(&record));
        Gone { standing, user, meta, edge }
    }

    /// Whose it is that is recorded, and what is said of it.
    fn say(&self, record: &Record) -> (UserId, Meta) {
        let names = self.clients.names().names(record.client);
        let meta = record.to_meta(record.data.clone(), names.client.clone(), self.node.origin());
        (names.user.clone(), meta)
    }

    /// The refs of a room are given anew, and nobody is told: all who were present have gone.
    pub(super) fn forget_presences(&mut self, room: RoomNumber) -> Vec<ClientHandle> {
        let this = self.rooms.get_mut(room);
        let epoch = this.position.epoch;
        let Some(presence) = &mut this.presence else { return Vec::new() };
        let present: Vec<_> = presence.places_from(0).map(|(_, client)| client).collect();
        **presence = crate::presence::Presence::new();
        self.outbox.count_presence_leaves(present.len() as u64);
        self.clock.agenda.cancel(Due::Window { epoch, room });
        present
    }
}

/// What a diff says of one meta, whose data it takes.
#[expect(clippy::inline_always, reason = "it is made in its place in the outbox, not copied there")]
#[inline(always)]
fn entry(turn: &mut Turn, clients: &Clients, node: &Node) -> Entry {
    let Turn { record, edge } = turn;
    let names = clients.names().names(record.client);
    let data = record.data.take();
    let meta = record.to_meta(data, names.client.clone(), node.origin());
    Entry { key: names.user.clone(), metas: Few::one(meta), edge: *edge }
}
