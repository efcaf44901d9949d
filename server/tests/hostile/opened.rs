//! Rooms that clients open, each of which is announced to everybody.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::json;

use super::{judge::Judge, pings};
use crate::outsider::{
    raw::{FIN, Raw, TEXT, frame},
    visitor::Visitor,
};

/// How many rooms are opened by how many clients, with how much to say about each.
const ROOMS: usize = 300;
const ATTACKERS: usize = 3;
const TEXT_BYTES: usize = 8_000;

/// How many others are there meanwhile and do not read.
const BYSTANDERS: usize = 12;

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let bound = judge.limits.of_dialogue(ATTACKERS + BYSTANDERS);
    judge.row("a2: 900 rooms opened beside bystanders", bound, open(at)).await;
}

async fn open(at: SocketAddr) -> Result<Vec<Raw>, String> {
    let mut bystanders = Vec::new();
    for number in 0..BYSTANDERS {
        bystanders.push(Visitor::of(&format!("bystander-{number}"), at).await);
    }
    let attackers = join_all((0..ATTACKERS).map(|attacker| async move {
        let mut raw = pings::dialogue(at).await;
        for number in 0..ROOMS {
            let room = json!({
                "id": format!("open:{attacker}-{number}"), "name": "x".repeat(200),
                "description": "x".repeat(TEXT_BYTES),
            });
            let packet = format!("42{}", json!(["dialogue:createRoom", room]));
            if !raw.write(frame(FIN | TEXT, packet.as_bytes())).await {
                break;
            }
        }
        raw
    }))
    .await;
    for bystander in &mut bystanders {
        let came = bystander.so_far().await;
        if came.contains("400") || came.contains("cut") {
            return Err(format!("a bystander was closed: {came:.80}"));
        }
    }
    Ok(attackers)
}
