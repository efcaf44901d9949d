//! Lists of many rooms, asked for again and again by clients that do not read them.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::json;

use super::{
    formula::Limits,
    judge::Judge,
    pings::{self, write_on},
    requests::{self, request},
};
use crate::outsider::raw::{FIN, Raw, TEXT, frame};

/// How many rooms there are, and how long their names and descriptions are.
const ROOMS: usize = 600;
const TEXT_BYTES: usize = 2_500;

/// How many clients ask, and how often each.
const ATTACKERS: usize = 10;
const LISTS: usize = 50;

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let bound = Limits::of_rooms(ROOMS);
    judge.row("rooms of a back end", bound, open(at)).await;
    let bound = judge.limits.of_dialogue(ATTACKERS) + Limits::of_list(ROOMS);
    let attack = async {
        Ok(join_all((0..ATTACKERS).map(|_| async {
            let mut raw = pings::dialogue(at).await;
            let asks = frame(FIN | TEXT, br#"42["dialogue:listRooms"]"#).repeat(LISTS);
            write_on(&mut raw, &asks, asks.len()).await;
            raw
        }))
        .await)
    };
    judge.row("600 rooms listed, Socket.IO", bound, attack).await;
    let answer = ROOMS * (TEXT_BYTES + 300);
    let bound = judge.limits.of_requests(ATTACKERS, answer) + Limits::of_list(ROOMS);
    for (attack, path) in [
        ("600 rooms listed, back ends", "/api/rooms"),
        ("600 rooms listed, operators", "/inspect/rooms?limit=500"),
        ("600 rooms listed, page", "/rooms.json"),
    ] {
        judge.row(attack, bound, requests::asking(at, request(path), ATTACKERS)).await;
    }
}

/// Opens all rooms, by requests that do not wait for each other.
async fn open(at: SocketAddr) -> Result<(), String> {
    let text = "x".repeat(TEXT_BYTES);
    let by_one = ROOMS / 10;
    let opened = join_all((0..10).map(|part| {
        let text = &text;
        async move {
            let mut raw = Raw::connect(at).await;
            for number in part * by_one..(part + 1) * by_one {
                let config = json!({"name": "a room", "description": text});
                let room = json!({"topic": format!("listed:{number}"), "config": config});
                let answer = requests::post(&mut raw, "/api/rooms", &room).await;
                if !answer.starts_with("201") {
                    return Err(answer);
                }
            }
            Ok(())
        }
    }));
    opened.await.into_iter().collect()
}
