//! Moderate load for a long time, with clients and rooms that come and go: memory has to stay flat.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Serialize;
use tokio::{
    select,
    time::{sleep, sleep_until, timeout},
};

use crate::{
    chance::Chance,
    connection::{Connection, PATIENCE, now_ns},
    dialect::{Heard, Said},
    fan_out::cpu_seconds,
    host::Host,
    ledger::{Board, Ledger},
    progress::say,
};

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Soak {
    /// For how long
    #[arg(long, default_value_t = 3_600)]
    pub(crate) seconds: u64,
    /// How many clients there are at a time
    #[arg(long, default_value_t = 200)]
    pub(crate) clients: u32,
    /// How many rooms there are at a time
    #[arg(long, default_value_t = 20)]
    pub(crate) rooms: u32,
    /// How many messages a second they say, all together
    #[arg(long, default_value_t = 50.0)]
    pub(crate) rate: f64,
    /// How long a client stays in a room, in seconds, on average
    #[arg(long, default_value_t = 60.0)]
    pub(crate) stay: f64,
    /// How often the rooms are others, in seconds
    #[arg(long, default_value_t = 60)]
    pub(crate) turn: u64,
    /// How often memory is looked at, in seconds
    #[arg(long, default_value_t = 10)]
    pub(crate) every: u64,
    /// By how many KiB memory may grow in the second half
    #[arg(long, default_value_t = 2_048)]
    pub(crate) may_grow_kib: u64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Soaked {
    pub(crate) seconds: u64,
    pub(crate) said: u64,
    pub(crate) deliveries: u64,
    pub(crate) connections: u64,
    pub(crate) stays: u64,
    pub(crate) cpu_seconds: f64,
    /// Memory by the time since the start, in seconds and KiB.
    pub(crate) rss_kib: Vec<(u64, u64)>,
    /// What the line through the second half grows by, from its start to its end.
    pub(crate) grown_kib: f64,
}

/// What all clients share.
#[derive(Debug)]
struct Shared {
    board: Board,
    said: AtomicU64,
    connections: AtomicU64,
    stays: AtomicU32,
    is_over: AtomicBool,
    began: Instant,
}

impl Soak {
    pub(crate) async fn run(&self, host: &Host) -> Result<Soaked> {
        let shared = Arc::new(Shared {
            board: Board::default(),
            said: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            stays: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
            began: Instant::now(),
        });
        let clients: Vec<_> = (0..self.clients)
            .map(|client| {
                let (target, at, soak) = (host.target, host.at, self.clone());
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let life =
                        Life { soak, shared: Arc::clone(&shared), chance: Chance::new(client) };
                    let open = || Connection::open(target, at, client);
                    if let Err(error) = life.live(open).await {
                        shared.board.fault(|| format!("client {client}: {error:#}"));
                    }
                })
            })
            .collect();

        let (first, mut rss_kib) = (host.usage()?, Vec::new());
        let every = self.every.max(1);
        for look in 1..=self.seconds.div_ceil(every) {
            // At its time, however long the others took.
            sleep_until((shared.began + Duration::from_secs(look * every)).into()).await;
            let at = shared.began.elapsed().as_secs();
            rss_kib.push((at, host.usage()?.rss_kib));
            self.show(&shared, &rss_kib);
            shared.board.check()?;
        }
        let last = host.usage()?;
        shared.is_over.store(true, Ordering::Relaxed);
        for client in clients {
            client.await?;
        }
        shared.board.check()?;

        let half = rss_kib.get(rss_kib.len() / 2..).unwrap_or_default();
        let soaked = Soaked {
            seconds: self.seconds,
            said: shared.said.load(Ordering::Relaxed),
            deliveries: shared.board.delivered(),
            connections: shared.connections.load(Ordering::Relaxed),
            stays: u64::from(shared.stays.load(Ordering::Relaxed)),
            cpu_seconds: cpu_seconds(first, last),
            grown_kib: growth(half),
            rss_kib,
        };
        ensure!(
            soaked.grown_kib <= f64::from(u32::try_from(self.may_grow_kib)?),
            "memory grew by {:.0} KiB in the second half, expected {} at most",
            soaked.grown_kib,
            self.may_grow_kib,
        );
        Ok(soaked)
    }

    fn show(&self, shared: &Shared, rss_kib: &[(u64, u64)]) {
        let minute = (60 / self.every.max(1)).max(1);
        if !u64::try_from(rss_kib.len()).is_ok_and(|count| count.is_multiple_of(minute)) {
            return;
        }
        let Some((at, rss)) = rss_kib.last() else { return };
        say(&format!(
            "  soak, {at} of {} s: {rss} KiB, {} said, {} deliveries checked, {} connections, {} stays",
            self.seconds,
            shared.said.load(Ordering::Relaxed),
            shared.board.delivered(),
            shared.connections.load(Ordering::Relaxed),
            shared.stays.load(Ordering::Relaxed),
        ));
    }
}

