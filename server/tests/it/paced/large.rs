//! Other answers that are large: history on join, pages, and who is present.

use futures_util::StreamExt;
use parlor::HistoryOnJoin;

use super::*;

#[tokio::test]
async fn a1_a_room_that_shows_all_of_a_long_history_can_be_joined() {
    let running = start(remembering(room().with_history_on_join(HistoryOnJoin::All))).await;
    running.left_behind(&["room:1".into()]).await;
    running.publish("room:1", 0..100, 64_000).await;

    let mut bob = running.client("bob").await;
    bob.join("room:1", json!({})).await;
    let page = bob.until("parlor:history").await;
    assert_eq!(page[4]["messages"][0]["payload"][0], 99);
    bob.say("room:1", json!("and it goes on")).await;
    assert!(!running.too_slow().await);
}

#[tokio::test]
async fn a1_a_long_page_is_an_answer() {
    let running = start(remembering(room())).await;
    running.left_behind(&["room:1".into()]).await;
    running.publish("room:1", 0..200, 30_000).await;

    let mut bob = running.client("bob").await;
    bob.join("room:1", json!({})).await;
    for _ in 0..2 {
        let asked = json!({"event": "say", "end": 200});
        let (status, page) = bob.ask("room:1", "parlor:history", asked).await;
        assert_eq!((status.as_str(), &page["messages"][0]["payload"][0]), ("ok", &json!(199)));
    }
    assert!(!running.too_slow().await);
}

#[tokio::test]
async fn a1_pages_that_are_asked_for_all_at_once_are_answered_one_after_the_other() {
    let running = start(narrow(room())).await;
    running.left_behind(&["room:1".into()]).await;
    running.publish("room:1", 0..20, 10_000).await;

    let mut bob = running.narrow_client("bob", "b").await;
    bob.join("room:1", json!({})).await;
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(bob.send("room:1", "parlor:history", json!({"event": "say"})).await);
    }
    for reference in asked {
        let frame = bob.until("phx_reply").await;
        bob.heard.clear();
        assert_eq!((&frame[1], &frame[4]["status"]), (&json!(reference), &json!("ok")));
    }
    assert!(!running.too_slow().await);
}

#[tokio::test]
async fn a1_who_is_present_comes_in_pieces_where_that_is_long() {
    let running = start(narrow(room())).await;
    let mut members = tokio::task::JoinSet::new();
    for member in 0..80 {
        let mut client = running.client(&format!("m{member}")).await;
        let meta = json!({"number": member, "blob": "x".repeat(4_000)});
        client.ask("room:1", "phx_join", json!({"meta": meta})).await;
        // It reads what it is told of the others, or would be too slow.
        members.spawn(async move { while let Some(Ok(_)) = client.socket.next().await {} });
    }

    let mut bob = running.narrow_client("bob", "b").await;
    let (_, state) = bob.join("room:1", json!({"meta": {"number": 80}})).await;
    let first = state.as_object().unwrap().len();
    assert!((1..81).contains(&first), "{first} are in the first piece");
    let mut numbers: Vec<_> = state.as_object().unwrap().values().cloned().collect();
    while numbers.len() < 81 {
        let diff = bob.until("presence_diff").await;
        assert_eq!(diff[4]["leaves"], json!({}));
        numbers.extend(diff[4]["joins"].as_object().unwrap().values().cloned());
    }
    let mut numbers: Vec<_> =
        numbers.iter().map(|entry| entry["metas"][0]["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..81).collect::<Vec<_>>(), "each once");
    drop(members);
}
