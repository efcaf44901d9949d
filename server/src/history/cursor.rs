//! Reads the messages before a position from the tables of a history, newest first.
//!
//! A page costs O(log n) to find its beginning, and then one row per message, whatever is asked: the
//! rows that it reads and the bytes that it returns are bounded, and where it stops for that it says
//! where to go on.

use std::sync::Arc;

use parlor::{ClientId, EventName, Json, Payload, Position, StoredMessage, Topic, UserId};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params, types::ValueRef};

use super::{
    HistoryReach,
    table::{signed, unsigned},
};

/// The part of a page that memory does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topic: Topic,
    /// The epoch of the room in which it is asked for.
    pub(crate) epoch: u64,
    /// Of which name; without one, of any.
    pub(crate) event: Option<EventName>,
    /// Only messages older than that.
    pub(crate) before: Position,
    /// How many of those are passed over, and how many are wanted then.
    pub(crate) skip: u64,
    pub(crate) count: u64,
    /// The most bytes that they have together, and how many are returned whatever their size.
    pub(crate) bytes: u64,
    pub(crate) least: u64,
    /// Who asks: messages that exclude it are left out.
    pub(crate) client_id: ClientId,
    pub(crate) user_id: UserId,
}

/// What was found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The newest first.
    pub(crate) messages: Vec<StoredMessage>,
    /// There may be more before that position: it stopped before it had all that was wanted.
    pub(crate) more: Option<Position>,
}

/// How many rows a page may read beside those that it returns, which are those that exclude whoever
/// asks for it.
pub(super) const SKIPPED: u64 = 4_096;

const TOPIC: &str = "SELECT id, cut FROM topic WHERE name = ?1";

const PLACE: &str = "SELECT id FROM place WHERE topic = ?1 AND event = ?2";

/// Of one name. By (place, epoch, offset).
const NAMED: &str = "
    SELECT epoch, offset, timestamp_ms, user, client, payload, meta, except_client, except_user
    FROM message WHERE place = ?1 AND epoch >= ?2 AND (epoch, offset) < (?3, ?4)
    ORDER BY epoch DESC, offset DESC LIMIT ?5";

/// Of any name. By (topic, epoch, offset).
const ANY: &str = "
    SELECT epoch, offset, timestamp_ms, user, client, payload, meta, except_client, except_user,
        (SELECT event FROM place WHERE place.id = message.place) AS event
    FROM message WHERE topic = ?1 AND epoch >= ?2 AND (epoch, offset) < (?3, ?4)
    ORDER BY epoch DESC, offset DESC LIMIT ?5";

/// All that is asked here.
#[cfg(test)]
pub(super) const QUERIES: [&str; 4] = [TOPIC, PLACE, NAMED, ANY];

/// Reads what is wanted: of the room in which it is asked for, and if pages reach that far of the
/// rooms before it.
pub(super) fn read(
    connection: &Connection,
    wanted: &Wanted,
    reach: HistoryReach,
) -> rusqlite::Result<Found> {
    let nothing = Found { messages: Vec::new(), more: None };
    let Wanted { topic, epoch, event, before, skip, count, .. } = wanted;
    let found = connection
        .prepare_cached(TOPIC)?
        .query_one([topic.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    let Some((topic, cut)) = found.optional()? else { return Ok(nothing) };
    let lowest = match reach {
        HistoryReach::Topic if *epoch > unsigned(cut) => cut.saturating_add(1),
        HistoryReach::Topic | HistoryReach::Room => signed(*epoch),
    };
    let (sql, of) = match event {
        None => (ANY, topic),
        Some(event) => {
            let mut places = connection.prepare_cached(PLACE)?;
            let place = places.query_one(params![topic, event.as_str()], |row| row.get(0));
            let Some(place) = place.optional()? else { return Ok(nothing) };
            (NAMED, place)
        }
    };
    // Nothing of a room that came after that in which it is asked for.
    let end = Position { epoch: epoch.saturating_add(1), offset: 0 };
    let before = (*before).min(end);
    let rows = skip.saturating_add(*count).saturating_add(SKIPPED);
    let mut messages = connection.prepare_cached(sql)?;
    let page = params![of, lowest, signed(before.epoch), signed(before.offset), signed(rows)];
    collect(&mut messages.query(page)?, wanted, rows)
}

/// Takes of the rows what is wanted.
fn collect(rows: &mut Rows<'_>, wanted: &Wanted, max_rows: u64) -> rusqlite::Result<Found> {
    let Wanted { epoch, event, skip, count, bytes: max_bytes, least, client_id, user_id, .. } =
        wanted;
    let (mut messages, mut bytes, mut read, mut passed) = (Vec::new(), 0_u64, 0, 0);
    let mut last = wanted.before;
    let more = loop {
        if messages.len() as u64 == *count {
            break None;
        }
        let Some(row) = rows.next()? else { break (read == max_rows).then_some(last) };
        read += 1;
        let position =
            Position { epoch: unsigned(row.get("epoch")?), offset: unsigned(row.get("offset")?) };
        let excludes = |column: &str, asker: &str| -> rusqlite::Result<bool> {
            Ok(row.get_ref(column)?.as_str_or_null()? == Some(asker))
        };
        let is_hidden = excludes("except_client", client_id.as_str())?
            || excludes("except_user", user_id.as_str())?;
        if is_hidden || passed < *skip {
            passed += u64::from(!is_hidden);
            last = position;
            continue;
        }
        let name = match event {
            Some(event) => event.clone(),
            None => EventName::from(&*row.get::<_, Arc<str>>("event")?),
        };
        let message = message(row, name)?;
        bytes = bytes.saturating_add(message.size() as u64);
        if bytes > *max_bytes && messages.len() as u64 >= *least {
            break Some(last);
        }
        last = position;
        let is_own = position.epoch == *epoch;
        messages.push(if is_own { message } else { message.with_epoch(position.epoch) });
    };
    Ok(Found { messages, more })
}

fn message(row: &Row<'_>, event: EventName) -> rusqlite::Result<StoredMessage> {
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
    let mut message =
        StoredMessage::new(event, payload, &*user, unsigned(offset), unsigned(timestamp_ms));
    let text = |column: &str| row.get::<_, Option<Arc<str>>>(column);
    message.client_id = text("client")?.map(|client| ClientId::from(&*client));
    message.except_client = text("except_client")?.map(|client| ClientId::from(&*client));
    message.except_user = text("except_user")?.map(|user| UserId::from(&*user));
    message.meta = row.get_ref("meta")?.as_bytes_or_null()?.map(json).transpose()?;
    Ok(message)
}

fn json(text: &[u8]) -> rusqlite::Result<Json> {
    let text = str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
    Json::parse(text).map_err(|error| wrong(error.to_string()))
}

fn wrong(said: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(said.into())
}
