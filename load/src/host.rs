//! The servers under load: built, started as processes of their own, and stopped.

use std::{
    env,
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::{net::TcpStream, time::sleep};

use crate::{
    dialect::Target,
    process::{self, Pinned, Usage},
    progress::say,
};

/// On which core a server runs, and on which the generator does.
const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;

/// What parlor-server is told: the defaults, but that all connections come from one address, that
/// the senders of a load are not kept from sending, one kind of room without presence, since the
/// peers have none, and one with history, for soaks.
const SETTINGS: &str = r#"[connections]
max_per_ip = 100_000
max = 100_000
events_per_window = 10_000_000

[[rooms]]
pattern = "plain:*"
presence = "off"

[[rooms]]
pattern = "soak:*"
events = [{name = "*", history = 100}]
"#;

/// Whether cores are shared between the server and the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// The server has one, the generator another.
    Apart,
    /// As the machine has it.
    Shared,
}

/// A server under load.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) target: Target,
    pub(crate) at: SocketAddr,
    pub(crate) pid: Option<u32>,
    pub(crate) pinned: Pinned,
    child: Option<Child>,
}

impl Host {
    /// One that runs already. Without its process, nothing is known of what it takes.
    pub(crate) const fn running(target: Target, at: SocketAddr, pid: Option<u32>) -> Self {
        Self { target, at, pid, pinned: Pinned::No, child: None }
    }

    /// Starts one, and waits until it listens. It is told `more` than what all are.
    pub(crate) async fn start(target: Target, cores: Cores, more: &[String]) -> Result<Self> {
        let at = free_address()?;
        let mut command = command(target, at)?;
        command.args(more);
        let log = scratch()?.join(format!("{}.log", target.name()));
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // What a thread starts runs where it does.
        let pinned = match cores {
            Cores::Apart => process::pin(SERVER_CORE),
            Cores::Shared => Pinned::No,
        };
        let spawned = command.spawn();
        if pinned == Pinned::Yes {
            process::pin(GENERATOR_CORE);
        }
        let mut child = spawned.with_context(|| format!("{command:?} can't be started"))?;
        for _ in 0..300 {
            if TcpStream::connect(at).await.is_ok() {
                let pid = Some(child.id());
                return Ok(Self { target, at, pid, pinned, child: Some(child) });
            }
            ensure!(child.try_wait()?.is_none(), "it has ended, see {}", log.display());
            sleep(Duration::from_millis(100)).await;
        }
        child.kill()?;
        bail!("{} does not listen after 30 seconds, see {}", target.name(), log.display())
    }

    /// What it has taken so far; nothing, if its process is not known.
    pub(crate) fn usage(&self) -> Result<Usage> {
        self.pid.map_or_else(|| Ok(Usage::default()), process::usage)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended needs no end.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Builds what is to be started, as this program was built: for a measurement as it is shipped, and
/// otherwise with the features that it has in `cargo test --workspace`, where it is built already.
pub(crate) fn build(targets: &[Target]) -> Result<()> {
    if targets.contains(&Target::Socketio) {
        install_node_peer()?;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet"]).current_dir(package());
    if cfg!(debug_assertions) {
        // An example, since it has dev-dependencies, which have their say in features.
        cargo.args(["--workspace", "--example=embed"]);
    } else {
        cargo.arg("--release");
    }
    for target in targets {
        match target {
            Target::Parlor => cargo.args(["--package=parlor-server", "--bin=parlor-server"]),
            Target::Axum => cargo.args(["--package=parlor-load", "--bin=axum-broadcast"]),
            Target::Socketio => continue,
        };
    }
    say(&format!("building: {cargo:?}"));
    run(cargo)
}

/// Has npm install what the peer on Node needs: below `target`, not among the sources.
fn install_node_peer() -> Result<()> {
    let (sources, there) = (package().join("node"), node()?);
    std::fs::create_dir_all(&there)?;
    for file in ["package.json", "package-lock.json", "server.mjs"] {
        std::fs::copy(sources.join(file), there.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(there).stdout(Stdio::null());
    run(npm).context("npm, which comes with Node, is needed for socket.io")
}

fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} can't be started"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

fn command(target: Target, at: SocketAddr) -> Result<Command> {
    Ok(match target {
        Target::Parlor => {
            let settings = scratch()?.join("parlor.toml");
            std::fs::write(&settings, SETTINGS)?;
            let mut command = Command::new(beside("parlor-server")?);
            command.arg("--config").arg(settings).arg("--listen").arg(at.to_string());
            command
        }
        Target::Socketio => {
            let mut command = Command::new("node");
            command.arg(node()?.join("server.mjs")).arg(at.port().to_string());
            command.env("NODE_ENV", "production");
            command
        }
        Target::Axum => {
            let mut command = Command::new(beside("axum-broadcast")?);
            command.arg(at.to_string());
            command
        }
    })
}

/// Where this package is.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the peer on Node is put together.
fn node() -> Result<PathBuf> {
    beside("parlor-load-node")
}

/// What is built beside this program.
fn beside(name: &str) -> Result<PathBuf> {
    let here = env::current_exe()?;
    Ok(here.parent().context("expected a directory")?.join(name))
}

/// Where logs and settings of servers go.
fn scratch() -> Result<PathBuf> {
    let path = env::temp_dir().join(format!("parlor-load-{}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
