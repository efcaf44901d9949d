//! Looking inside: who may, and that what is shown is what happens.

mod lists;
mod watching;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use parlor::{Address, Json, Outbound, Publish};
use parlor_server::Settings;
use serde_json::{Value, json};

use crate::{
    operators::{KEY, ask, start_with_key},
    settings, start, until,
};
use watching::Watching;

const HERE: &str = "host: localhost";
const DATA: [&str; 4] =
    ["/inspect/stream", "/inspect/rooms", "/inspect/clients", "/inspect/engine"];

/// The status of an answer, of which no more is read.
async fn status(at: std::net::SocketAddr, path: &str, headers: &[&str]) -> u16 {
    Watching::ask(at, path, headers).await.map_or_else(|(status, _)| status, |_| 200)
}

#[tokio::test]
async fn what_is_inside_is_shown_with_the_key_or_on_the_same_machine() {
    let key = format!("authorization: Bearer {KEY}");
    for (running, refused) in [(start(settings()).await, 403), (start_with_key().await, 401)] {
        for path in DATA {
            assert_eq!(status(running.at, path, &[HERE]).await, 200, "{path}");
            for headers in [
                &["host: chat.example"][..],
                &[HERE, "x-forwarded-for: 127.0.0.1"],
                &[HERE, "forwarded: for=127.0.0.1"],
                &[HERE, "origin: http://evil.example"],
                &[HERE, "sec-fetch-site: cross-site"],
            ] {
                assert_eq!(status(running.at, path, headers).await, refused, "{path} {headers:?}");
            }
            let with_key = status(running.at, path, &["host: chat.example", &key]).await;
            assert_eq!(with_key, if refused == 401 { 200 } else { 403 }, "{path}");
        }
    }
}

#[tokio::test]
async fn the_page_itself_is_for_everybody_under_a_strict_policy() {
    let running = start_with_key().await;
    let (status, page) = ask(running.at, "/inspect", &["host: chat.example"]).await;
    assert_eq!(status, 200);
    assert!(page.contains("content-security-policy: default-src 'none'; script-src 'self'"));
    let mut paths = Vec::new();
    let linked = page.split(['"', '\'']).filter(|part| part.starts_with("assets/"));
    paths.extend(linked.map(|path| format!("/{path}")));
    assert_eq!(paths, ["/assets/inspect.css", "/assets/inspect.js"]);
    let mut seen = 0;
    while let Some(path) = paths.get(seen).cloned() {
        seen += 1;
        let (status, asset) = ask(running.at, &path, &["host: chat.example"]).await;
        assert_eq!(status, 200, "{path}");
        for import in asset.split('"').filter_map(|part| part.strip_prefix("./")) {
            let import = format!("/assets/{import}");
            if !paths.contains(&import) {
                paths.push(import);
            }
        }
    }
    assert_eq!(seen, 11, "{paths:?}");
}

/// One lane, what its channel says, and where its journal is.
fn recorded(name: &str) -> (Settings, Arc<Mutex<Vec<Value>>>, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_dir_all(&directory).ok();
    fs::create_dir_all(&directory).unwrap();
    let journal = directory.join("journal");
    let said = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&said);
    let observer = move |outbound: &Outbound| {
        written.lock().unwrap().push(serde_json::to_value(outbound).unwrap());
    };
    let settings = Settings {
        lanes: 1,
        journal: Some(journal.clone()),
        observer: Some(Arc::new(observer)),
        ..settings()
    };
    (settings, said, journal)
}

/// The same without recipients, who are told beside it.
fn without_recipients(mut outbound: Value) -> Value {
    let inner = outbound.as_object_mut().unwrap().values_mut().next().unwrap();
    inner.as_object_mut().unwrap().remove("recipients");
    outbound
}

