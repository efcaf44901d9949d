//! Presence: begun, changed and ended, and announced at once or when a window ends.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::Channel;
use crate::{
    agenda::Due,
    config::SnapshotMode,
    few::Few,
    ids::{ClientHandle, ClientId, Topic, UserId},
    outbound::{Outbound, PresenceDiff, PresenceState},
    payload::Json,
    presence::{Diff, Edge, Entry, Gone, Meta, Record, Window},
    recipients::{Except, Recipients},
    rooms::RoomNumber,
};

impl Channel {
    /// Tracks a client where it is not tracked yet, if the room has presence on. What is to be
    /// announced at once is returned.
    pub(super) fn appear(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<Diff> {
        self.open_window(room);
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let reference = self.node.next_ref();
        let names = self.clients.names().names(client);
        let returns = presence.window.as_mut().and_then(|window| window.returns(&names.user));
        let names = presence.window.is_some().then(|| Arc::new(names.clone()));
        let new = returns.unwrap_or(reference);
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
            names,
        };
        let place = presence.track(&record, edge);
        self.clients.get_mut(client).footing(room).set_place(place);
        self.outbox.count_presence_join();

        if let Some(window) = &mut presence.window {
            window.note_news(reference, client);
            return None;
        }
        let (user, meta) = self.say(record);
        Some(Diff::join(Entry::new(user, Few::one(meta)).with_edge(edge)))
    }

    /// Untracks a client that is kept at `place` of a room. What is to be announced at once is
    /// returned.
    pub(super) fn vanish(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        place: u32,
    ) -> Option<Gone> {
        self.open_window(room);
        let edge = match self.clients.depart(client, room) {
            0 => Edge::Last,
            _ => Edge::None,
        };
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let is_waiting = presence.window.is_some();
        let record = presence.untrack(place, edge);
        self.outbox.count_presence_leaves(1);

        let (reference, standing) = (record.reference, record.standing());
        let (user, meta) = self.say(record);
        let gone = Gone { standing, user, meta, edge };
        if is_waiting {
            self.window(room)?.note_gone(reference, gone);
            return None;
        }
        Some(gone)
    }

    /// Gives the presence of a client other data, if it differs. What is to be announced at once
    /// is returned.
    pub(super) fn alter(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<Diff> {
        let place = self.place(client, room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let record = presence.record(place);
        if record.data.as_ref() == data {
            return None;
        }
        if presence.window.as_ref().is_some_and(|window| !window.knows(record.reference)) {
            presence.amend(place, data.cloned());
            return None;
        }

        self.open_window(room);
        self.make_room(room);
        let place = self.place(client, room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let reference = self.node.next_ref();
        let (place, old, new) = presence.replace(place, reference, data.cloned());
        self.clients.get_mut(client).footing(room).set_place(place);
        self.close_gaps(room);

        let (old_reference, standing) = (old.reference, old.standing());
        let (user, meta) = self.say(old);
        if let Some(window) = self.window(room) {
            window.note_gone(old_reference, Gone { standing, user, meta, edge: Edge::None });
            window.note_news(reference, client);
            return None;
        }
        let old = Entry::new(user, Few::one(meta));
        let (user, meta) = self.say(new);
        Some(Diff::change(Entry::new(user, Few::one(meta)), old))
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
        if let Some(diff) = window.into_diff(read, |record| self.say(record)) {
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
        let entries = match &presence.window {
            Some(window) => window.announced.clone(),
            None => presence.entries(self.node.origin().cloned()),
        };
        let (client_id, topic) = (client_id.clone(), topic.clone());
        self.outbox.push(Outbound::PresenceState(PresenceState { client_id, topic, entries }));
    }

    /// Sends what changed to those who are attached.
    pub(super) fn say_diff(&mut self, room: RoomNumber, diff: Diff) {
        let members = self.rooms.get(room).members();
        self.say_diff_to(room, diff, Recipients::all(members));
    }

    /// Sends what changed to some.
    pub(super) fn say_diff_to(&mut self, room: RoomNumber, diff: Diff, recipients: Recipients) {
        self.outbox.push(Outbound::PresenceDiff(PresenceDiff {
            topic: self.rooms.get(room).topic.clone(),
            diff,
            timestamp_ms: self.clock.now_ms,
            recipients,
        }));
    }

    /// Sends those who are left that one has gone.
    pub(super) fn say_gone(&mut self, room: RoomNumber, gone: Option<Gone>) {
        if let Some(Gone { user, meta, edge, .. }) = gone {
            self.say_diff(room, Diff::leave(Entry::new(user, Few::one(meta)).with_edge(edge)));
        }
    }

    /// Whose it is that is recorded, and what is said of it.
    fn say(&self, record: Record) -> (UserId, Meta) {
        let names = self.clients.names().names(record.client);
        let meta = record.into_meta(names.client.clone(), self.node.origin());
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
