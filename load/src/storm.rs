//! Joins and leaves as fast as they go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Args;
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    connection::Connection,
    fan_out::{cpu_seconds, per_second},
    host::Host,
    progress::Progress,
};

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Storm {
    /// How many clients join and leave, each waiting for its answers
    #[arg(long, default_value_t = 200)]
    pub(crate) clients: usize,
    /// Over how many rooms
    #[arg(long, default_value_t = 20)]
    pub(crate) rooms: usize,
    /// For how many seconds, of which the first fifth is not counted
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stormed {
    pub(crate) clients: usize,
    pub(crate) rooms: usize,
    /// All joins and leaves, each of which was answered.
    pub(crate) answered: u64,
    /// Those of the time that is counted.
    pub(crate) joins_and_leaves: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) per_cpu_second: f64,
    /// What clients have heard meanwhile about who is there.
    pub(crate) presences: u64,
}

/// What all clients share.
#[derive(Debug, Default)]
struct Count {
    answered: AtomicU64,
    is_over: AtomicBool,
}

impl Storm {
    /// `kind` is with what the names of rooms start, by which they have presence or not.
    pub(crate) async fn run(&self, host: &Host, kind: &str) -> Result<Stormed> {
        let count = Arc::new(Count::default());
        let opening = (0..self.clients).map(|client| async move {
            Connection::open(host.target, host.at, u32::try_from(client)?).await
        });
        let rooms = self.rooms.max(1);
        let clients: Vec<_> = (0..).zip(try_join_all(opening).await?).collect();
        let tasks = clients.into_iter().map(|(client, connection): (usize, _)| {
            let rooms: Vec<_> =
                (0..rooms).map(|room| format!("{kind}:{}", (client + room) % rooms)).collect();
            tokio::spawn(come_and_go(connection, rooms, Arc::clone(&count)))
        });
        let tasks: Vec<_> = tasks.collect();
        let what = format!("{} storm of joins and leaves in {kind} rooms", host.target.name());
        let _progress = Progress::start(what, {
            let count = Arc::clone(&count);
            move || format!("{} answered", count.answered.load(Ordering::Relaxed))
        });

        let look = || anyhow::Ok((host.usage()?, count.answered.load(Ordering::Relaxed)));
        sleep(Duration::from_secs_f64(self.seconds / 5.0)).await;
        let (before, answered_before) = look()?;
        let began = Instant::now();
        sleep(Duration::from_secs_f64(self.seconds * 4.0 / 5.0)).await;
        let (after, answered_after) = look()?;
        ensure!(began.elapsed() > Duration::ZERO, "expected time to pass");
        count.is_over.store(true, Ordering::Relaxed);
        let mut presences = 0;
        for task in tasks {
            presences += task.await??;
        }

        let (clients, answered) = (self.clients, count.answered.load(Ordering::Relaxed));
        let joins_and_leaves = answered_after - answered_before;
        let cpu_seconds = cpu_seconds(before, after);
        let per_cpu_second = per_second(joins_and_leaves, cpu_seconds);
        ensure!(joins_and_leaves > 0, "expected joins and leaves, got no answer");
        Ok(Stormed {
            clients,
            rooms,
            answered,
            joins_and_leaves,
            cpu_seconds,
            per_cpu_second,
            presences,
        })
    }
}

/// Joins and leaves one room after the other, and returns what it has heard about who is there.
async fn come_and_go(
    mut connection: Connection,
    rooms: Vec<String>,
    count: Arc<Count>,
) -> Result<u64> {
    for room in rooms.iter().cycle() {
        if count.is_over.load(Ordering::Relaxed) {
            break;
        }
        connection.join(room, |_| {}).await?;
        count.answered.fetch_add(1, Ordering::Relaxed);
        connection.leave(room, |_| {}).await?;
        count.answered.fetch_add(1, Ordering::Relaxed);
    }
    let presences = connection.presences;
    connection.close().await;
    Ok(presences)
}
