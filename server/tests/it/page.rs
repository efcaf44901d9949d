//! The page at `/` as a client of HTTP sees it. What it does is in `tests/browser`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use jsonwebtoken::{EncodingKey, Header, encode};
use parlor::{
    Address, ClientRooms, Config, OpenRoom, Payload, Publish, RoomConfig, UnlistedTopics,
};
use parlor_server::{AuthSettings, Authenticator, ServedPage, Settings};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{Running, get, operators::ask, settings, start, until};

fn with(toml: &str) -> Settings {
    Settings::from_toml(toml).unwrap()
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn all_that_the_page_names_is_there_and_may_do_no_more_than_it_has_to() {
    let running = start(settings()).await;
    let page = get(running.at, "/").await;
    let named = page.split('"').filter(|text| text.starts_with("/assets/"));
    let mut paths = named.map(str::to_owned).collect::<Vec<_>>();
    assert!(paths.len() >= 2, "{page}");
    let mut at = 0;
    while at < paths.len() {
        let answer = get(running.at, &paths[at]).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", paths[at]);
        assert!(answer.contains("content-security-policy: default-src 'none';"), "{answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
        // Modules name others.
        let imports = answer.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
        for import in imports.map(|name| format!("/assets/{name}")).collect::<Vec<_>>() {
            if !paths.contains(&import) {
                paths.push(import);
            }
        }
        at += 1;
    }
    assert!(page.contains("frame-ancestors 'none'"), "{page}");
    running.shutdown().await;
}

#[tokio::test]
async fn where_there_is_to_be_no_page_there_is_none() {
    let running = start(Settings { page: ServedPage::Off, ..settings() }).await;
    for path in ["/", "/rooms.json", "/assets/page.js", "/assets/icon.svg"] {
        let answer = get(running.at, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    // What operators look at is there, and so is what clients need.
    for path in ["/inspect", "/assets/inspect.js", "/healthz"] {
        let answer = get(running.at, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    running.shutdown().await;
}

#[tokio::test]
async fn rooms_are_listed_with_their_sizes() {
    let running = start(settings()).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let listed = body(&get(running.at, "/rooms.json").await);
    let room = json!({"topic": "room:1", "size": 1, "full": false, "declared": false});
    let whole = json!({
        "user": null, "rooms": [room], "more": 0,
        "clients_open_rooms": "off", "unlisted_topics": "create", "listen_only": [],
    });
    assert_eq!(listed, whole);
    let refused = get(running.at, "/rooms.json?user_id=system").await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!(body(&refused)["detail"].as_str().unwrap().contains("system"), "{refused}");
    for (path, headers, expected) in [
        ("/rooms.json?user_id=a&user_id=b", &[][..], (400, "invalid_query")),
        ("/rooms.json?user_id=system", &[], (403, "invalid_user")),
        ("/rooms.json", &["origin: http://evil.example"], (403, "origin_not_allowed")),
        ("/rooms.json", &["authorization: a", "authorization: b"], (400, "invalid_request")),
    ] {
        let headers = [&["host: localhost"], headers].concat();
        let (status, answer) = ask(running.at, path, &headers).await;
        assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
        assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
        let problem = body(&answer);
        assert_eq!((status, problem["reason"].as_str().unwrap()), expected, "{problem}");
        assert_eq!(problem["status"], status);
    }
    running.shutdown().await;
}

#[tokio::test]
async fn it_is_said_where_clients_may_open_rooms() {
    let channel = Config::builder()
        .clients_open_rooms(ClientRooms::On)
        .unlisted_topics(UnlistedTopics::Refuse)
        .build()
        .unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let listed = body(&get(running.at, "/rooms.json").await);
    assert_eq!(listed["clients_open_rooms"], "on");
    assert_eq!(listed["unlisted_topics"], "refuse");
    running.shutdown().await;
}

/// The topics of the rooms that are listed, in their order.
fn topics(listed: &Value) -> Vec<&str> {
    let rooms = listed["rooms"].as_array().unwrap().iter();
    rooms.map(|room| room["topic"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rooms_are_listed_as_configured_and_then_by_topic_whoever_comes() {
    let toml = "[[rooms]]\npattern = 'zoo'\n[[rooms]]\npattern = 'attic'";
    let settings = Settings { lanes: 3, ..with(toml) };
    let running = start(settings).await;
    let mut ann = running.client("ann").await;
    for topic in ["room:2", "b", "room:1", "a", "attic"] {
        ann.join(topic, json!({})).await;
    }
    let listed = body(&get(running.at, "/rooms.json").await);
    assert_eq!(topics(&listed), ["zoo", "attic", "a", "b", "room:1", "room:2"]);
    let declared = listed["rooms"].as_array().unwrap().iter().map(|room| &room["declared"]);
    assert_eq!(declared.filter(|declared| **declared == true).count(), 2);

    // Of more than are shown, it is the small ones that are not, unless they are declared.
    for number in 0..250 {
        running.server.open_room(OpenRoom::new(format!("small:{number}"))).await.unwrap();
    }
    let mut bob = running.client("bob").await;
    bob.join("small:249", json!({})).await;
    until_listed(&running, |listed| listed["more"] == 56).await;
    let listed = body(&get(running.at, "/rooms.json").await);
    let topics = topics(&listed);
    assert_eq!((topics.len(), &topics[..2]), (200, &["zoo", "attic"][..]));
    assert!(topics.contains(&"small:249") && topics[2..].is_sorted(), "{topics:?}");
    running.shutdown().await;
}

async fn until_listed(running: &Running, is: impl Fn(&Value) -> bool) {
    loop {
        if is(&body(&get(running.at, "/rooms.json").await)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_can_only_listen_is_told_where() {
    let toml = "
        [[rooms]]
        pattern = 'board'
        client_events = 'none'
        [[rooms]]
        pattern = 'typing'
        client_events = 'listed'
        events = [{name = 'typing'}]
        [[rooms]]
        pattern = 'talk'
        client_events = 'listed'
        events = [{name = 'message'}]
        [[rooms]]
        pattern = 'staff'
        [[rooms]]
        pattern = 'news'
        [[rules]]
        pattern = 'staff'
        action = 'send'
        claim = 'role'
        equals = 'staff'
        [[rules]]
        pattern = 'news'
        action = 'send'
        event = 'message'
        allow = 'nobody'
        [auth]
        hs256_secret = 'thirty-two bytes of a test secret'
    ";
    let secret = b"thirty-two bytes of a test secret";
    let running = start(with(toml)).await;
    for (role, expected) in [
        ("guest", &["board", "news", "staff", "typing"][..]),
        ("staff", &["board", "news", "typing"]),
    ] {
        let claims = json!({"sub": "ann", "exp": 4_102_444_800_u64, "role": role});
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret)).unwrap();
        let shown = format!("authorization: Bearer {token}");
        let (_, answer) = ask(running.at, "/rooms.json", &["host: a", &shown]).await;
        let listed = body(&answer);
        let only = listed["listen_only"].as_array().unwrap().iter();
        let mut only = only.map(|topic| topic.as_str().unwrap()).collect::<Vec<_>>();
        only.sort_unstable();
        assert_eq!(only, expected, "{role}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn of_a_room_that_was_opened_otherwise_nothing_is_said_beforehand() {
    let running = start(with("[[rooms]]\npattern = 'board*'\nclient_events = 'none'")).await;
    let open = OpenRoom::new("board:1").with_config(RoomConfig::default());
    running.server.open_room(open).await.unwrap();
    let mut ann = running.client("ann").await;
    ann.join("board:2", json!({})).await;
    let listed = body(&get(running.at, "/rooms.json").await);
    assert_eq!(topics(&listed), ["board:1", "board:2"]);
    assert_eq!(listed["listen_only"], json!(["board:2"]));
    running.shutdown().await;
}

#[tokio::test]
async fn strangers_are_told_no_rooms() {
    let secret = b"thirty-two bytes of a test secret";
    let keys = AuthSettings { hs256_secret: Some(secret.to_vec()), ..AuthSettings::default() };
    let auth = Authenticator::new(&keys).unwrap();
    let running = start(Settings { auth, ..settings() }).await;
    let refused = get(running.at, "/rooms.json?user_id=ann").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(refused.contains("www-authenticate: Bearer"), "{refused}");
    assert_eq!(body(&refused)["detail"], "a token is needed");
    assert!(get(running.at, "/").await.starts_with("HTTP/1.1 200"));

    let claims = json!({"sub": "ann", "exp": 4_102_444_800_u64});
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret)).unwrap();
    let (good, bad) = (format!("authorization: Bearer {token}"), "authorization: Bearer x");
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR "] {
        let shown = format!("authorization: {scheme} {token}");
        let (status, answer) = ask(running.at, "/rooms.json", &["host: a", &shown]).await;
        assert_eq!((status, &body(&answer)["user"]), (200, &json!("ann")), "{answer}");
    }
    for (headers, expected) in [
        (&[bad][..], (401, "invalid_token")),
        (&[&good.replace("Bearer", "Basic")], (401, "no_token")),
        (&[&good, &good], (400, "invalid_request")),
        (&[&good, bad], (400, "invalid_request")),
        (&[bad, &good], (400, "invalid_request")),
    ] {
        let headers = [&["host: a"], headers].concat();
        let (status, answer) = ask(running.at, "/rooms.json", &headers).await;
        let problem = body(&answer);
        assert_eq!((status, problem["reason"].as_str().unwrap()), expected, "{headers:?}");
    }
    running.shutdown().await;
}

// An engine that is held up holds up its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_that_does_not_answer_is_not_waited_for_without_an_end() {
    let (held, seen) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (is_held, calls) = (Arc::clone(&held), Arc::clone(&seen));
    let observer = Arc::new(move |_: &parlor::Outbound| {
        calls.fetch_add(1, Ordering::SeqCst);
        while is_held.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let running = start(Settings { lanes: 1, observer: Some(observer), ..settings() }).await;
    let publish = Publish::new(Address::Everyone, "e", Payload::json("1").unwrap());
    let publishing = tokio::spawn({
        let server = running.server.clone();
        async move { server.publish(publish).await.map(drop) }
    });
    until(|| seen.load(Ordering::SeqCst) > 0).await;

    // One waits for the engine, the other for the first one.
    let (one, other) = tokio::join!(get(running.at, "/rooms.json"), get(running.at, "/rooms.json"));
    for refused in [one, other] {
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        assert_eq!(body(&refused)["reason"], "no_answer");
    }
    held.store(false, Ordering::SeqCst);
    publishing.await.unwrap().unwrap();
    assert!(get(running.at, "/rooms.json").await.starts_with("HTTP/1.1 200"));
    running.shutdown().await;
}

#[tokio::test]
async fn a6_positions_and_senders_go_only_to_connections_that_ask() {
    let running = start(settings()).await;
    let mut ann = running.connect("user_id=ann&senders=on").await.unwrap();
    let mut eve = running.connect("user_id=eve&positions=on&senders=off").await.unwrap();
    let mut bob = running.client("bob").await;
    for client in [&mut ann, &mut eve, &mut bob] {
        client.join("room:1", json!({})).await;
    }
    bob.send("room:1", "say", json!({"from": "ann"})).await;
    let signed = ann.until("say").await;
    assert_eq!(signed[5]["from"], "bob");
    assert!(signed[5]["timestamp_ms"].is_u64() && signed[5]["offset"] == 1, "{signed}");
    let positioned = eve.until("say").await;
    assert_eq!(positioned[5], json!({"epoch": signed[5]["epoch"], "offset": 1}));
    let plain = bob.until("say").await;
    assert_eq!(plain.as_array().unwrap().len(), 5, "{plain}");

    // A binary frame stays as V2 has it; its position comes right before it.
    let binary = [&[0, 0, 1, 6, 3][..], b"1room:1bin", &[7]].concat();
    bob.send_raw(Message::Binary(binary.into())).await;
    let expected = Message::Binary([&[2, 6, 3][..], b"room:1bin", &[7]].concat().into());
    for (client, position) in [(&mut ann, Some(4)), (&mut eve, Some(2)), (&mut bob, None)] {
        if let Some(fields) = position {
            let before = client.until("parlor:position").await;
            assert_eq!(before[4]["offset"], 2, "{before}");
            assert_eq!(before[4].as_object().unwrap().len(), fields, "{before}");
            assert_eq!(client.message().await, expected);
        } else {
            let reply = client.next().await;
            assert_eq!(reply[3], "phx_reply");
            assert_eq!(client.message().await, expected);
        }
    }
    assert!(running.connect("user_id=ann&positions=yes").await.is_err(), "neither on nor off");
    running.shutdown().await;
}

/// What the files of pages must not have: ways in which text becomes markup or code, and what is
/// loaded from elsewhere.
fn unfit(name: &str, text: &str) -> Vec<String> {
    const NEVER: [&str; 12] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "createContextualFragment",
        "document.write",
        "DOMParser",
        "eval(",
        "Function(",
        "style=\"",
        "onclick=",
        "http://",
        "https://",
    ];
    let text = text.replace("http://www.w3.org/2000/svg", "");
    let found = NEVER.into_iter().filter(|never| text.contains(never));
    found.map(|never| format!("{name} has {never}")).collect()
}

#[test]
fn no_text_becomes_markup_and_nothing_is_loaded_from_elsewhere() {
    let mut broken = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets")).unwrap() {
        let path = entry.unwrap().path();
        // A document for programs, which is no part of a page.
        if path.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        broken.extend(unfit(&name, &std::fs::read_to_string(&path).unwrap()));
        files += 1;
    }
    assert!(files > 10, "{files} files: assets are missing");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(unfit("a", "a.innerHTML = b"), ["a has innerHTML"]);
}
