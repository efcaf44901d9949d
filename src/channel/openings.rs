//! Rooms that are opened and closed by name, and groups of them.

use alloc::sync::Arc;

use super::Channel;
use crate::{
    config::{ClientRooms, Limit, RoomConfig},
    event::{AddToGroup, CloseRoom, Header, OpenRoom, RemoveFromGroup},
    ids::{ClientHandle, ClientId, Topic},
    outbound::{Body, Cause, Outbound, RoomInfo, RoomNotice},
    payload::Json,
    recipients::Recipients,
    refusal::Refusal,
    rooms::{NO_ROOM, Origin, Room, RoomNumber},
};

impl Channel {
    /// Makes a room before anybody joins it.
    ///
    /// Effects: reply if asked for; `room_opened` to everyone who is connected.
    pub(super) fn on_open_room(
        &mut self,
        header: Header<'_>,
        open: &OpenRoom,
    ) -> Result<(), Refusal> {
        let OpenRoom { topic, config, by, reference: _ } = open;
        let opener = by.as_ref().map(|by| self.opener(by, config.as_deref())).transpose()?;
        if self.rooms.find(topic).is_some() {
            return Err(Refusal::RoomExists { topic: topic.clone() });
        }
        if let Some(opener) = opener {
            self.check_opening_rate(opener)?;
        }
        self.check_limit(Limit::Topics, self.rooms.len() as u64)?;
        if let Some(opener) = opener {
            let user = self.clients.names().user(opener);
            self.check_limit(Limit::RoomsPerUser, self.rooms.opened_for(user))?;
            self.count_opening(opener);
        }

        let pattern = self.config.room_to_open(topic);
        let config = match (opener, config) {
            (None, None) => Arc::clone(pattern),
            (None, Some(config)) => Arc::new(RoomConfig::clone(config)),
            (Some(opener), config) => {
                let mut own = RoomConfig::clone(pattern);
                if let Some(config) = config {
                    let RoomConfig { name, description, max_members, data, .. } = &**config;
                    own.name = name.clone().or(own.name);
                    own.description = description.clone().or(own.description);
                    own.max_members = max_members.or(own.max_members);
                    own.data = data.clone().or(own.data);
                }
                own.owner = Some(self.clients.names().user(opener).clone());
                Arc::new(own)
            }
        };
        self.outbox.count_room();
        let origin = if opener.is_some() { Origin::OpenedByClient } else { Origin::Opened };
        let room = self.rooms.create(topic, config, origin);

        self.reply_if_asked(header, Body::Empty {});
        let info = notice(self.rooms.get(room));
        let recipients = Recipients::all(self.clients.everyone());
        self.outbox.push(Outbound::RoomOpened(RoomNotice { info, recipients }));
        Ok(())
    }

    /// Removes a room with all who are in it.
    ///
    /// Effects: reply if asked for; `closed`; `evicted`; `room_closed` to everyone who is
    /// connected. Those who go together cause no diffs.
    pub(super) fn on_close_room(
        &mut self,
        header: Header<'_>,
        close: &CloseRoom,
    ) -> Result<(), Refusal> {
        let CloseRoom { topic, by, reference: _ } = close;
        let closer = by.as_ref().map(|by| self.find_client(by)).transpose()?;
        let room = self.find_room(topic)?;
        if let Some(closer) = closer {
            let owner = self.rooms.get(room).config.owner.as_ref();
            if owner != Some(self.clients.names().user(closer)) {
                let expected = "only a client of the user that owns the room may close it";
                return Err(Refusal::PermissionDenied { expected });
            }
            self.check_opening_rate(closer)?;
            self.count_opening(closer);
        }

        self.reply_if_asked(header, Body::Empty {});
        let members = self.rooms.get(room).everyone();
        self.say_closed(room, Cause::RoomClosed, None, Recipients::of(&members));
        // What is closed is announced, however it was made.
        let cleared = self.clear(room);
        let info = notice(self.rooms.get(room));
        self.dissolve(room, Some(info));
        self.groups.forget_topic(topic);
        for client in cleared {
            self.retire(client);
        }
        Ok(())
    }

    /// Makes topics part of a group.
    ///
    /// Effects: reply if asked for.
    pub(super) fn on_add_to_group(
        &mut self,
        header: Header<'_>,
        add: &AddToGroup,
    ) -> Result<(), Refusal> {
        let AddToGroup { group, topics, reference: _ } = add;
        if !self.groups.contains(group) && !topics.is_empty() {
            self.check_limit(Limit::Groups, self.groups.len() as u64)?;
        }
        let (limit, max) = (Limit::TopicsPerGroup, self.config.limit(Limit::TopicsPerGroup));
        if self.groups.would_have(group, topics) as u64 > max {
            return Err(Refusal::LimitReached { limit, max });
        }

        self.groups.add(group, topics);
        self.reply_if_asked(header, Body::Empty {});
        Ok(())
    }

    /// Takes topics out of a group, which goes with its last. What is not there is no mistake.
    ///
    /// Effects: reply if asked for.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_remove_from_group(
        &mut self,
        header: Header<'_>,
        remove: &RemoveFromGroup,
    ) -> Result<(), Refusal> {
        let RemoveFromGroup { group, topics, reference: _ } = remove;
        self.groups.remove(group, topics);
        self.reply_if_asked(header, Body::Empty {});
        Ok(())
    }

    /// Finds a client that may open a room like that.
    fn opener(&self, by: &ClientId, config: Option<&RoomConfig>) -> Result<ClientHandle, Refusal> {
        let client = self.find_client(by)?;
        if self.config.clients_open_rooms() == ClientRooms::Off {
            let expected = "clients may not open rooms here";
            return Err(Refusal::PermissionDenied { expected });
        }
        if !config.is_none_or(RoomConfig::is_for_clients_to_say) {
            let expected = "a client sets only name, description, max_members and data";
            return Err(Refusal::PermissionDenied { expected });
        }
        Ok(client)
    }

    fn check_opening_rate(&self, client: ClientHandle) -> Result<(), Refusal> {
        self.check_rate_of(client, NO_ROOM, self.config.room_rate_limit())
    }

    /// Counts a room that a client opens or closes.
    fn count_opening(&mut self, client: ClientHandle) {
        let window_ms = self.config.room_rate_limit().window_ms;
        self.rooms.rates.count(client, NO_ROOM, window_ms, self.clock.now_ms);
    }

    /// Finds a room, or says that there is none.
    pub(super) fn find_room(&self, topic: &Topic) -> Result<RoomNumber, Refusal> {
        let unknown = || Refusal::UnknownTopic { topic: topic.clone() };
        self.rooms.find(topic).ok_or_else(unknown)
    }
}

/// What everyone is told of a room that opens or goes: all that it is like but its data, which may
/// be large, and is there for who asks.
pub(super) fn notice(room: &Room) -> RoomInfo {
    RoomInfo { data: None, ..info(room) }
}

/// What a room is like.
pub(super) fn info(room: &Room) -> RoomInfo {
    let RoomConfig { name, description, max_members, owner, data, .. } = &*room.config;
    RoomInfo {
        topic: room.topic.clone(),
        name: name.clone(),
        description: description.clone(),
        max_members: *max_members,
        owner: owner.clone(),
        data: Json::given(data.as_ref()).cloned(),
        size: room.size() as usize,
        position: room.position,
    }
}
