//! Messages: spec section 8 and the rate limit of section 12.

use super::{
    Ask, Model, Outcome, RateLimit, RoomConfig,
    lines::{json, json_or_absent, object, on_one_line},
    state::{Member, Message, Rate, Sent},
};

impl Model {
    /// Section 8 and R1: the reply with the new position, the message, even to nobody, and what
    /// the history gives up for it.
    pub(super) fn broadcast(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, RoomConfig::clients_may_publish)?;
        let (client, topic, event) = (ask.text("client_id"), ask.text("topic"), ask.text("event"));
        let user = self.find_client(&client).expect("it is known").user.clone();
        let is_reserved = self.setup.reserved.iter().any(|prefix| event.starts_with(prefix));
        if is_reserved || !self.room(&topic).config.lets_clients_send(&event) {
            return Err("event_not_allowed".into());
        }
        if let Some(offset) = self.offset_of_id(&topic, &user, &own_id(ask)) {
            self.reply_if_asked(ask, self.position_body(&topic, offset));
            return Ok(());
        }
        self.check_rate(&client, &topic)?;
        self.check_event_names(&topic, &event)?;

        self.count_rate(&client, &topic);
        let mut message = Message::of(ask, &user);
        match ask.text("audience").as_str() {
            "" | "all" => {}
            "others" => message.except_client.clone_from(&client),
            "other_users" => message.except_user = user,
            other => panic!("{other} is no audience"),
        }
        message.client = client;
        self.send(ask, &topic, message);
        Ok(())
    }

    /// Section 8: to a topic it is a broadcast from the server; to others it has no position, and
    /// subscriptions count in groups only.
    pub(super) fn publish(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let mut message = Message::of(ask, &ask.text("from"));
        message.except_client = ask.text("except_client");
        message.except_user = ask.text("except_user");
        if ask.has("topic") {
            let (topic, from) = (ask.text("topic"), ask.text("from"));
            if self.find_room(&topic).is_none() {
                return Err("unknown_topic".into());
            }
            if let Some(offset) = self.offset_of_id(&topic, &from, &own_id(ask)) {
                self.reply_if_asked(ask, self.position_body(&topic, offset));
                return Ok(());
            }
            self.check_event_names(&topic, &message.event)?;
            self.send(ask, &topic, message);
            return Ok(());
        }

        let (target, mut recipients) = self.find_target(ask)?;
        recipients.retain(|client| {
            let user = &self.find_client(client).expect("the client is known").user;
            message.is_for(client, user)
        });
        message.timestamp_ms = self.clock_ms;
        self.reply_if_asked(ask, "{}".into());
        self.say_message(&[("target", target)], &message, &recipients);
        Ok(())
    }

    /// Section 8: the target as it was given, and connected clients in connect order, or the
    /// members of a group's topics.
    fn find_target(&self, ask: &Ask) -> Outcome<(String, Vec<String>)> {
        let target = |kind| object(kind, &[ask.json(kind)]);
        let (group, user, client) = (ask.text("group"), ask.text("user"), ask.text("client"));
        let mut connected = self.connected_clients();
        if ask.has("group") {
            return match self.find_group(&group) {
                None => Err("unknown_target".into()),
                Some(topics) => {
                    Ok((target("group"), self.heard_in_any(&topics, &ask.text("event"))))
                }
            };
        }
        if ask.has("user") {
            let its = self.clients_of(&user);
            connected.retain(|client| its.contains(client));
            return Ok((target("user"), connected));
        }
        if ask.has("client") {
            if self.find_client(&client).is_none() {
                return Err("unknown_target".into());
            }
            connected.retain(|id| *id == client);
            return Ok((target("client"), connected));
        }
        Ok((json("everyone"), connected))
    }

    /// Section 8: topics as added, then join order; each client once, where it first hears it.
    fn heard_in_any(&self, topics: &[String], event: &str) -> Vec<String> {
        let mut recipients = Vec::new();
        for topic in topics {
            for member in self.attached(topic) {
                if member.is_subscribed(event) && !recipients.contains(&member.client) {
                    recipients.push(member.client.clone());
                }
            }
        }
        recipients
    }

    /// Section 8: the offset grows, the id is remembered; then reply, message, what is evicted.
    fn send(&mut self, ask: &Ask, topic: &str, mut message: Message) {
        message.timestamp_ms = self.clock_ms;
        let room = self.room_mut(topic);
        room.offset += 1;
        message.offset = room.offset;
        self.remember_id(topic, &message, &own_id(ask));
        let hears = |member: &&Member| {
            message.is_for(&member.client, &member.user) && member.is_subscribed(&message.event)
        };
        let recipients = self.attached(topic).filter(hears);
        let recipients: Vec<String> = recipients.map(|member| member.client.clone()).collect();

        self.reply_if_asked(ask, self.position_body(topic, message.offset));
        self.say_broadcast(topic, &message, &recipients, false);
        self.store(topic, message);
    }

    /// Section 5: a message of a topic, with its position.
    pub(super) fn say_broadcast(
        &mut self,
        topic: &str,
        message: &Message,
        recipients: &[String],
        replayed: bool,
    ) {
        let epoch = json(&self.room(topic).epoch);
        let offset = json(&message.offset);
        let replayed = if replayed { json(&true) } else { String::new() };
        let target =
            [("topic", json(topic)), ("epoch", epoch), ("offset", offset), ("replayed", replayed)];
        self.say_message(&target, message, recipients);
    }

    fn say_message(&mut self, target: &[(&str, String)], message: &Message, recipients: &[String]) {
        self.counters.broadcasts += 1;
        self.counters.deliveries += recipients.len() as u64;
        let of_target = |field| {
            let found = target.iter().find(|(name, _)| *name == field);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        let [event, payload, base64, from, client, time, meta] = message.texts();
        let [no_client, no_user] = message.exceptions();
        let values = [
            of_target("topic"),
            of_target("target"),
            event,
            payload,
            base64,
            from,
            client,
            of_target("epoch"),
            of_target("offset"),
            time,
            meta,
            no_client,
            no_user,
            of_target("replayed"),
            json(recipients),
        ];
        let names = "topic target event payload payload_base64 from client_id \
                     epoch offset timestamp_ms meta except_client except_user replayed \
                     recipients";
        self.say("broadcast_message", names, &values);
    }

    /// Section 4 and R1: the reply, then one message to that member; reserved names are allowed.
    pub(super) fn push(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, |_| false)?;
        self.reply_if_asked(ask, "{}".into());
        self.counters.deliveries += 1;
        let [event, payload, base64, ..] = Message::of(ask, "").texts();
        let values = [ask.json("client_id"), ask.json("topic"), event, payload, base64];
        self.say("push_message", "client_id topic event payload payload_base64", &values);
        Ok(())
    }

    /// Section 8: a repeated id gets the position of the first one's message.
    fn offset_of_id(&self, topic: &str, user: &str, id: &str) -> Option<u64> {
        let mut ids = self.room(topic).ids.iter();
        ids.find(|sent| sent.user == user && sent.id == id).map(|sent| sent.offset)
    }

    /// Section 8: the last ids of a user in that topic, and so many of all users.
    fn remember_id(&mut self, topic: &str, message: &Message, id: &str) {
        let most = self.setup.limits.ids_per_topic;
        let room = self.room_mut(topic);
        if id.is_empty() {
            return;
        }
        let (user, id) = (message.from.clone(), id.to_owned());
        room.ids.push(Sent { user: user.clone(), id, offset: message.offset });
        while room.ids.iter().filter(|sent| sent.user == user).count() > room.config.dedupe() {
            let oldest = room.ids.iter().position(|sent| sent.user == user);
            room.ids.remove(oldest.expect("it was just counted"));
        }
        while room.ids.len() > most {
            room.ids.remove(0);
        }
    }

    /// Section 4, "Bodies": a position.
    fn position_body(&self, topic: &str, offset: u64) -> String {
        object("epoch offset", &[json(&self.room(topic).epoch), json(&offset)])
    }

    /// Section 12: a window is opened by its first accepted event, and then lets so many through.
    pub(super) fn check_rate(&self, client: &str, topic: &str) -> Outcome {
        self.check_rate_of(client, topic, self.room(topic).config.rate_limit)
    }

    /// The same for a topic, or for rooms that are opened and closed (no topic).
    pub(super) fn check_rate_of(
        &self,
        client: &str,
        topic: &str,
        limit: Option<RateLimit>,
    ) -> Outcome {
        let Some(limit) = limit else { return Ok(()) };
        let over_ms = |rate: &Rate| rate.since_ms.saturating_add(limit.window_ms);
        let (accepted, retry_after_ms) = match self.rate(client, topic) {
            Some(rate) if over_ms(rate) > self.clock_ms => {
                (rate.accepted, over_ms(rate) - self.clock_ms)
            }
            _ => (0, limit.window_ms),
        };
        if accepted < limit.max_events {
            return Ok(());
        }
        Err(format!("rate_limited {retry_after_ms}"))
    }

    /// Section 12: counts an accepted event. The window outlives a leave.
    pub(super) fn count_rate(&mut self, client: &str, topic: &str) {
        self.count_rate_of(client, topic, self.room(topic).config.rate_limit);
    }

    pub(super) fn count_rate_of(&mut self, client: &str, topic: &str, limit: Option<RateLimit>) {
        let Some(limit) = limit else { return };
        let clock_ms = self.clock_ms;
        let is_over = |rate: &Rate| rate.since_ms.saturating_add(limit.window_ms) <= clock_ms;
        self.rates.retain(|rate| rate.client != client || rate.topic != topic || !is_over(rate));
        let mut rates = self.rates.iter_mut();
        if let Some(rate) = rates.find(|rate| rate.client == client && rate.topic == topic) {
            rate.accepted += 1;
            return;
        }
        self.rates.push(Rate {
            client: client.to_owned(),
            topic: topic.to_owned(),
            since_ms: clock_ms,
            accepted: 1,
        });
    }

    fn rate(&self, client: &str, topic: &str) -> Option<&Rate> {
        self.rates.iter().find(|rate| rate.client == client && rate.topic == topic)
    }
}

