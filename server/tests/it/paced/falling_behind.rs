//! Clients that read slowly, or not at all.

use std::time::Duration;

use futures_util::SinkExt as _;
use tokio::time::sleep;

use super::*;

/// What one who comes back to a long history and does not read has to be sent, in bytes: more than
/// fits between two programs of one machine.
const MANY: usize = 250;
const BYTES: usize = 65_000;

#[tokio::test]
async fn a1_a_client_that_takes_nothing_is_closed_whatever_it_has_asked_for() {
    let mut settings = narrow(room());
    settings.connections.idle_ms = 300;
    settings.connections.close_ms = 10;
    let running = start(settings).await;
    let since = running.left_behind(&["room:1".into()]).await.remove(0);
    running.publish("room:1", 0..MANY, BYTES).await;

    let mut ann = running.narrow_client("ann", "secret").await;
    ann.send("room:1", "phx_join", json!({"since": since})).await;
    // One who said nothing either would be idle.
    while running.server.connections() > 0 {
        let beat = json!([null, "beat", "phoenix", "heartbeat", {}]).to_string();
        if ann.socket.send(Message::Text(beat.into())).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    until(|| running.server.connections() == 0).await;
    assert!(running.too_slow().await);
}

#[tokio::test]
async fn a1_heartbeats_are_answered_while_an_answer_drains() {
    let running = start(narrow(room())).await;
    let since = running.left_behind(&["room:1".into()]).await.remove(0);
    running.publish("room:1", 0..MANY, BYTES).await;

    let mut ann = running.narrow_client("ann", "secret").await;
    ann.send("room:1", "phx_join", json!({"since": since})).await;
    let (mut number, mut beat, mut beats) = (0, None, 0);
    while number < MANY {
        if beat.is_none() {
            beat = Some(ann.send("phoenix", "heartbeat", json!({})).await);
        }
        let frame = ann.next().await;
        ann.heard.clear();
        if frame[2] == "phoenix" {
            assert_eq!(Some(&frame[1]), beat.take().map(Value::from).as_ref());
            beats += 1;
        } else if frame[3] == "say" {
            assert_eq!(numbered(&frame).0, number as u64);
            number += 1;
        }
    }
    assert!(beats > 2, "{beats} heartbeats were answered before the end");
}

#[tokio::test]
async fn a1_what_is_said_elsewhere_passes_a_long_answer() {
    let running = start(narrow(room())).await;
    let since = running.left_behind(&["room:1".into()]).await.remove(0);
    running.publish("room:1", 0..MANY, BYTES).await;

    let mut ann = running.narrow_client("ann", "secret").await;
    ann.join("room:2", json!({})).await;
    ann.send("room:1", "phx_join", json!({"since": since})).await;
    next_of(&mut ann, "room:1").await;
    running.publish("room:1", MANY..MANY + 1, 10).await;
    running.publish("room:2", 0..1, 10).await;
    let (mut last, mut elsewhere) = (0, None);
    while last < MANY as u64 {
        let frame = ann.next().await;
        ann.heard.clear();
        if frame[3] == "say" && frame[2] == "room:2" {
            elsewhere = Some(last);
        } else if frame[3] == "say" {
            last = numbered(&frame).0;
        }
    }
    assert!(elsewhere.expect("it has come") < MANY as u64 - 1, "before the end of the answer");
}

#[tokio::test]
async fn a1_a_topic_that_outruns_its_answer_is_joined_again_and_nothing_is_missed() {
    let running = start(narrow(room())).await;
    let since = running.left_behind(&["room:1".into()]).await.remove(0);
    running.publish("room:1", 0..MANY, BYTES).await;

    let mut ann = running.narrow_client("ann", "secret").await;
    ann.send("room:1", "phx_join", json!({"since": since})).await;
    assert_eq!(next_of(&mut ann, "room:1").await, 0);
    // It does not read meanwhile.
    let last = MANY + 100;
    running.publish("room:1", MANY..last, 10).await;

    let (mut number, mut position, mut interrupted) = (1, Value::Null, 0);
    while number < last {
        let frame = ann.next().await;
        ann.heard.clear();
        match frame[3].as_str().unwrap() {
            "say" => {
                let (said, at) = numbered(&frame);
                assert_eq!(said, number as u64, "each once, and in order");
                (number, position) = (number + 1, at);
            }
            "phx_error" => {
                assert_eq!(frame[4]["reason"], "too_slow");
                interrupted += 1;
                ann.send("room:1", "phx_join", json!({"since": position})).await;
            }
            "phx_reply" => assert_eq!(frame[4]["response"]["recovered"], true, "{frame}"),
            _ => {}
        }
    }
    assert_eq!(interrupted, 1);
    assert!(!running.too_slow().await);
}

#[tokio::test]
async fn a1_a_join_that_was_given_up_while_it_waited_converges() {
    let running = start(narrow(room())).await;
    let topics = ["room:1".to_owned(), "room:2".to_owned()];
    let mut positions = running.left_behind(&topics).await;
    let second = positions.pop();
    running.publish("room:1", 0..MANY, BYTES).await;
    running.publish("room:2", 0..3, 10).await;

    let mut ann = running.narrow_client("ann", "secret").await;
    ann.send("room:1", "phx_join", json!({"since": positions.pop()})).await;
    assert_eq!(next_of(&mut ann, "room:1").await, 0);
    // As the npm client does it after ten seconds without an answer.
    let (mut last, mut heard) = (String::new(), Vec::new());
    for attempt in 0..5 {
        if attempt > 0 {
            let leave = json!([last, format!("leave{attempt}"), "room:2", "phx_leave", {}]);
            ann.send_raw(Message::Text(leave.to_string().into())).await;
        }
        last = ann.send("room:2", "phx_join", json!({"since": second})).await;
    }
    let mut number = 1;
    while heard.len() < 3 || number < MANY {
        let frame = ann.next().await;
        ann.heard.clear();
        match (frame[2].as_str().unwrap(), frame[3].as_str().unwrap()) {
            ("room:1", "say") => number += 1,
            ("room:2", "say") => heard.push(numbered(&frame).0),
            ("room:2", "phx_reply") => {
                assert_eq!(frame[1], last, "the last join alone is answered: {frame}");
                assert_eq!(frame[4]["response"]["recovered"], true, "{frame}");
            }
            ("room:2", other) => assert_eq!(other, "presence_state", "{frame}"),
            _ => {}
        }
    }
    assert_eq!(heard, [0, 1, 2]);
}
