//! How a room behaves, and what follows from that for single event names.

use alloc::{string::String, vec, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    ClientEvents, EventDefinition, HistoryOnJoin, Lifetime, PresenceMode, RateLimit, SnapshotMode,
    Who,
};
use crate::{
    ids::{EventName, UserId},
    object::{self, is_default, or_default},
    payload::Json,
};

/// How rooms behave. All has a default; [`RoomConfig::default`] is that of rooms of which nothing
/// is said.
///
/// ```
/// use parlor::{ClientEvents, EventDefinition, RoomConfig};
///
/// let room = RoomConfig::default()
///     .with_max_members(50)
///     .with_client_events(ClientEvents::Listed)
///     .with_event(EventDefinition::new("message").with_history(100))
///     .with_event(EventDefinition::new("typing"));
/// assert!(room.allows(&"typing".into()) && !room.allows(&"shout".into()));
/// assert_eq!(room.history_of(&"message".into()), Some(100));
/// ```
///
/// In JSON it is an object of the fields that differ from the default; what is absent or `null` is
/// as by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RoomConfig {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for. For people too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whatever the host wants to know of it.
    #[serde(skip_serializing_if = "is_absent")]
    pub data: Option<Json>,
    /// How many members it takes, detached ones included: any number if none is given, none if 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_members: Option<u32>,
    /// Which messages clients may send.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub client_events: ClientEvents,
    /// What is known of event names, each at most once.
    #[serde(deserialize_with = "object::list", skip_serializing_if = "is_default")]
    pub events: Vec<EventDefinition>,
    /// What a member hears from its join on: `*`, which is all, or event names, or nothing.
    #[serde(deserialize_with = "or_everything", skip_serializing_if = "is_everything")]
    pub default_subscriptions: Vec<EventName>,
    /// The user that it belongs to, whose clients may close it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Whether it stays when nobody is in it. Without it, a room that is opened or declared does,
    /// and one that is made by joining does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// Whether members are present.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub presence: PresenceMode,
    /// Whether a joiner gets a snapshot of who is present.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub presence_snapshot: SnapshotMode,
    /// For how many milliseconds changes of presence are collected before they are announced
    /// together; 0 is until the next tick. Without it, each is announced at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_window_ms: Option<u64>,
    /// Who can be present.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub presence_of: Who,
    /// Who may broadcast.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub publishers: Who,
    /// How much of what was said a joiner gets; nothing if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_on_join: Option<HistoryOnJoin>,
    /// Who may ask for what was said.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub history_for: Who,
    /// How much a client may do in how much time; anything if absent.
    #[serde(deserialize_with = "object::optional", skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Of how many messages of each user the ids are remembered, so that a repeat is told.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub dedupe: u32,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            name: None,
            description: None,
            data: None,
            max_members: None,
            client_events: ClientEvents::Any,
            events: Vec::new(),
            default_subscriptions: everything(),
            owner: None,
            lifetime: None,
            presence: PresenceMode::On,
            presence_snapshot: SnapshotMode::On,
            presence_window_ms: None,
            presence_of: Who::Members,
            publishers: Who::Members,
            history_on_join: None,
            history_for: Who::Members,
            rate_limit: None,
            dedupe: 0,
        }
    }
}

/// What stands for all event names.
const WILDCARD: &str = "*";

impl RoomConfig {
    /// Whether clients may send messages of that name, as far as the room decides.
    ///
    /// Costs O(1) where clients may send any or none, and the number of definitions otherwise.
    #[must_use]
    pub fn allows(&self, event: &EventName) -> bool {
        match self.client_events {
            ClientEvents::Any => true,
            ClientEvents::Listed => self.definition_of(event).is_some(),
            ClientEvents::None => false,
        }
    }

    /// How many messages of that name are kept; none if they are not kept at all. The definition of
    /// exactly that name beats that of `*`. Costs the number of definitions.
    #[must_use]
    pub fn history_of(&self, event: &EventName) -> Option<u32> {
        self.definition_of(event)?.history
    }

    /// Whether there is a definition of exactly that name. Costs the number of definitions.
    #[must_use]
    pub fn defines(&self, event: &EventName) -> bool {
        self.named(event.as_bytes()).is_some()
    }

    /// Whether it keeps messages of a name, or of any.
    pub(crate) fn keeps(&self, event: Option<&EventName>) -> bool {
        match event {
            Some(event) => self.history_of(event).is_some(),
            None => self.events.iter().any(|event| event.history.is_some()),
        }
    }