#[tokio::test]
async fn what_goes_in_and_comes_out_is_shown_in_its_order() {
    let (settings, said, journal) = recorded("inspect_order");
    let running = start(settings).await;
    let mut ann = running.returning("ann", "session").await;
    ann.join("room:0", json!({})).await;
    let before = said.lock().unwrap().len();
    let mut watching = Watching::open(running.at, "").await;

    let mut bob = running.client("bob").await;
    for topic in ["room:1", "room:2"] {
        ann.join(topic, json!({"meta": {"of": "ann"}})).await;
        bob.join(topic, json!({})).await;
        bob.say(topic, json!({"a": [1, "ünï"], "b": null})).await;
    }
    assert_eq!(bob.ask("room:3", "say", json!({})).await.0, "error");
    let news = Publish::new(Address::Everyone, "fence", Json::of("fence").unwrap());
    running.server.publish(news).await.unwrap();

    let (mut lines, mut is_over) = (Vec::new(), false);
    while !is_over {
        let line = watching.line().await;
        is_over = line["kind"] == "reply" && line["answers"] == "publish";
        lines.push(line);
    }
    drop((ann, bob));
    running.shutdown().await;

    let recorded = fs::read_to_string(journal).unwrap();
    let recorded: Vec<Value> =
        recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected = said.lock().unwrap().split_off(before).into_iter();
    let mut numbers = Vec::new();
    for line in &lines {
        let number = usize::try_from(line["number"].as_u64().unwrap()).unwrap();
        if line["way"] == "in" {
            assert_eq!(line["body"], recorded[number - 1], "a line of the journal");
            numbers.push(number);
            continue;
        }
        let outbound = expected.next().unwrap();
        let recipients = outbound.as_object().unwrap().values().next().unwrap();
        if let Some(recipients) = recipients["recipients"].as_array() {
            assert_eq!(line["to"]["count"], recipients.len());
        }
        assert_eq!(line["body"], without_recipients(outbound));
    }
    let shown = numbers[0]..=numbers[numbers.len() - 1];
    let is_tick = |number: &usize| recorded[number - 1].get("tick").is_some();
    assert_eq!(numbers, shown.filter(|number| !is_tick(number)).collect::<Vec<_>>());
    let outs = lines.len() - numbers.len();
    assert!(outs > 15, "{outs} messages came out");
    assert_eq!(lines[0]["kind"], "connect");
    let effects = lines.iter().skip_while(|line| line["kind"] != "broadcast").take(3);
    let effects: Vec<_> = effects.map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(effects, ["broadcast", "reply", "broadcast_message"], "an event and its effects");
}

