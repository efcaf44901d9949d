//! Notices that the file of a history has been deleted, replaced or truncated: SQLite goes on
//! writing into a file that no path leads to, and nobody would find what it writes.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::beside;
use crate::claim::{Claim, FileId};

/// What is looked at.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    claim: Arc<Claim>,
    /// The log beside it, once there is one.
    log: Option<(PathBuf, FileId)>,
    /// How long the file was at the last look.
    length: u64,
}

/// Where the header of a file of SQLite says how large a page is, and how many there are.
const PAGE_SIZE_AT: u64 = 16;
const PAGE_COUNT_AT: u64 = 28;

/// What `PAGE_SIZE_AT` says of pages of 64 KiB.
const LARGEST_PAGE: u64 = 1;

impl Watch {
    /// Watches the file at that path, which is claimed.
    pub(super) fn new(path: &Path, claim: Arc<Claim>) -> Self {
        // SQLite has its log beside the file itself, not beside a link to it.
        let log = fs::canonicalize(path).map(|path| beside(&path, "-wal"));
        let log = log.and_then(|log| FileId::at(&log).map(|id| (log, id))).ok();
        let length = claim.file().metadata().map_or(0, |metadata| metadata.len());
        Self { path: path.to_owned(), claim, log, length }
    }

    /// Says what has become of the file, if it is not what was opened. O(1).
    pub(super) fn look(&mut self) -> Result<(), String> {
        let replaced = "expected the file that was opened: put it back, or restart the server";
        match FileId::at(&self.path) {
            Ok(id) if id == self.claim.id() => {}
            Ok(_) => return Err(format!("the file was replaced, {replaced}")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(format!("the file was deleted or moved, {replaced}"));
            }
            // A directory that can't be searched for a moment says nothing of the file.
            Err(_) => {}
        }
        if let Some((log, id)) = &self.log
            && FileId::at(log)
                .map_or_else(|error| error.kind() == ErrorKind::NotFound, |at| at != *id)
        {
            return Err(format!(
                "the log beside the file (-wal) was deleted or replaced, {replaced}"
            ));
        }
        if self.is_truncated() {
            return Err("the file was truncated, expected a restart with a copy of it".into());
        }
        Ok(())
    }

    /// Whether it became shorter than its header says. Who compacts it makes it shorter and says so
    /// there, and who copies pages into it writes the header first but never makes it shorter.
    fn is_truncated(&mut self) -> bool {
        let file = self.claim.file();
        let Ok(length) = file.metadata().map(|metadata| metadata.len()) else { return false };
        if length >= self.length {
            self.length = length;
            return false;
        }
        let (mut size, mut count) = ([0; 2], [0; 4]);
        let read = file.read_exact_at(&mut size, PAGE_SIZE_AT);
        if read.and_then(|()| file.read_exact_at(&mut count, PAGE_COUNT_AT)).is_err() {
            return true;
        }
        let size = match u64::from(u16::from_be_bytes(size)) {
            LARGEST_PAGE => 1 << 16,
            size => size,
        };
        if length < size * u64::from(u32::from_be_bytes(count)) {
            return true;
        }
        self.length = length;
        false
    }
}
