//! A3: a log that nobody reads stops nothing.

use std::time::Duration;

use serde_json::json;

use crate::{Client, process::Process};

const SETTINGS: &str = "connections.events_per_window = 1_000_000";
const DROPPED: &str = "parlor_log_lines_dropped_total";

/// Has the server log, until it has dropped lines.
async fn talk_until_lines_are_dropped(server: &Process, ann: &mut Client) {
    while server.figure(DROPPED).await < 1.0 {
        for number in 0..500 {
            ann.send("room:1", "say", json!(number)).await;
        }
        let (status, _) = ann.ask("room:1", "say", json!("answer me")).await;
        assert_eq!(status, "ok");
    }
}

#[tokio::test]
async fn a3_a_log_that_is_not_read_stops_nothing() {
    let mut server = Process::start("log-unread", SETTINGS, &["--log", "trace"]);
    let mut ann = Client::connect(server.at, "user_id=ann").await.unwrap();
    ann.join("room:1", json!({})).await;
    assert!(server.output.is_some(), "the pipe stays open");
    talk_until_lines_are_dropped(&server, &mut ann).await;

    assert_eq!(server.status().await, "ok");
    let mut bob = Client::connect(server.at, "user_id=bob").await.unwrap();
    bob.join("room:1", json!({})).await;
    server.signal("-TERM");
    assert_eq!(ann.closed().await.0, 1012);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn a3_connections_live_when_output_is_closed() {
    let mut server = Process::start("log-closed", SETTINGS, &["--log", "debug"]);
    drop(server.output.take());
    let mut ann = Client::connect(server.at, "user_id=ann").await.unwrap();
    ann.join("room:1", json!({})).await;
    talk_until_lines_are_dropped(&server, &mut ann).await;
    assert_eq!(server.status().await, "ok");
    server.signal("-TERM");
    assert_eq!(ann.closed().await.0, 1012);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn sighup_is_ignored_and_logged() {
    let mut server = Process::start("sighup", "", &[]);
    server.signal("-HUP");
    let mut output = server.output.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while !line.contains("SIGHUP ignored") {
            line.clear();
            assert_ne!(std::io::BufRead::read_line(&mut output, &mut line).unwrap(), 0);
        }
        output
    });
    let _output = line.await.unwrap();
    assert_eq!(server.status().await, "ok");
    server.signal("-TERM");
    assert!(server.ended().await.success());
}

/// The process is stopped for longer than a client may be silent, which says something meanwhile.
#[tokio::test]
async fn a_pause_of_the_process_closes_nobody_who_has_spoken() {
    let mut server = Process::start("pause", "connections.idle_ms = 3_000", &[]);
    let mut ann = Client::connect(server.at, "user_id=ann").await.unwrap();
    ann.join("room:1", json!({})).await;
    server.signal("-STOP");
    let heartbeat = ann.send("phoenix", "heartbeat", json!({})).await;
    // As long as a laptop sleeps: it can't be waited for in another way.
    tokio::time::sleep(Duration::from_secs(4)).await;
    server.signal("-CONT");
    assert_eq!(ann.reply(&heartbeat).await.0, "ok");
    assert_eq!(ann.ask("room:1", "say", json!("hi")).await.0, "ok");
    server.signal("-TERM");
    assert!(server.ended().await.success());
}
