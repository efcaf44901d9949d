//! Pages that go on where memory ends, as clients of Phoenix see them.

mod damage;
mod opened;
mod waiting;

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

/// Rooms that remember the last seven of each event name, and three of "rare", over three lanes.
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

/// One page by index, newest first.
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

/// Where a page goes on: where it says so, and if it is full before its last message.
pub fn next(page: &Value, length: usize) -> Option<Value> {
    if let Some(more) = page.get("more") {
        return Some(more.clone());
    }
    let last = page["messages"].as_array()?.get(length - 1)?;
    let epoch = last.get("epoch").unwrap_or_else(|| &page["epoch"]);
    Some(json!({"epoch": epoch, "offset": last["offset"]}))
}

/// All pages by position, newest first; of any name if none is given.
pub async fn all(client: &mut Client, topic: &str, event: &str, length: usize) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let mut asked = json!({"end": length});
        if !event.is_empty() {
            asked["event"] = json!(event);
        }
        if let Some(before) = before {
            asked["before"] = before;
        }
        let (status, response) = client.ask(topic, "parlor:history", asked).await;
        assert_eq!(status, "ok", "{response}");
        all.extend(response["messages"].as_array().unwrap().iter().cloned());
        before = next(&response, length);
        if before.is_none() {
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
        if first < 900 {
            assert_eq!(page(&mut ann, topic, event, first, first + 9).await, [Value::Null; 0]);
            assert_eq!(page(&mut ann, topic, event, first - 1, first + 9).await.len(), 1);
        }
    }
    let stats = running.server.history().unwrap();
    assert_eq!((stats.lost, stats.failed_pages), (0, 0), "{stats:?}");
    assert!(stats.written > 4_400 && stats.pages > 70, "{stats:?}");
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
            // Several are asked for before the first is answered, and come in that order.
            let mut asked = Vec::new();
            for start in (0..500).step_by(25 + at) {
                let payload = json!({"event": "message", "start": start, "end": start + 25 + at});
                asked.push(client.send(topic, "parlor:history", payload).await);
            }
            let mut told = Vec::new();
            for reference in asked {
                let frame = client.until("phx_reply").await;
                assert_eq!(frame[1], reference, "{frame}");
                told.extend(numbers(frame[4]["response"]["messages"].as_array().unwrap()));
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

/// Messages that arrive between two pages neither repeat nor hide one, whatever memory holds of
/// them and wherever a page ends.
#[tokio::test]
async fn a11_pages_neither_repeat_nor_miss_a_message_that_comes_between_them() {
    let running = start(keeping(HistorySettings::new(file("between")))).await;
    let mut ann = running.client("ann").await;
    let mut state = 11_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for round in 0..12 {
        let topic = format!("room:{round}");
        ann.join(&topic, json!({})).await;
        let mut number = 0;
        let mut publish = async |events: u32| {
            for _ in 0..events {
                let event = ["message", "rare", "other"][number % 7 % 3];
                publish(&running, &topic, event, number).await;
                number += 1;
            }
            number
        };
        let before_all = publish(1 + random(60)).await;
        let event = ["", "message", "rare"][random(3) as usize];
        let (mut seen, mut before) = (Vec::new(), None::<Value>);
        loop {
            let length = 1 + random(12);
            let mut asked = json!({"end": length});
            if !event.is_empty() {
                asked["event"] = json!(event);
            }
            if let Some(before) = before {
                asked["before"] = before;
            }
            let (status, response) = ann.ask(&topic, "parlor:history", asked).await;
            assert_eq!(status, "ok", "{response}");
            seen.extend(numbers(response["messages"].as_array().unwrap()));
            before = next(&response, length as usize);
            if before.is_none() {
                break;
            }
            publish(random(20)).await;
        }
        let is_asked = |number: &usize| {
            event.is_empty() || ["message", "rare", "other"][number % 7 % 3] == event
        };
        let expected: Vec<_> = (0..before_all).rev().filter(is_asked).collect();
        assert_eq!(seen, expected, "{event:?} in round {round}");
    }
    running.shutdown().await;
}

/// Dialogue's onLoad: what a room remembers is loaded from elsewhere, by index.
#[tokio::test]
async fn d_on_load_pages_of_dialogue_come_from_the_file() {
    let history = HistorySettings::new(file("on_load"));
    let running = start(keeping(history.clone())).await;
    for number in 0..30 {
        publish(&running, "lasting", "message", number).await;
    }
    running.shutdown().await;
    let running = start(keeping(history)).await;
    for number in 30..33 {
        publish(&running, "lasting", "message", number).await;
    }
    let mut bob = running.dialogue("bob").await;
    bob.join("lasting").await;
    for (start, end) in [(0, 5), (0, 33), (2, 9), (10, 20), (30, 40), (33, 40)] {
        let asked =
            json!({"roomId": "lasting", "eventName": "message", "start": start, "end": end});
        let told = bob.ask("dialogue:getHistory", asked, "dialogue:historyResponse").await;
        let told = told["events"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|one| one["data"]["number"].as_u64().unwrap()).collect();
        let expected: Vec<_> = (0..33).rev().skip(start).take(end - start).collect();
        assert_eq!(told, expected, "{start}..{end}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn b_a_page_of_any_name_goes_on_after_a_restart() {
    let history = HistorySettings::new(file("any"));
    let said = |number: usize| ["message", "rare", "other"][number % 7 % 3];
    let mut count = 0;
    for run in 0..3 {
        let running = start(keeping(history.clone())).await;
        let mut ann = running.client("ann").await;
        ann.join("lasting", json!({})).await;
        let expected: Vec<_> = (0..count).rev().collect();
        assert_eq!(numbers(&all(&mut ann, "lasting", "", 9).await), expected, "in run {run}");
        for _ in 0..40 {
            publish(&running, "lasting", said(count), count).await;
            count += 1;
        }
        let shown = all(&mut ann, "lasting", "", 7).await;
        assert_eq!(numbers(&shown), (0..count).rev().collect::<Vec<_>>(), "in run {run}");
        let names = shown.iter().rev().map(|one| one["event"].as_str().unwrap());
        assert!(names.eq((0..count).map(said)), "each has its own name");
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a12_an_exclusion_also_holds_for_pages_of_memory_and_file() {
    let running = start(keeping(HistorySettings::new(file("excluding")))).await;
    let (mut ann, mut bob) = (running.client("ann").await, running.client("bob").await);
    ann.join("lasting", json!({})).await;
    bob.join("lasting", json!({})).await;
    for number in 0..60 {
        let payload = Json::of(&json!({"number": number})).unwrap();
        let mut publish = Publish::new(Address::Topic("lasting".into()), "message", payload);
        publish.except_user = (number % 3 == 0).then(|| "ann".into());
        running.server.publish(publish).await.unwrap();
    }
    for event in ["message", ""] {
        let shown = numbers(&all(&mut ann, "lasting", event, 7).await);
        let expected: Vec<_> = (0..60).rev().filter(|number| number % 3 != 0).collect();
        assert_eq!(shown, expected, "{event:?}");
        assert_eq!(all(&mut bob, "lasting", event, 7).await.len(), 60);
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
