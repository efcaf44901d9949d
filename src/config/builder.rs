//! Makes configurations, and checks them when they are built.

use alloc::{collections::BTreeSet, format, string::String, sync::Arc, vec::Vec};
use core::num::NonZeroU64;

use super::{
    ClientRooms, Config, ConfigError, Lifetime, Limit, MAX_FIRST_EPOCH, PatternFlaw, RateLimit,
    RoomConfig, RoomFlaw, UnlistedTopics, patterns::Patterns, reserved::Reserved,
};
use crate::{
    hash::HashKey,
    ids::{EventName, Topic},
};

/// Makes a [`Config`].
#[derive(Debug, Clone)]
#[must_use = "build() makes the configuration"]
pub struct ConfigBuilder {
    /// What is set so far, but for the rooms.
    config: Config,
    rooms: Vec<(Topic, Arc<RoomConfig>)>,
}

impl ConfigBuilder {
    pub(super) fn new() -> Self {
        Self { config: Config::default(), rooms: Vec::new() }
    }

    /// Bounds something; what is out of its [`range`](Limit::range) is refused by
    /// [`build`](ConfigBuilder::build).
    pub fn limit(mut self, limit: Limit, value: u64) -> Self {
        if let Some(place) = self.config.limits.get_mut(limit as usize) {
            *place = value;
        }
        self
    }

    /// With what the names of clients' messages must not start; `phx_`, `presence_`, `parlor:`,
    /// `dialogue:` and `access_token` by default.
    pub fn reserved<T: Into<EventName>>(mut self, prefixes: impl IntoIterator<Item = T>) -> Self {
        self.config.reserved = Reserved::new(prefixes.into_iter().map(Into::into).collect());
        self
    }

    /// The epoch of the first room, 1 by default and 2^63 - 1 at most. Each room takes the next one. A
    /// driver that restarts gives an epoch past all that it has used, so that positions from before are
    /// told apart: for instance the second of its start, shifted by 20 bits. (A time in milliseconds
    /// is not enough where more rooms open than milliseconds pass.)
    pub const fn first_epoch(mut self, epoch: u64) -> Self {
        self.config.first_epoch = epoch;
        self
    }

    /// The number of the first presence ref, 1 by default. Clients tell presences apart by their refs:
    /// a driver that restarts gives a higher number than any ref of an earlier run, or a client that
    /// was there takes a new presence for an old one.
    pub const fn first_ref(mut self, number: NonZeroU64) -> Self {
        self.config.first_ref = number;
        self
    }

    /// How often this node has started, or when: it must grow from start to start. 1 by default;
    /// only a node of a cluster needs it.
    pub const fn incarnation(mut self, incarnation: u64) -> Self {
        self.config.incarnation = incarnation;
        self
    }

    /// The key of the hash tables. A driver whose clients choose names draws it at random, so that
    /// they can't prepare names that collide; the default is known to all. Nothing that a channel
    /// emits depends on it.
    pub const fn hash_key(mut self, key: [u64; 2]) -> Self {
        self.config.hash_key = HashKey(key);
        self
    }

    /// For how many milliseconds a client that lost its connection keeps its place; 0 by default,
    /// which is not at all.
    pub const fn grace_ms(mut self, grace_ms: u64) -> Self {
        self.config.grace_ms = grace_ms;
        self
    }

    /// Whether clients may open rooms; [`ClientRooms::Off`] by default.
    ///
    /// Rooms that are opened persist unless their pattern says that they are ephemeral, also when
    /// the user that owns them never comes back: then it is the server that closes them, by a
    /// [`CloseRoom`](crate::CloseRoom) without `by`. How many a user has is bounded by
    /// [`Limit::RoomsPerUser`], and how often a client opens and closes some by
    /// [`room_rate_limit`](ConfigBuilder::room_rate_limit).
    pub const fn clients_open_rooms(mut self, clients_open_rooms: ClientRooms) -> Self {
        self.config.clients_open_rooms = clients_open_rooms;
        self
    }

    /// How often a client may open and close rooms: 10 times in 10 seconds by default.
    pub const fn room_rate_limit(mut self, room_rate_limit: RateLimit) -> Self {
        self.config.room_rate_limit = room_rate_limit;
        self
    }

    /// Says how the rooms of a pattern behave.
    ///
    /// A pattern is a topic or, with a `*` at its end, the start of topics; `*` alone is all
    /// topics. A topic beats every prefix, and a longer prefix a shorter one. The room of a topic
    /// is *declared*: it is there from the start, in the order of these calls, and stays when
    /// nobody is in it.
    pub fn room(mut self, pattern: impl Into<Topic>, room: RoomConfig) -> Self {
        self.rooms.push((pattern.into(), Arc::new(room)));
        self
    }

