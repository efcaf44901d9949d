//! Members with large metas, and joiners that do not read who is there.

use std::net::SocketAddr;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{judge::Judge, pings::write_on};
use crate::outsider::{
    page::Page,
    raw::{FIN, Raw, TEXT, frame},
    tokens,
};

/// How many show how much about themselves, each in as many rooms.
const MEMBERS: usize = 60;
const META_BYTES: usize = 4_000;
const ROOMS: usize = 8;

/// How many join all rooms and do not read.
const ATTACKERS: usize = 30;

/// How often a member changes what it shows.
const CHANGES: usize = 400;

pub async fn attacks(judge: &mut Judge) {
    let at = judge.arena.at;
    let metas = MEMBERS * ROOMS * META_BYTES;
    let bound = judge.limits.of_phoenix(MEMBERS) + 2 * metas;
    let mut members = Vec::new();
    let attack = async {
        // One after the other: each is told of all who come after it.
        for number in 0..MEMBERS {
            members.push(member(at, number).await?);
        }
        Ok(())
    };
    judge.row("members with large metas", bound, attack).await;
    let bound = judge.limits.of_phoenix(ATTACKERS) + metas;
    let attack = async {
        let joins: Vec<u8> = (0..ROOMS).flat_map(|room| join(room, &json!({}))).collect();
        Ok(join_all((0..ATTACKERS).map(|_| async {
            let mut raw = unread(at).await;
            write_on(&mut raw, &joins, joins.len()).await;
            raw
        }))
        .await)
    };
    judge.row("presence states not read", bound, attack).await;
    let bound = judge.limits.of_phoenix(2 * ATTACKERS) + metas;
    let attack = async {
        let joins = join(0, &json!({}));
        let all = join_all((0..ATTACKERS).map(|_| async {
            let mut raw = unread(at).await;
            write_on(&mut raw, &joins, joins.len()).await;
            raw
        }))
        .await;
        changes(at).await?;
        Ok(all)
    };
    judge.row("presence diffs not read", bound, attack).await;
}

fn topic(room: usize) -> String {
    format!("present:{room}")
}

/// A frame that joins a room with such a meta.
fn join(room: usize, meta: &Value) -> Vec<u8> {
    let reference = (10 + room).to_string();
    let join = json!([reference, reference, topic(room), "phx_join", {"meta": meta}]);
    frame(FIN | TEXT, join.to_string().as_bytes())
}

async fn unread(at: SocketAddr) -> Raw {
    Raw::socket(at, &format!("vsn=2.0.0&token={}", tokens::of("mallory"))).await
}

/// A member of all rooms, which goes on reading.
async fn member(at: SocketAddr, number: usize) -> Result<JoinHandle<String>, String> {
    let mut page = Page::of(&format!("member-{number}"), at).await;
    let meta = json!({"of": number, "text": "x".repeat(META_BYTES - 100)});
    for room in 0..ROOMS {
        let joined = page.ask(&topic(room), "phx_join", json!({"meta": meta})).await;
        if joined != "ok" {
            return Err(joined);
        }
        page.heard.clear();
    }
    Ok(tokio::spawn(async move { page.closed().await }))
}

/// One member changes what it shows, again and again.
async fn changes(at: SocketAddr) -> Result<(), String> {
    let mut page = Page::of("restless", at).await;
    page.ask(&topic(0), "phx_join", json!({})).await;
    for number in 0..CHANGES {
        let meta = json!({"number": number, "text": "x".repeat(META_BYTES - 100)});
        let answer = page.ask(&topic(0), "parlor:track", json!({"meta": meta})).await;
        if answer != "ok" {
            return Err(answer);
        }
        page.heard.clear();
    }
    Ok(())
}
