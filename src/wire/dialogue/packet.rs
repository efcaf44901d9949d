//! What the client is told: names and arguments of `dialogue:*` events, in their JSON form.
//!
//! Knows the shapes alone: what is said when is decided in the parent.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::{RawValue, to_raw_value};

use super::code::Code;
use crate::{
    base64,
    ids::{ClientId, EventName, Topic, UserId},
    message::StoredMessage,
    outbound::{BroadcastMessage, HistoryPage, PushMessage, RoomInfo},
    payload::{Json, Payload},
};

/// One Socket.IO event for a client: a name and one argument, encoded. Cloning costs a reference
/// count.
///
/// Its `Display` is the array that stands in a Socket.IO packet.
///
/// ```
/// use parlor::wire::dialogue::Connection;
///
/// let packet = Connection::new("c1", "ann").connected();
/// assert_eq!(packet.name(), "dialogue:connected");
/// assert_eq!(packet.argument(), r#"{"clientId":"c1","userId":"ann"}"#);
/// assert_eq!(packet.to_string(), r#"["dialogue:connected",{"clientId":"c1","userId":"ann"}]"#);
/// ```
#[derive(Clone)]
pub struct Packet {
    name: Name,
    argument: Arc<RawValue>,
}

#[derive(Debug, Clone)]
enum Name {
    /// One of the protocol's.
    Fixed(&'static str),
    /// One that the server has chosen.
    Chosen(EventName),
}

impl Packet {
    /// The name of the event.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.name {
            Name::Fixed(name) => name,
            Name::Chosen(name) => name.as_str(),
        }
    }

    /// Its argument, as JSON.
    #[must_use]
    pub fn argument(&self) -> &str {
        self.argument.get()
    }

    /// Its argument, for a driver that hands it to serde.
    #[must_use]
    pub fn raw_argument(&self) -> &RawValue {
        &self.argument
    }

    fn new<T: Serialize + ?Sized>(name: &'static str, argument: &T) -> Self {
        Self { name: Name::Fixed(name), argument: encode(argument) }
    }

    pub(super) fn connected(client_id: &ClientId, user_id: &UserId) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Connected<'a> {
            client_id: &'a ClientId,
            user_id: &'a UserId,
        }
        Self::new("dialogue:connected", &Connected { client_id, user_id })
    }

    pub(super) fn joined(room_id: &Topic, name: Option<&str>) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Joined<'a> {
            room_id: &'a Topic,
            room_name: &'a str,
        }
        let room_name = name.unwrap_or(room_id.as_str());
        Self::new("dialogue:joined", &Joined { room_id, room_name })
    }

    pub(super) fn left(room_id: &Topic) -> Self {
        Self::new("dialogue:left", &InRoom { room_id })
    }

    pub(super) fn room_deleted(room_id: &Topic) -> Self {
        Self::new("dialogue:roomDeleted", &InRoom { room_id })
    }

    pub(super) fn error(code: Code, message: &impl fmt::Display) -> Self {
        #[derive(Serialize)]
        struct Error<'a> {
            code: &'static str,
            message: fmt::Arguments<'a>,
        }
        let error = Error { code: code.label(), message: format_args!("{message}") };
        Self::new("dialogue:error", &error)
    }

    pub(super) fn event(room_id: &Topic, message: &BroadcastMessage) -> Self {
        Self::new("dialogue:event", &Message::of_broadcast(room_id, message))
    }

    /// A message under its own name, with its payload alone.
    pub(super) fn raw(name: &EventName, payload: &Payload) -> Self {
        Self { name: Name::Chosen(name.clone()), argument: encode(&Data(payload)) }
    }

    pub(super) fn push(push: &PushMessage) -> Self {
        Self::raw(&push.event, &push.payload)
    }

    /// What a room shows to one who has joined it.
    pub(super) fn history(page: &HistoryPage) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct History<'a> {
            room_id: &'a Topic,
            events: Vec<Message<'a>>,
        }
        let events = messages(page);
        Self::new("dialogue:history", &History { room_id: &page.topic, events })
    }

    /// The answer to a request for a page.
    pub(super) fn history_response(page: &HistoryPage) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct HistoryResponse<'a> {
            room_id: &'a Topic,
            event_name: Option<&'a EventName>,
            events: Vec<Message<'a>>,
            start: u64,
            end: u64,
        }
        let HistoryPage { topic: room_id, event, start, end, .. } = page;
        let event_name = event.as_ref();
        // Who names no event is told of none.
        let events = event_name.map_or_else(Vec::new, |_| messages(page));
        let response = HistoryResponse { room_id, event_name, events, start: *start, end: *end };
        Self::new("dialogue:historyResponse", &response)
    }

    pub(super) fn rooms(rooms: &[RoomInfo]) -> Self {
        let rooms: Vec<_> = rooms
            .iter()
            .map(|room| Room { size: Some(room.size), created_by_id: None, ..Room::of(room) })
            .collect();
        Self::new("dialogue:rooms", &rooms)
    }

    pub(super) fn room_created(room: &RoomInfo) -> Self {
        Self::new("dialogue:roomCreated", &Room::of(room))
    }
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.argument() == other.argument()
    }
}

impl Eq for Packet {}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({self})")
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_string(self.name()).map_err(|_| fmt::Error)?;
        write!(f, "[{name},{}]", self.argument())
    }
}

fn encode<T: Serialize + ?Sized>(argument: &T) -> Arc<RawValue> {
    let json = to_raw_value(argument);
    json.expect("fields with names, texts, numbers and JSON can be written as JSON").into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InRoom<'a> {
    room_id: &'a Topic,
}

/// A message of a room, in the order of fields that clients are used to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    event: &'a EventName,
    room_id: &'a Topic,
    data: Data<'a>,
    from: &'a UserId,
    timestamp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    fn of_broadcast(room_id: &'a Topic, message: &'a BroadcastMessage) -> Self {
        let BroadcastMessage { event, payload, from, timestamp_ms, meta, .. } = message;
        let meta = Json::given(meta.as_ref()).map(Json::raw);
        Self { event, room_id, data: Data(payload), from, timestamp: *timestamp_ms, meta }
    }

    fn of_stored(room_id: &'a Topic, message: &'a StoredMessage) -> Self {
        let StoredMessage { event, payload, from, timestamp_ms, meta, .. } = message;
        let meta = Json::given(meta.as_ref()).map(Json::raw);
        Self { event, room_id, data: Data(payload), from, timestamp: *timestamp_ms, meta }
    }
}

fn messages(page: &HistoryPage) -> Vec<Message<'_>> {
    page.messages.iter().map(|message| Message::of_stored(&page.topic, message)).collect()
}

/// A payload as an argument: JSON as it is, bytes as `{"base64":…}`.
struct Data<'a>(&'a Payload);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Payload::Json(json) => json.raw().serialize(serializer),
            Payload::Bytes(bytes) => {
                let mut object = serializer.serialize_map(Some(1))?;
                object.serialize_entry("base64", &base64::encode(bytes))?;
                object.end()
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Room<'a> {
    id: &'a Topic,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by_id: Option<&'a UserId>,
}

impl<'a> Room<'a> {
    fn of(room: &'a RoomInfo) -> Self {
        Self {
            id: &room.topic,
            name: room.name.as_deref().unwrap_or(room.topic.as_str()),
            description: room.description.as_ref(),
            size: None,
            max_size: room.max_members,
            created_by_id: room.owner.as_ref(),
        }
    }
}
