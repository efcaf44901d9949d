//! Where history goes on beyond memory, and for how long.

use std::path::{Path, PathBuf};

use super::{error::Wrong, table::Table};
use crate::history::{HistoryReach, HistorySettings, HistorySync};

/// The most seconds that a message may be kept: some thousand years.
const MAX_AGE_S: u64 = 100_000_000_000;

/// Reads `[history]`. Without `file` no other key says anything else than by default, as it would
/// do nothing.
pub(super) fn read(mut table: Table, directory: &Path) -> Result<Option<HistorySettings>, Wrong> {
    let file = table.file("file")?;
    let path = file.as_deref().map_or_else(PathBuf::new, |file| directory.join(file));
    let default = HistorySettings::new(path);
    let reach = match table.text("reach")?.as_deref() {
        None => default.reach,
        Some("topic") => HistoryReach::Topic,
        Some("room") => HistoryReach::Room,
        Some(other) => {
            let wrong = format!("expected \"topic\" or \"room\", got {other:?}");
            return Err(table.wrong("reach", wrong));
        }
    };
    let sync = match table.text("sync")?.as_deref() {
        None => default.sync,
        Some("normal") => HistorySync::Normal,
        Some("full") => HistorySync::Full,
        Some(other) => {
            let wrong = format!("expected \"normal\" or \"full\", got {other:?}");
            return Err(table.wrong("sync", wrong));
        }
    };
    let settings = HistorySettings {
        max_age_s: table.number("max_age_s", 1..=MAX_AGE_S)?,
        max_messages: table.number("max_messages", 1..=u64::from(u32::MAX))?,
        reach,
        sync,
        max_waiting_bytes: table
            .number("max_waiting_bytes", 1 << 20..=1 << 40)?
            .unwrap_or(default.max_waiting_bytes),
        ..default.clone()
    };
    if file.is_none() && settings != default {
        return Err(table.wrong("file", "expected the path of a file, as there are other keys"));
    }
    table.finish()?;
    Ok(file.map(|_| settings))
}
