//! What a channel is set up with: limits, rooms, reserved names, epochs and keys; checked when built.

mod builder;
mod error;
mod file;
mod flaw;
mod limit;
mod modes;
mod patterns;
mod places;
mod reserved;
mod room;

use alloc::sync::Arc;
use core::num::NonZeroU64;

use self::{patterns::Patterns, reserved::Reserved};
use crate::{
    hash::HashKey,
    ids::{EventName, Topic},
};

pub use self::{
    builder::ConfigBuilder,
    error::{ConfigError, PatternFlaw},
    file::ConfigFileError,
    flaw::RoomFlaw,
    limit::Limit,
    modes::{
        ClientEvents, ClientRooms, EventDefinition, HistoryOnJoin, Lifetime, PresenceMode,
        RateLimit, SnapshotMode, UnlistedTopics, Who,
    },
    room::RoomConfig,
};

/// The settings of a [`Channel`](crate::Channel); [`Config::default`] has sane ones.
///
/// ```
/// use parlor::{Config, Limit, RoomConfig, UnlistedTopics};
///
/// let config = Config::builder()
///     .limit(Limit::MembersPerTopic, 500)
///     .room("lobby", RoomConfig::default())
///     .room("chat:*", RoomConfig::default().with_max_members(50))
///     .unlisted_topics(UnlistedTopics::Refuse)
///     .build()?;
/// assert_eq!(config.limit(Limit::MembersPerTopic), 500);
/// assert_eq!(config.room_for(&"chat:7".into()).unwrap().max_members, Some(50));
/// assert!(config.room_for(&"elsewhere".into()).is_none());
///
/// let wrong = Config::builder().limit(Limit::NameBytes, 0).build().unwrap_err();
/// assert_eq!(wrong.to_string(), "limit name_bytes is 0, expected 7 to 65535");
/// # Ok::<(), parlor::ConfigError>(())
/// ```
///
/// # What a channel can take in memory
///
/// What clients can make a channel hold is bounded by its limits, whatever they do, as long as its
/// driver flushes. The terms that count most, in bytes: for each of [`Limit::Clients`] its names and
/// data; for each topic that each may be in ([`Limit::TopicsPerClient`]) one meta of
/// [`Limit::MetaBytes`] and its subscriptions; and [`Limit::HistoryBytes`]. With the defaults that is
/// more than any machine has: a host that faces clients it does not trust sets them to what it can
/// serve. The whole sum is in `ARCHITECTURE.md`, and `cargo test --test memory` holds ten thousand hostile clients against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    limits: [u64; Limit::ALL.len()],
    reserved: Reserved,
    first_epoch: u64,
    first_ref: NonZeroU64,
    incarnation: u64,
    hash_key: HashKey,
    grace_ms: u64,
    clients_open_rooms: ClientRooms,
    room_rate_limit: RateLimit,
    unlisted_topics: UnlistedTopics,
    default_room: Arc<RoomConfig>,
    patterns: Arc<Patterns>,
}

/// As high as leaves more epochs than there will ever be rooms.
const MAX_FIRST_EPOCH: u64 = u64::MAX / 2;

impl Config {
    /// With what the names of clients' messages must not start by default. `access_token` is there
    /// because Supabase's clients push their token under that name.
    const RESERVED: [&'static str; 5] =
        ["phx_", "presence_", "parlor:", "dialogue:", "access_token"];

    /// How often a client may open and close rooms by default.
    const ROOM_RATE_LIMIT: RateLimit = RateLimit::new(10, 10_000);

    /// Starts from the defaults.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::new()
    }

    /// The same under another key of the hash tables: see [`ConfigBuilder::hash_key`].
    #[must_use]
    pub const fn with_hash_key(mut self, key: [u64; 2]) -> Self {
        self.hash_key = HashKey(key);
        self
    }

    /// The same with another first epoch, for a driver that draws one at each start: see
    /// [`ConfigBuilder::first_epoch`]. One past 2^63 - 1 is taken as that.
    #[must_use]
    pub const fn with_first_epoch(mut self, epoch: u64) -> Self {
        self.first_epoch = if epoch < MAX_FIRST_EPOCH { epoch } else { MAX_FIRST_EPOCH };
        self
    }

