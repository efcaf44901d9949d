//! Who is in a room: spec sections 6 and 7, "join", "rejoin", "leave", subscriptions.

use super::{
    Ask, Model, Outcome, RoomConfig, Unlisted,
    lines::{json, object},
    pick,
    state::{Footing, Member},
};

impl Model {
    /// Section 6, the join checks in their order; `rejoin` shares them (section 7).
    pub(super) fn join(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let [client, topic, user] = ["client_id", "topic", "user_id"].map(|name| ask.text(name));
        self.check_user(&client, &user)?;
        let config = self.config_to_join(&topic).ok_or("unknown_topic")?;
        if self.is_member(&client, &topic) {
            self.come_back(ask);
            return Ok(());
        }
        let size = self.members_of(&topic).len();
        if config.is_full(size) {
            return Err("room_full".into());
        }
        let limits = &self.setup.limits;
        if self.find_client(&client).is_none() && self.clients.len() >= limits.clients {
            return Err("limit_reached clients".into());
        }
        if self.find_room(&topic).is_none() && self.rooms.len() >= limits.topics {
            return Err("limit_reached topics".into());
        }
        let footings = self.footings_of(&client);
        let is_there = footings.iter().any(|footing| footing.topic == topic);
        if !is_there && footings.len() >= limits.topics_per_client {
            return Err("limit_reached topics_per_client".into());
        }
        if size >= limits.members_per_topic {
            return Err("limit_reached members_per_topic".into());
        }
        self.admit(ask, &config);
        Ok(())
    }

    /// Section 6: that of the room, or of the one that joining would make.
    fn config_to_join(&self, topic: &str) -> Option<RoomConfig> {
        if let Some(room) = self.find_room(topic) {
            return Some(room.config.clone());
        }
        match (self.listed(topic), self.setup.unlisted) {
            (Some(config), _) => Some(config.clone()),
            (None, Unlisted::Create) => Some(self.default_room.clone()),
            (None, Unlisted::Refuse) => None,
        }
    }

    /// R1, R2: the reply, the joiner's `presence_state`, history or what it missed, the diff to
    /// the others.
    fn admit(&mut self, ask: &Ask, config: &RoomConfig) {
        let [client, topic, user] = ["client_id", "topic", "user_id"].map(|name| ask.text(name));
        self.register(&client, &user);
        let subscriptions = config.default_subscriptions();
        if self.find_room(&topic).is_none() {
            self.make_room(&topic, config.clone(), false);
        }
        self.take_footing(&client, &topic);
        let joined = ask.raw("meta").to_owned();
        self.members.push(Member { client, user, topic: topic.clone(), subscriptions, joined });

        let since = self.usable_since(ask);
        self.come(ask, "false", since, true);
    }

    /// Section 6: an attached member's join is just a reply. Section 7: a detached one's join is a
    /// rejoin without `since`.
    fn come_back(&mut self, ask: &Ask) {
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        if ask.to == "join" && self.is_attached(&client, &topic) {
            return self.reply(ask, self.joined_body(ask, "", ""));
        }
        self.register(&client, &ask.text("user_id"));
        self.footing(&client, &topic).until = None;

        let since = self.usable_since(ask);
        self.come(ask, "true", since, false);
    }

    /// Sections 6, 7 and 9: a member is there; what it and the others are told of it.
    ///
    /// A stranger (`is_new`) is tracked; one that was a member only with a meta other than the one
    /// that it joined with, or brought when it last came back.
    fn come(&mut self, ask: &Ask, rejoined: &str, since: Option<u64>, is_new: bool) {
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        let before = self.listed_presences(&topic);
        let meta = ask.raw("meta");
        let brings = ask.has("meta") && (is_new || self.member(&client, &topic).joined != meta);
        if brings {
            meta.clone_into(&mut self.member(&client, &topic).joined);
        }
        if brings || is_new && !self.is_tracked(&client, &topic) {
            self.be_present(&client, &topic, meta);
        }
        let diff = self.changes(&topic, &before);

        let recovered = since.is_some_and(|since| self.has_all_since(&client, &topic, since));
        let body = match (ask.to.as_str(), is_new) {
            ("join", true) => self.joined_body(ask, "", ""),
            _ => self.joined_body(ask, rejoined, &json(&recovered)),
        };
        self.reply(ask, body);
        if self.room(&topic).config.has_snapshot() {
            self.say_presence_state(&client, &topic);
        }
        match since {
            Some(since) => self.say_missed(&client, &topic, since),
            None if is_new => self.say_history_on_join(&client, &topic),
            None => {}
        }
        self.say_diff(&topic, diff, &client);
    }

