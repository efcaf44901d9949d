//! A server that goes.

use std::sync::Arc;

use futures_util::FutureExt;
use parlor::Outbound;
use parlor_server::Settings;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{PATIENCE, get, held::Held, settings, start, until};

#[tokio::test]
async fn who_is_connected_gets_what_waits_and_is_told_that_the_server_restarts() {
    let running = start(settings()).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let mut bob = running.client("bob").await;
    bob.join("room:1", json!({})).await;
    let (status, _) = bob.ask("room:1", "say", json!("last words")).await;
    assert_eq!(status, "ok");

    let end = async |client: &mut crate::Client| {
        let heard = client.until("say").await;
        (heard[4].clone(), client.closed().await)
    };
    let ((), ann, bob) = tokio::join!(running.shutdown(), end(&mut ann), end(&mut bob));
    let expected = (json!("last words"), (1012, "server restarts".to_owned()));
    assert_eq!([ann, bob], [expected.clone(), expected]);
}

#[tokio::test]
async fn who_says_good_bye_is_answered() {
    let running = start(settings()).await;
    let mut ann = running.client("ann").await;
    let close = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    ann.send_raw(Message::Close(Some(close))).await;
    assert_eq!(ann.closed().await, (1000, "done".to_owned()), "its own code comes back");
    until(|| running.server.connections() == 0).await;
}

#[tokio::test]
async fn it_says_that_it_is_well() {
    let running = start(settings()).await;
    let _ann = running.client("ann").await;
    let answer = get(running.at, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"ok","connections":1}"#), "{answer}");
}

#[tokio::test]
async fn who_never_answers_does_not_hold_it_up() {
    let mut settings = settings();
    settings.connections.close_ms = 20;
    let running = start(settings).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    running.shutdown().await;
    assert_eq!(ann.closed().await.0, 1012);
}

// An engine that is held up holds up its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_that_does_not_end_is_left_behind() {
    let held = Held::start(settings()).await;
    let ended = timeout(PATIENCE, held.running.server.shutdown()).await;
    ended.expect("it ends while the engine stands still");
    held.go_on().await.shutdown().await;
}

#[tokio::test]
async fn a16_an_engine_that_panics_breaks_the_server() {
    let observer = |outbound: &Outbound| {
        if let Outbound::BroadcastMessage(message) = outbound {
            assert_ne!(message.event.as_str(), "boom", "a defect");
        }
    };
    let running = start(Settings { observer: Some(Arc::new(observer)), ..settings() }).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    ann.ask("room:1", "say", json!("well")).await;
    assert!(running.server.broken().now_or_never().is_none());

    ann.send("room:1", "boom", json!({})).await;
    timeout(PATIENCE, running.server.broken()).await.expect("the server tells");
    assert!(get(running.at, "/healthz").await.starts_with("HTTP/1.1 503"));
    running.shutdown().await;
    assert_eq!(ann.closed().await.0, 1012, "and may come back to the next process");
}
