//! What a back end may be made to pass on by those whom it serves: bodies, names and numbers that are
//! huge, endless, slow, ambiguous or not what they should be. And the rooms that the page lists.

use std::net::SocketAddr;

use serde_json::json;

use super::{
    arena::MAX_MESSAGE_BYTES,
    asking::{ELSEWHERE, asked, bearer, outcome, request},
    inside::forged_line,
    page::Page,
    raw::{CUT, Raw},
    report::Report,
    tokens::{self, KEY},
};

const INVALID: &str = "400 invalid_body";

pub async fn attempts(report: &mut Report) {
    bodies(report).await;
    ambiguous_bodies(report).await;
    names(report).await;
    queries(report).await;
    endless_bodies(report).await;
    slow_bodies(report);
    rooms_of_the_page(report).await;
}

/// What somebody with the key is answered.
async fn with_key(at: SocketAddr, method: &str, path: &str, body: &[u8]) -> String {
    asked(at, request(method, path.as_bytes(), &[ELSEWHERE.as_bytes(), &bearer(KEY)], body)).await
}

/// A message to a topic in which somebody is.
async fn published(at: SocketAddr, event: &str, payload: &str) -> String {
    let mut page = Page::of("mallory", at).await;
    page.ask("open:1", "phx_join", json!({})).await;
    let event = serde_json::to_string(event).unwrap();
    let body = format!(r#"{{"target":{{"topic":"open:1"}},"event":{event},"payload":{payload}}}"#);
    with_key(at, "POST", "/api/publish", body.as_bytes()).await
}

async fn bodies(report: &mut Report) {
    let at = report.arena.at;
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for (what, event, payload, expected) in [
        ("a message", "say", "1".into(), "200"),
        ("a payload at its limit", "say", long(4_096), "200"),
        ("a payload past its limit", "say", long(4_097), "413 payload_too_large"),
        ("a payload as deep as it may be", "say", deep(120), "200"),
        ("a payload 1000 deep", "say", deep(1_000), "413 payload_too_large"),
        ("a payload 7000 deep", "say", deep(7_000), "413 payload_too_large"),
        ("brackets that never close", "say", "[".repeat(10_000), INVALID),
        ("a number past all", "say", "1e999".into(), "200"),
        ("half a surrogate", "say", r#""\ud800""#.into(), "200"),
        ("a payload with a key twice", "say", r#"{"a":1,"a":2}"#.into(), "200"),
        ("two values", "say", "1 2".into(), INVALID),
        ("a comment", "say", "1/**/".into(), INVALID),
        ("not a number", "say", "NaN".into(), INVALID),
        ("what only a server may say", "presence_diff", "{}".into(), "200"),
        ("an event without a name", "", "1".into(), "422 invalid_name"),
        ("the event that means all", "*", "1".into(), "422 invalid_name"),
    ] {
        let attack = published(at, event, &payload);
        report.tried(format!("publishing {what}"), expected, attack).await;
    }
    let large = format!("{{\"event\":{}}}", long(MAX_MESSAGE_BYTES));
    for (what, method, path, body, expected) in [
        ("a body past its limit", "POST", "/api/publish", &*large, "413 body_too_large"),
        ("a body past its limit", "POST", "/api/kick", &large, "413 body_too_large"),
        ("a body past its limit", "PATCH", "/api/groups/g", &large, "413 body_too_large"),
        ("a body where none is asked for", "GET", "/api/rooms", "{}", "200"),
        ("no object", "POST", "/api/kick", r#"[{"user":"ann"}]"#, INVALID),
        ("fields without names", "POST", "/api/kick", r#"[{"user":"nobody"},null,"x"]"#, INVALID),
        ("a text", "POST", "/api/kick", r#""{\"target\":{\"user\":\"ann\"}}""#, INVALID),
        ("null", "POST", "/api/kick", "null", INVALID),
        ("nobody", "POST", "/api/kick", r#"{"target":{}}"#, INVALID),
        ("nobody at all", "POST", "/api/kick", r#"{"target":null}"#, INVALID),
        ("everyone", "POST", "/api/kick", r#"{"target":"everyone"}"#, INVALID),
        ("two to put out", "POST", "/api/kick", r#"{"target":{"user":"a","client":"b"}}"#, INVALID),
        ("all there are", "POST", "/api/kick", r#"{"target":{"user":["ann","bob"]}}"#, INVALID),
        ("a number", "POST", "/api/kick", r#"{"target":{"user":1}}"#, INVALID),
        ("a topic that is none", "POST", "/api/kick", r#"{"target":{"user":"x"},"topic":1}"#, {
            INVALID
        }),
        ("a field more", "POST", "/api/kick", r#"{"target":{"user":"x"},"__proto__":{}}"#, INVALID),
        ("a room by somebody", "POST", "/api/rooms", r#"{"topic":"open:2","by":"ann"}"#, INVALID),
        ("a room with a ref", "POST", "/api/rooms", r#"{"topic":"open:2","ref":"1"}"#, INVALID),
        ("a room of a list", "POST", "/api/rooms", r#"{"topic":"open:2","config":[]}"#, INVALID),
        ("a room that is there", "POST", "/api/rooms", r#"{"topic":"open:bobs"}"#, {
            "409 room_exists"
        }),
        ("topics that are none", "PATCH", "/api/groups/g", r#"{"add":[1]}"#, INVALID),
        ("topics of an object", "PATCH", "/api/groups/g", r#"{"add":{"0":"a"}}"#, INVALID),
    ] {
        let attack = with_key(at, method, path, body.as_bytes());
        report.tried(format!("{method} {path} with {what}"), expected, attack).await;
    }
    let bytes = with_key(at, "POST", "/api/kick", b"{\"target\":{\"user\":\"\xff\"}}");
    report.tried("a body that is no UTF-8", INVALID, bytes).await;
    let mark =
        with_key(at, "POST", "/api/kick", "\u{feff}{\"target\":{\"user\":\"x\"}}".as_bytes());
    report.tried("a body with a mark of its byte order", INVALID, mark).await;
}

/// JSON of which two readers could think differently.
async fn ambiguous_bodies(report: &mut Report) {
    let at = report.arena.at;
    for (path, body) in [
        ("/api/kick", r#"{"target":{"user":"nobody"},"target":{"user":"ann"}}"#),
        ("/api/kick", r#"{"target":{"user":"nobody","user":"ann"}}"#),
        ("/api/kick", r#"{"target":{"user":"nobody"},"topic":"open:1","topic":null}"#),
        ("/api/kick", r#"{"target":{"user":"nobody"},"\u0074arget":{"user":"ann"}}"#),
        ("/api/publish", r#"{"target":"everyone","target":"everyone","event":"e","payload":1}"#),
        ("/api/publish", r#"{"target":"everyone","event":"e","payload":1,"payload":2}"#),
        (
            "/api/publish",
            r#"{"target":"everyone","event":"e","payload":1,"payload_base64":"AA=="}"#,
        ),
        ("/api/rooms", r#"{"topic":"open:2","topic":"open:3"}"#),
        ("/api/rooms", r#"{"topic":"open:2","config":{"owner":"a","owner":"mallory"}}"#),
    ] {
        let attack = with_key(at, "POST", path, body.as_bytes());
        report.tried(format!("{path} with {body}"), INVALID, attack).await;
    }
}

/// What all of it comes to with the key, once where it is the same.
async fn all(at: SocketAddr, requests: &[(&str, String, String)]) -> String {
    let mut outcomes = Vec::new();
    for (method, path, body) in requests {
        outcomes.push(with_key(at, method, path, body.as_bytes()).await);
    }
    outcomes.dedup();
    outcomes.join(", ")
}

/// In bodies and in paths.
async fn names(report: &mut Report) {
    let at = report.arena.at;
    let long = "x".repeat(256);
    for (what, name, of_topic, of_user) in [
        ("256 bytes", &*long, "422 invalid_name", "422 invalid_name"),
        ("a path", "../../etc/passwd", "404 unknown_topic", "200"),
        ("dots", "..", "404 unknown_topic", "200"),
        ("a zero byte", "\0", "404 unknown_topic", "200"),
        ("a prototype", "__proto__", "404 unknown_topic", "200"),
        ("what means all", "*", "404 unknown_topic", "200"),
        ("a line of the log", forged_line(), "404 unknown_topic", "200"),
        ("spaces around it", " room:honest ", "404 unknown_topic", "200"),
    ] {
        let escaped = name.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let say =
            |of: &str| json!({"target": {of: name}, "event": "say", "payload": 1}).to_string();
        let kick = json!({"target": {"user": name}}).to_string();
        let of_topics = [
            ("POST", "/api/publish".to_owned(), say("topic")),
            ("GET", format!("/api/rooms/{escaped}"), String::new()),
            ("DELETE", format!("/api/rooms/{escaped}"), String::new()),
            ("GET", format!("/api/rooms/{escaped}/members"), String::new()),
            ("GET", format!("/api/rooms/{escaped}/presences"), String::new()),
        ];
        let of_users = [
            ("POST", "/api/publish".to_owned(), say("user")),
            ("POST", "/api/kick".to_owned(), kick),
            ("GET", format!("/api/users/{escaped}/clients"), String::new()),
        ];
        report.tried(format!("a topic of {what}"), of_topic, all(at, &of_topics)).await;
        report.tried(format!("a user of {what}"), of_user, all(at, &of_users)).await;
    }
    for (path, expected) in [
        ("/api/rooms/%ff", "400 invalid_path"),
        ("/api/rooms/%c0%ae%c0%ae", "400 invalid_path"),
        ("/api/rooms/%zz", "404 unknown_topic"),
        ("/api/rooms/%", "404 unknown_topic"),
        ("/api/users/%ed%a0%80/clients", "400 invalid_path"),
        ("/api/users//clients", "422 invalid_name"),
    ] {
        report.tried(format!("GET {path}"), expected, with_key(at, "GET", path, b"")).await;
    }
}

async fn queries(report: &mut Report) {
    let at = report.arena.at;
    let many_kinds = format!("/inspect/stream?kind={}", "join,".repeat(10_000));
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e2",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "limit[]=1",
        "start=4294967296",
        "start=%ff",
        "start=",
        "offset=1",
        "__proto__=1",
    ] {
        let path = format!("/api/rooms?{query}");
        let attack = with_key(at, "GET", &path, b"");
        report.tried(format!("GET {path}"), "400 invalid_query", attack).await;
    }
    for (path, expected) in [
        ("/inspect/rooms?limit=-1", "400 invalid_request"),
        ("/inspect/rooms?start=99999999999999999999999", "400 invalid_request"),
        ("/inspect/rooms?start=18446744073709551615&limit=500", "200"),
        ("/inspect/rooms?limit=18446744073709551615", "400 invalid_request"),
        ("/inspect/rooms?text=a&text=b", "400 invalid_request"),
        ("/inspect/rooms?key=1", "400 invalid_request"),
        ("/inspect/clients?limit=x", "400 invalid_request"),
        ("/inspect/clients?start=1", "400 invalid_request"),
        ("/inspect/engine?x", "400 invalid_request"),
        ("/inspect/stream?topic=a&topic=b", "400 invalid_request"),
        ("/inspect/stream?kind=*", "400 invalid_request"),
        ("/inspect/stream?kind=JOIN", "400 invalid_request"),
        ("/inspect/stream?way=both", "400 invalid_request"),
        ("/inspect/stream?payloads=256", "400 invalid_request"),
    ] {
        report.tried(format!("GET {path}"), expected, with_key(at, "GET", path, b"")).await;
    }
    let attack = with_key(at, "GET", &many_kinds, b"");
    report.tried("GET /inspect/stream of 10000 kinds", "200", attack).await;
}

/// The head of a request with a body that goes on for as long as anybody reads it.
fn endless(method: &str, path: &str, key: &[u8]) -> Vec<u8> {
    let start = format!(
        "{method} {path} HTTP/1.1\r\n{ELSEWHERE}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n"
    );
    [start.as_bytes(), key, b"\r\n\r\n"].concat()
}

async fn endless_bodies(report: &mut Report) {
    let at = report.arena.at;
    let (key, none) = (bearer(KEY), b"x: y".to_vec());
    for (method, path, header, expected) in [
        ("POST", "/api/publish", &key, "413 body_too_large, then it is cut off"),
        ("POST", "/api/publish", &none, "401 no_key, then it is cut off"),
        ("GET", "/api/rooms", &key, "200, then it is cut off"),
        ("GET", "/inspect/rooms", &key, "200, then it is cut off"),
        ("GET", "/metrics", &key, "200, then it is cut off"),
        ("POST", "/rooms.json", &none, "405, then it is cut off"),
    ] {
        let attack = async {
            let mut raw = Raw::connect(at).await;
            raw.write(endless(method, path, header)).await;
            let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
            let mut written = 0;
            while written < 100 << 20 && raw.write(&chunk).await {
                written += chunk.len();
            }
            let end = if written < 100 << 20 { "cut off" } else { "taken" };
            // What was answered may be lost where more comes than anybody reads.
            let answer = match outcome(&mut raw).await {
                lost if lost == CUT => expected.split_once(',').unwrap_or_default().0.to_owned(),
                answer => answer,
            };
            format!("{answer}, then it is {end}")
        };
        let with = if header == &key { "with" } else { "without" };
        let attempt = format!("{method} {path} with a body without an end, {with} the key");
        report.tried(attempt, expected, attack).await;
    }
    for (what, headers, expected) in [
        ("a length of 2^63", "content-length: 9223372036854775808", "413 body_too_large"),
        ("a length past all", "content-length: 99999999999999999999999", "400"),
        ("a gzip", "content-encoding: gzip\r\ncontent-length: 2", "415 unsupported_media_type"),
        ("a type that pages may send", "content-type: text/plain\r\ncontent-length: 2", {
            "415 unsupported_media_type"
        }),
    ] {
        let attack = async {
            let mut raw = Raw::connect(at).await;
            let kind = if headers.contains("content-type") {
                ""
            } else {
                "content-type: application/json\r\n"
            };
            let head = format!(
                "POST /api/publish HTTP/1.1\r\n{ELSEWHERE}\r\nauthorization: Bearer {KEY}\r\n\
                 {kind}connection: close\r\n{headers}\r\n\r\n{{}}"
            );
            raw.write(head).await;
            outcome(&mut raw).await
        };
        report.tried(format!("POST /api/publish with {what}"), expected, attack).await;
    }
}

/// Bodies that come byte after byte or not at all.
fn slow_bodies(report: &mut Report) {
    let at = report.arena.at;
    let (key, none) = (bearer(KEY), b"x: y".to_vec());
    for (method, path, header, expected) in [
        ("POST", "/api/publish", &key, "408 too_slow"),
        ("POST", "/api/kick", &key, "408 too_slow"),
        ("PATCH", "/api/groups/g", &key, "408 too_slow"),
        ("POST", "/api/publish", &none, "401 no_key"),
        ("GET", "/inspect/rooms", &key, "200"),
        ("GET", "/metrics", &key, "200"),
        ("GET", "/rooms.json", &none, "401 no_token"),
    ] {
        let head = endless(method, path, header);
        let attack = async move {
            let mut raw = Raw::connect(at).await;
            raw.write(head).await;
            raw.write("1\r\n{\r\n").await;
            outcome(&mut raw).await
        };
        let with = if *header == key { "with" } else { "without" };
        let attempt = format!("a slow body for {method} {path}, {with} the key");
        report.begins(attempt, expected, attack);
    }
}

/// Names of rooms are for who is let in.
async fn rooms_of_the_page(report: &mut Report) {
    let at = report.arena.at;
    let own = |token: &str| format!("authorization: Bearer {token}").into_bytes();
    let get = async |path: &str, headers: &[&[u8]]| {
        let headers = [&[ELSEWHERE.as_bytes()][..], headers].concat();
        asked(at, request("GET", path.as_bytes(), &headers, b"")).await
    };
    let mut let_in = Vec::new();
    for (what, token) in super::entering::bad_tokens() {
        if get("/rooms.json", &[&own(&token)]).await.split(' ').next() != Some("401") {
            let_in.push(what);
        }
    }
    let let_in = let_in.join(", ");
    report.tried("rooms by each of the bad tokens", "", async { let_in }).await;
    let good = tokens::of("mallory");
    let (key, token) = (own(KEY), own(&good));
    let twice = [&own("x")[..], &token];
    for (what, path, headers, expected) in [
        ("no token", "/rooms.json", &[][..], "401 no_token"),
        ("a good token", "/rooms.json", &[&*token], "200"),
        ("the key of operators", "/rooms.json", &[&*key], "401 invalid_token"),
        ("a bad token before a good one", "/rooms.json", &twice, "400 invalid_request"),
        ("a token in the query", &*format!("/rooms.json?token={good}"), &[], "401 no_token"),
        ("a name alone", "/rooms.json?user_id=ann", &[], "401 no_token"),
        ("two names", "/rooms.json?user_id=ann&user_id=bob", &[&*token], "400 invalid_query"),
        (
            "a page of elsewhere",
            "/rooms.json",
            &[&*token, b"origin: https://evil.example"],
            "403 origin_not_allowed",
        ),
        ("a page of nowhere", "/rooms.json", &[&*token, b"origin: null"], "403 origin_not_allowed"),
    ] {
        let got = get(path, headers).await;
        report.tried(format!("rooms by {what}"), expected, async { got }).await;
    }
}
