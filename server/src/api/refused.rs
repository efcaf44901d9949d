//! What is not done, as a status and a problem.

use std::time::Duration;

use axum::http::StatusCode;
use parlor::{Limit, Reason, Refusal};

use crate::{operations::OperationError, problem::Problem};

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::Refused(refusal) => of_refusal(&refusal),
            OperationError::Gone => gone(),
        }
    }
}

/// The server goes.
pub(super) fn gone() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "gone", "the server is about to go")
}

/// The engine is stuck, or has more to do than it can.
pub(super) fn no_answer(patience: Duration) -> Problem {
    let detail = format!("the engine does not answer, expected it to in {patience:?}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_answer", detail)
}

/// There is no room of a topic that was asked about.
pub(super) fn unknown_topic(topic: &str) -> Problem {
    let detail = format!("no room has the topic {topic:?}");
    Problem::new(StatusCode::NOT_FOUND, Reason::UnknownTopic.label(), detail)
}

fn of_refusal(refusal: &Refusal) -> Problem {
    let problem = Problem::new(status(refusal), refusal.reason().label(), refusal.to_string());
    match refusal.limit() {
        Some(limit) => problem.with_limit(limit.label()),
        None => problem,
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal.reason() {
        Reason::UnknownTopic
        | Reason::UnknownClient
        | Reason::UnknownTarget
        | Reason::NotMember => StatusCode::NOT_FOUND,
        Reason::RoomExists | Reason::RoomFull | Reason::UserConflict => StatusCode::CONFLICT,
        // A mark that is too long is wrong by itself; what there is too much of is not.
        Reason::LimitReached if refusal.limit() != Some(Limit::RefBytes) => StatusCode::CONFLICT,
        Reason::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::JoinDenied | Reason::PermissionDenied => StatusCode::FORBIDDEN,
        Reason::Crashed | Reason::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Reason::InvalidName
        | Reason::EventNotAllowed
        | Reason::ValidationFailed
        | Reason::InvalidRequest
        | Reason::LimitReached
        | _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
