//! Whether the server works, for whoever watches it.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::hub::Hub;

/// How long a shard may take to say that it is alive.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `/healthz` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
    connections: usize,
    shards: usize,
}

/// Status 200 if every shard answers, 503 if one does not or the server is about to go.
pub(crate) async fn check(State(hub): State<Arc<Hub>>) -> (StatusCode, Json<Health>) {
    let (code, status) = if hub.going.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "going")
    } else if hub.answers(PATIENCE).await {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "stuck")
    };
    let (connections, shards) = (hub.connections.count(), hub.shards.len());
    (code, Json(Health { status, connections, shards }))
}
