//! A channel in a file: read at the start, written at the end.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use parlor::Channel;

use crate::{
    arguments::name_of,
    replay::{Failure, read_text},
};

/// The channel that was saved in a file.
pub(crate) fn load(path: &Path, hash_key: [u64; 2]) -> Result<Channel, Failure> {
    let text = read_text(path)?;
    Channel::restore(&text, hash_key)
        .map_err(|error| Failure::BadSnapshot { source: name_of(path), error })
}

/// Saves a channel that was flushed. The file is as it was, or is all of it: what is written beside
/// it takes its place when it is whole and on the disk.
pub(crate) fn save(channel: &Channel, path: &Path) -> Result<(), Failure> {
    let saved = channel.save().map_err(io::Error::other).and_then(|text| {
        // A link stays, and what it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let beside = beside(&target)?;
        write(&beside, &text).and_then(|()| fs::rename(&beside, &target)).inspect_err(|_| {
            fs::remove_file(&beside).ok();
        })
    });
    saved.map_err(|error| Failure::NotSaved { target: name_of(path), error })
}

fn beside(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    // A device must not be replaced.
    if target.exists() && !target.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut name: OsString = name.into();
    name.push(".tmp");
    Ok(target.with_file_name(name))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
