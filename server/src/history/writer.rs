//! The thread that writes, and lets go what is too old or too much.

use std::{
    fs::File,
    mem,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SendError, Sender},
    },
    time::Duration,
};

use rusqlite::Connection;
use tracing::{error, info, warn};

use super::{Command, Entry, HistorySettings, Load, Tally, table, table::Swept};
use crate::clock::Clock;

/// How many messages are written at once, roughly.
const BATCH: usize = 4_096;

/// How long it waits before it looks for what is too old, and before it tries again what failed.
const SWEEP_MS: u64 = 10_000;
const RETRY_MS: u64 = 1_000;

/// What it owns.
pub(super) struct Writer {
    connection: Connection,
    settings: HistorySettings,
    clock: Clock,
    loads: Sender<Box<Load>>,
    tally: Arc<Tally>,
    _lock: Arc<File>,
    /// What was handed over and is not written, in its order.
    unwritten: Vec<Entry>,
    sweep_at_ms: u64,
    state: State,
    /// How many messages were lost when that was last told.
    lost: u64,
}

/// Whether writing works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    Fails { retry_at_ms: u64 },
}

impl Writer {
    pub(super) const fn new(
        connection: Connection,
        settings: HistorySettings,
        clock: Clock,
        loads: Sender<Box<Load>>,
        tally: Arc<Tally>,
        lock: Arc<File>,
    ) -> Self {
        Self {
            connection,
            settings,
            clock,
            loads,
            tally,
            _lock: lock,
            unwritten: Vec::new(),
            sweep_at_ms: 0,
            state: State::Works,
            lost: 0,
        }
    }

    /// Writes until nobody is left who could hand anything over, and all of it is written.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        self.trim();
        loop {
            let next = commands.recv_timeout(self.patience());
            let ends = matches!(next, Err(RecvTimeoutError::Disconnected));
            let mut loads = Vec::new();
            let mut next = next.ok();
            while let Some(command) = next {
                match command {
                    Command::Write(entry) => self.unwritten.push(entry),
                    Command::Load(load) => loads.push(load),
                }
                let full = loads.len() >= BATCH || self.unwritten.len() >= BATCH;
                next = if full { None } else { commands.try_recv().ok() };
            }
            self.write(ends);
            self.pass_on(loads);
            self.sweep();
            if ends {
                return self.end();
            }
        }
    }

    /// Until when nothing has to be done, unless something is handed over.
    fn patience(&self) -> Duration {
        let at_ms = match self.state {
            State::Works => self.sweep_at_ms,
            State::Fails { retry_at_ms } => retry_at_ms,
        };
        self.clock.until(at_ms)
    }

    /// Writes what was handed over; after a failure not before its time, but for the last time.
    fn write(&mut self, is_last: bool) {
        let is_early = match self.state {
            State::Works => false,
            State::Fails { retry_at_ms } => self.clock.now_ms() < retry_at_ms,
        };
        if self.unwritten.is_empty() || (is_early && !is_last) {
            return;
        }
        match table::write(&mut self.connection, &self.unwritten, self.settings.max_messages) {
            Ok(written) => {
                if self.state != State::Works {
                    info!("the history is written again");
                }
                self.state = State::Works;
                self.tally.fails.store(false, Ordering::Relaxed);
                self.tally.written.fetch_add(written, Ordering::Relaxed);
                self.forget_unwritten();
                self.tell_lost();
            }
            Err(failure) => {
                if self.state == State::Works {
                    let waiting = self.unwritten.len();
                    error!(%failure, waiting, "the history can't be written, which is tried again");
                }
                self.state = State::Fails { retry_at_ms: self.clock.now_ms() + RETRY_MS };
                self.tally.fails.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Makes room for more to wait.
    fn forget_unwritten(&mut self) {
        let bytes = mem::take(&mut self.unwritten).iter().map(Entry::bytes).sum();
        self.tally.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn tell_lost(&mut self) {
        let lost = self.tally.lost.load(Ordering::Relaxed);
        if lost > self.lost {
            warn!(lost = lost - self.lost, "messages are not in the history, as it was behind");
            self.lost = lost;
        }
    }

    /// Hands on who asks for pages. What is not written can't be read: then the page is what memory
    /// has of it, rather than one with a hole.
    fn pass_on(&self, loads: Vec<Box<Load>>) {
        for load in loads {
            if self.state == State::Works {
                // Whoever reads goes after who writes, but by a defect.
                if let Err(SendError(load)) = self.loads.send(load) {
                    self.tally.failed_pages.fetch_add(1, Ordering::Relaxed);
                    load.fail();
                }
            } else {
                self.tally.failed_pages.fetch_add(1, Ordering::Relaxed);
                load.fail();
            }
        }
    }

    /// Lets go what is more than the settings say, as they may have said otherwise before.
    fn trim(&self) {
        if let Some(max_messages) = self.settings.max_messages
            && let Err(failure) = table::trim_all(&self.connection, max_messages)
        {
            error!(%failure, "what is too much can't be deleted from the history");
        }
    }

    /// Lets go what is too old, if it is time to look for it.
    fn sweep(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms < self.sweep_at_ms {
            return;
        }
        self.sweep_at_ms = now_ms + SWEEP_MS;
        let Some(max_age_s) = self.settings.max_age_s else { return };
        match table::sweep(&self.connection, oldest_ms(now_ms, max_age_s)) {
            Ok(Swept::All) => {}
            Ok(Swept::Some) => self.sweep_at_ms = now_ms,
            Err(failure) => error!(%failure, "what is old can't be deleted from the history"),
        }
    }

    fn end(mut self) {
        if !self.unwritten.is_empty() {
            let lost = self.unwritten.iter().map(Entry::count).sum();
            self.tally.lost.fetch_add(lost, Ordering::Relaxed);
            self.forget_unwritten();
        }
        self.tell_lost();
        let checkpoint = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let Err(failure) = checkpoint {
            warn!(%failure, "the history has its log beside it still");
        }
    }
}

/// When messages were sent that are as old as they may be.
pub(super) const fn oldest_ms(now_ms: u64, max_age_s: u64) -> u64 {
    now_ms.saturating_sub(max_age_s.saturating_mul(1_000))
}
