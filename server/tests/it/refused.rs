//! Connections that are not taken.

use parlor::{Config, Limit};
use parlor_server::Settings;
use serde_json::json;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, client::IntoClientRequest},
};

use crate::{Running, api::logged::Log, get, settings, start, until};

/// The status of the answer to a request that is refused.
async fn status(running: &Running, query: &str) -> u16 {
    let url = format!("ws://{}/socket/websocket?{query}", running.at);
    match connect_async(url).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}, expected a refusal"),
    }
}

#[tokio::test]
async fn only_the_version_that_is_spoken_is_taken() {
    let running = start(settings()).await;
    for query in ["", "vsn=1.0.0", "vsn=3.0.0", "vsn=x"] {
        assert_eq!(status(&running, query).await, 403, "{query}");
    }
}

#[tokio::test]
async fn a_session_that_is_empty_or_too_long_is_refused() {
    let running = start(settings()).await;
    assert_eq!(status(&running, "vsn=2.0.0&session=").await, 403);
    let long = "x".repeat(256);
    assert_eq!(status(&running, &format!("vsn=2.0.0&session={long}")).await, 403);
    running.returning("ann", &long[1..]).await;
}

#[tokio::test]
async fn there_are_as_many_connections_as_there_may_be() {
    let mut settings = settings();
    settings.connections.max = 2;
    let running = start(settings).await;
    let ann = running.client("ann").await;
    let _bob = running.client("bob").await;
    assert_eq!(status(&running, "vsn=2.0.0").await, 503);
    drop(ann);
    until(|| running.server.connections() == 1).await;
    running.client("cid").await;
}

#[tokio::test]
async fn there_are_as_many_connections_of_one_address_as_there_may_be() {
    let mut settings = settings();
    settings.connections.max_per_ip = 1;
    let running = start(settings).await;
    let _ann = running.client("ann").await;
    assert_eq!(status(&running, "vsn=2.0.0").await, 429);
}

#[tokio::test]
async fn a_channel_that_takes_no_more_clients_closes_the_connection() {
    let channel = Config::builder().limit(Limit::Clients, 1).build().unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let mut bob = running.client("bob").await;
    assert_eq!(bob.closed().await.0, 1013);
    let (status, _) = ann.ask("room:1", "say", json!({})).await;
    assert_eq!(status, "ok");
}

#[tokio::test]
async fn of_the_subprotocols_that_carry_a_token_the_name_is_taken() {
    let running = start(settings()).await;
    let url = format!("ws://{}/socket/websocket?vsn=2.0.0", running.at);
    let mut request = url.into_client_request().unwrap();
    let offered = "phoenix, base64url.bearer.phx.dG9rZW4".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered);
    let (_socket, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "phoenix");
}

#[tokio::test]
async fn who_would_poll_is_told_that_there_is_none() {
    let running = start(settings()).await;
    let answer = get(running.at, "/socket/longpoll?vsn=2.0.0").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.ends_with("long polling is not served, expected a WebSocket\n"), "{answer}");
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_a_bad_one() {
    let running = start(settings()).await;
    let answer = get(running.at, "/socket/websocket?vsn=2.0.0").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(get(running.at, "/elsewhere").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn a16_a_socket_at_an_unknown_path_is_told_where_clients_are_served() {
    let (log, _logging) = Log::take();
    let running = start(settings()).await;
    let paths = ["/socket", "/socket/websocket/", "/ws", "/socket.io"];
    for path in paths {
        match connect_async(format!("ws://{}{path}", running.at)).await {
            Err(Error::Http(response)) => {
                assert_eq!(response.status().as_u16(), 404, "{path}");
                let body = String::from_utf8(response.into_body().unwrap()).unwrap();
                assert!(
                    body.contains("/socket/websocket") && body.contains("/socket.io/"),
                    "{body}"
                );
            }
            other => panic!("{other:?}, expected a refusal"),
        }
    }
    assert!(get(running.at, "/nowhere").await.starts_with("HTTP/1.1 404"));
    let lines = log.lines("websocket asked for, unknown path");
    assert!(lines.iter().map(|line| line["path"].as_str().unwrap()).eq(paths), "{lines:?}");
}
