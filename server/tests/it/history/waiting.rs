//! Pages that are asked for while the file can't be read yet, and clients that do not wait for them.

use parlor::{CloseRoom, Kick};
use parlor_server::HistorySettings;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{file, keeping, numbers, publish};
use crate::{Client, Running, start, until};

/// A server with twenty messages in a room, whose file another program keeps from being written:
/// what is asked of it waits until that lets go.
struct HeldUp {
    running: Running,
    other: Connection,
}

impl HeldUp {
    async fn new(name: &str) -> Self {
        let path = file(name);
        let running = start(keeping(HistorySettings::new(&path))).await;
        for number in 0..20 {
            publish(&running, "lasting", "message", number).await;
        }
        until(|| running.server.history().unwrap().waiting_bytes == 0).await;
        Self { running, other: Connection::open(path).unwrap() }
    }

    async fn begin(&self) {
        self.other.execute_batch("BEGIN IMMEDIATE").unwrap();
        publish(&self.running, "lasting", "message", 20).await;
    }

    async fn end(self) {
        self.other.execute_batch("ROLLBACK").unwrap();
        self.running.shutdown().await;
    }
}

async fn ask(client: &mut Client, start: usize, end: usize) -> String {
    let asked = json!({"event": "message", "start": start, "end": end});
    client.send("lasting", "parlor:history", asked).await
}

/// The next reply: its ref, its status and its response.
async fn next_reply(client: &mut Client) -> (String, String, Value) {
    let frame = client.until("phx_reply").await;
    let status = frame[4]["status"].as_str().unwrap().to_owned();
    (frame[1].as_str().unwrap().to_owned(), status, frame[4]["response"].clone())
}

/// Checks that a page that memory has nothing of is refused, so that its client can ask again.
fn check_refused((reference, status, response): &(String, String, Value), asked: &str) {
    assert_eq!((reference.as_str(), status.as_str()), (asked, "error"), "{response}");
    assert_eq!(response["reason"], "unavailable", "{response}");
    assert!(response["message"].as_str().unwrap().contains("expected"), "{response}");
}

#[tokio::test]
async fn b_a_page_is_answered_before_its_member_leaves_and_comes_back() {
    let held_up = HeldUp::new("leaving").await;
    let mut ann = held_up.running.client("ann").await;
    ann.join("lasting", json!({})).await;
    held_up.begin().await;

    let beyond = ask(&mut ann, 10, 15).await;
    let leave = ann.send("lasting", "phx_leave", json!({})).await;
    check_refused(&next_reply(&mut ann).await, &beyond);
    assert_eq!(next_reply(&mut ann).await.0, leave);

    ann.join("lasting", json!({})).await;
    let at_the_edge = ask(&mut ann, 0, 15).await;
    let leave = ann.send("lasting", "phx_leave", json!({})).await;
    // Of this one memory has a part, which says where it goes on.
    let (reference, status, response) = next_reply(&mut ann).await;
    assert_eq!((reference, status.as_str()), (at_the_edge, "ok"));
    assert_eq!(numbers(response["messages"].as_array().unwrap()), [20, 19, 18, 17, 16, 15, 14]);
    assert_eq!(response["more"]["offset"], 15, "{response}");
    assert_eq!(next_reply(&mut ann).await.0, leave);

    ann.join("lasting", json!({})).await;
    let again = ask(&mut ann, 10, 15).await;
    held_up.other.execute_batch("ROLLBACK").unwrap();
    let (reference, status, response) = next_reply(&mut ann).await;
    assert_eq!((reference, status.as_str()), (again, "ok"), "{response}");
    assert_eq!(numbers(response["messages"].as_array().unwrap()), [10, 9, 8, 7, 6]);
    held_up.running.shutdown().await;
}

#[tokio::test]
async fn b_a_page_is_answered_before_its_member_is_put_out() {
    let held_up = HeldUp::new("put_out").await;
    let (mut ann, mut bob) =
        (held_up.running.client("ann").await, held_up.running.client("bob").await);
    ann.join("lasting", json!({})).await;
    bob.join("lasting", json!({})).await;
    held_up.begin().await;

    let first = ask(&mut ann, 10, 15).await;
    // What the server does comes after what its clients have asked for.
    ann.ask("lasting", "message", json!("hi")).await;
    let second = ask(&mut ann, 10, 15).await;
    let others = ask(&mut bob, 10, 15).await;
    let clients = held_up.running.server.clients_of("ann").await.unwrap();
    let kick = Kick::new(&clients[0], "enough").with_topic("lasting");
    held_up.running.server.kick(kick).await.unwrap();
    check_refused(&next_reply(&mut ann).await, &first);
    assert_eq!(ann.until("phx_close").await[2], "lasting");
    let (reference, status, _) = next_reply(&mut ann).await;
    assert_eq!((reference, status.as_str()), (second, "error"), "it is no member any more");

    bob.ask("lasting", "message", json!("hi")).await;
    held_up.running.server.close_room(CloseRoom::new("lasting")).await.unwrap();
    check_refused(&next_reply(&mut bob).await, &others);
    held_up.end().await;
}

#[tokio::test]
async fn a5_pages_that_a_client_asks_for_at_once_are_read_one_after_the_other() {
    let held_up = HeldUp::new("hoard").await;
    let mut ann = held_up.running.client("ann").await;
    ann.join("lasting", json!({})).await;
    held_up.begin().await;
    let mut asked = Vec::new();
    for _ in 0..100 {
        asked.push(ask(&mut ann, 10, 15).await);
    }
    // What is not about the room does not wait for them.
    ann.ask("phoenix", "heartbeat", json!({})).await;
    held_up.other.execute_batch("ROLLBACK").unwrap();
    for reference in asked {
        let (answered, status, response) = next_reply(&mut ann).await;
        assert_eq!((answered, status.as_str()), (reference, "ok"), "{response}");
    }
    held_up.running.shutdown().await;
}
