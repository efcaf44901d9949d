//! What comes out of a channel: the messages that a driver performs, and their JSON form.
//!
//! One object a line, externally tagged, as on the way in. Exhaustive on purpose: a driver has to
//! perform every effect.

use alloc::string::String;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    directory::Directory,
    event::{EventKind, Header, Position},
    ids::{ClientId, EventName, Ref, Topic, UserId},
    payload::{Json, Payload},
    presence::{Diff, Entries},
    recipients::Recipients,
    refusal::Refusal,
};

/// One effect, for a driver to perform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a driver has to perform every effect")]
pub enum Outbound {
    /// The answer to an event, for whoever sent it.
    Reply(Reply),
    /// A message from the server for one member.
    PushMessage(PushMessage),
    /// A message for members of a topic.
    BroadcastMessage(BroadcastMessage),
    /// Who is present, for one who has come.
    PresenceState(PresenceState),
    /// Who has come, gone or changed, for those who are there.
    PresenceDiff(PresenceDiff),
    /// Memberships that end without a leave of their own.
    Closed(Closed),
    /// What befell the channel itself; for the driver's log.
    System(System),
}

impl Outbound {
    /// A stable name in `snake_case`, the tag of its JSON form.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Reply(_) => "reply",
            Self::PushMessage(_) => "push_message",
            Self::BroadcastMessage(_) => "broadcast_message",
            Self::PresenceState(_) => "presence_state",
            Self::PresenceDiff(_) => "presence_diff",
            Self::Closed(_) => "closed",
            Self::System(_) => "system",
        }
    }

    /// The answer to the event of that header.
    pub(crate) fn reply(header: Header<'_>, result: Result<Body, Refusal>) -> Self {
        Self::Reply(Reply {
            to: header.kind,
            client_id: header.sender.cloned(),
            topic: header.topic.cloned(),
            result,
            reference: header.reference.cloned(),
        })
    }

    /// Gives the clients that it mentions by handle their names.
    pub(crate) fn name(&mut self, names: &Directory) {
        match self {
            Self::BroadcastMessage(message) => message.recipients.name(names),
            Self::PresenceState(state) => state.entries.name(names),
            Self::PresenceDiff(diff) => diff.recipients.name(names),
            Self::Closed(closed) => closed.recipients.name(names),
            Self::Reply(_) | Self::PushMessage(_) | Self::System(_) => {}
        }
    }
}

/// The answer to an event; see [`Outbound::Reply`].
///
/// An event with a `ref` gets exactly one, with the same `ref`. Without, join, rejoin, leave
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
    },
    /// Of a rejoin.
    #[non_exhaustive]
    Rejoined {
        /// That of the topic's last broadcast; `epoch` and `offset` in JSON.
        #[serde(flatten)]
        position: Position,
        /// Whether the client was a member already.
        rejoined: bool,
        /// Whether it has now received everything that it should have; false as long as nothing is
        /// replayed.
        recovered: bool,
    },
    /// Of a broadcast.
    #[non_exhaustive]
    Published {
        /// Its own position; `epoch` and `offset` in JSON.
        #[serde(flatten)]
        position: Position,
    },
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Reply", 6)?;
        object.serialize_field("to", &self.to)?;
        if let Some(client_id) = &self.client_id {
            object.serialize_field("client_id", client_id)?;
        }
        if let Some(topic) = &self.topic {
            object.serialize_field("topic", topic)?;
        }
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
        if let Some(reference) = &self.reference {
            object.serialize_field("ref", reference)?;
        }
        object.end()
    }
}

/// A message from the server for one member; see [`Outbound::PushMessage`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushMessage {
    /// Who receives it.
    pub client_id: ClientId,
    /// The topic that it belongs to, if it belongs to one.
    pub topic: Option<Topic>,
    /// The name of the message.
    pub event: EventName,
    /// What it says.
    pub payload: Payload,
}

impl Serialize for PushMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("PushMessage", 4)?;
        object.serialize_field("client_id", &self.client_id)?;
        if let Some(topic) = &self.topic {
            object.serialize_field("topic", topic)?;
        }
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        object.end()
    }
}

/// A message for members of a topic; see [`Outbound::BroadcastMessage`].
///
/// Emitted with no recipients too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastMessage {
    /// Where it was sent. In JSON, the fields of the target stand beside the others.
    pub target: Target,
    /// The name of the message.
    pub event: EventName,
    /// What it says.
    pub payload: Payload,
    /// The user that sent it.
    pub from: UserId,
    /// The client that sent it.
    pub client_id: Option<ClientId>,
    /// The channel's clock when it was handled.
    pub timestamp_ms: u64,
    /// What its sender put beside the payload.
    pub meta: Option<Json>,
    /// Who receives it.
    pub recipients: Recipients,
}

/// Where a message was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// To the members of a topic.
    #[non_exhaustive]
    Topic {
        /// The topic.
        topic: Topic,
        /// Where the message stands among the topic's broadcasts; `epoch` and `offset` in JSON.
        position: Position,
    },
}

impl BroadcastMessage {
    /// The topic that it was sent to, if it was sent to one.
    #[must_use]
    pub fn topic(&self) -> Option<&Topic> {
        let Target::Topic { topic, .. } = &self.target;
        Some(topic)
    }

    /// Where it stands among its topic's broadcasts, if it was sent to a topic.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let Target::Topic { position, .. } = &self.target;
        Some(*position)
    }
}

impl Serialize for BroadcastMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("BroadcastMessage", 10)?;
        let Target::Topic { topic, position } = &self.target;
        object.serialize_field("topic", topic)?;
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        object.serialize_field("from", &self.from)?;
        if let Some(client_id) = &self.client_id {
            object.serialize_field("client_id", client_id)?;
        }
        object.serialize_field("epoch", &position.epoch)?;
        object.serialize_field("offset", &position.offset)?;
        object.serialize_field("timestamp_ms", &self.timestamp_ms)?;
        if let Some(meta) = &self.meta {
            object.serialize_field("meta", meta)?;
        }
        object.serialize_field("recipients", &self.recipients)?;
        object.end()
    }
}

/// Who is present, for one who has come; see [`Outbound::PresenceState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PresenceState {
    /// Who receives it.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// Everyone who is present, the receiver included.
    pub entries: Entries,
}

/// Who has come, gone or changed; see [`Outbound::PresenceDiff`].
///
/// Emitted with no recipients too, for drivers that watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PresenceDiff {
    /// Where.
    pub topic: Topic,
    /// What changed.
    pub diff: Diff,
    /// The channel's clock when it changed.
    pub timestamp_ms: u64,
    /// Who receives it.
    pub recipients: Recipients,
}

/// Memberships that end without a leave of their own; see [`Outbound::Closed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Closed {
    /// Where.
    pub topic: Topic,
    /// Why.
    pub cause: Cause,
    /// Whose.
    pub recipients: Recipients,
}

/// Why memberships end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The channel has crashed.
    Crashed,
}

impl Cause {
    /// A stable name in `snake_case`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
        }
    }
}

/// What befell the channel itself; see [`Outbound::System`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct System {
    /// `crash: ` and the reason, or `restart`.
    pub label: String,
}
