//! Rooms: spec section 6, how they are made, opened, closed, and go.

use super::{
    Ask, Model, Outcome, RoomConfig,
    lines::{json, object, on_one_line},
    state::{Lost, Room},
};

/// What a room looks like from outside (section 2), as JSON texts in this order.
const INFO: &str = "topic name description max_members owner data size full epoch offset";

impl Model {
    /// Section 6: a room of a name that existed before starts clean, with a higher epoch. One that
    /// is made by joining is ephemeral and an opened one persists, unless its configuration says
    /// otherwise; a declared one that is not opened by another configuration always persists.
    pub(super) fn make_room(&mut self, topic: &str, config: RoomConfig, opened: bool) {
        let ephemeral = match config.lifetime.as_deref() {
            _ if !opened && self.is_declared(topic) => false,
            Some(lifetime) => lifetime == "ephemeral",
            None => !opened,
        };
        self.rooms.push(Room {
            topic: topic.to_owned(),
            config,
            ephemeral,
            opened,
            by_client: false,
            epoch: self.next_epoch,
            offset: 0,
            users: Vec::new(),
            window: None,
            ids: Vec::new(),
            history: Vec::new(),
            lost: Lost::default(),
            gone: Vec::new(),
        });
        self.next_epoch += 1;
        self.counters.rooms_opened += 1;
    }

    /// Section 6: for a client with `by`, else for the server.
    pub(super) fn open_room(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let said = ask.has("config").then(|| RoomConfig::read(ask.raw("config")));
        if let Some(config) = &said {
            config.check(self)?;
        }
        let topic = ask.text("topic");
        let pattern = self.listed(&topic).unwrap_or(&self.default_room).clone();
        let config = if ask.has("by") {
            let client = self.find_client(&ask.text("by")).ok_or("unknown_client")?;
            let said = said.unwrap_or_default();
            if !self.setup.clients_open_rooms || said.says_more_than_a_client_may() {
                return Err("permission_denied".into());
            }
            pattern.opened_by(&client.user, said)
        } else {
            said.unwrap_or(pattern)
        };
        if self.find_room(&topic).is_some() {
            return Err("room_exists".into());
        }
        let by = ask.text("by");
        if !by.is_empty() {
            self.check_rate_of(&by, "", Some(self.setup.room_rate_limit()))?;
        }
        if self.rooms.len() >= self.setup.limits.topics {
            return Err("limit_reached topics".into());
        }
        if !by.is_empty() {
            let owned = |room: &&Room| room.by_client && room.config.owner == config.owner;
            if self.rooms.iter().filter(owned).count() >= self.setup.limits.rooms_per_user {
                return Err("limit_reached rooms_per_user".into());
            }
            self.count_rate_of(&by, "", Some(self.setup.room_rate_limit()));
        }

        self.make_room(&topic, config, true);
        self.room_mut(&topic).by_client = !by.is_empty();
        self.reply_if_asked(ask, "{}".into());
        self.say_room("room_opened", &topic);
        Ok(())
    }

    /// Section 6: reply, `closed`, `evicted`, `room_closed`, never a diff.
    pub(super) fn close_room(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (topic, by) = (ask.text("topic"), ask.text("by"));
        let user = match self.find_client(&by) {
            None if ask.has("by") => return Err("unknown_client".into()),
            client => client.map(|client| client.user.clone()),
        };
        let room = self.find_room(&topic).ok_or("unknown_topic")?;
        if ask.has("by") && room.config.owner != user {
            return Err("permission_denied".into());
        }
        if ask.has("by") {
            self.check_rate_of(&by, "", Some(self.setup.room_rate_limit()))?;
            self.count_rate_of(&by, "", Some(self.setup.room_rate_limit()));
        }

        self.reply_if_asked(ask, "{}".into());
        let members = self.members_of(&topic);
        self.say_closed(&topic, "room_closed", "", &members);
        let here: Vec<String> = super::pick(&self.footings, |f| f.topic == topic, |f| &f.client);
        for client in &here {
            self.end_footing(client, &topic);
        }
        self.evict_all(&topic);
        self.say_room("room_closed", &topic);
        self.remove_room(&topic);
        for (_, topics) in &mut self.groups {
            topics.retain(|linked| *linked != topic);
        }
        self.groups.retain(|(_, topics)| !topics.is_empty());
        for client in &here {
            self.client_may_go(client);
        }
        Ok(())
    }

    /// Section 6: an ephemeral room goes when its last footing has gone, after the diff. A window
    /// that is open ends first.
    pub(super) fn room_may_go(&mut self, topic: &str) {
        if !self.room(topic).ephemeral || self.footings.iter().any(|f| f.topic == topic) {
            return;
        }
        self.end_window(topic);
        self.room_goes(topic);
    }

    /// Section 6: its history leaves; an opened room is announced to everyone however it goes.
    pub(super) fn room_goes(&mut self, topic: &str) {
        self.evict_all(topic);
        if self.room(topic).opened {
            self.say_room("room_closed", topic);
        }
        self.remove_room(topic);
    }

    /// Section 6: rate windows live and die with their room.
    fn remove_room(&mut self, topic: &str) {
        self.rooms.retain(|room| room.topic != topic);
        self.rates.retain(|rate| rate.topic != topic);
    }

    /// Section 5: room info, but for data, and every connected client.
    fn say_room(&mut self, kind: &str, topic: &str) {
        let mut values = self.info(topic).to_vec();
        values[5].clear();
        values.push(json(&self.connected_clients()));
        self.say(kind, &format!("{INFO} recipients"), &values);
    }

    /// Section 2: what can be asked of a room, as a line.
    pub fn room_info(&self, topic: &str) -> Option<String> {
        self.find_room(topic).map(|_| object(INFO, &self.info(topic)))
    }

    fn info(&self, topic: &str) -> [String; 10] {
        let Room { config, epoch, offset, .. } = self.room(topic);
        let size = self.members_of(topic).len();
        [
            json(topic),
            config.name_json(),
            config.description.as_ref().map_or_else(String::new, json),
            config.max_members.as_ref().map_or_else(String::new, json),
            config.owner.as_ref().map_or_else(String::new, json),
            on_one_line(config.data.as_ref().map_or("", |data| data.get())),
            json(&size),
            json(&config.is_full(size)),
            json(epoch),
            json(offset),
        ]
    }

    pub(super) fn find_room(&self, topic: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.topic == topic)
    }

    pub(super) fn room(&self, topic: &str) -> &Room {
        self.find_room(topic).expect("the topic has a room")
    }

    pub(super) fn room_mut(&mut self, topic: &str) -> &mut Room {
        let room = self.rooms.iter_mut().find(|room| room.topic == topic);
        room.expect("the topic has a room")
    }
}
