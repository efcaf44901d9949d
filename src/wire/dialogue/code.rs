//! Which of the nine codes of errors a refusal is, by what was asked.

use crate::{
    config::Limit,
    event::EventKind,
    refusal::{Reason, Refusal},
};

/// The codes of `dialogue:error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    RoomNotFound,
    RoomFull,
    JoinDenied,
    EventNotAllowed,
    ValidationFailed,
    RateLimited,
    InvalidRequest,
    RoomExists,
    PermissionDenied,
}

impl Code {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::RoomNotFound => "ROOM_NOT_FOUND",
            Self::RoomFull => "ROOM_FULL",
            Self::JoinDenied => "JOIN_DENIED",
            Self::EventNotAllowed => "EVENT_NOT_ALLOWED",
            Self::ValidationFailed => "VALIDATION_FAILED",
            Self::RateLimited => "RATE_LIMITED",
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::RoomExists => "ROOM_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
        }
    }

    /// The code under which a command of that kind is refused.
    pub(super) fn of(to: EventKind, refusal: &Refusal) -> Self {
        let is_of_topic = matches!(refusal, Refusal::InvalidName { field: "topic", .. });
        match refusal.reason() {
            Reason::UnknownTopic => Self::RoomNotFound,
            Reason::RoomFull => Self::RoomFull,
            Reason::JoinDenied => Self::JoinDenied,
            Reason::EventNotAllowed => Self::EventNotAllowed,
            Reason::ValidationFailed => Self::ValidationFailed,
            Reason::RateLimited => Self::RateLimited,
            Reason::RoomExists => Self::RoomExists,
            // No room has a name that none may have.
            Reason::InvalidName if is_of_topic && to != EventKind::OpenRoom => Self::RoomNotFound,
            Reason::LimitReached if refusal.limit() == Some(Limit::MembersPerTopic) => {
                Self::RoomFull
            }
            Reason::InvalidName
            | Reason::PayloadTooLarge
            | Reason::LimitReached
            | Reason::Unavailable
            | Reason::Crashed
            | Reason::NotMember
            | Reason::UserConflict
            | Reason::UnknownClient
            | Reason::UnknownTarget
                if to == EventKind::Join =>
            {
                Self::JoinDenied
            }
            Reason::InvalidName if to == EventKind::Broadcast => Self::EventNotAllowed,
            Reason::PayloadTooLarge if to == EventKind::Broadcast => Self::ValidationFailed,
            Reason::InvalidRequest
            | Reason::InvalidName
            | Reason::PayloadTooLarge
            | Reason::LimitReached
            | Reason::Unavailable => Self::InvalidRequest,
            Reason::PermissionDenied
            | Reason::Crashed
            | Reason::NotMember
            | Reason::UserConflict
            | Reason::UnknownClient
            | Reason::UnknownTarget => Self::PermissionDenied,
        }
    }
}
