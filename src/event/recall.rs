//! Questions: the fields of history, of the driver's answer to a load, and of query.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    event::setters,
    ids::{ClientId, EventName, Ref, Topic},
    message::StoredMessage,
};

/// A client asks for a page of a topic's history; see [`Event::History`](crate::Event::History).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct History {
    /// Who asks.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// Of messages of which name; without it, of all that is in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
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
        Self { client_id, topic, event: None, start: 0, end, reference: None }
    }

    /// Asks for messages of one name.
    #[must_use]
    pub fn with_event(mut self, event: impl Into<EventName>) -> Self {
        self.event = Some(event.into());
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

/// The driver's answer to a [`LoadHistory`](crate::LoadHistory); see
/// [`Event::HistoryLoaded`](crate::Event::HistoryLoaded).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "HistoryLoadedForm")]
#[non_exhaustive]
pub struct HistoryLoaded {
    /// Which request it answers.
    pub request: u64,
    /// What was asked for, newest first, as much of it as there is; or why it could not be loaded,
    /// for the driver's own record. In JSON, `messages` or `failure`.
    pub result: Result<Vec<StoredMessage>, String>,
}

impl HistoryLoaded {
    /// What was asked for, newest first.
    #[must_use]
    pub const fn new(request: u64, messages: Vec<StoredMessage>) -> Self {
        Self { request, result: Ok(messages) }
    }

    /// It could not be loaded: the page is sent with what was in memory.
    #[must_use]
    pub fn failure(request: u64, failure: impl Into<String>) -> Self {
        Self { request, result: Err(failure.into()) }
    }
}

/// How a [`HistoryLoaded`] stands in JSON.
#[derive(Deserialize)]
#[serde(rename = "HistoryLoaded", deny_unknown_fields)]
struct HistoryLoadedForm {
    request: u64,
    messages: Option<Vec<StoredMessage>>,
    failure: Option<String>,
}

impl TryFrom<HistoryLoadedForm> for HistoryLoaded {
    type Error = &'static str;

    fn try_from(form: HistoryLoadedForm) -> Result<Self, Self::Error> {
        let result = match (form.messages, form.failure) {
            (Some(messages), None) => Ok(messages),
            (None, Some(failure)) => Err(failure),
            (None, None) => return Err("missing field `messages` (or `failure`)"),
            (Some(_), Some(_)) => return Err("expected one of `messages` and `failure`, got both"),
        };
        Ok(Self { request: form.request, result })
    }
}

impl Serialize for HistoryLoaded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("HistoryLoaded", 2)?;
        object.serialize_field("request", &self.request)?;
        match &self.result {
            Ok(messages) => object.serialize_field("messages", messages)?,
            Err(failure) => object.serialize_field("failure", failure)?,
        }
        object.end()
    }
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
