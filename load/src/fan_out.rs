//! One room, in which some talk and everybody hears: what a delivery costs the server, and how long
//! it takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    connection::{PATIENCE, now_ns, until_ns},
    crowd::Crowd,
    host::Host,
    process::Usage,
    progress::Progress,
};

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct FanOut {
    /// How many members the room has; may be given several times
    #[arg(long, default_values_t = [100, 1_000, 5_000])]
    pub(crate) members: Vec<usize>,
    /// How many of them talk, in turn
    #[arg(long, default_value_t = 10)]
    pub(crate) senders: usize,
    /// For how many seconds as much is said as gets through, of which the first fifth is not counted
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// How many deliveries may be under way meanwhile
    #[arg(long, default_value_t = 8_000)]
    pub(crate) under_way: usize,
    /// For how many seconds latency is looked at, where less is said
    #[arg(long, default_value_t = 10.0)]
    pub(crate) latency_seconds: f64,
    /// How many deliveries a second there are then
    #[arg(long, default_value_t = 10_000)]
    pub(crate) latency_rate: u32,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FannedOut {
    pub(crate) members: usize,
    /// All of them, which were checked.
    pub(crate) checked: u64,
    /// Those of the time that is counted.
    pub(crate) deliveries: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) per_cpu_second: f64,
    pub(crate) latency: Latency,
}

/// How long deliveries took, from when a message was due to when a member had it, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Latency {
    pub(crate) rate: u32,
    pub(crate) deliveries: usize,
    /// What they cost, where hardly any two can share the way: with what an idle server takes.
    pub(crate) per_cpu_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl FanOut {
    pub(crate) async fn run(&self, host: &Host, members: usize) -> Result<FannedOut> {
        let senders = self.senders.clamp(1, members);
        let mut crowd = Crowd::gather(host, members, senders, |_| "plain:fan".to_owned()).await?;
        let _progress = Progress::start(format!("{} fan-out to {members}", host.target.name()), {
            let board = Arc::clone(&crowd.board);
            move || format!("{} deliveries checked", board.delivered())
        });
        self.flood(&mut crowd, self.seconds / 5.0).await?;
        let before = (Instant::now(), host.usage()?, crowd.board.delivered());
        self.flood(&mut crowd, self.seconds * 4.0 / 5.0).await?;
        let after = (Instant::now(), host.usage()?, crowd.board.delivered());
        crowd.hear_all().await?;

        crowd.sample();
        let calm = host.usage()?;
        self.trickle(&mut crowd).await?;
        let calm_cpu_seconds = cpu_seconds(calm, host.usage()?);
        let checked = crowd.board.delivered();
        let latency = Latency::of(self.latency_rate, crowd.end().await?, calm_cpu_seconds)?;

        let (deliveries, seconds) = (after.2 - before.2, (after.0 - before.0).as_secs_f64());
        let cpu_seconds = cpu_seconds(before.1, after.1);
        let per_cpu_second = per_second(deliveries, cpu_seconds);
        Ok(FannedOut {
            members,
            checked,
            deliveries,
            seconds,
            cpu_seconds,
            per_cpu_second,
            latency,
        })
    }

    /// Says as much as gets through.
    async fn flood(&self, crowd: &mut Crowd, seconds: f64) -> Result<()> {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let members = crowd.len().max(1);
        let (each, window) =
            (u64::try_from(members)?, u64::try_from((self.under_way / members).max(4))?);
        while Instant::now() < end {
            crowd.say(now_ns());
            let wanted = crowd.said().saturating_sub(window) * each;
            let heard = timeout(PATIENCE, crowd.board.until(wanted)).await;
            crowd.board.check()?;
            heard.context("expected deliveries, and none come")?;
        }
        Ok(())
    }

    /// Says so much a second, whatever comes of it.
    async fn trickle(&self, crowd: &mut Crowd) -> Result<()> {
        let members = f64::from(u32::try_from(crowd.len())?);
        let pause = Duration::from_secs_f64(members / f64::from(self.latency_rate.max(1)));
        let begin = Instant::now();
        let mut due_ns = now_ns();
        // One is said in any case, or there would be nothing to look at.
        loop {
            until_ns(due_ns).await;
            crowd.say(due_ns);
            due_ns += u64::try_from(pause.as_nanos())?;
            if (begin.elapsed() + pause).as_secs_f64() >= self.latency_seconds {
                break;
            }
        }
        crowd.hear_all().await
    }
}

impl Latency {
    fn of(rate: u32, mut samples: Vec<u64>, cpu_seconds: f64) -> Result<Self> {
        samples.sort_unstable();
        let deliveries = samples.len();
        let at = |per_mille: usize| -> Result<f64> {
            let place = (deliveries * per_mille / 1_000).min(deliveries.saturating_sub(1));
            let sample = samples.get(place).context("expected deliveries, got none")?;
            Ok(Duration::from_nanos(*sample).as_secs_f64() * 1_000.0)
        };
        let (p50_ms, p90_ms, p99_ms, max_ms) = (at(500)?, at(900)?, at(990)?, at(1_000)?);
        let per_cpu_second = per_second(u64::try_from(deliveries)?, cpu_seconds);
        Ok(Self { rate, deliveries, per_cpu_second, p50_ms, p90_ms, p99_ms, max_ms })
    }
}

/// The time of all threads of a process between two looks at it.
pub(crate) fn cpu_seconds(before: Usage, after: Usage) -> f64 {
    Duration::from_millis(after.cpu_ms - before.cpu_ms).as_secs_f64()
}

/// How many a second; none where no time was taken, or none is known.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
