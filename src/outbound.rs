//! What comes out of a channel: the messages that a driver performs, and their JSON form.
//!
//! One object a line, externally tagged, as on the way in. Exhaustive on purpose: a driver has to
//! perform every effect.

mod history;
mod reply;
mod room;

use alloc::{boxed::Box, string::String};

use serde::{Serialize, Serializer, ser::SerializeStruct};

pub use self::{
    history::{Evicted, HistoryPage, More},
    reply::{Answer, Body, Reply},
    room::{Cause, Closed, RoomInfo, RoomNotice},
};

use crate::{
    directory::Directory,
    event::{Address, Header, Position},
    ids::{ClientId, EventName, Topic, UserId},
    object::optional_field,
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
    /// A message for members of a topic, or whom else the server sends it to.
    BroadcastMessage(BroadcastMessage),
    /// Who is present, for one who has come.
    PresenceState(PresenceState),
    /// Who has come, gone or changed, for those who are there.
    PresenceDiff(PresenceDiff),
    /// A page of history, for one who asked for it or who has joined.
    History(HistoryPage),
    /// Messages that leave memory: for a driver that keeps more, the last chance to.
    Evicted(Evicted),
    /// A room was opened, for everyone who is connected.
    RoomOpened(RoomNotice),
    /// A room has gone, for everyone who is connected.
    RoomClosed(RoomNotice),
    /// Memberships that end without a leave of their own, or that a crash detaches.
    Closed(Closed),
    /// The driver closes a connection.
    Disconnect(CloseConnection),
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
            Self::History(_) => "history",
            Self::Evicted(_) => "evicted",
            Self::RoomOpened(_) => "room_opened",
            Self::RoomClosed(_) => "room_closed",
            Self::Closed(_) => "closed",
            Self::Disconnect(_) => "disconnect",
            Self::System(_) => "system",
        }
    }

    /// Who receives it, where that is one client alone: the others go to [`Outbound::recipients`], or
    /// are for the driver.
    #[must_use]
    pub const fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Reply(reply) => reply.client_id.as_ref(),
            Self::PushMessage(message) => Some(&message.client_id),
            Self::PresenceState(state) => Some(&state.client_id),
            Self::History(page) => Some(&page.client_id),
            Self::Disconnect(connection) => Some(&connection.client_id),
            Self::BroadcastMessage(_)
            | Self::PresenceDiff(_)
            | Self::RoomOpened(_)
            | Self::RoomClosed(_)
            | Self::Closed(_)
            | Self::Evicted(_)
            | Self::System(_) => None,
        }
    }

    /// Who receives it, where that is a list, which may be empty.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use parlor::{ClientId, Outbound};
    /// # struct Socket;
    /// # impl Socket { fn send(&mut self, _: &Outbound) {} }
    /// fn perform(outbound: &Outbound, sockets: &mut HashMap<ClientId, Socket>) {
    ///     let one = outbound.client_id();
    ///     let many = outbound.recipients().into_iter().flat_map(|recipients| recipients.ids());
    ///     for client in one.into_iter().chain(many) {
    ///         if let Some(socket) = sockets.get_mut(client) {
    ///             socket.send(outbound);
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub const fn recipients(&self) -> Option<&Recipients> {
        match self {
            Self::BroadcastMessage(message) => Some(&message.recipients),
            Self::PresenceDiff(diff) => Some(&diff.recipients),
            Self::RoomOpened(notice) | Self::RoomClosed(notice) => Some(&notice.recipients),
            Self::Closed(closed) => Some(&closed.recipients),
            Self::Reply(_)
            | Self::PushMessage(_)
            | Self::PresenceState(_)
            | Self::History(_)
            | Self::Disconnect(_)
            | Self::Evicted(_)
            | Self::System(_) => None,
        }
    }

    /// The answer to the event of that header.
    #[inline]
    pub(crate) fn reply(header: &Header<'_>, result: Result<Body, Refusal>) -> Self {
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
            Self::RoomOpened(notice) | Self::RoomClosed(notice) => notice.recipients.name(names),
            Self::Reply(reply) => reply.name(names),
            Self::PushMessage(_)
            | Self::History(_)
            | Self::Evicted(_)
            | Self::Disconnect(_)
            | Self::System(_) => {}
        }
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
        optional_field(&mut object, "topic", self.topic.as_ref())?;
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        object.end()
    }
}

