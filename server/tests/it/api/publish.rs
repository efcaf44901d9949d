//! Messages from back ends reach exactly those whom they are for, as they were written.

use parlor::{Config, EventDefinition, RoomConfig};
use parlor_server::Settings;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{heard, usual};
use crate::{Client, Dialogue, Running, settings};

/// Ann by Phoenix and by Dialogue, bob by Phoenix, cid by Dialogue: ann and bob are in room:1, ann's
/// second client and cid in room:2.
struct Crowd {
    ann: Client,
    anna: Dialogue,
    bob: Client,
    cid: Dialogue,
}

impl Crowd {
    async fn in_rooms(running: &Running) -> Self {
        let mut crowd = Self {
            ann: running.client("ann").await,
            anna: running.dialogue("ann").await,
            bob: running.client("bob").await,
            cid: running.dialogue("cid").await,
        };
        crowd.ann.join("room:1", json!({})).await;
        crowd.bob.join("room:1", json!({})).await;
        crowd.anna.join("room:2").await;
        crowd.cid.join("room:2").await;
        crowd
    }

    /// How many notices each has received.
    async fn counts(&mut self) -> [usize; 4] {
        [
            self.ann.count("notice", "room:1").await,
            heard(&mut self.anna, "notice").await.len(),
            self.bob.count("notice", "room:1").await,
            heard(&mut self.cid, "notice").await.len(),
        ]
    }
}

fn notice(target: &Value, more: &Value) -> String {
    let mut notice = json!({"target": target, "event": "notice", "payload": {"n": 1}});
    for (key, value) in more.as_object().unwrap() {
        notice[key] = value.clone();
    }
    notice.to_string()
}

#[tokio::test]
async fn each_audience_is_reached_and_nobody_else() {
    let running = usual().await;
    let mut crowd = Crowd::in_rooms(&running).await;
    let both = json!({"add": ["room:1", "room:2"]}).to_string();
    assert_eq!(running.ask("PATCH", "/api/groups/both", Some(&both)).await.status, 204);
    let anna = crowd.anna.client_id.clone();
    let none = json!({});
    for (target, more, expected) in [
        (json!({"topic": "room:1"}), &none, [1, 0, 1, 0]),
        (json!({"topic": "room:2"}), &none, [0, 1, 0, 1]),
        (json!({"group": "both"}), &none, [1, 1, 1, 1]),
        (json!({"user": "ann"}), &none, [1, 1, 0, 0]),
        (json!({"user": "nobody"}), &none, [0, 0, 0, 0]),
        (json!({"client": anna}), &none, [0, 1, 0, 0]),
        (json!("everyone"), &none, [1, 1, 1, 1]),
        (json!("everyone"), &json!({"except_user": "ann"}), [0, 0, 1, 1]),
        (json!("everyone"), &json!({"except_client": anna}), [1, 0, 1, 1]),
        (json!({"topic": "room:2"}), &json!({"except_user": "cid"}), [0, 1, 0, 0]),
        (json!({"group": "both"}), &json!({"except_client": anna}), [1, 0, 1, 1]),
    ] {
        let answer = running.post("/api/publish", &notice(&target, more)).await.done();
        assert_eq!(answer.get("offset").is_some(), target.get("topic").is_some(), "{answer}");
        assert_eq!(answer["recipients"], expected.iter().sum::<usize>(), "{target} {more}");
        assert_eq!(crowd.counts().await, expected, "{target} {more}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_payload_is_carried_byte_for_byte() {
    let running = usual().await;
    let (mut ann, mut bob) = (running.client("ann").await, running.dialogue("bob").await);
    ann.join("room:1", json!({})).await;
    bob.join("room:1").await;
    let payload = r#"{ "z":1.50e0,"a":12345678901234567890123, "z":"\u0062","é":[1e400 ,-0.0]}"#;
    let body = format!(
        r#"{{"payload":{payload},"target":{{"topic":"room:1"}},"event":"e","meta":{{"m":1.0}},"from":"kitchen"}}"#
    );
    running.post("/api/publish", &body).await.done();
    let text = loop {
        if let Message::Text(text) = ann.message().await
            && text.contains("\"e\"")
        {
            break text;
        }
    };
    assert!(text.contains(payload), "{text}");
    let packet = bob.packet().await.unwrap();
    assert!(packet.contains(&format!(r#""data":{payload},"from":"kitchen""#)), "{packet}");
    assert!(packet.ends_with(r#""meta":{"m":1.0}}]"#), "{packet}");
}

#[tokio::test]
async fn bytes_are_carried_too() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let body = r#"{"target":{"topic":"room:1"},"event":"bin","payload_base64":"AQL/"}"#;
    running.post("/api/publish", body).await.done();
    let bytes = loop {
        if let Message::Binary(bytes) = ann.message().await {
            break bytes;
        }
    };
    assert!(bytes.ends_with(&[1, 2, 255]), "{bytes:?}");
}

#[tokio::test]
async fn a_message_that_is_sent_again_is_told_by_its_id() {
    let room = RoomConfig::default()
        .with_dedupe(10)
        .with_event(EventDefinition::new("notice").with_history(10));
    let channel = Config::builder().room("room:*", room).build().unwrap();
    let running = super::serve(Settings { channel, ..settings() }).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let notice = notice(&json!({"topic": "room:1"}), &json!({"id": "order-17"}));
    let first = running.post("/api/publish", &notice).await.done();
    assert_eq!(first["offset"], 1);
    assert_eq!(first["recipients"], 1);
    let again = running.post("/api/publish", &notice).await.done();
    assert_eq!((&again["epoch"], &again["offset"]), (&first["epoch"], &first["offset"]));
    assert_eq!(again["recipients"], 0, "it is not sent again");
    assert_eq!(ann.count("notice", "room:1").await, 1);
    let other = notice.replace("order-17", "order-18");
    assert_eq!(running.post("/api/publish", &other).await.done()["offset"], 3);
}

#[tokio::test]
async fn what_is_not_there_or_can_not_be_is_refused_with_its_reason() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let long = "x".repeat(256);
    let room = json!({"topic": "room:1"});
    for (target, more, status, reason) in [
        (json!({"topic": "nowhere"}), json!({}), 404, "unknown_topic"),
        (json!({"group": "nobody"}), json!({}), 404, "unknown_target"),
        (json!({"client": "nobody"}), json!({}), 404, "unknown_target"),
        (json!({"topic": long}), json!({}), 422, "invalid_name"),
        (json!({"user": ""}), json!({}), 422, "invalid_name"),
        (room.clone(), json!({"event": "*"}), 422, "invalid_name"),
        (room.clone(), json!({"from": ""}), 422, "invalid_name"),
        (room.clone(), json!({"except_user": long}), 422, "invalid_name"),
        (room.clone(), json!({"id": long}), 422, "limit_reached"),
        (room.clone(), json!({"payload": "x".repeat(65_536)}), 413, "payload_too_large"),
        (room.clone(), json!({"meta": "x".repeat(65_536)}), 413, "payload_too_large"),
    ] {
        let answer = running.post("/api/publish", &notice(&target, &more)).await;
        answer.refused(status, reason);
    }
    let deep = "[".repeat(129) + &"]".repeat(129);
    let body = format!(r#"{{"target":{room},"event":"e","payload":{deep}}}"#);
    let detail = running.post("/api/publish", &body).await.refused(413, "payload_too_large");
    assert_eq!(detail, "payload has 129 levels, expected at most 128");

    running.server.crash("boom").await.unwrap();
    running.post("/api/publish", &notice(&room, &json!({}))).await.refused(503, "crashed");
}
