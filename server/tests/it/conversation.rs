//! Clients who talk to each other.

use parlor::{Address, Config, EventDefinition, Json, Publish, RoomConfig};
use parlor_server::Settings;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{settings, start};

#[tokio::test]
async fn what_one_says_the_others_hear() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];

    let (response, state) = ann.join("room:1", json!({})).await;
    assert_eq!((&response["offset"], &response["rejoined"]), (&json!(0), &json!(false)));
    assert_eq!(state.as_object().unwrap().len(), 1);
    let (_, state) = bob.join("room:1", json!({"meta": {"away": true}})).await;
    assert_eq!(state["bob"]["metas"][0]["away"], true);
    let diff = ann.until("presence_diff").await;
    assert_eq!(diff[4]["joins"]["bob"]["metas"][0]["away"], true);

    let (status, _) = bob.ask("room:1", "shout", json!({"text": "hi"})).await;
    assert_eq!(status, "ok");
    let heard = ann.until("shout").await;
    assert_eq!(heard[2], "room:1");
    assert_eq!(heard[4], json!({"text": "hi"}));
    assert_eq!(bob.until("shout").await[4], json!({"text": "hi"}), "who says it hears it too");

    let (status, _) = bob.ask("room:1", "phx_leave", json!({})).await;
    assert_eq!(status, "ok");
    ann.until_gone("bob").await;
}

/// Everything has one order, whatever rooms it is about: that in which the engine has taken it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_said_in_many_rooms_is_heard_in_the_order_in_which_it_was_said() {
    const ROOMS: usize = 12;
    const MESSAGES: usize = 996;
    for lanes in [1, 2, 4] {
        let mut settings = Settings { lanes, ..settings() };
        settings.connections.events_per_window = u32::MAX;
        settings.connections.queue_items = 4 * MESSAGES;
        let running = start(settings).await;
        let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];
        for number in 0..ROOMS {
            ann.join(&format!("room:{number}"), json!({})).await;
            bob.join(&format!("room:{number}"), json!({})).await;
        }
        // Without waiting for an answer, and what the server says between.
        let said = tokio::spawn(async move {
            for number in 0..MESSAGES {
                ann.send(&format!("room:{}", number % ROOMS), "say", json!(number)).await;
            }
            ann
        });
        let server = running.server.clone();
        let published = tokio::spawn(async move {
            for number in 0..MESSAGES {
                let topic = Address::Topic(format!("room:{}", number % ROOMS).into());
                let publish = Publish::new(topic, "news", Json::of(&number).unwrap());
                server.publish(publish).await.unwrap();
            }
        });
        let (mut says, mut news) = (Vec::new(), Vec::new());
        while says.len() < MESSAGES || news.len() < MESSAGES {
            let frame = bob.next().await;
            let heard = if frame[3] == "say" { &mut says } else { &mut news };
            if frame[3] == "say" || frame[3] == "news" {
                heard.push(frame[4].as_u64().unwrap());
            }
        }
        let inversions = |heard: &[u64]| heard.windows(2).filter(|two| two[0] > two[1]).count();
        assert_eq!((inversions(&says), inversions(&news)), (0, 0), "with {lanes} lanes");
        published.await.unwrap();
        drop(said.await.unwrap());
    }
}

#[tokio::test]
async fn topics_do_not_mix() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];
    for number in 0..12 {
        ann.join(&format!("room:{number}"), json!({})).await;
    }
    bob.join("room:7", json!({})).await;
    for number in 0..12 {
        let (status, _) = ann.ask(&format!("room:{number}"), "say", json!(number)).await;
        assert_eq!(status, "ok");
    }
    let heard = bob.until("say").await;
    assert_eq!((&heard[2], &heard[4]), (&json!("room:7"), &json!(7)));
    assert_eq!(bob.count("say", "room:7").await, 0);
}

#[tokio::test]
async fn what_one_says_in_a_topic_is_heard_in_its_order() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];
    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    for number in 0..200 {
        ann.send("room:1", "say", json!(number)).await;
    }
    for number in 0..200 {
        let heard = bob.until("say").await;
        assert_eq!((&heard[4], heard.as_array().unwrap().len()), (&json!(number), 5));
    }
}

#[tokio::test]
async fn bytes_go_as_they_are() {
    let running = start(settings()).await;
    let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];
    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    let push = [&[0, 1, 1, 6, 3][..], b"17room:1bin", &[1, 2, 255]].concat();
    ann.send_raw(Message::Binary(push.into())).await;
    let heard = loop {
        if let Message::Binary(bytes) = bob.message().await {
            break bytes;
        }
    };
    assert_eq!(heard, [&[2, 6, 3][..], b"room:1bin", &[1, 2, 255]].concat());
}

#[tokio::test]
async fn a_heartbeat_is_answered() {
    let running = start(settings()).await;
    let mut ann = running.client("ann").await;
    let answer = ann.ask("phoenix", "heartbeat", json!({})).await;
    assert_eq!(answer, ("ok".to_owned(), json!({})));
}

/// Supabase's clients push their token to each room that they have joined.
#[tokio::test]
async fn a14_an_access_token_is_answered_and_nobody_gets_it() {
    let definition = EventDefinition::new("*").with_history(100);
    let room = RoomConfig::default().with_event(definition);
    let channel = Config::builder().default_room(room).build().unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let [mut ann, mut bob] = [running.client("ann").await, running.client("bob").await];
    let mut eve = running.dialogue("eve").await;
    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    eve.join("room:1").await;

    let token = json!({"access_token": "a secret"});
    let answer = ann.ask("room:1", "access_token", token.clone()).await;
    assert_eq!(answer, ("ok".to_owned(), json!({})));
    let (status, response) = ann.ask("room:2", "access_token", token.clone()).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("unmatched topic")));
    let (status, refused) = ann.ask("room:1", "access_token:v2", token.clone()).await;
    assert_eq!((status.as_str(), &refused["reason"]), ("error", &json!("event_not_allowed")));
    eve.trigger("room:1", "access_token", token).await;
    let (name, error) = eve.next().await;
    assert_eq!((name.as_str(), &error["code"]), ("dialogue:error", &json!("EVENT_NOT_ALLOWED")));

    assert_eq!(bob.count("access_token", "room:1").await, 0);
    let (_, page) = bob.ask("room:1", "parlor:history", json!({})).await;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "the fence alone is kept: {page}");
    assert!(!page.to_string().contains("a secret"));
    assert_eq!(eve.hear("room:1", "fence").await, json!({}));
}
