//! Opens the file of a history: makes what is missing, and refuses what is something else.
//!
//! Knows the layout of the file, and nothing about what is asked of it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::{HistorySync, beside};

/// By which a file is known as a history: "parl".
pub(super) const APPLICATION_ID: i32 = 0x7061_726c;

/// How the file is laid out. Another layout is another number.
pub(super) const VERSION: i32 = 1;

/// How a file of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What is said to be expected of a file that is something else.
const EXPECTED: &str = "expected a history of parlor-server, or no file";

/// How long somebody else may keep the file to himself, such as who makes a copy of it.
const BUSY: Duration = Duration::from_secs(5);

/// How large the log beside the file stays, once what it has is in the file.
const LOG_BYTES: u32 = 64 << 20;

/// A place is an event name of a topic. How many messages it holds is counted where they come and
/// go, and one that holds none is not there. Of a topic, messages up to the epoch `cut` are nobody's
/// but of the room of their own epoch.
const SCHEMA: &str = "
    CREATE TABLE topic (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        cut INTEGER NOT NULL DEFAULT 0
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
        UNIQUE (place, epoch, offset)
    ) STRICT;
    CREATE INDEX message_by_time ON message (timestamp_ms);
    CREATE TRIGGER message_comes AFTER INSERT ON message BEGIN
        UPDATE place SET held = held + 1 WHERE id = NEW.place;
    END;
    CREATE TRIGGER message_goes AFTER DELETE ON message BEGIN
        UPDATE place SET held = held - 1 WHERE id = OLD.place;
        DELETE FROM place WHERE id = OLD.place AND held = 0;
    END;
    CREATE TRIGGER place_goes AFTER DELETE ON place BEGIN
        DELETE FROM topic WHERE id = OLD.topic AND cut = 0
            AND NOT EXISTS (SELECT 1 FROM place WHERE topic = OLD.topic);
    END;
";

/// A file that is a history, and nobody else's.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) reader: Connection,
    /// Held as long as either is used.
    pub(super) lock: Arc<File>,
    /// The highest epoch that it knows.
    pub(super) last_epoch: u64,
}

impl Opened {
    pub(super) fn open(file: &Path, sync: HistorySync) -> Result<Self, String> {
        check_beginning(file)?;
        let lock = lock(&beside(file, ".lock"))?;
        let mut writer =
            Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))
                .map_err(|error| explain(&error))?;
        lay_out(&mut writer)?;
        set_up(&writer, sync).map_err(|error| explain(&error))?;
        let last_epoch = look_through(&writer).map_err(|error| explain(&error))?;
        let reader = Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))
            .and_then(|reader| {
                reader.busy_timeout(BUSY)?;
                reader.pragma_update(None, "cell_size_check", true)?;
                Ok(reader)
            });
        let reader = reader.map_err(|error| explain(&error))?;
        Ok(Self { writer, reader, lock: Arc::new(lock), last_epoch })
    }
}

/// One thread uses a connection, and a path is a path, not an address.
fn flags(access: OpenFlags) -> OpenFlags {
    let create = if access == OpenFlags::SQLITE_OPEN_READ_WRITE {
        OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::empty()
    };
    access | create | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// SQLite says the same of some files only when it comes to read them.
fn check_beginning(file: &Path) -> Result<(), String> {
    let cannot = |error| format!("it can't be read ({error}), {EXPECTED}");
    let length = match fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Err(format!("it is no file, {EXPECTED}")),
    };
    if length == 0 {
        return Ok(());
    }
    let mut beginning = Vec::new();
    let opened = File::open(file).map_err(cannot)?;
    opened.take(MAGIC.len() as u64).read_to_end(&mut beginning).map_err(cannot)?;
    if beginning != MAGIC {
        return Err(format!("it is no file of SQLite, {EXPECTED}"));
    }
    Ok(())
}

/// Kept in a file of its own: closing another one would free SQLite's locks of the file itself.
fn lock(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let expected = "expected a directory in which files can be made";
    let file =
        file.map_err(|error| format!("{} can't be made ({error}), {expected}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err("another server uses it, expected one of its own for each".into())
        }
        Err(TryLockError::Error(error)) => {
            Err(format!("{} can't be locked ({error}), expected to be able to", path.display()))
        }
    }
}

/// Makes the tables in a file that is empty; of any other, only a history will do.
fn lay_out(connection: &mut Connection) -> Result<(), String> {
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
    if version != VERSION {
        return Err(format!("its layout has version {version}, expected {VERSION}"));
    }
    Ok(())
}

fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)
}

fn set_up(connection: &Connection, sync: HistorySync) -> rusqlite::Result<()> {
    let mode: String = connection.query_one("PRAGMA journal_mode = wal", [], |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(mode, "the history has no log, so pages wait for what is written");
    }
    let sync = match sync {
        HistorySync::Normal => "normal",
        HistorySync::Full => "full",
    };
    connection.pragma_update(None, "synchronous", sync)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)
}

/// Reads something of each table and index, so that damage is likely to be found before anybody
/// relies on the file, and returns the highest epoch. Costs O(n log m) for n places and m messages.
fn look_through(connection: &Connection) -> rusqlite::Result<u64> {
    connection.execute("DELETE FROM topic WHERE id NOT IN (SELECT topic FROM place)", [])?;
    for newest in [
        "SELECT name FROM topic ORDER BY name DESC LIMIT 1",
        "SELECT topic, event FROM place ORDER BY topic DESC, event DESC LIMIT 1",
        "SELECT held FROM place ORDER BY id DESC LIMIT 1",
        "SELECT timestamp_ms FROM message ORDER BY timestamp_ms DESC LIMIT 1",
        "SELECT payload FROM message ORDER BY id DESC LIMIT 1",
    ] {
        connection.prepare(newest)?.query([])?.next()?;
    }
    let epoch = "
        SELECT max(
            (SELECT coalesce(max(cut), 0) FROM topic),
            (SELECT coalesce(max((
                SELECT max(epoch) FROM message WHERE message.place = place.id
            )), 0) FROM place)
        )";
    let epoch: i64 = connection.query_one(epoch, [], |row| row.get(0))?;
    Ok(u64::try_from(epoch).unwrap_or(0))
}

/// What SQLite says, and what was expected.
fn explain(error: &rusqlite::Error) -> String {
    let expected = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "expected a history that is whole: one from a back-up, or no file"
        }
        Some(ErrorCode::CannotOpen) => "expected a directory in which files can be made",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "expected a file that can be written"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "expected that nobody else keeps it to himself"
        }
        Some(_) | None => EXPECTED,
    };
    format!("{error}, {expected}")
}
