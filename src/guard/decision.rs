//! What a rule decides, and what it may change.

use alloc::string::String;
use core::convert::Infallible;

use crate::{
    event::{Broadcast, EventKind},
    payload::{Json, Payload},
    refusal::Reason,
};

/// What a rule of a [`Guard`](crate::Guard) decides about an event.
///
/// What it may change is `C`, by the kind of the event: see [`ClientEvent`](crate::ClientEvent).
/// Where that is [`Infallible`], it is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision<C = Infallible> {
    /// The event goes on as it is.
    Allow,
    /// The event does not go in: its sender gets this as a reply.
    Refuse {
        /// Why; without it, `join_denied` of a join or rejoin, `validation_failed` of a broadcast,
        /// `permission_denied` of all else.
        reason: Option<Reason>,
        /// What was expected, for people; the channel has a text of its own.
        message: Option<String>,
    },
    /// The event goes on with this in place of what it had.
    Change(C),
}

impl<C> Decision<C> {
    /// Refuses with a text for people, for the reason that is usual for the event.
    pub fn refuse(message: impl Into<String>) -> Self {
        Self::Refuse { reason: None, message: Some(message.into()) }
    }

    /// Refuses for a reason of its own.
    pub fn refuse_for(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refuse { reason: Some(reason), message: Some(message.into()) }
    }

    /// Changes to what makes a `C`: for a broadcast, a [`Payload`] or [`Json`] will do.
    pub fn change(to: impl Into<C>) -> Self {
        Self::Change(to.into())
    }

    /// What to change, or why the event does not go in.
    pub(super) fn outcome(self) -> Result<Option<C>, Denial> {
        match self {
            Self::Allow => Ok(None),
            Self::Change(change) => Ok(Some(change)),
            Self::Refuse { reason, message } => Err(Denial { reason, message }),
        }
    }
}

/// What a rule puts in the place of what a [`Broadcast`] says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BroadcastChange {
    payload: Option<Payload>,
    meta: Option<Json>,
}

impl BroadcastChange {
    /// Another payload.
    pub fn payload(payload: impl Into<Payload>) -> Self {
        Self { payload: Some(payload.into()), meta: None }
    }

    /// Another meta; `null` is none, as it is in JSON.
    #[must_use]
    pub const fn meta(meta: Json) -> Self {
        Self { payload: None, meta: Some(meta) }
    }

    /// Another meta too.
    #[must_use]
    pub fn with_meta(mut self, meta: Json) -> Self {
        self.meta = Some(meta);
        self
    }

    pub(super) fn apply(self, broadcast: &mut Broadcast) {
        if let Some(payload) = self.payload {
            broadcast.payload = payload;
        }
        if let Some(meta) = self.meta {
            broadcast.meta = given(meta);
        }
    }
}

impl From<Payload> for BroadcastChange {
    fn from(payload: Payload) -> Self {
        Self::payload(payload)
    }
}

impl From<Json> for BroadcastChange {
    fn from(payload: Json) -> Self {
        Self::payload(payload)
    }
}

/// What an optional field is set to: `null` is nothing.
pub(super) fn given(json: Json) -> Option<Json> {
    Json::given(Some(&json)).is_some().then_some(json)
}

/// Why an event does not go in.
#[derive(Debug)]
pub(super) struct Denial {
    /// None for what is usual.
    pub(super) reason: Option<Reason>,
    pub(super) message: Option<String>,
}

impl Denial {
    /// What is wrong with a field by its schema.
    pub(super) fn of_schema(message: String) -> Self {
        Self { reason: Some(Reason::ValidationFailed), message: Some(message) }
    }

    /// What a sender is told of a rule that panics, which is nothing of what is inside.
    pub(super) fn of_panic(reason: Option<Reason>) -> Self {
        Self { reason, message: Some("a rule of the server failed, expected it to decide".into()) }
    }
}

/// Why events of a kind are refused if nobody says otherwise.
pub(super) fn usual_reason(kind: EventKind) -> Reason {
    if kind == EventKind::Join || kind == EventKind::Rejoin {
        Reason::JoinDenied
    } else if kind == EventKind::Broadcast {
        Reason::ValidationFailed
    } else {
        Reason::PermissionDenied
    }
}
