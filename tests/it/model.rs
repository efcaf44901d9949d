//! The reference model: what the specification says about every event, in the plainest form.
//!
//! Dumb on purpose (habit 48): plain lists, linear scans, strings, and little is remembered that
//! can be found by looking. It knows nothing of clusters, and the `message` of a refusal is always
//! `…`. JSON text is never empty, so an empty one stands for a field that is absent; names are
//! never empty either, so an empty one stands for nobody.

mod clients;
mod config;
mod groups;
mod history;
mod lines;
mod membership;
mod messages;
mod paging;
mod presence;
mod queries;
mod rooms;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod time;

use std::rc::Rc;

use self::{
    config::{RateLimit, RoomConfig},
    lines::{Ask, depth, json},
    state::{Client, Footing, Member, Meta, Rate, Room},
    stats::Counters,
};

/// The limits of spec section 12.
#[derive(Debug, Clone)]
pub struct Limits {
    pub name_bytes: usize,
    pub ref_bytes: usize,
    pub payload_bytes: usize,
    pub payload_depth: u32,
    pub meta_bytes: usize,
    pub topics_per_client: usize,
    pub members_per_topic: usize,
    pub rooms_per_user: usize,
    pub topics: usize,
    pub clients: usize,
    pub groups: usize,
    pub topics_per_group: usize,
    pub subscriptions_per_member: usize,
    pub event_names_per_topic: usize,
    pub page_length: u64,
    pub page_bytes: usize,
    pub ids_per_topic: usize,
    pub history_messages_per_topic: usize,
    pub history_bytes_per_topic: usize,
    pub history_messages: usize,
    pub history_bytes: usize,
}

impl Default for Limits {
    /// Spec sections 1 and 12: sane defaults.
    fn default() -> Self {
        Self {
            name_bytes: 255,
            ref_bytes: 255,
            payload_bytes: 65_536,
            payload_depth: 128,
            meta_bytes: 4_096,
            topics_per_client: 1_000_000,
            members_per_topic: 1_000_000,
            rooms_per_user: 20,
            topics: 1_000_000,
            clients: 1_000_000,
            groups: 10_000,
            topics_per_group: 1_000,
            subscriptions_per_member: 100,
            event_names_per_topic: 100,
            page_length: 1_000,
            page_bytes: 1_048_576,
            ids_per_topic: 10_000,
            history_messages_per_topic: 10_000,
            history_bytes_per_topic: 16_777_216,
            history_messages: 1_000_000,
            history_bytes: 1_073_741_824,
        }
    }
}

/// Section 6: whether a topic that no pattern matches may be made by joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    #[default]
    Create,
    Refuse,
}

/// What the model is told about the channel's configuration; rooms in the JSON form of
/// `open_room.config`.
#[derive(Debug, Clone)]
pub struct Setup {
    pub limits: Limits,
    pub rooms: Vec<(String, String)>,
    pub default_room: String,
    pub unlisted: Unlisted,
    pub grace_ms: u64,
    pub clients_open_rooms: bool,
    /// Events and milliseconds.
    pub room_rate_limit: (u64, u64),
    pub first_epoch: u64,
    pub reserved: Vec<String>,
    pub origin: Option<String>,
}

impl Default for Setup {
    /// Spec section 6: no rooms listed, all may be made, epochs from 1, four reserved prefixes.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            rooms: Vec::new(),
            default_room: "{}".into(),
            unlisted: Unlisted::Create,
            grace_ms: 0,
            clients_open_rooms: false,
            room_rate_limit: (10, 10_000),
            first_epoch: 1,
            reserved: ["phx_", "presence_", "parlor:", "dialogue:", "access_token"]
                .map(Into::into)
                .into(),
            origin: None,
        }
    }
}

impl Setup {
    fn room_rate_limit(&self) -> RateLimit {
        let (max_events, window_ms) = self.room_rate_limit;
        RateLimit { max_events, window_ms }
    }
}

/// Section 12: nothing, or the reason of the refusal, with what comes with it: the limit that it
/// names, or when to try again.
type Outcome<T = ()> = Result<T, String>;

