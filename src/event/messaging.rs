//! Messages: the fields of broadcast and push.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    event::setters,
    ids::{ClientId, DEFAULT_EVENT, EventName, MessageId, Ref, Topic},
    object::optional_field,
    payload::{Base64, Json, Payload, null_is_a_value},
};

/// A member sends a message to its topic; see [`Event::Broadcast`](crate::Event::Broadcast).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BroadcastForm")]
#[non_exhaustive]
pub struct Broadcast {
    /// Who sends.
    pub client_id: ClientId,
    /// Where to.
    pub topic: Topic,
    /// What it says.
    pub payload: Payload,
    /// The name of the message; [`Broadcast::DEFAULT_EVENT`] if the sender gives none.
    pub event: EventName,
    /// Who among the members receives it.
    pub audience: Audience,
    /// Travels beside the payload.
    pub meta: Option<Json>,
    /// The sender's own id for the message: a repeat is not sent again, where the room remembers
    /// ids.
    pub id: Option<MessageId>,
    /// `ref` in JSON: asks for a reply.
    pub reference: Option<Ref>,
}

impl Broadcast {
    /// The name of a message whose sender gives none.
    pub const DEFAULT_EVENT: &'static str = DEFAULT_EVENT;

    /// A message named [`Broadcast::DEFAULT_EVENT`] to all members.
    pub fn new(
        client_id: impl Into<ClientId>,
        topic: impl Into<Topic>,
        payload: impl Into<Payload>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            topic: topic.into(),
            payload: payload.into(),
            event: Self::DEFAULT_EVENT.into(),
            audience: Audience::All,
            meta: None,
            id: None,
            reference: None,
        }
    }

    /// Names the message.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<EventName>) -> Self {
        self.event = event.into();
        self
    }

    /// Says who receives it.
    #[must_use]
    pub const fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }
}

/// Who among the members receives a broadcast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Audience {
    /// Everyone, the sender included.
    #[default]
    All,
    /// Everyone but the client that sends.
    Others,
    /// Everyone but the clients of the user that sends. Costs the number of that user's clients.
    OtherUsers,
}

/// How a [`Broadcast`] stands in JSON.
#[derive(Deserialize)]
#[serde(rename = "Broadcast", deny_unknown_fields)]
struct BroadcastForm {
    client_id: ClientId,
    topic: Topic,
    #[serde(default, deserialize_with = "null_is_a_value")]
    payload: Option<Json>,
    payload_base64: Option<Base64>,
    event: Option<EventName>,
    audience: Option<Audience>,
    meta: Option<Json>,
    id: Option<MessageId>,
    #[serde(rename = "ref")]
    reference: Option<Ref>,
}

impl TryFrom<BroadcastForm> for Broadcast {
    type Error = &'static str;

    fn try_from(form: BroadcastForm) -> Result<Self, Self::Error> {
        Ok(Self {
            client_id: form.client_id,
            topic: form.topic,
            payload: Payload::from_fields(form.payload, form.payload_base64)?,
            event: form.event.unwrap_or_else(|| Self::DEFAULT_EVENT.into()),
            audience: form.audience.unwrap_or_default(),
            meta: form.meta,
            id: form.id,
            reference: form.reference,
        })
    }
}

impl Serialize for Broadcast {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Broadcast", 8)?;
        object.serialize_field("client_id", &self.client_id)?;
        object.serialize_field("topic", &self.topic)?;
        self.payload.serialize_field(&mut object)?;
        if self.event != Self::DEFAULT_EVENT {
            object.serialize_field("event", &self.event)?;
        }
        if self.audience != Audience::All {
            object.serialize_field("audience", &self.audience)?;
        }
        optional_field(&mut object, "meta", self.meta.as_ref())?;
        optional_field(&mut object, "id", self.id.as_ref())?;
        optional_field(&mut object, "ref", self.reference.as_ref())?;
        object.end()
    }
}

/// The server sends a message to one member; see [`Event::Push`](crate::Event::Push).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PushForm")]
#[non_exhaustive]
pub struct Push {
    /// Who receives it.
    pub client_id: ClientId,
    /// The topic that it belongs to.
    pub topic: Topic,
    /// The name of the message.
    pub event: EventName,
    /// What it says.
    pub payload: Payload,
    /// `ref` in JSON: asks for a reply.
    pub reference: Option<Ref>,
}

impl Push {
    /// A push without `ref`.
    pub fn new(
        client_id: impl Into<ClientId>,
        topic: impl Into<Topic>,
        event: impl Into<EventName>,
        payload: impl Into<Payload>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            topic: topic.into(),
            event: event.into(),
            payload: payload.into(),
            reference: None,
        }
    }
}

/// How a [`Push`] stands in JSON.
#[derive(Deserialize)]
#[serde(rename = "Push", deny_unknown_fields)]
struct PushForm {
    client_id: ClientId,
    topic: Topic,
    event: EventName,
    #[serde(default, deserialize_with = "null_is_a_value")]
    payload: Option<Json>,
    payload_base64: Option<Base64>,
    #[serde(rename = "ref")]
    reference: Option<Ref>,
}

impl TryFrom<PushForm> for Push {
    type Error = &'static str;

    fn try_from(form: PushForm) -> Result<Self, Self::Error> {
        Ok(Self {
            client_id: form.client_id,
            topic: form.topic,
            event: form.event,
            payload: Payload::from_fields(form.payload, form.payload_base64)?,
            reference: form.reference,
        })
    }
}

impl Serialize for Push {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Push", 5)?;
        object.serialize_field("client_id", &self.client_id)?;
        object.serialize_field("topic", &self.topic)?;
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        optional_field(&mut object, "ref", self.reference.as_ref())?;
        object.end()
    }
}

setters! { Broadcast: with_meta with_id with_ref }
setters! { Push: with_ref }
