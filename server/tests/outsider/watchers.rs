//! Watching, many at once and without reading, and what others make a watcher see.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    PATIENCE,
    arena::Arena,
    asking::{ELSEWHERE, HERE, asked, bearer, outcome, request},
    inside::forged_line,
    page::Page,
    raw::{CUT, Raw},
    report::Report,
    tokens::KEY,
};

/// How many may watch at once.
const WATCHERS: usize = 16;

/// How many messages nobody reads, of so many bytes. Each comes to three lines of 2 kB or so.
const MESSAGES: usize = 5_000;
const BYTES: usize = 3_000;

/// What the server may keep for one who watches: its buffer, and what the machine takes for it.
const BYTES_EACH: usize = 1 << 20;
const BYTES_BESIDE: usize = 8 << 20;

pub async fn attempts(report: &mut Report) {
    only_the_head(report).await;
    many(report).await;
    forged_events(report).await;
    names_in_figures(report).await;
}

/// A request to watch, by somebody on the same machine.
fn watch(query: &str) -> Vec<u8> {
    request("GET", format!("/inspect/stream{query}").as_bytes(), &[HERE.as_bytes()], b"")
}

/// One who watches, or what he was answered.
async fn watcher(at: std::net::SocketAddr, query: &str) -> Result<Raw, String> {
    let mut raw = Raw::connect(at).await;
    raw.write(watch(query)).await;
    match outcome(&mut raw).await {
        answer if answer == "200" => Ok(raw),
        refused => Err(refused),
    }
}

/// As many times as it takes until somebody who has gone is missed.
async fn newcomer(at: std::net::SocketAddr) -> String {
    let tries = async {
        while watcher(at, "").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let end = timeout(PATIENCE, tries).await;
    end.map_or_else(|_elapsed| "locked out".to_owned(), |()| "watches".to_owned())
}

/// Nobody watches who has asked for the head of an answer only.
async fn only_the_head(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let mut outcomes = Vec::new();
        for _ in 0..3 * WATCHERS {
            let head = request("HEAD", b"/inspect/stream", &[HERE.as_bytes()], b"");
            outcomes.push(asked(at, head).await);
        }
        outcomes.dedup();
        format!("{}; a newcomer {}", outcomes.join(", "), newcomer(at).await)
    };
    let attempt = "HEAD /inspect/stream, more often than there may be watchers";
    report.tried(attempt, "200; a newcomer watches", attack).await;
}

/// More than there may be. They do not read what the honest say, who talk on.
async fn many(report: &mut Report) {
    let at = report.arena.at;
    let mut watching = Vec::new();
    let attack = async {
        let mut refused = Vec::new();
        for _ in 0..3 * WATCHERS {
            match watcher(at, "").await {
                Ok(raw) => watching.push(raw),
                Err(answer) => refused.push(answer),
            }
        }
        let (count, all) = (watching.len(), refused.len());
        refused.dedup();
        format!("{count} watch, {all} are told {}", refused.join(", "))
    };
    let expected = format!("{WATCHERS} watch, {} are told 503 too_many_watchers", 2 * WATCHERS);
    report.tried("watching, all at once", expected, attack).await;
    let attack = async {
        drop(watching);
        newcomer(at).await
    };
    report.tried("all who watch going at once", "watches", attack).await;
}

/// They do not read while much is said. In the end they are cut off, and others may watch.
pub fn without_reading(report: &mut Report) {
    let attack = async {
        let settings = "
            server.listen = '127.0.0.1:0'
            connections.idle_ms = 10_000
            [operators]
            key = 'KEY'
        ";
        let arena = Arena::with("outsider-unread", &settings.replace("KEY", KEY));
        let at = arena.at;
        let before = arena.memory().unwrap_or(0);
        let mut watching = Vec::new();
        while let Ok(raw) = watcher(at, "").await {
            watching.push(raw);
        }
        let count = watching.len();
        let (most, failed) = talk(&arena).await;
        let within = most <= before + count * BYTES_EACH + BYTES_BESIDE;
        // Who would read now would be no such one any more.
        let end = timeout(PATIENCE, nobody_watches(at)).await;
        let end = end.map_or("not all cut off", |()| "all cut off");
        drop(watching);
        let newcomer = newcomer(at).await;
        format!(
            "{count} watch, {failed} not said, memory within bounds: {within}, {end}; \
             a newcomer {newcomer}"
        )
    };
    let expected = format!(
        "{WATCHERS} watch, 0 not said, memory within bounds: true, all cut off; a newcomer \
         watches"
    );
    let attempt = format!("watching without reading, while {MESSAGES} messages are said");
    report.begins(attempt, expected, attack);
}

/// Waits until the server knows of nobody who watches.
async fn nobody_watches(at: std::net::SocketAddr) {
    loop {
        let mut raw = Raw::connect(at).await;
        raw.write(request("GET", b"/inspect/engine", &[HERE.as_bytes()], b"")).await;
        if raw.answer().await.contains("\"watchers\":0,") {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// A back end says much. How much memory the server had meanwhile, and what was not taken.
async fn talk(arena: &Arena) -> (usize, usize) {
    let payload = "x".repeat(BYTES);
    let body = format!(r#"{{"target":"everyone","event":"say","payload":"{payload}"}}"#);
    let said = format!(
        "POST /api/publish HTTP/1.1\r\n{ELSEWHERE}\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut raw, mut most, mut failed) = (Raw::connect(arena.at).await, 0, 0);
    for number in 0..MESSAGES {
        raw.write(&said).await;
        failed += usize::from(outcome(&mut raw).await != "200");
        if number % 250 == 0 {
            most = most.max(arena.memory().unwrap_or(0));
        }
    }
    (most.max(arena.memory().unwrap_or(0)), failed)
}

/// A name with the end of an event in it, and one of the watcher's page.
async fn forged_events(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let Ok(mut watching) = watcher(at, "?kind=rejoin,leave").await else {
            return "nobody may watch".to_owned();
        };
        let mut page = Page::of("mallory", at).await;
        let topic = "open:\"}\n\nevent: end\ndata: {}\n\r\u{2028}<script>";
        for topic in [topic, forged_line()] {
            page.ask(topic, "phx_join", json!({})).await;
        }
        page.ask(forged_line(), "phx_leave", json!({})).await;
        let told = watching.until("\"kind\":\"leave\"").await;
        let lines: Vec<_> = told.lines().filter(|line| line.starts_with("event:")).collect();
        format!(
            "{} of topics that are named so: {lines:?}",
            told.matches("\"kind\":\"rejoin\"").count()
        )
    };
    let expected = "2 of topics that are named so: [\"event: watching\"]";
    report.tried("a topic that looks like events of a stream", expected, attack).await;
}

/// No label is anything that a client has said.
async fn names_in_figures(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        raw.write(request("GET", b"/metrics", &[ELSEWHERE.as_bytes(), &bearer(KEY)], b"")).await;
        let figures = raw.answer().await;
        let said = ["open:", "room:", "mallory", "ann", "bob", "FORGED", "say", "evil", "\u{1b}"];
        // As a label would have it.
        let told = said.iter().filter(|word| figures.contains(&format!("=\"{word}")));
        let told: Vec<_> = told.collect();
        let is_whole = figures.ends_with("# EOF");
        format!("{}, whole: {is_whole}, {told:?}", figures.get(..3).unwrap_or(CUT))
    };
    report.tried("names in figures", "200, whole: true, []", attack).await;
}
