//! Clients that take the five elements of Phoenix's V2 and nothing else: `phoenix_channels_client`
//! (Rust) and `phoenix-channels-python-client` (`PyPI`), unmodified, against the built server. What
//! each finds is in `rust/` and `python/`.
//!
//! A client that can't be had is named by a line `SKIPPED`, or fails if `PARLOR_REQUIRE_CLIENTS` is
//! set.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::npm::{Run, missing, run};

/// Runs the Rust client, if cargo can build it.
pub fn rust() -> Option<Run> {
    let target = below_target("rust");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--manifest-path"]);
    cargo.arg(source("rust/Cargo.toml")).arg("--target-dir").arg(&target);
    if !did(&mut cargo, "phoenix_channels_client can't be built") {
        return None;
    }
    Some(against_server(Command::new(target.join("debug/parlor-strict-client"))))
}

/// Runs the Python client, if pip can install it.
pub fn python() -> Option<Run> {
    let venv = below_target("python");
    let wanted = fs::read(source("python/requirements.txt")).unwrap();
    let (python, stamp) = (venv.join("bin/python"), venv.join("installed.txt"));
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(&venv);
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "-r"]);
        install.arg(source("python/requirements.txt"));
        let why = "phoenix-channels-python-client can't be installed";
        if !did(&mut create, why) || !did(&mut install, why) {
            return None;
        }
        fs::write(stamp, wanted).unwrap();
    }
    let mut client = Command::new(python);
    client.arg(source("python/strict.py"));
    Some(against_server(client))
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strict").join(path)
}

fn below_target(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strict").join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Whether a program has done what it had to; otherwise a client is missing.
fn did(program: &mut Command, why: &str) -> bool {
    match program.output() {
        Ok(done) if done.status.success() => true,
        Ok(done) => {
            missing(&format!("{why}: {}", String::from_utf8_lossy(&done.stderr)));
            false
        }
        Err(error) => {
            missing(&format!("{why}: {error}"));
            false
        }
    }
}

/// Runs a client, given the address of a server that runs as long.
fn against_server(mut client: Command) -> Run {
    let server = Server::start();
    client.arg(format!("ws://{}/socket/websocket", server.address));
    run(client)
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
        process.args(["--listen", "127.0.0.1:0"]);
        let mut process = process.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, at) = line.split_once("health: http://")?;
            Some(at.trim_end_matches("/healthz").to_owned())
        });
        // Nobody reads on, which it has to live with, but not as long as the pipe is open.
        drop(lines);
        Self { process, address: address.unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
