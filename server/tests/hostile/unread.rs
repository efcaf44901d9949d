//! Members that read nothing of what is said where they are.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{judge::Judge, pings, requests::post};
use crate::outsider::{
    raw::{FIN, Raw, TEXT, frame},
    tokens,
};

/// How many members do not read, each in a room of its own: what is shared is held once.
const ATTACKERS: usize = 6;

/// What is said to each, past what the kernel holds for it.
const BYTES: usize = 10 << 20;
const PAYLOAD: usize = 60_000;

pub async fn attacks(judge: &mut Judge) {
    broadcasts(judge).await;
    let at = judge.arena.at;
    let bound = judge.limits.of_dialogue(ATTACKERS);
    let attack = async {
        let members = join_all((0..ATTACKERS).map(|number| dialogue(at, number))).await;
        talk(at).await?;
        Ok(members)
    };
    judge.row("broadcasts not read, Socket.IO", bound, attack).await;
    let attack = async {
        let members = join_all((0..ATTACKERS).map(|number| polling(at, number))).await;
        talk(at).await?;
        Ok(members)
    };
    judge.row("broadcasts never polled for", bound, attack).await;
}

pub async fn broadcasts(judge: &mut Judge) {
    let at = judge.arena.at;
    let bound = judge.limits.of_phoenix(ATTACKERS);
    let attack = async {
        let members = join_all((0..ATTACKERS).map(|number| phoenix(at, number))).await;
        talk(at).await?;
        Ok(members)
    };
    judge.row("broadcasts not read, Phoenix", bound, attack).await;
}

/// A back end says much in the room of each.
async fn talk(at: SocketAddr) -> Result<(), String> {
    let payload = "x".repeat(PAYLOAD);
    let all = join_all((0..ATTACKERS).map(|number| {
        let payload = &payload;
        async move {
            let mut raw = Raw::connect(at).await;
            for _ in 0..BYTES / PAYLOAD {
                let topic = room(number);
                let said = json!({"target": {"topic": topic}, "event": "say", "payload": payload});
                let answer = post(&mut raw, "/api/publish", &said).await;
                // Where nobody is left, there is no such room.
                if answer.starts_with("404") {
                    return Ok(());
                }
                if !answer.starts_with("200") {
                    return Err(answer);
                }
            }
            Ok(())
        }
    }));
    all.await.into_iter().collect()
}

fn room(number: usize) -> String {
    format!("room:{number}")
}

async fn phoenix(at: SocketAddr, number: usize) -> Raw {
    let mut raw = pings::phoenix(at).await;
    let join = json!(["2", "2", room(number), "phx_join", {}]).to_string();
    raw.write(frame(FIN | TEXT, join.as_bytes())).await;
    raw.frame().await.unwrap();
    raw
}

fn join(number: usize) -> String {
    format!("42{}", json!(["dialogue:join", {"roomId": room(number)}]))
}

async fn dialogue(at: SocketAddr, number: usize) -> Raw {
    let mut raw = pings::dialogue(at).await;
    raw.write(frame(FIN | TEXT, join(number).as_bytes())).await;
    raw.frame().await.unwrap();
    raw
}

/// A client that polls until it is a member, and never again.
async fn polling(at: SocketAddr, number: usize) -> Raw {
    const PATH: &str = "/socket.io/?EIO=4&transport=polling";
    let mut raw = Raw::connect(at).await;
    raw.write(format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    let answer = raw.answer().await;
    let open: Value = serde_json::from_str(answer.strip_prefix("200 0").unwrap()).unwrap();
    let path = format!("{PATH}&sid={}", open["sid"].as_str().unwrap());
    let auth = json!({"token": tokens::of("mallory")});
    for body in [format!("40{auth}"), join(number)] {
        raw.write(format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("200"), "{answer}");
    }
    loop {
        raw.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let answer = raw.answer().await;
        if answer.contains("dialogue:joined") {
            return raw;
        }
        assert!(answer.starts_with("200"), "{answer}");
        if answer.contains('2') {
            let pong = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n3");
            raw.write(pong).await;
            raw.answer().await;
        }
    }
}
