//! Coming and going: the fields of join, rejoin and leave.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    event::setters,
    ids::{ClientId, Ref, Topic, UserId},
    payload::Json,
};

/// A client asks to become a member of `topic`; see [`Event::Join`](crate::Event::Join).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Join {
    /// Who asks.
    pub client_id: ClientId,
    /// What it asks to join.
    pub topic: Topic,
    /// Who it acts for; the key of its presence.
    pub user_id: UserId,
    /// The driver's time in milliseconds.
    pub now_ms: u64,
    /// What its presence shows beside the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Json>,
    /// For whoever decides about joins; the channel checks its size and drops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
    /// `ref` in JSON: comes back in the reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Join {
    /// A join without `meta`, `params` and `ref`.
    pub fn new(
        client_id: impl Into<ClientId>,
        topic: impl Into<Topic>,
        user_id: impl Into<UserId>,
        now_ms: u64,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            topic: topic.into(),
            user_id: user_id.into(),
            now_ms,
            meta: None,
            params: None,
            reference: None,
        }
    }
}

/// A client comes back to `topic`; see [`Event::Rejoin`](crate::Event::Rejoin).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rejoin {
    /// Who comes back.
    pub client_id: ClientId,
    /// What it comes back to.
    pub topic: Topic,
    /// Who it acts for.
    pub user_id: UserId,
    /// The driver's time in milliseconds.
    pub now_ms: u64,
    /// What its presence shows from now on; without it, what it showed stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Json>,
    /// For whoever decides about joins; the channel checks its size and drops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
    /// `ref` in JSON: comes back in the reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
    /// Up to where it has received: what was sent since is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Position>,
}

impl Rejoin {
    /// A rejoin without `meta`, `params`, `ref` and `since`.
    pub fn new(
        client_id: impl Into<ClientId>,
        topic: impl Into<Topic>,
        user_id: impl Into<UserId>,
        now_ms: u64,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            topic: topic.into(),
            user_id: user_id.into(),
            now_ms,
            meta: None,
            params: None,
            reference: None,
            since: None,
        }
    }

    /// Sets up to where it has received.
    #[must_use]
    pub const fn with_since(mut self, since: Position) -> Self {
        self.since = Some(since);
        self
    }
}

/// A member goes; see [`Event::Leave`](crate::Event::Leave).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Leave {
    /// Who goes.
    pub client_id: ClientId,
    /// What it leaves.
    pub topic: Topic,
    /// `ref` in JSON: comes back in the reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Leave {
    /// A leave without `ref`.
    pub fn new(client_id: impl Into<ClientId>, topic: impl Into<Topic>) -> Self {
        Self { client_id: client_id.into(), topic: topic.into(), reference: None }
    }
}

setters! { Join: with_meta with_params with_ref }
setters! { Rejoin: with_meta with_params with_ref }
setters! { Leave: with_ref }

/// How far a receiver has got in a topic: the epoch of the room and the offset of a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a position is these two numbers")]
pub struct Position {
    /// Which life of the room: a room that is made anew has a higher one.
    pub epoch: u64,
    /// The last broadcast, counted from 1; 0 before the first.
    pub offset: u64,
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            epoch: u64,
            offset: u64,
        }

        struct PositionVisitor;

        impl<'de> de::Visitor<'de> for PositionVisitor {
            type Value = Position;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position, {\"epoch\":…,\"offset\":…}")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Position, A::Error> {
                let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Fields { epoch, offset } = fields;
                Ok(Position { epoch, offset })
            }
        }

        deserializer.deserialize_map(PositionVisitor)
    }
}
