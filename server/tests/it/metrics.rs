//! What `/metrics` says: that it is OpenMetrics, that each count moves by what has happened and by
//! nothing else, and who may read it.
#![expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::float_cmp,
    reason = "counts are whole numbers, and no large ones"
)]

mod failing;
mod open_metrics;

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use parlor::{Config, EventDefinition, Kick, RoomConfig};
use parlor_server::{HistorySettings, OperatorKey, Settings};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use self::open_metrics::Page;
use crate::{Client, PATIENCE, Running, settings, start, until};

/// What a server answers to a request with such lines in its head.
pub async fn ask(at: SocketAddr, path: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close, upgrade\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.expect("answers in time").unwrap();
    answer
}

/// The page, asked for from the same machine.
pub async fn scrape(at: SocketAddr) -> Page {
    let answer = ask(at, "/metrics", "host: localhost\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    let form = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(form), "{head}");
    Page::read(body).unwrap_or_else(|wrong| panic!("{wrong}\n{body}"))
}

/// What has moved between two pages, but for what time alone moves.
fn moved(before: &Page, after: &Page) -> BTreeMap<String, f64> {
    let moves = |name: &str| {
        let with_time = ["_seconds", "_batch_", "process_", "kind=\"tick\"", "_mailbox_"];
        !with_time.iter().any(|part| name.contains(part))
    };
    let known = before.samples.keys().eq(after.samples.keys());
    assert!(known, "which samples there are does not depend on what happens");
    let all = after.samples.iter().filter(|(name, _)| moves(name));
    let all = all.map(|(name, value)| (name.clone(), value - before.of(name)));
    all.filter(|(_, by)| by.abs() > 0.0).collect()
}

/// Waits until exactly that has moved: the engine counts after it has delivered.
async fn check(running: &Running, before: &Page, expected: &[(&str, f64)]) {
    let expected = expected.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect();
    let mut last = BTreeMap::new();
    let reached = async {
        while last != expected {
            last = moved(before, &scrape(running.at).await);
        }
    };
    let reached = timeout(PATIENCE, reached).await;
    assert!(reached.is_ok(), "moved by {last:#?}, expected {expected:#?}");
}

/// Two lanes; rooms that remember, and one for a single member.
fn remembering() -> Settings {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(10));
    let channel = Config::builder()
        .grace_ms(1 << 40)
        .room("room:*", room)
        .room("cell", RoomConfig::default().with_max_members(1))
        .build()
        .unwrap();
    Settings { channel, lanes: 2, ..settings() }
}

#[tokio::test]
async fn a_conversation_is_counted() {
    let running = start(remembering()).await;
    let before = scrape(running.at).await;
    assert_eq!(before.of("parlor_rooms"), 1.0, "the one that is declared");

    let mut ann = running.client("ann").await;
    let mut bob = running.dialogue("bob").await;
    ann.join("room:1", json!({})).await;
    bob.join("room:1").await;
    ann.until("presence_diff").await;
    bob.trigger("room:1", "say", json!("hello")).await;
    assert_eq!(bob.hear("room:1", "say").await, "hello");
    assert_eq!(ann.until("say").await[4], "hello");
    ann.join("cell", json!({})).await;
    ann.ask("elsewhere", "say", json!(1)).await;
    bob.trigger("elsewhere", "say", json!(1)).await;
    bob.next().await;
    let mut eve = running.client("eve").await;
    eve.ask("cell", "phx_join", json!({})).await;

    let bytes = "\"hello\"saybob".len() + bob.client_id.len();
    check(
        &running,
        &before,
        &[
            ("parlor_clients", 3.0),
            ("parlor_connection_places", 3.0),
            ("parlor_connections_opened_total{protocol=\"dialogue\"}", 1.0),
            ("parlor_connections_opened_total{protocol=\"phoenix\"}", 2.0),
            ("parlor_connections{protocol=\"dialogue\"}", 1.0),
            ("parlor_connections{protocol=\"phoenix\"}", 2.0),
            // What each is told of its join and of what it says; what it is shown, and hears.
            ("parlor_deliveries_total{protocol=\"dialogue\",kind=\"broadcast_message\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"dialogue\",kind=\"reply\"}", 2.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"broadcast_message\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"presence_diff\"}", 1.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"presence_state\"}", 2.0),
            ("parlor_deliveries_total{protocol=\"phoenix\",kind=\"reply\"}", 4.0),
            ("parlor_events_total{kind=\"broadcast\"}", 3.0),
            ("parlor_events_total{kind=\"connect\"}", 3.0),
            ("parlor_events_total{kind=\"join\"}", 1.0),
            // A client of Phoenix joins and comes back by the same word.
            ("parlor_events_total{kind=\"rejoin\"}", 3.0),
            ("parlor_history_bytes", bytes as f64),
            ("parlor_history_messages", 1.0),
            ("parlor_memberships", 3.0),
            ("parlor_presence_joins_total", 3.0),
            ("parlor_refusals_total{reason=\"room_full\"}", 1.0),
            ("parlor_refusals_total{reason=\"unknown_topic\"}", 2.0),
            ("parlor_rooms", 1.0),
            ("parlor_rooms_opened_total", 1.0),
        ],
    )
    .await;
    // Of what was said in room:1, cell and elsewhere one of sixteen is measured, from the first on.
    let page = scrape(running.at).await;
    assert!([1.0, 2.0].contains(&page.of("parlor_handle_seconds_count")));
    assert!(page.of("parlor_handle_seconds_sum") <= page.of("parlor_batch_seconds_sum"));
}

