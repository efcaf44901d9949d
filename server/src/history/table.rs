//! What is written into the tables of a history, and what is let go. Reading is in [`super::cursor`].
//!
//! Knows nothing about threads, and of time only what it is told.

use std::collections::BTreeMap;

use parlor::{ClientId, EventName, Json, Payload, StoredMessage, Topic, UserId};
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params,
    types::{ToSqlOutput, ValueRef},
};

use super::{Kept, cuts::Waiting};

/// How many messages go in one transaction, at most, so that others get their turn.
const SWEPT_AT_ONCE: i64 = 4_096;

/// Whether there is more to let go than went at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    All,
    Some,
}

/// What is written in one transaction.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) messages: &'a [Kept],
    /// They came after the messages, or with them.
    pub(super) cuts: &'a Waiting,
    pub(super) backlog: Backlog,
}

/// Whether messages that were handed over before this batch may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backlog {
    Some,
    None,
}

/// Writes a batch, and lets go what is more than `max_messages` of a place. Messages that are there
/// already stay as they are. Returns how many were written.
pub(super) fn write(
    connection: &mut Connection,
    batch: &Batch<'_>,
    max_messages: Option<u64>,
) -> rusqlite::Result<u64> {
    let Batch { messages, cuts, backlog } = batch;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut places = BTreeMap::new();
    let mut written = 0;
    for Kept { topic, epoch, messages } in *messages {
        for message in messages {
            let key = (topic, &message.event);
            let place = if let Some(place) = places.get(&key) {
                *place
            } else {
                let place = place(&transaction, topic, &message.event)?;
                places.insert(key, place);
                place
            };
            written += insert(&transaction, place, *epoch, message)?;
        }
    }
    if let Some(max_messages) = max_messages {
        for place in places.values() {
            trim(&transaction, place.id, max_messages)?;
        }
    }
    // A cut of this batch may be ahead of messages that it concerns, one of an earlier batch is not.
    if *backlog == Backlog::None {
        delete_empty(&transaction)?;
    }
    cut(&transaction, cuts)?;
    transaction.commit()?;
    Ok(written)
}

fn cut(transaction: &Transaction<'_>, cuts: &Waiting) -> rusqlite::Result<()> {
    let mut topics = transaction.prepare_cached(
        "INSERT INTO topic (name, cut) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET cut = max(cut, excluded.cut)",
    )?;
    for (topic, epoch) in &cuts.by_topic {
        topics.execute(params![topic.as_str(), signed(*epoch)])?;
    }
    if let Some(epoch) = cuts.of_all {
        transaction.execute("UPDATE topic SET cut = max(cut, ?1)", [signed(epoch)])?;
    }
    Ok(())
}

/// Deletes topics that have a cut and nothing to cut, as many as may go at once.
fn delete_empty(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached(DELETE_EMPTY)?.execute([SWEPT_AT_ONCE])?;
    Ok(())
}

pub(super) const DELETE_EMPTY: &str =
    "DELETE FROM topic WHERE id IN (SELECT id FROM topic WHERE places = 0 LIMIT ?1)";

/// An event name of a topic.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: i64,
    topic: i64,
}

/// Returns a place, which is made if it is not there.
fn place(connection: &Connection, topic: &Topic, event: &EventName) -> rusqlite::Result<Place> {
    let (topic, event) = (topic.as_str(), event.as_str());
    let place = |row: &Row<'_>| Ok(Place { id: row.get(0)?, topic: row.get(1)? });
    let mut places = connection.prepare_cached(
        "SELECT place.id, topic.id FROM topic JOIN place ON place.topic = topic.id
         WHERE topic.name = ?1 AND place.event = ?2",
    )?;
    if let Some(place) = places.query_one([topic, event], place).optional()? {
        return Ok(place);
    }
    let mut topics =
        connection.prepare_cached("INSERT INTO topic (name) VALUES (?1) ON CONFLICT DO NOTHING")?;
    topics.execute([topic])?;
    let mut places = connection.prepare_cached(
        "INSERT INTO place (topic, event) SELECT id, ?2 FROM topic WHERE name = ?1
         RETURNING id, topic",
    )?;
    places.query_one([topic, event], place)
}

fn insert(
    transaction: &Transaction<'_>,
    place: Place,
    epoch: u64,
    message: &StoredMessage,
) -> rusqlite::Result<u64> {
    let mut messages = transaction.prepare_cached(
        "INSERT INTO message (place, epoch, offset, timestamp_ms, user, client, payload, meta,
             topic, except_client, except_user)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (place, epoch, offset) DO NOTHING",
    )?;
    let payload = ToSqlOutput::Borrowed(match &message.payload {
        Payload::Json(json) => ValueRef::Text(json.as_str().as_bytes()),
        Payload::Bytes(bytes) => ValueRef::Blob(bytes),
    });
    let written = messages.execute(params![
        place.id,
        signed(epoch),
        signed(message.offset),
        signed(message.timestamp_ms),
        message.from.as_str(),
        message.client_id.as_ref().map(ClientId::as_str),
        payload,
        message.meta.as_ref().map(Json::as_str),
        place.topic,
        message.except_client.as_ref().map(ClientId::as_str),
        message.except_user.as_ref().map(UserId::as_str),
    ])?;
    Ok(written as u64)
}

/// Lets the oldest of a place go, until it holds no more than `max_messages`.
fn trim(connection: &Connection, place: i64, max_messages: u64) -> rusqlite::Result<()> {
    let mut oldest = connection.prepare_cached(
        "DELETE FROM message WHERE id IN (
             SELECT id FROM message WHERE place = ?1 ORDER BY epoch, offset
             LIMIT (SELECT max(held - ?2, 0) FROM place WHERE id = ?1)
         )",
    )?;
    oldest.execute(params![place, signed(max_messages)])?;
    Ok(())
}

/// Lets go what places hold beyond `max_messages`, as where it was more in an earlier run.
pub(super) fn trim_all(connection: &Connection, max_messages: u64) -> rusqlite::Result<()> {
    let over: Vec<i64> = {
        let mut places = connection.prepare("SELECT id FROM place WHERE held > ?1")?;
        let over = places.query_map([signed(max_messages)], |row| row.get(0))?;
        over.collect::<Result<_, _>>()?
    };
    for place in over {
        trim(connection, place, max_messages)?;
    }
    Ok(())
}

/// Lets go messages that were sent before `oldest_ms`, as many as may go at once.
pub(super) fn sweep(connection: &Connection, oldest_ms: u64) -> rusqlite::Result<Swept> {
    let mut old = connection.prepare_cached(
        "DELETE FROM message WHERE id IN (
             SELECT id FROM message WHERE timestamp_ms < ?1 ORDER BY timestamp_ms LIMIT ?2
         )",
    )?;
    let gone = old.execute([signed(oldest_ms), SWEPT_AT_ONCE])?;
    Ok(if gone as u64 == SWEPT_AT_ONCE.unsigned_abs() { Swept::Some } else { Swept::All })
}

/// SQLite's numbers have a sign. None of ours is so large.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
