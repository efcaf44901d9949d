//! Clients that go, or are put out, while nobody looks.

use futures_util::StreamExt;
use parlor::{CloseRoom, Kick};
use serde_json::json;
use tokio::time::timeout;

use crate::{PATIENCE, Running, held::Held, metrics::scrape, settings, start, until};

async fn clients(running: &Running) -> usize {
    running.server.stats().await.unwrap().clients
}

// An engine that is held up holds up its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_goes_before_it_is_let_in_does_not_stay() {
    // An engine that has no room for more, so that connections wait to be let in.
    let mut held = Held::start(settings()).await;
    for _ in 0..1_100 {
        held.publish();
    }
    let at = held.running.at;
    let reaches = async |figure: &str, wanted: f64| {
        let reached = async { while scrape(at).await.of(figure) < wanted {} };
        timeout(PATIENCE, reached).await.expect("it comes to be so in time");
    };
    reaches("parlor_engine_mailbox_messages", 1_024.0).await;

    let mut ann = held.running.transport().await;
    ann.send_raw(r#"40{"userId":"ann"}"#).await;
    reaches("parlor_connections{protocol=\"dialogue\"}", 1.0).await;
    ann.socket.close(None).await.unwrap();
    // Until the server has closed it too.
    while let Some(Ok(_)) =
        timeout(PATIENCE, ann.socket.next()).await.expect("it is closed in time")
    {}
    let running = held.go_on().await;
    until(|| running.server.connections() == 0).await;
    assert_eq!(clients(&running).await, 0);
}

#[tokio::test]
async fn one_that_is_put_out_of_a_room_while_away_is_not_put_in_again() {
    let running = start(settings()).await;
    let mut bob = running.dialogue("bob").await;
    let mut ann = running.dialogue("ann").await;
    for room in ["one", "two"] {
        ann.join(room).await;
        bob.join(room).await;
    }
    let id = ann.client_id.clone();
    let before = running.server.connections();
    ann.lose();
    until(|| running.server.connections() < before).await;
    running.server.kick(Kick::new(id.as_str(), "enough").with_topic("one")).await.unwrap();

    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.client_id, id);
    assert_eq!(ann.next().await, ("dialogue:left".to_owned(), json!({"roomId": "one"})));
    let members = running.server.members("one").await.unwrap().unwrap();
    assert!(members.ids().all(|member| *member != *id.as_str()));
    bob.trigger("two", "e", json!(1)).await;
    assert_eq!(ann.hear("two", "e").await, 1, "it is a member of the other");
}

#[tokio::test]
async fn one_that_is_put_out_of_all_while_away_is_not_put_in_again() {
    let running = start(settings()).await;
    let mut bob = running.dialogue("bob").await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    bob.join("one").await;
    let id = ann.client_id.clone();
    let before = running.server.connections();
    ann.lose();
    until(|| running.server.connections() < before).await;
    running.server.kick(Kick::new(id.as_str(), "enough")).await.unwrap();

    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.next().await, ("dialogue:left".to_owned(), json!({"roomId": "one"})));
    assert_eq!(running.server.members("one").await.unwrap().unwrap().ids().count(), 1);
}

#[tokio::test]
async fn a_room_that_was_closed_while_one_was_away_is_not_made_again() {
    let running = start(settings()).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    let before = running.server.connections();
    ann.lose();
    until(|| running.server.connections() < before).await;
    running.server.close_room(CloseRoom::new("one")).await.unwrap();

    let mut ann = running.dialogue("ann").await;
    assert_eq!(ann.next().await, ("dialogue:roomDeleted".to_owned(), json!({"roomId": "one"})));
    assert!(running.server.room("one").await.unwrap().is_none());
}
