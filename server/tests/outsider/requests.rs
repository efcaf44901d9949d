//! Requests that no browser would send: to get another one past the first, or to be heard at all.

use std::net::SocketAddr;

use super::{
    raw::{CUT, Raw, upgrade},
    report::Report,
    tokens,
};

/// A request that must not be seen as one.
const INNER: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

pub async fn attempts(report: &mut Report) {
    smuggling(report).await;
    handshakes(report).await;
    sizes(report).await;
    no_http(report).await;
}

/// The statuses of all that a connection answers to some bytes.
async fn statuses(report: &mut Report, attempt: &str, expected: &str, bytes: Vec<u8>) {
    report.tried(attempt, expected, statuses_of(report.arena.at, bytes)).await;
}

async fn statuses_of(at: SocketAddr, bytes: Vec<u8>) -> String {
    let mut raw = Raw::connect(at).await;
    raw.write(bytes).await;
    raw.answers().await
}

/// One request is answered, or none, and never what hides in it.
async fn smuggling(report: &mut Report) {
    let length = INNER.len();
    let get = |headers: &str, body: &str| {
        let head = "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        format!("{head}{headers}\r\n{body}").into_bytes()
    };
    let refused = |headers: &str, body: &str| {
        let headers = format!("{headers}connection: close\r\n");
        format!("{}{body}", upgrade("vsn=2.0.0", &headers)).into_bytes()
    };
    let chunked = format!("{length:x}\r\n{INNER}\r\n0\r\n\r\n");
    let both = "content-length: 5\r\ntransfer-encoding: chunked\r\n";
    for (what, bytes, expected) in [
        ("a request in a body", get(&format!("content-length: {length}\r\n"), INNER), "404"),
        (
            "a request in the body of a refused handshake",
            { refused(&format!("content-length: {length}\r\n"), INNER) },
            "403",
        ),
        (
            "a request in chunks of a refused handshake",
            { refused("transfer-encoding: chunked\r\n", &chunked) },
            "403",
        ),
        (
            "two lengths that differ",
            { get(&format!("content-length: 0\r\ncontent-length: {length}\r\n"), INNER) },
            "400",
        ),
        ("two lengths in one", get(&format!("content-length: 0, {length}\r\n"), INNER), "400"),
        ("a length with a sign", get(&format!("content-length: +{length}\r\n"), INNER), "400"),
        ("a length that is negative", get("content-length: -1\r\n", INNER), "400"),
        (
            "a length past all numbers",
            { get("content-length: 99999999999999999999999\r\n", INNER) },
            "400",
        ),
        ("a space before the colon", get(&format!("content-length : {length}\r\n"), INNER), "400"),
        ("a folded header", get(&format!("x: y\r\n content-length: {length}\r\n"), INNER), "400"),
        ("a length and chunks", get(both, &format!("0\r\n\r\n{INNER}")), "404"),
        (
            "chunks that are not the last coding",
            { get("transfer-encoding: chunked, identity\r\n", &chunked) },
            "400",
        ),
        ("a coding that nobody knows", get("transfer-encoding: xchunked\r\n", &chunked), "400"),
        (
            "a chunk of 2^64 bytes",
            { get("transfer-encoding: chunked\r\n", &format!("10000000000000000\r\n{INNER}")) },
            "404",
        ),
        ("a zero byte in a header", get("x: \0y\r\n", ""), "400"),
        ("a line break in a header's name", get("x\n: y\r\n", ""), "400"),
    ] {
        statuses(report, what, expected, bytes).await;
    }
    let token = tokens::of("mallory");
    let bytes = upgrade(&format!("vsn=2.0.0&token={token}"), "") + INNER;
    let at = report.arena.at;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        raw.write(bytes).await;
        let first = raw.answer().await;
        format!("{first}, then {}", raw.closed().await)
    };
    let expected = "101, then 1002 no websocket frame";
    report.tried("a request after a handshake", expected, attack).await;
}

async fn handshakes(report: &mut Report) {
    let good =
        upgrade(&format!("vsn=2.0.0&token={}", tokens::of("mallory")), "connection: close\r\n");
    let without = |what: &str| good.replace(what, "");
    for (what, request, expected) in [
        ("no key", without("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "400"),
        ("no version of WebSocket", without("sec-websocket-version: 13\r\n"), "400"),
        ("another version of WebSocket", good.replace(": 13\r", ": 8\r"), "400"),
        ("no upgrade", without("upgrade: websocket\r\n"), "400"),
        ("an upgrade to something else", good.replace(": websocket", ": h2c"), "400"),
        ("no connection upgrade", without("connection: upgrade\r\n"), "400"),
        ("POST", good.replacen("GET", "POST", 1), "405"),
        ("TRACE", "TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into(), "405"),
        ("another path", good.replace("/socket/websocket", "/socket/websocket/"), "404"),
        ("a path with dots", good.replace("/socket/websocket", "/x/../socket/websocket"), "404"),
        ("a path with escapes", good.replace("/socket/", "/socke%74/"), "404"),
        ("long polling", good.replace("/socket/websocket", "/socket/longpoll"), "404"),
        ("HTTP/1.0", good.replacen("HTTP/1.1", "HTTP/1.0", 1), "426"),
    ] {
        statuses(report, &format!("a handshake with {what}"), expected, request.into_bytes()).await;
    }
    // What follows on it would be for another.
    let connect = "CONNECT chat.example:443 HTTP/1.1\r\nhost: x\r\n\r\n";
    let answers = statuses_of(report.arena.at, connect.into());
    report.begins("a handshake with CONNECT", "404", answers);
}

async fn sizes(report: &mut Report) {
    let head = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    for (what, bytes, expected) in [
        ("a header of 1 MB", format!("{head}x: {}\r\n\r\n", "x".repeat(1 << 20)), "431"),
        ("a header of 1 MB that does not end", format!("{head}x: {}", "x".repeat(1 << 20)), "431"),
        ("a thousand headers", format!("{head}{}\r\n", "x: y\r\n".repeat(1_000)), "431"),
        (
            "a path of 100 kB",
            { format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000)) },
            "414",
        ),
    ] {
        statuses(report, what, expected, bytes.into_bytes()).await;
    }
}

async fn no_http(report: &mut Report) {
    for (what, bytes, expected) in [
        ("a hello of TLS", &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "400"),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CUT),
        ("HTTP/0.9", b"GET /healthz\r\n\r\n", "400"),
        ("HTTP/9.9", b"GET /healthz HTTP/9.9\r\n\r\n", "400"),
        ("zeros", &[0; 64], "400"),
        ("the way of another protocol", b"EHLO evil.example\r\n\r\n", "400"),
    ] {
        statuses(report, what, expected, bytes.to_vec()).await;
    }
    let at = report.arena.at;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        raw.write(b"GET /healthz HTTP/1.1\r\n").await;
        drop(raw);
        CUT.to_owned()
    };
    report.tried("half a request, and away", CUT, attack).await;
}
