//! Why an event is refused: stable reasons, and texts that say what was expected.

use alloc::{format, string::String};
use core::fmt;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    config::{Limit, RoomFlaw},
    ids::{ClientId, EventName, Topic},
};

/// An event was refused, and nothing has changed but the clock and the counters.
///
/// Stands in a reply as `{"reason":…,"message":…}`, with `limit` where a limit is reached and
/// `retry_after_ms` where a rate is. The reason is stable; the message is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The channel has crashed, and takes little else than a restart.
    #[non_exhaustive]
    Crashed,
    /// A name is empty or too long, or that of an event is `*`.
    #[non_exhaustive]
    InvalidName {
        /// The field that holds it.
        field: &'static str,
        /// What is wrong with it.
        flaw: NameFlaw,
    },
    /// There is no room of that topic.
    #[non_exhaustive]
    UnknownTopic {
        /// The topic.
        topic: Topic,
    },
    /// There is no client of that id.
    #[non_exhaustive]
    UnknownClient {
        /// The client.
        client_id: ClientId,
    },
    /// The client is not a member of the topic.
    #[non_exhaustive]
    NotMember {
        /// The client.
        client_id: ClientId,
        /// The topic.
        topic: Topic,
    },
    /// The client acts for another user already.
    #[non_exhaustive]
    UserConflict {
        /// The client.
        client_id: ClientId,
    },
    /// Clients may not send messages of that name.
    #[non_exhaustive]
    EventNotAllowed {
        /// The name.
        event: EventName,
        /// The reserved prefix that it starts with.
        prefix: EventName,
    },
    /// Clients may send no messages of that name in that room.
    #[non_exhaustive]
    EventNotListed {
        /// The name.
        event: EventName,
        /// The topic.
        topic: Topic,
    },
    /// There is no group or client of that name to send to.
    #[non_exhaustive]
    UnknownTarget {
        /// `group` or `client`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The room has as many members as it takes.
    #[non_exhaustive]
    RoomFull {
        /// The topic.
        topic: Topic,
        /// How many members it takes.
        max: u32,
    },
    /// There is a room of that topic already.
    #[non_exhaustive]
    RoomExists {
        /// The topic.
        topic: Topic,
    },
    /// The client may not do that.
    #[non_exhaustive]
    PermissionDenied {
        /// What it may not do, and what would be right.
        expected: &'static str,
    },
    /// The client has done too much in too short a time.
    #[non_exhaustive]
    RateLimited {
        /// After how many milliseconds it may try again.
        retry_after_ms: u64,
    },
    /// What was asked makes no sense.
    #[non_exhaustive]
    InvalidRequest {
        /// What was expected.
        message: String,
    },
    /// A guard has decided against it: see [`Refuse`](crate::Refuse).
    #[non_exhaustive]
    Denied {
        /// Why.
        reason: Reason,
        /// What the guard said.
        message: Option<String>,
    },
    /// A payload, meta or params is too large or too deep.
    #[non_exhaustive]
    PayloadTooLarge {
        /// The field that holds it.
        field: &'static str,
        /// [`Limit::PayloadBytes`], [`Limit::MetaBytes`] or [`Limit::PayloadDepth`].
        limit: Limit,
        /// How large or deep it is.
        got: u64,
        /// How large or deep it may be.
        max: u64,
    },
    /// A `ref` or `id` is too long: [`Limit::RefBytes`] is reached.
    #[non_exhaustive]
    MarkTooLong {
        /// The field that holds it.
        field: &'static str,
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
    /// There are as many as there may be.
    #[non_exhaustive]
    LimitReached {
        /// Which limit.
        limit: Limit,
        /// Its value.
        max: u64,
    },
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameFlaw {
    /// It has no bytes.
    Empty,
    /// It has more bytes than a name may have.
    #[non_exhaustive]
    TooLong {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
    /// It is `*`, which stands for all events and is the name of none.
    Wildcard,
}

/// The stable name of why an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// `crashed`
    Crashed,
    /// `invalid_name`
    InvalidName,
    /// `unknown_topic`
    UnknownTopic,
    /// `room_full`
    RoomFull,
    /// `join_denied`
    JoinDenied,
    /// `not_member`
    NotMember,
    /// `event_not_allowed`
    EventNotAllowed,
    /// `validation_failed`
    ValidationFailed,
    /// `rate_limited`
    RateLimited,
    /// `invalid_request`
    InvalidRequest,
    /// `room_exists`
    RoomExists,
    /// `permission_denied`
    PermissionDenied,
    /// `user_conflict`
    UserConflict,
    /// `unknown_client`
    UnknownClient,
    /// `unknown_target`
    UnknownTarget,
    /// `payload_too_large`
    PayloadTooLarge,
    /// `limit_reached`
    LimitReached,
    /// `unavailable`: only a driver says so, of what it can't look up at the moment.
    Unavailable,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 18] = [
        Self::Crashed,
        Self::InvalidName,
        Self::UnknownTopic,
        Self::RoomFull,
        Self::JoinDenied,
        Self::NotMember,
        Self::EventNotAllowed,
        Self::ValidationFailed,
        Self::RateLimited,
        Self::InvalidRequest,
        Self::RoomExists,
        Self::PermissionDenied,
        Self::UserConflict,
        Self::UnknownClient,
        Self::UnknownTarget,
        Self::PayloadTooLarge,
        Self::LimitReached,
        Self::Unavailable,
    ];

    /// As it stands in a reply.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::InvalidName => "invalid_name",
            Self::UnknownTopic => "unknown_topic",
            Self::RoomFull => "room_full",
            Self::JoinDenied => "join_denied",
            Self::NotMember => "not_member",
            Self::EventNotAllowed => "event_not_allowed",
            Self::ValidationFailed => "validation_failed",
            Self::RateLimited => "rate_limited",
            Self::InvalidRequest => "invalid_request",
            Self::RoomExists => "room_exists",
            Self::PermissionDenied => "permission_denied",
            Self::UserConflict => "user_conflict",
            Self::UnknownClient => "unknown_client",
            Self::UnknownTarget => "unknown_target",
            Self::PayloadTooLarge => "payload_too_large",
            Self::LimitReached => "limit_reached",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Refusal {
    /// Which limit is reached or exceeded, if that is why.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::MarkTooLong { .. } => Some(Limit::RefBytes),
            Self::PayloadTooLarge { limit, .. } | Self::LimitReached { limit, .. } => Some(*limit),
            Self::Crashed
            | Self::InvalidName { .. }
            | Self::UnknownTopic { .. }
            | Self::UnknownClient { .. }
            | Self::NotMember { .. }
            | Self::UserConflict { .. }
            | Self::EventNotAllowed { .. }
            | Self::EventNotListed { .. }
            | Self::UnknownTarget { .. }
            | Self::RoomFull { .. }
            | Self::RoomExists { .. }
            | Self::PermissionDenied { .. }
            | Self::RateLimited { .. }
            | Self::InvalidRequest { .. }
            | Self::Denied { .. } => None,
        }
    }

    /// The stable name of why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Crashed => Reason::Crashed,
            Self::InvalidName { .. } => Reason::InvalidName,
            Self::UnknownTopic { .. } => Reason::UnknownTopic,
            Self::UnknownClient { .. } => Reason::UnknownClient,
            Self::NotMember { .. } => Reason::NotMember,
            Self::UserConflict { .. } => Reason::UserConflict,
            Self::EventNotAllowed { .. } | Self::EventNotListed { .. } => Reason::EventNotAllowed,
            Self::UnknownTarget { .. } => Reason::UnknownTarget,
            Self::RoomFull { .. } => Reason::RoomFull,
            Self::RoomExists { .. } => Reason::RoomExists,
            Self::PermissionDenied { .. } => Reason::PermissionDenied,
            Self::RateLimited { .. } => Reason::RateLimited,
            Self::InvalidRequest { .. } => Reason::InvalidRequest,
            Self::Denied { reason, .. } => *reason,
            Self::PayloadTooLarge { .. } => Reason::PayloadTooLarge,
            Self::MarkTooLong { .. } | Self::LimitReached { .. } => Reason::LimitReached,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed => f.write_str("the channel has crashed and has not been restarted yet"),
            Self::InvalidName { field, flaw: NameFlaw::Empty } => {
                write!(f, "{field} is empty, expected a name")
            }
            Self::InvalidName { field, flaw: NameFlaw::TooLong { bytes, max } }
            | Self::MarkTooLong { field, bytes, max } => {
                write!(f, "{field} has {bytes} bytes, expected at most {max}")
            }
            Self::InvalidName { field, flaw: NameFlaw::Wildcard } => {
                write!(
                    f,
                    "{field} is \"*\", which stands for all events, expected the name of one event"
                )
            }
            Self::UnknownTopic { topic } => {
                write!(f, "no room has the topic {topic:?}")
            }
            Self::UnknownClient { client_id } => {
                write!(f, "no client {client_id:?} is connected or in a room")
            }
            Self::NotMember { client_id, topic } => {
                write!(f, "client {client_id:?} is not a member of {topic:?}, join it first")
            }
            // Who the other user is, is not for a stranger to know.
            Self::UserConflict { client_id } => {
                write!(f, "client {client_id:?} belongs to another user")
            }
            Self::EventNotAllowed { event, prefix } => {
                write!(
                    f,
                    "event {event:?} starts with {prefix:?}, which is reserved for the server"
                )
            }
            Self::EventNotListed { event, topic } => {
                write!(f, "clients may not send event {event:?} in {topic:?}")
            }
            Self::UnknownTarget { what, name } => {
                write!(f, "no {what} {name:?} exists")
            }
            Self::RoomFull { topic, max } => {
                write!(f, "room {topic:?} is full, it takes at most {max} members")
            }
            Self::RoomExists { topic } => {
                write!(f, "room {topic:?} exists already")
            }
            Self::PermissionDenied { expected } => write!(f, "not permitted: {expected}"),
            Self::RateLimited { retry_after_ms } => {
                write!(f, "too many events, try again in {retry_after_ms} ms")
            }
            Self::InvalidRequest { message } | Self::Denied { message: Some(message), .. } => {
                f.write_str(message)
            }
            Self::Denied { reason, message: None } => {
                write!(f, "the server refused this ({reason})")
            }
            Self::PayloadTooLarge { field, limit, got, max } => {
                let unit = if *limit == Limit::PayloadDepth { "levels" } else { "bytes" };
                write!(f, "{field} has {got} {unit}, expected at most {max}")
            }
            Self::LimitReached { limit, max } => {
                write!(f, "limit {limit} is reached, expected at most {max}")
            }
        }
    }
}

impl core::error::Error for Refusal {}

impl From<RoomFlaw> for Refusal {
    fn from(flaw: RoomFlaw) -> Self {
        match flaw {
            RoomFlaw::InvalidName { bytes: 0, .. } => {
                Self::InvalidName { field: "name", flaw: NameFlaw::Empty }
            }
            RoomFlaw::InvalidName { bytes, max } => {
                Self::InvalidName { field: "name", flaw: NameFlaw::TooLong { bytes, max } }
            }
            RoomFlaw::TooLarge { field, limit, got, max } => {
                Self::PayloadTooLarge { field, limit, got, max }
            }
            RoomFlaw::Inconsistent { .. } => {
                Self::InvalidRequest { message: format!("config: {flaw}") }
            }
        }
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Refusal", 4)?;
        object.serialize_field("reason", self.reason().label())?;
        object.serialize_field("message", &format_args!("{self}"))?;
        if let Some(limit) = self.limit() {
            object.serialize_field("limit", limit.label())?;
        }
        if let Self::RateLimited { retry_after_ms } = self {
            object.serialize_field("retry_after_ms", retry_after_ms)?;
        }
        object.end()
    }
}
