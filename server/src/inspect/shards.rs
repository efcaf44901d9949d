//! `GET /inspect/shards`: what waits for each shard, and what its channel counts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use parlor::{Channel, Stats};
use serde::{Deserialize, Serialize};

use super::{Waiting, look};
use crate::{hub::Hub, problem::Problem, shard::MAILBOX};

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
    /// How many messages may wait for a shard.
    mailbox: usize,
    shards: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    shard: usize,
    /// How many messages wait for it.
    waiting: usize,
    /// None of one that did not answer in time.
    #[serde(flatten)]
    seen: Option<Seen>,
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
    let waiting: Vec<_> =
        hub.shards.iter().map(|mailbox| mailbox.max_capacity() - mailbox.capacity()).collect();
    let see =
        |channel: &Channel| Seen { crashed: channel.crashed(), stats: Box::new(channel.stats()) };
    let seen = look::each(&hub, see).await;
    let shards = waiting.into_iter().zip(seen).enumerate();
    Ok(Json(Answer {
        now_ms: hub.clock.now_ms(),
        started_at_ms: hub.clock.started_ms(),
        connections: hub.connections.count(),
        watchers: hub.watchers.count(),
        queues: queued(&hub),
        mailbox: MAILBOX,
        shards: shards.map(|(shard, (waiting, seen))| Row { shard, waiting, seen }).collect(),
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
