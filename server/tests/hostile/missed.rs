//! Histories that are asked for and not read.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{judge::Judge, pings::write_on, requests::post};
use crate::outsider::{
    raw::{FIN, Raw, TEXT, frame},
    tokens,
};

/// What a room remembers.
const MESSAGES: usize = 200;
const PAYLOAD: usize = 40_000;

/// How many ask for it, and how often each.
const ATTACKERS: usize = 30;
const PAGES: usize = 50;

const TOPIC: &str = "room:missed";

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let kept = MESSAGES * PAYLOAD;
    let mut position = Value::Null;
    let attack = async {
        position = fill(at).await?;
        Ok(())
    };
    judge.row("a history of 8 MB", judge.limits.of_phoenix(2) + 2 * kept, attack).await;
    let bound = judge.limits.of_phoenix(ATTACKERS) + kept;
    let frames = [asked("1", "phx_join", &json!({"since": position}))];
    judge.row("recoveries not read", bound, asking(at, &frames)).await;
    let mut frames = vec![asked("1", "phx_join", &json!({}))];
    let page = json!({"event": "kept", "start": 0, "end": MESSAGES});
    frames.extend(
        (0..PAGES).map(|page_of| asked(&(2 + page_of).to_string(), "parlor:history", &page)),
    );
    judge.row("pages not read", bound, asking(at, &frames)).await;
}

fn asked(reference: &str, event: &str, payload: &Value) -> Vec<u8> {
    let text = json!(["1", reference, TOPIC, event, payload]).to_string();
    frame(FIN | TEXT, text.as_bytes())
}

async fn client(at: SocketAddr) -> Raw {
    Raw::socket(at, &format!("vsn=2.0.0&token={}", tokens::of("mallory"))).await
}

/// A member stays in the room while a back end fills its history. The position before it.
async fn fill(at: SocketAddr) -> Result<Value, String> {
    let mut member = client(at).await;
    member.write(asked("1", "phx_join", &json!({}))).await;
    let (_, reply) = member.frame().await?;
    let reply: Value = serde_json::from_slice(&reply).map_err(|error| error.to_string())?;
    let joined = &reply[4]["response"];
    let position = json!({"epoch": joined["epoch"], "offset": joined["offset"]});
    tokio::spawn(async move { while member.frame().await.is_ok() {} });
    let payload = "x".repeat(PAYLOAD);
    let mut raw = Raw::connect(at).await;
    for _ in 0..MESSAGES {
        let said = json!({"target": {"topic": TOPIC}, "event": "kept", "payload": payload});
        let answer = post(&mut raw, "/api/publish", &said).await;
        if !answer.starts_with("200") {
            return Err(answer);
        }
    }
    Ok(position)
}

/// Connects attackers that ask and do not read.
async fn asking(at: SocketAddr, frames: &[Vec<u8>]) -> Result<Vec<Raw>, String> {
    Ok(join_all((0..ATTACKERS).map(|_| async {
        let mut raw = client(at).await;
        for frame in frames {
            if write_on(&mut raw, frame, frame.len()).await == 0 {
                break;
            }
        }
        raw
    }))
    .await)
}
