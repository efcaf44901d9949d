//! Coming and going: the fields of join, rejoin and leave.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    event::{fields, setters},
    ids::{ClientId, NodeId, Ref, Topic, UserId},
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
    pub since: Option<Since>,
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
    pub fn with_since(mut self, since: impl Into<Since>) -> Self {
        self.since = Some(since.into());
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a position is these two numbers")]
pub struct Position {
    /// Which life of the room: a room that is made anew has a higher one.
    pub epoch: u64,
    /// The last broadcast, counted from 1; 0 before the first.
    pub offset: u64,
}

/// A [`Position`] in what one node of a cluster has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NodePosition {
    /// The node; absent for the one that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// See [`Position::epoch`].
    pub epoch: u64,
    /// See [`Position::offset`].
    pub offset: u64,
}

impl NodePosition {
    /// A position in what the node that is asked has sent.
    #[must_use]
    pub const fn new(position: Position) -> Self {
        Self { node: None, epoch: position.epoch, offset: position.offset }
    }

    /// Sets the node.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<NodeId>) -> Self {
        self.node = Some(node.into());
        self
    }
}

/// Up to where a client that comes back has received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Since {
    /// On a single node.
    One(Position),
    /// In a cluster, what it has of each node.
    Each(Vec<NodePosition>),
}

impl Since {
    /// What is said of the node that is asked, which may have a name.
    pub(crate) fn of_node(&self, name: Option<&NodeId>) -> Option<Position> {
        match self {
            Self::One(position) => Some(*position),
            Self::Each(positions) => {
                let mut of_node = positions
                    .iter()
                    .filter(|position| position.node.is_none() || position.node.as_ref() == name);
                let NodePosition { node: _, epoch, offset } = of_node.next()?;
                Some(Position { epoch: *epoch, offset: *offset })
            }
        }
    }
}

impl From<Position> for Since {
    fn from(position: Position) -> Self {
        Self::One(position)
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SinceVisitor;

        impl<'de> de::Visitor<'de> for SinceVisitor {
            type Value = Since;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position, {\"epoch\":…,\"offset\":…}, or a list of positions")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Since, A::Error> {
                Position::deserialize(de::value::MapAccessDeserializer::new(map)).map(Since::One)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Since, A::Error> {
                /// One of the list, as an object.
                #[derive(Deserialize)]
                struct One(#[serde(deserialize_with = "fields")] NodePosition);

                let list = Vec::<One>::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
                Ok(Since::Each(list.into_iter().map(|One(position)| position).collect()))
            }
        }

        deserializer.deserialize_any(SinceVisitor)
    }
}
