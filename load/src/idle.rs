//! Connections that do nothing: how much memory one takes.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tokio::time::sleep;

use crate::{crowd::Crowd, fan_out::per_second, host::Host, progress::Progress};

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Idle {
    /// How many connections there are, each in one room
    #[arg(long, default_value_t = 5_000)]
    pub(crate) connections: usize,
    /// How many members a room has
    #[arg(long, default_value_t = 50)]
    pub(crate) room: usize,
    /// How long they idle before the memory is looked at, in seconds
    #[arg(long, default_value_t = 5.0)]
    pub(crate) settle: f64,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Idled {
    pub(crate) connections: usize,
    pub(crate) rss_before_kib: u64,
    pub(crate) rss_kib: u64,
    pub(crate) kib_each: f64,
}

impl Idle {
    /// `kind` is with what the names of rooms start, by which they have presence or not.
    pub(crate) async fn run(&self, host: &Host, kind: &str) -> Result<Idled> {
        let before = host.usage()?.rss_kib;
        let room = self.room.max(1);
        let in_room = |client: usize| format!("{kind}:{}", client / room);
        let crowd = Crowd::gather(host, self.connections, 0, in_room).await?;
        {
            let _progress =
                Progress::start(format!("{} idle", host.target.name()), || "settling".to_owned());
            sleep(Duration::from_secs_f64(self.settle)).await;
        }
        let after = host.usage()?.rss_kib;
        crowd.dismiss().await?;
        let connections = self.connections;
        let each = per_second(after.saturating_sub(before), f64::from(u32::try_from(connections)?));
        Ok(Idled { connections, rss_before_kib: before, rss_kib: after, kib_each: each })
    }
}
