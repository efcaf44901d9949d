//! Messages from the server: the fields of publish, and whom it can reach.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use crate::{
    event::setters,
    ids::{ClientId, EventName, GroupName, MessageId, Ref, Topic, UserId},
    object::optional_field,
    payload::{Base64, Json, Payload, null_is_a_value},
};

/// The server sends a message; see [`Event::Publish`](crate::Event::Publish).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PublishForm")]
#[non_exhaustive]
pub struct Publish {
    /// Whom it is for.
    pub target: Address,
    /// The name of the message.
    pub event: EventName,
    /// What it says.
    pub payload: Payload,
    /// Who is shown as its sender; [`Publish::DEFAULT_FROM`] if none is given.
    pub from: UserId,
    /// A client that does not receive it.
    pub except_client: Option<ClientId>,
    /// A user whose clients do not receive it.
    pub except_user: Option<UserId>,
    /// Travels beside the payload.
    pub meta: Option<Json>,
    /// The sender's own id for the message: a repeat in the same topic is not sent again, where
    /// the room remembers ids.
    pub id: Option<MessageId>,
    /// `ref` in JSON: asks for a reply.
    pub reference: Option<Ref>,
}

/// Whom a message of the server is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Address {
    /// The members of a topic, as with a broadcast.
    Topic(Topic),
    /// The members of the topics of a group, each once.
    Group(GroupName),
    /// The connected clients of a user.
    User(UserId),
    /// One client.
    Client(ClientId),
    /// All connected clients.
    Everyone,
}

impl Address {
    /// The topic, if it is one.
    pub(crate) const fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Topic(topic) => Some(topic),
            Self::Group(_) | Self::User(_) | Self::Client(_) | Self::Everyone => None,
        }
    }
}

impl Publish {
    /// Who is shown as the sender if nobody else is given.
    pub const DEFAULT_FROM: &'static str = "system";

    /// A message from [`Publish::DEFAULT_FROM`] with nothing else.
    pub fn new(target: Address, event: impl Into<EventName>, payload: impl Into<Payload>) -> Self {
        Self {
            target,
            event: event.into(),
            payload: payload.into(),
            from: Self::DEFAULT_FROM.into(),
            except_client: None,
            except_user: None,
            meta: None,
            id: None,
            reference: None,
        }
    }

    /// Says who is shown as the sender.
    #[must_use]
    pub fn with_from(mut self, user_id: impl Into<UserId>) -> Self {
        self.from = user_id.into();
        self
    }

    /// Leaves out a client.
    #[must_use]
    pub fn with_except_client(mut self, client_id: impl Into<ClientId>) -> Self {
        self.except_client = Some(client_id.into());
        self
    }

    /// Leaves out the clients of a user.
    #[must_use]
    pub fn with_except_user(mut self, user_id: impl Into<UserId>) -> Self {
        self.except_user = Some(user_id.into());
        self
    }
}

/// How a [`Publish`] stands in JSON.
#[derive(Deserialize)]
#[serde(rename = "Publish", deny_unknown_fields)]
struct PublishForm {
    target: Address,
    event: EventName,
    #[serde(default, deserialize_with = "null_is_a_value")]
    payload: Option<Json>,
    payload_base64: Option<Base64>,
    from: Option<UserId>,
    except_client: Option<ClientId>,
    except_user: Option<UserId>,
    meta: Option<Json>,
    id: Option<MessageId>,
    #[serde(rename = "ref")]
    reference: Option<Ref>,
}

impl TryFrom<PublishForm> for Publish {
    type Error = &'static str;

    fn try_from(form: PublishForm) -> Result<Self, Self::Error> {
        Ok(Self {
            target: form.target,
            event: form.event,
            payload: Payload::from_fields(form.payload, form.payload_base64)?,
            from: form.from.unwrap_or_else(|| Self::DEFAULT_FROM.into()),
            except_client: form.except_client,
            except_user: form.except_user,
            meta: form.meta,
            id: form.id,
            reference: form.reference,
        })
    }
}

impl Serialize for Publish {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Publish", 9)?;
        object.serialize_field("target", &self.target)?;
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        if self.from != Self::DEFAULT_FROM {
            object.serialize_field("from", &self.from)?;
        }
        optional_field(&mut object, "except_client", self.except_client.as_ref())?;
        optional_field(&mut object, "except_user", self.except_user.as_ref())?;
        optional_field(&mut object, "meta", self.meta.as_ref())?;
        optional_field(&mut object, "id", self.id.as_ref())?;
        optional_field(&mut object, "ref", self.reference.as_ref())?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

struct AddressVisitor;

impl<'de> de::Visitor<'de> for AddressVisitor {
    type Value = Address;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"everyone\" or an object with one of topic, group, user and client")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
        if text == "everyone" {
            return Ok(Address::Everyone);
        }
        Err(E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Address, A::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Field {
            Topic,
            Group,
            User,
            Client,
        }

        let Some(field) = map.next_key()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        let address = match field {
            Field::Topic => Address::Topic(map.next_value()?),
            Field::Group => Address::Group(map.next_value()?),
            Field::User => Address::User(map.next_value()?),
            Field::Client => Address::Client(map.next_value()?),
        };
        match map.next_key::<Field>()? {
            None => Ok(address),
            Some(_) => Err(de::Error::invalid_length(2, &self)),
        }
    }
}

setters! { Publish: with_meta with_id with_ref }
