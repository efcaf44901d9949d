//! Tests that are scripts for node, with what they need from npm.

use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where it is set, what is missing fails a test that would say so and pass.
pub const REQUIRED: &str = "PARLOR_REQUIRE_CLIENTS";

/// How a run of a script went.
#[derive(Default)]
pub struct Run {
    /// The lines that begin with `result `, without that.
    pub results: Vec<String>,
    pub failed: Vec<String>,
    pub success: bool,
}

/// Says what is missing, and fails if it must not be.
pub fn missing(what: &str) {
    assert!(env::var_os(REQUIRED).is_none(), "{what}, and {REQUIRED} is set");
    eprintln!("SKIPPED: {what}, so nothing was tried against the server");
}

/// Copies a directory of `tests` to below `target`, and others that its scripts import, and installs
/// there what it needs. None if that can't be.
pub fn installed(name: &str, others: &[&str]) -> Option<PathBuf> {
    for program in ["node", "npm"] {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        if version.is_err() {
            missing(&format!("{program} is missing"));
            return None;
        }
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for directory in others.iter().chain([&name]) {
        copy(&sources.join(directory), &target.join(directory)).unwrap();
    }
    let scripts = target.join(name);
    let wanted = fs::read(scripts.join("package-lock.json")).unwrap();
    let stamp = scripts.join("installed.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(scripts);
    }
    let install =
        Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&scripts).output();
    let install = install.unwrap();
    if !install.status.success() {
        missing(&format!("npm ci failed: {}", String::from_utf8_lossy(&install.stderr)));
        return None;
    }
    fs::write(stamp, wanted).unwrap();
    Some(scripts)
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

/// Runs a script, and passes on what it says.
pub fn run(mut node: Command) -> Run {
    let mut node = node.stdout(Stdio::piped()).spawn().unwrap();
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
        run.failed.push("the script ended with an error, see above".to_owned());
    }
    run
}
