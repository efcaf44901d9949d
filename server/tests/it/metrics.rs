//! What `/metrics` says: that it is OpenMetrics, that each count moves by what has happened and by
//! nothing else, and who may read it.

mod failing;
mod open_metrics;

use std::{collections::BTreeMap, net::SocketAddr};

use parlor::{Config, EventDefinition, Kick, RoomConfig};
use parlor_server::Settings;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use self::open_metrics::Page;
use crate::{PATIENCE, Running, settings, start, until};

/// What a server answers to a request with such lines in its head.
pub async fn ask(at: SocketAddr, path: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.expect("answers in time").unwrap();
    answer
}

/// The page, asked for from the same machine.
pub async fn scrape(at: SocketAddr) -> Page {
    let answer = ask(at, "/metrics", "host: localhost\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let form = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(form), "{head}");
    Page::read(body).unwrap_or_else(|wrong| panic!("{wrong}\n{body}"))
}

/// What has moved between two pages, but for what time alone moves.
fn moved(before: &Page, after: &Page) -> BTreeMap<String, f64> {
    let moves = |name: &str| {
        let with_time = ["_seconds", "_batch_", "process_", "kind=\"tick\"", "_mailbox_"];
        !with_time.iter().any(|part| name.contains(part))
    };
    let known = before.samples.keys().eq(after.samples.keys());
    assert!(known, "which samples there are does not depend on what happens");
    let all = after.samples.iter().filter(|(name, _)| moves(name));
    let all = all.map(|(name, value)| (name.clone(), value - before.of(name)));
    all.filter(|(_, by)| by.abs() > 0.0).collect()
}

/// Waits until exactly that has moved: a shard counts after it has delivered.
async fn check(running: &Running, before: &Page, expected: &[(&str, f64)]) {
    let expected = expected.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect();
    let mut last = BTreeMap::new();
    let reached = async {
        while last != expected {
            last = moved(before, &scrape(running.at).await);
        }
    };
    let reached = timeout(PATIENCE, reached).await;
    assert!(reached.is_ok(), "moved by {last:#?}, expected {expected:#?}");
}

/// Two shards; rooms that remember, and one for a single member.
fn remembering() -> Settings {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(10));
    let channel = Config::builder()
        .grace_ms(1 << 40)
        .room("room:*", room)
        .room("cell", RoomConfig::default().with_max_members(1))
        .build()
        .unwrap();
    Settings { channel, shards: 2, ..settings() }
}

#[tokio::test]
async fn a_conversation_is_counted() {
    let running = start(remembering()).await;
    let before = scrape(running.at).await;
    assert_eq!(before.of("parlor_rooms"), 1.0, "the one that is declared");

    let mut ann = running.client("ann").await;
    let mut bob = running.dialogue("bob").await;
    ann.join("room:1", json!({})).await;
    bob.join("room:1").await;
    ann.until("presence_diff").await;
    bob.trigger("room:1", "say", json!("hello")).await;
    assert_eq!(bob.hear("room:1", "say").await, "hello");
    assert_eq!(ann.until("say").await[4], "hello");
    ann.join("cell", json!({})).await;
    ann.ask("elsewhere", "say", json!(1)).await;
    bob.trigger("elsewhere", "say", json!(1)).await;
    bob.next().await;
    let mut eve = running.client("eve").await;
    eve.ask("cell", "phx_join", json!({})).await;

    let said = 7.0;
    check(
        &running,
        &before,
        &[
            ("parlor_clients", 3.0),
            ("parlor_connection_places", 3.0),
            ("parlor_connections_opened_total{protocol=\"dialogue\"}", 1.0),
            ("parlor_connections_opened_total{protocol=\"phoenix\"}", 2.0),
            ("parlor_connections{protocol=\"dialogue\"}", 1.0),
            ("parlor_connections{protocol=\"phoenix\"}", 2.0),
            // What each is told of its join and of what it says; what it is shown, and hears.
            ("parlor_deliveries_total{protocol=\"dialogue\",kind=\"broadcast_message\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"dialogue\",kind=\"reply\"}", 2.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"broadcast_message\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"presence_diff\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"presence_state\"}", 2.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"reply\"}", 4.0),
            ("parlor_events_total{kind=\"broadcast\"}", 3.0),
            // On each shard.
            ("parlor_events_total{kind=\"connect\"}", 6.0),
            ("parlor_events_total{kind=\"join\"}", 4.0),
            // One of sixteen on each shard, from the first on.
            ("parlor_handle_seconds_count", 2.0),
            ("parlor_history_bytes", said + "sayboblen".len() as f64),
            ("parlor_history_messages", 1.0),
            ("parlor_memberships", 3.0),
            ("parlor_presence_joins_total", 3.0),
            ("parlor_refusals_total{reason=\"room_full\"}", 1.0),
            ("parlor_refusals_total{reason=\"unknown_topic\"}", 2.0),
            ("parlor_rooms", 1.0),
            ("parlor_rooms_opened_total", 1.0),
        ],
    )
    .await;
}
