//! Records what goes into the channel, so that `parlor` replays it exactly.
//!
//! Beside the lines of `FILE` stands the configuration, in `FILE.config.json`; so
//! `parlor --config FILE.config.json FILE` writes, byte for byte, what the channel said. A
//! journal from before is not overwritten: it is renamed, by the time at which the new one began.
//! One that another server still writes is left alone, whichever path leads to it.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use parlor::{Config, Event};

use crate::claim::{Claim, FileId, Unclaimed};

/// The journal of a server.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: BufWriter<Written>,
    line: Vec<u8>,
}

/// The file of a journal, which no other server writes.
#[derive(Debug)]
struct Written(Claim);

impl Journal {
    /// Begins a journal, and writes how the channel is configured.
    pub(crate) fn create(path: &Path, config: &Config) -> io::Result<Self> {
        let path = path.to_owned();
        let config_path = with_ending(&path, ".config.json");
        // Held until the new one is there, so that of two servers one is refused.
        let _earlier = claim_earlier(&path)?;
        for earlier in [&path, &config_path] {
            if earlier.try_exists()? {
                let ending = format!(".before-{}", config.first_epoch());
                fs::rename(earlier, with_ending(earlier, &ending))?;
            }
        }
        let claim = claim(&path, OpenOptions::new().append(true).create_new(true))?;
        fs::write(config_path, config.to_json())?;
        let file = BufWriter::with_capacity(1 << 16, Written(claim));
        Ok(Self { path, file, line: Vec::new() })
    }

    /// Records an event. What is returned is what the line says when it is read again, and that has
    /// to go in: where the two could differ, as in line breaks of a payload, the line counts.
    pub(crate) fn record(&mut self, event: &Event) -> io::Result<Event> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        let read = serde_json::from_slice(&self.line)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)?;
        Ok(read)
    }

    /// Hands what was recorded over to the machine.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.file().flush()
    }
}

/// Claims the journal that is there, if there is one, so that no server writes it.
fn claim_earlier(path: &Path) -> io::Result<Option<Claim>> {
    if !fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return Ok(None);
    }
    let claim = claim(path, OpenOptions::new().append(true))?;
    // A server that began meanwhile has put its own in place of the one that was opened.
    if FileId::at(path)? == claim.id() { Ok(Some(claim)) } else { Err(taken()) }
}

fn claim(path: &Path, options: &OpenOptions) -> io::Result<Claim> {
    Claim::open(path, options).map_err(|unclaimed| match unclaimed {
        Unclaimed::Taken => taken(),
        Unclaimed::NotOpened(error) | Unclaimed::NotLocked(error) => error,
    })
}

fn taken() -> io::Error {
    io::Error::other("another server writes it, expected one of its own for each")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
