//! The clients that people use, unmodified, from npm, against the built server: see `clients/`.
//!
//! Needs node and npm. Where they are missing this says so and passes, unless
//! `PARLOR_REQUIRE_CLIENTS` is set.
#![expect(clippy::unwrap_used, reason = "a failing test stops")]
#![expect(clippy::print_stderr, reason = "what is skipped is said, and figures are shown")]

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// They use all that the machine has, and measure time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const REQUIRED: &str = "PARLOR_REQUIRE_CLIENTS";

/// How a run of `run.mjs` went.
#[derive(Default)]
struct Run {
    /// `result VERSION ITEM STATE NOTE`, without the first word.
    results: Vec<String>,
    failed: Vec<String>,
    success: bool,
}

#[test]
fn unmodified_clients_work() {
    let _guard = alone();
    let Some(clients) = installed() else { return };
    let run = node(&clients, &[]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    for version in ["1.5.14", "1.6.16", "1.7.21", "1.8.16"] {
        for number in 1..=36 {
            let item = format!("{version} C{number} ");
            let is_told = run.results.iter().any(|result| result.starts_with(&item));
            assert!(is_told, "{item}was not run");
        }
    }
}

/// Items whose frames are spoilt on the way have to fail: else they would show nothing.
#[test]
fn items_fail_when_what_they_look_at_is_spoilt() {
    let _guard = alone();
    let Some(clients) = installed() else { return };
    let run = node(&clients, &["--spoilt", "--versions", "1.8.16"]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    assert!(run.results.len() > 30, "{} results: items are missing", run.results.len());
}

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The directory with the tests of clients and what they need, or none where there is no node.
fn installed() -> Option<PathBuf> {
    for program in ["node", "npm"] {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        if version.is_err() {
            assert!(env::var_os(REQUIRED).is_none(), "{program} is missing, and {REQUIRED} is set");
            eprintln!("SKIPPED: {program} is missing, so no client was tried against the server");
            return None;
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let clients = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    copy(&source, &clients).unwrap();
    let wanted = fs::read(clients.join("package-lock.json")).unwrap();
    let stamp = clients.join("installed.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(clients);
    }
    let install =
        Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&clients).output();
    let install = install.unwrap();
    if !install.status.success() {
        let why = String::from_utf8_lossy(&install.stderr).into_owned();
        assert!(env::var_os(REQUIRED).is_none(), "npm ci failed, and {REQUIRED} is set: {why}");
        eprintln!("SKIPPED: npm ci failed, so no client was tried against the server: {why}");
        return None;
    }
    fs::write(stamp, wanted).unwrap();
    Some(clients)
}

/// Copies files, so that what npm installs is below `target`, not among the sources.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "node_modules" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// Runs the items, and passes on what they say.
fn node(clients: &Path, arguments: &[&str]) -> Run {
    let mut node = Command::new("node");
    node.arg("run.mjs").args(["--server", env!("CARGO_BIN_EXE_parlor-server")]);
    node.arg("--conformance").arg(example()).args(arguments);
    let mut node = node.current_dir(clients).stdout(Stdio::piped()).spawn().unwrap();
    let mut run = Run::default();
    for line in BufReader::new(node.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        eprintln!("{line}");
        if let Some(result) = line.strip_prefix("result ") {
            run.results.push(result.to_owned());
        } else if line.starts_with("failed: ") {
            run.failed.push(line);
        }
    }
    run.success = node.wait().unwrap().success();
    if !run.success && run.failed.is_empty() {
        run.failed.push("run.mjs ended with an error, see above".to_owned());
    }
    run
}

/// The example that embeds the server, built as this test is.
fn example() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "parlor-server", "--example", "conformance"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(built.success(), "the example does not build");
    let server = Path::new(env!("CARGO_BIN_EXE_parlor-server"));
    let example = server.with_file_name("examples").join("conformance");
    assert!(example.exists(), "{} is missing", example.display());
    example
}
