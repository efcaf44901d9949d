//! The reference model: what the specification says about the seven events, in the plainest form.
//!
//! Dumb on purpose (habit 48): plain lists, linear scans, strings, and nothing is remembered that
//! can be found by looking. It knows nothing of grace periods, windows, history, subscriptions,
//! groups, connections, room configuration and clusters, and the `message` of a refusal is always
//! `…`. JSON text is never empty, so an empty one stands for a field that is absent.

mod lines;
mod queries;
#[cfg(test)]
mod tests;

use self::lines::{Ask, depth, json, object, on_one_line};

/// The limits of spec section 12 that the seven events can meet.
#[derive(Debug, Clone)]
pub struct Limits {
    pub name_bytes: usize,
    pub ref_bytes: usize,
    pub payload_bytes: usize,
    pub payload_depth: u32,
    pub topics_per_client: usize,
    pub members_per_topic: usize,
    pub topics: usize,
    pub clients: usize,
}

impl Default for Limits {
    /// Spec sections 1 and 12: sane defaults.
    fn default() -> Self {
        Self {
            name_bytes: 255,
            ref_bytes: 255,
            payload_bytes: 65_536,
            payload_depth: 128,
            topics_per_client: 1_000_000,
            members_per_topic: 1_000_000,
            topics: 1_000_000,
            clients: 1_000_000,
        }
    }
}

/// What the model is told about the channel's configuration.
#[derive(Debug, Clone)]
pub struct Setup {
    pub limits: Limits,
    pub presence: bool,
    pub first_epoch: u64,
    pub reserved: Vec<String>,
    pub origin: Option<String>,
}

impl Default for Setup {
    /// Spec section 6: presence on, epochs from 1, four reserved prefixes.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            presence: true,
            first_epoch: 1,
            reserved: ["phx_", "presence_", "parlor:", "dialogue:"].map(Into::into).into(),
            origin: None,
        }
    }
}

/// A topic that has members; `users` are the present ones by first join (sections 6 and 9).
struct Room {
    topic: String,
    epoch: u64,
    offset: u64,
    users: Vec<String>,
}

/// One client in one topic, and its presence meta; refs and data are JSON text (section 9).
#[derive(Clone)]
struct Member {
    client: String,
    user: String,
    topic: String,
    r#ref: String,
    prev_ref: String,
    online_at_ms: u64,
    data: String,
}

/// Section 12: what is said, or the reason of the refusal, with the limit that it names.
type Outcome = Result<Vec<String>, &'static str>;

/// A channel. Clients are pairs of id and user, members are in join order over all topics.
#[derive(Default)]
pub struct Model {
    setup: Setup,
    crashed: bool,
    clock_ms: u64,
    next_epoch: u64,
    next_ref: u64,
    clients: Vec<(String, String)>,
    rooms: Vec<Room>,
    members: Vec<Member>,
}

impl Model {
    /// Section 2: a channel to which nothing has happened yet.
    pub fn new(setup: Setup) -> Self {
        let next_epoch = setup.first_epoch;
        Self { setup, next_epoch, next_ref: 1, ..Self::default() }
    }

    /// Section 3: an event line in, outbound lines out. The clock moves first, also if refused.
    pub fn apply(&mut self, event_line: &str) -> Vec<String> {
        let ask = Ask::read(event_line);
        if ask.has("now_ms") {
            let now_ms = ask.raw("now_ms").parse().expect("a time is a whole number");
            self.clock_ms = self.clock_ms.max(now_ms);
        }
        let outcome = match ask.to.as_str() {
            "join" | "rejoin" => self.join(&ask),
            "leave" => self.leave(&ask),
            "broadcast" => self.broadcast(&ask),
            "push" => self.push(&ask),
            "crash" => Ok(self.crash(&ask)),
            "restart" => Ok(self.restart(&ask)),
            other => panic!("{other} is none of the seven events"),
        };
        outcome.unwrap_or_else(|refusal| vec![ask.refuse(refusal)])
    }

