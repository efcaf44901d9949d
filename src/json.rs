//! Reads events from JSON lines, in whatever chunks the bytes arrive.
//!
//! It knows nothing about where bytes come from or what becomes of an event. A line that can't be
//! read is answered with its number, its column and what was expected, and the next one is read
//! as if nothing had happened. What comes out depends on the bytes and not on how they were cut.

mod expected;

use alloc::{format, string::String, vec::Vec};
use core::{fmt, mem};

use crate::event::Event;

/// What some editors put at the start of a file to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads events from JSON lines: bytes in, one [`Event`] or [`LineError`] a line out.
///
/// A line ends with `\n` or `\r\n`, the last one perhaps with the input. Blank lines are counted
/// and skipped, and so is a byte order mark at the very start. Costs are linear in the bytes; a
/// line that lies whole in a chunk is read where it lies, any other is copied once.
///
/// ```
/// use parlor::{Event, LineError, LineReader};
///
/// let said = |read: Result<Event, LineError>| match read {
///     Ok(event) => event.label().to_string(),
///     Err(error) => error.to_string(),
/// };
///
/// let mut reader = LineReader::default();
/// let mut heard = Vec::new();
/// for chunk in ["{\"crash\":{\"rea", "son\":\"boom\"}}\n{\"crash\":{}}\n\"rest", "art\""] {
///     let mut bytes = chunk.as_bytes();
///     while let Some(read) = reader.read(&mut bytes) {
///         heard.push(said(read));
///     }
/// }
/// heard.extend(reader.finish().map(said));
///
/// assert_eq!(heard, ["crash", "line 2, column 11: missing field `reason`", "restart"]);
/// ```
#[derive(Debug, Clone)]
pub struct LineReader {
    max_line: usize,
    /// The number of the line that is being read, from 1.
    line: u64,
    /// What has arrived of it. Invariant: at most one byte more than `max_line`.
    arrived: Vec<u8>,
    progress: Progress,
}

/// What becomes of the line that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Reading,
    /// It is too long, which has been said.
    Skipping,
}

/// A line that is no event. Its `Display` says where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineError {
    /// Which line, counted from 1.
    pub line: u64,
    /// The byte of the line at which reading stopped, counted from 1; one past the last byte of a
    /// line that ends too early.
    pub column: u64,
    /// What was expected. On one line and without control characters, whatever the input was.
    pub message: String,
}

impl LineReader {
    /// How many bytes a line may have, its end not counted, unless a reader is told otherwise:
    /// 1 MiB, room for a payload, a meta and params five times as large as a channel takes by
    /// default.
    pub const MAX_LINE: usize = 1 << 20;

    /// A reader that keeps at most `max_line` bytes of a line, and answers a longer one with an
    /// error. A driver that raises [`Limit::PayloadBytes`](crate::Limit::PayloadBytes) raises this
    /// with it.
    #[must_use]
    pub const fn with_max_line(max_line: usize) -> Self {
        Self { max_line, line: 1, arrived: Vec::new(), progress: Progress::Reading }
    }

    /// Takes the next event from the front of `bytes`, or says what is wrong with its line.
    ///
    /// None when `bytes` is used up; what it had of an unfinished line is kept for the next call.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Option<Result<Event, LineError>> {
        while let Some(end) = find_line_end(bytes) {
            let (rest_of_line, others) = bytes.split_at_checked(end)?;
            *bytes = others.get(1..).unwrap_or_default();
            let read = self.end_line(rest_of_line);
            self.line += 1;
            if read.is_some() {
                return read;
            }
        }
        self.keep(mem::take(bytes)).err().map(Err)
    }

    /// Ends the input: the last line need not end with a line break.
    ///
    /// None if it does, or if nothing but blanks follows the last line break.
    #[must_use = "the last line may have no line break"]
    pub fn finish(mut self) -> Option<Result<Event, LineError>> {
        self.end_line(&[])
    }

    /// Reads the line that ends with `rest`, and makes ready for the next.
    fn end_line(&mut self, rest: &[u8]) -> Option<Result<Event, LineError>> {
        if mem::replace(&mut self.progress, Progress::Reading) == Progress::Skipping {
            return None;
        }
        if self.arrived.is_empty() {
            return self.parse(rest);
        }
        if self.arrived.len() + rest.len() > self.max_line.saturating_add(1) {
            self.arrived.clear();
            return Some(Err(self.too_long()));
        }
        self.arrived.extend_from_slice(rest);
        let read = self.parse(&self.arrived);
        self.arrived.clear();
        read
    }

    /// Keeps `part` of a line whose end has not arrived, as long as the line is not too long.
    fn keep(&mut self, part: &[u8]) -> Result<(), LineError> {
        if self.progress == Progress::Skipping {
            return Ok(());
        }
        // The one byte more may be the first of a line break of two.
        let length = self.arrived.len() + part.len();
        let ends = part.last() == Some(&b'\r');
        if length <= self.max_line || length - 1 == self.max_line && ends || part.is_empty() {
            self.arrived.extend_from_slice(part);
            return Ok(());
        }
        self.arrived.clear();
        self.progress = Progress::Skipping;
        Err(self.too_long())
    }

    /// Reads a whole line, perhaps with the first half of its line break. None if it is blank.
    fn parse(&self, line: &[u8]) -> Option<Result<Event, LineError>> {
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        if content.len() > self.max_line {
            return Some(Err(self.too_long()));
        }
        let marked = if self.line == 1 { content.strip_prefix(BYTE_ORDER_MARK) } else { None };
        let json = marked.unwrap_or(content);
        if json.trim_ascii().is_empty() {
            return None;
        }
        let error = match core::str::from_utf8(json) {
            Ok(text) => match serde_json::from_str(text) {
                Ok(event) => return Some(Ok(event)),
                Err(error) => expected::explain(&error, text),
            },
            Err(error) => expected::explain_utf8(error, json),
        };
        let (column, message) = error;
        Some(Err(self.error(content.len() - json.len() + column, message)))
    }

    fn too_long(&self) -> LineError {
        let message = format!("the line is too long, expected at most {} bytes", self.max_line);
        self.error(self.max_line.saturating_add(1), message)
    }

    const fn error(&self, column: usize, message: String) -> LineError {
        LineError { line: self.line, column: column as u64, message }
    }
}

impl Default for LineReader {
    /// A reader of lines of at most [`LineReader::MAX_LINE`] bytes.
    fn default() -> Self {
        Self::with_max_line(Self::MAX_LINE)
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl core::error::Error for LineError {}

/// Where the first line break is. Looks at whole blocks first, which compilers turn into a few
/// vector instructions each; a search that may stop at any byte takes five times as long.
fn find_line_end(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let is_line_end = |byte: &u8| *byte == b'\n';
    let has_none = |block: &&[u8]| !block.iter().fold(false, |any, byte| any | is_line_end(byte));

    let start = BLOCK * bytes.chunks(BLOCK).take_while(has_none).count();
    let place = bytes.get(start..)?.iter().position(is_line_end)?;
    Some(start + place)
}

#[cfg(test)]
mod tests;