    /// Section 4, "Bodies": the position and the room's name; with `rejoined`, whether it was a
    /// member and whether it has missed nothing.
    fn joined_body(&self, ask: &Ask, rejoined: &str, recovered: &str) -> String {
        let room = self.room(&ask.text("topic"));
        let [epoch, offset] = [room.epoch, room.offset].map(|number| json(&number));
        let values =
            [epoch, offset, room.config.name_json(), rejoined.to_owned(), recovered.to_owned()];
        object("epoch offset name rejoined recovered", &values)
    }

    /// Sections 4 and 6: the reply, the diff to those who stay, then room and client go if empty.
    /// A detached member may leave, too.
    pub(super) fn leave(&mut self, ask: &Ask) -> Outcome {
        self.check_known(ask)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        if !self.is_member(&client, &topic) {
            return Err("not_member".into());
        }

        let before = self.listed_presences(&topic);
        self.end_footing(&client, &topic);
        self.reply(ask, "{}".into());
        self.announce(&topic, &before, "");
        self.room_may_go(&topic);
        self.client_may_go(&client);
        Ok(())
    }

    /// Section 4: `*` is one subscription among others; to subscribe again is no change, but
    /// accepted.
    pub(super) fn subscribe(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, |_| false)?;
        let (client, topic, event) = (ask.text("client_id"), ask.text("topic"), ask.text("event"));
        self.check_rate(&client, &topic)?;
        let subscriptions = self.subscriptions(&client, &topic);
        let is_new = !subscriptions.contains(&event);
        if is_new && subscriptions.len() >= self.setup.limits.subscriptions_per_member {
            return Err("limit_reached subscriptions_per_member".into());
        }

        self.count_rate(&client, &topic);
        if is_new {
            self.member(&client, &topic).subscriptions.push(event);
        }
        self.reply_if_asked(ask, "{}".into());
        Ok(())
    }

    /// Section 4: never limited, and no matter whether it was subscribed.
    pub(super) fn unsubscribe(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, |_| false)?;
        let event = ask.text("event");
        let member = self.member(&ask.text("client_id"), &ask.text("topic"));
        member.subscriptions.retain(|name| *name != event);
        self.reply_if_asked(ask, "{}".into());
        Ok(())
    }

    fn member(&mut self, client: &str, topic: &str) -> &mut Member {
        let mut members = self.members.iter_mut();
        let member = members.find(|m| m.client == client && m.topic == topic);
        member.expect("it is a member")
    }

    /// Section 1: a member whose connection is there and whose channel has not crashed under it.
    pub(super) fn is_attached(&self, client: &str, topic: &str) -> bool {
        self.attached(topic).any(|member| member.client == client)
    }

    /// Section 1: the members that are not held, in join order.
    pub(super) fn attached(&self, topic: &str) -> impl Iterator<Item = &Member> {
        let held = |footing: &Footing| footing.topic == topic && footing.until.is_some();
        let held = pick(&self.footings, held, |footing| &footing.client);
        let members = self.members.iter().filter(move |member| member.topic == topic);
        members.filter(move |member| !held.contains(&member.client))
    }

    /// Section 2: detached ones too, in join order.
    pub(super) fn members_of(&self, topic: &str) -> Vec<String> {
        pick(&self.members, |m| m.topic == topic, |m| &m.client)
    }
}
