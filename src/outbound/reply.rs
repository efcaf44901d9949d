//! Replies, and what they say when all went well.

use alloc::{boxed::Box, vec::Vec};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    directory::Directory,
    event::{EventKind, Position, Refuse},
    ids::{ClientId, Ref, Topic},
    object::optional_field,
    outbound::RoomInfo,
    presence::Entries,
    recipients::Recipients,
    refusal::Refusal,
    stats::Stats,
};

/// The answer to an event; see [`Outbound::Reply`](crate::Outbound::Reply).
///
/// An event with a `ref` gets exactly one, with the same `ref`. Without, join, rejoin, leave, query
/// and everything refused get one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// What kind of event it answers.
    pub to: EventKind,
    /// Who sent the event; none if the server did, so that the reply is for the driver.
    pub client_id: Option<ClientId>,
    /// The topic that the event was about.
    pub topic: Option<Topic>,
    /// What came of it. In JSON, `status` (`ok` or `error`) and `payload`.
    pub result: Result<Body, Refusal>,
    /// `ref` in JSON: that of the event.
    pub reference: Option<Ref>,
}

/// What a reply says when all went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Body {
    /// Nothing more: `{}`.
    #[non_exhaustive]
    Empty {},
    /// Of a join.
    #[non_exhaustive]
    Joined {
        /// That of the topic's last broadcast; `epoch` and `offset` in JSON.
        #[serde(flatten)]
        position: Position,
        /// The room's name for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<Box<str>>,
    },
    /// Of a rejoin, and of a join that is one.
    #[non_exhaustive]
    Rejoined {
        /// That of the topic's last broadcast; `epoch` and `offset` in JSON.
        #[serde(flatten)]
        position: Position,
        /// The room's name for people.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<Box<str>>,
        /// Whether the client was a member already.
        rejoined: bool,
        /// Whether it has, with what follows, received everything that it should have: nothing is
        /// missing after its `since` of the names that it is subscribed to, but for what excluded
        /// it. `true` is never wrong. `false` is given without need only to a client that lacks `*`
        /// and is subscribed to a name that the room's configuration does not have: if the room has
        /// lost messages of more than
        /// [`Limit::EventNamesPerTopic`](crate::Limit::EventNamesPerTopic) such names, or if `since`
        /// is from before the first member of the room gave up `*`.
        recovered: bool,
    },
    /// Of a broadcast, and of a publish to a topic.
    #[non_exhaustive]
    Published {
        /// Its own position; `epoch` and `offset` in JSON.
        #[serde(flatten)]
        position: Position,
    },
    /// Of a query.
    Answer(Answer),
}

/// What a [`Query`](crate::Query) is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// The rooms, in the order of their making.
    Rooms(Vec<RoomInfo>),
    /// The room, if there is one.
    Room(Option<Box<RoomInfo>>),
    /// The members, in join order.
    Members(Box<Recipients>),
    /// Who is present.
    Presences(Box<Entries>),
    /// Topics, in join order.
    Topics(Vec<Topic>),
    /// What was counted.
    Stats(Box<Stats>),
}

/// The reply of a channel that is handed the refusal: for a driver that can't complete what the
/// channel has answered already.
impl From<Refuse> for Reply {
    fn from(refuse: Refuse) -> Self {
        let Refuse { client_id, topic, to, reason, message, reference } = refuse;
        let result = Err(Refusal::Denied { reason, message });
        Self { to, client_id: Some(client_id), topic, result, reference }
    }
}

impl Reply {
    pub(super) fn name(&mut self, names: &Directory) {
        match &mut self.result {
            Ok(Body::Answer(Answer::Members(members))) => members.name(names),
            Ok(Body::Answer(Answer::Presences(entries))) => entries.name(names),
            Ok(
                Body::Empty {}
                | Body::Joined { .. }
                | Body::Rejoined { .. }
                | Body::Published { .. }
                | Body::Answer(
                    Answer::Rooms(_) | Answer::Room(_) | Answer::Topics(_) | Answer::Stats(_),
                ),
            )
            | Err(_) => {}
        }
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Reply", 6)?;
        object.serialize_field("to", &self.to)?;
        optional_field(&mut object, "client_id", self.client_id.as_ref())?;
        optional_field(&mut object, "topic", self.topic.as_ref())?;
        match &self.result {
            Ok(body) => {
                object.serialize_field("status", "ok")?;
                object.serialize_field("payload", body)?;
            }
            Err(refusal) => {
                object.serialize_field("status", "error")?;
                object.serialize_field("payload", refusal)?;
            }
        }
        optional_field(&mut object, "ref", self.reference.as_ref())?;
        object.end()
    }
}
