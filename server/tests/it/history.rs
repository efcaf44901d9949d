//! Pages that go on where memory ends, as clients of Phoenix see them.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use parlor::{Address, Config, EventDefinition, Json, Limit, Publish, RoomConfig};
use parlor_server::{HistoryReach, HistorySettings, Settings};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Client, Running, settings, start, until};

/// A file for the history of a test, which is not there, in a directory of its own.
pub fn file(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("history_{name}"));
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("history.sqlite")
}

/// Rooms that remember the last seven of each event name, and three of "rare", on three shards.
pub fn keeping(history: HistorySettings) -> Settings {
    let room = RoomConfig::default()
        .with_event(EventDefinition::new("*").with_history(7))
        .with_event(EventDefinition::new("rare").with_history(3))
        .with_event(EventDefinition::new("forgotten"));
    let channel = Config::builder()
        .grace_ms(0)
        .room("lasting", room.clone())
        .default_room(room)
        .limit(Limit::EventNamesPerTopic, 10)
        .build()
        .unwrap();
    Settings { channel, history: Some(history), ..settings() }
}

/// Publishes a message, which says its number.
pub async fn publish(running: &Running, topic: &str, event: &str, number: usize) {
    let payload = Json::of(&json!({"number": number})).unwrap();
    let publish = Publish::new(Address::Topic(topic.into()), event, payload);
    running.server.publish(publish).await.unwrap();
}

/// One page, newest first.
pub async fn page(
    client: &mut Client,
    topic: &str,
    event: &str,
    start: usize,
    end: usize,
) -> Vec<Value> {
    let asked = json!({"event": event, "start": start, "end": end});
    let (status, response) = client.ask(topic, "parlor:history", asked).await;
    assert_eq!(status, "ok", "{response}");
    assert_eq!((&response["start"], &response["end"]), (&json!(start), &json!(end)));
    response["messages"].as_array().unwrap().clone()
}

/// All pages, newest first, until one is not full.
pub async fn all(client: &mut Client, topic: &str, event: &str, length: usize) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let page = page(client, topic, event, all.len(), all.len() + length).await;
        let is_last = page.len() < length;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

pub fn numbers(messages: &[Value]) -> Vec<usize> {
    let numbers = messages.iter().map(|message| message["payload"]["number"].as_u64().unwrap());
    numbers.map(|number| number.try_into().unwrap()).collect()
}

#[tokio::test]
async fn thousands_of_messages_are_paged_through_exactly() {
    let running = start(keeping(HistorySettings::new(file("thousands")))).await;
    let mut ann = running.client("ann").await;
    let mut said = BTreeMap::<_, Vec<usize>>::new();
    for topic in ["lasting", "room:1", "room:2"] {
        ann.join(topic, json!({})).await;
    }
    for number in 0..4_500 {
        let topic = ["lasting", "room:1", "room:2"][number % 3];
        let event = ["message", "message", "rare", "other"][number * number % 7 % 4];
        publish(&running, topic, event, number).await;
        said.entry((topic, event)).or_default().push(number);
        // Pages in between take nothing away.
        if number % 500 == 0 {
            let newest = page(&mut ann, topic, event, 0, 9).await;
            let expected = said[&(topic, event)].iter().rev().take(9).copied();
            assert_eq!(numbers(&newest), expected.collect::<Vec<_>>());
        }
    }
    for ((topic, event), mut expected) in said {
        expected.reverse();
        let length = 50 + expected.len() % 50;
        let messages = all(&mut ann, topic, event, length).await;
        assert_eq!(numbers(&messages), expected, "{topic} {event}");
        let offsets: Vec<_> = messages.iter().map(|one| one["offset"].as_u64().unwrap()).collect();
        assert!(offsets.iter().rev().is_sorted_by(|one, next| one < next), "{offsets:?}");
        let first = expected.len();
        assert_eq!(page(&mut ann, topic, event, first, first + 9).await, [Value::Null; 0]);
        assert_eq!(page(&mut ann, topic, event, first - 1, first + 9).await.len(), 1);
    }
    let stats = running.server.history().unwrap();
    assert_eq!((stats.lost, stats.failed_pages), (0, 0), "{stats:?}");
    assert!(stats.written > 4_400 && stats.pages > 80, "{stats:?}");
    running.shutdown().await;
}

/// What pages show of a message: its number, and its epoch if it is of an earlier room.
fn places(messages: &[Value]) -> Vec<(usize, bool)> {
    let is_earlier = messages.iter().map(|message| message.get("epoch").is_some());
    numbers(messages).into_iter().zip(is_earlier).collect()
}

