//! `GET /inspect/engine`: what waits for the engine and its lanes, and what the channel counts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use parlor::{Channel, Stats};
use serde::{Deserialize, Serialize};

use super::{Waiting, look};
use crate::{engine::MAILBOX, hub::Hub, problem::Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    now_ms: u64,
    started_at_ms: u64,
    connections: usize,
    watchers: usize,
    /// What waits in the queues of all connections.
    queues: Waiting,
    mailbox: Mailbox,
    lanes: Vec<Lane>,
    /// None if the engine does not answer in time.
    #[serde(flatten)]
    seen: Option<Seen>,
}

/// Messages that wait for the engine.
#[derive(Debug, Serialize)]
struct Mailbox {
    waiting: usize,
    /// How many may.
    limit: usize,
}

#[derive(Debug, Serialize)]
struct Lane {
    /// How many deliveries wait for it; one more for every 128 bytes of a message.
    waiting: usize,
    /// How often the engine did some of its work, as it had fallen behind.
    helped: u64,
}

#[derive(Debug, Serialize)]
struct Seen {
    crashed: bool,
    stats: Box<Stats>,
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let Params {} = super::allowed(&hub, request)?;
    let see =
        |channel: &Channel| Seen { crashed: channel.crashed(), stats: Box::new(channel.stats()) };
    let seen = look::ask(&hub, see).await;
    let lanes = hub.metrics.lanes.iter();
    let lanes = lanes.map(|lane| Lane { waiting: lane.waiting(), helped: lane.count_helped() });
    Ok(Json(Answer {
        now_ms: hub.clock.now_ms(),
        started_at_ms: hub.clock.started_ms(),
        connections: hub.connections.count(),
        watchers: hub.watchers.count(),
        queues: queued(&hub),
        mailbox: Mailbox { waiting: hub.waiting(), limit: MAILBOX },
        lanes: lanes.collect(),
        seen,
    }))
}

/// Takes O(connections) and locks one queue after the other.
fn queued(hub: &Hub) -> Waiting {
    let mut all = Waiting::default();
    for queue in hub.registry.queues() {
        let waiting = queue.waiting();
        all.items += waiting.live.items + waiting.answers.items;
        all.bytes += waiting.live.bytes + waiting.answers.bytes;
    }
    all
}
