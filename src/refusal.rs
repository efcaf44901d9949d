//! Why an event is refused: stable reasons, and texts that say what was expected.

use core::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    config::Limit,
    ids::{ClientId, EventName, Topic},
};

/// An event was refused, and nothing has changed but the clock and the counters.
///
/// Stands in a reply as `{"reason":…,"message":…}`, with `limit` where a limit is reached. The
/// reason is stable; the message is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The channel has crashed and takes nothing but leave, crash and restart.
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
    /// A payload, meta or params is too large or too deep.
    #[non_exhaustive]
    PayloadTooLarge {
        /// The field that holds it.
        field: &'static str,
        /// [`Limit::PayloadBytes`] or [`Limit::PayloadDepth`].
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// `crashed`
    Crashed,
    /// `invalid_name`
    InvalidName,
    /// `unknown_topic`
    UnknownTopic,
    /// `unknown_client`
    UnknownClient,
    /// `not_member`
    NotMember,
    /// `user_conflict`
    UserConflict,
    /// `event_not_allowed`
    EventNotAllowed,
    /// `payload_too_large`
    PayloadTooLarge,
    /// `limit_reached`
    LimitReached,
}

impl Reason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 9] = [
        Self::Crashed,
        Self::InvalidName,
        Self::UnknownTopic,
        Self::UnknownClient,
        Self::NotMember,
        Self::UserConflict,
        Self::EventNotAllowed,
        Self::PayloadTooLarge,
        Self::LimitReached,
    ];

    /// As it stands in a reply.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::InvalidName => "invalid_name",
            Self::UnknownTopic => "unknown_topic",
            Self::UnknownClient => "unknown_client",
            Self::NotMember => "not_member",
            Self::UserConflict => "user_conflict",
            Self::EventNotAllowed => "event_not_allowed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::LimitReached => "limit_reached",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Refusal {
    /// Which limit is reached, if that is why.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::MarkTooLong { .. } => Some(Limit::RefBytes),
            Self::LimitReached { limit, .. } => Some(*limit),
            Self::Crashed
            | Self::InvalidName { .. }
            | Self::UnknownTopic { .. }
            | Self::UnknownClient { .. }
            | Self::NotMember { .. }
            | Self::UserConflict { .. }
            | Self::EventNotAllowed { .. }
            | Self::PayloadTooLarge { .. } => None,
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
            Self::EventNotAllowed { .. } => Reason::EventNotAllowed,
            Self::PayloadTooLarge { .. } => Reason::PayloadTooLarge,
            Self::MarkTooLong { .. } | Self::LimitReached { .. } => Reason::LimitReached,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed => f.write_str("the channel has crashed, expected a restart first"),
            Self::InvalidName { field, flaw: NameFlaw::Empty } => {
                write!(f, "{field} is empty, expected a name")
            }
            Self::InvalidName { field, flaw: NameFlaw::TooLong { bytes, max } }
            | Self::MarkTooLong { field, bytes, max } => {
                write!(f, "{field} has {bytes} bytes, expected at most {max}")
            }
            Self::InvalidName { field, flaw: NameFlaw::Wildcard } => {
                write!(f, "{field} is \"*\", which stands for all events, expected the name of one")
            }
            Self::UnknownTopic { topic } => {
                write!(f, "there is no topic {topic:?}, expected one that somebody has joined")
            }
            Self::UnknownClient { client_id } => {
                write!(f, "there is no client {client_id:?}, expected one that has joined a topic")
            }
            Self::NotMember { client_id, topic } => {
                write!(
                    f,
                    "client {client_id:?} is not a member of {topic:?}, expected a join first"
                )
            }
            // Who the other user is, is not for a stranger to know.
            Self::UserConflict { client_id } => {
                write!(f, "client {client_id:?} acts for another user, expected that user")
            }
            Self::EventNotAllowed { event, prefix } => {
                write!(f, "event {event:?} starts with {prefix:?}, expected a name not reserved")
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

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Refusal", 3)?;
        object.serialize_field("reason", self.reason().label())?;
        object.serialize_field("message", &format_args!("{self}"))?;
        if let Some(limit) = self.limit() {
            object.serialize_field("limit", limit.label())?;
        }
        object.end()
    }
}
