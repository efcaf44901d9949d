//! The log: a bounded queue of lines, and a thread that writes them to standard output.
//!
//! A reader of standard output that stops, or has gone, costs lines and nothing else. Everything
//! here is written without waiting and without panicking; lines that don't get through are counted.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal, Write},
    panic::{self, PanicHookInfo},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use clap::ValueEnum;
use tracing::{Level, enabled, error};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// How many lines may wait to be written: some MiB, and seconds of the busiest log.
const WAITING_LINES: usize = 16_384;

/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// The log of the process, from [`Log::start`] to [`Log::end`].
pub(crate) struct Log {
    writer: WorkerGuard,
    drops: Drops,
}

/// Counts the lines that were not written.
#[derive(Debug, Clone)]
pub(crate) struct Drops {
    full: ErrorCounter,
    failed: Arc<AtomicU64>,
}

impl Log {
    /// Begins to log, and sends panics there too.
    pub(crate) fn start(filter: EnvFilter, format: LogFormat) -> Self {
        let failed = Arc::new(AtomicU64::new(0));
        let output = Output { failed: Arc::clone(&failed) };
        let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES);
        let (lines, writer) = queue.thread_name("log").finish(output);
        let drops = Drops { full: lines.error_counter(), failed };
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(io::stdout().is_terminal())
            // They would be written to standard error, which panics if it is closed.
            .log_internal_errors(false)
            .with_writer(lines);
        match format {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().flatten_event(true).init(),
        }
        panic::set_hook(Box::new(log_panic));
        Self { writer, drops }
    }

    pub(crate) fn drops(&self) -> Drops {
        self.drops.clone()
    }

    /// Writes the lines that wait, for as long as the reader takes them within [`LAST_LINES`].
    pub(crate) fn end(self) {
        let (done, ended) = mpsc::channel();
        // The guard writes to standard output itself if the queue is full, and would then wait for
        // ever for the thread that is stuck there. It has a thread of its own, which the end of the
        // process ends.
        let ending = thread::Builder::new().spawn(move || {
            drop(self.writer);
            done.send(()).ok();
        });
        if ending.is_ok() {
            ended.recv_timeout(LAST_LINES).ok();
        }
    }
}

impl Drops {
    /// How many lines found the queue full, or could not be written.
    pub(crate) fn count(&self) -> u64 {
        let full = u64::try_from(self.full.dropped_lines()).unwrap_or(u64::MAX);
        full.saturating_add(self.failed.load(Ordering::Relaxed))
    }
}

/// Standard output, whose failures are counted and otherwise ignored.
struct Output {
    failed: Arc<AtomicU64>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    /// Takes a whole line, which is what the queue hands over.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        if io::stdout().write_all(line).is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().ok();
        Ok(())
    }
}

/// Logs a panic. The default hook would write it to standard error and wait for its reader.
fn log_panic(info: &PanicHookInfo<'_>) {
    if !enabled!(Level::ERROR) {
        return say(&info.to_string());
    }
    let message = info.payload_as_str().unwrap_or("a value that is not text");
    let at = info.location().map(tracing::field::display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    let backtrace = backtrace.as_ref().map(tracing::field::display);
    error!(message, at, backtrace, "panic");
}

/// Writes to standard error, for what must be read however silent the log is. It waits for the
/// reader, so it is for the start and the end of the process.
pub(crate) fn say(message: &str) {
    writeln!(io::stderr(), "parlor-server: {message}").ok();
}
