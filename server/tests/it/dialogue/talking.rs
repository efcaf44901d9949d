//! What clients say and hear, also from those who speak another protocol.

use parlor::{Config, Kick, RoomConfig};
use parlor_server::Settings;
use serde_json::json;
use tokio::time::timeout;

use crate::{PATIENCE, Running, settings, start};

#[tokio::test]
async fn clients_of_phoenix_and_dialogue_hear_each_other() {
    let running = start(settings()).await;
    let (mut ann, mut bob) = (running.client("ann").await, running.dialogue("bob").await);
    ann.join("room:1", json!({})).await;
    bob.join("room:1").await;

    bob.trigger("room:1", "shout", json!({"n": 1})).await;
    let heard = ann.until("shout").await;
    assert_eq!((&heard[2], &heard[4]), (&json!("room:1"), &json!({"n": 1})));
    assert_eq!(bob.hear("room:1", "shout").await, json!({"n": 1}));

    ann.ask("room:1", "shout", json!({"n": 2})).await;
    let (name, message) = bob.next().await;
    assert_eq!(name, "dialogue:event");
    assert_eq!((&message["data"], &message["from"]), (&json!({"n": 2}), &json!("ann")));
    assert_eq!(ann.until("shout").await[4], json!({"n": 2}));
    running.shutdown().await;
}

#[tokio::test]
async fn payloads_are_carried_byte_for_byte() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.dialogue("ann").await, running.dialogue("bob").await];
    ann.join("any").await;
    bob.join("any").await;
    let data = r#"{"z":1.50e0,"a":12345678901234567890123,"z":"\u0062"}"#;
    let trigger = format!(
        r#"42["dialogue:trigger",{{"roomId":"any","event":"e","data":{data},"meta":{{"m":1.0}}}}]"#
    );
    ann.send_raw(&trigger).await;
    for client in [&mut ann, &mut bob] {
        let packet = client.packet().await.unwrap();
        assert!(packet.contains(&format!(r#""data":{data},"from":"ann""#)), "{packet}");
        assert!(packet.ends_with(r#""meta":{"m":1.0}}]"#), "{packet}");
    }
}

#[tokio::test]
async fn what_a_client_says_stays_in_order() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.dialogue("ann").await, running.dialogue("bob").await];
    bob.join("any").await;
    // Nothing is waited for, not even the join.
    ann.emit("dialogue:join", json!({"roomId": "any"})).await;
    for n in 0..500 {
        ann.trigger("any", "n", json!(n)).await;
    }
    for n in 0..500 {
        assert_eq!(bob.hear("any", "n").await, n);
    }
}

#[tokio::test]
async fn rooms_are_listed_as_configured_and_then_as_opened() {
    let declared = ["zoo", "bar", "attic", "den", "cellar"];
    let mut channel = Config::builder().clients_open_rooms(parlor::ClientRooms::On);
    for room in declared {
        channel = channel.room(room, RoomConfig::default());
    }
    let channel = channel.build().unwrap();
    let running = start(Settings { lanes: 4, channel, ..Settings::default() }).await;
    let [mut ann, mut bob] = [running.dialogue("ann").await, running.dialogue("bob").await];
    assert_eq!(ann.rooms().await, declared);

    let mut expected = declared.map(str::to_owned).to_vec();
    for n in [7, 3, 9, 1, 8, 2] {
        let id = format!("opened-{n}");
        let create = json!({"id": id, "name": "Opened"});
        let created = ann.ask("dialogue:createRoom", create, "dialogue:roomCreated").await;
        let told = bob.next().await;
        assert_eq!(told, ("dialogue:roomCreated".to_owned(), created));
        expected.push(id);
    }
    assert_eq!(bob.rooms().await, expected);

    let delete = json!({"roomId": "opened-9"});
    ann.ask("dialogue:deleteRoom", delete.clone(), "dialogue:roomDeleted").await;
    assert_eq!(bob.next().await, ("dialogue:roomDeleted".to_owned(), delete));
    expected.retain(|id| id != "opened-9");
    // Once, or it would come here.
    assert_eq!(ann.rooms().await, expected);
    assert_eq!(bob.rooms().await, expected);
    let listed: Vec<_> = running.server.rooms().await.unwrap();
    assert!(listed.iter().map(|room| room.topic.as_str()).eq(expected));
}

#[tokio::test]
async fn one_that_is_put_out_is_told_to_stay_away() {
    let running = start(settings()).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("any").await;
    running.server.kick(Kick::new(ann.client_id.as_str(), "enough")).await.unwrap();
    assert_eq!(ann.closed().await, (1001, true));
    let mut ann = running.dialogue("ann").await;
    let mut bob = running.dialogue("bob").await;
    bob.join("any").await;
    bob.trigger("any", "e", json!(1)).await;
    bob.hear("any", "e").await;
    ann.join("any").await;
}

#[tokio::test]
async fn one_that_goes_leaves_at_once() {
    let running = start(settings()).await;
    let (mut ann, mut bob) = (running.client("ann").await, running.dialogue("bob").await);
    ann.join("any", json!({})).await;
    bob.join("any").await;
    ann.until("presence_diff").await;
    bob.send_raw("41").await;
    ann.until_gone("bob").await;
}

#[tokio::test]
async fn memberships_outlive_a_crash() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.dialogue("ann").await, running.dialogue("bob").await];
    for room in ["one", "two", "three"] {
        ann.join(room).await;
        bob.join(room).await;
    }
    running.server.crash("a test").await.unwrap();
    running.server.restart().await.unwrap();
    all_are_back(&running).await;
    for room in ["one", "two", "three"] {
        ann.trigger(room, "e", json!(room)).await;
        assert_eq!(bob.hear(room, "e").await, room);
        assert_eq!(ann.hear(room, "e").await, room);
    }
}

#[tokio::test]
async fn memberships_outlive_crashes_in_a_row() {
    let running = start(settings()).await;
    let mut ann = running.dialogue("ann").await;
    for n in 0..9 {
        ann.join(&format!("room:{n}")).await;
    }
    for _ in 0..20 {
        running.server.crash("a test").await.unwrap();
        running.server.restart().await.unwrap();
    }
    all_are_back(&running).await;
}

/// Waits until all are members again of their rooms, which nobody is told.
async fn all_are_back(running: &Running) {
    let restored = async {
        while running.server.stats().await.unwrap().detached > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, restored).await.expect("they are members of all again");
}