    /// Section 6: what is checked of every event: crashed, then names, then sizes.
    fn check(&self, ask: &Ask) -> Result<(), &'static str> {
        let limits = &self.setup.limits;
        if self.crashed && ask.to != "leave" {
            return Err("crashed");
        }
        for field in ["client_id", "topic", "user_id", "event"] {
            let name = ask.text(field);
            let no_name = name.is_empty() || field == "event" && name == "*";
            if ask.has(field) && (no_name || name.len() > limits.name_bytes) {
                return Err("invalid_name");
            }
        }
        for field in ["ref", "id"] {
            if ask.text(field).len() > limits.ref_bytes {
                return Err("limit_reached ref_bytes");
            }
        }
        let base64 = ask.text("payload_base64");
        if base64.trim_end_matches('=').len() * 3 / 4 > limits.payload_bytes {
            return Err("payload_too_large");
        }
        for field in ["payload", "meta", "params"] {
            let raw = ask.raw(field);
            if raw.len() > limits.payload_bytes || depth(raw) > limits.payload_depth {
                return Err("payload_too_large");
            }
        }
        Ok(())
    }

    /// Section 6: the same, then client, topic and membership, in this order.
    fn check_member(&self, ask: &Ask) -> Result<Member, &'static str> {
        self.check(ask)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        if !self.clients.iter().any(|(id, _)| *id == client) {
            return Err("unknown_client");
        }
        if !self.topics().contains(&topic) {
            return Err("unknown_topic");
        }
        let mut members = self.members.iter();
        let member = members.find(|m| m.client == client && m.topic == topic);
        member.cloned().ok_or("not_member")
    }

    /// Section 6, the join checks in their order; `rejoin` shares them (section 7).
    fn join(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let [client, topic, user] = ["client_id", "topic", "user_id"].map(|name| ask.text(name));
        let limits = &self.setup.limits;
        let known = self.clients.iter().find(|(id, _)| *id == client);
        if known.is_some_and(|(_, its_user)| *its_user != user) {
            return Err("user_conflict");
        }
        if self.is_member(&client, &topic) {
            return Ok(self.come_back(ask));
        }
        if known.is_none() && self.clients() >= limits.clients {
            return Err("limit_reached clients");
        }
        if self.position(&topic).is_none() && self.rooms.len() >= limits.topics {
            return Err("limit_reached topics");
        }
        if self.topics_of(&client).len() >= limits.topics_per_client {
            return Err("limit_reached topics_per_client");
        }
        if self.subscribers(&topic).len() >= limits.members_per_topic {
            return Err("limit_reached members_per_topic");
        }
        Ok(self.admit(ask))
    }

    /// R1, R2: the reply, the joiner's `presence_state`, then the diff to the others.
    fn admit(&mut self, ask: &Ask) -> Vec<String> {
        let [client, topic, user] = ["client_id", "topic", "user_id"].map(|name| ask.text(name));
        let others = self.subscribers(&topic);
        let first = !self.is_user_in(&user, &topic);
        if self.topics_of(&client).is_empty() {
            self.clients.push((client.clone(), user.clone()));
        }
        if others.is_empty() {
            self.rooms.push(Room {
                topic: topic.clone(),
                epoch: self.next_epoch,
                offset: 0,
                users: Vec::new(),
            });
            self.next_epoch += 1;
        }
        if first {
            self.room(&topic).users.push(user.clone());
        }
        let member = Member {
            client,
            user,
            topic: topic.clone(),
            r#ref: self.take_ref(),
            prev_ref: String::new(),
            online_at_ms: self.clock_ms,
            data: ask.raw("meta").to_owned(),
        };
        self.members.push(member.clone());

        let rejoined = mark("false", ask.to == "rejoin");
        let mut said = vec![ask.reply("ok", self.position_body(&topic, rejoined))];
        if self.setup.presence {
            said.push(self.presence_state(ask));
            said.push(self.presence_diff(
                ask,
                &entry(&[&member], mark("first", first)),
                "",
                &others,
            ));
        }
        said
    }

    /// Section 6: a member's join is just a reply. Section 7: its rejoin; R9: with one diff or none.
    fn come_back(&mut self, ask: &Ask) -> Vec<String> {
        let old = self.check_member(ask).expect("it is a member");
        let rejoined = mark("true", ask.to == "rejoin");
        let mut said = vec![ask.reply("ok", self.position_body(&old.topic, rejoined))];
        if ask.to == "join" || !self.setup.presence {
            return said;
        }
        if !ask.has("meta") || ask.raw("meta") == old.data {
            said.push(self.presence_state(ask));
            return said;
        }

        let mut new = old.clone();
        ask.raw("meta").clone_into(&mut new.data);
        new.prev_ref.clone_from(&old.r#ref);
        new.r#ref = self.take_ref();
        for member in &mut self.members {
            if member.client == new.client && member.topic == new.topic {
                *member = new.clone();
            }
        }
        let mut others = self.subscribers(&new.topic);
        others.retain(|other| *other != new.client);
        said.push(self.presence_state(ask));
        said.push(self.presence_diff(ask, &entry(&[&new], ""), &entry(&[&old], ""), &others));
        said
    }

    /// Sections 4 and 6: the reply, the diff to those who stay, then room and client go if empty.
    fn leave(&mut self, ask: &Ask) -> Outcome {
        let gone = self.check_member(ask)?;
        let stays = |m: &Member| m.client != gone.client || m.topic != gone.topic;
        self.members.retain(stays);
        let last = !self.is_user_in(&gone.user, &gone.topic);
        if last {
            let room = self.room(&gone.topic);
            room.users.retain(|user| *user != gone.user);
        }

        let mut said = vec![ask.reply("ok", "{}".into())];
        let others = self.subscribers(&gone.topic);
        if self.setup.presence {
            let left = entry(&[&gone], mark("last", last));
            said.push(self.presence_diff(ask, "", &left, &others));
        }
        if others.is_empty() {
            self.rooms.retain(|r| r.topic != gone.topic);
        }
        if self.topics_of(&gone.client).is_empty() {
            self.clients.retain(|(id, _)| *id != gone.client);
        }
        Ok(said)
    }

    /// Section 8 and R1: the reply with the new position, then the message, even to nobody.
    fn broadcast(&mut self, ask: &Ask) -> Outcome {
        let sender = self.check_member(ask)?;
        let event = ask.text("event");
        if self.setup.reserved.iter().any(|r| event.starts_with(r)) {
            return Err("event_not_allowed");
        }

        self.room(&sender.topic).offset += 1;
        let (epoch, offset) = self.position(&sender.topic).expect("it was just found");
        let audience = ask.text("audience");
        let hears = |m: &Member| match audience.as_str() {
            "" | "all" => true,
            "others" => m.client != sender.client,
            "other_users" => m.user != sender.user,
            other => panic!("{other} is no audience"),
        };
        let in_topic = |m: &Member| m.topic == sender.topic;
        let recipients = pick(&self.members, |m| in_topic(m) && hears(m), |m| &m.client);
        let mut said = ask.reply_if_asked(self.position_body(&sender.topic, ""));
        let names = "topic event payload payload_base64 from client_id \
                     epoch offset timestamp_ms meta recipients";
        let given = [
            ("from", json(&sender.user)),
            ("epoch", json(&epoch)),
            ("offset", json(&offset)),
            ("timestamp_ms", json(&self.clock_ms)),
            ("recipients", json(&recipients)),
        ];
        said.push(ask.outbound("broadcast_message", names, &given));
        Ok(said)
    }

    /// Section 4 and R1: the reply, then one message to that member; reserved names are allowed.
    fn push(&self, ask: &Ask) -> Outcome {
        self.check_member(ask)?;
        let mut said = ask.reply_if_asked("{}".into());
        let names = "client_id topic event payload payload_base64";
        said.push(ask.outbound("push_message", names, &[]));
        Ok(said)
    }

    /// Section 7, without grace: `system`, `closed` for each topic, everybody goes, no diffs.
    fn crash(&mut self, ask: &Ask) -> Vec<String> {
        if self.crashed {
            return Vec::new();
        }
        self.crashed = true;
        let label = json(&format!("crash: {}", ask.text("reason")));
        let mut said = vec![ask.outbound("system", "label", &[("label", label)])];
        for topic in self.topics() {
            let given = [
                ("topic", json(&topic)),
                ("cause", json("crashed")),
                ("recipients", json(&self.subscribers(&topic))),
            ];
            said.push(ask.outbound("closed", "topic cause recipients", &given));
        }
        self.members.clear();
        self.rooms.clear();
        self.clients.clear();
        said
    }

    /// Section 7: a restart of what has not crashed does nothing.
    fn restart(&mut self, ask: &Ask) -> Vec<String> {
        if !self.crashed {
            return Vec::new();
        }
        self.crashed = false;
        vec![ask.outbound("system", "label", &[("label", json("restart"))])]
    }

    /// Section 6: the room of a topic that has members.
    fn room(&mut self, topic: &str) -> &mut Room {
        let room = self.rooms.iter_mut().find(|r| r.topic == topic);
        room.expect("a topic with members has a room")
    }

    /// Section 9: refs come from one counter of the channel, after the origin if there is one.
    fn take_ref(&mut self) -> String {
        let count = self.next_ref;
        self.next_ref += 1;
        match &self.setup.origin {
            Some(origin) => json(&format!("{origin}.{count}")),
            None => json(&count.to_string()),
        }
    }

    /// Section 4, "Bodies": the position; with `rejoined`, whether it was a member.
    fn position_body(&self, topic: &str, rejoined: &str) -> String {
        let (epoch, offset) = self.position(topic).expect("members have a room");
        let recovered = mark("false", !rejoined.is_empty());
        let values = [&json(&epoch), &json(&offset), rejoined, recovered].map(String::from);
        object("epoch offset rejoined recovered", &values)
    }

    /// Section 5: the list as it stands, for the client that asked.
    fn presence_state(&self, ask: &Ask) -> String {
        let given = [("entries", self.presences(&ask.text("topic")))];
        ask.outbound("presence_state", "client_id topic entries", &given)
    }

    /// Section 5: at most one entry on each side (`""` is none); also without recipients.
    fn presence_diff(&self, ask: &Ask, join: &str, leave: &str, recipients: &[String]) -> String {
        let diff = format!(r#"{{"joins":[{join}],"leaves":[{leave}]}}"#);
        let (time, recipients) = (json(&self.clock_ms), json(recipients));
        let given = [("diff", diff), ("timestamp_ms", time), ("recipients", recipients)];
        ask.outbound("presence_diff", "topic diff timestamp_ms recipients", &given)
    }
}

/// Section 9: one user's entry with these metas, marked `first`, `last` or (`""`) not at all.
fn entry(members: &[&Member], mark: &str) -> String {
    let mut metas = Vec::new();
    for m in members {
        let (client, time) = (json(&m.client), json(&m.online_at_ms));
        let (new, old, data) = (m.r#ref.clone(), m.prev_ref.clone(), on_one_line(&m.data));
        let names = "ref prev_ref client_id online_at_ms data";
        metas.push(object(names, &[new, old, client, time, data]));
    }
    let (key, metas) = (json(&members[0].user), format!("[{}]", metas.join(",")));
    let names = format!("key metas {mark}");
    object(&names, &[key, metas, json(&true)])
}

/// Section 9: a mark such as `first` if so, and otherwise nothing.
fn mark(word: &str, so: bool) -> &str {
    if so { word } else { "" }
}

/// Section 2, "deterministic and ordered": one text of each item to keep.
fn pick<T>(list: &[T], keep: impl Fn(&T) -> bool, give: impl Fn(&T) -> &String) -> Vec<String> {
    let kept = list.iter().filter(|item| keep(item));
    kept.map(|item| give(item).clone()).collect()
}
