//! The driver: reads what there is, hands it in, writes what comes out, and waits for more.

use std::{
    fmt,
    fs::{self, File},
    hash::BuildHasher,
    io::{self, ErrorKind, IsTerminal, Read, Stderr, StdoutLock, Write},
    path::Path,
    time::Duration,
};

use parlor::{
    Channel, Config, ConfigFileError, Counters, Event, Limit, LineError, LineReader, RestoreError,
};
use serde::Serialize;

use crate::{
    arguments::{ArgumentError, BadLines, Options, Source, Start, Stats, name_of},
    output::{Output, WriteError},
    progress::Progress,
    report::{OutboundCounts, Report},
    snapshot,
};

/// How many bytes are read at once, at most.
const CHUNK: usize = 1 << 16;

/// How a run went that came to the end of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    AllRead,
    SomeLinesBad,
}

/// Why a run ended before its input did.
#[derive(Debug)]
pub(crate) enum Failure {
    Arguments(ArgumentError),
    Input { source: String, error: io::Error },
    BadLine { source: String, error: LineError },
    BadConfig { source: String, error: ConfigFileError },
    BadSnapshot { source: String, error: RestoreError },
    NotSaved { target: String, error: io::Error },
    Output(WriteError),
}

/// Replays the events of a source, from its first line to its last.
pub(crate) fn run(options: &Options) -> Result<Verdict, Failure> {
    replay(options).map_err(|failure| match (failure, &options.save) {
        // Who wants no more has not seen what would be saved as said.
        (Failure::Output(WriteError::NobodyReads), Some(path)) => Failure::NotSaved {
            target: name_of(path),
            error: io::Error::new(ErrorKind::BrokenPipe, "nobody reads standard output"),
        },
        (failure, _) => failure,
    })
}

fn replay(options: &Options) -> Result<Verdict, Failure> {
    let elapsed = stopwatch();
    let unreadable = |error| Failure::Input { source: options.source.to_string(), error };

    let channel = match &options.start {
        Start::Default => new_channel(Config::default()),
        Start::Configured(path) => new_channel(read_config(path)?),
        Start::Saved(path) => snapshot::load(path, draw_hash_key())?,
    };
    let mut reader = LineReader::with_max_line(max_line(channel.config()));
    let (mut source, size) = open(&options.source).map_err(unreadable)?;
    let mut replay = Replay::new(options, channel, size);
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let mut bytes = chunk.get(..length).unwrap_or_default();
        replay.read += length as u64;
        while let Some(read) = reader.read(&mut bytes) {
            replay.take(read)?;
        }
        replay.output.flush()?;
    }
    if let Some(read) = reader.finish() {
        replay.take(read)?;
    }
    replay.end(elapsed)
}

/// The line of output for a bad line: `{"error":{"line":2,"column":1,"message":"expected …"}}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum BadLine {
    Error { line: u64, column: u64, message: String },
}

/// One run and what it has come to.
#[derive(Debug)]
struct Replay<'a> {
    options: &'a Options,
    channel: Channel,
    /// What was counted before this run.
    before: Counters,
    output: Output<StdoutLock<'static>>,
    progress: Progress<Stderr>,
    outbound: OutboundCounts,
    bad_lines: u64,
    read: u64,
}

impl<'a> Replay<'a> {
    fn new(options: &'a Options, channel: Channel, size: Option<u64>) -> Self {
        let watched = io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self {
            options,
            before: channel.stats().counters,
            channel,
            output: Output::new(io::stdout().lock()),
            progress: Progress::new(watched.then(io::stderr), size),
            outbound: OutboundCounts::default(),
            bad_lines: 0,
            read: 0,
        }
    }

    /// Performs what a line says, or answers it if it says nothing.
    fn take(&mut self, read: Result<Event, LineError>) -> Result<(), Failure> {
        self.progress.show(self.read, self.output.written());
        let event = match read {
            Ok(event) => event,
            Err(error) => return self.answer(error),
        };
        self.channel.handle(event);
        for outbound in self.channel.flush_outbox() {
            self.outbound.count(&outbound);
            self.output.push(&outbound)?;
            self.progress.show(self.read, self.output.written());
        }
        Ok(())
    }

