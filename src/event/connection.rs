//! Clients as such: the fields of connect, disconnect, kick, refuse and tick.

use alloc::{format, string::String};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    event::{Broadcast, Event, EventKind, Header, setters},
    ids::{ClientId, Ref, Topic, UserId},
    payload::Json,
    refusal::Reason,
};

/// A client is there before it joins anything; see [`Event::Connect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Connect {
    /// Who comes.
    pub client_id: ClientId,
    /// Who it acts for.
    pub user_id: UserId,
    /// Whatever the host wants to know of the client; shown by
    /// [`Channel::client`](crate::Channel::client).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
    /// The driver's time in milliseconds.
    pub now_ms: u64,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Connect {
    /// A connect without `data` and `ref`.
    pub fn new(client_id: impl Into<ClientId>, user_id: impl Into<UserId>, now_ms: u64) -> Self {
        let (client_id, user_id) = (client_id.into(), user_id.into());
        Self { client_id, user_id, data: None, now_ms, reference: None }
    }

    /// Sets what the host wants to know of the client.
    #[must_use]
    pub fn with_data(mut self, data: Json) -> Self {
        self.data = Some(data);
        self
    }
}

/// The connection of a client is lost; see [`Event::Disconnect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Disconnect {
    /// Whose.
    pub client_id: ClientId,
    /// The driver's time in milliseconds.
    pub now_ms: u64,
    /// Whether what the client has is held for the grace period.
    #[serde(default, deserialize_with = "null_is_keep", skip_serializing_if = "Grace::is_keep")]
    pub grace: Grace,
}

impl Disconnect {
    /// A disconnect after which the client may come back within the grace period.
    pub fn new(client_id: impl Into<ClientId>, now_ms: u64) -> Self {
        Self { client_id: client_id.into(), now_ms, grace: Grace::Keep }
    }

    /// Sets whether what the client has is held.
    #[must_use]
    pub const fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }
}

/// What becomes of a client whose connection is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Grace {
    /// It keeps what it has for the grace period, if there is one.
    #[default]
    Keep,
    /// It is removed at once, also during its grace period: nobody can come back as that client.
    Skip,
    /// Like `Skip`, but with the cause `expired`: the driver knows that its grace period is over.
    Expired,
}

impl Grace {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

fn null_is_keep<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Grace, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The server puts a client out, of one topic or altogether; see
/// [`Event::Kick`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Kick {
    /// Whom.
    pub client_id: ClientId,
    /// Out of which topic; without it, out of all, and its connection is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Why; shown to the client.
    pub reason: String,
    /// `ref` in JSON: asks for a reply.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Kick {
    /// A kick out of everything, without `ref`.
    pub fn new(client_id: impl Into<ClientId>, reason: impl Into<String>) -> Self {
        let (client_id, reason) = (client_id.into(), reason.into());
        Self { client_id, topic: None, reason, reference: None }
    }

    /// Out of one topic alone.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Topic>) -> Self {
        self.topic = Some(topic.into());
        self
    }
}

/// What was decided against before it went in; see [`Event::Refuse`].
///
/// A [`Guard`](crate::Guard) puts it in the place of the event that it refuses. Its reply has no
/// `limit` and no `retry_after_ms`, which are the channel's own to say: a guard says them in the
/// message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Refuse {
    /// Who sent what is refused.
    pub client_id: ClientId,
    /// The topic that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// What kind of event it was.
    pub to: EventKind,
    /// Why it is refused.
    pub reason: Reason,
    /// What was expected, for people; the channel has a text of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `ref` in JSON: that of what is refused.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

impl Refuse {
    /// A refusal without `topic`, `message` and `ref`.
    pub fn new(client_id: impl Into<ClientId>, to: EventKind, reason: Reason) -> Self {
        let client_id = client_id.into();
        Self { client_id, topic: None, to, reason, message: None, reference: None }
    }

    /// The refusal of an event that a client sends: with its client, topic, kind and `ref`. None if it
    /// is no client's.
    ///
    /// Without a `ref`, the text is all by which the sender can tell which broadcast was refused, so it
    /// then names event and topic.
    #[must_use]
    pub fn of(event: &Event, reason: Reason, message: Option<String>) -> Option<Self> {
        let Header { sender, topic, kind, reference, .. } = event.header();
        let client_id = sender?.clone();
        let message = message.map(|message| {
            if let Event::Broadcast(Broadcast { topic, event, reference: None, .. }) = event {
                format!("event {event:?} in {topic:?}: {message}")
            } else {
                message
            }
        });
        let (topic, reference) = (topic.cloned(), reference.cloned());
        Some(Self { client_id, topic, to: kind, reason, message, reference })
    }

    /// Says which topic it was about.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<Topic>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Says what was expected.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// Time has passed; see [`Event::Tick`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tick {
    /// The driver's time in milliseconds.
    pub now_ms: u64,
}

impl Tick {
    /// A tick.
    #[must_use]
    pub const fn new(now_ms: u64) -> Self {
        Self { now_ms }
    }
}

setters! { Connect: with_ref }
setters! { Kick: with_ref }
setters! { Refuse: with_ref }