#[tokio::test]
async fn ends_of_connections_are_counted_by_code() {
    let running = start(remembering()).await;
    let before = scrape(running.at).await;
    let mut left = running.client("left").await;
    left.socket.close(None).await.unwrap();
    drop(running.client("lost").await);
    let mut kicked = running.returning("kicked", "s").await;
    kicked.join("room:1", json!({})).await;
    let members = running.server.members("room:1").await.unwrap().unwrap();
    let id = members.ids().next().unwrap().clone();
    running.server.kick(Kick::new(id, "enough")).await.unwrap();
    assert_eq!(kicked.closed().await.0, 1001);
    let mut old = running.returning("ann", "s").await;
    let new = running.returning("ann", "s").await;
    assert_eq!(old.closed().await.0, 4000);
    let mut dialogue = running.dialogue("bob").await;
    dialogue.send_raw("4no packet").await;
    assert_eq!(dialogue.closed().await.0, 1008);

    let mut moved = BTreeMap::new();
    let reached = async {
        while moved.len() < 5 || moved.values().any(|by| *by != 1.0) {
            let all = self::moved(&before, &scrape(running.at).await);
            moved = all.into_iter().filter(|(name, _)| name.contains("_closed_")).collect();
        }
    };
    let reached = timeout(PATIENCE, reached).await;
    let expected = [("dialogue", "1008"), ("phoenix", "1001"), ("phoenix", "4000")];
    let expected = expected.into_iter().chain([("phoenix", "left"), ("phoenix", "lost")]);
    let expected = expected.map(|(protocol, code)| {
        format!("parlor_connections_closed_total{{protocol=\"{protocol}\",code=\"{code}\"}}")
    });
    assert!(reached.is_ok() && moved.keys().cloned().eq(expected), "{moved:#?}");
    drop(new);
}

#[tokio::test]
async fn a16_a_connection_that_is_lost_is_not_a_kick() {
    let running = start(remembering()).await;
    let (disconnects, kicks) =
        ("parlor_events_total{kind=\"disconnect\"}", "parlor_events_total{kind=\"kick\"}");
    let before = scrape(running.at).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    drop(ann);
    let counted =
        async { while scrape(running.at).await.of(disconnects) < before.of(disconnects) + 1.0 {} };
    timeout(PATIENCE, counted).await.expect("the channel is told");
    assert_eq!(scrape(running.at).await.of(kicks), before.of(kicks));
}

#[tokio::test]
async fn connections_that_are_not_taken_are_counted_by_reason() {
    let running = start(Settings { lanes: 2, ..Settings::from_toml(DOOR).unwrap() }).await;
    let before = scrape(running.at).await;
    for query in ["vsn=1.0.0", "vsn=2.0.0&session=", "vsn=2.0.0&token=x"] {
        let url = format!("/socket/websocket?{query}");
        let answer = ask(running.at, &url, UPGRADE).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{query}: {answer}");
    }
    let page = format!("{UPGRADE}origin: https://evil.example\r\n");
    ask(running.at, "/socket/websocket?vsn=2.0.0", &page).await;
    let (_client, entered) = running.dialogue_with(json!({"token": "x.y.z"})).await;
    entered.unwrap_err();
    check(
        &running,
        &before,
        &[
            // The transport is there, whoever speaks by it.
            ("parlor_connection_places", 1.0),
            (refused("dialogue", "unauthenticated").as_str(), 1.0),
            (refused("phoenix", "origin").as_str(), 1.0),
            (refused("phoenix", "session").as_str(), 1.0),
            (refused("phoenix", "unauthenticated").as_str(), 1.0),
            (refused("phoenix", "version").as_str(), 1.0),
        ],
    )
    .await;
}

