//! Requests that become a WebSocket.
//!
//! The transport would upgrade them itself, but on a stream that is read while the client takes
//! nothing: each ping would leave a pong in a buffer without a bound, before anybody has said who it
//! is. Here it is given a stream that stops reading then, however the server is mounted.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use engineioxide::{DisconnectReason, TransportType, socket::Sid};
use hyper::{service::Service, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tracing::debug;
use tungstenite::handshake::derive_accept_key;

use super::{Endpoint, Transport};
use crate::patience::{Flow, Patient};

/// The transports that began by polling: any of them may become a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Polling(Mutex<HashMap<Sid, Weak<Transport>>>);

impl Polling {
    /// Keeps a transport that has begun, if it polls.
    pub(super) fn enter(&self, transport: &Arc<Transport>) {
        if transport.transport_type() == TransportType::Polling {
            self.lock().insert(transport.id, Arc::downgrade(transport));
        }
    }

    /// Forgets a transport that has ended.
    pub(super) fn leave(&self, transport: &Transport) {
        self.lock().remove(&transport.id);
    }

    /// Begins to make a WebSocket of the transport that such a request names, if it names one.
    fn upgrade(&self, query: Option<&str>, flow: Flow) -> Option<Arc<Upgrading>> {
        let sid = query?.split('&').find_map(|pair| pair.strip_prefix("sid="))?.parse().ok()?;
        let transport = self.lock().get(&sid)?.clone();
        transport.upgrade()?.data.flows(flow);
        Some(Arc::new(Upgrading(transport)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sid, Weak<Transport>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport that is to become a WebSocket. The engine keeps this with the request until it is
/// done with the stream.
#[derive(Debug)]
struct Upgrading(Weak<Transport>);

impl Drop for Upgrading {
    /// Ends a transport that has not become a WebSocket. The engine does not: it would go on to take
    /// it for one that is being upgraded, which is not asked whether it lives, and so never ends.
    fn drop(&mut self) {
        if let Some(transport) = self.0.upgrade()
            && transport.transport_type() == TransportType::Polling
        {
            transport.close(DisconnectReason::TransportError);
        }
    }
}

/// Answers a request that is to become a WebSocket, and hands its stream to the transport. Any other
/// request is not answered here, and can't become one elsewhere.
pub(super) fn websocket(endpoint: &Endpoint, request: &mut Request) -> Option<Response> {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>()?;
    let accepted = accept(request)?;
    let mut opening = axum::http::Request::new(());
    opening.method_mut().clone_from(request.method());
    opening.uri_mut().clone_from(request.uri());
    *opening.headers_mut() = mem::take(request.headers_mut());
    *opening.extensions_mut() = mem::take(request.extensions_mut());
    let (engine, polling) = (endpoint.engine.clone(), Arc::clone(&endpoint.polling));
    let idle_ms = Duration::from_millis(endpoint.hub.settings.connections.idle_ms);
    endpoint.hub.tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let stream = Patient::new(TokioIo::new(upgraded), idle_ms);
                let upgrading = polling.upgrade(opening.uri().query(), stream.flow());
                opening.extensions_mut().insert(upgrading);
                opening.extensions_mut().insert(stream.flow());
                if let Err(error) = engine.call((stream, opening)).await {
                    debug!(%error, "no WebSocket");
                }
            }
            Err(error) => debug!(%error, "no WebSocket"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().extend([
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accepted),
    ]);
    Some(response)
}

/// The answer to the key of a request for a WebSocket of this protocol; none if it is another
/// request, which the transport says what is wrong with.
fn accept(request: &Request) -> Option<HeaderValue> {
    if *request.method() != Method::GET {
        return None;
    }
    let query = request.uri().query()?;
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
    let is_ours = parameter("EIO=") == Some("4") && parameter("transport=") == Some("websocket");
    let has_known_form = parameter("sid=").is_none_or(|sid| sid.parse::<Sid>().is_ok());
    let names = |name, word| names(request.headers(), name, word);
    let is_websocket = names(header::CONNECTION, "upgrade") && names(header::UPGRADE, "websocket");
    if !(is_ours && has_known_form && is_websocket) {
        return None;
    }
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY)?;
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()
}

/// Whether a header has a word among those that it lists.
fn names(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name);
    let mut words =
        values.iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}
