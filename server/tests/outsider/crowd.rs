//! Many at once, and slowly: connections that never become any, as many as the machine lets one
//! have. Each address of this machine is another outsider.

use std::{fs, net::SocketAddr, sync::Arc};

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::time::timeout;

use super::{
    PATIENCE,
    arena::{Arena, MAX, MAX_PER_IP, REQUESTS, REQUESTS_PER_IP},
    page::Page,
    raw::{CUT, Raw, upgrade},
    report::Report,
    tokens,
};

/// How many half-open connections are tried, if there may be so many.
const MANY: usize = 10_000;

/// What is left for everything else that this process has open.
const SPARE: usize = 1_000;

/// How much memory the server may take for a connection that has sent next to nothing: what it
/// reads into, and what it keeps of it.
const BYTES_EACH: usize = 32 << 10;

/// The longest that the head of a request may be, as hyper has it.
const MAX_HEAD: usize = (8 << 10) + (4 << 10) * 100;

/// What the server may have open and take beside, at most: the honest, a request, its log.
const BESIDE: usize = 64;
const BYTES_BESIDE: usize = 32 << 20;

/// More than one address may have open by default.
const KEPT_ALIVE: usize = 2_100;

const HALF: &str = "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: chat.example\r\n";

pub async fn attempts(report: &mut Report) {
    half_open_from_one_address(report).await;
    half_open_from_everywhere(report).await;
    kept_alive(report).await;
    long_heads(report).await;
    too_many_connections(report).await;
    transports_of_nobody(report).await;
}

