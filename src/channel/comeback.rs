//! What a member said of itself when it joined, and whether it says something else when it rejoins.
//!
//! A client comes back with the meta that it joined with, whatever it has tracked since. So that
//! this changes nothing, a room keeps what a member joined with while its presence shows something
//! else.

use super::{Channel, attendance::News};
use crate::{ids::ClientHandle, payload::Json, rooms::RoomNumber};

impl Channel {
    /// Shows what a member brings back, unless it is what it joined with. What is to be announced at
    /// once is returned.
    pub(super) fn show_again(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        meta: &Json,
    ) -> Option<News> {
        if let Some(joined) = self.rooms.get(room).joined(client) {
            if joined.as_ref() == Some(meta) {
                return None;
            }
            self.extras(room).joined.remove(&client);
        }
        self.show(client, room, Some(meta))
    }

    /// Notes that a client that is present became a member without saying anything of itself.
    pub(super) fn note_joined_without_meta(&mut self, client: ClientHandle, room: RoomNumber) {
        if self.joined_with(client, room).is_some() {
            self.extras(room).joined.insert(client, None);
        }
    }

    /// Keeps what a member joined with before it shows `data`, if that is something else.
    pub(super) fn keep_joined(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) {
        let joined = self.joined_with(client, room);
        if joined.as_ref() == data {
            if self.rooms.get(room).joined(client).is_some() {
                self.extras(room).joined.remove(&client);
            }
        } else {
            self.extras(room).joined.insert(client, joined);
        }
    }

    /// Keeps what a member joined with before it shows nothing.
    pub(super) fn keep_joined_as_shown(&mut self, client: ClientHandle, room: RoomNumber) {
        let joined = self.joined_with(client, room);
        self.extras(room).joined.insert(client, joined);
    }

    /// What a member joined with: what is kept, or what its presence shows.
    fn joined_with(&self, client: ClientHandle, room: RoomNumber) -> Option<Json> {
        if let Some(joined) = self.rooms.get(room).joined(client) {
            return joined.clone();
        }
        let place = self.place(client, room)?;
        self.rooms.get(room).presence.as_ref()?.record(place).data
    }
}