    /// Whether topics that match no pattern can be made by joining them;
    /// [`UnlistedTopics::Create`] by default.
    pub const fn unlisted_topics(mut self, unlisted_topics: UnlistedTopics) -> Self {
        self.config.unlisted_topics = unlisted_topics;
        self
    }

    /// How rooms behave whose topics match no pattern.
    pub fn default_room(mut self, room: RoomConfig) -> Self {
        self.config.default_room = Arc::new(room);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Refused are a limit out of its range, a first epoch above 2^63 - 1, a
    /// [`room_rate_limit`](ConfigBuilder::room_rate_limit) without a window, an empty reserved
    /// prefix, a pattern that is empty, too long, there twice, or has a `*` before its end, more
    /// declared rooms than [`Limit::Topics`], a declared room that is ephemeral, and a room with a
    /// [`RoomFlaw`].
    pub fn build(self) -> Result<Config, ConfigError> {
        self.check().map_err(|(_, error)| error)?;
        Ok(self.finish())
    }

    /// Puts together what was checked.
    pub(super) fn finish(self) -> Config {
        let Self { mut config, rooms } = self;
        if !rooms.is_empty() {
            config.patterns = Arc::new(Patterns::new(rooms));
        }
        config
    }

    /// Says what is wrong, and where: `rooms[2].max_members`.
    pub(super) fn check(&self) -> Result<(), (String, ConfigError)> {
        let Self { config, rooms } = self;
        for limit in Limit::ALL {
            let value = config.limit(limit);
            if !limit.range().contains(&value) {
                let wrong = ConfigError::LimitOutOfRange { limit, value };
                return Err((format!("limits.{limit}"), wrong));
            }
        }
        if config.first_epoch > MAX_FIRST_EPOCH {
            let wrong = ConfigError::FirstEpochOutOfRange { epoch: config.first_epoch };
            return Err(("first_epoch".into(), wrong));
        }
        if config.room_rate_limit.window_ms == 0 {
            return Err(("room_rate_limit.window_ms".into(), ConfigError::EmptyRateWindow));
        }
        if let Some(at) = config.reserved().iter().position(|prefix| prefix.as_bytes().is_empty()) {
            return Err((format!("reserved[{at}]"), ConfigError::EmptyReservedPrefix));
        }
        config.default_room.check(config).map_err(|flaw| {
            let at = format!("default_room.{}", flaw.field());
            (at, ConfigError::InvalidRoom { pattern: None, flaw })
        })?;
        check_rooms(rooms, config)
    }
}

fn check_rooms(
    rooms: &[(Topic, Arc<RoomConfig>)],
    config: &Config,
) -> Result<(), (String, ConfigError)> {
    let mut met = BTreeSet::new();
    let mut declared = 0;
    let max = config.limit(Limit::Topics);
    for (at, (pattern, room)) in rooms.iter().enumerate() {
        let flaw = if met.insert(pattern) {
            flaw_of(pattern.as_str(), config.limit(Limit::NameBytes))
        } else {
            Some(PatternFlaw::Repeated)
        };
        if let Some(flaw) = flaw {
            let pattern = pattern.as_str().into();
            let wrong = ConfigError::InvalidPattern { pattern, flaw };
            return Err((format!("rooms[{at}].pattern"), wrong));
        }
        room.check(config).map_err(|flaw| {
            let (at, pattern) = (format!("rooms[{at}].{}", flaw.field()), pattern.as_str().into());
            (at, ConfigError::InvalidRoom { pattern: Some(pattern), flaw })
        })?;
        let is_declared = !pattern.as_str().ends_with('*');
        if is_declared && room.lifetime == Some(Lifetime::Ephemeral) {
            let wrong = "is ephemeral, but a declared room persists; expected persistent, or a \
                         pattern that ends with \"*\"";
            let flaw = RoomFlaw::inconsistent("lifetime", wrong);
            let pattern = Some(pattern.as_str().into());
            return Err((
                format!("rooms[{at}].lifetime"),
                ConfigError::InvalidRoom { pattern, flaw },
            ));
        }
        declared += u64::from(is_declared);
    }
    if declared > max {
        return Err(("rooms".into(), ConfigError::TooManyRooms { declared, max }));
    }
    Ok(())
}

fn flaw_of(pattern: &str, max: u64) -> Option<PatternFlaw> {
    let name = pattern.strip_suffix('*').unwrap_or(pattern);
    let bytes = name.len() as u64;
    if pattern.is_empty() {
        Some(PatternFlaw::Empty)
    } else if name.contains('*') {
        Some(PatternFlaw::Wildcard)
    } else if bytes > max {
        Some(PatternFlaw::TooLong { bytes, max })
    } else {
        None
    }
}
