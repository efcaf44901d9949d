//! Connections that are not taken, and those that are closed.

use std::time::UNIX_EPOCH;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parlor::Config;
use parlor_server::Settings;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{api::logged::Log, get, operators::ask, settings, start, until};

#[tokio::test]
async fn who_does_not_show_a_token_is_refused() {
    let toml = "[auth]\nhs256_secret = 'a secret of at least thirty-two bytes'\n";
    let running = start(Settings::from_toml(toml).unwrap()).await;
    for auth in
        [json!({}), json!({"token": "x.y.z"}), json!({"userId": "ann"}), json!({"token": 7})]
    {
        let (mut client, entered) = running.dialogue_with(auth).await;
        assert_eq!(entered.unwrap_err(), "not authenticated");
        // Nothing more is read, and the client closes it.
        client.send_raw(r#"42["dialogue:listRooms"]"#).await;
        client.socket.close(None).await.unwrap();
        assert_eq!(client.packet().await, None);
    }
    until(|| running.server.connections() == 0).await;
}

#[tokio::test]
async fn a_connection_lives_no_longer_than_its_token() {
    let secret = "a secret of at least thirty-two bytes";
    let toml = format!("[auth]\nhs256_secret = '{secret}'\nleeway_s = 0\n");
    let running = start(Settings::from_toml(&toml).unwrap()).await;
    // Later than it takes to come.
    let expires = UNIX_EPOCH.elapsed().unwrap().as_secs() + 5;
    let (header, key) = (Header::new(Algorithm::HS256), EncodingKey::from_secret(secret.as_ref()));
    let token = encode(&header, &json!({"sub": "ann", "exp": expires}), &key).unwrap();
    let auth = json!({"token": token, "userId": "mallory"});
    let (mut ann, entered) = running.dialogue_with(auth).await;
    assert_eq!(entered.unwrap(), "ann");
    // It may come back, with another one.
    assert_eq!(ann.closed().await, (1008, false));
}

#[tokio::test]
async fn users_are_who_they_say_they_are_or_guests_where_nothing_is_asked() {
    let running = start(settings()).await;
    for (auth, expected) in [
        (json!({"userId": "ann"}), "ann"),
        (json!({"user_id": "bob"}), "bob"),
        (json!({"userId": 7}), "7"),
    ] {
        assert_eq!(running.dialogue_with(auth).await.1.unwrap(), expected);
    }
    let guest = running.dialogue_with(json!({})).await.1.unwrap();
    assert_ne!(guest, running.dialogue_with(json!({})).await.1.unwrap());
    let mut bare = running.transport().await;
    bare.send_raw("40").await;
    assert!(bare.packet().await.unwrap().starts_with("40{"));
}

#[tokio::test]
async fn what_is_no_object_or_no_session_is_refused() {
    let running = start(settings()).await;
    for auth in [json!("ann"), json!({"session": ""}), json!({"session": "x".repeat(256)})] {
        assert!(running.dialogue_with(auth.clone()).await.1.is_err(), "{auth}");
    }
}

#[tokio::test]
async fn there_is_one_namespace() {
    let running = start(settings()).await;
    let mut client = running.transport().await;
    client.send_raw("40/admin,{}").await;
    assert_eq!(client.packet().await.unwrap(), r#"44/admin,{"message":"Invalid namespace"}"#);
    client.send_raw("40{}").await;
    assert!(client.packet().await.unwrap().starts_with("40{"));
}

#[tokio::test]
async fn who_says_something_else_first_or_nothing_is_closed() {
    let mut settings = settings();
    // What is said first has to arrive within that.
    settings.connections.handshake_ms = 1_000;
    let running = start(settings).await;
    let mut early = running.transport().await;
    early.send_raw(r#"42["dialogue:listRooms"]"#).await;
    assert_eq!(early.closed().await, (1008, false));
    assert_eq!(running.transport().await.closed().await, (1008, false));
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let mut settings = settings();
    settings.origins = parlor_server::Origins::new(["https://ours.example".parse().unwrap()]);
    let running = start(settings).await;
    let path = "/socket.io/?EIO=4&transport=polling";
    let refused =
        get(running.at, &format!("{path} HTTP/1.1\r\norigin: https://x.example\r\nx:")).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert_eq!(running.server.connections(), 0);
    let taken =
        get(running.at, &format!("{path} HTTP/1.1\r\norigin: https://ours.example\r\nx:")).await;
    assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
    assert!(taken.contains("access-control-allow-origin: https://ours.example"), "{taken}");
}

#[tokio::test]
async fn there_are_as_many_connections_as_there_may_be() {
    let mut settings = settings();
    settings.connections.max = 2;
    let running = start(settings).await;
    let path = "/socket.io/?EIO=4&transport=polling";
    let ann = running.dialogue("ann").await;
    let _bob = running.client("bob").await;
    assert!(get(running.at, path).await.starts_with("HTTP/1.1 503"));
    ann.lose();
    until(|| running.server.connections() == 1).await;
    assert!(get(running.at, path).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_malformed_too_long_or_too_much_closes_it() {
    let mut settings = settings();
    settings.connections.max_message_bytes = 1_000;
    settings.connections.events_per_window = 5;
    let running = start(settings).await;
    let long = format!(r#"42["x","{}"]"#, "x".repeat(1_000));
    for (message, code) in [
        ("4", 1008),
        ("45x", 1008),
        (r#"45["x",{"_placeholder":true,"num":0}]"#, 1008),
        (r#"451-{"x":{"_placeholder":true,"num":0}}"#, 1008),
        ("42{}", 1008),
        ("42[7]", 1008),
        (long.as_str(), 1009),
    ] {
        let mut client = running.dialogue("ann").await;
        client.send_raw(message).await;
        assert_eq!(client.closed().await, (code, false), "{message}");
    }
    let mut client = running.dialogue("ann").await;
    for _ in 0..6 {
        client.send_raw(r#"42["x"]"#).await;
    }
    assert_eq!(client.closed().await, (1008, false));
}

#[tokio::test]
async fn as_many_rooms_are_joined_as_there_may_be() {
    let mut settings = settings();
    settings.connections.max_topics = 2;
    let running = start(settings).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("one").await;
    ann.join("two").await;
    ann.join("one").await;
    let error = ann.ask("dialogue:join", json!({"roomId": "three"}), "dialogue:error").await;
    assert_eq!(error["code"], "JOIN_DENIED");
    ann.ask("dialogue:leave", json!({"roomId": "one"}), "dialogue:left").await;
    ann.join("three").await;
}

#[tokio::test]
async fn one_that_does_not_read_is_cut_off_and_nobody_waits_for_it() {
    let mut settings = settings();
    settings.connections.queue_items = 8;
    // It is a member no longer when that is over.
    settings.channel = Config::builder().grace_ms(1).build().unwrap();
    let running = start(settings).await;
    let [mut slow, mut bob] = [running.dialogue("slow").await, running.dialogue("bob").await];
    slow.join("any").await;
    bob.join("any").await;
    let data = json!("x".repeat(60_000));
    let mut said = 0;
    while running.server.members("any").await.unwrap().unwrap().len() == 2 {
        bob.trigger("any", "e", data.clone()).await;
        bob.hear("any", "e").await;
        said += 1;
        assert!(said < 900, "it is cut off");
    }
    let mut heard = 0;
    while slow.packet().await.is_some() {
        heard += 1;
    }
    assert!(heard < said, "{heard} of {said}");
    until(|| running.server.connections() == 1).await;
}

/// However much of it waits in buffers.
#[tokio::test]
async fn one_that_never_reads_again_is_let_go_of() {
    let mut settings = settings();
    settings.connections.idle_ms = 6_000;
    let running = start(settings).await;
    let [mut slow, mut bob] = [running.dialogue("slow").await, running.dialogue("bob").await];
    slow.join("any").await;
    bob.join("any").await;
    let data = json!("x".repeat(60_000));
    for _ in 0..900 {
        bob.trigger("any", "e", data.clone()).await;
        bob.hear("any", "e").await;
    }
    // The other one still tells that it lives.
    tokio::select! {
        () = until(|| running.server.connections() == 1) => {}
        packet = bob.packet() => panic!("{packet:?}, expected nothing"),
    }
    drop(slow);
}

#[tokio::test]
async fn a_server_that_goes_says_so() {
    let running = start(settings()).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("any").await;
    let (closed, ()) = tokio::join!(ann.closed(), running.shutdown());
    assert_eq!(closed, (1012, false));
}

#[tokio::test]
async fn an_event_with_bytes_is_refused_and_the_connection_stays() {
    let mut settings = settings();
    settings.connections.events_per_window = 30;
    let running = start(settings).await;
    let mut ann = running.dialogue("ann").await;
    ann.join("any").await;
    let file = r#"{"roomId":"any","event":"file","data":{"_placeholder":true,"num":0}}"#;
    for (packet, message) in [
        (
            format!(r#"451-["dialogue:trigger",{file}]"#),
            "event \"file\" in \"any\" has bytes, expected JSON",
        ),
        (
            r#"451-["other",{"_placeholder":true,"num":0}]"#.to_owned(),
            "\"other\" has bytes, expected JSON",
        ),
    ] {
        ann.send_raw(&packet).await;
        ann.send(Message::Binary(vec![1, 2, 3].into())).await;
        let refused =
            ("dialogue:error".to_owned(), json!({"code": "INVALID_REQUEST", "message": message}));
        assert_eq!(ann.next().await, refused);
    }
    ann.trigger("any", "e", json!(1)).await;
    assert_eq!(ann.hear("any", "e").await, 1, "it is still a member");

    // Attachments count as what else a client sends.
    for _ in 0..30 {
        ann.send(Message::Binary(vec![0; 9].into())).await;
    }
    assert_eq!(ann.closed().await, (1008, false));
}

#[tokio::test]
async fn clients_of_socket_io_2_are_told_what_is_spoken() {
    let (log, _logging) = Log::take();
    let running = start(settings()).await;
    let answer = get(running.at, "/socket.io/?EIO=3&transport=polling").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let expected = "EIO is 3, as of Socket.IO 2, expected 4: a client of Socket.IO 3 or 4";
    assert!(answer.ends_with(expected), "{answer}");
    let answer = get(running.at, "/socket.io/?transport=polling").await;
    assert!(answer.contains("EIO is absent, expected 4"), "{answer}");
    let (_, metrics) = ask(running.at, "/metrics", &["host: localhost"]).await;
    let counted = "parlor_connections_refused_total{protocol=\"dialogue\",reason=\"version\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    let lines = log.lines("connection refused");
    assert_eq!((lines.len(), &lines[0]["reason"]), (2, &json!(expected)));
    assert_eq!(running.server.connections(), 0);
}
