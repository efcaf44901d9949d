//! A server whose journal can't be written: it goes on, and says so where it is watched.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::{ask, scrape};
use crate::Client;

/// Files may become as large as that, in blocks; what is past it can't be written. That limit
/// comes with a signal, which ends processes that do not ignore it.
const SMALL_FILES: &str = r#"trap '' XFSZ; ulimit -f 64; exec "$0" "$@""#;

/// Ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn start(journal: &Path) -> (Program, SocketAddr) {
    let mut command = Command::new("sh");
    command.args(["-c", SMALL_FILES, env!("CARGO_BIN_EXE_parlor-server")]);
    command.args(["--operators-same-machine", "on", "--listen", "127.0.0.1:0", "--lanes", "2"]);
    command.arg("--journal").arg(journal);
    let mut program = Program(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
    let at = lines.find_map(|line| {
        let line = line.unwrap();
        let url = line.split_once("http://")?.1.strip_suffix("/healthz")?;
        Some(url.parse().unwrap())
    });
    // Whoever says something goes on until there is nobody to hear it.
    std::thread::spawn(move || lines.for_each(drop));
    (program, at.expect("it says where it listens"))
}

#[tokio::test]
async fn a_journal_that_ends_is_told_and_clients_are_served() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics");
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir_all(&directory).unwrap();
    let (_program, at) = start(&directory.join("journal"));
    let health = async || ask(at, "/healthz", "host: localhost\r\n").await;
    let well = health().await;
    assert!(well.contains(r#""status":"ok""#) && !well.contains("degraded"), "{well}");

    let mut ann = Client::connect(at, "user_id=ann").await.unwrap();
    ann.join("room:1", json!({})).await;
    for _ in 0..9 {
        ann.say("room:1", json!("x".repeat(10_000))).await;
    }
    ann.say("room:1", json!("still here")).await;
    assert_eq!(scrape(at).await.of("parlor_journal_failed"), 1.0);
    let answer = health().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let said = "the journal has ended, as it can't be written";
    let expected = format!(r#""status":"degraded","connections":1,"degraded":["{said}"]"#);
    assert!(answer.contains(&expected), "{answer}");
}
