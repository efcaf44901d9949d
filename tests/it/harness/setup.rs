//! The configurations under test, told to the channel and to the model in one place.

use parlor::{Channel, Config, ConfigBuilder, Limit, PresenceMode, RoomConfig};

use super::super::model::{Limits, Setup as ModelSetup};

/// One configuration, as the channel and as the model is told it.
pub struct Setup {
    pub name: &'static str,
    pub model: ModelSetup,
    config: ConfigBuilder,
    cluster: Option<&'static str>,
}

impl Setup {
    /// What holds unless a configuration says otherwise.
    pub fn plain() -> Self {
        let limits = Limits { topics_per_client: 1_000, ..Limits::default() };
        let model = ModelSetup { limits, ..ModelSetup::default() };
        Self { name: "plain", model, config: Config::builder(), cluster: None }
    }

    /// Without presence.
    pub fn silent() -> Self {
        let Self { model, config, cluster, .. } = Self::plain();
        let room = RoomConfig::default().with_presence(PresenceMode::Off);
        let default_room = r#"{"presence":"off"}"#.into();
        let model = ModelSetup { default_room, ..model };
        Self { name: "silent", model, config: config.default_room(room), cluster }
    }

    /// With limits so low that each is met, and one past it.
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
            ..Limits::default()
        };
        Self::plain().limited("tiny", limits)
    }

    /// One node of a cluster, whose name has to be escaped.
    pub fn cluster() -> Self {
        let node = "n\"ö";
        let Self { model, config, .. } = Self::plain();
        let model = ModelSetup { origin: Some(format!("{node}.7")), ..model };
        Self { name: "cluster", model, config: config.incarnation(7), cluster: Some(node) }
    }

    /// With epochs past what floating-point numbers can count, and other reserved names.
    pub fn late() -> Self {
        let limits = Limits { payload_bytes: 2_048, payload_depth: 3, ..Limits::default() };
        let Self { model, config, cluster, .. } = Self::plain().limited("late", limits);
        let first_epoch = u64::MAX / 2;
        let model = ModelSetup { first_epoch, reserved: vec!["my:".into()], ..model };
        let config = config.first_epoch(first_epoch).reserved(["my:"]);
        Self { name: "late", model, config, cluster }
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
        let config = self.config.clone().hash_key(key).build().expect("the setup is valid");
        match self.cluster {
            None => Channel::single_node(config),
            Some(node) => Channel::cluster_ready(node, "chat", config).expect("the name is valid"),
        }
    }

    fn limited(mut self, name: &'static str, limits: Limits) -> Self {
        let wide = |limit: usize| u64::try_from(limit).expect("a limit is a number of 64 bits");
        for (limit, value) in [
            (Limit::NameBytes, wide(limits.name_bytes)),
            (Limit::RefBytes, wide(limits.ref_bytes)),
            (Limit::PayloadBytes, wide(limits.payload_bytes)),
            (Limit::PayloadDepth, u64::from(limits.payload_depth)),
            (Limit::TopicsPerClient, wide(limits.topics_per_client)),
            (Limit::MembersPerTopic, wide(limits.members_per_topic)),
            (Limit::Topics, wide(limits.topics)),
            (Limit::Clients, wide(limits.clients)),
        ] {
            self.config = self.config.limit(limit, value);
        }
        self.model.limits = limits;
        Self { name, ..self }
    }
}
