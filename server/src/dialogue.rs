//! Clients of Dialogue over Socket.IO, at `/socket.io/`: who is let to the transport, and what that
//! brings.
//!
//! The transport, Engine.IO by polling and WebSocket, is `engineioxide`, which is what `socketioxide`
//! stands on. Socket.IO's own packets are few and are read here, so that payloads stay the text they
//! came in, what one client says stays in order, and what many are told is written once.

mod connection;
mod entrance;
mod inbox;
mod listings;
mod outlet;
mod packet;
mod returns;
mod rooms;
mod told;
mod upgrade;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use engineioxide::{
    DisconnectReason, Str, config::EngineIoConfig, handler::EngineIoHandler,
    service::EngineIoService,
};
use hyper::service::Service;
use tokio::time::timeout;

use self::{
    inbox::{Ended, Inbox},
    upgrade::Polling,
};
use crate::{
    close::Close, engine::Wire, hub::Hub, peers, refused::Refused, registry::Place,
    settings::ConnectionLimits,
};

pub(crate) use self::{returns::Returns, told::Told};

/// A connection of Engine.IO, with what its client has said.
type Transport = engineioxide::Socket<Inbox>;

/// What serves `/socket.io/`.
#[derive(Clone)]
pub(crate) struct Endpoint {
    hub: Arc<Hub>,
    engine: EngineIoService<Handler>,
    polling: Arc<Polling>,
}

/// The place of a connection, in the request that has begun it. It is free when the transport has
/// let go of that, however long it takes after the end.
#[derive(Clone)]
struct Held(Arc<Place>);

/// The version of Engine.IO that clients of Socket.IO 3 and 4 speak.
const VERSION: &str = "4";

/// What Socket.IO clients expect to be able to send at once, and the least that is taken.
const MAX_PAYLOAD: usize = 1_000_000;

/// How many packets the transport holds until they are taken.
const TRANSPORT_BUFFER: usize = 32;

impl Endpoint {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        let polling = Arc::new(Polling::default());
        let handler = Arc::new(Handler { hub: Arc::clone(hub), polling: Arc::clone(&polling) });
        let engine = EngineIoService::with_config(handler, config(&hub.settings.connections));
        Self { hub: Arc::clone(hub), engine, polling }
    }
}

fn config(limits: &ConnectionLimits) -> EngineIoConfig {
    // What is too long for a client is refused with a reason; what is far too long is not read.
    let max = limits.max_message_bytes.max(MAX_PAYLOAD);
    let [interval, timeout] = pings(limits);
    EngineIoConfig::builder()
        .req_path("/socket.io")
        .ping_interval(interval)
        .ping_timeout(timeout)
        .max_buffer_size(TRANSPORT_BUFFER)
        .max_payload(max as u64)
        .ws_max_message_size(max)
        .ws_max_frame_size(max)
        .build()
}

/// How often a client is asked whether it lives, and for how long its answer is waited for:
/// Socket.IO's own times, in proportion less if a client may be silent for less than they allow.
fn pings(limits: &ConnectionLimits) -> [Duration; 2] {
    [25_000, 20_000].map(|of_45: u64| {
        Duration::from_millis(of_45.min(limits.idle_ms.saturating_mul(of_45) / 45_000).max(1))
    })
}

/// How much later than it is due a busy machine may notice that a client is dead.
const LATE: Duration = Duration::from_secs(1);

/// For how long a client was silent at most when it is taken for dead.
fn silence(limits: &ConnectionLimits) -> Duration {
    pings(limits).iter().sum::<Duration>() + LATE
}

