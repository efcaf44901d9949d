//! Control frames of a client that reads nothing of what they bring about.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use super::judge::Judge;
use crate::outsider::{
    raw::{FIN, PING, Raw, TEXT, frame},
    tokens,
};

/// How many connections attack at once, and how much each would send.
const ATTACKERS: usize = 4;
const BYTES: usize = 24 << 20;

/// For how long nothing is read of an attacker until it gives up.
const BLOCKED: Duration = Duration::from_secs(1);

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let bound = judge.limits.of_phoenix(ATTACKERS);
    judge.row("pings, Phoenix", bound, flood(at, phoenix, pings())).await;
    let bound = judge.limits.of_dialogue(ATTACKERS);
    judge.row("pings, Socket.IO without a token", bound, flood(at, nobody, pings())).await;
    judge.row("pings, Socket.IO", bound, flood(at, dialogue, pings())).await;
    let elsewhere = format!("40/{},", "x".repeat(200));
    let elsewhere = frame(FIN | TEXT, elsewhere.as_bytes()).repeat(300);
    judge.row("namespaces, without a token", bound, flood(at, nobody, elsewhere)).await;
}

/// Pings as they come in one write.
fn pings() -> Vec<u8> {
    frame(FIN | PING, &[0; 125]).repeat(500)
}

/// Connects attackers, and has each write without reading until nothing more is taken.
async fn flood<F: Future<Output = Raw>>(
    at: SocketAddr,
    connect: fn(SocketAddr) -> F,
    bytes: Vec<u8>,
) -> Result<Vec<Raw>, String> {
    let all = (0..ATTACKERS).map(|_| async {
        let mut raw = connect(at).await;
        write_on(&mut raw, &bytes, BYTES).await;
        raw
    });
    Ok(futures_util::future::join_all(all).await)
}

/// Writes so much, or until nothing more is taken.
pub async fn write_on(raw: &mut Raw, bytes: &[u8], most: usize) -> usize {
    let mut written = 0;
    while written < most {
        let sent = timeout(BLOCKED, tokio::io::AsyncWriteExt::write_all(&mut raw.stream, bytes));
        match sent.await {
            Ok(Ok(())) => written += bytes.len(),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    written
}

/// A Phoenix client that has joined a room.
pub async fn phoenix(at: SocketAddr) -> Raw {
    let token = tokens::of("mallory");
    let mut raw = Raw::socket(at, &format!("vsn=2.0.0&token={token}")).await;
    let join = json!(["1", "1", "room:1", "phx_join", {}]).to_string();
    raw.write(frame(FIN | TEXT, join.as_bytes())).await;
    raw.frame().await.unwrap();
    raw
}

/// A transport of Socket.IO by which nobody has said who it is.
pub async fn nobody(at: SocketAddr) -> Raw {
    let mut raw = Raw::connect(at).await;
    raw.write(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: chat.example\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    let answer = raw.answer().await;
    assert!(answer.starts_with("101"), "{answer}");
    raw.frame().await.unwrap();
    raw
}

/// A client of Dialogue that is let in.
pub async fn dialogue(at: SocketAddr) -> Raw {
    let mut raw = nobody(at).await;
    let auth = json!({"token": tokens::of("mallory")});
    raw.write(frame(FIN | TEXT, format!("40{auth}").as_bytes())).await;
    // What the transport asks, and both things that it says of being in.
    for _ in 0..3 {
        raw.frame().await.unwrap();
    }
    raw
}
