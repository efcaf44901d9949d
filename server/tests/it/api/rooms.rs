//! Rooms by HTTP: which there are, who is in them, how they come and go.

use parlor::{Config, Limit, RoomConfig};
use parlor_server::Settings;
use serde_json::{Value, json};

use super::{serve, usual};
use crate::settings;

fn topics(rooms: &Value) -> Vec<&str> {
    let rooms = rooms["rooms"].as_array().unwrap().iter();
    rooms.map(|room| room["topic"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rooms_are_listed_in_pages() {
    let declared = ["zoo", "bar", "attic"];
    let mut channel = Config::builder();
    for room in declared {
        channel = channel.room(room, RoomConfig::default());
    }
    let channel = channel.build().unwrap();
    let running = serve(Settings { channel, ..settings() }).await;
    for topic in ["b/ö ?#", "a"] {
        let answer = running.post("/api/rooms", &json!({"topic": topic}).to_string()).await;
        assert_eq!((answer.status, &answer.json()["topic"]), (201, &json!(topic)));
    }
    let mut ann = running.client("ann").await;
    ann.join("joined", json!({})).await;

    let all = running.get("/api/rooms").await;
    assert_eq!(topics(&all), ["zoo", "bar", "attic", "b/ö ?#", "a", "joined"]);
    assert_eq!(all["total"], 6);
    let some = running.get("/api/rooms?start=2&limit=2").await;
    assert_eq!((topics(&some), &some["total"]), (vec!["attic", "b/ö ?#"], &json!(6)));
    assert!(topics(&running.get("/api/rooms?start=6").await).is_empty());
    for query in ["limit=0", "limit=1001", "start=-1", "limit=x", "page=2", "limit=1&limit=2"] {
        let answer = running.ask("GET", &format!("/api/rooms?{query}"), None).await;
        let detail = answer.refused(400, "invalid_query");
        assert!(detail.contains("expected `start`, and `limit` from 1 to 1000"), "{detail}");
    }
}

#[tokio::test]
async fn a_room_is_shown_with_who_is_in_it() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("a/b: ö", json!({"meta": {"n": 1.5}})).await;
    let mut other = running.client("ann").await;
    other.join("a/b: ö", json!({})).await;
    let mut bob = running.dialogue("bob").await;
    bob.join("a/b: ö").await;
    let path = "/api/rooms/a%2Fb%3A%20%C3%B6";

    let room = running.get(path).await;
    assert_eq!((&room["topic"], &room["size"]), (&json!("a/b: ö"), &json!(3)));
    assert_eq!(
        (&room["full"], &room["offset"], &room["name"]),
        (&json!(false), &json!(0), &Value::Null)
    );
    let members = running.get(&format!("{path}/members")).await;
    assert_eq!((&members["total"], &members["members"][2]), (&json!(3), &json!(bob.client_id)));
    let second = running.get(&format!("{path}/members?start=1&limit=1")).await;
    assert_eq!(
        (&second["members"], &second["total"]),
        (&json!([members["members"][1]]), &json!(3))
    );

    let presences = running.ask("GET", &format!("{path}/presences"), None).await;
    assert!(presences.body.contains(r#""data":{"n":1.5}"#), "{presences:?}");
    let presences = presences.done();
    assert_eq!((&presences["total"], &presences["clients"]), (&json!(2), &json!(3)));
    assert_eq!(presences["presences"][0]["key"], "ann");
    assert_eq!(presences["presences"][0]["metas"][1]["client_id"], members["members"][1]);
    let last = running.get(&format!("{path}/presences?start=1")).await;
    assert_eq!(last["presences"].as_array().unwrap().len(), 1);
    assert_eq!(last["presences"][0]["key"], "bob");

    for more in ["", "/members", "/presences"] {
        let answer = running.ask("GET", &format!("/api/rooms/nowhere{more}"), None).await;
        answer.refused(404, "unknown_topic");
        let long = format!("/api/rooms/{}{more}", "x".repeat(256));
        running.ask("GET", &long, None).await.refused(422, "invalid_name");
    }
}

#[tokio::test]
async fn a_room_is_opened_as_configured_and_closed() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    let config =
        json!({"name": "Tea", "max_members": 1, "events": [{"name": "say", "history": 5}]});
    let open = json!({"topic": "a/b", "config": config}).to_string();
    let opened = running.post("/api/rooms", &open).await;
    assert_eq!((opened.status, opened.header("location")), (201, Some("/api/rooms/a%2Fb")));
    running.post("/api/rooms", &open).await.refused(409, "room_exists");

    let (response, _) = ann.join("a/b", json!({})).await;
    assert_eq!(response["name"], "Tea");
    let room = running.get("/api/rooms/a%2Fb").await;
    assert_eq!((&room["name"], &room["full"]), (&json!("Tea"), &json!(true)));
    assert_eq!(running.ask("DELETE", "/api/rooms/a%2Fb", None).await.status, 204);
    assert_eq!(ann.until("phx_close").await[2], "a/b");
    running.ask("DELETE", "/api/rooms/a%2Fb", None).await.refused(404, "unknown_topic");
    running.ask("GET", "/api/rooms/a%2Fb", None).await.refused(404, "unknown_topic");
}

#[tokio::test]
async fn a_room_whose_name_is_a_step_in_a_path_is_named_as_it_is() {
    let running = usual().await;
    for (topic, expected) in
        [(".", "%2E"), ("..", "%2E%2E"), ("...", "..."), ("a.b", "a.b"), ("%2E", "%252E")]
    {
        let opened = running.post("/api/rooms", &json!({"topic": topic}).to_string()).await;
        let expected = format!("/api/rooms/{expected}");
        assert_eq!((opened.status, opened.header("location")), (201, Some(&*expected)));
        // Who takes a path as it is may write the dots as they are.
        for path in [expected.clone(), format!("/api/rooms/{}", topic.replace('%', "%25"))] {
            assert_eq!(running.get(&path).await["topic"], topic, "{path}");
            assert_eq!(running.get(&format!("{path}/members")).await["total"], 0, "{path}");
        }
        assert_eq!(running.ask("DELETE", &expected, None).await.status, 204);
    }
}

#[tokio::test]
async fn a_room_that_can_not_be_is_refused() {
    let channel = Config::builder().limit(Limit::Topics, 3).build().unwrap();
    let running = serve(Settings { channel, lanes: 1, ..settings() }).await;
    for (body, status, reason) in [
        (json!({}), 400, "invalid_body"),
        (json!({"topic": "a", "by": "c1"}), 400, "invalid_body"),
        (json!({"topic": "a", "ref": "1"}), 400, "invalid_body"),
        (json!({"topic": "a", "config": {"colour": "red"}}), 400, "invalid_body"),
        (json!({"topic": "a", "config": ["Tea"]}), 400, "invalid_body"),
        (json!({"topic": ""}), 422, "invalid_name"),
        (json!({"topic": "a", "config": {"name": ""}}), 422, "invalid_name"),
        (
            json!({"topic": "a", "config": {"rate_limit": {"max_events": 1, "window_ms": 0}}}),
            422,
            "invalid_request",
        ),
        (json!({"topic": "a", "config": {"data": "x".repeat(65_536)}}), 413, "payload_too_large"),
    ] {
        running.post("/api/rooms", &body.to_string()).await.refused(status, reason);
    }
    for topic in ["a", "b", "c"] {
        let open = json!({"topic": topic}).to_string();
        assert_eq!(running.post("/api/rooms", &open).await.status, 201);
    }
    let answer = running.post("/api/rooms", r#"{"topic":"d"}"#).await;
    answer.refused(409, "limit_reached");
    assert_eq!(answer.json()["limit"], "topics");
}
