//! Opens the file of a history: makes what is missing, and refuses what is something else.
//!
//! Knows nothing about what is asked of it.

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{HistorySync, layout, watch::Watch};
use crate::claim::{Claim, Unclaimed};

/// How a file of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What is said to be expected of a file that is something else.
pub(super) const EXPECTED: &str = "expected a history of parlor-server, or no file";

/// How long somebody else may keep the file to himself, such as who makes a copy of it.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// How large the log beside the file stays, once what it has is in the file.
const LOG_BYTES: u32 = 64 << 20;

/// A file that is a history, and no other server's.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) reader: Connection,
    /// Held as long as either connection is open: see [`Claim`].
    pub(super) claim: Arc<Claim>,
    pub(super) watch: Watch,
    /// The highest epoch that it knows.
    pub(super) last_epoch: u64,
}

impl Opened {
    pub(super) fn open(file: &Path, sync: HistorySync) -> Result<Self, String> {
        check_kind(file)?;
        let claim = Arc::new(claim(file)?);
        check_beginning(&claim)?;
        let mut writer =
            Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))
                .map_err(|error| explain(&error))?;
        layout::lay_out(&mut writer)?;
        set_up(&writer, sync).map_err(|error| explain(&error))?;
        let last_epoch = look_through(&writer).map_err(|error| explain(&error))?;
        let reader = Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))
            .and_then(|reader| {
                reader.busy_timeout(BUSY)?;
                reader.pragma_update(None, "cell_size_check", true)?;
                Ok(reader)
            });
        let reader = reader.map_err(|error| explain(&error))?;
        // Also of a path that has led somewhere else meanwhile.
        let mut watch = Watch::new(file, Arc::clone(&claim));
        watch.look()?;
        Ok(Self { writer, reader, claim, watch, last_epoch })
    }
}

/// One thread uses a connection, and a path is a path, not an address.
fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn check_kind(file: &Path) -> Result<(), String> {
    match fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("it can't be read ({error}), {EXPECTED}")),
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(format!("it is no file, {EXPECTED}")),
    }
}

/// Claims the file, which is made if there is none.
fn claim(file: &Path) -> Result<Claim, String> {
    let claimed =
        Claim::open(file, OpenOptions::new().read(true).write(true).create(true).truncate(false));
    claimed.map_err(|unclaimed| match unclaimed {
        Unclaimed::Taken => "another server uses it, expected one of its own for each".into(),
        Unclaimed::NotOpened(error) if error.kind() == ErrorKind::PermissionDenied => {
            format!("it can't be opened ({error}), expected a file that can be written")
        }
        Unclaimed::NotOpened(error) => {
            format!("it can't be made ({error}), expected a directory in which files can be made")
        }
        Unclaimed::NotLocked(error) => {
            format!("it can't be locked ({error}), expected to be able to")
        }
    })
}

/// SQLite says the same of some files only when it comes to read them.
fn check_beginning(claim: &Claim) -> Result<(), String> {
    let cannot = |error| format!("it can't be read ({error}), {EXPECTED}");
    let length = claim.file().metadata().map_err(cannot)?.len();
    if length == 0 {
        return Ok(());
    }
    let mut beginning = [0; MAGIC.len()];
    match claim.file().read_exact_at(&mut beginning, 0) {
        Ok(()) if beginning == *MAGIC => Ok(()),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(cannot(error)),
        Ok(()) | Err(_) => Err(format!("it is no file of SQLite, {EXPECTED}")),
    }
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
        "SELECT id FROM topic WHERE places = 0 ORDER BY id DESC LIMIT 1",
        "SELECT topic, event FROM place ORDER BY topic DESC, event DESC LIMIT 1",
        "SELECT held FROM place ORDER BY id DESC LIMIT 1",
        "SELECT timestamp_ms FROM message ORDER BY timestamp_ms DESC LIMIT 1",
        "SELECT topic FROM message ORDER BY topic DESC, epoch DESC, offset DESC LIMIT 1",
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
pub(super) fn explain(error: &rusqlite::Error) -> String {
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