    /// Reports a bad line, after all that came of the lines before it.
    fn answer(&mut self, error: LineError) -> Result<(), Failure> {
        match self.options.bad_lines {
            BadLines::Stop => {
                self.output.flush()?;
                Err(Failure::BadLine { source: self.options.source.to_string(), error })
            }
            BadLines::KeepGoing => {
                let LineError { line, column, message, .. } = error;
                self.output.push(&BadLine::Error { line, column, message })?;
                self.bad_lines += 1;
                Ok(())
            }
        }
    }

    fn end(mut self, elapsed: impl Fn() -> Duration) -> Result<Verdict, Failure> {
        self.output.flush()?;
        if let Some(path) = &self.options.save {
            snapshot::save(&self.channel, path)?;
        }
        if self.options.stats == Stats::Told {
            let report = Report {
                stats: self.channel.stats(),
                before: &self.before,
                outbound: &self.outbound,
                bad_lines: self.bad_lines,
                read: self.read,
                written: self.output.written(),
                elapsed: elapsed(),
            };
            self.progress.erase();
            write!(io::stderr().lock(), "{report}").ok();
        }
        Ok(if self.bad_lines == 0 { Verdict::AllRead } else { Verdict::SomeLinesBad })
    }
}

/// Opens a source, and tells its size if that is known.
fn open(source: &Source) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    match source {
        Source::Stdin => Ok((Box::new(io::stdin().lock()), None)),
        Source::File(path) => {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let size = metadata.is_file().then_some(metadata.len());
            Ok((Box::new(file), size))
        }
    }
}

fn new_channel(config: Config) -> Channel {
    // The key is drawn, since names come from outside; no answer depends on it.
    Channel::single_node(config.with_hash_key(draw_hash_key()))
}

fn read_config(path: &Path) -> Result<Config, Failure> {
    let text = read_text(path)?;
    Config::from_json(&text).map_err(|error| Failure::BadConfig { source: name_of(path), error })
}

pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::Input { source: name_of(path), error })
}

/// How long a line may be: as long as by default, or so long that it has as much room for payloads.
fn max_line(config: &Config) -> usize {
    let payload_bytes = config.limit(Limit::PayloadBytes).max(config.limit(Limit::MetaBytes));
    let payload_bytes = usize::try_from(payload_bytes).unwrap_or(usize::MAX);
    payload_bytes.saturating_mul(16).max(LineReader::MAX_LINE)
}

#[expect(clippy::disallowed_types, reason = "a driver draws the key; no output depends on it")]
fn draw_hash_key() -> [u64; 2] {
    let random = std::hash::RandomState::new();
    [0, 1].map(|half| random.hash_one(half))
}

/// Starts to measure, and tells how long ago that was.
#[expect(clippy::disallowed_types, reason = "for --stats alone; the channel's time is in events")]
fn stopwatch() -> impl Fn() -> Duration {
    let started = std::time::Instant::now();
    move || started.elapsed()
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => fmt::Display::fmt(error, f),
            Self::Input { source, error } => write!(f, "{source}: can't be read: {error}"),
            Self::BadLine { source, error: LineError { line, column, message, .. } } => {
                write!(f, "{source}:{line}:{column}: {message}")
            }
            Self::BadConfig { source, error } => {
                let ConfigFileError { line, column, path, message, .. } = error;
                let colon = if path.is_empty() { "" } else { ": " };
                write!(f, "{source}:{line}:{column}: {path}{colon}{message}")
            }
            Self::BadSnapshot { source, error } => write!(f, "{source}: {error}"),
            Self::NotSaved { target, error } => {
                write!(f, "{target}: can't be written: {error}")
            }
            Self::Output(error) => fmt::Display::fmt(error, f),
        }
    }
}