/// A channel. All lists are in the order in which things came; that of members is over all topics.
#[derive(Default)]
pub struct Model {
    setup: Setup,
    patterns: Vec<(String, RoomConfig)>,
    default_room: RoomConfig,
    crashed: bool,
    clock_ms: u64,
    next_epoch: u64,
    next_ref: u64,
    detached: u64,
    clients: Vec<Client>,
    rooms: Vec<Room>,
    footings: Vec<Footing>,
    members: Vec<Member>,
    metas: Vec<Rc<Meta>>,
    groups: Vec<(String, Vec<String>)>,
    rates: Vec<Rate>,
    counters: Counters,
    said: Vec<String>,
}

impl Model {
    /// Section 2: a channel to which nothing has happened yet; declared rooms exist (section 6).
    pub fn new(setup: Setup) -> Self {
        let read =
            |(pattern, config): &(String, String)| (pattern.clone(), RoomConfig::read(config));
        let mut model = Self {
            patterns: setup.rooms.iter().map(read).collect(),
            default_room: RoomConfig::read(&setup.default_room),
            next_epoch: setup.first_epoch,
            next_ref: 1,
            setup,
            ..Self::default()
        };
        for (pattern, config) in model.patterns.clone() {
            if !pattern.ends_with('*') {
                model.make_room(&pattern, config, false);
            }
        }
        model
    }

    /// Section 3: an event line in, outbound lines out. The clock moves first, also if refused.
    pub fn apply(&mut self, event_line: &str) -> Vec<String> {
        let ask = Ask::read(event_line);
        self.counters.count_event(&ask.to);
        if ask.has("now_ms") {
            self.clock_ms = self.clock_ms.max(ask.number("now_ms"));
        }
        if let Err(refusal) = self.dispatch(&ask) {
            assert!(self.said.is_empty(), "a refusal says nothing else: {:?}", self.said);
            self.refuse(&ask, &refusal);
        }
        std::mem::take(&mut self.said)
    }

    fn dispatch(&mut self, ask: &Ask) -> Outcome {
        match ask.to.as_str() {
            "join" | "rejoin" => self.join(ask),
            "leave" => self.leave(ask),
            "broadcast" => self.broadcast(ask),
            "push" => self.push(ask),
            "connect" => self.connect(ask),
            "subscribe" => self.subscribe(ask),
            "unsubscribe" => self.unsubscribe(ask),
            "track" => self.track(ask),
            "untrack" => self.untrack(ask),
            "open_room" => self.open_room(ask),
            "close_room" => self.close_room(ask),
            "history" => self.history(ask),
            "query" => self.query(ask),
            "publish" => self.publish(ask),
            "kick" => self.kick(ask),
            "add_to_group" => self.add_to_group(ask),
            "remove_from_group" => self.remove_from_group(ask),
            _ => {
                self.accept(ask);
                Ok(())
            }
        }
    }

    /// What is not checked at all, and never refused.
    fn accept(&mut self, ask: &Ask) {
        match ask.to.as_str() {
            "crash" => self.crash(ask),
            "restart" => self.restart(),
            "disconnect" => self.disconnect(ask),
            "refuse" => self.refuse(ask, &ask.text("reason")),
            "tick" => self.tick(),
            other => panic!("{other} is no event that the model knows"),
        }
    }

