//! Clients by HTTP: where they are, and out.

use serde_json::{Value, json};

use super::usual;
use crate::Running;

async fn clients(running: &Running, user: &str) -> Vec<Value> {
    let clients = running.get(&format!("/api/users/{user}/clients")).await;
    clients["clients"].as_array().unwrap().clone()
}

#[tokio::test]
async fn clients_of_users_and_topics_of_clients_are_told() {
    let running = usual().await;
    assert!(clients(&running, "ann").await.is_empty());
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    ann.join("room:2", json!({})).await;
    let mut other = running.dialogue("ann").await;
    other.join("room:3").await;
    let all = clients(&running, "ann").await;
    assert_eq!((all.len(), &all[1]), (2, &json!(other.client_id)));

    let path = |client: &Value| format!("/api/clients/{}/topics", client.as_str().unwrap());
    let topics = running.get(&path(&all[0])).await;
    let mut topics: Vec<String> = serde_json::from_value(topics["topics"].clone()).unwrap();
    topics.sort();
    assert_eq!(topics, ["room:1", "room:2"]);
    assert_eq!(running.get(&path(&all[1])).await["topics"], json!(["room:3"]));
    assert_eq!(running.get("/api/clients/nobody/topics").await["topics"], json!([]));
    for path in ["/api/clients/{}/topics", "/api/users/{}/clients"] {
        let long = path.replace("{}", &"x".repeat(256));
        running.ask("GET", &long, None).await.refused(422, "invalid_name");
    }
}

#[tokio::test]
async fn a_client_is_put_out_of_a_topic_or_of_everything() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    ann.join("room:2", json!({})).await;
    let client = clients(&running, "ann").await[0].clone();
    let target = json!({"client": client});

    let kick = json!({"target": target, "topic": "room:1", "reason": "spam"}).to_string();
    let done = running.post("/api/kick", &kick).await.done();
    assert_eq!(done["clients"], json!([client]));
    assert_eq!(ann.until("phx_close").await[2], "room:1");
    assert_eq!(ann.ask("room:2", "say", json!({})).await.0, "ok");
    running
        .post("/api/kick", &kick.replace("room:1", "room:9"))
        .await
        .refused(404, "unknown_topic");

    let kick = json!({"target": target, "reason": "spam"}).to_string();
    running.post("/api/kick", &kick).await.done();
    assert_eq!(ann.closed().await, (1001, "spam".to_owned()));
    running.post("/api/kick", &kick).await.refused(404, "unknown_client");
}

#[tokio::test]
async fn a_user_is_put_out_with_all_clients_that_are_there() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    let mut other = running.dialogue("ann").await;
    let mut bob = running.client("bob").await;
    for client in [&mut ann, &mut bob] {
        client.join("room:1", json!({})).await;
    }
    other.join("room:2").await;
    let both = clients(&running, "ann").await;

    let kick = json!({"target": {"user": "ann"}, "topic": "room:1"}).to_string();
    let done = running.post("/api/kick", &kick).await.done();
    assert_eq!(done["clients"], json!([both[0]]), "the other one is not a member");
    assert_eq!(running.post("/api/kick", &kick).await.done()["clients"], json!([]));

    let kick = json!({"target": {"user": "ann"}, "reason": "spam"}).to_string();
    assert_eq!(running.post("/api/kick", &kick).await.done()["clients"], json!(both));
    assert_eq!(ann.closed().await, (1001, "spam".to_owned()));
    assert_eq!(other.closed().await, (1001, true));
    assert!(clients(&running, "ann").await.is_empty());
    assert_eq!(running.post("/api/kick", &kick).await.done()["clients"], json!([]));
    assert_eq!(bob.ask("room:1", "say", json!({})).await.0, "ok");
}

#[tokio::test]
async fn nobody_is_put_out_by_what_can_not_be_read() {
    let running = usual().await;
    for body in [
        json!({}),
        json!({"target": "everyone"}),
        json!({"target": {"topic": "room:1"}}),
        json!({"target": {"user": "a", "client": "b"}}),
        json!({"target": {"user": 1}}),
        json!({"target": {"user": "a"}, "why": "x"}),
    ] {
        running.post("/api/kick", &body.to_string()).await.refused(400, "invalid_body");
    }
    for target in [json!({"user": ""}), json!({"client": "x".repeat(256)})] {
        let body = json!({"target": target}).to_string();
        running.post("/api/kick", &body).await.refused(422, "invalid_name");
    }
}

#[tokio::test]
async fn topics_of_a_group_change() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    let rooms = (0..6).map(|n| format!("room:{n}")).collect::<Vec<_>>();
    for room in &rooms {
        ann.join(room, json!({})).await;
    }
    let change = async |body: Value| {
        running.ask("PATCH", "/api/groups/a%2Fb", Some(&body.to_string())).await
    };
    let notice = r#"{"target":{"group":"a/b"},"event":"notice","payload":1}"#;
    running.post("/api/publish", notice).await.refused(404, "unknown_target");
    assert_eq!(change(json!({"remove": rooms})).await.status, 204, "it need not be there");
    assert_eq!(change(json!({"add": [rooms[0]]})).await.status, 204);
    assert_eq!(change(json!({"remove": rooms[1..]})).await.status, 204);
    running.post("/api/publish", notice).await.done();
    assert_eq!(ann.count("notice", "room:0").await, 1);
    assert_eq!(change(json!({"add": rooms, "remove": [rooms[0]]})).await.status, 204);
    running.post("/api/publish", notice).await.done();
    assert_eq!(ann.count("notice", "room:0").await, 1);
    assert_eq!(change(json!({"remove": rooms})).await.status, 204);
    running.post("/api/publish", notice).await.refused(404, "unknown_target");

    change(json!({"add": [""]})).await.refused(422, "invalid_name");
    change(json!({"add": "room:1"})).await.refused(400, "invalid_body");
    change(json!({"set": []})).await.refused(400, "invalid_body");
    let long = format!("/api/groups/{}", "x".repeat(256));
    running.ask("PATCH", &long, Some("{}")).await.refused(422, "invalid_name");
}
