//! `GET /inspect/rooms`: the largest rooms first.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
};
use futures_util::future::join_all;
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

/// Of how many rooms a shard tells the sizes at once, so that nobody waits long for it.
const AT_ONCE: usize = 500;

/// A room of a shard: as it stands in the list, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    size: Reverse<usize>,
    topic: Topic,
    shard: usize,
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let Params { text, start, limit } = super::allowed(&hub, request)?;
    let limit = super::listed(limit)?;
    let shards = 0..hub.shards.len();
    let found = join_all(shards.map(|shard| find(&hub, shard, &text))).await;

    let (found, mut silent_shards) = look::told(found);
    let all = found.iter().map(|(count, _)| count).sum();
    let mut standings: Vec<_> = found.into_iter().flat_map(|(_, some)| some).collect();
    let matching = standings.len();
    standings.sort_unstable();
    let listed: Vec<_> = standings.into_iter().skip(start).take(limit).collect();
    let (rooms, silent) = describe(&hub, &listed).await;
    silent_shards.extend(silent);
    silent_shards.sort_unstable();
    Ok(Json(Answer { all, matching, rooms, silent_shards }))
}

/// How many rooms a shard has, and those whose topic has that text; nothing if it does not answer.
///
/// The list of topics alone is had at once.
async fn find(hub: &Hub, shard: usize, text: &str) -> Option<(usize, Vec<Standing>)> {
    let topics = look::ask(hub, shard, Channel::topics).await?;
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
        let sizes = look::ask(hub, shard, measure).await?;
        let standing = |(size, topic)| Standing { size, topic, shard };
        standings.extend(sizes.into_iter().map(standing));
    }
    Some((all, standings))
}

/// What those rooms are like, and which shards have not told it; a room that has gone meanwhile is
/// left out.
async fn describe(hub: &Hub, listed: &[Standing]) -> (Vec<Row>, Vec<usize>) {
    let mut of_shard = BTreeMap::<_, Vec<_>>::new();
    for (place, standing) in listed.iter().enumerate() {
        of_shard.entry(standing.shard).or_default().push((place, standing.topic.clone()));
    }
    let asked = of_shard.into_iter().map(|(shard, topics)| {
        let describe = move |channel: &Channel| {
            let row = |(place, topic)| Row::of(channel, &topic).map(|row| (place, row));
            topics.into_iter().filter_map(row).collect::<Vec<_>>()
        };
        async move { (shard, look::ask(hub, shard, describe).await) }
    });
    let (mut rows, mut silent_shards) = (Vec::new(), Vec::new());
    for (shard, described) in join_all(asked).await {
        match described {
            Some(some) => rows.extend(some),
            None => silent_shards.push(shard),
        }
    }
    rows.sort_by_key(|(place, _)| *place);
    (rows.into_iter().map(|(_, row)| row).collect(), silent_shards)
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
