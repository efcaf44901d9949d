//! The configurations under test: one JSON document each, told to the channel and to the model.

use std::collections::BTreeMap;

use parlor::{Channel, Config, Limit};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::model::{Limits, Setup as ModelSetup, Unlisted};

/// One configuration, as the channel and as the model is told it.
pub struct Setup {
    pub name: &'static str,
    pub model: ModelSetup,
    document: &'static str,
    /// The node, if it is one of a cluster.
    node: Option<&'static str>,
}

/// All of them: names, and documents.
const SETUPS: [(&str, &str); 10] = [
    ("plain", "{}"),
    // Without presence, unless a room is opened with it.
    (
        "silent",
        r#"{"limits":{"rooms_per_user":0},"default_room":{"presence":"off"},"clients_open_rooms":"on"}"#,
    ),
    // No rooms but those that are opened, which go with their last member.
    (
        "opened",
        r#"{"limits":{"rooms_per_user":0},"unlisted_topics":"refuse","clients_open_rooms":"on","default_room":
            {"lifetime":"ephemeral","max_members":2,"events":[{"name":"*","history":2}]}}"#,
    ),
    // Limits so low that each is met, and one past it; and a grace.
    (
        "tiny",
        r#"{"limits":{"name_bytes":12,"ref_bytes":4,"payload_bytes":24,"payload_depth":2,
            "meta_bytes":14,"topics_per_client":2,"members_per_topic":4,"topics":3,"clients":7,"groups":2,
            "topics_per_group":2,"subscriptions_per_member":1,"event_names_per_topic":2,
            "page_length":5,"page_bytes":40,"ids_per_topic":2,"history_messages_per_topic":4,
            "history_bytes_per_topic":60,"history_messages":6,"history_bytes":90},"grace_ms":30,
            "default_room":{"presence_of":"clients","dedupe":2,"history_on_join":"all",
            "events":[{"name":"message","history":3},{"name":"*","history":2}]}}"#,
    ),
    // One node of a cluster, whose name has to be escaped; with windows and declared rooms.
    (
        "cluster",
        r#"{"incarnation":7,"limits":{"rooms_per_user":0},"grace_ms":60,"clients_open_rooms":"on",
            "rooms":[{"pattern":"room:*","presence_window_ms":20,"lifetime":"persistent",
            "events":[{"name":"*","history":4}]},
            {"pattern":"chat:*","rate_limit":{"max_events":3,"window_ms":40},
            "publishers":"clients","max_members":2},
            {"pattern":"chat:v*","name":"V","presence_window_ms":0,"presence_of":"clients"},
            {"pattern":"lobby","name":"L","history_for":"clients",
            "events":[{"name":"*","history":9}]}]}"#,
    ),
    // Epochs past what floating-point numbers can count, other reserved names, and no rooms but
    // those that are listed.
    (
        "late",
        r#"{"limits":{"payload_bytes":2048,"payload_depth":3},"reserved":["my:"],
            "first_epoch":9223372036854775807,"grace_ms":100,"unlisted_topics":"refuse",
            "rooms":[{"pattern":"room:1","history_on_join":{"total":3},
            "events":[{"name":"message","history":2}]},
            {"pattern":"*","max_members":5,"presence_snapshot":"off","dedupe":1},
            {"pattern":"room:2*","default_subscriptions":["message"],"presence_window_ms":60},
            {"pattern":"\"*"}]}"#,
    ),
    (
        "grace",
        r#"{"grace_ms":50,"default_room":{"rate_limit":{"max_events":6,"window_ms":40},"dedupe":3,
            "events":[{"name":"typing"},{"name":"*","history":6}],
            "history_on_join":{"total":3}},
            "rooms":[{"pattern":"chat:*","lifetime":"persistent","default_subscriptions":
            ["message","typing"],"events":[{"name":"message","history":3}]}]}"#,
    ),
    (
        "windows",
        r#"{"grace_ms":25,"default_room":{"presence_window_ms":30,"presence_of":"clients"},
            "rooms":[{"pattern":"room:2","presence_window_ms":0},
            {"pattern":"chat:*","presence_window_ms":10,"presence_snapshot":"off"},
            {"pattern":"lobby","presence_snapshot":"off","presence_of":"clients"}]}"#,
    ),
    (
        "history",
        r#"{"limits":{"history_messages_per_topic":4,"history_bytes_per_topic":90,
            "history_messages":7,"history_bytes":200,"event_names_per_topic":2,"page_bytes":60,
            "page_length":6},
            "default_room":{"events":[{"name":"message","history":2},{"name":"*","history":3}],
            "history_on_join":"all","dedupe":1},
            "rooms":[{"pattern":"room:1","default_subscriptions":["message"],"events":[
            {"name":"message","history":2},{"name":"*","history":4}],"dedupe":2},
            {"pattern":"room:2","events":[{"name":"message","history":0},
            {"name":"typing","history":3}],"history_on_join":{"per_event":1},
            "history_for":"clients"},{"pattern":"lobby","events":[{"name":"*","history":1}],
            "history_on_join":{"total":1},"max_members":1}]}"#,
    ),
    (
        "rooms",
        r#"{"limits":{"rooms_per_user":1},"room_rate_limit":{"max_events":3,"window_ms":30},
            "grace_ms":15,"clients_open_rooms":"on","unlisted_topics":"refuse",
            "rooms":[{"pattern":"room:1","max_members":3,"presence_of":"clients",
            "publishers":"clients","history_for":"clients","owner":"ann","name":"One",
            "data":{"b" : 1, "a":2},"events":[{"name":"message","history":4}]},
            {"pattern":"room:*","client_events":"listed","events":[{"name":"message"},
            {"name":"typing","description":"now","history":1}],"default_subscriptions":
            ["message"],"rate_limit":{"max_events":2,"window_ms":30}},
            {"pattern":"chat:vip","client_events":"none","description":"","lifetime":"persistent",
            "default_subscriptions":[]},
            {"pattern":"chat:*","presence_of":"clients","publishers":"clients",
            "history_for":"clients","events":[{"name":"*","history":2}],
            "history_on_join":{"per_event":2},"lifetime":"ephemeral"},
            {"pattern":"lobby","max_members":0,"presence":"off"}]}"#,
    ),
];

