//! How the state of a channel is written: by names and numbers, not as it lies in memory.
//!
//! Clients are told by their handles, rooms by their epochs. Everything that has an order stands
//! in it.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    config::RoomConfig,
    ids::{ClientId, ClusterName, EventName, GroupName, MessageId, NodeId, Topic, UserId},
    message::StoredMessage,
    object::optional_field,
    payload::{Json, Payload},
};

/// Everything but the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) node: Option<Node>,
    pub(super) crashed: bool,
    pub(super) now_ms: u64,
    pub(super) next_ref: u64,
    pub(super) next_epoch: u64,
    pub(super) counters: Counters,
    pub(super) clients: Vec<Client>,
    /// Handles that can be given out, the next one last; and those that wait for a flush.
    pub(super) free_handles: Vec<u32>,
    pub(super) ended_handles: Vec<u32>,
    pub(super) rooms: Vec<Room>,
    pub(super) agenda: Vec<(Due, u64)>,
    pub(super) groups: Vec<(GroupName, Vec<Topic>)>,
    pub(super) rates: Vec<Rate>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) name: NodeId,
    pub(super) cluster: ClusterName,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counters {
    pub(super) events: BTreeMap<String, u64>,
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) broadcasts: u64,
    pub(super) deliveries: u64,
    pub(super) replies_ok: u64,
    pub(super) presence_joins: u64,
    pub(super) presence_leaves: u64,
    pub(super) rooms_opened: u64,
}

/// A client, with the epochs of the rooms in which it has anything, in the order of coming.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) handle: u32,
    pub(super) id: ClientId,
    pub(super) user: UserId,
    pub(super) registered: bool,
    pub(super) connected: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Verbatim>,
    pub(super) rooms: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    pub(super) topic: Topic,
    pub(super) epoch: u64,
    pub(super) offset: u64,
    /// None of a room that is as the configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) config: Option<RoomConfig>,
    pub(super) origin: Origin,
    /// In join order; false of those who are detached.
    pub(super) members: Vec<(u32, bool)>,
    /// In the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) presences: Vec<Presence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Window>,
    /// What members joined with, of those whose presence shows something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) joined: Vec<(u32, Option<Verbatim>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) subscriptions: Vec<(u32, Vec<EventName>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ids: Vec<(UserId, MessageId, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) history: Option<History>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    Joined,
    Opened,
    OpenedByClient,
    Declared,
}

/// A meta in the list; entry and place are where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Presence {
    pub(super) client: u32,
    #[serde(rename = "ref")]
    pub(super) reference: u64,
    pub(super) online_at_ms: u64,
    pub(super) entry: u64,
    pub(super) place: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prev_ref: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Verbatim>,
}

/// A meta as it was said, of a client that may have gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meta {
    #[serde(rename = "ref")]
    pub(super) reference: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prev_ref: Option<u64>,
    pub(super) client_id: ClientId,
    pub(super) online_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Verbatim>,
}

/// What was announced is what is in the list with a ref below the horizon, and what has gone; the
/// rest of the list is news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    pub(super) horizon: u64,
    pub(super) gone: Vec<Gone>,
}

/// A meta that was announced, and where it stood then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gone {
    pub(super) entry: u64,
    pub(super) place: u64,
    pub(super) user: UserId,
    pub(super) meta: Meta,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) messages: Vec<Kept>,
    pub(super) whole_from: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) gaps: Vec<(EventName, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lost: Vec<(EventName, Marks)>,
    pub(super) lost_others: Marks,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Marks {
    pub(super) for_all: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) for_some: Vec<Mark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    pub(super) offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) except_client: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) except_user: Option<UserId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Due {
    Footing { client: u32, epoch: u64 },
    Client(u32),
    Window(u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    pub(super) client: u32,
    /// Of what a client does in a room; absent of the rooms that it opens and closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) epoch: Option<u64>,
    pub(super) ends_at_ms: u64,
    pub(super) count: u32,
}

/// JSON as it is held, line breaks too, which a line would not have: whether a meta is the same is
/// told by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Verbatim(pub(super) Json);

impl Serialize for Verbatim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.raw().serialize(serializer)
    }
}

/// A message, with its JSON as it is held.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Kept(pub(super) StoredMessage);

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StoredMessage {
            event,
            payload,
            from,
            client_id,
            // What a room holds is its own.
            epoch: _,
            offset,
            timestamp_ms,
            meta,
            except_client,
            except_user,
        } = &self.0;
        let mut object = serializer.serialize_struct("Kept", 9)?;
        object.serialize_field("event", event)?;
        match payload {
            Payload::Json(json) => object.serialize_field("payload", json.raw())?,
            Payload::Bytes(_) => payload.serialize_field(&mut object)?,
        }
        object.serialize_field("from", from)?;
        if let Some(client_id) = client_id {
            object.serialize_field("client_id", client_id)?;
        }
        object.serialize_field("offset", offset)?;
        object.serialize_field("timestamp_ms", timestamp_ms)?;
        if let Some(meta) = meta {
            object.serialize_field("meta", meta.raw())?;
        }
        optional_field(&mut object, "except_client", except_client.as_ref())?;
        optional_field(&mut object, "except_user", except_user.as_ref())?;
        object.end()
    }
}
