//! What is asked of the tables of a history: to keep messages, to show pages, to let go.
//!
//! Knows nothing about threads, and of time only what it is told.

use std::{collections::BTreeMap, sync::Arc};

use parlor::{ClientId, EventName, Json, Payload, Position, StoredMessage, Topic};
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params,
    types::{ToSqlOutput, ValueRef},
};

use super::{Cut, Entry, HistoryReach, Kept, Wanted};

/// How many messages go in one transaction, at most, so that others get their turn.
const SWEPT_AT_ONCE: i64 = 4_096;

/// Whether there is more to let go than went at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    All,
    Some,
}

/// Writes messages in one transaction, and lets go what is more than `max_messages` of a place.
/// Those that are there already stay as they are. Returns how many were written.
pub(super) fn write(
    connection: &mut Connection,
    batch: &[Entry],
    max_messages: Option<u64>,
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut places = BTreeMap::new();
    let mut written = 0;
    for entry in batch {
        let Kept { topic, epoch, messages } = match entry {
            Entry::Kept(kept) => kept,
            Entry::Cut(Cut { topic, epoch }) => {
                cut(&transaction, topic, *epoch)?;
                continue;
            }
        };
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
            trim(&transaction, *place, max_messages)?;
        }
    }
    transaction.commit()?;
    Ok(written)
}

fn cut(transaction: &Transaction<'_>, topic: &Topic, epoch: u64) -> rusqlite::Result<()> {
    let mut topics = transaction.prepare_cached(
        "INSERT INTO topic (name, cut) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET cut = max(cut, excluded.cut)",
    )?;
    topics.execute(params![topic.as_str(), signed(epoch)])?;
    Ok(())
}

/// The number of a place, which is made if it is not there.
fn place(connection: &Connection, topic: &Topic, event: &EventName) -> rusqlite::Result<i64> {
    let (topic, event) = (topic.as_str(), event.as_str());
    if let Some((place, _)) = find_place(connection, topic, event)? {
        return Ok(place);
    }
    let mut topics =
        connection.prepare_cached("INSERT INTO topic (name) VALUES (?1) ON CONFLICT DO NOTHING")?;
    topics.execute([topic])?;
    let mut places = connection.prepare_cached(
        "INSERT INTO place (topic, event) SELECT id, ?2 FROM topic WHERE name = ?1 RETURNING id",
    )?;
    places.query_one([topic, event], |row| row.get(0))
}

/// The number of a place, and the cut of its topic.
fn find_place(
    connection: &Connection,
    topic: &str,
    event: &str,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut places = connection.prepare_cached(
        "SELECT place.id, topic.cut FROM topic JOIN place ON place.topic = topic.id
         WHERE topic.name = ?1 AND place.event = ?2",
    )?;
    places.query_one([topic, event], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

fn insert(
    transaction: &Transaction<'_>,
    place: i64,
    epoch: u64,
    message: &StoredMessage,
) -> rusqlite::Result<u64> {
    let mut messages = transaction.prepare_cached(
        "INSERT INTO message (place, epoch, offset, timestamp_ms, user, client, payload, meta)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (place, epoch, offset) DO NOTHING",
    )?;
    let payload = ToSqlOutput::Borrowed(match &message.payload {
        Payload::Json(json) => ValueRef::Text(json.as_str().as_bytes()),
        Payload::Bytes(bytes) => ValueRef::Blob(bytes),
    });
    let written = messages.execute(params![
        place,
        signed(epoch),
        signed(message.offset),
        signed(message.timestamp_ms),
        message.from.as_str(),
        message.client_id.as_ref().map(ClientId::as_str),
        payload,
        message.meta.as_ref().map(Json::as_str),
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

/// What a page wants, the newest first: of the room that was asked for, and if pages reach that far
/// of the rooms before it. Costs O(log n) and O(1) for each message up to its end.
pub(super) fn page(
    connection: &Connection,
    wanted: Wanted<'_>,
    reach: HistoryReach,
) -> rusqlite::Result<Vec<StoredMessage>> {
    let Wanted { topic, epoch, event, before, count } = wanted;
    let Some((place, cut)) = find_place(connection, topic.as_str(), event.as_str())? else {
        return Ok(Vec::new());
    };
    let lowest = match reach {
        HistoryReach::Topic if epoch > unsigned(cut) => cut.saturating_add(1),
        HistoryReach::Topic | HistoryReach::Room => signed(epoch),
    };
    let mut messages = connection.prepare_cached(
        "SELECT epoch, offset, timestamp_ms, user, client, payload, meta FROM message
         WHERE place = ?1 AND epoch >= ?2 AND (epoch, offset) < (?3, ?4)
         ORDER BY epoch DESC, offset DESC LIMIT ?5",
    )?;
    let Position { epoch: upper, offset } = before;
    let page = params![place, lowest, signed(upper), signed(offset), signed(count)];
    let messages = messages.query_map(page, |row| {
        let message = message(row, event)?;
        let of_epoch = unsigned(row.get("epoch")?);
        Ok(if of_epoch == epoch { message } else { message.with_epoch(of_epoch) })
    })?;
    messages.collect()
}

fn message(row: &Row<'_>, event: &EventName) -> rusqlite::Result<StoredMessage> {
    let user: Arc<str> = row.get("user")?;
    let payload = match row.get_ref("payload")? {
        ValueRef::Text(text) => Payload::Json(json(text)?),
        ValueRef::Blob(bytes) => Payload::bytes(bytes),
        other @ (ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_)) => {
            let said = format!("a payload is {}, expected text or bytes", other.data_type());
            return Err(wrong(said));
        }
    };
    let (offset, timestamp_ms) = (row.get("offset")?, row.get("timestamp_ms")?);
    let message =
        StoredMessage::new(event, payload, &*user, unsigned(offset), unsigned(timestamp_ms));
    let message = match row.get::<_, Option<Arc<str>>>("client")? {
        Some(client) => message.with_client_id(&*client),
        None => message,
    };
    Ok(match row.get_ref("meta")?.as_bytes_or_null()? {
        Some(meta) => message.with_meta(json(meta)?),
        None => message,
    })
}

fn json(text: &[u8]) -> rusqlite::Result<Json> {
    let text = str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    Json::parse(text).map_err(|error| wrong(error.to_string()))
}

fn wrong(said: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(said.into())
}

/// SQLite's numbers have a sign. None of ours is so large.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
