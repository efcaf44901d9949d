//! Connections that are lost, and clients that come back.

use std::ops::Range;

use parlor::{Address, Config, EventDefinition, HistoryOnJoin, Kick, Payload, Publish, RoomConfig};
use parlor_server::Settings;
use serde_json::json;
use tokio::time::timeout;

use super::Dialogue;
use crate::{PATIENCE, Running, settings, start, until};

/// A server whose rooms remember what was said.
async fn remembering() -> Running {
    start(keeping(100)).await
}

/// Settings of a server whose rooms remember that many messages.
fn keeping(history: u32) -> Settings {
    let definition = EventDefinition::new("*").with_history(history);
    let room = RoomConfig::default().with_event(definition);
    let channel = Config::builder().grace_ms(Settings::GRACE_MS).room("*", room).build().unwrap();
    Settings { channel, ..settings() }
}

/// Publishes numbered messages of that many bytes.
async fn publish(running: &Running, topic: &str, numbers: Range<u64>, bytes: usize) {
    for number in numbers {
        let payload = Payload::json(json!([number, "x".repeat(bytes)]).to_string()).unwrap();
        let publish = Publish::new(Address::Topic(topic.into()), "e", payload);
        running.server.publish(publish).await.unwrap();
    }
}

/// Loses a connection, and waits until the server has seen it.
async fn lose(running: &Running, client: Dialogue) {
    let before = running.server.connections();
    client.lose();
    until(|| running.server.connections() < before).await;
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_is_told_nothing_else() {
    let running = remembering().await;
    let mut bob = running.dialogue("bob").await;
    let mut ann = running.dialogue("ann").await;
    let rooms = ["one", "two", "three"];
    for room in rooms {
        ann.join(room).await;
        bob.join(room).await;
    }
    bob.trigger("one", "e", json!("before")).await;
    assert_eq!(bob.hear("one", "e").await, "before");
    assert_eq!(ann.hear("one", "e").await, "before");

    let id = ann.client_id.clone();
    lose(&running, ann).await;
    for room in rooms {
        bob.trigger(room, "e", json!(format!("while away {room}"))).await;
        bob.hear(room, "e").await;
    }
    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.client_id, id);
    let mut heard = Vec::new();
    for _ in rooms {
        let (name, message) = ann.next().await;
        assert_eq!(name, "dialogue:event", "{message}");
        heard.push(message["data"].as_str().unwrap().to_owned());
    }
    heard.sort();
    assert_eq!(heard, ["while away one", "while away three", "while away two"]);

    ann.trigger("two", "e", json!("back")).await;
    assert_eq!(bob.hear("two", "e").await, "back");
    assert_eq!(ann.hear("two", "e").await, "back");
}

#[tokio::test]
async fn a1_a_client_that_joins_again_while_it_catches_up_misses_nothing() {
    const MANY: u64 = 400;
    let running = start(keeping(1_000)).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    lose(&running, ann).await;
    publish(&running, "one", 0..MANY, 2_000).await;

    // As applications do that join whenever they are connected.
    let mut ann = running.dialogue("ann").await;
    for _ in 0..2 {
        ann.emit("dialogue:join", json!({"roomId": "one"})).await;
    }
    let mut heard = Vec::new();
    while heard.last() != Some(&(MANY - 1)) {
        let (name, message) = ann.next().await;
        if name == "dialogue:event" {
            heard.push(message["data"][0].as_u64().unwrap());
        }
    }
    assert_eq!(heard, (0..MANY).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_connection_lost_while_a_part_is_sent_again_misses_nothing_of_that_part() {
    // More than fits between two programs of one machine, and ten that are forgotten.
    const KEPT: u64 = 250;
    const ALL: u64 = KEPT + 10;
    let mut settings = keeping(250);
    settings.connections.queue_bytes = 80 << 10;
    let running = start(settings).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    lose(&running, ann).await;
    publish(&running, "one", 0..ALL, 65_000).await;

    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.hear("one", "e").await[0], ALL - KEPT, "the first that is kept");
    lose(&running, ann).await;
    let mut ann = running.dialogue("ann").await;
    publish(&running, "one", ALL..ALL + 1, 0).await;
    let mut heard = Vec::new();
    while heard.last() != Some(&ALL) {
        heard.push(ann.hear("one", "e").await[0].as_u64().unwrap());
    }
    assert!(ALL - KEPT < heard[0] && heard[0] < ALL, "it goes on at {}", heard[0]);
    assert_eq!(heard, (heard[0]..=ALL).collect::<Vec<_>>());
}

#[tokio::test]
async fn a1_who_is_put_out_of_a_room_while_its_return_waits_stays_out() {
    const MANY: u64 = 250;
    let mut settings = Settings { lanes: 1, ..keeping(1_000) };
    settings.connections.queue_bytes = 80 << 10;
    let running = start(settings).await;
    let mut bob = running.dialogue("bob").await;
    bob.join("z").await;
    let mut ann = running.dialogue("ann").await;
    for room in ["a", "z"] {
        ann.join(room).await;
    }
    lose(&running, ann).await;
    publish(&running, "a", 0..MANY, 65_000).await;

    // What it has missed in the first room is more than waits at once, and it does not read yet.
    let mut ann = running.dialogue("ann").await;
    let queued = "parlor_queue_answer_bytes";
    let waits =
        async { while crate::metrics::scrape(running.at).await.of(queued) < 1_000_000.0 {} };
    timeout(PATIENCE, waits).await.expect("it waits in time");
    let kick = Kick::new(&*ann.client_id, "enough").with_topic("z");
    running.server.kick(kick).await.unwrap();
    ann.trigger("z", "e", json!("still here?")).await;
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "dialogue:error") {
        let (name, argument) = ann.next().await;
        let is_of_z = argument["roomId"] == "z";
        assert!(!is_of_z || name == "dialogue:left", "{name} where it is no member: {argument}");
        names.push(name);
    }
    assert_eq!(names.iter().filter(|name| *name == "dialogue:event").count() as u64, MANY);
    assert_eq!(running.server.members("z").await.unwrap().unwrap().ids().count(), 1);
}

