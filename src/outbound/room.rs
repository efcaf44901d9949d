//! What is said of rooms: what they are like, that they come, go and close.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    event::Position,
    ids::{Topic, UserId},
    object::optional_field,
    payload::Json,
    recipients::Recipients,
};

use alloc::string::String;

/// What a room is like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomInfo {
    /// Its topic.
    pub topic: Topic,
    /// A name for people.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How many members it takes; any number if none is given.
    pub max_members: Option<u32>,
    /// The user that it belongs to.
    pub owner: Option<UserId>,
    /// Whatever the host wants to know of it.
    pub data: Option<Json>,
    /// How many members it has, detached ones included.
    pub size: usize,
    /// The position of its last broadcast.
    pub position: Position,
}

impl RoomInfo {
    /// Whether it takes no more members.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.max_members.is_some_and(|max| self.size >= max as usize)
    }

    fn serialize_fields<S: SerializeStruct>(&self, object: &mut S) -> Result<(), S::Error> {
        object.serialize_field("topic", &self.topic)?;
        optional_field(object, "name", self.name.as_ref())?;
        optional_field(object, "description", self.description.as_ref())?;
        if let Some(max_members) = self.max_members {
            object.serialize_field("max_members", &max_members)?;
        }
        optional_field(object, "owner", self.owner.as_ref())?;
        optional_field(object, "data", self.data.as_ref())?;
        object.serialize_field("size", &self.size)?;
        object.serialize_field("full", &self.is_full())?;
        object.serialize_field("epoch", &self.position.epoch)?;
        object.serialize_field("offset", &self.position.offset)
    }
}

impl Serialize for RoomInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("RoomInfo", 10)?;
        self.serialize_fields(&mut object)?;
        object.end()
    }
}

/// A room that was opened, or that goes, for every connected client; see
/// [`Outbound::RoomOpened`](crate::Outbound::RoomOpened) and
/// [`Outbound::RoomClosed`](crate::Outbound::RoomClosed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomNotice {
    /// What the room is like, or was, without its data, which may be large: a query has it. In JSON
    /// its fields stand beside the recipients.
    pub info: RoomInfo,
    /// Everyone who is connected, in connect order.
    pub recipients: Recipients,
}

impl Serialize for RoomNotice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("RoomNotice", 11)?;
        self.info.serialize_fields(&mut object)?;
        object.serialize_field("recipients", &self.recipients)?;
        object.end()
    }
}

/// Memberships that end without a leave of their own, or that a crash detaches; see
/// [`Outbound::Closed`](crate::Outbound::Closed).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Closed {
    /// Where.
    pub topic: Topic,
    /// Why.
    pub cause: Cause,
    /// What the server says to it: the reason of a kick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whose.
    pub recipients: Recipients,
}

/// Why memberships end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The channel has crashed. With a grace, they are detached, and wait for a rejoin.
    Crashed,
    /// The server has put the client out.
    Kicked,
    /// The room was closed.
    RoomClosed,
    /// The connection was lost, and there is no grace.
    Disconnected,
    /// The connection was lost or the channel crashed, and the grace has run out.
    Expired,
}

impl Cause {
    /// A stable name in `snake_case`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Kicked => "kicked",
            Self::RoomClosed => "room_closed",
            Self::Disconnected => "disconnected",
            Self::Expired => "expired",
        }
    }
}
