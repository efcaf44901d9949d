//! Requests that become no connection: what the client is told, and the one line that says why.

use std::{borrow::Cow, net::IpAddr};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tracing::{debug, info, warn};

use crate::{
    engine::Wire,
    hub::Hub,
    metrics::Why,
    registry::Full,
    takeovers::{MAX, TooMany, WINDOW_MS},
    telling::{About, Tell},
};

/// Why there is no connection.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    /// What the client is told.
    reason: Cow<'static, str>,
    /// What it is not told, but who runs the server.
    because: Option<String>,
    log: Log,
    why: Why,
}

/// What is logged of it.
#[derive(Debug)]
enum Log {
    Refusal,
    /// A warning that pages have the same session.
    Contested,
    /// Nothing that has not been said.
    Nothing,
}

impl Refused {
    /// Connections of one client take over from each other, again and again.
    pub(crate) const fn contested(too_many: TooMany) -> Self {
        let reason = Cow::Borrowed("session is used by several connections");
        let log = match too_many {
            TooMany::News => Log::Contested,
            TooMany::Known => Log::Nothing,
        };
        let (status, why) = (StatusCode::TOO_MANY_REQUESTS, Why::Contested);
        Self { status, reason, because: None, log, why }
    }

    /// It may not.
    pub(crate) fn forbidden(why: Why, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            reason: reason.into(),
            because: None,
            log: Log::Refusal,
            why,
        }
    }

    /// The client speaks another version of Engine.IO.
    pub(crate) fn engine(version: Option<&str>) -> Self {
        let got = match version {
            Some("3") => "EIO is 3, as of Socket.IO 2",
            Some(_) => "EIO is another",
            None => "EIO is absent",
        };
        let reason = format!("{got}, expected 4: a client of Socket.IO 3 or 4");
        Self { status: StatusCode::BAD_REQUEST, ..Self::forbidden(Why::Version, reason) }
    }

    /// The server goes.
    pub(crate) const fn restarting() -> Self {
        let reason = Cow::Borrowed("server restarts");
        let (status, why) = (StatusCode::SERVICE_UNAVAILABLE, Why::Going);
        Self { status, reason, because: None, log: Log::Refusal, why }
    }

    pub(crate) fn because(self, because: impl Into<String>) -> Self {
        Self { because: Some(because.into()), ..self }
    }

    /// Answers the request, and says so in the log and in figures.
    pub(crate) fn answer(self, hub: &Hub, wire: Wire, peer: Option<IpAddr>) -> Response {
        let Self { status, reason, because, log, why } = self;
        hub.metrics.doors.refused(wire, why);
        let peer = peer.map(tracing::field::display);
        match log {
            Log::Refusal => match hub.tell(About::Connections(why)) {
                Tell::Line { untold } => {
                    info!(peer, reason = &*reason, because, untold, "connection refused");
                }
                Tell::Nothing => debug!(peer, reason = &*reason, because, "connection refused"),
            },
            Log::Contested => warn!(
                peer,
                "connections with one session took over from each other more than {MAX} times in \
                 {WINDOW_MS} ms, expected a session of its own for each page: newer ones are refused"
            ),
            Log::Nothing => debug!(peer, reason = &*reason, "connection refused"),
        }
        (status, reason).into_response()
    }
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        let (status, why, reason) = match full {
            Full::All => (StatusCode::SERVICE_UNAVAILABLE, Why::Full, "too many connections"),
            Full::OfThatAddress => {
                let reason = "too many connections of one address";
                (StatusCode::TOO_MANY_REQUESTS, Why::FullOfAddress, reason)
            }
        };
        Self { status, reason: Cow::Borrowed(reason), because: None, log: Log::Refusal, why }
    }
}
