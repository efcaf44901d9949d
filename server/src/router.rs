//! The routes of a server.

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get},
};

use crate::{
    api,
    dialogue::{self, Endpoint},
    health,
    hub::Hub,
    inspect, metrics, phoenix,
    server::Server,
};

/// The routes of a server, to be served or to stand beside one's own:
/// `/socket/websocket` for Phoenix clients, which are given `/socket`; `/socket.io/` for clients of
/// Dialogue, which are given none; `/healthz`; `/inspect` and `/metrics` for operators; and `/api`
/// for back ends.
///
/// Who serves them by other means than [`Server::serve`] sees to the time that a handshake may
/// take, and makes addresses of peers known by
/// [`into_make_service_with_connect_info`](Router::into_make_service_with_connect_info), or
/// connections of one address are not limited.
pub fn router(server: &Server) -> Router {
    of_hub(Arc::clone(server.hub()))
}

pub(crate) fn of_hub(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/socket/websocket", get(phoenix::upgrade))
        .route("/socket/longpoll", any(phoenix::no_long_polling))
        .route("/socket.io/", any(dialogue::serve).with_state(Endpoint::new(&hub)))
        .route("/healthz", get(health::check))
        .route("/metrics", metrics::route())
        .merge(inspect::routes())
        .merge(api::routes(&hub))
        .with_state(hub)
}
