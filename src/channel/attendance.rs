//! Presence of members: begun, changed and ended with their memberships, and what is said of it.

use super::{Channel, Member};
use crate::{
    clients::UserPresence,
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
        let user = self.clients.get(client).user;
        let before = self.clients.user(user).present.get(room);

        let entry = before.map_or(reference, |before| before.entry);
        let record = Record {
            client,
            reference,
            online_at_ms: self.clock_ms,
            entry,
            place: reference,
            prev_ref: None,
            data: data.cloned(),
        };
        let place = presence.track(&record);
        let metas = before.map_or(0, |before| before.metas) + 1;
        self.clients.get_mut(client).tracked.set(room, place);
        self.clients.user_mut(user).present.set(room, UserPresence { metas, entry });

        let edge = if before.is_none() { Edge::First } else { Edge::None };
        Some(Diff::new(Few::one(self.entry(record, edge)), Few::none()))
    }

    /// Untracks a client, if it is tracked.
    pub(super) fn end_presence(&mut self, client: ClientHandle, room: RoomNumber) -> Option<Diff> {
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let place = self.clients.get_mut(client).tracked.remove(room)?;
        let user = self.clients.get(client).user;
        let present = &mut self.clients.user_mut(user).present;
        let UserPresence { metas, entry } = present.get(room)?;

        let edge = if metas == 1 { Edge::Last } else { Edge::None };
        if metas == 1 {
            present.remove(room);
        } else {
            present.set(room, UserPresence { metas: metas - 1, entry });
        }
        let record = presence.untrack(place, edge);
        Some(Diff::new(Few::none(), Few::one(self.entry(record, edge))))
    }

    /// Gives the presence of a member other data, if it is given and differs.
    pub(super) fn change_meta(&mut self, member: Member, data: Option<&Json>) -> Option<Diff> {
        let Member { client, room, seat: _ } = member;
        let data = data?;
        let place = self.clients.get(client).tracked.get(room)?;
        let presence = self.rooms.get(room).presence.as_ref()?;
        if presence.record(place).data.as_ref() == Some(data) {
            return None;
        }

        self.make_room(room);
        let place = self.clients.get(client).tracked.get(room)?;
        let presence = self.rooms.get_mut(room).presence.as_mut()?;
        let reference = self.node.next_ref();
        let (place, old, new) = presence.replace(place, reference, Some(data.clone()));
        self.clients.get_mut(client).tracked.set(room, place);
        self.close_gaps(room);

        let joins = Few::one(self.entry(new, Edge::None));
        let leaves = Few::one(self.entry(old, Edge::None));
        Some(Diff::new(joins, leaves))
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
