//! `GET /inspect/clients`: connections, those with the fullest queues first.

use std::{cmp::Reverse, net::IpAddr, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
};
use parlor::{Channel, ClientId, UserId};
use serde::{Deserialize, Serialize};

use super::look;
use crate::{hub::Hub, problem::Problem, queue::Waiting, registry::Known};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// What the id of a client has in it, or that of its user.
    #[serde(default)]
    text: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// How many there are.
    all: usize,
    /// How many of them have the text that is looked for.
    matching: usize,
    /// How much that is live may wait for each.
    queue_limit: Limit,
    clients: Vec<Row>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Limit {
    items: usize,
    bytes: usize,
}

/// What waits for a connection.
#[derive(Debug, Clone, Copy, Serialize)]
struct Queued {
    /// Live messages, which have a limit.
    items: usize,
    bytes: usize,
    /// What the client has asked for.
    answer_items: usize,
    answer_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    client_id: ClientId,
    user_id: UserId,
    protocol: &'static str,
    /// Of IPv6, the first 64 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    connected_at_ms: u64,
    queue: Queued,
    /// Unknown if the engine does not answer in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<usize>,
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let Params { text, limit } = super::allowed(&hub, request)?;
    let limit = super::listed(limit)?;
    let limits = &hub.settings.connections;
    let queue_limit = Limit { items: limits.queue_items, bytes: limits.queue_bytes };

    let known = hub.registry.all();
    let all = known.len();
    let is_looked_for = |known: &Known| {
        known.client_id.as_str().contains(&text) || known.user_id.as_str().contains(&text)
    };
    let matching = known.into_iter().filter(is_looked_for);
    let mut clients: Vec<_> = matching.map(Row::of).collect();
    clients.sort_by(|one, other| one.standing(queue_limit).cmp(&other.standing(queue_limit)));
    let matching = clients.len();
    clients.truncate(limit);
    count_rooms(&hub, &mut clients).await;
    Ok(Json(Answer { all, matching, queue_limit, clients }))
}

impl Row {
    fn of(known: Known) -> Self {
        let Known { client_id, user_id, wire, address, since_ms, queue } = known;
        let Waiting { live, answers } = queue.waiting();
        let queue = Queued {
            items: live.items,
            bytes: live.bytes,
            answer_items: answers.items,
            answer_bytes: answers.bytes,
        };
        let protocol = wire.label();
        Self {
            client_id,
            user_id,
            protocol,
            address,
            connected_at_ms: since_ms,
            queue,
            rooms: None,
        }
    }

    /// The fullest queue first, then who has come first.
    fn standing(&self, limit: Limit) -> (Reverse<usize>, u64, &ClientId) {
        let part = |of: usize, limit: usize| of.saturating_mul(1_000_000) / limit.max(1);
        let fullness = part(self.queue.items, limit.items).max(part(self.queue.bytes, limit.bytes));
        (Reverse(fullness), self.connected_at_ms, &self.client_id)
    }
}

/// Counts in how many rooms they are, if the engine answers in time.
async fn count_rooms(hub: &Hub, clients: &mut [Row]) {
    let ids: Arc<[_]> = clients.iter().map(|client| client.client_id.clone()).collect();
    let count = move |channel: &Channel| {
        let rooms = |id: &ClientId| channel.client(id).map_or(0, |client| client.topics);
        ids.iter().map(rooms).collect::<Vec<_>>()
    };
    let counts = look::ask(hub, count).await.unwrap_or_default();
    for (client, rooms) in clients.iter_mut().zip(counts) {
        client.rooms = Some(rooms);
    }
}