    /// Section 6: what is checked of every event that can be refused: crashed, then names, then
    /// sizes.
    fn check(&self, ask: &Ask) -> Outcome {
        let limits = &self.setup.limits;
        if self.crashed && !["leave", "kick", "query"].contains(&ask.to.as_str()) {
            return Err("crashed".into());
        }
        let names = "client_id topic user_id event group client user from \
                     except_client except_user by";
        let mut given: Vec<(&str, String)> = Vec::new();
        for field in names.split_whitespace().filter(|field| ask.has(field)) {
            given.push((field, ask.text(field)));
        }
        given.extend(ask.names("topics").into_iter().map(|topic| ("topics", topic)));
        for (field, name) in given {
            let all = ask.to == "subscribe" || ask.to == "unsubscribe";
            let no_name = name.is_empty() || field == "event" && name == "*" && !all;
            if no_name || name.len() > limits.name_bytes {
                return Err("invalid_name".into());
            }
        }
        for field in ["ref", "id"] {
            if ask.text(field).len() > limits.ref_bytes {
                return Err("limit_reached ref_bytes".into());
            }
        }
        let base64 = ask.text("payload_base64");
        if base64.trim_end_matches('=').len() * 3 / 4 > limits.payload_bytes {
            return Err("payload_too_large payload_bytes".into());
        }
        for field in ["payload", "meta", "params", "data"] {
            let is_presence = ["join", "rejoin", "track"].contains(&ask.to.as_str());
            let limit = if field == "meta" && is_presence { "meta_bytes" } else { "payload_bytes" };
            self.check_size(limit, ask.raw(field))?;
        }
        if ask.has("before") && ask.number("start") > 0 {
            return Err("invalid_request".into());
        }
        Ok(())
    }

    /// Section 2: JSON of bounded size and depth.
    fn check_size(&self, limit: &str, raw: &str) -> Outcome {
        let limits = &self.setup.limits;
        let most = if limit == "meta_bytes" { limits.meta_bytes } else { limits.payload_bytes };
        if raw.len() > most {
            return Err(format!("payload_too_large {limit}"));
        }
        if depth(raw) > limits.payload_depth {
            return Err("payload_too_large payload_depth".into());
        }
        Ok(())
    }

    /// Section 6: the same, then client and topic, in this order.
    fn check_known(&self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        if self.find_client(&ask.text("client_id")).is_none() {
            return Err("unknown_client".into());
        }
        if self.find_room(&ask.text("topic")).is_none() {
            return Err("unknown_topic".into());
        }
        Ok(())
    }

    /// Section 6: the same, then membership: attached, or none where the room lets `clients` act.
    fn check_standing(&self, ask: &Ask, clients: fn(&RoomConfig) -> bool) -> Outcome {
        self.check_known(ask)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        if self.may_act(&client, &topic, clients) { Ok(()) } else { Err("not_member".into()) }
    }

    /// Section 6: a detached member may not, nor a client that has lost its connection.
    fn may_act(&self, client: &str, topic: &str, clients: fn(&RoomConfig) -> bool) -> bool {
        if !self.is_connected(client) {
            return false;
        }
        if self.is_member(client, topic) {
            return self.is_attached(client, topic);
        }
        clients(&self.room(topic).config)
    }

    /// Section 5: the reply that says ok.
    fn reply(&mut self, ask: &Ask, body: String) {
        self.counters.replies_ok += 1;
        self.said.push(ask.reply("ok", body));
    }

    /// Section 4, "Replies": most events reply ok only to a `ref`.
    fn reply_if_asked(&mut self, ask: &Ask, body: String) {
        if ask.has("ref") {
            self.reply(ask, body);
        }
    }

    /// Section 12: a refusal always replies. Section 4: so does the guard's no.
    fn refuse(&mut self, ask: &Ask, refusal: &str) {
        self.counters.count_refusal(refusal.split(' ').next().unwrap_or_default());
        self.said.push(ask.refuse(refusal));
    }

    /// Sections 4, 6 and 7: a topic's `closed`, to these clients; a message only with a kick.
    fn say_closed(&mut self, topic: &str, cause: &str, message: &str, to: &[String]) {
        let (topic, cause, recipients) = (json(topic), json(cause), json(to));
        let message = if cause == json("kicked") { json(message) } else { String::new() };
        let values = [topic, cause, message, recipients];
        self.say("closed", "topic cause message recipients", &values);
    }

    /// Section 3: one outbound of these fields.
    fn say(&mut self, kind: &str, names: &str, values: &[String]) {
        self.said.push(lines::object(kind, &[lines::object(names, values)]));
    }
}

/// Section 2, "deterministic and ordered": one text of each item to keep.
fn pick<T>(list: &[T], keep: impl Fn(&T) -> bool, give: impl Fn(&T) -> &String) -> Vec<String> {
    let kept = list.iter().filter(|item| keep(item));
    kept.map(|item| give(item).clone()).collect()
}
