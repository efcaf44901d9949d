//! Settings with keys, origins, rules and schemas, as clients meet them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use parlor_server::Settings;
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error, client::IntoClientRequest, handshake::client::Request, http::HeaderValue,
    },
};

use crate::{Client, Running, start};

const SETTINGS: &str = "
    [auth]
    hs256_secret = 'thirty-two bytes of a test secret'
    leeway_s = 0

    [origins]
    allowed = 'https://app.example'

    [[rooms]]
    pattern = 'room:*'
    events = [{name = 'say', schema = {type = 'string', maxLength = 5}}]

    [[rules]]
    pattern = 'user:*'
    action = 'join'
    topic = 'user:{sub}'

    [[rules]]
    pattern = 'admin:*'
    action = 'join'
    claim = 'role'
    equals = 'admin'

    [[rules]]
    pattern = 'room:*'
    action = 'send'
    event = 'announce'
    claim = 'role'
    equals = 'admin'
";

async fn running() -> Running {
    start(Settings { lanes: 2, ..Settings::from_toml(SETTINGS).unwrap() }).await
}

/// A token of ann that expires so many seconds from now.
fn token(lives_s: u64, role: &str) -> String {
    let claims = json!({"sub": "ann", "exp": get_current_timestamp() + lives_s, "role": role});
    let key = EncodingKey::from_secret(b"thirty-two bytes of a test secret");
    encode(&Header::default(), &claims, &key).unwrap()
}

async fn connected(running: &Running, query: &str) -> Client {
    running.connect(query).await.unwrap()
}

fn request(running: &Running, query: &str) -> Request {
    let url = format!("ws://{}/socket/websocket?vsn=2.0.0&{query}", running.at);
    url.into_client_request().unwrap()
}

/// The status of the answer to a request, and what stands in it beside.
async fn answer(request: Request) -> (u16, String) {
    match connect_async(request).await {
        Ok((_, response)) => (response.status().as_u16(), String::new()),
        Err(Error::Http(response)) => {
            let text = response.body().as_deref().map(String::from_utf8_lossy);
            (response.status().as_u16(), text.unwrap_or_default().into_owned())
        }
        Err(other) => panic!("{other:?}, expected an answer"),
    }
}

#[tokio::test]
async fn a_token_opens_the_door_and_says_who_it_is() {
    let running = running().await;
    let mut ann = connected(&running, &format!("user_id=bob&token={}", token(600, "user"))).await;
    let (_, present) = ann.join("room:1", json!({})).await;
    assert_eq!(present.as_object().unwrap().keys().collect::<Vec<_>>(), ["ann"]);

    let expired = token(0, "user");
    for query in ["user_id=ann", "token=", "token=x.y.z", &format!("token={expired}")] {
        let (status, text) = answer(request(&running, query)).await;
        assert_eq!(status, 403, "{query}");
        assert!(!text.contains(&expired) && !text.contains("x.y.z"), "{text}");
    }
}

#[tokio::test]
async fn a_token_may_be_offered_as_a_subprotocol() {
    let running = running().await;
    let offered = |token: &str| {
        let mut request = request(&running, "");
        let offered = format!("phoenix, base64url.bearer.phx.{}", URL_SAFE_NO_PAD.encode(token));
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        request
    };
    let (_, response) = connect_async(offered(&token(600, "user"))).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "phoenix");
    assert_eq!(answer(offered("x.y.z")).await.0, 403);
}

/// Waits for a time to pass, as a token's expiry is one.
#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let running = running().await;
    let mut ann = connected(&running, &format!("token={}", token(5, "user"))).await;
    assert_eq!(ann.closed().await, (1008, "token expired".into()));
}

#[tokio::test]
async fn a_page_from_elsewhere_is_not_let_in() {
    let running = running().await;
    let query = format!("token={}", token(600, "user"));
    for (origin, expected) in [
        ("https://app.example", 101),
        ("https://evil.example", 403),
        ("null", 403),
        // Of a letter that looks like its last one.
        ("https://app.exampl\u{435}", 403),
    ] {
        let mut request = request(&running, &query);
        let value = HeaderValue::from_bytes(origin.as_bytes()).unwrap();
        request.headers_mut().insert("origin", value);
        assert_eq!(answer(request).await.0, expected, "{origin}");
    }
}

#[tokio::test]
async fn rules_and_schemas_hold_for_what_clients_send() {
    let running = running().await;
    let mut ann = connected(&running, &format!("token={}", token(600, "user"))).await;
    ann.join("user:ann", json!({})).await;
    for topic in ["user:bob", "admin:1"] {
        let (status, response) = ann.ask(topic, "phx_join", json!({})).await;
        assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("join_denied")));
    }

    ann.join("room:1", json!({})).await;
    assert_eq!(ann.ask("room:1", "say", json!("hello")).await.0, "ok");
    let (status, response) = ann.ask("room:1", "say", json!("hello!")).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("validation_failed")));
    let text = "payload: value is longer than 5 characters, expected maxLength 5";
    assert_eq!(response["message"], text);
    let (status, response) = ann.ask("room:1", "announce", json!("x")).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("permission_denied")));
}

#[tokio::test]
async fn who_comes_back_may_do_what_its_new_token_allows() {
    let running = running().await;
    let query = |token: String| format!("session=s&token={token}");
    let mut admin = connected(&running, &query(token(600, "admin"))).await;
    admin.join("admin:1", json!({})).await;
    admin.join("room:1", json!({})).await;
    drop(admin);

    // Another token that says the same: it is still a member.
    let mut admin = connected(&running, &query(token(601, "admin"))).await;
    let (response, _) = admin.join("admin:1", json!({})).await;
    assert_eq!(response["rejoined"], Value::Bool(true));
    drop(admin);

    let mut user = connected(&running, &query(token(600, "user"))).await;
    let (status, response) = user.ask("admin:1", "phx_join", json!({})).await;
    assert_eq!((status.as_str(), &response["reason"]), ("error", &json!("join_denied")));
    user.join("room:1", json!({})).await;
    let (status, _) = user.ask("room:1", "announce", json!("x")).await;
    assert_eq!(status, "error");
}
