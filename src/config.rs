//! What a channel is set up with: limits, reserved names, epochs and keys; checked when built.

use alloc::{string::String, vec::Vec};
use core::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::{
    hash::HashKey,
    ids::{DEFAULT_EVENT, EventName},
};

/// The settings of a [`Channel`](crate::Channel); [`Config::default`] has sane ones.
///
/// ```
/// use parlor::{Config, Limit};
///
/// let config = Config::builder().limit(Limit::MembersPerTopic, 500).build()?;
/// assert_eq!(config.limit(Limit::MembersPerTopic), 500);
/// assert_eq!(
///     Config::builder().limit(Limit::NameBytes, 0).build().unwrap_err().to_string(),
///     "limit name_bytes is 0, expected 7 to 65535",
/// );
/// # Ok::<(), parlor::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    limits: [u64; Limit::ALL.len()],
    reserved: Vec<EventName>,
    first_epoch: u64,
    incarnation: u64,
    hash_key: HashKey,
    default_room: RoomConfig,
}

/// What can be bounded. Whatever is refused for it names it by its [`label`](Limit::label).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of a client, topic, user or event name. 255 by default; a longer one is
    /// `invalid_name`.
    NameBytes,
    /// Bytes of a `ref` or an `id`. 255 by default.
    RefBytes,
    /// Bytes of a payload, meta or params. 65,536 by default; a larger one is `payload_too_large`.
    PayloadBytes,
    /// Nesting of a payload, meta or params. 128 by default; a deeper one is `payload_too_large`.
    PayloadDepth,
    /// Topics that one client is a member of. 1,000 by default.
    TopicsPerClient,
    /// Members of one topic. 1,000,000 by default.
    MembersPerTopic,
    /// Topics of the channel. 1,000,000 by default.
    Topics,
    /// Clients of the channel. 1,000,000 by default.
    Clients,
}

/// As high as leaves more epochs than there will ever be rooms.
const MAX_FIRST_EPOCH: u64 = u64::MAX / 2;

/// As long as the name of a broadcast that is given none.
const SHORTEST_NAME: u64 = DEFAULT_EVENT.len() as u64;

/// As many as numbers of 32 bits can count, with some to spare.
const MANY: u64 = (1 << 31) - 1;

impl Limit {
    /// Every limit, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::NameBytes,
        Self::RefBytes,
        Self::PayloadBytes,
        Self::PayloadDepth,
        Self::TopicsPerClient,
        Self::MembersPerTopic,
        Self::Topics,
        Self::Clients,
    ];

    /// A stable name in `snake_case`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().0
    }

    /// What holds unless a configuration says otherwise.
    #[must_use]
    pub const fn default_value(self) -> u64 {
        self.row().1
    }

    /// What it can be set to.
    #[must_use]
    pub const fn range(self) -> RangeInclusive<u64> {
        let (_, _, least, most) = self.row();
        least..=most
    }

    /// Label, default, least and most.
    const fn row(self) -> (&'static str, u64, u64, u64) {
        match self {
            Self::NameBytes => ("name_bytes", 255, SHORTEST_NAME, 65_535),
            Self::RefBytes => ("ref_bytes", 255, 1, 65_535),
            Self::PayloadBytes => ("payload_bytes", 65_536, 1, 1 << 30),
            Self::PayloadDepth => ("payload_depth", 128, 0, MANY),
            Self::TopicsPerClient => ("topics_per_client", 1_000, 1, MANY),
            Self::MembersPerTopic => ("members_per_topic", 1_000_000, 1, MANY),
            Self::Topics => ("topics", 1_000_000, 1, MANY),
            Self::Clients => ("clients", 1_000_000, 1, MANY),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How rooms behave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RoomConfig {
    /// Whether members are present.
    pub presence: PresenceMode,
}

impl RoomConfig {
    /// Says whether members are present.
    #[must_use]
    pub const fn with_presence(mut self, presence: PresenceMode) -> Self {
        self.presence = presence;
        self
    }
}

/// Whether the members of a room are present in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum PresenceMode {
    /// A join tracks the member; it gets a snapshot, and the others a diff.
    #[default]
    On,
    /// A join gets a reply and nothing else.
    Off,
}

impl Config {
    /// Starts from the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder(Self::default())
    }

    /// The value of a limit.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> u64 {
        self.limits.get(limit as usize).copied().unwrap_or_else(|| limit.default_value())
    }

    /// With what the names of clients' messages must not start.
    #[must_use]
    pub fn reserved(&self) -> &[EventName] {
        &self.reserved
    }

    /// The epoch of the first room.
    #[must_use]
    pub const fn first_epoch(&self) -> u64 {
        self.first_epoch
    }

    /// How often this node has started, or when.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// How rooms behave of which nothing else is said.
    #[must_use]
    pub const fn default_room(&self) -> &RoomConfig {
        &self.default_room
    }

    pub(crate) const fn hash_key(&self) -> HashKey {
        self.hash_key
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limit::ALL.map(Limit::default_value),
            reserved: ["phx_", "presence_", "parlor:", "dialogue:"].map(EventName::from).into(),
            first_epoch: 1,
            incarnation: 1,
            hash_key: HashKey([0x7061_726c_6f72_2d31, 0x6b65_7965_642d_7369]),
            default_room: RoomConfig::default(),
        }
    }
}