/// One client, who comes and goes.
struct Life {
    soak: Soak,
    shared: Arc<Shared>,
    chance: Chance,
}

impl Life {
    async fn live<F>(mut self, open: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<Connection>>,
    {
        // So that not all come at once.
        sleep(Duration::from_secs_f64(self.chance.up_to(2.0))).await;
        while !self.is_over() {
            let mut connection = open().await?;
            self.shared.connections.fetch_add(1, Ordering::Relaxed);
            for _ in 0..=self.chance.below(4) {
                self.stay(&mut connection).await?;
            }
            // Half of them go without a word.
            if self.chance.below(2) == 0 {
                connection.close().await;
            }
        }
        Ok(())
    }

    /// Is in a room for a while, hears what is said there and says something now and then.
    async fn stay(&mut self, connection: &mut Connection) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let turn = self.shared.began.elapsed().as_secs() / self.soak.turn.max(1);
        let room = format!("soak:{turn}:{}", self.chance.below(self.soak.rooms));
        connection.join(&room, |_| {}).await?;
        let mut ledger = Ledger::new(now_ns());
        let (by, mut number, mut began_ns) =
            (self.shared.stays.fetch_add(1, Ordering::Relaxed), 0, 0);
        let end = Instant::now() + Duration::from_secs_f64(self.chance.about(self.soak.stay));
        let mut due = Instant::now() + self.pause();
        while Instant::now() < end && !self.is_over() {
            select! {
                heard = connection.hear() => self.note(&mut ledger, heard?),
                () = sleep_until(due.min(end).into()) => {
                    connection.keep_alive().await?;
                    if due < end {
                        let due_ns = now_ns();
                        began_ns = if number == 0 { due_ns } else { began_ns };
                        connection.say(&room, &Said { by, number, began_ns, due_ns }).await?;
                        self.shared.said.fetch_add(1, Ordering::Relaxed);
                        number += 1;
                        due = Instant::now() + self.pause();
                    }
                }
            }
        }
        // What it has said comes back before it goes.
        let echo = async {
            while ledger.heard_of(by) < number {
                self.note(&mut ledger, connection.hear().await?);
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, echo).await.context("what was said is lost")??;
        connection.leave(&room, |heard| self.note(&mut ledger, heard)).await
    }

    fn note(&self, ledger: &mut Ledger, heard: Heard) {
        match heard {
            Heard::Said(said) => {
                if let Err(fault) = ledger.enter(&said) {
                    self.shared.board.fault(|| fault);
                }
                self.shared.board.count_delivery();
            }
            Heard::Done(_) | Heard::Presence | Heard::Ping | Heard::Other => {}
        }
    }

    /// Until it says something again.
    fn pause(&mut self) -> Duration {
        let every = f64::from(self.soak.clients) / self.soak.rate.max(0.001);
        Duration::from_secs_f64(self.chance.about(every))
    }

    fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Relaxed)
    }
}

/// By how much the straight line that fits best grows, from the first to the last.
#[expect(clippy::cast_precision_loss, reason = "times and sizes are far below 2^52")]
fn growth(points: &[(u64, u64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(u64, u64)) -> u64| points.iter().map(of).sum::<u64>() as f64 / count;
    let (mean_at, mean_size) = (mean(|point| point.0), mean(|point| point.1));
    let (mut along, mut square) = (0.0, 0.0);
    for (at, size) in points {
        let at = *at as f64 - mean_at;
        along += at * (*size as f64 - mean_size);
        square += at * at;
    }
    let span = points.first().zip(points.last()).map_or(0, |(first, last)| last.0 - first.0);
    if square > 0.0 { along / square * span as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_the_line() {
        let check = |points: &[(u64, u64)], expected: f64| {
            assert!((growth(points) - expected).abs() < 0.001, "{points:?}");
        };
        check(&[], 0.0);
        check(&[(10, 5)], 0.0);
        check(&[(10, 100), (20, 110), (30, 120)], 20.0);
        check(&[(10, 100), (20, 90), (30, 100)], 0.0);
    }
}
