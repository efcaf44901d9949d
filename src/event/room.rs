//! Rooms and what clients set in them: the fields of open and close, of groups, subscriptions and
//! presence.

use alloc::{boxed::Box, vec::Vec};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    config::RoomConfig,
    event::setters,
    ids::{ClientId, EventName, GroupName, Ref, Topic},
    object,
    payload::Json,
};

/// Writes a struct of a client, a topic, a name of a message and a `ref`.
macro_rules! subscription_event {
    ($(#[$doc:meta])+ $name:ident, $what:literal) => {
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            /// Who asks.
            pub client_id: ClientId,
            /// Where it is a member.
            pub topic: Topic,
            #[doc = $what]
            pub event: EventName,
            /// `ref` in JSON: asks for a reply.
            #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
            pub reference: Option<Ref>,
        }

        impl $name {
            /// One without `ref`.
            pub fn new(
                client_id: impl Into<ClientId>,
                topic: impl Into<Topic>,
                event: impl Into<EventName>,
            ) -> Self {
                let (client_id, topic) = (client_id.into(), topic.into());
                Self { client_id, topic, event: event.into(), reference: None }
            }
        }

        setters! { $name: with_ref }
    };
}

subscription_event! {
    /// A member wants to hear messages of a name; see [`Event::Subscribe`](crate::Event::Subscribe).
    Subscribe,
    "Of which name; `*` for all, which is independent of names."
}

subscription_event! {
    /// A member does not want to hear messages of a name; see
    /// [`Event::Unsubscribe`](crate::Event::Unsubscribe).
    Unsubscribe,
    "Of which name; `*` ends what was subscribed by `*`, and leaves names."
}

/// A client shows that it is present, or shows something else; see
/// [`Event::Track`](crate::Event::Track).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Track {
    /// Who.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// What its presence shows beside the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Json>,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Track {
    /// A track without `meta` and `ref`.
    pub fn new(client_id: impl Into<ClientId>, topic: impl Into<Topic>) -> Self {
        let (client_id, topic) = (client_id.into(), topic.into());
        Self { client_id, topic, meta: None, reference: None }
    }
}

/// A client is not to be shown as present; see [`Event::Untrack`](crate::Event::Untrack).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Untrack {
    /// Who.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Untrack {
    /// An untrack without `ref`.
    pub fn new(client_id: impl Into<ClientId>, topic: impl Into<Topic>) -> Self {
        Self { client_id: client_id.into(), topic: topic.into(), reference: None }
    }
}

/// A room is made before anybody joins it; see [`Event::OpenRoom`](crate::Event::OpenRoom).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OpenRoom {
    /// Of which topic.
    pub topic: Topic,
    /// How it behaves; without it, as the configuration says of its topic.
    #[serde(default, deserialize_with = "boxed", skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<RoomConfig>>,
    /// The client that opens it; none if the server does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl OpenRoom {
    /// A room that the server opens as it is configured, without `ref`.
    pub fn new(topic: impl Into<Topic>) -> Self {
        Self { topic: topic.into(), config: None, by: None, reference: None }
    }

    /// Says how the room behaves.
    #[must_use]
    pub fn with_config(mut self, config: RoomConfig) -> Self {
        self.config = Some(Box::new(config));
        self
    }

    /// Says which client opens it.
    #[must_use]
    pub fn with_by(mut self, client_id: impl Into<ClientId>) -> Self {
        self.by = Some(client_id.into());
        self
    }
}

fn boxed<'de, D>(deserializer: D) -> Result<Option<Box<RoomConfig>>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(object::optional(deserializer)?.map(Box::new))
}

/// A room goes with all who are in it; see [`Event::CloseRoom`](crate::Event::CloseRoom).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CloseRoom {
    /// Of which topic.
    pub topic: Topic,
    /// The client that closes it; none if the server does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl CloseRoom {
    /// A room that the server closes, without `ref`.
    pub fn new(topic: impl Into<Topic>) -> Self {
        Self { topic: topic.into(), by: None, reference: None }
    }

    /// Says which client closes it.
    #[must_use]
    pub fn with_by(mut self, client_id: impl Into<ClientId>) -> Self {
        self.by = Some(client_id.into());
        self
    }
}

/// Writes a struct of a group, topics and a `ref`.
macro_rules! group_event {
    ($(#[$doc:meta])+ $name:ident, $what:literal) => {
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            /// Which group.
            pub group: GroupName,
            #[doc = $what]
            pub topics: Vec<Topic>,
            /// `ref` in JSON: asks for a reply.
            #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
            pub reference: Option<Ref>,
        }

        impl $name {
            /// One without `ref`.
            pub fn new<T: Into<Topic>>(
                group: impl Into<GroupName>,
                topics: impl IntoIterator<Item = T>,
            ) -> Self {
                let topics = topics.into_iter().map(Into::into).collect();
                Self { group: group.into(), topics, reference: None }
            }
        }

        setters! { $name: with_ref }
    };
}

group_event! {
    /// Topics become part of a group; see [`Event::AddToGroup`](crate::Event::AddToGroup).
    AddToGroup,
    "Which topics; those without a room may be listed, and those that are in it already."
}

group_event! {
    /// Topics are no part of a group; see [`Event::RemoveFromGroup`](crate::Event::RemoveFromGroup).
    RemoveFromGroup,
    "Which topics; those that are not in it may be listed."
}

setters! { Track: with_meta with_ref }
setters! { Untrack: with_ref }
setters! { OpenRoom: with_ref }
setters! { CloseRoom: with_ref }
