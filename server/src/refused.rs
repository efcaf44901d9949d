//! Requests that become no connection: what the client is told, and the one line that says why.

use std::{borrow::Cow, net::IpAddr};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tracing::info;

use crate::registry::Full;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    /// What the client is told.
    reason: Cow<'static, str>,
    /// What it is not told, but who runs the server.
    because: Option<String>,
}

impl Refused {
    /// It may not.
    pub(crate) fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::FORBIDDEN, reason: reason.into(), because: None }
    }

    /// The server goes.
    pub(crate) const fn restarting() -> Self {
        let reason = Cow::Borrowed("server restarts");
        Self { status: StatusCode::SERVICE_UNAVAILABLE, reason, because: None }
    }

    pub(crate) fn because(self, because: impl Into<String>) -> Self {
        Self { because: Some(because.into()), ..self }
    }

    /// Answers the request, and says so in the log.
    pub(crate) fn answer(self, peer: Option<IpAddr>) -> Response {
        let Self { status, reason, because } = self;
        let peer = peer.map(tracing::field::display);
        info!(peer, reason = &*reason, because, "connection refused");
        (status, reason).into_response()
    }
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        let (status, reason) = match full {
            Full::All => (StatusCode::SERVICE_UNAVAILABLE, "too many connections"),
            Full::OfThatAddress => {
                (StatusCode::TOO_MANY_REQUESTS, "too many connections of one address")
            }
        };
        Self { status, reason: Cow::Borrowed(reason), because: None }
    }
}