#[tokio::test]
async fn nobody_else_comes_back_as_it() {
    let running = remembering().await;
    let mut ann = running.dialogue("ann").await;
    ann.join("any").await;
    let also_ann = running.dialogue("ann").await;
    assert_ne!(also_ann.client_id, ann.client_id, "the first one lives");
    let id = ann.client_id.clone();
    lose(&running, ann).await;
    assert_ne!(running.dialogue("bob").await.client_id, id);
    let back = running.dialogue("ann").await;
    assert_eq!(back.client_id, id);
    assert_ne!(running.dialogue("ann").await.client_id, id, "only one does");
}

#[tokio::test]
async fn a_session_takes_over_from_a_connection_that_seems_to_live() {
    let running = remembering().await;
    let with = async |user: &str, session: &str| {
        running.dialogue_with(json!({"userId": user, "session": session})).await.0
    };
    let mut first = with("ann", "secret").await;
    first.join("any").await;
    let mut second = with("ann", "secret").await;
    assert_eq!(second.client_id, first.client_id);
    assert_eq!(first.closed().await, (4000, true));
    second.trigger("any", "e", json!(1)).await;
    assert_eq!(second.hear("any", "e").await, 1, "it is a member");
    assert_ne!(with("bob", "secret").await.client_id, second.client_id);
    let phoenix = running.returning("ann", "secret").await;
    second.trigger("any", "e", json!(2)).await;
    assert_eq!(second.hear("any", "e").await, 2, "a socket of Phoenix is another client");
    drop(phoenix);

    // Who says no session does not come back as one that has.
    let id = second.client_id.clone();
    lose(&running, second).await;
    assert_ne!(running.dialogue("ann").await.client_id, id);
    assert_eq!(with("ann", "secret").await.client_id, id);
}

#[tokio::test]
async fn a_room_that_has_gone_meanwhile_is_told_of() {
    let channel = Config::builder()
        .grace_ms(Settings::GRACE_MS)
        .clients_open_rooms(parlor::ClientRooms::On)
        .unlisted_topics(parlor::UnlistedTopics::Refuse);
    let running = start(Settings { channel: channel.build().unwrap(), ..settings() }).await;
    let mut bob = running.dialogue("bob").await;
    bob.ask("dialogue:createRoom", json!({"id": "r", "name": "R"}), "dialogue:roomCreated").await;
    let mut ann = running.dialogue("ann").await;
    ann.join("r").await;
    lose(&running, ann).await;
    bob.ask("dialogue:deleteRoom", json!({"roomId": "r"}), "dialogue:roomDeleted").await;
    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.next().await, ("dialogue:roomDeleted".to_owned(), json!({"roomId": "r"})));
}

#[tokio::test]
async fn who_could_not_come_back_keeps_no_place() {
    let channel = Config::builder().grace_ms(0).build().unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("any").await;
    let id = ann.client_id.clone();
    lose(&running, ann).await;
    assert_ne!(running.dialogue("ann").await.client_id, id);
}

#[tokio::test]
async fn a_page_that_is_loaded_anew_joins_anew() {
    let definition = EventDefinition::new("*").with_history(100);
    let room =
        RoomConfig::default().with_event(definition).with_history_on_join(HistoryOnJoin::Total(10));
    let channel = Config::builder().grace_ms(Settings::GRACE_MS).room("general", room);
    let running = start(Settings { channel: channel.build().unwrap(), ..settings() }).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("general").await;
    ann.trigger("general", "e", json!(1)).await;
    ann.hear("general", "e").await;
    let all = json!({"roomId": "general", "eventName": "*"});
    ann.emit("dialogue:unsubscribe", all).await;
    let id = ann.client_id.clone();
    lose(&running, ann).await;

    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.client_id, id);
    ann.join("general").await;
    let (name, history) = ann.next().await;
    assert_eq!((name.as_str(), &history["events"][0]["data"]), ("dialogue:history", &json!(1)));
    ann.trigger("general", "e", json!(2)).await;
    assert_eq!(ann.hear("general", "e").await, 2, "it is subscribed as all are");
    ann.join("general").await;
    assert_eq!(ann.rooms().await, ["general"], "a second join is one of a member");
}
