//! Requests written by hand to what is for operators and back ends only, and what each comes to in a
//! word or two.

use std::net::SocketAddr;

use serde_json::Value;

use super::{
    honest::{OWNED, SECRET, SESSION},
    raw::Raw,
    tokens::KEY,
};

/// What names a machine on which the server is not.
pub const ELSEWHERE: &str = "host: chat.example";

/// What names the machine that the server is on.
pub const HERE: &str = "host: localhost";

/// What only back ends may do, all of which would change something or tell of the honest.
pub const ACTS: [(&str, &str, &str); 13] = [
    ("POST", "/api/publish", r#"{"target":"everyone","event":"notice","payload":1}"#),
    ("POST", "/api/publish", r#"{"target":{"user":"ann"},"event":"say","payload":1}"#),
    ("POST", "/api/kick", r#"{"target":{"user":"ann"}}"#),
    ("POST", "/api/kick", r#"{"target":{"user":"bob"},"topic":"room:honest"}"#),
    ("GET", "/api/rooms", ""),
    ("POST", "/api/rooms", r#"{"topic":"open:evil"}"#),
    ("GET", "/api/rooms/room:honest", ""),
    ("DELETE", "/api/rooms/room:honest", ""),
    ("DELETE", "/api/rooms/open:bobs", ""),
    ("GET", "/api/rooms/room:honest/members", ""),
    ("GET", "/api/rooms/room:honest/presences", ""),
    ("PATCH", "/api/groups/g", r#"{"add":["room:honest"]}"#),
    ("GET", "/api/users/ann/clients", ""),
];

/// What operators may look at, and whoever is on the same machine.
pub const LOOKS: [&str; 6] = [
    "/inspect/stream",
    "/inspect/rooms",
    "/inspect/clients",
    "/inspect/engine",
    "/metrics",
    "/api/openapi.json",
];

/// The bytes of a request. Its length is told, and that nothing follows it.
pub fn request(method: &str, path: &[u8], headers: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let mut request = [method.as_bytes(), b" ", path, b" HTTP/1.1\r\n"].concat();
    for header in headers {
        request.extend([header, &b"\r\n"[..]].concat());
    }
    if !body.is_empty() {
        request.extend(b"content-type: application/json\r\n");
    }
    let length = format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    request.extend(length.as_bytes());
    request.extend(body);
    request
}

/// What such bytes come to: the status, why if a problem says it, and what of the honest or the key
/// is told to who may not know it.
pub async fn asked(at: SocketAddr, bytes: Vec<u8>) -> String {
    let mut raw = Raw::connect(at).await;
    raw.write(bytes).await;
    outcome(&mut raw).await
}

/// What the next answer is.
pub async fn outcome(raw: &mut Raw) -> String {
    let (head, body) = match raw.whole_answer().await {
        Ok(answer) => answer,
        Err(end) => return end,
    };
    let mut outcome = head.split(' ').nth(1).unwrap_or("no status").to_owned();
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(reason) = problem["reason"].as_str() {
        outcome = format!("{outcome} {reason}");
    }
    if head.contains("access-control-") {
        outcome += ", and other pages may read it";
    }
    let may_know = ["200", "409"].iter().any(|status| outcome.starts_with(status));
    for told in [OWNED, SECRET, SESSION, KEY].iter().filter(|_| !may_know) {
        if body.contains(*told) || head.contains(*told) {
            outcome = format!("{outcome}, and tells {told:?}");
        }
    }
    outcome
}

/// What all that only back ends may do comes to with such headers; once, if it is the same.
pub async fn acted(at: SocketAddr, headers: &[&[u8]]) -> String {
    let mut outcomes = Vec::new();
    for (method, path, body) in ACTS {
        let bytes = request(method, path.as_bytes(), headers, body.as_bytes());
        outcomes.push((format!("{method} {path}"), asked(at, bytes).await));
    }
    summed_up(&outcomes)
}

/// The same of what operators may look at.
pub async fn looked(at: SocketAddr, headers: &[&[u8]]) -> String {
    let mut outcomes = Vec::new();
    for path in LOOKS {
        let bytes = request("GET", path.as_bytes(), headers, b"");
        outcomes.push((path.to_owned(), asked(at, bytes).await));
    }
    summed_up(&outcomes)
}

/// What all of it came to, or what each did.
fn summed_up(outcomes: &[(String, String)]) -> String {
    let (_, first) = &outcomes[0];
    if outcomes.iter().all(|(_, outcome)| outcome == first) {
        return first.clone();
    }
    let each = outcomes.iter().map(|(what, outcome)| format!("{what}: {outcome}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The header that shows a key.
pub fn bearer(key: &str) -> Vec<u8> {
    format!("authorization: Bearer {key}").into_bytes()
}
