//! The thread that writes, and lets go what is too old or too much.

use std::{
    mem,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use rusqlite::Connection;
use tracing::{error, info, warn};

use super::{
    Command, HistorySettings, Kept, Load, Tally,
    cuts::Cuts,
    reader::is_damage,
    table::{self, Backlog, Batch, Swept},
    turns::Turns,
    watch::Watch,
};
use crate::{claim::Claim, clock::Clock};

/// How many messages are written at once, roughly.
const BATCH: usize = 4_096;

/// How long it waits before it looks for what is too old, and before it tries again what failed.
const SWEEP_MS: u64 = 10_000;
const RETRY_MS: u64 = 1_000;

/// What it owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    // Released after the connection is closed: see `Claim`.
    pub(super) _claim: Arc<Claim>,
    pub(super) watch: Watch,
    pub(super) settings: HistorySettings,
    pub(super) clock: Clock,
    pub(super) cuts: Arc<Cuts>,
    pub(super) turns: Arc<Turns>,
    pub(super) tally: Arc<Tally>,
    pub(super) progress: Progress,
}

/// How far it has got.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What was handed over and is not written, in its order.
    unwritten: Vec<Kept>,
    sweep_at_ms: u64,
    state: State,
    /// How many messages were lost when that was last told.
    lost: u64,
}

/// Whether writing works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Works,
    Fails {
        retry_at_ms: u64,
    },
}

/// Whether there is something to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    /// Nobody is left who could hand anything over.
    Ends,
}

impl Writer {
    /// Writes until nobody is left who could hand anything over, and all of it is written.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        self.trim();
        loop {
            let next = commands.recv_timeout(self.patience());
            let course = match next {
                Err(RecvTimeoutError::Disconnected) => Course::Ends,
                Ok(_) | Err(RecvTimeoutError::Timeout) => Course::On,
            };
            let mut loads = Vec::new();
            let mut next = next.ok();
            let mut backlog = Backlog::None;
            while let Some(command) = next {
                match command {
                    Command::Write(kept) => self.progress.unwritten.push(kept),
                    Command::Cut => {}
                    Command::Load(load) => loads.push(load),
                }
                if loads.len() >= BATCH || self.progress.unwritten.len() >= BATCH {
                    backlog = Backlog::Some;
                    break;
                }
                next = commands.try_recv().ok();
            }
            self.write(backlog, course);
            self.pass_on(loads);
            self.sweep();
            if course == Course::Ends {
                return self.end();
            }
        }
    }

    /// Until when nothing has to be done, unless something is handed over.
    fn patience(&self) -> Duration {
        let at_ms = match self.progress.state {
            State::Works => self.progress.sweep_at_ms,
            State::Fails { retry_at_ms } => retry_at_ms,
        };
        self.clock.until(at_ms)
    }

    /// Writes what was handed over; after a failure not before its time, but for the last time.
    fn write(&mut self, backlog: Backlog, course: Course) {
        let is_early = match self.progress.state {
            State::Works => false,
            State::Fails { retry_at_ms } => self.clock.now_ms() < retry_at_ms,
        };
        if is_early && course == Course::On {
            return;
        }
        // After the messages were taken, so that a load that was taken with them is after its cuts.
        let cuts = self.cuts.take();
        let has_failed = self.progress.state != State::Works;
        if self.progress.unwritten.is_empty() && cuts.is_empty() && !has_failed {
            return;
        }
        let batch = Batch { messages: &self.progress.unwritten, cuts: &cuts, backlog };
        let max_messages = self.settings.max_messages;
        let written = self.watch.look().and_then(|()| {
            table::write(&mut self.connection, &batch, max_messages).map_err(|failure| {
                if is_damage(&failure) {
                    self.tally.damage.set(&failure.to_string());
                }
                failure.to_string()
            })
        });
        match written {
            Ok(written) => {
                self.tally.release(cuts.bytes);
                self.tally.written.fetch_add(written, Ordering::Relaxed);
                self.forget_unwritten();
                self.work();
            }
            Err(failure) => {
                let freed = self.cuts.put_back(cuts);
                self.tally.release(freed);
                self.fail(&failure);
            }
        }
    }

    fn work(&mut self) {
        if self.progress.state != State::Works {
            info!("the history can be written again");
        }
        self.progress.state = State::Works;
        self.tally.writing.clear();
        self.tell_lost();
    }

    fn fail(&mut self, failure: &str) {
        if self.progress.state == State::Works {
            let waiting = self.progress.unwritten.len();
            error!(failure, waiting, "the history can't be written, retrying each second");
        }
        self.progress.state = State::Fails { retry_at_ms: self.clock.now_ms() + RETRY_MS };
        self.tally.writing.set(failure);
    }

    /// Makes room for more to wait.
    fn forget_unwritten(&mut self) {
        let unwritten = mem::take(&mut self.progress.unwritten);
        self.tally.release(unwritten.iter().map(Kept::bytes).sum());
    }

    fn tell_lost(&mut self) {
        let lost = self.tally.lost.load(Ordering::Relaxed);
        let before = mem::replace(&mut self.progress.lost, lost);
        if lost > before {
            warn!(lost = lost - before, "history queue overflowed, messages lost");
        }
    }

    /// Hands on who asks for pages. What is not written can't be read: a page would have a hole.
    fn pass_on(&self, loads: Vec<Load>) {
        for load in loads {
            if self.progress.state == State::Works {
                self.turns.push(load);
            } else {
                self.tally.failed_pages.fetch_add(1, Ordering::Relaxed);
                load.answer(Err("the history can't be written".into()));
            }
        }
    }

    /// Lets go what is more than the settings say, as they may have said otherwise before.
    fn trim(&self) {
        if let Some(max_messages) = self.settings.max_messages
            && let Err(failure) = table::trim_all(&self.connection, max_messages)
        {
            error!(%failure, "excess messages can't be deleted from the history");
        }
    }

    /// Looks after the file, and lets go what is too old, if it is time to.
    fn sweep(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms < self.progress.sweep_at_ms || self.progress.state != State::Works {
            return;
        }
        self.progress.sweep_at_ms = now_ms + SWEEP_MS;
        if let Err(failure) = self.watch.look() {
            return self.fail(&failure);
        }
        let Some(max_age_s) = self.settings.max_age_s else { return };
        match table::sweep(&self.connection, oldest_ms(now_ms, max_age_s)) {
            Ok(Swept::All) => {}
            Ok(Swept::Some) => self.progress.sweep_at_ms = now_ms,
            Err(failure) => error!(%failure, "old messages can't be deleted from the history"),
        }
    }

    fn end(mut self) {
        if !self.progress.unwritten.is_empty() {
            let lost = self.progress.unwritten.iter().map(Kept::count).sum();
            self.tally.lost.fetch_add(lost, Ordering::Relaxed);
            self.forget_unwritten();
        }
        self.tell_lost();
        let checkpoint = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        if let Err(failure) = checkpoint {
            warn!(%failure, "the history keeps its log beside it");
        }
    }
}

impl Drop for Writer {
    /// Also by a panic: what nobody writes any more can't be read either.
    fn drop(&mut self) {
        self.turns.end();
    }
}

/// When messages were sent that are as old as they may be.
pub(super) const fn oldest_ms(now_ms: u64, max_age_s: u64) -> u64 {
    now_ms.saturating_sub(max_age_s.saturating_mul(1_000))
}