const DOOR: &str = "auth = {hs256_secret = 'thirty-two bytes of a test secret'}\n\
                    operators = {same_machine = 'on'}";

const UPGRADE: &str = "host: localhost\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

fn refused(protocol: &str, reason: &str) -> String {
    let labels = format!("protocol=\"{protocol}\",reason=\"{reason}\"");
    format!("parlor_connections_refused_total{{{labels}}}")
}

#[tokio::test]
async fn who_comes_back_is_counted_by_whether_something_is_missing() {
    let running = start(remembering()).await;
    let mut ann = running.returning("ann", "s").await;
    let (joined, _) = ann.join("room:1", json!({})).await;
    let before = scrape(running.at).await;
    let known = json!({"epoch": joined["epoch"], "offset": 0});
    let unknown = json!({"epoch": 1, "offset": 0});
    for (since, recovered) in [(&known, true), (&unknown, false), (&known, true)] {
        ann = come_back(&running, ann).await;
        let (response, _) = ann.join("room:1", json!({"since": since})).await;
        assert_eq!(response["recovered"], recovered, "{since}");
    }
    // Who asks for nothing misses nothing, and who is refused is not back.
    ann = come_back(&running, ann).await;
    ann.join("room:1", json!({})).await;
    let mut bob = running.client("bob").await;
    bob.join("cell", json!({})).await;
    let (status, _) = ann.ask("cell", "phx_join", json!({"since": known})).await;
    assert_eq!(status, "error");

    let expected = [("no", 2.0), ("yes", 1.0)];
    let mut counts = [0.0; 2];
    let reached = async {
        while counts != expected.map(|(_, count)| count) {
            let page = scrape(running.at).await;
            let of =
                |page: &Page, gap| page.of(&format!("parlor_recoveries_total{{gap=\"{gap}\"}}"));
            counts = expected.map(|(gap, _)| of(&page, gap) - of(&before, gap));
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "{counts:?}, expected {expected:?}");
}

async fn come_back(running: &Running, client: Client) -> Client {
    let before = running.server.connections();
    drop(client);
    until(|| running.server.connections() < before).await;
    running.returning("ann", "s").await
}

#[tokio::test]
async fn what_waits_for_a_client_that_does_not_read_is_told() {
    let running = start(remembering()).await;
    let mut deaf = running.client("deaf").await;
    deaf.join("room:1", json!({})).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let text = "x".repeat(50_000);
    let reached = async {
        // What is on its way does not wait any more: there may be much of it.
        loop {
            let page = scrape(running.at).await;
            if page.of("parlor_queue_longest_messages") >= 3.0 {
                return page;
            }
            ann.say("room:1", json!(text)).await;
        }
    };
    // All of one page: what waits is still on its way to the machine.
    let page = timeout(PATIENCE, reached).await.expect("something waits");
    assert!(page.of("parlor_queue_messages") >= 3.0);
    assert!(page.of("parlor_queue_bytes") >= 150_000.0);
    assert!(page.of("parlor_queue_largest_bytes") >= 150_000.0);
    drop(deaf);
    until(|| running.server.connections() == 1).await;
    // For ann there may be a word about it.
    let reached = async { while scrape(running.at).await.of("parlor_queue_messages") > 0.0 {} };
    timeout(PATIENCE, reached).await.expect("nothing waits");
}

#[tokio::test]
async fn no_label_is_what_a_client_has_said() {
    let running = start(remembering()).await;
    let before = scrape(running.at).await;
    let mut ann = running.returning("hostile-name", "s").await;
    ann.join("room:hostile\"} 1\n", json!({"meta": {"hostile": "hostile"}})).await;
    ann.ask("room:hostile\"} 1\n", "hostile-event", json!("hostile")).await;
    ann.ask("hostile-topic", "phx_join", json!({})).await;
    ask(running.at, "/socket/websocket?vsn=hostile", UPGRADE).await;
    let after = scrape(running.at).await;
    assert_eq!(before.labels, after.labels);
    assert!(!format!("{after:?}").contains("hostile"));
    let names: Vec<_> = after.labels.iter().map(|(name, _)| name.as_str()).collect();
    let known = ["code", "gap", "kind", "lane", "le", "protocol", "reason", "version"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    // It follows from the settings how long the page is.
    assert!(after.samples.len() < 250, "{}", after.samples.len());
}

#[tokio::test]
async fn what_goes_to_the_file_of_the_history_is_counted() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics-store");
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir_all(&directory).unwrap();
    let history = Some(HistorySettings::new(directory.join("history.sqlite")));
    let running = start(Settings { history, ..remembering() }).await;
    let before = scrape(running.at).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    // Ten of them stay in memory too.
    for number in 0..15 {
        ann.say("room:1", json!(number)).await;
    }
    let mut last = 0.0;
    let reached = async {
        while last != 15.0 {
            last = scrape(running.at).await.of("parlor_store_messages_total{result=\"written\"}");
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "{last} are written");
    let after = scrape(running.at).await;
    assert_eq!(before.labels, after.labels);
    for unmoved in ["parlor_store_messages_total{result=\"lost\"}", "parlor_store_failed"] {
        assert_eq!(after.of(unmoved), 0.0, "{unmoved}");
    }
    assert!(!scrape(start(settings()).await.at).await.families.contains_key("parlor_store_failed"));
}

#[tokio::test]
async fn the_page_is_for_operators() {
    let open = start(settings()).await;
    let operator_key = Some(OperatorKey::new("a-key-of-this-test-alone").unwrap());
    let closed = start(Settings { operator_key, ..settings() }).await;
    let shown = "authorization: Bearer a-key-of-this-test-alone\r\n";
    let check = async |running: &Running, head: &str, status: u16| {
        let answer = ask(running.at, "/metrics", head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert_eq!(answer.contains("parlor_events_total"), status == 200, "{head}: {answer}");
    };
    for running in [&open, &closed] {
        let refused = if running.at == open.at { 403 } else { 401 };
        check(running, "host: 127.0.0.1:4000\r\n", 200).await;
        check(running, "host: chat.example\r\n", refused).await;
        check(running, "host: localhost\r\nx-forwarded-for: 127.0.0.1\r\n", refused).await;
        check(running, "host: localhost\r\norigin: https://evil.example\r\n", refused).await;
    }
    check(&closed, &format!("host: chat.example\r\n{shown}"), 200).await;
    check(&closed, "host: localhost\r\nauthorization: Bearer another-key-of-a-test\r\n", 401).await;
}

#[tokio::test]
async fn who_may_not_look_or_act_is_counted_by_reason() {
    let key = |shown: &str| format!("host: chat.example\r\nauthorization: Bearer {shown}\r\n");
    let (nothing, wrong) = ("host: chat.example\r\n", key("another-key-of-a-test"));
    let right = key("a-key-of-this-test-alone");
    let operator_key = Some(OperatorKey::new("a-key-of-this-test-alone").unwrap());
    let closed = Settings { operator_key, ..remembering() };
    for (settings, head, reason) in [
        (closed.clone(), nothing, "no_key"),
        (closed, &*wrong, "wrong_key"),
        (remembering(), nothing, "no_operators_key"),
        (remembering(), &*wrong, "no_operators_key"),
    ] {
        let running = start(settings).await;
        let before = scrape(running.at).await;
        for path in ["/metrics", "/inspect/rooms", "/api/rooms", "/api/nothing"] {
            let answer = ask(running.at, path, head).await;
            assert!(answer.contains(&format!("\"reason\":\"{reason}\"")), "{path}: {answer}");
        }
        // What everybody may, and what was allowed, is not among them.
        ask(running.at, "/healthz", nothing).await;
        ask(running.at, "/inspect", nothing).await;
        ask(running.at, "/api/openapi.json", &right).await;
        let name = format!("parlor_operators_refused_total{{reason=\"{reason}\"}}");
        let by = if reason == "no_operators_key" { 5.0 } else { 4.0 };
        check(&running, &before, &[(name.as_str(), by)]).await;
    }
}

#[tokio::test]
async fn what_runs_is_told() {
    let running = start(settings()).await;
    let page = scrape(running.at).await;
    assert_eq!(
        page.of(&format!("parlor_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))),
        1.0
    );
    assert_eq!(page.families["parlor_batch_seconds"].unit, "seconds");
    assert_eq!(page.of("parlor_engine_up"), 1.0);
    assert_eq!(page.of("parlor_journal_failed"), 0.0);
    for lane in 0..3 {
        assert_eq!(page.of(&format!("parlor_lane_helped_total{{lane=\"{lane}\"}}")), 0.0);
    }
    if cfg!(target_os = "linux") {
        assert!(page.of("process_resident_memory_bytes") > 1e6);
        assert!(page.of("process_open_fds") > 3.0);
        assert!(page.of("process_max_fds") > page.of("process_open_fds"));
        assert!(page.of("process_cpu_seconds_total") < 1e5);
    }
    running.server.shutdown().await;
    running.task.await.unwrap();
}
