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

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// How many there are.
    all: usize,
    /// How many of them have the text that is looked for.
    matching: usize,
    rooms: Vec<Row>,
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

/// Of how many rooms the engine tells the sizes at once, so that nobody waits long for it.
const AT_ONCE: usize = 500;

/// A room as it stands in the list, the largest first.
type Standing = (Reverse<usize>, Topic);

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let Params { text, start, limit } = super::allowed(&hub, request)?;
    let limit = super::listed(limit)?;
    let (all, mut standings) = find(&hub, &text).await.ok_or_else(super::no_answer)?;
    let matching = standings.len();
    standings.sort_unstable();
    let listed: Vec<_> = standings.into_iter().skip(start).take(limit).collect();
    let describe = move |channel: &Channel| {
        listed.iter().filter_map(|(_, topic)| Row::of(channel, topic)).collect()
    };
    let rooms = look::ask(&hub, describe).await.ok_or_else(super::no_answer)?;
    Ok(Json(Answer { all, matching, rooms }))
}

/// How many rooms there are, and those whose topic has that text; nothing if the engine does not
/// answer in time.
///
/// The list of topics alone is had at once.
async fn find(hub: &Hub, text: &str) -> Option<(usize, Vec<Standing>)> {
    let topics = look::ask(hub, Channel::topics).await?;
    let all = topics.len();
    let matching: Vec<_> =
        topics.into_iter().filter(|topic| topic.as_str().contains(text)).collect();
    let mut standings = Vec::with_capacity(matching.len());
    for some in matching.chunks(AT_ONCE) {
        let some = some.to_vec();
        let measure = move |channel: &Channel| {
            let size = |topic: &Topic| channel.room(topic).map_or(0, |room| room.size);
            some.into_iter().map(|topic| (Reverse(size(&topic)), topic)).collect::<Vec<_>>()
        };
        standings.extend(look::ask(hub, measure).await?);
    }
    Some((all, standings))
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
}
