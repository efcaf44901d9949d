//! What a configuration can choose between, each choice a type of its own.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::EventName;

/// Writes choices as their names, and reads them by these. (What serde derives for an enum expects
/// "a value" where there is none of its kind.)
macro_rules! choices {
    ($($choice:ident { $($variant:ident $name:literal)+ })+) => {$(
        impl Serialize for $choice {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }

        impl<'de> Deserialize<'de> for $choice {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let choice = Choice { names: &[$($name),+], choices: &[$(Self::$variant),+] };
                deserializer.deserialize_str(choice)
            }
        }
    )+};
}

choices! {
    ClientEvents { Any "any" Listed "listed" None "none" }
    Lifetime { Ephemeral "ephemeral" Persistent "persistent" }
    PresenceMode { On "on" Off "off" }
    SnapshotMode { On "on" Off "off" }
    Who { Members "members" Clients "clients" }
    UnlistedTopics { Create "create" Refuse "refuse" }
    ClientRooms { On "on" Off "off" }
}

/// What there is to choose from, and how each is called.
struct Choice<T: 'static> {
    names: &'static [&'static str],
    choices: &'static [T],
}

impl<T: Copy> de::Visitor<'_> for Choice<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names.iter().enumerate() {
            write!(f, "{}`{name}`", if place == 0 { "" } else { " or " })?;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, given: &str) -> Result<T, E> {
        let mut known = self.names.iter().zip(self.choices);
        let chosen = known.find_map(|(name, choice)| (*name == given).then_some(*choice));
        chosen.ok_or_else(|| E::unknown_variant(given, self.names))
    }
}

/// Which messages clients may send in a room. The server may send all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Lifetime {
    /// It goes with the last who is in it. One that is opened empty waits for the first.
    Ephemeral,
    /// It stays until it is closed.
    Persistent,
}

/// Whether the members of a room are present in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum PresenceMode {
    /// A join tracks the member; it gets a snapshot, and the others a diff.
    #[default]
    On,
    /// A join gets a reply, and nobody is tracked.
    Off,
}

/// Whether a joiner gets a snapshot of who is present.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum SnapshotMode {
    /// It does.
    #[default]
    On,
    /// It only hears what changes.
    Off,
}

/// Who may do something in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// Its members.
    #[default]
    Members,
    /// Any connected client, member or not.
    Clients,
}

/// How much of what was said a joiner gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

impl<'de> Deserialize<'de> for HistoryOnJoin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Number {
            per_event: Option<u32>,
            total: Option<u32>,
        }

        struct HistoryVisitor;

        impl<'de> de::Visitor<'de> for HistoryVisitor {
            type Value = HistoryOnJoin;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", {\"per_event\":…} or {\"total\":…}")
            }

            fn visit_str<E: de::Error>(self, given: &str) -> Result<HistoryOnJoin, E> {
                match given {
                    "all" => Ok(HistoryOnJoin::All),
                    _ => Err(E::invalid_value(de::Unexpected::Str(given), &self)),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<HistoryOnJoin, A::Error> {
                let number = Number::deserialize(de::value::MapAccessDeserializer::new(map))?;
                match (number.per_event, number.total) {
                    (Some(messages), None) => Ok(HistoryOnJoin::PerEvent(messages)),
                    (None, Some(messages)) => Ok(HistoryOnJoin::Total(messages)),
                    (None, None) | (Some(_), Some(_)) => {
                        Err(de::Error::custom("expected one of `per_event` and `total`"))
                    }
                }
            }
        }

        deserializer.deserialize_any(HistoryVisitor)
    }
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum UnlistedTopics {
    /// It can, and its room is as [`default_room`](crate::Config::default_room) says.
    #[default]
    Create,
    /// It can't: `unknown_topic`. It can still be opened.
    Refuse,
}

/// Whether clients may open rooms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum ClientRooms {
    /// They may, and close those that their user owns.
    On,
    /// Only the server may.
    #[default]
    Off,
}
