//! Requests whose answers nobody reads, heads that do not end, and watchers who do not watch.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::Value;

use super::{judge::Judge, pings::write_on};
use crate::outsider::{raw::Raw, tokens::KEY};

/// How many connections ask at once, and how much of it each would send.
const ATTACKERS: usize = 30;
const BYTES: usize = 4 << 20;

/// The largest answer beside lists: a page with its scripts, or all figures.
const ANSWER: usize = 256 << 10;

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let bound = judge.limits.of_requests(ATTACKERS, ANSWER);
    for (attack, path) in [
        ("the page, not read", "/"),
        ("figures, not read", "/metrics"),
        ("rooms of operators, not read", "/inspect/rooms"),
        ("rooms of back ends, not read", "/api/rooms"),
        ("rooms of the page, not read", "/rooms.json?user_id=mallory"),
        ("watchers who do not read", "/inspect/stream"),
    ] {
        judge.row(attack, bound, asking(at, request(path), ATTACKERS)).await;
    }
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(300 << 10));
    judge.row("heads that do not end", bound, asking(at, head, ATTACKERS)).await;
}

/// A request of an operator, who may be the attacker's victim or his accomplice.
pub fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\r\n")
}

/// Asks again and again, and reads nothing.
pub async fn asking(at: SocketAddr, request: String, attackers: usize) -> Result<Vec<Raw>, String> {
    let batch = request.repeat((64 << 10) / request.len() + 1);
    Ok(join_all((0..attackers).map(|_| async {
        let mut raw = Raw::connect(at).await;
        write_on(&mut raw, batch.as_bytes(), BYTES).await;
        raw
    }))
    .await)
}

/// What a back end does, and its answer.
pub async fn post(raw: &mut Raw, path: &str, body: &Value) -> String {
    let body = body.to_string();
    raw.write(format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    raw.answer().await
}
