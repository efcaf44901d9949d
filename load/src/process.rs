//! What a process takes, as the kernel tells in `/proc`, and on which core it runs.

use std::fs;

use anyhow::{Context as _, Result};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};
use serde::Serialize;

/// How many ticks of `/proc/PID/stat` a second has, on every Linux that there is.
const TICKS: u64 = 100;

/// How much a process has taken.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Usage {
    /// What is in memory, in KiB.
    pub(crate) rss_kib: u64,
    /// The time of all its threads, in user space and in the kernel, in milliseconds.
    pub(crate) cpu_ms: u64,
}

/// What the process has taken so far.
pub(crate) fn usage(pid: u32) -> Result<Usage> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("no process at {path}"))?;
    // Past the name, which may have anything in it.
    let (_, rest) = stat.rsplit_once(')').context("expected a name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> Result<u64> {
        Ok(fields.get(at).context("expected times")?.parse::<u64>()?)
    };
    let cpu_ms = (ticks(11)? + ticks(12)?) * 1_000 / TICKS;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let rss = rss.and_then(|line| line.split_whitespace().next()).context("expected a size")?;
    Ok(Usage { rss_kib: rss.parse()?, cpu_ms })
}

/// Has this thread, and the processes that it starts from here on, run on that core alone, if the
/// machine has two.
pub(crate) fn pin(core: usize) -> Pinned {
    let has_two = fs::exists("/sys/devices/system/cpu/cpu1").unwrap_or(false);
    let mut only = CpuSet::new();
    only.set(core);
    if has_two && sched_setaffinity(None, &only).is_ok() { Pinned::Yes } else { Pinned::No }
}

/// Whether it runs on one core alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    Yes,
    No,
}

/// As many open files as the machine lets it have, for the processes that it starts too.
pub(crate) fn raise_open_files(wanted: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, raised).context("the limit of open files can't be raised")?;
    match maximum.or(current) {
        Some(most) if most < wanted => {
            anyhow::bail!("{most} files may be open, expected {wanted}: raise it by ulimit -Hn")
        }
        Some(_) | None => Ok(()),
    }
}
