//! What is said of history: pages, what leaves memory, and what the driver is asked to load.

use alloc::{sync::Arc, vec::Vec};

use serde::{Serialize, Serializer};

use crate::{
    ids::{ClientId, EventName, Ref, Topic},
    message::StoredMessage,
};

/// A page of a topic's history for one client; see
/// [`Outbound::History`](crate::Outbound::History).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryPage {
    /// Who receives it.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// Of messages of which name, if of one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// The index of its first message; 0 is the newest.
    pub start: u64,
    /// The index past its last message, as it was asked for.
    pub end: u64,
    /// The messages, newest first.
    #[serde(serialize_with = "messages")]
    pub messages: Vec<Arc<StoredMessage>>,
    /// `ref` in JSON: that of the event that asked for it; none if it comes with a join.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

/// Messages that leave memory, for a driver that keeps more; see
/// [`Outbound::Evicted`](crate::Outbound::Evicted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evicted {
    /// Where they were sent.
    pub topic: Topic,
    /// The epoch of their offsets.
    pub epoch: u64,
    /// The name of all of them.
    pub event: EventName,
    /// Oldest first.
    #[serde(serialize_with = "messages")]
    pub messages: Vec<Arc<StoredMessage>>,
}

/// A page that reaches beyond memory: the driver answers with
/// [`HistoryLoaded`](crate::HistoryLoaded); see
/// [`Outbound::LoadHistory`](crate::Outbound::LoadHistory).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LoadHistory {
    /// What the answer repeats.
    pub request: u64,
    /// Of which topic.
    pub topic: Topic,
    /// In which epoch `before` counts.
    pub epoch: u64,
    /// Messages of which name.
    pub event: EventName,
    /// Older than this offset. A driver that keeps what was said in earlier rooms of the topic may
    /// go on with it, and then says [of which](crate::StoredMessage::epoch).
    pub before: u64,
    /// The index of the first of them, counted back from `before`: 0 is the newest before it.
    pub start: u64,
    /// The index past the last of them.
    pub end: u64,
}

fn messages<S: Serializer>(messages: &[Arc<StoredMessage>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(messages.iter().map(|message| &**message))
}