impl Setup {
    /// How many there are.
    pub const COUNT: usize = SETUPS.len();

    /// What holds unless a configuration says otherwise.
    pub fn plain() -> Self {
        Self::of("plain")
    }

    /// With limits so low that each is met, and one past it.
    pub fn tiny() -> Self {
        Self::of("tiny")
    }

    /// By name.
    pub fn of(name: &str) -> Self {
        let found = SETUPS.iter().find(|(other, _)| *other == name);
        let (name, document) = found.unwrap_or_else(|| panic!("{name} is no setup"));
        let node = (*name == "cluster").then_some("n\"ö");
        Self { name, model: told(document, node), document, node }
    }

    /// All of them.
    pub fn all() -> [Self; Self::COUNT] {
        SETUPS.map(|(name, _)| Self::of(name))
    }

    /// A channel and its twin, which differ in what must make no difference.
    pub fn channels(&self) -> [Channel; 2] {
        [[0, 1], [u64::MAX, 0x9e37_79b9_7f4a_7c15]].map(|key| self.channel(key))
    }

    fn channel(&self, key: [u64; 2]) -> Channel {
        let config = Config::from_json(self.document).expect("the setup is valid");
        let config = config.with_hash_key(key);
        match self.node {
            None => Channel::single_node(config),
            Some(node) => Channel::cluster_ready(node, "chat", config).expect("the name is valid"),
        }
    }
}

/// A document, as far as the model is told it.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Document {
    limits: BTreeMap<String, u64>,
    reserved: Option<Vec<String>>,
    first_epoch: Option<u64>,
    incarnation: Option<u64>,
    grace_ms: u64,
    clients_open_rooms: String,
    room_rate_limit: Option<BTreeMap<String, u64>>,
    unlisted_topics: String,
    default_room: Option<Box<RawValue>>,
    rooms: Vec<BTreeMap<String, Box<RawValue>>>,
}

/// What the model is told.
fn told(document: &str, node: Option<&str>) -> ModelSetup {
    let document: Document = serde_json::from_str(document).expect("it is a document");
    let mut model = ModelSetup {
        grace_ms: document.grace_ms,
        clients_open_rooms: document.clients_open_rooms == "on",
        ..ModelSetup::default()
    };
    if let Some(limit) = document.room_rate_limit {
        model.room_rate_limit = (limit["max_events"], limit["window_ms"]);
    }
    if document.unlisted_topics == "refuse" {
        model.unlisted = Unlisted::Refuse;
    }
    if let Some(first_epoch) = document.first_epoch {
        model.first_epoch = first_epoch;
    }
    if let Some(reserved) = document.reserved {
        model.reserved = reserved;
    }
    if let Some(room) = document.default_room {
        room.get().clone_into(&mut model.default_room);
    }
    for mut room in document.rooms {
        let pattern = room.remove("pattern").expect("a room has a pattern");
        let pattern = serde_json::from_str(pattern.get()).expect("a pattern is a text");
        model.rooms.push((pattern, serde_json::to_string(&room).expect("it is written")));
    }
    model.origin = node.map(|node| format!("{node}.{}", document.incarnation.unwrap_or(1)));
    for limit in Limit::ALL {
        let value = document.limits.get(limit.label()).copied();
        set_limit(&mut model.limits, limit, value.unwrap_or_else(|| limit.default_value()));
    }
    model
}

fn set_limit(limits: &mut Limits, limit: Limit, value: u64) {
    let size = usize::try_from(value).expect("limits are small");
    match limit {
        Limit::NameBytes => limits.name_bytes = size,
        Limit::RefBytes => limits.ref_bytes = size,
        Limit::PayloadBytes => limits.payload_bytes = size,
        Limit::PayloadDepth => limits.payload_depth = u32::try_from(value).expect("it is small"),
        Limit::MetaBytes => limits.meta_bytes = size,
        Limit::TopicsPerClient => limits.topics_per_client = size,
        Limit::MembersPerTopic => limits.members_per_topic = size,
        Limit::RoomsPerUser => limits.rooms_per_user = size,
        Limit::Topics => limits.topics = size,
        Limit::Clients => limits.clients = size,
        Limit::Groups => limits.groups = size,
        Limit::TopicsPerGroup => limits.topics_per_group = size,
        Limit::SubscriptionsPerMember => limits.subscriptions_per_member = size,
        Limit::EventNamesPerTopic => limits.event_names_per_topic = size,
        Limit::PageLength => limits.page_length = value,
        Limit::PageBytes => limits.page_bytes = size,
        Limit::IdsPerTopic => limits.ids_per_topic = size,
        Limit::HistoryMessagesPerTopic => limits.history_messages_per_topic = size,
        Limit::HistoryBytesPerTopic => limits.history_bytes_per_topic = size,
        Limit::HistoryMessages => limits.history_messages = size,
        Limit::HistoryBytes => limits.history_bytes = size,
        other => panic!("the model knows no limit {other}"),
    }
}
