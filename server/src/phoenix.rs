//! Phoenix clients, over WebSocket at `/socket/websocket`.
//!
//! Here a request becomes a connection, or is refused; [`socket`] is what comes after.

mod socket;

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{
        Query, State,
        ws::{Message, Utf8Bytes, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use parlor::wire::phoenix::{Frame, Positions, check_version};
use serde::Deserialize;

use self::socket::Guest;
use crate::{
    auth::Identity, clock, engine::Wire, hub::Hub, metrics::Why, patience::Flow, peers,
    refused::Refused, registry::Place, sessions::Sessions,
};

/// The subprotocol that clients offer beside their token, and that has to be taken.
const PROTOCOL: &str = "phoenix";

/// The start of a subprotocol that is a token.
const BEARER: &str = "base64url.bearer.phx.";

/// What is read of the query of a request.
#[derive(Deserialize)]
pub(crate) struct Params {
    vsn: Option<String>,
    token: Option<String>,
    user_id: Option<String>,
    session: Option<String>,
    /// Whether broadcasts carry their positions.
    positions: Option<Switch>,
    /// Whether they also carry their senders and times, which includes `positions`.
    senders: Option<Switch>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Switch {
    On,
    Off,
}

impl Params {
    /// What the connection speaks.
    fn wire(&self) -> Wire {
        let is_on = |switch| switch == Some(Switch::On);
        match (is_on(self.senders), is_on(self.positions)) {
            (true, _) => Wire::PhoenixSigned,
            (false, true) => Wire::PhoenixPositioned,
            (false, false) => Wire::Phoenix,
        }
    }
}

/// Takes a connection, or refuses it: 403 if it may not, 429 and 503 if there are too many,
/// 429 if those of one session take over from each other again and again.
pub(crate) async fn upgrade(
    State(hub): State<Arc<Hub>>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let peer = peers::address(&hub.settings, &headers, &extensions);
    let (identity, place) = match admit(&hub, &params, &headers, peer) {
        Ok(admitted) => admitted,
        Err(refused) => return refused.answer(&hub, Wire::Phoenix, peer),
    };
    let wire = params.wire();
    let limits = &hub.settings.connections;
    let max = limits.max_message_bytes;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(max)
        .max_frame_size(max);
    let tasks = hub.tasks.clone();
    let flow = extensions.get::<Flow>().cloned();
    let guest = Guest { wire, identity, session: params.session, place, flow };
    upgrade.on_upgrade(move |websocket| {
        tasks.track_future(socket::run(hub, Box::new(websocket), guest))
    })
}

/// What broadcasts say to such a connection beside what was said.
pub(crate) const fn positions_of(wire: Wire) -> Positions {
    match wire {
        Wire::Phoenix | Wire::Dialogue => Positions::Withheld,
        Wire::PhoenixPositioned => Positions::Sent,
        Wire::PhoenixSigned => Positions::Signed,
    }
}

/// Answers clients that fall back to polling, where a WebSocket did not come about.
pub(crate) async fn no_long_polling() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "long polling is not served, expected a WebSocket\n")
}

/// The size of what each connection reads into. It has that as long as it lives, and it is wiped at
/// each look whether there is something to read.
const READ_BUFFER: usize = 2 << 10;

/// How much is written at once.
const WRITE_BUFFER: usize = 16 << 10;

fn admit(
    hub: &Hub,
    params: &Params,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<(Identity, Place), Refused> {
    check_version(params.vsn.as_deref())
        .map_err(|error| Refused::forbidden(Why::Version, error.to_string()))?;
    hub.settings.origins.check(headers)?;
    let session_bytes = params.session.as_ref().map_or(1, String::len);
    if !(1..=Sessions::MAX_BYTES).contains(&session_bytes) {
        let max = Sessions::MAX_BYTES;
        let reason = format!("session has {session_bytes} bytes, expected 1 to {max}");
        return Err(Refused::forbidden(Why::Session, reason));
    }
    let offered = token_of(headers);
    let token = offered.as_deref().or(params.token.as_deref());
    let identity =
        hub.settings.auth.authenticate(token, params.user_id.as_deref(), clock::unix_s()).map_err(
            |error| {
                let refused = Refused::forbidden(Why::Unauthenticated, "not authenticated");
                refused.because(error.to_string())
            },
        )?;

    if hub.going.is_cancelled() {
        return Err(Refused::restarting());
    }
    if params.session.is_some() {
        let (client_id, _) = hub.sessions.client_id(&identity.user_id, params.session.as_deref());
        hub.registry.may_enter(&client_id, hub.clock.now_ms()).map_err(Refused::contested)?;
    }
    let place = hub.connections.enter(peer)?;
    Ok((identity, place))
}

/// The token that a client has offered among its subprotocols.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut names = offered.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(','));
    let encoded = names.find_map(|name| name.trim().strip_prefix(BEARER))?;
    let token = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?;
    String::from_utf8(token).ok()
}

/// A frame as a socket takes it. All clones share its bytes.
pub(crate) fn message_of(frame: Frame) -> Message {
    struct Text(Arc<str>);

    impl AsRef<[u8]> for Text {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    match frame {
        Frame::Text(text) => {
            let bytes = Bytes::from_owner(Text(text));
            Message::Text(Utf8Bytes::try_from(bytes).unwrap_or_default())
        }
        Frame::Binary(bytes) => Message::Binary(Bytes::from_owner(bytes)),
    }
}
