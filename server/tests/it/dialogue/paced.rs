//! Answers to clients of Dialogue are paced, as those to all others.

use parlor::{Address, Config, EventDefinition, Payload, Publish, RoomConfig};
use parlor_server::Settings;
use serde_json::json;

use crate::{Running, settings, start, until};

/// A server whose rooms remember a lot, and where little may wait for a connection.
async fn narrow() -> Running {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(10_000));
    let channel = Config::builder().grace_ms(1 << 40).default_room(room).build().unwrap();
    let mut settings = Settings { channel, lanes: 2, ..settings() };
    settings.connections.queue_bytes = 80 << 10;
    settings.connections.queue_items = 64;
    start(settings).await
}

async fn publish(running: &Running, room: &str, numbers: std::ops::Range<usize>, bytes: usize) {
    let blob = "x".repeat(bytes);
    for number in numbers {
        let payload = Payload::json(json!([number, blob]).to_string()).unwrap();
        running
            .server
            .publish(Publish::new(Address::Topic(room.into()), "e", payload))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a1_a_client_of_dialogue_gets_all_that_it_has_missed_in_several_rooms() {
    let running = narrow().await;
    let rooms = ["one", "two", "three"];
    let (many, bytes) = (30, 60_000);
    let mut ann = running.dialogue("ann").await;
    for room in rooms {
        ann.join(room).await;
    }
    ann.lose();
    until(|| running.server.connections() == 0).await;
    for room in rooms {
        publish(&running, room, 0..many, bytes).await;
    }

    let mut ann = running.dialogue("ann").await;
    let mut heard = rooms.map(|_| 0);
    for read in 0..3 * many {
        if read == many {
            // More is said in all of them meanwhile.
            for room in rooms {
                publish(&running, room, many..many + 1, 10).await;
            }
        }
        let (name, message) = ann.next().await;
        assert_eq!(name, "dialogue:event", "{message}");
        let at = rooms.iter().position(|room| message["roomId"] == *room).unwrap();
        assert_eq!(message["data"][0], heard[at], "in {}", rooms[at]);
        heard[at] += 1;
    }
    for _ in rooms {
        let (_, message) = ann.next().await;
        let at = rooms.iter().position(|room| message["roomId"] == *room).unwrap();
        heard[at] += 1;
    }
    assert_eq!(heard, rooms.map(|_| many + 1));
}

#[tokio::test]
async fn a1_a_room_that_outruns_its_answer_is_joined_again_by_the_server() {
    let running = narrow().await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    ann.lose();
    until(|| running.server.connections() == 0).await;
    let many = 250;
    publish(&running, "one", 0..many, 65_000).await;

    let mut ann = running.dialogue("ann").await;
    let (_, message) = ann.next().await;
    assert_eq!(message["data"][0], 0);
    // It does not read meanwhile.
    publish(&running, "one", many..many + 100, 10).await;
    for number in 1..many + 100 {
        let (name, message) = ann.next().await;
        assert_eq!((name.as_str(), &message["data"][0]), ("dialogue:event", &json!(number)));
    }
}
