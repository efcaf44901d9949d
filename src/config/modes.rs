//! What a configuration can choose between, each choice a type of its own.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::ids::EventName;

/// Which messages clients may send in a room. The server may send all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientEvents {
    /// Those of any name.
    #[default]
    Any,
    /// Those whose names are defined; all if `*` is. See [`EventDefinition`].
    Listed,
    /// None.
    None,
}

/// Whether a room stays when nobody is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Lifetime {
    /// It goes with the last who is in it. One that is opened empty waits for the first.
    Ephemeral,
    /// It stays until it is closed.
    Persistent,
}

/// Whether the members of a room are present in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum PresenceMode {
    /// A join tracks the member; it gets a snapshot, and the others a diff.
    #[default]
    On,
    /// A join gets a reply, and nobody is tracked.
    Off,
}

/// Whether a joiner gets a snapshot of who is present.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum SnapshotMode {
    /// It does.
    #[default]
    On,
    /// It only hears what changes.
    Off,
}

/// Who may do something in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Who {
    /// Its members.
    #[default]
    Members,
    /// Any connected client, member or not.
    Clients,
}

/// How much of what was said a joiner gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HistoryOnJoin {
    /// All that is kept.
    All,
    /// The newest so many of each event name.
    PerEvent(u32),
    /// The newest so many.
    Total(u32),
}

/// How much a client may do in a room in how much time.
///
/// The first accepted event opens a window; broadcasts, tracks, subscriptions and requests for
/// history count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many events in one window.
    pub max_events: u32,
    /// How long a window is, in milliseconds; at least 1.
    pub window_ms: u64,
}

impl RateLimit {
    /// So many events in a window of so many milliseconds.
    #[must_use]
    pub const fn new(max_events: u32, window_ms: u64) -> Self {
        Self { max_events, window_ms }
    }
}

/// What is known of an event name in a room. The name `*` stands for all that are not defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EventDefinition {
    /// The event name, or `*`.
    pub name: EventName,
    /// What it is for. For people; the channel does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many messages of that name are kept; for `*`, of each. Without it none, and with 0 each
    /// is given up at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
}

impl EventDefinition {
    /// An event name of which nothing is kept.
    pub fn new(name: impl Into<EventName>) -> Self {
        Self { name: name.into(), description: None, history: None }
    }

    /// Says what it is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Says how many messages are kept.
    #[must_use]
    pub const fn with_history(mut self, messages: u32) -> Self {
        self.history = Some(messages);
        self
    }
}

/// Whether a topic of which the configuration says nothing can be made by joining it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum UnlistedTopics {
    /// It can, and its room is as [`default_room`](crate::Config::default_room) says.
    #[default]
    Create,
    /// It can't: `unknown_topic`. It can still be opened.
    Refuse,
}

/// Whether clients may open rooms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum ClientRooms {
    /// They may, and close those that their user owns.
    On,
    /// Only the server may.
    #[default]
    Off,
}
