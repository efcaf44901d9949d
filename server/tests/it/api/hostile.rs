//! Requests that can't be read, take too long, or are not for whoever makes them.

use futures_util::future::join_all;
use parlor_server::{ConnectionLimits, OperatorKey, Settings};
use serde_json::json;
use tokio::net::TcpListener;

use super::{raw, serve, usual};
use crate::{Running, held::Held, operators::KEY, settings, start};

const NOTICE: &str = r#"{"target":"everyone","event":"notice","payload":1}"#;

#[tokio::test]
async fn nothing_is_done_without_the_key() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let (kick, remove) = (r#"{"target":{"user":"ann"}}"#, r#"{"add":["room:1"]}"#);
    for (method, path, body) in [
        ("POST", "/api/publish", NOTICE),
        ("POST", "/api/kick", kick),
        ("GET", "/api/rooms", ""),
        ("POST", "/api/rooms", r#"{"topic":"a"}"#),
        ("GET", "/api/rooms/room:1", ""),
        ("DELETE", "/api/rooms/room:1", ""),
        ("GET", "/api/rooms/room:1/members", ""),
        ("GET", "/api/rooms/room:1/presences", ""),
        ("PATCH", "/api/groups/g", remove),
        ("GET", "/api/users/ann/clients", ""),
        ("GET", "/api/clients/c1/topics", ""),
        ("GET", "/api/nothing", ""),
        ("PUT", "/api/publish", ""),
    ] {
        let json = "content-type: application/json";
        let local = "host: localhost";
        for (headers, reason) in [
            (&[local, json][..], "no_key"),
            (&[local, json, "authorization: Bearer another-key-than-this"], "wrong_key"),
            (&[local, json, "authorization: Bearer "], "wrong_key"),
            (&[local, json, &format!("authorization: Basic {KEY}")], "wrong_key"),
            (&[local, json, &format!("authorization: {KEY}")], "wrong_key"),
            (&[local, json, &format!("x-api-key: {KEY}")], "no_key"),
        ] {
            let answer = running.ask_with(method, path, headers, body.as_bytes()).await;
            answer.refused(401, reason);
        }
        let query = format!("{path}?access_token={KEY}&key={KEY}");
        let answer = running.ask_with(method, &query, &[local, json], body.as_bytes()).await;
        answer.refused(401, "no_key");
    }
    assert_eq!(ann.count("notice", "room:1").await, 0);
    assert_eq!(running.server.rooms().await.unwrap().len(), 1);

    let running = start(settings()).await;
    let answer = running.ask("POST", "/api/publish", Some(NOTICE)).await;
    answer.refused(403, "no_operators_key");
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_the_place_and_what_was_expected() {
    let running = usual().await;
    for (body, expected) in [
        (
            "",
            "expected one JSON value: the text ends too early, expected a value at line 1 column 1",
        ),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ("{\"event\":nul}", "expected `true`, `false` or `null`"),
        ("{\"event\":\"e\",\n \"target\":}", "expected a value at line 2 column 11"),
        (
            r#"{"event":"e""#,
            "the text ends inside an object, expected `,` or `}` at line 1 column 12",
        ),
        (r#"{"target":"everyone"}"#, "missing field `event` at line 1 column 21"),
        (r#"{"target":"everyone","event":"e"}"#, "missing field `payload` (or `payload_base64`)"),
        (
            r#"{"target":"all","event":"e","payload":1}"#,
            "expected \"everyone\" or an object with one of topic, group, user and client at line 1 column 15",
        ),
        (r#"{"target":{},"event":"e","payload":1}"#, "expected \"everyone\" or an object"),
        (
            r#"{"target":{"topic":"a","user":"b"},"event":"e","payload":1}"#,
            "expected \"everyone\" or an object",
        ),
        (
            r#"{"target":"everyone","event":1,"payload":1}"#,
            "invalid type: integer `1`, expected a string at line 1 column 30",
        ),
        (r#"{"target":"everyone","event":"e","event":"f","payload":1}"#, "duplicate field `event`"),
        (
            r#"{"target":"everyone","event":"e","payload":1,"to":2}"#,
            "unknown field `to`, expected one of",
        ),
        (
            r#"{"target":"everyone","event":"e","payload":1,"ref":"2"}"#,
            "the body has `ref`, expected none",
        ),
        (
            r#"{"target":"everyone","event":"e","payload":1,"payload_base64":""}"#,
            "expected one of `payload` and `payload_base64`, got both",
        ),
        (r#"{"target":"everyone","event":"e","payload_base64":"AQI"}"#, "base64 with padding"),
        (r#"{"target":"everyone","event":"\ud800","payload":1}"#, "at line 1 column"),
        (r#"{"target":"everyone","event":"e","payload":01}"#, "at line 1 column 45"),
    ] {
        let answer = running.post("/api/publish", body).await;
        let detail = answer.refused(400, "invalid_body");
        assert!(detail.contains(expected), "{body}: {detail}");
    }
    let key = format!("authorization: Bearer {KEY}");
    let headers = ["host: a.example", &key, "content-type: application/json"];
    let answer = running.ask_with("POST", "/api/publish", &headers, b"{\"event\":\"\xff\"}").await;
    let detail = answer.refused(400, "invalid_body");
    assert_eq!(detail, "the body is no text at its byte 11, expected JSON in UTF-8");
}

#[tokio::test]
async fn a_body_has_to_be_json_by_its_headers_too() {
    let running = usual().await;
    let key = format!("authorization: Bearer {KEY}");
    let host = "host: a.example";
    for headers in [
        &[host, &key][..],
        &[host, &key, "content-type: text/plain"],
        &[host, &key, "content-type: application/x-www-form-urlencoded"],
        &[host, &key, "content-type: application/jsonx"],
        &[host, &key, "content-type: application/json", "content-encoding: gzip"],
    ] {
        let answer = running.ask_with("POST", "/api/publish", headers, NOTICE.as_bytes()).await;
        answer.refused(415, "unsupported_media_type");
    }
    for fits in ["Application/JSON", "application/json; charset=utf-8"] {
        let fits = format!("content-type: {fits}");
        let headers = [host, &key, &fits];
        running.ask_with("POST", "/api/publish", &headers, NOTICE.as_bytes()).await.done();
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_a_problem_too() {
    let running = usual().await;
    for path in ["/api", "/api/", "/api/room", "/api/rooms/", "/api/rooms/a/b", "/api/rooms//x"] {
        running.ask("GET", path, None).await.refused(404, "unknown_route");
    }
    for path in ["/api/rooms/%FF", "/api/rooms/%C3/members"] {
        running.ask("GET", path, None).await.refused(400, "invalid_path");
    }
}

/// What comes before a body, but for its length.
fn head() -> String {
    format!(
        "POST /api/publish HTTP/1.1\r\nhost: a.example\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\nconnection: close\r\n"
    )
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let connections = ConnectionLimits { max_message_bytes: 2_048, ..ConnectionLimits::default() };
    let running = serve(Settings { connections, ..settings() }).await;
    let notice = |bytes: usize| {
        let payload = "x".repeat(bytes);
        format!(r#"{{"target":"everyone","event":"e","payload":"{payload}"}}"#)
    };
    let around = notice(0).len();
    running.post("/api/publish", &notice(2_048 - around)).await.done();
    let answer = running.post("/api/publish", &notice(2_049 - around)).await;
    let detail = answer.refused(413, "body_too_large");
    assert_eq!(detail, "the body is too large, expected at most 2048 bytes");

    // Of a length that is not told before.
    let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
    let body = format!("{chunk}{chunk}1\r\n \r\n0\r\n\r\n");
    let chunked = format!("{}transfer-encoding: chunked\r\n\r\n{body}", head());
    raw(running.at, chunked.as_bytes()).await.refused(413, "body_too_large");
    let broken = format!("{}transfer-encoding: chunked\r\n\r\nx", head());
    raw(running.at, broken.as_bytes()).await.refused(400, "invalid_body");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let connections = ConnectionLimits { handshake_ms: 1_000, ..ConnectionLimits::default() };
    let running = serve(Settings { connections, ..settings() }).await;
    let slow = format!("{}content-length: 10\r\n\r\n{{", head());
    let answer = raw(running.at, slow.as_bytes()).await;
    assert_eq!(answer.refused(408, "too_slow"), "the body took too long, expected it in 1s");
    super::document::check("POST", "/api/publish", &answer);
}

// An engine that is held up holds up its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_engine_that_does_not_answer_is_not_waited_for_without_an_end() {
    let operator_key = Some(OperatorKey::new(KEY).unwrap());
    let held = Held::start(Settings { operator_key, ..settings() }).await;
    let paths = [
        "/api/rooms",
        "/api/rooms/a",
        "/api/rooms/a/members",
        "/api/rooms/a/presences",
        "/api/users/ann/clients",
        "/api/clients/c1/topics",
    ];
    let asked = paths.map(|path| held.running.ask("GET", path, None));
    for answer in join_all(asked).await {
        let detail = answer.refused(503, "no_answer");
        assert_eq!(detail, "the engine does not answer, expected it to in 5s");
    }
    let running = held.go_on().await;
    running.ask("GET", "/api/rooms", None).await.done();
    running.shutdown().await;
}

#[tokio::test]
async fn when_the_server_goes_nothing_is_begun() {
    let running = usual().await;
    let app = running.server.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    running.server.shutdown().await;
    let mounted = Running { at, task, ..running };
    mounted.ask("GET", "/api/rooms", None).await.refused(503, "gone");
    mounted.task.abort();
}
