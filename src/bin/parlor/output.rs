//! Standard output: whole lines, written in large pieces.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

use serde::Serialize;

/// How many bytes are kept before they are written.
const PIECE: usize = 1 << 16;

/// Lines on their way out.
#[derive(Debug)]
pub(crate) struct Output<W> {
    to: W,
    lines: Vec<u8>,
    written: u64,
}

/// Lines can't be written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Whoever has read so far wants no more, as `head` does.
    NobodyReads,
    Failed(io::Error),
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, lines: Vec::with_capacity(2 * PIECE), written: 0 }
    }

    /// Adds a message, or what stands in the place of one, as a line.
    pub(crate) fn push(&mut self, line: &impl Serialize) -> Result<(), WriteError> {
        serde_json::to_writer(&mut self.lines, line).map_err(io::Error::from)?;
        self.lines.push(b'\n');
        self.write_if_many()
    }

    /// Adds lines as they are.
    pub(crate) fn push_text(&mut self, lines: &str) -> Result<(), WriteError> {
        self.lines.extend_from_slice(lines.as_bytes());
        self.write_if_many()
    }

    /// Writes all that was added.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        self.to.write_all(&self.lines)?;
        self.to.flush()?;
        self.written += self.lines.len() as u64;
        self.lines.clear();
        Ok(())
    }

    /// How many bytes were written.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    fn write_if_many(&mut self) -> Result<(), WriteError> {
        if self.lines.len() < PIECE { Ok(()) } else { self.flush() }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::NobodyReads } else { Self::Failed(error) }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyReads => f.write_str("nobody reads standard output"),
            Self::Failed(error) => write!(f, "can't write to standard output: {error}"),
        }
    }
}
