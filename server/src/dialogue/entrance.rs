//! How a connection begins: its client says who it is, and is let in or not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parlor::{Limit, RateLimiter, wire::dialogue};
use serde::Deserialize;
use serde_json::Value;
use tokio::{select, time::timeout};
use tracing::{debug, info};

use super::{
    Transport,
    connection::{Connection, End},
    outlet::{Outlet, emit},
    packet::{self, Packet},
    returns::Known,
};
use crate::{
    auth::Identity,
    clock,
    close::Close,
    engine::Wire,
    hub::{EngineGone, Hub},
    metrics::Why,
    parked::Parked,
    random,
    registry::Place,
    sessions::{Return, Sessions},
    telling::{About, Tell},
};

/// What a client shows.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    token: Option<Value>,
    #[serde(rename = "userId")]
    user_id: Option<Value>,
    #[serde(rename = "user_id")]
    also_user_id: Option<Value>,
    session: Option<Value>,
}

/// Who comes, and by what it is known when it comes back.
struct Guest {
    identity: Identity,
    session: Option<String>,
}

/// Waits until the client says who it is, and lets it in.
pub(super) async fn let_in(
    hub: &Arc<Hub>,
    transport: &Arc<Transport>,
    place: Arc<Place>,
) -> Result<Connection, End> {
    let handshake_ms = hub.settings.connections.handshake_ms;
    let guest = select! {
        guest = timeout(Duration::from_millis(handshake_ms), meet(hub, transport)) => {
            guest.map_err(|_elapsed| End::Closed(Close::silent(handshake_ms)))??
        }
        () = hub.going.cancelled() => return Err(End::Closed(Close::restarting())),
    };
    enter(hub, transport, place, &guest).await.map_err(|EngineGone| End::Closed(Close::broken()))
}

/// Reads until the client has said who it is.
async fn meet(hub: &Hub, transport: &Transport) -> Result<Guest, End> {
    loop {
        let message = transport.data.take().await?;
        match Packet::read(&message) {
            Ok(Packet::Connect(auth)) => return authenticate(hub, auth),
            Ok(Packet::ConnectElsewhere(namespace)) => {
                emit(transport, &packet::no_namespace(namespace))?;
            }
            Ok(
                Packet::Disconnect
                | Packet::Event(_)
                | Packet::WithAttachments(_)
                | Packet::Elsewhere,
            ) => {
                return Err(End::Closed(Close::malformed("expected to be told who connects")));
            }
            Err(malformed) => return Err(End::Closed(Close::malformed(malformed.to_string()))),
        }
    }
}

fn authenticate(hub: &Hub, auth: Option<&str>) -> Result<Guest, End> {
    let refused = |why, message: &str| {
        hub.metrics.doors.refused(Wire::Dialogue, why);
        End::Refused(packet::refused(message))
    };
    let auth = auth.map_or_else(|| Ok(Auth::default()), serde_json::from_str);
    let auth = auth.map_err(|_| refused(Why::Unauthenticated, "auth is no object"))?;
    let session = auth.session.and_then(text);
    let session_bytes = session.as_ref().map_or(1, String::len);
    if !(1..=Sessions::MAX_BYTES).contains(&session_bytes) {
        let max = Sessions::MAX_BYTES;
        let message = format!("session has {session_bytes} bytes, expected 1 to {max}");
        return Err(refused(Why::Session, &message));
    }
    let token = auth.token.and_then(text);
    let user_id = auth.user_id.or(auth.also_user_id).and_then(text);
    let (token, user_id) = (token.as_deref(), user_id.as_deref());
    let identity =
        hub.settings.auth.authenticate(token, user_id, clock::unix_s()).map_err(|error| {
            match hub.tell(About::Connections(Why::Unauthenticated)) {
                Tell::Line { untold } => info!(%error, untold, "not authenticated"),
                Tell::Nothing => debug!(%error, "not authenticated"),
            }
            refused(Why::Unauthenticated, "not authenticated")
        })?;
    Ok(Guest { identity, session })
}

/// A text, or a number as text.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

async fn enter(
    hub: &Arc<Hub>,
    transport: &Arc<Transport>,
    place: Arc<Place>,
    Guest { identity, session }: &Guest,
) -> Result<Connection, EngineGone> {
    let user_id = &identity.user_id;
    let (client_id, known) = if let Some(session) = session {
        // Not that of a Phoenix client of the same page.
        let session = format!("dialogue {session}");
        (hub.sessions.client_id(user_id, Some(&session)).0, Known::BySession)
    } else {
        let found = hub.returns.found(user_id, hub.clock.now_ms());
        (found.unwrap_or_else(|| random::name().into()), Known::ByUser)
    };
    let client = (client_id, Return::Possible);
    let link = hub.enter(identity, client, Wire::Dialogue, place).await?;
    let rooms = hub.returns.enter(&link.client_id, user_id, known, hub.clock.now_ms());
    let limits = &hub.settings.connections;
    let page_length = hub.settings.channel.limit(Limit::PageLength);
    let codec = dialogue::Connection::new(&link.client_id, &link.user_id);
    let lives = |until: u64| Duration::from_secs(until.saturating_sub(clock::unix_s()));
    Ok(Connection {
        transport: Arc::clone(transport),
        outlet: Outlet::new(Arc::clone(transport), Duration::from_millis(limits.idle_ms)),
        codec: codec.with_page_length(page_length),
        link,
        rooms,
        silence: super::silence(limits),
        listings: super::listings::Listings::new(),
        rate: RateLimiter::new(limits.events_per_window, limits.window_ms),
        parked: Parked::default(),
        waiting: std::collections::VecDeque::new(),
        expires_at: identity
            .expires_at
            .and_then(|until| Instant::now().checked_add(lives(until)))
            .map(Into::into),
    })
}
