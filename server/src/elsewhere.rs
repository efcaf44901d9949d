//! Requests for paths at which nothing is served.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tracing::{debug, info};

use crate::{
    hub::Hub,
    peers,
    telling::{About, Tell},
};

/// Says where clients are served.
const SERVED: &str = "nothing is served at this path, expected /socket/websocket for Phoenix clients \
                      (which are given /socket) or /socket.io/ for Socket.IO and Dialogue clients \
                      (which are given no path)\n";

/// How much of a path the log has.
const LONGEST: usize = 200;

/// Answers with 404. A WebSocket that was asked for gets a line in the log, since its client may only
/// say that it can't connect.
pub(crate) async fn answer(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    if is_websocket(request.headers()) {
        let peer = peers::address(&hub.settings, request.headers(), request.extensions());
        let peer = peer.map(tracing::field::display);
        let path = request.uri().path();
        let path = path.get(..LONGEST).unwrap_or(path);
        match hub.tell(About::Elsewhere) {
            Tell::Line { untold } => info!(peer, path, untold, "websocket asked for, unknown path"),
            Tell::Nothing => debug!(peer, path, "websocket asked for, unknown path"),
        }
    }
    (StatusCode::NOT_FOUND, SERVED).into_response()
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE);
    upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