/// Makes a [`Config`].
#[derive(Debug, Clone)]
#[must_use = "build() makes the configuration"]
pub struct ConfigBuilder(Config);

impl ConfigBuilder {
    /// Bounds something; what is out of its [`range`](Limit::range) is refused by
    /// [`build`](ConfigBuilder::build).
    pub fn limit(mut self, limit: Limit, value: u64) -> Self {
        if let Some(place) = self.0.limits.get_mut(limit as usize) {
            *place = value;
        }
        self
    }

    /// With what the names of clients' messages must not start; `phx_`, `presence_`, `parlor:` and
    /// `dialogue:` by default.
    pub fn reserved<T: Into<EventName>>(mut self, prefixes: impl IntoIterator<Item = T>) -> Self {
        self.0.reserved = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// The epoch of the first room, 1 by default and 2^63 - 1 at most. A driver that restarts gives
    /// its start time, so that positions from before are told apart.
    pub const fn first_epoch(mut self, epoch: u64) -> Self {
        self.0.first_epoch = epoch;
        self
    }

    /// How often this node has started, or when: it must grow from start to start. 1 by default;
    /// only a node of a cluster needs it.
    pub const fn incarnation(mut self, incarnation: u64) -> Self {
        self.0.incarnation = incarnation;
        self
    }

    /// The key of the hash tables. A driver whose clients choose names draws it at random, so that
    /// they can't prepare names that collide; the default is known to all. Nothing that a channel
    /// emits depends on it.
    pub const fn hash_key(mut self, key: [u64; 2]) -> Self {
        self.0.hash_key = HashKey(key);
        self
    }

    /// How rooms behave of which nothing else is said.
    pub fn default_room(mut self, room: RoomConfig) -> Self {
        self.0.default_room = room;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// A limit out of its range, a first epoch above 2^63 - 1 and an empty reserved prefix are
    /// refused.
    pub fn build(self) -> Result<Config, ConfigError> {
        let Self(config) = self;
        for limit in Limit::ALL {
            let value = config.limit(limit);
            if !limit.range().contains(&value) {
                return Err(ConfigError::LimitOutOfRange { limit, value });
            }
        }
        if config.first_epoch > MAX_FIRST_EPOCH {
            return Err(ConfigError::FirstEpochOutOfRange { epoch: config.first_epoch });
        }
        if config.reserved.iter().any(|prefix| prefix.as_str().is_empty()) {
            return Err(ConfigError::EmptyReservedPrefix);
        }
        Ok(config)
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is smaller or larger than it can be.
    LimitOutOfRange {
        /// Which one.
        limit: Limit,
        /// What it was set to.
        value: u64,
    },
    /// The first epoch is so high that the counter of epochs might run out.
    FirstEpochOutOfRange {
        /// What it was set to.
        epoch: u64,
    },
    /// A reserved prefix that is empty would reserve every name.
    EmptyReservedPrefix,
    /// The name of a node or cluster is empty or too long.
    InvalidNodeName {
        /// `node` or `cluster`.
        of: &'static str,
        /// The name.
        name: String,
        /// The longest that a name can be, in bytes.
        max: u64,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitOutOfRange { limit, value } => {
                let (least, most) = limit.range().into_inner();
                write!(f, "limit {limit} is {value}, expected {least} to {most}")
            }
            Self::FirstEpochOutOfRange { epoch } => {
                write!(f, "the first epoch is {epoch}, expected at most {MAX_FIRST_EPOCH}")
            }
            Self::EmptyReservedPrefix => {
                f.write_str("a reserved prefix is empty, expected at least one character")
            }
            Self::InvalidNodeName { of, name, max } => {
                write!(f, "{of} name {name:?} has {} bytes, expected 1 to {max}", name.len())
            }
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn limits_are_indexed_by_declaration() {
        for (place, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, place, "{limit}");
            assert_eq!(Config::default().limit(limit), limit.default_value());
        }
    }

    #[test]
    fn each_limit_is_accepted_in_its_range_and_refused_beside_it() {
        for limit in Limit::ALL {
            let (least, most) = limit.range().into_inner();
            for value in [least, most] {
                let config = Config::builder().limit(limit, value).build().unwrap();
                assert_eq!(config.limit(limit), value);
            }
            for value in vec![least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
                let refused = Config::builder().limit(limit, value).build();
                assert_eq!(refused, Err(ConfigError::LimitOutOfRange { limit, value }));
            }
        }
    }
}
