//! Clients that poll at first, and then go over to a WebSocket.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Dialogue, polling::Poller};
use crate::{Running, settings, start, until};

/// A client of ann that polls, is in a room, and has answered whether it lives.
async fn polling(running: &Running) -> Poller<'_> {
    let mut ann = Poller::open(running).await;
    ann.post(&[r#"40{"userId":"ann"}"#, r#"42["dialogue:join",{"roomId":"any"}]"#]).await;
    ann.events(2).await;
    ann.pinged().await;
    ann
}

/// Does the same as a client that finds out whether its WebSocket works.
async fn probe(socket: &mut Dialogue) {
    socket.send_raw("2probe").await;
    assert_eq!(socket.packet().await.as_deref(), Some("3probe"));
}

/// All has gone that a client had.
async fn gone(running: &Running) {
    until(|| running.server.connections() == 0).await;
}

#[tokio::test]
async fn a_client_that_breaks_off_before_it_tries_its_websocket_is_lost() {
    let running = start(settings()).await;
    polling(&running).await.upgrade().await.lose();
    gone(&running).await;
}

#[tokio::test]
async fn a_client_that_breaks_off_after_it_has_tried_its_websocket_is_lost() {
    let running = start(settings()).await;
    let mut socket = polling(&running).await.upgrade().await;
    probe(&mut socket).await;
    socket.lose();
    gone(&running).await;
}

#[tokio::test]
async fn a_client_that_says_something_else_on_its_websocket_is_lost() {
    let running = start(settings()).await;
    for wrong in [Message::text("4no probe"), Message::text("?"), Message::binary(vec![0])] {
        let mut socket = polling(&running).await.upgrade().await;
        socket.send(wrong).await;
        gone(&running).await;
    }
}

#[tokio::test]
async fn a_client_that_goes_over_to_its_websocket_stays_in() {
    let running = start(settings()).await;
    let ann = polling(&running).await;
    let mut socket = ann.upgrade().await;
    probe(&mut socket).await;
    socket.send_raw("5").await;
    socket.trigger("any", "e", json!(1)).await;
    assert_eq!(socket.hear("any", "e").await, 1);

    // Another one that comes too late takes nothing from it.
    let mut late = ann.upgrade().await;
    assert_eq!(late.packet().await, None);
    socket.trigger("any", "e", json!(2)).await;
    assert_eq!(socket.hear("any", "e").await, 2);
    socket.lose();
    gone(&running).await;
}
