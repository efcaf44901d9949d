//! Questions: the fields of history and of query.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Position, setters},
    ids::{ClientId, EventName, Ref, Topic},
};

/// A client asks for a page of a topic's history; see [`Event::History`](crate::Event::History).
///
/// A page by position has the newest messages before that position. Messages sent meanwhile shift
/// nothing, so pages that go on one after the other neither repeat nor miss any. A page by index
/// counts back from the newest message that the client may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct History {
    /// Who asks.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// Of messages of which name; without it, of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// Only messages older than this position: index 0 is the newest of them, and `start` has to
    /// be 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Position>,
    /// The index of the first message of the page; 0 is the newest.
    #[serde(default, deserialize_with = "start", skip_serializing_if = "is_zero")]
    pub start: u64,
    /// The index past the last message of the page; [`History::DEFAULT_END`] if none is given.
    #[serde(
        default = "default_end",
        deserialize_with = "end",
        skip_serializing_if = "is_default_end"
    )]
    pub end: u64,
    /// `ref` in JSON: asks for a reply, and comes back with the page.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl History {
    /// Where a page ends if nobody says so: after the newest 50.
    pub const DEFAULT_END: u64 = 50;

    /// The newest messages of any name, without `ref`.
    pub fn new(client_id: impl Into<ClientId>, topic: impl Into<Topic>) -> Self {
        let (client_id, topic, end) = (client_id.into(), topic.into(), Self::DEFAULT_END);
        Self { client_id, topic, event: None, before: None, start: 0, end, reference: None }
    }

    /// Asks for messages of one name.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<EventName>) -> Self {
        self.event = Some(event.into());
        self
    }

    /// Asks for messages older than that position.
    #[must_use]
    pub const fn with_before(mut self, position: Position) -> Self {
        self.before = Some(position);
        self
    }

    /// Says from where to where, end exclusive; 0 is the newest.
    #[must_use]
    pub const fn with_page(mut self, start: u64, end: u64) -> Self {
        (self.start, self.end) = (start, end);
        self
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(start: &u64) -> bool {
    *start == 0
}

const fn default_end() -> u64 {
    History::DEFAULT_END
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_default_end(end: &u64) -> bool {
    *end == History::DEFAULT_END
}

fn start<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(0))
}

fn end<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(History::DEFAULT_END))
}

/// Somebody asks what there is; see [`Event::Query`](crate::Event::Query).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Query {
    /// What is asked.
    pub what: Question,
    /// About which topic, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// About which client, where it is about one; the reply names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// `ref` in JSON: comes back in the reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Query {
    /// A question without `topic`, `client_id` and `ref`.
    #[must_use]
    pub const fn new(what: Question) -> Self {
        Self { what, topic: None, client_id: None, reference: None }
    }

    /// About which topic.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Topic>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// About which client.
    #[must_use]
    pub fn with_client(mut self, client_id: impl Into<ClientId>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }
}

/// What a [`Query`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Question {
    /// Which rooms there are, in the order of their making.
    Rooms,
    /// What the room of a topic is like.
    Room,
    /// Who is a member of a topic, detached ones too, in join order.
    Members,
    /// Who is present in a topic.
    Presences,
    /// Which topics a client is a member of.
    TopicsOf,
    /// What was counted.
    Stats,
}

setters! { History: with_ref }
setters! { Query: with_ref }
