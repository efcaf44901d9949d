//! The pages of the server in Debian's Chromium: see `browser/`.
//!
//! Needs node, npm and Chromium: its headless build, which has no window to draw around each page and
//! takes a third of the time, or else the whole. With `PARLOR_INSTALL=1`, the former is installed by
//! `apt-get` if neither is there; nothing else here installs anything outside `target`. Where something
//! is missing this says so and passes, unless `PARLOR_REQUIRE_CLIENTS` is set. Pictures of the page are
//! in `target/tmp/browser/shots`; with `PARLOR_PICTURE=1`, that in `docs` is made again.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(clippy::unwrap_used, reason = "a failing test stops")]
#![expect(clippy::print_stderr, reason = "what is skipped is said, and figures are shown")]

mod npm;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use npm::{Run, installed, missing, run};

/// They use all that the machine has.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Where it is set, a browser that is missing is installed.
const INSTALL: &str = "PARLOR_INSTALL";

const CHROMIUM: [&str; 2] = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/// The picture of the page that the README shows, and how large it may be.
const PICTURE: &str = "room-light-1280.png";
const PICTURE_BYTES: u64 = 150_000;

#[test]
fn pages_work() {
    let _guard = alone();
    let Some((scripts, chromium)) = ready() else { return };
    let run = cases(&scripts, chromium, &[]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    assert!(run.results.len() >= 88, "{} results: cases are missing", run.results.len());
    let picture = scripts.with_file_name("shots").join(PICTURE);
    let bytes = fs::metadata(&picture).unwrap().len();
    assert!(
        bytes <= PICTURE_BYTES,
        "{PICTURE} has {bytes} bytes, expected {PICTURE_BYTES} at most"
    );
    if env::var_os("PARLOR_PICTURE").is_some() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/page.png");
        fs::copy(picture, docs).unwrap();
    }
}

/// Cases have to fail whose page is spoilt: else they would show nothing.
#[test]
fn cases_fail_when_the_page_is_spoilt() {
    let _guard = alone();
    let Some((scripts, chromium)) = ready() else { return };
    let run = cases(&scripts, chromium, &["--spoilt"]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    assert!(run.results.len() >= 87, "{} results: cases are missing", run.results.len());
}

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The directory with the cases and what they need, and the browser.
fn ready() -> Option<(PathBuf, &'static str)> {
    let chromium = found().or_else(|| {
        if env::var_os(INSTALL).is_none() {
            missing(&format!(
                "{CHROMIUM:?} are missing: install one (Debian: `apt-get install \
                 chromium-headless-shell`), or set {INSTALL}=1 to have that done as root"
            ));
            return None;
        }
        let install = "apt-get update -q && \
            apt-get install -yq --no-install-recommends chromium-headless-shell";
        let installed = Command::new("sh").args(["-c", install]).output();
        let why = installed.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        found().or_else(|| {
            missing(&format!("{CHROMIUM:?} are missing and can't be installed: {why:?}"));
            None
        })
    })?;
    Some((installed("browser", &["clients/lib"])?, chromium))
}

fn found() -> Option<&'static str> {
    CHROMIUM.into_iter().find(|program| Path::new(program).exists())
}

fn cases(scripts: &Path, chromium: &str, arguments: &[&str]) -> Run {
    let mut node = Command::new("node");
    node.arg("run.mjs").args(["--server", env!("CARGO_BIN_EXE_parlor-server")]);
    node.args(["--chromium", chromium, "--shots"]).arg(scripts.with_file_name("shots"));
    node.args(arguments).current_dir(scripts);
    run(node)
}
