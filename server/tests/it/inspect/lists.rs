//! What there is of rooms and clients, and how the engine does.

use parlor::{Config, EventDefinition, RoomConfig};
use parlor_server::Settings;
use serde_json::{Value, json};

use super::HERE;
use crate::{Running, operators::ask, settings, start};

/// What an answer says.
pub fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

async fn list(running: &Running, what: &str) -> Value {
    let (status, answer) = ask(running.at, &format!("/inspect/{what}"), &[HERE]).await;
    assert_eq!(status, 200, "{answer}");
    body(&answer)
}

async fn talk() -> (Running, Vec<crate::Client>) {
    let kept = RoomConfig::default().with_event(EventDefinition::new("*").with_history(2));
    let channel = Config::builder()
        .grace_ms(60_000)
        .room("kept:*", kept)
        .room("hall", RoomConfig::default().with_max_members(9))
        .build()
        .unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let mut clients = Vec::new();
    for user in ["ann", "ann", "bob"] {
        let mut client = running.returning(user, &format!("session{}", clients.len())).await;
        client.join("kept:1", json!({})).await;
        clients.push(client);
    }
    for text in ["a", "b", "c"] {
        clients[2].ask("kept:1", "say", json!(text)).await;
    }
    clients[0].join("hall", json!({})).await;
    (running, clients)
}

#[tokio::test]
async fn rooms_are_listed_with_their_sizes_the_largest_first() {
    let (running, _clients) = talk().await;
    let rooms = list(&running, "rooms").await;
    assert_eq!((&rooms["all"], &rooms["matching"]), (&json!(2), &json!(2)));
    let room = &rooms["rooms"][0];
    assert_eq!(
        (&room["topic"], &room["members"], &room["attached"], &room["users_present"]),
        (&json!("kept:1"), &json!(3), &json!(3), &json!(2))
    );
    assert_eq!((&room["offset"], &room["history_messages"]), (&json!(3), &json!(2)));
    assert!(room["history_bytes"].as_u64().unwrap() > 0);
    let room = &rooms["rooms"][1];
    assert_eq!(
        (&room["topic"], &room["members"], &room["max_members"], &room["history_messages"]),
        (&json!("hall"), &json!(1), &json!(9), &json!(0))
    );
    for (query, expected) in [
        ("?text=al", &["hall"][..]),
        ("?limit=1", &["kept:1"]),
        ("?start=1", &["hall"]),
        ("?start=2", &[]),
        ("?text=none", &[]),
        ("?limit=0", &[]),
    ] {
        let rooms = list(&running, &format!("rooms{query}")).await;
        let rooms = rooms["rooms"].as_array().unwrap().iter();
        let topics: Vec<_> = rooms.map(|room| room["topic"].as_str().unwrap()).collect();
        assert_eq!(topics, expected, "{query}");
    }
}

#[tokio::test]
async fn more_than_may_be_listed_is_refused() {
    let running = start(settings()).await;
    for what in ["rooms", "clients"] {
        list(&running, &format!("{what}?limit=500")).await;
        for (limit, expected) in [
            ("501", "limit is 501, expected 0 to 500"),
            ("18446744073709551615", "limit is 18446744073709551615, expected 0 to 500"),
        ] {
            let path = format!("/inspect/{what}?limit={limit}");
            let (status, answer) = ask(running.at, &path, &[HERE]).await;
            let problem = body(&answer);
            assert_eq!((status, &problem["reason"]), (400, &json!("invalid_request")), "{path}");
            assert_eq!(problem["detail"], expected, "{path}");
        }
    }
}

#[tokio::test]
async fn who_is_away_has_a_place_and_is_not_attached() {
    let (running, mut clients) = talk().await;
    clients.pop();
    loop {
        let rooms = list(&running, "rooms?limit=1").await;
        let room = &rooms["rooms"][0];
        assert_eq!(room["members"], 3);
        if room["attached"] == 2 {
            break;
        }
    }
    assert_eq!(list(&running, "clients").await["all"], 2);
}

#[tokio::test]
async fn clients_are_listed_with_their_queues_and_rooms() {
    let (running, _clients) = talk().await;
    let clients = list(&running, "clients").await;
    assert_eq!((&clients["all"], &clients["matching"]), (&json!(3), &json!(3)));
    let limits = settings().connections;
    let expected = json!({"items": limits.queue_items, "bytes": limits.queue_bytes});
    assert_eq!(clients["queue_limit"], expected);
    let of_ann = list(&running, "clients?text=ann").await;
    assert_eq!((&of_ann["all"], &of_ann["matching"]), (&json!(3), &json!(2)));
    let of_ann = of_ann["clients"].as_array().unwrap();
    let rooms: Vec<_> = of_ann.iter().map(|client| client["rooms"].as_u64().unwrap()).collect();
    assert_eq!(rooms.iter().sum::<u64>(), 3);
    for client in of_ann {
        assert_eq!((&client["user_id"], &client["protocol"]), (&json!("ann"), &json!("phoenix")));
        assert_eq!(client["address"], "127.0.0.1");
        assert!(client["connected_at_ms"].as_u64().unwrap() > 0);
        assert!(client["queue"]["items"].is_u64() && client["queue"]["bytes"].is_u64());
    }
    assert_eq!(list(&running, "clients?limit=1").await["clients"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_engine_tells_what_it_counts() {
    let (running, _clients) = talk().await;
    let engine = list(&running, "engine").await;
    assert_eq!((&engine["connections"], &engine["watchers"]), (&json!(3), &json!(0)));
    let counted = |name: &str| engine["stats"][name].as_u64().unwrap();
    assert_eq!((counted("topics"), counted("memberships"), counted("broadcasts")), (2, 4, 3));
    assert_eq!(engine["crashed"], false);
    assert!(engine["mailbox"]["waiting"].is_u64() && engine["mailbox"]["limit"].is_u64());
    let lanes = engine["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 3);
    assert!(lanes.iter().all(|lane| lane["waiting"].is_u64() && lane["helped"] == 0));
}
