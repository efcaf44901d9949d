//! How the file of a history is laid out, and how one of an earlier version gets there.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::file::{BUSY, EXPECTED, explain};

/// By which a file is known as a history: "parl".
pub(super) const APPLICATION_ID: i32 = 0x7061_726c;

/// The version of the layout. Another layout is another number.
pub(super) const VERSION: i32 = 2;

/// A place is an event name of a topic. Triggers count the messages of a place and the places of a
/// topic; a place without messages is deleted. Of a topic, messages up to the epoch `cut` are shown
/// in the room of their own epoch only, so a topic with a cut outlives its places: the writer
/// deletes it once no message of before the cut can follow.
const TABLES: &str = "
    CREATE TABLE topic (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        cut INTEGER NOT NULL DEFAULT 0,
        places INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE place (
        id INTEGER PRIMARY KEY,
        topic INTEGER NOT NULL,
        event TEXT NOT NULL,
        held INTEGER NOT NULL DEFAULT 0,
        UNIQUE (topic, event)
    ) STRICT;
    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        user TEXT NOT NULL,
        client TEXT,
        payload ANY NOT NULL,
        meta TEXT,
        topic INTEGER NOT NULL DEFAULT 0,
        except_client TEXT,
        except_user TEXT,
        UNIQUE (place, epoch, offset)
    ) STRICT;
    CREATE INDEX message_by_time ON message (timestamp_ms);
";

/// What version 2 has beside the columns of [`TABLES`].
const AROUND: &str = "
    CREATE INDEX message_by_topic ON message (topic, epoch, offset);
    CREATE INDEX topic_without_places ON topic (id) WHERE places = 0;
    CREATE TRIGGER message_comes AFTER INSERT ON message BEGIN
        UPDATE place SET held = held + 1 WHERE id = NEW.place;
    END;
    CREATE TRIGGER message_goes AFTER DELETE ON message BEGIN
        UPDATE place SET held = held - 1 WHERE id = OLD.place;
        DELETE FROM place WHERE id = OLD.place AND held = 0;
    END;
    CREATE TRIGGER place_comes AFTER INSERT ON place BEGIN
        UPDATE topic SET places = places + 1 WHERE id = NEW.topic;
    END;
    CREATE TRIGGER place_goes AFTER DELETE ON place BEGIN
        UPDATE topic SET places = places - 1 WHERE id = OLD.topic;
        DELETE FROM topic WHERE id = OLD.topic AND places = 0 AND cut = 0;
    END;
";

/// What makes version 2 of version 1, before [`AROUND`]. It rewrites each message once.
const FROM_1: &str = "
    DROP TRIGGER message_comes;
    DROP TRIGGER message_goes;
    DROP TRIGGER place_goes;
    ALTER TABLE topic ADD COLUMN places INTEGER NOT NULL DEFAULT 0;
    UPDATE topic SET places = (SELECT count(*) FROM place WHERE place.topic = topic.id);
    ALTER TABLE message ADD COLUMN topic INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE message ADD COLUMN except_client TEXT;
    ALTER TABLE message ADD COLUMN except_user TEXT;
    UPDATE message SET topic = (SELECT topic FROM place WHERE place.id = message.place);
";

/// Makes the tables in an empty file, and brings those of an earlier version to this one. Refuses
/// any other file.
pub(super) fn lay_out(connection: &mut Connection) -> Result<(), String> {
    let said = |error: rusqlite::Error| explain(&error);
    connection.busy_timeout(BUSY).map_err(said)?;
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(said)?;
    let number = |sql: &str| transaction.query_one(sql, [], |row| row.get::<_, i32>(0));
    let application_id = number("PRAGMA application_id").map_err(said)?;
    let version = number("PRAGMA user_version").map_err(said)?;
    let objects = number("SELECT count(*) FROM sqlite_schema").map_err(said)?;
    if (application_id, version, objects) == (0, 0, 0) {
        return create(&transaction).and_then(|()| transaction.commit()).map_err(said);
    }
    if application_id != APPLICATION_ID {
        return Err(format!(
            "it is a database of something else (its application_id is {application_id}, \
             expected {APPLICATION_ID}), {EXPECTED}"
        ));
    }
    match version {
        VERSION => Ok(()),
        1 => {
            tracing::info!(from = version, to = VERSION, "converting the history to a new layout");
            upgrade(&transaction).and_then(|()| transaction.commit()).map_err(said)
        }
        other => Err(format!("its layout has version {other}, expected {VERSION} or 1")),
    }
}

fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(AROUND)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)
}

fn upgrade(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(FROM_1)?;
    transaction.execute_batch(AROUND)?;
    transaction.pragma_update(None, "user_version", VERSION)
}
