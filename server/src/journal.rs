//! Records what goes into the channel of a shard, so that `parlor` replays it exactly.
//!
//! Beside the lines of `FILE.0` stands the configuration, in `FILE.0.config.json`; so
//! `parlor --config FILE.0.config.json FILE.0` writes, byte for byte, what the channel said. A
//! journal from before is not overwritten: it is renamed, by the time at which the new one began.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use parlor::{Config, Event};

/// The journal of one shard.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    line: Vec<u8>,
}

impl Journal {
    /// Begins the journal of a shard, and writes how its channel is configured.
    pub(crate) fn create(base: &Path, shard: usize, config: &Config) -> io::Result<Self> {
        let path = with_ending(base, &format!(".{shard}"));
        let config_path = with_ending(&path, ".config.json");
        for earlier in [&path, &config_path] {
            if earlier.try_exists()? {
                let ending = format!(".before-{}", config.first_epoch());
                fs::rename(earlier, with_ending(earlier, &ending))?;
            }
        }
        fs::write(config_path, config.to_json())?;
        let file = BufWriter::with_capacity(1 << 16, File::create_new(&path)?);
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

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
