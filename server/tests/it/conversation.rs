//! Two clients who talk to each other.

use parlor_server::Settings;
use serde_json::json;

use crate::start;

#[tokio::test]
async fn what_one_says_the_others_hear() {
    let running = start(Settings { shards: 3, ..Settings::default() }).await;
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

    let (status, _) = bob.ask("room:1", "phx_leave", json!({})).await;
    assert_eq!(status, "ok");
    ann.until_gone("bob").await;
    running.shutdown().await;
}
