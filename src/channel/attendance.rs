//! Presence of members: begun, changed and ended with their memberships, and what is said of it.

use super::{Channel, Member};
use crate::{
    few::Few,
    ids::{ClientHandle, ClientId, Topic},
    outbound::{Outbound, PresenceDiff, PresenceState},
    payload::Json,
    presence::{Diff, Edge, Entry, Record},
    recipients::{Except, Recipients},
    rooms::RoomNumber,
};

impl Channel {
    /// Tracks a client where it is not tracked yet, if the room has presence on.
    pub(super) fn begin_presence(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<Diff> {
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let reference = self.node.next_ref();
        let before = self.clients.arrive(client, room, reference);

        let record = Record {
            client,
            reference,
            online_at_ms: self.clock_ms,
            entry: before.unwrap_or(reference),
            place: reference,
            prev_ref: None,
            data: data.cloned(),
        };
        let place = presence.track(&record);
        self.clients.get_mut(client).footing(room).set_place(place);

        let edge = if before.is_none() { Edge::First } else { Edge::None };
        Some(Diff::join(self.entry(record, edge)))
    }

    /// Untracks a client that is kept at `place` of a room.
    pub(super) fn end_presence(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        place: u32,
    ) -> Option<Diff> {
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let edge = match self.clients.depart(client, room) {
            0 => Edge::Last,
            _ => Edge::None,
        };
        let record = presence.untrack(place, edge);
        Some(Diff::leave(self.entry(record, edge)))
    }

    /// Gives the presence of a member other data, if it is given and differs.
    pub(super) fn change_meta(&mut self, member: Member, data: Option<&Json>) -> Option<Diff> {
        let Member { client, room, footing: _ } = member;
        let data = data?;
        let place = self.place(client, room)?;
        let presence = self.rooms.get(room).presence.as_ref()?;
        if presence.record(place).data.as_ref() == Some(data) {
            return None;
        }

        self.make_room(room);
        let place = self.place(client, room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let reference = self.node.next_ref();
        let (place, old, new) = presence.replace(place, reference, Some(data.clone()));
        self.clients.get_mut(client).footing(room).set_place(place);
        self.close_gaps(room);

        Some(Diff::change(self.entry(new, Edge::None), self.entry(old, Edge::None)))
    }

    /// Where the presence of a client is kept in a room, if it is tracked there.
    fn place(&self, client: ClientHandle, room: RoomNumber) -> Option<u32> {
        self.clients.get(client).rooms.get(room)?.place()
    }

    /// The members of a room but for one of them.
    pub(super) fn all_but(&self, room: RoomNumber, client: ClientHandle) -> Recipients {
        Recipients::new(self.rooms.get(room).members(), Except::One(client))
    }

    /// Sends one who has come the list of who is present, if the room has presence on.
    pub(super) fn say_who_is_present(
        &mut self,
        client_id: &ClientId,
        topic: &Topic,
        room: RoomNumber,
    ) {
        if let Some(presence) = &self.rooms.get(room).presence {
            self.outbox.push(Outbound::PresenceState(PresenceState {
                client_id: client_id.clone(),
                topic: topic.clone(),
                entries: presence.entries(self.node.origin().cloned()),
            }));
        }
    }

    /// Sends others what changed.
    pub(super) fn say_diff(&mut self, topic: &Topic, diff: Diff, recipients: Recipients) {
        self.outbox.push(Outbound::PresenceDiff(PresenceDiff {
            topic: topic.clone(),
            diff,
            timestamp_ms: self.clock_ms,
            recipients,
        }));
    }

    /// An entry of a diff with the one meta that is recorded.
    fn entry(&self, record: Record, edge: Edge) -> Entry {
        let names = self.clients.names().names(record.client);
        let meta = record.into_meta(names.client.clone(), self.node.origin());
        Entry::new(names.user.clone(), Few::one(meta)).with_edge(edge)
    }
}