    /// The same with another number for the first presence ref: see [`ConfigBuilder::first_ref`].
    #[must_use]
    pub const fn with_first_ref(mut self, first_ref: NonZeroU64) -> Self {
        self.first_ref = first_ref;
        self
    }

    /// The value of a limit.
    #[must_use]
    pub fn limit(&self, limit: Limit) -> u64 {
        self.limits.get(limit as usize).copied().unwrap_or_else(|| limit.default_value())
    }

    /// With what the names of clients' messages must not start.
    #[must_use]
    pub fn reserved(&self) -> &[EventName] {
        self.reserved.prefixes()
    }

    /// With which of them a name starts.
    pub(crate) fn reserved_prefix(&self, event: &EventName) -> Option<&EventName> {
        self.reserved.find(event)
    }

    /// The epoch of the first room.
    #[must_use]
    pub const fn first_epoch(&self) -> u64 {
        self.first_epoch
    }

    /// The number of the first presence ref.
    #[must_use]
    pub const fn first_ref(&self) -> NonZeroU64 {
        self.first_ref
    }

    /// How often this node has started, or when.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// For how many milliseconds a client that lost its connection keeps its place.
    #[must_use]
    pub const fn grace_ms(&self) -> u64 {
        self.grace_ms
    }

    /// Whether clients may open rooms.
    #[must_use]
    pub const fn clients_open_rooms(&self) -> ClientRooms {
        self.clients_open_rooms
    }

    /// How often a client may open and close rooms.
    #[must_use]
    pub const fn room_rate_limit(&self) -> RateLimit {
        self.room_rate_limit
    }

    /// Whether topics that match no pattern can be made by joining them.
    #[must_use]
    pub const fn unlisted_topics(&self) -> UnlistedTopics {
        self.unlisted_topics
    }

    /// How rooms behave whose topics match no pattern.
    #[must_use]
    pub fn default_room(&self) -> &RoomConfig {
        &self.default_room
    }

    /// How a room behaves that is made by joining `topic`: as the pattern says that is the topic,
    /// else as the longest prefix says, else by default. None if nobody can make it by joining it.
    ///
    /// Costs O(log n) in the patterns, more only where many prefixes start with one another.
    #[must_use]
    pub fn room_for(&self, topic: &Topic) -> Option<&Arc<RoomConfig>> {
        self.patterns.find(topic).or(match self.unlisted_topics {
            UnlistedTopics::Create => Some(&self.default_room),
            UnlistedTopics::Refuse => None,
        })
    }

    /// How a room behaves that is opened as it is configured: as [`Config::room_for`] says, and by
    /// default if its topic matches nothing.
    #[must_use]
    pub fn room_to_open(&self, topic: &Topic) -> &Arc<RoomConfig> {
        self.patterns.find(topic).unwrap_or(&self.default_room)
    }

    /// The rooms that are there from the start, in the order in which they were given.
    pub fn declared(&self) -> impl Iterator<Item = (&Topic, &Arc<RoomConfig>)> {
        self.patterns.declared()
    }

    /// Whether the room of `topic` is one that is there from the start.
    #[must_use]
    pub fn is_declared(&self, topic: &Topic) -> bool {
        self.patterns.is_declared(topic)
    }

    pub(crate) const fn hash_key(&self) -> HashKey {
        self.hash_key
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limit::ALL.map(Limit::default_value),
            reserved: Reserved::new(Self::RESERVED.map(EventName::from).into()),
            first_epoch: 1,
            first_ref: NonZeroU64::MIN,
            incarnation: 1,
            hash_key: HashKey([0x7061_726c_6f72_2d31, 0x6b65_7965_642d_7369]),
            grace_ms: 0,
            clients_open_rooms: ClientRooms::Off,
            room_rate_limit: Self::ROOM_RATE_LIMIT,
            unlisted_topics: UnlistedTopics::Create,
            default_room: Arc::default(),
            patterns: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests;
