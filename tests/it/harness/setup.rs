//! The configurations under test, told to the channel and to the model in one place.

use parlor::{Channel, ClientRooms, Config, ConfigBuilder, Limit, RoomConfig, UnlistedTopics};

use super::super::model::{Limits, Setup as ModelSetup, Unlisted};

/// One configuration, as the model is told it; the channel is told the same.
pub struct Setup {
    pub name: &'static str,
    pub model: ModelSetup,
    cluster: Option<&'static str>,
}

impl Setup {
    /// What holds unless a configuration says otherwise.
    pub fn plain() -> Self {
        let limits = Limits { topics_per_client: 1_000, ..Limits::default() };
        let model = ModelSetup { limits, ..ModelSetup::default() };
        Self { name: "plain", model, cluster: None }
    }

    /// Without presence, unless a room is opened with it.
    pub fn silent() -> Self {
        let Self { model, .. } = Self::plain();
        let default_room = r#"{"presence":"off"}"#.into();
        let model = ModelSetup { default_room, clients_open_rooms: true, ..model };
        Self { name: "silent", model, cluster: None }
    }

    /// With limits so low that each is met, and one past it; and a grace.
    pub fn tiny() -> Self {
        let limits = Limits {
            name_bytes: 12,
            ref_bytes: 4,
            payload_bytes: 24,
            payload_depth: 2,
            topics_per_client: 2,
            members_per_topic: 4,
            topics: 3,
            clients: 7,
            groups: 2,
            topics_per_group: 2,
            subscriptions_per_member: 1,
            event_names_per_topic: 2,
            open_pages: 1,
            page_length: 5,
            ids_per_topic: 2,
            history_messages_per_topic: 4,
            history_bytes_per_topic: 60,
            history_messages: 6,
            history_bytes: 90,
        };
        let default_room = r#"{"presence_of":"clients","dedupe":2,"history_on_join":"all",
            "events":[{"name":"message","history":3},{"name":"*","history":2}]}"#
            .into();
        let model = ModelSetup { limits, default_room, grace_ms: 30, ..ModelSetup::default() };
        Self { name: "tiny", model, cluster: None }
    }

    /// One node of a cluster, whose name has to be escaped; with windows and declared rooms.
    pub fn cluster() -> Self {
        let node = "n\"ö";
        let rooms = listed([
            (
                "room:*",
                r#"{"presence_window_ms":20,"lifetime":"persistent",
                    "events":[{"name":"*","history":4}]}"#,
            ),
            (
                "chat:*",
                r#"{"rate_limit":{"max_events":3,"window_ms":40},"publishers":"clients",
                    "max_members":2}"#,
            ),
            ("chat:v*", r#"{"name":"V","presence_window_ms":0,"presence_of":"clients"}"#),
            (
                "lobby",
                r#"{"name":"L","history_for":"clients","events":[{"name":"*","history":9}]}"#,
            ),
        ]);
        let Self { model, .. } = Self::plain();
        let limits = Limits { open_pages: 1, ..model.limits };
        let model = ModelSetup {
            limits,
            origin: Some(format!("{node}.7")),
            rooms,
            grace_ms: 60,
            clients_open_rooms: true,
            ..model
        };
        Self { name: "cluster", model, cluster: Some(node) }
    }

    /// With epochs past what floating-point numbers can count, other reserved names, and no rooms
    /// but those that are listed.
    pub fn late() -> Self {
        let limits = Limits { payload_bytes: 2_048, payload_depth: 3, ..Limits::default() };
        let rooms = listed([
            (
                "room:1",
                r#"{"history_on_join":{"total":3},"events":[{"name":"message","history":2}]}"#,
            ),
            ("*", r#"{"max_members":5,"presence_snapshot":"off","dedupe":1}"#),
            ("room:2*", r#"{"default_subscriptions":["message"],"presence_window_ms":60}"#),
            ("\"*", "{}"),
        ]);
        let model = ModelSetup {
            limits,
            rooms,
            unlisted: Unlisted::Refuse,
            grace_ms: 100,
            first_epoch: u64::MAX / 2,
            reserved: vec!["my:".into()],
            ..ModelSetup::default()
        };
        Self { name: "late", model, cluster: None }
    }

    /// All of them.
    pub fn all() -> [Self; 5] {
        [Self::plain(), Self::silent(), Self::tiny(), Self::cluster(), Self::late()]
    }

    /// A channel and its twin, which differ in what must make no difference.
    pub fn channels(&self) -> [Channel; 2] {
        [[0, 1], [u64::MAX, 0x9e37_79b9_7f4a_7c15]].map(|key| self.channel(key))
    }

    fn channel(&self, key: [u64; 2]) -> Channel {
        let config = self.config().hash_key(key).build().expect("the setup is valid");
        match self.cluster {
            None => Channel::single_node(config),
            Some(node) => Channel::cluster_ready(node, "chat", config).expect("the name is valid"),
        }
    }

    /// What the model is told, in the words of the channel.
    fn config(&self) -> ConfigBuilder {
        let ModelSetup {
            limits,
            rooms,
            default_room,
            unlisted,
            grace_ms,
            clients_open_rooms,
            first_epoch,
            reserved,
            origin: _,
        } = &self.model;
        let mut config = Config::builder()
            .default_room(room(default_room))
            .grace_ms(*grace_ms)
            .first_epoch(*first_epoch)
            .reserved(reserved.iter().map(String::as_str))
            .incarnation(7);
        for (limit, value) in values(limits) {
            config = config.limit(limit, value);
        }
        for (pattern, config_of_room) in rooms {
            config = config.room(pattern.as_str(), room(config_of_room));
        }
        if *clients_open_rooms {
            config = config.clients_open_rooms(ClientRooms::On);
        }
        config.unlisted_topics(match unlisted {
            Unlisted::Create => UnlistedTopics::Create,
            Unlisted::Refuse => UnlistedTopics::Refuse,
        })
    }
}

fn listed<const N: usize>(rooms: [(&str, &str); N]) -> Vec<(String, String)> {
    rooms.map(|(pattern, config)| (pattern.into(), config.into())).into()
}

fn room(text: &str) -> RoomConfig {
    serde_json::from_str(text).expect("it is the configuration of a room")
}

fn values(limits: &Limits) -> [(Limit, u64); 19] {
    let wide = |limit: usize| u64::try_from(limit).expect("a limit is a number of 64 bits");
    [
        (Limit::NameBytes, wide(limits.name_bytes)),
        (Limit::RefBytes, wide(limits.ref_bytes)),
        (Limit::PayloadBytes, wide(limits.payload_bytes)),
        (Limit::PayloadDepth, u64::from(limits.payload_depth)),
        (Limit::TopicsPerClient, wide(limits.topics_per_client)),
        (Limit::MembersPerTopic, wide(limits.members_per_topic)),
        (Limit::Topics, wide(limits.topics)),
        (Limit::Clients, wide(limits.clients)),
        (Limit::Groups, wide(limits.groups)),
        (Limit::TopicsPerGroup, wide(limits.topics_per_group)),
        (Limit::SubscriptionsPerMember, wide(limits.subscriptions_per_member)),
        (Limit::EventNamesPerTopic, wide(limits.event_names_per_topic)),
        (Limit::OpenPages, wide(limits.open_pages)),
        (Limit::PageLength, limits.page_length),
        (Limit::IdsPerTopic, wide(limits.ids_per_topic)),
        (Limit::HistoryMessagesPerTopic, wide(limits.history_messages_per_topic)),
        (Limit::HistoryBytesPerTopic, wide(limits.history_bytes_per_topic)),
        (Limit::HistoryMessages, wide(limits.history_messages)),
        (Limit::HistoryBytes, wide(limits.history_bytes)),
    ]
}
