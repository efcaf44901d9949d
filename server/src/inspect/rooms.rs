//! `GET /inspect/rooms`: the largest rooms first.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
};
use parlor::{Channel, Topic, UserId};
use serde::{Deserialize, Serialize};

use super::look;
use crate::{hub::Hub, problem::Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// What a topic has in it.
    #[serde(default)]
    text: String,
    /// How many to pass over.
    #[serde(default)]
    start: usize,
    limit: Option<usize>,
}

/// How many rooms are listed, unless it is said, and at most.
const USUAL: usize = 50;
const MOST: usize = 500;

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// How many there are.
    all: usize,
    /// How many of them have the text that is looked for.
    matching: usize,
    rooms: Vec<Row>,
    /// Shards that did not answer in time, so that their rooms are missing.
    silent_shards: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct Row {
    topic: Topic,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<UserId>,
    /// Who has a place in it: members, also those who are away for the grace.
    members: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_members: Option<u32>,
    /// Members who have a connection.
    attached: usize,
    users_present: usize,
    epoch: u64,
    /// How many broadcasts there were in this epoch.
    offset: u64,
    history_messages: u64,
    history_bytes: u64,
}

/// Part of the rooms of a shard: as many as could be listed.
struct Part {
    all: usize,
    matching: usize,
    largest: Vec<Row>,
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let Params { text, start, limit } = super::allowed(&hub, request)?;
    let limit = limit.unwrap_or(USUAL).min(MOST);
    let end = start.saturating_add(limit);
    let parts = look::each(&hub, move |channel| Part::of(channel, &text, end)).await;

    let (mut all, mut matching) = (0, 0);
    let (mut rooms, mut silent_shards) = (Vec::new(), Vec::new());
    for (shard, part) in parts.into_iter().enumerate() {
        match part {
            Some(part) => {
                all += part.all;
                matching += part.matching;
                rooms.extend(part.largest);
            }
            None => silent_shards.push(shard),
        }
    }
    rooms.sort_by(|one, other| one.standing().cmp(&other.standing()));
    let rooms = rooms.into_iter().skip(start).take(limit).collect();
    Ok(Json(Answer { all, matching, rooms, silent_shards }))
}

impl Part {
    /// Costs n log n in the rooms of the shard; what is known of a room is asked of those only that
    /// could be listed.
    fn of(channel: &Channel, text: &str, end: usize) -> Self {
        let topics = channel.topics();
        let all = topics.len();
        let size = |topic: &Topic| channel.room(topic).map_or(0, |room| room.size);
        let matching = topics.into_iter().filter(|topic| topic.as_str().contains(text));
        let mut by_size: Vec<_> = matching.map(|topic| (Reverse(size(&topic)), topic)).collect();
        by_size.sort_unstable();
        let matching = by_size.len();
        by_size.truncate(end);
        let largest = by_size.iter().filter_map(|(_, topic)| Row::of(channel, topic)).collect();
        Self { all, matching, largest }
    }
}

impl Row {
    fn of(channel: &Channel, topic: &Topic) -> Option<Self> {
        let room = channel.room(topic)?;
        let (history_messages, history_bytes) = channel.history_held(topic);
        Some(Self {
            topic: room.topic,
            name: room.name,
            owner: room.owner,
            members: room.size,
            max_members: room.max_members,
            attached: channel.subscribers(topic).len(),
            users_present: channel.presences(topic).len(),
            epoch: room.position.epoch,
            offset: room.position.offset,
            history_messages,
            history_bytes,
        })
    }

    fn standing(&self) -> (Reverse<usize>, &Topic) {
        (Reverse(self.members), &self.topic)
    }
}