/// Serves a request: of a new connection if there may be one, otherwise of one that there is.
pub(crate) async fn serve(State(endpoint): State<Endpoint>, mut request: Request) -> Response {
    let settings = &endpoint.hub.settings;
    let peer = peers::address(settings, request.headers(), request.extensions());
    let origin = request.headers().get(header::ORIGIN).cloned();
    if let Err(refused) = admit(&endpoint.hub, &mut request, peer) {
        return refused.answer(&endpoint.hub, Wire::Dialogue, peer);
    }
    let preflight = request.method() == Method::OPTIONS;
    let mut response = match *request.method() {
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        // What a client that polls has to say has to arrive; only what it is told may take its time.
        Method::POST => {
            let patience = Duration::from_millis(settings.connections.handshake_ms);
            match timeout(patience, endpoint.engine.call(request)).await {
                Ok(Ok(response)) => response.map(Body::new),
                Err(_elapsed) => StatusCode::REQUEST_TIMEOUT.into_response(),
            }
        }
        _ => {
            if let Some(response) = upgrade::websocket(&endpoint, &mut request) {
                response
            } else {
                let Ok(response) = endpoint.engine.call(request).await;
                response.map(Body::new)
            }
        }
    };
    if let Some(origin) = origin {
        let allow = |name| (name, HeaderValue::from_static("content-type"));
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        headers.extend(preflight.then(|| allow(header::ACCESS_CONTROL_ALLOW_HEADERS)));
    }
    response
}

/// Refuses pages of other origins, and what is too much; a new connection is given a place.
fn admit(hub: &Hub, request: &mut Request, peer: Option<IpAddr>) -> Result<(), Refused> {
    hub.settings.origins.check(request.headers())?;
    let query = request.uri().query().unwrap_or_default();
    if query.split('&').any(|parameter| parameter.starts_with("sid=")) {
        return Ok(());
    }
    let version = query.split('&').find_map(|parameter| parameter.strip_prefix("EIO="));
    if version != Some(VERSION) {
        return Err(Refused::engine(version));
    }
    if hub.going.is_cancelled() {
        return Err(Refused::restarting());
    }
    let place = hub.connections.enter(peer)?;
    request.extensions_mut().insert(Held(Arc::new(place)));
    Ok(())
}

/// Is told by the transport what happens.
struct Handler {
    hub: Arc<Hub>,
    polling: Arc<Polling>,
}

impl EngineIoHandler for Handler {
    type Data = Inbox;

    fn on_connect(self: Arc<Self>, transport: Arc<Transport>) {
        let Some(Held(place)) = transport.req_parts.extensions.get().cloned() else {
            return transport.close(DisconnectReason::TransportClose);
        };
        self.polling.enter(&transport);
        let hub = Arc::clone(&self.hub);
        self.hub.tasks.spawn(connection::run(hub, transport, place));
    }

    fn on_disconnect(&self, transport: Arc<Transport>, reason: DisconnectReason) {
        self.polling.leave(&transport);
        let is_silent = reason == DisconnectReason::HeartbeatTimeout;
        transport.data.end(if is_silent { Ended::Silent } else { Ended::Lost });
    }

    fn on_message(self: &Arc<Self>, message: Str, transport: Arc<Transport>) {
        let limits = &self.hub.settings.connections;
        let (len, max) = (message.len(), limits.max_message_bytes);
        if len > max {
            return transport.data.end(Ended::Closed(Close::too_large(max)));
        }
        let (most, window_ms) = (limits.events_per_window, limits.window_ms);
        let too_many = || Close::too_many_messages(most, window_ms);
        transport.data.put(message, limits.queue_bytes.max(2 * max), too_many);
    }

    fn on_binary(self: &Arc<Self>, _data: Bytes, transport: Arc<Transport>) {
        // Nothing reads attachments, but they count as what a client sends.
        self.on_message(packet::ATTACHMENT.into(), transport);
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_may_be_silent_for_ever_is_asked_as_often_as_others() {
        let limits = ConnectionLimits { idle_ms: u64::MAX, ..ConnectionLimits::default() };
        let config = config(&limits);
        assert_eq!(config.ping_interval, Duration::from_secs(25));
        assert_eq!(config.ping_timeout, Duration::from_secs(20));
    }
}