#[tokio::test]
async fn pages_reach_back_over_restarts_and_rooms_that_were_empty() {
    let history = HistorySettings::new(file("restarts"));
    let mut expected = Vec::new();
    for run in 0..3 {
        let running = start(keeping(history.clone())).await;
        for visit in 0..2 {
            let mut ann = running.client("ann").await;
            let (response, _) = ann.join("room:1", json!({})).await;
            assert_eq!(response["offset"], 0, "a room that is made anew begins anew");
            for (_, is_earlier) in &mut expected {
                *is_earlier = true;
            }
            assert_eq!(places(&all(&mut ann, "room:1", "message", 7).await), expected);
            for number in 0..20 {
                let number = run * 100 + visit * 20 + number;
                publish(&running, "room:1", "message", number).await;
                expected.insert(0, (number, false));
            }
            assert_eq!(places(&all(&mut ann, "room:1", "message", 9).await), expected);
            // As each room goes with its last member, memory begins anew.
            ann.ask("room:1", "phx_leave", json!({})).await;
        }
        running.shutdown().await;
    }
    let room = HistorySettings { reach: HistoryReach::Room, ..history };
    let running = start(keeping(room)).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    assert_eq!(page(&mut ann, "room:1", "message", 0, 50).await, [Value::Null; 0]);
    running.shutdown().await;
}

#[tokio::test]
async fn a_client_of_dialogue_pages_back_too() {
    let running = start(keeping(HistorySettings::new(file("dialogue")))).await;
    for number in 0..30 {
        publish(&running, "lasting", "message", number).await;
    }
    let mut bob = running.dialogue("bob").await;
    bob.join("lasting").await;
    let asked = json!({"roomId": "lasting", "eventName": "message", "start": 0, "end": 25});
    let told = bob.ask("dialogue:getHistory", asked, "dialogue:historyResponse").await;
    let told = told["events"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|one| one["data"]["number"].as_u64().unwrap()).collect();
    assert_eq!(told, (5..30).rev().collect::<Vec<_>>());
    running.shutdown().await;
}

#[tokio::test]
async fn an_event_without_history_has_none_beyond_memory_either() {
    let running = start(keeping(HistorySettings::new(file("forgotten")))).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    for number in 0..20 {
        publish(&running, "room:1", "forgotten", number).await;
    }
    assert_eq!(page(&mut ann, "room:1", "forgotten", 0, 50).await, [Value::Null; 0]);
    running.shutdown().await;
}

#[tokio::test]
async fn pages_of_many_clients_at_once_are_each_their_own() {
    let running = start(keeping(HistorySettings::new(file("many")))).await;
    let mut clients = Vec::new();
    for number in 0..20 {
        let mut client = running.client(&format!("user{number}")).await;
        client.join("room:1", json!({})).await;
        client.join("room:2", json!({})).await;
        clients.push(client);
    }
    for number in 0..1_000 {
        publish(&running, ["room:1", "room:2"][number % 2], "message", number).await;
    }
    let paging = clients.into_iter().enumerate().map(|(at, mut client)| {
        tokio::spawn(async move {
            let topic = ["room:1", "room:2"][at % 2];
            // Several are asked for before the first is answered.
            let mut asked = Vec::new();
            for start in (0..500).step_by(25 + at) {
                let payload = json!({"event": "message", "start": start, "end": start + 25 + at});
                asked.push(client.send(topic, "parlor:history", payload).await);
            }
            let mut told = Vec::new();
            let mut answers = BTreeMap::new();
            while answers.len() < asked.len() {
                let frame = client.until("phx_reply").await;
                let messages = frame[4]["response"]["messages"].as_array().unwrap().clone();
                answers.insert(frame[1].as_str().unwrap().to_owned(), messages);
            }
            for reference in asked {
                told.extend(numbers(&answers[&reference]));
            }
            let expected = (0..500).rev().map(|number| number * 2 + at % 2);
            assert_eq!(told, expected.collect::<Vec<_>>());
        })
    });
    for task in paging.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_more_than_may_be_kept_is_gone() {
    let history = HistorySettings { max_messages: Some(30), ..HistorySettings::new(file("few")) };
    let running = start(keeping(history)).await;
    let mut ann = running.client("ann").await;
    ann.join("lasting", json!({})).await;
    for number in 0..37 {
        publish(&running, "lasting", "message", number).await;
        publish(&running, "lasting", "other", number).await;
    }
    until(|| running.server.history().unwrap().waiting_bytes == 0).await;
    let before = all(&mut ann, "lasting", "message", 50).await;
    assert!(before.len() >= 30, "{}", before.len());
    for number in 37..100 {
        publish(&running, "lasting", "message", number).await;
    }
    let held = all(&mut ann, "lasting", "message", 50).await;
    let kept = held.len();
    assert!((30..=37).contains(&kept), "{kept}: thirty in the file, and those of memory");
    let newest: Vec<_> = (0..100).rev().take(kept).collect();
    assert_eq!(numbers(&held), newest);
    assert!(all(&mut ann, "lasting", "other", 50).await.len() >= 30, "each name by itself");
    running.shutdown().await;
}

#[tokio::test]
async fn whoever_shuts_a_server_down_waits_until_all_is_written() {
    let history = file("ended_twice");
    let running = start(keeping(HistorySettings::new(&history))).await;
    for number in 0..2_000 {
        publish(&running, "lasting", "message", number).await;
    }
    // One gives up, wherever that is, and two wait.
    timeout(Duration::from_millis(1), running.server.shutdown()).await.ok();
    let end = async || {
        running.server.shutdown().await;
        // SQLite deletes its log when the last who has the file open lets go of it.
        assert!(!history.with_file_name("history.sqlite-wal").exists());
    };
    tokio::join!(end(), end());
    let stats = running.server.history().unwrap();
    assert_eq!((stats.written, stats.lost), (2_000, 0), "{stats:?}");
}
