//! Everything that is measured, of each server in one run, and the page of it.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use crate::{
    dialect::Target,
    fan_out::{FanOut, FannedOut},
    host::{self, Cores, Host},
    idle::{Idle, Idled},
    machine::Machine,
    page, picture,
    process::Pinned,
    progress::say,
    storm::{Storm, Stormed},
};

#[derive(Debug, Clone, Args)]
pub(crate) struct Compare {
    /// Small numbers, in seconds: to see that it works, not how fast anything is
    #[arg(long)]
    pub(crate) quick: bool,
    /// Which servers; all by default, may be given several times
    #[arg(long, value_enum)]
    pub(crate) target: Vec<Target>,
    /// Where the page is, with its table replaced, and `performance.json` and `performance.svg`
    /// beside it [default: docs of this repository]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) docs: Option<PathBuf>,
    /// Start the servers without building them first
    #[arg(long)]
    pub(crate) built: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) command: String,
    pub(crate) is_quick: bool,
    /// Whether server and generator had a core each.
    pub(crate) had_cores_apart: bool,
    pub(crate) servers: Vec<Measured>,
}

/// What came of it for one server.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) target: Target,
    pub(crate) idle: Idled,
    /// With what only some have: lists of who is there.
    pub(crate) idle_with_presence: Option<Idled>,
    pub(crate) fan_out: Vec<FannedOut>,
    pub(crate) storm: Stormed,
    pub(crate) storm_with_presence: Option<Stormed>,
}

impl Compare {
    pub(crate) async fn run(&self) -> Result<Report> {
        let targets = if self.target.is_empty() { &Target::ALL[..] } else { &self.target };
        if !self.built {
            host::build(targets)?;
        }
        let (mut servers, mut pinned) = (Vec::new(), Pinned::Yes);
        for target in targets {
            let measured = self.measure(*target, &mut pinned).await;
            servers.push(measured.with_context(|| format!("{} failed", target.name()))?);
        }
        let quick = if self.quick { " --quick" } else { "" };
        let report = Report {
            machine: Machine::here()?,
            command: format!("cargo run --release -p parlor-load -- compare{quick}"),
            is_quick: self.quick,
            had_cores_apart: pinned == Pinned::Yes,
            servers,
        };
        let docs = self.docs.clone().unwrap_or_else(|| host::package().join("../docs"));
        fs::create_dir_all(&docs)?;
        fs::write(docs.join("performance.json"), serde_json::to_string_pretty(&report)? + "\n")?;
        fs::write(docs.join("performance.svg"), picture::draw(&report))?;
        page::write(&docs.join("performance.md"), &report)?;
        Ok(report)
    }

    /// Each part has a server of its own, so that none has what is left of another.
    async fn measure(&self, target: Target, pinned: &mut Pinned) -> Result<Measured> {
        let start = || Host::start(target, Cores::Apart, &[]);
        say(&format!("{}: idle connections", target.name()));
        let host = start().await?;
        if host.pinned == Pinned::No {
            *pinned = Pinned::No;
        }
        let idle = self.idle().run(&host, "plain").await?;
        drop(host);
        let idle_with_presence = if target.has_presence() {
            Some(self.idle().run(&start().await?, "shown").await?)
        } else {
            None
        };

        let (fan_out, mut fanned_out) = (self.fan_out(), Vec::new());
        for members in &fan_out.members {
            say(&format!("{}: fan-out to {members} members", target.name()));
            fanned_out.push(fan_out.run(&start().await?, *members).await?);
        }

        say(&format!("{}: joins and leaves", target.name()));
        let storm = self.storm().run(&start().await?, "plain").await?;
        let storm_with_presence = if target.has_presence() {
            Some(self.storm().run(&start().await?, "shown").await?)
        } else {
            None
        };
        let fan_out = fanned_out;
        Ok(Measured { target, idle, idle_with_presence, fan_out, storm, storm_with_presence })
    }

    fn idle(&self) -> Idle {
        if self.quick {
            Idle { connections: 100, room: 10, settle: 0.1 }
        } else {
            Idle { connections: 5_000, room: 50, settle: 5.0 }
        }
    }

    fn fan_out(&self) -> FanOut {
        if self.quick {
            FanOut {
                members: vec![10, 50],
                senders: 5,
                seconds: 0.5,
                under_way: 500,
                latency_seconds: 0.5,
                latency_rate: 1_000,
            }
        } else {
            FanOut {
                members: vec![100, 1_000, 5_000],
                senders: 10,
                seconds: 12.0,
                under_way: 8_000,
                latency_seconds: 12.0,
                latency_rate: 10_000,
            }
        }
    }

    fn storm(&self) -> Storm {
        if self.quick {
            Storm { clients: 20, rooms: 4, seconds: 0.5 }
        } else {
            Storm { clients: 200, rooms: 20, seconds: 12.0 }
        }
    }
}
