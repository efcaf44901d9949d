//! Load for parlor-server and its peers, by real WebSockets: what connections cost in memory, what
//! deliveries, joins and leaves cost in time, and whether memory stays flat. What comes is checked
//! against what was said, and a run in which anything is missing fails.

#![expect(
    clippy::float_arithmetic,
    reason = "what is measured is shown as rates and means; nothing is decided by them"
)]

mod chance;
mod compare;
mod connection;
mod crowd;
mod dialect;
mod fan_out;
mod host;
mod idle;
mod ledger;
mod machine;
mod page;
mod picture;
mod process;
mod progress;
mod soak;
mod storm;

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::{
    compare::Compare,
    dialect::Target,
    fan_out::FanOut,
    host::{Cores, Host},
    idle::Idle,
    soak::Soak,
    storm::Storm,
};

/// How many files may have to be open at a time.
const OPEN_FILES: u64 = 6_000;

/// Puts parlor-server and its peers under load, and checks each delivery
#[derive(Debug, Parser)]
#[command(name = "parlor-load")]
struct Program {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// All but the soak, of parlor-server and its peers: writes docs/performance.md
    Compare(Compare),
    /// What idle connections take in memory
    Idle {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        idle: Idle,
    },
    /// What deliveries in one room cost, and how long they take
    FanOut {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        fan_out: FanOut,
    },
    /// What joins and leaves cost
    Storm {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        storm: Storm,
        /// With what the names of rooms start: `plain` is without presence, all others with
        #[arg(long, default_value = "plain")]
        kind: String,
    },
    /// Whether memory stays flat under moderate load
    Soak {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        soak: Soak,
    },
}

/// Which server.
#[derive(Debug, Args)]
struct Place {
    /// What it is
    #[arg(long, value_enum, default_value_t = Target::Parlor)]
    target: Target,
    /// Where it listens; without it, one is built and started
    #[arg(long, value_name = "ADDRESS:PORT")]
    url: Option<SocketAddr>,
    /// Its process, if it is not started here: without it, only what clients see is measured
    #[arg(long, requires = "url")]
    pid: Option<u32>,
    /// Start it without building it first
    #[arg(long)]
    built: bool,
    /// Something more for the command line that it is started with, such as
    /// `--server-arg=--history=FILE`; may be given several times
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true, conflicts_with = "url")]
    server_arg: Vec<String>,
}

impl Place {
    async fn host(&self, cores: Cores) -> Result<Host> {
        if let Some(at) = self.url {
            return Ok(Host::running(self.target, at, self.pid));
        }
        if !self.built {
            host::build(&[self.target])?;
        }
        Host::start(self.target, cores, &self.server_arg).await
    }
}

fn main() -> Result<()> {
    let program = Program::parse();
    process::raise_open_files(OPEN_FILES)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime")?.block_on(run(program.work))
}

async fn run(work: Work) -> Result<()> {
    match work {
        Work::Compare(compare) => show(&compare.run().await?),
        Work::Idle { place, idle } => {
            show(&idle.run(&place.host(Cores::Apart).await?, "idle").await?)
        }
        Work::FanOut { place, fan_out } => {
            let host = place.host(Cores::Apart).await?;
            for members in &fan_out.members {
                show(&fan_out.run(&host, *members).await?)?;
            }
            Ok(())
        }
        Work::Storm { place, storm, kind } => {
            show(&storm.run(&place.host(Cores::Apart).await?, &kind).await?)
        }
        Work::Soak { place, soak } => show(&soak.run(&place.host(Cores::Shared).await?).await?),
    }
}

/// What came of it, as JSON.
#[expect(clippy::print_stdout, reason = "results are what the program is for")]
fn show(result: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(result)?);
    Ok(())
}