    /// Whether members hear everything unless they say otherwise.
    pub(crate) fn hears_all_by_default(&self) -> bool {
        is_everything(&self.default_subscriptions)
    }

    /// Whether it says nothing but what a client may say that opens a room: name, description,
    /// `max_members` and data.
    pub(crate) fn is_for_clients_to_say(&self) -> bool {
        let Self { name, description, data, max_members, .. } = self.clone();
        *self == Self { name, description, data, max_members, ..Self::default() }
    }

    fn definition_of(&self, event: &EventName) -> Option<&EventDefinition> {
        self.named(event.as_bytes()).or_else(|| self.named(WILDCARD.as_bytes()))
    }

    fn named(&self, name: &[u8]) -> Option<&EventDefinition> {
        self.events.iter().find(|definition| definition.name.as_bytes() == name)
    }
}

fn everything() -> Vec<EventName> {
    vec![WILDCARD.into()]
}

fn is_everything(names: &[EventName]) -> bool {
    matches!(names, [name] if is_wildcard(name))
}

pub(super) fn is_wildcard(name: &EventName) -> bool {
    name.as_bytes() == WILDCARD.as_bytes()
}

fn or_everything<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<EventName>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(everything))
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
fn is_absent(data: &Option<Json>) -> bool {
    Json::given(data.as_ref()).is_none()
}

impl RoomConfig {
    /// Gives it a name for people.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets what the host wants to know of it.
    #[must_use]
    pub fn with_data(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }

    /// Says how many members it takes.
    #[must_use]
    pub const fn with_max_members(mut self, max_members: u32) -> Self {
        self.max_members = Some(max_members);
        self
    }

    /// Says which messages clients may send.
    #[must_use]
    pub const fn with_client_events(mut self, client_events: ClientEvents) -> Self {
        self.client_events = client_events;
        self
    }

    /// Adds what is known of an event name.
    #[must_use]
    pub fn with_event(mut self, event: EventDefinition) -> Self {
        self.events.push(event);
        self
    }

    /// Says what a member hears from its join on, in place of all.
    #[must_use]
    pub fn with_default_subscriptions<T: Into<EventName>>(
        mut self,
        events: impl IntoIterator<Item = T>,
    ) -> Self {
        self.default_subscriptions = events.into_iter().map(Into::into).collect();
        self
    }

    /// Says whom it belongs to.
    #[must_use]
    pub fn with_owner(mut self, user_id: impl Into<UserId>) -> Self {
        self.owner = Some(user_id.into());
        self
    }

    /// Says whether it stays when nobody is in it.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Says whether members are present.
    #[must_use]
    pub const fn with_presence(mut self, presence: PresenceMode) -> Self {
        self.presence = presence;
        self
    }

    /// Says whether a joiner gets a snapshot of who is present.
    #[must_use]
    pub const fn with_presence_snapshot(mut self, snapshot: SnapshotMode) -> Self {
        self.presence_snapshot = snapshot;
        self
    }

    /// Says for how long changes of presence are collected before they are announced.
    #[must_use]
    pub const fn with_presence_window_ms(mut self, window_ms: u64) -> Self {
        self.presence_window_ms = Some(window_ms);
        self
    }

    /// Says who can be present.
    #[must_use]
    pub const fn with_presence_of(mut self, who: Who) -> Self {
        self.presence_of = who;
        self
    }

    /// Says who may broadcast.
    #[must_use]
    pub const fn with_publishers(mut self, who: Who) -> Self {
        self.publishers = who;
        self
    }

    /// Says how much of what was said a joiner gets.
    #[must_use]
    pub const fn with_history_on_join(mut self, history: HistoryOnJoin) -> Self {
        self.history_on_join = Some(history);
        self
    }

    /// Says who may ask for what was said.
    #[must_use]
    pub const fn with_history_for(mut self, who: Who) -> Self {
        self.history_for = who;
        self
    }

    /// Says how much a client may do in how much time: broadcasts, tracks, subscriptions and
    /// questions for history. The window outlives a leave, and goes with the client: one that never
    /// connected goes with its last room, so a driver that wants limits to hold uses
    /// [`Connect`](crate::Connect). Rejoins are not counted.
    #[must_use]
    pub const fn with_rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.rate_limit = Some(rate_limit);
        self
    }

    /// Says of how many messages of each user the ids are remembered.
    #[must_use]
    pub const fn with_dedupe(mut self, ids: u32) -> Self {
        self.dedupe = ids;
        self
    }
}

#[cfg(test)]
mod tests;
