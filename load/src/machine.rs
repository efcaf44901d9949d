//! On what it ran: without which figures say nothing.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::host;

/// On what it ran, and what ran there.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) parlor: String,
    pub(crate) node: String,
    pub(crate) socketio: String,
    pub(crate) axum: String,
    pub(crate) tokio: String,
}

impl Machine {
    pub(crate) fn here() -> Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo")?;
        let value = |name: &str| {
            let line = cpu.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = fs::read_to_string("/proc/meminfo")?;
        let total = memory.split_whitespace().nth(1).context("expected a size of memory")?;
        let lock = fs::read_to_string(host::package().join("../Cargo.lock"))?;
        let node_lock = fs::read_to_string(host::package().join("node/package-lock.json"))?;
        let node_lock: serde_json::Value = serde_json::from_str(&node_lock)?;
        let socketio = node_lock.pointer("/packages/node_modules~1socket.io/version");
        Ok(Self {
            date: told_by("date", &["-u", "+%Y-%m-%d"]),
            processor: value("model name").unwrap_or_else(|| "unknown".to_owned()),
            cores: cpu.lines().filter(|line| line.starts_with("processor")).count(),
            memory_gib: total.parse::<u64>()?.div_ceil(1 << 20),
            kernel: told_by("uname", &["-sr"]).split('-').next().unwrap_or_default().to_owned(),
            parlor: told_by("git", &["describe", "--always", "--dirty"]),
            node: told_by("node", &["--version"]),
            socketio: socketio.and_then(|text| text.as_str()).unwrap_or("unknown").to_owned(),
            axum: locked(&lock, "axum"),
            tokio: locked(&lock, "tokio"),
        })
    }
}

/// What a program says in one line; `unknown` where there is none.
fn told_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(host::package()).output();
    let text = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let text = text.unwrap_or_default().trim().to_owned();
    if text.is_empty() { "unknown".to_owned() } else { text }
}

/// Of which version a package is, as the lock file has it.
fn locked(lock: &str, name: &str) -> String {
    let head = format!("name = \"{name}\"\nversion = \"");
    let version = lock.split_once(&head).and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or("unknown").to_owned()
}