/// A message for members of a topic, or others; see [`Outbound::BroadcastMessage`].
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
    /// Whether it was sent before, and is sent again to one client that comes back: part of the
    /// answer to its rejoin.
    pub replayed: bool,
    /// Who receives it.
    pub recipients: Recipients,
    pub(crate) excluded: Excluded,
    // Invariant: there are names if the exclusion says so.
    pub(crate) excluded_names: Option<Box<ExcludedNames>>,
}

/// Whom a message is not for. Nearly always the message itself names them: then nothing more is
/// kept, or allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excluded {
    Nobody,
    /// The client that sent it.
    Sender,
    /// The user that sent it.
    SendersUser,
    /// Somebody else.
    Named,
}

/// Whom a message is not for that does not name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExcludedNames {
    client: Option<ClientId>,
    user: Option<UserId>,
}

impl Excluded {
    /// What excludes that client and that user from a message that was sent by those.
    pub(crate) fn of(
        client: Option<&ClientId>,
        user: Option<&UserId>,
        sender: Option<&ClientId>,
        from: &UserId,
    ) -> Self {
        match (client, user) {
            (None, None) => Self::Nobody,
            (Some(_), None) if client == sender => Self::Sender,
            (None, Some(user)) if user == from => Self::SendersUser,
            (Some(_), _) | (_, Some(_)) => Self::Named,
        }
    }

    /// Their names, if the message does not have them.
    #[inline]
    pub(crate) fn names(
        self,
        client: Option<&ClientId>,
        user: Option<&UserId>,
    ) -> Option<Box<ExcludedNames>> {
        let names = || ExcludedNames { client: client.cloned(), user: user.cloned() };
        (self == Self::Named).then(|| Box::new(names()))
    }
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
    /// To whom the server has published it otherwise: a group, a user, a client or everyone. Such
    /// messages have no offset and are not stored.
    Published(Address),
}

impl BroadcastMessage {
    /// The topic that it was sent to, if it was sent to one.
    #[must_use]
    pub const fn topic(&self) -> Option<&Topic> {
        match &self.target {
            Target::Topic { topic, .. } => Some(topic),
            Target::Published(_) => None,
        }
    }

    /// Where it stands among its topic's broadcasts, if it was sent to a topic.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match &self.target {
            Target::Topic { position, .. } => Some(*position),
            Target::Published(_) => None,
        }
    }

    /// The client that it is not for, if it excludes one: for a driver that stores it. In JSON it
    /// stands beside the fields.
    #[must_use]
    pub fn except_client(&self) -> Option<&ClientId> {
        match self.excluded {
            Excluded::Sender => self.client_id.as_ref(),
            Excluded::Named => self.excluded_names.as_ref()?.client.as_ref(),
            Excluded::Nobody | Excluded::SendersUser => None,
        }
    }

    /// The user that it is not for, if it excludes one; likewise.
    #[must_use]
    pub fn except_user(&self) -> Option<&UserId> {
        match self.excluded {
            Excluded::SendersUser => Some(&self.from),
            Excluded::Named => self.excluded_names.as_ref()?.user.as_ref(),
            Excluded::Nobody | Excluded::Sender => None,
        }
    }
}

impl Serialize for BroadcastMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("BroadcastMessage", 13)?;
        match &self.target {
            Target::Topic { topic, .. } => object.serialize_field("topic", topic)?,
            Target::Published(address) => object.serialize_field("target", address)?,
        }
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        object.serialize_field("from", &self.from)?;
        optional_field(&mut object, "client_id", self.client_id.as_ref())?;
        if let Some(Position { epoch, offset }) = self.position() {
            object.serialize_field("epoch", &epoch)?;
            object.serialize_field("offset", &offset)?;
        }
        object.serialize_field("timestamp_ms", &self.timestamp_ms)?;
        optional_field(&mut object, "meta", self.meta.as_ref())?;
        optional_field(&mut object, "except_client", self.except_client())?;
        optional_field(&mut object, "except_user", self.except_user())?;
        optional_field(&mut object, "replayed", self.replayed.then_some(&true))?;
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

/// A connection to be closed; see [`Outbound::Disconnect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CloseConnection {
    /// Whose.
    pub client_id: ClientId,
    /// Why.
    pub reason: String,
}

/// What befell the channel itself; see [`Outbound::System`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct System {
    /// `crash: ` and the reason, or `restart`.
    pub label: String,
}
