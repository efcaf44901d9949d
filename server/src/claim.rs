//! Exclusive use of a file by one server, whichever path leads to it.
//!
//! The lock is on the file itself, so hard links and symbolic links of it are the same file. A table
//! of this process comes first: it refuses a second use without opening the file, because closing
//! any descriptor of a file releases the locks that SQLite holds on it for the whole process.

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A file that this server alone uses, until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    // Invariant: there until it is dropped, and closed under the lock of `CLAIMED`.
    file: Option<File>,
    id: FileId,
}

/// A file, by device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// Why a file can't be claimed.
#[derive(Debug)]
pub(crate) enum Unclaimed {
    /// Another server uses it.
    Taken,
    /// It can't be opened, or made.
    NotOpened(io::Error),
    /// It can't be locked.
    NotLocked(io::Error),
}

/// What this process has claimed.
static CLAIMED: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());

impl Claim {
    /// Claims the file at a path, opened with these options.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, Unclaimed> {
        let mut claimed = claimed();
        if fs::metadata(path).is_ok_and(|there| claimed.contains(&FileId::of(&there))) {
            return Err(Unclaimed::Taken);
        }
        let file = options.open(path).map_err(Unclaimed::NotOpened)?;
        let id = FileId::of(&file.metadata().map_err(Unclaimed::NotOpened)?);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Unclaimed::Taken),
            Err(TryLockError::Error(error)) => return Err(Unclaimed::NotLocked(error)),
        }
        claimed.insert(id);
        Ok(Self { file: Some(file), id })
    }

    pub(crate) const fn file(&self) -> &File {
        self.file.as_ref().expect("a file is there as long as its claim")
    }

    pub(crate) const fn id(&self) -> FileId {
        self.id
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = claimed();
        drop(self.file.take());
        claimed.remove(&self.id);
    }
}

impl FileId {
    /// Returns the file at a path, following links.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|there| Self::of(&there))
    }

    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

fn claimed() -> MutexGuard<'static, BTreeSet<FileId>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}