/// Whether somebody who is honest gets in and is heard, if need be after a while.
async fn newcomer(at: SocketAddr) -> String {
    let tries = async {
        loop {
            if let Ok(mut page) = Page::open(at, &format!("token={}", tokens::of("dora"))).await {
                page.ask("open:1", "phx_join", json!({})).await;
                return page.ask("open:1", "say", json!("hello")).await;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, tries).await.unwrap_or_else(|_elapsed| "locked out".into())
}

/// Requests that do not end.
pub fn slowly(report: &mut Report) {
    let at = report.arena.at;
    let handshake = upgrade(&format!("vsn=2.0.0&token={}", tokens::of("mallory")), "");
    let attempts = [
        ("nothing at all", String::new()),
        ("a head, byte after byte", handshake),
        ("headers without an end", format!("{HALF}{}", "x: y\r\n".repeat(90))),
        ("another request after an answer", "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\nGE".into()),
    ];
    for (what, request) in attempts {
        report.begins(format!("slowly: {what}"), CUT, crawl(at, request));
    }
}

/// Sends a request but for its end, one byte when the other has had time for the last.
async fn crawl(at: SocketAddr, request: String) -> String {
    let mut raw = Raw::connect(at).await;
    let (all, _last) = request.split_at(request.len().saturating_sub(1));
    for byte in all.as_bytes() {
        raw.write([*byte]).await;
        tokio::task::yield_now().await;
    }
    raw.ended(PATIENCE).await.map_or_else(|| "held open".into(), |()| CUT.to_owned())
}

async fn half_open_from_one_address(report: &mut Report) {
    let at = report.arena.at;
    let extra = 100;
    let attack = async {
        let mut all = Vec::new();
        for _ in 0..REQUESTS_PER_IP + extra {
            let Ok(mut raw) = Raw::connect_from("127.0.1.1", at).await else { continue };
            raw.write(HALF).await;
            all.push(raw);
        }
        let other = newcomer(at).await;
        // Those that are held can still say the rest.
        let mut answered = 0;
        for raw in &mut all {
            raw.write("\r\n").await;
            answered += usize::from(raw.answer().await != CUT);
        }
        format!("{answered} held, {} dropped; a newcomer: {other}", all.len() - answered)
    };
    let expected = format!("{REQUESTS_PER_IP} held, {extra} dropped; a newcomer: ok");
    report.tried("half-open, from one address", expected, attack).await;
}

/// How many descriptors this process may have.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(256)
}

async fn half_open_from_everywhere(report: &mut Report) {
    let count = MANY.min(descriptors().saturating_sub(SPARE));
    let attack = flood(&report.arena, count, 150, HALF.to_owned());
    let got = attack.await;
    let (before, most) = got.memory;
    let bound = before + REQUESTS * BYTES_EACH + BYTES_BESIDE;
    let open = got.descriptors <= REQUESTS + BESIDE + got.before;
    let at = report.arena.at;
    let attack = async {
        let end =
            format!("within {REQUESTS} at once: {open}, memory within bounds: {}", most <= bound);
        format!("{end}, all dropped: {}, a newcomer: {}", got.dropped == count, newcomer(at).await)
    };
    let attempt = format!(
        "{count} half-open from everywhere ({} open at most, {} MB of at most {})",
        got.descriptors,
        most >> 20,
        bound >> 20
    );
    let expected = format!(
        "within {REQUESTS} at once: true, memory within bounds: true, all dropped: true, \
         a newcomer: ok"
    );
    report.tried(attempt, expected, attack).await;
}

/// What was seen of the server while there was a flood.
struct Flood {
    /// Resident memory: before, and at most.
    memory: (usize, usize),
    /// Open descriptors: before, and at most.
    before: usize,
    descriptors: usize,
    /// How many connections the server has ended.
    dropped: usize,
}

/// Connects so often, from as many addresses as it takes, says that much, and waits until the
/// server has had enough of all.
async fn flood(arena: &Arena, count: usize, of_each: usize, text: String) -> Flood {
    let at = arena.at;
    let text = Arc::new(text);
    let look = || (arena.memory().unwrap_or(0), arena.descriptors().unwrap_or(0));
    let (memory, before) = look();
    let mut flood = Flood { memory: (memory, memory), before, descriptors: before, dropped: 0 };
    let opened = stream::iter(0..count).map(|number| {
        let text = Arc::clone(&text);
        let address = number / of_each;
        let from = format!("127.{}.{}.1", 10 + address / 250, 1 + address % 250);
        async move {
            let mut raw = Raw::connect_from(&from, at).await.ok()?;
            raw.write(text.as_bytes()).await;
            Some(raw)
        }
    });
    let mut opened = opened.buffer_unordered(256);
    let mut all = Vec::new();
    while let Some(raw) = opened.next().await {
        // One that was reset while it was opened is dropped as well.
        match raw {
            Some(raw) => all.push(raw),
            None => flood.dropped += 1,
        }
        if all.len() % 250 == 0 {
            let (memory, descriptors) = look();
            flood.memory.1 = flood.memory.1.max(memory);
            flood.descriptors = flood.descriptors.max(descriptors);
        }
    }
    let (memory, descriptors) = look();
    flood.memory.1 = flood.memory.1.max(memory);
    flood.descriptors = flood.descriptors.max(descriptors);
    for raw in &mut all {
        flood.dropped += usize::from(raw.ended(PATIENCE).await.is_some());
    }
    flood
}

/// One who asks again and again keeps places that handshakes need. By default, his are not all.
async fn kept_alive(report: &mut Report) {
    let attack = async {
        let arena = Arena::by_default();
        let mut all = Vec::new();
        for _ in 0..KEPT_ALIVE {
            let Ok(mut raw) = Raw::connect_from("127.0.3.1", arena.at).await else { continue };
            raw.write("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").await;
            raw.answer().await;
            all.push(raw);
        }
        let mut other = Raw::connect(arena.at).await;
        other.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        other.answer().await
    };
    let attempt = "all that one address can hold, by the default limits";
    report.tried(attempt, "200 …", attack).await;
}

async fn long_heads(report: &mut Report) {
    let count = MAX_PER_IP;
    let text = format!("{HALF}x: {}", "x".repeat(300 << 10));
    let got = flood(&report.arena, count, 100, text).await;
    let bound = got.memory.0 + count * 2 * MAX_HEAD + BYTES_BESIDE;
    let attempt = format!(
        "{count} heads of 300 kB that do not end ({} MB of at most {})",
        got.memory.1 >> 20,
        bound >> 20
    );
    let at = report.arena.at;
    let attack = async {
        let within = got.memory.1 <= bound;
        format!("{within}, dropped: {}, a newcomer: {}", got.dropped == count, newcomer(at).await)
    };
    report.tried(attempt, "true, dropped: true, a newcomer: ok", attack).await;
}

/// With good tokens, as many as there may be and then one more.
async fn too_many_connections(report: &mut Report) {
    let at = report.arena.at;
    let query = format!("token={}", tokens::of("mallory"));
    let attack = async {
        let mut pages = Vec::new();
        let mut statuses = Vec::new();
        for number in 2..10 {
            let from = format!("127.0.{number}.1");
            loop {
                match Page::open_from(&from, at, &query).await {
                    Ok(page) => pages.push(page),
                    Err(status) => {
                        let is_all = status == "503";
                        statuses.push(format!("{} and {status}", pages.len()));
                        if is_all {
                            let got = statuses.join(", ");
                            drop(pages);
                            return format!("{got}; a newcomer: {}", newcomer(at).await);
                        }
                        break;
                    }
                }
            }
        }
        "there is no limit".to_owned()
    };
    let (one, two, all) = (MAX_PER_IP, 2 * MAX_PER_IP, MAX - 2);
    let expected = format!("{one} and 429, {two} and 429, {all} and 503; a newcomer: ok");
    report.tried("more connections than there may be", expected, attack).await;
}

/// Without any token: transports of Engine.IO come before who one is.
async fn transports_of_nobody(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let mut opened = 0;
        loop {
            let Ok(mut raw) = Raw::connect_from("127.0.1.2", at).await else { break };
            raw.write(
                "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\
                 connection: close\r\n\r\n",
            )
            .await;
            let answer = raw.answer().await;
            if !answer.starts_with("200") {
                return format!("{opened} and {answer}; a newcomer: {}", newcomer(at).await);
            }
            opened += 1;
        }
        "no connection".to_owned()
    };
    let expected =
        format!("{MAX_PER_IP} and 429 too many connections of one address; a newcomer: ok");
    report.tried("polling sessions without a token", expected, attack).await;
}
