//! Whether the server works, for whoever watches it.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::hub::Hub;

/// How long the engine may take to say that it is alive.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `/healthz` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
    connections: usize,
    /// What does not work, though clients are served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    degraded: Vec<String>,
}

/// Status 200 if the engine answers, 503 if it does not or the server is about to go.
///
/// It is also 200 if something does not work that clients do not notice: another server in place of
/// this one would serve them no better, and its start would cost them their connections.
pub(crate) async fn check(State(hub): State<Arc<Hub>>) -> (StatusCode, Json<Health>) {
    let mut degraded = Vec::new();
    if hub.metrics.engine.has_journal_failed() {
        degraded.push("the journal has ended, as it can't be written".to_owned());
    }
    degraded.extend(hub.history.iter().flat_map(|history| history.troubles()));
    let (code, status) = if hub.going.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "going")
    } else if !hub.answers(PATIENCE).await {
        (StatusCode::SERVICE_UNAVAILABLE, "stuck")
    } else if degraded.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::OK, "degraded")
    };
    let connections = hub.connections.count();
    (code, Json(Health { status, connections, degraded }))
}