#[tokio::test]
async fn who_looks_leaves_no_trace() {
    let (settings, _, journal) = recorded("inspect_trace");
    let running = start(settings).await;
    running.client("ann").await.join("room:1", json!({})).await;
    let recorded = || fs::read_to_string(&journal).unwrap();
    until(|| recorded().contains(r#""grace":"skip""#)).await;
    let before = recorded();
    for _ in 0..3 {
        for path in &DATA[1..] {
            assert_eq!(status(running.at, path, &[HERE]).await, 200, "{path}");
        }
    }
    assert_eq!(recorded(), before);
}

#[tokio::test]
async fn one_sees_what_one_looks_for() {
    let running = start(settings()).await;
    let mut ann = running.returning("ann", "session").await;
    let mut watchings = Vec::new();
    for query in ["?topic=room%3A1", "?kind=broadcast,join&way=in", "?payloads=0&way=out"] {
        watchings.push(Watching::open(running.at, query).await);
    }
    for topic in ["room:2", "room:1"] {
        ann.join(topic, json!({"meta": {"mood": "fine"}})).await;
        ann.say(topic, json!("secret")).await;
    }
    let mut seen = Vec::new();
    for watching in &mut watchings {
        let mut lines = Vec::new();
        loop {
            let line = watching.line().await;
            let is_last = line["topic"] == "room:1"
                && [json!("broadcast"), json!("broadcast_message")].contains(&line["kind"]);
            let name = |key: &str| line[key].as_str().unwrap_or("-").to_owned();
            lines.push((name("kind"), name("topic"), line.get("body").is_some()));
            if is_last {
                break;
            }
        }
        seen.push(lines);
    }
    let kinds = |of: usize| seen[of].iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>();
    assert_eq!(kinds(0), ["rejoin", "reply", "presence_state", "presence_diff", "broadcast"]);
    assert!(seen[0].iter().all(|(_, topic, has_body)| topic == "room:1" && *has_body));
    assert!(kinds(1).iter().all(|kind| *kind == "broadcast"));
    assert_eq!(seen[1].len(), 2, "of both rooms");
    assert!(seen[2].iter().all(|(_, _, has_body)| !has_body), "{:?}", seen[2]);
    assert!(seen[2].len() >= 8, "{:?}", seen[2]);
}

#[tokio::test]
async fn a_client_sees_what_it_does_and_what_it_is_sent() {
    let running = start(settings()).await;
    let mut ann = running.returning("ann", "session").await;
    ann.join("room:1", json!({})).await;
    let members = running.server.members("room:1").await.unwrap().unwrap();
    let id = members.ids().next().unwrap().as_str().to_owned();
    let mut bob = running.client("bob").await;
    bob.join("room:1", json!({})).await;
    ann.until("presence_diff").await;
    let mut watching = Watching::open(running.at, &format!("?client={id}")).await;
    bob.join("room:2", json!({})).await;
    bob.say("room:1", json!(1)).await;
    ann.ask("room:1", "say", json!(2)).await;
    let mut kinds = Vec::new();
    while kinds.len() < 4 {
        let line = watching.line().await;
        kinds.push(line["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, ["broadcast_message", "broadcast", "reply", "broadcast_message"]);
}

#[tokio::test]
async fn what_is_misspelt_is_refused() {
    let running = start(settings()).await;
    for (query, expected) in [
        ("kind=joint", "expected the label of an event or of a message, such as join"),
        ("room=a", "unknown field `room`, expected one of `topic`, `client`, `kind`, `way`"),
        ("way=up", "unknown variant `up`, expected `in` or `out`"),
        ("payloads=2", "payloads is 2, expected 0 or 1"),
        ("topic=", "an empty name is nobody's, expected one, or no `topic` or `client`"),
        ("client=&topic=a", "an empty name is nobody's"),
    ] {
        let path = format!("/inspect/stream?{query}");
        let (status, said) = Watching::ask(running.at, &path, &[HERE]).await.err().unwrap();
        assert!(status == 400 && said.contains(expected), "{status} {said}");
    }
}

#[tokio::test]
async fn who_is_slow_is_told_of_what_it_misses_and_nobody_else_notices() {
    const MESSAGES: u64 = 6_000;
    let running = start(Settings { lanes: 1, ..settings() }).await;
    let mut ann = running.returning("ann", "session").await;
    ann.join("room:1", json!({})).await;
    let mut slow = Watching::open(running.at, "").await;
    let text = Json::of(&"x".repeat(1_500)).unwrap();
    for number in 1..=MESSAGES {
        let publish = Publish::new(Address::Topic("room:1".into()), "say", text.clone());
        running.server.publish(publish).await.unwrap();
        let heard = ann.until("say").await;
        assert_eq!(heard[4], "x".repeat(1_500), "message {number}");
    }
    // What has gone in, and each with two that come out.
    let (mut lines, mut skipped, mut last) = (0, 0, 0);
    while lines + skipped < 3 * MESSAGES {
        let (event, data) = slow.next().await.unwrap();
        if event == "skipped" {
            skipped += data["lines"].as_u64().unwrap();
        } else {
            lines += 1;
            let number = data["number"].as_u64().unwrap();
            assert!(number >= last, "in order");
            last = number;
        }
    }
    assert_eq!(lines + skipped, 3 * MESSAGES);
    assert!(skipped > 0, "none was skipped");
}

#[tokio::test]
async fn so_many_may_watch_and_who_goes_is_forgotten() {
    let running = start(settings()).await;
    let watchers = || async {
        let (_, answer) = ask(running.at, "/inspect/engine", &[HERE]).await;
        lists::body(&answer)["watchers"].as_u64().unwrap()
    };
    let mut all = Vec::new();
    for _ in 0..16 {
        all.push(Watching::open(running.at, "").await);
    }
    assert_eq!(watchers().await, 16);
    let (status, said) = Watching::ask(running.at, "/inspect/stream", &[HERE]).await.err().unwrap();
    assert!(status == 503 && said.contains("too_many_watchers"), "{said}");
    drop(all);
    while watchers().await > 0 {
        tokio::task::yield_now().await;
    }
    Watching::open(running.at, "").await;
}

#[tokio::test]
async fn who_watches_is_told_when_the_server_goes() {
    let running = start(settings()).await;
    let mut watching = Watching::open(running.at, "").await;
    let client = running.client("ann").await;
    assert_eq!(watching.line().await["kind"], "connect");
    drop(client);
    until(|| running.server.connections() == 0).await;
    running.shutdown().await;
    let mut last = None;
    while let Some((event, _)) = watching.next().await {
        last = Some(event);
    }
    assert_eq!(last.as_deref(), Some("end"));
}