impl Member {
    /// Section 8: to the event's name or to `*`.
    pub(super) fn is_subscribed(&self, event: &str) -> bool {
        self.subscriptions.iter().any(|name| name == "*" || name == event)
    }
}

impl Message {
    /// Section 8: whether the sender lets this client hear it.
    pub(super) fn is_for(&self, client: &str, user: &str) -> bool {
        client != self.except_client && user != self.except_user
    }

    /// What the event says, from this user; without a position.
    fn of(ask: &Ask, from: &str) -> Self {
        Self {
            event: ask.text("event"),
            payload: ask.raw("payload").to_owned(),
            payload_base64: ask.text("payload_base64"),
            meta: ask.raw("meta").to_owned(),
            from: from.to_owned(),
            client: String::new(),
            offset: 0,
            timestamp_ms: 0,
            except_client: String::new(),
            except_user: String::new(),
        }
    }

    /// Event, payload (one of two), from, client, timestamp and meta, as JSON texts.
    pub(super) fn texts(&self) -> [String; 7] {
        // A payload of no bytes is one, so absence shows in the other form.
        let is_bytes = self.payload.is_empty();
        let base64 = if is_bytes { json(&self.payload_base64) } else { String::new() };
        [
            json(&self.event),
            on_one_line(&self.payload),
            base64,
            json(&self.from),
            json_or_absent(&self.client),
            json(&self.timestamp_ms),
            on_one_line(&self.meta),
        ]
    }
}

/// The sender's own id of a message, marked so that an empty one is not taken for none.
fn own_id(ask: &Ask) -> String {
    if ask.has("id") { format!("id {}", ask.text("id")) } else { String::new() }
}
